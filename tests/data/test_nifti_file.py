import errno
import gzip
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from mindvis_gui.data.nifti_file import NiftiFile, is_nifti, read_volume
from mindvis_gui.errors import DataError


def test_volumes_are_those_nibabel_reads(write_nifti):
    data = np.random.default_rng(0).normal(size=(4, 5, 6, 3)).astype(np.float32)
    for name in ("a.nii", "a.nii.gz"):
        image = NiftiFile(write_nifti(name, data))
        assert image.shape == (4, 5, 6)
        assert image.n_volumes == 3
        for index, volume in enumerate(image.volumes()):
            assert np.array_equal(volume.reshape(4, 5, 6, order="F"), data[..., index])
    plain = NiftiFile(write_nifti("a.nii", data))
    assert np.array_equal(plain.volume(2).reshape(4, 5, 6, order="F"), data[..., 2])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_scaled_integers_of_both_versions_and_byte_orders(tmp_path, kind, order):
    header = kind.header_class(endianness=order)
    header.set_data_dtype(np.int16)
    header.set_slope_inter(0.25, -3)
    image = kind(np.random.default_rng(0).normal(0, 100, (3, 4, 5, 2)), np.eye(4), header)
    image.header.set_slope_inter(0.25, -3)
    nib.save(image, tmp_path / "a.nii")
    volumes = NiftiFile(tmp_path / "a.nii").volumes()
    read = np.stack([volume.reshape(3, 4, 5, order="F") for volume in volumes], axis=-1)
    assert np.allclose(read, nib.load(tmp_path / "a.nii").get_fdata())
    assert np.ptp(read) > 10
    assert (read * 4 == np.rint(read * 4)).all()
    assert (read != np.rint(read)).any()


@pytest.mark.parametrize(
    ("labels", "kind"),
    [([0, 1, 2, 7], np.int16), ([-1, 0, 1, 25], np.uint8), ([0, 180, 12175], np.int16)],
)
def test_labels_that_nibabel_scaled_are_the_whole_numbers_meant(tmp_path, labels, kind):
    meant = np.resize(np.array(labels, np.float64), (3, 4, 5))
    image = nib.Nifti1Image(meant, np.eye(4))
    image.set_data_dtype(kind)
    nib.save(image, tmp_path / "a.nii.gz")
    file = NiftiFile(tmp_path / "a.nii.gz")
    assert not np.array_equal(next(file.volumes()), meant.ravel(order="F"))
    assert np.array_equal(file.labels(), meant.ravel(order="F"))
    assert np.array_equal(read_volume(file.path, labels=True).data, meant)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32])
def test_a_probability_map_is_no_label_image(tmp_path, kind):
    map_ = np.linspace(0, 3, 60).reshape(3, 4, 5)
    image = nib.Nifti1Image(map_, np.eye(4))
    image.set_data_dtype(kind)
    nib.save(image, tmp_path / "a.nii.gz")
    assert np.allclose(NiftiFile(tmp_path / "a.nii.gz").labels(), map_.ravel(order="F"), atol=0.01)


@pytest.mark.parametrize(
    ("units", "step", "seconds"),
    [("sec", 2.0, 2.0), ("msec", 1500, 1.5), ("hz", 3, 0.0), ("sec", 0, 0.0)],
)
def test_repetition_time(tmp_path, units, step, seconds):
    image = nib.Nifti1Image(np.zeros((2, 2, 2, 2), np.float32), np.eye(4))
    image.header.set_xyzt_units("mm", units)
    image.header["pixdim"][4] = step
    nib.save(image, tmp_path / "a.nii")
    assert NiftiFile(tmp_path / "a.nii").repetition_time == seconds


def test_the_first_bytes_tell_a_nifti_image(write_nifti):
    data = np.zeros((3, 3, 3), np.float32)
    assert is_nifti(write_nifti("a.nii", data).read_bytes()[:4096])
    assert is_nifti(write_nifti("a.nii.gz", data).read_bytes()[:4096])
    assert not is_nifti(gzip.compress(b"hello" * 200))
    assert not is_nifti(b"\x1f\x8b broken")
    assert not is_nifti(b"short")


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, -1)])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("angle", [0.0, 0.4])
def test_an_anatomy_is_turned_to_ras_and_every_point_keeps_its_mm(write_nifti, signs, order, angle):
    turn = np.eye(3)
    turn[1:, 1:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = np.eye(4)
    affine[:3, :3] = turn @ (np.diag([2.0, 2.5, 3.0]) @ np.diag(signs))[:, order]
    affine[:3, 3] = [-20, 30, -40]
    data = np.zeros((5, 6, 7), np.float32)
    data[1, 2, 5] = 1
    volume = read_volume(write_nifti("a.nii.gz", data, affine))
    (point,) = np.argwhere(volume.data == 1)
    assert np.allclose(volume.affine @ [*point, 1], affine @ [1, 2, 5, 1], atol=1e-4)
    expected = nib.as_closest_canonical(nib.Nifti1Image(data, affine))
    assert np.allclose(volume.affine, expected.affine, atol=1e-5)
    assert np.array_equal(volume.data, expected.get_fdata())


def rewritten(path, **fields):
    content = bytearray(path.read_bytes())
    header = nib.Nifti1Header(bytes(content[:348]), check=False)
    for name, value in fields.items():
        header[name] = value
    content[:348] = header.binaryblock
    path.write_bytes(content)


HEADERS = {
    "a grid of 10^6 cubed": (
        {"dim": [3, 30000, 30000, 30000, 1, 1, 1, 1]},
        "grid of 30,000 × 30,000 × 30,000 points",
    ),
    "too many volumes": ({"dim": [4, 4, 5, 6, 30000, 1, 1, 1]}, r"claims [\d,]+ bytes .* only 1,"),
    "an empty axis": ({"dim": [4, 0, 5, 6, 3, 1, 1, 1]}, "grid of 0 × 5 × 6"),
    "a negative axis": ({"dim": [4, -4, 5, 6, 3, 1, 1, 1]}, "grid of -4 × 5 × 6"),
    "two axes": ({"dim": [2, 4, 5, 1, 1, 1, 1, 1]}, "2 axes, not 3 or 4"),
    "an impossible number of axes": ({"dim": [9, 4, 5, 6, 3, 1, 2, 2]}, "axes, not 3 or 4"),
    "complex values": ({"datatype": 32}, "type complex64"),
    "colours": ({"datatype": 128}, "are not responses"),
    "an unknown type": ({"datatype": 999}, "header is damaged"),
    "values in the header": ({"vox_offset": 12}, "at byte 12, into itself"),
    "NaN offset": ({"vox_offset": np.nan}, "header is damaged"),
    "an infinite intercept": ({"scl_slope": 1, "scl_inter": np.inf}, "header is damaged"),
    "a singular affine": ({"srow_x": [0, 0, 0, 0]}, "affine"),
    "a NaN in the affine": ({"srow_y": [0, np.nan, 0, 0]}, "affine"),
    "a half of a pair": ({"magic": b"ni1"}, "one half of a .hdr/.img pair"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_headers_that_cannot_be_true(write_nifti, case):
    fields, message = HEADERS[case]
    path = write_nifti("a.nii", np.ones((4, 5, 6, 3), np.float32))
    rewritten(path, **fields)
    with pytest.raises(DataError, match=message) as caught:
        NiftiFile(path)
    assert str(caught.value).startswith("a.nii")


def test_a_packed_file_cannot_hold_more_than_its_size_allows(write_nifti):
    path = write_nifti("a.nii", np.ones((4, 5, 6, 3), np.float32))
    rewritten(path, dim=[4, 500, 500, 500, 1000, 1, 1, 1])
    packed = path.with_name("a.nii.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(DataError, match=r"claims 500,000,000,352 bytes"):
        NiftiFile(packed)


def test_truncated_files(write_nifti):
    data = np.random.default_rng(0).normal(size=(9, 9, 9, 3)).astype(np.float32)
    plain, packed = write_nifti("a.nii", data), write_nifti("b.nii.gz", data)
    plain.write_bytes(plain.read_bytes()[:-10])
    packed.write_bytes(packed.read_bytes()[:-3000])
    with pytest.raises(DataError, match="is it complete"):
        NiftiFile(plain)
    with pytest.raises(DataError, match=r"b\.nii\.gz: the file is damaged"):
        list(NiftiFile(packed).volumes())


def test_a_plain_file_that_shrinks_after_it_was_opened(write_nifti):
    path = write_nifti("a.nii", np.ones((4, 5, 6, 3), np.float32))
    image = NiftiFile(path)
    path.write_bytes(path.read_bytes()[:-10])
    assert image.volume(1).all()
    with pytest.raises(DataError, match="ends before its last volume"):
        image.volume(2)
    path.unlink()
    with pytest.raises(DataError, match=r"a\.nii: cannot be read: .*No such file"):
        image.volume(0)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_file_that_is_not_there_is_no_damaged_one(tmp_path, name):
    with pytest.raises(DataError, match=rf"^{name}: cannot be opened: No such file or directory$"):
        NiftiFile(tmp_path / name)


def test_a_flipped_bit_in_a_packed_file_is_found_by_its_checksum(write_nifti):
    data = np.random.default_rng(0).normal(size=(9, 9, 9)).astype(np.float32)
    path = write_nifti("a.nii.gz", data)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1  # in the checksum itself: the values still unpack
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.nii\.gz: the file is damaged \(CRC"):
        read_volume(path)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_disk_that_fails_is_not_called_a_damaged_file(write_nifti, monkeypatch, name):
    image = NiftiFile(write_nifti(name, np.ones((4, 5, 6, 3), np.float32)))

    def fail(path, *mode):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(gzip, "open", fail)
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(DataError, match=rf"{name}: cannot be read \(Input/output error\); this is"):
        next(image.volumes())


def test_what_is_no_nifti_image(tmp_path):
    for name, content in {"a.nii": b"x" * 400, "b.nii.gz": gzip.compress(b"x" * 400)}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name}: this is not a NIfTI image"):
            NiftiFile(tmp_path / name)


def test_an_anatomy_has_one_volume(write_nifti):
    assert read_volume(write_nifti("b.nii", np.ones((4, 5, 6, 1), np.float32))).data.shape == (
        4,
        5,
        6,
    )
    with pytest.raises(DataError, match="has 3 volumes; one is needed here"):
        read_volume(write_nifti("a.nii", np.ones((4, 5, 6, 3), np.float32)))
