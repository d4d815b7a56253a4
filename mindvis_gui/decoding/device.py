"""Where networks run and in which precision."""

from __future__ import annotations

import torch

from mindvis_gui.errors import ModelError

DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str) -> str:
    """Return ``"cpu"`` or ``"cuda"``; ``"auto"`` takes a GPU if there is one.

    Raises
    ------
    ModelError
        If a GPU is asked for and there is none.
    """
    if name not in DEVICES:
        raise ModelError(f"unknown device '{name}'; choose one of {', '.join(DEVICES)}")
    available = torch.cuda.is_available()
    if name == "auto":
        return "cuda" if available else "cpu"
    if name == "cuda" and not available:
        raise ModelError("device 'cuda' is not available here; choose 'cpu' or 'auto'")
    return name


def choose_precision(name: str, device: str) -> str:
    """Return ``"fp32"`` or ``"bf16"``; ``"auto"`` is bf16 where `device` is fast at it."""
    if name != "auto":
        return name
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16" if fast else "fp32"
