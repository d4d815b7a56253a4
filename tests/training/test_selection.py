"""Which trials are learned from, which choose the weights, and what the model says of it."""

from dataclasses import replace

import pytest
import torch

from mindvis_gui.data.prepare import measure_normalisation
from mindvis_gui.errors import DataError
from mindvis_gui.training.selection import (
    adaptation_trials,
    pictures_on_both_sides,
    split_for_selection,
    test_use,
)
from mindvis_gui.training.trials import TrialReader, read_pictures

test_use.__test__ = False  # its name is no test's


def splits(trials):
    return {trial.split for trial in trials}


def test_test_responses_are_only_adapted_to_on_demand(subject):
    assert splits(adaptation_trials(subject)) == {"train"}
    both = adaptation_trials(subject, include_test_fmri=True)
    assert splits(both) == {"train", "test"}
    assert len(both) == len(subject.trials)


def test_weights_are_chosen_on_a_tenth_of_the_training_pictures(subject):
    fitted, held = split_for_selection(subject)
    assert splits(fitted) == splits(held) == {"train"}
    assert (len(fitted), len(held)) == (15, 3)  # each picture was shown three times
    assert not {t.stimulus_id for t in fitted} & {t.stimulus_id for t in held}
    assert split_for_selection(subject)[1] == held
    assert {split_for_selection(subject, seed=seed)[1][0].index for seed in range(9)} != {
        held[0].index
    }


@pytest.mark.parametrize("known", [True, False])
def test_pictures_shown_once_are_held_back_as_trials_are(subject, known):
    names = [f"p{trial.index}" if known else "" for trial in subject.trials]
    once = [replace(t, stimulus_id=name) for t, name in zip(subject.trials, names, strict=True)]
    fitted, held = split_for_selection(replace(subject, trials=tuple(once)), seed=4, share=0.3)
    order = torch.randperm(18, generator=torch.Generator().manual_seed(4)).tolist()
    assert [trial.index - 6 for trial in [*held, *fitted]] == order
    assert len(held) == 5


def test_one_picture_cannot_be_on_both_sides(subject):
    same = tuple(replace(trial, stimulus_id="p") for trial in subject.trials)
    with pytest.raises(DataError, match="the 18 training trials show one picture"):
        split_for_selection(replace(subject, trials=same))


def test_or_on_the_test_trials_as_published(subject, subject_factory):
    fitted, held = split_for_selection(subject, "test")
    assert (splits(fitted), splits(held)) == ({"train"}, {"test"})
    assert len(fitted) == 18


def test_what_cannot_be_split(subject_factory):
    with pytest.raises(DataError, match="one training trial cannot be split"):
        split_for_selection(subject_factory(7))


def test_a_model_says_what_it_has_seen():
    none = {"saw_test_fmri": False, "saw_test_pictures": False, "base_knows": "", "of_base": ()}
    assert test_use(selection="validation", **none) == []
    said = test_use(
        saw_test_fmri=True,
        selection="test",
        saw_test_pictures=True,
        base_knows="it knows 3 test pictures",
        of_base=["scores chose it"],
    )
    assert len(said) == 5
    assert "fMRI of test trials" in said[0]
    assert "show pictures of test trials" in said[1]
    assert "chosen by their scores on test trials" in said[2]
    assert said[3] == "it knows 3 test pictures"
    assert said[4] == "of the model that it started from: scores chose it"


def test_training_trials_that_show_what_is_tested_are_counted(subject):
    said = pictures_on_both_sides(subject)
    assert said == "18 of the 18 training trials show a picture that is tested"
    unknown = tuple(replace(trial, stimulus_id="") for trial in subject.trials)
    assert not pictures_on_both_sides(replace(subject, trials=unknown))


def test_crops_come_after_the_whole_picture(subject, vqvae):
    trials = split_for_selection(subject)[0][:2]
    read = TrialReader(subject, measure_normalisation(subject), vqvae, 32, 16).read(trials, crops=2)
    assert read.latents.shape == (2, 3, 4, 8, 8)
    with torch.no_grad():
        plain = vqvae.encode(read_pictures(subject, trials, 32)).latents
    torch.testing.assert_close(read.latents[:, 0], plain)
    assert not torch.allclose(read.latents[:, 1], read.latents[:, 2])
