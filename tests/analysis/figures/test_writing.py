import json
import re
import threading
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from mindvis_gui.analysis.caption import decimal, protocol_caption, scores_caption
from mindvis_gui.analysis.comparison import compare
from mindvis_gui.analysis.decoded_trial import SAMPLE_NOTICE, DecodedTrial
from mindvis_gui.analysis.figures import writing
from mindvis_gui.analysis.figures.content import FigureContent
from mindvis_gui.analysis.figures.reading import read_drawn_record
from mindvis_gui.analysis.figures.record import record_path
from mindvis_gui.analysis.figures.style import FigureStyle
from mindvis_gui.data.mask import MaskState
from mindvis_gui.errors import ExportError


def write_figure(trials, path, name="comparison", **style):
    writing.write_figure(FigureContent(tuple(trials)), path, name, FigureStyle(**style))


@pytest.fixture
def trials(subject, decoded):
    def make(numbers=(0, 1), **changes):
        return [
            DecodedTrial.of(compare(decoded(trial=number, **changes), subject), subject)
            for number in numbers
        ]

    return make


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Return ``drawn(trials)``: the figure that `write_figure` draws."""

    def make(trials, **style):
        figures = []

        def keep(figure, file, dpi, **_options):
            figure.dpi = dpi
            renderer = FigureCanvasAgg(figure).get_renderer()
            for item in figure.axes[0].texts:
                item.box = item.get_window_extent(renderer)
            file.write(b"drawn")
            figures.append(figure)

        monkeypatch.setattr(Figure, "savefig", keep)
        write_figure(trials, tmp_path / "figure.svg", **style)
        return figures[0]

    return make


def svg_text(path):
    return [
        text.replace("\N{NO-BREAK SPACE}", " ")
        for text in re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf", "tif"])
def test_the_same_trials_give_the_same_bytes(tmp_path, trials, suffix):
    first, second = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    write_figure(trials(), first)
    write_figure(trials(), second)
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_bytes()) > 5000


@pytest.mark.parametrize("suffix", ["png", "tif", "tiff"])
@pytest.mark.parametrize(("dpi", "width"), [(300, None), (50, 63.7), (299, 85)])
def test_pictures_are_of_three_colours_at_the_width_that_was_asked_for(
    tmp_path, trials, suffix, dpi, width
):
    path = tmp_path / f"figure.{suffix}"
    write_figure(trials(), path, dpi=dpi, width=width)
    with Image.open(path) as image:
        assert image.mode == "RGB"  # journals refuse what could be transparent
        assert image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)
        if width is not None:
            assert image.width / dpi * 25.4 == pytest.approx(width, abs=25.4 / dpi)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_requests_are_read_from_a_figure_of_any_size(tmp_path, trials, monkeypatch, suffix):
    path = tmp_path / f"figure.{suffix}"
    write_figure(trials(), path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # beyond which Pillow refuses to open
    assert read_drawn_record(path) == json.loads(record_path(path).read_bytes())


def test_a_figure_that_does_not_fit_into_the_memory_is_said_in_words(tmp_path, trials, monkeypatch):
    def fail(canvas):
        raise MemoryError("std::bad_alloc")

    monkeypatch.setattr(FigureCanvasAgg, "draw", fail)
    with pytest.raises(ExportError, match=r"1,003 × .* pixels does not fit into the memory"):
        write_figure(trials(), tmp_path / "figure.png", width=85)
    assert list(tmp_path.iterdir()) == []


def test_a_preview_meanwhile_changes_nothing(tmp_path, trials, monkeypatch):
    content = FigureContent(tuple(trials()))
    writing.write_figure(content, tmp_path / "alone.svg")
    before = matplotlib.rcParams["svg.fonttype"]
    draw, coarse = writing._draw, FigureStyle(dpi=99)
    drawing, exporting, previewed = (threading.Event() for _ in range(3))

    def in_turn(content, name, style):
        if style == coarse:
            drawing.set()
            exporting.wait(0.5)  # never comes where one waits for the other
        elif not exporting.is_set():
            exporting.set()
            previewed.wait(30)
        return draw(content, name, style)

    def preview():
        writing.render_png(content, "comparison", coarse)
        previewed.set()

    monkeypatch.setattr(writing, "_draw", in_turn)
    thread = threading.Thread(target=preview)
    thread.start()
    assert drawing.wait(30)
    writing.write_figure(content, tmp_path / "beside.svg")
    thread.join()
    same = (tmp_path / "beside.svg").read_bytes() == (tmp_path / "alone.svg").read_bytes()
    assert same  # pytest would take minutes to tell the two apart
    assert matplotlib.rcParams["svg.fonttype"] == before


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_full_disk_is_said_in_words(tmp_path, trials, suffix, monkeypatch):
    def fail(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(ExportError, match="cannot be written: No space left"):
        write_figure(trials(), tmp_path / f"figure{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_the_svg_says_everything_in_text(tmp_path, trials):
    write_figure(trials(), tmp_path / "figure.svg")
    texts = svg_text(tmp_path / "figure.svg")
    assert texts.count("Seen") == texts.count("Decoded") == 1
    assert {"cactus", "trial 0", "crab", "trial 1", "seed 0", "seed 1", "seed 3"} <= set(texts)
    assert texts.count("seed 3") == 2
    caption = " ".join(texts)
    assert SAMPLE_NOTICE in caption
    assert "Subject tiny (simulated)" in caption
    assert "model fake (abababab)" in caption
    assert "DPM++ 2M, 20 steps, fp32" in caption
    assert "mindvis-gui 0.1.0" in caption
    assert "among 6 by r: mean" in caption
    assert "chance 3.5" in caption


def test_the_pdf_embeds_its_fonts_and_has_no_date(tmp_path, trials):
    write_figure(trials(), tmp_path / "figure.pdf")
    content = (tmp_path / "figure.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    assert b"CreationDate" not in content


def test_the_png_holds_the_pictures_pixel_by_pixel(tmp_path, trials):
    (trial,) = trials((0,), seeds=(0,))
    rng = np.random.default_rng(0)
    seen = rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)
    write_figure([replace(trial, stimulus=seen)], tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        drawn = np.asarray(image.convert("RGB"))
    # One picture pixel is one pixel of the figure; the frame lies outside.
    windows = np.lib.stride_tricks.sliding_window_view(drawn[:, :, 0], (1, 256))[:, :, 0]
    rows, columns = np.nonzero((windows == seen[0, :, 0]).all(axis=-1))
    assert len(rows) == 1
    top, left = rows[0], columns[0]
    np.testing.assert_array_equal(drawn[top : top + 256, left : left + 256], seen)


@pytest.mark.parametrize(
    ("numbers", "n_seeds", "style"),
    [
        ((0,), 1, {}),
        ((0, 1, 2), 5, {}),
        ((0,), 8, {}),
        (range(24), 2, {}),
        ((0, 1), 5, {"width": 85}),
        ((0,), 8, {"width": 170, "font_size": 7}),
        (range(24), 1, {"width": 100}),
        ((0, 1), 5, {"width": 85, "font_size": 12}),
        ((0, 1), 5, {"font_size": 20}),
    ],
)
def test_nothing_lies_outside_the_figure_or_on_something_else(
    drawn, trials, numbers, n_seeds, style
):
    figure = drawn(trials(numbers, seeds=tuple(range(n_seeds))), **style)
    width, height = figure.bbox.size
    axes = figure.axes[0]
    boxes = [*(text.box for text in axes.texts), *(i.get_window_extent() for i in axes.images)]
    for box in boxes:
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert min(a.x1, b.x1) - max(a.x0, b.x0) < 1 or min(a.y1, b.y1) - max(a.y0, b.y0) < 1
    assert len(axes.images) == len(numbers) * (1 + n_seeds)


def test_seeds_of_32_bits_have_room_beside_their_rank(drawn, trials):
    figure = drawn(trials((0,), seeds=(4294967294, 4294967295)), width=85)
    boxes = {text.get_text(): text.box for text in figure.axes[0].texts}
    seeds = [box for text, box in boxes.items() if text.startswith("seed 4294")]
    assert len(seeds) == 2
    for box in seeds:
        for text, other in boxes.items():
            beside = min(box.x1, other.x1) - max(box.x0, other.x0) < 1
            apart = min(box.y1, other.y1) - max(box.y0, other.y0) < 1
            assert other is box or beside or apart, text


def test_a_page_of_trials_is_laid_out_in_blocks(drawn, trials):
    figure = drawn(trials(range(24), seeds=(0, 1)))
    width, height = figure.get_size_inches()
    assert height * 25.4 < 265
    assert width > height
    heads = [text for text in figure.axes[0].texts if text.get_text() == "Seen"]
    assert len(heads) > 1


def test_a_trial_without_stimulus_is_drawn_and_says_so(tmp_path, trials, subject):
    del subject.recording._stimuli["crab"]
    write_figure(trials((1,)), tmp_path / "figure.svg")
    texts = svg_text(tmp_path / "figure.svg")
    assert "no stimulus" in texts
    assert "seed 3" in texts
    assert not any("rank" in text or "SSIM" in text for text in texts)


def test_labels_are_taken_as_they_are(tmp_path, trials):
    (trial,) = trials((0,))
    for label in ("a $5 bill$", "x^2_{", "<b>&amp;"):
        named = replace(trial, request={**trial.request, "label": label})
        write_figure([named], tmp_path / "figure.svg")
    assert "&lt;b&gt;&amp;amp;" in (tmp_path / "figure.svg").read_text()


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_letters_that_the_font_lacks_are_of_another(tmp_path, trials, suffix):
    (trial,) = trials((0,))
    named = replace(trial, request={**trial.request, "label": "cact\N{LATIN SMALL LETTER UE}s"})
    path = tmp_path / f"figure.{suffix}"
    assert writing.write_figure(FigureContent((named,)), path) == ""  # nor a warning of a glyph
    if suffix == "svg":
        families = re.search(r"font-family: ([^;\"]*)", path.read_text(encoding="utf-8"))
        assert len(families[1].split(",")) == 2


def test_letters_that_no_font_has_are_said(tmp_path, trials, monkeypatch):
    monkeypatch.setattr(writing, "families_with", lambda letters: ())
    (trial,) = trials((0,))
    named = replace(trial, request={**trial.request, "label": "三毛猫と犬"})
    notice = writing.write_figure(FigureContent((named,)), tmp_path / "figure.png")
    assert notice.startswith("no font here has と, 三, 毛, 犬, 猫: drawn as boxes")
    record = json.loads((tmp_path / "figure.png.json").read_text(encoding="utf-8"))
    assert record["style"] == FigureStyle().to_json()


def test_pictures_keep_their_aspect(drawn, trials):
    (trial,) = trials((0,), seeds=(0,))
    wide = np.zeros((20, 80, 3), np.uint8)
    figure = drawn([replace(trial, stimulus=wide)])
    square = np.asarray(figure.axes[0].images[0].get_array())
    black = (square == 0).all(axis=-1)
    assert black.any(axis=1).sum() == 64
    assert black.any(axis=0).sum() == 256


def test_different_protocols_do_not_share_a_figure(tmp_path, trials):
    mixed = [*trials((0,), seeds=(0, 1)), *trials((1,), seeds=(0, 2))]
    with pytest.raises(ExportError, match="trials 0 and 1 were decoded by different protocols"):
        write_figure(mixed, tmp_path / "figure.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("numbers", "name", "message"),
    [
        ((), "figure.png", "no decoded trial"),
        ((0,), "figure.gif", r"figure\.gif: the name of a figure ends in \.png, "),
        ((0,) * 151, "figure.png", "604 pictures do not fit"),
    ],
)
def test_what_cannot_be_drawn_is_said(tmp_path, trials, numbers, name, message):
    made = trials((0,)) * len(numbers)
    with pytest.raises(ExportError, match=message):
        write_figure(made, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_the_protocol_names_regions_and_mask(trials):
    mask = MaskState.random(44, 0.5, seed=7)
    (trial,) = trials((0,), rois=("V1", "hV4"), mask=mask)
    assert "voxels of V1, hV4 · 22 of 44 patches masked (seed 7)" in protocol_caption(trial)
    (painted,) = trials((0,), mask=mask.painted([0], keep=False))
    assert "masked (by hand)" in protocol_caption(painted)
    assert "(by hand) · model" in protocol_caption(painted)
    done = {
        "lesion": {"name": "V1", "method": "zero", "seed": None},
        "preparation": {"filters": [], "z_score": "voxel", "average": "test"},
    }
    changed = replace(painted, request={**painted.request, **done})
    said = "(by hand) · without V1 (zero) · z-scored by voxel; repeats averaged: test · model"
    assert said in protocol_caption(changed)


def test_every_score_has_its_chance_level_beside_it(trials):
    caption = scores_caption(trials((0, 1, 2)))
    assert len(re.findall(r"mean −?[\d.]+, chance −?[\d.]+\.", caption)) == 3


def test_unscored_trials_have_no_scores_caption(trials):
    (trial,) = trials((0,))
    assert scores_caption([replace(trial, scores=(), chance=None, n_candidates=0)]) == ""


def test_minus_signs_and_zeros():
    assert [decimal(value) for value in (-0.126, -0.001, 0.5)] == ["−0.13", "0.00", "0.50"]
    assert decimal(25.5, 1) == "25.5"
