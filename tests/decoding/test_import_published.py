"""Published files into a model folder: what it decodes, and what is refused."""

import hashlib
import json
import re
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mindvis_gui.decoding import decoder as decoder_module
from mindvis_gui.decoding.import_published import importing_published
from mindvis_gui.decoding.models import load_decoder, read_model_info
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import ExportError, ModelError


def run(items):
    """Draw all items of a generator; return them and what it returns."""
    drawn = []
    while True:
        try:
            drawn.append(next(items))
        except StopIteration as stop:
            return drawn, stop.value


@pytest.fixture(scope="module")
def imported(published_files, tmp_path_factory):
    """Return the folder that the published files make, and the progress reported."""
    folder = tmp_path_factory.mktemp("models") / "god"
    drawn, made = run(importing_published(*published_files.values(), folder))
    assert made == folder
    assert [path.name for path in folder.parent.iterdir()] == ["god"]
    return folder, drawn


@pytest.fixture
def files(published_files):
    """Return the three paths by the importer's names, to be changed by a test."""
    return dict(zip(("ldm", "finetuned", "encoder"), published_files.values(), strict=True))


def test_progress_names_each_file_and_rises(imported):
    done, what = zip(*imported[1], strict=True)
    assert list(done) == sorted(done)
    assert done[0] == 0
    assert done[-1] < 1
    text = " ".join(what)
    for name in ("model.ckpt", "finetuned.pth", "fmri_encoder.pth"):
        assert f"Reading {name}" in text


def test_imported_model_is_complete(imported):
    info = read_model_info(imported[0])
    assert (info.n_voxels, info.n_patches, info.image_size) == (0, 30, 64)
    assert info.voxels == "464 to 479"
    assert info.has_masked_model
    index = json.loads((imported[0] / "model_index.json").read_text(encoding="utf-8"))
    assert np.array(index["latent_rgb"]).shape == (4, 3)
    files = {path.suffix for path in imported[0].rglob("*") if path.is_file()}
    assert files == {".json", ".safetensors", ".md"}


def test_imported_model_draws_the_published_samples(monkeypatch, golden, imported):
    """PLMS, 20 steps, from the start noise of the published code's own run."""
    numbers = golden("16_generate")
    decoder = load_decoder(imported[0], device="cpu", precision="fp32")
    for fmri, noise, pictures in zip(
        *(numbers[n] for n in ("fmri", "x_T", "samples")), strict=True
    ):
        monkeypatch.setattr(decoder_module, "initial_noise", lambda seeds, shape, x=noise: x)
        vector = fmri[0, :470].numpy()  # the rest is padding
        request = DecodeRequest("s", 0, vector, (0, 1), Sampling("plms", 20, "fp32"))
        _, result = run(decoder.decode(request))
        for sample, picture in zip(result.samples, pictures, strict=True):
            off = np.abs(sample.image.astype(int) - picture.movedim(0, -1).int().numpy())
            assert off.max() <= 1
            assert (off > 0).sum() <= 10


def test_card_says_what_was_imported(imported, published_files):
    card = read_model_info(imported[0]).card
    assert re.findall(r"\| (\S+) \| `([0-9a-f]{64})` \|", card) == [
        (name, hashlib.sha256(published_files[name].read_bytes()).hexdigest())
        for name in ("model.ckpt", "finetuned.pth", "fmri_encoder.pth")
    ]
    assert "464 to 479 voxels, 30 patches of 16" in card
    assert '| kam_subs | ["sbj_3"] |' in card
    assert str(imported[0].parent) not in card
    assert "## Licence" in card


def test_text_of_the_files_stays_in_its_cell(files, published_weights, write_checkpoint, tmp_path):
    settings = {"img_size": 64, "dataset": "GOD |\n# Title", "output_path": "/home/someone"}
    config = write_checkpoint.config("Config_Generative_Model", settings)
    weights = published_weights["finetuned.pth"]
    files["finetuned"] = write_checkpoint("f.pth", {"model_state_dict": weights, "config": config})
    run(importing_published(**files, folder=tmp_path / "new"))
    card = (tmp_path / "new" / "README.md").read_text(encoding="utf-8")
    assert "\n# Title" not in card
    assert r"**Trained on**: GOD \| # Title" in card
    assert "someone" not in card


def test_base_model_may_be_a_diffusers_folder(
    files, published_pipeline, published_weights, write_checkpoint, imported, tmp_path
):
    """Its frozen weights stand in for those that finetuned.pth lacks."""
    folder = tmp_path / "ldm"
    published_pipeline.unet.save_pretrained(folder / "unet")
    published_pipeline.vqvae.save_pretrained(folder / "vae")
    weights = dict(published_weights["finetuned.pth"])
    for name in [name for name in weights if name.startswith("first_stage_model.")]:
        del weights[name]
    config = write_checkpoint.config("Config_Generative_Model", {"img_size": 64})
    files["finetuned"] = write_checkpoint("f.pth", {"model_state_dict": weights, "config": config})
    files["ldm"] = folder
    run(importing_published(**files, folder=tmp_path / "new"))
    for part in ("unet", "vqvae", "encoder"):
        name = f"{part}/diffusion_pytorch_model.safetensors"
        assert (tmp_path / "new" / name).read_bytes() == (imported[0] / name).read_bytes()


def test_base_model_may_be_a_safetensors_file(files, published_weights, imported, tmp_path):
    path = tmp_path / "model.safetensors"
    weights = {name: v.contiguous() for name, v in published_weights["model.ckpt"].items()}
    save_file(weights, path)
    run(importing_published(**(files | {"ldm": path}), folder=tmp_path / "new"))
    assert read_model_info(tmp_path / "new").hash == read_model_info(imported[0]).hash


@pytest.mark.parametrize("contents", [None, b"", b"{} is no header"])
def test_damaged_safetensors_file(files, tmp_path, contents):
    path = tmp_path / "model.safetensors"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(ModelError, match=r"model\.safetensors: "):
        run(importing_published(**(files | {"ldm": path}), folder=tmp_path / "new"))


@pytest.mark.parametrize("lacking", ["unet", "vqvae"])
def test_folder_that_is_no_base_model(files, tmp_path, lacking):
    files["ldm"] = tmp_path
    for part in {"unet", "vqvae"} - {lacking}:
        (tmp_path / part).mkdir()
    with pytest.raises(ModelError, match=r"holds unet/ and vqvae/ \(or vae/\)"):
        run(importing_published(**files, folder=tmp_path / "new"))


def test_folder_without_weights(files, tmp_path):
    files["ldm"] = tmp_path
    for part in ("unet", "vqvae"):
        (tmp_path / part).mkdir()
    with pytest.raises(ModelError, match="unet: cannot be loaded"):
        run(importing_published(**files, folder=tmp_path / "new"))


@pytest.mark.parametrize(
    ("option", "given", "message"),
    [
        ("ldm", "encoder", r"pre-trained fMRI encoder \(.*\), not a latent diffusion model"),
        ("ldm", "finetuned", r"fine-tuned model \(.*\), not a latent diffusion model"),
        ("finetuned", "ldm", r"latent diffusion model \(.*\), not a fine-tuned model"),
        ("encoder", "finetuned", r"fine-tuned model \(.*\), not a pre-trained fMRI encoder"),
    ],
)
def test_wrong_file_is_called_what_it_is(files, tmp_path, option, given, message):
    with pytest.raises(ModelError, match=rf"{files[given].name}: is a {message}"):
        run(importing_published(**(files | {option: files[given]}), folder=tmp_path / "new"))
    assert list(tmp_path.iterdir()) == []


def test_encoder_of_another_model_is_refused(files, published_weights, write_checkpoint, tmp_path):
    weights = published_weights["fmri_encoder.pth"]
    weights = {name: value for name, value in weights.items() if not name.startswith("blocks.1.")}
    config = write_checkpoint.config("Config_MBM_fMRI", {"num_heads": 4, "decoder_num_heads": 4})
    files["encoder"] = write_checkpoint("other.pth", {"model": weights, "config": config})
    with pytest.raises(ModelError, match=r"other\.pth: .* 1 blocks\) is not the one"):
        run(importing_published(**files, folder=tmp_path / "new"))


@pytest.mark.parametrize("heads", [None, 0, "four", 4.0, 7])
def test_configuration_that_makes_no_sense(
    files, published_weights, write_checkpoint, tmp_path, heads
):
    settings = {"num_heads": heads, "decoder_num_heads": 4}
    config = write_checkpoint.config("Config_MBM_fMRI", settings)
    weights = published_weights["fmri_encoder.pth"]
    files["encoder"] = write_checkpoint("odd.pth", {"model": weights, "config": config})
    with pytest.raises(ModelError, match=r"num_heads|no networks have the sizes"):
        run(importing_published(**files, folder=tmp_path / "new"))


def test_weight_that_claims_more_than_it_has(files, published_weights, write_checkpoint, tmp_path):
    weights = dict(published_weights["model.ckpt"])
    weights["first_stage_model.quantize.embedding.weight"] = torch.zeros(1).expand(10**12, 3)
    files["ldm"] = write_checkpoint("huge.ckpt", {"state_dict": weights})
    with pytest.raises(ModelError, match=r"huge\.ckpt: .*embedding\.weight' claims more values"):
        run(importing_published(**files, folder=tmp_path / "new"))


@pytest.mark.parametrize("drawn", [1, 4, 5, 6])
def test_stopped_import_leaves_nothing(files, tmp_path, drawn):
    items = importing_published(**files, folder=tmp_path / "models" / "new")
    for _ in range(drawn):
        next(items)
    items.close()
    assert list(tmp_path.glob("models/*")) == []


def test_full_disk_leaves_nothing(files, tmp_path):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(ExportError, match=r"new: cannot be written: .*File too large"):
            run(importing_published(**files, folder=tmp_path / "new"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_existing_folder_is_only_replaced_on_demand(files, imported, tmp_path):
    folder = tmp_path / "god"
    shutil.copytree(imported[0], folder)
    (folder / "note.txt").write_text("mine")
    with pytest.raises(ExportError, match=r"exists already.*--overwrite"):
        run(importing_published(**files, folder=folder))
    assert (folder / "note.txt").exists()
    run(importing_published(**files, folder=folder, overwrite=True))
    assert not (folder / "note.txt").exists()
    assert read_model_info(folder).hash == read_model_info(imported[0]).hash
    assert [path.name for path in tmp_path.iterdir()] == ["god"]


def test_what_is_no_model_folder_is_never_replaced(files, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ExportError, match="is no model folder"):
        run(importing_published(**files, folder=tmp_path, overwrite=True))
    assert (tmp_path / "thesis.txt").exists()
