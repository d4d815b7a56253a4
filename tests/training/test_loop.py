"""The training loop: schedule, groups, averages, metrics, and resumption to the bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mindvis_gui.errors import TrainingError
from mindvis_gui.training.averages import WeightAverage
from mindvis_gui.training.checkpoint import CHECKPOINT
from mindvis_gui.training.loop import Plan, decay_groups, mean_values, train, warmup_cosine

GOLDEN = Path(__file__).parents[1] / "data_golden"


def test_rate_is_the_published_one():
    with np.load(GOLDEN / "01_lr_schedule.npz") as golden:
        for epoch, rate in zip(golden["epoch_f64"], golden["lr_f64"], strict=True):
            assert warmup_cosine(epoch, 2.5e-4, 40, 500) == pytest.approx(rate, rel=1e-12)


def test_only_tensors_with_more_than_one_axis_decay():
    network = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    network[2].weight.requires_grad_(False)
    without, decayed = decay_groups(network.named_parameters(), 0.05)
    assert without["weight_decay"] == 0.0
    assert [p.ndim for p in without["params"]] == [1, 1, 1, 1]
    assert decayed["weight_decay"] == 0.05
    assert [p is network[0].weight for p in decayed["params"]] == [True]


def run(plan: Plan) -> nn.Module:
    """Fit a line with dropout, which draws from torch's global random numbers."""
    torch.manual_seed(5)
    network = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 1))
    average = WeightAverage(network, decay=0.9)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.0)

    def loss(share):
        x = share["x"]
        return {"loss": (network(x) - x.sum(dim=1, keepdim=True)).square().mean()}

    train(
        lambda step, generator: {"x": torch.randn(16, 4, generator=generator)},
        loss,
        network,
        optimiser,
        {"network": network, "average": average},
        plan,
        after_step=lambda step, generator: average.update(),
        validate=lambda step: {"steps": float(step)},
    )
    average.swap()
    return network


def plan_in(folder: Path, steps: int = 20) -> Plan:
    return Plan(
        folder, steps, lambda step: 1e-2, checkpoint_every=5, validate_every=10, log_every=4
    )


def test_resumed_equals_uninterrupted(tmp_path, metrics):
    whole = run(plan_in(tmp_path / "whole"))
    stopped = plan_in(tmp_path / "stopped")

    def rate(step):
        if step == 13:
            raise KeyboardInterrupt
        return 1e-2

    with pytest.raises(KeyboardInterrupt):
        run(replace(stopped, rate=rate))
    resumed = run(stopped)
    for (name, a), b in zip(whole.named_parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b), name
    losses = [metrics("loss", folder=tmp_path / name) for name in ("whole", "stopped")]
    assert losses[0] == losses[1]


def test_finished_run_is_not_trained_again(tmp_path):
    first, again = run(plan_in(tmp_path)), run(plan_in(tmp_path))
    assert all(
        torch.equal(*pair) for pair in zip(first.parameters(), again.parameters(), strict=True)
    )


def test_metrics_hold_every_row_once(tmp_path, metrics):
    run(plan_in(tmp_path))
    assert len(metrics("loss", folder=tmp_path)) == 5
    assert metrics("steps", "validation", tmp_path) == [10, 20]


def test_the_last_step_is_looked_at_and_kept_wherever_it_falls(tmp_path, metrics):
    run(plan_in(tmp_path, steps=11))
    assert metrics("steps", "validation", tmp_path) == [10, 11]
    assert len(metrics("loss", folder=tmp_path)) == 3  # steps 4, 8 and 11
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["step"] == 11


def test_what_networks_draw_is_new_in_every_step_and_follows_the_seed(tmp_path):
    def drawn(seed: int) -> list[float]:
        weight = nn.Parameter(torch.ones(1))
        seen: list[float] = []

        def loss(share):
            seen.append(float(torch.rand(())))
            return {"loss": (weight * share["x"]).sum()}

        plan = replace(plan_in(tmp_path / str(seed), steps=4), seed=seed)
        network = nn.ParameterList([weight])
        train(
            lambda step, generator: {"x": torch.ones(1)},
            loss,
            network,
            torch.optim.SGD([weight], lr=0.0),
            {},
            plan,
        )
        return seen

    assert len({*drawn(0), *drawn(1)}) == 8


def test_values_of_a_validation_are_means_over_samples_not_over_parts():
    rows = torch.tensor([1.0, 2.0, 3.0, 4.0, 10.0])

    def loss(part):
        return {"loss": part["x"].mean(), "square": part["x"].square().mean()}

    assert mean_values(loss, {"x": rows}, at_a_time=2) == pytest.approx({"loss": 4, "square": 26})


def test_checkpoint_of_another_training_is_refused(tmp_path):
    torch.save({"step": 1, "parts": {"unet": {}}}, tmp_path / CHECKPOINT)
    with pytest.raises(TrainingError, match="choose an empty folder"):
        run(plan_in(tmp_path))


def test_gradients_are_clipped(tmp_path):
    network = nn.Linear(3, 1, bias=False)
    nn.init.zeros_(network.weight)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.0)
    plan = Plan(tmp_path, 1, lambda step: 1.0, clip=0.5)

    def loss(share):
        return {"loss": 100 * network(share["x"]).sum()}

    train(lambda step, generator: {"x": torch.ones(1, 3)}, loss, network, optimiser, {}, plan)
    assert float(network.weight.detach().norm()) == pytest.approx(0.5, rel=1e-4)


def test_average_follows_and_swaps_back():
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = WeightAverage(network, decay=0.5)
    nn.init.ones_(network.weight)
    average.update()
    average.swap()
    assert float(network.weight.detach()) == pytest.approx(9 / 11)  # the decay starts at 2 / 11
    average.swap()
    assert float(network.weight.detach()) == 1.0


def test_average_is_in_place_for_as_long_as_it_is_asked_for():
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = WeightAverage(network, decay=0.5)
    nn.init.ones_(network.weight)
    average.update()
    with average.in_place():
        assert float(network.weight.detach()) == pytest.approx(9 / 11)
    assert float(network.weight.detach()) == 1.0


def test_a_gradient_that_is_not_finite_changes_no_weight(tmp_path):
    weight = nn.Parameter(torch.zeros(1))

    def loss(share):
        return {"loss": (weight * share["x"]).sqrt().sum()}  # 0, and as steep as can be

    with pytest.raises(TrainingError, match="step 1: the norm of the gradient is inf"):
        train(
            lambda step, generator: {"x": torch.ones(1)},
            loss,
            nn.ParameterList([weight]),
            torch.optim.SGD([weight], lr=0.0),
            {},
            plan_in(tmp_path),
        )
    assert float(weight.detach()) == 0.0


@pytest.mark.parametrize(("precision", "last"), [("fp32", True), ("bf16", False)])
def test_a_cpu_trains_in_what_it_is_fast_at(tmp_path, monkeypatch, precision, last):
    monkeypatch.setattr("mindvis_gui.training.loop.choose_precision", lambda *_: precision)
    network = nn.Conv2d(4, 4, 3)
    plan = Plan(tmp_path, 1, lambda step: 1e-3)
    assert plan.accelerator.mixed_precision == {"fp32": "no", "bf16": "bf16"}[precision]

    def loss(batch):
        return {"loss": network(batch["x"]).float().square().mean()}

    train(
        lambda step, generator: {"x": torch.randn(2, 4, 5, 5, generator=generator)},
        loss,
        network,
        torch.optim.AdamW(network.parameters(), lr=0.0),
        {"network": network},
        plan,
    )
    assert network.weight.is_contiguous(memory_format=torch.channels_last) == last
