"""Writing what was decoded."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from mindvis_gui.session import Session
from mindvis_gui.session.collection import Drawn
from mindvis_gui.settings import Settings
from mindvis_gui.views import exports, file_dialogs
from mindvis_gui.views.entry import Entry

EXPORT_ENTRIES = (
    Entry("export_figure", "Export figure…", "export.export_figure", "File", "Ctrl+E",
          "Draw stimulus, samples, brain and scores for a paper: PNG, SVG, PDF or TIFF"),
    Entry("export_samples", "Export samples…", "export.export_samples", "File", "Ctrl+Shift+E",
          "Write each sample as PNG with the request that made it"),
    Entry("export_scores", "Export scores…", "export.export_scores", "File", "",
          "Write the scores of all samples, with chance levels and options, as CSV or Parquet"),
    Entry("export_arrays", "Export arrays…", "export.export_arrays", "File", "",
          "Write the pixels of all samples as one NumPy array, with their options beside it"),
    Entry("export_latents", "Export latents…", "export.export_latents", "File", "",
          "Draw all samples again up to their final latents, and write these as one NumPy array"),
)  # fmt: skip


class ExportCommands:
    """Asks where to, and writes in the background; `comparing` says whether the grid is seen."""

    def __init__(
        self, window: QWidget, session: Session, settings: Settings, comparing: Callable[[], bool]
    ) -> None:
        self._window, self._session, self._settings = window, session, settings
        self._comparing = comparing

    def enabled(self) -> dict[str, bool]:
        """Return whether there is something to export."""
        decoded = self._session.results.result is not None
        drawn = len(self._session.collection) > 0
        return {
            "export_figure": decoded or drawn,
            "export_samples": decoded,
            "export_scores": drawn,
            "export_arrays": drawn,
            "export_latents": drawn and self._session.decoder is not None,
        }

    def export_figure(self) -> None:
        """Show what can be drawn of the decoded trial or the grid, and write what is chosen."""
        from mindvis_gui.views.figure_dialog import FigureDialog  # brings what draws figures

        of_grid = self._comparing() and self._session.grid.rows != "trial"
        if of_grid or self._session.results.result is not None:
            template = "grid" if of_grid else "comparison"
            FigureDialog(self._session, self._settings, self._window, template).open()

    def export_samples(self) -> None:
        """Ask for a folder, and write each sample into it in the background."""
        folder = file_dialogs.ask_sample_folder(self._window, self._settings.folder)
        if folder is not None:
            self._settings.folder = folder
            exports.start_samples(self._session, folder)

    def export_scores(self) -> None:
        """Ask where to, and write the scores of all samples."""
        path = file_dialogs.ask_scores_file(self._window, self._settings.folder / "scores.csv")
        if path is not None:
            self._settings.folder = path.parent
            exports.start_scores(self._session, path)

    def export_arrays(self) -> None:
        """Ask where to, and write the pixels of all samples."""
        path = file_dialogs.ask_arrays_file(self._window, self._settings.folder / "samples.npy")
        if path is not None:
            self._settings.folder = path.parent
            exports.start_arrays(self._session, path)

    def export_latents(self) -> None:
        """Ask where to, and write the latents of all samples."""
        path = file_dialogs.ask_arrays_file(self._window, self._settings.folder / "latents.npy")
        if path is not None:
            self._settings.folder = path.parent
            exports.start_latents(self._session, path)

    def export_sample(self, drawn: Drawn) -> None:
        """Ask where to, and write one sample of the chosen trial, called by its seed alone."""
        options = drawn.options
        subject = str(drawn.request["subject"])
        self._write(drawn, exports.sample_name(subject, options.trial, options.seed))

    def export_drawn(self, drawn: Drawn) -> None:
        """Ask where to, and write one sample of the grid."""
        self._write(drawn, exports.drawn_name(drawn))

    def _write(self, drawn: Drawn, name: str) -> None:
        path = file_dialogs.ask_sample_file(self._window, self._settings.folder / name)
        if path is not None:
            self._settings.folder = path.parent
            exports.start_drawn(self._session, drawn, path)
