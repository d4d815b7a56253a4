import io
import json
import re
from dataclasses import replace
from itertools import combinations, pairwise, product

import matplotlib.style
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from pypdf import PdfReader

from mindvis_gui.analysis.comparison import compare
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.figures import writing
from mindvis_gui.analysis.figures.consistency_panel import similarity, spread
from mindvis_gui.analysis.figures.content import (
    BrainScene,
    FigureContent,
    GridCell,
    GridRow,
    GridScene,
    LesionScene,
    MaskScene,
)
from mindvis_gui.analysis.figures.crowding import crowded
from mindvis_gui.analysis.figures.mask_panel import runs
from mindvis_gui.analysis.figures.page import Page, text_width, wrapped
from mindvis_gui.analysis.figures.record import record_path
from mindvis_gui.analysis.figures.style import FigureStyle, width_in_mm
from mindvis_gui.analysis.figures.templates import TEMPLATES, missing, scenes
from mindvis_gui.analysis.figures.writing import render_png, write_figure
from mindvis_gui.analysis.lesion import Effect, LesionStudy, TrialScores
from mindvis_gui.analysis.lesion_scores import LesionScore
from mindvis_gui.data.lesion import Lesion
from mindvis_gui.data.mask import MaskState
from mindvis_gui.decoding.request import Recovery
from mindvis_gui.decoding.sample_record import CHUNK
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import ExportError

MM = 25.4 / 72  # a point of PDF


@pytest.fixture
def content(subject, decoded):
    trials = tuple(
        DecodedTrial.of(compare(decoded(trial=number), subject), subject) for number in (0, 1)
    )
    rng = np.random.default_rng(0)
    vector = rng.normal(size=subject.n_voxels).astype(np.float32)
    kept = MaskState.random(44, 0.75, 0).kept_voxels(16, subject.n_voxels)
    recovery = Recovery(vector * np.float32(0.5), 0.62)
    return FigureContent(
        trials,
        BrainScene.of(subject),
        MaskScene.of(vector, kept, recovery, subject.rois),
        LesionScene.of(study(subject), subject.rois, decoded_otherwise(trials[0])),
        grid(trials),
    )


def grid(trials):
    """Return two rows by three columns; the last cell was not drawn."""
    rows = []
    for place, trial in enumerate(trials):
        cells = [
            GridCell(sample.image, trial.request, sample.seed, scores, 6)
            for sample, scores in zip(trial.samples, trial.scores, strict=True)
        ]
        rows.append(GridRow(f"guidance {place + 1}", trial.stimulus, (*cells[:2], None)))
    axes = {"rows": "guidance", "columns": "seed", "values": {"guidance": ["1"], "seed": ["0"]}}
    labels = ("seed 0", "seed 1", "seed 3")
    first = trials[0]
    return GridScene(("Guidance", "Seeds"), labels, tuple(rows), axes, True, first.versions)


def decoded_otherwise(trial):
    request = {**trial.protocol, "model": "other", "steps": 7}
    return DecodedTrial.without_samples(request, True, {"mindvis-gui": "0.0.9"})


def study(subject):
    """Without V1 the score falls from 0.8 to 0.5, without V2 it stays."""
    after = {"intact": 0.8, "V1": 0.5, "V2": 0.8}
    return LesionStudy(
        tuple(Lesion.of_rois(subject, [name]) for name in ("V1", "V2")),
        (LesionScore("layout", "Layout", "where things are", 0.5),),
        (0, 1),
        Sampling(),
        tuple(
            TrialScores(
                number,
                f"stimulus {number}",
                "",
                {name: {"layout": [value, value]} for name, value in after.items()},
            )
            for number in range(3)
        ),
    )


@pytest.mark.parametrize(
    ("name", "width"), [("comparison", 85), *((name, 170) for name in TEMPLATES)]
)
def test_a_pdf_is_as_wide_as_asked_and_its_text_is_text(tmp_path, content, name, width):
    path = tmp_path / "figure.pdf"
    write_figure(content, path, name, FigureStyle(width=width))
    (page,) = PdfReader(path).pages
    assert float(page.mediabox.width) * MM == pytest.approx(width, abs=0.1)
    text = " ".join(page.extract_text().split())
    assert "Subject tiny (simulated)" in text
    assert "not a photograph of a thought" in text
    fonts = page["/Resources"]["/Font"].get_object()
    assert all(font.get_object()["/Subtype"] != "/Type3" for font in fonts.values())


def test_brain_and_mask_say_what_they_show(tmp_path, content, subject):
    path = tmp_path / "figure.pdf"
    write_figure(content, path, "page", FigureStyle(width=170))
    text = " ".join(PdfReader(path).pages[0].extract_text().split())
    for roi in subject.rois:
        assert roi.name in text
    assert "20 mm" in text
    assert "75% of" in text
    assert "r 0.62 over the masked voxels" in text


def test_a_grid_names_its_options_and_carries_every_request(tmp_path, content):
    path = tmp_path / "figure.pdf"
    alone = replace(content, trials=())  # it needs no chosen trial
    write_figure(alone, path, "grid", FigureStyle(width=170))
    text = PdfReader(path).pages[0].extract_text()
    for words in ("guidance 2", "seed 3", "Rows differ in guidance", "columns in seeds", "/6"):
        assert words in text
    record = json.loads((tmp_path / "figure.pdf.json").read_text())
    assert record["grid"]["rows"] == "guidance"
    shown = [(each["trial"], each["seeds"]) for each in record["requests"]]
    assert shown == [(0, [0]), (0, [1]), (1, [0]), (1, [1])]
    many = replace(content.grid, rows=content.grid.rows * 100)
    with pytest.raises(ExportError, match="800 pictures do not fit"):
        write_figure(replace(content, grid=many), path, "grid")


def test_rows_and_columns_of_a_grid_whose_names_differ_at_the_end_can_be_told_apart(
    tmp_path, content
):
    names = [f"without L_G_and_S_occipital_{part}" for part in ("inf", "sup", "mid")]
    rows = tuple(
        replace(row, label=name) for row, name in zip(content.grid.rows, names, strict=False)
    )
    named = replace(content.grid, rows=rows, columns=tuple(names))
    path = tmp_path / "figure.pdf"
    write_figure(replace(content, grid=named), path, "grid", FigureStyle(width=85))
    text = PdfReader(path).pages[0].extract_text()
    assert [len(re.findall(rf"…\w*{part}\b", text)) for part in ("inf", "sup", "mid")] == [2, 2, 1]


def test_what_a_lesion_costs_is_drawn_with_its_protocol(tmp_path, content):
    effect = content.lesion.effects["V1", "layout"]
    assert effect.change == pytest.approx(-0.3)
    path = tmp_path / "figure.pdf"
    write_figure(content, path, "lesion", FigureStyle(width=170))
    text = " ".join(PdfReader(path).pages[0].extract_text().split())
    for expected in ("V1", "V2", "Layout", "intact 0.80, chance 0.50", "same 2 seeds", "3 trials"):
        assert expected in text
    assert "set to 0, the mean of the normalised response" in text
    # Of the study, whatever the trials were decoded by that lie beside it.
    assert "model other (abababab) · DPM++ 2M, 7 steps" in text
    assert "mindvis-gui 0.0.9" in text
    record = json.loads((tmp_path / "figure.pdf.json").read_text())
    assert (record["study"]["model"], record["study"]["steps"]) == ("other", 7)
    assert [each["steps"] for each in record["requests"]] == [20, 20]


def test_long_names_leave_room_for_the_bars_of_a_narrow_figure(tmp_path, content):
    scene, long = content.lesion, "7Networks_left_inferior_temporal_gyrus_posterior_division_"
    longer = replace(
        scene,
        lesions=tuple(long + name for name in scene.lesions),
        effects={(long + lesion, key): each for (lesion, key), each in scene.effects.items()},
    )
    path = tmp_path / "figure.pdf"
    style = FigureStyle(width=85, font_size=12)
    write_figure(replace(content, lesion=longer), path, "lesion", style)
    text = " ".join(PdfReader(path).pages[0].extract_text().split())
    assert "7Net" in text
    assert long not in text
    assert "…" in text


def test_large_letters_of_one_score_are_not_written_over_the_next(tmp_path, content, monkeypatch):
    scene, style = content.lesion, FigureStyle(width=85, font_size=12)
    three = replace(scene, scores=(*scene.scores, *scene.scores, *scene.scores)[:3])
    written, draw = [], Page.text

    def note(page, x, y, text, **look):
        if text.startswith("intact"):
            written.append((y, x, x + text_width(text, style)))
        draw(page, x, y, text, **look)

    monkeypatch.setattr(Page, "text", note)
    write_figure(replace(content, lesion=three), tmp_path / "figure.pdf", "lesion", style)
    assert len(written) == 3
    for (row, _, end), (other, start, _) in pairwise(sorted(written)):
        assert row != other or end <= start


@pytest.mark.parametrize("name", TEMPLATES)
def test_scenes_are_what_a_template_cannot_be_drawn_without(content, name):
    assert missing(name, content) == ""
    for scene in ("brain", "mask", "lesion", "grid"):
        assert bool(missing(name, replace(content, **{scene: None}))) == (scene in scenes(name))


@pytest.fixture
def crowd(content):
    """Return the content with three scores that fall a little, of two regions each."""
    scene = content.lesion
    scores = [
        replace(scene.scores[0], key=key, name=key.title()) for key in ("layout", "pixel", "hue")
    ]
    worse = {
        (lesion, score.key): Effect(0.5, -0.029 - place, (-0.03 - place, -0.028 - place), 3)
        for lesion in scene.lesions
        for place, score in enumerate(scores)
    }
    return replace(content, lesion=replace(scene, scores=tuple(scores), effects=worse))


@pytest.mark.parametrize(
    ("width", "name"),
    [
        *product((60, 85, 120, 180, None), sorted(set(TEMPLATES) - {"page"})),
        *product((60, 180), ["page"]),  # of the parts of others
    ],
)
def test_no_words_are_outside_a_figure_or_on_others(crowd, name, width):
    """Or it is refused in one line that says at which width, and which size of letters, it is."""
    for font_size in (5.5, 24) if width is None else (6, 8, 10, 12, 16):
        style = FigureStyle(width=width, font_size=font_size)
        refused = refusal(crowd, name, style)
        if refused:
            assert "\n" not in refused
            assert width is not None  # a figure without a width is as wide as its words need
            assert (width, font_size) not in {(85, 8), (120, 12), (180, 16)}
            wide, size = re.search(r"it (\d+) mm .* most (\S+) pt$", refused).groups()
            assert not refusal(crowd, name, replace(style, width=float(wide)))
            assert not refusal(crowd, name, replace(style, font_size=float(size)))


@pytest.mark.parametrize("name", TEMPLATES)
def test_where_words_have_room_is_found_without_pictures(crowd, name, monkeypatch):
    trials = crowd.trials * 3
    content = replace(crowd, trials=trials)
    drawn, draw = [], Page.figure
    monkeypatch.setattr(Page, "figure", lambda *args: (drawn.append(args), draw(*args))[1])
    said = refusal(content, name, FigureStyle(width=60, font_size=24))
    assert "mm wide or its letters at most" in said
    assert len(drawn) == 1
    wide = float(re.search(r"it (\d+) mm", said).group(1))
    for width in (60.0, wide - 1, wide, wide + 20):
        style = FigureStyle(width=width, font_size=24)
        with matplotlib.style.context(["default", style.parameters()]):
            page, height = writing._lay_out(content, name, style)
            whole = crowded(draw(page, height), {}, style)
            assert crowded(*page.words(height), style) == whole == (width < wide)


def refusal(content, name, style):
    """Return why a figure is refused, or see to it that its words have room."""
    try:
        check_words(content, name, style)
    except ExportError as error:
        return str(error)
    return ""


def check_words(content, name, style):
    with matplotlib.style.context(["default", style.parameters()]):
        figure = writing._draw(content, name, style)
        figure.dpi = 300
        FigureCanvasAgg(figure).draw()
        page, *plots = figure.axes
        words = [*page.texts, *(word for axes in plots for word in shown(axes))]
        boxes = [(each.get_text(), each.get_window_extent()) for each in words if each.get_text()]
    letter = style.font_size / 72 * 300
    for text, box in boxes:
        assert box.x0 >= -0.1 * letter, (text, style)
        assert box.x1 <= figure.bbox.width + 0.1 * letter, (text, style)
    for (text, a), (other, b) in combinations(boxes, 2):
        beside = min(a.x1, b.x1) - max(a.x0, b.x0) < 0.1 * letter
        under = min(a.y1, b.y1) - max(a.y0, b.y0) < 0.3 * letter
        assert beside or under, (text, other, style)


def shown(axes):
    """Return what is written in and along axes; numbers beyond their ends are not drawn."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if low <= tick.get_loc() <= high:
                yield from (each for each in (tick.label1, tick.label2) if each.get_visible())
        yield axis.label
    yield from axes.texts


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".tif"])
def test_a_figure_carries_its_requests(tmp_path, content, suffix):
    path = tmp_path / f"figure{suffix}"
    write_figure(content, path)
    record = json.loads(record_path(path).read_bytes())
    assert [request["trial"] for request in record["requests"]] == [0, 1]
    assert record["requests"][0]["seeds"] == [0, 1, 3]
    assert embedded(path) == record


def embedded(path):
    if path.suffix == ".pdf":
        return json.loads(PdfReader(path).metadata["/Keywords"])
    if path.suffix == ".svg":
        from xml.etree import ElementTree

        name = ".//{http://purl.org/dc/elements/1.1/}description"
        return json.loads(ElementTree.parse(path).find(name).text)
    with Image.open(path) as image:
        text = image.info[CHUNK] if path.suffix == ".png" else image.tag_v2[270]
    return json.loads(text)


def test_resolution_and_width_make_the_pixels(content):
    data = render_png(content, "comparison", FigureStyle(width=127, dpi=200))
    with Image.open(io.BytesIO(data)) as image:
        assert image.width == pytest.approx(1000, abs=1)


def test_what_is_not_wanted_is_left_out(tmp_path, content):
    path = tmp_path / "figure.pdf"
    write_figure(
        content, path, style=FigureStyle(width=170, captions=False, seeds=False, scores=False)
    )
    text = PdfReader(path).pages[0].extract_text()
    assert "seed" not in text
    assert "rank" not in text
    assert "steps" not in text
    assert "not a photograph of a thought" in text  # always


@pytest.mark.parametrize(
    ("change", "name", "message"),
    [
        ({"brain": None}, "brain", "voxel positions"),
        ({"mask": None}, "page", "masked response"),
        ({"lesion": None}, "lesion", "a lesion study"),
        ({"grid": None}, "grid", "samples in the grid"),
        ({}, "poster", "no figure 'poster'"),
    ],
)
def test_what_a_template_lacks_is_said(tmp_path, content, change, name, message):
    lacking = replace(content, **change)
    with pytest.raises(ExportError, match=message):
        write_figure(lacking, tmp_path / "figure.png", name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("style", "message"),
    [
        ({"width": 5}, "5 mm wide"),
        ({"dpi": 10_000}, "10000 dpi"),
        ({"font_size": 1}, "1 pt"),
    ],
)
def test_styles_that_cannot_be_are_refused(style, message):
    with pytest.raises(ExportError, match=message):
        FigureStyle(**style)


def test_a_font_that_is_not_installed_is_named(tmp_path, content):
    with pytest.raises(ExportError, match="font No Such Letters is not installed"):
        write_figure(content, tmp_path / "figure.png", style=FigureStyle(font="No Such Letters"))


def test_widths_of_columns():
    assert [width_in_mm(text) for text in ("single", "double", "120.5")] == [85, 170, 120.5]
    with pytest.raises(ExportError, match="'wide' is no width"):
        width_in_mm("wide")


def test_spread_and_similarity_of_samples(content):
    trial = content.trials[0]
    table = similarity(trial)
    assert table.shape == (3, 3)
    np.testing.assert_allclose(np.diag(table), 1, atol=1e-5)
    first, second = (sample.image.ravel().astype(float) for sample in trial.samples[:2])
    assert table[0, 1] == pytest.approx(np.corrcoef(first, second)[0, 1], abs=1e-5)
    assert 0 < spread(trial).mean() < 1


def test_runs():
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs(np.zeros(3, dtype=bool)) == []


def test_a_name_without_spaces_is_broken_where_a_line_ends():
    style = FigureStyle()
    words = "Subject sub-01_task-perception_space-MNI152NLin2009cAsym_desc-preproc_betas · seed 1"
    lines = wrapped(words, 400, style)
    assert "".join(lines).replace(" ", "") == words.replace(" ", "")
    assert max(text_width(line, style) for line in lines) <= 400
    assert lines[0].startswith("Subject")
    assert lines[-1].endswith("seed 1")
