"""Open thousands of damaged subjects: each must end in a `DataError` or in a readable subject.

    python -m tests.data.fuzz --count 2000 [--format nsd]

Mutants are opened in a process of their own, which may hold 1 GB and take 5 s for each of
them; one that takes more, raises anything else or crashes is a failure.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from mindvis_gui.data import open_subject
from mindvis_gui.data.source_contents import inspect_source
from mindvis_gui.data.subject import Subject
from mindvis_gui.errors import DataError
from tests.data.makers import ARRAY_MAKERS, MAKERS, PLANNED
from tests.data.mutants import mutate

SECONDS = 5
BYTES = 1 << 30
ALL_MAKERS = {**MAKERS, **{name: make for name, (make, _) in PLANNED.items()}, **ARRAY_MAKERS}
_LOOKS = 3  # trials read from either end
_SUFFIXES = {".png", ".jpg", ".jpeg", ".JPEG", ".md"}


@dataclass
class Outcome:
    """What became of the mutants of one format."""

    name: str
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0


def fuzz(name: str, count: int, first: int = 0) -> Outcome:
    """Open `count` mutants of a format in processes of their own."""
    outcome = Outcome(name)
    done = first
    while done < first + count:
        command = [sys.executable, "-m", "tests.data.fuzz", "--work", name]
        run = subprocess.run(
            [*command, "--first", str(done), "--count", str(first + count - done)],
            capture_output=True,
            text=True,
            check=False,
        )
        for line in run.stdout.splitlines():
            seconds, kind, what = line.split("\t", 2)
            outcome.slowest = max(outcome.slowest, float(seconds))
            outcome.counts[kind] += 1
            if kind not in ("refused", "opened"):
                outcome.failures.append(f"{name} {done}: {kind}: {what}")
            done += 1
        if done < first + count:  # it was killed while it worked on this one
            outcome.counts["killed"] += 1
            end = "\n".join(run.stderr.splitlines()[-3:])
            outcome.failures.append(f"{name} {done}: killed by signal {-run.returncode} {end}")
            done += 1
    return outcome


def work(name: str, first: int, count: int) -> None:
    """Open mutants one after the other and print one line about each."""
    with tempfile.TemporaryDirectory() as folder:
        source = ALL_MAKERS[name](Path(folder) / "subject")
        files = sorted(path for path in _parts(source) if path.suffix not in _SUFFIXES)
        look(source, name)  # imports everything; the subject as made must be readable
        gc.collect()
        gc.freeze()
        resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
        for seed in range(first, first + count):
            target = files[seed % len(files)]
            original = target.rename(Path(folder) / "original")
            # A path of its own each time: HDF5 takes a file that is still open for the same one.
            copy = original.with_name(original.name + target.suffix)
            original.rename(copy)
            what = f"{target.name} {mutate(copy, target, seed)}"
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            start = time.perf_counter()
            kind, why = _judge(source, name)
            seconds = time.perf_counter() - start
            signal.setitimer(signal.ITIMER_REAL, 0)
            print(f"{seconds:.3f}\t{kind}\t{what}: {why}", flush=True)  # noqa: T201
            target.unlink()
            copy.rename(target)
            gc.collect()


def open_as(source: Path, name: str) -> Subject:
    """Open a subject of a format, by a plan where it needs one; of mere arrays that is guessed."""
    if name in PLANNED:
        return PLANNED[name][1](source).read()
    return inspect_source(source).plan.read() if name in ARRAY_MAKERS else open_subject(source)


def look(source: Path, name: str) -> None:
    """Open a subject and read responses and pictures from both its ends."""
    subject = open_as(source, name)
    n = len(subject.trials)
    some = sorted({*range(min(_LOOKS, n)), *range(max(0, n - _LOOKS), n)})
    with contextlib.suppress(DataError):
        subject.responses(some)
    for index in some:
        with contextlib.suppress(DataError):
            subject.stimulus(subject.trials[index])
    for roi in subject.rois:
        assert roi.voxels.size, f"region {roi.name} is empty"
        assert 0 <= roi.voxels.min() <= roi.voxels.max() < subject.n_voxels
    if subject.ijk is not None:
        assert subject.ijk.shape == (subject.n_voxels, 3)


def _judge(source: Path, name: str) -> tuple[str, str]:
    try:
        look(source, name)
    except DataError as error:
        message = str(error)
        return ("two lines", message.replace("\n", "⏎")) if "\n" in message else ("refused", "")
    except BaseException:
        return "raised", traceback.format_exc().replace("\n", " ⏎ ").replace("\t", " ")[-1500:]
    return "opened", ""


def _parts(source: Path) -> list[Path]:
    """Return the files of a subject: all in its folder, or in those around a single file."""
    folder = source if source.is_dir() else source.parent
    return [path for path in folder.rglob("*") if path.is_file()]


def main() -> int:
    """Print one line a format; 1 if there was a failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", action="append", choices=ALL_MAKERS)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--work", choices=ALL_MAKERS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(args.work, args.first, args.count)
        return 0
    failed = False
    for name in args.format or ALL_MAKERS:
        outcome = fuzz(name, args.count, args.first)
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(outcome.counts.items()))
        print(f"{name}: {kinds}; slowest {outcome.slowest:.2f} s", flush=True)  # noqa: T201
        for failure in outcome.failures[:20]:
            print(f"  {failure}", flush=True)  # noqa: T201
        failed = failed or bool(outcome.failures)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
