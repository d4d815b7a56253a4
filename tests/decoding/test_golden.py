"""What the published code computes, and what we compute with the same weights.

Tolerances: 1e-5 for networks (a wrong epsilon in one norm shifts the noise prediction by
2e-5), 1e-4 for decoded pictures, 2e-3 for latents after sampling, one grey level of 255.
"""

from __future__ import annotations

import pytest
import torch

from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.convert import convert_masked_model
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.networks import build_unet, build_vqvae, time_width
from mindvis_gui.decoding.sampling import build_sampler, denoise
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.decoding.transformer import resized_positions, sincos_positions


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def assert_close(actual, expected, atol):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


@pytest.fixture(scope="module")
def masked_model(published_files):
    """Return SC-MBM at the length that it was trained with."""
    return convert_masked_model(published_files["fmri_encoder.pth"])


@pytest.mark.parametrize(("name", "width"), [("pos_embed", 64), ("decoder_pos_embed", 32)])
def test_position_embedding(golden, name, width):
    published = golden("01_mbm_forward")[name]
    assert not published[:, 0].any()  # the class token's
    assert_close(sincos_positions(33, width), published[:, 1:], 1e-6)


@pytest.mark.parametrize("ratio", [75, 50])
def test_masked_model_sees_only_kept_patches_and_predicts_all(golden, masked_model, ratio):
    numbers = golden("01_mbm_forward")
    vectors, kept = numbers["x"][:, 0], numbers[f"mask_{ratio}"] == 0
    latent = masked_model.encode(vectors, kept)
    assert_close(latent[:, 0], numbers[f"latent_{ratio}"][:, 0], 1e-5)
    assert_close(masked_model(vectors, kept), numbers[f"recon_{ratio}"][:, 0], 1e-5)
    assert_close(masked_model.loss(vectors, kept), numbers[f"loss_{ratio}"], 1e-5)


def test_masked_model_keeps_patches_in_their_place(golden, masked_model):
    numbers = golden("01_mbm_forward")
    kept = numbers["mask_75"] == 0
    latent = masked_model.encode(numbers["x"][:, 0], kept)[:, 1:]
    for row in range(len(kept)):
        # The published encoder has the kept patches in the order of their noise.
        order = numbers["ids_restore_75"][row][kept[row]]
        assert_close(latent[row], numbers["latent_75"][row, 1:][order], 1e-5)


def test_encoder(golden, published_pipeline):
    numbers = golden("02_fmri_encoder")
    tokens = published_pipeline.encoder(numbers["x"][:, 0])
    assert tokens.shape == (2, 30, 64)  # patches only, no class token
    assert_close(tokens, numbers["tokens_finetuned"], 1e-5)


@pytest.mark.parametrize(
    ("n_patches", "positions", "vectors", "tokens"),
    [
        (30, "pos_embed_interp", "x", "tokens_pretrained"),
        (45, "pos_embed_interp_720", "x_720", "tokens_pretrained_720"),
    ],
)
def test_encoder_of_another_length_takes_the_nearest_positions(
    golden, masked_model, n_patches, positions, vectors, tokens
):
    numbers = golden("02_fmri_encoder")
    encoder = FmriEncoder(n_patches * 16 - 1, width=64, depth=2, heads=4)
    state = masked_model.encoder.state_dict()
    state["pos_embed"] = resized_positions(state["pos_embed"], n_patches)
    assert_close(state["pos_embed"], numbers[positions][:, 1:], 1e-6)
    encoder.load_state_dict(state)
    assert_close(encoder(numbers[vectors][:, 0]), numbers[tokens], 1e-5)


def test_pooling_encoder_takes_the_mean_before_the_norm(golden, masked_model):
    numbers = golden("02_fmri_encoder")
    encoder = FmriEncoder(479, width=64, depth=2, heads=4, global_pool=True)
    # The published loader leaves every norm of a pooling encoder as it was created.
    state = {n: v for n, v in masked_model.encoder.state_dict().items() if "norm" not in n}
    state["pos_embed"] = resized_positions(state["pos_embed"], 30)
    encoder.load_state_dict(state, strict=False)
    assert_close(encoder(numbers["x"][:, 0]), numbers["tokens_global_pool"], 1e-5)


def test_conditioning(golden, published_pipeline):
    numbers = golden("03_conditioning")
    context, time = published_pipeline.condition(numbers["x"][:, 0])
    assert_close(context, numbers["context"], 1e-5)
    assert_close(time, numbers["time_cond"][:, 0], 1e-5)


def test_conditioning_of_pooled_tokens(golden, generate_weight):
    numbers = golden("03_global_pool_variant")
    encoder = FmriEncoder(479, width=64, depth=2, heads=4, global_pool=True)
    state = {
        name: generate_weight(f"cond_stage_model.mae.{name}", value.shape, "gp")
        for name, value in encoder.state_dict().items()
        if name != "pos_embed"
    }
    state["pos_embed"] = golden("02_fmri_encoder")["pos_embed_interp"][:, 1:]
    encoder.load_state_dict(state)
    conditioner = Conditioner(1, 64, 64, 128, context_tokens=1, global_pool=True)
    names = {"width_mapper": "cond_stage_model.dim_mapper"}
    names["time_mapper"] = "model.diffusion_model.time_embed_condtion"
    conditioner.load_state_dict(
        {
            f"{ours}.{leaf}": generate_weight(f"{theirs}.{leaf}", shape, "gp")
            for ours, theirs in names.items()
            for leaf, shape in (
                ("weight", getattr(conditioner, ours).weight.shape),
                ("bias", getattr(conditioner, ours).bias.shape),
            )
        }
    )
    context, time = conditioner(encoder(numbers["fmri"][:, 0]))
    assert_close(context, numbers["context"], 1e-5)
    assert_close(time, numbers["time_cond"][:, 0], 1e-5)


@pytest.mark.parametrize("steps", [(1, 997), (0, 999), (500, 251)])
def test_unet(golden, published_pipeline, steps):
    numbers, conditions = golden("04_unet"), golden("03_conditioning")
    noise = published_pipeline.predict_noise(
        numbers["x"], torch.tensor(steps), (numbers["context"], conditions["time_cond"][:, 0])
    )
    assert_close(noise, numbers["eps_t{}_{}".format(*steps)], 1e-5)


def test_unet_on_latents_that_are_not_square(golden, published_pipeline):
    numbers, conditions = golden("04_unet"), golden("03_conditioning")
    noise = published_pipeline.predict_noise(
        numbers["x_24x16"],
        torch.tensor([77]),
        (numbers["context"][1:], conditions["time_cond"][1:, 0]),
    )
    assert_close(noise, numbers["eps_24x16_t77"], 1e-5)


def test_first_stage_encodes_before_it_quantises(golden, published_pipeline):
    numbers = golden("05_vq")
    vqvae = published_pipeline.vqvae
    assert_close(vqvae.encode(numbers["img"]).latents, numbers["h"], 1e-5)
    assert_close(vqvae.encode(numbers["img_64x48"]).latents, numbers["h_64x48"], 1e-5)
    assert vqvae.config.scaling_factor == 1.0


def test_first_stage_quantises_before_it_decodes(golden, published_pipeline):
    numbers = golden("05_vq")
    vqvae = published_pipeline.vqvae
    for latents, pictures in (("h", "rec"), ("h_wide", "rec_wide"), ("h_64x48", "rec_64x48")):
        published = numbers[pictures]
        decoded = vqvae.decode(numbers[latents][: len(published)]).sample
        assert_close(decoded, published, 1e-4)
    codes = vqvae.quantize(numbers["h"])[2][2].view(2, 16, 16)
    clear = numbers["margin"] > 1e-4  # two codes are nearly as near elsewhere
    assert torch.equal(codes[clear], numbers["idx"][clear])


def test_noise_schedule(golden, scheduler):
    numbers = golden("06_schedule")
    assert_close(scheduler.betas, numbers["betas"], 1e-7)
    assert_close(scheduler.alphas_cumprod, numbers["alphas_cumprod"], 1e-6)


@pytest.mark.parametrize("steps", [20, 250])
def test_time_steps_are_the_published_ones(golden, scheduler, steps):
    published = golden("06_schedule")[f"timesteps_{steps}"].flip(0)
    for name in ("ddim", "dpm++"):
        assert torch.equal(build_sampler(scheduler, Sampling(name, steps)).timesteps, published)
    plms = build_sampler(scheduler, Sampling("plms", steps)).timesteps
    assert len(plms) == steps + 1  # the first step, an improved Euler step, asks twice
    assert torch.equal(plms.unique().flip(0), published)


@pytest.mark.parametrize(
    ("name", "steps", "file", "n"),
    [
        ("plms", 20, "08_plms_20", 2),
        ("ddim", 20, "09_ddim_20", 2),
        ("plms", 250, "08_plms_250", 1),
        ("ddim", 250, "09_ddim_250", 1),
    ],
)
def test_sampling(golden, published_pipeline, name, steps, file, n):
    """Draw the first `n` samples of the published code, from its own noise."""
    numbers, conditions = golden(file), golden("03_conditioning")
    condition = (numbers["context"][:n], conditions["time_cond"][:n, 0])
    sampler = build_sampler(published_pipeline.scheduler, Sampling(name, steps))
    *_, (latents, _) = denoise(
        lambda x, step: published_pipeline.predict(x, step, condition),
        sampler,
        numbers["x_T"][:n],
    )
    assert_close(latents, numbers["latents"][:n], 2e-3)
    pictures = published_pipeline.pictures(latents).movedim(-1, 1)
    off = (pictures.int() - numbers["image_u8"][:n].int()).abs()
    assert off.max() <= 1
    assert (off > 0).sum() <= 10


def test_full_size_networks_have_the_published_number_of_parameters():
    with torch.device("meta"):
        unet, vqvae = build_unet(), build_vqvae()
        encoder = FmriEncoder(4643)
        conditioner = Conditioner(encoder.n_tokens, 1024)
        model = MaskedBrainModel(4643)
    assert encoder.n_patches == 291
    assert unet.num_parameters() == 400_920_579
    assert vqvae.num_parameters() == 55_322_782
    # Without the unused class and mask tokens and the position of the class token.
    assert encoder.num_parameters() == 151_561_216 - 3 * 1024
    assert model.num_parameters() == 164_868_112 - 1024 - 512  # two positions
    time = sum(p.numel() for n, p in conditioner.named_parameters() if n.startswith("time_"))
    assert time == 396_987
    assert conditioner.num_parameters() - time == 152_139_598 - 151_561_216
    assert time_width(unet) == 768
