"""Composes the volumes over the brain in the background, once they have stayed for a moment."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer

from mindvis_gui.job import Job
from mindvis_gui.jobs import Jobs
from mindvis_gui.views.volume_stack import VolumeStack

_REST = 300  # ms without a change


class StackComposer(QObject):
    """Takes the stacks that are shown through their composition, one after the other.

    Attributes
    ----------
    stacks : sequence of VolumeStack
        What is shown now.
    """

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._job: Job | None = None
        self._at_work: VolumeStack | None = None
        self.stacks: Sequence[VolumeStack] = ()
        self._rest = QTimer(self, singleShot=True, interval=_REST)
        self._rest.timeout.connect(self._go_on)

    def follow(self, stacks: Sequence[VolumeStack]) -> None:
        """Compose `stacks` in the place of those before; what is no longer shown is given up."""
        self.stacks = stacks
        if self._job is not None and self._at_work not in stacks:
            self._job.cancel()
        if any(stack.to_compose for stack in stacks):
            self._rest.start()

    def _go_on(self) -> None:
        waiting = [stack for stack in self.stacks if stack.to_compose]
        if self._job is None and waiting:
            self._at_work = waiting[0]
            self._job = self._jobs.start(
                waiting[0].composing(), "", lambda _: None, ended=self._end
            )

    def _end(self) -> None:
        self._job = self._at_work = None
        if not self._rest.isActive():
            self._go_on()
