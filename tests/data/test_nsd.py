import shutil
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import pytest
import scipy.io

from mindvis_gui.data import open_subject
from mindvis_gui.data.import_plan import ImportPlan
from mindvis_gui.errors import DataError
from tests.data.makers import (
    AFFINE,
    NSD_GRID,
    brick,
    make_nsd,
    nsd_betas,
    nsd_design,
    nsd_volumes,
)

BETAS = "nsddata_betas/ppdata/subj01/func1pt8mm/betas_fithrf_GLMdenoise_RR"
SPACE = "nsddata/ppdata/subj01/func1pt8mm"
DESIGN = "nsddata/experiments/nsd/nsd_expdesign.mat"
STIMULI = "nsddata_stimuli/stimuli/nsd/nsd_stimuli.hdf5"
MASK = nsd_volumes()["nsdgeneral"] > 0


def shown(session):
    """Return place in the subject's list and number of each picture of a session."""
    design = nsd_design()
    places = design["masterordering"][0, 750 * (session - 1) : 750 * session]
    return places, design["subjectim"][0, places - 1]


@pytest.fixture
def root(tmp_path):
    return make_nsd(tmp_path / "nsd")


@pytest.mark.parametrize("kind", ["hdf5", "nii", "nii.gz"])
def test_vectors_are_percent_signal_in_the_order_of_the_mask(tmp_path, kind):
    subject = open_subject(make_nsd(tmp_path / "nsd", kind))
    known = {s: nsd_betas(s)[MASK].T / 300 for s in (1, 3)}  # (750, 100)
    some = [0, 7, 749, 750, 1499]
    expected = np.concatenate([known[1][[0, 7, 749]], known[3][[0, 749]]])
    assert np.allclose(subject.responses(some), expected, atol=1e-6)
    assert subject.unit == "% signal change"
    mm = subject.ijk @ subject.affine[:3, :3].T + subject.affine[:3, 3]
    assert np.allclose(mm, np.argwhere(MASK) * np.diag(AFFINE)[:3])
    snr = nib.load(tmp_path / "nsd" / BETAS / "ncsnr.nii.gz").get_fdata(dtype=np.float32)
    assert np.array_equal(subject.maps["noise ceiling SNR"], snr[MASK])
    assert subject.anatomy.data.shape == NSD_GRID


@pytest.mark.parametrize("kind", ["hdf5", "nii.gz"])
def test_pictures_elsewhere_and_an_anatomy_leave_the_subject_what_it_is(tmp_path, kind):
    root = make_nsd(tmp_path / "nsd", kind)
    expected = open_subject(root)
    (root / "nsddata_stimuli").rename(tmp_path / "disk")
    pictures = tmp_path / "disk/stimuli/nsd/nsd_stimuli.hdf5"
    anatomy = root / "nsddata/ppdata/subj01/func1pt8mm/T1_to_func1pt8mm.nii.gz"
    for source in (root, root / BETAS / f"betas_session03.{kind}"):
        found = ImportPlan(source, stimuli=pictures, anatomy=anatomy).read()
        assert (found.trials, found.name) == (expected.trials, expected.name)
        assert [roi.name for roi in found.rois] == [roi.name for roi in expected.rois]
        assert not any("picture" in note for note in found.notes)
        for trial in found.trials[:: len(found.trials) // 9]:
            assert np.array_equal(found.stimulus(trial), expected.stimulus(trial))


def test_packed_sessions_are_counted(tmp_path):
    root = make_nsd(tmp_path / "nsd", "nii.gz")
    assert any(note.startswith("2 sessions are .nii.gz") for note in open_subject(root).notes)
    (root / BETAS / "betas_session03.nii.gz").unlink()
    assert any(note.startswith("1 session is .nii.gz") for note in open_subject(root).notes)


def test_trials_name_their_pictures_and_shared_ones_are_the_test(root):
    subject = open_subject(root)
    for session, start in ((1, 0), (3, 750)):
        places, numbers = shown(session)
        trials = subject.trials[start : start + 750]
        assert [t.stimulus_id for t in trials] == [f"nsd{n:05d}" for n in numbers]
        assert [t.split == "test-single" for t in trials] == (places <= 1000).tolist()
        assert {t.session for t in trials} == {session}
        assert [t.run for t in trials[:64]] == [1] * 63 + [2]
        assert trials[-1].run == 12
    test = [t for t in subject.trials if t.split == "test"]
    assert {t.stimulus_id for t in test} == {f"nsd{n:05d}" for n in (3, 5, 8, 13, 21)}
    repeats = [t.index for t in subject.trials[:1500] if t.stimulus_id == test[0].stimulus_id]
    assert test[0].presentations == len(repeats)
    mean = subject.responses(repeats).mean(axis=0)
    assert np.allclose(subject.responses([test[0].index])[0], mean, atol=1e-5)
    picture = subject.stimulus(subject.trials[0])
    assert np.array_equal(picture, brick()[shown(1)[1][0] - 1])


def test_regions_join_the_halves_of_an_area(root):
    areas, streams = nsd_volumes()["prf-visualrois"][MASK], nsd_volumes()["streams"][MASK]
    rois = {roi.name: roi.voxels for roi in open_subject(root).rois}
    assert list(rois) == ["nsdgeneral", "V1", "V2", "V3", "hV4", "early", "ventral"]
    assert np.array_equal(rois["V1"], np.flatnonzero((areas == 1) | (areas == 2)))
    assert np.array_equal(rois["V3"], np.flatnonzero((areas == 5) | (areas == 6)))
    assert np.array_equal(rois["ventral"], np.flatnonzero(streams == 5))


def test_regions_that_nibabel_scaled_are_the_same(root):
    before = {roi.name: roi.voxels.tolist() for roi in open_subject(root).rois}
    for name in ("nsdgeneral", "prf-visualrois", "streams"):
        path = root / SPACE / "roi" / f"{name}.nii.gz"
        image = nib.load(path)
        scaled = nib.Nifti1Image(image.get_fdata(), image.affine)
        scaled.set_data_dtype(np.int16)
        nib.save(scaled, path)
    assert {roi.name: roi.voxels.tolist() for roi in open_subject(root).rois} == before


@pytest.mark.parametrize(
    "source",
    [
        "",
        "nsddata_betas",
        "nsddata_betas/ppdata/subj01",
        BETAS,
        f"{BETAS}/betas_session03.hdf5",
        "nsddata/ppdata/subj01",
        f"{SPACE}/roi",
    ],
)
def test_it_opens_from_anywhere_in_the_tree(root, source):
    subject = open_subject(root / source)
    assert (subject.name, len(subject.trials), subject.n_voxels) == ("subj01", 1505, 100)
    assert subject.notes[0] == "Sessions 1, 3 of betas_fithrf_GLMdenoise_RR"


def test_one_folder_with_everything_opens_too(root, tmp_path):
    flat = tmp_path / "subj01"
    flat.mkdir()
    for path in [*(root / BETAS).iterdir(), *(root / SPACE / "roi").iterdir(), root / DESIGN]:
        shutil.copy(path, flat)
    subject = open_subject(flat)
    assert subject.trials[0].stimulus_id == open_subject(root).trials[0].stimulus_id
    assert "No nsd_stimuli.hdf5: the pictures shown cannot be displayed" in subject.notes


@pytest.mark.parametrize("chunks", [(1, 8, 9, 7), (750, 1, 1, 1), (750, 8, 9, 7)])
def test_chunks_of_any_shape(root, chunks):
    path = root / BETAS / "betas_session01.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset("betas", data=nsd_betas(1).T, chunks=chunks, compression=1)
    known = nsd_betas(1)[MASK].T / 300
    assert np.allclose(open_subject(root).responses([5, 700]), known[[5, 700]], atol=1e-6)


def test_one_trial_reads_the_box_around_its_voxels_only(root, monkeypatch):
    subject = open_subject(root)
    read = []
    original = h5py.Dataset.__getitem__
    monkeypatch.setattr(
        h5py.Dataset,
        "__getitem__",
        lambda node, at: read.append(np.size(found := original(node, at))) or found,
    )
    subject.responses([3])
    assert read == [100]


def test_missing_parts_are_named(root):
    (root / DESIGN).unlink()
    (root / STIMULI).unlink()
    subject = open_subject(root)
    assert {(t.split, t.stimulus_id) for t in subject.trials} == {("train", "")}
    assert "No nsd_expdesign.mat: what the trials showed is not known" in subject.notes
    assert "Regions that are not there: floc-faces, floc-places" in subject.notes[1]


def replaced(name, data):
    def change(root):
        with h5py.File(root / BETAS / "betas_session01.hdf5", "w") as file:
            file.create_dataset(name, data=data)

    return change


def mask(volume):
    image = nib.Nifti1Image(volume, AFFINE)
    return lambda root: nib.save(image, root / SPACE / "roi" / "nsdgeneral.nii.gz")


def design(**changed):
    return lambda root: scipy.io.savemat(root / DESIGN, nsd_design() | changed)


def linked(root):
    path = root / BETAS / "betas_session01.hdf5"
    path.rename(path.with_name("real.hdf5"))
    with h5py.File(path, "w") as file:
        file["betas"] = h5py.ExternalLink("real.hdf5", "/betas")


def grey(root):
    with h5py.File(root / STIMULI, "w") as file:
        file.create_dataset("imgBrick", (60, 12, 12, 1), "f4")


def more_subjects(root):
    shutil.copytree(root / "nsddata_betas/ppdata/subj01", root / "nsddata_betas/ppdata/subj02")


WRONG = {
    "no mask": (
        lambda root: (root / SPACE / "roi" / "nsdgeneral.nii.gz").unlink(),
        "nsdgeneral.nii.gz, which says which voxels to read, is neither beside",
    ),
    "half a session": (replaced("betas", nsd_betas(1).T[:400]), "400 trials, but a session of NSD"),
    "another grid": (replaced("betas", np.zeros((750, 3, 3, 3), "i2")), r"grid \(3, 3, 3\) is not"),
    "another name": (replaced("beta", np.zeros((750, 3, 3, 3), "i2")), "/betas is missing"),
    "text": (replaced("betas", np.full((750, 3, 3, 3), b"x")), "holds values of type |S1"),
    "external link": (linked, "/betas is a link to somewhere else"),
    "an empty mask": (mask(np.full(NSD_GRID, -1, np.int16)), "no voxel is above 0"),
    "a mask of two volumes": (mask(np.ones((*NSD_GRID, 2), np.int16)), "the image has 2 volumes"),
    "a mask of another grid": (mask(np.ones((3, 4, 5), np.int16)), "is not the one of nsdgeneral"),
    "no order": (design(masterordering=np.zeros((1, 0))), "masterordering is missing"),
    "an order of fractions": (design(masterordering=np.full((1, 750), 1.5)), "whole numbers"),
    "an order from 0": (design(masterordering=np.zeros((1, 750))), "whole numbers from 1"),
    "a short order": (design(masterordering=np.ones((1, 1500))), "the design has only 2 sessions"),
    "pictures of two subjects": (design(subjectim=np.ones((2, 10_000))), r"shape \(2, 10000\)"),
    "a MATLAB file cut off": (
        lambda root: (root / DESIGN).write_bytes((root / DESIGN).read_bytes()[:5000]),
        "nsd_expdesign.mat: the MATLAB file is damaged",
    ),
    "grey pictures": (
        grey,
        "/imgBrick holds values of type float32",
    ),
    "two subjects": (more_subjects, r"2 subjects in this folder \(subj01, subj02\); open the"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(root, case):
    change, message = WRONG[case]
    change(root)
    with pytest.raises(DataError, match=message) as caught:
        open_subject(root)
    assert "\n" not in str(caught.value)


def test_betas_under_another_name(root):
    path = Path(root / BETAS / "betas_session01.hdf5")
    path.rename(path.with_name("x.hdf5"))
    with pytest.raises(DataError, match="as NSD has them; call the file betas_sessionNN"):
        open_subject(path.with_name("x.hdf5"))
