"""What is built into a wheel and a source archive, and where it can be installed."""

import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parents[1]
TARGETS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]


def test_every_document_is_shipped_with_the_package():
    shipped = TARGETS["build"]["targets"]["wheel"]["force-include"]
    documents = {f"docs/{path.name}" for path in (CHECKOUT / "docs").glob("*.md")}
    assert documents
    assert documents <= shipped.keys()
    assert all(shipped[name] == f"mindvis_gui/{name}" for name in documents)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_every_package_that_set_up_installs_has_releases_for_each_python(python):
    """One that has none ends `make setup`, and with it `make run` did."""
    refused, seen = [], set()
    waiting = [("mindvis-gui", "dev"), ("mindvis-gui", "demo")]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        metadata = distribution(name).metadata
        allowed = Requirement(f"python {metadata['Requires-Python'] or ''}").specifier
        if python not in allowed:
            refused.append(f"{name} wants {allowed}")
        there = {"python_version": python, "python_full_version": f"{python}.0", "extra": extra}
        for text in metadata.get_all("Requires-Dist") or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate(there):
                waiting += [(canonicalize_name(needed.name), e) for e in ("", *needed.extras)]
    assert not refused
    assert len(seen) > 50
