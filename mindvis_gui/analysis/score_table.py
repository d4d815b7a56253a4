"""The table of a paper: one row a decode folder, one column a score; as CSV and as LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from mindvis_gui.analysis.bootstrap import RESAMPLES
from mindvis_gui.analysis.caption import decimal, response_texts
from mindvis_gui.analysis.evaluation import Evaluation, Score
from mindvis_gui.analysis.scores import Metric
from mindvis_gui.decoding.sampling_settings import sampling_text
from mindvis_gui.files import atomic_path
from mindvis_gui.wording import counted

_FACTS = ("subject", "simulated", "model", "model_hash", "test_use", "trials", "samples", "stimuli")
CSV_BEGINNING = ",".join(_FACTS[:4]) + ","  # of every table that any version wrote
_DECODING = ("sampler", "steps", "precision", "guidance")
_RESPONSE = ("rois", "mask", "lesion", "preparation")
_PARTS = ("mean", "low", "high", "best", "chance", "unseen")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": r"$-$",
    "↓": r"$\downarrow$",
}


def columns(evaluations: Sequence[Evaluation]) -> list[Metric]:
    """Return the scores that any of the evaluations has, in their order."""
    found = {score.metric.key: score.metric for each in evaluations for score in each.scores}
    return list(found.values())


def heading(metric: Metric) -> str:
    """Return the name of a score, with an arrow where less is better."""
    return metric.name if metric.higher_is_better else f"{metric.name} ↓"


def interval_text(score: Score) -> str:
    """Return a mean with its interval, or alone where there is none."""
    return mean_text(score.mean, score.interval, score.metric.digits)


def mean_text(mean: float, interval: tuple[float, float] | None, digits: int) -> str:
    """Return a mean with its interval, or alone where there is none."""
    if interval is None:
        return decimal(mean, digits)
    low, high = (decimal(bound, digits) for bound in interval)
    return f"{decimal(mean, digits)} [{low}, {high}]"


def row(evaluation: Evaluation, metrics: Sequence[Metric]) -> list[Score | None]:
    """Return the evaluation's scores in the order of `metrics`, None where it has none."""
    scores = {score.metric.key: score for score in evaluation.scores}
    return [scores.get(metric.key) for metric in metrics]


def csv_table(evaluations: Sequence[Evaluation]) -> str:
    """Return the table as CSV: mean, interval, best, chance and `unseen` of each score.

    Last stand the folder and how it was decoded; cells are empty where nothing was done.
    """
    metrics = columns(evaluations)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [f"{metric.key}_{part}" for metric in metrics for part in _PARTS]
    writer.writerow([*_FACTS, *names, "folder", *_DECODING, *_RESPONSE])
    for each in evaluations:
        cells: list[object] = [
            each.subject,
            "yes" if each.simulated else "no",
            each.model,
            each.model_hash,
            "; ".join(each.test_use),
            len(each.trials),
            len(each.seeds),
            each.n_stimuli,
        ]
        for score in row(each, metrics):
            cells += ["" if number is None else repr(number) for number in _numbers(score)]
        done = response_texts(each.decoding)
        cells += [each.folder, *(each.decoding.get(name, "") for name in _DECODING)]
        cells += [done[name] for name in _RESPONSE]
        writer.writerow(cells)
    return text.getvalue()


def _numbers(score: Score | None) -> tuple[float | None, ...]:
    """Return what `_PARTS` name."""
    if score is None:
        return (None,) * len(_PARTS)
    low, high = (None, None) if score.interval is None else score.interval
    return score.mean, low, high, score.best, score.chance, score.unseen


def latex_table(evaluations: Sequence[Evaluation]) -> str:
    """Return the table as a LaTeX ``tabular`` (needs ``booktabs``), its protocol in comments.

    Below each row stand the scores of the best seeds and the chance levels.
    """
    metrics = columns(evaluations)
    lines = []
    for name, each in zip(row_names(evaluations), evaluations, strict=True):
        scores = row(each, metrics)
        means = ["–" if score is None else interval_text(score) for score in scores]
        lines.append(latex_line([name, *means]))
        if len(each.seeds) > 1:
            lines.append(r"\quad " + latex_line(["best seed", *map(best_text, scores)]))
        lines.append(r"\quad " + latex_line(["chance", *map(chance_text, scores)]))
    protocol = [line for each in evaluations for line in protocol_lines(each)]
    protocol += unlike(evaluations)
    return latex_tabular(["Subject", *map(heading, metrics)], lines, protocol)


def row_names(evaluations: Sequence[Evaluation]) -> list[str]:
    """Return what tells the rows apart: the subject; if need be model, decoding and folder, too."""
    shared = set.intersection(*(set(decoding_texts(each)) for each in evaluations))
    models = {each.model for each in evaluations}
    names = []
    for each, folder in zip(evaluations, folder_names(evaluations), strict=True):
        own = [text for text in decoding_texts(each) if text not in shared]
        facts = [each.display_name, *([each.model] if len(models) > 1 else []), *own]
        names.append([each.display_name, ", ".join(facts), ", ".join([*facts, folder])])
    choices = [list(choice) for choice in zip(*names, strict=True)]
    return next((choice for choice in choices if len({*choice}) == len(choice)), choices[-1])


def unlike(evaluations: Sequence[Evaluation]) -> list[str]:
    """Return why rows of one table cannot be compared as they stand, one sentence a subject."""
    trials: dict[str, set[tuple[int, ...]]] = {}
    for each in evaluations:
        trials.setdefault(each.display_name, set()).add(each.trials)
    return [
        f"The folders of {name} are scored on different trials, so their scores may differ by that "
        "alone; name trials that all of them hold: --trials."
        for name, found in trials.items()
        if len(found) > 1
    ]


def folder_names(evaluations: Sequence[Evaluation]) -> list[str]:
    """Return the last part of each folder, or all of it where those are not enough."""
    names = [Path(each.folder).name for each in evaluations]
    return names if len({*names} - {""}) == len(names) else [each.folder for each in evaluations]


def latex_tabular(head: Sequence[str], lines: Sequence[str], comments: Sequence[str]) -> str:
    """Return a ``tabular`` (needs ``booktabs``) below its comments.

    The first column is flush left. `lines` are LaTeX (`latex_line`), the others plain text.
    """
    return "\n".join(
        [
            *("% " + " ".join(comment.split()) for comment in comments),
            rf"\begin{{tabular}}{{l{'c' * (len(head) - 1)}}}",
            r"\toprule",
            latex_line(head),
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def protocol_lines(evaluation: Evaluation) -> list[str]:
    """Return all that a table has to say beside its numbers, one sentence or list a line."""
    return [
        facts_line(evaluation),
        *(f"{score.metric.name}: {protocol_text(score)}" for score in evaluation.scores),
        *remarks(evaluation),
        *unavailable_lines(evaluation),
    ]


def unavailable_lines(evaluation: Evaluation) -> list[str]:
    """Return what was not computed, one line a reason."""
    reasons = unavailable_by_reason(evaluation).items()
    return [f"not available: {'; '.join(names)} — {reason}" for reason, names in reasons]


def unavailable_by_reason(evaluation: Evaluation) -> dict[str, list[str]]:
    """Return the names of the scores that were not computed, by what is missing."""
    names: dict[str, list[str]] = {}
    for each in evaluation.unavailable:
        names.setdefault(each.reason, []).append(each.name)
    return names


def decoding_texts(evaluation: Evaluation) -> list[str]:
    """Return how the samples were drawn, and what was done to the responses."""
    done = response_texts(evaluation.decoding)
    return [sampling_text(evaluation.decoding), *filter(None, done.values())]


def facts_line(evaluation: Evaluation) -> str:
    """Return what was scored, in one line."""
    short = evaluation.model_hash[:8]
    width, height = evaluation.size
    return " · ".join(
        [
            evaluation.display_name,
            f"model {evaluation.model}" + (f" ({short})" if short else ""),
            *decoding_texts(evaluation),
            f"trials {len(evaluation.trials)}, samples {len(evaluation.seeds)} each",
            counted(evaluation.n_stimuli, "stimulus"),
            f"{width} × {height} px",
            *filter(None, [evaluation.folder]),
        ]
    )


def remarks(evaluation: Evaluation) -> list[str]:
    """Return how to read the scores, one sentence each."""
    of_scores = dict.fromkeys(score.note for score in evaluation.scores if score.note)
    inputs = dict.fromkeys(
        f"{score.protocol.get('classifier') or score.protocol['network']} sees the "
        f"{score.protocol['input']}."
        for score in evaluation.scores
        if "input" in score.protocol
    )
    remarks = [
        "Mean over samples, then trials; intervals: 95 % percentile bootstrap over stimuli, "
        f"{RESAMPLES:,} resamples, seed {evaluation.seed}."
    ]
    if len(evaluation.seeds) > 1:
        remarks.append(
            "Best seed: the one with the best mean over these trials, so it is optimistic."
        )
    if any(chance_text(score).endswith(")") for score in evaluation.scores):
        remarks.append(
            "Beside chance, in brackets: the same samples scored with the classes of stimuli that "
            "were not seen."
        )
    return [
        *test_use_remarks(evaluation.test_use),
        *remarks,
        *inputs,
        *evaluation.notes,
        *of_scores,
    ]


def test_use_remarks(test_use: Sequence[str]) -> list[str]:
    """Return in what ways training has made use of test trials, one sentence each."""
    return [f"Test trials were used in training: {each}." for each in test_use]


def protocol_text(score: Score) -> str:
    """Return a score's protocol in one line."""
    # What holds for the whole table is said once above it.
    return ", ".join(
        str(value) if isinstance(value, str) else f"{name} {value}"
        for name, value in score.protocol.items()
        if name not in ("aggregation", "trials", "samples", "input")
    )


def best_text(score: Score | None) -> str:
    """Return the mean over trials of the best seed, and which it is."""
    if score is None or score.best is None:
        return "–"
    return f"{decimal(score.best, score.metric.digits)} ({score.best_seed})"


def chance_text(score: Score | None) -> str:
    """Return a chance level as it is printed, and `unseen` where that is another number."""
    if score is None or score.chance is None:
        return "–"
    digits = score.metric.digits
    chance = decimal(score.chance, digits)
    if score.unseen is None or score.unseen == score.chance:
        return chance
    return f"{chance} ({decimal(score.unseen, digits)})"


def write_text(text: str, path: Path) -> None:
    """Write a table into a file.

    Raises
    ------
    ExportError
        If it cannot be written; an existing file stays as it was.
    """
    with atomic_path(path) as temporary:
        # Names of folders may be no UTF-8.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def latex_escaped(text: str) -> str:
    """Return text with everything escaped that LaTeX would read as a command."""
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))


def latex_line(cells: Sequence[str]) -> str:
    """Return one line of a ``tabular`` from plain text."""
    return " & ".join(map(latex_escaped, cells)) + r" \\"
