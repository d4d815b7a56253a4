import h5py
import nibabel as nib
import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.errors import DataError
from tests.data.makers import GLM_GRID, GLM_TRIALS, glmsingle_results, make_glmsingle

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
        "trials.tsv: 1 rows but TYPED_FITHRF_GLMDENOISE_RR.npy has 24 trials",
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
