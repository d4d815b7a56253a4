"""Decoding many trials, and what waits for it."""

from __future__ import annotations

from mindvis_gui.session import Session
from mindvis_gui.views.entry import Entry
from mindvis_gui.views.workspace import Workspace

QUEUE_ENTRIES = (
    Entry("decode_selected", "Decode selected trials", "queue.decode_selected", "Decode",
          "Ctrl+Alt+Return", "Decode the trials selected in the list (Ctrl or Shift click)"),
    Entry("decode_listed", "Decode all listed trials", "queue.decode_listed", "Decode",
          "Ctrl+Alt+A", "Decode every trial that passes the filter of the list"),
    Entry("pause", "Pause", "queue.pause", "Decode", "P",
          "Rest between two steps, and go on from there", checkable=True),
    Entry("skip", "Skip this decode", "queue.skip", "Decode", "",
          "Stop the running decode; those that wait come next"),
)  # fmt: skip


class QueueCommands:
    """Puts trials into the queue, and holds it."""

    def __init__(self, session: Session, workspace: Workspace) -> None:
        self._session, self._workspace = session, workspace

    def enabled(self) -> dict[str, bool]:
        """Return what trials and queue allow."""
        queue, opened = self._session.queue, self._session.trial is not None
        return {
            "decode_selected": opened,
            "decode_listed": opened,
            "pause": not queue.empty or queue.paused,
            "skip": queue.active,
        }

    def decode_selected(self) -> None:
        """Decode the trials that are selected in the list."""
        self._decode([trial.index for trial in self._workspace.subject_panel.trials.selected])

    def decode_listed(self) -> None:
        """Decode the trials that pass the filter."""
        self._decode([trial.index for trial in self._workspace.subject_panel.trials.listed])

    def _decode(self, trials: list[int]) -> None:
        complaint = self._workspace.decode_panel.complaint
        if complaint:
            self._session.problem.emit(complaint)
        else:
            self._session.grid.decode_trials(trials)

    def pause(self, paused: bool) -> None:
        """Hold the queue, or let it go on."""
        self._session.queue.pause(paused)

    def skip(self) -> None:
        """Stop the running decode alone."""
        self._session.queue.skip()
