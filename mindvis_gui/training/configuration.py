"""Settings from a preset, a TOML file and options; and the file that a run leaves of them."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import Field, asdict, fields
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import tomli_w

from mindvis_gui.errors import RequestError
from mindvis_gui.files import atomic_path
from mindvis_gui.training.common_settings import Settings

CONFIG = "config.toml"
_RECORD = ("run", "versions")  # tables of a saved file that are no settings
_S = TypeVar("_S", bound=Settings)
_NAMES = {int: "whole number", float: "number", bool: "true or false", str: "text"}


def resolve(
    stage: type[_S], preset: str | None, file: Path | None, options: Mapping[str, Any]
) -> _S:
    """Return the settings of a stage: its defaults, then preset, then file, then options.

    Parameters
    ----------
    stage : type of Settings
    preset : str, optional
        Wins over one that the file names.
    file : pathlib.Path, optional
        TOML with settings as keys, and perhaps ``preset``. One that a run saved will do.
    options : mapping
        By name, those that were given.

    Raises
    ------
    RequestError
        If there is no such preset or key, or a value is of another type or out of range.
    """
    written = {} if file is None else read_settings(file, stage)
    name = preset or written.pop("preset", None)
    written.pop("preset", None)
    if name is not None and name not in stage.PRESETS:
        known = ", ".join(stage.PRESETS)
        raise RequestError(f"'{name}' is no preset of '{stage.STAGE}'; it has: {known}")
    chosen = stage.PRESETS[name] if name else {}
    return stage(**{**chosen, **written, **options})


def read_settings(file: Path, stage: type[Settings]) -> dict[str, Any]:
    """Read the settings in a TOML file, with `preset` among them if it names one.

    Raises
    ------
    RequestError
        As in `resolve`, or if it cannot be read.
    """
    try:
        contents = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RequestError(f"{file}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # bad TOML, or no UTF-8
        raise RequestError(f"{file}: is no TOML: {error}") from error
    record = contents.get("run", {})
    of = record.get("stage", stage.STAGE) if isinstance(record, dict) else stage.STAGE
    if of != stage.STAGE:
        raise RequestError(f"{file}: is of the stage '{of}', not '{stage.STAGE}'")
    known, types = {each.name: each for each in fields(stage)}, setting_types(stage)
    found = {}
    for name, value in contents.items():
        if name in _RECORD and isinstance(value, dict):
            continue
        if name != "preset" and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            raise RequestError(f"{file}: '{name}' is no setting of '{stage.STAGE}'{hint}")
        kind = str if name == "preset" else types[name]
        found[name] = _converted(f"{file}: {name}", value, kind)
    return found


def setting_types(stage: type[Settings]) -> dict[str, Any]:
    """Return the type of each setting by name: int, float, bool, str, or a tuple of int."""
    hints = get_type_hints(stage)
    return {each.name: _given_as(hints[each.name]) for each in fields(stage)}


def _given_as(hint: Any) -> Any:
    """Return the type of what is given: a choice of words is text, and nobody gives None."""
    if NoneType in get_args(hint):
        (hint,) = (each for each in get_args(hint) if each is not NoneType)
    return str if get_origin(hint) is Literal else hint


def _converted(where: str, value: Any, kind: Any) -> Any:
    if kind not in _NAMES:
        if isinstance(value, list) and all(type(each) is int for each in value):
            return tuple(value)
        raise RequestError(f"{where} is {value!r}, not a list of whole numbers")
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise RequestError(f"{where} is {value!r}, not {_article(_NAMES[kind])}")
    return value


def _article(name: str) -> str:
    return name if name in ("text", "true or false") else f"a {name}"


def save_settings(
    path: Path, settings: Settings, run: Mapping[str, Any], versions: Mapping[str, str]
) -> None:
    """Write what a run was made with, so that the file can be given to `resolve` again.

    Raises
    ------
    ExportError
        If it cannot be written.
    """
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(settings).items()
        if value is not None
    }
    document = {**values, "run": {"stage": settings.STAGE, **run}, "versions": dict(versions)}
    with atomic_path(path) as temporary:
        temporary.write_text(tomli_w.dumps(document), encoding="utf-8")


def described(each: Field[Any]) -> str:
    """Return what a setting means, with its default."""
    default: Any = each.default
    if default is None:  # what it then depends on is part of the meaning
        shown = ""
    elif isinstance(default, bool):
        shown = "yes" if default else "no"
    elif isinstance(default, tuple):
        shown = ",".join(map(str, default))
    else:
        shown = f"{default:.4g}" if isinstance(default, float) else str(default)
    meaning: str = each.metadata["meaning"]
    return f"{meaning} (default: {shown})" if shown else meaning
