import os
import sys

import numpy as np
import pytest
from PIL import Image

from mindvis_gui.data import open_subject
from mindvis_gui.data.schematic_rois import read_cortex
from mindvis_gui.data.simulate import dead_leaves
from mindvis_gui.data.simulated_subject import choose, read_stimuli, simulate_subject
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.errors import DataError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with five pictures in each of two categories."""
    root = tmp_path_factory.mktemp("stimuli")
    for i, scene in enumerate(dead_leaves(10, np.random.default_rng(0))):
        path = root / ("face" if i % 2 else "building") / f"scene {i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(scene).resize((120, 80)).save(path)
    return root


@pytest.fixture(scope="module")
def subject(folder):
    stimuli, pictures = read_stimuli(folder)
    return simulate_subject(
        read_cortex(),
        choose(stimuli, range(2, 10)),
        choose(stimuli, range(2)),
        pictures,
        seed=1,
        presentations=3,
    )


def test_sub_folders_are_categories(folder):
    stimuli, pictures = read_stimuli(folder)
    assert stimuli.ids[0] == "building/scene 0.png"
    assert stimuli.labels[0] == "scene 0"
    assert stimuli.categories == ["building"] * 5 + ["face"] * 5
    assert stimuli.pictures.shape == (10, 96, 96, 3)
    assert list(pictures) == stimuli.ids


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text")
def test_a_category_whose_name_is_no_text_can_be_written(tmp_path):
    place = tmp_path / os.fsdecode(b"\xc4pfel")
    place.mkdir()
    Image.new("RGB", (8, 8)).save(place / "a.png")
    stimuli, pictures = read_stimuli(tmp_path)
    assert list(stimuli.ids) == list(pictures) == ["\\udcc4pfel/a.png"]


def test_a_flat_folder_has_no_categories(folder):
    stimuli, _ = read_stimuli(folder / "face")
    assert stimuli.ids[0] == "scene 1.png"
    assert stimuli.categories == [""] * 5


def test_trials_come_in_three_blocks(subject):
    splits = [trial.split for trial in subject.trials]
    assert splits == ["test"] * 2 + ["train"] * 8 + ["test-single"] * 6
    assert [trial.index for trial in subject.trials] == list(range(16))
    assert {t.presentations for t in subject.trials if t.split == "test"} == {3}
    assert subject.trials[0].stimulus_id == subject.trials[10].stimulus_id
    assert subject.simulated


def test_a_test_response_is_the_mean_of_its_presentations(subject):
    single = subject.responses(range(10, 16)).reshape(3, 2, -1)
    assert np.abs(subject.responses([0, 1]) - single.mean(axis=0)).max() < 0.0501


def test_it_survives_the_subject_file(subject, tmp_path):
    write_subject(tmp_path / "simulated.h5", subject, dtype="int8", deflate=4)
    again = open_subject(tmp_path / "simulated.h5")
    assert again.simulated
    assert again.trials == subject.trials
    assert np.abs(again.responses(range(16)) - subject.responses(range(16))).max() < 0.05
    assert again.stimulus(again.trials[3]).shape == (80, 120, 3)
    assert list(again.maps) == list(subject.maps)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        read_stimuli(tmp_path / "nowhere")


def test_a_file_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"broken\.png"):
        read_stimuli(tmp_path)
