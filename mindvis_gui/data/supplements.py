"""Adding to a subject what its file does not say: pictures, a table of trials, a split, anatomy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mindvis_gui.data.array_subject import read_columns
from mindvis_gui.data.glmsingle_trials import pictured_conditions
from mindvis_gui.data.nifti_file import read_volume
from mindvis_gui.data.notes import PICTURES, STIMULI, TAKEN_IN_ORDER, without
from mindvis_gui.data.prepared_recording import PreparedRecording
from mindvis_gui.data.recording import PicturedRecording, Pictures
from mindvis_gui.data.repeats import shown_in_test
from mindvis_gui.data.stimuli import open_pictures
from mindvis_gui.data.subject import FloatArray, IntArray, Recording, Subject, Trial
from mindvis_gui.data.table import read_table
from mindvis_gui.data.trial_filter import TrialFilter
from mindvis_gui.data.trial_table import complete_names, missing_pictures, trials_from_table
from mindvis_gui.errors import DataError
from mindvis_gui.wording import are, counted

REPEATED = "repeated"
_TABLES = {".csv": ",", ".tsv": "\t", ".txt": "\t"}


class _Repictured(PicturedRecording):
    """The responses of one recording, pictures from elsewhere."""

    def __init__(self, recording: Recording, pictures: Pictures, place: str) -> None:
        super().__init__(pictures, place)
        self._recording = recording

    def responses(self, indices: IntArray) -> FloatArray:
        """Return the responses (n, n_voxels) of the trials at `indices` (n,)."""
        return self._recording.responses(indices)


def with_pictures(subject: Subject, path: Path) -> Subject:
    """Take the pictures from a folder, an ``.npz`` or an HDF5 file, see `open_pictures`.

    That of NSD has them by NSD's numbers, which count from 1.
    Names of stimuli are completed where they lack a suffix; where none is known and there are as
    many pictures as trials, or as conditions of GLMsingle, they are taken in sorted order.
    """
    from mindvis_gui.data.nsd import nsd_pictures

    trials = subject.trials
    shown_ids = {trial.stimulus_id for trial in trials if trial.stimulus_id}
    pictures = nsd_pictures(path, shown_ids) or open_pictures(path)
    notes = without(subject.notes, *PICTURES)
    if not any(trial.stimulus_id for trial in trials) and len(pictures) == len(trials):
        names = list(pictures)
        notes = without(notes, *STIMULI)
        notes += (f"The {len(names):,} {TAKEN_IN_ORDER} the trials' stimuli",)
    elif conditions := pictured_conditions(trials, pictures):
        names, note = conditions
        notes = (*without(notes, *STIMULI), note)
    else:
        names = complete_names([trial.stimulus_id for trial in trials], pictures)
    shown = tuple(replace(t, stimulus_id=name) for t, name in zip(trials, names, strict=True))
    return replace(
        subject,
        trials=shown,
        recording=_Repictured(subject.recording, pictures, path.name),
        notes=(*notes, *missing_pictures(shown, pictures)),
    )


def with_table(subject: Subject, path: Path) -> Subject:
    """Take what is known of the trials from a table with one row a trial, see `trial_table`.

    Names of stimuli are completed where they lack the suffix of a picture that the subject has.

    Parameters
    ----------
    path : pathlib.Path
        ``.csv`` or ``.tsv``, or a file of arrays with one value a trial each. What it has no
        column for stays as it is.

    Raises
    ------
    DataError
        If it has another number of rows, or is damaged.
    """
    n = len(subject.trials)
    delimiter = _TABLES.get(path.suffix.lower())
    table = read_table(path, delimiter) if delimiter else read_columns(path, n)
    rows = len(next(iter(table.values())))
    if rows != n:
        raise DataError(
            f"{path.name}: {counted(rows, 'row')} but {subject.name} has {counted(n, 'trial')}"
        )
    recording = subject.recording
    pictures = recording.pictures if isinstance(recording, PicturedRecording) else None
    found = trials_from_table(table, path, pictures or {})
    blank = Trial(0, "")
    merged = []
    for old, new in zip(subject.trials, found, strict=True):
        told = {
            name: value
            for name in ("stimulus_id", "label", "category", "session", "run", "presentations")
            if (value := getattr(new, name)) != getattr(blank, name)
        }
        split = new.split if "split" in table else old.split
        merged.append(replace(old, split=split, **told))
    notes = subject.notes
    if any(trial.stimulus_id for trial in found):
        notes = without(notes, *STIMULI)
        if pictures is not None:
            notes = (*without(notes, *PICTURES), *missing_pictures(merged, pictures))
    return replace(subject, trials=tuple(merged), notes=notes)


def check_split(rule: str) -> None:
    """Check a rule of `with_split` that no subject is known for.

    Raises
    ------
    RequestError
        If it is none.
    """
    if rule != REPEATED:
        TrialFilter.parse(rule)


def with_split(subject: Subject, rule: str) -> Subject:
    """Mark the test set anew, in single trials.

    Averaged trials whose single trials are there are left out: on either side they would hold
    responses of the other. They can be made anew, by `mindvis_gui.data.preparation`. The trials
    are numbered anew then.

    Parameters
    ----------
    rule : str
        A `TrialFilter`, such as ``session=10``: what it keeps is tested, all else is for
        training. Or ``repeated``: what was shown more than once is tested.

    Raises
    ------
    DataError
        If it leaves nothing to train or nothing to test.
    """
    trials = _without_means(subject.trials)
    if rule == REPEATED:
        count: Mapping[str, int] = Counter(t.stimulus_id for t in trials if t.stimulus_id)
        tested = {t.index for t in trials if count.get(t.stimulus_id, 0) > 1}
    else:
        tested = {trial.index for trial in TrialFilter.parse(rule).kept(trials)}
    n_means = len(subject.trials) - len(trials)
    means = f" ({counted(n_means, 'averaged trial')}, whose single trials are there, not counted)"
    if not 0 < len(tested) < len(trials):
        raise DataError(
            f"{subject.name}: the split '{rule}' tests {len(tested):,} of the "
            f"{counted(len(trials), 'trial')}{means if n_means else ''}; some must be left to "
            "train and to test"
        )
    notes = [f"The test set is {counted(len(tested), 'trial')}: {rule}"]
    recording = subject.recording
    if n_means:
        recording = PreparedRecording(subject, [[trial.index] for trial in trials], None)
        notes.append(
            f"{counted(n_means, 'averaged trial')} {are(n_means)} left out: the single trials are "
            "there and may be on both sides of the split; average anew"
        )
    split = tuple(
        replace(trial, index=place, split="test" if trial.index in tested else "train")
        for place, trial in enumerate(trials)
    )
    shared = len(shown_in_test(split))
    if shared:
        notes.append(
            f"{shared:,} of the {counted(len(split) - len(tested), 'training trial')} "
            f"{'shows' if shared == 1 else 'show'} a picture that is tested: scores will count "
            "pictures that were learned"
        )
    return replace(subject, trials=split, recording=recording, notes=(*subject.notes, *notes))


def _without_means(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials but for averaged ones whose single trials are among them."""
    single = {trial.stimulus_id for trial in trials if trial.presentations == 1}
    single.discard("")
    return [t for t in trials if t.presentations == 1 or t.stimulus_id not in single]


def with_anatomy(subject: Subject, path: Path) -> Subject:
    """Draw slices of a 3-D image."""
    return replace(subject, anatomy=read_volume(path))
