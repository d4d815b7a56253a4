"""The MinD-Vis decoder: from a request in numpy to samples in numpy, torch in between."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace
from itertools import islice
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
from mindvis_gui.decoding.batches import unet_batch
from mindvis_gui.decoding.building import building
from mindvis_gui.decoding.company import requests_together
from mindvis_gui.decoding.denoiser import BatchedDenoiser, Conditions, Denoiser
from mindvis_gui.decoding.device import DTYPES, choose_device, choose_precision, failures_said
from mindvis_gui.decoding.drawn import DrawnTogether, Stopwatch, delivered_meanwhile, worked
from mindvis_gui.decoding.finite import check_finite
from mindvis_gui.decoding.guidance import GuidedPredictor
from mindvis_gui.decoding.onednn import multiply_by_onednn
from mindvis_gui.decoding.pictures import PictureMaker, Pictures
from mindvis_gui.decoding.pipeline import MindVisPipeline, load_pipeline
from mindvis_gui.decoding.preview import preview
from mindvis_gui.decoding.request import (
    DecodeFailure,
    DecodeRequest,
    DecodeResult,
    ModelInfo,
    Recovery,
    Sample,
    Step,
)
from mindvis_gui.decoding.sampling import Predictor, build_sampler, denoise, initial_noise
from mindvis_gui.decoding.sampling_settings import NO_GUIDANCE, Sampling
from mindvis_gui.errors import MindVisError, ModelError, RequestError

_PREVIEW_EVERY = 1 / 30  # s, on a GPU, which has to wait while one is fetched


class MindVisDecoder:
    """A loaded MinD-Vis model on a device (see `mindvis_gui.decoding.request.Decoder`).

    A sample depends on the model, the vector, the mask, its seed and the request's `Sampling`,
    and on nothing else. On the CPU it has the same bytes whatever other seeds or trials stand
    beside it; on a GPU its last bits follow the size of the batch.

    Parameters
    ----------
    pipeline : MindVisPipeline
    info : ModelInfo
        With the device and precision to use.
    """

    def __init__(self, pipeline: MindVisPipeline, info: ModelInfo) -> None:
        self.info = info
        self._device = torch.device(info.device)
        with failures_said(info.name, info.device):
            self._pipeline = pipeline.to(self._device)
            if self._device.type == "cuda":
                for network in (pipeline.unet, pipeline.vqvae):
                    network.to(memory_format=torch.channels_last)
            else:
                for network in filter(None, (pipeline.encoder, pipeline.masked_model)):
                    multiply_by_onednn(network)
            self._batch = unet_batch(pipeline.unet, self._device)
            self._networks: dict[str, tuple[Denoiser, PictureMaker]] = {}  # by precision
            self._means: dict[str, Conditions] = {}
            self._networks_in(info.precision)

    @classmethod
    def load(
        cls, info: ModelInfo, device: str, precision: str, threads: int | None
    ) -> MindVisDecoder:
        """Load the networks of a model folder, see `mindvis_gui.decoding.models.load_decoder`."""
        if threads is not None and threads < 1:
            raise ModelError(f"{threads} threads cannot compute; give 1 or more")
        device = choose_device(device)
        info = replace(info, device=device, precision=choose_precision(precision, device))
        if threads is not None:
            torch.set_num_threads(threads)
        return cls(load_pipeline(Path(info.folder)), info)

    # A generator under this decorator is in inference mode only while it runs.
    @torch.inference_mode()
    def decode(self, request: DecodeRequest) -> Generator[Step, None, DecodeResult]:
        """Draw one sample a seed.

        Yields
        ------
        Step
            After every network step, with a preview of all samples (on a GPU after some).
            Closing the generator stops the decode.

        Raises
        ------
        ModelError
            If the vector has another length than the model's, the device cannot compute in the
            precision, memory runs out, the GPU is lost, or a sample is not finite.
        RequestError
            If the mask is for another number of patches.
        """
        samples, seconds = yield from worked(self._samples(request))
        return DecodeResult(request, samples, seconds)

    def _samples(self, request: DecodeRequest) -> Generator[Step, None, tuple[Sample, ...]]:
        with failures_said(self.info.name, self.info.device):
            conditions = [self._conditions(request)]
            pictures = yield from self._draw([request], conditions, with_previews=True)
            images = pictures.finished()
        check_finite(request, pictures.finite(), self.info)
        return tuple(map(Sample, images, request.seeds))

    @torch.inference_mode()
    def decode_many(
        self, requests: Iterable[DecodeRequest]
    ) -> Generator[Step | DecodeResult | DecodeFailure]:
        """Decode many requests, several at once: see `BatchDecoder.decode_many`.

        A GPU draws the next latents while it still decodes the pictures of those before.
        """
        waiting, watch = iter(requests), Stopwatch()
        before: DrawnTogether | None = None
        for first in waiting:
            company = (
                requests_together(len(first.seeds), self._batch.rows, fixed=self._batch.fixed) - 1
            )
            group = [first, *islice(waiting, company)]
            drawn = yield from delivered_meanwhile(before, self._draw_group(group, watch))
            if before is not None:
                yield from before.outcomes()
            if drawn.ready:
                yield from drawn.outcomes()
            before = drawn
        if before is not None:
            yield from before.outcomes()

    @torch.inference_mode()
    def latents(self, request: DecodeRequest) -> Generator[Step, None, FloatArray]:
        """Draw final latents (n_seeds, channels, h, w), see `decoding.latents.LatentDecoder`."""
        with failures_said(self.info.name, self.info.device):
            conditions = [self._conditions(request)]
            drawn = yield from self._walk([request], conditions, with_previews=False)
            fetched = drawn.float().cpu().numpy()
        finite = np.isfinite(fetched).all(axis=(1, 2, 3))
        check_finite(request, finite, self.info)
        return read_only(fetched)

    @torch.inference_mode()
    def recover(self, vector: FloatArray, mask: MaskState) -> Recovery:
        """Predict every voxel of `vector` (n_voxels,) from the patches that `mask` keeps.

        Voxels that the model cuts off stay at 0, the mean.

        Raises
        ------
        ModelError
            If the model has no SC-MBM, the vector has another length than the model's, memory
            runs out, or the GPU is lost.
        RequestError
            If the mask is for another number of patches.
        """
        if self._pipeline.masked_model is None:
            raise ModelError(f"model {self.info.name} has no SC-MBM to recover masked voxels with")
        self._check(vector, mask)
        with failures_said(self.info.name, self.info.device):
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
        with failures_said(self.info.name, self.info.device):
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

    def _draw_group(
        self, group: Sequence[DecodeRequest], watch: Stopwatch
    ) -> Generator[Step, None, DrawnTogether]:
        """Draw what can be drawn of some requests of one sampling."""
        start = perf_counter()
        entries: list[DecodeRequest | DecodeFailure] = []
        accepted: list[DecodeRequest] = []
        conditions: list[Conditions] = []
        for request in group:
            if request.sampling != group[0].sampling:
                raise ValueError("requests that are decoded together need one sampling")
            try:
                with failures_said(self.info.name, self.info.device):
                    conditions.append(self._conditions(request))
            except MindVisError as error:
                entries.append(DecodeFailure(request, error))
            else:
                entries.append(request)
                accepted.append(request)
        pictures: Pictures | None = None
        try:
            if accepted:
                begun = perf_counter()
                with failures_said(self.info.name, self.info.device):
                    walk = self._draw(accepted, conditions, with_previews=False)
                    pictures, seconds = yield from worked(walk)
                start += perf_counter() - begun - seconds  # what whoever took the steps rested
        except MindVisError as error:
            entries = [
                DecodeFailure(entry, error) if isinstance(entry, DecodeRequest) else entry
                for entry in entries
            ]
        return DrawnTogether(entries, pictures, start, watch, self.info)

    def _draw(
        self,
        requests: Sequence[DecodeRequest],
        conditions: Sequence[Conditions],
        *,
        with_previews: bool,
    ) -> Generator[Step, None, Pictures]:
        """Draw pictures: of every request the samples, in the order of its seeds."""
        latents = yield from self._walk(requests, conditions, with_previews=with_previews)
        _, make_pictures = self._networks_in(self._precision(requests[0].sampling))
        return make_pictures(latents)

    def _walk(
        self,
        requests: Sequence[DecodeRequest],
        conditions: Sequence[Conditions],
        *,
        with_previews: bool,
    ) -> Generator[Step, None, Tensor]:
        """Walk from noise to latents (n, channels, h, w), one a seed of every request."""
        sampling = requests[0].sampling
        denoiser, _ = self._networks_in(self._precision(sampling))
        owners = [owner for owner, request in enumerate(requests) for _ in request.seeds]
        predict: Predictor = BatchedDenoiser(denoiser, conditions, owners, self._batch)
        guidance = self.info.guidance if sampling.guidance is None else sampling.guidance
        if guidance != NO_GUIDANCE:
            mean = self._mean_condition(requests[0])
            twice = [*owners, *[len(conditions)] * len(owners)]
            both = BatchedDenoiser(denoiser, [*conditions, mean], twice, self._batch)
            predict = GuidedPredictor(predict, both, guidance)
        sampler = build_sampler(self._pipeline.scheduler, sampling)
        config = self._pipeline.unet.config
        shape = (config.in_channels, config.sample_size, config.sample_size)
        seeds = [seed for request in requests for seed in request.seeds]
        latents = initial_noise(seeds, shape).to(self._device)
        total = len(sampler.timesteps)
        shown = -_PREVIEW_EVERY
        for index, state in enumerate(denoise(predict, sampler, latents), 1):
            latents, predicted = state
            picture = None
            waits = self._device.type == "cuda" and perf_counter() - shown < _PREVIEW_EVERY
            if with_previews and not waits:
                picture, shown = self._preview(predicted), perf_counter()
            yield Step(index, total, picture, len(requests))
        return latents

    def _networks_in(self, precision: str) -> tuple[Denoiser, PictureMaker]:
        if precision not in self._networks:
            # The first stage's decoder exceeds the range of fp16.
            dtype = DTYPES["fp32" if precision == "fp16" else precision]
            with building():
                self._networks[precision] = (
                    Denoiser(self._pipeline.unet, DTYPES[precision]),
                    PictureMaker(self._pipeline.vqvae, self._pipeline.config.image_size, dtype),
                )
        return self._networks[precision]

    def _precision(self, sampling: Sampling) -> str:
        if sampling.precision == "auto":
            return self.info.precision
        return choose_precision(sampling.precision, self.info.device)

    def _conditions(self, request: DecodeRequest) -> Conditions:
        """Encode the response: once a request, so full precision costs nothing."""
        self._check(request.vector, request.mask)
        denoiser, _ = self._networks_in(self._precision(request.sampling))
        return self._condition(request.encoder_input(self.info.patch_size), denoiser)

    def _condition(self, vector: FloatArray, denoiser: Denoiser) -> Conditions:
        return denoiser.conditions(*self._pipeline.condition(self._padded(vector)))

    def _mean_condition(self, request: DecodeRequest) -> Conditions:
        """Return the condition of the mean response, which is the same for all requests."""
        precision = self._precision(request.sampling)
        if precision not in self._means:
            denoiser, _ = self._networks_in(precision)
            self._means[precision] = self._condition(np.zeros_like(request.vector), denoiser)
        return self._means[precision]

    def _preview(self, predicted: Tensor) -> ImageArray | None:
        matrix = self._pipeline.config.latent_rgb
        if matrix is None:
            return None
        return read_only(np.ascontiguousarray(preview(predicted, matrix).cpu().numpy()))


def _correlation(true: FloatArray, recovered: FloatArray) -> float:
    """Pearson's r; NaN where there is nothing to correlate."""
    if true.size < 2 or np.ptp(true) == 0 or np.ptp(recovered) == 0:
        return float("nan")
    return float(np.corrcoef(true, recovered)[0, 1])
