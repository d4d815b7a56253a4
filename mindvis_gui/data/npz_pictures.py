"""Pictures in the arrays of an npz archive, by stimulus id."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from mindvis_gui.data.npz import NpzFile, converted, npz_damage_reported
from mindvis_gui.data.picture import MAX_PIXELS
from mindvis_gui.data.subject import ImageArray, read_only
from mindvis_gui.errors import DataError


class NpzPictures(Mapping[str, ImageArray]):
    """Pictures (n, h, w, 3), 0–255, of any numeric type; each is handed out as uint8.

    From an archive that is not packed single pictures are read; a packed array is read whole,
    when its first picture is asked for.

    Parameters
    ----------
    places : mapping of str to (str, int)
        For each stimulus id the array and the row in it.
    """

    def __init__(self, archive: NpzFile, places: Mapping[str, tuple[str, int]]) -> None:
        self._archive = archive
        self._places = places
        self._starts: dict[str, int | None] = {}
        self._unpacked: dict[str, ImageArray] = {}
        for name in {name for name, _ in places.values()}:
            header = archive.header(name, ndim=4, kinds="iuf")
            _, height, width, channels = header.shape
            if channels != 3 or height * width > MAX_PIXELS:
                raise DataError(
                    f"{archive.path.name}: {name} has shape {header.shape}, not (n, h, w, 3)"
                )
            if header.dtype.kind == "f":
                self._check_range(name)
            self._starts[name] = archive.stored_at(name)

    def __getitem__(self, stimulus_id: str) -> ImageArray:
        name, row = self._places[stimulus_id]
        start = self._starts[name]
        if start is None:
            if name not in self._unpacked:
                self._unpacked[name] = read_only(self._archive.read(name, np.uint8))
            picture: ImageArray = self._unpacked[name][row]
            return picture
        header = self._archive.headers[name]
        size = math.prod(header.shape[1:]) * header.dtype.itemsize
        with npz_damage_reported(self._archive.path), self._archive.path.open("rb") as file:
            file.seek(start + row * size)
            values = np.frombuffer(file.read(size), header.dtype).reshape(header.shape[1:])
        picture = converted(values, np.dtype(np.uint8))
        return read_only(picture)

    def _check_range(self, name: str) -> None:
        """Refuse pictures of 0 to 1, which would all be black; the first ones tell."""
        header = self._archive.headers[name]
        rows, *rest = header.shape[::-1] if header.fortran else header.shape
        first = next(self._archive.blocks(name, rows, math.prod(rest)), np.zeros(1))
        brightest = np.nan_to_num(first).max()
        if 0 < brightest <= 1:
            raise DataError(
                f"{self._archive.path.name}: {name} holds pictures of 0 to {brightest:.3g}, not of "
                "0 to 255; save them as uint8"
            )

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
