import os
from pathlib import Path

from PySide6.QtCore import QByteArray


def test_theme_follows_the_system_until_chosen(settings):
    assert settings.theme == ""
    settings.theme = "light"
    assert settings.theme == "light"


def test_a_theme_that_does_not_exist_is_none(settings):
    settings.theme = "purple"
    assert settings.theme == ""


def test_folder_that_is_gone_is_the_home_folder(settings, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    settings.folder = folder
    assert settings.folder == folder
    folder.rmdir()
    assert settings.folder.is_dir()


def test_recent_are_the_newest_five(settings, tmp_path):
    files = [tmp_path / f"{i}.h5" for i in range(7)]
    for file in files:
        settings.add_recent(file)
    settings.add_recent(files[4])
    assert settings.recent == [files[4], files[6], files[5], files[3], files[2]]


def test_no_disk_is_asked_for_what_was_opened_last(settings, tmp_path, monkeypatch):
    """The window's thread remembers them: a network drive may take long to answer, or for ever."""
    monkeypatch.setattr(os, "stat", None)
    settings.add_recent(tmp_path / "a.h5")
    assert settings.recent == [tmp_path / "a.h5"]


def test_a_folder_that_the_system_refuses_to_look_at_is_passed_over(settings, tmp_path):
    settings.folder = tmp_path / ("x" * 300)  # no file system takes such a name
    assert settings.folder == Path.home()


def test_recent_subject_is_found_from_any_folder(settings, tmp_path, monkeypatch):
    (tmp_path / "subj").mkdir()
    file = tmp_path / "subj" / "betas.nii.gz"
    file.touch()
    monkeypatch.chdir(tmp_path)
    settings.add_recent(Path("subj/betas.nii.gz"))
    monkeypatch.chdir(file.parent)
    assert settings.recent == [file]
    settings.add_recent(file)
    settings.add_recent(Path("../subj/betas.nii.gz"))
    assert settings.recent == [file]


def test_layout_is_kept_until_forgotten(settings):
    assert settings.layout("docks").isEmpty()
    settings.set_layout("docks", QByteArray(b"where"))
    assert settings.layout("docks") == QByteArray(b"where")
    settings.forget_layout()
    assert settings.layout("docks").isEmpty()


def test_arrangement_of_slices_is_kept_and_what_is_damaged_is_none(settings):
    assert settings.brain == {}
    settings.brain = {"layout": "single", "radiological": True}
    assert settings.brain == {"layout": "single", "radiological": True}
    for damaged in ("{", "[1]"):
        settings._store.setValue("brain", damaged)
        assert settings.brain == {}
