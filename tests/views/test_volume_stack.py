from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.plane import planes
from mindvis_gui.data.subject import Volume
from mindvis_gui.session import Session
from mindvis_gui.session.overlays import Look, Overlay
from mindvis_gui.steps import finish
from mindvis_gui.views.brain_view import BrainView
from mindvis_gui.views.volume_stack import VolumeStack

LOOK = Look("viridis", 0, 1, threshold=0.2, opacity=0.6)


def turned(angle, shift=0.0, step=1.5, shape=(6, 7, 5)):
    affine = np.eye(4)
    c, s = np.cos(angle), np.sin(angle)
    affine[:3, :3] = step * np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    affine[:3, 3] = shift
    return Volume(np.random.default_rng(0).random(shape, dtype=np.float32), affine)


@pytest.fixture
def grid():
    affine = np.diag([-1.0, 1, 1, 1])
    affine[0, 3] = 9
    shape = (10, 11, 12)
    zeros = np.zeros(shape)
    box = (slice(0, 1),) * 3
    return DisplayGrid(zeros.astype(np.uint8), affine, zeros.astype(np.int32), box)


@pytest.mark.parametrize(
    "volumes",
    [
        [turned(0.0, 2.0)],
        [turned(0.0), turned(0.4, 3.0)],
        [turned(0.3, -4.0), turned(0.0, 2.0), turned(1.0, 5.0)],
    ],
    ids=["parallel", "two", "three, partly beside the grid"],
)
def test_composed_beforehand_a_slice_is_what_it_was(grid, volumes):
    stack = VolumeStack([(volume, LOOK) for volume in volumes], grid)
    seen = []
    for plane in (
        *planes(grid.shape, grid.affine),
        *planes(grid.shape, grid.affine, radiological=True),
    ):
        every = range(grid.shape[plane.through])
        seen.append((plane, [stack.picture(grid, plane, index) for index in every]))
    assert any(picture.any() for _, pictures in seen for picture in pictures)
    finish(stack.composing())
    for plane, before in seen:
        for index, picture in enumerate(before):
            assert np.array_equal(stack.picture(grid, plane, index), picture)


def test_at_a_point_it_has_the_colour_of_the_slice_there(grid):
    stack = VolumeStack([(turned(0.0), LOOK), (turned(0.4, 3.0), LOOK)], grid)
    axial = planes(grid.shape, grid.affine)[2]
    index, picture = 4, np.zeros(axial.shape[::-1], np.uint32)
    picture[stack.window(grid, axial)] = stack.picture(grid, axial, index)
    points = np.array([(x, y, index) for x in range(10) for y in range(11)])
    drawn = [picture[y, 9 - x] for x, y, _ in points.tolist()]  # x runs to the left
    assert np.array_equal(stack.at(np.zeros(len(points), np.int32), points), drawn)
    assert np.any(drawn)


def test_it_knows_its_volumes_looks_and_grid(grid):
    one, other = turned(0.0), turned(0.2)
    stack = VolumeStack([(one, LOOK), (other, LOOK)], grid)
    assert stack.shows([(one, replace(LOOK)), (other, LOOK)], grid)
    assert not stack.shows([(other, LOOK), (one, LOOK)], grid)
    assert not stack.shows([(one, LOOK)], grid)
    assert not stack.shows([(one, LOOK), (other, replace(LOOK, opacity=0.5))], grid)
    assert not stack.shows([(one, LOOK), (other, LOOK)], replace(grid))


def test_a_stack_is_composed_once_and_not_if_it_is_nowhere_or_too_large(grid, monkeypatch):
    assert not VolumeStack([(turned(0.0, 500.0), LOOK)], grid).to_compose
    stack = VolumeStack([(turned(0.0), LOOK)], grid)
    assert stack.to_compose
    next(stack.composing())
    assert not stack.to_compose
    monkeypatch.setattr("mindvis_gui.views.volume_stack._MOST_POINTS", 10)
    assert not VolumeStack([(turned(0.0), LOOK)], grid).to_compose


@pytest.fixture
def brain(qtbot, session, subject):
    view = BrainView(session)
    qtbot.addWidget(view)
    view.show()
    with qtbot.waitSignal(session.trial_changed):
        session.open("any.h5")
    return view


def stack_of(brain: BrainView) -> VolumeStack:
    (stack,) = brain.shown_stacks
    return stack


def put(session: Session, look: Look) -> None:
    grid = session.brain.grid
    affine = grid.affine.copy()
    session.overlays.put(
        Overlay("file", "File", volume=Volume(np.ones(grid.shape, np.float32), affine), look=look)
    )


def test_volumes_are_composed_once_nothing_changes(qtbot, brain, session):
    put(session, LOOK)
    stack = stack_of(brain)
    before = brain.slices[0].picture.overlay.colours.copy()
    qtbot.waitUntil(lambda: not stack.to_compose and session.jobs.idle)
    session.masking.set_hovered_patch(1)  # draws the layers again
    session.masking.set_hovered_patch(None)
    assert stack_of(brain) is stack
    assert stack._whole is not None
    assert np.array_equal(brain.slices[0].picture.overlay.colours, before)


def test_another_look_gives_up_what_is_being_composed(qtbot, brain, session, monkeypatch):
    steps = []

    def endless(self):
        self._begun = True
        while True:
            steps.append(self)
            yield

    monkeypatch.setattr(VolumeStack, "composing", endless)
    put(session, LOOK)
    old = stack_of(brain)
    qtbot.waitUntil(lambda: old in steps)
    session.overlays.set_look("file", replace(LOOK, opacity=1.0))
    new = stack_of(brain)
    assert new is not old
    qtbot.waitUntil(lambda: new in steps)
    assert steps.index(new) > len(steps) - 1 - steps[::-1].index(old)


def test_a_failure_is_said_once(qtbot, brain, session, monkeypatch):
    def failing(self):
        self._begun = True
        raise MemoryError
        yield

    monkeypatch.setattr(VolumeStack, "composing", failing)
    failures = []
    session.jobs.failed.connect(failures.append)
    put(session, LOOK)
    qtbot.waitUntil(lambda: bool(failures))
    qtbot.wait(400)
    assert len(failures) == 1
