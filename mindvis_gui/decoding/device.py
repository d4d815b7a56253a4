"""Where networks run and in which precision."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mindvis_gui.decoding.sampling_settings import DEVICES, PRECISIONS
from mindvis_gui.errors import ModelError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

# Where a library of CUDA finds no memory, or torch's allocator on a CPU, the error is a plain one.
# A convolution tries all ways that there are, and says of memory that there is none of these.
_NO_MEMORY = (
    "can't allocate memory",
    "out of memory",
    "STATUS_ALLOC_FAILED",
    "was unable to find an engine to execute this computation",
    "Unable to find a valid cuDNN algorithm",
)


def choose_device(name: str) -> str:
    """Return ``"cpu"`` or ``"cuda"``; ``"auto"`` takes a GPU if there is one that torch can use.

    Raises
    ------
    ModelError
        If a GPU is asked for and there is none.
    """
    if name not in DEVICES:
        raise ModelError(f"unknown device '{name}'; choose one of {', '.join(DEVICES)}")
    if name == "cpu":
        return name
    if not torch.cuda.is_available():
        if name == "auto":
            return "cpu"
        raise ModelError("device 'cuda' is not available here; choose 'cpu' or 'auto'")
    oldest, (major, minor) = _oldest_capability(), torch.cuda.get_device_capability()
    if (major, minor) >= oldest:
        return "cuda"
    if name == "auto":  # torch itself warns, and names builds that have it
        return "cpu"
    raise ModelError(
        f"device 'cuda' cannot be used: {torch.cuda.get_device_name()} is of compute capability "
        f"{major}.{minor}, but this PyTorch begins at {oldest[0]}.{oldest[1]}; install a build of "
        "PyTorch that has it, or choose 'cpu' or 'auto'"
    )


def _oldest_capability() -> tuple[int, int]:
    """Return the least compute capability of NVIDIA's GPUs that torch was built for."""
    built = re.findall(r"(?:sm|compute)_(\d+)", " ".join(torch.cuda.get_arch_list()))
    return divmod(min(map(int, built), default=0), 10)


def choose_precision(name: str, device: str) -> str:
    """Return ``"fp32"``, ``"bf16"`` or ``"fp16"``.

    ``"auto"`` is bf16 where `device` is fast at it, else fp16 on a GPU and fp32 on a CPU.

    Raises
    ------
    ModelError
        If there is no such precision, or `device` cannot compute in it.
    """
    if name not in PRECISIONS:
        raise ModelError(f"unknown precision '{name}'; choose one of {', '.join(PRECISIONS)}")
    if name == "auto":
        if _has_bf16(device):
            return "bf16"
        return "fp16" if device == "cuda" else "fp32"
    if name == "bf16" and not _has_bf16(device):
        kind = "GPU" if device == "cuda" else "CPU"
        raise ModelError(
            f"precision 'bf16' is not available: this {kind} has no bf16 instructions; "
            f"choose fp32{' or fp16' * (device == 'cuda')}"
        )
    if name == "fp16" and device != "cuda":
        raise ModelError("precision 'fp16' is for GPUs only; choose fp32 or bf16 on a CPU")
    return name


def _has_bf16(device: str) -> bool:
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


@contextmanager
def failures_said(model: str, device: str) -> Iterator[None]:
    """Say in one sentence that memory ran out, or that the GPU is gone.

    Raises
    ------
    ModelError
        In place of what torch raises.
    """
    try:
        yield
    except RuntimeError as error:  # torch's own kinds are subclasses of it
        memory, lost = ran_out_of_memory(error), device == "cuda" and stopped_working(error)
        if memory or lost:
            # Whoever keeps what is raised here would keep the tensors of the failed call.
            traceback.clear_frames(error.__traceback__)
        if memory:
            other = "choose device 'cpu'" if device == "cuda" else "choose a smaller model"
            raise ModelError(
                f"model {model} does not fit into the memory of '{device}'; "
                f"close what else uses it, or {other}"
            ) from error
        if lost:
            raise ModelError(
                f"the GPU stopped working ({str(error).splitlines()[0]}); "
                f"restart the application, or choose device 'cpu' for model {model}"
            ) from error
        raise


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch means that memory ran out, of a GPU or a CPU."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    said = str(error)
    return isinstance(error, RuntimeError) and any(words in said for words in _NO_MEMORY)


def stopped_working(error: BaseException) -> bool:
    """Whether an error of torch on a GPU, which is not out of memory, means that it is lost."""
    said = str(error)
    return isinstance(error, RuntimeError) and ("CUDA" in said or "cuDNN" in said)
