"""Tables of label numbers and names beside a label image, as several programs write them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mindvis_gui.data.checks import check_roi_name
from mindvis_gui.errors import DataError
from mindvis_gui.files import atomic_path, beside_image

_NUMBERED = re.compile(r"(\d+)[\s:]+(\S.*)")
_COLOURED = re.compile(r"(\d+)( \d+){4}")
_QUOTED = re.compile(r'"([^"]+)"')
# Behind a name: a colour, a place in mm, or a comment.
_BEHIND = re.compile(r"(?:(?:^| )-?\d+(?:\.\d+)?){3,4}$|(?:^| )#(?: .*|[0-9a-fA-F]{6,8})$")


def write_label_names(names: Mapping[int, str], path: Path) -> None:
    """Write the table beside a label image.

    Raises
    ------
    ExportError
        If it cannot be written.
    """
    rows = [f"{number}\t{name}\n" for number, name in names.items()]
    with atomic_path(beside_image(path, ".tsv")) as temporary:
        temporary.write_text("index\tname\n" + "".join(rows), encoding="utf-8")


def label_names(path: Path) -> dict[int, str]:
    """Read the table beside a label image: two columns, number and name, in either order."""
    for suffix in (".tsv", ".json", ".txt"):
        table = beside_image(path, suffix)
        if not table.is_file():
            continue
        try:
            text = table.read_text(encoding="utf-8-sig")
            names = dict(_json_names(text) if suffix == ".json" else _line_names(text))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise DataError(
                f"{table.name}: not a table of label numbers and names ({error})"
            ) from error
        if not names:
            raise DataError(f"{table.name}: no line has a label number and a name")
        return names
    return {}


def _json_names(text: str) -> list[tuple[int, str]]:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("not an object")
    return [
        (int(key), value) if isinstance(value, str) else (int(value), key)
        for key, value in content.items()
    ]


def _line_names(text: str) -> list[tuple[int, str]]:
    """Read lines of number and name; a header and comments have no number and are skipped.

    Behind a name may stand a colour; it may be in quotes (ITK-SNAP), or on the line above that of
    its number (Connectome Workbench).
    """
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    if names := _names_above(lines):
        return names
    coded = _have_codes(lines)
    for line in lines:
        if "\t" in line:
            words = [word.strip() for word in line.split("\t") if word.strip()]
        elif numbered := _NUMBERED.fullmatch(line):
            words = [numbered[1], _name(numbered[2], coded=coded)]
        else:
            words = line.replace(":", " ").split()
        if len(words) < 2 or not all(words[:2]):
            continue
        if words[0].isdecimal():
            names.append((int(words[0]), words[1]))
        elif words[1].isdecimal() and len(words) == 2:
            names.append((int(words[1]), words[0]))
    return names


def _names_above(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Return what lines say of which every second one is a number and its colour, or nothing."""
    coloured = [_COLOURED.fullmatch(" ".join(line.split())) for line in lines]
    if len(lines) % 2 or any(coloured[::2]) or not all(coloured[1::2]):
        return []
    numbers = [int(found[1]) for found in coloured if found]
    return list(zip(numbers, lines[::2], strict=True))


def _have_codes(lines: Sequence[str]) -> bool:
    """Whether numbers behind names are no part of them: 1 Precentral_L 2001, but not 1 Area 17.

    Without them the names must still differ.
    """
    found = [words for words in map(str.split, lines) if len(words) == 3 and words[2].isdecimal()]
    return len({words[1] for words in found}) == len(found)


def _name(text: str, *, coded: bool) -> str:
    """Return the name in what stands behind a number, empty if that is a colour only.

    Where all of it can be no region's name it is a description, and its first word the name.
    """
    if quoted := _QUOTED.search(text):
        return quoted[1].strip()
    name = _BEHIND.sub("", " ".join(text.split()))
    words = name.split()
    if len(words) < 2 or (coded and len(words) == 2 and words[1].isdecimal()):
        return "".join(words[:1])
    with suppress(DataError):
        return check_roi_name(name, "")
    return words[0]
