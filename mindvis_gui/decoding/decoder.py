"""The MinD-Vis decoder: from a request in numpy to samples in numpy, torch in between."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from mindvis_gui.data.attribution import Attribution, Method
from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.prepare import pad_to_patches
from mindvis_gui.data.subject import FloatArray, ImageArray, read_only
from mindvis_gui.decoding.attribution import attribute
from mindvis_gui.decoding.device import choose_device, choose_precision
from mindvis_gui.decoding.pipeline import Condition, MindVisPipeline, load_pipeline
from mindvis_gui.decoding.preview import preview
from mindvis_gui.decoding.request import (
    DecodeRequest,
    DecodeResult,
    ModelInfo,
    Recovery,
    Sample,
    Step,
)
from mindvis_gui.decoding.sampling import build_sampler, denoise, initial_noise
from mindvis_gui.errors import ModelError, RequestError

# Latents a network call on the CPU. The last bits of a sample depend on the size of the batch
# that it is computed in, so that size is fixed: a function of the model alone, never of how many
# samples are asked for. Small networks gain from company, large ones do not.
_SMALL_NETWORK = 100_000_000  # parameters
_BATCH_OF_SMALL, _BATCH_OF_LARGE = 5, 1
_LARGEST_BATCH = 64  # latents a network call on a GPU


class MindVisDecoder:
    """A loaded MinD-Vis model on a device (see `mindvis_gui.decoding.request.Decoder`).

    A sample depends on the model, the vector, the mask, its seed, the sampler, the steps
    and the precision, and on nothing else: on the CPU it has the same bytes whatever other
    seeds stand beside it.

    Parameters
    ----------
    pipeline : MindVisPipeline
    info : ModelInfo
        With the device and precision to use.
    """

    def __init__(self, pipeline: MindVisPipeline, info: ModelInfo) -> None:
        self.info = info
        self._device = torch.device(info.device)
        with self._memory_checked():
            self._pipeline = pipeline.to(self._device)
        small = pipeline.unet.num_parameters() < _SMALL_NETWORK
        self._cpu_batch = _BATCH_OF_SMALL if small else _BATCH_OF_LARGE
        self._gpu_batch = _LARGEST_BATCH  # becomes what fits, once memory has run out

    @classmethod
    def load(
        cls, info: ModelInfo, device: str, precision: str, threads: int | None
    ) -> MindVisDecoder:
        """Load the networks of a model folder, see `mindvis_gui.decoding.models.load_decoder`."""
        device = choose_device(device)
        if threads is not None:
            torch.set_num_threads(threads)
        pipeline = load_pipeline(Path(info.folder))
        return cls(
            pipeline, replace(info, device=device, precision=choose_precision(precision, device))
        )

    # A generator under this decorator is in inference mode only while it runs.
    @torch.inference_mode()
    def decode(self, request: DecodeRequest) -> Generator[Step, None, DecodeResult]:
        """Draw one sample a seed.

        Yields
        ------
        Step
            After every network step, with a preview of all samples. Closing the generator
            stops the decode.

        Raises
        ------
        ModelError
            If the vector has another length than the model's, or memory runs out.
        RequestError
            If the mask is for another number of patches.
        """
        start = perf_counter()
        precision = request.sampling.precision
        use_bf16 = (self.info.precision if precision == "auto" else precision) == "bf16"
        self._check(request.vector, request.mask)
        condition = self._condition(request.encoder_input(self.info.patch_size))
        sampler = build_sampler(self._pipeline.scheduler, request.sampling)
        config = self._pipeline.unet.config
        shape = (config.in_channels, config.sample_size, config.sample_size)

        def predict_noise(latents: Tensor, step: Tensor) -> Tensor:
            with torch.autocast(self._device.type, torch.bfloat16, enabled=use_bf16):
                return self._predict_noise(latents, step, condition)

        latents = initial_noise(request.seeds, shape).to(self._device)
        total = len(sampler.timesteps)
        for index, state in enumerate(denoise(predict_noise, sampler, latents), 1):
            latents, predicted = state
            yield Step(index, total, self._preview(predicted))
        samples = tuple(
            Sample(self._picture(latent), seed)
            for latent, seed in zip(latents, request.seeds, strict=True)
        )
        return DecodeResult(request, samples, perf_counter() - start)

    @torch.inference_mode()
    def recover(self, vector: FloatArray, mask: MaskState) -> Recovery:
        """Predict every voxel of `vector` (n_voxels,) from the patches that `mask` keeps.

        Voxels that the model cuts off stay at 0, the mean.

        Raises
        ------
        ModelError
            If the model has no SC-MBM, or the vector has another length than the model's.
        RequestError
            If the mask is for another number of patches.
        """
        if self._pipeline.masked_model is None:
            raise ModelError(f"model {self.info.name} has no SC-MBM to recover masked voxels with")
        self._check(vector, mask)
        kept = torch.tensor(mask.kept, device=self._device)
        # Padding repeats the start of the vector: what is masked there must not be seen here.
        seen = self._padded(mask.applied(vector, self.info.patch_size))
        predicted = self._pipeline.masked_model(seen, kept[None])[0].cpu().numpy()
        n_seen = min(vector.size, predicted.size)  # fewer than all where a rest is cut off
        recovered = np.zeros(vector.size, dtype=np.float32)
        recovered[:n_seen] = predicted[:n_seen]
        masked = np.flatnonzero(~mask.kept_voxels(self.info.patch_size, n_seen))
        return Recovery(read_only(recovered), _correlation(vector[masked], recovered[masked]))

    def attribute(
        self, request: DecodeRequest, sample: Sample, method: Method
    ) -> Generator[Step, None, Attribution]:
        """Attribute a sample to the voxels of its response, see `decoding.attribution`."""
        self._check(request.vector, request.mask)
        padded = self._padded(request.encoder_input(self.info.patch_size))
        return (yield from attribute(self._pipeline, padded, request, sample, method))

    def _check(self, vector: FloatArray, mask: MaskState | None) -> None:
        if not self.info.fits(vector.size):
            raise ModelError(self.info.misfit("the response", vector.size))
        if mask is not None and mask.n_patches != self.info.n_patches:
            raise RequestError(
                f"the mask is for {mask.n_patches} patches but model {self.info.name} has "
                f"{self.info.n_patches}; draw it again"
            )

    def _padded(self, vector: FloatArray) -> Tensor:
        padded = pad_to_patches(
            np.asarray(vector, np.float32), self.info.patch_size, self.info.padding
        )
        return torch.from_numpy(padded).to(self._device)[None]  # (1, n_padded)

    def _condition(self, vector: FloatArray) -> Condition:
        """Encode the response: once a request, so full precision costs nothing."""
        with self._memory_checked():
            return self._pipeline.condition(self._padded(vector))

    def _predict_noise(self, latents: Tensor, step: Tensor, condition: Condition) -> Tensor:
        """Predict the noise in batches of the size that the device wants."""
        if self._device.type == "cpu":
            return self._predict_in_batches(latents, step, condition, self._cpu_batch)
        batch = min(self._gpu_batch, len(latents))
        while batch > 1:
            try:
                return self._predict_in_batches(latents, step, condition, batch)
            except torch.OutOfMemoryError:
                batch = self._gpu_batch = (batch + 1) // 2
            torch.cuda.empty_cache()  # only now is what the attempt held free
        with self._memory_checked():
            return self._predict_in_batches(latents, step, condition, 1)

    def _predict_in_batches(
        self, latents: Tensor, step: Tensor, condition: Condition, size: int
    ) -> Tensor:
        """Predict with batches of exactly `size`; the last is filled up with zeros."""
        n = len(latents)
        missing = -n % size
        if missing:
            latents = torch.cat([latents, latents.new_zeros(missing, *latents.shape[1:])])
        context, time = condition
        context, time = context.expand(size, -1, -1), time.expand(size, -1)
        predictions = [
            self._pipeline.predict_noise(part, step, (context, time))
            for part in torch.split(latents, size)
        ]
        return torch.cat(predictions)[:n].float()

    def _preview(self, predicted: Tensor) -> ImageArray | None:
        matrix = self._pipeline.config.latent_rgb
        return None if matrix is None else _to_numpy(preview(predicted, matrix))

    def _picture(self, latent: Tensor) -> ImageArray:
        """Decode one latent (channels, h, w) to a picture (H, W, 3) uint8."""
        with self._memory_checked():
            return _to_numpy(self._pipeline.pictures(latent[None])[0])

    @contextmanager
    def _memory_checked(self) -> Iterator[None]:
        """Say in one sentence when not even the smallest piece of work fits into memory."""
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"model {self.info.name} does not fit into the memory of '{self.info.device}'; "
                "close what else uses it, or choose device 'cpu'"
            ) from error


def _to_numpy(picture: Tensor) -> ImageArray:
    return read_only(np.ascontiguousarray(picture.cpu().numpy()))


def _correlation(true: FloatArray, recovered: FloatArray) -> float:
    """Pearson's r; NaN where there is nothing to correlate."""
    if true.size < 2 or np.ptp(true) == 0 or np.ptp(recovered) == 0:
        return float("nan")
    return float(np.corrcoef(true, recovered)[0, 1])
