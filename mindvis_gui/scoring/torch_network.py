"""Any torch network as scores need it: pictures prepared, in batches, features by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from mindvis_gui.analysis.networks import Features, NetworkOutput
from mindvis_gui.data.subject import FloatArray, ImageArray
from mindvis_gui.decoding.device import choose_device, failures_said

BATCH = 16
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
IMAGENET_MEAN, IMAGENET_SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_SD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is done to a picture before a network sees it.

    Attributes
    ----------
    side : int
        Pixels that both sides of the whole picture are brought to; 0 leaves it as it is.
    mean, sd : (float, float, float)
        Of R, G and B in 0–1.
    filter : {"bilinear", "bicubic"}
        Averages where a picture shrinks.
    """

    side: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    sd: tuple[float, float, float] = IMAGENET_SD
    filter: str = "bilinear"

    def __str__(self) -> str:
        size = f"at {self.side} × {self.side} pixels ({self.filter})" if self.side else "as it is"
        low, high = (", ".join(f"{v:.3g}" for v in values) for values in (self.mean, self.sd))
        return f"whole picture {size}, (x − ({low})) / ({high})"

    def __call__(self, pictures: ImageArray) -> Tensor:
        """Return pictures (n, h, w, 3), 0–255, as (n, 3, side, side) float32."""
        mean, sd = (np.array(values, np.float32) for values in (self.mean, self.sd))
        values = np.stack([self._resized(picture) for picture in pictures])
        values = (values / np.float32(255) - mean) / sd
        return torch.from_numpy(values).permute(0, 3, 1, 2).contiguous()

    def _resized(self, picture: ImageArray) -> FloatArray:
        if self.side and picture.shape[:2] != (self.side, self.side):
            image = Image.fromarray(picture).resize((self.side, self.side), _FILTERS[self.filter])
            return np.asarray(image, dtype=np.float32)
        return picture.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer by its path in the network (empty: the output), and what it is in words."""

    path: str
    name: str


class TorchNetwork:
    """A torch module that looks at pictures, on a GPU if there is one that torch can use.

    Parameters
    ----------
    module : torch.nn.Module
        Returns logits, if it is a classifier.
    name : str
    preparation : Preparation
    layers : mapping of str to Layer
    class_names : tuple of str
        Empty where it is no classifier.

    Raises
    ------
    ModelError
        If memory runs out, or the GPU is lost; here or later.
    """

    def __init__(
        self,
        module: nn.Module,
        name: str,
        preparation: Preparation,
        layers: Mapping[str, Layer],
        class_names: tuple[str, ...] = (),
    ) -> None:
        self._device = torch.device(choose_device("auto"))
        with failures_said(name, self._device.type):
            self._module = module.eval().requires_grad_(False).to(self._device)
        self._layers = dict(layers)
        self._prepare = preparation
        self.name = name
        self.preparation = str(preparation)
        self.layers = {key: layer.name for key, layer in layers.items()}
        self.class_names = class_names

    def run(self, pictures: ImageArray, layers: Sequence[str] = ()) -> NetworkOutput:
        """Look at pictures (n, h, w, 3), 0–255, in batches."""
        with failures_said(self.name, self._device.type):
            batches = [
                self._run_batch(pictures[start : start + BATCH], layers)
                for start in range(0, len(pictures), BATCH)
            ]
        return NetworkOutput(
            np.concatenate([each.probabilities for each in batches]),
            {key: np.concatenate([each.features[key] for each in batches]) for key in layers},
        )

    @torch.inference_mode()
    def _run_batch(self, pictures: ImageArray, layers: Sequence[str]) -> NetworkOutput:
        caught: dict[str, Tensor] = {}

        def catch(key: str) -> Any:
            # Flat at once: what follows may write into the same memory.
            return lambda module, inputs, output: caught.update({key: output.flatten(1).clone()})

        paths = {key: self._layers[key].path for key in layers}
        hooks = [
            self._module.get_submodule(path).register_forward_hook(catch(key))
            for key, path in paths.items()
        ]
        try:
            output = self._module(self._prepare(pictures).to(self._device))
        finally:
            for hook in hooks:
                hook.remove()
        probabilities = (
            output.softmax(dim=-1) if self.class_names else output.new_zeros(len(pictures), 0)
        )
        return NetworkOutput(_numpy(probabilities), {key: _numpy(caught[key]) for key in layers})


def _numpy(values: Tensor) -> Features:
    return values.float().cpu().numpy()
