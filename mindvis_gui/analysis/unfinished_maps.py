"""Maps of attribution that are finished while their image still lacks others.

The image and its record are written once, when all maps are there. Until then each map lies in a
folder of its own name beside the image, so that the same command goes on where it was stopped.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from mindvis_gui.data.attribution import Attribution, Method
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.files import atomic_path, beside_image, only_writer, remove_unfinished
from mindvis_gui.version import __version__

_DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


@contextmanager
def unfinished_maps(image: Path) -> Iterator[UnfinishedMaps]:
    """Yield the maps that are finished for `image` (``.nii`` or ``.nii.gz``); none at first.

    Raises
    ------
    ExportError
        If another process is at the same image, or nothing can be written.
    """
    folder = beside_image(image, ".unfinished")
    try:
        with only_writer(folder):
            remove_unfinished(folder)
            yield UnfinishedMaps(folder)
    finally:
        with suppress(OSError):  # it stays as long as it holds maps
            folder.rmdir()


class UnfinishedMaps:
    """Finished maps in a folder, each found by all that it depends on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, request: DecodeRequest, method: Method) -> Attribution | None:
        """Return the map of the one sample of a request, or None if it is not finished."""
        try:
            with (
                self._path(request, method).open("rb") as file,
                np.load(file, allow_pickle=False) as kept,
            ):
                values = kept["values"]
                effect, explained = (float(kept[name]) for name in ("effect", "explained"))
        except _DAMAGE:
            return None
        if values.shape != request.vector.shape or values.dtype != np.float32:
            return None
        return Attribution(request.trial, request.seeds[0], method, values, effect, explained)

    def keep(self, request: DecodeRequest, found: Attribution) -> None:
        """Write down a map.

        Raises
        ------
        ExportError
            If it cannot be written.
        """
        effect, explained = np.float64(found.effect), np.float64(found.explained)
        target = self._path(request, found.method)
        with atomic_path(target) as temporary, temporary.open("wb") as file:
            np.savez(file, values=found.values, effect=effect, explained=explained)

    def remove(self) -> None:
        """Remove all maps, once the image holds what was wanted of them."""
        for path in self._folder.glob("*.npz"):
            with suppress(OSError):
                path.unlink()

    def _path(self, request: DecodeRequest, method: Method) -> Path:
        facts = json.dumps([__version__, method, request.to_json()], sort_keys=True)
        return self._folder / f"{hashlib.sha256(facts.encode()).hexdigest()[:32]}.npz"
