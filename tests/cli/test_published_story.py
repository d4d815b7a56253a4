"""As a user does it: published checkpoints are imported, and decode as the published code does."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from mindvis_gui.cli import main
from mindvis_gui.decoding.models import find_models


@pytest.fixture
def god_file(golden, tmp_path):
    """Return a subject in the layout of GOD whose test responses need no more normalisation."""
    responses = golden("16_generate")["fmri"][:, 0, :470].numpy()  # the rest is padding
    train = np.ones((4, 470), dtype=np.float32)
    train[::2] = -1  # mean 0, standard deviation 1
    path = tmp_path / "sbj_3.npz"
    np.savez(
        path, arr_0=train, arr_2=responses, arr_3=np.arange(4), VC=np.ones(470, dtype=np.bool_)
    )
    return path


def test_imported_model_decodes_the_published_samples(
    import_words, god_file, golden, monkeypatch, tmp_path, capsys
):
    """PLMS with 20 steps, from the start noise of the published code's own run."""
    numbers = golden("16_generate")
    noise = iter(numbers["x_T"])  # two samples a trial

    def published_noise(seeds, _):
        return torch.cat([next(noise) for _ in range(len(seeds) // 2)])

    monkeypatch.setattr("mindvis_gui.decoding.decoder.initial_noise", published_noise)
    assert main(import_words) == 0
    out = tmp_path / "out"
    model = import_words[-1]
    options = ["--preset", "paper", "--steps", "20", "--seeds", "0,1", "--device", "cpu"]
    assert main(["decode", str(god_file), "--model", model, *options, "--out", str(out)]) == 0
    assert "2 trials, 4 samples" in capsys.readouterr().out
    trials = [4, 5]  # the test trials come after the four training ones
    for trial, pictures in zip(trials, numbers["samples"], strict=True):
        for seed, picture in enumerate(pictures):
            path = out / f"trial-{trial:04}_seed-{seed:04}.png"
            made = np.asarray(Image.open(path)).astype(int)
            off = np.abs(made - picture.movedim(0, -1).int().numpy())
            assert off.max() <= 1
            assert (off > 0).sum() <= 10


_KILLED = """
import os, signal, sys
from mindvis_gui.cli import main
from mindvis_gui.decoding import import_published

def save(pipeline, folder):
    pipeline.save_pretrained(folder)
    os.kill(os.getpid(), signal.SIGKILL)

import_published._save = save
main(sys.argv[1:])
"""


@pytest.mark.skipif(os.name != "posix", reason="processes are killed in another way there")
def test_killed_import_leaves_no_model_and_can_be_repeated(import_words, tmp_path, monkeypatch):
    killed = subprocess.run([sys.executable, "-c", _KILLED, *import_words], capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    models = tmp_path / "models"
    monkeypatch.setattr("mindvis_gui.paths.model_dirs", lambda: [models])
    assert find_models() == {}
    assert not (models / "god").exists()
    assert main(import_words) == 0
    assert list(find_models()) == ["god"]
