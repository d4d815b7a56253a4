"""Latents that are not finite: a failure of their trial, and never a picture."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from itertools import islice

from mindvis_gui.decoding.drawn import Drawn
from mindvis_gui.decoding.request import DecodeFailure, DecodeRequest, DecodeResult, ModelInfo
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


class FiniteDrawn(Drawn):
    """Outcomes of requests that were drawn together; those without finite latents are failures."""

    def outcomes(self) -> Generator[DecodeResult | DecodeFailure]:
        """Yield one outcome a request, in their order, the first time; waits for the pictures."""
        finite = None
        for outcome in super().outcomes():
            if isinstance(outcome, DecodeResult):
                assert self._pictures is not None
                if finite is None:  # only now, when the pictures are there
                    finite = iter(self._pictures.finite())
                try:
                    check_finite(outcome.request, islice(finite, len(outcome.samples)), self._info)
                except ModelError as error:
                    yield DecodeFailure(outcome.request, error)
                    continue
            yield outcome
