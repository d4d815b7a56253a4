"""The pictures of a dictionary that `numpy.save` pickled; the pickle is not executed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mindvis_gui.data.at_hand import check_may_wait
from mindvis_gui.data.pickled_arrays import PICKLE_DAMAGE, PickledArray, read_pickled_dictionary
from mindvis_gui.data.picture import MAX_PIXELS
from mindvis_gui.data.subject import ImageArray, read_only
from mindvis_gui.errors import DataError, reason_of

_MAX_NAME = 1024


class PickledPictures(Mapping[str, ImageArray]):
    """The pictures (h, w, 3) uint8 of a pickled dictionary, by name; read when asked for.

    Raises
    ------
    DataError
        If the pickle holds anything but such a dictionary.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._places = {
                _name(name): _picture(name, value)
                for name, value in read_pickled_dictionary(path).items()
            }
        except PICKLE_DAMAGE as error:
            reason = reason_of(error)
            raise DataError(
                f"{path.name}: no dictionary of pictures, or damaged ({reason}); copy it again"
            ) from error

    def __getitem__(self, name: str) -> ImageArray:
        place = self._places[name]
        check_may_wait()
        try:
            with self._path.open("rb") as file:
                file.seek(place.start)
                pixels = np.frombuffer(file.read(math.prod(place.shape)), np.uint8)
            return read_only(pixels.reshape(place.shape))
        except (OSError, ValueError) as error:
            raise DataError(f"{self._path.name}: '{name}' cannot be read ({error})") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _name(name: Any) -> str:
    if not isinstance(name, str) or len(name) > _MAX_NAME:
        raise ValueError(f"a key is {str(name)[:40]}, not the name of a picture")
    return name


def _picture(name: str, value: Any) -> PickledArray:
    if (
        not isinstance(value, PickledArray)
        or value.dtype != np.uint8
        or value.fortran
        or len(value.shape) != 3
        or value.shape[2] != 3
        or value.shape[0] * value.shape[1] > MAX_PIXELS
    ):
        raise ValueError(f"'{name[:80]}' is not an array (h, w, 3) of uint8")
    return value
