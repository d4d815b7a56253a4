"""The values that an axis of the grid has in a session: its own, or those that were typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.sampling_settings import SAMPLERS
from mindvis_gui.errors import RequestError
from mindvis_gui.session.axes import NONE, Axis, read_axis

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session

_STEPS = (10, 20, 50)
_SCALES = (1.0, 1.5, 2.0, 3.0)
_RATIOS = (0.0, 0.25, 0.5, 0.75, 0.9)


def own_values(session: Session, option: str, trials: Sequence[int]) -> tuple[Any, ...]:
    """Return the values of an option for which none were typed; `trials` where some were chosen."""
    subject = session.subject
    match option:
        case "trial":
            if trials or subject is None:
                return tuple(trials)
            tests = tuple(each.index for each in subject.trials if each.split == "test")
            return tests or tuple(each.index for each in subject.trials)
        case "seed":
            return tuple(range(session.first_seed, session.first_seed + session.n_samples))
        case "steps":
            return _STEPS
        case "sampler":
            return tuple(SAMPLERS)
        case "guidance":
            return _SCALES
        case "mask":
            return _RATIOS
        case "roi":
            return (NONE, *own_rois(subject))
    return (session.decoder.info.name,) if session.decoder else ()


def typed_axis(subject: Subject | None, option: str, text: str) -> Axis:
    """Read the values of an axis as they were typed; models are looked for later, by name.

    Raises
    ------
    RequestError
        If a value makes no sense, or `subject` has no such trial.
    """
    if option == "model":
        names = [word.strip() for word in text.split(",") if word.strip()]
        return Axis(option, tuple(dict.fromkeys(names)))
    axis = read_axis(option, text, own_rois(subject))
    if option == "trial" and subject is not None and max(axis.values) >= len(subject.trials):
        raise RequestError(
            f"trial {max(axis.values)} does not exist; the last is {len(subject.trials) - 1}"
        )
    return axis


def own_rois(subject: Subject | None) -> tuple[str, ...]:
    """Return the regions that can be left out: those that were made lie inside the others."""
    return () if subject is None else tuple(roi.name for roi in subject.rois if not roi.made)
