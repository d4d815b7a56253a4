"""The chosen concepts, which pictures are held out, and the pool of pictures for training."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.demo.pictures import Picture

_LIST = Path(__file__).with_name("concepts.toml")
_TOO_ALIKE = 0.93  # correlation of two pictures from which on they count as the same drawing


@dataclass(frozen=True, slots=True)
class Concept:
    """A thing that the subject is shown.

    Attributes
    ----------
    name : str
        Key of the concept in the packages.
    category : str
    test : str
        Design held out for the test, empty if all are trained on.
    leave_out : tuple of str
        Designs that are not shown.
    mirror : bool
        Whether a mirrored picture is still the same thing.
    seen : bool
        False for concepts that only the test shows.
    """

    name: str
    category: str
    test: str = ""
    leave_out: tuple[str, ...] = ()
    mirror: bool = True
    seen: bool = True

    @property
    def label(self) -> str:
        """Name as a person writes it."""
        return self.name.replace("-", " ")


def read_concepts(path: Path = _LIST) -> list[Concept]:
    """Read the list of concepts, in its order: the seen ones first."""
    table = tomllib.loads(path.read_text("utf-8"))
    unseen = table.pop("unseen")
    return [
        Concept(
            name,
            category,
            test=entry.get("test", ""),
            leave_out=tuple(entry.get("leave_out", ())),
            mirror=not entry.get("no_mirror", False),
            seen=seen,
        )
        for part, seen in ((table, True), (unseen, False))
        for category, entries in part.items()
        for name, entry in entries.items()
    ]


def held_out(pictures: Sequence[Picture], concepts: Sequence[Concept]) -> NDArray[np.bool_]:
    """Say which pictures (n,) no stage of training may see.

    The test design of a seen concept, every design of an unseen one, and
    whatever drawing under another name looks the same as one of these.
    """
    by_name = {concept.name: concept for concept in concepts}
    chosen = np.array(
        [
            (concept := by_name.get(picture.concept)) is not None
            and (not concept.seen or picture.design == concept.test)
            for picture in pictures
        ]
    )
    rgba = [picture.rgba for picture in pictures]
    return np.asarray(chosen | alike(rgba, [rgba[i] for i in np.flatnonzero(chosen)]))


def alike(
    pictures: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    others: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
) -> NDArray[np.bool_]:
    """Say which of `pictures` (n,) look the same as one of the `others`, all (96, 96, 4)."""
    looks, other = (np.stack([_look(rgba) for rgba in part]) for part in (pictures, others))
    return np.asarray((looks @ other.T > _TOO_ALIKE).any(axis=1))


def _look(rgba: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the picture on mid-grey at 24 × 24, as a unit vector without its mean."""
    values = rgba.astype(np.float32) / 255
    on_grey = (values[..., :3] - 0.5) * values[..., 3:]
    small = on_grey.reshape(24, 4, 24, 4, 3).mean(axis=(1, 3)).reshape(-1)
    small -= small.mean()
    return np.asarray(small / np.linalg.norm(small), dtype=np.float32)


def write_pool(
    path: Path,
    pictures: Sequence[Picture],
    concepts: Sequence[Concept],
    withheld: NDArray[np.bool_],
) -> None:
    """Write all pictures for the training of the demo model.

    Arrays: ``rgba`` (n, 96, 96, 4) uint8; ``concept``, ``category``, ``design``,
    ``style`` (n,) text; ``heldout`` (n,) bool; ``demo_concept`` (n,) int: position
    in the list of concepts, -1 where the picture belongs to none.
    """
    position = {concept.name: i for i, concept in enumerate(concepts)}
    left_out = {(c.name, design) for c in concepts for design in c.leave_out}
    np.savez_compressed(
        path,
        rgba=np.stack([picture.rgba for picture in pictures]),
        concept=np.array([picture.concept for picture in pictures]),
        category=np.array([picture.category for picture in pictures]),
        design=np.array([picture.design for picture in pictures]),
        style=np.array([picture.style for picture in pictures]),
        heldout=withheld,
        demo_concept=np.array(
            [
                -1
                if (picture.concept, picture.design) in left_out
                else position.get(picture.concept, -1)
                for picture in pictures
            ]
        ),
    )
