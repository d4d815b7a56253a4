import json

import numpy as np
import pytest
import torch
from torch import nn

from mindvis_gui import scoring
from mindvis_gui.analysis.scores import OWN_CLASSIFIERS
from mindvis_gui.errors import ModelError, UnavailableError
from mindvis_gui.scoring import own_classifier
from mindvis_gui.scoring.concept_head import ConceptHead

CLASSES, CATEGORIES = ["red", "green", "blue"], ["warm", "cold", "cold"]


class ColourNetwork(nn.Module):
    """Its features are the means of R, G and B."""

    def features(self, x):
        assert x.shape[1:] == (3, 224, 224)
        return x.mean(dim=(2, 3))


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Folder of a model that brings a classifier of colours."""
    monkeypatch.setattr(own_classifier, "efficientnet_module", ColourNetwork)
    head = ConceptHead(CLASSES, CATEGORIES, n_features=3)
    head.load_state_dict({"linear.weight": 4 * torch.eye(3), "linear.bias": torch.zeros(3)})
    head.half().save_pretrained(tmp_path / "classifier")
    return tmp_path


def test_a_models_own_classifier_knows_concepts_and_categories(model, tmp_path):
    networks = scoring.find_classifier(model)
    assert set(networks) == set(OWN_CLASSIFIERS)
    assert scoring.find_classifier(model)["concept"] is networks["concept"]  # loaded once
    assert scoring.find_classifier(tmp_path / "other") is None
    green = np.zeros((1, 32, 32, 3), np.uint8)
    green[..., 1] = 255
    concepts = networks["concept"].run(green).probabilities[0]
    categories = networks["category"].run(green).probabilities[0]
    assert networks["concept"].class_names == ("red", "green", "blue")
    assert networks["category"].class_names == ("warm", "cold")
    e = np.exp(4 * (np.array([0, 255, 0]) - 127) / 128)
    np.testing.assert_allclose(concepts, e / e.sum(), rtol=1e-5)
    np.testing.assert_allclose(categories, [concepts[0], concepts[1] + concepts[2]], rtol=1e-5)
    find = scoring.network_finder(model)
    assert find("category") is networks["category"]
    with pytest.raises(UnavailableError, match="brings a classifier"):
        scoring.network_finder(None)("concept")


def test_every_class_needs_a_category():
    with pytest.raises(ValueError, match="3 classes but categories of 2"):
        ConceptHead(CLASSES, CATEGORIES[:2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"categories": ["warm"]}, "1 categories for 3 classes"),
        ({"features": "resnet"}, "made for the features of resnet, .* it knows efficientnet-lite0"),
        ({"classes": None}, "missing or damaged"),
        ({"n_features": 4}, "holds no classifier"),
    ],
)
def test_a_classifier_with_a_wrong_configuration_is_an_error(model, change, message):
    path = model / "classifier" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError, match=message):
        scoring.find_classifier(model)


@pytest.mark.parametrize("name", ["config.json", "diffusion_pytorch_model.safetensors"])
def test_a_damaged_classifier_is_an_error(model, name):
    (model / "classifier" / name).write_bytes(b"{")
    with pytest.raises(ModelError, match="copy the model again"):
        scoring.find_classifier(model)


def test_without_the_package_it_says_what_to_install(model, monkeypatch):
    monkeypatch.setattr(scoring, "CLASSIFIER_PACKAGES", ("no_such_package",))
    with pytest.raises(UnavailableError, match=r"needs no_such_package \(pip install"):
        scoring.find_classifier(model)


def test_the_demo_models_classifier_knows_the_drawings_of_the_test():
    from mindvis_gui.data import open_subject
    from mindvis_gui.decoding.models import find_model

    subject = open_subject("demo")
    trials = [trial for trial in subject.trials if trial.split == "test"][::4]
    network = scoring.find_classifier(find_model("demo"))["category"]
    pictures = np.stack([subject.stimulus(trial) for trial in trials])
    named = network.run(pictures).probabilities.argmax(axis=1)
    right = [network.class_names[i] == t.category for i, t in zip(named, trials, strict=True)]
    assert np.mean(right) >= 0.9
