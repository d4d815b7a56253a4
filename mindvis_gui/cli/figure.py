"""``mindvis figure``: figures of a decode folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mindvis_gui.cli.selection import numbers
from mindvis_gui.cli.subject_output import check_no_input
from mindvis_gui.cli.usage import UsageError, usage_reported
from mindvis_gui.errors import DataError, ExportError, ModelError

if TYPE_CHECKING:
    from collections.abc import Set

    from mindvis_gui.analysis.decoded_trial import DecodedTrial
    from mindvis_gui.analysis.figures.content import MaskScene
    from mindvis_gui.data.subject import Subject

# All but the grid, which only the window has; named here, or help would wait for what draws them.
_TEMPLATES = ("comparison", "brain", "mask", "consistency", "lesion", "page")
_RATIO = 0.75  # masked for the recovery where the decode had no mask; of the paper


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command and add its options."""
    parser.description = (
        "Draw what was seen beside what was decoded, with scores and protocol. The "
        "figure carries the requests it came from; FILE.json beside it lists them."
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="folder that 'mindvis decode' wrote")
    add("--out", type=Path, required=True, metavar="FILE", help="figure.png, .svg, .pdf or .tif")
    add(
        "--template",
        choices=_TEMPLATES,
        default="comparison",
        help="what to draw (default: comparison)",
    )
    add("--trials", type=numbers, metavar="0,3,5-9", help="only these (default: all)")
    add("--width", metavar="MM", help="'single' (85 mm), 'double' (170 mm) or millimetres")
    add("--dpi", type=int, default=300, help="of PNG and TIFF (default: 300)")
    add("--font", default="DejaVu Sans", help="family of the letters (default: DejaVu Sans)")
    add("--font-size", type=float, default=5.5, metavar="PT", help="in points (default: 5.5)")
    add("--no-captions", action="store_true", help="leave the text below out")
    add("--no-seeds", action="store_true", help="leave the seeds under the samples out")
    add("--no-scores", action="store_true", help="leave the scores out")
    add("--subject", metavar="SUBJECT", help="for templates 'brain', 'mask' and 'page'")
    add("--study", type=Path, metavar="DIR", help="what 'mindvis lesion' wrote, for 'lesion'")
    add("--model", metavar="NAME|DIR", help="for templates 'mask' and 'page'")


def run(args: argparse.Namespace) -> int:
    """Read the folder and write the figure."""
    from mindvis_gui.analysis.decode_folder import listed_files, read_decode_folder
    from mindvis_gui.analysis.figures.content import BrainScene, FigureContent, LesionScene
    from mindvis_gui.analysis.figures.style import FigureStyle, width_in_mm
    from mindvis_gui.analysis.figures.templates import scenes
    from mindvis_gui.analysis.figures.writing import write_figure
    from mindvis_gui.analysis.lesion_index import read_decoding, read_study
    from mindvis_gui.cli.output import complain, write
    from mindvis_gui.data import open_subject

    with usage_reported():
        style = FigureStyle(
            width=None if args.width is None else width_in_mm(args.width),
            dpi=args.dpi,
            font=args.font,
            font_size=args.font_size,
            captions=not args.no_captions,
            seeds=not args.no_seeds,
            scores=not args.no_scores,
        )
    needed = scenes(args.template)
    _check_parts(args, needed)
    check_no_input(args.out, listed_files(args.folder))
    trials = _chosen(read_decode_folder(args.folder), args.trials, args.folder)
    brain = mask = lesion = None
    if needed & {"brain", "mask"}:
        subject = open_subject(args.subject)
        if "brain" in needed:
            brain = BrainScene.of(subject)
        if "mask" in needed:
            mask = _recover(args, subject, trials)
    if "lesion" in needed:
        rois = () if args.subject is None else open_subject(args.subject).rois
        lesion = LesionScene.of(read_study(args.study), rois, read_decoding(args.study))
    content = FigureContent(trials, brain, mask, lesion)
    notice = write_figure(content, args.out, args.template, style)
    write(f"{args.out}")
    if notice:
        complain(f"{args.out}: {notice}")
    return 0


def _check_parts(args: argparse.Namespace, needed: Set[str]) -> None:
    """Raise a `UsageError` where an option is missing for what the template needs."""
    if needed & {"brain", "mask"} and args.subject is None:
        raise UsageError(f"template '{args.template}' draws the brain; name it: --subject")
    if "mask" in needed and args.model is None:
        raise UsageError(f"template '{args.template}' recovers masked patches; name a --model")
    if "lesion" in needed and args.study is None:
        raise UsageError("template 'lesion' draws a lesion study; name its folder: --study")


def _chosen(
    trials: list[DecodedTrial], wanted: tuple[int, ...] | None, folder: Path
) -> tuple[DecodedTrial, ...]:
    if wanted is None:
        return tuple(trials)
    known = {trial.request["trial"]: trial for trial in trials}
    for number in wanted:
        if number not in known:
            raise ExportError(f"{folder}: trial {number} was not decoded; decode it first")
    return tuple(known[number] for number in wanted)


def _recover(
    args: argparse.Namespace, subject: Subject, trials: tuple[DecodedTrial, ...]
) -> MaskScene:
    """Recover the first trial's response from the mask it was decoded with, or from 75 %."""
    from mindvis_gui import load_decoder
    from mindvis_gui.analysis.figures.content import MaskScene
    from mindvis_gui.data.mask import MaskState, mask_from_json
    from mindvis_gui.data.preparation import Preparation, prepare_subject
    from mindvis_gui.data.prepare import measure_normalisation, prepare
    from mindvis_gui.decoding.request import vector_sha256

    request = trials[0].request
    decoder = load_decoder(args.model, "cpu")
    size = decoder.info.patch_size
    if not decoder.info.fits(subject.n_voxels):
        raise ModelError(decoder.info.misfit(subject.name, subject.n_voxels))
    steps = request.get("preparation")
    if steps is not None:
        subject = prepare_subject(subject, Preparation.from_json(steps))
    number = request["trial"]
    if number >= len(subject.trials):
        raise ExportError(_another(args, number))
    trial, rois = subject.trials[number], request["rois"]
    vector = prepare(subject, trial, measure_normalisation(subject), rois)
    # What was decoded without some voxels is shown whole, so only its stimulus can be compared.
    same = (
        trial.stimulus_id == request["stimulus_id"]
        if request.get("lesion")
        else vector_sha256(vector) == request["vector_sha256"]
    )
    if not same:
        raise ExportError(_another(args, number))
    try:
        decoded_with = mask_from_json(request["mask"])
    except DataError as error:
        raise ExportError(f"{args.folder}: trial {number}: {error}; decode it again") from error
    mask = decoded_with or MaskState.random(decoder.info.n_patches, _RATIO, 0)
    kept = mask.kept_voxels(size, subject.n_voxels)
    return MaskScene.of(vector, kept, decoder.recover(vector, mask), subject.rois)


def _another(args: argparse.Namespace, trial: int) -> str:
    return (
        f"{args.folder}: trial {trial} was not decoded from the response that {args.subject} has "
        "there; name the subject file that was"
    )
