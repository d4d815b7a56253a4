"""What is done to responses and pictures while training, against the published code."""

import pytest
import torch

from mindvis_gui.training.augmentation import (
    Augmentation,
    augmented,
    interpolate_pairs,
    interpolated,
    random_crops,
    resized_pictures,
)
from mindvis_gui.training.trials import as_tensor


def assert_close(actual, expected, atol=1e-6):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


@pytest.mark.parametrize(("share", "name"), [(0.5, "05"), (0.3, "03")])
def test_pairs_are_mixed_as_published(golden, share, name):
    known = golden("10_preproc")
    assert_close(interpolated(known["interp_x"], known["interp_y"], share), known[f"interp_{name}"])
    responses, pairs = known["aug_in"], known["aug_pairs"]
    mixed = interpolated(responses[pairs[:, 0]], responses[pairs[:, 1]], share)
    assert_close(torch.cat([responses, mixed]), known[f"aug_{name}"])


def test_mixed_pairs_are_appended(golden, monkeypatch, rng):
    known = golden("10_preproc")
    assert torch.equal(augmented(known["aug_in"], 1, rng), known["aug_in"])  # as published
    monkeypatch.setattr(torch, "randint", lambda *_, **__: known["aug_pairs"])
    assert_close(augmented(known["aug_in"], 3, rng), known["aug_05"])


def test_number_of_appended_pairs_is_rounded_down(rng):
    assert augmented(torch.zeros(5, 3), 1.5, rng).shape == (7, 3)


def test_mixed_responses_lie_between_two(rng):
    responses = torch.arange(6.0).unsqueeze(1).expand(-1, 3)
    mixed = interpolate_pairs(responses, rng)
    assert bool((mixed == mixed[:, :1]).all())  # one share a response, not a voxel
    assert 0 <= float(mixed.min()) <= float(mixed.max()) <= 5


def test_published_sparsification_has_no_effect_ours_sets_a_fifth_of_the_voxels_to_0(golden, rng):
    known = golden("10_preproc")
    assert torch.equal(known["sparse_in"], known["sparse_out"])
    assert torch.equal(Augmentation().apply(known["sparse_in"], rng), known["sparse_out"])
    varied = Augmentation(sparsify=0.2).apply(torch.ones(50, 64), rng)
    assert (varied == 0).sum(dim=1).tolist() == [12] * 50  # int(64 * 0.2)
    assert not torch.equal(varied[0], varied[1])


def test_noise_has_the_strength_asked_for(rng):
    varied = Augmentation(noise=0.3).apply(torch.zeros(50, 400), rng)
    assert float(varied.std()) == pytest.approx(0.3, abs=0.01)


def test_pictures_are_resized_as_published(golden):
    known = golden("14_image_transform")
    picture = as_tensor(known["image_u8"].numpy())
    assert_close(picture, known["normalised"])
    assert_close(resized_pictures(picture[None], 64)[0], known["up_64"], 1e-5)
    assert_close(resized_pictures(picture[None], 24)[0], known["down_24"], 1e-5)
    smooth = resized_pictures(picture[None], 24, antialias=True)[0]
    assert_close(smooth, known["down_24_aa"], 1e-5)


def test_pictures_are_cropped_as_published(golden):
    """Six draws of the published transform from torch's seed 5."""
    known = golden("14_image_transform")
    pictures = known["normalised"].expand(6, -1, -1, -1)
    cropped = random_crops(pictures, 64, torch.Generator().manual_seed(5))
    assert_close(cropped, known["crop_out"], 1e-5)
    whole = [torch.allclose(picture, known["up_64"], atol=1e-5) for picture in cropped]
    assert whole == (known["crop_p"] >= 0.5).tolist()
