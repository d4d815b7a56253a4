"""Weights and checkpoints of the published layout, made from nothing but their names.

`tests/data_golden` holds what the published code computes with these weights: a
generated weight depends on a salt, its published name and its shape alone, so no
checkpoint needs to be stored.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from mindvis_gui.decoding.convert import convert_published
from mindvis_gui.decoding.networks import build_scheduler
from mindvis_gui.decoding.pipeline import MindVisPipeline

GOLDEN = Path(__file__).parents[1] / "data_golden"
_LEVELS_STD = math.sqrt((15**2 - 1) / 12)  # of integers uniform on -7…7


@pytest.fixture(scope="session")
def golden():
    """Return a function that reads one file of golden numbers as {name: array or tensor}."""

    def read(name: str) -> dict[str, torch.Tensor]:
        with np.load(GOLDEN / f"{name}.npz") as arrays:
            return {key: torch.from_numpy(arrays[key]) for key in arrays.files}

    return read


def generate(name: str, shape: list[int], salt: str) -> torch.Tensor:
    """Return the weight called `name` in the checkpoint salted with `salt`."""
    key = hashlib.sha256(f"mindvis-golden-v1|{salt}|{name}".encode()).digest()
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(key[:8], "little")))
    leaf = name.rpartition(".")[2]
    if name.endswith("quantize.embedding.weight"):
        values = rng.standard_normal(shape)
        half = shape[0] // 2  # some codes near 0, where pictures are, some far out
        values[:half] *= 0.6
        values[half:] *= 4.0
    elif leaf in ("cls_token", "mask_token"):
        values = 0.5 * rng.standard_normal(shape)
    elif leaf == "bias":
        last = name.endswith("diffusion_model.out.2.bias")
        values = (0.005 if last else 0.05) * rng.standard_normal(shape)
    elif len(shape) == 1:
        values = 1.0 + 0.1 * rng.standard_normal(shape)
    else:
        fan_in = 1 if name.endswith("embedding.weight") else math.prod(shape[1:])
        exponent = round(math.log2(1 / math.sqrt(fan_in) / _LEVELS_STD))
        values = rng.integers(-7, 8, size=shape) * 2.0**exponent
    return torch.from_numpy(_wired(name, values.astype(np.float32)))


def _wired(name: str, w: np.ndarray) -> np.ndarray:
    """Lead the U-Net's input straight to its output, so that many steps stay bounded."""
    part = name.partition("diffusion_model.")[2]
    if part == "out.0.bias":
        w[:6] = 0
    elif part == "out.0.weight":
        w[3:6] = w[:3]
    elif part == "input_blocks.0.0.weight":
        w[:6] = 0
        for channel in range(3):
            w[channel, channel, 1, 1], w[channel + 3, channel, 1, 1] = 1, -1
    elif part == "output_blocks.11.0.skip_connection.weight":
        w[:6] *= np.float32(0.125)
        for channel in range(6):
            w[channel, w.shape[1] // 2 + channel] = 4
    elif part == "output_blocks.11.0.out_layers.3.weight":
        w[:6] *= np.float32(0.5)
        w[:6] -= w[:6].mean(axis=(1, 2, 3), keepdims=True)
    elif part == "out.2.weight":
        w *= np.float32(0.125)
        w -= w.mean(axis=(1, 2, 3), keepdims=True)
        for channel in range(3):
            w[channel, [channel, channel + 3]] = 0
            w[channel, channel, 1, 1], w[channel, channel + 3, 1, 1] = 1, -1
    return w


@pytest.fixture(scope="session")
def published_weights(golden) -> dict[str, dict[str, torch.Tensor]]:
    """Return the weights of the three published files, by file name."""
    keys = json.loads((GOLDEN / "published_keys.json").read_text(encoding="utf-8"))
    schedule = golden("06_schedule")

    def make(name: str, shape: list[int], salt: str) -> torch.Tensor:
        if "." not in name and name not in ("cls_token", "mask_token"):
            return schedule.get(name, torch.zeros(shape))
        return generate(name, shape, salt)

    ldm = {name: make(name, shape, "ldm") for name, shape in keys["model.ckpt"].items()}
    tuned = {name: ldm[name] for name in ldm if name not in keys["not in finetuned.pth"]}
    for name in keys["changed by fine-tuning"]:
        tuned[name] = generate(name, keys["model.ckpt"][name], "ft")
    for name, shape in keys["only in finetuned.pth"].items():
        if name.endswith("pos_embed"):
            tuned[name] = golden("02_fmri_encoder")["pos_embed_finetuned"]
        else:
            tuned[name] = generate(name, shape, "ft")
    stage_a = {name: make(name, shape, "mbm") for name, shape in keys["fmri_encoder.pth"].items()}
    for name in ("pos_embed", "decoder_pos_embed"):
        stage_a[name] = golden("01_mbm_forward")[name]
    return {"model.ckpt": ldm, "finetuned.pth": tuned, "fmri_encoder.pth": stage_a}


STAGE_A = {"num_heads": 4, "decoder_num_heads": 4, "patch_size": 16, "num_voxels": 528}
STAGE_B = {"img_size": 64, "dataset": "GOD", "kam_subs": ["sbj_3"], "global_pool": False}


@dataclass
class CheckpointWriter:
    """Writes files as the published code does, configuration objects pickled by reference."""

    folder: Path

    def __call__(self, name: str, contents: dict[str, Any]) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        torch.save(contents, path)
        return path

    def config(self, class_name: str, settings: dict[str, Any]) -> Any:
        kind = type(class_name, (), {"__module__": "config"})
        setattr(sys.modules["config"], class_name, kind)
        instance = kind()
        vars(instance).update(settings)
        return instance


@pytest.fixture
def write_checkpoint(tmp_path, monkeypatch) -> CheckpointWriter:
    """Return a writer of files in the published layouts."""
    monkeypatch.setitem(sys.modules, "config", ModuleType("config"))
    return CheckpointWriter(tmp_path)


@pytest.fixture(scope="session")
def published_files(tmp_path_factory, published_weights) -> dict[str, Path]:
    """Return the paths of model.ckpt, finetuned.pth and fmri_encoder.pth."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "config", ModuleType("config"))
        write = CheckpointWriter(tmp_path_factory.mktemp("published"))
        stage_a = write.config("Config_MBM_finetune", STAGE_A)
        stage_b = write.config("Config_Generative_Model", STAGE_B)
        contents = {
            "model.ckpt": {"state_dict": published_weights["model.ckpt"]},
            "finetuned.pth": {
                "model_state_dict": published_weights["finetuned.pth"],
                "config": stage_b,
                "state": torch.random.get_rng_state(),
            },
            "fmri_encoder.pth": {
                "model": published_weights["fmri_encoder.pth"],
                "optimizer": {},
                "epoch": 3,
                "config": stage_a,
            },
        }
        return {name: write(name, content) for name, content in contents.items()}


@pytest.fixture(scope="session")
def published_pipeline(published_files) -> MindVisPipeline:
    """Return the published files converted."""
    return convert_published(
        published_files["model.ckpt"],
        published_files["finetuned.pth"],
        published_files["fmri_encoder.pth"],
    )


@pytest.fixture
def scheduler():
    return build_scheduler()


@pytest.fixture(scope="session")
def generate_weight():
    return generate
