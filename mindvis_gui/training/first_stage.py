"""The first stage: a VQ autoencoder of pictures, whose latents the diffusion model works on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from accelerate import Accelerator
from diffusers import VQModel
from torch import Generator, Tensor
from torch.nn import functional as F

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.errors import TrainingError
from mindvis_gui.training.loop import Batch, Plan, train
from mindvis_gui.training.plots import picture_grid

_SHOWN = 8  # pictures of a plot
_AT_A_TIME = 16  # pictures that are encoded or decoded
_BLOCK, _STEP = 2, 0.2  # of the errors that visibility is measured by: cells a side; size, in SD
_EDGE_SIZES = 3  # at which the edges of pictures are compared
_RESTART_UNTIL = 0.8  # of the steps
_STARTED_FROM = 60  # batches whose latents the codebook starts from
_ROUNDS = 8  # of k-means
_DEAD = 0.5  # running count of a code below which it is moved
_LEAST_SEEN = 1e-3  # of what is seen most: less is stretched as if it were this
Draw = Callable[[int, Generator], Tensor]  # number, generator → pictures (n, 3, h, w), -1 to 1


def picture_loss(made: Tensor, target: Tensor) -> Tensor:
    """Squared and absolute error of pictures (batch, 3, h, w) and of their edges at three sizes.

    The squared error of the colours without their lightness has a term of its own,
    or rare hues are never learned; the edges keep the outlines sharp.
    """
    loss = F.mse_loss(made, target) + F.l1_loss(made, target)
    error = F.avg_pool2d(made - target, 4)
    loss = loss + 3 * (error - error.mean(dim=1, keepdim=True)).square().mean()
    for scale in range(_EDGE_SIZES):
        if scale:
            made, target = F.avg_pool2d(made, 2), F.avg_pool2d(target, 2)
        loss = loss + 0.25 * sum(
            F.l1_loss(torch.diff(made, dim=axis), torch.diff(target, dim=axis)) for axis in (2, 3)
        )
    return loss


def train_first_stage(
    vqvae: VQModel,
    draw: Draw,
    held_out: Tensor,
    plan: Plan,
    *,
    batch: int,
    plain_steps: int,
    weight_decay: float = 1e-4,
) -> None:
    """Train the VQ autoencoder.

    The first `plain_steps` steps leave the latents as they are; then the codebook
    starts from k-means of the latents, and codes that go unused are moved onto
    latents of the present batch until four fifths of the steps are done.

    Parameters
    ----------
    draw : callable
        (number, generator) → pictures.
    held_out : Tensor, shape (n, 3, h, w)
        Pictures for the validation.
    plan : Plan
    batch : int
        Pictures at a time on each process. One term of the loss, on the independence of
        the channels, is measured on each batch alone, so that it depends on this number.
    plain_steps : int
        At least one.
    weight_decay : float
        Of AdamW.

    Raises
    ------
    TrainingError
        If the codebook has more codes than there are latents to start from; besides as `train`.
    """
    optimiser = torch.optim.AdamW(
        vqvae.parameters(), lr=0.0, betas=(0.9, 0.99), weight_decay=weight_decay
    )
    training = _Training(vqvae, draw, held_out, plan, batch, plain_steps)
    train(
        training.batch,
        training.loss,
        vqvae,
        optimiser,
        {"vqvae": vqvae, "codebook": training.care},
        plan,
        after_step=training.after_step,
        validate=training.validate,
        illustrate=training.illustrate,
    )


class _Training:
    """What `train` asks of the first stage; see `train_first_stage` for the parameters."""

    def __init__(
        self, vqvae: VQModel, draw: Draw, held_out: Tensor, plan: Plan, batch: int, plain_steps: int
    ) -> None:
        self._vqvae, self._draw, self._held_out, self._plan = vqvae, draw, held_out, plan
        self._at_a_time, self._whole = batch, plan.whole(batch)
        self._plain_steps = plain_steps
        self.care = _CodebookCare(vqvae, plan.accelerator)

    def batch(self, step: int, generator: Generator) -> Batch:
        """Draw pictures; ``plain`` says of each whether the codebook is left out."""
        plain = torch.tensor(step < self._plain_steps).expand(self._whole)
        return {"pictures": self._draw(self._whole, generator), "plain": plain}

    def loss(self, share: Batch) -> dict[str, Tensor]:
        """Return the loss of some pictures, and its terms."""
        vqvae = self._vqvae
        target = share["pictures"].to(vqvae.device)
        before = vqvae.quant_conv(vqvae.encoder(target)).float()
        if share["plain"][0]:
            # Data-parallel training waits for a gradient of every weight, the codebook's too.
            quantised, commitment = before, 0 * vqvae.quantize.embedding.weight.sum()
        else:
            with torch.autocast(vqvae.device.type, enabled=False):
                quantised, commitment, (_, _, codes) = vqvae.quantize(before)
            self.care.take(before.detach(), codes)
        made = vqvae.decoder(vqvae.post_quant_conv(quantised)).float()
        error = picture_loss(made, target)
        shared = correlation_penalty(before)
        return {
            "loss": error + commitment + 0.3 * shared,
            "picture": error,
            "commitment": commitment,
            "shared": shared,
        }

    def after_step(self, step: int, generator: Generator) -> None:
        """Start the codebook after the last plain step; take care of it after each later one."""
        if step + 1 == self._plain_steps:
            self.care.start(self._some_latents(generator), generator)
        elif step >= self._plain_steps:
            restart = step < _RESTART_UNTIL * self._plan.steps and step % 50 == 0
            self.care.after_step(generator, restart=restart)

    @torch.no_grad()
    def _some_latents(self, generator: Generator) -> Tensor:
        """Return latents (n, channels, h, w) of `_STARTED_FROM` batches."""
        vqvae = self._vqvae
        with self._plan.accelerator.autocast():
            drawn = [self._draw(self._whole, generator) for _ in range(_STARTED_FROM)]
            parts = torch.split(torch.cat(drawn), self._at_a_time)
            latents = [vqvae.encode(part.to(vqvae.device)).latents for part in parts]
        return torch.cat(latents).float()

    def validate(self, step: int) -> dict[str, float]:
        """Measure how well held-out pictures are made again."""
        return {
            "psnr": psnr(reconstruct(self._vqvae, self._held_out), self._held_out),
            "codes_in_use": float((self.care.used > _DEAD).sum()),
        }

    def illustrate(self, step: int) -> ImageArray:
        """Draw held-out pictures over what is made of them."""
        shown = self._held_out[:_SHOWN]
        return picture_grid([shown, reconstruct(self._vqvae, shown)])


class _CodebookCare:
    """How often each code was used lately, in all processes, and what is done about it."""

    def __init__(self, vqvae: VQModel, accelerator: Accelerator) -> None:
        self._vqvae, self._accelerator = vqvae, accelerator
        self.used = torch.zeros(vqvae.config.num_vq_embeddings)
        self._counts = torch.zeros_like(self.used)
        self._latents: list[Tensor] = []  # of this step

    def take(self, latents: Tensor, codes: Tensor) -> None:
        """Take in what one batch of this process used."""
        self._latents.append(latents)
        self._counts += torch.bincount(codes.flatten().cpu(), minlength=len(self.used))

    def start(self, latents: Tensor, generator: Generator) -> None:
        """Start the codebook from latents that are the same in all processes."""
        start_codebook(self._vqvae, latents, generator)
        self.used.fill_(1.0)

    def after_step(self, generator: Generator, *, restart: bool) -> None:
        """Count the codes of all processes; move the dead ones onto latents, if asked to."""
        counts = self._accelerator.reduce(self._counts.to(self._vqvae.device), "sum").cpu()
        self.used.mul_(0.99).add_(counts)
        self._counts.zero_()
        if restart:
            # Those of the whole batch, in its order: every process moves them alike.
            latents = self._accelerator.gather(torch.cat(self._latents).contiguous())
            restart_dead_codes(self._vqvae, latents, self.used, generator)
        self._latents.clear()

    def state_dict(self) -> dict[str, Any]:
        """Return the counts."""
        return {"used": self.used}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the counts."""
        self.used.copy_(state["used"])


def correlation_penalty(latents: Tensor) -> Tensor:
    """How far the channels of latents (n, channels, h, w) are from independent with variance 1.

    Without it channels end up as copies of each other, and colours go missing.
    """
    points = latents.permute(0, 2, 3, 1).flatten(0, 2)  # (points, channels)
    points = points - points.mean(dim=0)
    with torch.autocast(points.device.type, enabled=False):  # the sum exceeds the range of fp16
        covariance = points.T @ points / len(points)
    return (covariance - torch.eye(len(covariance), device=covariance.device)).square().mean()


def start_codebook(vqvae: VQModel, latents: Tensor, generator: Generator) -> None:
    """Set the codebook to k-means centres of latents (n, channels, h, w)."""
    points = latents.permute(0, 2, 3, 1).flatten(0, 2)  # (points, channels)
    codebook = vqvae.quantize.embedding.weight
    if len(points) < len(codebook):
        raise TrainingError(
            f"{len(codebook)} codes cannot start from {len(points)} latents; train with fewer codes"
        )
    centres = points[torch.randperm(len(points), generator=generator)[: len(codebook)]]
    for _ in range(_ROUNDS):
        nearest = _nearest(points, centres)
        count = torch.bincount(nearest, minlength=len(centres)).clamp(min=1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        # A centre without points stays where it is.
        centres = torch.where((sums != 0).any(dim=1, keepdim=True), sums / count[:, None], centres)
    with torch.no_grad():
        codebook.copy_(centres)


def restart_dead_codes(vqvae: VQModel, latents: Tensor, used: Tensor, generator: Generator) -> None:
    """Move codes whose running count in `used` (codes,) is below ½ onto present latents."""
    dead = (used < _DEAD).nonzero().flatten()
    points = latents.permute(0, 2, 3, 1).flatten(0, 2)
    chosen = torch.randint(len(points), (len(dead),), generator=generator)
    with torch.no_grad():
        vqvae.quantize.embedding.weight[dead] = points[chosen]
    used[dead] = 1.0


@torch.no_grad()
def standardise_latents(vqvae: VQModel, pictures: Tensor) -> None:
    """Turn and stretch the latents of `pictures` until errors of equal size are seen equally.

    They get mean 0 in each channel and overall variance 1, too. The autoencoder may keep what is
    hardly seen at full strength: the diffusion model, and a layout read from responses, would
    spend as much on that as on the colours. A change of coordinates of what comes before, in and
    after the codebook: without the codebook pictures stay the same; with it, the nearest code is
    now the one that looks nearest. The diffusion model needs no scaling factor.
    """
    latents = torch.cat([vqvae.encode(part).latents for part in torch.split(pictures, _AT_A_TIME)])
    mean = latents.mean(dim=(0, 2, 3))
    strengths, axes = torch.linalg.eigh(visibility(vqvae, latents))
    stretch = strengths.clamp(min=_LEAST_SEEN * strengths.max()).sqrt()
    centred = latents - mean[:, None, None]
    seen = torch.einsum("oi,nihw->nohw", (axes * stretch) @ axes.T, centred)
    stretch /= seen.square().mean().sqrt()
    there, back = (axes * stretch) @ axes.T, (axes / stretch) @ axes.T
    before, codes, after = vqvae.quant_conv, vqvae.quantize.embedding, vqvae.post_quant_conv
    before.weight.copy_(torch.einsum("oi,ichw->ochw", there, before.weight))
    before.bias.copy_(there @ (before.bias - mean))
    codes.weight.copy_((codes.weight - mean) @ there.T)
    after.bias += torch.einsum("oihw,i->o", after.weight, mean)
    after.weight.copy_(torch.einsum("ochw,ci->oihw", after.weight, back))


@torch.no_grad()
def visibility(vqvae: VQModel, latents: Tensor) -> Tensor:
    """Measure what errors of the channels do to pictures.

    Returns
    -------
    Tensor, shape (channels, channels)
        Mean products of the changes of all pixels, one latent channel against another, by errors
        of unit variance in blocks of 2 × 2 cells of `latents` (n, channels, h, w).
    """
    n, channels, height, width = latents.shape
    blocks = -(-height // _BLOCK), -(-width // _BLOCK)
    noise = torch.randn(n, 1, *blocks, generator=Generator().manual_seed(0)).to(latents.device)
    errors = F.interpolate(noise, scale_factor=_BLOCK)[..., :height, :width]
    size = _STEP * latents.std()
    products = latents.new_zeros(channels, channels)
    for part, error in zip(
        torch.split(latents, _AT_A_TIME), torch.split(errors, _AT_A_TIME), strict=True
    ):
        changes = []
        for channel in torch.eye(channels, device=latents.device):
            step = size * channel.view(1, -1, 1, 1) * error
            above, below = (
                vqvae.decode(part + change, force_not_quantize=True).sample
                for change in (step, -step)
            )
            changes.append((above - below).flatten() / (2 * size))
        stacked = torch.stack(changes)  # (channels, values)
        products += stacked @ stacked.T / stacked.shape[1] * (len(part) / n)
    return products


@torch.no_grad()
def reconstruct(vqvae: VQModel, pictures: Tensor) -> Tensor:
    """Encode, quantise and decode pictures (n, 3, h, w)."""
    parts = torch.split(pictures, _AT_A_TIME)
    return torch.cat([vqvae(part.to(vqvae.device)).sample.cpu() for part in parts])


def psnr(made: Tensor, target: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of pictures from -1 to 1, the mean over pictures."""
    errors = ((made - target) / 2).square().mean(dim=(1, 2, 3))
    return float((-10 / math.log(10) * errors.log()).mean())


def _nearest(points: Tensor, centres: Tensor) -> Tensor:
    parts = [torch.cdist(part, centres).argmin(dim=1) for part in torch.split(points, 8192)]
    return torch.cat(parts)
