"""Two processes do what one does: the same losses, the same pictures, one writer."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from accelerate.state import AcceleratorState
from PIL import Image

from mindvis_gui.cli import main
from mindvis_gui.data.subject_file import write_subject

pytestmark = pytest.mark.timeout(300)  # three processes start; a busy machine takes its time
PLAIN = ["--precision", "fp32", "--log-every", "1", "--validate-every", "2"]
MBM = [*PLAIN, "--width", "32", "--depth", "1", "--heads", "2", "--decoder-width", "16"]
MBM += ["--decoder-depth", "1", "--decoder-heads", "2", "--steps", "4", "--interpolate", "0.5"]
LDM = [*PLAIN, "--context-tokens", "5", "--steps", "3", "--crops", "1", "--sparsify", "0.2"]
VQ = [*PLAIN, "--image-size", "16", "--channels", "8", "--multipliers", "1,1", "--layers", "1"]
LABELS = [*PLAIN, "--channels", "32", "--multipliers", "1,1", "--attention", "1", "--layers", "1"]
LABELS += ["--context-width", "16", "--crops", "1", "--steps", "3"]
VQ += ["--norm-groups", "2", "--codes", "4", "--steps", "4", "--plain-share", "0.5"]


@pytest.fixture(scope="module")
def commands(tmp_path_factory, tiny_model_folder, subject_factory):
    """Return a function: (folder, samples at a time, accumulated) → command lines."""
    data = tmp_path_factory.mktemp("data")
    subject = subject_factory()
    write_subject(data / "tiny.h5", subject, dtype="float32")
    rng = np.random.default_rng(0)
    for number in range(12):
        picture = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        path = data / "pictures" / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)

    def made(folder: Path, batch: int, accumulate: int) -> list[list[str]]:
        mbm, ldm, subject = str(folder / "mbm"), str(folder / "ldm"), str(data / "tiny.h5")
        pictures = str(data / "pictures")
        share = ["--batch", str(batch), "--accumulate", str(accumulate)]
        from_mbm = ["--masked-model", mbm, "--base", str(tiny_model_folder)]
        of_vq = [*LABELS, "--first-stage", str(tiny_model_folder), *share]
        return [
            ["train", "mbm", subject, "--out", mbm, *MBM, *share],
            ["train", "ldm", subject, "--out", ldm, *LDM, *share, *from_mbm],
            ["train", "vq", pictures, "--out", str(folder / "vq"), *VQ, *share],
            ["train", "label-ldm", pictures, "--out", str(folder / "label-ldm"), *of_vq],
        ]

    return made


def decode(folder: Path, model: Path) -> list[str]:
    words = ["decode", "--no-cache", str(folder.parent / "tiny.h5"), "--model", str(model / "ldm")]
    words += ["--trials", "0-2", "--seeds", "0-1", "--sampler", "ddim", "--steps", "2"]
    return [*words, "--out", str(folder)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory, commands):
    """Return the folders of two processes and of one that trained and decoded the same."""
    work = tmp_path_factory.mktemp("work")
    two, one = work / "two", work / "one"
    lines = commands(two, 2, 2)
    source = Path(lines[0][2])
    (work / "tiny.h5").write_bytes(source.read_bytes())
    listed = work / "commands.json"
    listed.write_text(json.dumps([*lines, decode(work / "decoded-two", two)]))
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
    launch += ["--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
    # accelerate's own --cpu starts one process whatever the number; this starts two, without GPUs.
    script = str(Path(__file__).with_name("launched.py"))
    root = str(Path(__file__).parents[2])
    ended = subprocess.run(
        [*launch, "--main_process_port", "0", script, str(listed)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root},
        cwd=root,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-6000:]
    for line in [*commands(one, 8, 1), decode(work / "decoded-one", two)]:
        AcceleratorState._reset_state(reset_partial_state=True)
        assert main(line) == 0
    return two, one


def losses(folder: Path, name: str = "loss", kind: str = "train") -> list[float]:
    rows = csv.DictReader((folder / "training" / "metrics.csv").read_text().splitlines())
    return [float(row["value"]) for row in rows if (row["name"], row["kind"]) == (name, kind)]


@pytest.mark.parametrize("stage", ["mbm", "ldm", "label-ldm"])
def test_losses_of_two_processes_are_those_of_one(folders, stage):
    two, one = (losses(folder / stage) for folder in folders)
    assert len(two) == len(one) > 2
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-5)
    assert two != [two[0]] * len(two)
    name = "correlation" if stage == "mbm" else "loss"
    ends = [losses(folder / stage, name, "validation") for folder in folders]
    np.testing.assert_allclose(*ends, rtol=0, atol=1e-4)


def test_first_stage_learns_the_same_until_its_codebook_starts(folders):
    two, one = (losses(folder / "vq", "picture") for folder in folders)
    np.testing.assert_allclose(two[:1], one[:1], rtol=0, atol=1e-5)
    assert len(two) == 4


def test_one_process_writes(folders):
    two, _ = folders
    text = (two / "mbm" / "training" / "config.toml").read_text()
    assert "processes = 2" in text
    assert "samples_a_step = 8" in text
    assert len(losses(two / "mbm", "samples_per_second", "speed")) == 4


def test_decoded_pictures_are_the_same_bytes(folders):
    two, one = (folders[0].parent / name for name in ("decoded-two", "decoded-one"))
    names = sorted(path.name for path in one.glob("*.png"))
    assert len(names) == 9
    assert names == sorted(path.name for path in two.glob("*.png"))
    for name in names:
        assert (two / name).read_bytes() == (one / name).read_bytes(), name
    documents = [json.loads((folder / "decode.json").read_text()) for folder in (two, one)]
    for document in documents:
        for entry in document["trials"]:
            del entry["seconds"]
    assert documents[0] == documents[1]
