"""The latents of samples that were drawn before: drawn again, which gives the same."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from mindvis_gui.analysis.sample_table import Row, request_row
from mindvis_gui.data.prepare import Normalisation, prepare
from mindvis_gui.data.subject import FloatArray, Subject
from mindvis_gui.decoding.latents import drawing_latents
from mindvis_gui.decoding.request import Decoder, Step
from mindvis_gui.errors import ModelError
from mindvis_gui.session.collection import Drawn
from mindvis_gui.session.options import Options, request_from_json


def drawing_latents_of(
    drawn: Sequence[Drawn], decoder: Decoder, subject: Subject, normalisation: Normalisation
) -> Generator[Step, None, tuple[list[FloatArray], list[Row]]]:
    """Draw latents (channels, h, w) float32 of samples, those of one request together.

    Returns them with a row each of how they were decoded. Runs in a job's thread.

    Raises
    ------
    ModelError
        If samples were drawn with another model, or the model has no latents.
    DataError
        If samples were decoded from another response than the subject has.
    """
    groups: dict[Options, list[Drawn]] = {}
    for each in drawn:
        groups.setdefault(replace(each.options, seed=0), []).append(each)
    latents: list[FloatArray] = []
    rows: list[Row] = []
    for options, group in groups.items():
        values, seeds = group[0].request, tuple(each.options.seed for each in group)
        if options.model_hash != decoder.info.hash:
            raise ModelError(
                f"trial {options.trial} was decoded with model {values['model']}, not with "
                f"{decoder.info.name}; load it to draw its latents"
            )
        vector = prepare(subject, subject.trials[options.trial], normalisation, options.rois)
        request = request_from_json(values, vector, seeds)
        latents += list((yield from drawing_latents(decoder, request)))
        rows += [request_row(values, seed) for seed in seeds]
    return latents, rows
