"""Pictures on disk as squares in memory, with the folder as the label."""

import numpy as np
import pytest
import torch
from PIL import Image

from mindvis_gui.errors import DataError
from mindvis_gui.training import picture_folder
from mindvis_gui.training.fitting import oblong
from mindvis_gui.training.known_pictures import copies_of
from mindvis_gui.training.picture_folder import read_picture_folders


@pytest.fixture
def folder(tmp_path):
    for label, level in (("b", 200), ("a", 50)):
        (tmp_path / label).mkdir()
        picture = np.zeros((20, 40, 3), np.uint8)
        picture[:, 10:30] = level  # the middle square
        Image.fromarray(picture).save(tmp_path / label / "x.png")
    return tmp_path


def test_middle_square_is_taken_and_the_folder_is_the_label(folder):
    data = read_picture_folders([str(folder)], 10, labelled=True)
    assert data.pixels.shape == (2, 3, 10, 10)
    assert data.names == ("a", "b")
    assert data.labels.tolist() == [0, 1]
    assert data.pixels[0].unique().tolist() == [50]
    torch.testing.assert_close(
        data.pictures(torch.tensor([1])).mean(), torch.tensor(200 / 127.5 - 1)
    )


def test_what_macos_leaves_beside_pictures_is_none(folder):
    (folder / "a" / "._x.png").write_bytes(b"\0\5\x16\7")
    assert len(read_picture_folders([str(folder)], 8)) == 2


def test_the_whole_is_squeezed_where_that_is_wished(folder):
    (pixels,) = read_picture_folders([str(folder / "a")], 10, "squeeze").pixels
    assert set(pixels[:, :, 4:6].unique().tolist()) == {50}
    assert set(pixels[:, :, [0, -1]].unique().tolist()) == {0}


@pytest.mark.parametrize("fit", ["cut", "squeeze"])
def test_small_copies_are_of_the_middle_and_of_the_whole(folder, fit):
    known = read_picture_folders([str(folder)], 16, fit).known
    pictures = [np.asarray(Image.open(folder / label / "x.png")) for label in "ab"]
    expected = [copy.tolist() for each in pictures for copy in copies_of(each, 16)]
    assert sorted(known.tolist()) == sorted(expected)
    assert len(known) == 4


def test_pictures_that_are_no_squares_are_counted(folder):
    said = "2 of 2 pictures are not square, such as 40 × 20 pixels"
    assert read_picture_folders([str(folder)], 10).oblong == said
    assert oblong([(20, 20, 3), (30, 20, 3)]) == (
        "1 of 2 pictures is not square, such as 20 × 30 pixels"
    )
    assert oblong([(20, 20, 3)] * 3) == ""


def test_crops_are_drawn(folder, rng):
    data = read_picture_folders([str(folder)], 16)
    rows = torch.tensor([0, 1, 0])
    assert data.crops(rows, rng, crop=0.2, probability=1.0).shape == (3, 3, 16, 16)


def test_what_is_refused(folder, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="one for each label"):
        read_picture_folders([str(folder / "a")], 8, labelled=True)
    with pytest.raises(DataError, match="is no folder"):
        read_picture_folders([str(folder / "a" / "x.png")], 8)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no pictures"):
        read_picture_folders([str(tmp_path / "empty")], 8)
    (folder / "a" / "y.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"y\.png"):
        read_picture_folders([str(folder)], 8)
    monkeypatch.setattr(picture_folder, "_MOST_BYTES", 300)
    with pytest.raises(DataError, match="do not fit"):
        read_picture_folders([str(folder)], 8)
