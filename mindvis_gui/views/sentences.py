"""Messages of errors as sentences."""

from __future__ import annotations

import re

# A path, or a file name that may hold blanks, before the colon; or a first word that is no word.
_NAME = re.compile(r"[^:]*\.\w+:|\S*[./\\_\d]")


def sentence(text: str) -> str:
    """Return a message with a capital at its beginning, unless it begins with a file's name."""
    return text if _NAME.match(text) else text[:1].upper() + text[1:]
