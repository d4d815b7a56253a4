"""A rebuild of the demo says which of its files is missing or differs."""

import hashlib
import subprocess

import pytest

from tools.demo import packages
from tools.demo.packages import PACKAGES, Package, fetch_packages
from tools.demo.training_data import read_pool

CONTENT = b"a tarball"


@pytest.fixture
def package(monkeypatch):
    only = Package("@scope/pictures", "1.2.0", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(packages, "PACKAGES", (only,))
    return only


def npm(monkeypatch, folder, result, content=None):
    """Put a stand-in for npm in place that may write the tarball."""

    def run(command, **options):
        assert command[:2] == ["npm", "pack"]
        if isinstance(result, Exception):
            raise result
        if content is not None:
            (folder / "scope-pictures-1.2.0.tgz").write_bytes(content)
        return subprocess.CompletedProcess(command, result, "", "npm ERR! network ENOTFOUND")

    monkeypatch.setattr(packages.subprocess, "run", run)


def test_every_package_is_pinned():
    assert all(len(each.digest) == 64 for each in PACKAGES)
    assert len({each.tarball for each in PACKAGES}) == len(PACKAGES)


def test_a_missing_file_is_named(tmp_path, package):
    with pytest.raises(SystemExit, match=r"scope-pictures-1\.2\.0\.tgz is missing; build once"):
        fetch_packages(tmp_path, download=False)


def test_another_version_is_named(tmp_path, package):
    (tmp_path / "scope-pictures-1.3.1.tgz").write_bytes(CONTENT)
    (tmp_path / "scope-pictures-flat-1.2.0.tgz").write_bytes(CONTENT)
    with pytest.raises(SystemExit, match=r"missing \(there is scope-pictures-1\.3\.1\.tgz, ano"):
        fetch_packages(tmp_path, download=False)


def test_a_file_that_differs_is_named(tmp_path, package):
    (tmp_path / package.tarball).write_bytes(b"something else")
    with pytest.raises(SystemExit, match=r"1\.2\.0\.tgz has SHA-256 .* not .*: it is not the file"):
        fetch_packages(tmp_path)


def test_without_network_it_says_what_npm_says(tmp_path, package, monkeypatch):
    npm(monkeypatch, tmp_path, 1)
    with pytest.raises(SystemExit, match=r"(?s)is missing, and npm could not fetch .*ENOTFOUND"):
        fetch_packages(tmp_path)


def test_without_npm_it_says_so(tmp_path, package, monkeypatch):
    npm(monkeypatch, tmp_path, FileNotFoundError("npm"))
    with pytest.raises(SystemExit, match=r"1\.2\.0\.tgz is missing, and npm.* is not installed"):
        fetch_packages(tmp_path)


def test_what_is_there_is_not_fetched_again(tmp_path, package, monkeypatch):
    npm(monkeypatch, tmp_path, 0, CONTENT)
    fetch_packages(tmp_path)
    npm(monkeypatch, tmp_path, RuntimeError("fetched again"))
    fetch_packages(tmp_path)


def test_a_missing_pool_says_what_makes_it(tmp_path):
    with pytest.raises(SystemExit, match=r"pool\.npz is missing; run: python -m tools\.build_demo"):
        read_pool(tmp_path / "pool.npz")
