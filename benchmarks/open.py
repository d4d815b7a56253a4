"""How long it takes, and how much memory, to open subjects and to read a trial.

    python benchmarks/open.py [--trials 30000]

The demo subject, and a subject file of the size of NSD (30,000 trials × 15,724 voxels,
float32, 1.9 GB in a temporary folder) beside one of 50 trials. Each file is opened in a fresh
process; times are medians of 5, imports apart; memory is the peak of that process. *show* is
all that the window needs before it shows a subject: the file, the grid, the normalisation; *CPU*
is what of that was computing, which a busy machine does not change.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from report import report

from mindvis_gui.data.subject import FloatArray, ImageArray, IntArray, Roi, Subject, Trial
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.paths import demo_subject_path

VOXELS = 15_724
REPEATS = 5

MEASURE = """
import json, re, sys, time
from pathlib import Path
import numpy as np
from mindvis_gui.data import open_subject
from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.prepare import measure_normalisation
import mindvis_gui.data.nifti, mindvis_gui.data.subject_file

start, computing = time.perf_counter(), time.process_time()
subject = open_subject(sys.argv[1])
opened = time.perf_counter() - start
if subject.ijk is not None:
    DisplayGrid.of(subject)
measure_normalisation(subject)
shown = time.perf_counter() - start
computed = time.process_time() - computing
rows = np.random.default_rng(0).integers(0, len(subject.trials), 50)
trials = []
for row in rows:
    start = time.perf_counter()
    subject.responses([row])
    subject.stimulus(subject.trials[row])
    trials.append(time.perf_counter() - start)
# Not getrusage: its peak counts the process that started this one.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps([opened, shown, computed, *np.percentile(trials, [50, 95]), peak]))
"""


class Noise:
    """Random responses of any number of trials, the same 997 again and again."""

    def __init__(self) -> None:
        self._rows = np.random.default_rng(0).normal(size=(997, VOXELS)).astype(np.float32)

    def responses(self, indices: IntArray) -> FloatArray:
        """Return the responses (n, n_voxels) of the trials at `indices`."""
        return self._rows[indices % len(self._rows)]

    def stimulus(self, stimulus_id: str) -> ImageArray | None:
        """Return no picture."""
        return None


def subject_of(n_trials: int) -> Subject:
    """Return a subject with as many trials, on a grid of 81 × 104 × 83 points as NSD's."""
    shape = (81, 104, 83)
    points = np.random.default_rng(1).permutation(np.prod(shape))[:VOXELS]
    return Subject(
        name="NSD-sized",
        source=Path("nsd.h5"),
        trials=tuple(
            Trial(i, "test" if i < 1000 else "train", f"nsd-{i % 10_000:05}", "", "", i // 750 + 1)
            for i in range(n_trials)
        ),
        rois=tuple(Roi(f"ROI {n}", np.arange(n * 1000, (n + 1) * 1000)) for n in range(15)),
        n_voxels=VOXELS,
        recording=Noise(),
        ijk=np.stack(np.unravel_index(points, shape), axis=1).astype(np.int64),
        affine=np.diag([1.8, 1.8, 1.8, 1.0]),
    )


def write_god(path: Path) -> None:
    """Write a subject of the size and the layout of Generic Object Decoding."""
    n_train, n_test, n_single, n_voxels = 1200, 50, 1700, 4643
    rng = np.random.default_rng(2)
    np.savez(
        path,
        arr_0=rng.normal(size=(n_train, n_voxels)),
        arr_1=rng.normal(size=(n_single, n_voxels)),
        arr_2=rng.normal(size=(n_test, n_voxels)),
        arr_3=np.arange(n_train),
        arr_4=np.arange(n_single) % n_test,
        V1=np.arange(n_voxels) < 1000,
        VC=np.ones(n_voxels, dtype=bool),
    )


def measure(path: Path) -> list[float]:
    """Return seconds to open, to show, of CPU, for a trial (median, 95th percentile); peak MiB."""
    runs = []
    for _ in range(REPEATS):
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
        )
        runs.append(json.loads(done.stdout))
    return np.median(runs, axis=0).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=30_000)
    n_trials = parser.parse_args().trials
    with tempfile.TemporaryDirectory() as folder:
        large, small, god = (Path(folder) / name for name in ("large.h5", "small.h5", "sbj_3.npz"))
        write_subject(small, subject_of(50))
        start = time.perf_counter()
        write_subject(large, subject_of(n_trials))
        seconds = time.perf_counter() - start
        write_god(god)
        files = {
            "demo subject": demo_subject_path(),
            "50 trials × 15,724": small,
            f"{n_trials:,} trials × 15,724": large,
            "GOD-sized npz, 2,950 × 4,643 float64": god,
        }
        print(f"written in {seconds:.1f} s")
        for name, path in files.items():
            opened, visible, computed, p50, p95, peak = measure(path)
            bar = 1.0 if path == god else 0.3
            shown = (path.stat().st_size if path == god else 0) / 2**20
            report(
                f"open {name}; until shown; CPU; a trial p50 / p95; peak memory",
                f"{opened:.3f} s; {visible:.3f} s; {computed:.3f} s; "
                f"{1000 * p50:.1f} / {1000 * p95:.1f} ms; {peak:.0f} MiB",
                f"≤ {bar} s, ≤ 20 ms, ≤ {200 + 1.5 * shown:.0f} MiB",
                opened <= bar and p95 <= 0.02 and peak <= 200 + 1.5 * shown,
            )


if __name__ == "__main__":
    main()
