"""Train the classifier that judges decoded pictures: which concept, and so which category.

It learns from all drawings of the concepts, also from those that the decoder may not see, except
for the test stimuli and drawings that look like one of them. Each category has a class more, for
what is of that category but none of the concepts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import VQModel
from torch import Generator, Tensor
from torch.nn import functional as F

from mindvis_gui.scoring.demo_classifier import PictureClassifier
from mindvis_gui.training.averages import WeightAverage
from mindvis_gui.training.loop import Batch, Plan, train, warmup_cosine
from mindvis_gui.training.pictures import CutOuts, Variation, shift_colours
from tools.demo.concepts import Concept, alike

SIZE, BATCH, STEPS = 64, 64, 2000
_WIDTHS = (48, 72, 96, 160)
_CONCEPTS = 48  # pictures of a batch that show one of the concepts
_VIEWS = 60  # pictures that are composed of each concept
_OTHERS = {  # categories of the packages, by their first letters
    "animal": ("Animals & Nature / animal-",),
    "food": ("Food & Drink / food-",),
    "plant": ("Animals & Nature / plant-",),
    "vehicle": ("Travel & Places / transport-",),
    "clothing": ("Objects / clothing",),
    "building": (
        "Travel & Places / place-building",
        "Travel & Places / place-religious",
        "Travel & Places / hotel",
    ),
    "household": (
        "Objects / household",
        "Objects / tool",
        "Objects / phone",
        "Objects / musical-instrument",
        "Objects / lock",
        "Objects / sound",
        "Objects / light & video",
    ),
    "face": ("Smileys & Emotion / face-",),
}
_SHARES = (0.05, 0.3, 0.3)  # of pictures that are recoloured, blurred, noisy
_ANY_HUE, _SIMILAR_HUE = Variation(hue=math.pi, tone=0.2), Variation(hue=0.25, tone=0.2)
_TURN, _SCALE, _SHIFT = (
    0.25,
    0.2,
    0.12,
)  # largest angle (radians), change of size, shift (half sides)
_BLUR, _NOISE = (0.3, 1.0), 0.12  # width of the blur in pixels; largest noise
_LATENT_NOISE = 0.25  # largest, of a coded picture


def classifier_drawings(pool: Path, concepts: Sequence[Concept]) -> tuple[Tensor, Tensor]:
    """Return the drawings (n, 4, 96, 96) uint8 that may be learned from, and their classes (n,).

    Classes are positions in `concepts`, then one a category in the order of `_OTHERS`.
    """
    with np.load(pool) as file:
        rgba, place, design = file["rgba"], file["demo_concept"], file["design"]
        names, categories = file["concept"], file["category"]
    tests = [concept.test for concept in concepts]
    is_test = np.array([p >= 0 and d == tests[p] for p, d in zip(place, design, strict=True)])
    classes = place.astype(np.int64)
    is_other = ~np.isin(names, [concept.name for concept in concepts])
    for number, prefixes in enumerate(_OTHERS.values()):
        related = np.any([np.char.startswith(categories, each) for each in prefixes], axis=0)
        classes[related & is_other] = len(concepts) + number
    chosen = (classes >= 0) & ~is_test & ~alike(rgba, rgba[is_test])
    drawings = torch.from_numpy(rgba[chosen]).permute(0, 3, 1, 2).contiguous()
    return drawings, torch.from_numpy(classes[chosen])


def untrained_classifier(concepts: Sequence[Concept]) -> PictureClassifier:
    """Build the network for `concepts` and for what else there is of their categories."""
    return PictureClassifier(
        [*(concept.label for concept in concepts), *(f"another {each}" for each in _OTHERS)],
        [*(concept.category for concept in concepts), *_OTHERS],
        SIZE,
        _WIDTHS,
    )


def train_classifier(
    pool: Path, concepts: Sequence[Concept], vqvae: VQModel, folder: Path, seed: int = 0
) -> PictureClassifier:
    """Train on drawings as they look when decoded: coded by the first stage, blurred, noisy."""
    torch.manual_seed(seed)
    network = untrained_classifier(concepts)
    average = WeightAverage(network, decay=0.99)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.0, weight_decay=0.05)
    pictures, labels = _views(
        *classifier_drawings(pool, concepts), len(concepts), vqvae, Generator().manual_seed(seed)
    )
    is_concept = labels < len(concepts)
    kinds = is_concept.nonzero().flatten(), (~is_concept).nonzero().flatten()

    def draw(step: int, generator: Generator) -> Batch:
        rows = torch.cat(
            [
                part[torch.randint(len(part), (number,), generator=generator)]
                for part, number in zip(kinds, (_CONCEPTS, BATCH - _CONCEPTS), strict=True)
            ]
        )
        seen = worsened(pictures[rows].float() / 127.5 - 1, generator)
        return {"pictures": seen, "labels": labels[rows]}

    def loss(share: Batch) -> dict[str, Tensor]:
        logits = network(share["pictures"])
        error = F.cross_entropy(logits.float(), share["labels"], label_smoothing=0.1)
        right = (logits.argmax(dim=1) == share["labels"]).float().mean()
        return {"loss": error, "right": right}

    def after_step(step: int, generator: Generator) -> None:
        average.update()

    plan = Plan(folder, STEPS, lambda step: warmup_cosine(step + 1, 2e-3, 100, STEPS), seed=seed)
    parts = {"network": network, "average": average}
    train(draw, loss, network, optimiser, parts, plan, after_step=after_step)
    average.swap()
    return network.eval()


@torch.no_grad()
def _views(
    drawings: Tensor, classes: Tensor, n_concepts: int, vqvae: VQModel, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Compose pictures (n, 3, size, size) uint8 of all drawings; half are coded and decoded.

    Many of each concept, two of each other drawing. The latents of those that are coded are noisy:
    the decoder is to be judged by what it shows, not by its blur.

    Returns
    -------
    pictures : Tensor
    classes : Tensor, shape (n,)
    """
    rows = [torch.nonzero(classes >= n_concepts).flatten().repeat(2)]
    for each in range(n_concepts):
        own = torch.nonzero(classes == each).flatten()
        rows.append(own[torch.arange(_VIEWS) % len(own)])
    shown = torch.cat(rows)
    cut_outs = CutOuts(drawings, SIZE, Variation(scale=(0.65, 1.0)))
    made = []
    for part in shown.split(60):
        pictures = cut_outs.compose(part, generator)
        coded = torch.randperm(len(part), generator=generator)[: len(part) // 2]
        with torch.autocast("cpu", torch.bfloat16):
            latents = vqvae.encode(pictures[coded]).latents
            strength = _LATENT_NOISE * torch.rand(len(coded), 1, 1, 1, generator=generator)
            latents = latents + strength * torch.randn(latents.shape, generator=generator)
            pictures[coded] = vqvae.decode(latents).sample.float()
        made.append(((pictures.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8))
    return torch.cat(made), classes[shown]


def worsened(pictures: Tensor, generator: Generator) -> Tensor:
    """Move, recolour, blur and add noise to pictures (n, 3, h, w), some of them strongly.

    A drawing of another designer has other colours: a share gets any hue, or it would be told by
    its colours alone.
    """
    pictures = _moved(pictures, generator)
    recoloured, blurred, noisy = (
        torch.rand(len(pictures), generator=generator) < share for share in _SHARES
    )
    shifted = [
        shift_colours((pictures + 1) / 2, variation, generator) * 2 - 1
        for variation in (_ANY_HUE, _SIMILAR_HUE)
    ]
    pictures = torch.where(recoloured.view(-1, 1, 1, 1), *shifted)
    low, high = _BLUR
    width = low + (high - low) * float(torch.rand((), generator=generator))
    pictures[blurred] = _blurred(pictures[blurred], width)
    strength = _NOISE * torch.rand(len(pictures), 1, 1, 1, generator=generator)
    noise = strength * torch.randn(pictures.shape, generator=generator)
    pictures[noisy] += noise[noisy]
    return pictures.clamp(-1, 1)


def _moved(pictures: Tensor, generator: Generator) -> Tensor:
    """Turn, scale, shift and mirror pictures (n, 3, h, w) a little, each in its own way."""
    n = len(pictures)
    angle, scale, *shift = 2 * torch.rand(4, n, generator=generator) - 1
    angle, scale = _TURN * angle, 1 + _SCALE * scale
    flip = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = flip * scale * angle.cos(), -scale * angle.sin()
    theta[:, 1, 0], theta[:, 1, 1] = flip * scale * angle.sin(), scale * angle.cos()
    theta[:, :, 2] = _SHIFT * torch.stack(shift, dim=1)
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def _blurred(pictures: Tensor, width: float) -> Tensor:
    axis = torch.arange(-3.0, 4.0)
    kernel = torch.exp(-(axis**2) / (2 * width**2))
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    padded = F.pad(pictures, (3, 3, 3, 3), mode="replicate")
    rows = F.conv2d(padded, kernel, groups=3)
    return F.conv2d(rows, kernel.transpose(2, 3), groups=3)
