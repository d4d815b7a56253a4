"""Choosing trials and seeds, decoding, and taking back choices."""

from __future__ import annotations

import random

from mindvis_gui.session import Session
from mindvis_gui.views.entry import Entry
from mindvis_gui.views.workspace import Workspace

EDIT_ENTRIES = (
    Entry("undo", "Undo", "decode.undo", "Edit", "Ctrl+Z",
          "Take back a mask or a choice of regions"),
    Entry("redo", "Redo", "decode.redo", "Edit", "Ctrl+Shift+Z", also="Ctrl+Y"),
)  # fmt: skip
DECODE_ENTRIES = (
    Entry("decode", "Decode", "decode.decode", "Decode", "Ctrl+Return",
          "Decode the chosen trial in the background", "play"),
    Entry("stop", "Stop", "decode.stop", "Decode", "Esc",
          "Stop decoding, or else the lesion study, before the next step", "stop"),
    Entry("new_seed", "New seeds", "decode.new_seed", "Decode", "R",
          "Draw other samples: choose a first seed at random", "dice"),
    Entry("next_trial", "Next trial", "decode.next_trial", "Decode", "PgDown"),
    Entry("previous_trial", "Previous trial", "decode.previous_trial", "Decode", "PgUp"),
)  # fmt: skip
_SEEDS = 10_000  # first seeds are drawn below it: short enough to read and to type again


class DecodeCommands:
    """Calls the session as the trial list and the options say."""

    def __init__(self, session: Session, workspace: Workspace) -> None:
        self._session, self._workspace = session, workspace

    def enabled(self) -> dict[str, bool]:
        """Return what the chosen trial and the running decode allow."""
        session = self._session
        has_trial = session.trial is not None
        return {
            "decode": has_trial,
            "next_trial": has_trial,
            "previous_trial": has_trial,
            "stop": not session.queue.empty
            or session.loading.decode_wanted
            or (session.lesions.running and not session.lesions.stopping),
            "undo": session.undo_stack.canUndo(),
            "redo": session.undo_stack.canRedo(),
        }

    def undo(self) -> None:
        """Take back the last change of mask or regions."""
        self._session.undo_stack.undo()

    def redo(self) -> None:
        """Do again what was taken back."""
        self._session.undo_stack.redo()

    def decode(self) -> None:
        """Decode the chosen trial, unless the options shown cannot be."""
        complaint = self._workspace.decode_panel.complaint
        if complaint:
            self._session.problem.emit(complaint)
        else:
            self._session.decode()

    def stop(self) -> None:
        """Stop decoding, or else the lesion study; a queue that only waits comes last."""
        session = self._session
        decoding = session.queue.active or session.loading.decode_wanted
        if session.lesions.running and not session.lesions.stopping and not decoding:
            session.lesions.stop()
        else:
            session.queue.stop()
            session.loading.want_decode(False)

    def new_seed(self) -> None:
        """Choose a first seed at random."""
        self._session.set_seeds(random.randrange(_SEEDS), self._session.n_samples)

    def next_trial(self) -> None:
        """Choose the next trial of those listed."""
        self._workspace.subject_panel.step_trial(1)

    def previous_trial(self) -> None:
        """Choose the previous trial of those listed."""
        self._workspace.subject_panel.step_trial(-1)
