"""Samples that were drawn once, on disk: the same request again costs reading a picture.

Each is a PNG named after the content of its request: what the sample depends on, and nothing
else. A file that is not whole is never taken for a sample; it is drawn again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mindvis_gui.data.subject import ImageArray, read_only
from mindvis_gui.decoding.request import DecodeRequest, Sample
from mindvis_gui.decoding.sample_record import CHUNK, sample_request
from mindvis_gui.decoding.sampling_settings import NO_GUIDANCE
from mindvis_gui.decoding.versions import shaping_versions
from mindvis_gui.errors import ExportError
from mindvis_gui.files import atomic_path

DEFAULT_LIMIT = 2 << 30  # bytes: some 20,000 samples of 256 pixels
_PIXELS = "sha256"  # keyword of the PNG text chunk with the hash of the pixels
_LAYOUT = 5  # goes up when what a key means changes, or the last bits of a sample
_FREED = 0.9  # of the limit is left once it was passed
# What a sample depends on, besides its seed and the patches that are masked.
_SHAPES_A_SAMPLE = ("vector_sha256", "model_hash", "sampler", "steps", "precision")


def sample_key(
    request: Mapping[str, Any], seed: int, device: str, versions: Mapping[str, str] | None = None
) -> str:
    """Return the hash of all that a sample depends on.

    Parameters
    ----------
    request : mapping
        As `DecodeRequest.to_json` gives it.
    seed : int
    device : str
        Kind of device that it is drawn on: the last bits differ between kinds.
    versions : mapping of str to str, optional
        Package → version; those installed by default.
    """
    mask, guidance = request["mask"], request.get("guidance", NO_GUIDANCE)
    content = {
        **{name: request[name] for name in _SHAPES_A_SAMPLE},
        **({} if guidance == NO_GUIDANCE else {"guidance": guidance}),
        "mask": None if mask is None else [mask["n_patches"], list(mask["masked"])],
        "seed": seed,
        "device": device,
        "versions": dict(shaping_versions() if versions is None else versions),
        "layout": _LAYOUT,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class SampleCache:
    """A folder of samples by key; several processes may share one.

    Parameters
    ----------
    folder : pathlib.Path
        Made when the first sample is kept.
    limit : int
        Bytes; beyond it those that were not used for the longest time are removed.
    pinned : callable
        Returns the keys that stay whatever the limit says.
    """

    def __init__(
        self,
        folder: Path,
        limit: int = DEFAULT_LIMIT,
        pinned: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.folder, self._limit = folder, limit
        self.pinned = pinned
        self._size: int | None = None  # measured when the first sample is kept
        self._lock = Lock()

    def path(self, key: str) -> Path:
        """Return where the sample of that key is, or would be."""
        return self.folder / key[:2] / f"{key}.png"

    def get(self, key: str) -> ImageArray | None:
        """Return the sample of that key, or None; one cut short or altered is thrown away."""
        path = self.path(key)
        image = read_kept_sample(path)
        # A cache that cannot be written to is still worth reading.
        with contextlib.suppress(OSError):
            if image is None:
                path.unlink(missing_ok=True)
            else:
                os.utime(path)
        return image

    def put(self, key: str, sample: Sample, request: DecodeRequest) -> None:
        """Keep a sample that `request` was answered with.

        Raises
        ------
        ExportError
            If it cannot be written, or what was kept before be listed; that stays.
        """
        path = self.path(key)
        with atomic_path(path) as temporary:
            write_kept_sample(sample, sample_request(sample, request), temporary)
        try:
            with self._lock:
                self._size = self._measure() if self._size is None else self._size + _bytes_of(path)
                if self._size > self._limit:
                    self._size = self._shrink()
        except OSError as error:
            told = error.strerror or error
            raise ExportError(f"{self.folder}: cannot be listed: {told}") from error

    def _files(self) -> list[tuple[float, int, Path]]:
        """Return time of last use, size and path of every sample."""
        found = []
        for path in self.folder.glob("??/*.png"):
            with contextlib.suppress(OSError):  # another process shrinks it, too
                if not path.name.startswith("."):
                    status = path.stat()
                    found.append((status.st_mtime, status.st_size, path))
        return found

    def _measure(self) -> int:
        return sum(size for _, size, _ in self._files())

    def _shrink(self) -> int:
        files, pinned = sorted(self._files()), set(self.pinned())
        size = sum(size for _, size, _ in files)
        for _, bytes_, path in files:
            if size <= self._limit * _FREED:
                break
            if path.stem not in pinned:
                with contextlib.suppress(OSError):  # one that cannot be removed stays and counts
                    path.unlink(missing_ok=True)
                    size -= bytes_
        return size


def _bytes_of(path: Path) -> int:
    """Return the size of a file; 0 where another process has removed it already."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def write_kept_sample(sample: Sample, values: Mapping[str, Any], path: Path) -> None:
    """Write a sample with its request (as `sample_request` gives it) and the hash of its pixels."""
    info = PngInfo()
    info.add_itxt(CHUNK, json.dumps(values, ensure_ascii=False, sort_keys=True))
    info.add_text(_PIXELS, _digest(sample.image))
    Image.fromarray(sample.image).save(path, "PNG", pnginfo=info, compress_level=1)


def read_kept_sample(path: Path) -> ImageArray | None:
    """Return the pixels of a kept sample; None where there is none that is whole."""
    try:
        with Image.open(path, formats=["PNG"]) as image:
            pixels = read_only(np.array(image, dtype=np.uint8))
            whole = image.info.get(_PIXELS) == _digest(pixels)
    except (OSError, ValueError, SyntaxError):  # what Pillow raises on damaged files
        return None
    return pixels if whole else None


def _digest(image: ImageArray) -> str:
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()
