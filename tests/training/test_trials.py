"""Training trials as tensors: what is read at a time, and how many are held back."""

from dataclasses import replace

import pytest
import torch

from mindvis_gui.data.prepare import measure_normalisation
from mindvis_gui.errors import DataError
from mindvis_gui.training import trials as trials_module
from mindvis_gui.training.augmentation import random_crops
from mindvis_gui.training.trials import (
    TrialReader,
    encode,
    held_back,
    read_pictures,
    training_trials,
)


def test_pictures_are_read_in_blocks_and_cut_as_if_all_at_once(subject_factory, vqvae, monkeypatch):
    subject = subject_factory(46)
    sizes, read = [], read_pictures

    def counted(subject, trials, size, **options):
        sizes.append(len(trials))
        return read(subject, trials, size, **options)

    monkeypatch.setattr(trials_module, "read_pictures", counted)
    reader = TrialReader(subject, measure_normalisation(subject), vqvae, 32, 16)
    made = reader.read(training_trials(subject), crops=2, seed=3).latents
    assert sizes == [32, 8]
    pictures = read(subject, subject.trials[6:], 32)
    rng = torch.Generator().manual_seed(3)
    crops = [random_crops(pictures, 32, rng, probability=1.0) for _ in range(2)]
    known = torch.stack([encode(vqvae, each) for each in (pictures, *crops)], dim=1)
    assert torch.equal(made, known)


def test_a_trial_of_no_stimulus_is_said_before_any_picture_is_read(subject_factory, monkeypatch):
    subject = subject_factory()
    trials = [t for t in subject.trials if t.split == "train"]
    trials[-1] = replace(trials[-1], stimulus_id="", label="fixation")
    monkeypatch.setattr(trials_module, "read_pictures", None)
    said = rf"trial {trials[-1].index} \(fixation\) has no picture; .*--filter stimulus!= for those"
    reader = TrialReader(subject, measure_normalisation(subject), None, 32, 16)
    with pytest.raises(DataError, match=said):
        reader.read(trials)


def test_no_more_are_held_back_than_are_looked_at():
    held, rest = held_back(60, 0, 0.5, most=4)
    assert (len(held), len(rest)) == (4, 56)
    assert torch.equal(held, held_back(60, 0, 0.5)[0][:4])
    assert [len(part) for part in held_back(60, 0, 0.5, most=40)] == [30, 30]
