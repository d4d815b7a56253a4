"""Every format from `open_subject` to a decoded picture, and through the own format unchanged."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from mindvis_gui.cli import main
from mindvis_gui.data import open_subject
from mindvis_gui.data.preparation import Preparation, prepare_subject
from mindvis_gui.data.prepare import measure_normalisation, prepare
from mindvis_gui.data.source_contents import inspect_source
from tests.data.fuzz import ALL_MAKERS
from tests.data.makers import ARRAY_MAKERS, MAKERS, PLANNED

NEW = ("nsd", "nsd-nifti", "glmsingle", "glmsingle-hdf5", "mindeye2", "things")


def test_the_table_says_how_every_one_is_made():
    text = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    assert [name for name in ALL_MAKERS if f"`{name}`" not in text] == []


@pytest.mark.parametrize("name", MAKERS)
def test_import_changes_nothing(tmp_path, name):
    source = MAKERS[name](tmp_path / "source")
    assert main(["import-subject", str(source), "--out", str(tmp_path / "copy.h5")]) == 0
    first, copy = open_subject(source), open_subject(tmp_path / "copy.h5")
    every = range(len(first.trials))
    assert np.array_equal(copy.responses(every), first.responses(every))
    assert copy.trials == first.trials
    assert [r.name for r in copy.rois] == [r.name for r in first.rois]
    for old, new in zip(first.rois, copy.rois, strict=True):
        assert np.array_equal(new.voxels, old.voxels)
    for trial in first.trials[:20]:
        picture = first.stimulus(trial)
        found = copy.stimulus(trial)
        assert (found is None) if picture is None else np.array_equal(found, picture)
    assert (copy.ijk is None) == (first.ijk is None)
    if first.ijk is not None:
        assert np.array_equal(copy.ijk, first.ijk)
        assert np.allclose(copy.affine, first.affine)
    for key, values in first.maps.items():
        assert np.array_equal(copy.maps[key], values, equal_nan=True)


def plan_of(name, source):
    """Return the plan of a source that no format describes, or that needs more than itself."""
    if name in PLANNED:
        return PLANNED[name][1](source)
    return inspect_source(source).plan


@pytest.mark.parametrize("name", [*PLANNED, *ARRAY_MAKERS])
def test_the_command_of_a_plan_makes_what_decodes(tmp_path, name, tiny_model):
    plan = plan_of(name, ALL_MAKERS[name](tmp_path / "source"))
    assert main(plan.arguments(tmp_path / "copy.h5")) == 0
    first, copy = plan.read(), open_subject(tmp_path / "copy.h5")
    every = range(len(first.trials))
    assert np.array_equal(copy.responses(every), first.responses(every))
    assert copy.trials == first.trials
    assert [(r.name, r.voxels.tolist()) for r in copy.rois] == [
        (r.name, r.voxels.tolist()) for r in first.rois
    ]
    assert (copy.ijk is None) == (first.ijk is None)
    if first.ijk is not None:
        assert np.array_equal(copy.ijk, first.ijk)
    vector = prepare(copy, copy.trials[3], measure_normalisation(copy))
    options = ["--model", str(tiny_model(copy.n_voxels)), "--steps", "1", "--seeds", "0"]
    out = tmp_path / "out"
    source = str(tmp_path / "copy.h5")
    assert main(["decode", source, *options, "--trials", "3", "--out", str(out)]) == 0
    (entry,) = json.loads((out / "decode.json").read_text())["trials"]
    assert entry["request"]["vector_sha256"] == hashlib.sha256(vector.tobytes()).hexdigest()


@pytest.mark.parametrize("name", MAKERS)
def test_decode_with_a_model_of_the_same_size(tmp_path, name, tiny_model):
    source = MAKERS[name](tmp_path / "source")
    subject = open_subject(source)
    trial = subject.trials[3]
    vector = prepare(subject, trial, measure_normalisation(subject))
    model = tiny_model(subject.n_voxels)
    options = ["--model", str(model), "--steps", "1", "--seeds", "0", "--trials", "3"]
    out = tmp_path / "out"
    assert main(["decode", str(source), *options, "--out", str(out)]) == 0
    names = {path.name for path in out.glob("*.png")}
    shown = {"trial-0003_stimulus.png"} if subject.stimulus(trial) is not None else set()
    assert names == {"trial-0003_seed-0000.png"} | shown
    (entry,) = json.loads((out / "decode.json").read_text())["trials"]
    assert entry["request"]["vector_sha256"] == hashlib.sha256(vector.tobytes()).hexdigest()
    assert not Preparation.from_json(entry["request"]["preparation"])


def test_a_decode_tells_how_responses_were_prepared(tmp_path, tiny_model):
    source = MAKERS["nsd"](tmp_path / "source")
    options = ["--model", str(tiny_model(100)), "--steps", "1", "--seeds", "0", "--trials", "3"]
    steps = ["--z-score", "run", "--filter", "split!=test", "--filter", "run=1-2"]
    out = tmp_path / "out"
    assert main(["decode", str(source), *options, *steps, "--out", str(out)]) == 0
    (entry,) = json.loads((out / "decode.json").read_text())["trials"]
    told = Preparation.from_json(entry["request"]["preparation"])
    assert (told.z_score, [str(each) for each in told.filters]) == (
        "run",
        ["split!=test", "run=1-2"],
    )
    prepared = prepare_subject(open_subject(source), told)
    vector = prepare(prepared, prepared.trials[3], measure_normalisation(prepared))
    assert entry["request"]["vector_sha256"] == hashlib.sha256(vector.tobytes()).hexdigest()


@pytest.mark.parametrize("name", NEW)
def test_info_says_what_was_found(tmp_path, name, capsys):
    source = MAKERS[name](tmp_path / "source")
    assert main(["info", str(source)]) == 0
    told = capsys.readouterr().out
    subject = open_subject(source)
    assert all(note in told for note in subject.notes)
    assert subject.origin in told
