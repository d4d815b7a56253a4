"""Tab-separated tables as in BIDS: one header line, ``n/a`` for what is missing.

So are the words that numpy and pandas write for it: ``nan``, ``NaN``, ``<NA>``. Spreadsheets
separate by commas, and by semicolons where a comma is what a decimal point is elsewhere.
"""

from __future__ import annotations

import csv
import io
import re
from contextlib import suppress
from pathlib import Path

from mindvis_gui.data.text_file import read_text_file
from mindvis_gui.errors import DataError

_NAMES = {"\t": "tabs", ",": "commas", ";": "semicolons"}
_DECIMAL_COMMA = re.compile(r"(-?\d+),(\d+)")
_MISSING = {"n/a", "nan", "NaN", "<NA>"}
# R and Python write these. As numbers they are missing, too; as text they may be meant.
MAYBE_MISSING = {"NA", "None"}


def read_table(path: Path, delimiter: str = "\t") -> dict[str, list[str]]:
    """Return the columns of a table by name; what is missing becomes an empty string.

    Parameters
    ----------
    path : pathlib.Path
    delimiter : str
        What separates cells, unless the header has none of it, but another one of `_NAMES`.

    Raises
    ------
    DataError
        If the file is no table, is empty, or a row has too many or too few cells.
    """
    text = read_text_file(path, "table")
    head = text.partition("\n")[0]
    delimiter = next((each for each in (delimiter, *_NAMES) if each in head), delimiter)
    rows = _rows(text, delimiter, path)
    if len(rows) < 2:
        raise DataError(f"{path.name}: the table has no rows below its header")
    header = [name.strip() for name in rows[0]]
    if len(set(header)) != len(header):
        raise DataError(f"{path.name}: a column name is there twice: {', '.join(header)}")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise DataError(
                f"{path.name}: row {number} has {len(row)} cells but the header has {len(header)}; "
                f"separate cells by {_NAMES[delimiter]}"
            )
    cells = [[_cell(text) for text in row] for row in rows[1:]]
    if delimiter == ";":
        cells = [[_with_point(text) for text in row] for row in cells]
    return dict(zip(header, map(list, zip(*cells, strict=True)), strict=True))


def _rows(text: str, delimiter: str, path: Path) -> list[list[str]]:
    """Split a table into rows of cells; empty lines are no rows."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        return [row for row in reader if row]
    except csv.Error as error:
        line, why = reader.line_num, error
    with suppress(csv.Error):
        # Text behind a quoted cell harms nobody, but a quote that is never closed, and so takes
        # the rows below into its cell.
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
        if not any("\n" in cell for row in rows for cell in row):
            return rows
    raise DataError(
        f"{path.name}: line {line}: not a table ({why}); a cell that begins with a quote ends with "
        'one, and quotes inside it are written twice ("")'
    )


def _cell(text: str) -> str:
    return known_text(text.strip().replace("\n", " "))


def _with_point(cell: str) -> str:
    number = _DECIMAL_COMMA.fullmatch(cell)
    return f"{number[1]}.{number[2]}" if number else cell


def known_text(cell: str) -> str:
    """Return the text of a cell, empty where it says that there is none."""
    return "" if cell in _MISSING else cell


def read_integers(table: dict[str, list[str]], name: str, default: int, path: Path) -> list[int]:
    """Return a column of integers ≥ 0; empty cells, or all if it is missing, are `default`."""
    cells = ["" if cell in MAYBE_MISSING else cell for cell in table.get(name, [])]
    try:
        values = [_integer(cell) if cell else default for cell in cells]
    except ValueError as error:
        raise DataError(f"{path.name}: column '{name}' must hold integers ({error})") from error
    if values and min(values) < 0:
        raise DataError(f"{path.name}: column '{name}' holds the negative value {min(values)}")
    return values or [default] * len(next(iter(table.values())))


def _integer(cell: str) -> int:
    return int(whole_number(cell) or cell)


def whole_number(cell: str) -> str:
    """Return the 1 of a 1.0, as pandas writes it in a column where some are missing; else ""."""
    return cell.partition(".")[0] if re.fullmatch(r"\d{1,15}\.0*", cell) else ""


def read_seconds(table: dict[str, list[str]], name: str, path: Path) -> list[float]:
    """Return a column of times in seconds, NaN where a cell is empty."""
    try:
        cells = ["" if cell in MAYBE_MISSING else cell for cell in table[name]]
        values = [float(cell or "nan") for cell in cells]
    except KeyError as error:
        raise DataError(
            f"{path.name}: no column is called '{name}'; it has: {', '.join(table)}"
        ) from error
    except ValueError as error:
        raise DataError(f"{path.name}: column '{name}' must hold seconds ({error})") from error
    for row, value in enumerate(values, 2):
        if abs(value) >= 1e6:  # which NaN is not
            raise DataError(f"{path.name}: row {row}: {name} is {value} s")
    return values
