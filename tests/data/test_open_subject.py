import gzip
import io
import os
import zipfile

import h5py
import numpy as np
import pytest
from PIL import Image

from mindvis_gui.data import open_subject
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.errors import DataError


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, kind)
    return buffer.getvalue()


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.txt", "x")
    return buffer.getvalue()


def array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


FILES = {
    "empty": (b"", "the file is empty"),
    "text": (b"hello there\n" * 50, "no known kind of subject"),
    "png": (picture("PNG"), "a PNG picture"),
    "jpeg": (picture("JPEG"), "a JPEG picture"),
    "webp": (picture("WEBP"), "a WebP picture"),
    "npz": (archive(), r"arrays of this archive \(none\) are neither"),
    "npy": (array(), "numpy array, and not one of BOLD5000's"),
    "mat": (b"MATLAB 5.0 MAT-file" + b" " * 500, "the MATLAB file is damaged or not of version 5"),
    "packed text": (gzip.compress(b"hello" * 500), "no known kind of subject"),
    "an HDF5 signature and nothing else": (b"\x89HDF\r\n\x1a\n", "HDF5 file is damaged"),
    "an HDF5 signature and noise": (b"\x89HDF\r\n\x1a\n" + b"\x07" * 4000, "HDF5 file is damaged"),
}


@pytest.mark.parametrize("name", ["subject.h5", "betas.nii.gz", "x"])
@pytest.mark.parametrize("case", FILES)
def test_content_decides_what_a_file_is_not_its_name(tmp_path, case, name):
    content, message = FILES[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        open_subject(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_another_hdf5_file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["dataset"] = np.zeros((3, 4))
        file.attrs["format"] = "something of variable length"
    with pytest.raises(DataError, match=r"a\.h5: attribute 'format' is not of a plain type"):
        open_subject(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w", userblock_size=512) as file:
        file["dataset"] = np.zeros((3, 4))
    with pytest.raises(DataError, match=r"b\.h5: this HDF5 file is not a subject file"):
        open_subject(tmp_path / "b.h5")


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(DataError, match=r"gone\.h5: cannot be opened: No such file"):
        open_subject(tmp_path / "gone.h5")
    with pytest.raises(DataError, match="no betas"):
        open_subject(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user without rights")
def test_no_permission(subject_path):
    subject_path.chmod(0)
    with pytest.raises(DataError, match="Permission denied"):
        open_subject(subject_path)


def test_paths_that_no_file_can_have(tmp_path):
    for path in (tmp_path / ("x" * 5000), tmp_path / "a\0b", "~nobody-of-this-name/a.h5"):
        with pytest.raises(DataError, match="cannot be opened"):
            open_subject(path)


def test_long_and_foreign_paths(tmp_path, pictured):
    folder = tmp_path / ("ü" * 100) / ("脳" * 80) / "with blanks and 'quotes'"
    write_subject(folder / "sübject.h5", pictured)
    assert open_subject(folder / "sübject.h5").n_voxels == 700


def test_the_demo_is_opened_by_name(monkeypatch, subject_path):
    monkeypatch.setattr("mindvis_gui.data.formats.demo_subject_path", lambda: subject_path)
    assert open_subject("demo").source == subject_path
