"""Subjects in files: the application's own format, and NIfTI folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from mindvis_gui.data.recording import ArrayRecording
from mindvis_gui.data.subject import Subject
from mindvis_gui.data.subject_file import write_subject


@pytest.fixture
def pictured(subject: Subject) -> Subject:
    """Return the small subject with every kind of fact that a file can hold."""
    pictures = {trial.stimulus_id: subject.stimulus(trial) for trial in subject.trials}
    values = np.random.default_rng(1).normal(size=(24, 700)).astype(np.float32)
    ceiling = values[0] ** 2
    ceiling[3] = np.nan
    return replace(
        subject,
        recording=ArrayRecording(values, pictures),
        maps={"noise ceiling": ceiling, "angle (deg)": values[1]},
        notes=("First note", "Second note"),
        origin="a test",
        licence="CC0-1.0",
    )


@pytest.fixture
def subject_path(tmp_path: Path, pictured: Subject) -> Path:
    """Return the path of that subject, written."""
    path = tmp_path / "subject.h5"
    write_subject(path, pictured)
    return path


NiftiWriter = Callable[..., Path]


@pytest.fixture
def write_nifti(tmp_path: Path) -> Iterator[NiftiWriter]:
    """Return a function that writes an array as ``name`` below the test's folder."""

    def write(name: str, data: np.ndarray, affine: np.ndarray | None = None) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = nib.Nifti1Image(data, np.diag([3.0, 3, 3, 1]) if affine is None else affine)
        nib.save(image, path)
        return path

    return write


@pytest.fixture
def nifti_folder(tmp_path: Path, write_nifti: NiftiWriter) -> Path:
    """Return a folder with betas of 6 trials, masks of two hemispheres, stimuli and a table."""
    folder = tmp_path / "sub-07"
    rng = np.random.default_rng(2)
    shape = (7, 8, 9)
    betas = rng.normal(5, 1, (*shape, 6)).astype(np.float32)
    write_nifti("sub-07/betas.nii", betas)
    masks = {"LH_V1": (1, slice(2, 4)), "RH_V1": (5, slice(2, 4)), "LH_V2": (2, slice(3, 5))}
    for name, (x, y) in masks.items():
        mask = np.zeros(shape, np.uint8)
        mask[x, y, 2:6] = 1
        write_nifti(f"sub-07/rois/sub-07_mask_{name}.nii.gz", mask)
    write_nifti("sub-07/anatomy.nii.gz", rng.normal(size=(10, 11, 12)).astype(np.float32))
    (folder / "stimuli").mkdir()
    rows = ["stimulus\tlabel\tsplit\trun\textra"]
    for trial in range(6):
        picture = np.full((10, 12, 3), 40 * trial, np.uint8)
        Image.fromarray(picture).save(folder / "stimuli" / f"picture{trial}.png")
        split = "test" if trial < 2 else "train"
        rows.append(f"picture{trial}.png\tthing {trial}\t{split}\t{1 + trial // 3}\tn/a")
    (folder / "trials.tsv").write_text("\n".join(rows) + "\n")
    return folder
