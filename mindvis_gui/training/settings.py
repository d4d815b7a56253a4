"""What can be chosen about each stage of training: one frozen dataclass a stage.

The command line makes its options from these fields, and a TOML file has them as keys.
Nothing here needs torch.
"""
# ruff: noqa: RUF009 (`setting` and `own_default` make dataclass fields)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from mindvis_gui.data.focus import range_of
from mindvis_gui.data.prepare import PADDINGS, Padding
from mindvis_gui.training.common_settings import Settings, own_default, setting

Trainable = Literal["cross-attention", "all", "none"]
Selection = Literal["validation", "test"]
Fit = Literal["cut", "squeeze"]


def _padding() -> Any:
    return setting("wrap", "how responses are brought to whole patches", choices=PADDINGS)


def _untrained(meaning: str, default: int | str, low: float | None = None) -> Any:
    """Declare a size that the masked model decides; without one it is `default`, that of A1."""
    choices = PADDINGS if isinstance(default, str) else ()
    return setting(
        None, f"{meaning}, without pre-training (default: {default})", low=low, choices=choices
    )


_MASKING = {
    "mask_ratio": "share of the patches that is masked",
    "focus": "what is masked more often: voxels FIRST-LAST, or regions V1,V2; none by default",
    "focus_rate": "weight of a patch in focus when patches to mask are drawn; one outside has "
    "1 - this",
    "interpolate": "share of the batches in which pairs of responses are interpolated",
    "visible": "weight of the error of patches that stay visible, which keeps them in the tokens",
    "augment_times": "size of the data with interpolated pairs, in units of the data; 1: none",
}


@dataclass(frozen=True, kw_only=True)
class MaskingSettings(Settings):
    """What stages A1 and A2 share."""

    mask_ratio: float = setting(0.75, _MASKING["mask_ratio"], low=0.01, high=0.99)
    focus: str = setting("", _MASKING["focus"])
    focus_rate: float = setting(0.6, _MASKING["focus_rate"], low=0.01, high=0.99)
    interpolate: float = setting(0.0, _MASKING["interpolate"], low=0.0, high=1.0)
    augment_times: float = setting(1.0, _MASKING["augment_times"], low=1.0, high=100.0)
    visible: float = setting(0.0, _MASKING["visible"], low=0.0, high=10.0)
    weight_decay: float = own_default("weight_decay", 0.05)
    clip: float = own_default("clip", 0.8)

    def __post_init__(self) -> None:
        super().__post_init__()
        range_of(self.focus)


@dataclass(frozen=True, kw_only=True)
class MbmSettings(MaskingSettings):
    """Stage A1: SC-MBM."""

    STAGE: ClassVar[str] = "mbm"
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {"epochs": 500.0, "batch": 500},
        "small": {
            "width": 128,
            "depth": 3,
            "heads": 2,
            "decoder_width": 96,
            "decoder_depth": 2,
            "decoder_heads": 3,
            "rate": 1e-3,
            "batch": 32,
            "interpolate": 0.5,
            "visible": 0.25,
            "epochs": 15.0,
        },
    }

    epochs: float = own_default("epochs", 200.0)
    batch: int = own_default("batch", 64)
    rate: float = own_default("rate", 2.5e-4)
    warmup: float = own_default("warmup", 0.08)
    padding: Padding = _padding()
    patch_size: int = setting(16, "voxels a patch", low=1)
    width: int = setting(1024, "width of the encoder", low=2)
    depth: int = setting(24, "blocks of the encoder", low=1)
    heads: int = setting(16, "attention heads of the encoder", low=1)
    mlp_ratio: float = setting(1.0, "width of the hidden layers, in widths", low=0.1)
    decoder_width: int = setting(512, "width of the decoder", low=2)
    decoder_depth: int = setting(8, "blocks of the decoder", low=1)
    decoder_heads: int = setting(16, "attention heads of the decoder", low=1)


@dataclass(frozen=True, kw_only=True)
class AdaptSettings(MaskingSettings):
    """Stage A2: SC-MBM on the target subject."""

    STAGE: ClassVar[str] = "adapt"
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {"include_test_fmri": True, "batch": 16},
        "small": {
            "rate": 3e-4,
            "batch": 32,
            "interpolate": 0.5,
            "visible": 0.25,
            "epochs": 8.0,
            "warmup": 0.08,
        },
    }

    masked_model: str = setting("", "folder that stage A1 wrote, or a published fmri_encoder.pth")
    include_test_fmri: bool = setting(
        False, "learn from the fMRI of test trials too, as published; the model says so"
    )
    epochs: float = own_default("epochs", 15.0)
    batch: int = own_default("batch", 64)
    rate: float = own_default("rate", 5.3e-5)
    warmup: float = own_default("warmup", 2 / 15)


def _crops(default: int) -> Any:
    return setting(default, "random crops of each picture that are encoded ahead; 0: none", low=0)


def _crop() -> Any:
    return setting(0.2, "share of the side that a crop cuts away", low=0.0, high=0.9)


def _fit() -> Any:
    meaning = "pictures that are no squares: take the middle, or squeeze the whole as stage B does"
    return setting("cut", meaning, choices=get_args(Fit))


def _crop_probability() -> Any:
    return setting(0.5, "share of the pictures cropped", low=0.0, high=1.0)


def _average_decay() -> Any:
    return setting(
        0.999, "of the moving average of the weights, which is what is saved; 0: none",
        low=0.0, high=0.99999,
    )  # fmt: skip


def _largest_weight() -> Any:
    meaning = "above 1, errors at noisy steps count more, up to this factor"
    return setting(1.0, meaning, low=1.0)


@dataclass(frozen=True, kw_only=True)
class LdmSettings(Settings):
    """Stage B: DC-LDM."""

    STAGE: ClassVar[str] = "ldm"
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {
            "epochs": 500.0,
            "batch": 5,
            "selection": "test",
            "average_decay": 0.0,
            "crops": 16,
        },
        "small": {
            "epochs": 20.0,
            "batch": 12,
            "draws": 4,
            "rate": 2e-4,
            "unet_rate": 4.0,
            "trainable": "all",
            "largest_weight": 50.0,
            "context_tokens": 65,
            "crops": 2,
            "sparsify": 0.2,
            "clip": 1.0,
        },
    }

    base: str = setting(
        "", "diffusion model to start from: a model's name or folder, a folder that label-ldm "
        "wrote, or a CompVis checkpoint",
    )  # fmt: skip
    masked_model: str = setting("", "folder that stage A wrote, or a published fmri_encoder.pth")
    pretraining: bool = setting(True, "start from the encoder of --masked-model, or from none")
    train_encoder: bool = setting(True, "train the fMRI encoder too")
    trainable: Trainable = setting(
        "cross-attention", "what is trained in the U-Net",
        choices=get_args(Trainable),
    )  # fmt: skip
    cross_attention: bool = setting(True, "condition by cross-attention")
    time_condition: bool = setting(True, "condition by the time embedding")
    global_pool: bool = setting(False, "give one pooled token instead of one a patch")
    fresh_norms: bool = setting(True, "as published, a pooling encoder starts with untrained norms")
    context_tokens: int = setting(77, "tokens of the context", low=1)
    selection: Selection = setting(
        "validation", "which trials choose the best weights; test is the published way, and the "
        "model says so", choices=get_args(Selection),
    )  # fmt: skip
    epochs: float = own_default("epochs", 500.0)
    batch: int = own_default("batch", 5)
    draws: int = setting(1, "noise draws a trial and update; the encoder's work is shared", low=1)
    rate: float = own_default("rate", 5.3e-5)
    unet_rate: float = setting(1.0, "learning rate of the U-Net, in units of the others'", low=0.0)
    clip: float = own_default("clip", 0.5)
    average_decay: float = _average_decay()
    largest_weight: float = _largest_weight()
    crops: int = _crops(8)
    crop: float = _crop()
    crop_probability: float = _crop_probability()
    sparsify: float = setting(0.0, "share of the voxels that is set to 0", low=0.0, high=0.99)
    noise: float = setting(0.0, "deviation of noise added to the normalised response", low=0.0)
    gradient_checkpointing: bool = setting(
        False, "compute the U-Net twice to save memory", changes_numbers=False
    )
    image_size: int | None = setting(
        None, "pixels; only a CompVis checkpoint does not tell (default: 256)", low=8
    )
    padding: Padding | None = _untrained(
        "how responses are brought to whole patches", MbmSettings.padding
    )
    patch_size: int | None = _untrained("voxels a patch", MbmSettings.patch_size, low=1)
    width: int | None = _untrained("width of the encoder", MbmSettings.width, low=2)
    depth: int | None = _untrained("blocks of the encoder", MbmSettings.depth, low=1)
    heads: int | None = _untrained("attention heads of the encoder", MbmSettings.heads, low=1)


@dataclass(frozen=True, kw_only=True)
class VqSettings(Settings):
    """The first stage: a VQ autoencoder of pictures."""

    STAGE: ClassVar[str] = "vq"
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "small": {
            "image_size": 64,
            "channels": 16,
            "latent_channels": 4,
            "codes": 2048,
            "layers": 1,
            "norm_groups": 4,
            "rate": 2e-3,
            "batch": 8,
        }
    }

    image_size: int = setting(256, "height and width of the pictures, pixels", low=8)
    fit: Fit = _fit()
    channels: int = setting(128, "of the first level, before the multipliers", low=1)
    multipliers: tuple[int, ...] = setting(
        (1, 2, 4), "channels at each level, in units of --channels; each level halves the size",
        low=1,
    )  # fmt: skip
    layers: int = setting(2, "residual blocks a level", low=1)
    norm_groups: int = setting(32, "groups of the norms; more than one channel each", low=1)
    latent_channels: int = setting(3, "channels of the latents", low=1)
    codes: int = setting(8192, "of the codebook", low=2)
    plain_share: float = setting(
        0.1, "share of the updates before the codebook starts", low=0.0, high=0.9
    )
    crop: float = _crop()
    crop_probability: float = _crop_probability()
    epochs: float = own_default("epochs", 50.0)
    batch: int = own_default("batch", 8)
    rate: float = own_default("rate", 2e-4)
    warmup: float = own_default("warmup", 0.02)
    weight_decay: float = own_default("weight_decay", 1e-4)


@dataclass(frozen=True, kw_only=True)
class LabelLdmSettings(Settings):
    """The diffusion model of labelled pictures that stage B starts from."""

    STAGE: ClassVar[str] = "label-ldm"
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "small": {
            "channels": 32,
            "multipliers": (2, 3, 3),
            "attention": (1, 2),
            "layers": 1,
            "context_width": 128,
            "grid": 8,
            "batch": 32,
            "rate": 1e-3,
            "largest_weight": 50.0,
        }
    }

    first_stage: str = setting("", "folder that vq wrote, or a model's name or folder")
    fit: Fit = _fit()
    channels: int = setting(192, "of the first level, before the multipliers; 32, 64, …", low=32)
    multipliers: tuple[int, ...] = setting(
        (1, 2, 3, 5), "channels at each level, in units of --channels", low=1
    )
    attention: tuple[int, ...] = setting((1, 2, 3), "levels with attention, counted from 0", low=0)
    layers: int = setting(2, "residual blocks a level", low=1)
    context_width: int = setting(512, "width of the cross-attention", low=1)
    grid: int = setting(0, "cells a side of the layout beside the label; 0: label only", low=0)
    crops: int = _crops(4)
    crop: float = _crop()
    largest_weight: float = _largest_weight()
    average_decay: float = _average_decay()
    warmup: float = own_default("warmup", 0.02)


STAGES: dict[str, type[Settings]] = {
    each.STAGE: each
    for each in (MbmSettings, AdaptSettings, LdmSettings, VqSettings, LabelLdmSettings)
}
