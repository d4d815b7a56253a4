from dataclasses import replace
from types import SimpleNamespace

from mindvis_gui.analysis.figures import fonts
from mindvis_gui.analysis.figures.content import Regions
from mindvis_gui.analysis.figures.fonts import families_with, lacking, letters_in
from mindvis_gui.analysis.figures.style import FONT, FigureStyle
from mindvis_gui.data.subject import Roi

UE, ARC = "\N{LATIN SMALL LETTER UE}", "\N{ARC}"  # which a serif font and a mono font have


def test_letters_are_found_in_whatever_a_value_is_made_of(subject):
    regions = Regions.of((Roi("猫", subject.rois[0].voxels),), subject.n_voxels)
    assert letters_in(({"a": ["bc", 1, None]}, regions)) >= set("abc猫#")
    assert letters_in(None) == frozenset()


def test_spaces_and_letters_that_the_font_has_are_not_lacking():
    assert lacking(f"aβ−\n\t\N{ZERO WIDTH SPACE}{UE}", [FONT]) == {UE}


def test_one_font_that_has_all_letters_comes_before_two():
    (serif,) = families_with(frozenset(UE))
    assert not lacking(UE, [FONT, serif])
    found = families_with(frozenset(UE + ARC))
    assert lacking(UE + ARC, found) == frozenset()
    assert len(found) == len(set(found)) <= 2
    assert families_with(frozenset("\x91")) == ()


def test_a_font_that_cannot_be_read_has_no_letters(tmp_path):
    assert fonts._had(str(tmp_path / "gone.ttf"), frozenset("a")) == frozenset()
    (tmp_path / "empty.ttf").touch()
    assert fonts._had(str(tmp_path / "empty.ttf"), frozenset("a")) == frozenset()


def test_fonts_that_were_found_are_no_choice_of_style():
    style = FigureStyle()
    more = replace(style, more_fonts=("STIXGeneral",))
    assert more.families == [FONT, "STIXGeneral"]
    assert more.to_json() == style.to_json()
    assert FigureStyle(**more.to_json()) == style


def test_a_font_of_pictures_has_no_letters(monkeypatch):
    """Such as of emoji in colour, which matplotlib cannot draw with."""
    font = SimpleNamespace(scalable=False, get_char_index=lambda code: 1)
    monkeypatch.setattr("matplotlib.font_manager.get_font", lambda path: font)
    assert fonts._had("emoji.ttf", frozenset("a")) == frozenset()
