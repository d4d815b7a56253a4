"""Print the oldest version of every package that the project says it runs with.

    python -m tools.oldest > build/oldest.txt; pip install -c build/oldest.txt .

`make test-oldest` runs the tests with them.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_PROJECT = Path(__file__).parent.parent / "pyproject.toml"
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)>=(?P<oldest>[\w.]+)")


def oldest_versions(project: str) -> list[str]:
    """Return a constraint for each dependency in the text of a ``pyproject.toml``.

    Raises
    ------
    ValueError
        If a dependency does not say which version it begins with.
    """
    found = []
    for requirement in tomllib.loads(project)["project"]["dependencies"]:
        match = _REQUIREMENT.match(requirement)
        if match is None:
            raise ValueError(f"{requirement}: names no oldest version; write name>=version")
        found.append("{name}=={oldest}".format(**match.groupdict()))
    return found


if __name__ == "__main__":
    print(*oldest_versions(_PROJECT.read_text(encoding="utf-8")), sep="\n")
