from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QSizePolicy, QWidget

from mindvis_gui.views.wrap_layout import WrapLayout

GAP = 10


def fixed(width, height=20):
    widget = QWidget()
    widget.setFixedSize(width, height)
    return widget


def growing(least):
    widget = QWidget()
    widget.setMinimumSize(least, 20)
    widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return widget


def laid_out(qtbot, width, widgets, **options):
    """Return the place of each widget as (left, top, width), and the height of all rows."""
    whole = QWidget()
    qtbot.addWidget(whole)
    layout = WrapLayout(GAP, **options)
    whole.setLayout(layout)
    for widget in widgets:
        layout.addWidget(widget)
    whole.show()
    layout.setGeometry(QRect(0, 0, width, 200))
    return [(each.x(), each.y(), each.width()) for each in widgets], layout.heightForWidth(width)


def test_what_has_no_room_goes_on_in_the_next_row(qtbot):
    places, height = laid_out(qtbot, 100, [fixed(40), fixed(50), fixed(30)])
    assert [x for x, _, _ in places] == [0, 50, 0]
    assert places[0][1] == places[1][1] == 0
    assert places[2][1] > 20
    assert height == places[2][1] + 20


def test_what_expands_shares_what_is_left_of_its_row(qtbot):
    places, _ = laid_out(qtbot, 131, [growing(20), fixed(30), growing(20)])
    assert [width for _, _, width in places] == [40, 30, 41]
    assert places[2][0] + places[2][2] == 131


def test_hidden_widgets_take_no_room(qtbot):
    hidden = fixed(90)
    hidden.setVisible(False)
    places, _ = laid_out(qtbot, 100, [fixed(40), hidden, fixed(50)])
    assert [x for x, _, _ in places[::2]] == [0, 50]


def test_the_last_stands_at_the_right_of_its_row(qtbot):
    places, _ = laid_out(qtbot, 100, [fixed(20), fixed(30)], last_right=True)
    assert [x for x, _, _ in places] == [0, 70]


def test_a_row_is_aligned_in_the_middle_or_at_the_top(qtbot):
    low, top = fixed(20, 10), fixed(20, 10)
    whole = QWidget()
    qtbot.addWidget(whole)
    layout = WrapLayout(GAP)
    whole.setLayout(layout)
    for widget in (fixed(20, 50), low, top):
        layout.addWidget(widget)
    layout.setAlignment(top, Qt.AlignmentFlag.AlignTop)
    layout.setGeometry(QRect(0, 0, 100, 50))
    assert (low.y(), top.y()) == (20, 0)
