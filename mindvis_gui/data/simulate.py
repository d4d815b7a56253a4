"""A simulated subject: the encoding model plus noise, in the layout of a real experiment.

The response of voxel v to one presentation of stimulus s is

    r = √e_v · d_v(s) + √(1 - e_v) · n_v,

with the drive d_v standardised over the training stimuli, noise n_v of unit variance, and
e_v the explainable variance of one presentation: 0.05–0.65, mean 0.25, chosen to be like betas
of single pictures, not fitted to a data set. Noise is correlated between neighbouring voxels;
half of its variance is each voxel's own. Haemodynamics are left out: these are betas, in
standard deviations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mindvis_gui.data.encoding_model import N_CODE, EncodingModel, name_codes
from mindvis_gui.data.picture_features import SIDE
from mindvis_gui.data.schematic_rois import SchematicCortex
from mindvis_gui.data.subject import FloatArray, ImageArray

_EXPLAINABLE = (0.05, 0.65)
_BETA = (1.0, 2.0)  # of the Beta distribution over that range; its mean is 1/3, hence 0.25
_NOISE_SHARES = (0.5, 0.4, 0.1)  # of a voxel alone, of its neighbourhood, of the whole cortex
_NOISE_WIDTH = 1.5  # σ of a neighbourhood, in voxels
_SATURATION = 3.0  # standard deviations that a component tends to
_NOISE_REACH = 4  # voxels up to which it counts


@dataclass(frozen=True, eq=False, slots=True)
class Stimuli:
    """What is shown.

    Attributes
    ----------
    ids : sequence of str, length n
    pictures : (n, 96, 96, 3) uint8
    labels, categories : sequence of str, length n
        Name and class of what each picture shows, empty if unknown.
    """

    ids: Sequence[str]
    pictures: ImageArray
    labels: Sequence[str]
    categories: Sequence[str]


class SimulatedCortex:
    """Responses of a simulated cortex whose drives are standardised on some training stimuli.

    Parameters
    ----------
    cortex : SchematicCortex
    training : Stimuli
        At least two different pictures.
    seed : int
        Of the tuning and the explainable variance of the voxels.
    """

    def __init__(self, cortex: SchematicCortex, training: Stimuli, seed: int) -> None:
        self.cortex = cortex
        self.model = EncodingModel(cortex, seed)
        self.explainable = _explainable_variance(cortex, np.random.default_rng([seed, 1]))
        components = self._components(training)
        self._mean = components.mean(axis=1, keepdims=True)
        self._std = components.std(axis=1, keepdims=True)
        mixed = self._mix(components)
        self._drive_mean, self._drive_std = mixed.mean(axis=0), mixed.std(axis=0)

    def drive(self, stimuli: Stimuli) -> FloatArray:
        """Return the noise-free drives (n, n_voxels), unit variance over the training stimuli."""
        return _standardised(
            self._mix(self._components(stimuli)), self._drive_mean, self._drive_std
        )

    def present(self, drive: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return the responses (n, n_voxels) to one presentation of each drive (n, n_voxels)."""
        noise = correlated_noise(self.cortex, len(drive), rng)
        response = np.sqrt(self.explainable) * drive + np.sqrt(1 - self.explainable) * noise
        return np.asarray(response, dtype=np.float32)

    def noise_ceiling(self, presentations: int) -> FloatArray:
        """Return the share of variance that stimuli explain in means of presentations (n_voxels,).

        e / (e + (1 - e) / m) for m presentations.
        """
        e = self.explainable
        return np.asarray(e / (e + (1 - e) / presentations), dtype=np.float32)

    def resting_responses(self, n: int, seed: int) -> FloatArray:
        """Return resting-like responses (n, n_voxels) for masked pre-training.

        Spontaneous activity has the spatial structure of evoked activity (Kenet et al. 2003), so
        it is the same cortex driven by random scenes, with random codes in place of
        categories and concepts, each voxel standardised, plus the same noise.
        """
        rng = np.random.default_rng([seed, 2])
        drives = []
        for start in range(0, n, 256):
            count = min(256, n - start)
            codes = rng.normal(size=(2, count, 2 + N_CODE)).astype(np.float32)
            codes[0, :, :2] = np.maximum(codes[0, :, :2], 0)
            scenes = dead_leaves(count, rng)
            drives.append(self._mix(self.model.components(scenes, codes[0], codes[1])))
        drive = np.concatenate(drives)
        return self.present(_standardised(drive, drive.mean(axis=0), drive.std(axis=0)), rng)

    def _components(self, stimuli: Stimuli) -> FloatArray:
        return self.model.components(
            stimuli.pictures, name_codes(stimuli.categories), name_codes(stimuli.labels)
        )

    def _mix(self, components: FloatArray) -> FloatArray:
        # Responses saturate: no voxel is driven by one picture far beyond all others.
        parts = _SATURATION * np.tanh(
            _standardised(components, self._mean, self._std) / _SATURATION
        )
        return np.asarray(np.einsum("kv,knv->nv", np.sqrt(self.model.shares), parts))


def correlated_noise(cortex: SchematicCortex, n: int, rng: np.random.Generator) -> FloatArray:
    """Return noise (n, n_voxels) of unit variance that neighbouring voxels share in part."""
    own, near, common = np.sqrt(_NOISE_SHARES)
    noise = np.empty((n, cortex.n_voxels), dtype=np.float32)
    for row in range(n):
        noise[row] = (
            own * rng.standard_normal(cortex.n_voxels)
            + near * _smooth_field(cortex, rng)
            + common * rng.standard_normal()
        )
    return noise


def dead_leaves(n: int, rng: np.random.Generator) -> ImageArray:
    """Return random scenes (n, 96, 96, 3) uint8 of occluding ellipses on plain ground.

    The dead-leaves model has the statistics of natural images that matter to
    the filters: edges at all scales, occlusion, coloured regions (Lee, Mumford & Huang 2001).
    """
    axis = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE - 0.5
    y, x = np.meshgrid(axis, axis, indexing="ij")
    scenes = np.empty((n, SIDE, SIDE, 3), dtype=np.uint8)
    for scene in scenes:
        ground = rng.uniform(150, 240) + rng.normal(0, 12, 3)
        canvas = np.broadcast_to(ground, scene.shape).astype(np.float32)
        for _ in range(rng.integers(3, 13)):
            radius = 0.4 * rng.uniform(0.1, 1) ** 1.5
            centre, angle = rng.normal(0, 0.18, 2), rng.uniform(0, np.pi)
            along = (x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)
            across = (y - centre[1]) * np.cos(angle) - (x - centre[0]) * np.sin(angle)
            inside = along**2 + (across / rng.uniform(0.3, 1)) ** 2 < radius**2
            canvas[inside] = rng.uniform(0, 255, 3)
        scene[:] = np.clip(canvas, 0, 255)
    return scenes


def _explainable_variance(cortex: SchematicCortex, rng: np.random.Generator) -> FloatArray:
    """Draw e_v from a Beta distribution scaled to its range, alike in neighbouring voxels."""
    low, high = _EXPLAINABLE
    values = low + (high - low) * np.sort(rng.beta(*_BETA, cortex.n_voxels))
    order = np.argsort(_smooth_field(cortex, rng) + 0.7 * rng.standard_normal(cortex.n_voxels))
    result = np.empty(cortex.n_voxels, dtype=np.float32)
    result[order] = values
    return result


def _smooth_field(cortex: SchematicCortex, rng: np.random.Generator) -> FloatArray:
    """Return normal numbers (n_voxels,) of unit variance, correlated over `_NOISE_WIDTH` voxels."""
    low = cortex.ijk.min(axis=0) - _NOISE_REACH
    field = rng.standard_normal(cortex.ijk.max(axis=0) - low + 1 + _NOISE_REACH)
    reach = np.arange(-_NOISE_REACH, _NOISE_REACH + 1)
    kernel = np.exp(-(reach**2) / (2 * _NOISE_WIDTH**2))
    kernel /= np.sqrt((kernel**2).sum())  # keeps the variance of white noise
    for axis in range(3):
        # What wraps around stays in the margin.
        shifted = (np.roll(field, int(shift), axis) for shift in reach)
        field = sum(weight * part for weight, part in zip(kernel, shifted, strict=True))
    return np.asarray(field[tuple((cortex.ijk - low).T)], dtype=np.float32)


def _standardised(values: FloatArray, mean: FloatArray, std: FloatArray) -> FloatArray:
    """Return (values - mean) / std, and 0 where nothing varies."""
    varies = std > 1e-6
    return np.asarray((values - mean) * (varies / np.where(varies, std, 1)), dtype=np.float32)
