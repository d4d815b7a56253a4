"""NSD subjects as MindEye2 publishes them: ``betas_all_subj01_fp32_renorm.hdf5``.

====================================  ======================================================
``betas``                             (trials, voxels of nsdgeneral) float, z-scored
``coco_images_224_float16.hdf5``      ``images`` (73000, 3, 224, 224) float, 0–1, optional
``wds/subj01/…/*.tar``                which row showed what, see `mindeye2_tables`, optional
====================================  ======================================================

Positions and regions are not published; ``nsdgeneral.nii.gz`` and the other label images of NSD
beside the file give them, if the mask has as many voxels.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mindvis_gui.data.checks import MAX_TRIALS, MAX_VOXELS
from mindvis_gui.data.hdf5 import check_chunks, damage_reported, dataset, open_hdf5
from mindvis_gui.data.mindeye2_tables import read_shown
from mindvis_gui.data.nifti_file import NiftiFile
from mindvis_gui.data.notes import PLACES_UNKNOWN, SHOWED_UNKNOWN
from mindvis_gui.data.npz import converted
from mindvis_gui.data.nsd_rois import read_nsd_rois
from mindvis_gui.data.orientation import as_ras
from mindvis_gui.data.picture import MAX_PIXELS
from mindvis_gui.data.recording import Pictures, RowRecording
from mindvis_gui.data.repeats import with_means
from mindvis_gui.data.subject import (
    FloatArray,
    ImageArray,
    IntArray,
    Roi,
    Subject,
    Trial,
    read_only,
)
from mindvis_gui.data.trial_table import missing_pictures
from mindvis_gui.errors import DataError
from mindvis_gui.wording import are, counted

_IMAGES = "coco_images_224_float16.hdf5"


def read_mindeye2_subject(path: Path) -> Subject:
    """Open a subject; responses and pictures stay on disk until they are asked for.

    Raises
    ------
    DataError
        If the file is damaged, or what lies beside it contradicts it.
    """
    betas = _Betas(path)
    found = re.search(r"subj\d\d", path.name)
    name = found[0] if found else path.stem
    singles, notes = _singles(path, name, betas.n_trials)
    trials, rows, means = with_means(singles)
    images = path.with_name(_IMAGES)
    shown = {trial.stimulus_id for trial in trials if trial.stimulus_id}
    pictures: Pictures = CocoImages(images, shown) if images.exists() else {}
    rois, positions, more = _positions(path, betas.n_voxels)
    return Subject(
        name=name,
        source=path,
        trials=trials,
        rois=rois,
        n_voxels=betas.n_voxels,
        recording=RowRecording(betas, rows, pictures, images.name),
        unit="z",
        notes=(*notes, *means, *more, *missing_pictures(trials, pictures)),
        origin="Natural Scenes Dataset (Allen et al. 2022), as prepared for MindEye2",
        **positions,
    )


class _Betas:
    """Reads rows of ``/betas``; callable as `RowRecording` needs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        file = open_hdf5(path)
        weakref.finalize(self, file.close)
        with damage_reported(path):
            self._betas: h5py.Dataset = check_chunks(dataset(file, "betas", ndim=2, kinds="f"))
            self.n_trials, self.n_voxels = self._betas.shape
        if not (1 <= self.n_trials <= MAX_TRIALS and 1 <= self.n_voxels <= MAX_VOXELS):
            raise DataError(
                f"{path.name}: /betas claim {self.n_trials:,} trials × {self.n_voxels:,} voxels"
            )

    def __call__(self, rows: IntArray) -> FloatArray:
        found = np.empty((len(rows), self.n_voxels), dtype=np.float32)
        with damage_reported(self._path), np.errstate(over="ignore"):
            for values, row in zip(found, rows.tolist(), strict=True):
                values[:] = self._betas[row]
        return found


class CocoImages(Mapping[str, ImageArray]):
    """The pictures of ``images`` (n, 3, h, w), 0–1, that were shown, by name."""

    def __init__(self, path: Path, shown: set[str]) -> None:
        self._path = path
        file = open_hdf5(path)
        weakref.finalize(self, file.close)
        with damage_reported(path):
            self._images: h5py.Dataset = check_chunks(dataset(file, "images", ndim=4, kinds="f"))
            _, channels, height, width = self._images.shape
            if channels != 3 or not 1 <= height * width <= MAX_PIXELS:
                raise DataError(
                    f"{path.name}: /images has shape {self._images.shape}, not (n, 3, h, w)"
                )
            rows = {name: int(name.removeprefix("nsd")) - 1 for name in sorted(shown)}
            self._rows = {name: row for name, row in rows.items() if row < len(self._images)}

    def __getitem__(self, name: str) -> ImageArray:
        row = self._rows[name]
        with damage_reported(self._path):
            values = self._images[row].astype(np.float32)
        return read_only(converted(values.transpose(1, 2, 0) * 255, np.dtype(np.uint8)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _singles(path: Path, subject: str, n_trials: int) -> tuple[list[Trial], list[str]]:
    shown = read_shown(path.parent / "wds" / subject, n_trials)
    trials = [Trial(row, "train") for row in range(n_trials)]
    for row, (picture, session, run, is_shared) in shown.items():
        split = "test-single" if is_shared else "train"
        trials[row] = Trial(row, split, f"nsd{picture + 1:05d}", session=session, run=run)
    left = n_trials - len(shown)
    where = f"wds/{subject}"
    if not shown:
        return trials, [f"No tables in {where}: what the {n_trials:,} trials {SHOWED_UNKNOWN}"]
    return trials, [f"{counted(left, 'trial')} {are(left)} in no table of {where}"] if left else []


def _positions(path: Path, n_voxels: int) -> tuple[tuple[Roi, ...], dict[str, Any], list[str]]:
    mask = path.with_name("nsdgeneral.nii.gz")
    if not mask.exists():
        return (), {}, [f"No nsdgeneral.nii.gz beside the file: {PLACES_UNKNOWN}"]
    image = NiftiFile(mask)
    points, rois, notes = read_nsd_rois(image, mask.parent)
    if len(points) != n_voxels:
        raise DataError(
            f"{mask.name}: {len(points):,} voxels but {path.name} has {n_voxels:,}; "
            "is it of this subject?"
        )
    ijk = np.stack(np.unravel_index(points, image.shape, order="F"), axis=1).astype(np.int64)
    turned, affine = as_ras(ijk, image.affine, image.shape)
    return rois, {"ijk": read_only(turned), "affine": read_only(affine)}, notes
