"""How the voxels of the simulated subject respond to a picture, before noise.

A voxel's drive is a weighted sum of three components, each standardised over the training
stimuli. G is the voxel's Gaussian receptive field:

=========  =======================  ======================  ==================
area       contours                 second                  third
=========  =======================  ======================  ==================
V1–V3      Gabor energy in G        luminance in G          opponent colour in G
hV4        curvature energy in G    rectified hue in G      Gabor energy in G
LOC        centred shape            Gabor energy in G       category
FFA, PPA   centred shape            concept                 category
=========  =======================  ======================  ==================

Category enters as an area's preference (FFA: faces, less so animals; PPA: buildings, less so
other large things) plus a random code of the category's name that each voxel weighs its own
way; concept as such a code alone. These codes are the one part that is
not computed from the picture. An unknown name has a code of its own, so that a
category decodes for concepts never seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data import picture_features as features
from mindvis_gui.data.schematic_rois import SchematicCortex
from mindvis_gui.data.subject import FloatArray, ImageArray

N_COMPONENTS = 3
N_CODE = 12  # dimensions of the random code of a name
_BLOCK = 64  # pictures filtered at a time

# Response of FFA and PPA to categories by name, beside a code of length √12.
_PREFERENCE = {
    "face": (5.0, 0.0),
    "animal": (2.0, 0.0),
    "building": (0.0, 5.0),
    "vehicle": (0.0, 2.0),
    "household": (0.0, 1.0),
}
# Share of the variance that goes to each component, on average (Dirichlet parameters).
_SHARES = {
    "V1": (2.4, 0.8, 0.8),
    "V2": (2.0, 0.8, 1.2),
    "V3": (2.0, 1.0, 1.0),
    "hV4": (1.0, 2.2, 0.8),
    "LOC": (2.0, 1.0, 1.0),
    "FFA": (0.6, 1.0, 2.4),
    "PPA": (0.6, 1.0, 2.4),
}


def name_codes(names: Sequence[str]) -> FloatArray:
    """Return a random code (n, 2 + 12) for each name; the empty name has zeros.

    The first two columns are the preferences of FFA and PPA, the others
    independent standard normal numbers that depend on the name alone.
    """
    codes = np.zeros((len(names), 2 + N_CODE), dtype=np.float32)
    for row, name in enumerate(names):
        if name:
            codes[row, :2] = _PREFERENCE.get(name, (0.0, 0.0))
            codes[row, 2:] = np.random.default_rng(zlib.crc32(name.encode())).normal(size=N_CODE)
    return codes


class EncodingModel:
    """The tuning of every voxel, drawn from one seed.

    Parameters
    ----------
    cortex : SchematicCortex
    seed : int
    """

    def __init__(self, cortex: SchematicCortex, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n = cortex.n_voxels
        self.cortex = cortex
        self.shares = np.zeros((N_COMPONENTS, n), dtype=np.float32)
        for area, parameters in _SHARES.items():
            voxels = cortex.voxels(area)
            self.shares[:, voxels] = rng.dirichlet(parameters, len(voxels)).T
        self._mapped = np.flatnonzero(~np.isnan(cortex.size))
        self._fields = features.receptive_fields(
            cortex.centre[self._mapped], cortex.size[self._mapped]
        ).T
        # Small fields prefer high frequencies; each voxel has one of the bands.
        wanted = 0.5 / cortex.size[self._mapped] * np.exp(0.4 * rng.normal(size=len(self._mapped)))
        bands = np.log(features.FREQUENCIES)
        self._band = np.abs(np.log(wanted)[:, None] - bands).argmin(axis=1)
        preferred = rng.uniform(0, np.pi, len(self._mapped))
        theta = np.pi * np.arange(features.ORIENTATIONS) / features.ORIENTATIONS
        self._orientation = np.exp(1.5 * np.cos(2 * (theta[:, None] - preferred))).astype(
            np.float32
        )
        self._hue = rng.uniform(0, 2 * np.pi, n)
        self._shape = _smooth_templates(rng, n)
        self._category = rng.normal(size=(N_CODE, n)).astype(np.float32)
        self._concept = rng.normal(size=(N_CODE, n)).astype(np.float32)
        self._prefers = np.stack(
            [np.isin(np.arange(n), cortex.voxels(area)) for area in ("FFA", "PPA")]
        ) * rng.uniform(0.5, 1.5, n).astype(np.float32)

    def components(
        self, pictures: ImageArray, category_codes: FloatArray, concept_codes: FloatArray
    ) -> FloatArray:
        """Return the three components of every voxel's drive, not standardised.

        Parameters
        ----------
        pictures : (n, 96, 96, 3) uint8
        category_codes, concept_codes : (n, 14) float32
            From `name_codes`.

        Returns
        -------
        (3, n, n_voxels) float32
        """
        blocks = [
            self._components(
                pictures[start : start + _BLOCK],
                category_codes[start : start + _BLOCK],
                concept_codes[start : start + _BLOCK],
            )
            for start in range(0, len(pictures), _BLOCK)
        ]
        return np.concatenate(blocks, axis=1)

    def _components(
        self, pictures: ImageArray, category_codes: FloatArray, concept_codes: FloatArray
    ) -> FloatArray:
        cortex, mapped = self.cortex, self._mapped
        early, v4 = cortex.voxels("V1", "V2", "V3"), cortex.voxels("hV4")
        loc, selective = cortex.voxels("LOC"), cortex.voxels("FFA", "PPA")
        luminance, red_green, blue_yellow = features.opponent_channels(pictures)
        energy = self._pooled_energy(luminance)
        pooled = np.zeros((3, len(pictures), cortex.n_voxels), dtype=np.float32)
        for row, channel in enumerate((luminance, red_green, blue_yellow)):
            pooled[row][:, mapped] = self._pool(features.shrink(channel))
        curvature = np.zeros_like(energy)
        curvature[:, mapped] = self._pool(features.curvature_energy(luminance))
        shape = features.centred_shape(features.silhouette(pictures))
        projected = shape.reshape(len(shape), -1) @ self._shape
        colour = pooled[1] * np.cos(self._hue) + pooled[2] * np.sin(self._hue)
        category = category_codes[:, :2] @ self._prefers + category_codes[:, 2:] @ self._category
        concept = concept_codes[:, 2:] @ self._concept

        result = np.empty((N_COMPONENTS, len(pictures), cortex.n_voxels), dtype=np.float32)
        for voxels, parts in (
            (early, (energy, pooled[0], colour)),
            (v4, (curvature, np.maximum(colour, 0), energy)),
            (loc, (projected, energy, category)),
            (selective, (projected, concept, category)),
        ):
            for row, part in enumerate(parts):
                result[row][:, voxels] = part[:, voxels]
        return result

    def _pool(self, maps: FloatArray) -> FloatArray:
        """Average maps (n, 48, 48) over the receptive fields: (n, n_retinotopic)."""
        return np.asarray(maps.reshape(len(maps), -1) @ self._fields)

    def _pooled_energy(self, luminance: FloatArray) -> FloatArray:
        result = np.zeros((len(luminance), self.cortex.n_voxels), dtype=np.float32)
        for band, orientation, maps in features.gabor_energy(luminance):
            rows = np.flatnonzero(self._band == band)
            flat = maps.reshape(len(maps), -1)
            result[:, self._mapped[rows]] += self._orientation[orientation, rows] * (
                flat @ self._fields[:, rows]
            )
        return result


def _smooth_templates(rng: np.random.Generator, n_voxels: int) -> NDArray[np.float32]:
    """Return random coarse shapes (16 · 16, n_voxels): 4 × 4 normal numbers, interpolated."""
    side = features.SHAPE_SIDE
    knots = np.linspace(0, side - 1, 5)
    distance = np.abs(np.arange(side)[:, None] - knots) / (knots[1] - knots[0])
    hat = np.maximum(1 - distance, 0)
    coarse = rng.normal(size=(5, 5, n_voxels))
    templates = np.einsum("ya,xb,abv->yxv", hat, hat, coarse)
    return np.asarray(templates.reshape(side * side, n_voxels), dtype=np.float32)
