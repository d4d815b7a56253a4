"""BData files as the laboratory's own library writes them, and by MATLAB's rules."""

import h5py
import nibabel as nib
import numpy as np
import pytest
import scipy.io
from PIL import Image

from mindvis_gui.data import open_subject
from mindvis_gui.data.import_plan import ImportPlan
from mindvis_gui.data.repeats import shown_in_test
from mindvis_gui.data.source_contents import inspect_source
from mindvis_gui.errors import DataError
from tests.data.makers import make_bdata, make_matlab5, new_bdata

STEP, START = np.array([3.0, 3.0, 3.3]), np.array([-31.5, -90.0, -12.2])
KINDS = np.array([1] * 8 + [2] * 6 + [3] * 2)
# ImageNet pictures are numbered by synset and, behind the point, by picture.
SHOWN = [1443537.022563, 2084071.000009] * 4 + [1518878.010042, 1621127.01934] * 3 + [1518878.0] * 2
RESPONSES = np.random.default_rng(0).normal(size=(16, 24))
IJK = np.stack(np.unravel_index([0, 59, *range(3, 25)], (4, 5, 3)), axis=1)
REGIONS = {"VC": np.arange(24) < 18, "V1": np.arange(24) < 7, "FFA": np.arange(24) >= 20}


def bdata():
    data = new_bdata()
    data.add(RESPONSES, "VoxelData")
    for key, column in {"DataType": KINDS, "stimulus_id": SHOWN, "Run": np.arange(16) // 4}.items():
        data.add(np.asarray(column, float)[:, None], key)
    for name, flags in REGIONS.items():
        data.add_metadata(f"ROI_{name}", flags.astype(float), where="VoxelData")
    for axis, mm in zip("xyz", (IJK * STEP + START).T, strict=True):
        data.add_metadata(f"voxel_{axis}", mm, where="VoxelData")
    return data


@pytest.fixture
def bdata_path(tmp_path):
    path = tmp_path / "Subject3.h5"
    bdata().save(str(path))
    return path


@pytest.fixture
def matlab_path(tmp_path, bdata_path):
    """Return the same as MATLAB 7.3 stores it: transposed, texts as references, its own header."""
    path = tmp_path / "Subject3.mat"
    with (
        h5py.File(bdata_path) as source,
        h5py.File(path, "w", userblock_size=512, track_order=True) as file,
    ):
        file.create_dataset("dataSet", data=source["dataset"][()].T, chunks=(5, 5), compression=3)
        file["metaData/value"] = source["metadata/value"][()].T
        keys = file.create_dataset("metaData/key", (len(source["metadata/key"]), 1), h5py.ref_dtype)
        for row, key in enumerate(source["metadata/key"].asstr()[()]):
            letters = np.array([[ord(letter)] for letter in key], np.uint16)
            file[f"#refs#/{row}"] = letters
            keys[row, 0] = file[f"#refs#/{row}"].ref
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file")
    return path


@pytest.mark.parametrize("which", ["bdata_path", "matlab_path"])
def test_everything_in_the_file(request, which):
    subject = open_subject(request.getfixturevalue(which))
    assert subject.name == "Subject3"
    assert subject.n_voxels == 18
    assert {roi.name: roi.voxels.tolist() for roi in subject.rois} == {
        "VC": list(range(18)),
        "V1": list(range(7)),
    }
    splits = [trial.split for trial in subject.trials]
    assert splits == ["train"] * 8 + ["test-single"] * 6 + ["test"] * 2
    single = subject.responses(range(14))
    assert np.array_equal(single, RESPONSES[:14, :18].astype(np.float32))
    assert np.allclose(subject.responses([15])[0], single[9:14:2].mean(axis=0), atol=1e-6)
    assert subject.trials[0].stimulus_id == "n01443537_22563"
    assert subject.trials[15].stimulus_id == "n01621127_19340"
    assert subject.trials[15].presentations == 3
    assert [trial.run for trial in subject.trials[4:14]] == [1] * 4 + [2] * 4 + [3] * 2
    assert subject.notes[:4] == (
        "The response vector is the voxels of VC; 6 outside are left out",
        "Regions without a voxel in the response vector: FFA",
        "2 samples that are neither training nor test (imagery) are left out",
        "Test responses are means over the presentations of 2 stimuli",
    )


def test_the_grid_is_inferred_from_the_positions(bdata_path):
    subject = open_subject(bdata_path)
    mm = subject.ijk @ subject.affine[:3, :3].T + subject.affine[:3, 3]
    assert np.allclose(mm, (IJK * STEP + START)[:18], atol=1e-6)
    assert np.allclose(np.diag(subject.affine)[:3], STEP)
    assert subject.notes[4] == (
        "The grid is inferred from the voxels' positions: steps of 3 × 3 × 3.3 mm "
        "from (-31.5, -90, -12.2) mm"
    )


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda mm: mm + 0.4 * np.arange(24)[:, None] ** 1.3, "lie on no grid;"),
        (lambda mm: np.where(np.arange(24)[:, None] == 1, mm[0], mm), "lie on no grid"),
        (lambda mm: mm * np.nan, "lie on no grid"),
        (lambda mm: mm * 1e200, "lie on no grid"),
        (lambda mm: mm * 0, "lie on no grid"),
    ],
)
def test_positions_on_no_grid(tmp_path, change, note):
    data = bdata()
    for axis, mm in zip("xyz", change(IJK * STEP + START).T, strict=True):
        data.metadata.set(f"voxel_{axis}", np.r_[mm, [np.nan] * 3], "")
    data.save(str(tmp_path / "a.h5"))
    subject = open_subject(tmp_path / "a.h5")
    assert subject.ijk is None
    assert any(note in line for line in subject.notes)


def test_a_single_slice_has_a_grid(tmp_path):
    data = bdata()
    mm = np.stack([3.0 * (np.arange(24) % 6), 3.0 * (np.arange(24) // 6), np.full(24, 9.0)])
    for axis, values in zip("xyz", mm, strict=True):
        data.metadata.set(f"voxel_{axis}", np.r_[values, [np.nan] * 3], "")
    data.save(str(tmp_path / "a.h5"))
    assert np.diag(open_subject(tmp_path / "a.h5").affine).tolist() == [3, 3, 3, 1]


def test_pictures_beside_the_file_and_texts_for_numbers(tmp_path):
    (tmp_path / "stimuli").mkdir()
    Image.new("RGB", (8, 9), (7, 8, 9)).save(tmp_path / "stimuli" / "n01443537_22563.png")
    Image.new("RGB", (8, 9), (1, 2, 3)).save(tmp_path / "stimuli" / "ostrich ü.png")
    (tmp_path / "imagenet_class_index.json").write_text('{"0": ["n02084071", "police_dog"]}')
    data = bdata()
    data.add_vmap(
        "stimulus_id", dict.fromkeys(SHOWN, "") | {1518878.010042: "ostrich ü", 1518878.0: "x"}
    )
    data.save(str(tmp_path / "a.h5"))
    subject = open_subject(tmp_path / "a.h5")
    assert subject.stimulus(subject.trials[0])[0, 0].tolist() == [7, 8, 9]
    assert subject.trials[1].label == "police dog"
    named = subject.trials[8]
    assert (named.stimulus_id, named.label) == ("ostrich ü.png", "ostrich ü")
    assert subject.stimulus(named)[0, 0].tolist() == [1, 2, 3]
    assert "2 of the stimuli shown have no picture, for example 'n01621127_19340'" in subject.notes


def test_without_what_is_optional(tmp_path):
    data = new_bdata()
    data.add(RESPONSES, "VoxelData")
    data.save(str(tmp_path / "a.h5"))
    subject = open_subject(tmp_path / "a.h5")
    assert (subject.n_voxels, subject.rois, subject.ijk) == (24, (), None)
    assert [trial.split for trial in subject.trials] == ["train"] * 16
    assert subject.notes == (
        "No column DataType: all samples are taken for training",
        "No voxel positions in this file; the brain cannot be drawn",
    )


def test_test_trials_of_unknown_stimuli_are_not_averaged(tmp_path):
    data = new_bdata()
    data.add(RESPONSES, "VoxelData")
    data.add(KINDS[:, None].astype(float), "DataType")
    data.save(str(tmp_path / "a.h5"))
    splits = [trial.split for trial in open_subject(tmp_path / "a.h5").trials]
    assert splits == ["train"] * 8 + ["test"] * 6


def shown(path, *columns, meanings=None):
    """Write a file of 16 samples with these columns, and texts for numbers."""
    data = new_bdata()
    data.add(RESPONSES, "VoxelData")
    for key, column in columns:
        data.add(np.asarray(column, float)[:, None], key)
    for key, texts in (meanings or {}).items():
        data.add_vmap(key, texts)
    data.save(str(path))
    return path


def test_image_index_counts_training_and_test_pictures_apart(tmp_path):
    """As in GOD, where it goes from 1 to 1,200 and from 1 to 50."""
    (tmp_path / "stimuli").mkdir()
    Image.new("RGB", (8, 9), (7, 8, 9)).save(tmp_path / "stimuli" / "2.png")
    Image.new("RGB", (8, 9), (1, 2, 3)).save(tmp_path / "stimuli" / "test-2.png")
    numbers = [*range(1, 9), *[1, 2, 3] * 2, 1, 2]
    path = shown(tmp_path / "a.h5", ("DataType", KINDS), ("image_index", numbers))
    subject = open_subject(path)
    assert [t.stimulus_id for t in subject.trials[:2]] == ["train-1", "train-2"]
    assert subject.stimulus(subject.trials[1]) is None  # 2.png may be of either
    tested = subject.trials[15]
    assert (tested.split, tested.stimulus_id, tested.presentations) == ("test", "test-2.png", 2)
    assert subject.stimulus(tested)[0, 0].tolist() == [1, 2, 3]
    assert not shown_in_test(subject.trials)
    assert (
        "image_index gives training and test pictures the same numbers; they are taken for "
        "different pictures, called train-1 and test-1" in subject.notes
    )


def test_an_image_index_over_all_pictures_stays_as_it_is(tmp_path):
    numbers = [*range(1, 9), *[9, 10, 11] * 2, 1, 2]
    subject = open_subject(shown(tmp_path / "a.h5", ("DataType", KINDS), ("image_index", numbers)))
    assert [t.stimulus_id for t in subject.trials[7:9]] == ["8", "9"]
    assert not any("image_index" in note for note in subject.notes)


def test_the_same_stimulus_id_is_the_same_stimulus(tmp_path):
    numbers = [*range(1, 9), *[1, 2, 3] * 2, 1, 2]
    subject = open_subject(shown(tmp_path / "a.h5", ("DataType", KINDS), ("stimulus_id", numbers)))
    assert len(shown_in_test(subject.trials)) == 3


def test_names_of_stimuli_come_before_their_numbers(tmp_path):
    """Newer files of bdpy have stimulus_name beside image_index, and often no DataType."""
    names = {float(n): f"n01443537_{n} ü" for n in range(16)}
    path = shown(
        tmp_path / "a.h5",
        ("image_index", np.arange(16) % 4 + 1),
        ("stimulus_name", np.arange(16)),
        meanings={"stimulus_name": names},
    )
    assert [t.stimulus_id for t in open_subject(path).trials] == list(names.values())


def test_matlab_files_of_god_call_the_picture_label(tmp_path):
    columns = ("DataType", KINDS), ("Label", SHOWN), ("image_index", np.arange(16))
    subject = open_subject(shown(tmp_path / "a.h5", *columns))
    assert subject.trials[0].stimulus_id == "n01443537_22563"
    assert [t.presentations for t in subject.trials[14:]] == [3, 3]


def test_labels_that_number_classes_name_no_pictures(tmp_path):
    path = shown(tmp_path / "a.h5", ("DataType", KINDS), ("Label", np.arange(16) % 3))
    assert {t.stimulus_id for t in open_subject(path).trials} == {""}


def replaced(name, data, **options):
    def change(file):
        del file[name]
        file.create_dataset(name, data=data, **options)

    return change


def external(file):
    del file["dataset"]
    file["dataset"] = h5py.ExternalLink("elsewhere.h5", "/dataset")


def grown(name, shape):
    def change(file):
        del file[name]
        file.create_dataset(name, shape, "f8", chunks=True)

    return change


def renamed_keys(old, new):
    def change(file):
        keys = [new if key == old else key for key in file["metadata/key"].asstr()[()]]
        replaced("metadata/key", keys)(file)

    return change


WRONG = {
    "an external link": (external, "/dataset is a link to somewhere else"),
    "three axes": (replaced("dataset", np.zeros((2, 3, 4))), r"shape \(2, 3, 4\), not 2 axes"),
    "text": (replaced("dataset", np.full((16, 27), b"x")), "/dataset holds values of type |S1"),
    "absurd samples": (grown("dataset", (10**9, 27)), "/dataset claims 1,000,000,000 samples"),
    "one huge chunk": (
        lambda file: (
            file.__delitem__("dataset"),
            file.create_dataset("dataset", (10**6, 27), "f8", chunks=(10**6, 27)),
        ),
        "/dataset has chunks of 216,000,000 bytes",
    ),
    "fewer columns": (replaced("dataset", np.zeros((16, 26))), "10 keys and 26 columns"),
    "absurd metadata": (grown("metadata/value", (10, 10**9)), "claims 80,000,000,000 bytes"),
    "absurd keys": (
        replaced("metadata/key", np.zeros(10_001, "S1")),
        "/metadata/key has 10,001 keys",
    ),
    "fewer keys": (replaced("metadata/key", [b"VoxelData"]), r"\(10, 27\) but there are 1 keys"),
    "keys are numbers": (replaced("metadata/key", np.arange(10)), "/metadata/key holds .* int64"),
    "keys of lists": (
        lambda file: (
            file.__delitem__("metadata/key"),
            file.create_dataset("metadata/key", (10,), h5py.vlen_dtype(np.uint8)),
        ),
        "/metadata/key holds values of type object, not text",
    ),
    "chunked text": (
        replaced("metadata/key", ["x"] * 10, chunks=(2,), dtype=h5py.string_dtype()),
        "keeps its text in a way that cannot be read safely",
    ),
    "very long keys": (replaced("metadata/key", ["x" * 5000] * 10), "the text is damaged"),
    "no voxel data": (renamed_keys("VoxelData", "x"), "no key VoxelData says"),
    "no voxel": (
        lambda file: file["metadata/value"].__setitem__(0, np.nan),
        "VoxelData marks 0 columns",
    ),
    "odd region": (renamed_keys("ROI_V1", "ROI_V1,V2"), "name 'V1,V2' is not allowed"),
    "only imagery": (
        lambda file: file["dataset"].__setitem__((slice(None), 24), 3.0),
        "no sample is of a training or test trial",
    ),
    "vmap of words": (lambda file: file.create_group("vmap/stimulus_id/1.0"), "is not a dataset"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(bdata_path, case):
    change, message = WRONG[case]
    with h5py.File(bdata_path, "a") as file:
        change(file)
    with pytest.raises(DataError, match=message) as caught:
        open_subject(bdata_path)
    assert str(caught.value).startswith("Subject3.h5: ")
    assert "\n" not in str(caught.value)


def test_responses_that_are_not_finite(bdata_path):
    with h5py.File(bdata_path, "a") as file:
        file["dataset"][3, :2] = [np.nan, 1e300]
    subject = open_subject(bdata_path)
    with pytest.raises(DataError, match="trial 3 holds 2 values that are NaN or infinite"):
        subject.responses(range(8))


def test_matlab_references_to_something_else(matlab_path):
    with h5py.File(matlab_path, "a") as file:
        file["metaData/key"][0, 0] = file["metaData"].ref
    with pytest.raises(DataError, match="metaData/key holds more than text"):
        open_subject(matlab_path)


def test_matlab_5_is_read_like_hdf5(tmp_path):
    one = open_subject(make_bdata(tmp_path / "a"))
    other = open_subject(make_matlab5(tmp_path / "b"))
    every = range(len(one.trials))
    assert np.array_equal(one.responses(every), other.responses(every))
    assert [(t.split, t.presentations) for t in one.trials] == [
        (t.split, t.presentations) for t in other.trials
    ]
    assert np.array_equal(one.ijk, other.ijk)


def test_matlab_5_has_the_newer_names_too(tmp_path):
    """BrainDecoderToolbox2 writes them, in version 7.3 or, if asked, an older one."""
    path = make_matlab5(tmp_path)
    content = scipy.io.loadmat(path)
    expected = open_subject(path)
    new = {"dataset": content["dataSet"], "metadata": content["metaData"], "header": {"ctime": "x"}}
    scipy.io.savemat(path, new)
    found = open_subject(path)
    every = range(len(expected.trials))
    assert np.array_equal(found.responses(every), expected.responses(every))
    assert found.trials == expected.trials
    scipy.io.savemat(path, new | {"metadata": 3.0})
    with pytest.raises(DataError, match="metadata has no fields key and value; is this BData"):
        open_subject(path)


def test_matlab_5_with_other_arrays_names_them(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"betas": np.ones((3, 4)), "names": "x"})
    with pytest.raises(DataError, match=r"\(betas, names\) are no BData; say which one holds the"):
        open_subject(tmp_path / "a.mat")


def test_the_template_of_the_subject_gives_the_grid(tmp_path):
    path = make_bdata(tmp_path)
    inferred = open_subject(path)
    affine = np.diag([-3.0, 3, 3, 1])
    affine[:3, 3] = [60, -9, -6]
    nib.save(nib.Nifti1Image(np.zeros((21, 20, 20), np.uint8), affine), path.with_name("x.nii"))
    path.with_name("x.nii").rename(path.with_name("Subject3_SpaceTemplate.nii"))
    placed = open_subject(path)
    mm = [s.ijk @ s.affine[:3, :3].T + s.affine[:3, 3] for s in (inferred, placed)]
    assert np.allclose(*mm)
    assert placed.ijk.min(axis=0).tolist() != [0, 0, 0]
    assert "Voxel positions are on the grid of Subject3_SpaceTemplate.nii" in placed.notes


def test_a_template_that_does_not_fit_is_said(tmp_path):
    path = make_bdata(tmp_path)
    image = nib.Nifti1Image(np.zeros((5, 5, 5), np.uint8), np.diag([2.2, 2.2, 2.2, 1]))
    nib.save(image, path.with_name("Subject3_SpaceTemplate.nii"))
    notes = " ".join(open_subject(path).notes)
    assert "do not lie on the grid of Subject3_SpaceTemplate.nii. The grid is inferred" in notes


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_template_must_hold_every_voxel(tmp_path, axis):
    path = make_bdata(tmp_path)
    mm = open_subject(path).ijk.max(axis=0)
    shape = mm + 1
    template = path.with_name("Subject3_SpaceTemplate.nii")
    nib.save(nib.Nifti1Image(np.zeros(shape, np.uint8), np.diag([3.0, 3, 3, 1])), template)
    assert any("are on the grid of" in note for note in open_subject(path).notes)
    shape[axis] -= 1
    nib.save(nib.Nifti1Image(np.zeros(shape, np.uint8), np.diag([3.0, 3, 3, 1])), template)
    assert any("do not lie on the grid of" in note for note in open_subject(path).notes)


TRAINING, TEST = "Subject1_ImageNetTraining.h5", "Subject1_ImageNetTest.h5"


def half(path, rows, *columns, meanings=None, keep=lambda key: True, spare=0):
    """Write some samples as a file of their own, `spare` columns before the voxels."""
    data = new_bdata()
    if spare:
        data.add(np.zeros((len(rows), spare)), "Label")
    data.add(RESPONSES[rows], "VoxelData")
    for key, column in columns:
        data.add(np.asarray(column, float)[:, None], key)
    for name, flags in REGIONS.items():
        if keep(f"ROI_{name}"):
            data.add_metadata(f"ROI_{name}", flags.astype(float), where="VoxelData")
    for axis, mm in zip("xyz", (IJK * STEP + START).T, strict=True):
        if keep(f"voxel_{axis}"):
            data.add_metadata(f"voxel_{axis}", mm, where="VoxelData")
    for key, texts in (meanings or {}).items():
        data.add_vmap(key, texts)
    data.save(str(path))
    return path


TRAINED, TESTED = range(10), range(10, 16)


def halves(folder):
    """Write training and test trials apart, each with texts for numbers of its own."""
    one = half(
        folder / TRAINING,
        TRAINED,
        ("stimulus_name", range(10)),
        ("Session", [1] * 10),
        ("Run", [1] * 5 + [2] * 5),
        meanings={"stimulus_name": {float(n): f"n01443537_{n}" for n in range(10)}},
    )
    two = half(
        folder / TEST,
        TESTED,
        ("stimulus_name", [0, 1] * 3),
        ("Session", [1] * 6),
        ("Run", [1] * 6),
        meanings={"stimulus_name": {0.0: "n01518878_7", 1.0: "n01443537_3"}},
        spare=2,
    )
    return one, two


@pytest.mark.parametrize("turned", [False, True])
def test_two_files_of_one_subject_are_joined(tmp_path, turned):
    one, two = halves(tmp_path)
    (tmp_path / "stimuli").mkdir()
    Image.new("RGB", (8, 9), (7, 8, 9)).save(tmp_path / "stimuli" / "n01518878_7.png")
    first, second = (two, one) if turned else (one, two)
    subject = ImportPlan(first, more=(second,)).read()
    assert (subject.name, subject.n_voxels) == ("Subject1", 18)
    assert [roi.name for roi in subject.rois] == ["VC", "V1"]
    assert len(subject.ijk) == 18
    trained = [t for t in subject.trials if t.split == "train"]
    single = [t for t in subject.trials if t.split == "test-single"]
    means = [t for t in subject.trials if t.split == "test"]
    assert [t.stimulus_id for t in trained] == [f"n01443537_{n}" for n in range(10)]
    assert [t.stimulus_id for t in means] == ["n01518878_7.png", "n01443537_3"]
    assert [t.presentations for t in means] == [3, 3]
    wanted = RESPONSES[:, :18].astype(np.float32)
    assert np.array_equal(subject.responses([t.index for t in trained]), wanted[:10])
    assert np.array_equal(subject.responses([t.index for t in single]), wanted[10:])
    expected = wanted[10:16:2].mean(axis=0)
    assert np.allclose(subject.responses([means[0].index])[0], expected, atol=1e-6)
    assert subject.stimulus(means[0])[0, 0].tolist() == [7, 8, 9]
    assert len(shown_in_test(subject.trials)) == 1
    # Each file counts its sessions from 1: the second's are others.
    of_trained, of_tested = ({(t.session, t.run) for t in which} for which in (trained, single))
    assert not of_trained & of_tested
    assert {run for _, run in of_trained} == {1, 2}
    for name, what in ((TRAINING, "training"), (TEST, "test")):
        note = f"No column DataType: by the name of {name} its samples are taken for {what}"
        assert note in subject.notes
    count_on = f"The sessions of {second.name} have numbers that were there; they count on from 2"
    assert count_on in subject.notes


def test_a_column_of_kinds_says_more_than_the_names_of_files(tmp_path):
    one = half(tmp_path / TEST, TRAINED, ("DataType", [1] * 8 + [2, 3]), ("image_index", range(10)))
    two = half(tmp_path / "Subject1_b.h5", TESTED, ("DataType", [2] * 6), ("image_index", [7] * 6))
    subject = ImportPlan(one, more=(two,)).read()
    splits = [t.split for t in subject.trials]
    assert splits == ["train"] * 8 + ["test-single"] * 7 + ["test"] * 2
    assert [t.stimulus_id for t in subject.trials][6:10] == [
        "train-6", "train-7", "test-8", "test-7",
    ]  # fmt: skip
    assert "1 sample that is neither training nor test (imagery) is left out" in subject.notes


def test_a_file_alone_is_called_by_what_it_holds(tmp_path):
    one, two = halves(tmp_path)
    assert {t.split for t in open_subject(one).trials} == {"train"}
    subject = open_subject(two)
    assert subject.name == "Subject1_ImageNetTest"
    assert [t.split for t in subject.trials] == ["test-single"] * 6 + ["test"] * 2
    latest = half(tmp_path / "Subject1_latest.h5", TRAINED)
    assert {t.split for t in open_subject(latest).trials} == {"train"}


def test_two_files_where_each_has_what_the_other_lacks(tmp_path):
    one = half(tmp_path / TRAINING, TRAINED, keep=lambda key: key != "ROI_V1")
    two = half(tmp_path / TEST, TESTED, keep=lambda key: key == "ROI_V1")
    subject = ImportPlan(one, more=(two,)).read()
    assert [roi.name for roi in subject.rois] == ["VC"]
    assert f"Regions of {TEST} alone are left out: V1" in subject.notes


def moved(path):
    with h5py.File(path, "a") as file:
        row = file["metadata/key"].asstr()[()].tolist().index("voxel_y")
        file["metadata/value"][row, 5] += 3


def other_region(path):
    with h5py.File(path, "a") as file:
        row = file["metadata/key"].asstr()[()].tolist().index("ROI_V1")
        file["metadata/value"][row, 2 + 20] = 1


def fewer(path):
    data = new_bdata()
    data.add(RESPONSES[:6, :20], "VoxelData")
    data.save(str(path))


NOT_JOINED = {
    "another number of voxels": (fewer, "have 24 and 20 voxels; only files of the same voxels"),
    "another place": (
        moved,
        r"voxel_y of voxel 3 is -87 and -84 mm; only files of the same voxels",
    ),
    "another region": (other_region, "region V1 has other voxels in each; only files of the same"),
    "something else": (
        lambda path: path.write_bytes(b"\x89PNG" + bytes(500)),
        "only BData files are joined to BData, of which this is none",
    ),
}


@pytest.mark.parametrize("case", NOT_JOINED)
def test_files_that_do_not_belong_together(tmp_path, case):
    one, two = halves(tmp_path)
    change, message = NOT_JOINED[case]
    change(two)
    with pytest.raises(DataError, match=message) as caught:
        ImportPlan(one, more=(two,)).read()
    assert TEST in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_named_twice_is_refused(tmp_path):
    one, two = halves(tmp_path)
    with pytest.raises(DataError, match=f"{two.name}: is named twice; each of its trials"):
        ImportPlan(one, more=(two, tmp_path / "." / two.name)).read()


def test_what_images_alone_can_have_is_refused_for_joined_files(tmp_path):
    one, two = halves(tmp_path)
    with pytest.raises(DataError, match="--rois is for NIfTI images, which it is not"):
        ImportPlan(one, more=(two,), rois="all").read()


def test_the_wizard_is_told_of_both_files(tmp_path):
    one, two = halves(tmp_path)
    found = inspect_source(two, [one])
    assert found.summary.endswith("18 trials × 18 voxels, 2 regions")
    assert (found.kind, found.missing) == ("", ("stimuli",))
    assert found.plan.arguments("s.h5") == ["import-subject", str(two), str(one), "--out", "s.h5"]
