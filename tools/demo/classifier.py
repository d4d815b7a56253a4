"""Train the classifier that judges decoded pictures: which concept, and so which category.

It learns from all drawings of the concepts, also from those that the decoder may not see, except
for the test stimuli and drawings that look like one of them. Each category has a class more, for
what is of that category but none of the concepts. Five drawings of a concept are too few for a
network of its own (one found 31 of the 40 categories of the unseen drawings): a linear layer is
fitted to the features of a network of photographs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import VQModel
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Generator, Tensor
from torch.nn import functional as F

from mindvis_gui.scoring import load_network
from mindvis_gui.scoring.concept_head import ConceptHead
from tools.demo.compositions import CutOuts, Variation, shift_colours
from tools.demo.concepts import Concept, alike

SIZE = 64
_VIEWS = 40  # pictures that are composed of each concept; of another drawing one
_PENALTY = 1e-3  # inverse strength; a third or three times of it change nothing
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


def train_classifier(
    pool: Path, concepts: Sequence[Concept], vqvae: VQModel, seed: int = 0
) -> ConceptHead:
    """Fit the linear layer to drawings as they look when decoded: coded, blurred, noisy."""
    generator = Generator().manual_seed(seed)
    pictures, labels = _views(*classifier_drawings(pool, concepts), len(concepts), vqvae, generator)
    seen = torch.cat([worsened(p.float() / 127.5 - 1, generator) for p in pictures.split(60)])
    as_bytes = ((seen + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    network = load_network("efficientnet-lite0")
    features = network.run(as_bytes, ["pool"]).features["pool"]  # (n, 1280)
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=_PENALTY, class_weight="balanced", max_iter=1000)
    model.fit(scaler.transform(features), labels.numpy())
    head = ConceptHead(
        [*(concept.label for concept in concepts), *(f"another {each}" for each in _OTHERS)],
        [*(concept.category for concept in concepts), *_OTHERS],
    )
    weight = model.coef_ / scaler.scale_  # (n_classes, 1280)
    bias = model.intercept_ - weight @ scaler.mean_
    state = {"linear.weight": torch.from_numpy(weight), "linear.bias": torch.from_numpy(bias)}
    head.load_state_dict(state)
    return head.eval()


@torch.no_grad()
def _views(
    drawings: Tensor, classes: Tensor, n_concepts: int, vqvae: VQModel, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Compose pictures (n, 3, size, size) uint8 of all drawings; half are coded and decoded.

    Many of each concept, one of each other drawing. The latents of those that are coded are noisy:
    the decoder is to be judged by what it shows, not by its blur.

    Returns
    -------
    pictures : Tensor
    classes : Tensor, shape (n,)
    """
    rows = [torch.nonzero(classes >= n_concepts).flatten()]
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
