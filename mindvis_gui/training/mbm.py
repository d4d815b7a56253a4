"""Stages A1 and A2: masked modelling of responses, which pre-trains the encoder (section 3.1)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from mindvis_gui.data.focus import Focus
from mindvis_gui.data.mask import kept_patches
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.training.augmentation import interpolate_pairs
from mindvis_gui.training.loop import Plan, decay_groups, train, warmup_cosine

MASK_RATIO = 0.75


def mbm_rate(steps: int, peak: float = 2.5e-4, warmup: float = 0.08) -> Callable[[int], float]:
    """Learning rate of stage A; the paper warms up for 40 of 500 epochs."""
    return lambda step: warmup_cosine(step, peak, warmup * steps, steps)


def mbm_optimiser(model: MaskedBrainModel) -> torch.optim.AdamW:
    """AdamW of stage A: weight decay 0.05, but none on biases and norms."""
    groups = decay_groups(model.named_parameters(), weight_decay=0.05)
    return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.95))


def random_kept(
    batch: int, n_patches: int, ratio: float, generator: Generator, focus: Focus | None = None
) -> Tensor:
    """Draw which patches stay visible (batch, n_patches), the same number in each row.

    Patches with the smallest of uniform noise are kept, ``int(n_patches * (1 - ratio))`` of
    them. With a `focus` those to mask are drawn one after the other, without replacement, by
    its weights.
    """
    n_kept = kept_patches(n_patches, ratio)
    if focus is not None:
        weights = torch.from_numpy(focus.weights(n_patches)).expand(batch, -1)
        masked = torch.multinomial(weights, n_patches - n_kept, generator=generator)
        return torch.ones(batch, n_patches, dtype=torch.bool).scatter_(1, masked, value=False)
    order = torch.rand(batch, n_patches, generator=generator).argsort(dim=1)
    kept = torch.zeros(batch, n_patches, dtype=torch.bool)
    return kept.scatter_(1, order[:, :n_kept], value=True)


def train_masked_model(
    model: MaskedBrainModel,
    responses: Tensor,
    held_out: Tensor,
    plan: Plan,
    *,
    batch: int = 64,
    mask_ratio: float = MASK_RATIO,
    focus: Focus | None = None,
    mixed: float = 0.0,
    precision: torch.dtype = torch.bfloat16,
) -> None:
    """Train the masked autoencoder: stage A1 on many people's data, A2 on the subject's.

    Parameters
    ----------
    responses : Tensor, shape (n, n_padded), normalised and padded
    held_out : Tensor, shape (m, n_padded)
        Responses for the validation.
    mask_ratio : float
    focus : Focus, optional
        Patches that are masked more often; the published default is none.
    mixed : float
        Share of the batches in which pairs of responses are interpolated. The published
        code appends such pairs to the data instead, see `augmented`; its default is none.
    """
    n_patches = model.n_patches
    device = model.device

    def loss(step: int, generator: Generator) -> dict[str, Tensor]:
        chosen = responses[torch.randint(len(responses), (batch,), generator=generator)]
        if torch.rand((), generator=generator) < mixed:
            chosen = interpolate_pairs(chosen, generator)
        kept = random_kept(batch, n_patches, mask_ratio, generator, focus)
        with torch.autocast(device.type, precision):
            return {"loss": model.loss(chosen.to(device), kept.to(device))}

    def validate(step: int) -> dict[str, float]:
        return {"correlation": float(recovery(model, held_out, mask_ratio).mean())}

    train(loss, mbm_optimiser(model), {"model": model}, plan, validate=validate)


@torch.no_grad()
def recovery(
    model: MaskedBrainModel, responses: Tensor, mask_ratio: float = MASK_RATIO, seed: int = 0
) -> Tensor:
    """Correlate masked voxels with what the model makes of them, for each response (n, n_padded).

    Returns
    -------
    Tensor, shape (n,)
        Pearson's r over the masked voxels of a response.
    """
    kept = random_kept(len(responses), model.n_patches, mask_ratio, Generator().manual_seed(seed))
    predicted = model(responses.to(model.device), kept.to(model.device)).float().cpu()
    return masked_correlation(predicted, responses, kept)


def masked_correlation(predicted: Tensor, responses: Tensor, kept: Tensor) -> Tensor:
    """Pearson's r over the voxels in no kept patch, for each row of (n, n_padded)."""
    hidden = (~kept).repeat_interleave(responses.shape[1] // kept.shape[1], dim=1)
    pairs = [values[hidden].view(len(values), -1) for values in (predicted, responses)]
    x, y = (values - values.mean(dim=1, keepdim=True) for values in pairs)
    return (x * y).sum(dim=1) / (x.norm(dim=1) * y.norm(dim=1))
