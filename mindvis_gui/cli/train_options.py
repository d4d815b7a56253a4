"""Options of the command line made from the settings of a training stage."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from mindvis_gui.training.common_settings import Settings
from mindvis_gui.training.configuration import described, setting_types

_METAVARS: dict[type, str] = {int: "N", float: "X", str: "TEXT"}


def add_setting_options(parser: argparse._ActionsContainer, stage: type[Settings]) -> None:
    """Add one option a setting; those not given are not in the namespace."""
    types = setting_types(stage)
    for each in fields(stage):
        kind = types[each.name]
        text = described(each).replace("%", "%%")
        option = f"--{each.name.replace('_', '-')}"
        how: dict[str, Any]
        if kind is bool:
            how = {"action": argparse.BooleanOptionalAction}
        elif each.metadata["choices"]:
            how = {"choices": each.metadata["choices"]}
        elif kind in _METAVARS:
            how = {"type": kind, "metavar": _METAVARS[kind]}
        else:
            how = {"type": _whole_numbers, "metavar": "N,N"}
        parser.add_argument(option, default=argparse.SUPPRESS, help=text, **how)


def given_options(args: argparse.Namespace, stage: type[Settings]) -> dict[str, Any]:
    """Return the settings that the command line names."""
    return {
        each.name: getattr(args, each.name) for each in fields(stage) if hasattr(args, each.name)
    }


def _whole_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no list of whole numbers; write for example 1,2,4"
        ) from None
