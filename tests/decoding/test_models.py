"""Model folders: what is in them, and what happens when something is not."""

import json
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch

from mindvis_gui import paths
from mindvis_gui.decoding import device
from mindvis_gui.decoding.models import (
    VELOCITY,
    WEIGHTS,
    find_model,
    find_models,
    load_decoder,
    read_model_info,
)
from mindvis_gui.decoding.networks import build_scheduler
from mindvis_gui.decoding.pipeline import MindVisPipeline, load_pipeline
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import ModelError


@pytest.fixture
def folder(tiny_model_folder, tmp_path):
    """Return a copy of the tiny model that a test may damage."""
    return shutil.copytree(tiny_model_folder, tmp_path / "tiny")


def change(path, **values):
    contents = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(contents | values), encoding="utf-8")


def test_import_paths_are_part_of_the_format(tiny_model_folder):
    index = json.loads((tiny_model_folder / "model_index.json").read_text(encoding="utf-8"))
    assert {name: value for name, value in index.items() if isinstance(value, list)} == {
        "encoder": ["mindvis_gui.decoding.encoder", "FmriEncoder"],
        "conditioner": ["mindvis_gui.decoding.conditioner", "Conditioner"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vqvae": ["diffusers", "VQModel"],
        "scheduler": ["diffusers", "PNDMScheduler"],
        "masked_model": ["mindvis_gui.decoding.masked_model", "MaskedBrainModel"],
        "latent_rgb": index["latent_rgb"],
    }
    assert index["_class_name"] == "MindVisPipeline"


def test_info(tiny_model_folder):
    info = read_model_info(tiny_model_folder)
    assert (info.name, info.n_voxels, info.patch_size, info.n_patches) == ("tiny", 100, 16, 7)
    assert (info.image_size, info.dataset, info.has_masked_model) == (32, "random numbers", True)
    pipeline = load_pipeline(tiny_model_folder)
    networks = (pipeline.encoder, pipeline.conditioner, pipeline.unet, pipeline.vqvae)
    assert info.parameters == sum(network.num_parameters() for network in networks)
    assert info.card.startswith("# Tiny")


def test_info_needs_no_torch(tiny_model_folder):
    code = (
        "import sys; from pathlib import Path; from mindvis_gui.decoding.models import *;"
        f"print(read_model_info(Path({str(tiny_model_folder)!r})).hash);"
        "assert not {'torch', 'diffusers'} & set(sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stderr == ""
    assert answer.stdout.strip() == read_model_info(tiny_model_folder).hash


def test_saved_and_loaded_gives_the_same(tiny_model_folder, tmp_path):
    first = load_pipeline(tiny_model_folder)
    first.save_pretrained(tmp_path / "again")
    by_us = load_pipeline(tmp_path / "again")
    by_diffusers = MindVisPipeline.from_pretrained(tmp_path / "again", local_files_only=True)
    vectors, latents = torch.randn(2, 112), torch.randn(2, 3, 8, 8)
    kept = torch.zeros(2, 7, dtype=torch.bool)
    kept[:, ::2] = True
    with torch.inference_mode():
        condition = first.condition(vectors)
        noise = first.predict_noise(latents, 500, condition)
        recovered = first.masked_model(vectors, kept)
        for other in (by_us, by_diffusers):
            theirs = other.predict_noise(latents, 500, other.condition(vectors))
            assert torch.equal(theirs, noise)
            assert torch.equal(other.pictures(latents), first.pictures(latents))
            assert torch.equal(other.masked_model(vectors, kept), recovered)
            assert other.config.latent_rgb == first.config.latent_rgb
            assert other.config.normalisation == first.config.normalisation
    assert read_model_info(tmp_path / "again").hash == read_model_info(tiny_model_folder).hash


def test_positions_trained_in_one_stage_and_fixed_in_the_other_are_saved(
    tiny_model_folder, tmp_path
):
    pipeline = load_pipeline(tiny_model_folder)
    assert pipeline.encoder.pos_embed.requires_grad
    assert not pipeline.masked_model.encoder.pos_embed.requires_grad
    with torch.no_grad():
        pipeline.encoder.pos_embed += 1
    pipeline.save_pretrained(tmp_path / "again")
    assert torch.equal(
        load_pipeline(tmp_path / "again").encoder.pos_embed, pipeline.encoder.pos_embed
    )


def test_model_without_the_masked_model(tiny_model_folder, tmp_path):
    pipeline = load_pipeline(tiny_model_folder)
    pipeline.register_modules(masked_model=None)
    pipeline.save_pretrained(tmp_path / "lean")
    assert not read_model_info(tmp_path / "lean").has_masked_model
    assert load_pipeline(tmp_path / "lean").masked_model is None


def test_hash_tells_retrained_models_apart(tiny_model_folder, tmp_path):
    pipeline = load_pipeline(tiny_model_folder)
    with torch.no_grad():
        pipeline.unet.conv_out.bias += 1e-3
    pipeline.save_pretrained(tmp_path / "other")
    assert read_model_info(tmp_path / "other").hash != read_model_info(tiny_model_folder).hash


def test_hash_covers_every_weight(tiny_model_folder, tmp_path):
    shutil.copytree(tiny_model_folder, tmp_path / "edited")
    before = read_model_info(tmp_path / "edited").hash
    for network in ("unet", "encoder", "vqvae"):
        path = tmp_path / "edited" / network / WEIGHTS
        weights = bytearray(path.read_bytes())
        weights[-1] ^= 1
        path.write_bytes(weights)
        after = read_model_info(tmp_path / "edited").hash
        assert after != before
        before = after


def test_loading_and_decoding_stay_off_the_network(tiny_model_folder, monkeypatch, capfd):
    def forbidden(*args, **kwargs):
        raise AssertionError("a socket was opened")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, forbidden)
    decoder = load_decoder(tiny_model_folder, device="cpu")
    vector = np.zeros(100, dtype=np.float32)
    steps = list(decoder.decode(DecodeRequest("s", 0, vector, (0,), Sampling("ddim", 2))))
    assert len(steps) == 2
    assert capfd.readouterr() == ("", "")  # no progress bars, no chatter


def test_models_are_found_by_name_and_the_first_folder_wins(folder, tmp_path, monkeypatch):
    places = [tmp_path, tmp_path / "second"]
    shutil.copytree(folder, tmp_path / "second" / "tiny")
    (tmp_path / "no-model").mkdir()
    monkeypatch.setattr(paths, "model_dirs", lambda: places)
    assert find_models() == {"tiny": folder}
    assert find_model("tiny") == folder
    assert find_model(folder) == folder
    with pytest.raises(ModelError, match="no model of that name; found: tiny"):
        find_model("other")
    with pytest.raises(ModelError, match=r"no-model: holds no model_index\.json"):
        find_model(tmp_path / "no-model")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("model_index.json", r"model_index\.json: is missing"),
        ("encoder/config.json", r"encoder/config\.json: is missing"),
        (f"unet/{WEIGHTS}", r"unet/.*safetensors: cannot be read: No such file"),
        ("scheduler/scheduler_config.json", r"scheduler_config\.json: is missing"),
    ],
)
def test_missing_part(folder, part, message):
    (folder / part).unlink()
    with pytest.raises(ModelError, match=message):
        read_model_info(folder)


@pytest.mark.parametrize("length", [0, 4, 100, 20_000, -1])
def test_weights_that_were_cut_off(folder, length):
    path = folder / "vqvae" / WEIGHTS
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ModelError, match=f"vqvae.{WEIGHTS}: .* copy"):
        read_model_info(folder)


def test_weights_that_are_no_weights(folder):
    (folder / "unet" / WEIGHTS).write_bytes((4).to_bytes(8, "little") + b"[1 2")
    with pytest.raises(ModelError, match="header is damaged"):
        read_model_info(folder)


def test_damaged_json(folder):
    (folder / "encoder" / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"config\.json: is damaged"):
        read_model_info(folder)


def test_another_kind_of_pipeline(folder):
    change(folder / "model_index.json", _class_name="StableDiffusionPipeline")
    with pytest.raises(ModelError, match="a StableDiffusionPipeline, not a MindVisPipeline"):
        read_model_info(folder)


def test_another_class_for_a_component_is_never_imported(folder):
    change(folder / "model_index.json", encoder=["antigravity", "FmriEncoder"])
    with pytest.raises(ModelError, match=r"encoder is .*antigravity"):
        load_decoder(folder)
    assert "antigravity" not in sys.modules


def test_voxels_that_the_encoder_is_not_made_for(folder):
    change(folder / "model_index.json", n_voxels=1000)
    with pytest.raises(ModelError, match="not made for 1,000 voxels"):
        read_model_info(folder)


def test_weights_of_another_size_than_the_configuration(folder):
    change(folder / "conditioner" / "config.json", context_width=48)
    with pytest.raises(ModelError, match="conditioner"):
        load_decoder(folder, device="cpu")


def test_weights_that_lack_a_layer(folder):
    change(folder / "encoder" / "config.json", depth=2)
    with pytest.raises(ModelError, match="encoder: weights do not fit"):
        load_decoder(folder, device="cpu")


def test_gpu_that_is_not_there(tiny_model_folder, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="'cuda' is not available"):
        load_decoder(tiny_model_folder, device="cuda")
    with pytest.raises(ModelError, match="unknown device 'tpu'"):
        load_decoder(tiny_model_folder, device="tpu")
    assert load_decoder(tiny_model_folder, device="auto").info.device == "cpu"


def test_precision_and_threads_that_there_are_not(tiny_model_folder):
    with pytest.raises(ModelError, match="unknown precision 'fp8'; choose one of auto, fp32"):
        load_decoder(tiny_model_folder, device="cpu", precision="fp8")
    threads = torch.get_num_threads()
    with pytest.raises(ModelError, match="0 threads cannot compute; give 1 or more"):
        load_decoder(tiny_model_folder, device="cpu", threads=0)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("fast", [True, False])
def test_auto_precision_follows_the_processor(tiny_model_folder, monkeypatch, fast):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert device.choose_precision("auto", "cpu") == ("bf16" if fast else "fp32")
    assert device.choose_precision("fp32", "cpu") == "fp32"


def test_noise_of_a_network_that_predicts_the_velocity(tiny_model_folder):
    pipeline = load_pipeline(tiny_model_folder)
    pipeline.scheduler = build_scheduler(VELOCITY)
    clean, noise = torch.randn(
        2, 1, *(pipeline.unet.config.in_channels, 8, 8), generator=torch.manual_seed(0)
    )
    kept = pipeline.scheduler.alphas_cumprod[300]
    mixed = kept.sqrt() * clean + (1 - kept).sqrt() * noise
    pipeline.predict = lambda *_: kept.sqrt() * noise - (1 - kept).sqrt() * clean
    found = pipeline.predict_noise(mixed, torch.tensor(300), None)
    torch.testing.assert_close(found, noise)
