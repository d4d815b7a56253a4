"""What a safetensors file holds, read from its header alone."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from mindvis_gui.errors import ModelError, refusal_reported

_LENGTH_BYTES = 8
_LARGEST_HEADER = 100_000_000  # bytes, the format's own limit


@dataclass(frozen=True, slots=True)
class WeightFile:
    """The header of one file.

    Attributes
    ----------
    shapes : dict of str to tuple of int
        Name and shape of every tensor.
    """

    path: Path
    shapes: dict[str, tuple[int, ...]]

    @property
    def parameters(self) -> int:
        """Number of values in all tensors together."""
        return sum(math.prod(shape) for shape in self.shapes.values())


def read_weight_file(path: Path) -> WeightFile:
    """Read the header and check that the file is as long as it says.

    Raises
    ------
    ModelError
        If the file is missing, cut off or no safetensors file.
    """
    with refusal_reported(ModelError, path, "read"):
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if length > min(size - _LENGTH_BYTES, _LARGEST_HEADER):
                raise ModelError(f"{path}: is cut off or no safetensors file; copy it again")
            header = file.read(length)
    try:
        tensors = {name: entry for name, entry in json.loads(header).items() if name[:2] != "__"}
        shapes = {name: tuple(map(int, entry["shape"])) for name, entry in tensors.items()}
        ends = [int(entry["data_offsets"][1]) for entry in tensors.values()]
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ModelError(f"{path}: its header is damaged; copy the file again") from error
    whole = _LENGTH_BYTES + length + max(ends, default=0)
    if size != whole:
        raise ModelError(f"{path}: has {size:,} bytes but should have {whole:,}; copy it again")
    return WeightFile(path, shapes)
