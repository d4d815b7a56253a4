"""What is drawn depends on seed and step, and every trial comes once an epoch."""

import torch

from mindvis_gui.training.randomness import EpochOrder, step_generator


def test_a_step_draws_the_same_whenever_it_is_asked_for():
    first = torch.rand(4, generator=step_generator(3, 7))
    assert torch.equal(first, torch.rand(4, generator=step_generator(3, 7)))
    assert not torch.equal(first, torch.rand(4, generator=step_generator(3, 8)))
    assert not torch.equal(first, torch.rand(4, generator=step_generator(4, 7)))


def test_each_trial_comes_once_an_epoch_though_batches_span_epochs():
    order = EpochOrder(10, seed=1)
    rows = torch.cat([order.rows(step, 4) for step in range(10)])
    epochs = rows.view(4, 10)
    for epoch in epochs:
        assert sorted(epoch.tolist()) == list(range(10))
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 4
    # A run that is resumed asks for a later step first; a batch may hold several epochs.
    assert torch.equal(EpochOrder(10, seed=1).rows(7, 4), rows[28:32])
    assert torch.equal(EpochOrder(10, seed=1).rows(1, 20), rows[20:40])


def test_halves_of_a_batch_are_the_batch():
    whole = EpochOrder(7, seed=0).rows(2, 6)
    halves = [EpochOrder(7, seed=0).rows(step, 3) for step in (4, 5)]
    assert torch.equal(whole, torch.cat(halves))
