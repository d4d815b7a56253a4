"""Comparing samples on a grid."""

from __future__ import annotations

from mindvis_gui.session import Session
from mindvis_gui.session.asking import no_model
from mindvis_gui.views.entry import Entry
from mindvis_gui.views.workspace import Workspace

COMPARE_ENTRIES = (
    Entry("compare", "Compare", "compare.show", "Compare", "Ctrl+Tab",
          "Go over to the grid of samples, or back", checkable=True, mac="Meta+Tab"),
    Entry("decode_missing", "Decode missing cells", "compare.decode_missing", "Compare",
          "Ctrl+Shift+Return", "Decode every cell of the grid that has no sample yet"),
    Entry("draw_again", "Draw the cell again", "compare.draw_again", "Compare", "Shift+R",
          "Put a sample of another seed into the chosen cell"),
    Entry("open_large", "Open large", "compare.open_large", "Compare", "",
          "Show the chosen sample large, beside the stimulus"),
    Entry("consistency", "Consistency of the row", "compare.show_consistency", "Compare",
          "Ctrl+Shift+C", "Show mean, spread and similarity of the samples in the chosen row"),
)  # fmt: skip


class CompareCommands:
    """Acts on the grid."""

    def __init__(self, session: Session, workspace: Workspace) -> None:
        self._session, self._workspace = session, workspace

    def enabled(self) -> dict[str, bool]:
        """Return what of it can be done now."""
        opened = self._session.subject is not None
        return dict.fromkeys([entry.id for entry in COMPARE_ENTRIES], opened)

    def show(self, shown: bool) -> None:
        """Go over to the grid, or back."""
        self._workspace.compare(shown)

    def decode_missing(self) -> None:
        """Decode every cell that has no sample yet."""
        self._workspace.compare(True)
        if self._session.decoder is None:
            self._session.problem.emit(no_model(self._session))
        else:
            self._session.grid.start(self._session.grid.missing())

    def draw_again(self) -> None:
        """Draw another seed into the chosen cell."""
        self._workspace.compare(True)
        self._workspace.compare_page.draw_again()

    def open_large(self) -> None:
        """Show the chosen sample large."""
        self._workspace.compare(True)
        page = self._workspace.compare_page
        page.open_large(page.view.current)

    def show_consistency(self) -> None:
        """Show or hide what the samples of the row have in common."""
        self._workspace.compare(True)
        self._workspace.compare_page.header.consistency.toggle()
