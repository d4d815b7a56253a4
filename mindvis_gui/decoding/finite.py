"""Latents that are not finite: a failure of their trial, and never a picture."""

from __future__ import annotations

from collections.abc import Iterable

from mindvis_gui.decoding.request import DecodeRequest, ModelInfo
from mindvis_gui.errors import ModelError


def check_finite(request: DecodeRequest, finite: Iterable[bool], info: ModelInfo) -> None:
    """Refuse samples of latents that are not finite.

    Parameters
    ----------
    finite : iterable of bool
        Of each seed, whether they are.

    Raises
    ------
    ModelError
        If one is not.
    """
    lost = [seed for seed, is_finite in zip(request.seeds, finite, strict=True) if not is_finite]
    if not lost:
        return
    chosen = request.sampling.precision
    precision = info.precision if chosen == "auto" else chosen
    raise ModelError(
        f"model {info.name} gives no finite picture for trial {request.trial}, "
        f"seed{'s' * (len(lost) > 1)} {', '.join(map(str, lost))}; "
        f"try {'another model' if precision == 'fp32' else 'precision fp32'}"
    )
