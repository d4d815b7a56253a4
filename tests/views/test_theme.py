import gc

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QCheckBox, QListWidget, QRadioButton, QVBoxLayout, QWidget

from mindvis_gui.data.roi_colours import ROI_COLOURS
from mindvis_gui.data.subject import Roi
from mindvis_gui.views import theme
from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.theme import (
    THEMES,
    apply_theme,
    is_dark,
    label,
    muted,
    problem,
    roi_colours,
)


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    parts = [getattr(QColor(colour), name)() for name in ("redF", "greenF", "blueF")]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("role", ["text", "muted", "problem"])
def test_text_can_be_read(name, role):
    theme = THEMES[name]
    assert contrast(getattr(theme, role), theme.window) >= 4.5
    assert contrast(theme.text, theme.selection) >= 4.5


@pytest.mark.parametrize("name", THEMES)
def test_primary_button_can_be_read(name):
    theme = THEMES[name]
    assert contrast(theme.on_accent, theme.accent) >= 4.5


def test_themes_differ_on_screen(qapp, qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    seen = []
    for name in ("dark", "light"):
        apply_theme(qapp, name)
        widget.show()
        middle = widget.grab().toImage().pixelColor(widget.rect().center()).lightness()
        seen.append((is_dark(widget), middle < 128, muted(widget).name(), problem(widget).name()))
    assert seen[0][:2] == (True, True)
    assert seen[1][:2] == (False, False)
    assert seen[0][2:] == (THEMES["dark"].muted, THEMES["dark"].problem)
    assert seen[1][2:] == (THEMES["light"].muted, THEMES["light"].problem)


def edges(qtbot, widget, other):
    """Return the colour of a widget's edge while another has the keyboard, and while it has it."""
    whole = QWidget()
    column = QVBoxLayout(whole)
    for each in (widget, other):
        column.addWidget(each)
    qtbot.addWidget(whole)
    with qtbot.waitExposed(whole):
        whole.show()
    whole.activateWindow()
    seen = []
    for each in (other, widget):
        each.setFocus()
        qtbot.waitUntil(each.hasFocus)
        image = widget.grab().toImage()
        seen.append(image.pixelColor(0, image.height() // 2).name())
    return seen


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("kind", ["primary", "segment"])
def test_a_filled_button_that_has_the_keyboard_has_a_ring(qapp, qtbot, name, kind):
    apply_theme(qapp, name)
    button, other = (push_button(text, text, kind, checkable=True) for text in ("Run", "Stop"))
    for each in (button, other):
        each.setChecked(True)
    without, with_keyboard = edges(qtbot, button, other)
    assert without == THEMES[name].accent
    assert contrast(with_keyboard, THEMES[name].accent) > 2


@pytest.mark.parametrize("name", THEMES)
def test_a_list_that_has_the_keyboard_has_a_frame(qapp, qtbot, name):
    """The row that is selected looks the same whoever has the keyboard."""
    apply_theme(qapp, name)
    listed, other = QListWidget(), QListWidget()
    for each in (listed, other):
        each.addItem("row")
        each.setCurrentRow(0)
    without, with_keyboard = edges(qtbot, listed, other)
    assert without != THEMES[name].accent
    assert with_keyboard == THEMES[name].accent


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("kind", [QCheckBox, QRadioButton])
def test_boxes_and_circles_stand_out_from_the_window(qapp, qtbot, name, kind):
    apply_theme(qapp, name)
    box = QRadioButton() if kind is QRadioButton else QCheckBox()
    qtbot.addWidget(box)
    box.resize(30, 20)
    image = box.grab().toImage()
    shown = {image.pixelColor(x, 10).name() for x in range(image.width())}
    assert max(contrast(colour, THEMES[name].window) for colour in shown) >= 1.8
    box.setChecked(True)
    image = box.grab().toImage()
    shown = {image.pixelColor(x, 10).name() for x in range(image.width())}
    assert THEMES[name].accent in shown


def test_every_region_has_a_colour_of_its_own(subject):
    colours = roi_colours(subject)
    assert colours["V1"].name() == ROI_COLOURS[0]
    assert len({colour.name() for colour in colours.values()}) == len(subject.rois)


def test_many_regions_are_told_apart(subject):
    rois = tuple(Roi(f"r{i}", subject.rois[0].voxels) for i in range(20))
    object.__setattr__(subject, "rois", rois)
    assert len({colour.name() for colour in roi_colours(subject).values()}) == 20


def test_heading_is_in_capitals(qtbot):
    heading = label("Trials", "heading")
    qtbot.addWidget(heading)
    assert heading.text() == "TRIALS"


def test_nothing_is_collected_while_qt_goes_through_all_widgets(qapp, monkeypatch):
    """One that is freed then lets Qt crash."""
    gc.enable()  # as it is in the application; in tests only between them
    collecting, style_sheet = [], theme._style_sheet

    def noted(*words):
        collecting.append(gc.isenabled())
        return style_sheet(*words)

    monkeypatch.setattr(theme, "_style_sheet", noted)
    apply_theme(qapp, "dark")
    assert collecting == [False]
    assert gc.isenabled()
