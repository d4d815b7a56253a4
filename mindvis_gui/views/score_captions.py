"""What stands beneath a sample, and what its tool tip says of every score and its protocol."""

from __future__ import annotations

from mindvis_gui.analysis.comparison import ChanceLevels, Comparison, SampleScores
from mindvis_gui.analysis.recognition import Labels, Recognition
from mindvis_gui.session.results import Recognitions
from mindvis_gui.views.numerals import coefficient


def sample_notes(scores: SampleScores, comparison: Comparison) -> tuple[str, ...]:
    """Return the pixel scores, longest first; chance levels stand in brackets.

    The longest, which the large view shows, says that they are chance.
    """
    if scores.pixel_correlation is None:
        return ()
    r = f"r {coefficient(scores.pixel_correlation)}"
    chance = comparison.chance
    if scores.rank is None or chance is None:
        return (r,)
    rank = f"rank {scores.rank}/{comparison.n_candidates}"
    beside = coefficient(chance.pixel_correlation)
    return (
        f"{r} (chance {beside}) · {rank} (chance {chance.rank:g})",
        f"{r} ({beside}) · {rank} ({chance.rank:g})",
        f"{r} · {rank}",
        r,
    )


def sample_details(
    place: int, scores: SampleScores, comparison: Comparison, recognitions: Recognitions | None
) -> tuple[str, ...]:
    """Return the other scores of the sample at `place`, longest first."""
    if scores.ssim is None:
        return ()
    ssim = f"SSIM {coefficient(scores.ssim)}"
    beside = f" ({coefficient(comparison.chance.ssim)})" if comparison.chance else ""
    first = _first(recognitions)
    if first is None:
        return (ssim + beside, ssim)
    way = f"{first.n}-way {coefficient(first.accuracy[place])}"
    return (
        f"{ssim}{beside} · {way} ({coefficient(first.chance)})",
        f"{ssim} · {way}",
        way,
    )


def brief_note(scores: SampleScores, n_candidates: int) -> str:
    """Return r and the rank in a few letters."""
    if scores.pixel_correlation is None:
        return ""
    rank = "" if scores.rank is None else f" · {scores.rank}/{n_candidates}"
    return f"r {coefficient(scores.pixel_correlation)}{rank}"


def pixel_lines(
    scores: SampleScores, n_candidates: int, chance: ChanceLevels | None, pixels: str = ""
) -> list[str]:
    """Return each score of the pixels with its protocol and its chance level, a line each.

    `pixels` is the size that they are compared at.
    """
    if scores.pixel_correlation is None:
        return []
    lines = [
        f"r {coefficient(scores.pixel_correlation)}: Pearson's r with the stimulus over all RGB "
        f"values{f' at {pixels} pixels' if pixels else ''}"
        + (f"; with other test stimuli {coefficient(chance.pixel_correlation)}" if chance else ""),
        f"SSIM {coefficient(scores.ssim)}: structural similarity, 7 × 7 window, mean over R, G, B"
        + (f"; with other test stimuli {coefficient(chance.ssim)}" if chance else ""),
    ]
    if scores.rank is not None and chance is not None:
        n = n_candidates
        lines.append(
            f"rank {scores.rank} of {n}: place of the own stimulus among the test stimuli by r, "
            f"1 the best; chance {chance.rank:g}"
        )
        if n > 1:
            lines.append(
                f"pair-wise {coefficient((n - scores.rank) / (n - 1))}: fraction of the other "
                "stimuli that are less similar by r; chance .50"
            )
    return lines


def sample_hint(
    place: int, scores: SampleScores, comparison: Comparison, recognitions: Recognitions | None
) -> str:
    """Return each score of the sample at `place` with its protocol and its chance level."""
    if scores.pixel_correlation is None:
        return "\n".join(comparison.notes)
    height, width = comparison.result.samples[place].image.shape[:2]
    pixels = f"{width} × {height}"
    lines = pixel_lines(scores, comparison.n_candidates, comparison.chance, pixels)
    for each in () if recognitions is None else recognitions.found:
        lines += [f"{accuracy_text(each, each.accuracy[place])}: {way_protocol(each)}"]
        lines += [f"  sees {labels_text(each.samples[place])}"]
    if recognitions is not None and recognitions.missing:
        lines.append(f"n-way accuracy: {recognitions.missing}")
    return "\n".join(lines)


def stimulus_details(recognitions: Recognitions | None) -> tuple[str, ...]:
    """Return what the first classifier sees in the stimulus, longest first."""
    first = _first(recognitions)
    if first is None:
        return ()
    name, probability = first.stimulus[0]
    return f"seen as {name} {probability:.0%}", f"as {name}", name


def stimulus_hint(recognitions: Recognitions | None) -> str:
    """Return the most probable classes of the stimulus, one line a classifier."""
    return "\n".join(
        f"{each.classifier} sees {labels_text(each.stimulus)}"
        for each in (() if recognitions is None else recognitions.found)
    )


def accuracy_text(recognition: Recognition, accuracy: float) -> str:
    """Return an n-way accuracy with what is named, such as ``50-way class .84``."""
    return f"{recognition.n}-way {recognition.names} {coefficient(accuracy)}"


def way_protocol(recognition: Recognition) -> str:
    """Return how n-way accuracy comes about, in one sentence."""
    n = recognition.n
    return (
        f"the class found most probable for the stimulus is the most probable of {n} on the "
        f"sample, {n - 1} others drawn at random, {recognition.draws:,} draws; "
        f"{recognition.classifier}, {recognition.preparation}; "
        f"chance {coefficient(recognition.chance)}"
    )


def labels_text(labels: Labels) -> str:
    """Return classes with their probabilities."""
    return ", ".join(f"{name} {probability:.0%}" for name, probability in labels)


def _first(recognitions: Recognitions | None) -> Recognition | None:
    found = () if recognitions is None else recognitions.found
    return found[0] if found else None
