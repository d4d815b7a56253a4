import numpy as np
import pytest

from mindvis_gui.analysis.sample_sets import agreement, chance_agreement, diversity, sharpness


def test_sharpness_is_the_mean_step_between_neighbours():
    plain = np.full((8, 8, 3), 100, dtype=np.uint8)
    stripes = plain.copy()
    stripes[:, ::2] = 110
    assert sharpness(plain) == 0
    assert sharpness(stripes) == pytest.approx(5)  # 10 sideways, 0 downwards
    assert sharpness(np.stack([[plain, stripes]])).shape == (1, 2)


def test_steps_down_do_not_wrap_around_bytes():
    rising = np.tile(np.array([[250], [5]], np.uint8), (4, 8))[..., None].repeat(3, axis=2)
    assert sharpness(rising) == pytest.approx(245 / 2)


def test_agreement_counts_pairs():
    assert agreement(np.array([[1, 1, 1], [2, 2, 2]])) == 1
    assert agreement(np.array([[0, 0, 1]])) == pytest.approx(1 / 3)


def test_chance_agreement_leaves_pairs_of_one_trial_out():
    assert chance_agreement(np.array([[0, 0], [1, 1]])) == 0
    assert chance_agreement(np.array([[0, 1], [0, 1]])) == pytest.approx(0.5)


def test_diversity_is_0_without_effect_of_seeds_and_1_without_effect_of_trials():
    rng = np.random.default_rng(0)
    one_a_trial = rng.integers(0, 256, (6, 1, 8, 8, 3)).repeat(4, axis=1).astype(np.uint8)
    assert diversity(one_a_trial) == pytest.approx(0)
    noise = rng.integers(0, 256, (6, 4, 16, 16, 3)).astype(np.uint8)
    assert diversity(noise) == pytest.approx(1, abs=0.02)
