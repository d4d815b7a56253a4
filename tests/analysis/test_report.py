import base64
import io
import json
import re
from dataclasses import replace

import pytest
from PIL import Image

from mindvis_gui.analysis.comparison import compare
from mindvis_gui.analysis.decode_folder import read_decode_folder
from mindvis_gui.analysis.decode_folder_writer import DecodeFolderWriter
from mindvis_gui.analysis.evaluate import evaluate
from mindvis_gui.analysis.report import write_report
from mindvis_gui.cli import main
from mindvis_gui.data.prepare import Normalisation
from mindvis_gui.errors import DataError, ExportError

NORMALISATION = Normalisation(0.1, 1.5, "training trials")


@pytest.fixture
def folder(tmp_path, decoded, subject, model_info):
    first = decoded(trial=0)
    writer = DecodeFolderWriter(
        tmp_path / "decoded", subject, model_info, first.request, NORMALISATION
    )
    for trial in (0, 1, 2):
        writer.add(compare(decoded(trial=trial, label=f"<b>{trial}</b>"), subject))
    writer.add_failure(4, DataError("this response is broken & gone"))
    return tmp_path / "decoded"


def scored(folder):
    def no_network(key):
        raise AssertionError(key)

    steps = evaluate(
        read_decode_folder(folder), ("pixcorr", "identification-100"), no_network, [4], 0
    )
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def test_without_any_stimulus_it_shows_the_samples(folder, tmp_path, monkeypatch):
    """Such as of imagery."""
    for picture in folder.glob("*_stimulus.png"):
        picture.unlink()
    index = folder / "decode.json"
    known = json.loads(index.read_text())
    for each in known["trials"]:
        each.update(stimulus=None, scores=[], chance=None)
    known["model"]["test_use"] = ["the weights were chosen on test trials"]
    index.write_text(json.dumps(known))
    assert main(["report", str(folder), "--out", str(tmp_path / "report.html")]) == 0
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for expected in (
        "Decoded trials of tiny (simulated)",
        "No trial has a stimulus, so nothing is scored.",
        "Test trials were used in training: the weights were chosen on test trials.",
        "data:image/png;base64",
        "mindvis decode tiny",
    ):
        assert expected in text
    assert "PixCorr" not in text


def test_one_file_says_everything_and_needs_nothing_else(folder, tmp_path):
    write_report(folder, scored(folder), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for expected in (
        "tiny (simulated)",
        "PixCorr",
        "ab" * 32,
        "this response is broken &amp; gone",
        "&lt;b&gt;1&lt;/b&gt;",
        "mindvis decode tiny --model fake --trials 0-2 --seeds 0-1,3",
        "100-way identification: needs 100 distinct stimuli",
        "not a photograph of a thought",
    ):
        assert expected in text
    assert "<b>" not in text
    assert not re.search(r"(src|href)=\"(?!data:)", text)  # nothing is fetched
    assert "<script" not in text
    (data,) = re.findall(r"base64,([^\"]+)", text)
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.width > 1000


def test_the_same_folder_gives_the_same_report(folder, tmp_path):
    for name in ("a.html", "b.html"):
        write_report(folder, scored(folder), tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_no_other_file_is_written_over(folder, tmp_path):
    (tmp_path / "subject.h5").write_bytes(b"responses")
    with pytest.raises(ExportError, match=r"subject\.h5: a report is written as HTML; end"):
        write_report(folder, scored(folder), tmp_path / "subject.h5")
    assert (tmp_path / "subject.h5").read_bytes() == b"responses"


@pytest.mark.parametrize(("name", "said"), [("CSI1", "CSI1"), ("Demo", "demo")])
def test_the_command_names_the_subject_as_it_is_called(
    tmp_path, decoded, subject, model_info, name, said
):
    result = decoded(trial=0)
    result = replace(result, request=replace(result.request, subject=name))
    folder = tmp_path / "decoded"
    writer = DecodeFolderWriter(folder, subject, model_info, result.request, NORMALISATION)
    writer.add(compare(result, subject))
    write_report(folder, scored(folder), tmp_path / "report.html")
    assert f"mindvis decode {said} --model" in (tmp_path / "report.html").read_text("utf-8")


def test_an_empty_folder_is_refused(tmp_path, subject, model_info, decoded, folder):
    writer = DecodeFolderWriter(
        tmp_path / "none", subject, model_info, decoded().request, NORMALISATION
    )
    writer.add_failure(1, DataError("broken"))
    with pytest.raises(ExportError, match="no trial was decoded"):
        write_report(tmp_path / "none", scored(folder), tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
