"""Stages A1 and A2: masked modelling of responses, which pre-trains the encoder (section 3.1)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from mindvis_gui.data.focus import Focus
from mindvis_gui.data.mask import kept_patches
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.decoding.masked_model import MaskedBrainModel, masked_error
from mindvis_gui.decoding.transformer import resized_positions
from mindvis_gui.training.augmentation import interpolate_pairs
from mindvis_gui.training.loop import Batch, Plan, decay_groups, train, warmup_cosine
from mindvis_gui.training.plots import recovery_plot
from mindvis_gui.training.randomness import EpochOrder
from mindvis_gui.training.settings import MaskingSettings

MASK_RATIO = MaskingSettings.mask_ratio
_AT_A_TIME = 64  # responses of the validation
_PLOTTED = 3


def mbm_rate(steps: int, peak: float = 2.5e-4, warmup: float = 0.08) -> Callable[[int], float]:
    """Learning rate of stage A; the paper warms up for 40 of 500 epochs."""
    return lambda step: warmup_cosine(step, peak, warmup * steps, steps)


def mbm_optimiser(model: MaskedBrainModel, weight_decay: float = 0.05) -> torch.optim.AdamW:
    """AdamW of stage A: weight decay 0.05, but none on biases and norms."""
    groups = decay_groups(model.named_parameters(), weight_decay)
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
    settings: MaskingSettings,
    plan: Plan,
    *,
    focus: Focus | None = None,
) -> None:
    """Train the masked autoencoder: stage A1 on many people's data, A2 on the subject's.

    Parameters
    ----------
    responses : Tensor, shape (n, n_padded), normalised and padded
    held_out : Tensor, shape (m, n_padded)
        Responses for the validation.
    settings : MaskingSettings
        Two are not of the published code: it appends pairs to the data in place of `interpolate`,
        see `augmented`, and has no error of `visible` patches. A small encoder drops what other
        patches do not tell about a patch: with a little of that error its tokens keep it, and
        masked voxels are recovered as well as without.
    plan : Plan
    focus : Focus, optional
        Patches that are masked more often: what `settings.focus` names, found in the data.
    """
    whole, mask_ratio = plan.whole(settings.batch), settings.mask_ratio
    order = EpochOrder(len(responses), plan.seed)

    def draw(step: int, generator: Generator) -> Batch:
        chosen = responses[order.rows(step, whole)]
        if torch.rand((), generator=generator) < settings.interpolate:
            chosen = interpolate_pairs(chosen, generator)
        return {
            "responses": chosen,
            "kept": random_kept(whole, model.n_patches, mask_ratio, generator, focus),
        }

    def loss(share: Batch) -> dict[str, Tensor]:
        vectors, kept = (share[name].to(model.device) for name in ("responses", "kept"))
        predicted = model(vectors, kept)
        with torch.no_grad():
            correlation = masked_correlation(predicted.float(), vectors, kept)
        error = masked_error(predicted, vectors, kept)
        if settings.visible:
            error = error + settings.visible * masked_error(predicted, vectors, ~kept)
        return {"loss": error, "correlation": correlation.nan_to_num().mean()}

    def validate(step: int) -> dict[str, float]:
        with plan.accelerator.autocast():
            return {"correlation": float(recovery(model, held_out, mask_ratio).nanmean())}

    def illustrate(step: int) -> ImageArray:
        return plotted_recovery(model, held_out[:_PLOTTED], mask_ratio, focus)

    train(
        draw,
        loss,
        model,
        mbm_optimiser(model, settings.weight_decay),
        {"model": model},
        plan,
        validate=validate,
        illustrate=illustrate,
    )


def recovery(model: MaskedBrainModel, responses: Tensor, mask_ratio: float = MASK_RATIO) -> Tensor:
    """Correlate masked voxels with what the model makes of them, for each response (n, n_padded).

    The masks are the same each time.

    Returns
    -------
    Tensor, shape (n,)
        Pearson's r over the masked voxels of a response.
    """
    kept = random_kept(len(responses), model.n_patches, mask_ratio, Generator().manual_seed(0))
    return masked_correlation(_predicted(model, responses, kept), responses, kept)


def plotted_recovery(
    model: MaskedBrainModel, responses: Tensor, mask_ratio: float, focus: Focus | None = None
) -> ImageArray:
    """Draw what the model recovers of responses (n, n_padded) under the same masks each time."""
    rng = Generator().manual_seed(0)
    kept = random_kept(len(responses), model.n_patches, mask_ratio, rng, focus)
    predicted = _predicted(model, responses, kept)
    correlations = masked_correlation(predicted, responses, kept)
    return recovery_plot(responses, predicted, kept, correlations)


@torch.no_grad()
def _predicted(model: MaskedBrainModel, responses: Tensor, kept: Tensor) -> Tensor:
    parts = zip(torch.split(responses, _AT_A_TIME), torch.split(kept, _AT_A_TIME), strict=True)
    predicted = [model(part.to(model.device), mask.to(model.device)) for part, mask in parts]
    return torch.cat(predicted).float().cpu()


def masked_correlation(predicted: Tensor, responses: Tensor, kept: Tensor) -> Tensor:
    """Pearson's r over the voxels in no kept patch, for each row of (n, n_padded)."""
    hidden = (~kept).repeat_interleave(responses.shape[1] // kept.shape[1], dim=1)
    pairs = [values[hidden].view(len(values), -1) for values in (predicted, responses)]
    x, y = (values - values.mean(dim=1, keepdim=True) for values in pairs)
    return (x * y).sum(dim=1) / (x.norm(dim=1) * y.norm(dim=1))


def fitted_to(model: MaskedBrainModel, n_voxels: int) -> MaskedBrainModel:
    """Return the model for responses of another length.

    Its position embeddings are interpolated (nearest), as the published loader does for
    stage B; a model of the same number of patches is only told the number of voxels.
    """
    sizes = {name: value for name, value in model.config.items() if not name.startswith("_")}
    resized = MaskedBrainModel(**(sizes | {"n_voxels": n_voxels}))
    weights = model.state_dict()
    for name in ("encoder.pos_embed", "decoder_pos_embed"):
        weights[name] = resized_positions(weights[name], resized.n_patches)
    resized.load_state_dict(weights)
    return resized
