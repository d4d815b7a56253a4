import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox

from mindvis_gui.views import file_dialogs

ANSWERS = QMessageBox.StandardButton


@pytest.fixture
def typed(monkeypatch):
    """Return a function that says what is typed into the next dialog, and the filter chosen."""

    def answer(path, chosen=""):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), chosen))

    return answer


@pytest.fixture
def asked(monkeypatch):
    """Return what was asked about replacing, with the answer to give."""
    questions = []

    def question(parent, title, text):
        questions.append(text)
        return questions.answer

    class Questions(list):
        answer = ANSWERS.No

    questions = Questions()
    monkeypatch.setattr(QMessageBox, "question", question)
    return questions


SAVING = {
    "session_to_save": ".mindvis",
    "sample_file": ".png",
    "arrays_file": ".npy",
    "subject_output": ".h5",
    "map_file": ".nii.gz",
}


@pytest.mark.parametrize(("name", "ending"), SAVING.items())
def test_a_name_with_a_full_stop_keeps_all_of_it(qtbot, tmp_path, typed, asked, name, ending):
    ask = getattr(file_dialogs, f"ask_{name}")
    for text in ("my.study", "my study", "r.57"):
        typed(tmp_path / text)
        assert ask(None, tmp_path).name == f"{text}{ending}"
    for text in (f"whole{ending}", f"WHOLE{ending.upper()}"):
        typed(tmp_path / text)
        assert ask(None, tmp_path).name == text
    typed("")
    assert ask(None, tmp_path) is None
    assert asked == []


@pytest.mark.parametrize(("name", "ending"), SAVING.items())
def test_no_file_is_replaced_unasked_by_a_name_without_its_ending(
    qtbot, tmp_path, typed, asked, name, ending
):
    ask = getattr(file_dialogs, f"ask_{name}")
    there = tmp_path / f"my.study{ending}"
    there.touch()
    typed(tmp_path / "my.study")
    assert ask(None, tmp_path) is None
    assert there.name in asked[0]
    asked.answer = ANSWERS.Yes
    assert ask(None, tmp_path) == there
    typed(there)  # which the dialog itself has asked about
    assert ask(None, tmp_path) == there
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("text", "chosen", "whole"),
    [
        ("figure", "PNG (*.png)", "figure.png"),
        ("figure", "TIFF (*.tif)", "figure.tif"),
        ("figure.svg", "PNG (*.png)", "figure.svg"),
        ("figure.jpg", "PNG (*.png)", "figure.jpg"),  # refused later, with the formats there are
    ],
)
def test_the_ending_of_a_figure_or_else_the_filter_says_the_format(
    qtbot, tmp_path, typed, asked, text, chosen, whole
):
    typed(tmp_path / text, chosen)
    assert file_dialogs.ask_figure_file(None, tmp_path).name == whole
    (tmp_path / "figure.png").touch()
    typed(tmp_path / "figure", "PNG (*.png)")
    assert file_dialogs.ask_figure_file(None, tmp_path) is None
    assert "figure.png already exists" in asked[0]


def test_the_filter_says_the_format_of_scores(qtbot, tmp_path, typed, asked):
    for chosen, whole in (("CSV (*.csv)", "scores.csv"), ("Parquet (*.parquet)", "scores.parquet")):
        typed(tmp_path / "scores", chosen)
        assert file_dialogs.ask_scores_file(None, tmp_path).name == whole
