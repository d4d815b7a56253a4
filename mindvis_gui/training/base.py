"""The diffusion model that stage B starts from, whichever form it is in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diffusers import PNDMScheduler, UNet2DConditionModel, VQModel
from torch import Tensor

from mindvis_gui.decoding.convert import convert_base
from mindvis_gui.decoding.models import INDEX, check_prediction, find_model, read_model_info
from mindvis_gui.decoding.networks import PLMS_AS_PUBLISHED, build_scheduler
from mindvis_gui.decoding.pipeline import load_network, load_pipeline
from mindvis_gui.decoding.preview import fit_latent_rgb_to_codes
from mindvis_gui.errors import ModelError, RequestError
from mindvis_gui.training.known_pictures import read_known

_OF_COMPVIS = 256  # pixels of the published label-to-image model
_FIRST_STAGES = ("vqvae", "vae")


@dataclass(frozen=True, eq=False, slots=True)
class Base:
    """U-Net, first stage and noise schedule.

    `latent_rgb` is the map of the previews; `test_use` says what use the training of a model
    of this application made of test trials, `known` (n, 192) are small copies of the pictures
    that it was trained with.
    """

    unet: UNet2DConditionModel
    vqvae: VQModel
    scheduler: PNDMScheduler
    image_size: int
    latent_rgb: list[list[float]]
    test_use: tuple[str, ...]
    known: Tensor


def read_base(name: str, image_size: int | None = None) -> Base:
    """Read the model to start from.

    Parameters
    ----------
    name : str
        A model of this application by name or folder; a folder of diffusers with ``unet/``
        and ``vqvae/`` (or ``vae/``), such as ``mindvis train label-ldm`` writes; or a file of
        the CompVis code.
    image_size : int, optional
        Pixels, by default 256; only used for a file of the CompVis code, which does not tell.

    Raises
    ------
    RequestError
        If none was given.
    ModelError
        If it cannot be used.
    """
    if not name:
        raise RequestError("base: give the diffusion model to start from, --base MODEL")
    path = Path(name).expanduser()
    latent_rgb, scheduler = None, build_scheduler()
    test_use: tuple[str, ...] = ()
    folder = path
    if path.is_file():
        unet, vqvae = convert_base(path, image_size or _OF_COMPVIS)
    elif (path / "unet").is_dir() and not (path / INDEX).is_file():
        unet, vqvae, scheduler = _of_folder(path)
    else:
        folder = find_model(name)
        test_use = read_model_info(folder).test_use  # says what an incomplete one lacks
        pipeline = load_pipeline(folder)
        unet, vqvae, scheduler = pipeline.unet, pipeline.vqvae, pipeline.scheduler
        latent_rgb = pipeline.config.latent_rgb
    size = int(vqvae.config.sample_size)
    latent_rgb = latent_rgb or fit_latent_rgb_to_codes(vqvae)
    return Base(unet, vqvae, scheduler, size, latent_rgb, test_use, read_known(folder))


def read_first_stage(name: str) -> tuple[VQModel, Tensor]:
    """Read the VQ autoencoder that ``mindvis train vq`` wrote, or that of a model.

    Beside it, small copies (n, 192) of the pictures that are known to have trained it.

    Raises
    ------
    RequestError
        If none was given.
    ModelError
        If the folder holds none.
    """
    if not name:
        raise RequestError("first_stage: give the folder that vq wrote, --first-stage DIR")
    path = Path(name).expanduser()
    folder = path if (path / "vqvae").is_dir() else find_model(name)
    return _unscaled(folder / "vqvae").requires_grad_(False), read_known(folder)


def _of_folder(folder: Path) -> tuple[UNet2DConditionModel, VQModel, PNDMScheduler]:
    stages = [stage for stage in _FIRST_STAGES if (folder / stage).is_dir()]
    if not stages:
        raise ModelError(f"{folder}: has no vqvae/ (or vae/) beside its unet/; give one that does")
    unet = load_network(UNet2DConditionModel, folder / "unet")
    if unet.config.class_embed_type != "identity":  # where the second condition enters
        weights = unet.state_dict()
        config = {**unet.config, "class_embed_type": "identity"}
        unet = UNet2DConditionModel.from_config(config)
        try:
            unet.load_state_dict(weights)
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise ModelError(f"{folder}: has class conditions of its own: {reason}") from error
    return unet, _unscaled(folder / stages[0]), _schedule_of(folder / "scheduler")


def _unscaled(folder: Path) -> VQModel:
    """Load a first stage, whose latents are diffused as they are."""
    vqvae = load_network(VQModel, folder)
    scale = float(vqvae.config.scaling_factor)
    if scale != 1:
        raise ModelError(
            f"{folder}: its latents are to be scaled by {scale:g} (diffusers takes 0.18215 where "
            "config.json has no scaling_factor), but here they are diffused as they are; set "
            "scaling_factor to 1 if the U-Net was trained so, or give another"
        )
    return vqvae


def _schedule_of(folder: Path) -> PNDMScheduler:
    """Return a folder's own noise schedule, with the published sampler; the published if none."""
    if not folder.is_dir():
        return build_scheduler()
    try:
        scheduler = PNDMScheduler.from_pretrained(
            folder, local_files_only=True, **PLMS_AS_PUBLISHED
        )
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(f"{folder}: cannot be loaded: {reason}") from error
    check_prediction(folder.parent, scheduler.config.prediction_type)
    return scheduler
