"""What the studies of the demo are scored on, and how."""

import numpy as np
import pytest

from benchmarks.demo_drawings import correlations, identification, unseen_drawings
from mindvis_gui.analysis.metrics import pixel_correlation
from mindvis_gui.data import open_subject


def test_the_demo_has_40_unseen_drawings_of_concepts_that_training_has_seen():
    trials = unseen_drawings(open_subject("demo"))
    assert len(trials) == 40
    trained = {trial.label for trial in open_subject("demo").trials if trial.split == "train"}
    assert {trial.label for trial in trials} <= trained


def test_correlations_are_those_of_every_pair():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8, 3), np.uint8)
    table = correlations(*pictures)
    pairs = [[pixel_correlation(made, seen) for seen in pictures[1]] for made in pictures[0]]
    np.testing.assert_allclose(table, pairs, atol=1e-6)


def test_identification_compares_a_picture_with_all_stimuli():
    table = np.array([[0.9, 0.1, 0.2], [0.5, 0.4, 0.3], [0.1, 0.2, 0.3]])
    found = identification(np.stack([table, np.eye(3)]))
    assert found["pixel_correlation"] == pytest.approx((0.9 + 0.4 + 0.3 + 3) / 6)
    assert found["two_way"] == pytest.approx((1 + 0.5 + 1 + 3) / 6)
    assert found["top_1"] == pytest.approx(5 / 6)
