"""All networks of one MinD-Vis model, and the folder they are saved in.

The import paths of the classes used here are written into every saved model:
moving one of them makes older folders unreadable.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from diffusers import DiffusionPipeline, ModelMixin, PNDMScheduler, UNet2DConditionModel, VQModel
from torch import Tensor

from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.models import VELOCITY
from mindvis_gui.decoding.preview import to_uint8
from mindvis_gui.errors import ModelError

_Network = TypeVar("_Network", bound=ModelMixin)
_FACTS = (
    "n_voxels",
    "image_size",
    "dataset",
    "latent_rgb",
    "normalisation",
    "test_use",
    "guidance",
)
Condition = tuple[Tensor, Tensor]  # context (batch, tokens, width), time (batch, time width)


class MindVisPipeline(DiffusionPipeline):
    """The double-conditioned latent diffusion model (DC-LDM, section 3.2).

    Parameters
    ----------
    encoder, conditioner, unet, vqvae, scheduler
        The networks on the way from a response to a picture, and the noise schedule.
    masked_model : MaskedBrainModel, optional
        SC-MBM as it was before fine-tuning, which changes the encoder.
    n_voxels : int, optional
        Length of the response vectors it was trained on; None if only their number
        of patches is known.
    image_size : int
        Height and width of the pictures, in pixels.
    dataset : str
        What it was trained on, in words.
    latent_rgb : list of (latent channels + 1) rows of 3, optional
        Linear map from latents to colours in -1…1, see `mindvis_gui.decoding.preview`.
    normalisation : dict, optional
        How the training responses were normalised: ``mean``, ``std``, ``basis``.
    test_use : list of str, optional
        Sentences on how training made use of the test trials, if it did.
    guidance : float, optional
        Scale of the guidance that its samples are best drawn with; none where it is not told.
    """

    _optional_components = ["masked_model"]  # noqa: RUF012 (the base class declares it so)

    def __init__(
        self,
        encoder: FmriEncoder,
        conditioner: Conditioner,
        unet: UNet2DConditionModel,
        vqvae: VQModel,
        scheduler: PNDMScheduler,
        masked_model: MaskedBrainModel | None = None,
        n_voxels: int | None = None,
        image_size: int = 256,
        dataset: str = "",
        latent_rgb: list[list[float]] | None = None,
        normalisation: dict[str, Any] | None = None,
        test_use: list[str] | None = None,
        guidance: float | None = None,
    ) -> None:
        super().__init__()
        self.register_modules(
            encoder=encoder,
            conditioner=conditioner,
            unet=unet,
            vqvae=vqvae,
            scheduler=scheduler,
            masked_model=masked_model,
        )
        self.register_to_config(
            n_voxels=n_voxels,
            image_size=image_size,
            dataset=dataset,
            latent_rgb=latent_rgb,
            normalisation=normalisation,
            test_use=test_use,
            guidance=guidance,
        )

    def condition(self, vectors: Tensor) -> Condition:
        """Encode vectors (batch, n_padded), normalised and padded to whole patches."""
        context, time = self.conditioner(self.encoder(vectors))
        return context, time

    def predict(self, latents: Tensor, step: int | Tensor, condition: Condition) -> Tensor:
        """Run the U-Net on latents (batch, channels, h, w) at a step of the schedule.

        It predicts noise or velocity, as the scheduler says; `denoise` takes either.
        """
        context, time = condition
        return self.unet(latents, step, context, class_labels=time).sample

    def predict_noise(self, latents: Tensor, step: int | Tensor, condition: Condition) -> Tensor:
        """Predict the noise in latents (batch, channels, h, w) at a step of the schedule."""
        predicted = self.predict(latents, step, condition)
        if self.scheduler.config.prediction_type != VELOCITY:
            return predicted
        kept = self.scheduler.alphas_cumprod.to(latents)[
            int(step)
        ]  # Salimans & Ho 2022, appendix D
        return kept.sqrt() * predicted + (1 - kept).sqrt() * latents

    def pictures(self, latents: Tensor) -> Tensor:
        """Decode latents (batch, channels, h, w), quantised first, to (batch, H, W, 3) uint8."""
        return to_uint8(self.vqvae.decode(latents).sample).movedim(1, -1)


def load_pipeline(folder: Path) -> MindVisPipeline:
    """Load a saved model, of which `mindvis_gui.decoding.models.read_model_info` knows the parts.

    Each network is loaded as the class it must have, whatever the files say, from
    safetensors only, and without the network.

    Raises
    ------
    ModelError
        If weights and configuration do not belong together.
    """
    config = MindVisPipeline.load_config(folder, local_files_only=True)
    has_masked_model = config.get("masked_model", [None])[0] is not None
    return MindVisPipeline(
        encoder=load_network(FmriEncoder, folder / "encoder"),
        conditioner=load_network(Conditioner, folder / "conditioner"),
        unet=load_network(UNet2DConditionModel, folder / "unet"),
        vqvae=load_network(VQModel, folder / "vqvae"),
        scheduler=PNDMScheduler.from_pretrained(folder / "scheduler", local_files_only=True),
        masked_model=load_network(MaskedBrainModel, folder / "masked_model")
        if has_masked_model
        else None,
        **{name: config[name] for name in _FACTS if name in config},
    )


def load_network(network: type[_Network], folder: Path) -> _Network:
    """Load one network from its own folder, from safetensors only.

    Raises
    ------
    ModelError
        If the folder holds something else, or weights and configuration do not fit.
    """
    try:
        model, report = network.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, TypeError, KeyError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(f"{folder}: cannot be loaded: {reason}") from error
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report[what]:
            names = ", ".join(map(str, sorted(report[what])[:3]))
            raise ModelError(f"{folder}: weights do not fit its config.json; {what[:-5]}: {names}")
    return model.eval()
