"""The label-to-image model that fine-tuning starts from: a CompVis file or diffusers folder."""

from __future__ import annotations

from pathlib import Path

from diffusers import UNet2DConditionModel, VQModel
from safetensors import SafetensorError
from safetensors.torch import load_file

from mindvis_gui.decoding import published_keys as published
from mindvis_gui.decoding.checkpoint import Checkpoint, Weights, unwrapped
from mindvis_gui.decoding.pipeline import load_network
from mindvis_gui.errors import ModelError

_FIRST_STAGES = ("vqvae", "vae")


def read_base_model(path: Path) -> Weights:
    """Read a latent diffusion model.

    Parameters
    ----------
    path : Path
        A checkpoint of the CompVis code such as the published ``model.ckpt``, the same
        weights as ``.safetensors``, or a folder of diffusers with ``unet/`` and ``vqvae/``
        (or ``vae/``) as safetensors.

    Returns
    -------
    Weights
        By our names: ``unet.…`` and ``vqvae.…``.

    Raises
    ------
    ModelError
        If it cannot be read safely or is something else.
    """
    if path.is_dir():
        return _read_folder(path)
    if path.suffix == ".safetensors":
        return renamed_ldm(_read_safetensors(path))
    return renamed_ldm(Checkpoint(path, "state_dict").take_weights())


def renamed_ldm(weights: Weights) -> Weights:
    """Return the weights of a CompVis model by our names, without those of no use."""
    blocks = weights.count(f"{published.UNET}.input_blocks.{{}}.")
    levels = 1 + sum(
        f"{published.UNET}.input_blocks.{block}.0.op.weight" in weights for block in range(blocks)
    )
    table = published.ldm_table(
        unet_levels=levels,
        unet_layers=blocks // levels - 1,
        first_stage_levels=weights.count(f"{published.FIRST_STAGE}.encoder.down.{{}}."),
    )
    return weights.without(published.IGNORED).renamed(table)


def _read_safetensors(path: Path) -> Weights:
    try:
        return unwrapped(load_file(path), path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    except SafetensorError as error:
        raise ModelError(f"{path}: is no safetensors file, or damaged: {error}") from error


def _read_folder(folder: Path) -> Weights:
    stages = [name for name in _FIRST_STAGES if (folder / name).is_dir()]
    if not stages or not (folder / "unet").is_dir():
        raise ModelError(
            f"{folder}: a diffusers folder holds unet/ and vqvae/ (or vae/); give one that does, "
            "or model.ckpt"
        )
    unet = load_network(UNet2DConditionModel, folder / "unet")
    vqvae = load_network(VQModel, folder / stages[0])
    parts = {"unet": unet.state_dict(), "vqvae": vqvae.state_dict()}
    return Weights(
        {f"{part}.{name}": value for part, state in parts.items() for name, value in state.items()},
        folder,
    )
