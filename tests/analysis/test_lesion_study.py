"""Lesion studies of a decoder that only V1 tells anything."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.analysis.lesion import (
    INTACT,
    LesionStudy,
    run_study,
)
from mindvis_gui.analysis.lesion_csv import long_table, summary, summary_table
from mindvis_gui.analysis.lesion_folder import LesionFolder
from mindvis_gui.analysis.lesion_plan import plan_lesions, without_whole_regions
from mindvis_gui.analysis.lesion_scores import LesionScorer
from mindvis_gui.analysis.lesion_table import latex_table, markdown_table
from mindvis_gui.data.prepare import measure_normalisation
from mindvis_gui.data.subject import Roi
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import DataError, ExportError, RequestError

SEEDS = (0, 1)


@pytest.fixture
def plan(subject):
    vector = np.zeros(subject.n_voxels, np.float32)
    return DecodeRequest(subject.name, 0, vector, SEEDS, Sampling(), "fake", "0" * 64)


@pytest.fixture
def run(subject, telling_decoder, plan):
    """Return ``run(trials, study)``: the study continued, and how far each step was."""
    scorer = LesionScorer(subject)
    normalisation = measure_normalisation(subject)

    def go(numbers, study=None, stop_after=None, groups=None, method="zero"):
        study = study or LesionStudy(
            plan_lesions(subject, groups, method), scorer.scores, SEEDS, plan.sampling
        )
        steps = run_study(
            telling_decoder,
            subject,
            normalisation,
            plan,
            [subject.trials[number] for number in numbers],
            study,
            scorer,
        )
        progress = []
        for step in steps:
            progress.append(step)
            study = step.study or study
            if stop_after is not None and len(study.trials) == stop_after:
                steps.close()
                break
        return study, progress

    return go


def test_the_region_that_tells_something_is_the_one_that_hurts(run):
    study, _ = run(range(6))
    v1, v2 = study.effect("V1", "pixel"), study.effect("V2", "pixel")
    assert study.intact("pixel") > 0.9
    assert v1.change < -0.5
    assert v1.interval[1] < 0
    assert v1.mean == pytest.approx(study.intact("pixel") + v1.change)
    assert v1.n_trials == 6
    assert v2.change == pytest.approx(0, abs=1e-6)
    assert study.effects().keys() >= {("V1", "colour"), ("PPA", "identification")}


def test_every_condition_starts_from_the_same_seeds(run, telling_decoder):
    run([2])
    assert len(telling_decoder.requests) == 8
    assert {request.seeds for request in telling_decoder.requests} == {SEEDS}
    names = [r.lesion and r.lesion.name for r in telling_decoder.requests]
    assert names == [None, "V1", "V2", "V3", "hV4", "LOC", "FFA", "PPA"]


def test_regions_are_left_out_together_or_voxels_at_random(run, subject):
    groups = {"early": ("V1", "V2"), "control": ("random:200",)}
    study, _ = run([0, 1], groups=groups)
    assert [lesion.voxels.size for lesion in study.lesions] == [200, 200]
    assert study.effect("early", "pixel").change < study.effect("control", "pixel").change


def test_each_control_is_a_draw_of_its_own(subject):
    groups = dict.fromkeys(("one", "two", "three"), ("random:70",))
    first, *others = (lesion.voxels for lesion in plan_lesions(subject, groups, "zero"))
    alone, again = (plan_lesions(subject, dict(list(groups.items())[:n]), "zero") for n in (1, 2))
    assert np.array_equal(alone[0].voxels, first)
    assert np.array_equal(again[1].voxels, others[0])
    assert [voxels.size for voxels in (first, *others)] == [70, 70, 70]
    # Of 70 in 700 voxels some 7 are shared by chance.
    shared = [np.intersect1d(first, others[0]), np.intersect1d(*others)]
    assert all(each.size < 20 for each in shared)


def test_progress_counts_decodes_and_ends_at_its_total(run):
    _, progress = run([0, 1])
    done = [step.done for step in progress]
    assert done == sorted(done)
    assert progress[-1].done == progress[-1].total == 16
    assert "without V2" in {step.what.partition(" ")[2].partition(" ")[2] for step in progress}
    assert set(progress[-1].results) == {INTACT, "V1", "V2", "V3", "hV4", "LOC", "FFA", "PPA"}


def test_trials_that_are_there_are_not_decoded_again(run, telling_decoder):
    study, _ = run([0, 1])
    telling_decoder.requests.clear()
    study, _ = run([0, 1, 2], study)
    assert {request.trial for request in telling_decoder.requests} == {2}
    assert [each.trial for each in study.trials] == [0, 1, 2]


def test_a_trial_that_fails_loses_no_other(run, telling_decoder):
    telling_decoder.fails = {1}
    study, _ = run([0, 1, 2])
    assert [each.trial for each in study.trials] == [0, 2]
    assert study.failed == {1: "trial 1 cannot be decoded"}
    telling_decoder.fails = set()
    study, _ = run([1], study)
    assert not study.failed
    assert len(study.trials) == 3


def test_one_stimulus_has_no_interval(run):
    study, _ = run([0, 6])  # two trials of one stimulus
    assert study.effect("V1", "pixel").interval is None


def test_a_study_of_other_lesions_is_another_study(run, subject):
    study, _ = run([0])
    assert study.continues(replace(study, trials=()))
    assert not study.continues(replace(study, seeds=(0, 2)))
    other = plan_lesions(subject, None, "noise")
    assert not study.continues(replace(study, lesions=other))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"all": ("V1", "V2", "V3", "hV4", "LOC", "FFA", "PPA")}, "leaves out all 700 voxels"),
        ({"a": ("V9",)}, "no region is called 'V9'"),
        ({"intact": ("V1",)}, "no lesion can be called 'intact'"),
        ({"c": ("random:many",)}, "no number of voxels"),
        ({}, "has no regions"),
    ],
)
def test_bad_plans_say_what_to_do(subject, groups, message):
    with pytest.raises((RequestError, DataError), match=message):
        plan_lesions(subject, groups, "zero")


def with_whole(subject, *names):
    every = tuple(Roi(name, np.arange(subject.n_voxels)) for name in names)
    return replace(subject, rois=(*every, *subject.rois))


def test_regions_of_every_voxel_are_not_left_out_by_themselves(subject):
    of_all = with_whole(subject, "VC")
    assert [each.name for each in plan_lesions(of_all, None, "zero")] == [
        roi.name for roi in subject.rois
    ]
    assert without_whole_regions(of_all) == ("VC holds all 700 voxels and was not left out.",)
    several = with_whole(subject, "VC", "general")
    said = "VC, general hold all 700 voxels and were not left out."
    assert without_whole_regions(several) == (said,)
    assert without_whole_regions(subject) == ()
    with pytest.raises(RequestError, match="lesion VC leaves out all 700 voxels"):
        plan_lesions(of_all, {"VC": ("VC",)}, "zero")
    with pytest.raises(
        RequestError, match=r"masked patches in the window.* --lesions control=random:70"
    ):
        plan_lesions(replace(of_all, rois=of_all.rois[:1]), None, "zero")


# -- on disk -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, subject, telling_decoder, plan):
    return LesionFolder(tmp_path / "study", subject, telling_decoder.info, plan)


def test_a_stopped_study_goes_on_where_it_was(run, folder, subject, telling_decoder):
    whole, _ = run(range(4))
    part, _ = run(range(4), stop_after=2)
    folder.keep(part)
    again = folder.resume(replace(part, trials=()), measure_normalisation(subject))
    telling_decoder.requests.clear()
    resumed, _ = run(range(4), again)
    assert {request.trial for request in telling_decoder.requests} == {2, 3}
    assert long_table(resumed) == long_table(whole)
    assert summary(resumed) == summary(whole)


def test_a_folder_of_another_study_is_refused(run, folder, subject):
    study, _ = run([0])
    folder.keep(study)
    with pytest.raises(ExportError, match=r"other seeds \(0, not 5\); choose another folder"):
        folder.resume(replace(study, seeds=(5, 1), trials=()), measure_normalisation(subject))
    other = replace(study, lesions=plan_lesions(subject, None, "noise"))
    with pytest.raises(ExportError, match="other lesions"):
        folder.resume(other, measure_normalisation(subject))


class Changed:
    """The responses of a recording, another one at trial 1."""

    def __init__(self, recording):
        self._recording = recording
        self.stimulus = recording.stimulus

    def responses(self, indices):
        return self._recording.responses(indices) + (np.asarray(indices) == 1)[:, None]


def test_a_study_of_other_responses_is_refused(run, folder, subject, telling_decoder, plan):
    study, _ = run([0, 1, 2])
    folder.keep(study)
    normalisation = measure_normalisation(subject)
    path = folder._folder

    def resume(changed):
        of_changed = LesionFolder(path, changed, telling_decoder.info, plan)
        return of_changed.resume(replace(study, trials=()), normalisation)

    said = "holds trial 1 of another response than tiny has at this number; choose another folder"
    changed = replace(subject, recording=Changed(subject.recording))
    with pytest.raises(ExportError, match=said):
        resume(changed)
    first, second, *others = subject.trials
    shown = replace(second, stimulus_id=first.stimulus_id)
    with pytest.raises(ExportError, match=said):
        resume(replace(subject, trials=(first, shown, *others)))
    with pytest.raises(ExportError, match=said):
        resume(replace(subject, trials=(first,)))
    # What was written before responses were told apart goes by the stimulus.
    index = json.loads((path / "lesion.json").read_text(encoding="utf-8"))
    for entry in index["trials"]:
        del entry["vector_sha256"]
    (path / "lesion.json").write_text(json.dumps(index), encoding="utf-8")
    assert [each.trial for each in resume(changed).trials] == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is damaged"),
        ("[]", "was not written by 'mindvis lesion'"),
        ('{"format": "mindvis lesion study", "format_version": 9}', "version 9 is not 1"),
    ],
)
def test_a_damaged_study_says_so(run, folder, subject, tmp_path, text, message):
    study, _ = run([0])
    (tmp_path / "study").mkdir()
    (tmp_path / "study/lesion.json").write_text(text)
    with pytest.raises(DataError, match=message):
        folder.resume(study, measure_normalisation(subject))
    assert (tmp_path / "study/lesion.json").read_text() == text


def test_tables_hold_what_the_study_does(run, folder, tmp_path):
    study, _ = run([0, 1, 2])
    folder.keep(study)
    folder.write_tables(study)
    lines = (tmp_path / "study/lesion.csv").read_text().splitlines()
    assert lines[0].startswith("lesion,trial,stimulus_id,label,seed,pixel")
    assert len(lines) == 1 + 8 * 3 * 2
    assert lines[1].startswith("intact,0,cactus,cactus,0,0.9")
    rows = (tmp_path / "study/summary.csv").read_text().splitlines()
    assert rows[0] == ("lesion,method,voxels,score,trials,intact,lesioned,change,low,high,chance")
    assert len(rows) == 1 + 7 * len(study.scores)
    assert summary_table(replace(study, trials=())) == "lesion\n"


def test_tables_to_publish_hold_the_numbers_of_the_summary(run, folder, tmp_path):
    study, _ = run([0, 1, 2])
    folder.write_tables(study)
    v1 = next(each for each in summary(study) if (each["lesion"], each["score"]) == ("V1", "pixel"))
    cell = f"{v1['change']:.3f} [{v1['low']:.3f}, {v1['high']:.3f}]"
    lines = (tmp_path / "study/summary.md").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("| left out | voxels | Pixel r |")
    assert lines[1] == "| --- |" + " --: |" * (1 + len(study.scores))
    assert lines[2].startswith(f"| nothing |  | {v1['intact']:.3f} |")
    assert lines[3].startswith(f"| V1 | 100 | {cell} |".replace("-", "−"))
    assert lines[10].startswith("| chance |")
    assert "3 trials, 2 samples each · set to 0" in lines[12]
    latex = (tmp_path / "study/summary.tex").read_text(encoding="utf-8").splitlines()
    assert latex[0].startswith("% tiny (simulated) · model ")
    (line,) = (each for each in latex if each.startswith("V1 &"))
    assert line.startswith(f"V1 & 100 & {cell}".replace("-", "$-$"))


def test_intervals_of_few_stimuli_are_said_to_be_too_narrow(run, subject, telling_decoder):
    study, _ = run([0, 6, 1])
    said = "Only 2 stimuli: a bootstrap of so few makes intervals narrower than they should be."
    assert said in markdown_table(study, subject, telling_decoder.info)
    assert said in latex_table(study, subject, telling_decoder.info)
    (first, *_) = study.trials
    many = [replace(first, trial=i, stimulus_id=f"picture {i}") for i in range(20)]
    assert replace(study, trials=tuple(many)).cautions() == list(study.notes)
    assert replace(study, trials=tuple(many[:1])).cautions() == list(study.notes)  # has none
    imagined = [replace(each, scores={key: {} for key in each.scores}) for each in many[3:]]
    assert "Only 3 stimuli" in replace(study, trials=(*many[:3], *imagined)).cautions()[-1]


def test_names_of_lesions_cannot_break_a_table(run, subject, telling_decoder):
    study, _ = run([0])
    lesion, *others = study.lesions
    odd = replace(study, lesions=(replace(lesion, name="a|b_&"), *others), trials=())
    assert "| a\\|b_& | 100 | – |" in markdown_table(odd, subject, telling_decoder.info)
    assert r"a|b\_\& & 100 & – &" in latex_table(odd, subject, telling_decoder.info)
