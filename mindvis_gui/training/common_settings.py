"""How a setting of training is declared and checked, and those that every stage has.

Nothing here needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from mindvis_gui.decoding.sampling_settings import DEVICES, PRECISIONS
from mindvis_gui.errors import RequestError

_LARGEST_SEED = 2**63 - 1  # that torch takes


def setting(
    default: Any,
    meaning: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    changes_numbers: bool = True,
) -> Any:
    """Declare one setting: what it means, what is allowed, and whether results depend on it."""
    metadata = {
        "meaning": meaning,
        "low": low,
        "high": high,
        "choices": choices,
        "changes_numbers": changes_numbers,
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every stage has; a stage adds its own and presets."""

    STAGE: ClassVar[str]
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]]

    epochs: float = setting(100.0, "times that each sample is seen", low=0.0)
    batch: int = setting(32, "samples at a time on each process", low=1, changes_numbers=False)
    rate: float = setting(1e-4, "learning rate at its highest", low=0.0)
    warmup: float = setting(0.0, "share of the updates in which the rate rises", low=0.0, high=0.99)
    clip: float = setting(1.0, "largest norm of the gradient", low=1e-9)
    weight_decay: float = setting(0.01, "weight decay of AdamW", low=0.0)
    steps: int = setting(0, "updates of the weights; 0 follows the epochs", low=0)
    accumulate: int = setting(
        1, "batches whose gradients make one update", low=1, changes_numbers=False
    )
    seed: int = setting(0, "of everything that is drawn at random", low=0, high=_LARGEST_SEED)
    validation: float = setting(
        0.1, "share of the training samples that is held back", low=0.0, high=0.9
    )
    precision: str = setting(
        "auto", "of the network's arithmetic; auto: what accelerate launch or the device says",
        choices=PRECISIONS, changes_numbers=False,
    )  # fmt: skip
    device: str = setting(
        "auto", "auto takes a GPU if there is one", choices=DEVICES, changes_numbers=False
    )
    log_every: int = setting(10, "updates between two rows of metrics", low=1)
    validate_every: int = setting(200, "updates between two validations", low=1)
    checkpoint_every: int = setting(
        200, "updates between two checkpoints", low=1, changes_numbers=False
    )
    picture_every: int = setting(
        500, "updates between two pictures of the progress; 0: none", low=0, changes_numbers=False
    )
    tensorboard: bool = setting(
        False, "write the metrics for TensorBoard too", changes_numbers=False
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            _check(each.name, getattr(self, each.name), each.metadata)

    def deciding(self) -> dict[str, Any]:
        """Return the settings that a checkpoint must agree on to be gone on from."""
        return {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.metadata["changes_numbers"]
        }


def own_default(name: str, default: Any) -> Any:
    """Declare a setting that every stage has, with a default of the stage's own."""
    return field(default=default, metadata=Settings.__dataclass_fields__[name].metadata)


def _check(name: str, value: Any, rule: Mapping[str, Any]) -> None:
    low, high, choices = rule["low"], rule["high"], rule["choices"]
    if value is None:  # not given
        return
    if choices and value not in choices:
        raise RequestError(f"{name}: '{value}' is none of {', '.join(choices)}")
    if value == () and low:  # levels may go without attention, but there must be some
        raise RequestError(f"{name}: holds no number; give one or more")
    for each in value if isinstance(value, tuple) else (value,):
        if isinstance(each, float) and not math.isfinite(each):
            raise RequestError(f"{name}: {each:g} is no finite number")
        if (low is not None and not each >= low) or (high is not None and not each <= high):
            bounds = f"{low:g} or more" if high is None else f"from {low:g} to {high:g}"
            raise RequestError(f"{name}: {each:g} is out of range; it must be {bounds}")
