"""Responses of another subject, z-scored and averaged when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mindvis_gui.data.picture import EncodedPictures, encode_picture
from mindvis_gui.data.recording import RowRecording
from mindvis_gui.data.statistics import RunningStatistics
from mindvis_gui.data.subject import FloatArray, ImageArray, IntArray, Subject

_RESOLUTION = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, eq=False, slots=True)
class Scaling:
    """Means and deviations (n_groups, n_voxels), and which group each row belongs to.

    Rows that `group_of` does not name belong to the first.
    """

    mean: FloatArray
    std: FloatArray
    group_of: Mapping[int, int]

    @classmethod
    def of(cls, measured: Mapping[int, RunningStatistics], group_of: Mapping[int, int]) -> Scaling:
        """Take what was measured in each group; voxels without variation will be 0."""
        mean = np.stack([each.mean for each in measured.values()])
        std = np.stack([each.std for each in measured.values()])
        std[std <= _RESOLUTION * np.abs(mean)] = np.inf
        return cls(mean.astype(np.float32), std.astype(np.float32), group_of)

    def apply(self, values: FloatArray, rows: IntArray) -> FloatArray:
        """Return the z-scored `values` (n, n_voxels) of `rows` (n,)."""
        groups = np.array([self.group_of.get(row, 0) for row in rows.tolist()], dtype=np.int64)
        return np.asarray((values - self.mean[groups]) / self.std[groups], dtype=np.float32)


class PreparedRecording(RowRecording):
    """Rows of a subject, or means over several, z-scored before they are averaged."""

    def __init__(
        self, subject: Subject, sources: Sequence[Sequence[int]], scaling: Scaling | None
    ) -> None:
        self._subject = subject
        self._scaling = scaling
        super().__init__(self._scaled, [np.array(rows, dtype=np.int64) for rows in sources])

    def stimulus(self, stimulus_id: str) -> ImageArray | None:
        """Return the picture (h, w, 3), 0–255, or None when there is none of that id."""
        return self._subject.recording.stimulus(stimulus_id)

    def encoded_stimulus(self, stimulus_id: str) -> bytes | None:
        """Return the picture as the bytes of an image file, or None when there is none."""
        recording = self._subject.recording
        if isinstance(recording, EncodedPictures):
            return recording.encoded_stimulus(stimulus_id)
        picture = recording.stimulus(stimulus_id)
        return None if picture is None else encode_picture(picture)

    def _scaled(self, rows: IntArray) -> FloatArray:
        values = self._subject.responses(rows)
        return values if self._scaling is None else self._scaling.apply(values, rows)
