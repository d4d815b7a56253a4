"""Versions that the project says it runs with, for a test run with the oldest of them."""

from pathlib import Path

import pytest

from tools.oldest import oldest_versions

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_exceptions_are_left_out():
    text = '[project]\ndependencies = ["a-b>=1.2,!=1.3", "c.d>=0.5rc1"]\n'
    assert oldest_versions(text) == ["a-b==1.2", "c.d==0.5rc1"]


@pytest.mark.parametrize("requirement", ["a", "a==1", "a<2,>=1"])
def test_a_package_without_an_oldest_version_is_refused(requirement):
    with pytest.raises(ValueError, match="names no oldest version"):
        oldest_versions(f'[project]\ndependencies = ["{requirement}"]\n')


def test_every_package_of_the_project_has_one():
    assert any(line.startswith("torch==") for line in oldest_versions(PROJECT.read_text("utf-8")))
