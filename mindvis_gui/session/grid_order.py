"""Which rows of a grid are shown, and in which order."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

from mindvis_gui.analysis.comparison import SampleScores
from mindvis_gui.errors import RequestError

# Name in filters → attribute of `SampleScores`, and whether more is better.
METRICS = {"r": ("pixel_correlation", True), "ssim": ("ssim", True), "rank": ("rank", False)}
SORTS = {
    "": "In order",
    "label": "By label",
    "r": "Pixel r, best first",
    "-r": "Pixel r, worst first",
    "ssim": "SSIM, best first",
    "-ssim": "SSIM, worst first",
    "rank": "Rank, best first",
    "-rank": "Rank, worst first",
}
_CONDITION = re.compile(rf"({'|'.join(METRICS)})(<=|>=|<|>)(.*)")


class Row(NamedTuple):  # which is made three times as quickly as a dataclass
    """One row: its value on the axis, what it is found by, what it is sorted by, and its scores."""

    value: Any
    words: str
    label: str
    scores: Sequence[SampleScores] = ()

    def mean(self, metric: str) -> float | None:
        """Return the mean of a metric over the samples that have it."""
        if not self.scores:
            return None
        name, _ = METRICS[metric]
        values = [getattr(each, name) for each in self.scores]
        known = [value for value in values if value is not None]
        return statistics.fmean(known) if known else None


def needs_scores(sort: str, words: str) -> bool:
    """Whether `ordered` looks at the scores of rows."""
    return sort.removeprefix("-") in METRICS or any(
        _CONDITION.fullmatch(word) for word in words.lower().split()
    )


def ordered(rows: Sequence[Row], sort: str, words: str) -> list[Any]:
    """Return the values of the rows that match every one of `words`, in the order of `sort`.

    Rows without the score that is asked for come last; a condition on it they do not fulfil.

    Raises
    ------
    RequestError
        If a condition such as ``r>.5`` has no number.
    """
    shown = list(rows)
    for matches in [_condition(word) for word in words.lower().split()]:
        shown = [row for row in shown if matches(row)]
    if sort == "label":
        shown.sort(key=lambda row: row.label.lower())
    elif sort:
        metric = sort.removeprefix("-")
        sign = -1 if METRICS[metric][1] != sort.startswith("-") else 1
        means = {id(row): row.mean(metric) for row in shown}
        scored = [row for row in shown if means[id(row)] is not None]
        scored.sort(key=lambda row: sign * (means[id(row)] or 0.0))
        shown = [*scored, *(row for row in shown if means[id(row)] is None)]
    return [row.value for row in shown]


class _Words:
    """Matches rows by a part of their words."""

    def __init__(self, word: str) -> None:
        self._word = word

    def __call__(self, row: Row) -> bool:
        return self._word in row.words


class _Bound:
    """Matches rows whose mean score lies on one side of a number."""

    def __init__(self, metric: str, relation: str, number: float) -> None:
        self._metric, self._relation, self._number = metric, relation, number

    def __call__(self, row: Row) -> bool:
        mean = row.mean(self._metric)
        if mean is None:
            return False
        above = mean > self._number if "=" not in self._relation else mean >= self._number
        below = mean < self._number if "=" not in self._relation else mean <= self._number
        return above if ">" in self._relation else below


def _condition(word: str) -> _Words | _Bound:
    match = _CONDITION.fullmatch(word)
    if match is None:
        return _Words(word)
    try:
        return _Bound(match[1], match[2], float(match[3]))
    except ValueError:
        raise RequestError(f"'{word}' has no number; write for example {match[1]}>.5") from None
