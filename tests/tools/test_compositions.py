"""Compositions of cut-outs."""

import math

import pytest
import torch

from tools.demo.compositions import CutOuts, Variation, soft_backgrounds


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def square():
    """Return one opaque red square in the left half of a transparent drawing."""
    rgba = torch.zeros(1, 4, 32, 32, dtype=torch.uint8)
    rgba[:, 0, 8:24, 4:14] = rgba[:, 3, 8:24, 4:14] = 255
    return rgba


STILL = Variation(scale=(1.0, 1.0), hue=0.0, tone=0.0, mirror=False)


def test_unvaried_cut_out_stays_in_place(square, rng):
    picture = CutOuts(square, 32, STILL).compose(torch.zeros(1, dtype=torch.int64), rng)[0]
    assert picture.shape == (3, 32, 32)
    torch.testing.assert_close(
        picture[:, 10:22, 6:12], torch.tensor([1.0, -1, -1])[:, None, None].expand(3, 12, 6)
    )
    assert float((picture[0] - picture[1])[:, 20:].abs().max()) < 1.0  # soft ground, no red


def test_mirroring_moves_it_to_the_other_side(square, rng):
    mirrored = Variation(scale=(1.0, 1.0), hue=0.0, tone=0.0)
    pictures = CutOuts(square, 32, mirrored).compose(torch.zeros(20, dtype=torch.int64), rng)
    red = (pictures[:, 0] - pictures[:, 1]) > 1.5
    left, right = red[..., :16].sum(dim=(1, 2)), red[..., 16:].sum(dim=(1, 2))
    assert set((left > right).tolist()) == {True, False}
    assert bool(((left == 0) | (right == 0)).all())


def test_shrunk_cut_out_stays_whole_and_inside(square, rng):
    shrunk = CutOuts(square, 32, Variation(scale=(0.5, 0.5), hue=0.0, tone=0.0))
    pictures = shrunk.compose(torch.zeros(20, dtype=torch.int64), rng)
    area = ((pictures[:, 0] - pictures[:, 1]) > 1.0).sum(dim=(1, 2)).float()
    assert float(area.min()) > 0.6 * 40  # a quarter of 160 pixels, less the blurred edge
    assert float(area.max()) < 1.4 * 40


def test_hue_turns_colours_and_keeps_the_mean(square, rng):
    turned = Variation(scale=(1.0, 1.0), hue=math.pi, tone=0.0, mirror=False)
    pictures = CutOuts(square, 32, turned).compose(torch.zeros(30, dtype=torch.int64), rng)
    brightest = pictures[:, :, 15, 8].argmax(dim=1)
    assert set(brightest.tolist()) == {0, 1, 2}


def test_backgrounds_are_light_and_soft(rng):
    ground = soft_backgrounds(50, 16, rng)
    assert float(ground.mean()) > 0.6
    assert float(torch.diff(ground, dim=2).abs().max()) < 0.1


def test_same_generator_same_pictures(square):
    cut_outs, rows = CutOuts(square, 32), torch.zeros(3, dtype=torch.int64)
    first, again = (cut_outs.compose(rows, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first, again)
