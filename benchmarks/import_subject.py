"""How much memory `mindvis import-subject` takes, whatever the size of the source.

    python benchmarks/import_subject.py [--gigabytes 2]

Sources made of noise: a single array in `.npy` and in HDF5, trials first and trials last, and
betas in a packed NIfTI image and in four of them. Each is imported by a process of its own, whose
peak memory is what the kernel says (VmHWM).
"""

from __future__ import annotations

import argparse
import gzip
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np

VOXELS = 15_724
SIDE = 72  # of the image's grid

IMPORT = """
import re, sys
from pathlib import Path
from mindvis_gui.cli import main
assert main(["import-subject", *sys.argv[1:]]) == 0
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def noise(n_rows: int, n_columns: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n_rows, n_columns)).astype(np.float32)


def write_npy(path: Path, n_trials: int) -> list[str]:
    values = np.lib.format.open_memmap(path, "w+", np.float32, (n_trials, VOXELS))
    block = noise(500, VOXELS)
    for start in range(0, n_trials, 500):
        values[start : start + 500] = block[: n_trials - start]
    return ["--responses", path.stem]


def write_hdf5(path: Path, n_trials: int) -> list[str]:
    block = noise(VOXELS, 500)
    with h5py.File(path, "w") as file:
        values = file.create_dataset("betas", (VOXELS, n_trials), np.float32)
        for start in range(0, n_trials, 500):
            values[:, start : start + 500] = block[:, : n_trials - start]
    return ["--responses", "betas", "--trials-last"]


def write_packed(path: Path, n_trials: int) -> list[str]:
    n_volumes = n_trials * VOXELS // SIDE**3
    header = nib.Nifti1Header()
    header.set_data_shape((SIDE, SIDE, SIDE, n_volumes))
    header.set_data_dtype(np.float32)
    header.set_sform(np.diag([2.0, 2, 2, 1]), 1)
    header["magic"], header["vox_offset"] = b"n+1", 352
    block = noise(1, SIDE**3).tobytes()
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header.binaryblock + bytes(4))
        for _ in range(n_volumes):
            file.write(block)
    return []


def write_sessions(path: Path, n_trials: int) -> list[str]:
    """Write four packed images that together hold `n_trials`."""
    path.mkdir()
    for session in range(1, 5):
        write_packed(path / f"sub-01_ses-{session:02d}_betas.nii.gz", n_trials // 4)
    return []


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all in a folder."""
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    n_trials = int(parser.parse_args().gigabytes * 1e9 / 4 / VOXELS)
    writers: dict[str, Callable[[Path, int], list[str]]] = {
        "trials.npy": write_npy,
        "voxels.h5": write_hdf5,
        "betas.nii.gz": write_packed,
        "4 sessions": write_sessions,
    }
    print(f"{'source':<16}{'size':>10}{'import':>10}{'peak':>11}")
    for name, write in writers.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            options = write(path, n_trials)
            start = time.perf_counter()
            command = [sys.executable, "-c", IMPORT, str(path), "--out", f"{folder}/out.h5"]
            done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
            seconds = time.perf_counter() - start
            peak = int(re.findall(r"\d+", done.stdout)[-1]) / 1024
            size = size_of(path) / 1e9
            print(f"{name:<16}{size:>7.2f} GB{seconds:>8.1f} s{peak:>7.0f} MiB")


if __name__ == "__main__":
    main()
