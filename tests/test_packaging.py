"""What is built into a wheel and a source archive."""

import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
TARGETS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]


def test_every_document_is_shipped_with_the_package():
    shipped = TARGETS["build"]["targets"]["wheel"]["force-include"]
    documents = {f"docs/{path.name}" for path in (CHECKOUT / "docs").glob("*.md")}
    assert documents
    assert documents <= shipped.keys()
    assert all(shipped[name] == f"mindvis_gui/{name}" for name in documents)
