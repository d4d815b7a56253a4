"""Curves and hours of a training whose metrics are known."""

import pytest
from PIL import Image

from mindvis_gui.training.metrics import MetricLog
from tools.demo.curves import hours, read_curves, write_curves


@pytest.fixture
def stage(tmp_path):
    folder = tmp_path / "stage"
    folder.mkdir()
    log = MetricLog(folder)
    log.cut(0)
    for step, speed in ((50, 10.0), (100, 20.0)):
        log.write(step, "train", {"loss": 1 / step, "gradient_norm": 1.0})
        log.write(step, "speed", {"samples_per_second": speed})
        log.write(step, "validation", {"correlation": step / 100})
    log.close()
    return folder


def test_hours_are_those_of_the_steps_at_the_speed_they_had(stage):
    seconds = 50 * 8 / 10 + 50 * 8 / 20
    assert hours(read_curves(stage), 8) == pytest.approx(seconds / 3600)


def test_curves_are_read_by_kind_and_name(stage):
    curves = read_curves(stage)
    assert curves["validation", "correlation"] == [(50, 0.5), (100, 1.0)]
    assert curves["train", "loss"] == [(50, 0.02), (100, 0.01)]


def test_every_stage_has_a_panel(stage, tmp_path):
    one, four = tmp_path / "one.png", tmp_path / "four.png"
    write_curves({"first": stage}, one)
    write_curves({f"stage {i}": stage for i in range(4)}, four)
    with Image.open(one) as single, Image.open(four) as several:
        (wide, low), (same, high) = single.size, several.size
        grey = several.convert("L")
    assert wide == same
    assert high == 2 * low
    assert grey.crop((0, low, wide // 3, high)).getextrema()[0] < 100
    assert grey.crop((wide // 3 + 5, low, wide, high)).getextrema() == (255, 255)
