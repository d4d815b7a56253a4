"""Makes requests of options in the background, and puts them into the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from mindvis_gui.data.mask import MaskState
from mindvis_gui.decode_queue import Waiting
from mindvis_gui.decoding.request import Decoder
from mindvis_gui.job import Job
from mindvis_gui.session.plan import planning
from mindvis_gui.session.sample_blocks import SampleBlock
from mindvis_gui.wording import counted

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session


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
