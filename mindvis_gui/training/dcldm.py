"""Stage B: the double-conditioned latent diffusion model, fine-tuned on the subject's trials."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Literal

import torch
from diffusers import PNDMScheduler, UNet2DConditionModel
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.training.augmentation import Augmentation
from mindvis_gui.training.label_ldm import PictureContext, noise_loss
from mindvis_gui.training.loop import Plan, Stateful, WeightAverage, train
from mindvis_gui.training.trials import TrialSet

Trainable = Literal["cross-attention", "all", "none"]


def trained_parameters(
    unet: UNet2DConditionModel, trainable: Trainable = "cross-attention"
) -> dict[str, nn.Parameter]:
    """Choose what stage B trains in the U-Net and freeze the rest.

    ``"cross-attention"`` is the paper's choice: cross-attention and its norm. The
    second condition's layers are in the `Conditioner`. In a diffusers U-Net the
    residual blocks have a ``norm2`` too; those of the published one are named otherwise.
    ``"none"`` is the paper's "encoder only" ablation.
    """
    cross_attention = re.compile(r"attn2|transformer_blocks.*norm2")
    chosen = {
        name: parameter
        for name, parameter in unet.named_parameters()
        if trainable == "all" or (trainable != "none" and cross_attention.search(name))
    }
    unet.requires_grad_(False)
    for parameter in chosen.values():
        parameter.requires_grad_(True)
    return chosen


def encoder_of(
    masked_model: MaskedBrainModel, *, global_pool: bool = False, fresh_norms: bool = True
) -> FmriEncoder:
    """Return a copy of the pre-trained encoder; its position embedding is trained from here on.

    Parameters
    ----------
    masked_model : MaskedBrainModel
    global_pool : bool
        See `FmriEncoder`.
    fresh_norms : bool
        Whether a pooling encoder starts with untrained norms in all of its blocks. The
        published loader does so: it drops every weight whose name holds "norm".
    """
    if not global_pool:
        return deepcopy(masked_model.encoder).requires_grad_(True)
    config = masked_model.encoder.config.items()
    sizes = {name: value for name, value in config if not name.startswith("_")}
    encoder = FmriEncoder(**(sizes | {"global_pool": True}))
    weights = masked_model.encoder.state_dict()
    if fresh_norms:
        weights = {name: value for name, value in weights.items() if "norm" not in name}
    encoder.load_state_dict(encoder.state_dict() | weights)
    return encoder


def warm_up(
    encoder: FmriEncoder,
    conditioner: Conditioner,
    context: PictureContext,
    trials: TrialSet,
    held_out: TrialSet,
    plan: Plan,
    *,
    batch: int = 24,
    augmentation: Augmentation | None = None,
    weight_decay: float = 0.05,
    precision: torch.dtype = torch.bfloat16,
) -> None:
    """Teach encoder and conditioner to give the conditions that the U-Net already understands.

    Not in the paper. There, hundreds of epochs teach the U-Net's cross-attention to
    read responses; here the regression onto the label-conditional model's context
    does most of that at a hundredth of the cost.
    """
    device = encoder.device
    networks = nn.ModuleList([encoder, conditioner])
    optimiser = torch.optim.AdamW(
        networks.parameters(), lr=0.0, betas=(0.9, 0.98), weight_decay=weight_decay
    )

    def error(responses: Tensor, latents: Tensor, concepts: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            wanted, second = context(concepts.to(device), context.layout(latents.to(device)))
        with torch.autocast(device.type, precision):
            given, time = conditioner(encoder(responses.to(device)))
        label = F.mse_loss(given[:, :1].float(), wanted[:, :1])
        layout = F.mse_loss(given[:, 1:].float(), wanted[:, 1:])
        again = F.mse_loss(time.float(), second)
        return {"loss": label + layout + again, "label": label, "layout": layout, "time": again}

    def loss(step: int, generator: Generator) -> dict[str, Tensor]:
        rows = torch.randint(len(trials), (batch,), generator=generator)
        responses = trials.responses[rows]
        if augmentation is not None:
            responses = augmentation.apply(responses, generator)
        variants = torch.randint(trials.latents.shape[1], (batch,), generator=generator)
        return error(responses, trials.latents[rows, variants], trials.concepts[rows])

    @torch.no_grad()
    def validate(step: int) -> dict[str, float]:
        values = error(held_out.responses, held_out.latents[:, 0], held_out.concepts)
        return {name: float(value) for name, value in values.items()}

    train(loss, optimiser, {"networks": networks}, plan, validate=validate)


class DoubleConditioned(nn.Module):
    """Encoder, conditioner and U-Net as one network, as stage B trains them."""

    def __init__(
        self, encoder: FmriEncoder, conditioner: Conditioner, unet: UNet2DConditionModel
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.conditioner = conditioner
        self.unet = unet

    def loss(
        self,
        scheduler: PNDMScheduler,
        responses: Tensor,
        latents: Tensor,
        generator: Generator,
        largest_weight: float = 1.0,
    ) -> Tensor:
        """Noise-prediction loss; each response (batch, n_padded) serves `draws` noise draws.

        `latents` has shape (batch, draws, channels, h, w).
        """
        draws = latents.shape[1]
        context, time = self.conditioner(self.encoder(responses))
        return noise_loss(
            self.unet,
            scheduler,
            latents.flatten(0, 1),  # (batch * draws, channels, h, w)
            context.repeat_interleave(draws, dim=0),
            time.repeat_interleave(draws, dim=0),
            generator,
            largest_weight,
        )


def train_dcldm(
    network: DoubleConditioned,
    scheduler: PNDMScheduler,
    trials: TrialSet,
    held_out: TrialSet,
    plan: Plan,
    *,
    batch: int = 12,
    draws: int = 4,
    trainable: Trainable = "cross-attention",
    train_encoder: bool = True,
    whole_pictures: float | None = None,
    score: Callable[[], float] | None = None,
    unet_rate: float = 1.0,
    augmentation: Augmentation | None = None,
    weight_decay: float = 0.01,
    largest_weight: float = 1.0,
    precision: torch.dtype = torch.bfloat16,
) -> None:
    """Fine-tune encoder, conditioner and part of the U-Net on trials with pictures.

    The network ends with the weights that did best on `held_out`, in their moving
    average. See `mindvis_gui.training.selection.split_for_selection` for which trials
    these are; the model must say so if they are test trials.

    Parameters
    ----------
    batch, draws : int
        Trials a step, and noise draws a trial: the encoder's work is shared by the draws.
    trainable : {"cross-attention", "all", "none"}
        See `trained_parameters`.
    train_encoder : bool
        Whether the fMRI encoder is trained too, as published, or stays frozen.
    whole_pictures : float, optional
        Share of the draws that take the first version of a picture, which
        `mindvis_gui.training.trials.read_trials` leaves whole; the others take any of the
        rest. None takes all versions alike.
    score : callable, optional
        Judges the averaged weights in place of the loss on `held_out`; the larger the better.
    unet_rate : float
        Learning rate of the U-Net in units of the plan's.
    augmentation : Augmentation, optional
        None leaves the responses as they are, as the published code in effect does.
    largest_weight : float
        See `noise_loss`.
    """
    device = network.unet.device
    chosen = list(trained_parameters(network.unet, trainable).values())
    network.encoder.requires_grad_(train_encoder)
    front = [*network.conditioner.parameters()]
    if train_encoder:
        front = [*network.encoder.parameters(), *front]
    groups: list[dict[str, Any]] = [
        {"params": front},
        {"params": chosen, "rate_factor": unet_rate},
    ]
    groups = [group for group in groups if group["params"]]
    optimiser = torch.optim.AdamW(groups, lr=0.0, weight_decay=weight_decay)
    average = WeightAverage(network)
    best = Best(network)

    def loss(step: int, generator: Generator) -> dict[str, Tensor]:
        rows = torch.randint(len(trials), (batch,), generator=generator)
        responses = trials.responses[rows]
        if augmentation is not None:
            responses = augmentation.apply(responses, generator)
        variants = drawn_versions(
            trials.latents.shape[1], (batch, draws), whole_pictures, generator
        )
        latents = trials.latents[rows[:, None], variants]  # (batch, draws, channels, h, w)
        with torch.autocast(device.type, precision):
            return {
                "loss": network.loss(
                    scheduler, responses.to(device), latents.to(device), generator, largest_weight
                )
            }

    @torch.no_grad()
    def validate(step: int) -> dict[str, float]:
        average.swap()
        with torch.autocast(device.type, precision):
            value = float(
                network.loss(
                    scheduler,
                    held_out.responses.to(device),
                    held_out.latents[:, :1].expand(-1, draws, -1, -1, -1).to(device),
                    Generator().manual_seed(0),
                    largest_weight,
                )
            )
        values = {"loss": value}
        if score is not None:
            values["score"] = score()
        best.offer(-values["score"] if score is not None else value)
        average.swap()
        return values

    def after_step(step: int, generator: Generator) -> None:
        average.update()

    parts: dict[str, Stateful] = {"network": network, "average": average, "best": best}
    train(loss, optimiser, parts, plan, after_step=after_step, validate=validate)
    best.restore()


def drawn_versions(
    n_versions: int, shape: tuple[int, ...], whole: float | None, generator: Generator
) -> Tensor:
    """Draw which version of a picture is shown, 0 in a share `whole` of the draws."""
    if whole is None or n_versions == 1:
        return torch.randint(n_versions, shape, generator=generator)
    others = torch.randint(1, n_versions, shape, generator=generator)
    return others * (torch.rand(shape, generator=generator) >= whole)


class Best:
    """The weights with the smallest validation loss so far."""

    def __init__(self, network: nn.Module) -> None:
        self.value = float("inf")
        self._network = network
        self._weights = _copied(network)

    def offer(self, value: float) -> None:
        """Keep the network's present weights if `value` is the smallest so far."""
        if value < self.value:
            self.value, self._weights = value, _copied(self._network)

    def restore(self) -> None:
        """Give the network the best weights."""
        self._network.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """Return the best weights and their loss."""
        return {"value": self.value, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over weights and their loss."""
        self.value, self._weights = float(state["value"]), dict(state["weights"])


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
