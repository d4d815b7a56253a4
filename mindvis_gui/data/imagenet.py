"""Names of ImageNet pictures and of what they show, as the Generic Object Decoding data has them.

A picture is numbered ``1518878.010042``: the WordNet number of its synset before the point,
the number of the picture in it behind; its file is called ``n01518878_10042.JPEG``.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

from mindvis_gui.data.text_file import read_text_file
from mindvis_gui.errors import DataError

_NAME = re.compile(r"n\d{8}_\d+")


def picture_name(number: str) -> str:
    """Return the name ``n01518878_10042`` of the picture numbered ``1518878.010042``.

    Raises
    ------
    ValueError
        If the text is no such number.
    """
    synset, _, picture = number.strip().partition(".")
    return f"n{int(synset):08d}_{int(picture.ljust(6, '0'))}"


def is_picture_name(name: str) -> bool:
    """Whether a name begins like that of an ImageNet picture, ``n01518878_10042``."""
    return _NAME.match(name) is not None


def read_picture_names(path: Path) -> list[str]:
    """Return the pictures listed in a label table, one a row, numbered in its first column."""
    lines = read_text_file(path, "list of pictures").splitlines()
    try:
        names = [picture_name(row[0]) for row in csv.reader(lines) if row]
    except (ValueError, csv.Error) as error:
        raise DataError(f"{path.name}: no table of ImageNet numbers ({error})") from error
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path.name}: picture {twice} is listed twice")
    return names


def read_class_names(path: Path) -> dict[str, str]:
    """Return the class name by synset (``n01518878``) from ``imagenet_class_index.json``.

    Each entry of the file is a list of synsets with the name of the class at its end.
    """
    text = read_text_file(path, "index of classes")
    try:
        index = json.loads(text)
        names: dict[str, str] = {}
        for *synsets, name in index.values():
            for synset in synsets:
                names.setdefault(str(synset), str(name))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path.name}: no index of ImageNet classes ({error})") from error
    return names


def label_of(name: str, classes: dict[str, str]) -> str:
    """Return what the picture called `name` shows: its class, or its synset if that is unknown."""
    synset = name.partition("_")[0]
    return classes.get(synset, synset).replace("_", " ")
