"""A decoder that draws nothing twice, and keeps each sample as soon as it is drawn."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from time import perf_counter

from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.subject import FloatArray
from mindvis_gui.decoding.company import seeds_together
from mindvis_gui.decoding.request import (
    DecodeFailure,
    Decoder,
    DecodeRequest,
    DecodeResult,
    ModelInfo,
    Recovery,
    Sample,
    Step,
    decode_many,
)
from mindvis_gui.decoding.sample_cache import SampleCache, sample_key
from mindvis_gui.errors import ExportError

_MOST_WAITING = 64  # requests of a group: their results wait in memory for those before them


@dataclass(frozen=True, eq=False, slots=True)
class PartStep(Step):
    """A step on the way through a request: `preview` is of `seeds`, those drawn now.

    `samples` are finished, in the order that they were.
    """

    seeds: tuple[int, ...] = ()
    samples: tuple[Sample, ...] = ()


class CachedDecoder:
    """Answers from a `SampleCache` what was drawn before, and draws the rest part by part.

    Parameters
    ----------
    decoder : Decoder
    cache : SampleCache or None
        None keeps nothing.

    Attributes
    ----------
    trouble : str
        Why samples cannot be kept on disk; empty while they can.
    """

    def __init__(self, decoder: Decoder, cache: SampleCache | None) -> None:
        self._decoder, self._cache = decoder, cache
        self.trouble = ""

    @property
    def info(self) -> ModelInfo:
        """What the model is and needs."""
        return self._decoder.info

    def recover(self, vector: FloatArray, mask: MaskState) -> Recovery:
        """Predict the masked voxels of `vector` (n_voxels,) from the kept ones."""
        return self._decoder.recover(vector, mask)

    def decode(self, request: DecodeRequest) -> Generator[Step, None, DecodeResult]:
        """Draw or look up the samples; what is finished when the generator is closed is kept.

        Yields
        ------
        PartStep
            After every step; and once some samples are there while others are not.
        """
        start, drawing = perf_counter(), 0.0
        keys = self._keys(request)
        done = self._look_up(keys)
        found = tuple(done)
        missing = [seed for seed in request.seeds if seed not in done]
        size = seeds_together(self.info)
        parts = [tuple(missing[i : i + size]) for i in range(0, len(missing), size)]
        walked, total = 0, request.sampling.steps * len(parts)
        for place, seeds in enumerate(parts):
            if done:
                yield PartStep(walked, total, None, seeds=seeds, samples=tuple(done.values()))
            steps = self._decoder.decode(replace(request, seeds=seeds))
            while True:
                try:
                    step = next(steps)
                except StopIteration as stop:
                    result: DecodeResult = stop.value
                    break
                total, walked = step.total * len(parts), place * step.total + step.index
                yield PartStep(
                    walked, total, step.preview, seeds=seeds, samples=tuple(done.values())
                )
            drawing += result.seconds
            for sample in result.samples:
                self._keep(keys.get(sample.seed), sample, request)
                done[sample.seed] = sample
        samples = tuple(done[seed] for seed in request.seeds)
        seconds = drawing if parts else perf_counter() - start
        return DecodeResult(request, samples, seconds, found)

    def decode_many(
        self, requests: Iterable[DecodeRequest]
    ) -> Generator[Step | DecodeResult | DecodeFailure]:
        """Decode many requests, several at once: see `BatchDecoder.decode_many`."""
        coming = iter(requests)
        for request in coming:
            group = _Group(self, request, coming)
            for item in decode_many(self._decoder, group.missing()):
                if isinstance(item, Step):
                    yield item
                else:
                    group.take(item)
                yield from group.finished()
            yield from group.finished()

    def _keys(self, request: DecodeRequest) -> dict[int, str]:
        if self._cache is None or not request.model_hash:
            return {}
        sampling = request.sampling.resolved(self.info.precision, self.info.guidance)
        values = request.to_json() | sampling.to_json()
        return {seed: sample_key(values, seed, self.info.device) for seed in request.seeds}

    def _look_up(self, keys: dict[int, str]) -> dict[int, Sample]:
        if self._cache is None:
            return {}
        found = {seed: self._cache.get(key) for seed, key in keys.items()}
        return {seed: Sample(image, seed) for seed, image in found.items() if image is not None}

    def _keep(self, key: str | None, sample: Sample, request: DecodeRequest) -> None:
        if self._cache is None or key is None:
            return
        try:
            self._cache.put(key, sample, request)
        except ExportError as error:  # a full disk must not cost the sample itself
            self.trouble = f"samples are not kept for later: {error}"
        else:
            self.trouble = ""


@dataclass(eq=False, slots=True)
class _Place:
    """A request of a group: what was found of it, and its outcome once there is one.

    `drawn` is what is asked for in its place: the seeds that were not found.
    """

    request: DecodeRequest
    drawn: DecodeRequest
    keys: dict[int, str]
    found: dict[int, Sample]
    outcome: DecodeResult | DecodeFailure | None = None


class _Group:
    """Requests whose missing samples are drawn together; outcomes keep the order of requests."""

    def __init__(
        self, owner: CachedDecoder, first: DecodeRequest, others: Iterator[DecodeRequest]
    ) -> None:
        self._owner = owner
        self._requests = chain([first], others)
        self._places: deque[_Place] = deque()

    def missing(self) -> Generator[DecodeRequest]:
        """Yield what has to be drawn; ends before too much waits that was found."""
        for request in self._requests:
            start = perf_counter()
            keys = self._owner._keys(request)
            found = self._owner._look_up(keys)
            seeds = tuple(seed for seed in request.seeds if seed not in found)
            drawn = replace(request, seeds=seeds) if seeds else request
            place = _Place(request, drawn, keys, found)
            self._places.append(place)
            if seeds:
                yield drawn
            else:
                samples = tuple(found[seed] for seed in request.seeds)
                seconds = perf_counter() - start
                place.outcome = DecodeResult(request, samples, seconds, request.seeds)
            if len(self._places) >= _MOST_WAITING:
                return

    def take(self, item: DecodeResult | DecodeFailure) -> None:
        """Take in what was drawn, for the request that it is of."""
        place = next(place for place in self._places if place.drawn is item.request)
        if isinstance(item, DecodeFailure):
            place.outcome = DecodeFailure(place.request, item.error)
            return
        done = dict(place.found)
        for sample in item.samples:
            self._owner._keep(place.keys.get(sample.seed), sample, place.request)
            done[sample.seed] = sample
        samples = tuple(done[seed] for seed in place.request.seeds)
        place.outcome = DecodeResult(place.request, samples, item.seconds, tuple(place.found))

    def finished(self) -> Generator[DecodeResult | DecodeFailure]:
        """Yield the outcomes whose turn it is."""
        while self._places and self._places[0].outcome is not None:
            place = self._places.popleft()
            assert place.outcome is not None
            yield place.outcome
