"""From options of samples to the requests that the queue decodes, made in the background."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.prepare import Normalisation, prepare
from mindvis_gui.data.region_shapes import made_hashes
from mindvis_gui.data.scratch import ScratchVectors
from mindvis_gui.data.subject import FloatArray, Subject
from mindvis_gui.decode_queue import Waiting
from mindvis_gui.decoding.request import Decoder, DecodeRequest
from mindvis_gui.errors import MindVisError
from mindvis_gui.job import Job
from mindvis_gui.session.sample_blocks import SampleBlock, requests_of
from mindvis_gui.wording import counted

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session

_BATCH = 20  # requests handed to the queue at a time


class Planner(QObject):
    """Plans sets of decodes; `ended` comes when all of them are in the queue."""

    ended = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._jobs: list[Job] = []  # that run
        self._stops = 0
        session.queue.cleared.connect(self.stop)

    @property
    def active(self) -> bool:
        """Whether some are not in the queue yet."""
        return bool(self._jobs)

    def start(
        self,
        blocks: Sequence[SampleBlock],
        decoders: Mapping[str, Decoder],
        masks: Mapping[tuple[int, ...], MaskState],
    ) -> None:
        """Plan decodes of the open subject, whose responses have been measured.

        Parameters
        ----------
        blocks : sequence of SampleBlock
            What to draw.
        decoders : mapping of str to Decoder
            By the hash of their weights.
        masks : mapping of tuple of int to MaskState
            By the patches that they mask.
        """
        session = self._session
        subject, normalisation = session.subject, session.normalisation
        assert subject is not None
        assert normalisation is not None
        plan = planning(
            subject,
            normalisation,
            blocks,
            {key: session.taking_turns(decoder) for key, decoder in decoders.items()},
            dict(masks),
            session.preparation.steps,
        )
        count = sum(len(each.trials) * len(each.commons) for each in blocks)
        stops = self._stops

        def enqueue(items: list[Waiting]) -> None:
            if stops == self._stops:  # what was made before a stop may arrive after it
                session.queue.extend(items)

        title = f"Queueing {counted(count, 'decode')}"
        job = session.jobs.start(
            plan, title, self._report_unplanned, progress=enqueue, ended=lambda: self._end(job)
        )
        self._jobs.append(job)

    def stop(self) -> None:
        """Put no more into the queue."""
        self._stops += 1
        for job in self._jobs:
            job.cancel()

    def _report_unplanned(self, complaints: list[str]) -> None:
        if complaints:
            more = f"; and {len(complaints) - 1} more" if len(complaints) > 1 else ""
            self._session.problem.emit(f"not decoded: {complaints[0]}{more}")

    def _end(self, job: Job) -> None:
        self._jobs.remove(job)  # Qt deletes it
        if not self._jobs:
            self.ended.emit()


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
