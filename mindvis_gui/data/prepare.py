"""From a trial's response to the vector that the encoder sees."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mindvis_gui.data.statistics import MeasuredRecording, RunningStatistics
from mindvis_gui.data.subject import FloatArray, IntArray, Subject, Trial, read_only
from mindvis_gui.errors import DataError
from mindvis_gui.steps import finish

Padding = Literal["wrap", "constant", "cut"]
PADDINGS: tuple[str, ...] = get_args(Padding)
TRAINING = "training trials"  # the basis of a normalisation that saw no test trial
_BLOCK = 256  # trials read at a time: bounds the memory of statistics over large subjects
_RESOLUTION = float(np.finfo(np.float32).eps)
_SPOT_CHECKS = 16  # trials that statistics found in a file are compared with


@dataclass(frozen=True, slots=True)
class Normalisation:
    """One scalar mean and standard deviation for all voxels and trials, as in the published code.

    `basis` says which trials they were measured on.
    """

    mean: float
    std: float
    basis: str

    def apply(self, responses: FloatArray) -> FloatArray:
        """Return (responses - mean) / std, same shape."""
        return ((responses - np.float32(self.mean)) / np.float32(self.std)).astype(np.float32)


def measure_normalisation(subject: Subject) -> Normalisation:
    """Measure mean and standard deviation over the training responses (all, if none is marked).

    A filter that leaves no training trials changes neither: see `Subject.reference`.
    Reads in blocks, so memory stays bounded whatever the number of trials; not at all where the
    recording came with these statistics and a look at some trials does not contradict them.
    """
    return finish(measuring_normalisation(subject))


def measuring_normalisation(subject: Subject) -> Generator[float, None, Normalisation]:
    """Do what `measure_normalisation` does, yielding the fraction done; can be stopped."""
    source, indices, basis = normalising_trials(subject)
    return stored_normalisation(subject) or (yield from _measuring(source, indices, basis))


def normalising_trials(subject: Subject) -> tuple[Subject, list[int], str]:
    """Return the trials whose mean and deviation normalise all others.

    Returns
    -------
    source : Subject
        That they are trials of.
    indices : list of int
    basis : str
        What they are.
    """
    source = subject.reference or subject
    train = [trial.index for trial in source.trials if trial.split == "train"]
    if train:
        return source, train, TRAINING
    return source, [trial.index for trial in source.trials], "all trials"


def stored_normalisation(subject: Subject) -> Normalisation | None:
    """Return the statistics that the subject came with; None if there are none to be believed."""
    source, indices, basis = normalising_trials(subject)
    if not indices or not isinstance(source.recording, MeasuredRecording):
        return None
    found = source.recording.statistics_of(np.array(indices))
    if found is None:
        return None
    mean, std = found
    some = estimate_normalisation(subject)
    # Trials differ, so this is generous; what it refuses is only measured once more.
    plausible = abs(some.mean - mean) < std and std / 3 < some.std < 3 * std
    return Normalisation(mean, std, basis) if plausible else None


def estimate_normalisation(subject: Subject) -> Normalisation:
    """Measure mean and standard deviation over a few training trials, spread over all of them.

    Those that cannot be read are left out, unless none can.
    """
    source, indices, basis = normalising_trials(subject)
    some = indices[:: max(1, -(-len(indices) // _SPOT_CHECKS))]
    try:
        return _measure(source, some, f"{len(some)} of the {basis}")
    except DataError:
        whole = [row for row in some if _can_be_read(source, row)]
        if len(whole) in (0, len(some)):  # something else is wrong
            raise
    return _measure(source, whole, f"{len(whole)} of the {basis}")


def _can_be_read(subject: Subject, row: int) -> bool:
    try:
        subject.responses([row])
    except DataError:
        return False
    return True


def _measure(subject: Subject, indices: Sequence[int], basis: str) -> Normalisation:
    return finish(_measuring(subject, indices, basis))


def _measuring(
    subject: Subject, indices: Sequence[int], basis: str
) -> Generator[float, None, Normalisation]:
    if not indices:
        raise DataError(f"{subject.name}: the file holds no trials")
    statistics = RunningStatistics()
    for start in range(0, len(indices), _BLOCK):
        statistics.add(subject.responses(indices[start : start + _BLOCK]))
        yield min(1.0, (start + _BLOCK) / len(indices))
    mean, std = float(statistics.mean), float(statistics.std)
    if std <= _RESOLUTION * abs(mean):
        raise DataError(f"{subject.name}: every response is {mean:g}; there is nothing to decode")
    return Normalisation(mean, std, basis)


def prepare(
    subject: Subject,
    trial: Trial,
    normalisation: Normalisation,
    used_rois: Collection[str] | None = None,
) -> FloatArray:
    """Read, normalise and restrict one response.

    Parameters
    ----------
    used_rois : collection of str, optional
        Voxels outside these regions are set to 0, the mean of the normalised
        response. None uses every voxel, those in no region included.

    Returns
    -------
    (n_voxels,) float32, read-only
    """
    return prepared(subject, subject.responses([trial.index])[0], normalisation, used_rois)


def prepared(
    subject: Subject,
    response: FloatArray,
    normalisation: Normalisation,
    used_rois: Collection[str] | None = None,
) -> FloatArray:
    """Do what `prepare` does to a response (n_voxels,) that was read already."""
    vector = normalisation.apply(response)
    if used_rois is not None:
        used = np.zeros(subject.n_voxels, dtype=np.bool_)
        used[used_voxels(subject, used_rois)] = True
        vector[~used] = 0
    return read_only(vector)


def used_voxels(subject: Subject, used_rois: Collection[str]) -> IntArray:
    """Return the sorted voxels (n,) that lie in at least one of `used_rois`."""
    parts = [subject.roi(name).voxels for name in used_rois]
    if not parts:
        raise DataError(f"{subject.name}: no region is used for decoding; choose at least one")
    return np.unique(np.concatenate(parts))


def padded_length(n_voxels: int, patch_size: int, padding: Padding = "wrap") -> int:
    """Length of a vector of whole patches, see `pad_to_patches`.

    The published code adds a whole extra patch when the length is already a
    multiple (``patch - n % patch`` is then ``patch``, not 0); its checkpoints need that.
    ``"cut"`` leaves out what does not fill a patch instead.
    """
    rest = n_voxels % patch_size
    return n_voxels - rest if padding == "cut" else n_voxels + patch_size - rest


def pad_to_patches(vectors: FloatArray, patch_size: int, padding: Padding = "wrap") -> FloatArray:
    """Bring the last axis to whole patches.

    Parameters
    ----------
    vectors : FloatArray, shape (..., n_voxels)
    patch_size : int
        Voxels a patch.
    padding : {"wrap", "constant", "cut"}
        Go on from the start, as the published code does; go on with 0, the mean of a
        normalised response; or leave out the voxels of the last, incomplete patch.

    Returns
    -------
    FloatArray, shape (..., n_padded)

    Raises
    ------
    DataError
        If cutting leaves nothing.
    """
    n_voxels = vectors.shape[-1]
    length = padded_length(n_voxels, patch_size, padding)
    if padding == "wrap":
        return pad_to_length(vectors, length)
    if not length:
        raise DataError(f"{n_voxels} voxels fill no patch of {patch_size}; do not cut, or wrap")
    missing = max(length - n_voxels, 0)
    widths = [(0, 0)] * (vectors.ndim - 1) + [(0, missing)]
    return np.pad(vectors[..., :length], widths)


def pad_to_length(vectors: FloatArray, length: int) -> FloatArray:
    """Pad the last axis by wrapping around (more than once if need be) to `length`."""
    missing = length - vectors.shape[-1]
    if missing < 0:
        raise DataError(f"{vectors.shape[-1]} voxels are more than the {length} asked for")
    return np.pad(vectors, [(0, 0)] * (vectors.ndim - 1) + [(0, missing)], mode="wrap")
