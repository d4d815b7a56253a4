"""From samples that were drawn before back to the result they were part of."""

from __future__ import annotations

from collections.abc import Sequence

from mindvis_gui.data.prepare import Normalisation, prepare
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.request import DecodeResult, Sample
from mindvis_gui.session.collection import Drawn
from mindvis_gui.session.options import request_from_json


def recalled(
    drawn: Sequence[Drawn], subject: Subject, normalisation: Normalisation
) -> DecodeResult | None:
    """Return samples of one request as a result; None when no picture is there any more.

    Raises
    ------
    DataError
        If they were decoded from another response than the subject has.
    """
    read = [(each, each.picture()) for each in drawn]
    samples = tuple(Sample(image, each.options.seed) for each, image in read if image is not None)
    if not samples:
        return None
    values = drawn[0].request
    trial = subject.trials[drawn[0].options.trial]
    vector = prepare(subject, trial, normalisation, drawn[0].options.rois)
    request = request_from_json(values, vector, tuple(sample.seed for sample in samples))
    return DecodeResult(request, samples, 0.0)
