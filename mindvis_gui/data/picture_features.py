"""What visual areas are taken to measure in a picture: luminance, colour, contours, shape.

Pictures fill 12° × 12° of the visual field. Everything here is a fixed filter; what
a voxel does with it is in `encoding_model`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mindvis_gui.data.subject import FloatArray, ImageArray

FIELD = 12.0  # degrees that a picture is wide and high
SIDE = 96  # pixels that pictures are scaled to
MAP_SIDE = 48  # pixels of the feature maps that receptive fields pool
FREQUENCIES = (0.4, 0.8, 1.6)  # preferred spatial frequencies in cycles per degree
ORIENTATIONS = 6
SHAPE_SIDE = 16

_CURVATURE_BLUR = 0.35  # degrees
_PAD = 16
_PADDED = SIDE + 2 * _PAD
_FREQUENCY_STEP = SIDE / (FIELD * _PADDED)  # cycles per degree from one frequency to the next


def scale_picture(picture: ImageArray) -> ImageArray:
    """Return the picture (h, w, 3) at 96 × 96."""
    if picture.shape[:2] == (SIDE, SIDE):
        return picture
    return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def opponent_channels(pictures: ImageArray) -> FloatArray:
    """Return luminance, red–green and blue–yellow (3, n, 96, 96), each within -1…1.

    L = 2 (0.299 R + 0.587 G + 0.114 B) - 1, RG = R - G, BY = B - (R + G) / 2.
    """
    red, green, blue = np.moveaxis(pictures.astype(np.float32) / 255, -1, 0)
    luminance = 2 * (0.299 * red + 0.587 * green + 0.114 * blue) - 1
    return np.stack([luminance, red - green, blue - (red + green) / 2])


def gabor_energy(luminance: FloatArray) -> Iterator[tuple[int, int, FloatArray]]:
    """Yield (frequency, orientation, energy maps (n, 48, 48)) of quadrature Gabor pairs.

    A Gabor of frequency f and orientation θ with a bandwidth of about one octave has the
    transfer function exp(-|k - f u(θ)|² / 2 s²), s = f / 2.5 (u: unit vector across the bars).
    On one half-plane of frequencies alone, its output is the quadrature pair at once, and its
    modulus the energy (Adelson & Bergen 1985); the square root of the energy is
    returned, since BOLD grows less than linearly with contrast.
    """
    spectrum = _spectrum(luminance)
    for f, frequency in enumerate(FREQUENCIES):
        for o in range(ORIENTATIONS):
            theta = np.pi * o / ORIENTATIONS
            preferred = frequency * np.array([np.cos(theta), np.sin(theta)])
            # Moving the passband to frequency 0 leaves the modulus as it is.
            band, kx, ky = _passband(spectrum, np.rint(preferred / _FREQUENCY_STEP).astype(int))
            across = (kx - preferred[0]) ** 2 + (ky - preferred[1]) ** 2
            gain = np.exp(-across / (2 * (frequency / 2.5) ** 2))
            gain[(kx == 0) & (ky == 0)] = 0  # no response to uniform fields
            yield f, o, np.abs(_filtered(band, gain, kx, ky))


def curvature_energy(luminance: FloatArray) -> FloatArray:
    """Return how strongly contours bend, (n, 48, 48).

    The curvature of the isophotes times the gradient,
    |Lxx Ly² - 2 Lx Ly Lxy + Lyy Lx²| / (Lx² + Ly² + ε), of the luminance
    blurred by 0.35 degrees (Koenderink & van Doorn 1987).
    """
    band, kx, ky = _passband(_spectrum(luminance), np.zeros(2, dtype=int))
    wx, wy = 2 * np.pi * kx, 2 * np.pi * ky
    blur = np.exp(-(_CURVATURE_BLUR**2) * (wx**2 + wy**2) / 2)
    x, y, xx, xy, yy = (
        _filtered(band, blur * derivative, kx, ky).real
        for derivative in (1j * wx, 1j * wy, -wx * wx, -wx * wy, -wy * wy)
    )
    bend = xx * y**2 - 2 * x * y * xy + yy * x**2
    return np.asarray(np.sqrt(np.abs(bend / (x**2 + y**2 + 0.01))))


def silhouette(pictures: ImageArray) -> FloatArray:
    """Return how much each point differs from the background, (n, 96, 96) within 0…1.

    The background is the median colour of the picture's border.
    """
    values = pictures.astype(np.float32) / 255
    border = np.concatenate(
        [values[:, 0], values[:, -1], values[:, :, 0], values[:, :, -1]], axis=1
    )
    background = np.median(border, axis=1)[:, None, None]
    return np.asarray(np.tanh(4 * np.linalg.norm(values - background, axis=-1)), dtype=np.float32)


def centred_shape(figure: FloatArray) -> FloatArray:
    """Return silhouettes moved to the centre and scaled to one size, (n, 16, 16).

    Stands for the tolerance to position and size of object-selective cortex
    (Grill-Spector et al. 1999). Size is measured as twice the standard deviation of the
    silhouette, which then spans half of the frame.
    """
    n, side = len(figure), figure.shape[1]
    axis = np.arange(side, dtype=np.float32)
    mass = figure.sum(axis=(1, 2)) + 1e-6
    x = (figure.sum(axis=1) @ axis) / mass
    y = (figure.sum(axis=2) @ axis) / mass
    spread_x = np.sqrt((figure.sum(axis=1) * (axis - x[:, None]) ** 2).sum(axis=1) / mass)
    spread_y = np.sqrt((figure.sum(axis=2) * (axis - y[:, None]) ** 2).sum(axis=1) / mass)
    step = 8 * np.maximum(np.maximum(spread_x, spread_y), 1) / side
    grid = np.linspace(-side / 4, side / 4, SHAPE_SIDE, dtype=np.float32)
    columns = np.clip(np.rint(x[:, None] + step[:, None] * grid), 0, side - 1).astype(np.int64)
    rows = np.clip(np.rint(y[:, None] + step[:, None] * grid), 0, side - 1).astype(np.int64)
    smooth = _box_blur(figure, 5)
    return np.asarray(smooth[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]])


def shrink(maps: FloatArray) -> FloatArray:
    """Average maps (n, 96, 96) to (n, 48, 48)."""
    n = len(maps)
    return np.asarray(maps.reshape(n, MAP_SIDE, 2, MAP_SIDE, 2).mean(axis=(2, 4)))


def receptive_fields(centre: NDArray[np.float64], size: NDArray[np.float64]) -> FloatArray:
    """Return Gaussian receptive fields (n_voxels, 48 · 48), each with the sum 1.

    `centre` (n_voxels, 2) right and up, and `size` (n_voxels,), in degrees from the
    centre of the picture.
    """
    step = FIELD / MAP_SIDE
    axis = (np.arange(MAP_SIDE) + 0.5) * step - FIELD / 2
    across = np.exp(-((axis - centre[:, :1]) ** 2) / (2 * size[:, None] ** 2))
    down = np.exp(-((-axis - centre[:, 1:]) ** 2) / (2 * size[:, None] ** 2))
    fields = (down[:, :, None] * across[:, None, :]).reshape(len(centre), -1)
    fields[fields < 1e-5] = 0  # numbers next to 0 make products of matrices very slow
    return np.asarray(fields / fields.sum(axis=1, keepdims=True), dtype=np.float32)


def _spectrum(maps: FloatArray) -> NDArray[np.complex64]:
    """Return the Fourier transform (n, 128, 128) of maps continued beyond their edges."""
    padded = np.pad(maps, [(0, 0), (_PAD, _PAD), (_PAD, _PAD)], mode="edge")
    return np.fft.fft2(padded).astype(np.complex64)


def _passband(
    spectrum: NDArray[np.complex64], middle: NDArray[np.int_]
) -> tuple[NDArray[np.complex64], NDArray[np.float64], NDArray[np.float64]]:
    """Cut 64 × 64 frequencies around `middle` (x, y steps) out of a spectrum.

    Returns them (n, 64, 64) with the middle first, as for an inverse transform
    at half the resolution, and their frequencies to the right and up in cycles per degree.
    """
    half = _PADDED // 2
    steps = np.fft.ifftshift(np.arange(-half // 2, half // 2))
    columns, rows = steps + middle[0], steps - middle[1]
    ky, kx = np.meshgrid(-rows * _FREQUENCY_STEP, columns * _FREQUENCY_STEP, indexing="ij")
    return spectrum[:, rows[:, None] % _PADDED, columns % _PADDED], kx, ky


def _filtered(
    band: NDArray[np.complex64],
    gain: NDArray[np.inexact],
    kx: NDArray[np.float64],
    ky: NDArray[np.float64],
) -> NDArray[np.complex64]:
    """Return the picture within a passband (n, 48, 48), its frequencies weighed by `gain`."""
    # Points of the small map lie half a pixel right of and below those of the picture.
    shift = np.exp(1j * np.pi * (kx - ky) * FIELD / SIDE)
    inner = slice(_PAD // 2, _PAD // 2 + MAP_SIDE)
    small = np.fft.ifft2(band * (gain * shift / 4).astype(np.complex64))
    return np.asarray(small[:, inner, inner])


def _box_blur(maps: FloatArray, width: int) -> FloatArray:
    """Average over `width` × `width` neighbours."""
    half = width // 2
    padded = np.pad(maps, [(0, 0), (half + 1, half), (half + 1, half)], mode="edge")
    total = padded.cumsum(axis=1).cumsum(axis=2)
    box = (
        total[:, width:, width:]
        - total[:, :-width, width:]
        - total[:, width:, :-width]
        + total[:, :-width, :-width]
    )
    return np.asarray(box / width**2, dtype=np.float32)
