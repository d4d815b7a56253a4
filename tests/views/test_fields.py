"""Numbers are typed and shown alike in every language."""

import pytest
from PySide6.QtCore import QLocale, Qt

from mindvis_gui.app import make_application
from mindvis_gui.views.fields import DecimalField, scale_field, seed_field


@pytest.fixture(params=["de_DE", "ja_JP", "ar_EG"])
def language(request):
    """Have the system write numbers as one language does."""
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield
    QLocale.setDefault(before)


@pytest.mark.parametrize("typed", ["1.5", "1,5"])
def test_a_point_and_a_comma_are_typed(qtbot, language, typed):
    box = scale_field(1, 20, "Guidance")
    qtbot.addWidget(box)
    box.selectAll()
    qtbot.keyClicks(box, typed)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert (box.value(), box.text()) == (1.5, "1.50")


def test_what_no_number_has_is_left_out(qtbot, language):
    box = scale_field(1, 20, "Guidance")
    qtbot.addWidget(box)
    box.selectAll()
    qtbot.keyClicks(box, "1,x5,")
    assert box.cleanText() == "1.5"


def test_seeds_have_no_separators(qtbot, language):
    box = seed_field(2**32 - 1, "First seed")
    qtbot.addWidget(box)
    box.setValue(4_294_967_295)
    assert box.text() == "4294967295"


def test_every_field_of_the_window_writes_points(qtbot, language, ready_window):
    for panel in ("overlays", "decode"):
        ready_window.workspace.show_panel(panel, True)
    fields = ready_window.findChildren(DecimalField)
    assert len(fields) > 5
    assert {field.locale().decimalPoint() for field in fields} == {"."}


def test_whole_numbers_have_the_digits_of_figures(language):
    make_application()
    assert QLocale().toString(1234567) == "1234567"
