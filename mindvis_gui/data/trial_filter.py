"""Choosing trials by what is known of them: ``session=1-3,5``, ``label!=dog``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mindvis_gui.data.picture import SUFFIXES
from mindvis_gui.data.subject import Trial
from mindvis_gui.errors import RequestError

_TEXTS: dict[str, Callable[[Trial], str]] = {
    "split": lambda trial: trial.split,
    "stimulus": lambda trial: trial.stimulus_id,
    "label": lambda trial: trial.label,
    "category": lambda trial: trial.category,
}
_NUMBERS: dict[str, Callable[[Trial], int]] = {
    "trial": lambda trial: trial.index,
    "session": lambda trial: trial.session,
    "run": lambda trial: trial.run,
    "presentations": lambda trial: trial.presentations,
}
COLUMNS = (*_TEXTS, *_NUMBERS)
_SECOND = re.compile(rf"(^|;)\s*({'|'.join(COLUMNS)})\s*!?=")


@dataclass(frozen=True, slots=True)
class TrialFilter:
    """Keeps the trials that have one of some values in a column, or those that have none of them.

    Attributes
    ----------
    column : str
        One of `COLUMNS`; ``trial`` is the number of the trial in the file.
    values : tuple of str
        For a column of numbers also ranges: ``"1-3"``. Stimuli with or without the suffix of
        their picture, as in a table of trials.
    excludes : bool
        Whether the trials with these values are left out instead.
    """

    column: str
    values: tuple[str, ...]
    excludes: bool = False

    def __post_init__(self) -> None:
        if self.column not in COLUMNS:
            raise RequestError(
                f"trials have no column '{self.column[:40]}'; filter by {', '.join(COLUMNS)}"
            )
        if not self.values:
            raise RequestError(f"no value of {self.column} to filter by; write {self.column}=…")
        if self.column in _NUMBERS:
            for value in self.values:
                _range(self.column, value)

    @classmethod
    def parse(cls, text: str) -> TrialFilter:
        """Read ``column=value,value`` or ``column!=value``.

        Raises
        ------
        RequestError
            If the text is neither, names no column, or holds two conditions.
        """
        match = re.fullmatch(r"\s*([a-z_]+)\s*(!?=)(.*)", text, re.DOTALL)
        if match is None:
            raise RequestError(f"'{text[:60]}' is no filter; write for example session=1-3")
        values = tuple(value.strip() for value in match[3].split(","))
        for value in values:
            if _SECOND.search(value):
                raise RequestError(
                    f"'{value[:40]}' is a condition of its own, no value of {match[1]}; give each "
                    "by itself (in the window with ; between them)"
                )
        return cls(match[1], values, match[2] == "!=")

    def __str__(self) -> str:
        return f"{self.column}{'!=' if self.excludes else '='}{','.join(self.values)}"

    def kept(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return those of `trials` that the filter keeps, in their order."""
        if self.column in _TEXTS:
            text = _TEXTS[self.column]
            wanted = set(self.values)
            return [
                trial
                for trial in trials
                if (not wanted.isdisjoint(_names(self.column, text(trial)))) != self.excludes
            ]
        number = _NUMBERS[self.column]
        ranges = [_range(self.column, value) for value in self.values]
        return [
            trial
            for trial in trials
            if any(first <= number(trial) <= last for first, last in ranges) != self.excludes
        ]


def _names(column: str, text: str) -> tuple[str, ...]:
    """Return what a trial may be called by whoever filters."""
    stem, point, suffix = text.rpartition(".")
    pictured = column == "stimulus" and f"{point}{suffix}".lower() in SUFFIXES
    return (text, stem) if pictured else (text,)


def _range(column: str, text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", text)
    if match is None:
        raise RequestError(f"{column}: '{text[:40]}' is no number and no range such as 1-3")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise RequestError(f"{column}: range '{text}' runs backwards; write {last}-{first}")
    return first, last
