"""The scores of a lesion study as CSV: every single one, and what each lesion does to the means."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

from mindvis_gui.analysis.lesion import LesionStudy


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
