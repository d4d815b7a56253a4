import io
import shutil
import tarfile

import h5py
import nibabel as nib
import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.errors import DataError
from tests.data.makers import AFFINE, brick, make_mindeye2, nsd_volumes

IMAGES = "coco_images_224_float16.hdf5"


def test_rows_tables_pictures_and_positions(tmp_path):
    path = make_mindeye2(tmp_path)
    subject = open_subject(path)
    with h5py.File(path, locking=False) as file:
        betas = file["betas"][()]
    assert np.array_equal(subject.responses([3, 30, 39]), betas[[3, 30, 39]])
    assert np.allclose(subject.responses([40])[0], betas[[30, 33, 36]].mean(axis=0), atol=1e-6)
    assert [t.stimulus_id for t in subject.trials[:2]] == ["nsd00001", "nsd00002"]
    assert [t.split for t in subject.trials[29:32]] == ["train", "test-single", "test-single"]
    assert [t.presentations for t in subject.trials[40:]] == [3, 3, 3]
    assert (subject.trials[5].session, subject.trials[5].run) == (2, 3)
    assert subject.trials[39].stimulus_id == ""
    assert "1 trial is in no table of wds/subj01" in subject.notes
    assert np.array_equal(subject.stimulus(subject.trials[7]), brick()[7])
    mask = nsd_volumes()["nsdgeneral"] > 0
    mm = subject.ijk @ subject.affine[:3, :3].T + subject.affine[:3, 3]
    assert np.allclose(mm, np.argwhere(mask) * np.diag(AFFINE)[:3])
    assert open_subject(tmp_path).name == "subj01"


def test_what_cannot_be_known_is_said(tmp_path):
    path = make_mindeye2(tmp_path)
    shutil.rmtree(tmp_path / "wds")
    (tmp_path / "nsdgeneral.nii.gz").unlink()
    subject = open_subject(path)
    assert subject.notes == (
        "No tables in wds/subj01: what the 40 trials showed is not known",
        "No nsdgeneral.nii.gz beside the file: where the voxels lie is not known",
    )
    assert {t.split for t in subject.trials} == {"train"}
    assert subject.rois == ()


def betas(data):
    def change(folder):
        with h5py.File(folder / "betas_all_subj01_fp32_renorm.hdf5", "w") as file:
            file.create_dataset("betas", data=data)

    return change


def images(data):
    def change(folder):
        with h5py.File(folder / IMAGES, "w") as file:
            file.create_dataset("images", data=data)

    return change


def small_mask(folder):
    for name in ("prf-visualrois", "streams"):
        (folder / f"{name}.nii.gz").unlink()
    image = nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), AFFINE)
    nib.save(image, folder / "nsdgeneral.nii.gz")


def cut(folder):
    path = folder / "wds/subj01/train/0.tar"
    path.write_bytes(path.read_bytes()[:700])


def linked_table(folder):
    with tarfile.open(folder / "wds/subj01/train/0.tar", "w") as archive:
        info = tarfile.TarInfo("sample0.behav.npy")
        info.size = 1 << 20
        archive.addfile(info, io.BytesIO(bytes(1 << 20)))


WRONG = {
    "integers": (betas(np.zeros((4, 5), int)), "/betas holds values of type int64"),
    "fewer trials": (betas(np.zeros((9, 100))), "0.tar: the tables are damaged .picture 9 in row"),
    "no trials": (betas(np.zeros((0, 100))), "/betas claim 0 trials"),
    "grey pictures": (images(np.zeros((60, 1, 8, 8))), "not .n, 3, h, w"),
    "a mask of another subject": (small_mask, "27 voxels but betas_all_subj01_fp32_renorm.hdf5"),
    "a table cut off": (cut, "0.tar: the tables are damaged"),
    "a huge table": (linked_table, "claims 1,048,576 bytes"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(tmp_path, case):
    path = make_mindeye2(tmp_path)
    change, message = WRONG[case]
    change(tmp_path)
    with pytest.raises(DataError, match=message) as caught:
        open_subject(path)
    assert "\n" not in str(caught.value)
