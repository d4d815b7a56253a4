from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.data.lesion import Lesion
from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.subject import Roi
from mindvis_gui.errors import DataError, RequestError

RECOVERED = np.full(700, 9, np.float32)


@pytest.fixture
def vector():
    return np.random.default_rng(0).normal(2, 3, size=700).astype(np.float32)


def test_zero_silences_the_region_and_nothing_else(subject, vector):
    lesion = Lesion.of_rois(subject, ["V2"])
    left = lesion.applied(vector, trial=3, recovered=None)
    inside = np.isin(np.arange(700), subject.roi("V2").voxels)
    assert not left[inside].any()
    assert np.array_equal(left[~inside], vector[~inside])
    with pytest.raises(ValueError, match="read-only"):
        left[0] = 1


def test_voxels_that_another_region_shares_are_left_out_too(subject):
    overlapping = replace(subject, rois=(*subject.rois, Roi("both", np.arange(90, 110))))
    assert Lesion.of_rois(overlapping, ["both"]).voxels.tolist() == list(range(90, 110))


def test_noise_has_the_spread_of_what_it_replaces_and_depends_on_seed_and_trial(subject, vector):
    lesion = Lesion.of_rois(subject, ["V1", "V2", "V3"], "noise", seed=4)
    first, again = (lesion.applied(vector, 3, None) for _ in range(2))
    assert np.array_equal(first, again)
    inside = lesion.voxels
    assert first[inside].std() == pytest.approx(vector[inside].std(), rel=0.15)
    assert abs(first[inside].mean()) < 0.7  # around 0, the mean of a normalised response
    assert not np.array_equal(first, lesion.applied(vector, 4, None))
    assert not np.array_equal(first, replace(lesion, seed=5).applied(vector, 3, None))
    assert np.array_equal(np.delete(first, inside), np.delete(vector, inside))


def test_recovered_voxels_take_the_place_of_the_lesion_alone(subject, vector):
    lesion = Lesion.of_rois(subject, ["LOC"], "recover")
    left = lesion.applied(vector, 0, RECOVERED)
    assert (left[lesion.voxels] == 9).all()
    assert np.array_equal(np.delete(left, lesion.voxels), np.delete(vector, lesion.voxels))


def test_sc_mbm_does_not_see_any_patch_with_a_voxel_of_the_lesion():
    lesion = Lesion("three", np.array([15, 16, 690]), "recover")
    hidden = lesion.hidden_patches(44, 16, seen=None)
    assert np.flatnonzero(~hidden.kept).tolist() == [0, 1, 43]
    mask = MaskState.random(44, 0.0, 0).painted([7], keep=False)
    assert np.flatnonzero(~lesion.hidden_patches(44, 16, mask).kept).tolist() == [0, 1, 7, 43]


def test_patches_that_a_model_cuts_off_need_no_hiding():
    assert (
        Lesion("end", np.array([3, 699]), "recover").hidden_patches(43, 16, None).kept.sum() == 42
    )


def test_masked_patches_become_a_lesion():
    mask = MaskState.random(44, 0.0, 0).painted([0, 43], keep=False)
    lesion = Lesion.of_patches(mask, 16, 700, "noise", seed=2)
    assert lesion.voxels.tolist() == [*range(16), *range(688, 700)]
    assert lesion.name == "2 masked patches"


def test_voxels_at_random_are_as_many_as_asked_for_and_the_same_again():
    first, again = (Lesion.at_random(700, 100, seed=1) for _ in range(2))
    assert np.unique(first.voxels).size == 100
    assert np.array_equal(first.voxels, again.voxels)
    assert not np.array_equal(first.voxels, Lesion.at_random(700, 100, seed=2).voxels)


def test_leaving_out_everything_is_refused(subject, vector):
    everything = Lesion.of_rois(subject, [roi.name for roi in subject.rois])
    with pytest.raises(RequestError, match="leaves out all 700 voxels; leave some"):
        everything.applied(vector, 0, None)
    every_patch = Lesion("stripes", np.arange(0, 700, 16), "recover")
    with pytest.raises(RequestError, match="touches every patch"):
        every_patch.hidden_patches(44, 16, None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda subject: Lesion.of_rois(subject, ["V9"]), "no region is called 'V9'"),
        (lambda subject: Lesion.of_rois(subject, []), "no region"),
        (lambda subject: Lesion("none", np.zeros(0, int)), "holds no voxel"),
        (lambda subject: Lesion.of_rois(subject, ["V1"], "drop"), "choose one of zero, recover"),
        (lambda subject: Lesion("far", np.array([700])).check(700), "has voxel 700 but"),
        (lambda subject: Lesion.at_random(700, 700), "not between 1 and the 699"),
    ],
)
def test_bad_lesions_say_what_to_do(subject, make, message):
    with pytest.raises((RequestError, DataError), match=message):
        make(subject)


def test_the_record_tells_voxels_and_method(subject):
    record = Lesion.of_rois(subject, ["V1", "V2"], "noise", seed=3).to_json()
    assert (record["name"], record["method"], record["seed"]) == ("V1 + V2", "noise", 3)
    assert record["n_voxels"] == 200
    assert record["voxels_sha256"] != Lesion.of_rois(subject, ["V1"]).to_json()["voxels_sha256"]
    assert Lesion.of_rois(subject, ["V1"]).to_json()["seed"] is None
