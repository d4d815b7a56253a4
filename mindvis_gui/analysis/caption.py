"""What stands under a comparison: the protocol, and the scores with their chance levels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.decoding.sampling_settings import sampling_text
from mindvis_gui.wording import are, counted


def learned_text(learned: int, n: int) -> str:
    """Return what scores of `n` trials have to be read with if `learned` of them are for training.

    Empty where none is.
    """
    if not learned:
        return ""
    return (
        f"{learned:,} of the {counted(n, 'trial')} {are(learned)} for training: where the model "
        "was trained on this subject, it has learned their pictures, and scores do not say how it "
        "decodes others."
    )


def response_texts(request: Mapping[str, Any]) -> dict[str, str]:
    """Return what was done to the response; "" where that is nothing.

    Its keys are ``rois``, ``mask``, ``lesion`` and ``preparation``.

    Parameters
    ----------
    request : mapping
        As JSON values; what older ones lack was not done.
    """
    rois, lesion = request.get("rois"), request.get("lesion")
    lost = ""
    if lesion is not None:
        seed = "" if lesion["seed"] is None else f", seed {lesion['seed']}"
        lost = f"without {lesion['name']} ({lesion['method']}{seed})"
    steps = request.get("preparation") or {}
    done = [*steps.get("filters", ())]
    if steps.get("z_score", "global") != "global":
        done.append(f"z-scored by {steps['z_score']}")
    if steps.get("average", "none") != "none":
        done.append(f"repeats averaged: {steps['average']}")
    return {
        "rois": "" if rois is None else f"voxels of {', '.join(rois)}",
        "mask": "" if request.get("mask") is None else _mask_text(request["mask"]),
        "lesion": lost,
        "preparation": "; ".join(done),
    }


def _mask_text(mask: Mapping[str, Any]) -> str:
    how = "by hand" if mask["seed"] is None else f"seed {mask['seed']}"
    return f"{len(mask['masked'])} of {mask['n_patches']} patches masked ({how})"


def protocol_caption(trial: DecodedTrial) -> str:
    """Return how a trial was decoded, in one line: subject, voxels, model, sampler, versions."""
    request = trial.request
    subject = request["subject"] + (" (simulated)" if trial.simulated else "")
    done = response_texts(request)
    return " · ".join(
        [
            f"Subject {subject}",
            done["rois"] or "all voxels",
            done["mask"] or "no mask",
            *filter(None, (done["lesion"], done["preparation"])),
            f"model {request['model']}" + _short(request["model_hash"]),
            sampling_text(request),
            ", ".join(
                f"{name}\N{NO-BREAK SPACE}{number}" for name, number in trial.versions.items()
            ),
        ]
    )


def scores_caption(trials: Sequence[DecodedTrial]) -> str:
    """Return what the scores mean, their means over all samples, and chance beside each.

    Empty when nothing was scored.
    """
    scores = [each for trial in trials for each in trial.scores]
    chances = [trial.chance for trial in trials if trial.chance is not None]
    sizes = sorted({trial.n_candidates for trial in trials if trial.n_candidates})
    among = "–".join(str(size) for size in dict.fromkeys(sizes[:1] + sizes[-1:]))
    parts = [
        _mean_beside_chance(
            "r, pixel correlation (Pearson over RGB)",
            (each.pixel_correlation for each in scores),
            (chance.pixel_correlation for chance in chances),
        ),
        _mean_beside_chance(
            "SSIM, structural similarity",
            (each.ssim for each in scores),
            (chance.ssim for chance in chances),
        ),
        _mean_beside_chance(
            f"Rank of the seen stimulus among {among} by r",
            (each.rank for each in scores),
            (chance.rank for chance in chances),
            digits=1,
        ),
    ]
    if chances:
        parts.append("Chance of r and SSIM is the mean over stimuli that were not seen.")
    return " ".join(part for part in parts if part)


def _mean_beside_chance(
    name: str, scores: Iterable[float | None], chances: Iterable[float], digits: int = 2
) -> str:
    known, expected = [score for score in scores if score is not None], list(chances)
    if not known:
        return ""
    text = f"{name}: mean {decimal(mean(known), digits)}"
    return text + (f", chance {decimal(mean(expected), digits)}." if expected else ".")


def decimal(value: float, digits: int = 2) -> str:
    """Return a score as it is printed: rounded, with a minus sign that is one."""
    return f"{value:z.{digits}f}".replace("-", "−")


def _short(model_hash: str) -> str:
    return f" ({model_hash[:8]})" if model_hash else ""
