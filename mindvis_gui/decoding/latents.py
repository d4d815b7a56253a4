"""The latents that pictures are decoded from; asked for by themselves, so that no decode pays."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol, runtime_checkable

from mindvis_gui.data.subject import FloatArray
from mindvis_gui.decoding.request import Decoder, DecodeRequest, Step
from mindvis_gui.errors import ModelError
from mindvis_gui.steps import finish


@runtime_checkable
class LatentDecoder(Decoder, Protocol):
    """A decoder that draws in the latent space of a first stage."""

    def latents(self, request: DecodeRequest) -> Generator[Step, None, FloatArray]:
        """Draw the samples again, up to their final latents (n_seeds, channels, h, w) float32.

        They are as the first stage gets them, not quantised; it makes the samples' pictures of
        them: on a CPU the same bytes.
        """
        ...


def drawing_latents(decoder: Decoder, request: DecodeRequest) -> Generator[Step, None, FloatArray]:
    """Draw the latents of a request.

    Raises
    ------
    ModelError
        If the decoder has none, or cannot decode the request.
    """
    if not isinstance(decoder, LatentDecoder):
        raise ModelError(f"model {decoder.info.name} has no latents to export; choose another")
    return (yield from decoder.latents(request))


def latents_of(decoder: Decoder, request: DecodeRequest) -> FloatArray:
    """Do what `drawing_latents` does in one go."""
    return finish(drawing_latents(decoder, request))
