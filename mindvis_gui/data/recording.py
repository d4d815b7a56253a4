"""Recordings whose responses are in memory, and the pictures that any recording may have."""

from __future__ import annotations

from collections.abc import Mapping

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

    def __init__(
        self, values: FloatArray, pictures: Pictures | None = None, place: str = "stimuli"
    ) -> None:
        super().__init__(pictures, place)
        self._values = values

    def responses(self, indices: IntArray) -> FloatArray:
        """Return the responses (n, n_voxels) of the trials at `indices` (n,)."""
        return self._values[indices]
