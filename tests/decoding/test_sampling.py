from itertools import combinations

import numpy as np
import pytest
import torch

from mindvis_gui.decoding.networks import build_scheduler
from mindvis_gui.decoding.request import N_SEEDS, DecodeRequest
from mindvis_gui.decoding.sampling import build_sampler, denoise, initial_noise
from mindvis_gui.decoding.sampling_settings import SAMPLERS, Sampling
from mindvis_gui.errors import RequestError


def test_noise_belongs_to_its_seed():
    noise = initial_noise([4, 0, 4], (3, 8, 8))
    assert torch.equal(noise[0], noise[2])
    assert torch.equal(noise[1:2], initial_noise([0], (3, 8, 8)))
    assert not torch.equal(noise[0], noise[1])


def test_seeds_end_where_noise_would_repeat():
    last = N_SEEDS - 1
    assert not torch.equal(initial_noise([last], (8,)), initial_noise([0], (8,)))
    assert torch.equal(initial_noise([N_SEEDS], (8,)), initial_noise([0], (8,)))
    DecodeRequest("s", 0, np.zeros(2, np.float32), (last,))
    for beyond in ((0, N_SEEDS), (-1, 0)):
        with pytest.raises(RequestError, match=r"not all in the range 0 to 2\^32 - 1"):
            DecodeRequest("s", 0, np.zeros(2, np.float32), beyond)


def test_noise_leaves_the_global_random_state_alone():
    before = torch.random.get_rng_state()
    initial_noise([1], (3, 8, 8))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", SAMPLERS)
def test_exact_noise_leads_back_to_the_picture(scheduler, name):
    """With a network that knows the clean latents, every sampler ends at them."""
    clean = initial_noise([1, 2], (3, 4, 4))

    def predict_noise(latents, step):
        alpha = scheduler.alphas_cumprod[step]
        return (latents - alpha.sqrt() * clean) / (1 - alpha).sqrt()

    start = initial_noise([8, 9], (3, 4, 4))
    sampler = build_sampler(scheduler, Sampling(name, 20))
    states = list(denoise(predict_noise, sampler, start))
    for _, predicted in states:
        torch.testing.assert_close(predicted, clean, atol=1e-4, rtol=0)
    # The walk ends at the schedule's first step, where a trace of noise is left.
    torch.testing.assert_close(states[-1][0], clean, atol=0.15, rtol=0)


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "plms"])
def test_samplers_end_where_plms_does(scheduler, name):
    """On a mixture of two pictures, whose exact noise is known."""
    means = torch.stack([torch.full((3, 4, 4), 0.8), torch.full((3, 4, 4), -0.8)])

    def predict_noise(latents, step):
        alpha = scheduler.alphas_cumprod[step]
        variance = alpha * 0.04 + 1 - alpha
        offsets = latents[:, None] - alpha.sqrt() * means
        weights = torch.softmax(-offsets.square().sum((2, 3, 4)) / (2 * variance), dim=1)
        score = (weights[:, :, None, None, None] * offsets).sum(1) / variance
        return (1 - alpha).sqrt() * score

    start = initial_noise(range(8), (3, 4, 4))

    def walk(sampler, steps):
        *_, (latents, _) = denoise(
            predict_noise, build_sampler(scheduler, Sampling(sampler, steps)), start
        )
        return latents.flatten(1)

    reference, other = walk("plms", 250), walk(name, 50)
    assert torch.nn.functional.cosine_similarity(reference, other).min() > 0.99


def test_no_two_samplers_walk_the_same_way(scheduler):
    """As they would if one of them were taken for another."""

    def predict_noise(latents, step):
        alpha = scheduler.alphas_cumprod[step]
        return (1 - alpha).sqrt() / (1 - 0.9 * alpha) * latents

    ends = []
    for name in SAMPLERS:
        sampler = build_sampler(scheduler, Sampling(name, 10))
        *_, (latents, _) = denoise(predict_noise, sampler, initial_noise([8], (3, 4, 4)))
        ends.append(latents)
    for one, other in combinations(ends, 2):
        assert not torch.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name not in ("plms", "ddim")])
def test_steps_spread_over_the_schedule_for_any_number(scheduler, name):
    for steps in (1, 2, 7, 300, 600, 999):
        times = build_sampler(scheduler, Sampling(name, steps)).timesteps
        assert (times.diff() < 0).all()
        assert len(times.unique()) == steps
        assert times[-1] == 1
        assert times[0] >= 1000 - 1000 // steps - 1 or steps == 1
        assert times[0] < 1000


def test_karras_steps_are_even_in_a_root_of_the_noise(scheduler):
    sampler = build_sampler(scheduler, Sampling("dpm++karras", 12))
    roots = sampler.sigmas[:12] ** (1 / 7)
    assert sampler.timesteps[0] == 1 + 11 * 1000 // 12  # as far as PLMS begins
    torch.testing.assert_close(
        roots, torch.linspace(float(roots[0]), float(roots[-1]), 12), atol=0.02, rtol=0
    )


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_network_that_predicts_the_velocity_walks_the_same_way(scheduler, name):
    clean = initial_noise([1], (3, 4, 4))

    def noise_of(latents, step):
        alpha = scheduler.alphas_cumprod[step]
        return (latents - alpha.sqrt() * clean) / (1 - alpha).sqrt()

    def velocity_of(latents, step):
        alpha = scheduler.alphas_cumprod[step]
        return alpha.sqrt() * noise_of(latents, step) - (1 - alpha).sqrt() * clean

    start, velocity = initial_noise([8], (3, 4, 4)), build_scheduler("v_prediction")
    by_noise, by_velocity = (
        list(denoise(predict, build_sampler(schedule, Sampling(name, 20)), start))
        for predict, schedule in ((noise_of, scheduler), (velocity_of, velocity))
    )
    for one, other in zip(by_noise, by_velocity, strict=True):
        torch.testing.assert_close(one, other, atol=1e-2, rtol=0)


def error_after(steps, name, predicts):
    """Return how far a walk ends from where the way of its noise leads, which is known here.

    Pictures are normally distributed.
    """
    schedule, spread = build_scheduler(predicts), 0.25

    def deviation(alpha):
        return (alpha * spread**2 + 1 - alpha).sqrt()

    def predict(latents, step):
        alpha = schedule.alphas_cumprod[step].double()
        noise = (1 - alpha).sqrt() / deviation(alpha) ** 2 * latents
        if predicts == "epsilon":
            return noise
        return (noise - (1 - alpha).sqrt() * latents) / alpha.sqrt()

    start = initial_noise(range(4), (1, 4, 4)).double()
    sampler = build_sampler(schedule, Sampling(name, steps))
    first, last = schedule.alphas_cumprod[sampler.timesteps[0]], schedule.final_alpha_cumprod
    *_, (latents, _) = denoise(predict, sampler, start)
    exact = start * deviation(last.double()) / deviation(first.double())
    return float((latents - exact).abs().max())


@pytest.mark.parametrize(("name", "times_closer"), [("ddim", 1.7), ("plms", 6)])
@pytest.mark.parametrize("predicts", ["epsilon", "v_prediction"])
def test_twice_the_steps_come_closer_by_the_order_of_a_sampler(predicts, name, times_closer):
    assert error_after(50, name, predicts) > times_closer * error_after(100, name, predicts)


@pytest.mark.parametrize("name", ["dpm++", "dpm++karras", "unipc"])
@pytest.mark.parametrize("predicts", ["epsilon", "v_prediction"])
def test_few_steps_of_second_order_come_closer_than_those_of_ddim(predicts, name):
    assert 3 * error_after(20, name, predicts) < error_after(20, "ddim", predicts)


@pytest.mark.parametrize("steps", [7, 334, 501, 700])
def test_ddim_begins_in_noise_whatever_its_steps(scheduler, steps):
    times = build_sampler(scheduler, Sampling("ddim", steps)).timesteps
    assert len(times) == len(times.unique()) == steps
    assert times[0] == 1 + (steps - 1) * 1000 // steps
    assert times[-1] == 1


def test_ddim_in_steps_of_uneven_length_makes_steps_of_ddim(scheduler):
    clean = initial_noise([1], (3, 4, 4))

    def predict(latents, step):
        alpha = scheduler.alphas_cumprod[step]
        return 0.7 * (latents - alpha.sqrt() * clean) / (1 - alpha).sqrt()

    latents = initial_noise([8], (3, 4, 4))
    sampler = build_sampler(scheduler, Sampling("ddim", 7))
    after = [*sampler.timesteps[1:].tolist(), 0]
    walk = denoise(predict, sampler, latents)
    for step, next_step, (reached, predicted) in zip(sampler.timesteps, after, walk, strict=True):
        alpha = scheduler.alphas_cumprod[next_step]  # eq. 12
        latents = alpha.sqrt() * predicted + (1 - alpha).sqrt() * predict(latents, step)
        torch.testing.assert_close(reached, latents, atol=1e-4, rtol=0)
