"""A lesion study on disk: `lesion.json`, which it resumes from, and tables to read."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from mindvis_gui.analysis.bootstrap import LEVEL, RESAMPLES
from mindvis_gui.analysis.decoded_trial import DecodedTrial, installed_versions, protocol
from mindvis_gui.analysis.lesion import LesionStudy, TrialScores
from mindvis_gui.analysis.lesion_scores import LesionScore
from mindvis_gui.data.lesion import MEANING, Lesion
from mindvis_gui.data.prepare import Normalisation, prepare
from mindvis_gui.data.subject import Subject, read_only
from mindvis_gui.decoding.request import DecodeRequest, ModelInfo, vector_sha256
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import DataError, ExportError, MindVisError
from mindvis_gui.files import atomic_path, check_writable

INDEX = "lesion.json"
FORMAT = "mindvis lesion study"
FORMAT_VERSION = 1
_HEAD = ("versions", "subject", "model", "decoding", "seeds", "lesions", "scores")


class LesionFolder:
    """Keeps a study in a folder; killed at any moment, it holds the trials so far.

    Parameters
    ----------
    folder : pathlib.Path
        Made when the first trial is kept.
    subject : Subject
    model : ModelInfo
    plan : DecodeRequest
        The request without its trial.

    Raises
    ------
    ExportError
        If nothing can be written into the folder.
    """

    def __init__(
        self, folder: Path, subject: Subject, model: ModelInfo, plan: DecodeRequest
    ) -> None:
        check_writable(folder)
        self._folder, self._subject, self._model, self._plan = folder, subject, model, plan
        self._facts = {
            "versions": installed_versions(),
            "subject": {
                "name": subject.name,
                "simulated": subject.simulated,
                "n_voxels": subject.n_voxels,
            },
            "model": {"name": model.name, "hash": model.hash},
            "decoding": protocol(plan.to_json()),
        }

    def resume(self, study: LesionStudy, normalisation: Normalisation) -> LesionStudy:
        """Return `study` with the trials that the folder already holds.

        Raises
        ------
        ExportError
            If they were decoded or scored in another way, or from other responses.
        DataError
            If its `lesion.json` is damaged.
        """
        path = self._folder / INDEX
        if not path.exists():
            return study
        index = read_index(path)
        ours = json.loads(json.dumps(self._head(study)))  # as it comes back from the file
        for key in _HEAD:
            if index.get(key) != ours[key]:
                was, now = _difference(index.get(key), ours[key])
                raise ExportError(
                    f"{self._folder}: holds a study with other {key} ({was}, not {now}); "
                    "choose another folder"
                )
        resumed = _with_trials(study, index, path)
        for each in resumed.trials:
            if not self._is_the_same(each, normalisation):
                raise ExportError(
                    f"{self._folder}: holds trial {each.trial} of another response than "
                    f"{self._subject.name} has at this number; choose another folder"
                )
        return resumed

    def joined(self, study: LesionStudy, normalisation: Normalisation) -> LesionStudy:
        """Return `study` with the trials that the folder holds besides; raises as `resume`."""
        whole = self.resume(replace(study, trials=(), failed=None), normalisation)
        there = {each.trial for each in whole.trials}
        for each in study.trials:
            whole = whole.with_trial(each)
        failed = {trial: why for trial, why in (study.failed or {}).items() if trial not in there}
        return replace(whole, failed={**(whole.failed or {}), **failed})

    def _is_the_same(self, kept: TrialScores, normalisation: Normalisation) -> bool:
        """Whether a trial was decoded from what the subject has under its number."""
        trials = self._subject.trials
        if not 0 <= kept.trial < len(trials) or trials[kept.trial].stimulus_id != kept.stimulus_id:
            return False
        if not kept.vector_sha256:
            return True
        vector = prepare(self._subject, trials[kept.trial], normalisation, self._plan.rois)
        return vector_sha256(vector) == kept.vector_sha256

    def keep(self, study: LesionStudy) -> None:
        """Write the study as it is now, in place of what the folder held.

        Raises
        ------
        ExportError
            If a file cannot be written; the old one stays.
        """
        index = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            **self._head(study),
            "notes": list(study.notes),
            "trials": [_to_json(each) for each in study.trials],
            "failed": [
                {"trial": trial, "error": why}
                for trial, why in sorted((study.failed or {}).items())
            ],
        }
        _write(self._folder / INDEX, json.dumps(index, ensure_ascii=False, indent=1) + "\n")

    def write_tables(self, study: LesionStudy) -> None:
        """Write `lesion.csv`, every single score, and their means and intervals.

        Those are `summary.csv`, and as they are printed `summary.md` and `summary.tex`.

        Raises
        ------
        ExportError
            If a file cannot be written; the old one stays.
        """
        _write(self._folder / "lesion.csv", long_table(study))
        _write(self._folder / "summary.csv", summary_table(study))
        if study.trials:
            # Only now: the window is there before what scores and their tables need.
            from mindvis_gui.analysis.lesion_table import latex_table, markdown_table

            of = self._subject, self._model
            _write(self._folder / "summary.md", markdown_table(study, *of))
            _write(self._folder / "summary.tex", latex_table(study, *of))

    def _head(self, study: LesionStudy) -> dict[str, Any]:
        return {
            **self._facts,
            "seeds": list(study.seeds),
            "lesions": [
                {**lesion.to_json(), "meaning": MEANING[lesion.method]} for lesion in study.lesions
            ],
            "scores": [asdict(score) for score in study.scores],
            "intervals": {
                "method": "percentile bootstrap over stimuli of lesioned minus intact",
                "level": LEVEL,
                "resamples": RESAMPLES,
            },
        }


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
    return _with_trials(study, index, path)


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


def _with_trials(study: LesionStudy, index: Mapping[str, Any], path: Path) -> LesionStudy:
    """Return a study with the trials of a `lesion.json`."""
    try:
        trials = tuple(
            TrialScores(
                entry["trial"],
                entry["stimulus_id"],
                entry["label"],
                _from_json(entry["scores"]),
                str(entry.get("vector_sha256", "")),
            )
            for entry in index["trials"]
        )
        failed = {int(entry["trial"]): str(entry["error"]) for entry in index["failed"]}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _damaged(path, repr(error)) from error
    return replace(study, trials=trials, failed=failed)


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


def summary(study: LesionStudy) -> list[dict[str, Any]]:
    """Return one entry for each lesion and score: means, change and its interval."""
    rows = []
    for lesion in study.lesions:
        for score in study.scores:
            effect = study.effect(lesion.name, score.key)
            if effect is not None:
                low, high = effect.interval or (None, None)
                rows.append(
                    {
                        "lesion": lesion.name,
                        "method": lesion.method,
                        "voxels": int(lesion.voxels.size),
                        "score": score.key,
                        "trials": effect.n_trials,
                        "intact": study.intact(score.key),
                        "lesioned": effect.mean,
                        "change": effect.change,
                        "low": low,
                        "high": high,
                        "chance": score.chance,
                    }
                )
    return rows


def summary_table(study: LesionStudy) -> str:
    """Return `summary` as CSV."""
    rows = summary(study)
    return _csv(rows[0] if rows else ["lesion"], (row.values() for row in rows))


def long_table(study: LesionStudy) -> str:
    """Return every single score as CSV: one line a lesion, trial and seed."""
    keys = [score.key for score in study.scores]
    lines = [
        [name, each.trial, each.stimulus_id, each.label, seed]
        + [_cell(scores.get(key, ()), column) for key in keys]
        for each in study.trials
        for name, scores in each.scores.items()
        for column, seed in enumerate(study.seeds)
    ]
    return _csv(["lesion", "trial", "stimulus_id", "label", "seed", *keys], lines)


def _cell(values: Sequence[float], column: int) -> float | str:
    return "" if column >= len(values) or math.isnan(values[column]) else values[column]


def _csv(head: Iterable[str], lines: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(["" if cell is None else cell for cell in line] for line in lines)
    return text.getvalue()


def _to_json(trial: TrialScores) -> dict[str, Any]:
    scores = {
        lesion: {key: [None if math.isnan(v) else v for v in values] for key, values in of.items()}
        for lesion, of in trial.scores.items()
    }
    return {
        "trial": trial.trial,
        "stimulus_id": trial.stimulus_id,
        "label": trial.label,
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


def _difference(was: Any, now: Any) -> tuple[str, str]:
    """Return the first parts of two JSON values that differ, shortened."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in {**was, **now}:
            if was.get(key) != now.get(key):
                first, second = _difference(was.get(key), now.get(key))
                return f"{key} {first}".removeprefix("name "), second
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for one, other in zip(was, now, strict=True):
            if one != other:
                return _difference(one, other)
    return str(was)[:60], str(now)[:60]


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{path}: is damaged ({what}); choose another folder")
