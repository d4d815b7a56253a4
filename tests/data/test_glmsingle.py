import h5py
import nibabel as nib
import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.data.preparation import Preparation, prepare_subject
from mindvis_gui.errors import DataError
from tests.data.makers import (
    GLM_GRID,
    GLM_TRIALS,
    glmsingle_results,
    make_glmsingle,
    make_glmsingle_matlab,
)

NAME = "TYPED_FITHRF_GLMDENOISE_RR"


@pytest.mark.parametrize("kind", ["npy", "hdf5"])
def test_betas_of_the_voxels_of_the_regions(tmp_path, kind):
    path = make_glmsingle(tmp_path / "sub-09", kind)
    subject = open_subject(path)
    labels = np.asarray(nib.load(tmp_path / "sub-09" / "rois.nii.gz").dataobj)
    results = glmsingle_results()
    inside = (labels > 0) & np.isfinite(results["R2"])
    assert subject.name == "sub-09"
    assert np.array_equal(subject.responses(range(GLM_TRIALS)), results["betasmd"][inside].T)
    assert np.array_equal(subject.ijk, np.argwhere(inside))
    assert np.allclose(subject.maps["R2 (%)"], results["R2"][inside])
    assert [r.name for r in subject.rois] == ["label 1", "label 2"]
    assert np.array_equal(subject.rois[1].voxels, np.flatnonzero(labels[inside] == 2))
    assert open_subject(tmp_path / "sub-09").source == path


def test_columns_stored_first_axis_fastest(tmp_path):
    path = make_glmsingle(tmp_path)
    expected = open_subject(path).responses(range(GLM_TRIALS))
    results = glmsingle_results()
    np.save(path, results | {"betasmd": np.asfortranarray(results["betasmd"])}, allow_pickle=True)
    assert np.array_equal(open_subject(path).responses(range(GLM_TRIALS)), expected)


def test_big_endian_and_chunked_betas(tmp_path):
    path = make_glmsingle(tmp_path)
    expected = open_subject(path).responses(range(GLM_TRIALS))
    betas = glmsingle_results()["betasmd"]
    np.save(path, glmsingle_results() | {"betasmd": betas.astype(">f4")}, allow_pickle=True)
    assert np.array_equal(open_subject(path).responses(range(GLM_TRIALS)), expected)
    path.unlink()
    with h5py.File(path.with_suffix(".hdf5"), "w") as file:
        file.create_dataset("betasmd", data=betas, chunks=True, compression=1)
        file["R2"] = glmsingle_results()["R2"]
    found = open_subject(path.with_suffix(".hdf5")).responses(range(GLM_TRIALS))
    assert np.array_equal(found, expected)


def test_conditions_of_the_design_name_the_pictures(tmp_path):
    path = make_glmsingle(tmp_path)
    order = np.load(tmp_path / "DESIGNINFO.npy", allow_pickle=True).item()["stimorder"]
    subject = open_subject(path)
    assert [t.stimulus_id for t in subject.trials] == [f"p{c}.png" for c in order]
    assert subject.stimulus(subject.trials[0])[0, 0, 0] == 30 * order[0]
    (tmp_path / "stimuli" / "p7.png").unlink()
    fewer = open_subject(path)
    assert fewer.trials[0].stimulus_id == f"condition-{order[0]}"
    assert "7 pictures are not one a condition" in fewer.notes[0]


def test_a_table_of_ones_own_goes_before_the_design(tmp_path):
    path = make_glmsingle(tmp_path)
    rows = [f"p{n % 8}\t{'test-single' if n < 16 else 'train'}" for n in range(GLM_TRIALS)]
    (tmp_path / "trials.tsv").write_text("\n".join(["stimulus\tsplit", *rows]) + "\n")
    subject = open_subject(path)
    means = [t for t in subject.trials if t.split == "test"]
    assert [t.presentations for t in means] == [2] * 8
    expected = subject.responses([0, 8]).mean(axis=0)
    assert np.allclose(subject.responses([means[0].index])[0], expected, atol=1e-6)


def test_units_without_design_or_regions(tmp_path):
    path = make_glmsingle(tmp_path, units=True)
    (tmp_path / "DESIGNINFO.npy").unlink()
    subject = open_subject(path)
    assert np.array_equal(subject.responses([0])[0], glmsingle_results(True)["betasmd"][4:, 0])
    assert (subject.ijk, subject.rois[0].name) == (None, "all")
    assert subject.trials[3].label == "trial 3"
    assert any("what the 24 trials showed is not known" in note for note in subject.notes)


@pytest.mark.parametrize("make", [make_glmsingle, make_glmsingle_matlab])
def test_runs_of_the_design_are_what_responses_are_z_scored_in(tmp_path, make):
    subject = open_subject(make(tmp_path))
    assert [t.run for t in subject.trials] == [1] * 10 + [2] * 14
    scored = prepare_subject(subject, Preparation(z_score="run"))
    betas = subject.responses(range(GLM_TRIALS))
    expected = np.concatenate([zscore(betas[:10]), zscore(betas[10:])])
    assert np.allclose(scored.responses(range(GLM_TRIALS)), expected, atol=1e-5)


@pytest.mark.parametrize("counts", [[10, 13], [12.0, 12.0], [-1, 25], [], "24"])
def test_runs_that_do_not_add_up_are_not_known(tmp_path, counts):
    path = make_glmsingle(tmp_path)
    design(stimorder=[0, 1, 2, 3] * 6, numtrialrun=counts)(path)
    subject = open_subject(path)
    assert {t.run for t in subject.trials} == {0}
    note = "DESIGNINFO.npy: numtrialrun is no list of trials a run that adds up to 24; the runs"
    assert any(note in each for each in subject.notes)


def test_runs_that_matlab_did_not_count_are_not_known(tmp_path):
    path = make_glmsingle_matlab(tmp_path)
    of_matlab("numtrialrun", np.array([[10.5], [13.5]]))(path)
    subject = open_subject(path)
    assert {t.run for t in subject.trials} == {0}
    assert "DESIGNINFO.mat: numtrialrun is no list" in subject.notes[-1]
    of_matlab("numtrialrun", None)(path)
    assert not any("numtrialrun" in note for note in open_subject(path).notes)


def zscore(values):
    return (values - values.mean(axis=0)) / values.std(axis=0)


class Trap:
    def __reduce__(self):
        return print, ("executed",)


def results(**changed):
    return lambda path: np.save(path, glmsingle_results() | changed, allow_pickle=True)


def design(**content):
    return lambda path: np.save(path.with_name("DESIGNINFO.npy"), content, allow_pickle=True)


def grid(path):
    image = nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), np.eye(4))
    nib.save(image, path.with_name("rois.nii.gz"))


BETAS = glmsingle_results()["betasmd"]
WRONG = {
    "a program": (results(pcnum=Trap()), "asks for builtins.print, which may run code"),
    "no betas": (results(betasmd=None), "no array betasmd; is this a result of GLMsingle"),
    "integers": (results(betasmd=np.zeros((*GLM_GRID, 24), int)), "no array betasmd"),
    "three axes": (results(betasmd=BETAS[0]), r"betasmd has shape \(6, 7, 24\)"),
    "objects": (results(betasmd=BETAS.astype(object)), "no array betasmd"),
    "no R2": (results(R2=np.full(GLM_GRID, np.nan)), "R2 is a number in no voxel"),
    "a list": (lambda p: np.save(p, np.array([{}, 3], object), allow_pickle=True), "single numpy"),
    "cut off": (lambda p: p.write_bytes(p.read_bytes()[:9000]), "no dictionary of results, or"),
    "a short design": (design(stimorder=[1, 2, 3]), "DESIGNINFO.npy: 3 trials but TYPED_"),
    "a design of text": (design(stimorder=["a"] * 24), "stimorder is no list of conditions"),
    "a design without order": (design(x=3), "stimorder is no list of conditions"),
    "another grid": (grid, r"its grid \(3, 3, 3\) is not the one of TYPED_FITHRF"),
    "a short table": (
        lambda p: p.with_name("trials.tsv").write_text("label\na\n"),
        "trials.tsv: 1 row but TYPED_FITHRF_GLMDENOISE_RR.npy has 24 trials",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(tmp_path, case, capsys):
    path = make_glmsingle(tmp_path)
    change, message = WRONG[case]
    change(path)
    with pytest.raises(DataError, match=message) as caught:
        open_subject(path)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


def test_responses_that_are_not_finite(tmp_path):
    betas = BETAS.copy()
    betas[2, 2, 2, 5] = np.inf
    path = make_glmsingle(tmp_path)
    results(betasmd=betas)(path)
    with pytest.raises(DataError, match="trial 5 holds 1 value that is NaN or infinite"):
        open_subject(path).responses(range(24))


def test_hdf5_of_another_kind(tmp_path):
    with h5py.File(tmp_path / f"{NAME}.hdf5", "w") as file:
        file.create_group("betasmd")
    with pytest.raises(DataError, match="/betasmd is not a dataset"):
        open_subject(tmp_path)


@pytest.mark.parametrize("chunks", [None, (1, 3, 3, 5), (5, 2, 3, 4), (24, 7, 6, 5)])
def test_what_matlab_wrote_opens_as_what_python_wrote(tmp_path, chunks):
    expected = open_subject(make_glmsingle(tmp_path / "python" / "sub-09"))
    path = make_glmsingle_matlab(tmp_path / "sub-09", chunks=chunks)
    subject = open_subject(path)
    assert subject.name == "sub-09"
    every = range(GLM_TRIALS)
    assert np.array_equal(subject.responses(every), expected.responses(every))
    assert np.array_equal(subject.responses([17]), expected.responses([17]))
    assert np.array_equal(subject.ijk, expected.ijk)
    assert np.array_equal(subject.affine, expected.affine)
    for found, region in zip(subject.rois, expected.rois, strict=True):
        assert (found.name, found.voxels.tolist()) == (region.name, region.voxels.tolist())
    assert subject.maps.keys() == expected.maps.keys() == {"R2 (%)", "HRF index", "ridge fraction"}
    for name, values in expected.maps.items():
        assert np.array_equal(subject.maps[name], values, equal_nan=True)
    assert [t.stimulus_id for t in subject.trials] == [t.stimulus_id for t in expected.trials]
    assert [t.label for t in subject.trials] != [t.label for t in expected.trials]
    assert "numbered from 1; the pictures in sorted order" in subject.notes[0]
    assert open_subject(tmp_path / "sub-09").source == path


@pytest.mark.parametrize("chunks", [None, (6, 1, 1, 50)])
def test_units_that_matlab_wrote(tmp_path, chunks):
    path = make_glmsingle_matlab(tmp_path, units=True, chunks=chunks)
    subject = open_subject(path)
    expected = glmsingle_results(True)
    assert np.array_equal(subject.responses(range(24)), expected["betasmd"][4:].T)
    assert np.allclose(subject.maps["R2 (%)"], expected["R2"][4:])

    (tmp_path / "DESIGNINFO.mat").unlink()
    other = tmp_path / "TYPEC_FITHRF_GLMDENOISE.mat"  # the matrix that somebody may make of it
    with h5py.File(other, "w", userblock_size=512) as file:
        file["modelmd"] = np.asarray(expected["betasmd"]).T
        file["R2"] = expected["R2"][None]
    flat = open_subject(other)
    assert np.array_equal(flat.responses(range(24)), expected["betasmd"][4:].T)
    assert any("DESIGNINFO.mat: what the 24 trials showed is not" in note for note in flat.notes)


def test_a_single_slice_that_matlab_wrote(tmp_path):
    betas = np.random.default_rng(0).normal(size=(3, 4, 1, 5)).astype(np.float32)
    path = tmp_path / "TYPEB_FITHRF.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["modelmd"] = betas.T
        file["R2"] = np.arange(12.0).reshape(3, 4).T  # without the axis of length 1
    subject = open_subject(path)
    assert np.array_equal(subject.responses(range(5)), betas.reshape(12, 5).T)
    assert subject.maps["R2 (%)"].tolist() == list(range(12))


def of_matlab(name, values):
    def change(path):
        place = path if name == "modelmd" else path.with_name("DESIGNINFO.mat")
        with h5py.File(place, "r+") as file:
            del file[name]
            if isinstance(values, str):
                file.create_dataset(name, (2, 1), h5py.ref_dtype)
            elif values is not None:
                file[name] = values

    return change


MATLAB_WRONG = {
    "model A": (of_matlab("modelmd", "cells"), "modelmd is one response to all stimuli, not one"),
    "integers": (of_matlab("modelmd", np.zeros((24, 7, 6, 5), int)), "/modelmd holds values of ty"),
    "no trial": (of_matlab("modelmd", np.zeros((0, 7, 6, 5))), r"modelmd has shape \(5, 6, 7, 0"),
    "a short design": (of_matlab("stimorder", np.ones((3, 1))), "DESIGNINFO.mat: 3 trials but TYP"),
    "counted from 0": (of_matlab("stimorder", np.zeros((24, 1))), "conditions, counted from 1"),
    "halves": (of_matlab("stimorder", np.full((24, 1), 1.5)), "stimorder is no list of conditions"),
    "no order": (of_matlab("stimorder", None), "DESIGNINFO.mat: /stimorder is missing"),
}


@pytest.mark.parametrize("case", MATLAB_WRONG)
def test_what_is_wrong_in_what_matlab_wrote(tmp_path, case):
    path = make_glmsingle_matlab(tmp_path)
    change, message = MATLAB_WRONG[case]
    change(path)
    with pytest.raises(DataError, match=message) as caught:
        open_subject(path)
    assert "\n" not in str(caught.value)
