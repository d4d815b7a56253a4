"""A stand-in for a GPU where there is none: tensors that say they are on one.

They compute on the CPU. But as on a GPU, an operation that gets tensors of both places fails, so
does looking at a value while a graph is recorded, and a graph that is replayed computes in the
memory it was recorded in, all of which it keeps. Memory can be made to end. What cannot be seen so
is precision, speed, and what CUDA's kernels do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

GPU = torch.device("cuda", 0)
_CPU = torch.device("cpu")
_aten = torch.ops.aten
_ACROSS = (_aten.copy_.default, _aten._to_copy.default)
_INDEXED = (  # the first tensor says where, indices may be on the CPU
    _aten.index.Tensor,
    _aten.index_put.default,
    _aten.index_put_.default,
    _aten._index_put_impl_.default,
)
_LOOKED_AT = (_aten._local_scalar_dense.default, _aten.nonzero.default)


class GpuTensor(Tensor):
    """A tensor whose values are `held` on the CPU, which nothing but `_compute` may know."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> GpuTensor:
        # As "meta" for torch's C++ side, or it would think that there is nothing to move.
        made = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device="meta",
            requires_grad=held.requires_grad,
        )
        made.held = held
        return made

    @property
    def device(self) -> torch.device:
        return GPU

    @property
    def is_cuda(self) -> bool:
        return True

    @property
    def is_meta(self) -> bool:
        return False

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def record_stream(self, stream: _Stream) -> None: ...

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def __array__(self, dtype: Any = None) -> Any:
        return self.numpy()

    def __reduce_ex__(self, protocol: Any) -> Any:  # in a file it is an ordinary tensor
        return self.held.__reduce_ex__(protocol)

    def __repr__(self, **_: Any) -> str:
        return f"GpuTensor({self.held!r})"

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(func, args, kwargs or {})


@dataclass
class Use:
    """How often a graph was replayed; it keeps none of its memory."""

    replays: int = 0


class _Recorded:
    """A graph that is recorded, or was: what was computed, from and into which memory."""

    def __init__(self) -> None:
        self.calls: list[tuple[Callable[..., Any], Any, Any, list[Tensor]]] = []
        self.use = Use()
        self.spoilt = False

    def replay(self) -> None:
        self.use.replays += 1
        for func, args, kwargs, results in self.calls:
            for result, new in zip(results, _tensors(func(*args, **kwargs)), strict=True):
                if result is not new:
                    result.copy_(new)


class _Memory:
    """What lives on the GPU: storages that no tensor has any more are gone."""

    def __init__(self) -> None:
        self.most: int | None = None
        self._held: dict[int, tuple[StorageWeakRef, int]] = {}
        self._sum = 0  # of what is held, and of what is gone and was not yet looked for

    def take(self, made: Tensor) -> None:
        storage = made.untyped_storage()
        reference = StorageWeakRef(storage)
        if reference.cdata in self._held:
            return
        self._held[reference.cdata] = reference, storage.nbytes()
        self._sum += storage.nbytes()
        if self.most is not None and self._sum > self.most and self.used > self.most:
            raise torch.OutOfMemoryError(
                f"CUDA out of memory, of which there are {self.most} bytes"
            )

    @property
    def used(self) -> int:
        self._held = {key: held for key, held in self._held.items() if not held[0].expired()}
        self._sum = sum(size for _, size in self._held.values())
        return self._sum


class _State:
    recording: _Recorded | None = None
    meta_is_meant = False  # by Python; where torch's C++ side says it, it means a `GpuTensor`
    memory = _Memory()


def _compute(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run an operation on the values of its tensors; its results are where they are."""
    tensors = [*_tensors(args), *_tensors([*kwargs.values()])]
    on_gpu = [isinstance(each, GpuTensor) for each in tensors]
    sized = [where for each, where in zip(tensors, on_gpu, strict=True) if each.dim()]
    result_on_gpu = any(on_gpu)
    if func in _INDEXED or func is _aten.copy_.default:
        result_on_gpu = on_gpu[0]
    if func not in (*_ACROSS, *_INDEXED) and any(sized) and not all(sized):
        raise RuntimeError(f"{func}: Expected all tensors to be on the same device, cuda:0 and cpu")
    place = kwargs.get("device")
    if place is not None and not (str(place) == "meta" and _State.meta_is_meant):
        result_on_gpu = torch.device(place).type in ("cuda", "meta")
        kwargs = {**kwargs, "device": _CPU}
    waits = func in _LOOKED_AT and any(on_gpu)
    waits |= func in _ACROSS and len({*on_gpu, result_on_gpu}) > 1
    if _State.recording is not None and waits:
        _State.recording.spoilt = True
        raise RuntimeError(f"{func}: operation not permitted when stream is capturing")
    if kwargs.get("pin_memory"):
        kwargs = {**kwargs, "pin_memory": False}
    if not any(on_gpu) and not result_on_gpu:
        return func(*args, **kwargs)
    wrappers = {id(each.held): each for each in tensors if isinstance(each, GpuTensor)}
    plain_args = [_mapped(_held, each) for each in args]
    plain_kwargs = {name: _mapped(_held, each) for name, each in kwargs.items()}
    # In inference mode no view could be made of a tensor from outside of it.
    with torch.inference_mode(False), torch.no_grad():
        return _placed(func, plain_args, plain_kwargs, wrappers, on_gpu=result_on_gpu)


def _placed(
    func: Any, args: Any, kwargs: Any, wrappers: Mapping[int, GpuTensor], *, on_gpu: bool
) -> Any:
    result = func(*args, **kwargs)
    if not on_gpu:
        return result
    for made in _tensors(result):
        _State.memory.take(made)
    if _State.recording is not None:
        _State.recording.calls.append((func, args, kwargs, [*_tensors(result)]))
    return _mapped(
        lambda each: wrappers[id(each)] if id(each) in wrappers else GpuTensor(each), result
    )


def _held(each: Tensor) -> Tensor:
    return each.held if isinstance(each, GpuTensor) else each


def _tensors(values: Any) -> Iterator[Tensor]:
    """Yield the tensors among what an operation gets or returns, lists of them taken apart."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, list | tuple):
        for each in values:
            yield from _tensors(each)


def _mapped(change: Callable[[Tensor], Tensor], value: Any) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list | tuple):
        return type(value)(_mapped(change, each) for each in value)
    return value


class _Operations(TorchDispatchMode):
    """Sends every operation through `_compute`."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.is_inference_mode_enabled():  # torch does not take composite operations apart
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        return _compute(func, args, kwargs)


class _Numbered(TorchFunctionMode):
    """Says which GPU is meant by "cuda": to find that out, torch would ask CUDA."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = {name: _numbered(value) for name, value in (kwargs or {}).items()}
        # Those that make tensors of numbers put them into their place at once, not by an operation.
        if func in (torch.tensor, torch.as_tensor) and kwargs.get("device") == GPU:
            return func(*args, **{**kwargs, "device": None}).to(GPU)
        if func is Tensor.new_tensor and isinstance(args[0], GpuTensor):
            return torch.tensor(args[1], **{"dtype": args[0].dtype, **kwargs}).to(GPU)
        if func is Tensor.to and len(args) > 1 and isinstance(args[1], GpuTensor):
            args = (args[0], GPU, args[1].dtype)
        _State.meta_is_meant = any(map(_is_meta, [*args, *kwargs.values()]))
        try:
            return func(*map(_numbered, args), **kwargs)
        finally:
            _State.meta_is_meant = False


def _numbered(value: Any) -> Any:
    if isinstance(value, torch.device | str) and str(value) == "cuda":
        return GPU
    return value


def _is_meta(value: Any) -> bool:
    return isinstance(value, torch.device | str) and str(value) == "meta"


class _Stream:
    """A stream that is always done, and an event of it."""

    def wait_stream(self, _: _Stream) -> None: ...

    def record(self) -> None: ...

    def synchronize(self) -> None: ...

    def query(self) -> bool:
        return True

    def is_capturing(self) -> bool:
        return _State.recording is not None


class _Streams:
    """Which stream is the present one."""

    def __init__(self) -> None:
        self.current = _Stream()

    def set(self, stream: _Stream) -> None:
        self.current = stream

    @contextmanager
    def within(self, stream: _Stream) -> Iterator[None]:
        before, self.current = self.current, stream
        try:
            yield
        finally:
            self.current = before

    @contextmanager
    def recording(self, graph: _Recorded, **_: Any) -> Iterator[None]:
        before, self.current = self.current, _Stream()
        _State.recording = graph
        try:
            yield
        finally:
            _State.recording = None
            if graph.spoilt:  # torch then leaves its stream the present one
                raise RuntimeError("CUDA error: operation failed due to a previous error")
            self.current = before


@dataclass
class Gpu:
    """What the emulated GPU was used for."""

    graphs: list[Use] = field(default_factory=list)
    memory: _Memory = field(default_factory=_Memory)


@contextmanager
def emulated_gpu(free: int = 8 << 30) -> Iterator[Gpu]:
    """Let this thread have a GPU that says it has `free` bytes of memory.

    They never end, unless the ``memory.most`` of what is returned says when.
    """
    gpu, streams = Gpu(), _Streams()
    _State.memory = gpu.memory

    def new_graph() -> _Recorded:
        made = _Recorded()
        gpu.graphs.append(made.use)
        return made

    cuda = {
        "_lazy_init": lambda: None,
        "is_available": lambda: True,
        "is_bf16_supported": lambda including_emulation=True: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "set_device": lambda _: None,
        "mem_get_info": lambda device=None: (free, free),
        "empty_cache": lambda: None,
        "synchronize": lambda device=None: None,
        "manual_seed_all": lambda seed: None,
        "get_device_name": lambda device=None: "emulated",
        "get_device_properties": lambda device=None: SimpleNamespace(major=9, minor=0),
        "Stream": _Stream,
        "Event": _Stream,
        "current_stream": lambda device=None: streams.current,
        "set_stream": streams.set,
        "is_current_stream_capturing": lambda: _State.recording is not None,
        "stream": streams.within,
        "CUDAGraph": new_graph,
        "graph": streams.recording,
    }
    swapped = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        with (
            mock.patch.multiple(torch.cuda, **cuda),
            # Optimisers ask it in builds of torch for CUDA, which would ask a driver.
            mock.patch.object(torch.accelerator, "current_stream", cuda["current_stream"]),
            _Numbered(),
            _Operations(),
        ):
            yield gpu
    finally:
        torch.__future__.set_swap_module_params_on_conversion(swapped)
