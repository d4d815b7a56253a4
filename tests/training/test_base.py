"""What stage B starts from: every form of a diffusion model, and what is none."""

import json
import shutil

import pytest
import torch
from diffusers import UNet2DConditionModel

from mindvis_gui.decoding.models import VELOCITY
from mindvis_gui.decoding.networks import build_scheduler
from mindvis_gui.errors import ModelError, RequestError
from mindvis_gui.training.base import read_base, read_first_stage


def test_compvis_checkpoint_and_diffusers_folder_are_the_same_model(published_files, tmp_path):
    of_file = read_base(str(published_files["model.ckpt"]), 64)
    assert (of_file.image_size, of_file.unet.config.sample_size) == (64, 16)
    plain = UNet2DConditionModel.from_config({**of_file.unet.config, "class_embed_type": None})
    plain.load_state_dict(of_file.unet.state_dict())
    plain.save_pretrained(tmp_path / "unet")
    of_file.vqvae.save_pretrained(tmp_path / "vqvae")
    of_folder = read_base(str(tmp_path), 256)
    assert of_folder.image_size == 64
    assert of_folder.unet.config.class_embed_type == "identity"  # the second condition enters here
    latents, context = torch.zeros(1, 3, 16, 16), torch.zeros(1, 2, 64)
    with torch.no_grad():
        made = [
            base.unet(latents, 5, context, class_labels=torch.ones(1, 128)).sample
            for base in (of_file, of_folder)
        ]
    assert torch.equal(*made)
    assert len(of_file.latent_rgb) == 4


def test_what_the_u_net_predicts_comes_with_it(published_files, tiny_model_folder, tmp_path):
    base = read_base(str(published_files["model.ckpt"]), 64)
    base.unet.save_pretrained(tmp_path / "unet")
    base.vqvae.save_pretrained(tmp_path / "vqvae")
    velocity = build_scheduler(VELOCITY)
    velocity.save_pretrained(tmp_path / "scheduler")
    assert read_base(str(tmp_path), 64).scheduler.config.prediction_type == VELOCITY

    model = tmp_path / "model"
    shutil.copytree(tiny_model_folder, model)
    velocity.save_pretrained(model / "scheduler")
    assert read_base(str(model), 64).scheduler.config.prediction_type == VELOCITY
    build_scheduler("sample").save_pretrained(model / "scheduler")
    with pytest.raises(ModelError, match="predicts 'sample'"):
        read_base(str(model), 64)
    build_scheduler("sample").save_pretrained(tmp_path / "scheduler")
    with pytest.raises(ModelError, match="predicts 'sample'"):
        read_base(str(tmp_path), 64)


def test_model_of_this_application(tiny_model_folder):
    base = read_base(str(tiny_model_folder), 256)
    assert base.image_size == 32
    assert base.latent_rgb[0] == [0.2, 0.0, 0.0]
    assert read_first_stage(str(tiny_model_folder))[0].config.num_vq_embeddings == 64


def test_what_is_no_model(tmp_path, tiny_model_folder):
    with pytest.raises(RequestError, match="--base"):
        read_base("", 256)
    with pytest.raises(ModelError, match="no model"):
        read_base(str(tmp_path / "none"), 256)
    (tmp_path / "unet").mkdir()
    with pytest.raises(ModelError, match="has no vqvae/"):
        read_base(str(tmp_path), 256)
    with pytest.raises(RequestError, match="--first-stage"):
        read_first_stage("")


@pytest.mark.parametrize(("scale", "named"), [(0.5, "0.5"), (None, "0.18215")])
def test_scaled_latents_are_refused(tiny_model_folder, tmp_path, scale, named):
    for part in ("unet", "vqvae"):
        shutil.copytree(tiny_model_folder / part, tmp_path / part)
    assert read_base(str(tmp_path), 256).image_size == 32  # as it was written here
    path = tmp_path / "vqvae" / "config.json"
    config = json.loads(path.read_text())
    del config["scaling_factor"]
    path.write_text(json.dumps(config | ({"scaling_factor": scale} if scale else {})))
    for read in (lambda name: read_base(name, 256), read_first_stage):
        with pytest.raises(ModelError, match=f"to be scaled by {named} .* set scaling_factor to 1"):
            read(str(tmp_path))
