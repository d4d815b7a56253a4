"""The window and its dialogs on small screens, with letters of the usual size and of 14 points."""

from itertools import combinations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QFont, QScreen
from PySide6.QtWidgets import QAbstractButton, QLabel, QPushButton, QScrollArea, QWidget

from mindvis_gui.views.figure_dialog import FigureDialog
from mindvis_gui.views.import_wizard import ImportWizard
from mindvis_gui.views.theme import apply_theme

PROJECTOR = 849, 440  # 1280 x 720 at 150 %, less the frame
PANELS = ("overlays", "lesion", "attribution", "queue", "history", "decode", "subject")


@pytest.fixture(params=[9, 14], ids=["9 points", "14 points"])
def letters(request, qapp):
    """Have the letters of what is made afterwards this size."""
    before = qapp.font()
    font = QFont(before)
    font.setPointSizeF(request.param)
    qapp.setFont(font)
    apply_theme(qapp, "dark")
    yield request.param
    qapp.setFont(before)
    apply_theme(qapp, "dark")


@pytest.fixture
def projector(qtbot, letters, ready_window, ready, monkeypatch):
    """Return the window as large as a projector has room for, a trial decoded."""
    wide, high = PROJECTOR
    screen = QRect(0, 0, wide + 4, high + 40)
    monkeypatch.setattr(QScreen, "availableGeometry", lambda _: screen)
    ready_window.resize(wide, high)
    with qtbot.waitSignal(ready.results.result_changed):
        ready.decode()
    qtbot.waitUntil(lambda: ready.idle)
    return ready_window


def places(parts, whole):
    return [QRect(each.mapTo(whole, QPoint()), each.size()) for each in parts if each.isVisible()]


def overlap(parts, whole):
    return any(a.intersects(b) for a, b in combinations(places(parts, whole), 2))


def fits(window):
    return (window.width(), window.height()) == PROJECTOR


def test_every_panel_and_page_fits(qtbot, projector):
    workspace = projector.workspace
    for panel in PANELS:
        workspace.show_panel(panel, True)
        qtbot.waitUntil(lambda: projector.minimumSizeHint().width() <= PROJECTOR[0])
        assert projector.minimumSizeHint().height() <= PROJECTOR[1], panel
        projector.resize(*PROJECTOR)
        assert fits(projector), panel
    projector.actions_by_id["compare"].trigger()
    projector.resize(*PROJECTOR)
    assert fits(projector)
    assert projector.toolbar.menu_button.isVisible()  # Qt hides what has no room, and its key


def test_no_heading_is_cut(projector):
    headings = [
        each
        for each in projector.findChildren(QLabel)
        if each.property("kind") == "heading" and each.isVisible()
    ]
    assert len(headings) > 3
    cut = [each.text() for each in headings if each.width() < each.sizeHint().width()]
    assert cut == []


def test_no_field_above_the_brain_or_the_grid_lies_on_another(qtbot, projector):
    brain = projector.workspace.brain_view.header
    buttons = [*brain.layouts.values(), brain.radiological, brain.play, brain.rate, brain.overlays]
    qtbot.waitUntil(lambda: not overlap(buttons, brain))
    assert all(brain.rect().contains(place) for place in places(buttons, brain))
    assert all(each.width() >= each.minimumSizeHint().width() for each in buttons)
    projector.actions_by_id["compare"].trigger()
    page = projector.workspace.compare_page
    head = page.header
    head.consistency.setChecked(True)
    fields = (
        *(head.grids, head.rows.option, head.rows.values, head.columns.option),
        *(head.columns.values, head.decode, head.order, head.filter, head.size_slider),
        head.consistency,
    )
    qtbot.waitUntil(lambda: not overlap(fields, head))
    assert all(head.rect().contains(place) for place in places(fields, head))
    qtbot.waitUntil(lambda: min(head.filter.width(), head.count.width()) >= 100)


def test_the_pictures_of_consistency_lie_beside_their_words(qtbot, projector):
    projector.actions_by_id["compare"].trigger()
    page = projector.workspace.compare_page
    page.header.consistency.setChecked(True)
    strip = page.strip
    parts = (strip.mean, strip.spread, strip.matrix, strip._title, strip._facts)
    qtbot.waitUntil(lambda: strip.isVisible() and not overlap(parts, strip))
    assert all(strip.rect().contains(place) for place in places(parts, strip))
    assert page.view.height() >= 150


def test_scores_do_not_lie_beneath_their_buttons(qtbot, projector):
    projector.workspace.show_panel("lesion", True)
    panel = projector.workspace.compare_panel
    parts = (
        *(panel.decoded, panel.pixel, panel.ssim, panel.rank, panel.agreement),
        *(panel.consistency_map, panel.difference_map),
    )
    qtbot.waitUntil(lambda: not overlap(parts, panel))
    assert all(part.width() >= part.minimumSizeHint().width() for part in parts)


def test_fields_of_the_decode_panel_are_not_cut_off(qtbot, projector):
    panel = projector.workspace.decode_panel
    fields = (panel.samples, panel.first_seed, panel.sampler, panel.steps, panel.apply_mask)

    def seen():
        room = panel.viewport().width()
        return all(each.right() < room for each in places(fields, panel.viewport()))

    qtbot.waitUntil(seen)


def test_the_words_of_the_welcome_page_are_not_cut_off(letters, window):
    window.resize(*PROJECTOR)
    assert fits(window)
    page = window.welcome
    for each in page.findChildren(QWidget):
        if each.isVisible():
            assert page.rect().contains(places([each], page)[0])


def buttons_of(dialog):
    return [each for each in dialog.findChildren(QPushButton) if each.isVisible()]


def test_the_buttons_of_an_import_stay_on_the_screen(qtbot, projector, ready, settings, tmp_path):
    source = tmp_path / "arrays.npz"
    rng = np.random.default_rng(0)
    np.savez(source, train=rng.normal(size=(40, 60)), test=rng.normal(size=(10, 60)))
    wizard = ImportWizard(ready, settings, source, projector)
    wizard.show()
    qtbot.waitUntil(lambda: wizard.preview.trials.isVisible())
    qtbot.waitUntil(lambda: not wizard.importing.busy)
    assert wizard.width() <= PROJECTOR[0]
    assert wizard.height() <= PROJECTOR[1]
    for place in places(buttons_of(wizard), wizard):
        assert wizard.rect().contains(place)
    areas = wizard.preview.findChildren(QScrollArea)
    assert len(areas) == 2

    def reached():
        return {each.focusPolicy() != Qt.FocusPolicy.NoFocus: each for each in areas}

    qtbot.waitUntil(lambda: True in reached())  # the keys scroll what has no room
    wizard.resize(1200, 900)
    qtbot.waitUntil(lambda: True not in reached())
    wizard.close()


def test_the_choices_of_a_figure_fit_and_are_scrolled(qtbot, projector, ready, settings):
    dialog = FigureDialog(ready, settings, projector)
    dialog.show()
    qtbot.waitUntil(lambda: ready.idle)
    assert dialog.height() <= PROJECTOR[1]
    column = dialog.template.parentWidget()
    assert column.width() <= column.parentWidget().width()  # nothing to scroll across
    for each in dialog.findChildren(QAbstractButton):
        if each in (dialog.copy, dialog.export):
            assert dialog.rect().contains(places([each], dialog)[0])
    dialog.close()
