"""Requests that are the same for many trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mindvis_gui.data.lesion import Lesion
from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.prepare import Normalisation, prepare
from mindvis_gui.data.subject import Subject, Trial
from mindvis_gui.decoding.request import DecodeRequest, ModelInfo
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import ModelError


def plan_of(
    subject: Subject,
    info: ModelInfo,
    sampling: Sampling,
    seeds: Sequence[int],
    *,
    preparation: Preparation,
    rois: tuple[str, ...] | None = None,
    mask: MaskState | None = None,
    lesion: Lesion | None = None,
) -> DecodeRequest:
    """Return a request without its trial, what the model decides filled in.

    Parameters
    ----------
    sampling : Sampling
        As it was asked for.
    preparation, rois, mask, lesion
        As in `DecodeRequest`.

    Raises
    ------
    ModelError
        If the model does not fit the subject.
    """
    if not info.fits(subject.n_voxels):
        raise ModelError(info.misfit(subject.name, subject.n_voxels))
    return DecodeRequest(
        subject=subject.name,
        trial=0,
        vector=np.zeros(subject.n_voxels, dtype=np.float32),
        seeds=tuple(seeds),
        sampling=sampling.resolved(info.precision, info.guidance),
        model=info.name,
        model_hash=info.hash,
        preparation=preparation,
        rois=rois,
        mask=mask,
        lesion=lesion,
    )


def for_trial(
    plan: DecodeRequest, subject: Subject, trial: Trial, normalisation: Normalisation
) -> DecodeRequest:
    """Return the request of a trial.

    Raises
    ------
    MindVisError
        If the trial has no response that can be decoded.
    """
    return replace(
        plan,
        trial=trial.index,
        vector=prepare(subject, trial, normalisation, plan.rois),
        stimulus_id=trial.stimulus_id,
        label=trial.label,
    )
