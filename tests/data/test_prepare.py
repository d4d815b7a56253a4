from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mindvis_gui.data.prepare import (
    estimate_normalisation,
    measure_normalisation,
    pad_to_length,
    pad_to_patches,
    padded_length,
    prepare,
    used_voxels,
)
from mindvis_gui.data.recording import ArrayRecording
from mindvis_gui.errors import DataError


def with_responses(subject, values):
    trials = subject.trials[: len(values)]
    recording = ArrayRecording(np.asarray(values, np.float32))
    return replace(subject, trials=trials, n_voxels=recording._values.shape[1], recording=recording)


@given(st.integers(1, 20_000), st.integers(1, 64))
def test_padding_reaches_the_next_patch_and_always_adds_something(n, patch):
    length = padded_length(n, patch)
    assert length % patch == 0
    assert 1 <= length - n <= patch


# What the published code does: a whole patch more when the length already is a multiple.
@pytest.mark.parametrize(
    ("n", "padded"), [(37, 48), (32, 48), (464, 480), (470, 480), (512, 528), (4643, 4656)]
)
def test_the_published_lengths(n, padded):
    assert padded_length(n, 16) == padded


@given(st.integers(1, 80), st.integers(1, 20), st.integers(1, 3))
def test_padding_wraps_around(n, patch, rows):
    vectors = np.arange(rows * n, dtype=np.float32).reshape(rows, n)
    padded = pad_to_patches(vectors, patch)
    assert padded.shape == (rows, padded_length(n, patch))
    assert np.array_equal(padded, vectors[:, np.arange(padded.shape[1]) % n])


def test_padding_wraps_more_than_once():
    assert pad_to_length(np.float32([1, 2]), 7).tolist() == [1, 2, 1, 2, 1, 2, 1]


def test_padding_never_cuts():
    with pytest.raises(DataError, match="20 voxels are more than the 16 asked for"):
        pad_to_length(np.zeros((3, 20), np.float32), 16)


def test_normalisation_is_one_scalar_over_the_training_trials(subject):
    normalisation = measure_normalisation(subject)
    train = [trial.index for trial in subject.trials if trial.split == "train"]
    values = subject.responses(train).astype(np.float64)
    assert normalisation.mean == pytest.approx(values.mean(), abs=1e-12)
    assert normalisation.std == pytest.approx(values.std(), rel=1e-12)
    assert normalisation.basis == "training trials"


def test_without_training_trials_all_count(subject):
    tests = tuple(replace(trial, split="test") for trial in subject.trials)
    assert measure_normalisation(replace(subject, trials=tests)).basis == "all trials"


def test_many_trials_are_measured_in_blocks(subject_factory):
    subject = subject_factory(n_trials=600)
    values = subject.responses(range(6, 600)).astype(np.float64)
    normalisation = measure_normalisation(subject)
    assert normalisation.mean == pytest.approx(values.mean(), abs=1e-12)
    assert normalisation.std == pytest.approx(values.std(), rel=1e-12)


def test_a_mean_far_larger_than_the_spread(subject):
    values = 1e6 + np.random.default_rng(0).normal(size=(20, 50))
    subject = with_responses(subject, values)
    stored = subject.responses(range(6, 20)).astype(np.float64)
    assert measure_normalisation(subject).std == pytest.approx(stored.std(), rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -1234.567])
def test_responses_without_variation(subject, value):
    with pytest.raises(DataError, match="nothing to decode"):
        measure_normalisation(with_responses(subject, np.full((20, 50), value)))


def test_no_trials(subject):
    with pytest.raises(DataError, match="holds no trials"):
        measure_normalisation(replace(subject, trials=()))


def test_a_prepared_vector_is_normalised_and_read_only(subject):
    normalisation = measure_normalisation(subject)
    vector = prepare(subject, subject.trials[3], normalisation)
    raw = subject.responses([3])[0]
    assert np.allclose(vector, (raw - normalisation.mean) / normalisation.std, atol=1e-6)
    assert vector.dtype == np.float32
    assert not vector.flags.writeable


def test_voxels_outside_the_used_regions_are_0(subject):
    normalisation = measure_normalisation(subject)
    whole = prepare(subject, subject.trials[0], normalisation)
    vector = prepare(subject, subject.trials[0], normalisation, {"V2", "PPA"})
    used = used_voxels(subject, ["V2", "PPA"])
    assert np.array_equal(vector[used], whole[used])
    assert not np.delete(vector, used).any()
    assert np.array_equal(used, np.union1d(subject.roi("V2").voxels, subject.roi("PPA").voxels))


def test_no_region_or_an_unknown_one(subject):
    with pytest.raises(DataError, match="choose at least one"):
        used_voxels(subject, [])
    with pytest.raises(DataError, match="no region is called 'V9'; it has: V1"):
        used_voxels(subject, ["V9"])


@pytest.mark.parametrize("n_voxels", [30, 32, 33])
def test_padding_with_zeros_adds_as_much_as_wrapping(n_voxels):
    vectors = np.arange(1, n_voxels + 1, dtype=np.float32)[None]
    padded = pad_to_patches(vectors, 16, "constant")
    assert padded.shape[1] == padded_length(n_voxels, 16, "constant") == padded_length(n_voxels, 16)
    assert np.array_equal(padded[:, :n_voxels], vectors)
    assert not padded[:, n_voxels:].any()


@pytest.mark.parametrize(("n_voxels", "left"), [(30, 16), (32, 32), (33, 32)])
def test_cutting_leaves_whole_patches(n_voxels, left):
    vectors = np.arange(n_voxels, dtype=np.float32)[None]
    assert np.array_equal(pad_to_patches(vectors, 16, "cut"), vectors[:, :left])
    assert padded_length(n_voxels, 16, "cut") == left


def test_cutting_everything_is_refused():
    with pytest.raises(DataError, match="9 voxels fill no patch of 16"):
        pad_to_patches(np.zeros((2, 9), np.float32), 16, "cut")


class Torn(ArrayRecording):
    """A recording of which some trials cannot be read any more."""

    def __init__(self, values, torn):
        super().__init__(values)
        self.torn = frozenset(torn)

    def responses(self, indices):
        if self.torn.intersection(np.asarray(indices).tolist()):
            raise DataError("damaged")
        return super().responses(indices)


def test_an_estimate_leaves_out_what_cannot_be_read(subject):
    values = np.random.default_rng(0).normal(3, 2, (24, 700)).astype(np.float32)
    train = [trial.index for trial in subject.trials if trial.split == "train"]

    def estimate(torn):
        return estimate_normalisation(replace(subject, recording=Torn(values, torn)))

    looked_at = int(estimate([]).basis.split()[0])
    found = estimate(train[:1])
    assert found.basis == f"{looked_at - 1} of the training trials"
    assert found.mean == pytest.approx(3, abs=0.1)
    with pytest.raises(DataError, match="damaged"):
        estimate(train)
