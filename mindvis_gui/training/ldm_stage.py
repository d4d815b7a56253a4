"""``mindvis train ldm``: stage B, from a subject on disk to a model folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from mindvis_gui.data.prepare import Normalisation, measure_normalisation
from mindvis_gui.data.subject import ImageArray, Subject
from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.networks import time_width
from mindvis_gui.decoding.pipeline import MindVisPipeline
from mindvis_gui.errors import RequestError
from mindvis_gui.training.base import Base, read_base
from mindvis_gui.training.card import write_card
from mindvis_gui.training.dcldm import DoubleConditioned, encoder_of, train_dcldm
from mindvis_gui.training.fitting import oblong
from mindvis_gui.training.known_pictures import copies_of, known_test_pictures, save_known
from mindvis_gui.training.masked_stages import for_subject, load_masked_model, the_subject
from mindvis_gui.training.plots import picture_grid
from mindvis_gui.training.run import Run
from mindvis_gui.training.samples import decoded, sampled
from mindvis_gui.training.selection import pictures_on_both_sides, split_for_selection, test_use
from mindvis_gui.training.settings import LdmSettings, MbmSettings
from mindvis_gui.training.trials import TrialReader, TrialSet

_SHOWN, _SEEDS = 6, (0, 1, 2)  # trials and samples of a plot
_OF_ENCODER = ("padding", "patch_size", "width", "depth", "heads")


def fine_tune(sources: Sequence[str], settings: LdmSettings, run: Run) -> None:
    """Stage B: fine-tune a diffusion model on the subject's trials with pictures.

    Raises
    ------
    RequestError
        If settings contradict each other.
    """
    if not (settings.cross_attention or settings.time_condition):
        raise RequestError("without cross-attention and time condition nothing is conditioned")
    subject = the_subject(sources)
    fitted, held = split_for_selection(
        subject, settings.selection, settings.seed, settings.validation
    )
    base = read_base(settings.base, settings.image_size)
    run.seed()
    encoder, masked_model = _encoder(settings, subject, run)
    settings = _as_built(settings, encoder, base)
    base_knows = known_test_pictures(subject, base.known, base.image_size)
    # What a base says of its own base's pictures, it has just been found to know.
    base = replace(base, test_use=tuple(each for each in base.test_use if each != base_knows))
    for each in _uses_of_the_test(settings, subject, base, base_knows):
        run.say(f"{each}; the model will say so")
    normalisation = measure_normalisation(subject)
    base.vqvae.to(run.accelerator.device)
    reader = TrialReader(
        subject,
        normalisation,
        base.vqvae,
        base.image_size,
        encoder.config.patch_size,
        encoder.config.padding,
    )
    seen = _SeenPictures(base.image_size)
    trials = reader.read(
        fitted, crops=settings.crops, crop=settings.crop, seed=settings.seed, seen=seen.take_learned
    )
    held_out = reader.read(held, seen=seen.take)
    if said := oblong(seen.shapes):
        run.say(
            f"{said}: they are squeezed into squares; vq and label-ldm take the middle square of "
            "theirs unless '--fit squeeze' has them alike"
        )
    if settings.gradient_checkpointing:
        base.unet.enable_gradient_checkpointing()
    network = DoubleConditioned(encoder, _conditioner(settings, encoder, base), base.unet)
    plan = run.plan(
        _constant_rate(settings.rate, settings.warmup),
        [str(subject.source)],
        *(trials.responses, held_out.responses),
        seen.digest.digest(),
        *base.vqvae.state_dict().values(),  # not latents: these depend on the machine
        settings=settings,
    )
    train_dcldm(
        network.to(run.accelerator.device),
        base.scheduler,
        trials,
        held_out,
        settings,
        plan,
        illustrate=_sample_grid(network, base, held_out),
    )
    pipeline = _pipeline(network, base, masked_model, subject, normalisation, settings, base_knows)

    def save(folder: Path) -> None:
        pipeline.save_pretrained(folder)
        save_known(folder, base.known, *seen.copies)
        write_card(folder, pipeline.config, subject, settings, plan.steps)

    run.publish(save)


class _SeenPictures:
    """What is kept of pictures of `size` × `size` pixels while they are read, one at a time.

    Attributes
    ----------
    digest : hashlib object
        SHA-256 of all, in the order that they came.
    shapes : list of tuple of int
        Of those that are learned from, as the file has them.
    copies : list of Tensor
        Of those that are learned from, as `copies_of` makes them.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.digest = hashlib.sha256()
        self.shapes: list[tuple[int, ...]] = []
        self.copies: list[Tensor] = []

    def take(self, picture: ImageArray) -> None:
        """Take one (h, w, 3) that the validation looks at."""
        self.digest.update(picture.tobytes())

    def take_learned(self, picture: ImageArray) -> None:
        """Take one (h, w, 3) that is learned from."""
        self.take(picture)
        self.shapes.append(picture.shape)
        self.copies.append(copies_of(picture, self._size))


def _uses_of_the_test(
    settings: LdmSettings, subject: Subject, base: Base, base_knows: str
) -> Iterator[str]:
    if settings.selection == "test":
        yield "the weights are chosen on the test trials, as published"
    if shared := pictures_on_both_sides(subject):
        yield shared
    if base_knows:
        yield base_knows
    for said in base.test_use:
        yield f"the base says: {said}"


def _encoder(
    settings: LdmSettings, subject: Subject, run: Run
) -> tuple[FmriEncoder, MaskedBrainModel | None]:
    if not settings.pretraining:
        run.say("the encoder starts from random weights: no pre-training")
        asked = {name: getattr(settings, name) for name in _OF_ENCODER}
        sizes = {
            name: getattr(MbmSettings, name) if value is None else value
            for name, value in asked.items()
        }
        try:
            encoder = FmriEncoder(subject.n_voxels, **sizes, global_pool=settings.global_pool)
        except (ValueError, RuntimeError) as error:  # too large ones are of the latter kind
            raise RequestError(f"no encoder has these sizes: {error}") from error
        return encoder, None
    masked_model, note = for_subject(load_masked_model(settings.masked_model), subject)
    run.say(note)
    encoder = encoder_of(
        masked_model, global_pool=settings.global_pool, fresh_norms=settings.fresh_norms
    )
    return encoder, masked_model


def _as_built(settings: LdmSettings, encoder: FmriEncoder, base: Base) -> LdmSettings:
    """Return the settings with the sizes that encoder and base brought along.

    Raises
    ------
    RequestError
        If others were asked for: nothing would come of them.
    """
    sizes = {name: (encoder.config[name], "masked model") for name in _OF_ENCODER}
    sizes["image_size"] = (base.image_size, "base")
    for name, (here, whose) in sizes.items():
        asked = getattr(settings, name)
        if asked not in (here, None):
            without = " or take --no-pretraining" if name in _OF_ENCODER else ""
            raise RequestError(
                f"{name}: {asked} was asked for, but the {whose} has {here}; leave it out{without}"
            )
    return replace(settings, **{name: here for name, (here, _) in sizes.items()})


def _conditioner(settings: LdmSettings, encoder: FmriEncoder, base: Base) -> Conditioner:
    return Conditioner(
        encoder.n_tokens,
        encoder.config.width,
        base.unet.config.cross_attention_dim,
        time_width(base.unet),
        1 if settings.global_pool else settings.context_tokens,
        time_condition=settings.time_condition,
        global_pool=settings.global_pool,
        cross_attention=settings.cross_attention,
    )


def _sample_grid(
    network: DoubleConditioned, base: Base, held_out: TrialSet
) -> Callable[[int], ImageArray]:
    """Return what draws the first held-out pictures over samples from their responses."""
    responses, latents = held_out.responses[:_SHOWN], held_out.latents[:_SHOWN, 0]

    @torch.no_grad()
    def draw(step: int) -> ImageArray:
        condition = network.conditioner(network.encoder(responses.to(network.unet.device)))
        rows: list[Tensor] = [decoded(base.vqvae, latents)]
        for seed in _SEEDS:
            rows.append(sampled(network.unet, base.vqvae, base.scheduler, condition, seed))
        return picture_grid(rows)

    return draw


def _pipeline(
    network: DoubleConditioned,
    base: Base,
    masked_model: MaskedBrainModel | None,
    subject: Subject,
    normalisation: Normalisation,
    settings: LdmSettings,
    base_knows: str,
) -> MindVisPipeline:
    saw_test = masked_model is not None and bool(masked_model.config.saw_test_fmri)
    return MindVisPipeline(
        network.encoder,
        network.conditioner,
        network.unet,
        base.vqvae,
        base.scheduler,
        masked_model,
        n_voxels=subject.n_voxels,
        image_size=base.image_size,
        dataset=subject.display_name,
        latent_rgb=base.latent_rgb,
        normalisation={
            "mean": normalisation.mean,
            "std": normalisation.std,
            "basis": normalisation.basis,
        },
        test_use=test_use(
            saw_test_fmri=saw_test,
            selection=settings.selection,
            saw_test_pictures=bool(pictures_on_both_sides(subject)),
            base_knows=base_knows,
            of_base=base.test_use,
        )
        or None,
    )


def _constant_rate(peak: float, warmup: float) -> Callable[[int], Callable[[int], float]]:
    """Learning rate that rises over a share `warmup` of the steps and stays."""

    def of(steps: int) -> Callable[[int], float]:
        rising = max(1, round(warmup * steps))
        return lambda step: peak * (min(1.0, (step + 1) / rising) if warmup else 1.0)

    return of
