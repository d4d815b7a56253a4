"""How samples are drawn: sampler, steps, precision, guidance, and the presets. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mindvis_gui.errors import RequestError

SAMPLERS = {
    "plms": "PLMS",
    "ddim": "DDIM",
    "dpm++": "DPM++ 2M",
    "dpm++karras": "DPM++ 2M Karras",
    "unipc": "UniPC",
}
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
DEVICES = ("auto", "cpu", "cuda")
TRAINING_STEPS = 1000  # length of the noise schedule (section 3.2)
NO_GUIDANCE, MOST_GUIDANCE = 1.0, 20.0


def check_guidance(scale: float) -> None:
    """Refuse a scale of guidance that makes no sense."""
    if not NO_GUIDANCE <= scale <= MOST_GUIDANCE:
        raise RequestError(
            f"guidance {scale:g} is not in the range {NO_GUIDANCE:g} (none) to {MOST_GUIDANCE:g}"
        )


@dataclass(frozen=True, slots=True)
class Sampling:
    """How samples are drawn.

    Attributes
    ----------
    sampler : str
        A key of `SAMPLERS`.
    steps : int
        Of the network.
    precision : str
        One of `PRECISIONS`; ``"auto"`` is what the model's device is fast at.
    guidance : float or None
        Scale of the guidance away from the mean response, see `mindvis_gui.decoding.guidance`:
        1 is none, None is what the model asks for.
    """

    sampler: str = "dpm++"
    steps: int = 10
    precision: str = "auto"
    guidance: float | None = None

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise RequestError(
                f"unknown sampler '{self.sampler}'; choose one of {', '.join(SAMPLERS)}"
            )
        if self.precision not in PRECISIONS:
            raise RequestError(
                f"unknown precision '{self.precision}'; choose one of {', '.join(PRECISIONS)}"
            )
        if not 1 <= self.steps < TRAINING_STEPS:
            raise RequestError(f"{self.steps} steps is not in the range 1 to {TRAINING_STEPS - 1}")
        if self.sampler == "plms" and TRAINING_STEPS % self.steps:
            raise RequestError(
                f"PLMS as published needs a number of steps that divides {TRAINING_STEPS}, "
                f"not {self.steps}; use for example 20, 50 or 250"
            )
        if self.guidance is not None:
            check_guidance(self.guidance)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Sampling:
        """Take it from values that `to_json` gave, others may stand among them.

        Raises
        ------
        KeyError, TypeError
            If one is missing or of another kind. What was written before there was guidance had
            none.
        RequestError
            If one makes no sense.
        """
        guidance = values.get("guidance", NO_GUIDANCE)
        return cls(
            values["sampler"],
            values["steps"],
            values["precision"],
            None if guidance is None else float(guidance),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready values."""
        return {
            "sampler": self.sampler,
            "steps": self.steps,
            "precision": self.precision,
            "guidance": self.guidance,
        }

    def resolved(self, precision: str, guidance: float) -> Sampling:
        """Return the same with what was left to the model replaced by what that asks for."""
        return replace(
            self,
            precision=precision if self.precision == "auto" else self.precision,
            guidance=guidance if self.guidance is None else self.guidance,
        )


PRESETS = {
    "fast": Sampling("dpm++", 10, "auto"),  # by the curve in docs/performance.md
    "paper": Sampling("plms", 250, "fp32", NO_GUIDANCE),
}


def sampling_text(values: Mapping[str, Any]) -> str:
    """Return in words how samples were drawn; `values` as a request's JSON has them."""
    sampler, guidance = values["sampler"], values.get("guidance", NO_GUIDANCE)
    parts = [SAMPLERS.get(sampler, sampler), f"{values['steps']} steps"]
    if guidance is not None and guidance != NO_GUIDANCE:
        parts.append(f"guidance {guidance:g}")
    return ", ".join([*parts, values["precision"]])
