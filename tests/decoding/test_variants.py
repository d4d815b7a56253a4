"""Variants of the networks: saved, loaded, decoded with, and imported from published files."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.prepare import padded_length
from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.convert import convert_published
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.models import SAW_TEST_FMRI, load_decoder, read_model_info
from mindvis_gui.decoding.networks import time_width
from mindvis_gui.decoding.pipeline import MindVisPipeline, load_pipeline
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import ModelError

N_VOXELS = 100
VARIANTS = {
    "published": ({}, {}),
    "global pooling": ({"global_pool": True}, {}),
    "patches of 8": ({"patch_size": 8}, {}),
    "patches of 32": ({"patch_size": 32}, {}),
    "narrow and deep": ({"width": 16, "depth": 3, "heads": 4, "mlp_ratio": 4.0}, {}),
    "zeros after the end": ({"padding": "constant"}, {}),
    "rest cut off": ({"padding": "cut"}, {}),
    "cross-attention only": ({}, {"time_condition": False}),
    "time condition only": ({}, {"cross_attention": False}),
    "pooled, time condition only": ({"global_pool": True}, {"cross_attention": False}),
}


@pytest.fixture(scope="module")
def base(tiny_model_folder):
    return load_pipeline(tiny_model_folder)


@pytest.fixture
def build(base, tmp_path):
    """Return a function: settings of encoder and conditioner → the folder of such a model."""

    def make(encoder, conditioner, **facts):
        torch.manual_seed(0)
        sizes = {"width": 32, "depth": 1, "heads": 2} | encoder
        pooled = sizes.pop("global_pool", False)
        encoder = FmriEncoder(N_VOXELS, global_pool=pooled, **sizes)
        sizes |= {"decoder_width": 16, "decoder_depth": 1, "decoder_heads": 2}
        unet = base.unet
        MindVisPipeline(
            encoder,
            Conditioner(
                encoder.n_tokens,
                encoder.config.width,
                32,
                time_width(unet),
                context_tokens=1 if pooled else 8,
                global_pool=pooled,
                **conditioner,
            ),
            unet,
            base.vqvae,
            base.scheduler,
            MaskedBrainModel(N_VOXELS, **sizes),
            n_voxels=N_VOXELS,
            image_size=32,
            **facts,
        ).save_pretrained(tmp_path / "variant")
        return tmp_path / "variant"

    return make


def decoded(decoder, vector, mask=None):
    request = DecodeRequest("s", 0, vector, (0,), Sampling("ddim", 2, "fp32"), mask=mask)
    steps = decoder.decode(request)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value.samples[0].image


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_is_saved_loaded_and_decodes(build, name):
    encoder, conditioner = VARIANTS[name]
    folder = build(encoder, conditioner)
    loaded = load_pipeline(folder)
    for setting, value in encoder.items():
        assert loaded.encoder.config[setting] == value
    for setting, value in conditioner.items():
        assert loaded.conditioner.config[setting] == value
    info = read_model_info(folder)
    patch_size, padding = encoder.get("patch_size", 16), encoder.get("padding", "wrap")
    assert (info.patch_size, info.padding) == (patch_size, padding)
    assert info.n_patches == padded_length(N_VOXELS, patch_size, padding) // patch_size
    assert info.fits(N_VOXELS)
    decoder = load_decoder(folder, device="cpu", precision="fp32")
    vector = np.random.default_rng(0).normal(size=N_VOXELS).astype(np.float32)
    picture = decoded(decoder, vector)
    assert picture.shape == (32, 32, 3)
    assert np.array_equal(picture, decoded(decoder, vector))
    mask = MaskState.random(info.n_patches, 0.5, 0)
    assert decoded(decoder, vector, mask).shape == (32, 32, 3)
    recovery = decoder.recover(vector, mask)
    assert recovery.recovered.shape == (N_VOXELS,)
    assert np.isfinite(recovery.correlation)


def test_a_cut_off_rest_has_no_influence_and_stays_0(build):
    decoder = load_decoder(build({"padding": "cut"}, {}), device="cpu", precision="fp32")
    vector = np.random.default_rng(0).normal(size=N_VOXELS).astype(np.float32)
    other = vector.copy()
    other[96:] += 9
    mask = MaskState.random(6, 0.5, 0)
    first, second = decoder.recover(vector, mask), decoder.recover(other, mask)
    assert np.array_equal(first.recovered, second.recovered)
    assert not first.recovered[96:].any()
    assert first.correlation == second.correlation
    assert np.array_equal(decoded(decoder, vector), decoded(decoder, other))


@pytest.mark.parametrize(
    ("off", "left"), [("time_condition", "context"), ("cross_attention", "time")]
)
def test_condition_that_is_off_is_zero(off, left):
    torch.manual_seed(0)
    conditioner = Conditioner(7, 16, 8, 12, context_tokens=5, **{off: False})
    context, time = conditioner(torch.randn(2, 7, 16))
    conditions = {"context": context, "time": time}
    assert (context.shape, time.shape) == ((2, 5, 8), (2, 12))
    assert conditions.pop(left).abs().min() > 0
    assert not next(iter(conditions.values())).any()


def test_conditioner_needs_one_condition():
    with pytest.raises(ValueError, match="does nothing"):
        Conditioner(7, 16, time_condition=False, cross_attention=False)


def test_unknown_padding_is_refused(build):
    folder = build({}, {})
    config = folder / "encoder" / "config.json"
    config.write_text(config.read_text().replace('"wrap"', '"mirror"'))
    with pytest.raises(ModelError, match="pads by 'mirror', which is none of wrap, constant, cut"):
        read_model_info(folder)


def test_use_of_test_trials_is_read_back(build):
    assert read_model_info(build({}, {})).test_use == ()
    folder = build({}, {}, test_use=["scores chose it"])
    config = folder / "masked_model" / "config.json"
    config.write_text(config.read_text().replace('"saw_test_fmri": false', '"saw_test_fmri": true'))
    assert read_model_info(folder).test_use == (SAW_TEST_FMRI, "scores chose it")


@pytest.fixture
def published_variant(published_files, published_weights, write_checkpoint, generate_weight):
    """Return a function: settings → published files of that variant, converted.

    The weights of conditioner and encoder are those of the golden `03_global_pool_variant`.
    """

    def convert(*, global_pool, use_time_cond, said=None):
        time = "model.diffusion_model.time_embed_condtion"
        weights = dict(published_weights["finetuned.pth"])
        if global_pool:
            weights |= {  # the U-Net is the label-to-image model's, not a fine-tuned one
                name: value
                for name, value in published_weights["model.ckpt"].items()
                if name.startswith("model.")
            }
            drop = ("cond_stage_model.channel_mapper.", f"{time}.")
            weights = {name: value for name, value in weights.items() if not name.startswith(drop)}
            weights |= {f"{time}.weight": torch.empty(128, 64), f"{time}.bias": torch.empty(128)}
            for name, value in weights.items():
                if name.startswith(("cond_stage_model.", time)) and "pos_embed" not in name:
                    weights[name] = generate_weight(name, value.shape, "gp")
        if not use_time_cond:
            weights = {name: value for name, value in weights.items() if time not in name}
        settings = {"global_pool": global_pool, "use_time_cond": use_time_cond}
        config = write_checkpoint.config(
            "Config_Generative_Model", {"img_size": 64} | settings | (said or {})
        )
        path = write_checkpoint("variant.pth", {"model_state_dict": weights, "config": config})
        return convert_published(
            published_files["model.ckpt"], path, published_files["fmri_encoder.pth"]
        )

    return convert


def test_published_pooling_model_predicts_the_published_noise(golden, published_variant):
    numbers = golden("03_global_pool_variant")
    pipeline = published_variant(global_pool=True, use_time_cond=True)
    with torch.inference_mode():
        state = pipeline.encoder.state_dict()
        # That run interpolated the positions of stage A; a trained model brings its own.
        state["pos_embed"] = golden("02_fmri_encoder")["pos_embed_interp"][:, 1:]
        pipeline.encoder.load_state_dict(state)
        context, time = pipeline.condition(numbers["fmri"][:, 0])
        noise = pipeline.predict_noise(numbers["x"], numbers["t"], (context, time))
    for found, name in ((context, "context"), (time, "time_cond"), (noise, "eps")):
        expected = numbers[name][:, 0] if name == "time_cond" else numbers[name]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_published_model_without_the_time_condition(golden, published_variant):
    pipeline = published_variant(global_pool=False, use_time_cond=False)
    numbers = golden("03_conditioning")
    with torch.inference_mode():
        context, time = pipeline.condition(numbers["x"][:, 0])
    torch.testing.assert_close(context, numbers["context"], rtol=0, atol=1e-5)
    assert not time.any()


@pytest.mark.parametrize("name", ["global_pool", "use_time_cond"])
def test_weights_that_contradict_their_configuration(published_variant, name):
    settings = {"global_pool": False, "use_time_cond": True}
    wrong = not settings[name]
    with pytest.raises(ModelError, match=f"has {wrong} as '{name}' but its weights are of a"):
        published_variant(**settings, said={name: wrong})
