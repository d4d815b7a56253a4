"""What was shown when: the text files of ``BOLD5000_Stimuli``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mindvis_gui.data.subject import IntArray, Trial
from mindvis_gui.data.text_file import read_text_file
from mindvis_gui.errors import DataError, refusal_reported
from mindvis_gui.wording import counted


def stimuli_folder(folder: Path) -> Path:
    """Return ``BOLD5000_Stimuli`` beside one of the folders around `folder`."""
    found = find_stimuli(folder)
    if found is None:
        raise DataError(
            f"{folder}: no folder BOLD5000_Stimuli beside the betas; it says what each trial showed"
        )
    return found


def find_stimuli(folder: Path) -> Path | None:
    """Return ``BOLD5000_Stimuli`` in `folder` or beside one around it; None if there is none."""
    for place in (folder, *folder.parents):
        if (place / "BOLD5000_Stimuli").is_dir():
            return place / "BOLD5000_Stimuli"
    return None


def trials_of(
    shown: Sequence[str],
    sessions: Sequence[int],
    runs: Sequence[int],
    repeated: Sequence[str] | None,
) -> tuple[list[Trial], list[IntArray], list[str]]:
    """Return trials, the rows each is the mean of, and notes.

    First one trial a row, those of tested stimuli `test-single`, then the mean over each tested
    stimulus.

    Parameters
    ----------
    shown, sessions, runs : sequence, length n_rows
    repeated : sequence of str, optional
        The tested stimuli; without it those shown more than once.
    """
    rows_of: dict[str, list[int]] = {}
    for row, stimulus in enumerate(shown):
        rows_of.setdefault(stimulus, []).append(row)
    if repeated is None:
        tested = [stimulus for stimulus, rows in rows_of.items() if len(rows) > 1]
    else:
        tested = [stimulus for stimulus in dict.fromkeys(repeated) if stimulus in rows_of]
    listed = set(tested)
    each = [np.array([row]) for row in range(len(shown))]
    trials = [
        Trial(row, "test-single" if stimulus in listed else "train", stimulus, "", "", *when)
        for row, (stimulus, *when) in enumerate(zip(shown, sessions, runs, strict=True))
    ]
    for stimulus in tested:
        each.append(np.array(rows_of[stimulus]))
        trials.append(Trial(len(trials), "test", stimulus, presentations=len(rows_of[stimulus])))
    notes = [f"Test responses are means over the repetitions of {counted(len(tested), 'stimulus')}"]
    if repeated is None:
        notes.append("No repeated_stimuli_113_list.txt: what was shown more than once is the test")
    elif len(tested) < len(set(repeated)):
        notes.append(
            f"{len(set(repeated)) - len(tested)} of the {len(set(repeated))} repeated stimuli "
            "were not shown"
        )
    return trials, each, notes


def read_presentations(folder: Path) -> tuple[list[str], list[int], list[int]]:
    """Return stimulus, session and run of each trial; both are counted from 1."""
    shown: list[str] = []
    sessions: list[int] = []
    runs: list[int] = []
    with refusal_reported(DataError, folder, "listed"):
        lists = [
            sorted(path.glob("[!.]*.txt")) for path in sorted(folder.iterdir()) if path.is_dir()
        ]
    for session, files in enumerate(lists, 1):
        for run, path in enumerate(files, 1):
            names = [line.removeprefix("rep_") for line in read_lines(path)]
            shown += names
            sessions += [session] * len(names)
            runs += [run] * len(names)
    return shown, sessions, runs


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text that are not blank."""
    lines = read_text_file(path, "list of stimuli").splitlines()
    return [line.strip() for line in lines if line.strip()]


def check_one_subject(source: Path, names: Sequence[str], a_file: Path) -> None:
    """Refuse a folder of several subjects; `a_file` is one of the first's."""
    if len(names) > 1:
        raise DataError(
            f"{source.name}: {len(names)} subjects in this folder ({', '.join(names)}); "
            f"open one of the files of the one you mean, such as {a_file.name}"
        )
