"""The Inception network that FID is defined by, which is not torchvision's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mindvis_gui.analysis.networks import NetworkOutput
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.errors import ModelError
from mindvis_gui.scoring.torch_network import BATCH
from mindvis_gui.scoring.weights import find_weights, read_weights

WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"
_SOURCE = "github.com/toshas/torch-fidelity/releases/tag/v0.2.0"


class FidInception:
    """Inception of 2015 with TensorFlow's resizing, as torch-fidelity and torchmetrics run it.

    Parameters
    ----------
    extractor : callable
        Takes (n, 3, h, w) uint8, returns the features of `layers` in their order.
    """

    name = "Inception 2015 (TensorFlow)"
    preparation = "whole picture at 299 × 299 pixels, (x − 128) / 128"
    layers = {"64": "first max pooling, 64 features", "2048": "last pooling, 2,048 features"}  # noqa: RUF012
    class_names: tuple[str, ...] = ()

    def __init__(self, extractor: Any) -> None:
        self._extractor = extractor

    def run(self, pictures: ImageArray, layers: Sequence[str] = ()) -> NetworkOutput:
        """Look at pictures (n, h, w, 3), 0–255, in batches."""
        found: dict[str, list[Any]] = {key: [] for key in self.layers}
        for start in range(0, len(pictures), BATCH):
            batch = np.ascontiguousarray(pictures[start : start + BATCH].transpose(0, 3, 1, 2))
            with torch.inference_mode():
                outputs = self._extractor(torch.from_numpy(batch))
            for key, output in zip(self.layers, outputs, strict=True):
                found[key].append(output.float().cpu().numpy())
        return NetworkOutput(
            np.zeros((len(pictures), 0), np.float32),
            {key: np.concatenate(found[key]) for key in layers},
        )


def load_inception_fid() -> FidInception:
    """Load the network.

    Raises
    ------
    UnavailableError
        If torch-fidelity or the weights are not there.
    ModelError
        If the weights are damaged or another network's.
    """
    path = find_weights(WEIGHTS, _SOURCE, ["torch_fidelity", "torchvision"])
    read_weights(path)  # torch-fidelity would run whatever a pickle holds
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    try:
        return FidInception(
            FeatureExtractorInceptionV3("inception", list(FidInception.layers), str(path))
        )
    except RuntimeError as error:
        raise ModelError(f"{path}: holds the weights of another network") from error
