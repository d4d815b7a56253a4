import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.data.import_plan import ImportPlan
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.source_contents import can_be_imported, inspect_source
from mindvis_gui.data.trial_filter import TrialFilter
from mindvis_gui.jobs import Jobs
from mindvis_gui.session.importing import SubjectImport
from tests.data.makers import make_arrays, make_series, trial_arrays


@pytest.fixture
def importing(qapp):
    jobs = Jobs()
    yield SubjectImport(jobs)
    jobs.close()


def inspected(qtbot, importing, path):
    with qtbot.waitSignal(importing.previewed):
        importing.inspect(path)
    return importing


def test_a_preview_is_of_the_plan(qtbot, importing, tmp_path):
    inspected(qtbot, importing, make_arrays(tmp_path))
    made = importing.preview
    assert made.counts == {"test": 6, "train": 24}
    rows = [0, 1, 2, 3, 6, 7, 8, 9]
    assert np.array_equal(made.responses, trial_arrays()["responses"][rows])
    assert made.pictures == (None,) * 8
    assert made.grid is not None
    assert made.missing == ("stimuli",)
    keep = Preparation((TrialFilter.parse("trial=0-9"),), "voxel")
    with qtbot.waitSignal(importing.previewed):
        importing.change(ImportPlan(importing.plan.source, responses="responses", preparation=keep))
    assert importing.preview.counts == {"train": 10}
    assert importing.preview.grid is None


def test_of_many_changes_the_newest_is_previewed(qtbot, importing, tmp_path):
    inspected(qtbot, importing, make_arrays(tmp_path))
    seen = []
    importing.previewed.connect(lambda: seen.append(importing.preview.subject.name))
    for name in "abcde":
        importing.change(ImportPlan(importing.plan.source, responses="responses", name=name))
    qtbot.waitUntil(lambda: not importing.busy)
    assert seen[-1] == "e"
    assert len(seen) <= 2


def test_what_cannot_be_is_one_sentence(qtbot, importing, tmp_path):
    inspected(qtbot, importing, make_arrays(tmp_path))
    good = importing.plan
    with qtbot.waitSignal(importing.previewed):
        importing.change(ImportPlan(good.source, responses="gone"))
    assert "no array is called 'gone'" in importing.problem
    assert not importing.ready
    with qtbot.waitSignal(importing.previewed):
        importing.change(good)
    qtbot.waitUntil(lambda: importing.ready)


def test_writing(qtbot, importing, tmp_path):
    inspected(qtbot, importing, make_arrays(tmp_path))
    qtbot.waitUntil(lambda: importing.ready)
    done = []
    importing.progressed.connect(done.append)
    with qtbot.waitSignal(importing.written):
        importing.write(tmp_path / "out.h5")
    assert done[-1] == 1.0
    made = open_subject(tmp_path / "out.h5")
    assert np.array_equal(made.responses(range(30)), trial_arrays()["responses"])
    qtbot.waitUntil(lambda: importing.ready)
    with qtbot.waitSignal(importing.previewed):
        importing.write(tmp_path / "mine.npz")
    assert "the source itself" in importing.problem


def test_cancelled_writing_leaves_nothing(qtbot, importing, tmp_path):
    inspected(qtbot, importing, make_arrays(tmp_path / "in"))
    qtbot.waitUntil(lambda: importing.ready)
    importing.write(tmp_path / "out.h5")
    importing.cancel()
    qtbot.waitUntil(lambda: not importing.busy)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert importing.ready


def test_a_series_without_events_can_still_be_imported(qtbot, importing, tmp_path):
    folder = make_series(tmp_path / "a")
    image = folder / "sub-01_task-see_bold.nii.gz"
    table = (folder / "sub-01_task-see_events.tsv").rename(tmp_path / "onsets.tsv")
    assert can_be_imported(image)
    found = inspect_source(image)
    assert found.kind == "image"
    assert "events are missing" in found.problem
    with qtbot.waitSignal(importing.inspected):
        importing.inspect(image)
    with qtbot.waitSignal(importing.previewed):
        importing.change(ImportPlan(image, events=table, window=(2.0, 8.0)))
    assert importing.problem == ""
    assert importing.preview.subject.trials[3].stimulus_id == "p3"
