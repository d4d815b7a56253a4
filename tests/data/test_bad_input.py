"""What people give by mistake, and strangers on purpose: each in one line that says what to do."""

import os
import tracemalloc
import zipfile
from dataclasses import replace

import h5py
import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from mindvis_gui.data import open_subject
from mindvis_gui.data.import_checks import check_files
from mindvis_gui.data.import_plan import ImportPlan
from mindvis_gui.data.npz import NpzFile
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.stimuli import open_pictures
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.data.trial_filter import TrialFilter
from mindvis_gui.errors import DataError
from tests.data.makers import (
    MAKERS,
    gzip_bomb,
    make_arrays,
    make_glmsingle,
    make_god,
    make_nifti,
    make_nsd,
)

_NOBODY = 65534  # the number of a user without rights


def read_everything(path):
    subject = open_subject(path)
    subject.responses(range(len(subject.trials)))


def refused(path, message):
    with pytest.raises(DataError, match=message) as caught:
        read_everything(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("name", MAKERS)
def test_cut_off(tmp_path, name):
    source = MAKERS[name](tmp_path / "source")
    files = [source] if source.is_file() else list(source.rglob("*"))
    kinds = (".nii", ".gz", ".npy", ".hdf5", ".npz", ".h5", ".mat")
    largest = max(
        (p for p in files if p.suffix in kinds and "stimuli" not in p.name),
        key=lambda p: p.stat().st_size,
    )
    if name == "bold5000":  # of which the pictures are the largest
        largest = next(source.rglob("*_LHLOC.npy"))
    largest.write_bytes(largest.read_bytes()[: largest.stat().st_size * 2 // 3])
    refused(source, r"damaged|complete|missing|ends|copy it again|no array|keeps its text")


def test_flipped_bits_are_found_by_checksums(tmp_path, pictured):
    path = tmp_path / "a.h5"
    write_subject(path, pictured)
    content = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        at = file["responses"].id.get_chunk_info(0).byte_offset
    content[at + 5] ^= 8
    path.write_bytes(content)
    refused(path, "the HDF5 file is damaged .*; copy it again")


def test_shapes_that_contradict_each_other(tmp_path):
    path = make_god(tmp_path)
    arrays = dict(np.load(path))
    np.savez(path, **(arrays | {"arr_2": arrays["arr_2"][:, :7]}))
    refused(path, "arr_0 has 40 columns but arr_2 has 7; is this file complete")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_responses_that_are_not_finite_are_counted(tmp_path, subject, value):
    values = np.array(subject.responses(range(24)))
    values[3, :5] = value
    np.savez(tmp_path / "a.npz", x=values)
    subject = ImportPlan(tmp_path / "a.npz", responses="x").read()
    assert np.isfinite(subject.responses([2])).all()
    with pytest.raises(
        DataError,
        match=r"holds 5 values that are NaN or infinite, the first in voxel .* trial!=3; to train",
    ):
        subject.responses([3])
    # What the message says works; `mindvis train` has no --filter, but what is imported trains.
    steps = Preparation((TrialFilter.parse("trial!=3"),), z_score="voxel")
    kept = ImportPlan(tmp_path / "a.npz", responses="x", preparation=steps).read()
    assert np.isfinite(kept.responses(range(23))).all()


def test_zip_bombs(tmp_path, monkeypatch):
    monkeypatch.setattr("mindvis_gui.data.npz._MAX_TIGHT", 1 << 24)
    np.savez_compressed(tmp_path / "a.npz", arr_0=np.zeros((1 << 12, 1 << 10)), arr_2=np.eye(3))
    tracemalloc.start()
    refused(tmp_path / "a.npz", r"arr_0 unpacks 32,\d+ bytes to 33,554,432, as zip bombs.*savez")
    assert tracemalloc.get_traced_memory()[1] < 1 << 23
    tracemalloc.stop()
    with zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arr_0.npy", bytes(1 << 25))
    refused(tmp_path / "b.npz", "the npz file is damaged")


def test_arrays_that_pack_tightly_are_read(tmp_path):
    squares = np.zeros((40, 500, 500, 3), np.uint8)
    squares[:, 200:300, 200:300] = 255
    np.savez_compressed(tmp_path / "squares.npz", squares=squares)
    assert (tmp_path / "squares.npz").stat().st_size * 200 < squares.nbytes
    assert np.array_equal(open_pictures(tmp_path / "squares.npz")["7"], squares[7])


def test_arrays_that_nobody_reads_do_no_harm(tmp_path, monkeypatch):
    monkeypatch.setattr("mindvis_gui.data.npz._MAX_TIGHT", 1 << 20)
    path = make_god(tmp_path)
    unused = {
        "mask": np.zeros(1 << 22, np.bool_),
        "nothing": np.zeros((0, 3)),
        "objects": np.array([{}, None], dtype=object),
    }
    np.savez_compressed(path, **dict(np.load(path)), **unused)
    open_subject(path)
    archive = NpzFile(path)
    for name, why in (("mask", "zip bombs"), ("nothing", "no values"), ("objects", "pickled")):
        with pytest.raises(DataError, match=f"{name} .*{why}"):
            archive.read(name, np.float32)


def test_gzip_bombs(tmp_path):
    (tmp_path / "betas.nii.gz").write_bytes(gzip_bomb(2, 1 << 24))
    refused(tmp_path / "betas.nii.gz", "the image is 3-D|every voxel .* is 0 or NaN")


def test_links_out_of_an_hdf5_file(tmp_path, pictured):
    write_subject(tmp_path / "a.h5", pictured)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file["responses"]
        file["responses"] = h5py.ExternalLink("/etc/passwd", "/responses")
    refused(tmp_path / "a.h5", "/responses is a link to somewhere else; copy the values into this")


def test_arrays_of_objects(tmp_path):
    path = make_glmsingle(tmp_path)
    np.save(path, {"betasmd": np.array([print, {}], dtype=object)}, allow_pickle=True)
    refused(path, "which may run code; it is not loaded")


def test_headers_that_claim_the_absurd(tmp_path):
    header = nib.Nifti2Header()
    header.set_data_shape((10**6, 10**6, 10**6))
    header.set_sform(np.eye(4), 1)
    header["magic"], header["vox_offset"] = b"n+2", 544
    (tmp_path / "a.nii").write_bytes(header.binaryblock + bytes(1000))
    refused(tmp_path / "a.nii", "asks for a grid of 1,000,000 × 1,000,000 × 1,000,000 points")


def test_masks_on_another_grid(tmp_path):
    folder = make_nifti(tmp_path / "a")
    mask = np.ones((4, 6, 7), np.uint8)
    nib.save(nib.Nifti1Image(mask, np.eye(4)), folder / "rois" / "V2.nii.gz")
    refused(folder, r"V2.nii.gz: its grid \(4 × 6 × 7 voxels .*\) is not the one of .*; resample")


def test_stimuli_that_are_there_twice(tmp_path, pictured):
    write_subject(tmp_path / "a.h5", pictured)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["stimuli/id"][1] = file["stimuli/id"][0]
    refused(tmp_path / "a.h5", "the stimulus 'cactus' is in /stimuli/id twice")


def test_stimuli_that_are_missing_are_a_note(tmp_path):
    folder = make_nifti(tmp_path / "a")
    (folder / "stimuli" / "2.png").unlink()
    subject = open_subject(folder)
    assert "1 of the stimuli shown have no picture, for example '2.png'" in subject.notes
    assert subject.stimulus(subject.trials[2]) is None


def test_a_picture_that_is_none(tmp_path):
    folder = make_nifti(tmp_path / "a")
    (folder / "stimuli" / "2.png").write_bytes(b"no picture")
    subject = open_subject(folder)
    with pytest.raises(
        DataError, match=r"'2.png': not a readable picture \(it starts like no p.*\); replace"
    ):
        subject.stimulus(subject.trials[2])


def test_paths_in_other_scripts_and_very_long_ones(tmp_path):
    folder = tmp_path / ("脳と像" * 20) / "Ünïcödé 'quoted'" / ("x" * 200)
    assert open_subject(make_nifti(folder)).n_voxels > 0
    refused(tmp_path / ("x" * 5000), "cannot be opened: File name too long")


@pytest.fixture
def no_rights():
    """Be a user who may read only what is everybody's: for root all files are readable."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def unreadable(tmp_path):
    """Return a file and a folder that only their owner may read, if anybody."""
    file, folder = make_arrays(tmp_path), make_nifti(tmp_path / "nifti")
    for path in (file, folder):
        path.chmod(0)
    yield file, folder
    folder.chmod(0o700)


@pytest.mark.skipif(os.name != "posix", reason="rights of files differ")
def test_files_that_may_not_be_read(unreadable, no_rights):
    for path in unreadable:
        refused(path, "Permission denied")


@pytest.mark.skipif(os.name != "posix", reason="rights of files differ")
def test_what_lies_in_a_closed_folder_is_not_called_absent(unreadable, no_rights):
    """A name in a folder that may not be looked into could be there."""
    _, folder = unreadable
    with pytest.raises(DataError, match="cannot be opened: Permission denied"):
        check_files(ImportPlan(folder / "a.nii"))


def test_a_folder_in_place_of_a_file(tmp_path):
    (tmp_path / "subject.h5").mkdir()
    refused(tmp_path / "subject.h5", r"no betas.nii.gz and no \*_bold.nii.gz in this folder")
    Image.new("RGB", (4, 4)).save(tmp_path / "subject.h5" / "a.png")
    refused(tmp_path / "subject.h5", "see docs/formats.md")


def test_a_file_in_place_of_a_folder(tmp_path, pictured):
    folder = make_nsd(tmp_path / "nsd", sessions=(1,))
    mask = next(folder.rglob("nsdgeneral.nii.gz"))
    mask.unlink()
    mask.mkdir()
    refused(folder, r"nsdgeneral\.nii\.gz")
    plan = ImportPlan(make_arrays(tmp_path), responses="responses", stimuli=tmp_path / "mine.npz")
    with pytest.raises(DataError, match="0 arrays in this file look like pictures"):
        plan.read()
    assert replace(plan, stimuli=None).read().n_voxels == 100
