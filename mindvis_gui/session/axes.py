"""The two axes of a grid of samples: which option changes along each, over which values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mindvis_gui.decoding.sampling_settings import (
    NO_GUIDANCE,
    SAMPLERS,
    TRAINING_STEPS,
    check_guidance,
)
from mindvis_gui.errors import RequestError

OPTIONS = {
    "trial": "Trials",
    "seed": "Seeds",
    "steps": "Steps",
    "sampler": "Samplers",
    "guidance": "Guidance",
    "mask": "Mask ratios",
    "roi": "Left-out regions",
    "model": "Models",
}
NONE = "none"  # the left-out region where nothing is left out
_MOST = 100_000  # values of one axis


@dataclass(frozen=True, slots=True)
class Axis:
    """The option that changes along one side of the grid, and its values in order."""

    option: str
    values: tuple[Any, ...]

    def label(self, value: Any) -> str:
        """Return what stands beside the row or column of `value`."""
        match self.option:
            case "trial":
                return f"trial {value}"
            case "seed":
                return f"seed {value}"
            case "steps":
                return f"{value} steps"
            case "sampler":
                return SAMPLERS[value]
            case "guidance":
                return "no guidance" if value == NO_GUIDANCE else f"guidance {value:g}"
            case "mask":
                return f"{value:.0%} masked" if value else "not masked"
            case "roi":
                return "all regions" if value == NONE else f"without {value}"
        return str(value)


def read_axis(option: str, text: str, names: Sequence[str] = ()) -> Axis:
    """Read the values of an axis as they are typed.

    Parameters
    ----------
    option : str
        A key of `OPTIONS`.
    text : str
        ``0, 3, 5-9`` for numbers, ``0, 0.5`` for ratios, names for the others.
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
    if option in ("trial", "seed", "steps"):
        values: list[Any] = [number for word in words for number in _range(word)]
        if option == "steps":
            for value in values:
                if not 1 <= value < TRAINING_STEPS:
                    raise RequestError(f"{value} steps is not in 1 to {TRAINING_STEPS - 1}")
    elif option == "mask":
        values = [_ratio(word) for word in words]
    elif option == "guidance":
        values = [_scale(word) for word in words]
    else:
        known = tuple(SAMPLERS) if option == "sampler" else (*names,)
        known = (NONE, *known) if option == "roi" else known
        values = [_name(word, known) for word in words]
    return Axis(option, tuple(dict.fromkeys(values)))


def _range(word: str) -> range:
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


def _ratio(word: str) -> float:
    try:
        ratio = float(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio < 1:
        raise RequestError(f"'{word}' is no mask ratio; write for example 0, 0.5, 75%")
    return ratio


def _scale(word: str) -> float:
    try:
        scale = float(word)
    except ValueError:
        raise RequestError(f"'{word}' is no scale; write for example 1, 1.5, 2") from None
    check_guidance(scale)
    return scale


def _name(word: str, known: Sequence[str]) -> str:
    for name in known:
        if name.lower() == word.lower():
            return name
    raise RequestError(f"'{word}' is none of {', '.join(known)}")
