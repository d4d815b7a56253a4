"""The real packages of the extra ``metrics-panel`` with random weights; skipped without them."""

import numpy as np
import pytest
import torch

from mindvis_gui.scoring.lpips import LpipsFeatures, linear_weights
from mindvis_gui.scoring.torch_network import Preparation
from mindvis_gui.scoring.torchvision_networks import RECIPES, load_torchvision

torchvision = pytest.importorskip("torchvision", reason="the extra 'metrics-panel' is missing")


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("key", "widths"),
    [
        ("alexnet", {"2": 192 * 31 * 31, "5": 256 * 15 * 15}),
        ("inception-v3", {"pool": 2048}),
        ("efficientnet-b1", {"pool": 1280}),
        ("swav", {"pool": 2048}),
    ],
)
def test_layers_are_those_of_the_architecture(tmp_path, monkeypatch, pictures, key, widths):
    monkeypatch.setenv("MINDVIS_NETWORKS", str(tmp_path))
    recipe = RECIPES[key]
    module = torchvision.models.get_model(recipe.model, weights=None, **recipe.options)
    state = {
        recipe.prefix + name: value
        for name, value in module.state_dict().items()
        if not (recipe.headless and name.startswith("fc."))
    }
    torch.save(state, tmp_path / recipe.weights)
    features = load_torchvision(key).run(pictures, list(recipe.layers)).features
    assert {layer: values.shape[1] for layer, values in features.items()} == widths


def test_the_papers_classifier_has_the_classes_of_imagenet():
    recipe = RECIPES["vit-h-14"]
    weights = torchvision.models.get_weight(recipe.classes_of)
    assert len(weights.meta["categories"]) == 1000
    assert weights.url.endswith(recipe.weights)
    with torch.device("meta"):
        module = torchvision.models.get_model(recipe.model, weights=None, **recipe.options)
        side = recipe.preparation.side
        assert module(torch.zeros(1, 3, side, side)).shape == (1, 1000)


@pytest.mark.filterwarnings("ignore")  # the package's calls of torchvision are of an older kind
def test_lpips_is_the_packages(pictures):
    lpips = pytest.importorskip("lpips")
    package = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).eval()
    slices = [getattr(package.net, f"slice{i}") for i in range(1, 6)]
    layers = torch.nn.Sequential(*(layer for part in slices for layer in part))
    values = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        expected = package(*(each[None] / 127.5 - 1 for each in values)).item()
        a, b = LpipsFeatures(layers, linear_weights())(Preparation(0)(pictures))
    assert (a - b).square().sum().item() == pytest.approx(expected, rel=1e-4)
