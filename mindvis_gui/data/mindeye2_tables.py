"""The tables of MindEye2: tar archives with one small array ``*.behav.npy`` a trial.

Of its 17 columns, 0 is the picture (0 to 72999), 2 the session, 3 the run, 5 the row of the betas
and 16 whether all subjects saw the picture; −1 stands for nothing. ``train`` and ``new_test`` go
together; ``test`` is the test set from before all sessions were published.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.npy import HEADER_DAMAGE, read_header
from mindvis_gui.errors import DataError, reason_of

PICTURES = 73_000
_COLUMNS = 17
_MAX_BYTES = 1 << 16  # of one table
_MAX_MEMBERS = 1 << 20
_FOLDERS = (("train", "new_train"), ("new_test", "test"))  # the first there is of each

Shown = dict[int, tuple[int, int, int, bool]]


def read_shown(folder: Path, n_trials: int) -> Shown:
    """Return for each row of the betas picture, session, run, and whether it is a shared picture.

    Empty if there are no tables.

    Raises
    ------
    DataError
        If a table is damaged or speaks of rows that are not there.
    """
    shown: Shown = {}
    for names in _FOLDERS:
        below = next((folder / name for name in names if (folder / name).is_dir()), None)
        for path in sorted(below.glob("*.tar")) if below else []:
            _read_archive(path, n_trials, shown)
    return shown


def _read_archive(path: Path, n_trials: int, shown: Shown) -> None:
    try:
        with tarfile.open(path, "r:") as archive:
            for count, member in enumerate(archive):
                if count > _MAX_MEMBERS:
                    raise DataError(f"{path.name}: more than {_MAX_MEMBERS:,} entries")
                name = member.name.rpartition("/")[2]
                if name.partition(".")[2] != "behav.npy" or not member.isreg():
                    continue
                if member.size > _MAX_BYTES:
                    raise ValueError(f"{member.name[:80]} claims {member.size:,} bytes")
                content = archive.extractfile(member)
                _add(_table(content.read() if content else b""), n_trials, shown)
    except (*HEADER_DAMAGE, OSError, EOFError, tarfile.TarError, ArithmeticError) as error:
        reason = reason_of(error)
        raise DataError(f"{path.name}: the tables are damaged ({reason}); copy it again") from error


def _table(content: bytes) -> NDArray[np.float64]:
    header = read_header(stream := io.BytesIO(content))
    if header.dtype.kind not in "iuf" or header.n_bytes != len(content) - header.start:
        raise ValueError(f"a table claims {header.n_bytes:,} bytes of {header.dtype}")
    values = np.frombuffer(stream.read(), header.dtype).astype(np.float64)
    return values.reshape(-1, _COLUMNS)


def _add(table: NDArray[np.float64], n_trials: int, shown: Shown) -> None:
    for row in table.tolist():
        picture, session, run, at = row[0], row[2], row[3], row[5]
        if not (0 <= picture < PICTURES and 0 <= at < n_trials):
            raise ValueError(f"picture {picture:g} in row {at:g} of {n_trials:,}")
        known = [int(n) if 0 < n < 1000 else 0 for n in (session, run)]
        shown[int(at)] = (int(picture), known[0], known[1], row[16] == 1)
