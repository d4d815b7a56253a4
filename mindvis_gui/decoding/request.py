"""What is asked of a decoder and what it answers: plain values, no torch.

Everything here is frozen and its arrays are read-only, so it crosses threads
without locks and a test can build it by hand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from mindvis_gui.data.attribution import Attribution
from mindvis_gui.data.attribution import Method as AttributionMethod
from mindvis_gui.data.lesion import Lesion
from mindvis_gui.data.mask import MaskState, mask_json
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.prepare import Padding, padded_length
from mindvis_gui.data.subject import FloatArray, ImageArray
from mindvis_gui.decoding.sampling_settings import NO_GUIDANCE, Sampling
from mindvis_gui.errors import MindVisError, RequestError

N_SEEDS = 2**32  # of which noise is different: PyTorch's generator takes no more bits


@dataclass(frozen=True, eq=False, slots=True)
class DecodeRequest:
    """One trial to decode, complete: the samples depend on nothing that is not in here.

    Attributes
    ----------
    subject, stimulus_id, label : str
    trial : int
    vector : (n_voxels,) float32
        Normalised response, voxels outside the used regions at 0.
    rois : tuple of str or None
        Regions used; None is the whole vector.
    made_rois : tuple of (str, str)
        Those of them that did not come with the subject, and the SHA-256 of their voxels.
    mask : MaskState or None
        Patches masked on top of that; None decodes from all patches.
    lesion : Lesion or None
        What was left out of `vector`; a record, see `mindvis_gui.decoding.lesion`.
    seeds : tuple of int
        One sample each.
    sampling : Sampling
    model : str
        Name of the model folder.
    model_hash : str
        Hash of its weights.
    preparation : Preparation
        What was done to the subject's responses; it is in `vector` already.
    """

    subject: str
    trial: int
    vector: FloatArray
    seeds: tuple[int, ...]
    sampling: Sampling = field(default_factory=Sampling)
    model: str = ""
    model_hash: str = ""
    rois: tuple[str, ...] | None = None
    mask: MaskState | None = None
    stimulus_id: str = ""
    label: str = ""
    lesion: Lesion | None = None
    preparation: Preparation = field(default_factory=Preparation)
    made_rois: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.seeds:
            raise RequestError("no seeds given; ask for at least one sample")
        if len(set(self.seeds)) != len(self.seeds):
            raise RequestError(
                f"seeds {list(self.seeds)} hold one twice; each sample needs its own"
            )
        if min(self.seeds) < 0 or max(self.seeds) >= N_SEEDS:
            raise RequestError(f"seeds {list(self.seeds)} are not all in the range 0 to 2^32 - 1")
        if self.mask is not None:
            self.mask.check()

    def encoder_input(self, patch_size: int) -> FloatArray:
        """Return the vector (n_voxels,) with masked patches at 0, as the encoder gets it.

        Raises
        ------
        RequestError
            If the mask leaves nothing of it: what is drawn then is no decode of this response.
        """
        if self.mask is None:
            return self.vector
        seen = self.mask.applied(self.vector, patch_size)
        if not seen.any():
            raise RequestError(
                "the mask hides every voxel of the regions used; mask less or use more regions"
            )
        return seen

    def to_json(self) -> dict[str, Any]:
        """Return the request as JSON-ready values; arrays are given by their hash.

        This is what exported pictures carry, and what `decode.json` lists.
        """
        made = {"made_rois": dict(self.made_rois)} if self.made_rois else {}
        return {
            "subject": self.subject,
            "trial": self.trial,
            "stimulus_id": self.stimulus_id,
            "label": self.label,
            "vector_sha256": vector_sha256(self.vector),
            "preparation": self.preparation.to_json(),
            "rois": None if self.rois is None else list(self.rois),
            **made,
            "mask": mask_json(self.mask),
            "lesion": None if self.lesion is None else self.lesion.to_json(),
            "seeds": list(self.seeds),
            **self.sampling.to_json(),
            "model": self.model,
            "model_hash": self.model_hash,
        }


def vector_sha256(vector: FloatArray) -> str:
    """Return the hash by which a request tells its vector (n_voxels,) from others."""
    return hashlib.sha256(np.ascontiguousarray(vector).tobytes()).hexdigest()


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """One decoded picture (h, w, 3), 0–255, and the seed it came from."""

    image: ImageArray
    seed: int


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """Progress of a decode: `index` of `total` steps done, by `n_requests` together.

    `preview` holds one small picture a seed, (n_seeds, h, w, 3) uint8, or is None: the one
    before it still stands.
    """

    index: int
    total: int
    preview: ImageArray | None = None
    n_requests: int = 1


@dataclass(frozen=True, eq=False, slots=True)
class DecodeResult:
    """The samples of one request, in the order of its seeds, and how long they took.

    `found` holds the seeds of those that were not drawn but kept from before.
    """

    request: DecodeRequest
    samples: tuple[Sample, ...]
    seconds: float
    found: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class DecodeFailure:
    """A request of several that could not be decoded, and why."""

    request: DecodeRequest
    error: MindVisError


@dataclass(frozen=True, eq=False, slots=True)
class Recovery:
    """What SC-MBM makes of a masked response.

    `recovered` (n_voxels,) has the model's prediction at every voxel; `correlation`
    is Pearson's r with the true response over the masked voxels (NaN if none is masked).
    """

    recovered: FloatArray
    correlation: float


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model folder is and needs.

    `n_voxels` is the length of the response vector that it was trained with, 0 where a
    published checkpoint only tells the number of patches; `n_patches` counts padding;
    `image_size` is in pixels; `padding` is how vectors are brought to whole patches;
    `test_use` says in what ways training has made use of the test trials; `guidance` is the scale
    that its samples are best drawn with.
    """

    name: str
    folder: str
    n_voxels: int
    patch_size: int
    n_patches: int
    image_size: int
    parameters: int
    hash: str = ""
    device: str = "cpu"
    precision: str = "fp32"
    dataset: str = ""
    has_masked_model: bool = True
    card: str = ""
    padding: Padding = "wrap"
    test_use: tuple[str, ...] = ()
    guidance: float = NO_GUIDANCE

    def fits(self, n_voxels: int) -> bool:
        """Whether response vectors of this length can be decoded."""
        if self.n_voxels:
            return n_voxels == self.n_voxels
        padded = padded_length(n_voxels, self.patch_size, self.padding)
        return padded == self.n_patches * self.patch_size

    @property
    def voxels(self) -> str:
        """How many voxels it was trained on, as text; a range where only patches are known."""
        if self.n_voxels:
            return f"{self.n_voxels:,}"
        most = self.n_patches * self.patch_size - 1  # padding adds 1 to `patch_size` voxels
        return f"{most - self.patch_size + 1:,} to {most:,}"

    def misfit(self, subject: str, n_voxels: int) -> str:
        """Return the sentence that says why responses of a subject cannot be decoded."""
        return (
            f"model {self.name} was trained on {self.voxels} voxels but {subject} has "
            f"{n_voxels:,}; choose a model trained on this subject"
        )


class Decoder(Protocol):
    """A trained model that turns responses into pictures; MinD-Vis is one."""

    @property
    def info(self) -> ModelInfo:
        """What the model is and needs."""
        ...

    def decode(self, request: DecodeRequest) -> Generator[Step, None, DecodeResult]:
        """Draw the samples, yielding after every step; closing the generator stops it."""
        ...

    def recover(self, vector: FloatArray, mask: MaskState) -> Recovery:
        """Predict the masked voxels of `vector` (n_voxels,) from the kept ones."""
        ...


@runtime_checkable
class BatchDecoder(Decoder, Protocol):
    """A decoder that is faster at many requests than at one after the other."""

    def decode_many(
        self, requests: Iterable[DecodeRequest]
    ) -> Generator[Step | DecodeResult | DecodeFailure]:
        """Decode requests of one sampling, drawn from `requests` as they are needed.

        Yields
        ------
        Step
            After every network step, of as many requests as it says; without previews.
        DecodeResult or DecodeFailure
            One a request, in their order.
        """
        ...


def decode_many(
    decoder: Decoder, requests: Iterable[DecodeRequest]
) -> Generator[Step | DecodeResult | DecodeFailure]:
    """Decode requests together if `decoder` can, else one after the other.

    Yields as `BatchDecoder.decode_many` does.
    """
    if isinstance(decoder, BatchDecoder):
        yield from decoder.decode_many(requests)
        return
    for request in requests:
        try:
            yield (yield from decoder.decode(request))
        except MindVisError as error:
            yield DecodeFailure(request, error)


@runtime_checkable
class Attributor(Decoder, Protocol):
    """A decoder that can say what in the response a sample rests on."""

    def attribute(
        self, request: DecodeRequest, sample: Sample, method: AttributionMethod
    ) -> Generator[Step, None, Attribution]:
        """Attribute a sample of `request` to voxels; closing the generator stops it."""
        ...
