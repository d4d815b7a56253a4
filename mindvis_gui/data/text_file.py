"""Files of text: tables, lists of pictures."""

from __future__ import annotations

from pathlib import Path

from mindvis_gui.errors import DataError

_MAX_BYTES = 1 << 26


def read_text_file(path: Path, what: str) -> str:
    """Return the text of a file without the byte order mark that some editors begin with.

    Parameters
    ----------
    what : str
        What it is, such as ``"list of stimuli"``.

    Raises
    ------
    DataError
        If it cannot be opened, is far too large, or is not UTF-8.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path.name}: more than {_MAX_BYTES:,} bytes are no {what}")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name}: not UTF-8 text ({error}); save the {what} so") from error
