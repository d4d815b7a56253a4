"""How noisy the demo subject is, and what averaging its presentations does to decoding.

python -m benchmarks.demo_noise
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data import open_subject
from mindvis_gui.data.prepare import measure_normalisation
from mindvis_gui.data.subject import FloatArray, Subject
from mindvis_gui.decoding.models import find_model, load_decoder
from mindvis_gui.decoding.sampling_settings import NO_GUIDANCE, PRESETS
from tools.demo.scores import (
    CONCEPTS,
    DRAWINGS,
    Classifier,
    GroupScores,
    Shown,
    decode_all,
    score,
    shown_stimuli,
)

ROOT = Path(__file__).parents[1]
PRESENTATIONS = (1, 2, 4, 8, 16, 24)
SEEDS = (0, 1)
FAST = replace(PRESETS["fast"], guidance=NO_GUIDANCE)
_SPLITS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="demo", help="model folder or name")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images/demo-averaging.png")
    args = parser.parse_args()
    subject = open_subject("demo")
    single = single_presentations(subject)
    print(reliability_table(subject, single))
    found = averaging(subject, single, args.model)
    print(averaging_table(found))
    draw(found, args.out)


def single_presentations(subject: Subject) -> FloatArray:
    """Return the responses (n_stimuli, presentations, n_voxels) to the test, one by one."""
    test = [trial.stimulus_id for trial in subject.trials if trial.split == "test"]
    single = [trial for trial in subject.trials if trial.split == "test-single"]
    rows = [[t.index for t in single if t.stimulus_id == name] for name in test]
    responses = subject.responses([index for row in rows for index in row])
    return responses.reshape(len(rows), len(rows[0]), -1)


def noise_ceiling(single: FloatArray, presentations: int) -> NDArray[np.float64]:
    """Return the share of variance in means that stimuli explain, by voxel (n_voxels,).

    Allen et al. 2022: the variance between presentations is noise; that between the means
    of stimuli, less what noise leaves in it, is signal; the ratio is s / (s + n / m).
    """
    values = single.astype(np.float64)
    noise = values.var(axis=1, ddof=1).mean(axis=0)
    signal = values.mean(axis=1).var(axis=0, ddof=1) - noise / values.shape[1]
    signal = np.maximum(signal, 0)
    return np.asarray(signal / (signal + noise / presentations))


def split_half(single: FloatArray, size: int, seed: int = 0) -> NDArray[np.float64]:
    """Correlate means of two sets of `size` presentations over stimuli, by voxel."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(_SPLITS):
        order = rng.permutation(single.shape[1])[: 2 * size]
        first, second = (single[:, part].mean(axis=1) for part in np.split(order, 2))
        first, second = (part - part.mean(axis=0) for part in (first, second))
        norms = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
        found.append((first * second).sum(axis=0) / norms)
    return np.asarray(np.mean(found, axis=0))


def reliability_table(subject: Subject, single: FloatArray) -> str:
    """Return noise ceilings and split-half reliabilities by region, as Markdown."""
    columns = [noise_ceiling(single, n) for n in (1, 3, single.shape[1])]
    columns += [split_half(single, n) for n in (1, single.shape[1] // 2)]
    lines = [
        "| region | voxels | noise ceiling of 1 | of 3 | of 24 | split-half r, 1 + 1 | 12 + 12 |",
        "|---|---|---|---|---|---|---|",
    ]
    parts = [(roi.name, roi.voxels) for roi in subject.rois]
    for name, voxels in [*parts, ("all", np.arange(subject.n_voxels))]:
        cells = " | ".join(f"{column[voxels].mean():.2f}" for column in columns)
        lines.append(f"| {name} | {len(voxels):,} | {cells} |")
    return "\n".join(lines)


def averaging(subject: Subject, single: FloatArray, model: str) -> dict[int, list[GroupScores]]:
    """Decode means of ever more presentations; all of them scored as the averaged test trials."""
    folder = find_model(model)
    decoder, classifier = load_decoder(folder), Classifier.of_model(folder)
    normalisation = measure_normalisation(subject)
    shown = next(part for part in shown_stimuli(subject) if DRAWINGS in part.groups)
    found = {}
    for n in PRESENTATIONS:
        responses = normalisation.apply(single[:, :n].mean(axis=1))
        samples = decode_all(decoder, responses, FAST, SEEDS)
        these = Shown(shown.trials, responses, shown.stimuli, shown.groups)
        found[n] = score(these, samples, "fast", classifier)
    return found


def averaging_table(found: dict[int, list[GroupScores]]) -> str:
    """Return the scores against the number of presentations, as Markdown."""
    lines = [
        "| presentations | group | pixel correlation | two-way | top-1 of 50 | category of 8 |",
        "|---|---|---|---|---|---|",
    ]
    for n, groups in found.items():
        for row in groups:
            lines.append(
                f"| {n} | {row.group} | {row.pixel_correlation:.2f} | {row.two_way:.1%} "
                f"| {row.top_1:.0%} | {'–' if row.category is None else f'{row.category:.0%}'} |"
            )
    return "\n".join(lines)


def draw(found: dict[int, list[GroupScores]], path: Path) -> None:
    """Plot the scores against the number of presentations."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    panels: list[tuple[str, str, str | float]] = [
        ("pixel_correlation", "pixel correlation", "pixel_correlation_chance"),
        ("two_way", "two-way identification", 0.5),
        ("top_1", "top-1 of 50", 0.02),
    ]
    if all(row.category is not None for groups in found.values() for row in groups):
        panels.append(("category", "category of 8", "category_chance"))
    figure, axes = plt.subplots(
        1, len(panels), figsize=(2.5 * len(panels) + 0.5, 2.6), layout="constrained"
    )
    for axis, (score_name, title, chance) in zip(axes, panels, strict=True):
        for position, (group, colour) in enumerate(((DRAWINGS, "C0"), (CONCEPTS, "C1"))):
            rows = [groups[position] for groups in found.values()]
            axis.plot(
                list(found), [getattr(r, score_name) for r in rows], "o-", color=colour, label=group
            )
            if isinstance(chance, str):
                level = [getattr(r, chance) for r in rows]
                axis.plot(list(found), level, ":", color=colour)
        if not isinstance(chance, str):
            axis.axhline(chance, color="0.5", ls=":")
        axis.set_xscale("log", base=2)
        axis.set_xticks(list(found), [str(n) for n in found])
        axis.set_ylim(0, 1.02)
        axis.set_title(title, fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_xlabel("presentations averaged")
    axes[0].legend(fontsize=7, loc="lower right", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
