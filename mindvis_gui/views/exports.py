"""Writing what was decoded, in the background; a failure is one line in the status bar."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from pathlib import Path

from mindvis_gui.analysis.export import check_replaceable, write_drawn, write_sample
from mindvis_gui.analysis.figures.style import FigureStyle
from mindvis_gui.analysis.sample_table import (
    check_array_name,
    request_row,
    write_arrays,
    write_table,
)
from mindvis_gui.decoding.request import DecodeRequest, Step
from mindvis_gui.decoding.sampling_settings import NO_GUIDANCE
from mindvis_gui.errors import ExportError
from mindvis_gui.session import Session
from mindvis_gui.session.collection import Drawn
from mindvis_gui.session.latents import drawing_latents_of
from mindvis_gui.wording import counted


def figure_name(request: DecodeRequest, template: str) -> str:
    """Return the name suggested for a figure."""
    return f"{_stem(request.subject, request.trial)}_{template}.png"


def sample_name(subject: str, trial: int, seed: int) -> str:
    """Return the name of one sample's file."""
    return f"{_stem(subject, trial)}_seed-{seed:04d}.png"


def drawn_name(drawn: Drawn) -> str:
    """Return the name of the file of a sample of the collection; what it depends on tells it."""
    options = drawn.options
    parts = [f"{_stem(str(drawn.request['subject']), options.trial)}_seed-{options.seed:04d}"]
    parts.append(f"{options.sampling.sampler.replace('+', 'p')}-{options.sampling.steps}")
    if options.sampling.guidance not in (None, NO_GUIDANCE):
        parts.append(f"guidance-{options.sampling.guidance:g}")
    if options.rois is not None:
        parts.append("-".join(map(_plain, options.rois)))
    if options.masked is not None:
        parts.append(f"masked-{len(options.masked)}")
    return "_".join(parts)[:120] + ".png"


def start_figure(session: Session, path: Path, name: str, style: FigureStyle) -> None:
    """Write a figure of what the session shows to `path`."""
    gather = session.figures.content(name)

    def write() -> str:
        from mindvis_gui.analysis.figures.writing import write_figure  # brings matplotlib

        return write_figure(gather(), path, name, style)

    def report(notice: str) -> None:
        session.message.emit(f"Wrote {path}")
        if notice:
            session.problem.emit(f"{path.name}: {notice}")

    session.jobs.run(write, f"Writing {path.name}", report)


def start_samples(session: Session, folder: Path) -> None:
    """Write each sample of the session's result into `folder`."""
    result = session.results.result
    if result is None:
        return

    def write() -> int:
        request = result.request
        paths = [
            folder / sample_name(request.subject, request.trial, each.seed)
            for each in result.samples
        ]
        for sample, path in zip(result.samples, paths, strict=True):
            check_replaceable(path, sample, request)
        for sample, path in zip(result.samples, paths, strict=True):
            write_sample(sample, request, path)
        return len(result.samples)

    session.jobs.run(
        write,
        "Writing samples",
        lambda count: session.message.emit(f"Wrote {counted(count, 'sample')} to {folder}"),
    )


def start_drawn(session: Session, drawn: Drawn, path: Path) -> None:
    """Write one sample to `path`."""

    def write() -> None:
        image = drawn.picture()
        if image is None:
            raise ExportError(f"{path.name}: the sample is no longer on disk; decode it again")
        write_drawn(image, drawn.request, drawn.options.seed, path)

    _start(session, path, write)


def start_scores(session: Session, path: Path) -> None:
    """Write the scores of all samples to `path`, as CSV or Parquet."""
    rows = session.collection.table()
    _start(session, path, lambda: write_table(rows(), path))


def start_arrays(session: Session, path: Path) -> None:
    """Write all samples as one array to `path`, and what they are beside it."""
    drawn = session.collection.everything()

    def write() -> None:
        read = [(each, each.picture()) for each in drawn]
        whole = [(each, image) for each, image in read if image is not None]
        rows = [request_row(each.request, each.options.seed) for each, _ in whole]
        write_arrays([image for _, image in whole], rows, path)

    _start(session, path, write)


def start_latents(session: Session, path: Path) -> None:
    """Draw the latents of all samples again, and write them as one array to `path`."""
    decoder, drawn = session.decoder, session.collection.everything()
    subject, normalisation = session.subject, session.normalisation
    if decoder is None or subject is None or normalisation is None:
        session.problem.emit("latents are drawn again; load the model of these samples first")
        return
    items = drawing_latents_of(drawn, session.taking_turns(decoder), subject, normalisation)

    def write() -> Generator[Step, None, None]:
        check_array_name(path)  # before an hour of drawing
        latents, rows = yield from items
        write_arrays(latents, rows, path)

    session.jobs.start(write(), *_told(session, path))


def _start(session: Session, path: Path, write: Callable[[], None]) -> None:
    session.jobs.run(write, *_told(session, path))


def _told(session: Session, path: Path) -> tuple[str, Callable[[None], None]]:
    """Return the title of what writes `path`, and what says that it is done."""
    return f"Writing {path.name}", lambda _: session.message.emit(f"Wrote {path}")


def _stem(subject: str, trial: int) -> str:
    return f"{_plain(subject) or 'subject'}_trial-{trial:04d}"


def _plain(text: str) -> str:
    """Return text in letters that every file system takes."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.").lower()
