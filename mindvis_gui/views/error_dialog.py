"""An unexpected error, with a report that can be copied into a bug report."""

from __future__ import annotations

import platform
import sys
import traceback

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from mindvis_gui.version import __version__
from mindvis_gui.views.theme import GAP, MARGIN, label

_PACKAGES = ("PySide6-Essentials", "numpy", "torch", "diffusers", "h5py", "nibabel")


class ErrorDialog(QDialog):
    """Says that this is a bug of the application and offers the report; the window goes on."""

    def __init__(self, error: BaseException, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Unexpected error")
        self.resize(720, 420)
        self.report = report(error)
        text = label(
            "Something went wrong that should not have. What is open stays open; the report below "
            "helps to repair it. It holds no brain data.",
            wrap=True,
        )
        shown = QPlainTextEdit(self.report, readOnly=True)
        shown.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        shown.setAccessibleName("Report")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = buttons.addButton("Copy report", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.report))
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(GAP)
        column.addWidget(text)
        column.addWidget(shown)
        column.addWidget(buttons)


def report(error: BaseException) -> str:
    """Return versions and traceback as text."""
    from importlib.metadata import PackageNotFoundError, version  # not cheap, seldom needed

    lines = [
        f"mindvis-gui {__version__}",
        f"{platform.platform()}, Python {sys.version.split()[0]}",
    ]
    for name in _PACKAGES:
        try:
            lines.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            lines.append(f"{name} is not installed")
    return "\n".join([*lines, "", *traceback.format_exception(error)]).rstrip()
