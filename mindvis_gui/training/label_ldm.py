"""The latent diffusion model that stage B starts from, conditioned on labels and coarse layout."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from diffusers import PNDMScheduler, UNet2DConditionModel
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.decoding.models import VELOCITY
from mindvis_gui.training.averages import WeightAverage
from mindvis_gui.training.loop import Batch, Plan, mean_values, train
from mindvis_gui.training.settings import LabelLdmSettings

_BLURS = (4, 2, 2, 1, 1)  # cells a side of what is left of a blurred layout
_CENTRAL = (-0.3, 1.4)  # mean and deviation of the logit of central time steps
# Number, generator → latents (number, channels, h, w), labels (number,).
DrawPictures = Callable[[int, Generator], tuple[Tensor, Tensor]]


class PictureContext(nn.Module):
    """Turns what a picture shows into the U-Net's two conditions.

    The first token of the context is the label's embedding, as in the published
    label-to-image model. With a `grid`, further tokens tell the latents' mean in
    each cell of it: a small U-Net on small data would not learn from responses
    alone where things are. The second condition is the label's embedding again,
    or the U-Net would look at the layout only.

    Parameters
    ----------
    n_labels, context_width, time_width : int
    latent_channels : int
    grid : int
        Cells a side of the layout; 0 for labels alone.
    """

    def __init__(
        self,
        n_labels: int,
        context_width: int,
        time_width: int,
        latent_channels: int = 4,
        grid: int = 0,
    ) -> None:
        super().__init__()
        self.grid, self.width = grid, context_width
        self.labels = nn.Embedding(n_labels, context_width)
        self.cells = nn.Linear(latent_channels, context_width, bias=False)
        self.places = nn.Parameter(torch.empty(1, grid**2, context_width))
        for weight in (self.labels.weight, self.cells.weight, self.places):
            nn.init.normal_(weight, std=0.5)
        self.places.requires_grad_(grid > 0)  # an empty one cannot be trained
        self.second = nn.Linear(context_width, time_width, bias=False)
        nn.init.normal_(self.second.weight, std=2 / math.sqrt(context_width))

    def layout(self, latents: Tensor) -> Tensor:
        """Average latents (batch, channels, h, w) in each cell: (batch, channels, grid, grid)."""
        return F.adaptive_avg_pool2d(latents, self.grid) if self.grid else latents[..., :0, :0]

    def forward(self, labels: Tensor, layout: Tensor) -> tuple[Tensor, Tensor]:
        """Return the conditions of labels (batch,) or their embeddings (batch, width) and layouts.

        Returns
        -------
        context : Tensor, shape (batch, 1 + grid², context_width)
        time : Tensor, shape (batch, time_width)
        """
        label = labels if labels.is_floating_point() else self.labels(labels)
        cells = layout.flatten(2).transpose(1, 2)  # (batch, grid², channels)
        tokens = self.cells(cells) + self.places.to(cells.dtype)
        return torch.cat([label.unsqueeze(1), tokens], dim=1), self.second(label)


def degrade(layout: Tensor, generator: Generator) -> Tensor:
    """Blur layouts (batch, channels, grid, grid) by different amounts and add noise.

    A layout decoded from a response will be no better, and a U-Net that always got
    the exact one would never look at the label.
    """
    batch, _, grid, _ = layout.shape
    if not grid:
        return layout
    versions = [layout]
    for coarser in _BLURS:
        pooled = F.adaptive_avg_pool2d(layout, coarser)
        versions.append(F.interpolate(pooled, size=grid, mode="bilinear"))
    chosen = torch.randint(len(versions), (batch,), generator=generator)
    blurred = torch.stack(versions)[chosen, torch.arange(batch)]
    strength = 0.7 * torch.rand(batch, 1, 1, 1, generator=generator).pow(2)
    return blurred + strength * torch.randn(layout.shape, generator=generator)


def weakening(batch: int, generator: Generator) -> Tensor:
    """Draw which share (batch, 1) of a label's embedding is left, from a third to all of it."""
    return 1 - 2 / 3 * torch.rand(batch, 1, generator=generator)


def weaken(embeddings: Tensor, share: Tensor, noise: Tensor) -> Tensor:
    """Shrink label embeddings (batch, width) to a share (batch, 1) and add a little noise.

    The regression from a noisy response gives shrunken ones.
    """
    return embeddings * share + 0.1 * noise


def draw_noise(
    shape: Sequence[int], scheduler: PNDMScheduler, generator: Generator, *, central: bool = False
) -> tuple[Tensor, Tensor]:
    """Draw noise of `shape` (n, channels, h, w) and a time step (n,) for each of its rows.

    On the CPU: the draws are the same on every device. Steps are drawn uniformly, or if
    `central` logit-normally (Esser et al. 2024, section 3.1), more often from the middle:
    there it is decided what is seen, while almost pure noise and almost clean pictures are
    soon learned.
    """
    noise = torch.randn(tuple(shape), generator=generator)
    n_steps = scheduler.config.num_train_timesteps
    if not central:
        return noise, torch.randint(n_steps, (shape[0],), generator=generator)
    place, width = _CENTRAL
    share = torch.sigmoid(place + width * torch.randn(shape[0], generator=generator))
    return noise, (share * n_steps).long().clamp(max=n_steps - 1)


def noise_loss(
    unet: UNet2DConditionModel,
    scheduler: PNDMScheduler,
    latents: Tensor,
    context: Tensor,
    time: Tensor,
    drawn: tuple[Tensor, Tensor],
    largest_weight: float = 1.0,
) -> Tensor:
    """Mean squared error of the predicted noise at random time steps (section 3.2).

    A `scheduler` of prediction type `VELOCITY` asks for the velocity instead
    (Salimans & Ho 2022, appendix D).

    Parameters
    ----------
    latents : Tensor, shape (batch, channels, h, w)
        Latents of the pictures, before the codebook.
    context : Tensor, shape (batch, tokens, context_width)
    time : Tensor, shape (batch, time_width)
        Second condition, added to the embedding of the time step.
    drawn : (Tensor, Tensor)
        Noise and time steps, of `draw_noise`.
    largest_weight : float
        1 is the paper's loss. Above it, errors at noisy steps count more, 1 / ᾱ up to
        this limit: there an error of the noise is a far larger one of the picture, and
        a network that is trained for minutes does not get to it otherwise. The error of
        the velocity is weighted so by its nature, without limit.
    """
    noise, steps = (each.to(latents.device) for each in drawn)
    noisy = scheduler.add_noise(latents, noise, steps)
    predicted = unet(noisy, steps, encoder_hidden_states=context, class_labels=time).sample
    kept = scheduler.alphas_cumprod.to(steps.device)[steps]  # ᾱ: the picture's share of variance
    if scheduler.config.prediction_type == VELOCITY:
        signal, rest = kept.sqrt().view(-1, 1, 1, 1), (1 - kept).sqrt().view(-1, 1, 1, 1)
        return F.mse_loss(predicted.float(), signal * noise - rest * latents)
    errors = (predicted.float() - noise).square().mean(dim=(1, 2, 3))  # (batch,)
    return ((1 / kept).clamp(max=largest_weight) * errors).mean()


class PictureObjective:
    """What the U-Net learns from pictures alone: their noise, given degraded labels and layouts.

    Parameters
    ----------
    unet : UNet2DConditionModel
    context : PictureContext
    scheduler : PNDMScheduler
    largest_weight : float
        See `noise_loss`.
    central : bool
        See `draw_noise`.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        context: PictureContext,
        scheduler: PNDMScheduler,
        *,
        largest_weight: float = 1.0,
        central: bool = False,
    ) -> None:
        self._unet, self._context, self._scheduler = unet, context, scheduler
        self._largest_weight, self._central = largest_weight, central

    def batch(self, latents: Tensor, labels: Tensor, generator: Generator) -> Batch:
        """Draw all that is random about latents (n, channels, h, w) with labels (n,)."""
        noise, steps = draw_noise(latents.shape, self._scheduler, generator, central=self._central)
        return {
            "latents": latents,
            "labels": labels,
            "layout": degrade(self._context.layout(latents), generator),
            "share": weakening(len(labels), generator),
            "shift": torch.randn(len(labels), self._context.width, generator=generator),
            "noise": noise,
            "steps": steps,
        }

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean loss of what `batch` drew, or of some of its rows."""
        part = {name: value.to(self._unet.device) for name, value in batch.items()}
        label = weaken(self._context.labels(part["labels"]), part["share"], part["shift"])
        tokens, time = self._context(label, part["layout"])
        drawn = part["noise"], part["steps"]
        return noise_loss(
            self._unet, self._scheduler, part["latents"], tokens, time, drawn, self._largest_weight
        )


def train_label_ldm(
    unet: UNet2DConditionModel,
    context: PictureContext,
    scheduler: PNDMScheduler,
    draw: DrawPictures,
    held_out: tuple[Tensor, Tensor],
    settings: LabelLdmSettings,
    plan: Plan,
    *,
    central: bool = False,
    illustrate: Callable[[int], ImageArray] | None = None,
) -> None:
    """Train U-Net and context together; both end as the moving average of their weights.

    What `requires_grad` is False for stays as it is.

    Parameters
    ----------
    draw : DrawPictures
    held_out : (Tensor, Tensor)
        Latents and labels for the validation.
    settings : LabelLdmSettings
        Of them `batch`, `largest_weight`, `average_decay` and `weight_decay`.
    plan : Plan
    central : bool
        See `draw_noise`.
    illustrate : callable, optional
        Step → a picture for the folder, drawn with the averaged weights.
    """
    whole = plan.whole(settings.batch)
    networks = nn.ModuleList([unet, context])
    average = WeightAverage(networks, settings.average_decay)
    trained = [p for p in networks.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        trained, lr=0.0, betas=(0.9, 0.99), weight_decay=settings.weight_decay
    )
    pictures = PictureObjective(
        unet, context, scheduler, largest_weight=settings.largest_weight, central=central
    )

    def loss(share: Batch) -> dict[str, Tensor]:
        return {"loss": pictures.loss(share)}

    held = pictures.batch(*held_out, Generator().manual_seed(0))

    @torch.no_grad()
    def validate(step: int) -> dict[str, float]:
        with average.in_place(), plan.accelerator.autocast():
            return mean_values(loss, held, settings.batch)

    train(
        lambda step, generator: pictures.batch(*draw(whole, generator), generator),
        loss,
        networks,
        optimiser,
        {"networks": networks, "average": average},
        plan,
        after_step=lambda step, generator: average.update(),
        validate=validate,
        illustrate=average.drawing(illustrate),
    )
    average.swap()
