"""What the gallery shows of the chosen trial: its stimulus, previews, samples and maps."""

from __future__ import annotations

from dataclasses import replace

from mindvis_gui.analysis.difference import FULL_DIFFERENCE, difference_map
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.decoding.cached_decoder import PartStep
from mindvis_gui.decoding.request import Sample, Step
from mindvis_gui.session import Session
from mindvis_gui.session.asking import misfit
from mindvis_gui.session.shown import decode_waits
from mindvis_gui.views.numerals import coefficient
from mindvis_gui.views.overlay import sequential_colours
from mindvis_gui.views.picture import Picture
from mindvis_gui.views.score_captions import (
    sample_details,
    sample_hint,
    sample_notes,
    stimulus_details,
    stimulus_hint,
)
from mindvis_gui.views.sentences import sentence

_CONSISTENT = (0.5, 1.0)  # range of the consistency map


def stimulus_picture(session: Session, stimulus: ImageArray | None, missing: str) -> Picture:
    """Return the stimulus of the chosen trial; `missing` says why there is none."""
    assert session.trial is not None
    label, seen_as = session.trial.label, session.results.recognitions
    shown = Picture(
        "seen",
        (label, "stimulus") if label else ("stimulus",),
        stimulus,
        missing if stimulus is None else "",
        seen=True,
        hint="\n".join(
            filter(None, ("The picture that was shown in this trial", stimulus_hint(seen_as)))
        ),
        details=stimulus_details(seen_as),
    )
    if not shown.squeezed:
        return shown
    return replace(shown, hint=f"{shown.hint}\nHere {shown.squeezed}, as the model learns it")


def preview_pictures(session: Session, seeds: tuple[int, ...], step: Step | None) -> list[Picture]:
    """Return finished samples, previews of those drawn now, and places for the others."""
    finished = {sample.seed: sample.image for sample in session.queue.samples}
    now = step.seeds if isinstance(step, PartStep) else seeds
    images = [] if step is None or step.preview is None else list(step.preview)
    previews = dict(zip(now, images, strict=False))
    notes: tuple[str, ...] = ("decoding…",)
    if step is not None:
        progress = f"step {step.index} of {step.total}"
        notes = (f"decoding… {progress}", progress.replace(" of ", "/"))
    stopping = session.queue.stopping
    if stopping:
        notes = ("stopping…",)
    pictures = []
    for seed in seeds:
        title, image = f"seed {seed}", previews.get(seed)
        if seed in finished:
            pictures.append(Picture(title, image=finished[seed], seed=seed))
        elif seed in now:
            instead = "" if image is not None else "stopping…" if stopping else "decoding…"
            pictures.append(Picture(title, notes, image, instead))
        else:
            pictures.append(Picture(title, instead="" if stopping else "waiting…"))
    return pictures


def sample_picture(
    session: Session, place: int, sample: Sample, stimulus: ImageArray | None
) -> Picture:
    """Return the sample at `place` of the result, or its difference from the stimulus."""
    results = session.results
    comparison, recognitions = results.comparison, results.recognitions
    image, title = sample.image, f"seed {sample.seed}"
    if "difference" in results.maps and stimulus is not None:
        image = sequential_colours(difference_map(image, stimulus) / FULL_DIFFERENCE)
        title += " − seen"
    if comparison is None:
        return Picture(title, image=image, seed=sample.seed)
    scores = comparison.scores[place]
    return Picture(
        title,
        sample_notes(scores, comparison),
        image,
        seed=sample.seed,
        hint=sample_hint(place, scores, comparison, recognitions),
        details=sample_details(place, scores, comparison, recognitions),
    )


def consistency_pictures(session: Session) -> list[Picture]:
    """Return how far the samples agree, if that map was chosen."""
    comparison = session.results.comparison
    if "consistency" not in session.results.maps or comparison is None:
        return []
    if comparison.consistency is None:
        return [Picture("consistency", instead="needs two samples or more")]
    low, high = _CONSISTENT
    values = (comparison.consistency - low) / (high - low)
    return [
        Picture(
            "consistency",
            (f"mean {coefficient(float(comparison.consistency.mean()))}",),
            sequential_colours(values),
            hint="How far the samples agree at each pixel: 1 − SD / 127.5 over seeds, "
            f"from {low:g} (dark) or less to {high:g} (bright, all the same)",
        )
    ]


def invitation(session: Session) -> str:
    """Say what to do, or to wait for, while nothing of the chosen trial is decoded."""
    if session.loading.name:
        then = "; this is decoded once it is there" if session.loading.decode_wanted else ""
        return f"Loading {session.loading.name} …{then}"
    if session.decoder is None:
        return "Choose a model in the toolbar to decode this response"
    if complaint := misfit(session.decoder, session.subject):
        return sentence(complaint)
    if decode_waits(session):
        held = "while the queue is paused; press P to let it go on"
        return f"This trial waits {held if session.queue.paused else 'for its turn'}"
    return "Press Decode (Ctrl+Return) to draw samples from this response"
