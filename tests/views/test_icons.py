import pytest
from PySide6.QtGui import QIcon

from mindvis_gui.views.icons import ICON_FOLDER, icon
from mindvis_gui.views.theme import apply_theme

NAMES = sorted(path.stem for path in ICON_FOLDER.glob("*.svg"))


def darkest_and_lightest(image):
    ink = [
        image.pixelColor(x, y).lightness()
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() > 200
    ]
    return min(ink), max(ink)


@pytest.mark.parametrize("name", NAMES)
def test_every_icon_is_drawn(qapp, name):
    image = icon(name).pixmap(32, 32).toImage()
    assert any(image.pixelColor(x, y).alpha() for x in range(32) for y in range(32))


def test_icon_follows_the_theme(qapp):
    play = icon("play")
    apply_theme(qapp, "dark")
    in_the_dark = darkest_and_lightest(play.pixmap(32, 32).toImage())
    apply_theme(qapp, "light")
    in_the_light = darkest_and_lightest(play.pixmap(32, 32).toImage())
    assert in_the_dark[0] > 128 > in_the_light[1]


def test_disabled_icon_is_paler(qapp):
    apply_theme(qapp, "dark")
    play = icon("play")
    enabled = darkest_and_lightest(play.pixmap(32, 32).toImage())[1]
    disabled = darkest_and_lightest(play.pixmap(32, 32, QIcon.Mode.Disabled).toImage())[1]
    assert disabled < enabled - 40
