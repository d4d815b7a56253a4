"""Before stage B: encoder and conditioner learn the conditions that the U-Net understands."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.training.augmentation import UNCHANGED, Augmentation
from mindvis_gui.training.label_ldm import PictureContext
from mindvis_gui.training.loop import Batch, Plan, mean_values, train
from mindvis_gui.training.randomness import EpochOrder
from mindvis_gui.training.trials import TrialSet


def warm_up(
    encoder: FmriEncoder,
    conditioner: Conditioner,
    context: PictureContext,
    trials: TrialSet,
    held_out: TrialSet,
    plan: Plan,
    *,
    batch: int = 24,
    augmentation: Augmentation = UNCHANGED,
    weight_decay: float = 0.05,
) -> None:
    """Teach encoder and conditioner to give the conditions that the U-Net already understands.

    Not in the paper. There, hundreds of epochs teach the U-Net's cross-attention to
    read responses; here the regression onto the label-conditional model's context
    does most of that at a hundredth of the cost.
    """
    networks = nn.ModuleList([encoder, conditioner])
    optimiser = torch.optim.AdamW(
        networks.parameters(), lr=0.0, betas=(0.9, 0.98), weight_decay=weight_decay
    )
    whole = plan.whole(batch)
    order = EpochOrder(len(trials), plan.seed)

    def draw(step: int, generator: Generator) -> Batch:
        rows = order.rows(step, whole)
        variants = torch.randint(trials.latents.shape[1], (whole,), generator=generator)
        return {
            "responses": augmentation.apply(trials.responses[rows], generator),
            "latents": trials.latents[rows, variants],
            "concepts": trials.concepts[rows],
        }

    def error(share: Batch) -> dict[str, Tensor]:
        part = {name: value.to(encoder.device) for name, value in share.items()}
        with torch.no_grad():
            wanted, second = context(part["concepts"], context.layout(part["latents"]))
        given, time = conditioner(encoder(part["responses"]))
        label = F.mse_loss(given[:, :1].float(), wanted[:, :1].float())
        layout = F.mse_loss(given[:, 1:].float(), wanted[:, 1:].float())
        again = F.mse_loss(time.float(), second.float())
        return {"loss": label + layout + again, "label": label, "layout": layout, "time": again}

    held = {
        "responses": held_out.responses,
        "latents": held_out.latents[:, 0],
        "concepts": held_out.concepts,
    }

    @torch.no_grad()
    def validate(step: int) -> dict[str, float]:
        with plan.accelerator.autocast():
            return mean_values(error, held, batch)

    train(draw, error, networks, optimiser, {"networks": networks}, plan, validate=validate)
