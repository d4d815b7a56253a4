"""Letters that the font of a figure lacks: which installed fonts have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.font_manager import FontEntry

_REGULAR = 400  # weight
_BOXES = "Last Resort"  # a font of boxes, which has a glyph for everything


def letters_in(value: Any) -> frozenset[str]:
    """Return all letters of the texts in a value, whatever it is made of."""
    if isinstance(value, str):
        return frozenset(value)
    parts: Iterable[Any] = ()
    if isinstance(value, Mapping):
        parts = (*value.keys(), *value.values())
    elif isinstance(value, (list, tuple, frozenset)):
        parts = value
    elif is_dataclass(value):
        parts = (getattr(value, each.name) for each in fields(value))
    return frozenset().union(*map(letters_in, parts))


def lacking(letters: Iterable[str], families: Sequence[str]) -> frozenset[str]:
    """Return the letters that no font of these families has."""
    from matplotlib.font_manager import findfont

    left = frozenset(each for each in letters if each.isprintable() and not each.isspace())
    for family in families:
        left -= _had(findfont(family), left) if left else left
    return left


@cache
def families_with(letters: frozenset[str]) -> tuple[str, ...]:
    """Return installed families that have the letters, as few as will do; some may be in none."""
    from matplotlib.font_manager import fontManager

    left, chosen = letters, []
    had: dict[str, frozenset[str]] = {}
    for font in sorted(fontManager.ttflist, key=_unfit):
        if font.name not in had and not font.name.startswith(_BOXES):
            had[font.name] = _had(font.fname, letters)
    while left:
        name = max(had, key=lambda name: len(had[name] & left), default="")
        if not name or not had[name] & left:
            break
        chosen.append(name)
        left -= had[name]
    return tuple(chosen)


def _unfit(font: FontEntry) -> tuple[Any, ...]:
    """Tell fonts of text from those of headings, and TrueType, which a PDF embeds as it is."""
    truetype = str(font.fname).lower().endswith((".ttf", ".ttc"))
    return not truetype, font.style != "normal", abs(_weight(font) - _REGULAR), font.name


def _weight(font: FontEntry) -> int:
    return font.weight if isinstance(font.weight, int) else _REGULAR


def _had(path: str, letters: frozenset[str]) -> frozenset[str]:
    """Return the letters that the font of a file has; none if it cannot be drawn with."""
    from matplotlib.font_manager import get_font

    try:
        font = get_font(path)
        if not font.scalable:
            return frozenset()  # pictures in place of outlines, as of emoji
        return frozenset(each for each in letters if font.get_char_index(ord(each)))
    except (OSError, RuntimeError, ValueError):
        return frozenset()
