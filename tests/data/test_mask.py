import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mindvis_gui.data.focus import Focus
from mindvis_gui.data.mask import (
    MaskState,
    kept_patches,
    mask_from_json,
    mask_json,
    ratio_that_keeps,
)
from mindvis_gui.errors import DataError, RequestError

n_patches = st.integers(1, 400)
ratios = st.floats(0, 1, exclude_max=True)
seeds = st.integers(0, 2**63 - 1)


@given(n_patches, ratios, seeds)
def test_as_many_patches_are_kept_as_in_the_published_code(n, ratio, seed):
    mask = MaskState.random(n, ratio, seed)
    assert mask.kept.sum() == int(n * (1 - ratio))
    assert mask.n_patches == n
    assert mask.ratio == pytest.approx(1 - int(n * (1 - ratio)) / n)


def test_the_published_size_and_ratio():
    assert MaskState.random(291, 0.75, 0).kept.sum() == 72


@given(n_patches, ratios, seeds)
def test_the_seed_decides(n, ratio, seed):
    first, again = MaskState.random(n, ratio, seed), MaskState.random(n, ratio, seed)
    assert np.array_equal(first.kept, again.kept)
    assert first.seed == seed


@given(st.integers(40, 400), seeds)
def test_a_larger_ratio_masks_more_of_the_same(n, seed):
    some, more = MaskState.random(n, 0.3, seed), MaskState.random(n, 0.7, seed)
    assert not (more.kept & ~some.kept).any()


def test_other_seeds_mask_other_patches():
    masks = {MaskState.random(100, 0.5, seed).kept.tobytes() for seed in range(20)}
    assert len(masks) == 20


@given(n_patches, seeds, st.data())
def test_painting_changes_the_painted_patches_only(n, seed, data):
    mask = MaskState.random(n, 0.5, seed)
    before = mask.kept.copy()
    patches = data.draw(st.lists(st.integers(0, n - 1), max_size=20))
    keep = data.draw(st.booleans())
    painted = mask.painted(patches, keep=keep)
    others = np.setdiff1d(np.arange(n), patches)
    assert (painted.kept[patches] == keep).all()
    assert np.array_equal(painted.kept[others], before[others])
    assert np.array_equal(mask.kept, before)
    assert painted.seed is None


@pytest.mark.parametrize("patch", [-1, 10, 1000])
def test_painting_a_patch_that_does_not_exist(patch):
    with pytest.raises(RequestError, match=f"patch {patch} does not exist; .* 0 to 9"):
        MaskState.random(10, 0.5, 0).painted([3, patch], keep=True)


@pytest.mark.parametrize("ratio", [-0.1, 1.0, 2.0, float("nan")])
def test_impossible_ratios(ratio):
    with pytest.raises(RequestError, match="mask ratio"):
        MaskState.random(10, ratio, 0)


def test_masks_are_read_only():
    mask = MaskState.random(10, 0.5, 0)
    for each in (mask, mask.painted([1], keep=False)):
        with pytest.raises(ValueError, match="read-only"):
            each.kept[0] = True


@given(st.integers(1, 300), st.integers(1, 32), seeds)
def test_masked_voxels_are_0_and_kept_ones_unchanged(n_voxels, patch_size, seed):
    vector = np.random.default_rng(0).normal(1, 0.1, n_voxels).astype(np.float32)
    mask = MaskState.random(n_voxels // patch_size + 1, 0.5, seed)
    applied = mask.applied(vector, patch_size)
    assert applied.dtype == np.float32
    assert not applied.flags.writeable
    for voxel, value in enumerate(applied):
        assert value == (vector[voxel] if mask.kept[voxel // patch_size] else 0)


def test_a_mask_too_short_for_the_vector():
    with pytest.raises(RequestError, match="3 patches of 16 voxels, too few for 64 voxels"):
        MaskState.random(3, 0.5, 0).applied(np.ones(64, np.float32), 16)


def test_voxels_that_a_model_cuts_off_lie_in_no_kept_patch():
    mask = MaskState.random(3, 0.0, 0)
    assert mask.kept_voxels(16, 50).tolist() == [True] * 48 + [False] * 2
    assert mask.applied(np.ones(50, np.float32), 16)[-3:].tolist() == [1, 0, 0]


@given(st.integers(3, 400), ratios, seeds)
def test_a_focus_changes_which_patches_are_masked_not_how_many(n, ratio, seed):
    focus = Focus((0, 1), rate=0.9)
    mask = MaskState.focused(n, ratio, seed, focus)
    assert mask.kept.sum() == int(n * (1 - ratio))
    assert mask.seed == seed
    assert np.array_equal(mask.kept, MaskState.focused(n, ratio, seed, focus).kept)
    with pytest.raises(ValueError, match="read-only"):
        mask.kept[0] = True


def test_patches_in_focus_are_masked_more_often():
    focus = Focus.on_range(64, 160, 16)
    masks = [MaskState.focused(20, 0.5, seed, focus).kept for seed in range(3000)]
    masked = 1 - np.mean(masks, axis=0)
    assert masked[4:10].min() > 0.57
    assert np.delete(masked, range(4, 10)).max() < 0.5


def test_json_and_back():
    drawn = MaskState.focused(20, 0.5, 3, Focus.on_range(64, 160, 16))
    for mask in (drawn, drawn.painted([1, 5], keep=True)):
        again = mask_from_json(json.loads(json.dumps(mask_json(mask))))
        assert np.array_equal(again.kept, mask.kept)
        assert (again.seed, again.focus) == (mask.seed, mask.focus)
    assert mask_from_json(mask_json(None)) is None


@pytest.mark.parametrize(
    "damage", [{"masked": [20]}, {"masked": ["x"]}, {"n_patches": None}, {"focus": {"rate": 0.6}}]
)
def test_json_that_is_no_mask(damage):
    with pytest.raises(DataError, match="the mask of this sample is incomplete"):
        mask_from_json(mask_json(MaskState.random(20, 0.5, 3)) | damage)


@given(n=st.integers(1, 2000), data=st.data())
def test_a_ratio_is_found_again_from_what_it_keeps(n, data):
    n_kept = data.draw(st.integers(1, n))
    ratio = ratio_that_keeps(n_kept, n)
    assert kept_patches(n, float(repr(ratio))) == n_kept
    assert len(repr(ratio)) <= 2 + len(str(n)) + 1  # no more digits than it takes


def test_the_ratio_of_the_paper_is_found_again():
    assert {ratio_that_keeps(kept_patches(n, 0.75), n) for n in (44, 263, 291)} == {0.75}
    assert ratio_that_keeps(263, 263) == 0
