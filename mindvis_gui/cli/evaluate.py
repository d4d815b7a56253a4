"""``mindvis evaluate``: the scores of decode folders, with their protocol beside them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mindvis_gui.cli.selection import mask_seed, names, numbers
from mindvis_gui.cli.subject_output import check_no_input
from mindvis_gui.cli.usage import UsageError, read_by
from mindvis_gui.errors import ModelError
from mindvis_gui.steps import finish
from mindvis_gui.version import __version__
from mindvis_gui.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.table import Table

    from mindvis_gui.analysis.decoded_trial import DecodedTrial
    from mindvis_gui.analysis.evaluation import Evaluation, GroupScore

FORMAT = "mindvis evaluation"
FORMAT_VERSION = 1
_WIDTH = 120  # columns, where no terminal says how many it has


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command and add its options."""
    parser.description = (
        "Score the samples of decode folders: means with 95 % intervals over trials, "
        "best seed, chance level and protocol. Several folders make several rows of one table."
    )
    parser.epilog = "docs/evaluation.md defines every score and says what it can be compared with."
    add = parser.add_argument
    add("folders", nargs="+", type=Path, metavar="DIR", help="folder that 'mindvis decode' wrote")
    add(
        "--metrics",
        type=read_by(_metrics),
        metavar="NAMES",
        help="pixcorr, ssim, ssim-425, mse, lpips, pairwise-mse, pairwise-pcc, pairwise-ssim, "
        "pairwise-lpips, alexnet-2, alexnet-5, inception, clip, efficientnet-b1, swav, fid-64, "
        "fid-2048, identification-N, topK-Nway, topK-Nway-vit-h-14, … (default: all)",
    )
    add("--trials", type=numbers, metavar="LIST", help="score these only, for example 0,3,5-9")
    add("--seed", type=mask_seed, default=0, metavar="N", help="of all that is random (default: 0)")
    add("--json", action="store_true", help="print one JSON document")
    add("--csv", type=Path, metavar="FILE", help="also write the table as CSV")
    add("--latex", type=Path, metavar="FILE", help="also write the table for LaTeX")


def run(args: argparse.Namespace) -> int:
    """Read the folders, score them, print and write the tables."""
    from mindvis_gui.analysis.decode_folder import listed_files
    from mindvis_gui.analysis.replaced_table import check_replaces_csv, check_replaces_latex
    from mindvis_gui.analysis.score_table import csv_table, latex_table, write_text
    from mindvis_gui.cli.output import progress
    from mindvis_gui.files import check_writable

    tables = [path for path in (args.csv, args.latex) if path is not None]
    if len({path.resolve() for path in tables}) < len(tables):
        raise UsageError(
            f"--csv and --latex both name {args.csv}; give each table a file of its own"
        )
    read = [file for folder in args.folders for file in listed_files(folder)] if tables else []
    for path in tables:
        check_writable(path.parent)
        check_no_input(path, read)
    if args.csv is not None:
        check_replaces_csv(args.csv)
    if args.latex is not None:
        check_replaces_latex(args.latex)
    evaluations = []
    with progress(len(args.folders)) as show:
        for done, folder in enumerate(args.folders):
            scored = evaluate_folder(
                folder, partial(show, done), args.metrics or (), args.trials, args.seed
            )
            evaluations.append(replace(scored, folder=str(folder)))
    try:
        if args.csv is not None:
            write_text(csv_table(evaluations), args.csv)
        if args.latex is not None:
            write_text(latex_table(evaluations), args.latex)
    finally:  # scores that took hours are not lost with a full disk
        _print_json(evaluations) if args.json else _print(evaluations)
    return 0


def _print_json(evaluations: Sequence[Evaluation]) -> None:
    from mindvis_gui.cli.output import write_json

    write_json(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "version": __version__,
            "evaluations": [{"folder": each.folder, **each.to_json()} for each in evaluations],
        }
    )


def _metrics(text: str) -> tuple[str, ...]:
    """Read ``ssim,pixcorr``, of which each is the name of a score."""
    from mindvis_gui.analysis.scores import metric

    keys = names(text)
    for key in keys:
        metric(key)
    return keys


def evaluate_folder(
    folder: Path,
    report: Callable[[str], None],
    metrics: Sequence[str] = (),
    trials: Sequence[int] | None = None,
    seed: int = 0,
) -> Evaluation:
    """Score a decode folder; without `metrics`, by all that make sense for its model."""
    from mindvis_gui import scoring
    from mindvis_gui.analysis.decode_folder import read_decode_folder, read_failures
    from mindvis_gui.analysis.evaluate import evaluate
    from mindvis_gui.analysis.scores import DEFAULT, OF_OWN_CLASSIFIERS

    report(str(folder))
    failures = read_failures(folder)
    failed = sorted(set(failures).intersection(trials or failures))
    decoded = read_decode_folder(folder, trials)
    model = _model_folder(decoded)
    has_classifier = model is not None and (model / "classifier").is_dir()
    keys = metrics or (*DEFAULT, *(OF_OWN_CLASSIFIERS if has_classifier else ()))
    steps = evaluate(decoded, keys, scoring.network_finder(model), failed, seed)
    return finish(steps, report)


def _model_folder(trials: Sequence[DecodedTrial]) -> Path | None:
    """Return the folder of the model that decoded the trials, if it is here unchanged."""
    from mindvis_gui.decoding.models import find_model, read_model_info

    try:
        info = read_model_info(find_model(trials[0].request["model"])) if trials else None
    except ModelError:
        return None  # the samples are here, and all scores but the model's own can be computed
    if info is None or info.hash != trials[0].request["model_hash"]:
        return None
    return Path(info.folder)


def _print(evaluations: Sequence[Evaluation]) -> None:
    from mindvis_gui.analysis.score_table import unlike
    from mindvis_gui.cli.output import console

    with console(_WIDTH) as to:
        for each in evaluations:
            _print_one(to, each)
        if len(evaluations) > 1:
            to.print(_summary(evaluations))
            for remark in unlike(evaluations):
                to.print(remark)


def _print_one(console: Console, evaluation: Evaluation) -> None:
    """Print one folder's scores, what they mean, and what is missing."""
    from rich.padding import Padding

    from mindvis_gui.analysis.score_table import facts_line, remarks, unavailable_lines

    console.print()
    console.print(facts_line(evaluation), style="bold")
    console.print(_scores(evaluation))
    if evaluation.groups:
        console.print(_groups(evaluation))
    for remark in remarks(evaluation):
        console.print(Padding(remark, (0, 0, 0, 1)))
    for line in unavailable_lines(evaluation):
        console.print(Padding(line, (0, 0, 0, 1)), style="dim")
    console.print()


def _scores(evaluation: Evaluation) -> Table:
    from mindvis_gui.analysis.score_table import (
        best_text,
        chance_text,
        heading,
        interval_text,
        protocol_text,
    )

    several = len(evaluation.seeds) > 1
    headings = ["score", "mean [95 % interval]", "best (seed)", "chance", "protocol"]
    table = _table()
    for title in headings:
        if title != "best (seed)" or several:
            table.add_column(title, overflow="fold", no_wrap=title != "protocol")
    for score in evaluation.scores:
        table.add_row(
            heading(score.metric),
            interval_text(score),
            *([best_text(score)] if several else []),
            chance_text(score),
            protocol_text(score),
        )
    return table


def _groups(evaluation: Evaluation) -> Table:
    """Return the scores of parts of the trials side by side, chance in brackets."""
    from mindvis_gui.analysis.score_table import heading, mean_text

    table = _table()
    table.add_column("mean [95 % interval] (chance)", no_wrap=True)
    for group in evaluation.groups:
        table.add_column(f"{counted(len(group.trials), 'trial')}:\n{group.name}")
    metrics = {score.metric.key: score.metric for score in evaluation.scores}
    for scores in zip(*(group.scores for group in evaluation.groups), strict=True):
        metric = metrics[scores[0].key]
        table.add_row(
            heading(metric),
            *(
                mean_text(each.mean, each.interval, metric.digits) + _levels(each, metric.digits)
                for each in scores
            ),
        )
    return table


def _levels(score: GroupScore, digits: int) -> str:
    """Return chance in brackets, and what was measured where that is another number."""
    from mindvis_gui.analysis.caption import decimal

    if score.chance is None:
        return ""
    chance = decimal(score.chance, digits)
    if score.unseen is None or score.unseen == score.chance:
        return f" ({chance})"
    return f" ({chance}, unseen {decimal(score.unseen, digits)})"


def _summary(evaluations: Sequence[Evaluation]) -> Table:
    """Return one column a folder and one row a score; a paper's table lies on its side."""
    from mindvis_gui.analysis.score_table import (
        columns,
        decoding_texts,
        folder_names,
        heading,
        interval_text,
        row,
    )

    metrics = columns(evaluations)
    table = _table()
    table.add_column("score", no_wrap=True)
    shared = set.intersection(*(set(decoding_texts(each)) for each in evaluations))
    for name, each in zip(folder_names(evaluations), evaluations, strict=True):
        own = [text for text in decoding_texts(each) if text not in shared]
        facts = [name, each.display_name, each.model, *own, counted(len(each.trials), "trial")]
        table.add_column("\n".join(facts), overflow="fold")
    rows = zip(*(row(each, metrics) for each in evaluations), strict=True)
    for metric, scores in zip(metrics, rows, strict=True):
        cells = ("–" if score is None else interval_text(score) for score in scores)
        table.add_row(heading(metric), *cells)
    return table


def _table() -> Table:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
