"""What was shown when: the text files of ``BOLD5000_Stimuli``."""

from __future__ import annotations

from pathlib import Path

from mindvis_gui.errors import DataError

_MAX_BYTES = 1 << 24  # of a list of stimuli


def stimuli_folder(folder: Path) -> Path:
    """Return ``BOLD5000_Stimuli`` beside one of the folders around `folder`."""
    for parent in folder.parents:
        if (parent / "BOLD5000_Stimuli").is_dir():
            return parent / "BOLD5000_Stimuli"
    raise DataError(
        f"{folder}: no folder BOLD5000_Stimuli beside the betas; it says what each trial showed"
    )


def read_presentations(folder: Path) -> tuple[list[str], list[int], list[int]]:
    """Return stimulus, session and run of each trial; both are counted from 1."""
    shown: list[str] = []
    sessions: list[int] = []
    runs: list[int] = []
    try:
        lists = [
            sorted(path.glob("[!.]*.txt")) for path in sorted(folder.iterdir()) if path.is_dir()
        ]
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed: {error.strerror or error}") from error
    for session, files in enumerate(lists, 1):
        for run, path in enumerate(files, 1):
            names = [line.removeprefix("rep_") for line in read_lines(path)]
            shown += names
            sessions += [session] * len(names)
            runs += [run] * len(names)
    return shown, sessions, runs


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text that are not blank."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path.name}: more than {_MAX_BYTES:,} bytes are no list of stimuli")
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name}: not UTF-8 text") from error
    return [line.strip() for line in lines if line.strip()]
