from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from mindvis_gui.data.mask import MaskState, kept_patches
from mindvis_gui.views.mask_view import MaskView
from mindvis_gui.views.theme import apply_theme


@pytest.fixture
def view(qtbot, opened):
    made = MaskView(opened)
    qtbot.addWidget(made)
    made.resize(900, 180)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def painting(view):
    view.mode.setCurrentText("paint")
    return view


def pixel_of(strip, patch):
    """Return the pixel in the middle of a patch."""
    x = strip.x_of(patch * 16 + 8)
    return QPoint(round(x), strip.viewport().height() // 2)


def drawn(curve):
    """Return which voxels a curve shows."""
    return np.isfinite(curve.getOriginalDataset()[1])


def test_the_slider_draws_another_mask_and_asks_for_its_recovery(qtbot, view, ready):
    qtbot.waitUntil(lambda: ready.masking.recovery is not None)
    with qtbot.waitSignal(ready.masking.recovery_changed):
        view.ratio.setValue(50)
    assert ready.masking.mask.ratio == pytest.approx(0.5)
    qtbot.waitUntil(lambda: "r .50" in view.recovered.text())  # what the fake says at this ratio
    assert "baseline" in view.recovered.text()
    assert view.ratio_label.text() == "ratio 50 %"


def test_one_drag_of_the_slider_is_one_step_to_undo(view, opened):
    before = opened.masking.mask
    view.ratio.setSliderDown(True)
    for value in (70, 60, 50):
        view.ratio.setValue(value)
    view.ratio.setSliderDown(False)
    view.ratio.setSliderDown(True)
    view.ratio.setValue(20)
    view.ratio.setSliderDown(False)
    opened.undo_stack.undo()
    assert opened.masking.mask.ratio == pytest.approx(0.5)
    assert view.ratio.value() == 50
    opened.undo_stack.undo()
    assert np.array_equal(opened.masking.mask.kept, before.kept)
    assert view.ratio.value() == 75


def test_another_seed_keeps_as_many_patches_as_the_mask_that_was_brought_back(view, opened):
    n = opened.masking.mask.n_patches
    for ratio in (0.31, 0.43, 0.5, 0.56, 0.75, 0.9):
        opened.masking.set_mask(MaskState.random(n, ratio, 5))
        view.seed.setValue(view.seed.value() + 1)
        assert opened.masking.mask.seed == 6
        assert opened.masking.mask.kept.sum() == kept_patches(n, ratio)


def test_seed_and_dice_draw_another_mask_of_the_same_ratio(qtbot, view, opened):
    ratio = opened.masking.mask.ratio
    view.seed.setValue(7)
    assert opened.masking.mask.seed == 7
    before = opened.masking.mask.kept
    qtbot.mouseClick(view.dice, Qt.MouseButton.LeftButton)
    assert opened.masking.mask.seed == view.seed.value() != 7
    assert not np.array_equal(before, opened.masking.mask.kept)
    assert opened.masking.mask.ratio == pytest.approx(ratio)


def test_a_stroke_paints_every_patch_it_passes_and_is_one_step_to_undo(qtbot, painting, opened):
    strip, before = painting.strip, opened.masking.mask
    steps = opened.undo_stack.count()
    to = not before.kept[3]
    qtbot.mousePress(strip.viewport(), Qt.MouseButton.LeftButton, pos=pixel_of(strip, 3))
    for patch in (4, 5, 6):
        qtbot.mouseMove(strip.viewport(), pixel_of(strip, patch))
    assert opened.masking.mask is before  # not before the button is let go
    qtbot.mouseRelease(strip.viewport(), Qt.MouseButton.LeftButton, pos=pixel_of(strip, 6))
    assert (opened.masking.mask.kept[3:7] == to).all()
    assert np.array_equal(
        np.delete(opened.masking.mask.kept, range(3, 7)), np.delete(before.kept, range(3, 7))
    )
    assert opened.undo_stack.count() == steps + 1
    opened.undo_stack.undo()
    assert np.array_equal(opened.masking.mask.kept, before.kept)


@pytest.mark.parametrize(("start", "end"), [(3, 20), (20, 3)])
def test_a_quick_stroke_leaves_no_patch_out(qtbot, painting, opened, start, end):
    strip, before = painting.strip, opened.masking.mask
    qtbot.mousePress(strip.viewport(), Qt.MouseButton.LeftButton, pos=pixel_of(strip, start))
    qtbot.mouseMove(strip.viewport(), pixel_of(strip, end))
    qtbot.mouseRelease(strip.viewport(), Qt.MouseButton.LeftButton, pos=pixel_of(strip, end))
    assert (opened.masking.mask.kept[3:21] != before.kept[start]).all()


def test_a_stroke_ends_when_a_model_of_other_patches_comes(qtbot, painting, opened, decoder):
    strip, left = painting.strip, Qt.MouseButton.LeftButton
    qtbot.mousePress(strip.viewport(), left, pos=pixel_of(strip, 40))
    decoder.info = replace(decoder.info, patch_size=64, n_patches=11)
    opened.take_decoder(decoder)
    qtbot.mouseMove(strip.viewport(), QPoint(strip.width() // 2, 20))
    before = opened.masking.mask
    qtbot.mouseRelease(strip.viewport(), left, pos=QPoint(strip.width() // 2, 20))
    assert before.n_patches == 11
    assert opened.masking.mask is before


def test_a_mask_of_a_seed_that_the_field_has_no_room_for_is_shown(qtbot, view, opened):
    mask = MaskState.random(opened.masking.mask.n_patches, 0.5, 3_000_000_000)
    before = view.seed.value()
    with qtbot.capture_exceptions() as errors:
        opened.masking.set_mask(mask)
    assert not errors
    assert opened.masking.mask is mask
    assert view.ratio_label.text() == "ratio 50 %"
    assert view.seed.value() == before


def test_going_back_to_random_draws_the_mask_anew(qtbot, painting, opened):
    before = opened.masking.mask
    qtbot.mouseClick(
        painting.strip.viewport(), Qt.MouseButton.LeftButton, pos=pixel_of(painting.strip, 9)
    )
    assert opened.masking.mask.seed is None
    painting.mode.setCurrentText("random")
    assert np.array_equal(opened.masking.mask.kept, before.kept)


def test_keys_paint_too(qtbot, painting, opened):
    strip, before = painting.strip, opened.masking.mask
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left):
        qtbot.keyClick(strip, key)
    assert opened.masking.hovered_patch == 1
    qtbot.keyClick(strip, Qt.Key.Key_Return)
    assert opened.masking.mask.kept[1] != before.kept[1]


def test_while_not_painting_a_click_moves_the_crosshair_to_the_voxel(qtbot, view, opened):
    before = opened.masking.mask
    qtbot.mouseClick(view.strip.viewport(), Qt.MouseButton.LeftButton, pos=pixel_of(view.strip, 20))
    assert opened.brain.grid.voxel_at[opened.brain.crosshair] // 16 == 20
    assert opened.masking.mask is before


def test_hovering_chooses_the_patch_until_the_mouse_leaves(qtbot, view, opened):
    qtbot.mouseMove(view.strip.viewport(), pixel_of(view.strip, 11))
    assert opened.masking.hovered_patch == 11
    assert opened.masking.highlighted_voxels == slice(176, 192)
    assert view.strip._hovered.isVisible()
    qtbot.mouseMove(view.strip.viewport(), QPoint(1, 1))  # over the axis
    assert opened.masking.hovered_patch is None
    assert not view.strip._hovered.isVisible()


def test_the_patch_under_the_crosshair_is_outlined(view, opened):
    opened.brain.set_crosshair(opened.brain.grid.voxel_position(100))
    assert view.strip._here.rect().left() == 96
    opened.brain.set_crosshair((0, 0, 0))
    assert not view.strip._here.isVisible()


def test_kept_and_masked_voxels_are_drawn_apart_and_recovery_only_where_masked(qtbot, view, ready):
    qtbot.waitUntil(lambda: ready.masking.recovery is not None)
    kept = ready.masking.mask.kept_voxels(16, 700)
    assert np.array_equal(drawn(view.strip._kept), kept)
    assert np.array_equal(drawn(view.strip._true_masked), ~kept)
    assert np.array_equal(drawn(view.strip._recovered), ~kept)
    assert np.array_equal(view.strip._masked.image[0, :, 3] > 0, ~ready.masking.mask.kept)


def test_zooming_keeps_regions_below_their_voxels(view, opened):
    strip = view.strip
    event = QWheelEvent(
        QPointF(300, 40), strip.mapToGlobal(QPointF(300, 40)), QPoint(), QPoint(0, 1200),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.ControlModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    under = strip._voxel(QPointF(300, 40))
    QApplication.sendEvent(strip.viewport(), event)
    low, high = strip._view.viewRange()[0]
    assert high - low < 200
    assert strip._voxel(QPointF(300, 40)) == pytest.approx(under, abs=2)
    assert strip.x_of(low) == pytest.approx(strip._view.sceneBoundingRect().left(), abs=1)


def test_the_band_runs_through_all_regions_in_vector_order(view, opened):
    runs = [(start, stop, name) for start, stop, name, _ in view.band._runs]
    assert runs[0][:2] == (0, 100)
    assert [name for *_, name in runs] == [roi.name for roi in opened.subject.rois]


def test_decoding_from_the_masked_response_is_a_choice(qtbot, view, opened):
    qtbot.mouseClick(
        view.applied, Qt.MouseButton.LeftButton, pos=QPoint(8, view.applied.height() // 2)
    )
    assert opened.masking.applied
    opened.masking.set_applied(False)
    assert not view.applied.isChecked()


def test_without_a_model_nothing_is_said_to_be_recovered(view):
    assert view.recovered.text() == "no model loaded"


def test_another_theme_recolours_the_strip(qtbot, view):
    app = QApplication.instance()
    apply_theme(app, "dark")
    dark = view.grab().toImage()
    apply_theme(app, "light")
    light = view.grab().toImage()
    corner = (3, 3)
    assert dark.pixelColor(*corner).lightness() < 100 < light.pixelColor(*corner).lightness()
    inside = (view.strip.x() + 60, view.strip.y() + 1)
    assert dark.pixelColor(*inside).lightness() < 100 < light.pixelColor(*inside).lightness()


# -- focus, regions, refusals --------------------------------------------------------------------


def masked_share(session, region):
    patches = session.subject.roi(region).voxels // 16
    return 1 - session.masking.mask.kept[np.unique(patches)].mean()


def test_focus_masks_the_patches_of_a_region_more_often(view, opened):
    view.ratio.setValue(50)
    assert not view.focus.isVisible()
    before = masked_share(opened, "LOC")
    view.mode.setCurrentText("focus")
    view.focus.setCurrentText("LOC")
    view.rate.setValue(99)
    assert view.focus.isVisible()
    assert masked_share(opened, "LOC") == 1 > before
    assert opened.masking.mask.ratio == pytest.approx(0.5)
    assert opened.masking.mask.focus.rate == 0.99
    view.rate.setValue(1)
    assert masked_share(opened, "LOC") == 0


def test_undo_of_a_focus_shows_the_random_mask_again(view, opened):
    before = opened.masking.mask
    view.mode.setCurrentText("focus")
    opened.undo_stack.undo()
    assert opened.masking.mask is before
    assert view.mode.currentText() == "random"
    assert not view.focus.isVisible()


def test_each_region_shows_how_well_it_is_recovered(qtbot, view, ready):
    qtbot.waitUntil(lambda: "V1: recovered r 1.00" in view.band.accessibleDescription())
    ready.masking.draw_mask(0.0, 0)
    qtbot.waitUntil(lambda: "V1: recovered r –" in view.band.accessibleDescription())


def test_painting_over_everything_is_refused(qtbot, painting, opened):
    before, n = opened.masking.mask, opened.masking.mask.n_patches
    with qtbot.waitSignal(opened.problem) as problem:
        painting._paint(list(range(n)), keep=False)
    assert "keep at least one" in problem.args[0]
    assert opened.masking.mask is before
