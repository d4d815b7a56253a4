"""The decode folder: samples and stimuli as PNG, and `decode.json` with how they were made.

One folder holds one protocol: subject, model, versions and every option but the trial.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mindvis_gui.analysis.comparison import ChanceLevels, Comparison, SampleScores, seen
from mindvis_gui.analysis.decoded_trial import DecodedTrial, protocol
from mindvis_gui.analysis.export import write_sample, write_stimulus
from mindvis_gui.data.picture import decode_picture
from mindvis_gui.data.prepare import Normalisation
from mindvis_gui.data.subject import FloatArray, ImageArray, Subject
from mindvis_gui.decoding.request import DecodeRequest, ModelInfo, Sample
from mindvis_gui.decoding.versions import installed_versions
from mindvis_gui.errors import DataError, ExportError
from mindvis_gui.files import atomic_path, check_writable, locked

INDEX = "decode.json"
FORMAT = "mindvis decode folder"
FORMAT_VERSION = 1


class DecodeFolderWriter:
    """Adds trials to a decode folder, one by one; killed at any moment, it holds those so far.

    Pictures are written before the `decode.json` that lists them, each file whole or not at all.
    A folder that exists is continued: a trial decoded again replaces itself. Several processes
    may write into one folder at once.

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
        index = _read_index(self._folder)
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
            raise _damaged(self._folder, f"{type(error).__name__} {error}") from error
        self._state = state

    def add(
        self,
        comparison: Comparison,
        cached: Sequence[int] = (),
        latents: FloatArray | None = None,
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
        latents_file = None if latents is None else f"trial-{number:04d}_latents.npy"
        entry = {
            "request": result.request.to_json(),
            "label_in_training": self._in_training(result.request.label),
            "stimulus": stimulus,
            "samples": files,
            **({} if latents_file is None else {"latents": latents_file}),
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
            if latents is not None and latents_file is not None:
                with atomic_path(self._folder / latents_file) as new, new.open("wb") as to:
                    np.save(to, latents)
            failed = {trial: error for trial, error in self._failed.items() if trial != number}
            self._write({**self._trials, number: entry}, failed)

    def add_failure(self, trial: int, error: Exception) -> None:
        """Note that a trial could not be decoded; what it had before stays."""
        with locked(self._folder):
            self._continue()
            self._write(self._trials, {**self._failed, trial: str(error)})

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


def read_decode_folder(folder: Path, only: Collection[int] | None = None) -> list[DecodedTrial]:
    """Read the trials of a decode folder, all or `only` some, in the order of their numbers.

    Raises
    ------
    DataError
        If the folder has no `decode.json`, a damaged one, misses a picture listed in it, or has
        not all of the trials asked for.
    """
    index = _read_index(folder)
    try:
        entries = {entry["request"]["trial"]: entry for entry in index["trials"]}
        absent = sorted(set(only or ()) - set(entries))
        if absent:
            raise DataError(f"{folder}: holds no trial {absent[0]}; it has {_which(entries)}")
        chosen = [entries[number] for number in entries if only is None or number in only]
        return [_read_trial(folder, index, entry) for entry in chosen]
    except (KeyError, TypeError, AttributeError) as error:
        raise _damaged(folder, f"{type(error).__name__} {error}") from error


def _which(numbers: Collection[int]) -> str:
    """Return in words which trials there are: their numbers are those of the subject."""
    if len(numbers) < 2:
        return f"trial {min(numbers)} alone" if numbers else "none"
    return f"{len(numbers)} trials from {min(numbers)} to {max(numbers)}"


def list_samples(
    folder: Path,
) -> tuple[str, list[tuple[Mapping[str, Any], list[tuple[int, Path]]]]]:
    """Return the subject's name and, by request, the seeds and files of all samples; reads none.

    Raises
    ------
    DataError
        If the folder has no `decode.json`, or a damaged one.
    """
    index = _read_index(folder)
    try:
        listed = [
            (
                entry["request"],
                [
                    (seed, _inside(folder, name))
                    for seed, name in zip(entry["request"]["seeds"], entry["samples"], strict=True)
                ],
            )
            for entry in index["trials"]
        ]
        return index["subject"]["name"], listed
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder, f"{type(error).__name__} {error}") from error


def _inside(folder: Path, name: str) -> Path:
    if Path(name).name != name:
        raise _damaged(folder, f"'{name}' is not the name of a file in the folder")
    return folder / name


def read_failures(folder: Path) -> dict[int, str]:
    """Read which trials could not be decoded, and why.

    One that failed when it was decoded again is none of them: it has the samples from before.

    Raises
    ------
    DataError
        If the folder has no `decode.json`, or a damaged one.
    """
    index = _read_index(folder)
    try:
        decoded = {entry["request"]["trial"] for entry in index["trials"]}
        failed = {entry["trial"]: entry["error"] for entry in index["failed"]}
        return {trial: error for trial, error in failed.items() if trial not in decoded}
    except (KeyError, TypeError) as error:
        raise _damaged(folder, f"{type(error).__name__} {error}") from error


def _read_trial(folder: Path, index: dict[str, Any], entry: dict[str, Any]) -> DecodedTrial:
    seeds, files = entry["request"]["seeds"], entry["samples"]
    if len(seeds) != len(files):
        raise _damaged(folder, f"{len(seeds)} seeds but {len(files)} samples")
    return DecodedTrial(
        request=entry["request"],
        samples=tuple(
            Sample(_picture(folder, file), seed) for seed, file in zip(seeds, files, strict=True)
        ),
        stimulus=None if entry["stimulus"] is None else _picture(folder, entry["stimulus"]),
        scores=tuple(SampleScores(**scores) for scores in entry["scores"]),
        n_candidates=entry["n_candidates"],
        chance=None if entry["chance"] is None else ChanceLevels(**entry["chance"]),
        simulated=index["subject"]["simulated"],
        versions=index["versions"],
        test_use=tuple(map(str, index["model"].get("test_use", ()))),
        label_in_training=entry.get("label_in_training"),
    )


def _picture(folder: Path, name: str) -> ImageArray:
    path = _inside(folder, name)
    try:
        return decode_picture(path.read_bytes(), str(path))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read: {error.strerror}; decode this trial again"
        ) from error


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    try:
        index = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(
            f"{folder}: no decode folder ({INDEX}: {error.strerror}); "
            "make one with 'mindvis decode'"
        ) from error
    except ValueError as error:
        raise _damaged(folder, str(error)) from error
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise DataError(f"{path}: was not written by 'mindvis decode'")
    if index.get("format_version") != FORMAT_VERSION:
        raise DataError(
            f"{path}: format version {index.get('format_version')} is not {FORMAT_VERSION}, "
            "the one this version of the application reads; update it or decode again"
        )
    for key in ("trials", "failed"):
        if not isinstance(index.get(key), list):
            raise _damaged(folder, f"'{key}' is missing")
    return index


def _state(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is replaced; None if there is none."""
    if not path.exists():
        return None
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _damaged(folder: Path, what: str) -> DataError:
    return DataError(f"{folder / INDEX}: is damaged ({what}); decode again into another folder")


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one, with dotted keys that can be shown."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
