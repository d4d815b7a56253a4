"""Structural similarity of many samples with many stimuli, in the two definitions that are used.

Each equals `skimage.metrics.structural_similarity`, which filters both pictures anew for every
pair; a table of all pairs needs one filter a pair instead of five.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.comparison import resized
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.errors import DataError

Picture = NDArray[np.float64]
PANEL_SIDE = 425  # pixels: the side of NSD's stimuli
_LUMINANCE = np.array([0.2125, 0.7154, 0.0721])  # of R, G and B, as in scikit-image's `rgb2gray`


@dataclass(frozen=True, slots=True)
class Window:
    """What pixels are averaged over, and how (Wang et al. 2004, section III B).

    Attributes
    ----------
    radius : int
        Of the window in pixels; as much is left out at the border.
    sigma : float or None
        Standard deviation of a gaussian window; None is a square, all pixels alike.
    data_range : float
        Difference of white and black.
    """

    radius: int
    sigma: float | None
    data_range: float

    @property
    def covariance_factor(self) -> float:
        """The square window's (co)variances are unbiased, the gaussian's are not."""
        n = (2 * self.radius + 1) ** 2
        return n / (n - 1) if self.sigma is None else 1.0

    def mean(self, values: Picture) -> Picture:
        """Return the local means of (h, w, c), the border left out."""
        from scipy import ndimage  # half a second, not when the window starts

        if self.sigma is None:
            smooth = ndimage.uniform_filter(values, 2 * self.radius + 1, axes=(0, 1))
        else:
            smooth = ndimage.gaussian_filter(values, self.sigma, axes=(0, 1), radius=self.radius)
        r = self.radius
        return np.asarray(smooth[r:-r, r:-r])


PUBLISHED = Window(radius=3, sigma=None, data_range=255.0)
"""7 × 7 pixels, each colour by itself: the published MinD-Vis evaluation."""
PANEL = Window(radius=5, sigma=1.5, data_range=1.0)
"""Gaussian: the SSIM that papers on NSD report, of pictures from `panel_picture`."""


def panel_picture(picture: ImageArray) -> Picture:
    """Return a picture as the newer papers' SSIM takes it: grey, 0–1, (425, 425, 1)."""
    grey = resized(picture, PANEL_SIDE, PANEL_SIDE) @ _LUMINANCE / 255
    return np.asarray(grey[..., None], dtype=np.float64)


@dataclass(frozen=True, eq=False, slots=True)
class Moments:
    """A picture (h, w, c) with its local means and variances."""

    picture: Picture
    mean: Picture
    variance: Picture


def ssim(image: NDArray[np.generic], reference: NDArray[np.generic], window: Window) -> float:
    """Return the structural similarity index of two pictures (h, w, c), mean over channels.

    Raises
    ------
    DataError
        If the pictures differ in size or are smaller than the window.
    """
    return index(moments(image, window), moments(reference, window), window)


def moments(picture: NDArray[np.generic], window: Window) -> Moments:
    """Return what of a picture (h, w, c) is the same in every pair.

    Raises
    ------
    DataError
        If the picture is smaller than the window.
    """
    side = 2 * window.radius + 1
    if min(picture.shape[:2]) < side:
        raise DataError(
            f"SSIM needs pictures of at least {side} × {side} pixels, "
            f"not {picture.shape[0]} × {picture.shape[1]}"
        )
    values = picture.astype(np.float64)
    mean = window.mean(values)
    variance = window.covariance_factor * (window.mean(values * values) - mean * mean)
    return Moments(values, mean, variance)


def index(a: Moments, b: Moments, window: Window) -> float:
    """Return the structural similarity index of two pictures, mean over channels.

    Raises
    ------
    DataError
        If they differ in size.
    """
    if a.picture.shape != b.picture.shape:
        raise DataError(f"pictures of {a.picture.shape} and {b.picture.shape} cannot be compared")
    c1, c2 = (0.01 * window.data_range) ** 2, (0.03 * window.data_range) ** 2
    product = a.mean * b.mean
    covariance = window.covariance_factor * (window.mean(a.picture * b.picture) - product)
    index = (2 * product + c1) * (2 * covariance + c2)
    index /= (a.mean**2 + b.mean**2 + c1) * (a.variance + b.variance + c2)
    return float(index.mean())
