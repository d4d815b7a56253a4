from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

import mindvis_gui.session.surface as module
from mindvis_gui.data.surface import VIEWS, Surfaces
from mindvis_gui.errors import DataError
from mindvis_gui.session.brain import Arrangement
from mindvis_gui.session.overlays import ANATOMY, Look, Overlay
from mindvis_gui.views.brain_view import BrainView


class Cortex:
    """A flat sheet of 4 by 5 vertices; twelve lie at voxels 100 to 111, the rest at none."""

    likeness: float | None = 1.0
    error: Exception | None = None

    def __init__(self, subject):
        self.voxels = np.full(20, -1, np.int32)
        self.voxels[:12] = np.arange(100, 112)
        ijk = subject.ijk[np.where(self.voxels >= 0, self.voxels, 0)].astype(float)
        ijk[12:] = subject.ijk[200]
        positions = ijk @ subject.affine[:3, :3].T + subject.affine[:3, 3]
        picture = np.kron(np.arange(20).reshape(4, 5), np.ones((10, 10), int)).astype(np.int32)
        picture = np.pad(picture, 10, constant_values=-1)
        self.surfaces = Surfaces(
            positions.astype(np.float32), np.full(20, 80, np.uint8), dict.fromkeys(VIEWS, picture)
        )

    def load(self, cache):
        if self.error:
            raise self.error
        return self.surfaces
        yield

    def project(self, subject, cache):
        return self.voxels
        yield


@pytest.fixture
def cortex(monkeypatch, opened):
    made = Cortex(opened.subject)
    monkeypatch.setattr(module, "load_surfaces", lambda cache: made.load(cache))
    monkeypatch.setattr(module, "project", made.project)
    monkeypatch.setattr(module, "template_likeness", lambda subject: made.likeness)
    return made


@pytest.fixture
def brain(qtbot, opened, cortex):
    view = BrainView(opened)
    qtbot.addWidget(view)
    view.resize(900, 400)
    with qtbot.waitExposed(view):
        view.show()
    return view


def show(qtbot, session):
    with qtbot.waitSignal(session.surface.changed):
        session.brain.set_arrangement(Arrangement("surface"))


def pixel(picture, vertex) -> QPoint:
    row, column = np.argwhere(picture._vertices == vertex).mean(axis=0) + 0.5
    place, (height, width) = picture.place(), picture._vertices.shape
    x = place.left() + column * place.width() / width
    y = place.top() + row * place.height() / height
    return QPointF(x, y).toPoint()


def colour(picture, vertex) -> tuple[int, int, int]:
    row, column = np.argwhere(picture._vertices == vertex).mean(axis=0)
    return picture._image.pixelColor(int(column), int(row)).getRgb()[:3]


def test_nothing_is_projected_until_somebody_looks(qtbot, brain, opened):
    assert opened.surface.projection is None
    show(qtbot, opened)
    assert opened.surface.projection is not None
    assert brain.surface.picture.isVisible()
    assert not brain.surface.note.isVisible()
    assert sum(view.isVisible() for view in brain.slices) == 1


def test_overlays_lie_on_the_surface(qtbot, brain, opened):
    show(qtbot, opened)
    for overlay in opened.overlays.items:
        opened.overlays.set_visible(overlay.key, overlay.key == ANATOMY)
    picture = brain.surface.picture
    assert colour(picture, 5) == (80, 80, 80)
    values = np.full(opened.subject.n_voxels, np.nan, np.float32)
    values[105] = 1
    opened.overlays.put(Overlay("x", "X", values, look=Look("red", 0, 1, opacity=1.0)))
    assert colour(picture, 5) == (230, 72, 60)
    assert colour(picture, 6) == (80, 80, 80)
    assert colour(picture, 15) == (80, 80, 80)
    volume = replace(opened.subject.anatomy, data=np.ones_like(opened.subject.anatomy.data))
    opened.overlays.put(Overlay("v", "V", volume=volume, look=Look("green", 0, 1, opacity=1.0)))
    assert colour(picture, 15) == (70, 190, 120)  # a volume has values beside the voxels, too


def test_a_click_moves_the_crosshair(qtbot, brain, opened):
    show(qtbot, opened)
    picture = brain.surface.picture
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(picture, left, pos=pixel(picture, 7))
    assert opened.brain.grid.voxel_at[opened.brain.crosshair] == 107
    qtbot.mouseClick(picture, left, pos=pixel(picture, 15))
    assert opened.brain.grid.voxel_at[opened.brain.crosshair] == 200
    before = opened.brain.crosshair
    qtbot.mouseClick(picture, left, pos=picture.place().topLeft().toPoint() + QPoint(2, 2))
    assert opened.brain.crosshair == before


def test_the_crosshair_is_marked_where_it_is(qtbot, brain, opened):
    show(qtbot, opened)
    picture = brain.surface.picture
    opened.brain.set_crosshair(opened.brain.grid.voxel_position(108))
    assert (picture.pixel_of_crosshair().toPoint() - pixel(picture, 8)).manhattanLength() <= 2
    with_ring = picture.grab().toImage()
    opened.brain.set_arrangement(replace(opened.brain.arrangement, crosshair=False))
    assert picture.grab().toImage() != with_ring
    opened.brain.set_crosshair((30, 36, 30))
    assert picture.pixel_of_crosshair() is None


def test_a_hovered_region_is_outlined(qtbot, brain, opened):
    show(qtbot, opened)
    picture = brain.surface.picture
    corner = [int(n[0]) for n in np.nonzero(picture._vertices == 0)]
    opened.brain.set_hovered_roi("V2")  # voxels 100 to 199: all twelve vertices
    assert picture._image.pixelColor(corner[1], corner[0]).getRgb()[:3] == (255, 255, 255)
    opened.brain.set_hovered_roi("")
    assert picture._image.pixelColor(corner[1], corner[0]).getRgb()[:3] != (255, 255, 255)


@pytest.mark.parametrize("likeness", [0.2, None])
def test_another_space_is_said_and_may_be_shown_all_the_same(
    qtbot, brain, opened, cortex, likeness
):
    cortex.likeness = likeness
    show(qtbot, opened)
    assert brain.surface.note.isVisible()
    assert "MNI" in brain.surface.note.text()
    assert not brain.surface.picture.isVisible()
    brain.surface.insist.click()
    assert brain.surface.picture.isVisible()


def test_surfaces_that_cannot_be_had_are_one_line(qtbot, brain, opened, cortex):
    cortex.error = DataError("nilearn's fsaverage5 surfaces are missing; install nilearn again")
    with qtbot.waitSignal(opened.problem) as said:
        opened.brain.set_arrangement(Arrangement("surface"))
    assert "install nilearn" in said.args[0]
    qtbot.waitUntil(lambda: opened.idle)
    assert brain.surface.note.isVisible()
