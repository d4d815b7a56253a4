"""A subject's training trials as tensors: responses, and latents of what was seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import VQModel
from torch import Generator, Tensor

from mindvis_gui.data.prepare import Normalisation, Padding, pad_to_patches
from mindvis_gui.data.subject import ImageArray, Subject, Trial
from mindvis_gui.errors import DataError
from mindvis_gui.training.augmentation import CROP, cropped, draw_corners, resized_pictures

VALIDATION = 0.1  # share of the training trials
_BATCH = 32  # pictures encoded at a time


@dataclass(frozen=True, eq=False, slots=True)
class TrialSet:
    """Trials with the latents of what was seen.

    Attributes
    ----------
    responses : Tensor, shape (n, n_padded), normalised and padded
    latents : Tensor, shape (n, versions, channels, h, w)
        Latents of each trial's picture, before the codebook, in slightly different versions.
    concepts : Tensor, shape (n,) int
        Which thing was shown.
    """

    responses: Tensor
    latents: Tensor
    concepts: Tensor

    def __len__(self) -> int:
        return len(self.responses)

    def rows(self, chosen: Tensor) -> TrialSet:
        """Return the trials at `chosen` (m,)."""
        return TrialSet(self.responses[chosen], self.latents[chosen], self.concepts[chosen])


def training_trials(subject: Subject) -> list[Trial]:
    """Return the trials of the training split.

    Raises
    ------
    DataError
        If the subject has none.
    """
    trials = [trial for trial in subject.trials if trial.split == "train"]
    if not trials:
        raise DataError(
            f"{subject.name}: no trial is marked as training, so nothing can be learned"
        )
    return trials


def read_responses(
    subject: Subject,
    trials: Sequence[Trial],
    normalisation: Normalisation,
    patch_size: int,
    padding: Padding = "wrap",
) -> Tensor:
    """Return normalised and padded responses (n, n_padded)."""
    responses = normalisation.apply(subject.responses([trial.index for trial in trials]))
    return torch.from_numpy(pad_to_patches(responses, patch_size, padding))


def read_pictures(
    subject: Subject,
    trials: Sequence[Trial],
    size: int,
    *,
    antialias: bool = False,
    seen: Callable[[ImageArray], object] | None = None,
) -> Tensor:
    """Return what was seen (n, 3, size, size), from -1 to 1.

    Parameters
    ----------
    antialias : bool
        See `resized_pictures`; the default is the published one.
    seen : callable, optional
        Takes each picture as the file has it, such as for a digest.

    Raises
    ------
    DataError
        If the file has no picture for a trial.
    """
    resized = []
    for trial in trials:
        picture = _seen(subject, trial)
        if seen is not None:
            seen(picture)
        resized.append(resized_pictures(as_tensor(picture)[None], size, antialias=antialias))
    return torch.cat(resized)


def as_tensor(picture: ImageArray) -> Tensor:
    """Return a picture (h, w, 3) of 0 to 255 as (3, h, w) from -1 to 1."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255 * 2 - 1


@torch.no_grad()
def encode(vqvae: VQModel, pictures: Tensor, batch: int = _BATCH) -> Tensor:
    """Return latents (n, channels, h, w) of pictures (n, 3, H, W), before the codebook."""
    parts = [vqvae.encode(part.to(vqvae.device)).latents for part in torch.split(pictures, batch)]
    return torch.cat(parts).cpu()


@dataclass(frozen=True, eq=False, slots=True)
class TrialReader:
    """Reads trials of a subject as one encoder and one first stage take them.

    Attributes
    ----------
    subject : Subject
    normalisation : Normalisation
        Of the responses.
    vqvae : VQModel
        Encodes what was seen.
    size : int
        Height and width of the pictures that it encodes, pixels.
    patch_size : int
        Voxels a patch.
    padding : {"wrap", "constant", "cut"}
        How responses are brought to whole patches.
    """

    subject: Subject
    normalisation: Normalisation
    vqvae: VQModel
    size: int
    patch_size: int
    padding: Padding = "wrap"

    def read(
        self,
        trials: Sequence[Trial],
        *,
        crops: int = 0,
        crop: float = CROP,
        seed: int = 0,
        seen: Callable[[ImageArray], object] | None = None,
    ) -> TrialSet:
        """Return responses, and latents of what was seen.

        Parameters
        ----------
        trials : sequence of Trial
        crops : int
            Random crops of each picture, encoded once, after the whole one. The published code
            crops anew at each step instead, half of the pictures.
        crop : float
            See `random_crops`.
        seed : int
            Of the crops.
        seen : callable, optional
            See `read_pictures`.

        Raises
        ------
        DataError
            If the file has no picture for a trial.
        """
        subject = self.subject
        for trial in trials:  # before an hour of encoding
            if not trial.stimulus_id:
                raise _no_picture(subject, trial)
        labels = sorted({trial.label for trial in trials})
        return TrialSet(
            read_responses(subject, trials, self.normalisation, self.patch_size, self.padding),
            self._latents(trials, crops, crop, seed, seen),
            torch.tensor([labels.index(trial.label) for trial in trials]),
        )

    def _latents(
        self,
        trials: Sequence[Trial],
        crops: int,
        crop: float,
        seed: int,
        seen: Callable[[ImageArray], object] | None,
    ) -> Tensor:
        """Return latents (n, 1 + crops, channels, h, w): of whole pictures, then of their crops."""
        generator = Generator().manual_seed(seed)
        # All are drawn ahead, so that a picture need only be there while its own crops are encoded.
        corners = [
            draw_corners(len(trials), self.size, generator, crop=crop, probability=1.0)
            for _ in range(crops)
        ]
        latents = torch.empty(0)
        for first in range(0, len(trials), _BATCH):
            block = slice(first, first + _BATCH)
            pictures = read_pictures(self.subject, trials[block], self.size, seen=seen)
            versions = [encode(self.vqvae, pictures)] + [
                encode(self.vqvae, cropped(pictures, drawn[block], self.size, crop=crop))
                for drawn in corners
            ]
            encoded = torch.stack(versions, dim=1)
            if not first:
                latents = encoded.new_empty(len(trials), *encoded.shape[1:])
            latents[block] = encoded
        return latents


def held_back(
    n: int, seed: int, share: float = VALIDATION, *, most: int | None = None
) -> tuple[Tensor, Tensor]:
    """Split trials 0 … n - 1 at random: a share for the validation, at least one, and the rest.

    Parameters
    ----------
    most : int, optional
        No more than so many are held back.

    Raises
    ------
    DataError
        If there are too few.
    """
    if n < 2:
        raise DataError("one training trial cannot be split; add more trials")
    order = torch.randperm(n, generator=Generator().manual_seed(seed))
    n_held = min(max(1, int(n * share)), n - 1, n if most is None else most)
    return order[:n_held], order[n_held:]


def _seen(subject: Subject, trial: Trial) -> ImageArray:
    picture = subject.stimulus(trial)
    if picture is None:
        raise _no_picture(subject, trial)
    return picture


def _no_picture(subject: Subject, trial: Trial) -> DataError:
    name = trial.label or trial.stimulus_id
    what = f"trial {trial.index} ({name})" if name else f"trial {trial.index}"
    return DataError(
        f"{subject.name}: {what} has no picture; fine-tuning needs one for each training trial: "
        "import the subject anew with --stimuli, or without such trials (--filter stimulus!= for "
        "those of no stimulus)"
    )
