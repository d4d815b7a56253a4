"""One row of a benchmark: what was measured, the figure, the bar; printed, collected, written.

    python benchmarks/report.py [--write] [SCRIPT ...]

runs the benchmarks (all of `SCRIPTS`, or those named), shows their own tables and at the end every
bar of theirs with its figure in one table. `--write` puts the rows into RESULTS.md under a heading
of the machine, in place of the rows that these scripts had there. A benchmark calls `report` for
each of its figures; run by itself, it prints them too.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
ROWS = "MINDVIS_BENCHMARK_ROWS"  # environment variable: the file that rows are added to
# What a person notices first comes first. Each with the options that its bars are meant for.
SCRIPTS: dict[str, tuple[str, ...]] = {
    "startup": (),
    "open": (),
    "viewer": ("--model", "demo"),
    "responsiveness": (),
    "many_trials": (),
    "decode": (),
    "compare": (),
    "masking": (),
    "evaluate": ("--trials", "8", "32"),
    "step": (),
    "training": (),
    "growth": (),
    "together": (),
    "learning": (),
    "cost": (),
    "gpu": (),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A figure: `met` says whether it is within its bar, None if it has none."""

    script: str
    what: str
    measured: str
    bar: str = ""
    met: bool | None = None


def report(what: str, measured: str, bar: str = "", met: bool | None = None) -> None:
    """Print one row of the calling script, and hand it to whoever collects rows."""
    judged = None if met is None else bool(met)  # of NumPy, maybe, which JSON does not know
    row = Row(Path(sys.argv[0]).stem, what, measured, bar, judged)
    print(f"→ {_text(row)}", flush=True)
    if ROWS in os.environ:
        with Path(os.environ[ROWS]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


def _text(row: Row) -> str:
    verdict = {True: "met", False: "NOT MET", None: ""}[row.met]
    return f"{row.what:<74} {row.measured:<34} {row.bar:<22} {verdict}".rstrip()


def _collect(scripts: list[str]) -> tuple[list[Row], list[str]]:
    """Run the scripts; return all their rows and the names of those that failed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows"
        file.touch()
        environment = {
            "QT_QPA_PLATFORM": "offscreen",
            "OMP_WAIT_POLICY": "PASSIVE",  # as `mindvis` sets it
            **os.environ,
            ROWS: str(file),
        }
        failed = []
        for script in scripts:
            print(f"\n== {script}", flush=True)
            command = [sys.executable, str(HERE / f"{script}.py"), *SCRIPTS[script]]
            if subprocess.run(command, env=environment, check=False).returncode:
                failed.append(script)
        lines = file.read_text(encoding="utf-8").splitlines()
    return [Row(**json.loads(line)) for line in lines], failed


def machine() -> str:
    """Return the machine and the libraries in one line."""
    import torch

    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        name = names[0].partition(":")[2].strip() if names else name
    flags = info.read_text() if info.exists() else ""
    kinds = [kind for kind in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if kind in flags]
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    fast = f" ({kinds[0]})" if kinds else ""
    return (
        f"{os.cpu_count()} cores of {name}{fast}, {gpu}; {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


def with_rows(text: str, machine: str, rows: Sequence[Row], day: datetime.date) -> str:
    """Return RESULTS.md with these rows in the machine's table, which is added if there is none.

    They replace all rows of the same scripts; notes below the table stay as they are.
    """
    heading = f"## {machine}\n"
    before, found, rest = text.partition(heading)
    if not found:
        before, rest = text.rstrip("\n") + "\n\n", ""
    section, mark, after = rest.partition("\n## ")
    lines = section.splitlines()
    table = [line for line in lines if line.startswith("|")]
    notes = "\n".join(line for line in lines if not line.startswith("|")).strip("\n")
    cells = [f"| `{script}.py` |" for script in {row.script for row in rows}]
    kept = [line for line in table[len(_HEAD) :] if not line.startswith(tuple(cells))]
    written = sorted([*kept, *(_line(row, day) for row in rows)], key=_place)
    body = "\n".join([*_HEAD, *written]) + (f"\n\n{notes}" if notes else "") + "\n"
    return before + heading + "\n" + body + mark + after


_HEAD = ("| script | what | measured | bar | | day |", "|---|---|---|---|---|---|")


def _line(row: Row, day: datetime.date) -> str:
    verdict = {True: "met", False: "**not met**", None: ""}[row.met]
    return f"| `{row.script}.py` | {row.what} | {row.measured} | {row.bar} | {verdict} | {day} |"


def _place(line: str) -> int:
    """Where a line of the table belongs: scripts in their order, those not of `SCRIPTS` last."""
    script = line.split("`")[1].removesuffix(".py")
    return [*SCRIPTS, script].index(script)


def _write(rows: list[Row]) -> None:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else "# Results\n"
    RESULTS.write_text(with_rows(text, machine(), rows, today), encoding="utf-8")
    print(f"\nwritten to {RESULTS}")


def main() -> int:
    """Run benchmarks and print their bars in one table; 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", help=f"of {', '.join(SCRIPTS)}")
    parser.add_argument("--write", action="store_true", help="put the rows into RESULTS.md")
    args = parser.parse_args()
    unknown = sorted({*args.scripts} - {*SCRIPTS})
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}")
    rows, failed = _collect(args.scripts or list(SCRIPTS))
    print(f"\n{machine()}\n")
    for row in rows:
        print(f"{row.script:<16}{_text(row)}")
    for script in failed:
        print(f"{script:<16}FAILED, see above")
    if args.write:
        _write(rows)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
