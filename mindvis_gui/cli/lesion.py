"""``mindvis lesion``: what decoded pictures lose when regions are left out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mindvis_gui.cli.preparation import add_preparation_options, chosen_preparation, note_basis
from mindvis_gui.cli.sampling import add_device_option, add_sampling_options, chosen_sampling
from mindvis_gui.cli.selection import (
    add_subject_options,
    add_trials_option,
    mask_seed,
    numbers,
    select_trials,
)
from mindvis_gui.cli.usage import UsageError, read_by
from mindvis_gui.data.lesion import MEANING, METHODS

if TYPE_CHECKING:
    from mindvis_gui.analysis.lesion import LesionStudy
    from mindvis_gui.data.subject import Subject
    from mindvis_gui.decoding.request import ModelInfo

_WIDTH = 160  # columns, where no terminal says how many it has


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command and add its options."""
    parser.description = (
        "Decode every trial intact and without each region, from the same seeds, and "
        "report the change of the scores with its 95 % interval over stimuli. A study that was "
        "stopped goes on when the command is repeated."
    )
    parser.epilog = (
        "Ways to leave voxels out: "
        + "; ".join(f"{method}: {MEANING[method]}" for method in METHODS)
        + ". docs/lesion.md says how to read the result."
    )
    add = parser.add_argument
    add_subject_options(parser)
    add_trials_option(parser)
    add("--seeds", type=numbers, default=(0, 1), help="samples of each (default: 0-1)")
    add(
        "--lesions",
        type=read_by(_groups),
        metavar="LIST",
        help="what to leave out: V1,V2,early=V1+V2+V3,control=random:800 (default: each region "
        "that does not hold every voxel)",
    )
    add("--method", choices=METHODS, default="zero", help="what takes their place (default: zero)")
    add("--noise-seed", type=mask_seed, metavar="N", help="of the method 'noise' (default: 0)")
    add_sampling_options(parser)
    add_preparation_options(parser)
    add_device_option(parser)
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write into")


def run(args: argparse.Namespace) -> int:
    """Decode and score trial by trial; each is kept before the next begins."""
    # Only now what takes time to import: --help needs none of it.
    from mindvis_gui import load_decoder, open_subject
    from mindvis_gui.analysis.lesion import LesionStudy, run_study
    from mindvis_gui.analysis.lesion_folder import LesionFolder
    from mindvis_gui.analysis.lesion_plan import check_seen, plan_lesions, without_whole_regions
    from mindvis_gui.analysis.lesion_scores import LesionScorer
    from mindvis_gui.cli.interruption import stopped_cleanly
    from mindvis_gui.cli.output import complain_of_failures, progress
    from mindvis_gui.data.preparation import prepare_subject
    from mindvis_gui.data.prepare import measure_normalisation
    from mindvis_gui.decoding.plan import plan_of
    from mindvis_gui.files import only_writer
    from mindvis_gui.scoring import find_classifier

    if args.noise_seed is not None and args.method != "noise":
        raise UsageError("--noise-seed needs --method noise")
    chosen = chosen_sampling(args)
    subject = prepare_subject(open_subject(args.subject), chosen_preparation(args))
    trials = select_trials(subject, args.trials)
    check_seen(subject, trials)
    lesions = plan_lesions(subject, args.lesions, args.method, args.noise_seed or 0)
    skipped = without_whole_regions(subject) if args.lesions is None else ()
    with progress(1) as show, stopped_cleanly():
        show(0, f"loading model {args.model}")
        decoder = load_decoder(args.model, args.device, chosen.precision)
        info, preparation = decoder.info, chosen_preparation(args)
        plan = plan_of(subject, info, chosen, args.seeds, preparation=preparation)
        show(0, "looking at the stimuli")
        judges = find_classifier(Path(info.folder)) or {}
        scorer = LesionScorer(subject, judges.get("category"))
        notes = (*scorer.notes, *skipped)
        fresh = LesionStudy(lesions, scorer.scores, plan.seeds, plan.sampling, notes=notes)
        folder = LesionFolder(args.out, subject, info, plan)
        normalisation = measure_normalisation(subject)
        with only_writer(args.out):
            study = folder.resume(fresh, normalisation)
            steps = run_study(decoder, subject, normalisation, plan, trials, study, scorer)
            try:
                for step in steps:
                    if step.study is not None:
                        study = step.study
                        folder.keep(study)
                    show(step.done / step.total, step.what)
            finally:
                folder.write_tables(study)
    _print(study, subject, info)
    note_basis(subject.name, normalisation)
    tried = {trial.index for trial in trials}  # those of earlier runs were said then
    failed = {trial: why for trial, why in study.failed.items() if trial in tried}
    if failed:
        complain_of_failures(failed, len(trials))
    return 1 if failed else 0


def _groups(text: str) -> dict[str, tuple[str, ...]]:
    """Read ``V1,early=V1+V2`` as {"V1": ("V1",), "early": ("V1", "V2")}."""
    from mindvis_gui.analysis.lesion_plan import check_group

    groups: dict[str, tuple[str, ...]] = {}
    for part in text.split(","):
        name, equals, listed = (word.strip() for word in part.partition("="))
        regions = tuple(each.strip() for each in (listed if equals else name).split("+"))
        if not name or not all(regions):
            raise argparse.ArgumentTypeError(
                f"'{part}' in '{text}' is no region and no group; write V1 or early=V1+V2+V3"
            )
        check_group(name, regions)
        if name in groups:
            raise argparse.ArgumentTypeError(f"'{text}' names {name} twice")
        groups[name] = regions
    return groups


def _print(study: LesionStudy, subject: Subject, model: ModelInfo) -> None:
    """Print one line a lesion, one column a score."""
    from rich import box
    from rich.table import Table

    from mindvis_gui.analysis.lesion_table import READING, facts, heading, remarks, rows
    from mindvis_gui.cli.output import console

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    left, *others = heading(study)
    table.add_column(left, overflow="fold")  # names of an atlas differ at the end
    for title in others:
        table.add_column(title, justify="right", overflow="fold")
    for cells in rows(study):
        table.add_row(*cells)
    with console(_WIDTH) as to:
        to.print(facts(study, subject, model), style="bold")
        to.print(table)
        to.print(READING)
        for note in remarks(study, model):
            to.print(note)
