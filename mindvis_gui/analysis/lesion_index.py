"""`lesion.json`, which a lesion study is kept in: what reads it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.lesion import LesionStudy, TrialScores
from mindvis_gui.analysis.lesion_scores import LesionScore
from mindvis_gui.data.lesion import Lesion
from mindvis_gui.data.subject import read_only
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import DataError, MindVisError

INDEX = "lesion.json"
FORMAT = "mindvis lesion study"
FORMAT_VERSION = 1


def read_index(path: Path) -> dict[str, Any]:
    """Read a `lesion.json`.

    Raises
    ------
    DataError
        If it is no such file, or damaged.
    """
    try:
        index = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise DataError(f"{path}: was not written by 'mindvis lesion'; choose another folder")
    if index.get("format_version") != FORMAT_VERSION:
        raise DataError(
            f"{path}: format version {index.get('format_version')} is not {FORMAT_VERSION}, "
            "the one this version of the application reads; choose another folder"
        )
    return index


def read_study(folder: Path) -> LesionStudy:
    """Read a study to look at it; which voxels its lesions left out is known by number alone.

    Raises
    ------
    DataError
        If the folder holds none, or a damaged one.
    """
    path = folder / INDEX
    index = read_index(path)
    try:
        decoding = index["decoding"]
        study = LesionStudy(
            tuple(
                Lesion(each["name"], read_only(np.arange(int(each["n_voxels"]))), each["method"])
                for each in index["lesions"]
            ),
            tuple(LesionScore(**each) for each in index["scores"]),
            tuple(int(seed) for seed in index["seeds"]),
            Sampling.from_json(decoding),
        )
    except (KeyError, TypeError, ValueError, MindVisError) as error:
        raise _damaged(path, repr(error)) from error
    return with_trials(study, index, path)


def read_decoding(folder: Path) -> DecodedTrial:
    """Read how the samples of a study were decoded.

    Raises
    ------
    DataError
        If the folder holds none, or a damaged one.
    """
    path = folder / INDEX
    index = read_index(path)
    try:
        request, versions = dict(index["decoding"]), dict(index["versions"])
        return DecodedTrial.without_samples(request, bool(index["subject"]["simulated"]), versions)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, repr(error)) from error


def with_trials(study: LesionStudy, index: Mapping[str, Any], path: Path) -> LesionStudy:
    """Return a study with the trials of a `lesion.json`."""
    try:
        trials = tuple(
            TrialScores(
                entry["trial"],
                entry["stimulus_id"],
                entry["label"],
                _from_json(entry["scores"]),
                str(entry.get("vector_sha256", "")),
                str(entry.get("split", "")),
            )
            for entry in index["trials"]
        )
        failed = {int(entry["trial"]): str(entry["error"]) for entry in index["failed"]}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _damaged(path, repr(error)) from error
    return replace(study, trials=trials, failed=failed)


def trial_to_json(trial: TrialScores) -> dict[str, Any]:
    """Return the entry of a trial; what is no number is null."""
    scores = {
        lesion: {key: [None if math.isnan(v) else v for v in values] for key, values in of.items()}
        for lesion, of in trial.scores.items()
    }
    return {
        "trial": trial.trial,
        "stimulus_id": trial.stimulus_id,
        "label": trial.label,
        "split": trial.split,
        "vector_sha256": trial.vector_sha256,
        "scores": scores,
    }


def _from_json(scores: Mapping[str, Any]) -> dict[str, dict[str, list[float]]]:
    return {
        lesion: {
            key: [float("nan") if v is None else float(v) for v in values]
            for key, values in of.items()
        }
        for lesion, of in scores.items()
    }


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{path}: is damaged ({what}); choose another folder")
