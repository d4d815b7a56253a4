"""Decode folders that the command line made, opened beside the stimuli without decoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindvis_gui.analysis.decode_folder import list_samples
from mindvis_gui.data.mask import mask_from_json
from mindvis_gui.data.prepare import prepare
from mindvis_gui.decoding.request import vector_sha256
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import DataError, MindVisError, RequestError
from mindvis_gui.session.options import Options
from mindvis_gui.session.restored_request import with_preparation
from mindvis_gui.wording import counted

if TYPE_CHECKING:
    from mindvis_gui.data.subject import Subject
    from mindvis_gui.session.session import Session

Listed = list[tuple[Mapping[str, Any], list[tuple[int, Path]]]]


@dataclass(frozen=True, slots=True)
class _Found:
    """What is in a folder: requests and the files of their samples, decoded from a subject."""

    folder: Path
    subject: Subject
    listed: Listed


def open_decode_folder(session: Session, folder: Path) -> None:
    """Show the samples of a decode folder on the grid; its subject must be open.

    The responses are prepared as they were for the folder.
    """
    subject = session.subject

    def read() -> Listed:
        name, listed = list_samples(folder)
        if subject is None or subject.name != name:
            raise RequestError(f"{folder}: was decoded from {name}; open that subject first")
        if not listed:
            raise DataError(f"{folder}: holds no decoded trial")
        lesion = listed[0][0].get("lesion")  # of all of them: a folder has one protocol
        if lesion is not None:  # no axis of the grid
            raise RequestError(
                f"{folder}: was decoded without {lesion['name']}; decode it again in the panel "
                "Lesion, or look at it by 'mindvis report'"
            )
        return listed

    def go_on(listed: Listed) -> None:
        if subject is None or not session.is_open(subject):
            return  # another one was opened meanwhile
        try:
            with_preparation(session, listed[0][0], lambda: _look(session, folder, listed))
        except MindVisError as error:
            session.problem.emit(f"{folder}: {error}")

    session.jobs.run(read, f"Opening {folder.name}", go_on)


def _look(session: Session, folder: Path, listed: Listed) -> None:
    """Show the samples if they were decoded from the responses of the open subject."""
    subject, normalisation = session.subject, session.normalisation
    if subject is None or normalisation is None:
        session.problem.emit(
            session.unmeasured or "the responses are being measured; open the folder again then"
        )
        return

    def check() -> _Found:
        values, _ = listed[0]
        options = Options.of(values, 0)
        if options.trial >= len(subject.trials):
            raise DataError(f"{folder}: trial {options.trial} does not exist in {subject.name}")
        vector = prepare(subject, subject.trials[options.trial], normalisation, options.rois)
        if vector_sha256(vector) != values["vector_sha256"]:
            raise DataError(
                f"{folder}: trial {options.trial} was decoded from another response than "
                f"{subject.name} has here; open the subject file that was used then"
            )
        return _Found(folder, subject, listed)

    session.jobs.run(check, f"Opening {folder.name}", lambda found: _show(session, found))


def _show(session: Session, found: _Found) -> None:
    if not session.is_open(found.subject):
        return  # another one was opened meanwhile
    try:
        for request, files in found.listed:
            session.collection.add_files(request, files)
        values = found.listed[-1][0]
        _choose(session, values, [int(request["trial"]) for request, _ in found.listed])
    except (KeyError, TypeError, ValueError) as error:
        session.problem.emit(f"{found.folder}: is incomplete ({error!r})")
        return
    except MindVisError as error:
        session.problem.emit(str(error))
        return
    count = sum(len(files) for _, files in found.listed)
    session.message.emit(
        f"{counted(count, 'sample')} of {counted(len(found.listed), 'trial')} from {found.folder}"
    )


def _choose(session: Session, values: Mapping[str, Any], trials: list[int]) -> None:
    """Choose the options of the folder, so that the grid shows its samples."""
    subject = session.subject
    assert subject is not None
    names = values["rois"] or [roi.name for roi in subject.rois]
    session.set_used_rois(frozenset(names))
    session.set_sampling(Sampling.from_json(values))
    seeds = values["seeds"]
    session.set_seeds(min(seeds), len(seeds))
    mask, shown = mask_from_json(values["mask"]), session.masking.mask
    session.masking.set_applied(mask is not None)
    if mask is not None and shown is not None and mask.n_patches == shown.n_patches:
        session.masking.set_mask(mask)
    session.grid.set_axes("trial", "seed")
    session.grid.set_trials(sorted(set(trials)))
    session.grid.set_values("seed", ", ".join(str(seed) for seed in seeds))
    loaded = session.decoder.info.hash if session.decoder else None
    if loaded != values["model_hash"]:
        session.grid.models.stand_in(values["model_hash"], values["precision"])
    session.set_trial(trials[0])
    session.keeping.recall(session.collection.newest(trials[0]))
