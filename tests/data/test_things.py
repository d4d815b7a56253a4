import h5py
import numpy as np
import pandas as pd
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.errors import DataError
from tests.data.makers import make_things

RESPONSES = "sub-01_ResponseData.h5"
VOXELS = "sub-01_VoxelMetadata.csv"
STIMULI = "sub-01_StimulusMetadata.csv"


def test_everything_in_the_tables(tmp_path):
    path = make_things(tmp_path)
    subject = open_subject(path)
    voxels = pd.read_csv(tmp_path / VOXELS)
    stimuli = pd.read_csv(tmp_path / STIMULI)
    inside = voxels[["V1", "LO1 (prf)", "lFFA", "rFFA"]].any(axis=1).to_numpy()
    known = pd.read_hdf(path).drop(columns="voxel_id").to_numpy()[inside].T.astype(np.float32)
    assert np.array_equal(subject.responses(range(30)), known)
    assert [t.stimulus_id for t in subject.trials[:30]] == stimuli["stimulus"].tolist()
    assert [t.run for t in subject.trials[:30]] == stimuli["run"].tolist()
    assert [t.split for t in subject.trials[:3]] == ["test-single", "train", "train"]
    assert [t.presentations for t in subject.trials[30:]] == [5, 5]
    assert {t.label for t in subject.trials} == {"dog", "mango", "ice cream", "bat"}
    means = known[(stimuli["stimulus"] == "dog_12s.jpg").to_numpy()].mean(axis=0)
    assert np.allclose(subject.responses([30])[0], means, atol=1e-6)
    assert [r.name for r in subject.rois] == ["V1", "LO1 (prf)", "lFFA"]
    assert np.allclose(subject.maps["noise ceiling (%)"], voxels["nc_singletrial"][inside])
    mm = subject.ijk @ subject.affine[:3, :3].T + subject.affine[:3, 3]
    ijk = voxels[["voxel_x", "voxel_y", "voxel_z"]].to_numpy()[inside]
    assert np.allclose(mm, ijk * [-2, 2, 2])
    assert subject.stimulus(subject.trials[0]).shape == (16, 16, 3)
    assert any("1 of the stimuli shown have no picture" in note for note in subject.notes)
    assert open_subject(tmp_path).source == path


def test_without_a_mask_the_grid_is_said_to_be_a_guess(tmp_path):
    subject = open_subject(make_things(tmp_path, mask=False))
    assert np.diag(subject.affine).tolist() == [2, 2, 2, 1]
    assert any("left and right may be swapped" in note for note in subject.notes)


@pytest.mark.parametrize("options", [{"complevel": 3}, {"format": "table"}])
def test_other_ways_in_which_pandas_writes(tmp_path, options):
    path = make_things(tmp_path)
    responses = pd.DataFrame(np.random.default_rng(0).normal(size=(160, 30)))
    path.unlink()
    responses.to_hdf(path, key="x", **options)
    if options.get("format"):
        with pytest.raises(DataError, match="no table in pandas' fixed format; save it anew"):
            open_subject(path)
    else:
        inside = pd.read_csv(tmp_path / VOXELS)[["V1", "LO1 (prf)", "lFFA"]].any(axis=1)
        expected = responses.to_numpy()[inside, 4].astype(np.float32)
        assert np.array_equal(open_subject(path).responses([4])[0], expected)


def test_names_of_stimuli_never_leave_the_folder(tmp_path):
    path = make_things(tmp_path / "a")
    (tmp_path / "secret.jpg").write_bytes(b"x")
    table = tmp_path / "a" / STIMULI
    table.write_text(table.read_text().replace("dog_12s.jpg", "../../secret.jpg"))
    subject = open_subject(path)
    assert subject.stimulus(subject.trials[0]) is None


def edited(name, old, new):
    def change(folder):
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return change


def first_rows(name, n):
    def change(folder):
        lines = (folder / name).read_text().splitlines()[: n + 1]
        (folder / name).write_text("\n".join(lines) + "\n")

    return change


def two_blocks(folder):
    frame = pd.DataFrame({"a": np.zeros(160), "b": np.zeros(160, "f4")})
    (folder / RESPONSES).unlink()
    frame.to_hdf(folder / RESPONSES, key="x")


def with_text_for_names(folder):
    return pd.read_hdf(folder / RESPONSES).rename(columns=str)  # or pandas warns of pickling


def sorted_otherwise(folder):
    frame = with_text_for_names(folder).sort_values("voxel_id", ascending=False)
    frame.to_hdf(folder / RESPONSES, key="ResponseData", mode="w")


def packed_by_blosc(folder):
    frame = with_text_for_names(folder)
    frame.to_hdf(folder / RESPONSES, key="x", mode="w", complevel=5, complib="blosc")


def linked(folder):
    with h5py.File(folder / RESPONSES, "a") as file:
        del file["ResponseData/block0_values"]
        file["ResponseData/block0_values"] = h5py.ExternalLink("x.h5", "/x")


WRONG = {
    "no voxels": (lambda f: (f / VOXELS).unlink(), "VoxelMetadata.csv: cannot be opened"),
    "no stimuli": (lambda f: (f / STIMULI).unlink(), "StimulusMetadata.csv: cannot be opened"),
    "fewer voxels": (first_rows(VOXELS, 99), "160 voxels × 30 trials but sub-01_VoxelMetadata"),
    "fewer stimuli": (first_rows(STIMULI, 9), "9 rows but sub-01_ResponseData.h5 has 30"),
    "an odd type": (edited(STIMULI, "train", "catch"), "trial_type 'catch' is not train or test"),
    "no stimulus": (edited(STIMULI, "stimulus", "picture"), "no column is called 'stimulus'"),
    "no position": (edited(VOXELS, "voxel_y", "y"), "region y must hold 0 and 1"),
    "text for numbers": (edited(VOXELS, "\n7,", "\nx,"), "not a table of numbers"),
    "broken voxels": (edited(VOXELS, "\n7,1,1,", "\n7,1,1.5,"), "must hold whole numbers"),
    "one voxel twice": (edited(VOXELS, "\n1,1,1,2,4,", "\n1,1,1,2,3,"), "share the position"),
    "another order": (sorted_otherwise, "row 0 is voxel 159 but sub-01_VoxelM.* has voxel 0 there"),
    "an odd packing": (packed_by_blosc, "block0_values is packed by 'blosc', which this program"),
    "two blocks": (two_blocks, "2 blocks of floats in the table; exactly one must be"),
    "an external link": (linked, "is a link to somewhere else"),
}


@pytest.mark.parametrize("again", [False, True])
def test_an_index_that_pandas_wrote_is_no_region(tmp_path, again):
    path = make_things(tmp_path)
    known = open_subject(path)
    for name in (VOXELS, STIMULI):
        pd.read_csv(tmp_path / name).to_csv(tmp_path / name)
        if again:
            pd.read_csv(tmp_path / name).to_csv(tmp_path / name)
    subject = open_subject(path)
    assert [roi.name for roi in subject.rois] == [roi.name for roi in known.rois]
    assert np.array_equal(subject.responses(range(30)), known.responses(range(30)))


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(tmp_path, case):
    path = make_things(tmp_path)
    change, message = WRONG[case]
    change(tmp_path)
    with pytest.raises(DataError, match=message) as caught:
        open_subject(path)
    assert "\n" not in str(caught.value)
