"""Lesion studies and attributions of the session, with decoders without networks."""

from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.analysis.lesion import INTACT
from mindvis_gui.analysis.lesion_folder import LesionFolder
from mindvis_gui.analysis.lesion_index import read_index, read_study
from mindvis_gui.data.attribution import Attribution
from mindvis_gui.data.mask import MaskState
from mindvis_gui.decoding.request import Step
from mindvis_gui.errors import RequestError
from mindvis_gui.files import only_writer
from mindvis_gui.session.lesions import EACH_REGION, MASKED_PATCHES, UNUSED_REGIONS
from mindvis_gui.session.overlays import ATTRIBUTION, ERROR, MASK


class AttributingDecoder:
    """The fake decoder, which attributes everything to the voxel of the sample's seed."""

    def __init__(self, decoder):
        self._decoder = decoder
        self.info, self.decode, self.recover = decoder.info, decoder.decode, decoder.recover

    def attribute(self, request, sample, method):
        yield Step(1, 2)
        self._decoder.go_on.wait(30)
        values = np.zeros(request.vector.size, np.float32)
        values[sample.seed] = 100
        return Attribution(request.trial, sample.seed, method, values)


@pytest.fixture
def telling(ready, telling_decoder):
    """Return the session with a decoder that V1 alone tells something."""
    ready.take_decoder(telling_decoder)
    ready.set_seeds(0, 2)
    return ready


def study(qtbot, session, kind, method="zero", trials=(0, 1)):
    with qtbot.waitSignal(session.jobs.changed):
        session.lesions.start(kind, method, [session.subject.trials[i] for i in trials])
    qtbot.waitUntil(lambda: not session.lesions.running, timeout=20_000)
    return session.lesions


def test_a_study_of_each_region(qtbot, telling):
    lesions = study(qtbot, telling, EACH_REGION)
    assert [each.trial for each in lesions.study.trials] == [0, 1]
    assert lesions.effects["V1", "pixel"].change < -0.3
    assert lesions.effects["PPA", "pixel"].change == pytest.approx(0, abs=1e-6)
    assert set(lesions.results) == {INTACT, *(roi.name for roi in telling.subject.rois)}
    assert lesions.progress is None


def test_the_same_study_goes_on_and_another_begins_anew(qtbot, telling):
    study(qtbot, telling, EACH_REGION, trials=(0,))
    lesions = study(qtbot, telling, EACH_REGION, trials=(1,))
    assert [each.trial for each in lesions.study.trials] == [0, 1]
    lesions = study(qtbot, telling, EACH_REGION, "noise", trials=(1,))
    assert [each.trial for each in lesions.study.trials] == [1]
    assert {lesion.method for lesion in lesions.study.lesions} == {"noise"}


def test_unticked_regions_are_left_out_together(qtbot, telling):
    telling.set_used_rois(telling.used_rois - {"V1", "V3"})
    lesions = study(qtbot, telling, UNUSED_REGIONS)
    assert [lesion.name for lesion in lesions.study.lesions] == ["V1 + V3"]
    # The intact response is the whole one, whatever is ticked.
    assert lesions.study.intact("pixel") > 0.9


def test_a_figure_says_how_the_study_was_decoded_not_how_the_trial_was(qtbot, telling):
    study(qtbot, telling, EACH_REGION)
    asked = telling.sampling.steps
    telling.set_used_rois({"V1"})
    telling.set_sampling(replace(telling.sampling, steps=asked + 3))
    telling.decode()
    qtbot.waitUntil(lambda: telling.idle)
    content = telling.figures.content()()
    assert content.trials[0].request["steps"] == asked + 3
    how = content.lesion.decoded
    assert (how.request["steps"], how.request["rois"], how.simulated) == (asked, None, True)


def test_masked_patches_are_left_out(qtbot, telling):
    patches = telling.masking.mask.n_patches
    telling.masking.set_mask(MaskState.random(patches, 0.0, 0).painted(range(6), keep=False))
    lesions = study(qtbot, telling, MASKED_PATCHES)
    assert lesions.study.lesions[0].voxels.tolist() == list(range(96))
    assert lesions.effects["6 masked patches", "pixel"].change < -0.3


@pytest.mark.parametrize(
    ("kind", "message"),
    [(UNUSED_REGIONS, "every region is used"), (MASKED_PATCHES, "no patch is masked")],
)
def test_nothing_to_leave_out_says_what_to_do(qtbot, telling, kind, message):
    telling.masking.draw_mask(0.0, 0)
    with qtbot.waitSignal(telling.problem) as problem:
        telling.lesions.start(kind, "zero", [telling.subject.trials[0]])
    assert message in problem.args[0]
    assert not telling.lesions.running


def test_a_study_needs_a_model(qtbot, opened):
    with qtbot.waitSignal(opened.problem) as problem:
        opened.lesions.start(EACH_REGION, "zero", [opened.trial])
    assert "no model is loaded" in problem.args[0]


def test_a_study_that_could_score_nothing_says_so_before_it_decodes(qtbot, telling):
    telling.subject.recording._stimuli.clear()
    with qtbot.waitSignal(telling.problem) as problem:
        study(qtbot, telling, EACH_REGION)
    assert "none of 2 trials has a stimulus, so nothing can be scored" in problem.args[0]
    assert not telling.decoder.requests
    assert telling.lesions.study is None


def test_a_stopped_study_keeps_the_trials_that_are_done(qtbot, ready, decoder):
    trials = list(ready.subject.trials[:3])
    with qtbot.waitSignal(ready.lesions.changed, timeout=20_000):
        ready.lesions.start(EACH_REGION, "zero", trials)
    decoder.hold()
    ready.lesions.stop()
    decoder.release()
    qtbot.waitUntil(lambda: not ready.lesions.running)
    assert 1 <= len(ready.lesions.study.trials) < 3


def test_a_decode_takes_its_turn_while_a_study_runs(qtbot, ready):
    trials = [trial for trial in ready.subject.trials if trial.split == "test"]
    with qtbot.waitSignal(ready.lesions.changed, timeout=20_000):
        ready.lesions.start(EACH_REGION, "zero", trials)
    with qtbot.waitSignal(ready.queue.decoded, timeout=20_000):
        ready.decode()
    assert ready.lesions.running or len(ready.lesions.study.trials) == len(trials)
    ready.lesions.stop()
    qtbot.waitUntil(lambda: ready.idle, timeout=20_000)


def test_another_subject_forgets_the_study(qtbot, telling):
    study(qtbot, telling, EACH_REGION, trials=(0,))
    with qtbot.waitSignal(telling.trial_changed):
        telling.open("tiny.h5")
    assert telling.lesions.study is None
    assert not telling.lesions.effects


def test_a_study_is_written_into_a_folder(qtbot, telling, tmp_path):
    lesions = study(qtbot, telling, EACH_REGION, trials=(0,))
    with qtbot.waitSignal(telling.message):
        lesions.start_export(tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["lesion.csv", "lesion.json", "summary.csv", "summary.md", "summary.tex"]


def export(qtbot, session, lesions, folder):
    """Export a study and return what is said."""
    with qtbot.waitSignal(session.message) as said:
        lesions.start_export(folder)
    return said.args[0]


def test_regions_that_hold_every_voxel_are_named_when_they_are_passed_over(qtbot, telling):
    telling.regions.add("all", np.arange(telling.subject.n_voxels), "sphere")
    lesions = study(qtbot, telling, EACH_REGION, trials=(0,))
    n = telling.subject.n_voxels
    assert f"all holds all {n:,} voxels and was not left out." in lesions.study.notes
    assert "all" not in {lesion.name for lesion in lesions.study.lesions}


def test_a_folder_that_another_run_writes_to_is_left_alone(qtbot, telling, tmp_path):
    lesions = study(qtbot, telling, EACH_REGION, trials=(0,))
    with only_writer(tmp_path), qtbot.waitSignal(telling.problem) as problem:
        lesions.start_export(tmp_path)
    assert "is being written by another run" in problem.args[0]
    assert not list(tmp_path.glob("*.json"))


def test_a_folder_with_another_study_is_not_written_over(qtbot, telling, tmp_path):
    export(qtbot, telling, study(qtbot, telling, EACH_REGION, "noise", trials=(0,)), tmp_path)
    before = (tmp_path / "lesion.json").read_bytes()
    with qtbot.waitSignal(telling.problem) as problem:
        study(qtbot, telling, EACH_REGION, trials=(1,)).start_export(tmp_path)
    assert "holds a study with other lesions" in problem.args[0]
    assert (tmp_path / "lesion.json").read_bytes() == before


def test_a_folder_with_other_trials_of_the_study_gets_these_too(
    qtbot, telling, telling_decoder, tmp_path
):
    export(qtbot, telling, study(qtbot, telling, EACH_REGION, trials=(0,)), tmp_path)
    telling.take_decoder(telling_decoder)  # forgets the study
    said = export(qtbot, telling, study(qtbot, telling, EACH_REGION, trials=(2,)), tmp_path)
    assert said.startswith("Lesion study of 2 trials written")
    assert [each.trial for each in read_study(tmp_path).trials] == [0, 2]


def test_an_unwritable_folder_is_said_in_one_line(qtbot, telling, tmp_path):
    lesions = study(qtbot, telling, EACH_REGION, trials=(0,))
    (tmp_path / "file").touch()
    with qtbot.waitSignal(telling.problem) as problem:
        lesions.start_export(tmp_path / "file")
    assert "cannot be written" in problem.args[0]


def test_what_is_exported_says_how_that_study_was_decoded(qtbot, telling, tmp_path):
    lesions = study(qtbot, telling, EACH_REGION, trials=(0,))
    telling.set_sampling(replace(telling.sampling, steps=telling.sampling.steps + 3))
    lesions.start(EACH_REGION, "zero", [telling.subject.trials[1]])
    lesions.stop()  # before its first trial is done
    qtbot.waitUntil(lambda: not lesions.running, timeout=20_000)
    assert [each.trial for each in lesions.study.trials] == [0]
    export(qtbot, telling, lesions, tmp_path)
    assert read_index(tmp_path / "lesion.json")["decoding"]["steps"] == telling.sampling.steps - 3


# -- kept on disk --------------------------------------------------------------------------------


@pytest.fixture
def keeping(telling, tmp_path):
    """Return the session, which keeps its studies in a folder."""
    telling.lesions.folder = tmp_path / "lesions"
    return telling


class CountingDecoder:
    """Passes on to another decoder and notes the trials."""

    def __init__(self, decoder):
        self._decoder, self.trials = decoder, set()
        self.info, self.recover = decoder.info, decoder.recover

    def decode(self, request):
        self.trials.add(request.trial)
        return self._decoder.decode(request)


def in_a_new_window(session, decoder):
    counting = CountingDecoder(decoder)
    session.take_decoder(counting)
    assert session.lesions.study is None
    return counting


def test_a_study_goes_on_in_the_next_window(qtbot, keeping, telling_decoder):
    before = study(qtbot, keeping, EACH_REGION, trials=(0, 1, 2)).study
    counting = in_a_new_window(keeping, telling_decoder)
    lesions = study(qtbot, keeping, EACH_REGION, trials=(0, 1, 3))
    assert counting.trials == {3}
    assert [each.trial for each in lesions.study.trials] == [0, 1, 3]
    assert lesions.study.values("V1", "pixel")[:2].tolist() == (
        before.values("V1", "pixel")[:2].tolist()
    )
    assert lesions.results
    in_a_new_window(keeping, telling_decoder)  # nor is trial 2 lost by the second study
    assert len(study(qtbot, keeping, EACH_REGION, trials=(0, 1, 2, 3)).study.trials) == 4


def test_one_trial_is_decoded_anew_for_its_pictures(qtbot, keeping, telling_decoder):
    study(qtbot, keeping, EACH_REGION, trials=(0,))
    counting = in_a_new_window(keeping, telling_decoder)
    assert study(qtbot, keeping, EACH_REGION, trials=(0,)).results
    assert counting.trials == {0}


def test_a_study_of_another_kind_or_of_other_responses_begins_anew(
    qtbot, keeping, telling_decoder, monkeypatch
):
    study(qtbot, keeping, EACH_REGION, trials=(0, 1))
    counting = in_a_new_window(keeping, telling_decoder)
    study(qtbot, keeping, EACH_REGION, "noise", trials=(0, 1))
    assert counting.trials == {0, 1}
    counting = in_a_new_window(keeping, telling_decoder)
    monkeypatch.setattr(LesionFolder, "_is_the_same", lambda *_: False)
    study(qtbot, keeping, EACH_REGION, trials=(0, 1))
    assert counting.trials == {0, 1}


def test_only_the_newest_studies_are_kept(qtbot, keeping, monkeypatch):
    monkeypatch.setattr("mindvis_gui.session.kept_studies._MOST", 2)
    for first_seed in (0, 10, 20):
        keeping.set_seeds(first_seed, 1)
        study(qtbot, keeping, EACH_REGION, trials=(0,))
    kept = [read_index(path)["seeds"] for path in keeping.lesions.folder.glob("*/lesion.json")]
    assert sorted(kept) == [[10], [20]]


def test_the_study_that_is_gone_on_with_is_not_thrown_away(qtbot, keeping, monkeypatch):
    monkeypatch.setattr("mindvis_gui.session.kept_studies._MOST", 2)
    decoder = keeping.decoder
    for first_seed in (0, 10):
        keeping.set_seeds(first_seed, 1)
        study(qtbot, keeping, EACH_REGION, trials=(0, 1))
    keeping.set_seeds(0, 1)  # the one that nobody went on with for the longest
    counting = in_a_new_window(keeping, decoder)
    study(qtbot, keeping, EACH_REGION, trials=(0, 1))
    assert counting.trials == {1}  # trial 0 was there
    assert len(list(keeping.lesions.folder.glob("*/lesion.json"))) == 2


def test_a_study_that_cannot_be_kept_is_done_all_the_same(qtbot, keeping, tmp_path):
    (tmp_path / "lesions").touch()
    with qtbot.waitSignal(keeping.problem) as problem:
        lesions = study(qtbot, keeping, EACH_REGION, trials=(0, 1))
    assert "is not saved by itself" in problem.args[0]
    assert len(lesions.study.trials) == 2


def test_a_second_window_at_the_same_study_does_not_write_over_the_first(
    qtbot, keeping, telling_decoder
):
    study(qtbot, keeping, EACH_REGION, trials=(0, 1))
    (index,) = keeping.lesions.folder.glob("*/lesion.json")
    before = index.read_bytes()
    counting = in_a_new_window(keeping, telling_decoder)
    with only_writer(index.parent), qtbot.waitSignal(keeping.problem) as problem:
        lesions = study(qtbot, keeping, EACH_REGION, trials=(0, 2))
    assert "not saved by itself: another window runs the same one" in problem.args[0]
    assert [each.trial for each in lesions.study.trials] == [0, 2]
    assert counting.trials == {2}
    assert index.read_bytes() == before
    assert [each.name for each in index.parent.iterdir()] == ["lesion.json"]  # no lock is left


# -- attribution ---------------------------------------------------------------------------------


@pytest.fixture
def decoded(qtbot, ready, decoder):
    """Return the session with samples of a decoder that can attribute them."""
    ready.take_decoder(AttributingDecoder(decoder))
    with qtbot.waitSignal(ready.queue.decoded):
        ready.decode()
    return ready


def attribute(qtbot, session, seed=2, method="gradients"):
    with qtbot.waitSignal(session.attributions.changed):
        session.attributions.start(seed, method)
    qtbot.waitUntil(lambda: not session.attributions.running)


def test_a_sample_becomes_an_overlay(qtbot, decoded):
    attribute(qtbot, decoded)
    overlay = decoded.overlays.find(ATTRIBUTION)
    assert decoded.overlays.chosen == ATTRIBUTION
    assert overlay.name == "Integrated gradients, seed 2"
    assert overlay.values[2] == 100
    assert overlay.look.low == -overlay.look.high
    assert decoded.attributions.regions[0].share == pytest.approx(100)
    attribute(qtbot, decoded, 0, "rollout")
    assert decoded.overlays.find(ATTRIBUTION).look.low == 0
    assert [each.key for each in decoded.overlays.items].count(ATTRIBUTION) == 1


def test_another_trial_takes_the_map_away(qtbot, decoded):
    attribute(qtbot, decoded)
    decoded.set_trial(3)
    assert decoded.attributions.found is None
    assert decoded.overlays.find(ATTRIBUTION) is None


def test_a_map_of_a_trial_that_was_left_is_not_shown(qtbot, decoded, decoder):
    decoder.hold()
    decoded.attributions.start(0, "gradients")
    decoded.set_trial(3)
    decoder.release()
    qtbot.waitUntil(lambda: not decoded.attributions.running)
    assert decoded.attributions.found is None
    assert decoded.overlays.find(ATTRIBUTION) is None


def test_attribution_says_what_is_missing(qtbot, ready, decoded):
    decoded.set_trial(3)
    with qtbot.waitSignal(decoded.problem) as problem:
        decoded.attributions.start(0, "gradients")
    assert "decode the trial first" in problem.args[0]


def test_a_decoder_that_cannot_attribute_says_so(qtbot, ready):
    with qtbot.waitSignal(ready.queue.decoded):
        ready.decode()
    with qtbot.waitSignal(ready.problem) as problem:
        ready.attributions.start(0, "gradients")
    assert problem.args[0] == "model fake cannot say what its samples rest on"


def test_samples_of_another_model_are_refused(qtbot, decoded, decoder):
    other = AttributingDecoder(decoder)
    other.info = replace(decoder.info, hash="1" * 64)
    decoded.take_decoder(other)
    with qtbot.waitSignal(decoded.problem) as problem:
        decoded.attributions.start(0, "gradients")
    assert "not loaded any more" in problem.args[0]


# -- masking -------------------------------------------------------------------------------------


def test_a_mask_of_everything_is_refused_and_the_old_one_stays(qtbot, opened):
    before = opened.masking.mask
    n = before.n_patches
    with qtbot.waitSignal(opened.problem) as problem:
        opened.masking.set_mask(before.painted(range(n), keep=False))
    assert problem.args[0] == f"the mask hides all {n} patches; keep at least one to look at"
    assert opened.masking.mask is before


def test_a_mask_over_all_regions_used_is_refused(ready):
    ready.set_used_rois(frozenset({"V1"}))
    n = ready.masking.mask.n_patches
    ready.masking.set_mask(MaskState.random(n, 0.0, 0).painted(range(7), keep=False))
    ready.request()  # decodes from the whole response
    ready.masking.set_applied(True)
    with pytest.raises(RequestError, match="hides every voxel of the regions used"):
        ready.request()


def test_masked_voxels_are_greyed_while_decoding_does_not_see_them(opened):
    assert not opened.overlays.find(MASK).look.visible
    opened.masking.set_applied(True)
    overlay = opened.overlays.find(MASK)
    assert overlay.look.visible
    kept = opened.masking.mask.kept_voxels(16, 700)
    assert np.array_equal(np.isnan(overlay.values), kept)
    opened.overlays.set_look(MASK, replace(overlay.look, visible=False))
    opened.masking.draw_mask(0.5, 1)
    assert not opened.overlays.find(MASK).look.visible  # as it was left
    opened.masking.set_applied(False)
    assert not opened.overlays.find(MASK).look.visible


def test_the_recovery_and_its_error(qtbot, ready):
    qtbot.waitUntil(lambda: ready.masking.recovery is not None)
    kept = ready.masking.mask.kept_voxels(16, 700)
    error = ready.overlays.find(ERROR).values
    assert np.isnan(error[kept]).all()
    assert error[~kept] == pytest.approx(-0.1 * ready.vector[~kept], abs=1e-6)
    by_region = ready.masking.recovery_by_region(ready.subject.rois)
    assert by_region["V2"] == pytest.approx(1)
    ready.masking.draw_mask(0.0, 0)
    qtbot.waitUntil(lambda: ready.idle)
    assert all(
        np.isnan(value) for value in ready.masking.recovery_by_region(ready.subject.rois).values()
    )
