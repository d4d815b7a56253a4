"""What goes wrong on a device is said in one sentence."""

import weakref

import pytest
import torch

from mindvis_gui.decoding import device
from mindvis_gui.decoding.device import choose_device, choose_precision, failures_said
from mindvis_gui.errors import ModelError


def test_a_gpu_that_disappears_is_said():
    lost = "CUDA error: unspecified launch failure\nCompile with TORCH_USE_CUDA_DSA"
    with (
        pytest.raises(ModelError, match="the GPU stopped working") as caught,
        failures_said("demo", "cuda"),
    ):
        raise RuntimeError(lost)
    assert str(caught.value) == (
        "the GPU stopped working (CUDA error: unspecified launch failure); "
        "restart the application, or choose device 'cpu' for model demo"
    )


def test_memory_that_runs_out_is_said():
    with (
        pytest.raises(ModelError, match="'cuda'; close what else uses it, or choose device 'cpu'"),
        failures_said("demo", "cuda"),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


# What torch raises where no tensor, but a library of CUDA, finds no memory.
OTHER_WORDS = [
    "CUDA error: out of memory\nCompile with TORCH_USE_CUDA_DSA",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "GET was unable to find an engine to execute this computation",
    "Unable to find a valid cuDNN algorithm to run convolution",
]


@pytest.mark.parametrize("words", OTHER_WORDS)
def test_memory_that_runs_out_has_many_names(words):
    with (
        pytest.raises(ModelError, match="does not fit into the memory of 'cuda'"),
        failures_said("demo", "cuda"),
    ):
        raise RuntimeError(words)


def test_a_failure_that_is_kept_holds_none_of_the_memory():
    """Or whatever comes next would have that much less."""
    held = []

    def fail():
        maps = torch.zeros(3)
        held.append(weakref.ref(maps))
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ModelError) as kept, failures_said("demo", "cuda"):
        fail()
    assert isinstance(kept.value.__cause__, torch.OutOfMemoryError)
    assert held[0]() is None


def test_libraries_of_a_lost_gpu_are_not_all_called_cuda():
    with pytest.raises(ModelError, match="the GPU stopped"), failures_said("demo", "cuda"):
        raise RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED")


def test_a_mistake_of_ours_stays_one():
    with pytest.raises(RuntimeError, match="shape"), failures_said("demo", "cuda"):
        raise RuntimeError("shape '[2, 3]' is invalid")


@pytest.mark.parametrize(
    ("bf16", "name", "chosen"),
    [
        (True, "cuda", "bf16"),
        (False, "cuda", "fp16"),
        (True, "cpu", "bf16"),
        (False, "cpu", "fp32"),
    ],
)
def test_the_precision_of_a_device(monkeypatch, bf16, name, chosen):
    monkeypatch.setattr(device, "_has_bf16", lambda name: bf16)
    assert choose_precision("auto", name) == chosen
    assert choose_precision("fp32", name) == "fp32"


def test_a_gpu_without_bf16_is_told_of_fp16(monkeypatch):
    monkeypatch.setattr(device, "_has_bf16", lambda name: False)
    with pytest.raises(ModelError, match="this GPU has no bf16 instructions; choose fp32 or fp16"):
        choose_precision("bf16", "cuda")


@pytest.fixture
def gpu(monkeypatch):
    """Return a function: what a GPU is capable of, what PyTorch was built for → there they are."""

    def there(capability, built):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: "Tesla V100")
        monkeypatch.setattr(torch.cuda, "get_arch_list", built.split)

    return there


CUDA_13 = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120 compute_120"


def test_a_gpu_that_pytorch_has_no_code_for_is_left_alone(gpu):
    gpu((7, 0), CUDA_13)
    assert choose_device("auto") == "cpu"
    with pytest.raises(ModelError) as caught:
        choose_device("cuda")
    assert str(caught.value) == (
        "device 'cuda' cannot be used: Tesla V100 is of compute capability 7.0, but this PyTorch "
        "begins at 7.5; install a build of PyTorch that has it, or choose 'cpu' or 'auto'"
    )


@pytest.mark.parametrize(
    ("capability", "built"),
    [
        ((7, 0), "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90"),
        ((7, 5), CUDA_13),
        ((8, 9), CUDA_13),
        ((9, 0), "sm_90a compute_90a"),
        ((9, 0), "gfx900 gfx906"),  # names of AMD's, which torch calls "cuda", too
        ((12, 1), CUDA_13),
    ],
)
def test_a_gpu_that_pytorch_has_code_for_is_taken(gpu, capability, built):
    gpu(capability, built)
    assert choose_device("auto") == choose_device("cuda") == "cuda"
