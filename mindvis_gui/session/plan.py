"""From options of samples to the requests that the queue decodes."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.prepare import Normalisation, prepare
from mindvis_gui.data.region_shapes import made_hashes
from mindvis_gui.data.scratch import ScratchVectors
from mindvis_gui.data.subject import FloatArray, Subject
from mindvis_gui.decode_queue import Waiting
from mindvis_gui.decoding.request import Decoder, DecodeRequest
from mindvis_gui.errors import MindVisError
from mindvis_gui.session.sample_blocks import SampleBlock, requests_of

_BATCH = 20  # requests handed to the queue at a time


def planning(
    subject: Subject,
    normalisation: Normalisation,
    blocks: Sequence[SampleBlock],
    decoders: dict[str, Decoder],
    masks: dict[tuple[int, ...], MaskState],
    preparation: Preparation,
) -> Generator[list[Waiting], None, list[str]]:
    """Make requests in batches; runs in a job's thread. Returns what cannot be decoded and why.

    The vectors of thousands that wait are no longer in memory.
    """
    batch: list[Waiting] = []
    complaints = []
    waiting = ScratchVectors()
    vectors: dict[tuple[int, tuple[str, ...] | None], FloatArray] = {}  # by trial and regions
    for (index, options), seeds in requests_of(blocks).items():
        decoder, trial = decoders[options.model_hash], subject.trials[index]
        response = (index, options.rois)
        try:
            if response not in vectors:
                vector = prepare(subject, trial, normalisation, options.rois)
                vectors[response] = waiting.keep(vector)
            request = DecodeRequest(
                subject=subject.name,
                trial=index,
                vector=vectors[response],
                seeds=seeds,
                sampling=options.sampling,
                model=decoder.info.name,
                model_hash=options.model_hash,
                rois=options.rois,
                mask=None if options.masked is None else masks[options.masked],
                stimulus_id=trial.stimulus_id,
                label=trial.label,
                preparation=preparation,
                made_rois=made_hashes(subject.rois, options.rois),
            )
        except MindVisError as error:
            complaints.append(str(error))
            continue
        batch.append(Waiting(decoder, request))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch
    return complaints
