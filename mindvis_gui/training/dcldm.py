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

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.training.augmentation import Augmentation
from mindvis_gui.training.averages import Best, WeightAverage
from mindvis_gui.training.label_ldm import draw_noise, noise_loss
from mindvis_gui.training.loop import Batch, Plan, mean_values, train
from mindvis_gui.training.randomness import EpochOrder
from mindvis_gui.training.rehearsal import Rehearsal
from mindvis_gui.training.settings import LdmSettings, Trainable
from mindvis_gui.training.trials import TrialSet


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
    settings: LdmSettings,
    plan: Plan,
    *,
    central: bool = False,
    rehearsal: Rehearsal | None = None,
    illustrate: Callable[[int], ImageArray] | None = None,
) -> None:
    """Fine-tune encoder, conditioner and part of the U-Net on trials with pictures.

    The network ends with the weights that did best on `held_out`, in their moving
    average. See `mindvis_gui.training.selection.split_for_selection` for which trials
    these are; the model must say so if they are test trials.

    Parameters
    ----------
    settings : LdmSettings
        What is trained in `network`, how fast, and what is drawn for it. If pictures have crops,
        a draw takes the first version of a picture, which
        `mindvis_gui.training.trials.TrialReader` leaves whole, in the share of
        1 - `crop_probability`; without crops all versions alike.
    plan : Plan
    central : bool
        See `mindvis_gui.training.label_ldm.draw_noise`.
    rehearsal : Rehearsal, optional
        Pictures that are learned beside the trials; each counts like one draw of a trial.
    illustrate : callable, optional
        Step → a picture for the folder, drawn with the averaged weights.
    """
    device, whole = network.unet.device, plan.whole(settings.batch)
    optimiser = _optimiser(network, settings)
    average = WeightAverage(network, settings.average_decay)
    best = Best(network)
    order = EpochOrder(len(trials), plan.seed)
    drawing = _Drawing(scheduler, settings, central)

    def draw(step: int, generator: Generator) -> Batch:
        drawn = drawing.of_training(trials, order.rows(step, whole), generator)
        return {**drawn, **rehearsal.rows(whole, generator)} if rehearsal else drawn

    def trial_loss(share: Batch) -> dict[str, Tensor]:
        part = {name: share[name].to(device) for name in ("responses", "latents", "noise", "steps")}
        drawn, most = (part["noise"], part["steps"]), settings.largest_weight
        return {"loss": network.loss(scheduler, part["responses"], part["latents"], drawn, most)}

    def loss(share: Batch) -> dict[str, Tensor]:
        of_trials = trial_loss(share)["loss"]
        if rehearsal is None:
            return {"loss": of_trials}
        of_pictures = rehearsal.loss(share)
        total = settings.draws * of_trials + rehearsal.each * of_pictures
        return {
            "loss": total / (settings.draws + rehearsal.each),
            "trials": of_trials,
            "pictures": of_pictures,
        }

    held = drawing.of_held_out(held_out)

    @torch.no_grad()
    def validate(step: int) -> dict[str, float]:
        with average.in_place():
            with plan.accelerator.autocast():
                values = mean_values(trial_loss, held, settings.batch)
            best.offer(values["loss"])
        return values

    train(
        draw,
        loss,
        network,
        optimiser,
        {"network": network, "average": average, "best": best},
        plan,
        after_step=lambda step, generator: average.update(),
        validate=validate,
        illustrate=average.drawing(illustrate),
    )
    best.restore()


@dataclass(frozen=True, eq=False, slots=True)
class _Drawing:
    """What is drawn for trials; see `train_dcldm`."""

    scheduler: PNDMScheduler
    settings: LdmSettings
    central: bool

    def of_training(self, trials: TrialSet, rows: Tensor, generator: Generator) -> Batch:
        """Draw for some `rows` of the trials: changed responses, any versions of the pictures."""
        settings = self.settings
        augmentation = Augmentation(settings.sparsify, settings.noise)
        responses = augmentation.apply(trials.responses[rows], generator)
        whole = 1 - settings.crop_probability if settings.crops else None
        versions = drawn_versions(
            trials.latents.shape[1], (len(rows), settings.draws), whole, generator
        )
        return self._noised(responses, trials.latents[rows[:, None], versions], generator)

    def of_held_out(self, trials: TrialSet) -> Batch:
        """Draw, always the same, for all trials: their responses and first versions."""
        latents = trials.latents[:, :1].expand(-1, self.settings.draws, -1, -1, -1)
        return self._noised(trials.responses, latents, Generator().manual_seed(0))

    def _noised(self, responses: Tensor, latents: Tensor, generator: Generator) -> Batch:
        shape = latents.flatten(0, 1).shape
        noise, steps = draw_noise(shape, self.scheduler, generator, central=self.central)
        return {
            "responses": responses,
            "latents": latents,
            "noise": noise.view(latents.shape),
            "steps": steps.view(latents.shape[:2]),
        }


def _optimiser(network: DoubleConditioned, settings: LdmSettings) -> torch.optim.AdamW:
    chosen = list(trained_parameters(network.unet, settings.trainable).values())
    network.encoder.requires_grad_(settings.train_encoder)
    front = [*network.conditioner.parameters()]
    if settings.train_encoder:
        front = [*network.encoder.parameters(), *front]
    groups: list[dict[str, Any]] = [
        {"params": front},
        {"params": chosen, "rate_factor": settings.unet_rate},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=0.0, weight_decay=settings.weight_decay)


def drawn_versions(
    n_versions: int, shape: tuple[int, ...], whole: float | None, generator: Generator
) -> Tensor:
    """Draw which version of a picture is shown, 0 in a share `whole` of the draws."""
    if whole is None or n_versions == 1:
        return torch.randint(n_versions, shape, generator=generator)
    others = torch.randint(1, n_versions, shape, generator=generator)
    return others * (torch.rand(shape, generator=generator) >= whole)
