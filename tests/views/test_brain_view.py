from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from mindvis_gui.data.subject import Roi, Volume
from mindvis_gui.session.brain import Arrangement
from mindvis_gui.session.overlays import ANATOMY, MASK, REGIONS, RESPONSE, Look, Overlay
from mindvis_gui.views.brain_view import BrainView
from mindvis_gui.views.colour_maps import unpacked
from mindvis_gui.views.roi_strip import RoiStrip
from mindvis_gui.views.slice_picture import borders

SAGITTAL, CORONAL, AXIAL = range(3)


@pytest.fixture
def brain(qtbot, opened):
    view = BrainView(opened)
    qtbot.addWidget(view)
    view.resize(900, 400)
    view.show()
    qtbot.waitExposed(view)
    return view


def pixel_of(view, voxel):
    """Return the pixel at which a slice view draws a grid point."""
    x, y = view.plane.position(voxel)
    scene = view._view.mapViewToScene(QPointF(x, y))
    return view.mapFromScene(scene)


def drag(view, kind, pixel, button=Qt.MouseButton.LeftButton):
    """Press, move or release; not by qtbot, to which it matters where the mouse was before."""
    pixel = QPointF(pixel)
    place = view.viewport().mapToGlobal(pixel)
    event = QMouseEvent(kind, pixel, place, button, button, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view.viewport(), event)


def wheel(view, delta, modifiers=Qt.KeyboardModifier.NoModifier):
    event = QWheelEvent(
        QPointF(50, 50),
        view.mapToGlobal(QPointF(50, 50)),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view.viewport(), event)


def show_only(session, *keys, **look):
    """Show the overlays `keys` alone, the anatomy included, opaque and with changes of `look`."""
    for overlay in session.overlays.items:
        shown = overlay.key in (ANATOMY, *keys)
        changed = replace(overlay.look, visible=shown, opacity=1.0)
        session.overlays.set_look(
            overlay.key, replace(changed, **look) if overlay.key in keys else changed
        )


def overlay(view):
    """Return the RGBA overlay of a slice, rows from the bottom."""
    return unpacked(view.picture.overlay.colours)


@pytest.mark.parametrize("number", [SAGITTAL, CORONAL, AXIAL])
def test_a_click_moves_the_crosshair_to_the_voxel_under_it(qtbot, brain, opened, number):
    view = brain.slices[number]
    wanted = [9, 12, 20]
    wanted[view.plane.through] = opened.brain.crosshair[view.plane.through]
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=pixel_of(view, wanted))
    assert opened.brain.crosshair == tuple(wanted)


def test_a_click_means_the_millimetres_it_shows_on_a_flipped_anisotropic_grid(
    qtbot, session, subject, monkeypatch
):
    flipped = np.diag([-2.0, 4.0, 3.0, 1.0])
    flipped[:3, 3] = [60, -80, -50]
    anatomy = Volume(np.arange(60 * 37 * 40, dtype=np.float32).reshape(60, 37, 40), flipped)
    monkeypatch.setattr(
        "mindvis_gui.session.opening.open_subject", lambda path: replace(subject, anatomy=anatomy)
    )
    with qtbot.waitSignal(session.trial_changed):
        session.open("flipped.h5")
    brain = BrainView(session)
    qtbot.addWidget(brain)
    brain.resize(900, 400)
    brain.show()
    qtbot.waitExposed(brain)
    axial = brain.slices[AXIAL]
    left = QPointF(axial.viewport().width() / 2 - 60, axial.viewport().height() / 2).toPoint()
    qtbot.mouseClick(axial.viewport(), Qt.MouseButton.LeftButton, pos=left)
    assert session.brain.grid.to_mm(session.brain.crosshair)[0] < -10  # left of the middle is left
    drawn = axial._to_mm(QPointF(left))
    assert axial.plane.position(session.brain.crosshair) == pytest.approx(
        (drawn.x(), drawn.y()), abs=axial.plane.spacing[1]
    )


def test_dragging_takes_the_crosshair_along(qtbot, brain, opened):
    view = brain.slices[AXIAL]
    depth = opened.brain.crosshair[2]
    qtbot.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=pixel_of(view, (8, 9, depth)))
    qtbot.mouseMove(view.viewport(), pixel_of(view, (20, 25, depth)))
    assert opened.brain.crosshair == (20, 25, depth)


@pytest.mark.parametrize(
    "modifier", [Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier]
)
def test_the_wheel_goes_through_slices(brain, opened, modifier):
    x, y, z = opened.brain.crosshair
    wheel(brain.slices[AXIAL], 120, modifier)
    assert opened.brain.crosshair == (x, y, z + 1)
    wheel(brain.slices[SAGITTAL], -240, modifier)
    assert opened.brain.crosshair == (x - 2, y, z + 1)


def test_small_turns_of_a_touchpad_add_up_both_ways(brain, opened):
    x, y, z = opened.brain.crosshair
    wheel(brain.slices[AXIAL], -40)
    assert opened.brain.crosshair == (x, y, z)
    wheel(brain.slices[AXIAL], -40)
    wheel(brain.slices[AXIAL], -40)
    assert opened.brain.crosshair == (x, y, z - 1)


def test_ctrl_wheel_zooms_all_three_and_a_double_click_shows_all(qtbot, brain):
    before = [view._view.viewRect().width() for view in brain.slices]
    wheel(brain.slices[CORONAL], 240, Qt.KeyboardModifier.ControlModifier)
    after = [view._view.viewRect().width() for view in brain.slices]
    assert after == pytest.approx([width / 1.44 for width in before], rel=0.02)
    qtbot.mouseDClick(brain.slices[AXIAL].viewport(), Qt.MouseButton.LeftButton)
    assert [view._view.viewRect().width() for view in brain.slices] == pytest.approx(before)


def test_the_slices_have_one_scale(brain):
    scales = [view.viewport().width() / view._view.viewRect().width() for view in brain.slices]
    assert scales == pytest.approx([scales[0]] * 3, rel=0.02)


def test_arrows_move_in_the_plane_and_shift_arrows_through_it(qtbot, brain, opened):
    x, y, z = opened.brain.crosshair
    axial = brain.slices[AXIAL]
    qtbot.keyClick(axial, Qt.Key.Key_Left)
    qtbot.keyClick(axial, Qt.Key.Key_Up)
    assert opened.brain.crosshair == (x - 1, y + 1, z)
    qtbot.keyClick(axial, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert opened.brain.crosshair == (x - 1, y + 1, z - 1)


def test_regions_are_drawn_where_their_voxels_are(brain, opened):
    show_only(opened, REGIONS)
    axial = brain.slices[AXIAL]
    covered = axial.plane.slice(opened.brain.grid.voxel_at, opened.brain.crosshair[2]) >= 0
    assert covered.any()
    assert np.array_equal(overlay(axial)[..., 3] > 0, covered)


def test_hiding_a_region_takes_it_off_the_brain(brain, opened):
    show_only(opened, REGIONS)
    opened.brain.set_visible_rois(frozenset())
    assert not any(overlay(view)[..., 3].any() for view in brain.slices)


def test_the_response_of_another_trial_is_drawn_when_it_is_chosen(brain, opened):
    show_only(opened, RESPONSE)
    before = overlay(brain.slices[AXIAL]).copy()
    opened.set_trial(3)
    assert not np.array_equal(before, overlay(brain.slices[AXIAL]))


def test_both_outlines_the_regions_that_the_slice_cuts(brain, opened):
    show_only(opened, RESPONSE, REGIONS, outlined=True)
    axial = brain.slices[AXIAL]
    here = axial.plane.slice(opened.brain.grid.voxel_at, opened.brain.crosshair[2])
    cut = {i for i, roi in enumerate(opened.subject.rois, 1) if np.isin(here, roi.voxels).any()}
    assert {number for number, item in axial.picture.outlines if item.isVisible()} == cut
    across, up = axial.plane.spacing
    for number, item in axial.picture.outlines:
        rows, columns = np.nonzero(np.isin(here, opened.subject.rois[number - 1].voxels))
        if rows.size:
            edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            expected = [each * step for each, step in zip(edges, (across, up) * 2, strict=True)]
            assert item.path().boundingRect().getCoords() == pytest.approx(expected)
    show_only(opened)
    assert not axial.picture.outlines
    assert not overlay(axial)[..., 3].any()


def test_outlines_of_a_slice_seen_before_are_those_of_the_regions_now(brain, opened):
    show_only(opened, RESPONSE, REGIONS, outlined=True)
    axial = brain.slices[AXIAL]
    start = opened.brain.crosshair

    def there_and_back():
        opened.brain.set_crosshair((*start[:2], start[2] + 2))
        opened.brain.set_crosshair(start)
        return {n: item.path() for n, item in axial.picture.outlines if item.isVisible()}

    first = there_and_back()
    assert len(first) > 1
    assert there_and_back() == first
    kept = next(iter(first))
    opened.brain.set_visible_rois(frozenset({opened.subject.rois[kept - 1].name}))
    assert set(there_and_back()) == {kept}


def test_an_outline_runs_along_the_edges_of_its_voxels():
    numbers = np.zeros((5, 6), np.int16)
    numbers[2, 3] = 1
    numbers[2, 4] = 2
    points, sides = borders(numbers)
    own = points[(sides == 1).any(axis=1)]
    corners = {(3, 2), (4, 2), (3, 3), (4, 3)}  # column, row
    assert {tuple(end) for edge in own.tolist() for end in edge} == corners
    assert len(own) == 4
    assert len(points) == 7  # the edge between the two regions is one
    assert borders(np.zeros((5, 6), np.int16))[0].shape == (0, 2, 2)


def test_straight_borders_are_one_line():
    numbers = np.zeros((7, 9), np.int16)
    numbers[2:5, 3:7] = 1
    numbers[3, 7] = 1
    points, sides = borders(numbers)
    lines = {tuple(map(tuple, line)) for line in points.tolist()}
    assert lines == {
        ((3, 2), (7, 2)), ((3, 5), (7, 5)), ((3, 2), (3, 5)), ((7, 2), (7, 3)), ((7, 4), (7, 5)),
        ((7, 3), (8, 3)), ((7, 4), (8, 4)), ((8, 3), (8, 4)),
    }  # fmt: skip
    assert (sides.sum(axis=1) == 1).all()


def test_the_mask_covers_masked_voxels_alone(brain, opened):
    show_only(opened, MASK)
    kept = opened.masking.mask.kept_voxels(opened.masking.patch_size, opened.subject.n_voxels)
    for view in brain.slices:
        here = view.plane.slice(
            opened.brain.grid.voxel_at, opened.brain.crosshair[view.plane.through]
        )
        masked = (here >= 0) & ~kept[here]
        assert np.array_equal(overlay(view)[..., 3] > 0, masked)


def test_the_threshold_hides_weak_responses(brain, opened):
    show_only(opened, RESPONSE)
    opened.brain.set_crosshair(
        opened.brain.grid.voxel_position(int(np.abs(opened.response).argmin()))
    )
    axial = brain.slices[AXIAL]
    x, y = axial.plane.position(opened.brain.crosshair)
    row, column = int(y // axial.plane.spacing[1]), int(x // axial.plane.spacing[0])
    assert overlay(axial)[row, column, 3] == 255
    show_only(opened, RESPONSE, threshold=0.5)
    assert overlay(axial)[row, column, 3] == 0


def test_a_hovered_patch_lights_up(brain, opened):
    show_only(opened)
    opened.brain.set_crosshair(opened.brain.grid.voxel_position(40))
    opened.masking.set_hovered_patch(2)  # voxels 32 to 47
    assert any((overlay(view) == 255).all(axis=-1).any() for view in brain.slices)
    opened.masking.set_hovered_patch(None)
    assert not any(overlay(view)[..., 3].any() for view in brain.slices)


def test_radiological_mirrors_the_axial_slice(brain, opened):
    show_only(opened, REGIONS)
    before = overlay(brain.slices[AXIAL]).copy()
    opened.brain.set_arrangement(Arrangement(radiological=True))
    assert np.array_equal(overlay(brain.slices[AXIAL]), before[:, ::-1])
    assert brain.slices[AXIAL].plane.edges[:2] == ("R", "L")


def test_without_positions_voxels_are_drawn_by_region(qtbot, session, subject, monkeypatch):
    flat = replace(subject, ijk=None, affine=None, anatomy=None)
    monkeypatch.setattr("mindvis_gui.session.opening.open_subject", lambda path: flat)
    brain = BrainView(session)
    qtbot.addWidget(brain)
    brain.show()
    with qtbot.waitSignal(session.trial_changed):
        session.open("flat.npz")
    assert "no voxel positions" in brain.regions.text.text()
    assert not brain.header.isEnabled()
    strip = brain.regions.strip
    assert strip.isVisible()
    assert strip.accessibleDescription().startswith("V1: 100 voxels, V2: 100 voxels")
    before = strip.grab().toImage()
    session.set_trial(3)
    assert strip.grab().toImage() != before
    with qtbot.waitSignal(brain.regions.file_wanted):
        brain.regions.add.click()


def test_overlays_lie_over_each_other_in_the_order_of_the_list(brain, opened):
    n = opened.subject.n_voxels
    look = Look("red", 0, 1, opacity=1.0)
    opened.overlays.put(Overlay("red", "Red", np.ones(n, np.float32), look=look))
    opened.overlays.put(
        Overlay("blue", "Blue", np.ones(n, np.float32), look=replace(look, colour_map="blue"))
    )
    show_only(opened, "red", "blue")
    axial = brain.slices[AXIAL]
    shown = overlay(axial)[overlay(axial)[..., 3] > 0]
    assert (shown[:, 2] > shown[:, 0]).all()
    keys = [each.key for each in opened.overlays.items]
    opened.overlays.set_order([*keys[:-2], "blue", "red"])
    shown = overlay(axial)[overlay(axial)[..., 3] > 0]
    assert (shown[:, 0] > shown[:, 2]).all()


def test_a_volume_on_another_grid_is_drawn_where_its_mm_say(brain, opened):
    grid = opened.brain.grid
    data = np.zeros((5, 5, 5), np.float32)
    data[2, 2, 2] = 1
    affine = np.diag([6.0, 6.0, 6.0, 1.0])
    affine[:3, 3] = grid.to_mm(opened.brain.crosshair) - 12
    opened.overlays.put(
        Overlay("file", "File", volume=Volume(data, affine), look=Look("red", 0, 1, threshold=0.5))
    )
    show_only(opened, "file", threshold=0.5)
    for view in brain.slices:
        drawn = np.argwhere(overlay(view)[..., 3] > 0)
        assert 1 <= len(drawn) <= (6 / min(view.plane.spacing) + 1) ** 2
        x, y = view.plane.position(opened.brain.crosshair)
        row, column = int(y // view.plane.spacing[1]), int(x // view.plane.spacing[0])
        assert [row, column] in drawn.tolist()


@pytest.mark.parametrize(("layout", "shown"), [("three", 3), ("one_two", 3), ("single", 1)])
def test_layouts_show_so_many_slices(brain, opened, layout, shown):
    opened.brain.set_arrangement(Arrangement(layout, main="coronal"))
    visible = [view for view in brain.slices if view.isVisible()]
    assert len(visible) == shown
    assert brain.slices[CORONAL] in visible
    if layout == "one_two":
        QApplication.processEvents()
        assert brain.slices[CORONAL].width() > 1.5 * brain.slices[AXIAL].width()


def test_a_slice_that_was_hidden_shows_the_crosshair_when_it_comes_back(brain, opened):
    opened.brain.set_arrangement(Arrangement("single", main="coronal"))
    opened.brain.set_crosshair((5, 5, 5))
    opened.brain.set_arrangement(Arrangement("three"))
    axial = brain.slices[AXIAL]
    show_only(opened)
    drawn = unpacked(axial.picture.anatomy.colours)
    expected = axial.plane.slice(opened.brain.grid.anatomy, 5)
    assert np.array_equal(drawn[..., :3], np.repeat(expected[..., None], 3, axis=-1))
    assert (drawn[..., 3] == 255).all()


def test_what_is_under_the_mouse_is_written_into_the_slice(qtbot, brain, opened):
    voxel = opened.brain.grid.voxel_position(105)
    opened.brain.set_crosshair(voxel)
    view = brain.slices[AXIAL]
    drag(view, QEvent.Type.MouseMove, pixel_of(view, voxel), Qt.MouseButton.NoButton)
    assert "voxel 105" in view._readout.text()
    assert view._readout.isVisible()
    assert "V2" in view._readout.text()
    assert " z" in view._readout.text()


def test_a_region_whose_name_is_hovered_is_outlined(brain, opened):
    opened.brain.set_crosshair(opened.brain.grid.voxel_position(105))
    opened.brain.set_visible_rois(frozenset())
    opened.brain.set_hovered_roi("V2")
    assert all(len(view.picture.outlines) == 1 for view in brain.slices)
    assert any(item.isVisible() for view in brain.slices for _, item in view.picture.outlines)
    opened.brain.set_hovered_roi("")
    assert not any(view.picture.outlines for view in brain.slices)


def test_filled_regions_have_a_dark_rim_beneath_the_outline_of_the_one_hovered(brain, opened):
    """Some colours are as grey as the anatomy to eyes that do not see red or green."""
    show_only(opened, REGIONS)
    rois = [roi.name for roi in opened.subject.rois]
    for view in brain.slices:
        assert {number for number, _ in view.picture.outlines} == set(range(1, len(rois) + 1))
        for _, item in view.picture.outlines:
            assert item.pen().color().lightness() == 0
    opened.brain.set_hovered_roi(rois[0])
    number, item = brain.slices[AXIAL].picture.outlines[-1]
    assert (number, item.pen().color().name()) == (1, "#ffffff")
    assert len(brain.slices[AXIAL].picture.outlines) == len(rois)
    opened.brain.set_visible_rois(frozenset(rois[1:]))
    opened.brain.set_hovered_roi("")
    assert 1 not in dict(brain.slices[AXIAL].picture.outlines)


def test_no_scipy_is_loaded_for_drawing():
    import subprocess
    import sys

    code = (
        "import sys, mindvis_gui.views.brain_view; "
        "print('scipy' in sys.modules, 'OpenGL' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_two_rows_beneath_a_narrow_brain_leave_others_their_height(qtbot, brain):
    brain.resize(485, 300)
    qtbot.waitUntil(lambda: brain.location.height() > 40)
    bars = brain.header.minimumSizeHint().height() + brain.location.minimumHeight()
    assert brain.minimumSizeHint().height() - bars < 120
    assert brain.regions.minimumSizeHint().height() <= 85  # slices: 80


def test_regions_of_an_atlas_can_be_told_apart_without_positions(qtbot, subject):
    def drawn(end):
        roi = Roi(f"7Networks_left_inferior_temporal_gyrus_posterior_division_{end}", np.arange(9))
        strip = RoiStrip()
        qtbot.addWidget(strip)
        strip.resize(400, 60)
        strip.show_response(replace(subject, rois=(roi,)), None, Look())
        return strip.grab().toImage()

    assert drawn("1") == drawn("1")
    assert drawn("1") != drawn("2")


def test_the_crosshair_can_be_hidden(qtbot, brain, opened):
    def lines():
        return [line.isVisible() for view in brain.slices for line in view.picture._lines]

    assert all(lines())
    opened.brain.set_arrangement(replace(opened.brain.arrangement, crosshair=False))
    assert not any(lines())
    opened.brain.set_crosshair((5, 5, 5))
    assert not any(lines())
    opened.brain.set_arrangement(replace(opened.brain.arrangement, crosshair=True))
    assert all(lines())
