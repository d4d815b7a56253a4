import itertools

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication

from mindvis_gui.views.location_bar import LocationBar
from mindvis_gui.views.theme import apply_theme


@pytest.fixture
def bar(qtbot, opened):
    made = LocationBar(opened)
    qtbot.addWidget(made)
    made.show()
    return made


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
