"""What a decode is asked: the choices of the session as one request, or what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mindvis_gui.data.region_shapes import made_hashes
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.request import Decoder, DecodeRequest
from mindvis_gui.errors import ModelError, RequestError

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session


def misfit(decoder: Decoder | None, subject: Subject | None) -> str:
    """Return why a model cannot decode a subject; empty if it can, or one of them is missing."""
    if decoder is None or subject is None or decoder.info.fits(subject.n_voxels):
        return ""
    return decoder.info.misfit(subject.name, subject.n_voxels)


def no_model(session: Session) -> str:
    """Return what to do about it that there is no model."""
    if session.loading.name:
        return f"model {session.loading.name} is being loaded; decode once it is there"
    return "no model is loaded; choose one in the toolbar"


def request_of(session: Session) -> DecodeRequest:
    """Return what a decode would be asked now.

    Raises
    ------
    RequestError, ModelError
        If something is missing; the message says what to do.
    """
    subject, trial, vector = session.subject, session.trial, session.vector
    if subject is None or trial is None:
        raise RequestError("no trial is chosen; open a subject and pick one")
    if session.decoder is None:
        raise ModelError(no_model(session))
    if complaint := misfit(session.decoder, subject):
        raise ModelError(complaint)
    if session.normalisation is None:
        raise RequestError(
            session.unmeasured or "the responses are being measured; decode once that is done"
        )
    if session.response_awaited:
        raise RequestError("the response is being read; decode once that is done")
    if vector is None:
        raise RequestError(f"trial {trial.index} has no usable response; pick another")
    info, rois = session.decoder.info, session.request_rois
    mask = session.masking.mask if session.masking.applied else None
    request = DecodeRequest(
        subject=subject.name,
        trial=trial.index,
        vector=vector,
        seeds=tuple(range(session.first_seed, session.first_seed + session.n_samples)),
        sampling=session.sampling.resolved(info.precision, info.guidance),
        model=info.name,
        model_hash=info.hash,
        rois=rois,
        made_rois=made_hashes(subject.rois, rois),
        mask=mask,
        stimulus_id=trial.stimulus_id,
        label=trial.label,
        preparation=session.preparation.steps,
    )
    request.encoder_input(info.patch_size)  # before it waits in a queue, refuses what hides all
    return request
