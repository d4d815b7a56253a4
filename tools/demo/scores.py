"""Score a model of the demo subject by groups of trials, and draw its samples on one sheet.

    python -m tools.demo.scores --model demo --sheet docs/images/demo-sheet.webp

Three groups that training saw less and less of: new presentations of pictures that were trained on,
unseen drawings of concepts that were, and concepts that were not. Chance levels stand beside.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.comparison import resized
from mindvis_gui.analysis.metrics import standardised
from mindvis_gui.analysis.networks import Network
from mindvis_gui.analysis.sample_sets import agreement, chance_agreement, diversity, sharpness
from mindvis_gui.data import open_subject
from mindvis_gui.data.prepare import measure_normalisation
from mindvis_gui.data.subject import FloatArray, ImageArray, Subject, Trial
from mindvis_gui.decoding.models import find_model, load_decoder
from mindvis_gui.decoding.request import Decoder, DecodeRequest
from mindvis_gui.decoding.sampling_settings import PRESETS, Sampling
from mindvis_gui.scoring import find_classifier
from tools.demo.concepts import read_concepts
from tools.demo.presentations import new_presentations, one_of_each_concept
from tools.demo.sheet import write_sheet

SEEDS = (0, 1, 2, 3, 4)
PRESENTATIONS = 24
SEEN, DRAWINGS, CONCEPTS = (
    "new trials of seen pictures",
    "unseen drawings of seen concepts",
    "unseen concepts",
)


@dataclass(frozen=True, eq=False, slots=True)
class Shown:
    """Stimuli, the responses to them and what training knew of them.

    `responses` (n, n_voxels) are normalised; `groups` names a part of the stimuli each.
    """

    trials: Sequence[Trial]
    responses: FloatArray
    stimuli: ImageArray
    groups: Mapping[str, NDArray[np.int64]]

    @property
    def categories(self) -> list[str]:
        """Category of each stimulus."""
        return [trial.category for trial in self.trials]


@dataclass(frozen=True, slots=True)
class GroupScores:
    """Mean scores over a group of trials and all seeds, with chance levels.

    `two_way` is the share of the other candidates that a sample correlates less with than with
    its own stimulus; `top_1` how often that is all of them. `category` is how often the
    classifier finds the stimulus' category in a sample, `category_chance` how often it finds
    that of another stimulus, `category_of_stimuli` how often it is right about the stimuli;
    these and the agreement are None where the model brings no classifier.
    The rest is defined in `mindvis_gui.analysis.sample_sets`; sharpness is in units of the
    stimuli's.
    """

    preset: str
    group: str
    trials: int
    candidates: int
    pixel_correlation: float
    pixel_correlation_chance: float
    two_way: float
    top_1: float
    diversity: float
    sharpness: float
    category: float | None = None
    category_chance: float | None = None
    category_of_stimuli: float | None = None
    agreement: float | None = None
    agreement_chance: float | None = None


def shown_stimuli(subject: Subject, seed: int = 0) -> list[Shown]:
    """Return what is scored: the averaged test trials, and as many presentations of seen pictures.

    Those are made here, by the simulation: one training picture of each concept, shown 24 times
    more.
    """
    normalisation = measure_normalisation(subject)
    unseen = {concept.label for concept in read_concepts() if not concept.seen}
    test = [trial for trial in subject.trials if trial.split == "test"]
    is_unseen = np.array([trial.label in unseen for trial in test])
    seen = one_of_each_concept(subject, seed)
    again = new_presentations(subject, seen, PRESENTATIONS, seed).mean(axis=1)
    return [
        Shown(
            trials,
            normalisation.apply(responses),
            np.stack([_stimulus(subject, trial) for trial in trials]),
            groups,
        )
        for trials, responses, groups in (
            (seen, again, {SEEN: np.arange(len(seen))}),
            (
                test,
                subject.responses([trial.index for trial in test]),
                {DRAWINGS: np.flatnonzero(~is_unseen), CONCEPTS: np.flatnonzero(is_unseen)},
            ),
        )
    ]


def decode_all(
    decoder: Decoder, responses: FloatArray, sampling: Sampling, seeds: Sequence[int] = SEEDS
) -> ImageArray:
    """Decode normalised responses (n, n_voxels) to samples (n, n_seeds, h, w, 3)."""
    made = []
    for vector in responses:
        steps = decoder.decode(DecodeRequest("Demo", 0, vector, tuple(seeds), sampling))
        try:
            while True:
                next(steps)
        except StopIteration as done:
            made.append(np.stack([sample.image for sample in done.value.samples]))
    return np.stack(made)


class Classifier:
    """The classifier of categories that a model folder brings along."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.categories = list(network.class_names)

    @classmethod
    def of_model(cls, folder: Path) -> Classifier | None:
        """Return the one in a model folder, None if there is none."""
        networks = find_classifier(folder)
        return None if networks is None else cls(networks["category"])

    def category(self, pictures: ImageArray) -> NDArray[np.int64]:
        """Return the most probable category (n,) of pictures (n, h, w, 3), 0–255."""
        return self._network.run(pictures).probabilities.argmax(axis=1)


@dataclass(frozen=True, eq=False, slots=True)
class _Categories:
    """What the stimuli are, and what the classifier takes samples and stimuli for."""

    true: NDArray[np.int64]  # (n,)
    of_samples: NDArray[np.int64]  # (n, n_seeds)
    of_stimuli: NDArray[np.int64]  # (n,)

    @classmethod
    def of(
        cls, shown: Shown, samples: ImageArray, stimuli: ImageArray, classifier: Classifier
    ) -> _Categories:
        named = classifier.category(samples.reshape(-1, *samples.shape[2:]))
        return cls(
            np.array([classifier.categories.index(each) for each in shown.categories]),
            named.reshape(samples.shape[:2]),
            classifier.category(stimuli),
        )

    def scores(self, rows: NDArray[np.int64]) -> dict[str, float]:
        true, named = self.true[rows], self.of_samples[rows]
        other_trials = ~np.eye(len(rows), dtype=bool)
        same = named[:, :, None] == true  # (n_rows, n_seeds, n_rows)
        return {
            "category": float((named == true[:, None]).mean()),
            "category_chance": float(same.transpose(0, 2, 1)[other_trials].mean()),
            "category_of_stimuli": float((self.of_stimuli[rows] == true).mean()),
            "agreement": agreement(named),
            "agreement_chance": chance_agreement(named),
        }


def score(
    shown: Shown, samples: ImageArray, preset: str, classifier: Classifier | None
) -> list[GroupScores]:
    """Score samples (n, n_seeds, h, w, 3) of stimuli, each group of them apart.

    Candidates are all stimuli, those of the other groups, too.
    """
    height, width = samples.shape[2:4]
    stimuli = np.stack([resized(stimulus, width, height) for stimulus in shown.stimuli])
    own = np.arange(len(stimuli))
    table = np.stack([[standardised(sample) for sample in row] for row in samples]) @ (
        np.stack([standardised(stimulus) for stimulus in stimuli]).T
    )  # (n, n_seeds, n): r of each sample with each stimulus
    right = table[own, :, own]  # (n, n_seeds)
    below = (table < right[..., None]).sum(axis=2)
    categories = _Categories.of(shown, samples, stimuli, classifier) if classifier else None
    sharper = sharpness(samples) / sharpness(stimuli)[:, None]
    n = len(stimuli)
    found = []
    for group, rows in shown.groups.items():
        others = (table[rows].sum(axis=2) - right[rows]) / (n - 1)
        found.append(
            GroupScores(
                preset,
                group,
                trials=len(rows),
                candidates=n,
                pixel_correlation=float(right[rows].mean()),
                pixel_correlation_chance=float(others.mean()),
                two_way=float((below[rows] / (n - 1)).mean()),
                top_1=float((below[rows] == n - 1).mean()),
                diversity=diversity(samples[rows]),
                sharpness=float(sharper[rows].mean()),
                **(categories.scores(rows) if categories else {}),
            )
        )
    return found


def score_model(
    folder: Path,
    subject: Subject,
    presets: Sequence[str],
    sheet: Path | None = None,
    scales: Sequence[float] = (),
    seeds: Sequence[int] = SEEDS,
) -> list[dict[str, str | int | float | None]]:
    """Decode and score all groups under each preset; the first one's samples go on `sheet`.

    With `scales`, under each preset with each of these scales of guidance.
    """
    decoder, classifier = load_decoder(folder), Classifier.of_model(folder)
    ways = {preset: PRESETS[preset] for preset in presets}
    if scales:
        ways = {
            f"{preset}, guidance {scale:g}": replace(way, guidance=scale)
            for preset, way in ways.items()
            for scale in scales
        }
    scores = []
    for place, (name, sampling) in enumerate(ways.items()):
        for shown in shown_stimuli(subject):
            samples = decode_all(decoder, shown.responses, sampling, seeds)
            scores += [asdict(each) for each in score(shown, samples, name, classifier)]
            if sheet is not None and place == 0 and DRAWINGS in shown.groups:
                write_sheet(sheet, shown.stimuli, samples)
    return scores


def table(scores: Sequence[Mapping[str, str | int | float | None]]) -> str:
    """Return the scores as rows of Markdown, chance in brackets; – where nothing was measured."""
    lines = [
        "| preset | trials | pixel correlation | two-way | top-1 | category of 8 | of the stimuli "
        "| samples agree | diversity | sharpness |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in scores:
        judged, pairs = (
            "–" if row[name] is None else f"{row[name]:.0%} ({row[f'{name}_chance']:.0%})"
            for name in ("category", "agreement")
        )
        of_stimuli = row["category_of_stimuli"]
        lines.append(
            "| {preset} | {trials} {group} | {pixel_correlation:.2f} "
            "({pixel_correlation_chance:.2f}) | {two_way:.1%} (50%) | {top_1:.0%} "
            "(1 in {candidates}) | {judged} | {right} | {pairs} | {diversity:.2f} (1) "
            "| {sharpness:.2f} |".format(
                **row,
                judged=judged,
                pairs=pairs,
                right="–" if of_stimuli is None else f"{of_stimuli:.0%}",
            )
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="tools.demo.scores", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--model", default="demo", help="model folder or name")
    parser.add_argument("--presets", nargs="+", choices=list(PRESETS), default=["fast"])
    parser.add_argument("--guidance", nargs="+", type=float, default=(), help="scales to compare")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="samples of each trial")
    parser.add_argument("--sheet", type=Path, help="also draw the samples of the test stimuli")
    parser.add_argument("--json", type=Path, help="also write all numbers")
    args = parser.parse_args()
    scores = score_model(
        find_model(args.model),
        open_subject("demo"),
        args.presets,
        args.sheet,
        args.guidance,
        range(args.seeds),
    )
    print(table(scores))
    if args.json is not None:
        args.json.write_text(json.dumps(scores, indent=1), encoding="utf-8")


def _stimulus(subject: Subject, trial: Trial) -> ImageArray:
    picture = subject.stimulus(trial)
    assert picture is not None
    return picture


if __name__ == "__main__":
    main()
