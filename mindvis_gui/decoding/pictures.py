"""From latents to pictures: the first stage's decoder, beside what else a GPU does."""

from __future__ import annotations

import numpy as np
import torch
from diffusers import VQModel
from torch import Tensor

from mindvis_gui.data.subject import ImageArray, read_only
from mindvis_gui.decoding.batches import by_batches, decoder_batch, filled_up
from mindvis_gui.decoding.onednn import pack_convolutions
from mindvis_gui.decoding.precision import vqvae_in
from mindvis_gui.decoding.preview import to_uint8
from mindvis_gui.decoding.rows_alike import treat_rows_alike


class Pictures:
    """Pictures (n, H, W, 3) uint8 that a GPU may still be working on.

    Parameters
    ----------
    pixels : Tensor
        On the CPU.
    finite : Tensor
        Whether each picture is of finite latents, (n,) bool on the CPU.
    event : torch.cuda.Event or None
        After which both can be read.
    """

    def __init__(self, pixels: Tensor, finite: Tensor, event: torch.cuda.Event | None) -> None:
        self._pixels, self._finite, self._event = pixels, finite, event

    @property
    def ready(self) -> bool:
        """Whether they can be had, or their failure, without waiting."""
        try:
            return self._event is None or bool(self._event.query())  # type: ignore[no-untyped-call]
        except RuntimeError:  # the GPU is lost, which waiting for it will say
            return True

    def finished(self) -> list[ImageArray]:
        """Return each picture, read-only; waits for it."""
        self._wait()
        return [read_only(pixels) for pixels in np.array(self._pixels)]

    def finite(self) -> list[bool]:
        """Return of each picture whether its latents are finite: others show nothing; waits."""
        self._wait()
        return [bool(each) for each in self._finite]

    def _wait(self) -> None:
        if self._event is not None:
            self._event.synchronize()


class PictureMaker:
    """The first stage in one precision, with a stream of its own on a GPU.

    Parameters
    ----------
    vqvae : VQModel
        In fp32, on the device to use; it stays as it is. On a CPU rearranged copies of its weights
        are kept.
    image_size : int
        Of the pictures, in pixels.
    dtype : torch.dtype
        Of the decoder; quantising is always done in fp32.
    """

    def __init__(self, vqvae: VQModel, image_size: int, dtype: torch.dtype) -> None:
        self._vqvae = vqvae_in(dtype, vqvae)
        self._size = decoder_batch(vqvae, image_size, vqvae.device)
        if self._size.several_fixed:
            treat_rows_alike(self._vqvae)
        self._stream: torch.cuda.Stream | None = None
        if vqvae.device.type == "cuda":
            self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        elif dtype == torch.float32 or not self._size.several_fixed:
            pack_convolutions(self._vqvae)
        else:
            # A small one gains nothing, but for its pointwise convolution in fp32 PyTorch would
            # choose by the number of threads between two ways that round differently.
            pack_convolutions(self._vqvae.post_quant_conv)

    def __call__(self, latents: Tensor) -> Pictures:
        """Decode latents (n, channels, h, w), in slices if memory is short."""
        if self._stream is None:
            return Pictures(self._decoded(latents), _finite(latents), None)
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            pixels = self._decoded(latents)
            fetched, finite = _fetched(pixels), _fetched(_finite(latents))
            latents.record_stream(self._stream)
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record()
        return Pictures(fetched, finite, event)

    def _decoded(self, latents: Tensor) -> Tensor:
        rows = filled_up(latents, self._size)

        def decode(part: slice) -> Tensor:
            return to_uint8(self._vqvae.decode(rows[part]).sample).movedim(1, -1)

        return by_batches(decode, len(rows), self._size)[: len(latents)]


def _finite(latents: Tensor) -> Tensor:
    """Return which latents are finite; the first stage makes a picture of any, a black one."""
    return latents.isfinite().flatten(1).all(dim=1)


def _fetched(values: Tensor) -> Tensor:
    """Return where the values of a GPU will be once it has come to them."""
    fetched = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    fetched.copy_(values, non_blocking=True)
    return fetched
