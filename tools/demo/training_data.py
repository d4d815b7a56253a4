"""What the demo model is trained on: the pool of pictures and the subject's trials, as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import VQModel
from torch import Generator, Tensor

from mindvis_gui.data.prepare import Normalisation
from mindvis_gui.data.subject import Subject
from mindvis_gui.training.trials import (
    TrialSet,
    encode,
    read_pictures,
    read_responses,
    training_trials,
)
from tools.demo.compositions import CutOuts

SIZE = 64
HELD_BACK, _SPLIT_SEED = 100, 7
_ENCODED = (40, 3)  # compositions of each picture of a demo concept, of each other picture
_SHOWN_SHARE = 0.7
_VERSIONS = 3  # of each stimulus, in slightly other tones
_TONE = 0.05


@dataclass(frozen=True, eq=False, slots=True)
class Pool:
    """The pictures of all packages, those held out left out.

    Attributes
    ----------
    rgba : Tensor, shape (n, 4, 96, 96), uint8
    concepts : (n,) text
    shown : (n,) bool
        Pictures of concepts that the subject is shown.
    related : (n,) bool
        Pictures of a category that one of these belongs to.
    held_out : Tensor, shape (m, 4, 96, 96), uint8
    """

    rgba: Tensor
    concepts: np.ndarray
    shown: np.ndarray
    related: np.ndarray
    held_out: Tensor

    @property
    def names(self) -> list[str]:
        """Sorted names of the concepts of related pictures: the labels."""
        return sorted(set(self.concepts[self.related].tolist()))


def read_pool(path: Path) -> Pool:
    """Read what `tools.demo.concepts.write_pool` wrote.

    Raises
    ------
    SystemExit
        If it is missing.
    """
    if not path.is_file():
        command = f"python -m tools.build_demo --work {path.parent} --only subject"
        raise SystemExit(f"{path} is missing; run: {command}")
    with np.load(path) as file:
        held_out, shown = file["heldout"], file["demo_concept"] >= 0
        categories, concepts = file["category"], file["concept"]
        rgba = torch.from_numpy(file["rgba"]).permute(0, 3, 1, 2).contiguous()
    related = np.isin(categories, categories[shown & ~held_out]) | shown
    kept = torch.from_numpy(~held_out)
    return Pool(rgba[kept], concepts[~held_out], shown[~held_out], related[~held_out], rgba[~kept])


@dataclass(frozen=True, eq=False, slots=True)
class LatentPool:
    """Encoded compositions: `latents` (n, channels, h, w), `labels` (n,), `shown` (n,) bool."""

    latents: Tensor
    labels: Tensor
    shown: Tensor

    def draw(self, number: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Draw latents and labels, most of them of concepts that the subject is shown."""
        rows = self.shown.nonzero().flatten(), (~self.shown).nonzero().flatten()
        n_others = round((1 - _SHOWN_SHARE) * number)
        counts = number - n_others, n_others
        chosen = torch.cat(
            [
                part[torch.randint(len(part), (count,), generator=generator)]
                for part, count in zip(rows, counts, strict=True)
            ]
        )
        return self.latents[chosen].float(), self.labels[chosen]


@torch.no_grad()
def encode_pool(vqvae: VQModel, pool: Pool, generator: Generator) -> LatentPool:
    """Compose related pictures several times over and encode them."""
    counts = np.where(pool.shown, _ENCODED[0], np.where(pool.related, _ENCODED[1], 0))
    rows = torch.from_numpy(np.repeat(np.arange(len(counts)), counts))
    position = {name: i for i, name in enumerate(pool.names)}
    labels = torch.tensor([position.get(name, -1) for name in pool.concepts.tolist()])
    cut_outs = CutOuts(pool.rgba, SIZE)
    device = vqvae.device
    with torch.autocast(device.type, torch.bfloat16):
        parts = [
            vqvae.encode(cut_outs.compose(part, generator).to(device)).latents.half().cpu()
            for part in rows.split(64)
        ]
    return LatentPool(torch.cat(parts), labels[rows], torch.from_numpy(pool.shown)[rows])


def prepared_resting(responses: np.ndarray, patch_size: int) -> Tensor:
    """Normalise resting-like responses (n, n_voxels) and wrap them as trials are: (n, n_padded)."""
    values = torch.from_numpy(responses).float()
    values = (values - values.mean()) / values.std()
    missing = -values.shape[1] % patch_size or patch_size
    return torch.cat([values, values[:, :missing]], dim=1)


def split_trials(n: int) -> tuple[Tensor, Tensor]:
    """Split training trials 0 … n - 1 into those held back for the validation and the others."""
    order = torch.randperm(n, generator=Generator().manual_seed(_SPLIT_SEED))
    return order[:HELD_BACK], order[HELD_BACK:]


def read_trials(
    subject: Subject,
    normalisation: Normalisation,
    vqvae: VQModel,
    names: Sequence[str],
    patch_size: int,
) -> TrialSet:
    """Return the subject's training trials with latents of what was seen, in a few versions.

    Nothing is shifted or mirrored: the picture must stay what the response is to.
    """
    trials = training_trials(subject)
    pictures = read_pictures(subject, trials, SIZE)
    generator = Generator().manual_seed(0)
    versions = [pictures]
    for _ in range(_VERSIONS):
        contrast, tint = (
            _TONE * (2 * torch.rand(len(pictures), channels, 1, 1, generator=generator) - 1)
            for channels in (1, 3)
        )
        versions.append((pictures * (1 + contrast) + tint).clamp(-1, 1))
    concepts = [names.index(trial.label.replace(" ", "-")) for trial in trials]
    return TrialSet(
        read_responses(subject, trials, normalisation, patch_size),
        torch.stack([encode(vqvae, version) for version in versions], dim=1),
        torch.tensor(concepts),
    )
