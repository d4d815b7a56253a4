import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QTextDocumentFragment
from PySide6.QtWidgets import QApplication

from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.subject import Roi
from mindvis_gui.session.preparation import preparing_to_show
from mindvis_gui.steps import finish
from mindvis_gui.views.location_bar import LocationBar
from mindvis_gui.views.theme import THEMES, apply_theme
from tests.views.test_theme import contrast


@pytest.fixture
def bar(qtbot, opened):
    made = LocationBar(opened)
    qtbot.addWidget(made)
    made.show()
    return made


def take(session, subject, grid):
    session.take_subject(finish(preparing_to_show(subject, Preparation(), grid)))


def go_to(qtbot, bar, text):
    bar.mm.setText(text)  # not keyClicks: it knows no minus sign, which may be pasted
    qtbot.keyClick(bar.mm, Qt.Key.Key_Return)


def test_it_says_what_lies_under_the_crosshair(bar, opened):
    opened.brain.set_crosshair(opened.brain.grid.voxel_position(105))
    subject = opened.subject
    assert bar.voxel.text() == " ".join(str(i) for i in subject.ijk[105])
    assert bar.response.text() == f"{opened.response[105]:.2f} z".replace("-", "−")
    assert "V2" in bar.region.text()
    assert bar.patch.text() == "7/44"


@pytest.mark.parametrize("text", ["-8 -76 -2", "−8, −76, −2", "-8.4 -75.9 -2"])
def test_typed_millimetres_move_the_crosshair(qtbot, bar, opened, text):
    go_to(qtbot, bar, text)
    assert opened.brain.grid.to_mm(opened.brain.crosshair).tolist() == [-8, -76, -2]
    assert bar.mm.text() == "−8 −76 −2"


@pytest.mark.parametrize("text", ["here", "1 2", "900 0 0"])
def test_what_is_no_position_in_the_picture_is_refused_with_a_reason(qtbot, bar, opened, text):
    before, shown = opened.brain.crosshair, bar.mm.text()
    with qtbot.waitSignal(opened.problem) as said:
        go_to(qtbot, bar, text)
    assert text.split()[0] in said.args[0]
    assert opened.brain.crosshair == before
    assert bar.mm.text() == shown


@pytest.mark.parametrize("number", [0, 105])
def test_a_typed_voxel_moves_the_crosshair_by_indices_or_by_its_number(qtbot, bar, opened, number):
    for text in (" ".join(map(str, opened.subject.ijk[number])), str(number)):
        opened.brain.set_crosshair((0, 0, 0))
        bar.voxel.setText(text)
        qtbot.keyClick(bar.voxel, Qt.Key.Key_Return)
        assert opened.brain.grid.voxel_at[opened.brain.crosshair] == number


@pytest.mark.parametrize("text", ["no", "1 2", "99999", "1.5"])
def test_what_is_no_voxel_is_refused_with_a_reason(qtbot, bar, opened, text):
    before = opened.brain.crosshair
    bar.voxel.setText(text)
    with qtbot.waitSignal(opened.problem) as said:
        qtbot.keyClick(bar.voxel, Qt.Key.Key_Return)
    assert text in said.args[0]
    assert opened.brain.crosshair == before


def test_where_nothing_was_recorded_no_value_is_made_up(bar, opened):
    opened.brain.set_crosshair((0, 0, 0))
    assert bar.voxel.text() == ""
    assert bar.response.text() == bar.region.text() == bar.patch.text() == "–"


@pytest.mark.parametrize("width", [300, 485, 900])
def test_no_field_is_cut_in_a_narrow_window(qtbot, bar, opened, width):
    opened.brain.set_crosshair(opened.brain.grid.voxel_position(105))
    bar.resize(width, 30)
    qtbot.waitUntil(lambda: bar.height() >= bar.layout().heightForWidth(bar.width()))
    assert bar.width() == width
    fields = (bar.mm, bar.voxel, bar.response, bar.patch, bar.region)
    places = [QRect(field.mapTo(bar, QPoint()), field.size()) for field in fields]
    assert all(bar.rect().contains(place) for place in places)
    assert not any(a.intersects(b) for a, b in itertools.combinations(places, 2))
    for field in (bar.response, bar.patch, bar.region):
        assert field.width() >= field.sizeHint().width()


def test_the_bar_keeps_its_rows_wherever_the_crosshair_is(qtbot, bar, opened):
    def height_at(point):
        opened.brain.set_crosshair(point)
        QApplication.processEvents()
        return bar.layout().heightForWidth(485)

    points = [opened.brain.grid.voxel_position(i) for i in range(0, 700, 60)]
    assert len({height_at(point) for point in [(0, 0, 0), *points]}) == 1


def test_regions_are_written_darker_on_light(qtbot, bar, opened):
    app = QApplication.instance()
    opened.brain.set_crosshair(opened.brain.grid.voxel_position(105))
    apply_theme(app, "dark")
    dark = bar.region.text()
    apply_theme(app, "light")
    assert bar.region.text() != dark


def test_regions_without_room_are_counted(qtbot, bar, opened):
    names = [f"ctx_lh_G_and_S_occipital_inf_of_atlas_{i}" for i in range(3)]
    rois = tuple(Roi(name, np.arange(700)) for name in names)
    take(opened, replace(opened.subject, rois=rois), opened.brain.grid)
    opened.brain.set_crosshair(opened.brain.grid.voxel_position(105))
    seen = []
    for width in (500, 900, 1300, 700):
        bar.resize(width, 30)
        QApplication.processEvents()
        words = QTextDocumentFragment.fromHtml(bar.region.text()).toPlainText()
        assert bar.region.fontMetrics().horizontalAdvance(words) <= bar.region.width()
        seen.append(words)
    assert seen[0].endswith(" +2")
    assert seen[0].startswith("ctx_lh")
    assert seen[2].count("ctx_lh") == 3
    assert "+" not in seen[2]
    assert bar.region.toolTip() == f"Regions here: {', '.join(names)}"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_region_can_be_read(bar, opened, theme):
    rois = tuple(Roi(f"R{i}", np.arange(i, 700, 30)) for i in range(30))
    rois = (*rois, Roi("black", np.arange(30), colour="#000000"))
    rois = (*rois, Roi("white", np.arange(30), colour="#ffffff"))
    take(opened, replace(opened.subject, rois=rois), opened.brain.grid)
    apply_theme(QApplication.instance(), theme)
    bar.resize(900, 30)
    found = set()
    for voxel in range(30):
        opened.brain.set_crosshair(opened.brain.grid.voxel_position(voxel))
        found |= set(re.findall("#[0-9a-f]{6}", bar.region.text()))
    assert len(found) > 15
    assert min(contrast(colour, THEMES[theme].window) for colour in found) >= 4.5


def test_the_field_holds_any_position_with_its_sign(qtbot, bar, opened):
    affine = opened.subject.affine.copy()
    affine[:3] *= 1.25
    grid = replace(opened.brain.grid, affine=affine)
    take(opened, opened.subject, grid)
    for end in itertools.product(*((0, n - 1) for n in grid.shape)):
        opened.brain.set_crosshair(end)
        room = bar.mm.width() - 16  # the padding of fields
        assert bar.mm.fontMetrics().horizontalAdvance(bar.mm.text()) <= room
        assert bar.mm.cursorPosition() == 0
