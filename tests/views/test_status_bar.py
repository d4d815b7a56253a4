import pytest
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel

from mindvis_gui.decoding.request import Step
from mindvis_gui.views.status_bar import ActivityBar
from mindvis_gui.views.theme import THEMES, apply_theme


@pytest.fixture
def bar(qtbot, qapp, session):
    apply_theme(qapp, "dark")
    made = ActivityBar(session)
    qtbot.addWidget(made)
    made.resize(1200, 26)
    with qtbot.waitExposed(made):
        made.show()
    return made


def test_nothing_happens_at_first(bar):
    assert bar.activity.text() == "Ready"
    assert bar.model.text() == "no model"
    assert not bar.bar.isVisible()
    assert not bar.device.isVisible()


def test_model_and_device(bar, ready):
    assert bar.model.text() == "fake · 20 M parameters"
    assert bar.device.text() == "CPU · fp32"


def test_a_job_that_began_before_the_window(qtbot, session):
    session.jobs.run(lambda: None, "Counting", lambda _: None)
    bar = ActivityBar(session)
    qtbot.addWidget(bar)
    assert bar.activity.text() == "Counting …"
    assert not bar.bar.isHidden()
    qtbot.waitUntil(lambda: session.idle)
    assert bar.activity.text() == "Ready"


def test_job_of_unknown_length(qtbot, bar, session):
    session.jobs.run(lambda: None, "Counting", lambda _: session.message.emit("Counted"))
    assert bar.activity.text() == "Counting …"
    assert bar.bar.isVisible()
    assert bar.bar.maximum() == 0
    qtbot.waitUntil(lambda: not bar.bar.isVisible())
    assert bar.activity.text() == "Counted"


def test_decode_shows_steps_and_time_left(qtbot, bar, ready, decoder):
    decoder.hold()
    ready.decode()
    qtbot.waitUntil(lambda: bar.bar.value() == 2)
    assert bar.bar.maximum() == 10
    assert bar.activity.text().startswith("Step 2 of 10 · ")
    assert bar.activity.text().endswith(" s left")
    ready.decode()
    ready.queue.progressed.emit(Step(3, 10))
    assert bar.activity.text().endswith("1 waiting")
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle)
    assert bar.activity.text() == "4 samples in 0.1 s"


def test_a_pause_is_told_wherever_it_begins(qtbot, bar, ready, decoder):
    decoder.hold()
    ready.decode()
    qtbot.waitUntil(lambda: bar.bar.value() == 2)
    ready.decode()
    ready.queue.pause()
    assert bar.activity.text() == "Paused at step 2 of 10 (P goes on) · 1 waiting"
    ready.queue.pause(False)
    assert bar.activity.text().startswith("Step 2 of 10 · ")
    ready.queue.pause()
    decoder.release()
    ready.queue.skip()
    qtbot.waitUntil(lambda: not ready.queue.active and ready.jobs.idle)
    assert bar.activity.text().startswith("Paused, 1 waiting (P goes on) · Stopped")
    ready.message.emit("Wrote figure.png")
    assert bar.activity.text() == "Paused, 1 waiting (P goes on) · Wrote figure.png"
    ready.queue.pause(False)
    qtbot.waitUntil(lambda: ready.idle)
    assert bar.activity.text() == "4 samples in 0.1 s"


def test_long_decodes_are_told_in_minutes(bar, ready, monkeypatch):
    import mindvis_gui.views.status_bar as module

    monkeypatch.setattr(bar, "_started", 0.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: 100.0)
    ready.queue.progressed.emit(Step(1, 4))
    assert "5 min left" in bar.activity.text()


def test_problem_stays_until_forgotten(qtbot, bar, opened):
    opened.set_trial(99)
    assert bar.problem.text() == "Trial 99 does not exist; choose one of 0 to 23"
    opened.message.emit("Something else")
    assert bar.problem.text()
    colour = bar.problem.palette().color(QPalette.ColorRole.WindowText).name()
    assert colour == THEMES["dark"].problem
    bar.forget_problem()
    assert bar.problem.text() == ""


def test_long_problem_is_cut_and_whole_in_the_tooltip(bar):
    text = "No such file. " * 40
    bar.show_problem(text)
    assert bar.problem.text() == text
    assert bar.problem.toolTip() == text
    assert bar.minimumSizeHint().width() < 1200


def test_problem_takes_the_room_there_is_and_a_second_line(qtbot, bar):
    short = "the file is cut short; copy it again, or take another one of the same subject"
    bar.show_problem(short)
    qtbot.waitUntil(lambda: QLabel.text(bar.problem).endswith("of the same subject"))
    assert "\n" not in QLabel.text(bar.problem)
    assert QLabel.text(bar.activity) == "Ready"
    height = bar.sizeHint().height()
    long = f"{'the file is cut short and ' * 8}nothing can be read; copy it again"
    bar.show_problem(long)
    qtbot.waitUntil(lambda: QLabel.text(bar.problem).endswith("copy it again"))
    assert QLabel.text(bar.problem).count("\n") == 1
    assert bar.problem.toolTip()[1:] == long[1:]
    assert QLabel.text(bar.activity) == "Ready"
    assert height < bar.sizeHint().height() < 2 * height


def written(label):
    """Return how many pixels wide the text of a label is as it is drawn."""
    image = label.grab().toImage()
    back = image.pixel(0, 0)
    columns = [
        x
        for x in range(image.width())
        if any(image.pixel(x, y) != back for y in range(image.height()))
    ]
    return columns[-1] - columns[0]


def test_no_letter_of_a_problem_is_cut(qtbot, bar):
    bar.show_problem("/data/study: no betas and no runs in this folder; see docs/formats.md")
    label = bar.problem
    qtbot.waitUntil(lambda: label.width() == label.sizeHint().width())
    shown = written(label)
    label.resize(label.width() + 100, label.height())
    assert shown == written(label)
