"""Files with flipped, missing or overwritten bytes end in a `DataError` or in a whole subject."""

import gzip

import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.errors import DataError

FILES_A_KIND = 200
KINDS = ("cut off", "flipped bits", "overwritten", "header")


def damaged(content: bytes, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    data = np.frombuffer(content, np.uint8).copy()
    match KINDS[seed % len(KINDS)]:
        case "cut off":
            return bytes(data[: rng.integers(1, data.size)])
        case "flipped bits":
            places = rng.integers(0, data.size, rng.integers(1, 4))
            data[places] ^= np.left_shift(1, rng.integers(0, 8, places.size)).astype(np.uint8)
        case "overwritten":
            start = rng.integers(0, data.size)
            data[start : start + rng.integers(1, 64)] = rng.integers(0, 256)
        case "header":
            data[rng.integers(0, min(data.size, 2000), 3)] = rng.integers(0, 256, 3)
    return bytes(data)


def read_everything(path) -> str:
    """Return "" for a subject that can be read to its last picture, or else the message."""
    try:
        subject = open_subject(path)
        subject.responses(range(len(subject.trials)))
        for trial in subject.trials:
            subject.stimulus(trial)
    except DataError as error:
        return str(error)
    return ""


def check_damaged(path, content: bytes) -> list[str]:
    messages = []
    for seed in range(FILES_A_KIND):
        # A new name each time: HDF5 takes a file it still has open for the same one.
        target = path.with_name(f"{seed}-{path.name}")
        target.write_bytes(damaged(content, seed))
        messages.append(read_everything(target))
        target.unlink()
    assert not [message for message in messages if "\n" in message]
    return messages


def test_damaged_subject_files(subject_path):
    assert read_everything(subject_path) == ""
    messages = check_damaged(subject_path, subject_path.read_bytes())
    assert sum(map(bool, messages)) > 0.9 * FILES_A_KIND


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_damaged_images(nifti_folder, suffix):
    content = (nifti_folder / "betas.nii").read_bytes()
    (nifti_folder / "betas.nii").unlink()
    path = nifti_folder / f"x{suffix}"
    messages = check_damaged(
        path, gzip.compress(content, mtime=0) if suffix == ".nii.gz" else content
    )
    assert sum(map(bool, messages)) > FILES_A_KIND // 4


@pytest.mark.parametrize("name", ["rois/sub-07_mask_LH_V1.nii.gz", "anatomy.nii.gz"])
def test_damaged_parts_of_a_folder(nifti_folder, name):
    path = nifti_folder / name
    content = path.read_bytes()
    for seed in range(60):
        path.write_bytes(damaged(content, seed))
        assert "\n" not in read_everything(nifti_folder)
