"""CLIP ViT-L/14 (Radford et al. 2021), the picture encoder alone."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from mindvis_gui.errors import ModelError, UnavailableError
from mindvis_gui.scoring.torch_network import CLIP_MEAN, CLIP_SD, Layer, Preparation, TorchNetwork
from mindvis_gui.scoring.weights import PANEL_EXTRA, find_weights, require_packages

FOLDER = "clip-vit-large-patch14"
_REPOSITORY = f"openai/{FOLDER}"
_SOURCE = f"huggingface.co/{_REPOSITORY}, config.json and model.safetensors"
_PACKAGES = ["transformers"]


class ClipPictures(nn.Module):
    """Returns the embedding of prepared pictures (n, 3, h, w) as (n, d)."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, x: Tensor) -> Tensor:
        """Embed pictures."""
        embeddings: Tensor = self.encoder(pixel_values=x).image_embeds
        return embeddings


def load_clip() -> TorchNetwork:
    """Load the encoder from a folder of weights, or from what Hugging Face has in its cache.

    Raises
    ------
    UnavailableError
        If transformers or the weights are not there.
    ModelError
        If the weights are damaged.
    """
    folder = _folder()
    from transformers import CLIPVisionModelWithProjection

    try:
        encoder = CLIPVisionModelWithProjection.from_pretrained(
            folder, local_files_only=True, use_safetensors=True
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"{folder}: holds no CLIP in safetensors; download it again") from error
    return clip_network(encoder)


def clip_network(encoder: nn.Module) -> TorchNetwork:
    """Return an encoder as scores need it."""
    return TorchNetwork(
        ClipPictures(encoder),
        "CLIP ViT-L/14 (OpenAI)",
        Preparation(224, CLIP_MEAN, CLIP_SD),
        {"embedding": Layer("", "picture embedding")},
    )


def _folder() -> Path:
    try:
        return find_weights(FOLDER, _SOURCE, _PACKAGES)
    except UnavailableError:
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(_REPOSITORY, "model.safetensors")
        if isinstance(cached, str):
            require_packages(_PACKAGES, PANEL_EXTRA)
            return Path(cached).parent
        raise
