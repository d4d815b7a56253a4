"""Recordings that several formats share, and the pictures that any recording may have."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mindvis_gui.data.at_hand import check_may_wait
from mindvis_gui.data.picture import decode_picture, encode_picture
from mindvis_gui.data.subject import FloatArray, ImageArray, IntArray

# By stimulus id: a picture (h, w, 3) uint8, or the bytes of an image file.
Pictures = Mapping[str, ImageArray | bytes]


class PicturedRecording:
    """What recordings with a mapping of pictures have in common.

    Parameters
    ----------
    pictures : mapping of str to picture (h, w, 3) uint8 or bytes of an image file, optional
    place : str
        Where the pictures are, for messages.
    """

    def __init__(self, pictures: Pictures | None = None, place: str = "stimuli") -> None:
        self.pictures: Pictures = pictures if pictures is not None else {}
        self.place = place

    def stimulus(self, stimulus_id: str) -> ImageArray | None:
        """Return the picture (h, w, 3), 0–255, or None when there is none of that id."""
        picture = self.pictures.get(stimulus_id)
        if isinstance(picture, bytes):
            return decode_picture(picture, f"{self.place}: '{stimulus_id}'")
        return picture

    def encoded_stimulus(self, stimulus_id: str) -> bytes | None:
        """Return the picture as the bytes of an image file, or None when there is none."""
        picture = self.pictures.get(stimulus_id)
        if picture is None or isinstance(picture, bytes):
            return picture
        return encode_picture(picture)


class ArrayRecording(PicturedRecording):
    """Responses (n_trials, n_voxels) float32 in memory, pictures from any mapping."""

    def __init__(self, values: FloatArray, pictures: Pictures | None = None) -> None:
        super().__init__(pictures)
        self._values = values

    def responses(self, indices: IntArray) -> FloatArray:
        """Return the responses (n, n_voxels) of the trials at `indices` (n,)."""
        return self._values[indices]


class RowRecording(PicturedRecording):
    """Responses that are single rows of a larger array, or means over several of them.

    Parameters
    ----------
    read_rows : callable
        Takes rows (n,), rising and each once; returns their values (n, n_voxels) float32.
        Called from any thread.
    rows : sequence of (n,) int
        For each trial the rows that its response is the mean of.
    """

    def __init__(
        self,
        read_rows: Callable[[IntArray], FloatArray],
        rows: Sequence[IntArray],
        pictures: Pictures | None = None,
        place: str = "stimuli",
    ) -> None:
        super().__init__(pictures, place)
        self._read_rows = read_rows
        self._rows = rows

    def responses(self, indices: IntArray) -> FloatArray:
        """Return the responses (n, n_voxels) of the trials at `indices` (n,)."""
        wanted = [self._rows[index] for index in indices]
        if all(len(rows) == 1 for rows in wanted):
            flat = np.concatenate(wanted) if wanted else np.zeros(0, dtype=np.int64)
            needed, inverse = np.unique(flat, return_inverse=True)
            values = self._read_rows(needed)
            return values if np.array_equal(needed, flat) else values[inverse]
        # One trial at a time: the rows behind some means may be all there are.
        with np.errstate(invalid="ignore", over="ignore"):  # not finite: reported later
            return np.stack(
                [self._read_rows(rows).mean(axis=0, dtype=np.float64) for rows in wanted]
            ).astype(np.float32)


class StackedRows:
    """Arrays (n_i, n_voxels) one below the other, each read whole when a row of it is needed.

    Parameters
    ----------
    parts : sequence of (int, callable)
        The number of rows of each array and what reads it.
    """

    def __init__(self, parts: Sequence[tuple[int, Callable[[], FloatArray]]]) -> None:
        self._edges = np.cumsum([0, *(n for n, _ in parts)])
        self._read = [read for _, read in parts]
        self._values: list[FloatArray | None] = [None] * len(parts)
        self._lock = threading.Lock()

    def __call__(self, rows: IntArray) -> FloatArray:
        """Return the values (n, n_voxels) of `rows` (n,), rising."""
        if not rows.size:
            return self._part(0)[:0]
        pieces = []
        for part in range(len(self._read)):
            first, last = np.searchsorted(rows, self._edges[part : part + 2])
            if first < last:
                pieces.append(self._part(part)[rows[first:last] - self._edges[part]])
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _part(self, part: int) -> FloatArray:
        values = self._values[part]
        if values is None:
            check_may_wait()
            with self._lock:
                values = self._values[part]
                if values is None:
                    values = self._values[part] = self._read[part]()
        return values
