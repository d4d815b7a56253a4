"""What is done to the open subject's responses before they are decoded."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from mindvis_gui.session import Session
from mindvis_gui.views.preparation_form import PreparationForm
from mindvis_gui.views.theme import label, tight
from mindvis_gui.wording import counted


class PreparationPanel(QWidget):
    """Shows the steps in force, as the next request records them, and asks for others."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.form = PreparationForm()
        self.form.edited.connect(session.preparation.set_steps)
        self.effect = label(kind="caption", wrap=True)
        column = tight(QVBoxLayout(self), 4)
        column.addWidget(self.form)
        column.addWidget(self.effect)
        session.preparation.changed.connect(self._show_steps)
        session.subject_changed.connect(self._show_effect)
        self._show_steps()

    def _show_steps(self) -> None:
        self.form.show_steps(self._session.preparation.steps)
        self._show_effect()

    def _show_effect(self) -> None:
        subject, original = self._session.subject, self._session.preparation.original
        self.form.setEnabled(subject is not None)
        prepared = subject is not None and bool(self._session.preparation.steps)
        self.effect.setVisible(prepared)
        if prepared and subject is not None and original is not None:
            before, now = len(original.trials), len(subject.trials)
            trials = counted(before, "trial")
            trials = trials if now == before else f"{now:,} of {trials}"
            self.effect.setText(f"{trials}, responses in {subject.unit}; recorded in each sample")
