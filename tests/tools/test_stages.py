"""The stages of the demo model, a few steps of each, on a pool of a picture a concept."""

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState

from mindvis_gui.data import open_subject
from mindvis_gui.data.prepare import measure_normalisation
from mindvis_gui.training.loop import accelerator_on
from mindvis_gui.training.trials import training_trials
from tests.emulated_gpu import emulated_gpu
from tools.demo import stages, training_data
from tools.demo.stages import STEPS, Build
from tools.demo.training_data import read_pool, read_trials


@pytest.fixture(scope="module")
def subject():
    return open_subject("demo")


class Resting:
    """Stands in for the simulation, which takes its time."""

    def __init__(self, n_voxels):
        self._n_voxels = n_voxels

    def resting_responses(self, n, seed):
        return np.random.default_rng(seed).standard_normal((16, self._n_voxels), dtype=np.float32)


@pytest.fixture
def work(tmp_path, monkeypatch, subject):
    """Return a folder with a small pool; every stage takes two steps."""
    monkeypatch.setattr(stages, "STEPS", dict.fromkeys(STEPS, 2))
    monkeypatch.setattr(stages, "BATCHES", dict.fromkeys(STEPS, 20))
    monkeypatch.setattr(stages, "read_simulation", lambda *_: Resting(subject.n_voxels))
    monkeypatch.setattr(training_data, "_ENCODED", (1, 1))
    few = training_trials(subject)[:104]
    monkeypatch.setattr(training_data, "training_trials", lambda subject: few)
    labels = {trial.label for trial in subject.trials if trial.split == "train"}
    concepts = sorted(label.replace(" ", "-") for label in labels)
    counts = {"shown": len(concepts), "others": 8, "held out": 64}
    group = np.repeat(list(counts), list(counts.values()))
    n = len(group)
    np.savez(
        tmp_path / "pool.npz",
        rgba=np.random.default_rng(0).integers(0, 256, (n, 96, 96, 4), dtype=np.uint8),
        heldout=group == "held out",
        demo_concept=np.where(group == "shown", np.arange(n), -1),
        category=np.array(["a category"] * n),
        concept=np.array([*concepts, *group[len(concepts) :]]),
    )
    return tmp_path


def trained(build, subject):
    """Go through all stages; return the networks that decode."""
    pool = read_pool(build.work / "pool.npz")
    normalisation = measure_normalisation(subject)
    vqvae = stages.first_stage(build, pool)
    latents = stages.latent_pool(build, vqvae, pool)
    unet, context = stages.label_ldm(build, latents, len(pool.names))
    masked_model, facts = stages.masked_modelling(build, subject, normalisation)
    assert np.isfinite([*facts.values()]).all()
    trials = read_trials(subject, normalisation, vqvae, pool.names, stages.PATCH)
    network = stages.double_conditioned(build, trials, latents, unet, context, masked_model)
    assert vqvae.device == build.device
    return torch.nn.ModuleList([vqvae.cpu(), masked_model, network])


def test_what_a_gpu_began_a_cpu_goes_on_with(work, subject):
    with emulated_gpu():
        there = trained(Build(work, accelerator_on("cuda", "fp32")), subject)
        values = {name: weight.clone() for name, weight in there.state_dict().items()}
    assert {weight.device.type for weight in values.values()} == {"cpu"}
    AcceleratorState._reset_state(reset_partial_state=True)
    here = trained(Build(work, accelerator_on("cpu")), subject)  # takes all from the folder
    for name, weight in here.state_dict().items():
        torch.testing.assert_close(weight, values[name], rtol=0, atol=0)


def test_half_a_file_is_not_taken_for_a_whole_one(tmp_path):
    build = Build(tmp_path, accelerator_on("cpu"))

    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build.kept("x.pt", fail)
    assert not [*tmp_path.iterdir()]
    assert build.kept("x.pt", lambda: [torch.ones(2)])[0].tolist() == [1, 1]
    assert build.kept("x.pt", fail)[0].tolist() == [1, 1]
