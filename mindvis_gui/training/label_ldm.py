"""The latent diffusion model that stage B starts from, conditioned on labels and coarse layout."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from diffusers import PNDMScheduler, UNet2DConditionModel
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from mindvis_gui.training.loop import Plan, Stateful, WeightAverage, train

_BLURS = (4, 2, 1)  # cells a side of what is left of a blurred layout


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
        self.grid = grid
        self.labels = nn.Embedding(n_labels, context_width)
        self.cells = nn.Linear(latent_channels, context_width, bias=False)
        self.places = nn.Parameter(torch.empty(1, grid**2, context_width))
        for weight in (self.labels.weight, self.cells.weight, self.places):
            nn.init.normal_(weight, std=0.5)
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


def weaken(embeddings: Tensor, generator: Generator) -> Tensor:
    """Shrink label embeddings (batch, width) by up to two thirds and add a little noise.

    The regression from a noisy response gives shrunken ones.
    """
    share = 1 - 2 / 3 * torch.rand(len(embeddings), 1, generator=generator)
    noise = torch.randn(embeddings.shape, generator=generator)
    return embeddings * share.to(embeddings.device) + 0.1 * noise.to(embeddings.device)


def noise_loss(
    unet: UNet2DConditionModel,
    scheduler: PNDMScheduler,
    latents: Tensor,
    context: Tensor,
    time: Tensor,
    generator: Generator,
    largest_weight: float = 1.0,
) -> Tensor:
    """Mean squared error of the predicted noise at random time steps (section 3.2).

    Parameters
    ----------
    latents : Tensor, shape (batch, channels, h, w)
        Latents of the pictures, before the codebook.
    context : Tensor, shape (batch, tokens, context_width)
    time : Tensor, shape (batch, time_width)
        Second condition, added to the embedding of the time step.
    generator : torch.Generator
        On the CPU: the draws are the same on every device.
    largest_weight : float
        1 is the paper's loss. Above it, errors at noisy steps count more, 1 / ᾱ up to
        this limit: there an error of the noise is a far larger one of the picture, and
        a network that is trained for minutes does not get to it otherwise.
    """
    noise = torch.randn(latents.shape, generator=generator).to(latents.device)
    steps = torch.randint(
        scheduler.config.num_train_timesteps, (len(latents),), generator=generator
    ).to(latents.device)
    noisy = scheduler.add_noise(latents, noise, steps)
    predicted = unet(noisy, steps, encoder_hidden_states=context, class_labels=time).sample
    errors = (predicted.float() - noise).square().mean(dim=(1, 2, 3))  # (batch,)
    weights = (1 / scheduler.alphas_cumprod.to(steps.device)[steps]).clamp(max=largest_weight)
    return (weights * errors).mean()


def train_label_ldm(
    unet: UNet2DConditionModel,
    context: PictureContext,
    scheduler: PNDMScheduler,
    draw: Callable[[int, Generator], tuple[Tensor, Tensor]],
    held_out: tuple[Tensor, Tensor],
    plan: Plan,
    *,
    batch: int = 32,
    largest_weight: float = 1.0,
    precision: torch.dtype = torch.bfloat16,
) -> None:
    """Train U-Net and context together; both end as the moving average of their weights.

    What `requires_grad` is False for stays as it is.

    Parameters
    ----------
    draw : callable
        (number, generator) → latents (number, channels, h, w), labels (number,).
    held_out : (Tensor, Tensor)
        Latents and labels for the validation.
    largest_weight : float
        See `noise_loss`.
    """
    device = unet.device
    networks = nn.ModuleList([unet, context])
    average = WeightAverage(networks)
    trained = [p for p in networks.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=0.0, betas=(0.9, 0.99), weight_decay=0.01)

    def batch_loss(latents: Tensor, labels: Tensor, generator: Generator) -> Tensor:
        layout = degrade(context.layout(latents), generator)
        with torch.autocast(device.type, precision):
            label = weaken(context.labels(labels.to(device)), generator)
            tokens, time = context(label, layout.to(device))
            return noise_loss(
                unet, scheduler, latents.to(device), tokens, time, generator, largest_weight
            )

    def loss(step: int, generator: Generator) -> dict[str, Tensor]:
        return {"loss": batch_loss(*draw(batch, generator), generator)}

    @torch.no_grad()
    def validate(step: int) -> dict[str, float]:
        average.swap()
        value = float(batch_loss(*held_out, Generator().manual_seed(0)))
        average.swap()
        return {"loss": value}

    def after_step(step: int, generator: Generator) -> None:
        average.update()

    parts: dict[str, Stateful] = {"networks": networks, "average": average}
    train(loss, optimiser, parts, plan, after_step=after_step, validate=validate)
    average.swap()
