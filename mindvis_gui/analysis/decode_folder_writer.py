"""What writes a decode folder; `decode_folder` says what it is, and reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mindvis_gui.analysis.comparison import Comparison, seen
from mindvis_gui.analysis.decode_folder import FORMAT, FORMAT_VERSION, INDEX, damaged, read_index
from mindvis_gui.analysis.decoded_trial import protocol
from mindvis_gui.analysis.export import write_sample, write_stimulus
from mindvis_gui.data.prepare import Normalisation
from mindvis_gui.data.subject import FloatArray, Subject
from mindvis_gui.decoding.request import DecodeRequest, ModelInfo
from mindvis_gui.decoding.versions import installed_versions
from mindvis_gui.errors import ExportError, refusal_reported
from mindvis_gui.files import atomic_path, check_writable, locked


class DecodeFolderWriter:
    """Adds trials to a decode folder, one by one; killed at any moment, it holds those so far.

    Pictures are written before the `decode.json` that lists them, each file whole or not at all.
    A folder that exists is continued: a trial decoded again replaces itself, but for latents that
    nobody asked for now and that are of the same request. Several processes may write into one
    folder at once.

    Parameters
    ----------
    folder : pathlib.Path
        Made when the first trial is added.
    subject : Subject
    model : ModelInfo
    request : DecodeRequest
        Any of those to come; it sets the protocol of the folder.
    normalisation : Normalisation
        Of the responses.

    Raises
    ------
    ExportError
        If the folder holds trials of another protocol, or nothing can be written into it.
    DataError
        If its `decode.json` is damaged.
    """

    def __init__(
        self,
        folder: Path,
        subject: Subject,
        model: ModelInfo,
        request: DecodeRequest,
        normalisation: Normalisation,
    ) -> None:
        check_writable(folder)
        self._folder = folder
        self._subject = subject
        head: dict[str, Any] = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "versions": installed_versions(),
            "subject": {
                "name": subject.name,
                "simulated": subject.simulated,
                "n_voxels": subject.n_voxels,
                "unit": subject.unit,
                "normalisation": asdict(normalisation),
            },
            "model": {
                # Where the model lay and its whole card are no part of what was computed.
                key: value
                for key, value in asdict(model).items()
                if key not in ("folder", "card")
            },
            "protocol": protocol(request.to_json()),
        }
        self._head: dict[str, Any] = json.loads(json.dumps(head))  # as it comes back from the file
        self._trials: dict[int, dict[str, Any]] = {}
        self._failed: dict[int, str] = {}
        self._trained: set[str] | None = None  # labels of training trials, looked up once
        self._state: tuple[int, int, int] | None = None  # the index as it was read or written last
        self._continue()

    def _continue(self) -> None:
        """Take up what the folder holds, if another than this has written there."""
        state = _state(self._folder / INDEX)
        if state is None or state == self._state:
            return
        index = read_index(self._folder)
        ours, theirs = _flat(self._head), _flat({key: index.get(key) for key in self._head})
        for key in {**ours, **theirs}:
            if ours.get(key) != theirs.get(key):
                was, now = (str(values.get(key))[:60] for values in (theirs, ours))
                raise ExportError(
                    f"{self._folder}: was decoded with {key} {was}, not {now}; "
                    "choose another folder"
                )
        try:
            self._trials = {entry["request"]["trial"]: entry for entry in index["trials"]}
            self._failed = {entry["trial"]: entry["error"] for entry in index["failed"]}
        except (KeyError, TypeError) as error:
            raise damaged(self._folder, f"{type(error).__name__} {error}") from error
        self._state = state

    def add(
        self, comparison: Comparison, cached: Sequence[int] = (), latents: FloatArray | None = None
    ) -> None:
        """Write the samples of one trial, its stimulus, its scores, and latents if there are any.

        `cached` are the seeds whose samples were not drawn now but before; `latents` are
        (n_seeds, channels, h, w) in the order of the samples.

        Raises
        ------
        ExportError
            If a file cannot be written, or the folder was begun with another protocol meanwhile;
            `decode.json` lists what it did before.
        """
        result = comparison.result
        number = result.request.trial
        picture, _ = seen(self._subject, self._subject.trials[number])
        stimulus = None if picture is None else f"trial-{number:04d}_stimulus.png"
        files = [f"trial-{number:04d}_seed-{sample.seed:04d}.png" for sample in result.samples]
        latents_file = f"trial-{number:04d}_latents.npy"
        entry: dict[str, Any] = {
            "request": result.request.to_json(),
            "split": self._subject.trials[number].split,
            "label_in_training": self._in_training(result.request.label),
            "stimulus": stimulus,
            "samples": files,
            "scores": [asdict(scores) for scores in comparison.scores],
            "n_candidates": comparison.n_candidates,
            "chance": None if comparison.chance is None else asdict(comparison.chance),
            "seconds": round(result.seconds, 3),
            "cached": list(cached),
        }
        with locked(self._folder):
            self._continue()  # before any picture: those of another protocol have the same names
            if picture is not None and stimulus is not None:
                write_stimulus(picture, self._folder / stimulus)
            for sample, file in zip(result.samples, files, strict=True):
                write_sample(sample, result.request, self._folder / file)
            if latents is not None:
                with atomic_path(self._folder / latents_file) as new, new.open("wb") as to:
                    np.save(to, latents)
            before = self._trials.get(number, {})
            there = before.get("latents") == latents_file
            same = before.get("request") == entry["request"]
            if latents is not None or (there and same and (self._folder / latents_file).is_file()):
                entry["latents"] = latents_file
            failed = {trial: error for trial, error in self._failed.items() if trial != number}
            self._write({**self._trials, number: entry}, failed)
            if there and "latents" not in entry:
                self._remove(latents_file)  # of another response than the samples beside it

    def add_failure(self, trial: int, error: Exception) -> None:
        """Note that a trial could not be decoded; what it had before stays."""
        with locked(self._folder):
            self._continue()
            self._write(self._trials, {**self._failed, trial: str(error)})

    def _remove(self, name: str) -> None:
        path = self._folder / name
        with refusal_reported(ExportError, path, "removed"):
            path.unlink(missing_ok=True)

    def _in_training(self, label: str) -> bool | None:
        if self._trained is None:
            self._trained = {each.label for each in self._subject.trials if each.split == "train"}
        return label in self._trained if label and self._trained - {""} else None

    def _write(self, trials: dict[int, dict[str, Any]], failed: dict[int, str]) -> None:
        index = {
            **self._head,
            "trials": [trials[number] for number in sorted(trials)],
            "failed": [{"trial": number, "error": failed[number]} for number in sorted(failed)],
        }
        with atomic_path(self._folder / INDEX) as temporary:
            text = json.dumps(index, ensure_ascii=False, indent=1)
            temporary.write_text(text + "\n", encoding="utf-8")
        self._trials, self._failed = trials, failed
        self._state = _state(self._folder / INDEX)


def _state(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is replaced; None if there is none."""
    if not path.exists():
        return None
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one, with dotted keys that can be shown."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
