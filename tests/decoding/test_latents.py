"""Latents are exported by themselves: the first stage makes the exported pictures of them."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

import mindvis_gui
from mindvis_gui.cli import main
from mindvis_gui.decoding.latents import latents_of
from mindvis_gui.decoding.models import load_decoder
from mindvis_gui.decoding.pipeline import load_pipeline
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import ModelError

pytestmark = pytest.mark.usefixtures("bf16_everywhere")


def ask(seeds=(0, 1, 7), precision="fp32"):
    vector = np.random.default_rng(0).normal(size=100).astype(np.float32)
    return DecodeRequest("tiny", 0, vector, seeds, Sampling("dpm++", 5, precision))


def samples(decoder, request):
    items = decoder.decode(request)
    while True:
        try:
            next(items)
        except StopIteration as stop:
            return stop.value.samples


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_first_stage_makes_the_same_pictures_of_them(tiny, precision):
    request = ask(precision=precision)
    latents = latents_of(tiny, request)
    assert (latents.shape, latents.dtype) == ((3, 3, 8, 8), np.float32)
    _, make_pictures = tiny._networks_in(precision)
    with torch.inference_mode():
        made = make_pictures(torch.from_numpy(latents.copy())).finished()
    for sample, picture in zip(samples(tiny, request), made, strict=True):
        assert np.array_equal(sample.image, picture)


def test_plain_first_stage_makes_these_pictures(tiny, tiny_model_folder):
    latents = torch.from_numpy(latents_of(tiny, ask()).copy())
    with torch.inference_mode():
        made = load_pipeline(tiny_model_folder).pictures(latents).numpy().astype(int)
    for sample, picture in zip(samples(tiny, ask()), made, strict=True):
        assert np.abs(sample.image - picture).max() <= 1


def test_latents_of_a_seed_do_not_depend_on_those_beside_it(tiny):
    assert np.array_equal(latents_of(tiny, ask((7,)))[0], latents_of(tiny, ask())[2])


def test_decoder_without_latents_says_so(decoder):
    with pytest.raises(ModelError, match="model fake has no latents"):
        latents_of(decoder, ask())


def test_command_writes_them_beside_the_pictures(
    monkeypatch, tmp_path, tiny_model, subject, capsys
):
    folder = tiny_model(subject.n_voxels)
    model = load_decoder(folder, device="cpu", precision="fp32")
    monkeypatch.setattr(mindvis_gui, "open_subject", lambda path: subject)
    monkeypatch.setattr(mindvis_gui, "load_decoder", lambda *args: model)
    command = ["decode", "tiny.h5", "--out", str(tmp_path), "--trials", "0,2", "--seeds", "3,4"]
    assert main([*command, "--steps", "4", "--latents"]) == 0
    index = json.loads((tmp_path / "decode.json").read_text())
    assert [entry["latents"] for entry in index["trials"]] == [
        "trial-0000_latents.npy",
        "trial-0002_latents.npy",
    ]
    _, make_pictures = model._networks_in("fp32")
    for entry in index["trials"]:
        latents = np.load(tmp_path / entry["latents"])
        with torch.inference_mode():
            made = make_pictures(torch.from_numpy(latents)).finished()
        for name, picture in zip(entry["samples"], made, strict=True):
            assert np.array_equal(np.asarray(Image.open(tmp_path / name)), picture)
