"""The state of a session as plain values, and back: what session files and autosaves hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindvis_gui.data.fingerprint import positions_fingerprint
from mindvis_gui.data.mask import mask_from_json, mask_json
from mindvis_gui.data.picture import encode_picture
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import DataError, RequestError
from mindvis_gui.session.collection import Drawn
from mindvis_gui.session.overlay_looks import looks_to_json, take_up_looks
from mindvis_gui.wording import counted

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session

UNFINISHED = "unfinished"  # key of a document: names of studies that ran when it was left


@dataclass(frozen=True, eq=False, slots=True)
class State:
    """A session at one moment: what is chosen in JSON values, its samples by request, its queue.

    A queue of thousands takes a while to write down, which any thread may do.
    """

    choices: dict[str, Any]
    decodes: tuple[tuple[Drawn, ...], ...]
    waiting: tuple[DecodeRequest, ...]

    @property
    def parts(self) -> dict[str, Sequence[Any]]:
        """What is undone, by the names that it has in a document; not written down yet."""
        return {"regions": self.choices["regions"], "queue": self.waiting}

    def holds_unsaved(self, saved: Mapping[str, Any] | None) -> bool:
        """Do what `holds_unsaved` does, and write the queue down only where there is another."""
        there = saved if saved is not None and _same_subject(self.choices, saved) else {}
        if any(mine and not there.get(part) for part, mine in self.parts.items()):
            return True
        return bool(there) and holds_unsaved(self.document, there)

    @property
    def document(self) -> dict[str, Any]:
        """What is chosen, and the queue."""
        return {**self.choices, "queue": [request.to_json() for request in self.waiting]}

    def by_reference(self) -> dict[str, Any]:
        """Return the document with samples named by their files; those in memory are left out."""
        results = [
            {
                "request": drawn[0].request,
                "samples": [
                    {"seed": each.options.seed, "path": str(each.source)}
                    for each in drawn
                    if each.on_disk
                ],
            }
            for drawn in self.decodes
        ]
        return {**self.document, "results": [each for each in results if each["samples"]]}

    def embedded(self) -> tuple[dict[str, Any], Iterator[tuple[str, bytes]]]:
        """Return the document with samples named by their place in the file, and their bytes."""
        results, files = [], []
        for place, drawn in enumerate(self.decodes):
            samples = []
            for each in drawn:
                name = f"samples/{place:05d}_seed-{each.options.seed:04d}.png"
                samples.append({"seed": each.options.seed, "file": name})
                files.append((name, each))
            results.append({"request": drawn[0].request, "samples": samples})
        return {**self.document, "results": results}, _bytes(files)


def _bytes(files: Sequence[tuple[str, Drawn]]) -> Iterator[tuple[str, bytes]]:
    for name, drawn in files:
        if isinstance(drawn.source, Path):
            try:
                yield name, drawn.source.read_bytes()
            except OSError as error:
                raise DataError(
                    f"{drawn.source}: a sample is no longer on disk; decode it again "
                    f"({error.strerror})"
                ) from error
        else:
            yield name, encode_picture(drawn.source)


def snapshot(session: Session, layout: Mapping[str, Any]) -> State | None:
    """Return the state of a session; None while no subject is open."""
    subject, trial, masking = session.subject, session.trial, session.masking
    if subject is None or trial is None:
        return None
    by_request: dict[int, list[Drawn]] = {}
    for each in session.collection.everything():
        by_request.setdefault(id(each.request), []).append(each)
    info = session.decoder.info if session.decoder else None
    grid, queue = session.grid, session.queue
    waiting = (*queue.together, *(each.request for each in queue.waiting))
    choices = {
        "subject": {
            "name": subject.name,
            "source": str(Path(subject.source).absolute()),
            "n_voxels": subject.n_voxels,
        },
        "positions": _positions(session),
        "preparation": session.preparation.steps.to_json(),
        "model": None
        if info is None
        else {"name": info.name, "folder": info.folder, "hash": info.hash},
        "regions": [
            {
                "name": roi.name,
                "voxels": roi.voxels.tolist(),
                "made": roi.made,
                "colour": roi.colour,
            }
            for roi in session.regions.rois
            if roi.made
        ],
        "choices": {
            "trial": trial.index,
            "used_rois": sorted(session.used_rois),
            "visible_rois": sorted(session.brain.visible_rois),
            "crosshair": list(session.brain.crosshair),
            "overlays": looks_to_json(session.overlays.items),
            **session.sampling.to_json(),
            "first_seed": session.first_seed,
            "n_samples": session.n_samples,
            "mask": mask_json(masking.mask),
            "mask_applied": masking.applied,
        },
        "grid": {
            "rows": grid.rows,
            "columns": grid.columns,
            "typed": dict(grid.typed),
            "trials": list(grid.trials),
        },
        "layout": dict(layout),
    }
    return State(choices, tuple(tuple(drawn) for drawn in by_request.values()), waiting)


def _positions(session: Session) -> dict[str, str] | None:
    """Return file and hash of positions that were added to the subject."""
    path, subject = session.preparation.positions, session.subject
    if path is None or subject is None:
        return None
    return {"path": str(path.absolute()), "hash": positions_fingerprint(subject)}


def holds_unsaved(document: Mapping[str, Any], saved: Mapping[str, Any] | None) -> bool:
    """Whether made regions or waiting decodes of a document are not in the one in a file.

    Samples are not asked for: they are on disk, and the history knows them.
    """
    there = saved if saved is not None and _same_subject(document, saved) else {}
    return any(
        not _texts(document[part]) <= _texts(there.get(part, ())) for part in ("regions", "queue")
    )


def unfinished(session: Session) -> list[str]:
    """Name what runs, is in no document, and ends with the window."""
    lesions, running = session.lesions, []
    if lesions.running and not lesions.stopping:
        kept = "" if lesions.folder is None else " (finished ones are kept)"
        running.append(f"lesion study of {counted(lesions.n_asked, 'trial')}{kept}")
    if session.attributions.running:
        running.append("attribution of a sample")
    return running


def undone(document: Mapping[str, Any]) -> list[str]:
    """Name, with their numbers, decodes that wait, regions that were made, and unfinished work."""
    told = []
    for part, word in (("queue", "waiting decode"), ("regions", "made region")):
        if count := len(document.get(part, ())):
            told.append(counted(count, word))
    return told + [f"unfinished {name}" for name in document.get(UNFINISHED, ())]


def _same_subject(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both are of one subject, wherever its file lay."""
    told = [
        [each.get("subject", {}).get(key) for key in ("name", "n_voxels")] for each in (one, other)
    ]
    return told[0] == told[1]


def _texts(values: Sequence[Mapping[str, Any]]) -> set[str]:
    return {json.dumps(each, sort_keys=True) for each in values}


def take_up_choices(session: Session, document: Mapping[str, Any]) -> None:
    """Choose what a document says; the subject must be open.

    Raises
    ------
    DataError
        If it is incomplete or does not fit the subject.
    """
    try:
        choices, grid = document["choices"], document["grid"]
        sampling = Sampling.from_json(choices)
        session.set_trial(int(choices["trial"]))
        session.regions.take_up(document.get("regions", ()))
        known = {roi.name for roi in session.regions.rois}
        if choices["used_rois"]:
            session.set_used_rois(frozenset(choices["used_rois"]) & known)
        session.brain.set_visible_rois(frozenset(choices["visible_rois"]) & known)
        at = [int(value) for value in choices["crosshair"]]
        session.brain.set_crosshair((at[0], at[1], at[2]))
        session.set_sampling(sampling)
        session.set_seeds(int(choices["first_seed"]), int(choices["n_samples"]))
        mask = mask_from_json(choices["mask"])
        shown = session.masking.mask
        if mask is not None and shown is not None and mask.n_patches == shown.n_patches:
            session.masking.set_mask(mask)
        session.masking.set_applied(bool(choices["mask_applied"]))
        session.grid.set_trials([int(each) for each in grid["trials"]])
        session.grid.set_axes(grid["rows"], grid["columns"])
        for option, text in grid["typed"].items():
            session.grid.set_values(option, text)
        if "overlays" in choices:  # sessions of earlier versions have none
            take_up_looks(session.overlays, choices["overlays"])
    except (KeyError, TypeError, ValueError, IndexError, RequestError) as error:
        raise DataError(f"the session is incomplete: {error!r}") from error
