"""Stage B: the double-conditioned latent diffusion model, fine-tuned on the subject's trials."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import PNDMScheduler, UNet2DConditionModel
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.training.augmentation import Augmentation
from mindvis_gui.training.averages import Best, WeightAverage
from mindvis_gui.training.label_ldm import (
    DrawPictures,
    PictureContext,
    PictureObjective,
    draw_noise,
    noise_loss,
)
from mindvis_gui.training.loop import Batch, Plan, mean_values, train
from mindvis_gui.training.randomness import EpochOrder
from mindvis_gui.training.settings import Trainable
from mindvis_gui.training.trials import TrialSet

_REHEARSED = "rehearsed "  # what names of rows of pictures begin with


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
            "responses": varied(trials.responses[rows], augmentation, generator),
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


@dataclass(frozen=True, eq=False, slots=True)
class Rehearsal:
    """Pictures without responses that the U-Net goes on learning from in stage B.

    A thousand trials teach a whole U-Net their own pictures and let it forget others.

    Attributes
    ----------
    objective : PictureObjective
    draw : DrawPictures
    each : int
        Pictures a trial.
    """

    objective: PictureObjective
    draw: DrawPictures
    each: int = 2

    def rows(self, number: int, generator: Generator) -> Batch:
        """Draw the pictures that go with so many trials, (number, each, …) of everything."""
        batch = self.objective.batch(*self.draw(number * self.each, generator), generator)
        return {
            f"{_REHEARSED}{name}": value.view(number, self.each, *value.shape[1:])
            for name, value in batch.items()
        }

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean loss of the pictures in `batch`."""
        own = {name: rows for name, rows in batch.items() if name.startswith(_REHEARSED)}
        return self.objective.loss(
            {name.removeprefix(_REHEARSED): rows.flatten(0, 1) for name, rows in own.items()}
        )


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
        drawn: tuple[Tensor, Tensor],
        largest_weight: float = 1.0,
    ) -> Tensor:
        """Noise-prediction loss; each response serves `draws` noise draws.

        Parameters
        ----------
        scheduler : PNDMScheduler
        responses : Tensor, shape (batch, n_padded)
        latents : Tensor, shape (batch, draws, channels, h, w)
        drawn : (Tensor, Tensor)
            Noise in the shape of `latents`, and time steps (batch, draws).
        largest_weight : float
            See `noise_loss`.
        """
        draws = latents.shape[1]
        context, time = self.conditioner(self.encoder(responses))
        return noise_loss(
            self.unet,
            scheduler,
            latents.flatten(0, 1),  # (batch * draws, channels, h, w)
            context.repeat_interleave(draws, dim=0),
            time.repeat_interleave(draws, dim=0),
            (drawn[0].flatten(0, 1), drawn[1].flatten()),
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
    central: bool = False,
    average_decay: float = 0.999,
    rehearsal: Rehearsal | None = None,
    illustrate: Callable[[int], ImageArray] | None = None,
) -> None:
    """Fine-tune encoder, conditioner and part of the U-Net on trials with pictures.

    The network ends with the weights that did best on `held_out`, in their moving
    average. See `mindvis_gui.training.selection.split_for_selection` for which trials
    these are; the model must say so if they are test trials.

    Parameters
    ----------
    batch, draws : int
        Trials at a time on each process, and noise draws a trial: the encoder's work is
        shared by the draws.
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
    central : bool
        See `mindvis_gui.training.label_ldm.draw_noise`.
    average_decay : float
        See `mindvis_gui.training.averages.WeightAverage`; 0 is the published way.
    rehearsal : Rehearsal, optional
        Pictures that are learned beside the trials; each counts like one draw of a trial.
    illustrate : callable, optional
        Step → a picture for the folder, drawn with the averaged weights.
    """
    device, whole = network.unet.device, plan.whole(batch)
    optimiser = _optimiser(network, trainable, train_encoder, unet_rate, weight_decay)
    average = WeightAverage(network, average_decay)
    best = Best(network)
    order = EpochOrder(len(trials), plan.seed)
    n_versions = trials.latents.shape[1]

    def drawn_for(responses: Tensor, latents: Tensor, generator: Generator) -> Batch:
        shape = latents.flatten(0, 1).shape
        noise, steps = draw_noise(shape, scheduler, generator, central=central)
        return {
            "responses": responses,
            "latents": latents,
            "noise": noise.view(latents.shape),
            "steps": steps.view(latents.shape[:2]),
        }

    def draw(step: int, generator: Generator) -> Batch:
        rows = order.rows(step, whole)
        responses = varied(trials.responses[rows], augmentation, generator)
        variants = drawn_versions(n_versions, (whole, draws), whole_pictures, generator)
        drawn = drawn_for(responses, trials.latents[rows[:, None], variants], generator)
        return {**drawn, **rehearsal.rows(whole, generator)} if rehearsal else drawn

    def trial_loss(share: Batch) -> dict[str, Tensor]:
        part = {name: share[name].to(device) for name in ("responses", "latents", "noise", "steps")}
        drawn = part["noise"], part["steps"]
        value = network.loss(scheduler, part["responses"], part["latents"], drawn, largest_weight)
        return {"loss": value}

    def loss(share: Batch) -> dict[str, Tensor]:
        of_trials = trial_loss(share)["loss"]
        if rehearsal is None:
            return {"loss": of_trials}
        of_pictures = rehearsal.loss(share)
        total = draws * of_trials + rehearsal.each * of_pictures
        return {
            "loss": total / (draws + rehearsal.each),
            "trials": of_trials,
            "pictures": of_pictures,
        }

    held = drawn_for(
        held_out.responses,
        held_out.latents[:, :1].expand(-1, draws, -1, -1, -1),
        Generator().manual_seed(0),
    )

    @torch.no_grad()
    def validate(step: int) -> dict[str, float]:
        with average.in_place():
            with plan.accelerator.autocast():
                values = mean_values(trial_loss, held, batch)
            if score is not None:
                values["score"] = score()
            best.offer(values["loss"] if score is None else -values["score"])
        return values

    def averaged_picture(step: int) -> ImageArray:
        assert illustrate is not None
        with average.in_place():
            return illustrate(step)

    train(
        draw,
        loss,
        network,
        optimiser,
        {"network": network, "average": average, "best": best},
        plan,
        after_step=lambda step, generator: average.update(),
        validate=validate,
        illustrate=None if illustrate is None else averaged_picture,
    )
    best.restore()


def _optimiser(
    network: DoubleConditioned,
    trainable: Trainable,
    train_encoder: bool,
    unet_rate: float,
    weight_decay: float,
) -> torch.optim.AdamW:
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
    return torch.optim.AdamW(groups, lr=0.0, weight_decay=weight_decay)


def varied(responses: Tensor, augmentation: Augmentation | None, generator: Generator) -> Tensor:
    """Apply an augmentation, if there is one, to responses (batch, n_padded)."""
    return responses if augmentation is None else augmentation.apply(responses, generator)


def drawn_versions(
    n_versions: int, shape: tuple[int, ...], whole: float | None, generator: Generator
) -> Tensor:
    """Draw which version of a picture is shown, 0 in a share `whole` of the draws."""
    if whole is None or n_versions == 1:
        return torch.randint(n_versions, shape, generator=generator)
    others = torch.randint(1, n_versions, shape, generator=generator)
    return others * (torch.rand(shape, generator=generator) >= whole)
