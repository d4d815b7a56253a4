"""What stands in the brain's place while nobody knows where the voxels lie."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from mindvis_gui.session import Session
from mindvis_gui.session.overlays import RESPONSE, Look
from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.roi_strip import RoiStrip
from mindvis_gui.views.theme import GAP, MARGIN, label

_LEAST = 34  # pixels of the regions: hardly more than slices ask for, which stand here as well


class RegionResponses(QWidget):
    """The chosen trial's response region by region, in the colours it would have on the brain."""

    file_wanted = Signal()  # one that says where the voxels lie

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.strip = RoiStrip()
        self.text = label(
            "This file holds no voxel positions, so the voxels are drawn region by region. "
            "Masking, decoding and comparing work without positions.",
            "caption",
            wrap=True,
        )
        self.add = push_button("Add positions…", "Add positions")
        self.add.setToolTip(
            "Join a BData, mask or surface file of the same voxels, and draw the brain"
        )
        self.add.clicked.connect(self.file_wanted)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setAccessibleName("Responses region by region")  # the keys scroll it
        area.setWidget(self.strip)
        area.setMinimumHeight(_LEAST)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        head = QHBoxLayout()
        head.setSpacing(MARGIN)
        head.addWidget(self.text, 1)
        head.addWidget(self.add)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        column.setSpacing(GAP)
        column.addLayout(head)
        column.addWidget(area, 1)
        session.subject_changed.connect(self._draw)
        session.rois_edited.connect(self._draw)
        session.overlays.changed.connect(self._draw)

    def _draw(self) -> None:
        subject = self._session.subject
        if subject is None or self._session.brain.grid is not None:
            return
        response = self._session.overlays.find(RESPONSE)
        values = None if response is None else response.values
        self.strip.show_response(subject, values, Look() if response is None else response.look)
