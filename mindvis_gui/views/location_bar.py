"""Where the crosshair is: mm, voxel, response, patch and regions."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPalette, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QWidget

from mindvis_gui.session import Session
from mindvis_gui.views.readout import position, regions_at
from mindvis_gui.views.region_names import RegionNames
from mindvis_gui.views.theme import is_dark, label, readable, roi_colours, tight
from mindvis_gui.views.wrap_layout import WrapLayout, keep_height

_LONGEST = 16  # letters of a region's name that a row of its own is made for


class LocationBar(QWidget):
    """Shows what lies under the crosshair; mm and voxel can be typed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._colours: dict[str, QColor] = {}
        self.mm = QLineEdit()
        self.mm.setAccessibleName("Crosshair position in mm")
        self.mm.setToolTip("x y z in mm (right, anterior, superior); type three numbers and Enter")
        self.mm.returnPressed.connect(self._go_to_mm)
        self.voxel = QLineEdit()
        self.voxel.setAccessibleName("Voxel on the functional grid")
        self.voxel.setPlaceholderText("none")
        self.voxel.setFixedWidth(self.fontMetrics().horizontalAdvance("000 000 000") + 20)
        self.voxel.returnPressed.connect(self._go_to_voxel)
        self.response = self._value("Response of the chosen trial here")
        self.region = RegionNames()
        self.region.setProperty("kind", "strong")
        self.region.setAccessibleName("Regions here")
        self.patch = self._value("Patch of the response vector that holds this voxel")

        # What is as long as its text stands last, so that no other field moves with it.
        fields = {
            "mm": self.mm,
            "voxel": self.voxel,
            "response": self.response,
            "patch": self.patch,
            "region": self.region,
        }
        self._make_room_for_mm()
        rows = WrapLayout(12)
        self.setLayout(rows)
        for caption, field in fields.items():
            rows.addWidget(_captioned(caption, field, growing=field is self.region))
        self._room(self.response, "−0.00 z")

        session.subject_changed.connect(self._set_subject)
        session.rois_edited.connect(self._set_subject)
        for signal in (
            session.brain.crosshair_changed,
            session.trial_changed,
            session.model_changed,
        ):
            signal.connect(self._refresh)
        self._set_subject()

    def _value(self, name: str) -> QLabel:
        made = _Value(name)
        made.setProperty("kind", "strong")
        made.setTextFormat(Qt.TextFormat.PlainText)
        made.setToolTip(name)
        return made

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take as many rows as are needed (called by Qt)."""
        super().resizeEvent(event)
        keep_height(self)

    def _room(self, field: QLabel, text: str) -> None:
        """Let a field have room for this text at least, whatever it says now."""
        bold = self.font()
        bold.setBold(True)
        field.setMinimumWidth(QFontMetrics(bold).horizontalAdvance(text))

    def _make_room_for_mm(self) -> None:
        """Let the field hold any position of the grid."""
        grid = self._session.brain.grid
        digits, decimals = [2, 3, 2], ""
        if grid is not None:
            x, y, z = (n - 1 for n in grid.shape)
            ends = [grid.to_mm(end) for end in product((0, x), (0, y), (0, z))]
            farthest = np.abs(ends).max(axis=0)
            digits = [max(n, len(f"{mm:.0f}")) for n, mm in zip(digits, farthest, strict=True)]
            decimals = "" if np.allclose(grid.affine, np.round(grid.affine), atol=0.01) else ".0"
        text = " ".join(f"−{'0' * n}{decimals}" for n in digits)
        self.mm.setFixedWidth(self.fontMetrics().horizontalAdvance(text) + 20)

    def _set_subject(self) -> None:
        self._make_room_for_mm()
        subject = self._session.subject
        self._colours = roi_colours(subject) if subject is not None else {}
        names = [name[:_LONGEST] for name in self._colours]
        self._room(self.region, max(["none", *names], key=len))
        if subject is not None:
            patches = -(-subject.n_voxels // self._session.masking.patch_size)
            self._room(self.patch, f"{patches}/{patches}")
        keep_height(self)
        self._refresh()

    def _go_to_mm(self) -> None:
        numbers = _numbers(self.mm.text())
        if len(numbers) == 3:
            self._session.brain.set_crosshair_mm((numbers[0], numbers[1], numbers[2]))
        else:
            text = self.mm.text()
            self._session.problem.emit(f"'{text}' is no position; type x y z in mm: -10 -82 2")
        self._refresh()

    def _go_to_voxel(self) -> None:
        subject, numbers = self._session.subject, _numbers(self.voxel.text())
        whole = all(number == int(number) for number in numbers)
        if subject is None or subject.affine is None or subject.ijk is None:
            return
        if len(numbers) == 3 and whole:
            x, y, z = (subject.affine @ [*numbers, 1])[:3].tolist()
            self._session.brain.set_crosshair_mm((x, y, z))
        elif len(numbers) == 1 and whole and 0 <= numbers[0] < subject.n_voxels:
            x, y, z = (subject.affine @ [*subject.ijk[int(numbers[0])], 1])[:3].tolist()
            self._session.brain.set_crosshair_mm((x, y, z))
        else:
            self._session.problem.emit(
                f"'{self.voxel.text()}' is no voxel; type i j k on the functional grid, or one "
                f"position in the response vector, 0 to {subject.n_voxels - 1:,}"
            )
        self._refresh()

    def _refresh(self) -> None:
        subject, grid = self._session.subject, self._session.brain.grid
        self.setEnabled(grid is not None)
        if subject is None or grid is None:
            self.region.show_regions(())
            for field in (self.mm, self.voxel, self.response, self.region, self.patch):
                field.setText("")
            return
        at = self._session.brain.crosshair
        mm = grid.to_mm(at)
        self.mm.setText(position(mm.tolist()))
        self.mm.setCursorPosition(0)  # or the sign of the first could be out of sight
        index = int(grid.voxel_at[at])
        if index < 0:
            self.voxel.clear()
            self.voxel.setToolTip("No voxel of the response lies here")
            self.region.show_regions(())
            for field in (self.response, self.region, self.patch):
                field.setText("–")
            return
        assert subject.ijk is not None
        self.voxel.setText(" ".join(str(i) for i in subject.ijk[index]))
        self.voxel.setCursorPosition(0)
        self.voxel.setToolTip(
            f"i j k on the functional grid; position {index:,} of {subject.n_voxels:,} in the "
            "response vector. Type either and Enter"
        )
        response = self._session.response
        value = "–" if response is None else f"{response[index]:.2f} {subject.unit}"
        self.response.setText(value.replace("-", "−"))
        names = regions_at(self._session, index)
        self.region.show_regions([(name, self._shade(name)) for name in names])
        here = ", ".join(names)
        self.region.setToolTip(f"Regions here: {here}" if here else "Regions here")
        mask, size = self._session.masking.mask, self._session.masking.patch_size
        count = "" if mask is None else f"/{mask.n_patches}"
        self.patch.setText(f"{index // size + 1}{count}")

    def _shade(self, region: str) -> QColor:
        """Return the colour of a region as text of it can be read."""
        colour = self._colours[region]
        background = self.palette().color(QPalette.ColorRole.Window)
        return readable(colour.lighter(125) if is_dark(self) else colour.darker(135), background)

    def changeEvent(self, event: QEvent) -> None:
        """Write the regions in shades that can be read on the new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "patch"):
            self._refresh()


class _Value(QLabel):
    """A text of which screen readers say what it is, too."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def setText(self, text: str) -> None:
        """Show another one."""
        super().setText(text)
        self.setAccessibleName(f"{self._name}: {text}" if text else self._name)


def _captioned(caption: str, field: QWidget, *, growing: bool) -> QWidget:
    """Put a caption before a field; both stay together, and may grow to the end of the row."""
    policy = QSizePolicy.Policy
    made = QWidget()
    made.setSizePolicy(policy.Expanding if growing else policy.Fixed, policy.Preferred)
    row = tight(QHBoxLayout(made), 6)
    row.addWidget(label(caption, "caption"))
    row.addWidget(field, int(growing))
    return made


def _numbers(text: str) -> list[float]:
    """Return the numbers in a text, whichever minus sign they have."""
    found = re.findall(r"[-−+]?\d+(?:\.\d+)?", text)
    return [float(number.replace("−", "-")) for number in found]
