"""From a sample, a decode or a figure back to what it was decoded with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer

from mindvis_gui.data.mask import mask_from_json
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.region_shapes import voxels_hash
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import DataError, RequestError

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session


def restore_request(session: Session, request: Mapping[str, Any]) -> None:
    """Choose trial, regions, mask, sampling and seeds as an exported sample or a decode says.

    Raises
    ------
    RequestError
        If the sample belongs to another subject than the one that is open.
    DataError
        If the request is incomplete or does not fit the subject.
    """
    subject = session.subject
    if subject is None or subject.name != request.get("subject"):
        raise RequestError(
            f"this sample was decoded from {request.get('subject')}; open that subject first"
        )
    if request.get("lesion") is not None:
        raise RequestError(
            f"this sample was decoded without {request['lesion']['name']}; "
            "decode it again in the panel Lesion"
        )
    try:
        sampling = Sampling.from_json(request)
        seeds = request["seeds"] if "seeds" in request else [request["seed"]]
        trial, seed, count = int(request["trial"]), int(min(seeds)), len(seeds)
        used = _used_rois(subject, request["rois"], dict(request.get("made_rois", {})))
        mask = mask_from_json(request["mask"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"the request in this sample is incomplete: {error!r}") from error
    session.set_trial(trial)
    session.set_used_rois(used)
    session.set_sampling(sampling)
    session.set_seeds(seed, count)
    session.masking.set_applied(mask is not None)
    if mask is not None and session.masking.mask is not None:
        if mask.n_patches != session.masking.mask.n_patches:
            raise DataError(
                f"the mask of this sample has {mask.n_patches} patches, not "
                f"{session.masking.mask.n_patches}; load the model it was decoded with"
            )
        session.masking.set_mask(mask)


def with_preparation(
    session: Session, request: Mapping[str, Any], then: Callable[[], None]
) -> None:
    """Call `then` once the steps of preparation of a request are done to the open subject.

    If they are impossible, `Session.problem` says why and it is not called.

    Raises
    ------
    RequestError
        If the request names steps that there are not.
    """
    known = request.get("preparation")
    steps = session.preparation.steps if known is None else Preparation.from_json(known)
    if steps == session.preparation.steps:
        then()
        return

    def go_on() -> None:  # the subject's first trial is chosen after this
        if session.preparation.steps == steps:
            QTimer.singleShot(0, session, then)

    session.subject_changed.connect(go_on, Qt.ConnectionType.SingleShotConnection)
    session.preparation.set_steps(steps)


def _used_rois(
    subject: Subject, names: list[str] | None, made: Mapping[str, str]
) -> frozenset[str]:
    """Return the regions of a request; those that were made are known by their voxels."""
    if names is None:
        return frozenset(roi.name for roi in subject.rois if not roi.made)
    known = {voxels_hash(roi.voxels): roi.name for roi in subject.rois if roi.made}
    used = set()
    for name in names:
        if name not in made:
            used.add(subject.roi(name).name)
        elif made[name] in known:
            used.add(known[made[name]])
        else:
            raise RequestError(
                f"this sample was decoded from the region '{name}', which was made by hand and is "
                "not here with the same voxels; load its label image first"
            )
    return frozenset(used)
