"""The tables of benchmarks/RESULTS.md: newest rows of every machine, notes kept."""

import datetime
import re

from benchmarks.report import RESULTS, SCRIPTS, Row, with_rows

DAY, LATER = datetime.date(2026, 11, 29), datetime.date(2026, 11, 30)
START = Row("startup", "window painted", "0.6 s", "≤ 0.8 s", True)
DECODE = Row("decode", "five samples", "2 s", "≤ 1 s", False)


def rows_of(text, machine):
    section = text.partition(f"## {machine}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| `")]


def test_rows_of_a_script_replace_those_that_the_machine_had():
    text = with_rows("# Results\n\nWhat this is.\n", "a laptop", [DECODE, START], DAY)
    slower = Row("startup", "window painted", "0.9 s", "≤ 0.8 s", False)
    text = with_rows(text, "a laptop", [slower], LATER)
    assert rows_of(text, "a laptop") == [  # in the order of `make bench`
        "| `startup.py` | window painted | 0.9 s | ≤ 0.8 s | **not met** | 2026-11-30 |",
        "| `decode.py` | five samples | 2 s | ≤ 1 s | **not met** | 2026-11-29 |",
    ]
    assert text.startswith("# Results\n\nWhat this is.\n\n## a laptop\n")


def test_other_machines_and_notes_stay():
    text = with_rows("# Results\n", "a laptop", [START], DAY) + "\nA slow day.\n"
    text = with_rows(text, "a server", [START], DAY) + "\n## By hand\n\n| what | s |\n"
    again = with_rows(text, "a laptop", [DECODE], LATER)
    assert rows_of(again, "a server") == rows_of(text, "a server")
    assert len(rows_of(again, "a laptop")) == 2
    assert "\n\nA slow day.\n\n## a server\n" in again
    assert again.endswith("\n\n## By hand\n\n| what | s |\n")
    assert with_rows(again, "a laptop", [DECODE], LATER) == again


def test_make_bench_measures_every_script_of_the_machines_tables_again():
    text = RESULTS.read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)\.py` \|", text, flags=re.MULTILINE))
    assert named
    assert named <= {*SCRIPTS}
