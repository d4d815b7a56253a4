from dataclasses import replace
from itertools import combinations

import nibabel
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QStyleOptionViewItem

from mindvis_gui.data.subject import Volume
from mindvis_gui.session.overlays import ANATOMY, MASK, REGIONS, RESPONSE, Overlay
from mindvis_gui.views.brain_header import BrainHeader
from mindvis_gui.views.brain_view import BrainView
from mindvis_gui.views.overlay_panel import OverlayPanel


@pytest.fixture
def panel(qtbot, opened):
    made = OverlayPanel(opened)
    qtbot.addWidget(made)
    made.resize(250, 600)
    with qtbot.waitExposed(made):
        made.show()
    return made


def item(panel, key):
    keys = [each.key for each in reversed(panel._session.overlays.items)]
    return panel.list.item(keys.index(key))


def look(session, key):
    return session.overlays.find(key).look


def test_the_list_has_the_topmost_first_and_its_values_at_the_crosshair(panel, opened):
    assert [panel.list.item(row).text() for row in range(panel.list.count())] == [
        "Mask", "Regions", "Response", "Anatomy",
    ]  # fmt: skip
    voxel = 105
    opened.brain.set_crosshair(opened.brain.grid.voxel_position(voxel))
    shown = item(panel, RESPONSE).data(Qt.ItemDataRole.UserRole + 1)
    assert shown == f"{opened.response[voxel]:.3g} z".replace("-", "−")


def test_a_subject_with_more_overlays_opens_while_the_list_is_seen(
    qtbot, panel, opened, monkeypatch
):
    values = np.arange(opened.subject.n_voxels, dtype=np.float32)
    mapped = replace(opened.subject, name="mapped", maps={"ceiling": values, "angle (deg)": values})
    monkeypatch.setattr("mindvis_gui.session.opening.open_subject", lambda path: mapped)
    with qtbot.waitSignal(opened.trial_changed):
        opened.open("mapped.h5")
    assert panel.list.count() == len(opened.overlays.items) == 6
    voxel = opened.brain.grid.voxel_at[opened.brain.crosshair]
    shown = item(panel, "map ceiling").data(Qt.ItemDataRole.UserRole + 1)
    assert shown == ("" if voxel < 0 else f"{values[voxel]:.3g}")


def test_a_tick_shows_and_hides(panel, opened):
    assert not look(opened, RESPONSE).visible
    item(panel, RESPONSE).setCheckState(Qt.CheckState.Checked)
    assert look(opened, RESPONSE).visible
    item(panel, ANATOMY).setCheckState(Qt.CheckState.Unchecked)
    assert not look(opened, ANATOMY).visible


def test_dragging_orders_them(panel, opened):
    model = panel.list.model()
    assert model.moveRow(panel.list.rootIndex(), 2, panel.list.rootIndex(), 0)  # response to top
    assert [each.key for each in opened.overlays.items] == [ANATOMY, REGIONS, MASK, RESPONSE]


def test_the_chosen_overlay_is_edited(panel, opened):
    panel.list.setCurrentItem(item(panel, RESPONSE))
    assert opened.overlays.chosen == RESPONSE
    panel.high.setValue(2)
    panel.low.setValue(-1)
    panel.threshold.setValue(0.25)
    panel.clip_high.setValue(1.5)
    panel.opacity.setValue(40)
    panel.colour_map.setCurrentIndex(panel.colour_map.findData("viridis"))
    panel.colour_map.activated.emit(panel.colour_map.currentIndex())
    assert look(opened, RESPONSE) == replace(
        look(opened, RESPONSE),
        low=-1, high=2, threshold=0.25, clip_high=1.5, opacity=0.4, colour_map="viridis",
    )  # fmt: skip
    panel.clip_high.setValue(panel.clip_high.minimum())
    assert look(opened, RESPONSE).clip_high == np.inf


def test_handles_set_range_and_clipping(panel, opened):
    panel.list.setCurrentItem(item(panel, RESPONSE))
    panel.range.region.setRegion((-0.5, 0.75))
    assert (look(opened, RESPONSE).low, look(opened, RESPONSE).high) == (-0.5, 0.75)
    assert panel.low.value() == -0.5
    panel.range.clips[0].setValue(-0.25)
    assert look(opened, RESPONSE).clip_low == pytest.approx(-0.25)
    assert look(opened, RESPONSE).clip_high == np.inf


def test_regions_have_no_range_but_outlines(panel, opened):
    panel.list.setCurrentItem(item(panel, REGIONS))
    assert not panel.range.isVisible()
    assert not panel.remove.isEnabled()
    panel.outlined.setChecked(True)
    assert look(opened, REGIONS).outlined


def test_a_file_is_laid_over_the_brain_and_removed(qtbot, panel, opened, tmp_path):
    path = tmp_path / "zmap.nii.gz"
    data = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(data, np.diag([-3.0, 3, 3, 1])), path)
    with qtbot.waitSignal(opened.overlays.changed):
        opened.overlays.open(path)
    qtbot.waitUntil(lambda: opened.idle)
    overlay = opened.overlays.items[-1]
    assert (overlay.name, overlay.look.visible) == ("zmap", True)
    assert opened.overlays.chosen == overlay.key
    assert overlay.look.low == -overlay.look.high
    panel.remove.click()
    assert opened.overlays.find(overlay.key) is None


def test_many_overlays_scroll_in_a_low_window(qtbot, opened_window, opened):
    workspace = opened_window.workspace
    workspace.show_panel("overlays", True)
    panel = workspace.overlay_panel
    values = np.arange(opened.subject.n_voxels, dtype=np.float32)
    note = "how much each voxel makes the model expect this very sample; " * 4
    for i in range(12):
        opened.overlays.put(Overlay(f"map {i}", f"map {i}", values=values, note=note))
    opened.overlays.choose("map 11")
    opened_window.resize(1280, 560)
    assert opened_window.height() == 560
    parts = (panel.list, panel.add, panel.colour_map, panel.range, panel.threshold, panel.opacity)

    def places():
        page = panel.widget()
        return [QRect(each.mapTo(page, QPoint()), each.size()) for each in parts]

    qtbot.waitUntil(lambda: panel.widget().height() >= panel.widget().minimumSizeHint().height())
    assert not any(a.intersects(b) for a, b in combinations(places(), 2))
    assert panel.widget().width() >= panel.widget().minimumSizeHint().width()
    assert panel.widget().width() <= panel.viewport().width()


def test_a_dropped_file_becomes_an_overlay(qtbot, opened, tmp_path):
    path = tmp_path / "dropped.nii"
    nibabel.save(nibabel.Nifti1Image(np.ones((3, 3, 3), np.float32), np.eye(4)), path)
    view = BrainView(opened)
    qtbot.addWidget(view)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0)
    with qtbot.waitSignal(opened.overlays.changed):
        view.dropEvent(QDropEvent(QPointF(5, 5), copy, mime, left, none))
    qtbot.waitUntil(lambda: opened.idle)
    assert opened.overlays.items[-1].name == "dropped"


@pytest.mark.parametrize("content", [b"", b"no image", "4d", "singular"])
def test_a_file_that_is_no_volume_is_one_line(qtbot, opened, tmp_path, content):
    path = tmp_path / "bad.nii"
    if content == "4d":
        nibabel.save(nibabel.Nifti1Image(np.ones((3, 3, 3, 2), np.float32), np.eye(4)), path)
    elif content == "singular":
        image = nibabel.Nifti1Image(np.ones((3, 3, 3), np.float32), np.eye(4))
        image.header["srow_z"], image.header["sform_code"] = [0, 0, 0, 0], 2
        image.header["qform_code"] = 0
        path.write_bytes(image.header.binaryblock + bytes(4) + bytes(27 * 4))
    else:
        path.write_bytes(content)
    before = opened.overlays.items
    with qtbot.waitSignal(opened.problem) as said:
        opened.overlays.open(path)
    assert "bad.nii" in said.args[0]
    assert opened.overlays.items == before


def test_the_header_shows_the_colours_of_the_topmost_overlay(qtbot, opened):
    header = BrainHeader(opened)
    qtbot.addWidget(header)
    header.show()
    assert not header.bar.isVisible()
    opened.overlays.set_visible(RESPONSE, True)
    assert header.bar.isVisible()
    with qtbot.waitSignal(header.overlays_wanted):
        header.bar.click()
    assert opened.overlays.chosen == RESPONSE
    header.overlays.menu().aboutToShow.emit()
    actions = {action.text(): action for action in header.overlays.menu().actions()}
    assert actions["Response"].isChecked()
    actions["Response"].setChecked(False)
    assert not opened.overlays.find(RESPONSE).look.visible


def test_the_movie_goes_through_the_trials_of_the_split(qtbot, opened):
    header = BrainHeader(opened)
    qtbot.addWidget(header)
    tests = [trial.index for trial in opened.subject.trials if trial.split == "test"]
    opened.movie.set_rate(8)
    seen = []
    opened.trial_changed.connect(lambda: seen.append(opened.trial.index))
    header.play.click()
    qtbot.waitUntil(lambda: len(seen) >= 2)
    header.play.click()
    assert not opened.movie.playing
    assert seen[:2] == [*tests[1:], *tests][:2]


def test_values_of_a_volume_are_read_at_its_mm(opened):
    data = np.arange(27, dtype=np.float32).reshape(3, 3, 3)
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = opened.brain.grid.to_mm(opened.brain.crosshair) - 4
    opened.overlays.put(Overlay("x", "X", volume=Volume(data, affine), unit="t"))
    from mindvis_gui.views.readout import overlay_value

    overlay = opened.overlays.find("x")
    assert overlay_value(opened, overlay, opened.brain.crosshair) == "13 t"
    assert overlay_value(opened, overlay, (0, 0, 0)) == ""


def test_a_long_name_is_cut_before_its_value_and_does_not_widen_the_panel(panel, opened):
    opened.overlays.choose(RESPONSE)
    before = panel.minimumSizeHint().width()
    name = "sub-01_task-imagery_contrast-faces_minus_houses_" * 3
    values = np.ones(opened.subject.n_voxels, np.float32)
    opened.brain.set_crosshair(opened.brain.grid.voxel_position(105))
    opened.overlays.put(Overlay("long", name, values, unit="t"))
    opened.overlays.choose("long")
    assert panel.minimumSizeHint().width() == before
    index = panel.list.indexFromItem(item(panel, "long"))
    option = QStyleOptionViewItem()
    option.initFrom(panel.list)
    option.rect = panel.list.visualRect(index)
    panel.list.itemDelegate().initStyleOption(option, index)
    value = option.fontMetrics.horizontalAdvance("1 t")
    assert "…" in option.text
    assert option.text.startswith("sub-01")
    assert option.fontMetrics.horizontalAdvance(option.text) + value + 30 < option.rect.width()
