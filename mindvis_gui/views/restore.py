"""From a sample's file back to what it was decoded with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mindvis_gui.data.focus import Focus
from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.region_shapes import voxels_hash
from mindvis_gui.data.subject import Subject, read_only
from mindvis_gui.decoding.request import Sampling
from mindvis_gui.errors import DataError, RequestError
from mindvis_gui.session import Session


def restore_request(session: Session, request: Mapping[str, Any]) -> None:
    """Choose trial, regions, mask, sampling and seed as an exported sample says.

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
        sampling = Sampling(request["sampler"], request["steps"], request["precision"])
        trial, seed = int(request["trial"]), int(request["seed"])
        used = _used_rois(subject, request["rois"], dict(request.get("made_rois", {})))
        mask = None if request["mask"] is None else _mask(request["mask"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"the request in this sample is incomplete: {error!r}") from error
    session.set_trial(trial)
    session.set_used_rois(used)
    session.set_sampling(sampling)
    session.set_seeds(seed, 1)
    session.masking.set_applied(mask is not None)
    if mask is not None and session.masking.mask is not None:
        if mask.n_patches != session.masking.mask.n_patches:
            raise DataError(
                f"the mask of this sample has {mask.n_patches} patches, not "
                f"{session.masking.mask.n_patches}; load the model it was decoded with"
            )
        session.masking.set_mask(mask)


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


def _mask(values: Mapping[str, Any]) -> MaskState:
    kept = np.ones(int(values["n_patches"]), dtype=np.bool_)
    kept[list(values["masked"])] = False
    focus = values.get("focus")
    return MaskState(
        read_only(kept),
        values["seed"],
        None if focus is None else Focus(tuple(focus["patches"]), focus["rate"]),
    )
