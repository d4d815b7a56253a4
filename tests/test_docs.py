"""What the documentation says to type is understood, and what it points to is there."""

import re
import shlex
from pathlib import Path

import pytest

from mindvis_gui import cli

ROOT = Path(__file__).parents[1]
FOLDERS = ("*.md", "docs/*.md", "benchmarks/*.md", "resources/**/*.md", "models/**/*.md")
PAGES = sorted(page for pattern in FOLDERS for page in ROOT.glob(pattern))
SYNOPSIS = re.compile(r"[\[\]|…]|\.\.\.")  # what may be left out or chosen among, not to be typed


def commands(page):
    """Return the words after ``mindvis`` of each whole command in the page's blocks of code."""
    found = []
    for block in re.findall(r"```\w*\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            words = shlex.split(line, comments=True) if line.startswith("mindvis ") else []
            if words and not SYNOPSIS.search(line.partition("#")[0]):
                found.append(words[1:])
    return found


def anchors(page):
    """Return the headings of a page as GitHub links to them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    plain = [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", each).lower() for each in headings]
    return {re.sub(r"[^\w\- ]", "", each).replace(" ", "-") for each in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_understood(page):
    for words in commands(page):
        if words[0] not in cli.COMMANDS:
            assert words[0] == "demo" or words[0].startswith("-"), words
            words = ["view", *words]
        cli._parser(words[0]).parse_args(words)  # which exits if it is none


def test_there_are_commands_to_understand():
    assert sum(len(commands(page)) for page in PAGES) > 40


@pytest.mark.skipif(
    not (ROOT / "docs" / "images").is_dir(), reason="a source distribution has no pictures"
)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
