"""Every score of the published evaluation code, on its own pictures, by this project's code."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from mindvis_gui.analysis import ssim
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.evaluate import evaluate
from mindvis_gui.analysis.identification import n_way_identification, n_way_places, top_k_accuracy
from mindvis_gui.analysis.similarities import (
    _products,
    _squared_errors,
    correlations,
    wrapped_squared_errors,
)
from mindvis_gui.decoding.request import Sample
from mindvis_gui.steps import finish

GOLDEN = Path(__file__).parents[1] / "data_golden" / "15_metrics.npz"
METRICS = ("mse", "pcc", "ssim")
KINDS = ("u8", "float")
DRAWS = 20


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return dict(file)


@pytest.fixture(scope="module")
def similarity(golden):
    """Return ``similarity(metric, kind)``: a table of samples by stimuli, more is more alike."""
    samples, stimuli = golden["pred"], golden["gt"]

    def table(metric, kind):
        if metric == "pcc":
            return correlations(samples, stimuli)
        if metric == "ssim":
            held = [ssim.moments(each, ssim.PUBLISHED) for each in stimuli]
            return np.array(
                [
                    [
                        ssim.index(ssim.moments(each, ssim.PUBLISHED), b, ssim.PUBLISHED)
                        for b in held
                    ]
                    for each in samples
                ]
            )
        if kind == "u8":  # the published code squares bytes modulo 256
            return -np.array([wrapped_squared_errors(each, stimuli) for each in samples])
        return -_squared_errors(samples, stimuli, finish(_products(samples, stimuli)))

    return table


@pytest.mark.parametrize(("metric", "kind"), list(product(METRICS, KINDS)))
def test_values(golden, similarity, metric, kind):
    sign = -1 if metric == "mse" else 1
    found = sign * np.diag(similarity(metric, kind))
    np.testing.assert_allclose(found, golden[f"value_{metric}_{kind}_f64"], rtol=1e-9)


@pytest.mark.parametrize(("metric", "kind"), list(product(METRICS, KINDS)))
def test_pair_wise_scores(golden, similarity, metric, kind):
    table = similarity(metric, kind)
    found = [n_way_identification(row[i], np.delete(row, i), 2) for i, row in enumerate(table)]
    np.testing.assert_allclose(found, golden[f"pairwise_{metric}_{kind}_f64"], rtol=1e-12)


def test_pair_wise_scores_of_an_evaluation(golden):
    published = {
        "pairwise-mse": "mse_float",
        "pairwise-mse-uint8": "mse_u8",
        "pairwise-pcc": "pcc_u8",
        "pairwise-ssim": "ssim_u8",
    }
    of_all = {"subject": "", "model": "", "model_hash": "", "label": ""}
    trials = [
        DecodedTrial(
            request={**of_all, "trial": i, "stimulus_id": str(i)},
            samples=(Sample(sample, seed=0),),
            stimulus=stimulus,
            scores=(),
            n_candidates=0,
            chance=None,
            simulated=False,
            versions={},
        )
        for i, (sample, stimulus) in enumerate(zip(golden["pred"], golden["gt"], strict=True))
    ]
    found = {each.metric.key: each for each in finish(evaluate(trials, tuple(published))).scores}
    for key, name in published.items():
        expected = golden[f"pairwise_{name}_f64"]
        np.testing.assert_allclose(found[key].values[:, 0], expected, rtol=1e-12, err_msg=key)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n", "kind"), [(2, "u8"), (4, "float")])
def test_n_way_scores_as_drawn_and_what_they_come_to(golden, similarity, metric, n, kind):
    """The published code draws 20 times; the product gives what any number of draws comes to."""
    table = similarity(metric, kind)
    state = np.random.RandomState(2022)
    drawn, exact = [], []
    for i, row in enumerate(table):
        others = np.delete(row, i)
        draws = [state.choice(len(others), n - 1, replace=False) for _ in range(DRAWS)]
        drawn.append(np.mean([(others[each] < row[i]).all() for each in draws]))
        exact.append(n_way_identification(row[i], others, n))
    known = golden[f"nway{n}_{metric}_{kind}_f64"]
    np.testing.assert_allclose(drawn, known, rtol=1e-12)
    spread = np.sqrt(np.array(exact) * (1 - np.array(exact)) / DRAWS)
    assert (np.abs(known - exact) <= 3 * spread + 1e-12).all()


def test_probabilities_and_ties(golden):
    np.testing.assert_allclose(softmax(golden["logits"], axis=1), golden["probs"], rtol=1e-5)
    places = n_way_places(np.full(10, 0.1), 4, 5, DRAWS, np.random.RandomState(0))
    assert (top_k_accuracy(places, 1), np.std(places < 1)) == tuple(golden["tie_mean_std_f64"])


def test_no_array_of_the_file_is_left_out(golden):
    """Those of n-way top-k are compared in `test_identification`."""
    named = {
        *(f"value_{m}_{k}_f64" for m, k in product(METRICS, KINDS)),
        *(f"pairwise_{m}_{k}_f64" for m, k in product(METRICS, KINDS)),
        *(f"nway{n}_{m}_{k}_f64" for m in METRICS for n, k in ((2, "u8"), (4, "float"))),
        *("gt", "pred", "logits", "probs", "class_id", "tie_mean_std_f64"),
        *(
            f"topk_n{n}_t{t}_k{k}_mean_std_f64"
            for n, t, k in ((50, 50, 1), (50, 1000, 1), (100, 100, 1), (50, 50, 5), (2, 40, 1))
        ),
    }
    assert set(golden) == named
