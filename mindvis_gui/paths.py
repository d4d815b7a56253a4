"""Where the shipped files are, and where the user's models are looked for.

Wheels carry ``resources/``, ``models/demo`` and ``docs/*.md`` inside the package; an
editable install or a checkout has them beside it.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from mindvis_gui.errors import MindVisError
from mindvis_gui.files import is_there

_PACKAGE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    for folder in (_PACKAGE / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise MindVisError(
        f"{_PACKAGE}: the shipped folder '{name}' is missing; is the installation complete?"
    )


def resources_dir() -> Path:
    """Folder with the icon, the demo subject and the credits."""
    return _shipped("resources")


def demo_subject_path() -> Path:
    """File of the simulated subject that ships with the application."""
    return resources_dir() / "demo" / "subject.h5"


def docs_dir() -> Path:
    """Folder of the documents that texts call ``docs/…``; without pictures in a wheel."""
    return _shipped("docs")


def cache_dir() -> Path:
    """Folder for what only saves time: ``$MINDVIS_CACHE``, or the user's cache folder.

    The former holds `state_dir`, too, whose content cannot be made again.
    """
    given = os.environ.get("MINDVIS_CACHE")
    return Path(given) if given else user_cache_path("mindvis", appauthor=False)


def new_models_dir() -> Path:
    """Folder that imported models go to: the first of ``$MINDVIS_MODELS``, or the user's."""
    given = _given_model_dirs()
    return given[0] if given else _own_models_dir()


def model_dirs() -> list[Path]:
    """Folders searched for model folders, first match wins.

    ``$MINDVIS_MODELS`` (path-separated), ``./models``, the user's data folder, the shipped one.
    """
    candidates = [
        *_given_model_dirs(),
        Path.cwd() / "models",
        _own_models_dir(),
        _shipped("models"),
    ]
    folders = (each for each in candidates if is_there(each) and each.is_dir())
    return list(dict.fromkeys(folder.resolve() for folder in folders))


def state_dir() -> Path:
    """Folder of the history and of what is saved by itself: in ``$MINDVIS_CACHE``, or the user's.

    Unlike the samples they cannot be made again.
    """
    given = os.environ.get("MINDVIS_CACHE")
    return Path(given) / "state" if given else user_data_path("mindvis", appauthor=False)


def _given_model_dirs() -> list[Path]:
    return [Path(part) for part in os.environ.get("MINDVIS_MODELS", "").split(os.pathsep) if part]


def _own_models_dir() -> Path:
    return user_data_path("mindvis", appauthor=False) / "models"
