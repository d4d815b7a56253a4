import numpy as np
import pytest
from skimage.color import rgb2gray
from skimage.metrics import structural_similarity

from mindvis_gui.analysis.ssim import PANEL, PUBLISHED, index, moments, panel_picture, ssim
from mindvis_gui.errors import DataError


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (40, 20, 24, 3), dtype=np.uint8)


def test_pairs_of_moments_are_scikit_images(pictures):
    samples, stimuli = pictures[:3] // 2 + 40, pictures[:8]
    held = [moments(picture, PUBLISHED) for picture in stimuli]
    found = [[index(moments(a, PUBLISHED), b, PUBLISHED) for b in held] for a in samples]
    expected = [
        [structural_similarity(a, b, data_range=255, channel_axis=-1) for b in stimuli]
        for a in samples
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_panel_is_scikit_images_with_the_settings_of_the_newer_papers(pictures):
    a, b = (panel_picture(picture) for picture in pictures[:2])
    assert a.shape == (425, 425, 1)
    expected = structural_similarity(
        a[..., 0],
        b[..., 0],
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
    )
    assert ssim(a, b, PANEL) == pytest.approx(expected, abs=1e-12)
    assert ssim(a, a, PANEL) == pytest.approx(1)


def test_panel_picture_is_grey_as_scikit_images():
    picture = np.random.default_rng(1).integers(0, 256, (425, 425, 3), dtype=np.uint8)
    np.testing.assert_allclose(panel_picture(picture)[..., 0], rgb2gray(picture), atol=1e-12)


def test_too_small_and_unequal_pictures_are_refused():
    with pytest.raises(DataError, match="at least 7 × 7 pixels, not 6 × 9"):
        ssim(np.zeros((6, 9, 3)), np.zeros((6, 9, 3)), PUBLISHED)
    with pytest.raises(DataError, match="cannot be compared"):
        ssim(np.zeros((8, 8, 3)), np.zeros((8, 9, 3)), PUBLISHED)
