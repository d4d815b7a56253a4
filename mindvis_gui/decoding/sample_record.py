"""What the picture of a sample says of how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mindvis_gui.decoding.request import DecodeRequest, Sample
from mindvis_gui.decoding.versions import installed_versions

CHUNK = "mindvis"  # keyword of the PNG text chunk that holds the request


def sample_request(sample: Sample, request: DecodeRequest) -> dict[str, Any]:
    """Return what is embedded in the picture of one sample.

    The request as JSON values, with `seed`, the sample's own, in place of the list of
    seeds: a sample does not depend on what was drawn beside it, and neither does its file.
    """
    return request_of_seed(request.to_json(), sample.seed)


def request_of_seed(request: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return the same for a request as JSON values and one of its seeds."""
    values = {key: value for key, value in request.items() if key != "seeds"}
    return {"versions": installed_versions(), **values, "seed": seed}
