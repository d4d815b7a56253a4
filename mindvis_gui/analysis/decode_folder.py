"""The decode folder: samples and stimuli as PNG, and `decode.json` with how they were made.

One folder holds one protocol: subject, model, versions and every option but the trial.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mindvis_gui.analysis.comparison import ChanceLevels, SampleScores
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.data.picture import decode_picture
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.decoding.request import Sample
from mindvis_gui.errors import DataError

INDEX = "decode.json"
FORMAT = "mindvis decode folder"
FORMAT_VERSION = 1


def read_decode_folder(folder: Path, only: Collection[int] | None = None) -> list[DecodedTrial]:
    """Read the trials of a decode folder, all or `only` some, in the order of their numbers.

    Raises
    ------
    DataError
        If the folder has no `decode.json`, a damaged one, misses a picture listed in it, or has
        not all of the trials asked for.
    """
    index = read_index(folder)
    try:
        entries = {entry["request"]["trial"]: entry for entry in index["trials"]}
        absent = sorted(set(only or ()) - set(entries))
        if absent:
            raise DataError(f"{folder}: holds no trial {absent[0]}; it has {_which(entries)}")
        chosen = [entries[number] for number in entries if only is None or number in only]
        return [_read_trial(folder, index, entry) for entry in chosen]
    except (KeyError, TypeError, AttributeError) as error:
        raise damaged(folder, f"{type(error).__name__} {error}") from error


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
    index = read_index(folder)
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
        raise damaged(folder, f"{type(error).__name__} {error}") from error


def listed_files(folder: Path) -> list[Path]:
    """Return what a decode folder consists of: `decode.json` and every file that it lists.

    Raises
    ------
    DataError
        If the folder has no `decode.json`, or a damaged one.
    """
    index = read_index(folder)
    try:
        names = [
            name
            for entry in index["trials"]
            for name in (entry["stimulus"], entry.get("latents"), *entry["samples"])
            if name is not None
        ]
        return [folder / INDEX, *(_inside(folder, name) for name in names)]
    except (KeyError, TypeError, AttributeError) as error:
        raise damaged(folder, f"{type(error).__name__} {error}") from error


def _inside(folder: Path, name: str) -> Path:
    if Path(name).name != name:
        raise damaged(folder, f"'{name}' is not the name of a file in the folder")
    return folder / name


def read_failures(folder: Path) -> dict[int, str]:
    """Read which trials could not be decoded, and why.

    One that failed when it was decoded again is none of them: it has the samples from before.

    Raises
    ------
    DataError
        If the folder has no `decode.json`, or a damaged one.
    """
    index = read_index(folder)
    try:
        decoded = {entry["request"]["trial"] for entry in index["trials"]}
        failed = {entry["trial"]: entry["error"] for entry in index["failed"]}
        return {trial: error for trial, error in failed.items() if trial not in decoded}
    except (KeyError, TypeError) as error:
        raise damaged(folder, f"{type(error).__name__} {error}") from error


def _read_trial(folder: Path, index: dict[str, Any], entry: dict[str, Any]) -> DecodedTrial:
    seeds, files = entry["request"]["seeds"], entry["samples"]
    if len(seeds) != len(files):
        raise damaged(folder, f"{len(seeds)} seeds but {len(files)} samples")
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
        split=str(entry.get("split", "")),
    )


def _picture(folder: Path, name: str) -> ImageArray:
    path = _inside(folder, name)
    try:
        return decode_picture(path.read_bytes(), str(path))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read: {error.strerror}; decode this trial again"
        ) from error


def read_index(folder: Path) -> dict[str, Any]:
    """Read the `decode.json` of a folder.

    Raises
    ------
    DataError
        If there is none, or a damaged one.
    """
    path = folder / INDEX
    try:
        index = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(
            f"{folder}: no decode folder ({INDEX}: {error.strerror}); "
            "make one with 'mindvis decode'"
        ) from error
    except ValueError as error:
        raise damaged(folder, str(error)) from error
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise DataError(f"{path}: was not written by 'mindvis decode'")
    if index.get("format_version") != FORMAT_VERSION:
        raise DataError(
            f"{path}: format version {index.get('format_version')} is not {FORMAT_VERSION}, "
            "the one this version of the application reads; update it or decode again"
        )
    for key in ("trials", "failed"):
        if not isinstance(index.get(key), list):
            raise damaged(folder, f"'{key}' is missing")
    return index


def damaged(folder: Path, what: str) -> DataError:
    """Return the error that says what is wrong with a `decode.json`."""
    return DataError(f"{folder / INDEX}: is damaged ({what}); decode again into another folder")
