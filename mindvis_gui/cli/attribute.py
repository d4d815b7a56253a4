"""``mindvis attribute``: a map of the voxels that a decoded picture rests on."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mindvis_gui.cli.preparation import add_preparation_options, chosen_preparation, note_basis
from mindvis_gui.cli.sampling import add_device_option, add_sampling_options, chosen_sampling
from mindvis_gui.cli.selection import add_subject_options, mask_seed, select_trials, trial_choice
from mindvis_gui.cli.subject_output import check_no_input
from mindvis_gui.data.attribution import MEANING, METHODS
from mindvis_gui.decoding.request import Attributor, DecodeRequest
from mindvis_gui.errors import DataError, ExportError, ModelError
from mindvis_gui.files import beside_image, is_there
from mindvis_gui.steps import finish

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from rich.table import Table

    from mindvis_gui.data.attribution import Attribution, Method, RegionShare
    from mindvis_gui.data.subject import Subject
    from mindvis_gui.decoding.request import Step

FORMAT = "mindvis attribution"
FORMAT_VERSION = 1
_APART = 3  # spaces between two columns, at most
_WIDTH = 120  # columns, where no terminal says how many it has


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command and add its options."""
    parser.description = (
        "Draw one sample of each trial and attribute it to the voxels of its "
        "response: a NIfTI image (4-D for several trials), and beside it a JSON file with the "
        "sums by region. What was stopped goes on when the command is repeated."
    )
    parser.epilog = "; ".join(f"{method}: {MEANING[method]}" for method in METHODS) + "."
    add = parser.add_argument
    add_subject_options(parser)
    add("--trials", type=trial_choice, required=True, metavar="TRIALS", help="numbers: 0,3,5-9")
    add("--seed", type=mask_seed, default=0, metavar="N", help="of the sample (default: 0)")
    add("--method", choices=METHODS, default=METHODS[0], help=f"default: {METHODS[0]}")
    add_sampling_options(parser)
    add_preparation_options(parser)
    add_device_option(parser)
    add("--out", type=Path, required=True, metavar="FILE", help="image to write, .nii.gz")


def run(args: argparse.Namespace) -> int:
    """Draw, attribute, write the image and its sidecar, and print the sums by region."""
    from mindvis_gui import load_decoder, open_subject
    from mindvis_gui.analysis.unfinished_maps import unfinished_maps
    from mindvis_gui.cli.interruption import stopped_cleanly
    from mindvis_gui.cli.output import progress
    from mindvis_gui.data.attribution import NAMES, write_maps
    from mindvis_gui.data.preparation import prepare_subject
    from mindvis_gui.data.prepare import measure_normalisation
    from mindvis_gui.decoding.plan import for_trial, plan_of
    from mindvis_gui.files import check_writable

    if not args.out.name.endswith((".nii", ".nii.gz")):
        raise DataError(f"{args.out.name}: a map is written as NIfTI; end its name in .nii.gz")
    chosen = chosen_sampling(args)
    sidecar = beside_image(args.out, ".json")
    check_writable(args.out.parent)
    if not _is_older(sidecar):
        check_no_input(args.out, [Path(args.subject)])
        _check_outside(args.out, Path(args.subject))
    subject = prepare_subject(open_subject(args.subject), chosen_preparation(args))
    trials = select_trials(subject, args.trials)
    if subject.affine is None:
        raise DataError(f"{subject.name}: no voxel positions in this file; no image can be written")
    normalisation = measure_normalisation(subject)
    with stopped_cleanly(), progress(len(trials)) as show:
        show(0, f"loading model {args.model}")
        decoder = load_decoder(args.model, args.device, chosen.precision)
        if not isinstance(decoder, Attributor):
            raise ModelError(f"model {args.model} cannot say what its samples rest on")
        preparation = chosen_preparation(args)
        plan = plan_of(subject, decoder.info, chosen, (args.seed,), preparation=preparation)
        with unfinished_maps(args.out) as kept:
            found: list[tuple[DecodeRequest, Attribution]] = []
            for done, trial in enumerate(trials):
                request = for_trial(plan, subject, trial, normalisation)
                attribution = kept.find(request, args.method)
                if attribution is None:
                    steps = _attribute(decoder, request, args.method)
                    attribution = _drained(steps, show, done, f"trial {trial.index}")
                    kept.keep(request, attribution)
                found.append((request, attribution))
            maps = [attribution.values for _, attribution in found]
            write_maps(maps, subject, args.out, f"mindvis: {NAMES[args.method]}, {args.model}")
            _write_record(sidecar, args.out.name, found, subject)
            kept.remove()
    _print(subject, [attribution for _, attribution in found])
    note_basis(subject.name, normalisation)
    return 0


def _write_record(
    path: Path, image: str, found: Sequence[tuple[DecodeRequest, Attribution]], subject: Subject
) -> None:
    """Write what the maps of an image are of, and their sums by region."""
    from mindvis_gui.data.attribution import to_json
    from mindvis_gui.decoding.versions import installed_versions
    from mindvis_gui.files import atomic_path

    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "versions": installed_versions(),
        "image": image,
        "maps": [
            {"request": request.to_json(), **to_json(attribution, subject)}
            for request, attribution in found
        ],
    }
    with atomic_path(path) as temporary:
        text = json.dumps(document, ensure_ascii=False, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")


def _check_outside(out: Path, source: Path) -> None:
    """Refuse to write over a file in the folder of a subject, such as its betas.

    Raises
    ------
    ExportError
    """
    if is_there(out) and source.resolve() in out.resolve().parents:
        raise ExportError(
            f"{out}: is there already, in the folder that this command reads; choose another name"
        )


def _is_older(sidecar: Path) -> bool:
    """Return whether an older attribution, which may be replaced, has its record there.

    Raises
    ------
    ExportError
        If it is a file of something else, such as of a decode folder whose map is to be called
        ``decode.nii.gz``.
    """
    try:
        there = json.loads(sidecar.read_bytes())
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        there = None
    if not isinstance(there, dict) or there.get("format") != FORMAT:
        raise ExportError(
            f"{sidecar}: the record beside the image would replace this file, which is of "
            "something else; give the image another name"
        )
    return True


def _attribute(
    decoder: Attributor, request: DecodeRequest, method: Method
) -> Generator[Step, None, Attribution]:
    result = yield from decoder.decode(request)
    return (yield from decoder.attribute(request, result.samples[0], method))


def _drained(
    steps: Generator[Step, None, Attribution],
    show: Callable[[float, str], None],
    done: int,
    what: str,
) -> Attribution:
    return finish(steps, lambda step: show(done + step.index / step.total, what))


def _print(subject: Subject, found: Sequence[Attribution]) -> None:
    """Print the share of every region, one column a trial, in as many tables as they need."""
    from mindvis_gui.cli.output import console
    from mindvis_gui.data.attribution import NAMES, by_region

    shares = [by_region(each.values, subject) for each in found]
    heads = [f"trial {each.trial} %" for each in found]
    with console(_WIDTH) as to:
        to.print(f"{subject.display_name} · {NAMES[found[0].method]}", style="bold")
        names = max((len(row.name) for row in shares[0]), default=0)
        free = to.width - max(names, len("region")) - len("voxels") - 2 * _APART
        at_once = max(1, free // (max(map(len, heads)) + _APART))
        for start in range(0, len(found), at_once):
            part = slice(start, start + at_once)
            to.print(_table(heads[part], shares[part]))
        to.print(MEANING[found[0].method])


def _table(heads: Sequence[str], shares: Sequence[Sequence[RegionShare]]) -> Table:
    from rich import box
    from rich.table import Table

    from mindvis_gui.analysis.caption import decimal

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    table.add_column("region", overflow="fold")
    table.add_column("voxels", justify="right", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for rows in zip(*shares, strict=True):
        numbers = (decimal(row.share, 1) for row in rows)
        table.add_row(rows[0].name, f"{rows[0].n_voxels:,}", *numbers)
    return table
