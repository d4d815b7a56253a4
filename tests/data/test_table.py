"""Tables of text as spreadsheets, scripts and people write them."""

import pytest

from mindvis_gui.data.table import read_integers, read_table
from mindvis_gui.errors import DataError


@pytest.mark.parametrize("rows", ['"cat\t1\ndog\t2', '"cat\t1\n"dog\t2\nowl\t3'])
def test_a_quote_that_is_not_closed_takes_no_rows_into_its_cell(tmp_path, rows):
    path = tmp_path / "events.tsv"
    path.write_text(f"label\trun\n{rows}\n")
    message = (
        r"^events\.tsv: line \d: not a table \(.*\); a cell that begins with a quote ends with"
    )
    with pytest.raises(DataError, match=message):
        read_table(path)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('"a\tb"', "a\tb"),
        ('"say ""cheese"""', 'say "cheese"'),
        ('5" plate', '5" plate'),
        ('"plate" ', "plate"),
        ('"cat" big', "cat big"),
        ('"two\nlines"', "two lines"),
        ("copied\u2028from a page", "copied\u2028from a page"),  # its line ends for Unicode alone
        ("\x0b", ""),
        (" n/a ", ""),
        ("nan", ""),  # as numpy and pandas write what is missing
        ("NaN", ""),
        ("<NA>", ""),
        ("NA", "NA"),  # may be Namibia: BIDS has n/a alone
        ("None", "None"),
        ("nanny", "nanny"),
    ],
)
def test_cells_with_odd_characters(tmp_path, cell, text):
    path = tmp_path / "events.tsv"
    path.write_text(f"label\trun\n{cell}\t1\r\nx\t2\n", encoding="utf-8-sig")
    assert read_table(path) == {"label": [text, "x"], "run": ["1", "2"]}


@pytest.mark.parametrize("missing", ["", "n/a", "nan", "NaN", "<NA>", "NA", "None"])
def test_numbers_that_are_missing(tmp_path, missing):
    path = tmp_path / "trials.tsv"
    path.write_text(f"label\tsession\na\t2.0\nb\t{missing}\n")
    assert read_integers(read_table(path), "session", 0, path) == [2, 0]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("onset;label\n1,5;a, b\n-3;4,5 apples\n", {"onset": "1.5 -3", "label": "a, b|4,5 apples"}),
        ("onset,label\n1.5,a\n-3,b\n", {"onset": "1.5 -3", "label": "a|b"}),
        ("onset\tlabel\n1.5\ta, b\n-3\tc;d\n", {"onset": "1.5 -3", "label": "a, b|c;d"}),
    ],
)
@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_cells_are_separated_as_the_header_is(tmp_path, text, columns, delimiter):
    path = tmp_path / "events.csv"
    path.write_text(text, encoding="utf-8-sig")
    expected = {"onset": columns["onset"].split(), "label": columns["label"].split("|")}
    assert read_table(path, delimiter) == expected


def test_one_column_may_hold_what_separates_elsewhere(tmp_path):
    path = tmp_path / "labels.tsv"
    path.write_text("label\na, b\nc; d\n")
    assert read_table(path) == {"label": ["a, b", "c; d"]}
