"""The two axes of a grid of samples: which option changes along each, over which values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mindvis_gui.decoding.sampling_settings import (
    NO_GUIDANCE,
    SAMPLERS,
    TRAINING_STEPS,
    check_guidance,
)
from mindvis_gui.errors import RequestError

NONE = "none"  # the left-out region where nothing is left out
_MOST = 100_000  # values of one axis


@dataclass(frozen=True, slots=True)
class _Option:
    """What can change along an axis.

    Attributes
    ----------
    title : str
        In menus.
    label : callable
        Value → what stands beside its row or column.
    read : callable
        A word as it was typed, and the names there are → the values that it stands for.
    """

    title: str
    label: Callable[[Any], str]
    read: Callable[[str, Sequence[str]], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Axis:
    """The option that changes along one side of the grid, and its values in order."""

    option: str
    values: tuple[Any, ...]

    def label(self, value: Any) -> str:
        """Return what stands beside the row or column of `value`."""
        return _OPTIONS[self.option].label(value)


def read_axis(option: str, text: str, names: Sequence[str] = ()) -> Axis:
    """Read the values of an axis as they are typed.

    Parameters
    ----------
    option : str
        A key of `OPTIONS`.
    text : str
        ``0, 3, 5-9`` for numbers, ``0, 0.5`` for ratios, names for the others; ``V1+V2`` for
        regions that are left out together.
    names : sequence of str
        What there is, for regions and models.

    Raises
    ------
    RequestError
        If a value makes no sense; the message says which and what would.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise RequestError(f"no {OPTIONS[option].lower()} given")
    values: dict[Any, None] = {}  # each once, in the order that they were typed
    for word in words:
        values.update(dict.fromkeys(_OPTIONS[option].read(word, names)))
    return Axis(option, tuple(values))


def _numbers(word: str, names: Sequence[str] = ()) -> range:
    first, dash, last = word.partition("-")
    try:
        low = int(first)
        high = int(last) if dash else low
    except ValueError:
        raise RequestError(
            f"'{word}' is no number and no range; write for example 0, 5-9"
        ) from None
    if low < 0 or high < low:
        raise RequestError(f"'{word}' is no range from a smaller to a larger number")
    if high - low >= _MOST:
        raise RequestError(
            f"'{word}' is {high - low + 1:,} values, more than the {_MOST:,} that an axis shows"
        )
    return range(low, high + 1)


def _steps(word: str, names: Sequence[str]) -> range:
    values = _numbers(word)
    for value in values:
        if not 1 <= value < TRAINING_STEPS:
            raise RequestError(f"{value} steps is not in 1 to {TRAINING_STEPS - 1}")
    return values


def _ratio(word: str, names: Sequence[str]) -> list[float]:
    try:
        ratio = float(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio < 1:
        raise RequestError(f"'{word}' is no mask ratio; write for example 0, 0.5, 75%")
    return [ratio]


def _scale(word: str, names: Sequence[str]) -> list[float]:
    try:
        scale = float(word)
    except ValueError:
        raise RequestError(f"'{word}' is no scale; write for example 1, 1.5, 2") from None
    check_guidance(scale)
    return [scale]


def _name(word: str, known: Iterable[str]) -> list[str]:
    for name in known:
        if name.lower() == word.lower():
            return [name]
    raise RequestError(f"'{word}' is none of {', '.join(known)}")


def _regions(word: str, names: Sequence[str]) -> list[str]:
    """Return a region, or several that are left out together, by their own names."""
    try:
        return _name(word, (NONE, *names))
    except RequestError:
        if "+" not in word:
            raise
    parts = [_name(part.strip(), names)[0] for part in word.split("+")]
    return ["+".join(dict.fromkeys(parts))]


def regions_in(value: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return which of the regions `names` a value of the option ``roi`` leaves out, unless none."""
    return (value,) if value in names else tuple(value.split("+"))


# In the order of menus. What an option has for values of its own is in `axis_values`, what it
# changes in `grid_cells`.
_OPTIONS = {
    "trial": _Option("Trials", "trial {}".format, _numbers),
    "seed": _Option("Seeds", "seed {}".format, _numbers),
    "steps": _Option("Steps", "{} steps".format, _steps),
    "sampler": _Option("Samplers", SAMPLERS.__getitem__, lambda word, _: _name(word, SAMPLERS)),
    "guidance": _Option(
        "Guidance",
        lambda scale: "no guidance" if scale == NO_GUIDANCE else f"guidance {scale:g}",
        _scale,
    ),
    "mask": _Option(
        "Mask ratios", lambda ratio: f"{ratio:.0%} masked" if ratio else "not masked", _ratio
    ),
    "roi": _Option(
        "Left-out regions",
        lambda name: "all regions" if name == NONE else f"without {name}",
        _regions,
    ),
    "model": _Option("Models", str, _name),
}
OPTIONS = {key: option.title for key, option in _OPTIONS.items()}
