"""Where models are looked for."""

import os

from mindvis_gui import paths


def test_models_are_searched_in_the_order_that_is_written_down(tmp_path, monkeypatch):
    given, here, own = (tmp_path / name for name in ("given", "here", "own"))
    more = tmp_path / "more"
    for folder in (given, more, here / "models", own / "models"):
        folder.mkdir(parents=True)
    monkeypatch.setenv("MINDVIS_MODELS", os.pathsep.join([str(given), "", str(more), "/nowhere"]))
    monkeypatch.chdir(here)
    monkeypatch.setattr(paths, "user_data_path", lambda *args, **options: own)
    shipped = paths.demo_subject_path().parents[2] / "models"
    found = [given, more, here / "models", own / "models", shipped]
    assert paths.model_dirs() == [folder.resolve() for folder in found]
    monkeypatch.chdir(shipped.parent)  # each folder once, where it comes first
    assert paths.model_dirs() == [
        folder.resolve() for folder in (given, more, shipped, own / "models")
    ]


def test_a_models_folder_that_the_system_refuses_to_look_at_is_passed_over(tmp_path, monkeypatch):
    refused, given = tmp_path / ("x" * 300), tmp_path / "given"
    given.mkdir()
    monkeypatch.setenv("MINDVIS_MODELS", os.pathsep.join([str(refused), str(given)]))
    assert paths.model_dirs()[0] == given.resolve()
