"""The samples of the chosen trial that are shown: of its decode that runs, or of the newest one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mindvis_gui.decoding.request import DecodeRequest, Sample
from mindvis_gui.session.collection import Drawn
from mindvis_gui.session.options import Options

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session


def running_decode(session: Session) -> DecodeRequest | None:
    """Return the decode of the chosen trial that runs; its samples are shown as they come."""
    trial, together = session.trial, session.queue.together
    return next((each for each in together if trial and each.trial == trial.index), None)


def decode_waits(session: Session) -> bool:
    """Whether a decode of the chosen trial waits for its turn."""
    trial = session.trial
    return any(trial and each.request.trial == trial.index for each in session.queue.waiting)


def shown_sample(session: Session, seed: int | None) -> Drawn | None:
    """Return the finished sample of a seed; None while there is none, and for no seed."""
    queue, result, request = session.queue, session.results.result, running_decode(session)
    samples: Sequence[Sample] = ()
    if request is not None:
        samples = queue.samples if request is queue.running else ()
    elif result is not None:
        request, samples = result.request, result.samples
    image = next((each.image for each in samples if each.seed == seed), None)
    if request is None or image is None or seed is None:
        return None
    values = request.to_json()
    return Drawn(Options.of(values, seed), values, image)
