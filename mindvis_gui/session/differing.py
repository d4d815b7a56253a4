"""What tells samples that are shown from those that a decode would draw now, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.region_shapes import made_hashes
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sampling_settings import NO_GUIDANCE, SAMPLERS, Sampling
from mindvis_gui.wording import seeds_text

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session


def differences(session: Session, request: DecodeRequest) -> tuple[str, ...]:
    """Return how `request` was decoded otherwise than is set now; empty if all is the same.

    Trial and steps of preparation are not compared: another one shows other results.
    """
    return tuple(
        filter(
            None,
            (
                _model(session, request),
                _mask(session, request.mask),
                _regions(session, request),
                "with a lesion" if request.lesion is not None else "",
                _seeds(session, request.seeds),
                *_sampling(session, request.sampling),
            ),
        )
    )


def _model(session: Session, request: DecodeRequest) -> str:
    decoder = session.decoder
    other = decoder is not None and decoder.info.hash != request.model_hash
    return f"by model {request.model}" if other else ""


def _mask(session: Session, mask: MaskState | None) -> str:
    now = session.masking.mask if session.masking.applied else None
    if mask is None:
        return "" if now is None else "without a mask"
    if now is not None and np.array_equal(now.kept, mask.kept):
        return ""
    masked = f"{mask.ratio:.0%}".replace("%", " %") + " masked"
    alike = now is not None and f"{now.ratio:.0%}" == f"{mask.ratio:.0%}"
    return f"with other patches masked ({masked})" if alike else f"with {masked}"


def _regions(session: Session, request: DecodeRequest) -> str:
    subject, rois = session.subject, request.rois
    now = session.request_rois
    if subject is None or (rois, request.made_rois) == (now, made_hashes(subject.rois, now)):
        return ""
    if rois is None:
        return "with all regions"
    unused = [roi.name for roi in subject.rois if not roi.made and roi.name not in rois]
    if len(unused) == 1 and not request.made_rois:
        return f"without {unused[0]}"
    return f"with {rois[0]} alone" if len(rois) == 1 else f"with {len(rois)} regions"


def _seeds(session: Session, seeds: tuple[int, ...]) -> str:
    if seeds == tuple(range(session.first_seed, session.first_seed + session.n_samples)):
        return ""
    return f"with {seeds_text(seeds)}"


def _sampling(session: Session, sampling: Sampling) -> list[str]:
    decoder = session.decoder
    if decoder is None:  # what is left to the model is as it was
        asked = sampling.precision, NO_GUIDANCE if sampling.guidance is None else sampling.guidance
    else:
        asked = decoder.info.precision, decoder.info.guidance
    now, sampling = session.sampling.resolved(*asked), sampling.resolved(*asked)
    found = []
    if (sampling.sampler, sampling.steps) != (now.sampler, now.steps):
        found.append(f"with {SAMPLERS[sampling.sampler]} in {sampling.steps} steps")
    if sampling.guidance != now.guidance:
        found.append(f"with guidance {sampling.guidance:g}")
    if sampling.precision != now.precision:
        found.append(f"in {sampling.precision}")
    return found
