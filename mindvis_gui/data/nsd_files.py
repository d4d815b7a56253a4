"""Where the files of an NSD subject lie, from whichever folder or file of it is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mindvis_gui.errors import DataError, refusal_reported

_SESSION = re.compile(r"betas_session(\d\d)\.(hdf5|nii|nii\.gz)")
_SUBJECT = re.compile(r"subj(\d\d)")
_FOLDERS = (
    "betas_*",
    "func*/betas_*",
    "subj[0-9][0-9]/func*/betas_*",
    "ppdata/subj[0-9][0-9]/func*/betas_*",
    "nsddata_betas/ppdata/subj[0-9][0-9]/func*/betas_*",
)
_PREFERRED = ("betas_fithrf_GLMdenoise_RR", "func1pt8mm")
_UP = 7  # folders above the betas in which the other parts are looked for


@dataclass(frozen=True, slots=True)
class NsdFiles:
    """The betas of one subject: by session, one file each."""

    folder: Path
    sessions: dict[int, Path]

    @property
    def number(self) -> int:
        """Number of the subject, 0 if no folder above says it."""
        found = [m for part in self.folder.resolve().parts if (m := _SUBJECT.fullmatch(part))]
        return int(found[-1][1]) if found else 0

    def beside(self, *names: str) -> Path | None:
        """Return the first of these that exists in the folder of the betas or in one above it.

        ``{subject}`` and ``{space}`` in a name stand for folders such as subj01 and func1pt8mm.
        """
        folder = self.folder.resolve()
        parts = {"subject": f"subj{self.number:02d}", "space": folder.parent.name}
        for parent in (folder, *list(folder.parents)[:_UP]):
            for name in names:
                if (path := parent / name.format(**parts)).exists():
                    return path
        return None


def find_nsd_files(source: Path) -> NsdFiles | None:
    """Return the betas in, below or beside `source`; None if it is something else.

    Raises
    ------
    DataError
        If the folder holds several subjects.
    """
    if source.is_file():
        if not _SESSION.fullmatch(source.name):
            return None
        return NsdFiles(source.parent, _sessions(source.parent))
    if sessions := _sessions(source):
        return NsdFiles(source, sessions)
    folders = _below(source) or _of_the_same_subject(source)
    if not folders:
        return None
    subjects = sorted({folder.parents[1].name for folder in folders})
    if len(subjects) > 1:
        raise DataError(
            f"{source.name}: {len(subjects)} subjects in this folder ({', '.join(subjects)[:80]}); "
            "open the folder of the one you mean"
        )
    best = max(folders, key=lambda f: [f.name == _PREFERRED[0], f.parent.name == _PREFERRED[1]])
    return NsdFiles(best, _sessions(best))


def _below(folder: Path) -> list[Path]:
    with refusal_reported(DataError, folder, "listed"):
        found = [path for pattern in _FOLDERS for path in sorted(folder.glob(pattern))]
    return [path for path in found if path.is_dir() and _sessions(path)]


def _of_the_same_subject(folder: Path) -> list[Path]:
    """Return the betas of the subject whose folder in ``nsddata`` was opened."""
    folder = folder.resolve()
    subject = next((part for part in folder.parts if _SUBJECT.fullmatch(part)), "")
    for parent in folder.parents if subject else ():
        below = parent / "nsddata_betas" / "ppdata" / subject
        if below.is_dir():
            return _below(below)
    return []


def _sessions(folder: Path) -> dict[int, Path]:
    """Return the files of a folder by session; of two, the one that single trials come from."""
    found: dict[int, Path] = {}
    with refusal_reported(DataError, folder, "listed"):
        names = sorted(path.name for path in folder.iterdir())
    for match in filter(None, map(_SESSION.fullmatch, names)):  # .hdf5, .nii, then .nii.gz
        found.setdefault(int(match[1]), folder / match[0])
    return found
