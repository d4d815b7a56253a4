"""Files that PyTorch saved: what is read of them, what is put in its place, what is refused."""

import argparse
import collections
import pathlib
import pickle
import sys
import types

import numpy as np
import pytest
import torch

from mindvis_gui.decoding.base_model import read_base_model
from mindvis_gui.decoding.checkpoint import Checkpoint
from mindvis_gui.decoding.convert import convert_published
from mindvis_gui.errors import ModelError


@pytest.fixture
def foreign(monkeypatch):
    """Return a function that makes an object of a class of a package that is not installed."""

    def make(name, **attributes):
        module, _, class_name = name.rpartition(".")
        kind = type(class_name, (), {"__module__": module})
        parts = module.split(".")
        for length in range(1, len(parts) + 1):
            package = ".".join(parts[:length])
            monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
        setattr(sys.modules[module], class_name, kind)
        instance = kind()
        vars(instance).update(attributes)
        return instance

    return make


@pytest.mark.parametrize("zipped", [True, False])
def test_what_lightning_saves_beside_weights(tmp_path, foreign, zipped):
    """As version 1.4 does, of which the published latent diffusion models are."""
    callback = type(foreign("pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint"))
    contents = {
        "epoch": 178,
        "pytorch-lightning_version": "1.4.2",
        "state_dict": {"a": torch.ones(2)},
        "callbacks": {callback: {"monitor": "loss", "best_model_score": torch.tensor(0.1)}},
        "optimizer_states": [{"state": {0: {"step": 3}}, "param_groups": [{"lr": np.float64(1)}]}],
        "lr_schedulers": [{"_last_lr": [np.float64(1e-4)], "last_epoch": np.int64(5)}],
    }
    path = tmp_path / "model.ckpt"
    torch.save(contents, path, _use_new_zipfile_serialization=zipped)
    assert list(read_base_model(path)) == ["a"]


def test_hyperparameters_of_omegaconf_are_nothing_to_run(write_checkpoint, foreign):
    path = write_checkpoint(
        "model.ckpt",
        {
            "state_dict": {"a": torch.ones(2)},
            "hyper_parameters": foreign(
                "omegaconf.dictconfig.DictConfig",
                _metadata=foreign("omegaconf.base.ContainerMetadata", ref_type=dict),
                _content=collections.defaultdict(dict, {"width": {"value": 3}}),
            ),
        },
    )
    assert list(Checkpoint(path, "state_dict").take_weights()) == ["a"]


def test_a_base_model_may_be_its_weights_alone(write_checkpoint):
    path = write_checkpoint("pruned.ckpt", {"a": torch.ones(2), "b": torch.zeros(3)})
    assert list(Checkpoint(path, "state_dict").take_weights()) == ["a", "b"]


def test_other_weights_need_their_configuration(write_checkpoint):
    path = write_checkpoint("bare.pth", {"a": torch.ones(2)})
    with pytest.raises(ModelError, match=r"bare\.pth: holds weights alone, .* a fine-tuned model"):
        Checkpoint(path, "model_state_dict")
    path = write_checkpoint("without.pth", {"model": {"a": torch.ones(2)}})
    with pytest.raises(ModelError, match=r"without\.pth: lacks the configuration that tells 'dep"):
        Checkpoint(path, "model").number("depth")


@pytest.mark.parametrize("kind", [dict, argparse.Namespace, types.SimpleNamespace])
def test_a_configuration_may_be_plain(write_checkpoint, kind):
    config = kind(depth=np.int64(3), big=np.array(7, ">i4")[()], lr=np.float32(0.5), roi="VC")
    path = write_checkpoint("encoder.pth", {"model": {"a": torch.ones(2)}, "config": config})
    expected = {"depth": 3, "big": 7, "lr": 0.5, "roi": "VC"}
    assert Checkpoint(path, "model").settings == expected


def test_what_is_not_plain_in_a_configuration_is_left_out(write_checkpoint, foreign):
    config = write_checkpoint.config(
        "Config_Of_Ours",
        {
            "depth": 3,
            "logger": foreign("pytorch_lightning.loggers.wandb.WandbLogger", _name="x"),
            "root": pathlib.PurePosixPath("/data"),
            "device": torch.device("cuda:0"),
            "categories": np.arange(3),
            "when": np.datetime64("2026-01-01"),
        },
    )
    path = write_checkpoint("encoder.pth", {"model": {"a": torch.ones(2)}, "config": config})
    assert Checkpoint(path, "model").settings == {"depth": 3}


@pytest.mark.parametrize(
    "name", ["Config_MBM_fMRI", "Config_MAE_fMRI", "Config_MBM_finetune", "Config_Generative_Model"]
)
def test_every_published_configuration_class_is_read(write_checkpoint, name):
    config = write_checkpoint.config(name, {"num_heads": 4})
    path = write_checkpoint("encoder.pth", {"model": {"a": torch.ones(2)}, "config": config})
    checkpoint = Checkpoint(path, "model")
    assert checkpoint.number("num_heads") == 4
    assert list(checkpoint.take_weights()) == ["a"]
    with pytest.raises(ModelError, match=r"encoder\.pth: its configuration lacks 'depth'"):
        checkpoint.number("depth")


class Payload:
    """Leaves a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_code_in_a_pickle_is_refused_and_not_run(published_files, write_checkpoint, tmp_path):
    trap = tmp_path / "sprung"
    path = write_checkpoint("evil.pth", {"model_state_dict": {}, "config": Payload(trap)})
    with pytest.raises(ModelError, match=r"evil\.pth: refused"):
        convert_published(published_files["model.ckpt"], path)
    assert not trap.exists()


def test_unknown_class_is_refused(published_files, write_checkpoint, foreign):
    other = foreign("other.Config")
    path = write_checkpoint("odd.pth", {"model_state_dict": {}, "config": other})
    with pytest.raises(ModelError, match=r"odd\.pth: refused: it holds other\.Config"):
        convert_published(published_files["model.ckpt"], path)


@pytest.mark.parametrize(
    "contents", [b"", b"PK\x03\x04 cut off", b"no pickle", pickle.dumps([1], protocol=2)]
)
def test_files_that_are_no_checkpoints(published_files, tmp_path, contents):
    path = tmp_path / "broken.pth"
    path.write_bytes(contents)
    with pytest.raises(ModelError, match=r"broken\.pth"):
        convert_published(published_files["model.ckpt"], path)


def test_file_that_was_cut_off(published_files, tmp_path):
    path = tmp_path / "half.pth"
    path.write_bytes(published_files["fmri_encoder.pth"].read_bytes()[:100_000])
    with pytest.raises(ModelError, match=r"half\.pth"):
        convert_published(published_files["model.ckpt"], path)


def test_missing_file(published_files, tmp_path):
    with pytest.raises(ModelError, match="No such file"):
        convert_published(published_files["model.ckpt"], tmp_path / "none.pth")


def test_files_in_each_others_place(published_files):
    with pytest.raises(ModelError, match=r"is a fine-tuned model .*, not a latent diffusion"):
        convert_published(published_files["finetuned.pth"], published_files["model.ckpt"])


@pytest.mark.parametrize("zipped", [True, False])
def test_damaged_files_are_never_worse_than_refused(tmp_path, zipped):
    """Old and new layout of torch files, with random bytes changed."""
    path = tmp_path / "damaged.pth"
    contents = {"model": {"a": torch.ones(4, 4), "b": torch.zeros(3)}, "config": None}
    torch.save(contents, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[rng.integers(len(whole), size=5)] = rng.integers(256, size=5)
        path.write_bytes(damaged.tobytes())
        try:
            Checkpoint(path, "model").take_weights()
        except ModelError:
            refused += 1
    assert refused > 20


@pytest.mark.parametrize(
    "weights",
    [
        {"a": torch.ones(2), 3: torch.ones(2)},
        {"a": "text"},
        {"a": torch.ones(2).to_sparse()},
        {"a": torch.empty(10**12, device="meta")},
        [torch.ones(2)],
    ],
)
def test_what_is_among_weights_and_is_none(write_checkpoint, weights):
    path = write_checkpoint("odd.pth", {"model": weights})
    with pytest.raises(ModelError, match=r"odd\.pth: "):
        Checkpoint(path, "model").take_weights()
