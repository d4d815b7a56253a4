"""Trials from a table: one row a trial, columns named as in BIDS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from mindvis_gui.data.checks import check_split
from mindvis_gui.data.notes import (
    NUMBERED_FROM_0,
    TAKEN_IN_ORDER,
    TRIALS_UNKNOWN,
    WITHOUT_PICTURE,
    WITHOUT_STIMULUS,
)
from mindvis_gui.data.recording import Pictures
from mindvis_gui.data.stimuli import composed
from mindvis_gui.data.subject import Trial
from mindvis_gui.data.table import MAYBE_MISSING, read_integers, whole_number
from mindvis_gui.errors import DataError
from mindvis_gui.wording import are, counted

_STIMULUS = ("stimulus", "stim_file", "stimulus_id")
_LABEL = ("label", "trial_type")
_OTHERS = ("category", "split", "session", "run", "presentations")
_TIMES = ("onset",)  # of events, which may tell nothing else


def trials_from_table(table: dict[str, list[str]], path: Path, pictures: Pictures) -> list[Trial]:
    """Return one trial a row.

    Columns, all optional: ``stimulus`` (or ``stim_file``), the name of a picture with or
    without its suffix; ``label`` (or ``trial_type``); ``category``; ``split``; ``session``;
    ``run``; ``presentations``. Others are ignored. Without ``split`` all trials are training.

    Raises
    ------
    DataError
        If the table has none of these columns (such as one with other separators), or one holds
        what it cannot.
    """
    if table.keys().isdisjoint((*_STIMULUS, *_LABEL, *_OTHERS, *_TIMES)):
        raise DataError(
            f"{path.name}: no column is called {_STIMULUS[0]}, {_LABEL[0]}, {', '.join(_OTHERS)}; "
            f"it has: {', '.join(table)[:200]} (cells of a .csv are separated by commas, of other "
            "tables by tabs)"
        )
    n = len(next(iter(table.values())))
    splits = [
        check_split(split or "train", path.name) for split in table.get("split", ["train"] * n)
    ]
    presentations = read_integers(table, "presentations", 1, path)
    if min(presentations) < 1:
        raise DataError(f"{path.name}: column 'presentations' holds the value {min(presentations)}")
    return list(
        map(
            Trial,
            range(n),
            splits,
            complete_names(first_column(table, _STIMULUS, n), pictures),
            first_column(table, _LABEL, n),
            table.get("category", [""] * n),
            read_integers(table, "session", 0, path),
            read_integers(table, "run", 0, path),
            presentations,
        )
    )


def first_column(table: dict[str, list[str]], names: Sequence[str], n: int) -> list[str]:
    """Return the first column there is of `names`, or `n` empty cells."""
    return next((table[name] for name in names if name in table), [""] * n)


def unnamed_trials(n: int, pictures: Pictures) -> tuple[list[Trial], str]:
    """Return `n` training trials without a table, and a note on what they are taken to show."""
    if len(pictures) == n:
        names = list(pictures)
        note = f"No trials.tsv: the {n:,} {TAKEN_IN_ORDER} the trials' stimuli"
    else:
        names = [""] * n
        note = f"No trials.tsv: the stimuli of the {n:,} {TRIALS_UNKNOWN}"
        if pictures:
            note += f" ({counted(len(pictures), 'picture')} {are(len(pictures))} not one a trial)"
    return [Trial(index, "train", name) for index, name in enumerate(names)], note


def missing_pictures(trials: Sequence[Trial], pictures: Pictures) -> list[str]:
    """Return notes on stimuli that were shown but have no picture, if there are any.

    And on trials of no stimulus among others, which events of something else (a fixation, a
    response) become.
    """
    shown = {trial.stimulus_id for trial in trials if trial.stimulus_id}
    blank = [trial for trial in trials if not trial.stimulus_id]
    notes = []
    if shown and blank:
        label = f" ({blank[0].label})" if blank[0].label else ""
        notes.append(
            f"{WITHOUT_STIMULUS} {len(blank):,} of the {counted(len(trials), 'trial')}, such as "
            f"trial {blank[0].index}{label}; --filter stimulus!= leaves these out"
        )
    missing = sorted(shown - set(pictures))
    if missing:
        notes.append(f"{len(missing):,} {WITHOUT_PICTURE}, for example '{missing[0]}'")
        notes += _counted_from_1(shown, pictures)
    return notes


def _counted_from_1(shown: set[str], pictures: Pictures) -> list[str]:
    """Return a warning if stimuli are numbered from 1 where the pictures of an array are from 0."""
    n = len(pictures)
    ends = "0" in pictures and str(n - 1) in pictures and "0" not in shown and str(n) in shown
    numbers = [int(name) for name in shown if len(name) < 10 and name.isdecimal()]
    if not ends or len(numbers) < len(shown) or max(numbers) > n:
        return []
    return [
        f"The {NUMBERED_FROM_0} {n - 1:,}: if the stimuli count from 1 to {n:,}, every trial is "
        "shown with the picture after its own; take 1 off each number"
    ]


def complete_names(cells: Sequence[str], pictures: Pictures) -> list[str]:
    """Complete names that lack a suffix or a folder, where that leaves exactly one picture.

    Outer folders that a name has and its picture has not are passed over, or the other way round,
    but not both: ``dog/1.png`` is no ``cat/1.png``.
    ``ä`` is one letter in most tables, and two in the names of files that come from macOS. Small
    and capital letters may differ (``.JPG``), as Windows and macOS let them, if no picture is
    called so. Where pictures are known, pandas' ``7.0`` is the picture 7, and ``NA`` or ``None``
    no stimulus, unless a picture is called so.
    """
    exact = _Names(pictures, composed)
    loose = _Names(pictures, lambda name: composed(name).casefold())
    names = []
    for cell in cells:
        found = exact.find(cell)
        if not found and cell not in MAYBE_MISSING:
            found = loose.find(cell)
        if pictures and not found:
            whole = whole_number(cell)
            found = exact.find_whole(whole) or whole
            cell = "" if cell in MAYBE_MISSING else cell
        names.append(found or cell)
    return names


class _Names:
    """The names of pictures as tables may have them; of those that `alike` makes one, none."""

    def __init__(self, pictures: Pictures, alike: Callable[[str], str]) -> None:
        self._pictures = pictures
        self._alike = alike
        self._whole: dict[str, str] = {}
        self._stem: dict[str, str] = {}
        self._tail: dict[str, str] = {}
        for name in pictures:
            plain = alike(name)
            stem = plain[: len(plain) - len(PurePosixPath(plain).suffix)]
            self._whole[plain] = "" if plain in self._whole else name
            self._stem[stem] = "" if stem in self._stem else name
            for tail in {*_tails(plain)[1:], *_tails(stem)[1:]}:
                self._tail[tail] = "" if tail in self._tail else name

    def find(self, cell: str) -> str:
        """Return the picture that a cell names, empty if none or several."""
        tails = _tails(cell.replace("\\", "/"))
        found = ""
        for tail in reversed(tails):  # the longest one wins
            exact = tail if tail in self._pictures else self.find_whole(self._alike(tail))
            more = self._tail.get(self._alike(tail), "") if tail == tails[0] else ""
            found = exact or more or found
        return found

    def find_whole(self, plain: str) -> str:
        """Return the picture of that name in all, but maybe for its suffix."""
        return self._whole.get(plain) or self._stem.get(plain, "")


def _tails(name: str) -> list[str]:
    """Return a name with all, then fewer, and at last none of its folders."""
    parts = name.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]
