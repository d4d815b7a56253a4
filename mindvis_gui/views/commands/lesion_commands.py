"""Leaving regions out, and asking what a sample rests on."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from mindvis_gui.session import Session
from mindvis_gui.settings import Settings
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.entry import Entry
from mindvis_gui.views.workspace import Workspace

LESION_ENTRIES = (
    Entry("run_lesions", "Run lesion study", "lesion.run_study", "Decode", "Ctrl+L",
          "Decode without each region, from the same seeds, and measure what is lost"),
    Entry("stop_lesions", "Stop lesion study", "lesion.stop_study", "Decode", "",
          "Stop before the next step; trials that are finished stay"),
    Entry("attribute", "Attribute sample", "lesion.attribute", "Decode", "Ctrl+G",
          "Map which voxels a sample rests on"),
    Entry("export_lesions", "Export lesion study…", "lesion.export_study", "File", "",
          "Write the tables of the lesion study"),
    Entry("export_attribution", "Export attribution…", "lesion.export_attribution", "File", "",
          "Write the map of the attributed sample as NIfTI"),
)  # fmt: skip


class LesionCommands:
    """Opens the panels, starts what they say, and writes what was found."""

    def __init__(
        self, window: QWidget, session: Session, settings: Settings, workspace: Workspace
    ) -> None:
        self._window, self._session = window, session
        self._settings, self._workspace = settings, workspace

    def enabled(self) -> dict[str, bool]:
        """Return what subject, model, results and running jobs allow."""
        session = self._session
        can = session.trial is not None and session.decoder is not None
        lesions, attributions = session.lesions, session.attributions
        positions = session.subject is not None and session.subject.ijk is not None
        return {
            "run_lesions": can and not lesions.running,
            "stop_lesions": lesions.running and not lesions.stopping,
            "export_lesions": lesions.study is not None and not lesions.running,
            "attribute": can and session.results.result is not None and not attributions.running,
            "export_attribution": attributions.found is not None and positions,
        }

    def run_study(self) -> None:
        """Show the panel of lesions and run the study that it says."""
        self._workspace.show_panel("lesion", True, keyboard=False)
        self._workspace.lesion_panel.start()

    def stop_study(self) -> None:
        """Stop the study."""
        self._session.lesions.stop()

    def attribute(self) -> None:
        """Show the panel of attributions and attribute the sample that it says."""
        self._workspace.show_panel("attribution", True, keyboard=False)
        self._workspace.attribution_panel.start()

    def export_study(self) -> None:
        """Ask for a folder, and write the tables of the study into it."""
        folder = file_dialogs.ask_lesion_folder(self._window, self._settings.folder)
        if folder is not None:
            self._settings.folder = folder
            self._session.lesions.start_export(folder)

    def export_attribution(self) -> None:
        """Ask where to, and write the map as NIfTI."""
        found = self._session.attributions.found
        if found is None:
            return
        name = f"trial-{found.trial:04d}_seed-{found.seed:04d}_{found.method}.nii.gz"
        path = file_dialogs.ask_map_file(self._window, self._settings.folder / name)
        if path is not None:
            self._settings.folder = path.parent
            self._session.attributions.start_export(path)
