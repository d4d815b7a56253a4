"""The jobs that run in the background, and who gets what each of them returns."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QDeadlineTimer, QObject, Signal

from mindvis_gui.job import Job

Receiver = Callable[[Any], None]
_MOMENT = 100  # ms for which nobody minds to wait


@dataclass(frozen=True, slots=True)
class _Receivers:
    """Who is told of a job: its result, its progress, its end (whatever the end was)."""

    done: Receiver
    progress: Receiver | None
    ended: Callable[[], None] | None


class Jobs(QObject):
    """Starts jobs and hands over what they yield and return, on the thread it lives in.

    A job without a title is not worth a word in the status bar.
    """

    changed = Signal()  # a job with a title started or ended
    failed = Signal(object)  # Exception

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._receivers: dict[Job, _Receivers] = {}
        self._closed = False

    def start(
        self,
        items: Generator[Any, None, Any],
        title: str,
        done: Receiver,
        *,
        progress: Receiver | None = None,
        ended: Callable[[], None] | None = None,
    ) -> Job:
        """Run the generator `items` in a thread of its own.

        Parameters
        ----------
        done : callable
            Gets what the generator returns.
        progress : callable, optional
            Gets each item.
        ended : callable, optional
            Called once the thread is over, after `done`, a failure or a cancellation.

        After `close` nothing is started any more: the job that is returned never runs.
        """
        job = Job(items, title, self)
        if self._closed:
            return job
        # Only to methods: a lambda as receiver does not survive the end of its session.
        job.succeeded.connect(self._hand_over)
        job.progressed.connect(self._report_progress)
        job.failed.connect(self.failed)
        job.finished.connect(self._retire)
        self._receivers[job] = _Receivers(done, progress, ended)
        job.start()
        if title:
            self.changed.emit()
        return job

    def run(
        self,
        work: Callable[[], Any],
        title: str,
        done: Receiver,
        *,
        ended: Callable[[], None] | None = None,
    ) -> Job:
        """Run a plain function in a thread of its own; `done` gets what it returns."""
        return self.start(_as_generator(work), title, done, ended=ended)

    def soon(
        self,
        work: Callable[[], Any],
        title: str,
        done: Receiver,
        *,
        ended: Callable[[], None] | None = None,
    ) -> Job:
        """Run a function; where that is quick, `done` has what it returns before this returns.

        Only what takes longer gets a word in the status bar.
        """
        told: list[Any] = []

        def keep() -> Any:
            told.append(work())
            return told[-1]

        def take(result: Any) -> None:
            if told:
                told.clear()
                done(result)

        job = self.run(keep, "", take, ended=ended)
        if job.wait(QDeadlineTimer(_MOMENT)):
            for result in list(told):
                take(result)
        elif title and not self._closed:
            job.title = title
            self.changed.emit()
        return job

    @property
    def busy(self) -> str:
        """Title of the newest job that runs, or an empty string."""
        titles = [job.title for job in self._receivers if job.title]
        return titles[-1] if titles else ""

    @property
    def idle(self) -> bool:
        """Whether nothing runs, jobs without a title included."""
        return not self._receivers

    def close(self) -> None:
        """Cancel every job and wait for it; from then on none starts and nobody is told of any."""
        self._closed = True
        for job in self._receivers:
            job.cancel()
        for job in list(self._receivers):
            job.wait()

    def _hand_over(self, result: Any) -> None:
        if self._closed:
            return  # whoever would get it may ask for the next job
        self._receivers[self._sending_job()].done(result)

    def _report_progress(self, item: Any) -> None:
        if self._closed:
            return
        progress = self._receivers[self._sending_job()].progress
        if progress is not None:
            progress(item)

    def _retire(self) -> None:
        job = self._sending_job()
        receivers = self._receivers.pop(job)  # may hold the last reference to our owner
        owner = self.parent()  # who is not to be collected, and we with them, before we are done
        if receivers.ended is not None:
            receivers.ended()
        if job.title:
            self.changed.emit()
        job.deleteLater()
        del owner

    def _sending_job(self) -> Job:
        job = self.sender()
        assert isinstance(job, Job)
        return job


def _as_generator(work: Callable[[], Any]) -> Generator[Any, None, Any]:
    return work()
    yield  # makes this a generator: a Job draws items
