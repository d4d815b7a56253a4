import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.data.pickled_pictures import PickledPictures
from mindvis_gui.errors import DataError

PUBLISHED = Path(__file__).parents[1] / "data_golden" / "published" / "BOLD5000"
BETAS = "BOLD5000_GLMsingle_ROI_betas/py"
NAME = "CSI1_GLMbetas-TYPED-FITHRF-GLMDENOISE-RR_allses_{}.npy"
SCENES = "BOLD5000_Stimuli/Scene_Stimuli"
IMG_DICT = f"{SCENES}/Presented_Stimuli/img_dict.npy"
LISTS = "BOLD5000_Stimuli/Stimuli_Presentation_Lists/CSI1"


@pytest.fixture
def root(tmp_path):
    return Path(shutil.copytree(PUBLISHED, tmp_path / "BOLD5000"))


def test_any_file_or_folder_of_the_one_subject_opens_it(root):
    for source in ("", "BOLD5000_GLMsingle_ROI_betas", BETAS, f"{BETAS}/{NAME.format('RHPPA')}"):
        subject = open_subject(root / source)
        assert (subject.name, subject.n_voxels) == ("CSI1", 312)


def test_regions_trials_and_repetitions(root):
    subject = open_subject(root)
    assert [roi.name for roi in subject.rois] == ["EarlyVis", "LOC", "OPA", "PPA", "RSC"]
    assert np.array_equal(np.concatenate([r.voxels for r in subject.rois]), np.arange(312))
    splits = [trial.split for trial in subject.trials]
    assert [splits.count(s) for s in ("train", "test-single", "test")] == [11, 7, 3]
    test = {trial.stimulus_id: trial for trial in subject.trials if trial.split == "test"}
    assert {name: trial.presentations for name, trial in test.items()} == {
        "img_03.jpg": 3,
        "img_07.jpg": 2,
        "img_11.jpg": 2,
    }
    single = [t.index for t in subject.trials[:18] if t.stimulus_id == "img_03.jpg"]
    mean = subject.responses(single).mean(axis=0)
    assert np.allclose(subject.responses([test["img_03.jpg"].index])[0], mean, atol=1e-6)
    mixed = subject.responses([test["img_03.jpg"].index, 2])
    assert np.array_equal(mixed[1], subject.responses([2])[0])
    last = subject.trials[17]
    assert (last.session, last.run) == (2, 2)
    assert "1 of the 4 repeated stimuli were not shown" in subject.notes


def test_lists_that_begin_with_a_byte_order_mark(root):
    before = open_subject(root).trials
    for path in (root / "BOLD5000_Stimuli").rglob("*.txt"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert open_subject(root).trials == before


def test_several_subjects_are_a_choice(root):
    for path in list((root / BETAS).iterdir()):
        shutil.copyfile(path, path.with_name(path.name.replace("CSI1", "CSI2")))
    with pytest.raises(DataError, match=r"2 subjects .*\(CSI1, CSI2\); open one of the files"):
        open_subject(root)
    assert open_subject(root / BETAS / NAME.format("LHLOC")).name == "CSI1"


def test_without_pictures(root):
    (root / IMG_DICT).unlink()
    subject = open_subject(root)
    assert subject.stimulus(subject.trials[0]) is None
    assert "14 of the stimuli shown have no picture, for example 'img_00.jpg'" in subject.notes


def rewritten(name, array):
    return lambda root: np.save(root / BETAS / NAME.format(name), array, allow_pickle=True)


def cut(name):
    def change(root):
        path = root / BETAS / NAME.format(name)
        path.write_bytes(path.read_bytes()[:-4])

    return change


def claimed(root):
    with (root / BETAS / NAME.format("LHLOC")).open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 10**9)}
        )


WRONG = {
    "a region is missing": (
        lambda root: (root / BETAS / NAME.format("RHOPA")).unlink(),
        "CSI1: the file of RHOPA is missing",
    ),
    "fewer trials": (rewritten("RHOPA", np.zeros((17, 3), "f4")), "17 trials but LHEarlyVis has"),
    "three axes": (rewritten("RHOPA", np.zeros((18, 3, 1))), r"shape \(18, 3, 1\)"),
    "integers": (rewritten("RHOPA", np.zeros((18, 3), int)), "of int64 is not"),
    "objects": (rewritten("RHOPA", np.full((18, 3), None)), "of object is not"),
    "no voxel": (rewritten("RHOPA", np.zeros((18, 0))), r"shape \(18, 0\)"),
    "cut off": (cut("LHLOC"), r"shape \(18, 30\) needs 2,160 bytes but there are 2,156"),
    "an absurd header": (claimed, "bytes but there are 0; is the file complete"),
    "two files of a region": (
        lambda root: shutil.copyfile(
            root / BETAS / NAME.format("LHLOC"), root / BETAS / "CSI1_GLMbetas_old_LHLOC.npy"
        ),
        "two files hold LHLOC of CSI1",
    ),
    "no stimuli": (
        lambda root: shutil.rmtree(root / "BOLD5000_Stimuli"),
        "no folder BOLD5000_Stimuli beside",
    ),
    "no lists": (lambda root: shutil.rmtree(root / LISTS), "cannot be listed: "),
    "a list is missing": (
        lambda root: shutil.rmtree(root / LISTS / "CSI1_sess02"),
        "18 responses but the presentation lists name 10",
    ),
    "no list of repeats": (
        lambda root: (root / SCENES / "repeated_stimuli_113_list.txt").unlink(),
        "repeated_stimuli_113_list.txt: cannot be opened",
    ),
    "a list is not text": (
        lambda root: (root / SCENES / "repeated_stimuli_113_list.txt").write_bytes(b"\xff\xfe"),
        "not UTF-8 text",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(root, case):
    change, message = WRONG[case]
    change(root)
    with pytest.raises(DataError, match=message) as caught:
        open_subject(root)
    assert "\n" not in str(caught.value)


def test_responses_that_are_not_finite(root):
    values = np.ones((18, 30), "f4")
    values[4, 1] = np.nan
    rewritten("LHLOC", values)(root)
    with pytest.raises(DataError, match="trial 4 holds 1 value that is NaN or infinite"):
        open_subject(root).responses(range(18))


class Command:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_never_executed(root, tmp_path):
    np.save(root / IMG_DICT, {"img_00.jpg": Command(tmp_path / "made")}, allow_pickle=True)
    with pytest.raises(DataError, match=r"asks for (posix|nt)\.mkdir, which may run code"):
        open_subject(root)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("protocol", [3, 4])
def test_pickles_of_either_protocol(tmp_path, protocol):
    rng = np.random.default_rng(0)
    sizes = [(8, 8), (30, 20), (200, 300)]
    known = {f"{n} ü.jpg": rng.integers(0, 256, (*sizes[n % 3], 3), "u1") for n in range(300)}
    with (tmp_path / "img_dict.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|O", "fortran_order": False, "shape": ()}
        )
        pickle.dump(np.array(known, dtype=object), file, protocol=protocol)
    pictures = PickledPictures(tmp_path / "img_dict.npy")
    assert list(pictures) == list(known)
    assert all(np.array_equal(pictures[name], known[name]) for name in known)


PICTURE = np.zeros((8, 8, 3), "u1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([PICTURE], "holds a list, not a dictionary of arrays"),
        ({}, "not a dictionary of arrays"),
        ({"a": 1}, "no dictionary of pictures, or damaged"),
        ({3: PICTURE}, "a key is 3, not the name of a picture"),
        ({"a": PICTURE.astype("f4")}, r"'a' is not an array \(h, w, 3\) of uint8"),
        ({"a": PICTURE[..., 0]}, "'a' is not an array"),
        ({"a": PICTURE.astype(object)}, "'a' is not an array"),
        ({"a": np.asfortranarray(PICTURE)}, "'a' is not an array"),
        ({"a": {1, 2}}, "the pickle asks for EMPTY_SET, which a dictionary of arrays does not"),
        ({"a": np.float64(1)}, "'a' is not an array"),
    ],
)
def test_other_pickles(tmp_path, content, message):
    holder = np.empty((), dtype=object)
    holder[()] = content
    np.save(tmp_path / "img_dict.npy", holder, allow_pickle=True)
    with pytest.raises(DataError, match=message) as caught:
        PickledPictures(tmp_path / "img_dict.npy")
    assert "\n" not in str(caught.value)


def test_a_picture_that_was_cut_off(tmp_path):
    np.save(tmp_path / "img_dict.npy", {"a": PICTURE}, allow_pickle=True)
    whole = (tmp_path / "img_dict.npy").read_bytes()
    (tmp_path / "img_dict.npy").write_bytes(whole[:-60])
    with pytest.raises(DataError, match=r"img_dict\.npy: no dictionary of pictures, or damaged"):
        PickledPictures(tmp_path / "img_dict.npy")
