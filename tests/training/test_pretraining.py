"""Responses of several subjects as one set, against the published code."""

from pathlib import Path

import pytest
import torch

from mindvis_gui.data import open_subject
from mindvis_gui.training.pretraining import read_pretraining
from tests.published_normalisation import published_normalisation

PUBLISHED = Path(__file__).parents[1] / "data_golden" / "published"


def as_published(subject):
    dataset = "GOD" if subject.name.startswith("sbj") else "HCP"
    return published_normalisation(subject, dataset)["train"]


@pytest.fixture
def god():
    return [open_subject(PUBLISHED / "GOD" / f"sbj_{number}.npz") for number in (1, 3, 4)]


def test_subjects_are_wrapped_to_the_longest_as_published(golden, god):
    known = golden("11_god")
    responses, note = read_pretraining(god, 16, normalise=as_published)
    assert responses.shape == (72, known["multi_num_voxels"])
    torch.testing.assert_close(responses[::3], known["multi_train_fmri"], rtol=0, atol=1e-5)
    assert note == "wrapped to the longest, 528 values: sbj_1 (480), sbj_3 (480)"


def test_resting_state_and_god_together_as_published(golden, god):
    known = golden("13_hcp")
    hcp = open_subject(PUBLISHED / "HCP" / "dummy_sub_01" / "HCP_visual_voxel.npz")
    responses, note = read_pretraining([hcp, god[1]], 16, normalise=as_published)
    published = known["data_with_kam_hcp_and_sbj_3"][:, 0]
    assert responses.shape[1] == known["num_voxels"]
    torch.testing.assert_close(responses, published, rtol=0, atol=1e-5)
    assert known["n_all"] == known["n_hcp"] + 5 * 24
    assert "sbj_3 (480)" in note


def test_subjects_of_one_length_stay_as_they_are(god):
    responses, note = read_pretraining(god[:1] * 2, 16)
    assert responses.shape == (48, 480)
    assert note == "2 of one length, 480 values"


def test_padding_of_each_subject_can_be_chosen(god):
    responses, _ = read_pretraining(god[1:2], 16, padding="cut")
    assert responses.shape == (24, 464)
