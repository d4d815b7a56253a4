import errno
import os
from pathlib import Path

import pytest

from mindvis_gui.errors import ExportError
from mindvis_gui.training.run_folder import RUN_FOLDER, clear_left_over, write_model


@pytest.fixture
def out(tmp_path):
    """Return the folder of a run that has written a model."""
    (tmp_path / RUN_FOLDER).mkdir()
    write_model(tmp_path, saving("old"))
    return tmp_path


def saving(text):
    def save(folder):
        (folder / "unet").mkdir()
        (folder / "unet" / "config.json").write_text(text)
        (folder / "unet" / "weights").write_text(text)
        (folder / "model_index.json").write_text(text)

    return save


def content(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def all_of(text):
    return dict.fromkeys(["unet/config.json", "unet/weights", "model_index.json"], text)


def test_a_model_takes_the_place_of_the_one_before(out):
    assert content(out) == all_of("old")
    write_model(out, saving("new"))
    assert content(out) == all_of("new")
    assert list((out / RUN_FOLDER).iterdir()) == []


@pytest.mark.parametrize("held", ["from", "to"])
def test_a_model_that_somebody_has_open_stays_whole(out, monkeypatch, held):
    move = Path.replace

    def refuse(path, to):
        """Refuse as Windows does, where nothing in a folder may be open that is moved."""
        if out / "unet" == (path if held == "from" else to) and "before" not in path.name:
            raise PermissionError(errno.EACCES, "Access is denied")
        return move(path, to)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ExportError, match="cannot be written: Access is denied"):
        write_model(out, saving("new"))
    assert content(out) == all_of("old")
    assert list((out / RUN_FOLDER).iterdir()) == []


def test_a_model_that_somebody_maps_is_replaced_and_removed_later(out, monkeypatch):
    unlink = os.unlink

    def refuse(path, *given, **named):
        """Refuse as Windows does: what is mapped can be moved, but not removed."""
        if Path(path).name == "weights":
            raise PermissionError(errno.EACCES, "Access is denied", path)
        unlink(path, *given, **named)

    monkeypatch.setattr(os, "unlink", refuse)
    write_model(out, saving("new"))
    monkeypatch.undo()
    assert content(out).items() >= all_of("new").items()
    clear_left_over(out / RUN_FOLDER)
    assert content(out) == all_of("new")
