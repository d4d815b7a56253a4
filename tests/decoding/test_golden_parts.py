"""The insides of the published networks and schedules, beside what `test_golden` compares."""

from __future__ import annotations

import pytest
import torch

from mindvis_gui.data.mask import kept_patches
from mindvis_gui.decoding.sampling import build_sampler, denoise
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import RequestError

# What the published U-Net calls a layer → where its output appears here.
LAYERS = {
    "time_embed": "time_embedding",
    "input_blocks.0": "conv_in",
    "input_blocks.1": "down_blocks.0.resnets.0",
    "input_blocks.3": "down_blocks.0.downsamplers.0",
    "input_blocks.4.1": "down_blocks.1.attentions.0",
    "input_blocks.4": "down_blocks.1.attentions.0",
    "input_blocks.9": "down_blocks.2.downsamplers.0",
    "input_blocks.11": "down_blocks.3.attentions.1",
    "middle_block": "mid_block",
    "output_blocks.0": "up_blocks.0.attentions.0",
    "output_blocks.2": "up_blocks.0.upsamplers.0",
    "output_blocks.5": "up_blocks.1.upsamplers.0",
    "output_blocks.8": "up_blocks.2.upsamplers.0",
    "output_blocks.11": "up_blocks.3.resnets.2",
}


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def assert_close(actual, expected, atol):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


def test_number_of_kept_patches(golden):
    numbers = golden("01_len_keep")
    for ratio, row in zip(numbers["ratios_f64"].tolist(), numbers["len_keep"], strict=True):
        found = [kept_patches(n, ratio) for n in numbers["L"].tolist()]
        assert found == row.tolist()


def test_tokens_before_their_positions(golden, published_weights):
    numbers, weights = golden("01_mbm_forward"), published_weights["fmri_encoder.pth"]
    tokens = torch.nn.functional.conv1d(
        numbers["x"],
        weights["patch_embed.proj.weight"],
        weights["patch_embed.proj.bias"],
        stride=16,
    )
    assert_close(tokens.transpose(1, 2), numbers["patch_embed"], 1e-5)
    for ratio in (75, 50):
        voxels = numbers[f"pred_{ratio}"].flatten(1)  # patches lie one after the other
        assert_close(voxels, numbers[f"recon_{ratio}"][:, 0], 0)


def test_mixing_of_tokens_comes_before_the_linear_layer(golden, published_pipeline):
    numbers = golden("03_conditioning")
    tokens = published_pipeline.encoder(numbers["x"][:, 0])
    mixed = published_pipeline.conditioner.token_mapper(tokens)
    assert_close(mixed, numbers["channel_mapped"], 1e-5)


def test_layers_of_the_unet(golden, published_pipeline):
    """Activations at t = 500 of the first latent, with both conditions."""
    numbers, unet = golden("04_unet_intermediate"), published_pipeline.unet
    assert_close(unet.time_proj(numbers["t_for_emb"]), numbers["timestep_embedding"], 1e-5)
    found = {}

    def keep(name):
        def hook(module, given, output):
            found[name] = output[0] if isinstance(output, tuple) else output

        return hook

    hooks = [
        unet.get_submodule(ours).register_forward_hook(keep(ours)) for ours in set(LAYERS.values())
    ]
    inputs, time = golden("04_unet"), golden("03_conditioning")["time_cond"]
    published_pipeline.predict_noise(
        inputs["x"][:1], torch.tensor([500]), (inputs["context"][:1], time[:1, 0])
    )
    for hook in hooks:
        hook.remove()
    for theirs, ours in LAYERS.items():
        assert_close(found[ours], numbers[theirs], 1.5e-4)  # of values up to 15


def test_unet_at_the_published_latent_size(golden, published_pipeline):
    numbers, time = golden("04_unet"), golden("03_conditioning")["time_cond"]
    noise = published_pipeline.predict_noise(
        numbers["x_64"], torch.tensor([321]), (numbers["context"][:1], time[:1, 0])
    )
    assert_close(noise, numbers["eps_64_t321"], 1e-5)


def test_codes_and_decoding_without_them(golden, published_pipeline):
    numbers, vqvae = golden("05_vq"), published_pipeline.vqvae
    assert torch.equal(vqvae.quantize.embedding.weight, numbers["codebook"])
    assert torch.equal(numbers["z"], numbers["h"])  # what is diffused: not quantised, not scaled
    clear = (numbers["margin"] > 1e-4)[:, None].expand_as(numbers["zq"])
    quantised = vqvae.quantize(numbers["h"])[0]
    assert_close(quantised[clear], numbers["zq"][clear], 1e-5)
    quantised, _, (_, _, codes) = vqvae.quantize(numbers["h_wide"])
    assert numbers["min_margin"] < 1e-4 < numbers["min_margin_wide"]
    assert torch.equal(codes.view(1, 16, 16), numbers["idx_wide"])
    assert_close(quantised, numbers["zq_wide"], 1e-5)
    plain = vqvae.decode(numbers["h"][:1], force_not_quantize=True).sample[:, :, :32]
    assert_close(plain, numbers["rec_nq"], 1e-4)
    assert (plain - numbers["rec"][:, :, :32]).abs().max() > 1  # so quantising does matter


def test_noise_is_added_as_published(golden, scheduler):
    numbers = golden("06_schedule")
    noisy = scheduler.add_noise(numbers["q_x0"], numbers["q_noise"], numbers["q_t"])
    assert_close(noisy, numbers["q_sample"], 1e-6)
    alphas = scheduler.alphas_cumprod
    assert_close(alphas.sqrt(), numbers["sqrt_alphas_cumprod"], 1e-6)
    assert_close((1 - alphas).sqrt(), numbers["sqrt_one_minus_alphas_cumprod"], 1e-6)
    assert_close(alphas[:-1], numbers["alphas_cumprod_prev"][1:], 1e-6)
    for name in ("betas", "alphas_cumprod"):
        assert_close(getattr(scheduler, name).double(), numbers[f"{name}_f64"], 1e-6)


@pytest.mark.parametrize("steps", [20, 50, 100, 250])
def test_signal_at_the_time_steps(golden, scheduler, steps):
    numbers = golden("06_schedule")
    times = build_sampler(scheduler, Sampling("ddim", steps)).timesteps.flip(0)
    assert torch.equal(times, numbers[f"timesteps_{steps}"])
    alphas = scheduler.alphas_cumprod[times]
    assert_close(alphas, numbers[f"alphas_{steps}"], 1e-6)
    before = torch.cat([scheduler.final_alpha_cumprod[None], alphas[:-1]])
    assert_close(before, numbers[f"alphas_prev_{steps}"], 1e-6)


def test_step_counts_that_mean_something_else_in_the_published_code_are_refused(golden):
    assert len(golden("06_schedule")["timesteps_7"]) == 8  # 7 steps were asked for
    for steps in (7, 300, 600):
        with pytest.raises(RequestError, match="divides 1000"):
            Sampling("plms", steps)


@pytest.mark.parametrize(("name", "file"), [("plms", "08_plms_20"), ("ddim", "09_ddim_20")])
def test_way_of_a_sampler(golden, published_pipeline, name, file):
    numbers, time = golden(file), golden("03_conditioning")["time_cond"]
    condition = (numbers["context"][:1], time[:1, 0])
    sampler = build_sampler(published_pipeline.scheduler, Sampling(name, 20))
    walk = list(
        denoise(
            lambda x, step: published_pipeline.predict(x, step, condition),
            sampler,
            numbers["x_T"][:1],
        )
    )
    walk = walk[len(walk) - 20 :]  # the first step of PLMS asks twice
    for index, published in enumerate(numbers["x_inter"][1:], 1):
        assert_close(walk[4 * index - 1][0], published, 2e-3)
        if name == "ddim":  # PLMS's is extrapolated; ours shows what the network sees
            assert_close(walk[4 * index - 1][1], numbers["pred_x0"][index], 2e-3)
    decoded = published_pipeline.vqvae.decode(numbers["latents"][:1]).sample
    assert_close(decoded, numbers["decoded"], 1e-4)
    codes = published_pipeline.vqvae.quantize(numbers["latents"][:1])[2][2].view(1, 16, 16)
    assert torch.equal(codes, numbers["idx"])


@pytest.mark.parametrize("file", ["08_plms_20", "08_plms_250", "09_ddim_20"])
def test_colours_are_cut_not_rounded(golden, published_pipeline, file):
    numbers = golden(file)
    unit = ((numbers["decoded"] + 1) / 2).clamp(0, 1)
    assert_close(unit, numbers["image01"], 0)
    made = published_pipeline.pictures(numbers["latents"][:1]).movedim(-1, 1)
    assert torch.equal((255 * unit).byte(), numbers["image_u8"][:1])
    assert (made.int() - numbers["image_u8"][:1].int()).abs().max() <= 1
