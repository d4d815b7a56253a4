"""One file to send to a colleague: figures, scores with their protocol, versions and hashes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from mindvis_gui.analysis.caption import decimal, protocol_caption, response_texts
from mindvis_gui.analysis.decode_folder import INDEX, read_decode_folder, read_failures
from mindvis_gui.analysis.decoded_trial import SAMPLE_NOTICE, DecodedTrial
from mindvis_gui.analysis.evaluation import Evaluation
from mindvis_gui.analysis.figures.content import FigureContent
from mindvis_gui.analysis.figures.style import FigureStyle
from mindvis_gui.analysis.figures.writing import render_png
from mindvis_gui.analysis.score_table import (
    chance_text,
    facts_line,
    heading,
    interval_text,
    protocol_text,
    remarks,
    test_use_remarks,
    unavailable_by_reason,
)
from mindvis_gui.data.mask import ratio_that_keeps
from mindvis_gui.decoding.sampling_settings import NO_GUIDANCE, sampling_text
from mindvis_gui.errors import ExportError
from mindvis_gui.files import atomic_path
from mindvis_gui.wording import command_line

_SUFFIXES = (".html", ".htm")
_TRIALS_A_PAGE = 10
_STYLE = FigureStyle(width=220, dpi=150, font_size=7, captions=False)


def check_report_name(path: Path) -> None:
    """Refuse a name under which no browser would show a report, such as a subject file's.

    Raises
    ------
    ExportError
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise ExportError(f"{path.name}: a report is written as HTML; end its name in .html")


def write_report(folder: Path, evaluation: Evaluation | None, path: Path) -> None:
    """Write the report of a decode folder as one HTML file that needs nothing else.

    Parameters
    ----------
    folder : pathlib.Path
        Written by ``mindvis decode``.
    evaluation : Evaluation or None
        Of that folder; None where no trial has a stimulus, such as imagery.
    path : pathlib.Path
        The same folder and evaluation give the same bytes.

    Raises
    ------
    DataError
        If the folder is damaged.
    ExportError
        If it holds no trial, or the file is not named as HTML or cannot be written.
    """
    from jinja2 import Environment, StrictUndefined

    check_report_name(path)
    trials = read_decode_folder(folder)
    if not trials:
        raise ExportError(f"{folder}: no trial was decoded, so there is nothing to report")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    source = files("mindvis_gui.analysis").joinpath("report.html").read_text(encoding="utf-8")
    first = trials[0]
    text = environment.from_string(source).render(
        title=f"Decoded trials of {_subject(first)}",
        facts=protocol_caption(first) if evaluation is None else facts_line(evaluation),
        notice=SAMPLE_NOTICE,
        versions=first.versions,
        scores=None if evaluation is None else _scores(evaluation),
        remarks=test_use_remarks(first.test_use) if evaluation is None else remarks(evaluation),
        unavailable=[] if evaluation is None else _unavailable(evaluation),
        pages=list(_pages(trials)),
        trials=[_row(trial) for trial in trials],
        failures=sorted(read_failures(folder).items()),
        protocol=list(_protocol(folder, first)),
        command=_command(trials),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _scores(evaluation: Evaluation) -> list[dict[str, str]]:
    return [
        {
            "name": heading(score.metric),
            "mean": interval_text(score),
            "chance": chance_text(score),
            "protocol": protocol_text(score),
        }
        for score in evaluation.scores
    ]


def _unavailable(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Return what is missing and the scores that miss it; nobody else needs to know whose home."""
    home, missing = str(Path.home()), unavailable_by_reason(evaluation)
    return [(reason.replace(home, "~"), ", ".join(names)) for reason, names in missing.items()]


def _pages(trials: Sequence[DecodedTrial]) -> Iterator[dict[str, str]]:
    for start in range(0, len(trials), _TRIALS_A_PAGE):
        shown = tuple(trials[start : start + _TRIALS_A_PAGE])
        names = ", ".join(f"{trial.request['trial']} {trial.request['label']}" for trial in shown)
        picture = render_png(FigureContent(shown), "comparison", _STYLE)
        yield {
            "alt": f"Stimulus and samples of trials {names}",
            "data": base64.b64encode(picture).decode(),
        }


def _row(trial: DecodedTrial) -> dict[str, Any]:
    scores = {each.seed: each for each in trial.scores}
    samples = []
    for sample in trial.samples:
        each = scores.get(sample.seed)
        samples.append(
            {
                "seed": sample.seed,
                "r": _number(each.pixel_correlation if each else None),
                "ssim": _number(each.ssim if each else None),
                "rank": f"{each.rank} of {trial.n_candidates}" if each and each.rank else "–",
            }
        )
    request = trial.request
    label = request["label"] or request["stimulus_id"] or "unknown"
    return {"number": request["trial"], "label": label, "samples": samples}


def _number(value: float | None) -> str:
    return "–" if value is None else decimal(value)


def _protocol(folder: Path, trial: DecodedTrial) -> Iterator[tuple[str, str]]:
    request = trial.request
    yield "subject", _subject(trial)
    yield "voxels", "all" if request["rois"] is None else ", ".join(request["rois"])
    mask = request["mask"]
    yield (
        "mask",
        "none"
        if mask is None
        else (
            f"{len(mask['masked'])} of {mask['n_patches']} patches, "
            f"{'by hand' if mask['seed'] is None else 'seed ' + str(mask['seed'])}"
        ),
    )
    done = response_texts(request)
    yield from ((name, done[name]) for name in ("lesion", "preparation") if done[name])
    yield "model", str(request["model"])
    yield "SHA-256 of its weights", str(request["model_hash"])
    yield "sampler", sampling_text(request)
    yield from trial.versions.items()
    digest = hashlib.sha256((folder / INDEX).read_bytes()).hexdigest()
    yield f"SHA-256 of {INDEX}", digest


def _subject(trial: DecodedTrial) -> str:
    return f"{trial.request['subject']}{' (simulated)' if trial.simulated else ''}"


def _command(trials: Sequence[DecodedTrial]) -> str:
    request: Mapping[str, Any] = trials[0].request
    subject = "demo" if request["subject"] == "Demo" else request["subject"]
    words = ["mindvis", "decode", subject, "--model", request["model"]]
    words += ["--trials", _ranges([trial.request["trial"] for trial in trials])]
    words += ["--seeds", _ranges(request["seeds"])]
    words += ["--sampler", request["sampler"], "--steps", str(request["steps"])]
    words += ["--precision", request["precision"]]
    guidance = request.get("guidance", NO_GUIDANCE)
    words += [] if guidance is None else ["--guidance", f"{guidance:.15g}"]
    words += _of_response(request)
    return command_line([*words, "--out", "DIR"])


def _of_response(request: Mapping[str, Any]) -> list[str]:
    """Return the options of what was done to the response before it was decoded."""
    words: list[str] = []
    if request["rois"] is not None:
        words += ["--rois", ",".join(request["rois"])]
    lesion, mask = request.get("lesion"), request["mask"]
    if lesion is not None:
        regions = lesion["name"].split(" + ")
        words += ["--without-rois", ",".join(regions), "--lesion-method", lesion["method"]]
    if mask is not None and mask["seed"] is not None:
        n = mask["n_patches"]
        ratio = ratio_that_keeps(n - len(mask["masked"]), n)
        words += ["--mask-ratio", repr(ratio), "--mask-seed", str(mask["seed"])]
    steps = request.get("preparation") or {}
    words += [word for each in steps.get("filters", ()) for word in ("--filter", each)]
    for option, usual in (("z_score", "global"), ("average", "none")):
        if steps.get(option, usual) != usual:
            words += [f"--{option.replace('_', '-')}", steps[option]]
    return words


def _ranges(numbers: Sequence[int]) -> str:
    """Return numbers as the command line takes them: ``0,3,5-9``."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)
