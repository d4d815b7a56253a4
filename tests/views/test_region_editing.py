from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QApplication, QDialogButtonBox

from mindvis_gui.session.overlays import RESPONSE
from mindvis_gui.session.regions import Brush
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.brain_view import BrainView
from mindvis_gui.views.region_dialog import COMBINED, SPHERE, THRESHOLD, RegionDialog
from mindvis_gui.views.roi_list import RoiList

AXIAL = 2


@pytest.fixture
def brain(qtbot, opened):
    view = BrainView(opened)
    qtbot.addWidget(view)
    view.resize(900, 400)
    with qtbot.waitExposed(view):
        view.show()
    return view


def dialog(qtbot, session, kind):
    made = RegionDialog(session, kind)
    qtbot.addWidget(made)
    made.show()
    return made


def ok(made):
    return made.buttons.button(QDialogButtonBox.StandardButton.Ok)


def test_a_sphere_is_seen_before_it_is_made(qtbot, opened):
    made = dialog(qtbot, opened, SPHERE)
    opened.brain.set_crosshair(opened.brain.grid.voxel_position(105))
    made.radius.setValue(9)
    expected = opened.regions.sphere(opened.brain.grid.to_mm(opened.brain.crosshair), 9)
    assert opened.regions.preview.tolist() == expected.tolist()
    assert f"{expected.size:,} voxels" in made.count.text()
    made.name.setText("seed")
    ok(made).click()
    assert opened.subject.roi("seed").voxels.tolist() == expected.tolist()
    assert "sphere of 9 mm" in opened.subject.roi("seed").made
    assert not opened.regions.preview.size


def test_an_empty_region_cannot_be_made(qtbot, opened):
    opened.brain.set_crosshair((0, 0, 0))
    made = dialog(qtbot, opened, SPHERE)
    assert not ok(made).isEnabled()
    assert made.count.text() == "no voxel of the response"


def test_a_threshold_and_a_combination_are_made(qtbot, opened):
    made = dialog(qtbot, opened, THRESHOLD)
    made.overlay.setCurrentIndex(made.overlay.findData(RESPONSE))
    made.low.setValue(1.5)
    made.name.setText("strong")
    ok(made).click()
    expected = np.flatnonzero(opened.response >= 1.5)
    assert opened.subject.roi("strong").voxels.tolist() == expected.tolist()
    made = dialog(qtbot, opened, COMBINED)
    made.first.setCurrentText("V1")
    made.how.setCurrentText("intersection")
    made.second.setCurrentText("strong")
    ok(made).click()
    both = np.intersect1d(expected, opened.subject.roi("V1").voxels)
    assert opened.subject.roi("combined").voxels.tolist() == both.tolist()
    assert opened.subject.roi("combined").made == "intersection of V1 and strong"


def test_a_name_that_is_taken_keeps_the_dialog_open(qtbot, opened):
    made = dialog(qtbot, opened, SPHERE)
    made.name.setText("V1")
    with qtbot.waitSignal(opened.problem):
        ok(made).click()
    assert made.isVisible()


def drag(view, pixels, modifiers=Qt.KeyboardModifier.NoModifier):
    press, move, release = (
        QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.MouseButtonRelease,
    )  # fmt: skip
    left = Qt.MouseButton.LeftButton
    kinds = [press, *[move] * (len(pixels) - 1), release]
    for kind, pixel in zip(kinds, [*pixels, pixels[-1]], strict=True):
        place = view.viewport().mapToGlobal(QPointF(pixel))
        held = Qt.MouseButton.NoButton if kind == release else left
        QApplication.sendEvent(
            view.viewport(), QMouseEvent(kind, QPointF(pixel), place, left, held, modifiers)
        )


def pixel_of(view, voxel) -> QPoint:
    x, y = view.plane.position(voxel)
    return view.mapFromScene(view._view.mapViewToScene(QPointF(x, y)))


def test_painting_on_a_slice_makes_a_region_of_the_voxels_under_the_brush(brain, opened):
    grid = opened.brain.grid
    opened.brain.set_crosshair(grid.voxel_position(105))
    before = opened.brain.crosshair
    axial = brain.slices[AXIAL]
    here = np.argwhere(axial.plane.slice(grid.voxel_at, before[2]) >= 0)
    points = [(int(x), int(y), before[2]) for y, x in (here[2], here[3])]
    opened.regions.set_brush(Brush("painted", radius=0))
    drag(axial, [pixel_of(axial, point) for point in points])
    voxels = sorted(int(grid.voxel_at[point]) for point in points)
    assert opened.subject.roi("painted").voxels.tolist() == voxels
    assert opened.brain.crosshair == before
    drag(axial, [pixel_of(axial, points[0])], Qt.KeyboardModifier.ShiftModifier)
    assert opened.subject.roi("painted").voxels.size == 1
    assert brain.header.done.isVisible()
    brain.header.done.click()
    assert opened.regions.brush is None
    drag(axial, [pixel_of(axial, points[0])])
    assert opened.brain.crosshair == points[0]


def test_a_quick_stroke_leaves_no_voxel_out(brain, opened):
    grid = opened.brain.grid
    opened.brain.set_crosshair(grid.voxel_position(105))
    axial, z = brain.slices[AXIAL], opened.brain.crosshair[2]
    here = axial.plane.slice(grid.voxel_at, z) >= 0
    row = int(here.sum(axis=1).argmax())
    across = np.flatnonzero(here[row])
    on_the_way = [(int(x), row, z) for x in across]
    assert len(on_the_way) > 4
    opened.regions.set_brush(Brush("painted", radius=0))
    drag(axial, [pixel_of(axial, on_the_way[0]), pixel_of(axial, on_the_way[-1])])
    painted = set(opened.subject.roi("painted").voxels.tolist())
    assert {int(grid.voxel_at[point]) for point in on_the_way} <= painted


def test_a_larger_brush_takes_a_disc_of_the_slice(brain, opened):
    grid = opened.brain.grid
    point = grid.voxel_position(350)
    opened.brain.set_crosshair(point)
    axial = brain.slices[AXIAL]
    opened.regions.set_brush(Brush("painted"))
    brain.header.radius.setValue(9)
    drag(axial, [pixel_of(axial, point)])
    painted = opened.subject.roi("painted").voxels
    mm = opened.subject.ijk[painted] @ opened.subject.affine[:3, :3].T
    assert painted.size > 4
    assert len(np.unique(mm[:, 2])) == 1
    centre = opened.subject.ijk[350] @ opened.subject.affine[:3, :3].T
    assert np.linalg.norm(mm - centre, axis=1).max() <= 9 + 4


def test_the_list_follows_and_hovering_a_row_outlines_its_region(qtbot, opened):
    made = RoiList(opened)
    qtbot.addWidget(made)
    made.set_subject(opened.subject)
    opened.regions.add("mine", np.array([3, 4]), "sphere")
    assert "mine" in made._rows
    made._rows["mine"].hovered.emit(True)
    assert opened.brain.hovered_roi == "mine"
    made._rows["mine"].hovered.emit(False)
    assert opened.brain.hovered_roi == ""


def test_the_menu_of_a_region_does_what_it_says(qtbot, opened):
    made = RoiList(opened)
    qtbot.addWidget(made)
    opened.regions.add("mine", np.array([300, 301]), "sphere")

    def choose(name, text):
        made.menu.fill(name, QColor("red"))
        action = next(a for a in made.menu.actions() if a.text() == text)
        enabled = action.isEnabled()
        action.trigger()
        return enabled

    choose("mine", "Go there")
    assert opened.brain.grid.voxel_at[opened.brain.crosshair] == 301
    choose("mine", "Use this one alone")
    assert opened.used_rois == {"mine"}
    choose("mine", "Use all of the subject")
    assert opened.used_rois == {"V1", "V2", "V3", "hV4", "LOC", "FFA", "PPA"}
    choose("V2", "Show this one alone")
    assert opened.brain.visible_rois == {"V2"}
    choose("V2", "Show none")
    assert opened.brain.visible_rois == frozenset()
    choose("V2", "Show all")
    assert opened.brain.visible_rois == opened.used_rois | {"mine"}
    choose("mine", "Use this one alone")
    choose("mine", "Paint on slices")
    assert opened.regions.brush == Brush("mine")
    choose("mine", "Duplicate")
    assert "mine copy" in {roi.name for roi in opened.subject.rois}
    choose("mine", "Delete")
    assert "mine" not in {roi.name for roi in opened.subject.rois}
    assert not choose("V1", "Delete")


def test_a_sphere_finds_nothing_once_a_subject_without_positions_is_open(
    qtbot, opened_window, opened, subject, monkeypatch
):
    opened_window.actions_by_id["new_sphere"].trigger()
    (made,) = opened_window.findChildren(RegionDialog)
    flat = replace(subject, ijk=None, affine=None, anatomy=None)
    monkeypatch.setattr("mindvis_gui.session.opening.open_subject", lambda path: flat)
    with qtbot.waitSignal(opened.trial_changed):
        opened.open("flat.h5")
    made.radius.setValue(30)
    assert made.count.text() == "no voxel of the response"


def test_regions_of_a_subject_without_positions_can_be_combined(
    qtbot, window, session, subject, monkeypatch
):
    flat = replace(subject, ijk=None, affine=None, anatomy=None)
    monkeypatch.setattr("mindvis_gui.session.opening.open_subject", lambda path: flat)
    actions = window.actions_by_id
    assert not actions["new_combined"].isEnabled()
    with qtbot.waitSignal(session.trial_changed):
        session.open("flat.h5")
    can = {
        name
        for name in ("new_sphere", "new_threshold", "new_combined", "paint_region")
        if actions[name].isEnabled()
    }
    assert can == {"new_threshold", "new_combined"}
    actions["new_combined"].trigger()
    (made,) = window.findChildren(RegionDialog)
    assert made.kind.findData(SPHERE) == -1
    assert made.first.isVisible()
    made.name.setText("both")
    ok(made).click()
    union = np.union1d(flat.rois[0].voxels, flat.rois[1].voxels)
    assert session.subject.roi("both").voxels.tolist() == union.tolist()
    qtbot.waitUntil(lambda: session.idle)


def test_commands_ask_and_the_session_does(qtbot, opened_window, session, monkeypatch, tmp_path):
    actions, path = opened_window.actions_by_id, tmp_path / "mine.nii.gz"
    monkeypatch.setattr(file_dialogs, "ask_label_image", lambda *_: path)
    monkeypatch.setattr(file_dialogs, "ask_nifti_file", lambda *_: path)
    actions["save_regions"].trigger()
    assert path.exists()
    with qtbot.waitSignal(session.rois_edited):
        actions["load_regions"].trigger()
    assert len(session.subject.rois) == 14
    actions["paint_region"].trigger()
    assert session.regions.brush.region == "painted"
    actions["paint_region"].trigger()
    assert session.regions.brush is None
    actions["new_sphere"].trigger()
    (made,) = opened_window.findChildren(RegionDialog)
    assert made.kind.currentData() == SPHERE
    made.reject()
    with qtbot.waitSignal(session.overlays.changed):
        actions["add_overlay"].trigger()
    qtbot.waitUntil(lambda: session.idle)
    assert session.overlays.items[-1].name == "mine"
