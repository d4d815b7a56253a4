"""What tells one sample of a subject from the next, and requests made from it and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mindvis_gui.data.mask import mask_from_json
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.subject import FloatArray
from mindvis_gui.decoding.request import DecodeRequest, vector_sha256
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import DataError, RequestError


@dataclass(frozen=True, slots=True)
class Options:
    """How one sample of the open subject is drawn.

    Attributes
    ----------
    trial, seed : int
    sampling : Sampling
        With its precision resolved.
    rois : tuple of str or None
        Regions used; None for all.
    masked : tuple of int or None
        Patches masked; None without a mask.
    model_hash : str
    other : str
        Whatever else the request records of how its vector came about.
    """

    trial: int
    seed: int
    sampling: Sampling
    rois: tuple[str, ...] | None
    masked: tuple[int, ...] | None
    model_hash: str
    other: str = ""
    _hash: int = field(init=False, repr=False, compare=False)  # asked for thousands of times

    def __post_init__(self) -> None:
        parts = (self.trial, self.seed, self.sampling, self.rois, self.masked, self.model_hash)
        object.__setattr__(self, "_hash", hash((parts, self.other)))

    def __hash__(self) -> int:
        return self._hash

    @property
    def common(self) -> Options:
        """What it has in common with samples that differ in trial and seed alone: the one of 0."""
        return replace(self, trial=0, seed=0)

    @classmethod
    def of(cls, values: Mapping[str, Any], seed: int) -> Options:
        """Take them from a request as `DecodeRequest.to_json` gives it.

        Raises
        ------
        DataError
            If the request is incomplete.
        """
        try:
            mask = values["mask"]
            return cls(
                trial=int(values["trial"]),
                seed=seed,
                sampling=Sampling.from_json(values),
                rois=None if values["rois"] is None else tuple(values["rois"]),
                masked=None if mask is None else tuple(mask["masked"]),
                model_hash=values["model_hash"],
                other=other_of(values.get("made_rois"), values.get("lesion")),
            )
        except (KeyError, TypeError, ValueError, RequestError) as error:
            raise DataError(f"the request of this sample is incomplete: {error!r}") from error


def other_of(made_rois: Mapping[str, str] | None, lesion: Any = None) -> str:
    """Return what `Options.other` records: hashes of regions that were made, and a lesion."""
    told = {"made_rois": made_rois, "lesion": lesion}
    told = {name: value for name, value in told.items() if value}
    return json.dumps(told, sort_keys=True) if told else ""


def request_from_json(
    values: Mapping[str, Any], vector: FloatArray, seeds: tuple[int, ...]
) -> DecodeRequest:
    """Return the request that `DecodeRequest.to_json` described, for some of its seeds.

    Raises
    ------
    DataError
        If it is incomplete, or was made from another response than `vector` (n_voxels,).
    """
    if values.get("lesion") is not None:
        raise DataError(
            f"trial {values.get('trial')} was decoded with a lesion; decode it again in the panel "
            "Lesion"
        )
    try:
        expected, steps = values["vector_sha256"], values.get("preparation")
        request = DecodeRequest(
            subject=values["subject"],
            trial=int(values["trial"]),
            vector=vector,
            seeds=seeds,
            sampling=Sampling.from_json(values),
            model=values["model"],
            model_hash=values["model_hash"],
            rois=None if values["rois"] is None else tuple(values["rois"]),
            mask=mask_from_json(values["mask"]),
            stimulus_id=values["stimulus_id"],
            label=values["label"],
            made_rois=tuple(dict(values.get("made_rois", {})).items()),
            preparation=Preparation() if steps is None else Preparation.from_json(steps),
        )
    except (KeyError, TypeError, ValueError, RequestError) as error:
        raise DataError(f"the request of this sample is incomplete: {error!r}") from error
    if vector_sha256(vector) != expected:
        raise DataError(
            f"trial {request.trial} of {request.subject} has another response here than the one "
            "that these samples were decoded from; open the subject file that was used then"
        )
    return request
