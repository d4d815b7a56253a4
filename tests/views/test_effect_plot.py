import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor

from mindvis_gui.views.effect_plot import Bar, EffectPlot
from mindvis_gui.views.theme import apply_theme

BARS = (
    Bar("V1", -0.3, (-0.4, -0.2), QColor("#0072b2")),
    Bar("V2", 0.1, None, QColor("#56b4e9")),
    Bar("both", -0.1, (-0.15, 0.02)),
)


@pytest.fixture
def plot(qtbot):
    made = EffectPlot()
    qtbot.addWidget(made)
    made.resize(260, 200)
    made.show_bars(BARS, "change of Pixel r", floor=-0.5)
    made.show()
    qtbot.waitExposed(made)
    return made


def pixel(plot, value, row):
    return plot.mapFromScene(plot.getViewBox().mapViewToScene(QPointF(value, row)))


def test_bars_begin_at_zero_and_have_their_colour(plot):
    picture = plot.grab().toImage()
    inside = pixel(plot, -0.15, 0)
    assert picture.pixelColor(inside).blue() > 120
    beyond = pixel(plot, 0.05, 0)
    assert picture.pixelColor(beyond) == plot.palette().window().color()


@pytest.mark.parametrize(
    ("of_coefficients", "written"),
    [(False, ["−0.10", "−0.05", "0", "1.05"]), (True, ["−.10", "−.05", "0", "1.05"])],
)
def test_axis_is_written_as_the_other_numbers_are(plot, of_coefficients, written):
    plot.show_bars(BARS, "change of Pixel r", of_coefficients=of_coefficients)
    axis = plot.getPlotItem().getAxis("bottom")
    assert axis.tickStrings([-0.1, -0.05, 0.0, 1.05], 1.0, 0.05) == written


def test_names_longer_than_the_axis_are_drawn_without_their_middle(plot):
    long = "7Networks_left_inferior_temporal_gyrus_posterior_division_"
    plot.show_bars([Bar(long + end, 0.1) for end in ("1", "2")], "share")
    axis = plot.getPlotItem().getAxis("left")
    (names,) = ([text for _, text in level] for level in axis._tickLevels)
    assert [(name[:5], name[-1]) for name in names] == [("7Netw", "1"), ("7Netw", "2")]
    assert all(plot.fontMetrics().horizontalAdvance(name) <= 100 for name in names)


def test_rounding_is_not_drawn_as_a_change(plot):
    plot.show_bars([Bar("V1", 5e-17), Bar("V2", -2e-17)], "change of Identified")
    (low, high), _ = plot.getViewBox().viewRange()
    assert (low, high) == pytest.approx((-0.05, 0.05))


def test_everything_is_in_view(plot):
    (low, high), _ = plot.getViewBox().viewRange()
    assert low < -0.5  # where chance is
    assert high > 0.1


def test_a_click_chooses_a_bar(qtbot, plot):
    with qtbot.waitSignal(plot.chosen) as chosen:
        qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=pixel(plot, -0.05, 2))
    assert chosen.args == ["both"]


def test_numbers_are_said_to_those_who_do_not_see(plot):
    assert plot.accessibleDescription() == "V1 -0.3, V2 0.1, both -0.1"
    assert plot.getPlotItem().getAxis("bottom").labelText == "change of Pixel r"


def test_no_bars_and_another_theme(qapp, plot):
    plot.show_bars((), "")
    apply_theme(qapp, "light")
    try:
        assert plot.grab().toImage().pixelColor(130, 20).lightness() > 200
    finally:
        apply_theme(qapp, "dark")
