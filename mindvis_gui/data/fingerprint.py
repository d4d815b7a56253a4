"""Telling by its content whether a subject is the one that was meant."""

from __future__ import annotations

import hashlib

import numpy as np

from mindvis_gui.data.subject import Subject

_LOOKED_AT = 32  # trials whose responses are read: enough to tell recordings apart


def fingerprint(subject: Subject) -> str:
    """Return a hash of trials, regions and some of the responses; where the file lies is no part.

    Regions that were made by hand are no part, either. The same recording in another file format
    has the same fingerprint if its values are equal; what is NaN or infinite counts as 0.
    """
    digest = hashlib.sha256(f"mindvis subject 1 {subject.n_voxels}".encode())
    for trial in subject.trials:
        digest.update(f"\n{trial.index}\t{trial.split}\t{trial.stimulus_id}".encode())
    for roi in subject.rois:
        if roi.made:
            continue
        digest.update(f"\n{roi.name}\t".encode())
        digest.update(np.ascontiguousarray(roi.voxels, dtype="<i8").tobytes())
    count = len(subject.trials)
    step = max(count // _LOOKED_AT, 1)
    # Not by `Subject.responses`: a trial that cannot be decoded is no reason to save nothing.
    rows = np.array([trial.index for trial in subject.trials[::step]], dtype=np.int64)
    responses = np.nan_to_num(subject.recording.responses(rows), nan=0, posinf=0, neginf=0)
    digest.update(np.ascontiguousarray(responses, dtype="<f4").tobytes())
    return digest.hexdigest()


def positions_fingerprint(subject: Subject) -> str:
    """Return a hash of where the voxels lie; empty where that is not known.

    Hashed is what was taken from a file of positions, so that it may be of another kind.
    """
    if subject.ijk is None or subject.affine is None:
        return ""
    digest = hashlib.sha256(b"mindvis positions 1")
    digest.update(np.ascontiguousarray(subject.ijk, dtype="<i8").tobytes())
    digest.update(np.ascontiguousarray(subject.affine.round(4) + 0.0, dtype="<f8").tobytes())
    return digest.hexdigest()
