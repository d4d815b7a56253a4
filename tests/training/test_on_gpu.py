"""Training never mixes devices, and learns on a GPU what it does on a CPU; on an emulated GPU."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from PIL import Image

from mindvis_gui.cli import main
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.training.checkpoint import CHECKPOINT
from tests.emulated_gpu import emulated_gpu

EACH = ["--precision", "fp32", "--log-every", "1", "--validate-every", "2", "--steps", "4"]
OPTIONS = {
    "mbm": "--width 32 --depth 1 --heads 2 --decoder-width 16 --decoder-depth 1 --decoder-heads 2"
    " --interpolate 0.5 --picture-every 4 --batch 4",
    "adapt": "--batch 4",
    "vq": "--image-size 16 --channels 8 --multipliers 1,1 --layers 1 --norm-groups 2 --codes 4"
    " --plain-share 0.5 --picture-every 4 --batch 4",
    "label-ldm": "--channels 32 --multipliers 1,1 --attention 1 --layers 1 --context-width 16"
    " --crops 1 --grid 2 --picture-every 4 --batch 4",
    "ldm": "--context-tokens 5 --crops 1 --sparsify 0.2 --picture-every 4 --batch 2",
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory, tiny_model_folder, subject_factory):
    """Return the folders of what was trained on the CPU and on the GPU."""
    work = tmp_path_factory.mktemp("work")
    subject = str(work / "tiny.h5")
    write_subject(Path(subject), subject_factory(), dtype="float32")
    rng = np.random.default_rng(0)
    pictures = work / "pictures"
    for number in range(12):
        path = pictures / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)

    def train(folder, device):
        def stage(name, *words):
            AcceleratorState._reset_state(reset_partial_state=True)
            line = ["train", name, *words, "--out", str(folder / name), "--device", device]
            assert main([*line, *EACH, *OPTIONS[name].split()]) == 0

        first, base = ["--first-stage", str(tiny_model_folder)], ["--base", str(tiny_model_folder)]
        stage("mbm", subject)
        stage("adapt", subject, "--masked-model", str(folder / "mbm"))
        stage("vq", str(pictures))
        stage("label-ldm", str(pictures), *first)
        stage("ldm", subject, "--masked-model", str(folder / "adapt"), *base)

    train(work / "cpu", "cpu")
    with emulated_gpu():
        train(work / "gpu", "cuda")
    return work / "cpu", work / "gpu"


def metrics(folder):
    rows = csv.DictReader((folder / "training" / "metrics.csv").read_text().splitlines())
    return [float(row["value"]) for row in rows if row["kind"] != "speed"]


@pytest.mark.parametrize("stage", OPTIONS)
def test_values_are_those_of_the_cpu(folders, stage):
    here, there = (metrics(folder / stage) for folder in folders)
    assert len(here) > 6
    np.testing.assert_allclose(here, there, rtol=1e-3, atol=1e-4)


def test_fp16_keeps_the_scale_of_its_loss(folders, tmp_path):
    subject = str(folders[0].parent / "tiny.h5")
    AcceleratorState._reset_state(reset_partial_state=True)
    line = ["train", "mbm", subject, "--out", str(tmp_path), "--device", "cuda", *EACH]
    with emulated_gpu():
        assert main([*line, "--precision", "fp16", *OPTIONS["mbm"].split()]) == 0
    state = torch.load(tmp_path / "training" / CHECKPOINT, weights_only=True)
    assert state["parts"]["scaler"]["scale"] > 1000
    assert state["parts"]["scaler"]["_growth_tracker"] == 4  # no step was left out


def test_memory_that_ends_is_said(folders, tmp_path, capsys):
    subject = str(folders[0].parent / "tiny.h5")
    AcceleratorState._reset_state(reset_partial_state=True)
    line = ["train", "mbm", subject, "--out", str(tmp_path), "--device", "cuda", *EACH]
    with emulated_gpu() as gpu:
        gpu.memory.most = 200_000
        assert main([*line, *OPTIONS["mbm"].split()]) == 1
    assert capsys.readouterr().err.endswith(
        "mindvis: batches of 4 do not fit into the memory of 'cuda'; take a smaller --batch and as "
        "much more to --accumulate, or close what else uses it\n"
    )


def test_a_gpu_that_is_lost_is_said(folders, tmp_path, capsys, monkeypatch):
    def lost(*args):
        raise RuntimeError("CUDA error: unspecified launch failure\nCompile with DSA")

    subject = str(folders[0].parent / "tiny.h5")
    AcceleratorState._reset_state(reset_partial_state=True)
    monkeypatch.setattr(MaskedBrainModel, "forward", lost)
    line = ["train", "mbm", subject, "--out", str(tmp_path), "--device", "cuda", *EACH]
    with emulated_gpu():
        assert main([*line, *OPTIONS["mbm"].split()]) == 1
    assert capsys.readouterr().err.endswith(
        "mindvis: the GPU stopped working (CUDA error: unspecified launch failure); go on from "
        "the last checkpoint with --resume\n"
    )
