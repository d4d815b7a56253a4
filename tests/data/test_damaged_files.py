"""Files with flipped, missing or overwritten bytes end in a `DataError` or in a whole subject."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from bdpy import BData

from mindvis_gui.data import open_subject
from mindvis_gui.errors import DataError

PUBLISHED = Path(__file__).parents[1] / "data_golden" / "published"
FILES_A_KIND = 200
PUBLISHED_FILES = 100
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


def check_damaged(path, content: bytes, n: int = FILES_A_KIND) -> list[str]:
    messages = []
    for seed in range(n):
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


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_god_files(tmp_path, save):
    shutil.copytree(PUBLISHED / "GOD", tmp_path / "GOD")
    arrays = dict(np.load(PUBLISHED / "GOD" / "sbj_3.npz"))
    path = tmp_path / "GOD" / "x.npz"
    save(path, **{name: array[..., :40] for name, array in arrays.items()}, arr_4=np.arange(8) % 4)
    assert read_everything(path) == ""
    messages = check_damaged(path, path.read_bytes(), PUBLISHED_FILES)
    assert sum(map(bool, messages)) > PUBLISHED_FILES // 2


def test_damaged_hcp_files(tmp_path):
    content = (PUBLISHED / "HCP" / "dummy_sub_01" / "HCP_visual_voxel.npz").read_bytes()
    messages = check_damaged(tmp_path / "x.npz", content, PUBLISHED_FILES)
    assert sum(map(bool, messages)) > PUBLISHED_FILES // 2


@pytest.mark.parametrize("vmap", [False, True])
def test_damaged_bdata_files(tmp_path, vmap):
    data, rng = BData(), np.random.default_rng(0)
    data.add(rng.normal(size=(12, 20)), "VoxelData")
    data.add(np.repeat([1.0, 2.0], 6)[:, None], "DataType")
    data.add(np.arange(12.0)[:, None] % 3, "stimulus_id")
    data.add_metadata("ROI_VC", np.ones(20), where="VoxelData")
    for axis in range(3):
        data.add_metadata(f"voxel_{'xyz'[axis]}", 3.0 * (np.arange(20) >> axis), where="VoxelData")
    if vmap:
        data.add_vmap("stimulus_id", {0.0: "cat", 1.0: "dog", 2.0: "fish"})
    data.save(str(tmp_path / "x.h5"))
    assert read_everything(tmp_path / "x.h5") == ""
    content = (tmp_path / "x.h5").read_bytes()
    messages = check_damaged(tmp_path / "x.h5", content, PUBLISHED_FILES)
    assert sum(map(bool, messages)) > PUBLISHED_FILES // 4


@pytest.mark.parametrize(
    "name",
    [
        "BOLD5000_GLMsingle_ROI_betas/py/CSI1_GLMbetas-TYPED-FITHRF-GLMDENOISE-RR_allses_RHRSC.npy",
        "BOLD5000_Stimuli/Scene_Stimuli/Presented_Stimuli/img_dict.npy",
    ],
)
def test_damaged_bold5000_files(tmp_path, name):
    shutil.copytree(PUBLISHED / "BOLD5000", tmp_path / "BOLD5000")
    path = tmp_path / "BOLD5000" / name
    content = path.read_bytes()
    messages = []
    for seed in range(PUBLISHED_FILES):
        path.write_bytes(damaged(content, seed))
        messages.append(read_everything(tmp_path / "BOLD5000"))
    assert not [message for message in messages if "\n" in message]
    assert sum(map(bool, messages)) > PUBLISHED_FILES // 4


@pytest.mark.parametrize(
    "name",
    [
        "images_256.npz",
        "imagenet_testing_label.csv",
        "imagenet_class_index.json",
    ],
)
def test_damaged_parts_beside_a_god_file(tmp_path, name):
    shutil.copytree(PUBLISHED / "GOD", tmp_path / "GOD")
    path = tmp_path / "GOD" / name
    content = path.read_bytes()
    for seed in range(40):
        path.write_bytes(damaged(content, seed))
        assert "\n" not in read_everything(tmp_path / "GOD" / "sbj_3.npz")
