"""A lesion study on disk: `lesion.json`, which it resumes from, and tables to read."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mindvis_gui.analysis.bootstrap import LEVEL, RESAMPLES
from mindvis_gui.analysis.decoded_trial import protocol
from mindvis_gui.analysis.lesion import LesionStudy, TrialScores
from mindvis_gui.analysis.lesion_csv import long_table, summary_table
from mindvis_gui.analysis.lesion_index import (
    FORMAT,
    FORMAT_VERSION,
    INDEX,
    read_index,
    trial_to_json,
    with_trials,
)
from mindvis_gui.data.lesion import MEANING
from mindvis_gui.data.prepare import Normalisation, prepare
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.request import DecodeRequest, ModelInfo, vector_sha256
from mindvis_gui.decoding.versions import installed_versions
from mindvis_gui.errors import ExportError
from mindvis_gui.files import atomic_path, check_writable

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
        resumed = with_trials(study, index, path)
        for each in resumed.trials:
            if not self._is_the_same(each, normalisation):
                raise ExportError(
                    f"{self._folder}: holds trial {each.trial} of another response than "
                    f"{self._subject.name} has at this number; choose another folder"
                )
        split = {each.trial: self._subject.trials[each.trial].split for each in resumed.trials}
        trials = (replace(each, split=split[each.trial]) for each in resumed.trials)
        return replace(resumed, trials=tuple(trials))

    def joined(self, study: LesionStudy, normalisation: Normalisation) -> LesionStudy:
        """Return `study` with the trials that the folder holds besides; raises as `resume`."""
        whole = self.resume(replace(study, trials=(), failed={}), normalisation)
        there = {each.trial for each in whole.trials}
        for each in study.trials:
            whole = whole.with_trial(each)
        failed = {trial: why for trial, why in study.failed.items() if trial not in there}
        return replace(whole, failed={**whole.failed, **failed})

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
            "trials": [trial_to_json(each) for each in study.trials],
            "failed": [
                {"trial": trial, "error": why} for trial, why in sorted(study.failed.items())
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
