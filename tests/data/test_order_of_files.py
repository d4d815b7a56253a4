"""Pictures are taken for trials, and images for runs, in one order on every system."""

from pathlib import Path, PurePath, PureWindowsPath

import numpy as np
import pytest
from PIL import Image

from mindvis_gui.data.rois import nifti_files
from mindvis_gui.data.simulated_subject import read_stimuli
from mindvis_gui.data.stimuli import open_pictures
from mindvis_gui.files import in_order
from mindvis_gui.training.picture_folder import read_picture_folders


@pytest.fixture(autouse=True)
def _windows_order(monkeypatch):
    """Let paths compare as on Windows, where capitals are as small letters."""

    def before(one, other):
        return PureWindowsPath(str(one).lower()).parts < PureWindowsPath(str(other).lower()).parts

    monkeypatch.setattr(PurePath, "__lt__", before)
    assert sorted([Path("B"), Path("a")]) == [Path("a"), Path("B")]


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), 9, dtype=np.uint8)).save(path)


def test_capitals_come_first():
    paths = [PureWindowsPath(name) for name in ("b/x", "a/x", "B/y", "b/Y", "b")]
    assert [path.as_posix() for path in in_order(paths)] == ["B/y", "a/x", "b", "b/Y", "b/x"]


def test_pictures(tmp_path):
    names = ["apple.png", "Boat.png", "Zoo/a.png", "cat.png"]
    for name in names:
        picture(tmp_path / name)
    assert list(open_pictures(tmp_path)) == ["Boat.png", "Zoo/a.png", "apple.png", "cat.png"]


def test_categories(tmp_path):
    for name in ("animal/a.png", "Body/b.png", "face/c.png"):
        picture(tmp_path / name)
    assert read_stimuli(tmp_path)[0].categories == ["Body", "animal", "face"]


def test_images_whose_runs_are_joined(tmp_path):
    for name in ("a_bold.nii", "B_bold.nii.gz", ".x.nii"):
        (tmp_path / name).touch()
    assert [path.name for path in nifti_files(tmp_path)] == ["B_bold.nii.gz", "a_bold.nii"]


def test_pictures_to_learn_from(tmp_path):
    for red, name in enumerate(("animal/a.png", "Body/b.png", "Body/C.png")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), 10 * red, dtype=np.uint8)).save(path)
    found = read_picture_folders([str(tmp_path)], 8, labelled=True)
    assert (found.pixels[:, 0, 0, 0].tolist(), found.names) == ([20, 10, 0], ("Body", "animal"))
