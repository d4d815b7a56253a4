"""Score the demo model on the test trials, and draw its samples on one sheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mindvis_gui.analysis.comparison import Comparison, compare
from mindvis_gui.data.prepare import measure_normalisation, prepare
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.models import load_decoder
from mindvis_gui.decoding.request import PRESETS, DecodeRequest
from tools.demo.concepts import read_concepts

SEEDS = (0, 1, 2, 3)
_COLUMNS = 5  # trials a row of the sheet


@dataclass(frozen=True, slots=True)
class GroupScores:
    """Mean scores over a group of test trials and all seeds, chance levels beside them.

    `two_way` is the share of the other test stimuli that a sample correlates less with than
    with its own; `top_1` how often that is all of them.
    """

    preset: str
    group: str
    trials: int
    candidates: int
    pixel_correlation: float
    pixel_correlation_chance: float
    two_way: float
    top_1: float
    seconds: float


def score_model(
    folder: Path, subject: Subject, presets: Sequence[str], sheet: Path
) -> list[dict[str, str | int | float]]:
    """Decode every averaged test trial with 4 seeds under each preset; return the scores.

    All samples of the first preset are drawn on `sheet`, to be looked at.
    """
    unseen = {concept.label for concept in read_concepts() if not concept.seen}
    scores = []
    for preset in presets:
        compared = list(compare_all(folder, subject, preset))
        if preset == presets[0]:
            write_sheet(sheet, compared)
        labels = [subject.trials[c.result.request.trial].label for c in compared]
        groups = {
            "unseen drawings of 40 seen concepts": [label not in unseen for label in labels],
            "10 unseen concepts": [label in unseen for label in labels],
        }
        for group, members in groups.items():
            chosen = [c for c, member in zip(compared, members, strict=True) if member]
            scores.append(asdict(_mean_scores(preset, group, chosen)))
    return scores


def compare_all(folder: Path, subject: Subject, preset: str) -> Iterable[Comparison]:
    """Decode each averaged test trial and compare it with what was seen."""
    decoder = load_decoder(folder)
    normalisation = measure_normalisation(subject)
    for trial in subject.trials:
        if trial.split != "test":
            continue
        request = DecodeRequest(
            subject.name,
            trial.index,
            prepare(subject, trial, normalisation),
            SEEDS,
            PRESETS[preset],
            stimulus_id=trial.stimulus_id,
            label=trial.label,
        )
        steps = decoder.decode(request)
        try:
            while True:
                next(steps)
        except StopIteration as done:
            yield compare(done.value, subject)


def write_sheet(path: Path, compared: Sequence[Comparison]) -> None:
    """Draw every stimulus with its samples to its right."""
    rows = []
    for comparison in compared:
        assert comparison.stimulus is not None
        samples = [sample.image for sample in comparison.result.samples]
        rows.append(np.concatenate([comparison.stimulus, *samples], axis=1))
    gap = np.full((rows[0].shape[0], 6, 3), 255, dtype=np.uint8)
    lines = [
        np.concatenate([part for row in rows[i : i + _COLUMNS] for part in (row, gap)], axis=1)
        for i in range(0, len(rows) - len(rows) % _COLUMNS, _COLUMNS)
    ]
    Image.fromarray(np.concatenate(lines)).save(path)


def _mean_scores(preset: str, group: str, compared: Sequence[Comparison]) -> GroupScores:
    scores = [score for comparison in compared for score in comparison.scores]
    n = compared[0].n_candidates
    ranks = np.array([score.rank for score in scores], dtype=np.float64)
    return GroupScores(
        preset,
        group,
        trials=len(compared),
        candidates=n,
        pixel_correlation=float(np.mean([score.pixel_correlation for score in scores])),
        pixel_correlation_chance=float(
            np.mean([c.chance.pixel_correlation for c in compared if c.chance is not None])
        ),
        two_way=float(((n - ranks) / (n - 1)).mean()),
        top_1=float((ranks == 1).mean()),
        seconds=float(np.mean([c.result.seconds for c in compared])),
    )
