"""The progress: plain lines without a terminal, a bar on one, silence in all processes but one."""

import io

from rich.console import Console

from mindvis_gui.training import report as module
from mindvis_gui.training.report import Report, _duration


def test_line_says_how_far_how_well_how_fast_how_long(capsys):
    with Report("mbm", 40, 10, shown=True) as report:
        speed = report.measure(20, {"loss": 0.5, "correlation": 0.25, "gradient_norm": 9.0}, 32)
    assert speed > 0
    line = capsys.readouterr().err
    assert line.startswith("mbm: step 20/40  loss 0.5000  correlation 0.2500  ")
    assert "samples/s" in line
    assert line.endswith(" left\n")
    assert "gradient_norm" not in line


def test_all_processes_but_one_are_silent(capsys):
    with Report("mbm", 40, 0, shown=False) as report:
        report.measure(20, {"loss": 0.5}, 32)
        report.say("nothing")
    assert capsys.readouterr().err == ""


def test_terminal_gets_a_bar(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(
        module, "Console", lambda **_: Console(file=screen, force_terminal=True, width=120)
    )
    with Report("ldm", 4, 0, shown=True) as report:
        report.measure(2, {"loss": 0.5}, 8)
        report.advance(2)
        report._bar.refresh()
    assert "ldm" in screen.getvalue()
    assert "2/4" in screen.getvalue()
    assert "loss 0.5000" in screen.getvalue()
    assert "step 2/4" not in screen.getvalue()


def test_durations_are_read_at_a_glance():
    assert [_duration(s) for s in (12.4, 90, 3600, 9000)] == [
        "12 s",
        "2 min",
        "1 h 00 min",
        "2 h 30 min",
    ]
