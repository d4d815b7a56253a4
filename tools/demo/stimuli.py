"""The stimuli of the demo subject: pictures of the chosen concepts on soft backgrounds."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mindvis_gui.data.picture import decode_picture
from mindvis_gui.data.picture_features import SIDE
from tools.demo.concepts import Concept
from tools.demo.pictures import Picture

N_TRAIN = 1200
_WEBP_QUALITY = 94


@dataclass(frozen=True, eq=False, slots=True)
class Stimulus:
    """A picture as the subject sees it.

    `encoded` is the WebP file that is shipped, `picture` (96, 96, 3) what it decodes to.
    """

    stimulus_id: str
    concept: Concept
    encoded: bytes
    picture: NDArray[np.uint8]


def training_stimuli(
    pictures: Sequence[Picture], held_out: NDArray[np.bool_], concepts: Sequence[Concept], seed: int
) -> list[Stimulus]:
    """Compose 1,200 pictures, 25 of each seen concept, in random order.

    Designs are shown equally often; place, size, side and background vary.
    """
    rng = np.random.default_rng([seed, 10])
    seen = [concept for concept in concepts if concept.seen]
    stimuli = []
    for number in range(N_TRAIN):
        concept = seen[number % len(seen)]
        allowed = [
            picture
            for picture, withheld in zip(pictures, held_out, strict=True)
            if picture.concept == concept.name
            and not withheld
            and picture.design not in concept.leave_out
        ]
        designs = sorted({picture.design for picture in allowed})
        design = designs[number // len(seen) % len(designs)]
        styles = [picture for picture in allowed if picture.design == design]
        chosen = styles[rng.integers(len(styles))]
        figure = Image.fromarray(chosen.rgba)
        if concept.mirror and rng.random() < 0.5:
            figure = figure.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        size = round(SIDE * rng.uniform(0.7, 1.0))
        corner = rng.integers(0, SIDE - size + 1, 2)
        stimuli.append((concept, chosen, _compose(figure, size, corner, _background(rng))))
    return [
        _stimulus(f"train-{rank:04d}-{stimuli[i][0].name}-{stimuli[i][1].style}", *stimuli[i][::2])
        for rank, i in enumerate(rng.permutation(N_TRAIN))
    ]


def held_out_stimuli(
    pictures: Sequence[Picture], concepts: Sequence[Concept], seed: int
) -> list[Stimulus]:
    """Compose the 50 test pictures: 40 held-out designs of seen concepts, 10 unseen concepts."""
    rng = np.random.default_rng([seed, 11])
    stimuli = []
    for concept in _interleaved([concept for concept in concepts if concept.test]):
        chosen = next(
            picture
            for picture in pictures
            if picture.concept == concept.name and picture.design == concept.test
        )
        size = round(SIDE * rng.uniform(0.82, 0.92))
        corner = (SIDE - size) // 2 + rng.integers(-2, 3, 2)
        ground = np.full((SIDE, SIDE, 3), rng.uniform(205, 222)) + rng.normal(0, 1.5, 3)
        composed = _compose(Image.fromarray(chosen.rgba), size, corner, ground)
        stimuli.append(_stimulus(f"test-{concept.name}-{chosen.style}", concept, composed))
    return stimuli


def _interleaved(concepts: Sequence[Concept]) -> list[Concept]:
    """Take one concept of each category in turn, the seen ones first."""
    turn: dict[tuple[bool, str], int] = {}
    ranked: list[tuple[bool, int, int, Concept]] = []
    for concept in concepts:
        key = (concept.seen, concept.category)
        turn[key] = turn.get(key, -1) + 1
        ranked.append((not concept.seen, turn[key], len(ranked), concept))
    return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:3])]


def _background(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a soft gradient (96, 96, 3) between two greys with a touch of colour."""
    axis = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * axis[None, :] + np.sin(angle) * axis[:, None]
    base = rng.uniform(175, 235) + rng.uniform(0, 14) * rng.uniform(-1, 1, 3)
    tilt = rng.uniform(-30, 30) + rng.uniform(-8, 8, 3)
    return np.asarray(base + slope[..., None] * tilt)


def _compose(
    figure: Image.Image, size: int, corner: NDArray[np.int64], ground: NDArray[np.float64]
) -> Image.Image:
    canvas = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8)).convert("RGBA")
    scaled = figure.convert("RGBa").resize((size, size), Image.Resampling.LANCZOS).convert("RGBA")
    layer = Image.new("RGBA", canvas.size)
    layer.paste(scaled, (int(corner[0]), int(corner[1])))
    return Image.alpha_composite(canvas, layer).convert("RGB")


def _stimulus(stimulus_id: str, concept: Concept, composed: Image.Image) -> Stimulus:
    buffer = io.BytesIO()
    composed.save(buffer, "WEBP", quality=_WEBP_QUALITY, method=6)
    encoded = buffer.getvalue()
    return Stimulus(stimulus_id, concept, encoded, decode_picture(encoded, stimulus_id))
