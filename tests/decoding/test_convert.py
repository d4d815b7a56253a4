"""Published checkpoint files: what converts, and what is refused."""

import re

import pytest
import torch

from mindvis_gui.decoding.convert import convert_base, convert_published
from mindvis_gui.decoding.models import read_model_info
from mindvis_gui.errors import ModelError

STAGE_B = {"img_size": 64, "dataset": "GOD"}


@pytest.fixture
def converted(published_files, published_weights, write_checkpoint):
    """Return a function that converts with a changed finetuned.pth."""

    def convert(change=None, *, encoder=True, settings=None, **others):
        weights = dict(published_weights["finetuned.pth"])
        if change:
            change(weights)
        config = write_checkpoint.config("Config_Generative_Model", STAGE_B | (settings or {}))
        path = write_checkpoint(
            "finetuned.pth", {"model_state_dict": weights, "config": config, "state": None}
        )
        stage_a = published_files["fmri_encoder.pth"] if encoder else None
        return convert_published(published_files["model.ckpt"], path, stage_a, **others)

    return convert


def test_networks_have_the_sizes_of_the_checkpoint(published_pipeline):
    unet, vqvae = published_pipeline.unet.config, published_pipeline.vqvae.config
    assert tuple(unet.block_out_channels) == (32, 64, 96, 160)
    assert (unet.cross_attention_dim, unet.sample_size) == (64, 16)
    assert tuple(vqvae.block_out_channels) == (32, 64, 128)
    assert (vqvae.num_vq_embeddings, published_pipeline.config.image_size) == (256, 64)
    encoder = published_pipeline.encoder
    assert (encoder.n_patches, encoder.config.depth, encoder.config.heads) == (30, 2, 4)
    assert published_pipeline.masked_model.n_patches == 30  # pre-trained with 33
    assert torch.tensor(published_pipeline.config.latent_rgb).shape == (4, 3)


def test_number_of_voxels_is_known_in_patches_only(published_pipeline, tmp_path):
    published_pipeline.save_pretrained(tmp_path / "imported")
    info = read_model_info(tmp_path / "imported")
    assert info.n_voxels == 0
    assert [n for n in range(600) if info.fits(n)] == list(range(464, 480))


def test_number_of_voxels_can_be_given(converted):
    assert converted(n_voxels=470).config.n_voxels == 470
    with pytest.raises(ModelError, match="on 464 to 479 voxels, not on 480"):
        converted(n_voxels=480)


@pytest.mark.parametrize("size", [33, 66, 1, 4, 4100, 4_000_000])
def test_pictures_that_the_first_stage_cannot_make_are_refused(published_files, converted, size):
    with pytest.raises(ModelError, match=f"has {size} as 'img_size', but .* in steps of 4$"):
        converted(settings={"img_size": size})
    with pytest.raises(ModelError, match=f"image_size {size} was asked for, but .* in steps of 4$"):
        convert_base(published_files["model.ckpt"], size)


@pytest.mark.parametrize("size", [8, 72])
def test_pictures_of_other_sizes_may_be_asked_for(converted, size):
    pipeline = converted(settings={"img_size": size})
    assert (pipeline.config.image_size, pipeline.unet.config.sample_size) == (size, size // 4)


def test_weights_of_no_use_are_ignored(converted):
    def add(weights):
        weights["model_ema.decay"] = torch.tensor(0.9)
        weights["first_stage_model.loss.logvar"] = torch.zeros(1)
        weights["cond_stage_model.embedding.weight"] = torch.zeros(1001, 64)

    assert converted(add).unet.config.sample_size == 16


def test_frozen_weights_may_come_from_the_base_model(converted, published_pipeline):
    def drop(weights):
        for name in [name for name in weights if name.startswith("first_stage_model.")]:
            del weights[name]

    ours = converted(drop).vqvae.state_dict()
    for name, value in published_pipeline.vqvae.state_dict().items():
        assert torch.equal(ours[name], value)


@pytest.mark.parametrize(
    "name",
    [
        "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_q.weight",
        "cond_stage_model.mae.blocks.1.norm2.bias",
        "model.diffusion_model.time_embed_condtion.1.bias",
    ],
)
def test_fine_tuned_weights_may_not(converted, name):
    with pytest.raises(ModelError, match=r"missing: \S"):
        converted(lambda weights: weights.pop(name))


@pytest.mark.parametrize(
    "name", ["surprise.weight", "model.diffusion_model.surprise", "first_stage_model.surprise"]
)
def test_left_over_weights_are_refused_by_name(converted, name):
    with pytest.raises(ModelError, match="surprise"):
        converted(lambda weights: weights.update({name: torch.zeros(1)}))


def test_weight_of_another_shape_is_refused(converted):
    name = "first_stage_model.decoder.conv_out.bias"
    with pytest.raises(ModelError, match=r"decoder\.conv_out\.bias' has shape \(4,\)"):
        converted(lambda weights: weights.update({name: torch.zeros(4)}))


@pytest.mark.parametrize(
    "betas",
    [torch.linspace(1e-4, 0.02, 1000), torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2],
)
def test_another_noise_schedule_is_refused(converted, betas):
    with pytest.raises(ModelError, match="another noise schedule"):
        converted(lambda weights: weights.update(betas=betas))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_files_saved_in_half_precision_convert(converted, published_pipeline, dtype):
    def halve(weights):
        weights.update({name: value.to(dtype) for name, value in weights.items()})

    name = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"
    expected = published_pipeline.unet.state_dict()[name]
    torch.testing.assert_close(
        converted(halve).unet.state_dict()[name], expected, rtol=0.01, atol=1e-3
    )


@pytest.fixture
def converted_with(published_weights, write_checkpoint):
    """Return a function that converts the three files, some of them with changed weights."""

    def convert(**changes):
        stage_a = {"num_heads": 4, "decoder_num_heads": 4}
        parts = {
            "ldm": ("model.ckpt", "state_dict", None),
            "finetuned": (
                "finetuned.pth",
                "model_state_dict",
                write_checkpoint.config("Config_Generative_Model", STAGE_B),
            ),
            "encoder": (
                "fmri_encoder.pth",
                "model",
                write_checkpoint.config("Config_MBM_finetune", stage_a),
            ),
        }
        paths = []
        for part, (name, section, config) in parts.items():
            weights = changes.get(part, dict)(dict(published_weights[name]))
            paths.append(write_checkpoint(name, {section: weights, "config": config}))
        return convert_published(*paths)

    return convert


def wrapped(weights):
    return {f"module.{name}": value for name, value in weights.items()}


def without_first_stage(weights):
    return {n: value for n, value in weights.items() if not n.startswith("first_stage_model.")}


def test_the_prefix_of_data_parallel_is_taken_off(converted_with, published_pipeline):
    ours = converted_with(ldm=wrapped, finetuned=wrapped, encoder=wrapped)
    for part in ("encoder", "conditioner", "unet", "vqvae", "masked_model"):
        expected = getattr(published_pipeline, part).state_dict()
        for name, value in getattr(ours, part).state_dict().items():
            assert torch.equal(value, expected[name]), name


def test_a_message_calls_a_weight_as_its_file_does(converted_with):
    odd = {"model.diffusion_model.odd": torch.zeros(1)}
    with pytest.raises(ModelError, match=r"finetuned\.pth: .*left over: module\.model\.\w+\.odd"):
        converted_with(finetuned=lambda weights: wrapped(weights | odd))
    with pytest.raises(ModelError, match=r"model\.ckpt: .*left over: model\.diffusion_model\.odd"):
        converted_with(ldm=lambda weights: weights | odd)


def test_a_base_model_of_other_names_is_one_short_line(converted_with):
    with pytest.raises(ModelError) as caught:
        converted_with(ldm=lambda weights: {f"other.{n}": value for n, value in weights.items()})
    said = str(caught.value)
    assert re.search(
        r"model\.ckpt: holds weights that nothing here uses: other\.\S+, .* more;", said
    )
    assert "finetuned" not in said
    assert len(said) < 1000


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize(
    ("part", "name", "others"),
    [
        ("ldm", "first_stage_model.decoder.conv_in.bias", {"finetuned": without_first_stage}),
        ("finetuned", "model.diffusion_model.out.2.bias", {}),
        ("finetuned", "cond_stage_model.mae.pos_embed", {}),
        ("encoder", "mask_token", {}),
    ],
)
def test_weights_that_are_not_finite_are_refused_by_name(converted_with, part, name, others, value):
    def spoilt(weights):
        weights[name] = weights[name].clone()
        weights[name].view(-1)[-1] = value
        return weights

    file = {"ldm": "model.ckpt", "finetuned": "finetuned.pth", "encoder": "fmri_encoder.pth"}[part]
    with pytest.raises(ModelError, match=f"{file}: weight '{name}' holds numbers that are not fin"):
        converted_with(**{part: spoilt, **others})


def test_without_the_encoder_file_the_number_of_heads_is_unknown(converted):
    with pytest.raises(ModelError, match="how many attention heads"):
        converted(encoder=False)
