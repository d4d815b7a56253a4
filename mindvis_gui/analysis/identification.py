"""Is a sample more like its own stimulus than like others: scores with a known chance level.

Section 4 of the paper and its published evaluation code; the golden numbers in the
tests are that code's own.
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.errors import DataError

DRAWS = 1000
"""Random sets of classes a sample, as in the published evaluation."""


def n_way_identification(own: float, others: NDArray[np.floating], n: int) -> float:
    """Return the probability that the own stimulus wins among n, the others drawn at random.

    With m of the N `others` less similar than the own one, it is ``C(m, n - 1) / C(N, n - 1)``:
    what drawing n - 1 others without replacement again and again comes to. Ties are lost. For
    n = 2 it is the pair-wise score. Chance is 1 / n.

    Parameters
    ----------
    own : float
        Similarity of the sample to its own stimulus.
    others : (N,) float
        Its similarity to the other stimuli.
    n : int

    Raises
    ------
    DataError
        If n is below 2 or there are fewer than n - 1 others.
    """
    if n < 2 or others.size < n - 1:
        raise DataError(
            f"{n}-way identification needs n of 2 or more and {n - 1} other stimuli, "
            f"not {others.size}"
        )
    return comb(int(np.count_nonzero(others < own)), n - 1) / comb(others.size, n - 1)


def n_way_places(
    probabilities: NDArray[np.floating],
    true_class: int,
    n: int,
    draws: int,
    generator: np.random.Generator | np.random.RandomState,
) -> NDArray[np.int64]:
    """Return how many of n - 1 classes, drawn at random, are more probable than the true one.

    The draw is a top-k success if that is less than k; ties count as correct, as published.
    Candidates are all classes but the true one, in one ``generator.choice`` a draw: with a
    ``RandomState`` the result is the published code's, bit for bit.

    Parameters
    ----------
    probabilities : (n_classes,) float
        Of a classifier, for one sample.
    true_class : int
        The class that it finds most probable for the stimulus.
    n, draws : int
    generator : numpy.random.Generator or numpy.random.RandomState

    Returns
    -------
    (draws,) int64
        From 0 to n - 1.

    Raises
    ------
    DataError
        If there are fewer than n classes, or n is below 2.
    """
    if not 2 <= n <= probabilities.size:
        raise DataError(f"{n}-way needs n from 2 to the classifier's {probabilities.size} classes")
    candidates = np.delete(np.arange(probabilities.size), true_class)
    more_probable = probabilities > probabilities[true_class]
    drawn = np.stack(
        [generator.choice(candidates, n - 1, replace=False) for _ in range(draws)]
    )  # (draws, n - 1)
    return np.asarray(more_probable[drawn].sum(axis=1), dtype=np.int64)


def top_k_accuracy(places: NDArray[np.int64], k: int) -> float:
    """Return the fraction of draws whose true class is among the k most probable.

    `places` are those of `n_way_places`; chance is k / n.
    """
    return float(np.mean(places < k))


def expected_top_k(n_better: int, n_classes: int, n: int, k: int) -> float:
    """Return what `top_k_accuracy` comes to with ever more draws.

    Of the true class' N - 1 competitors `n_better` are more probable; of n - 1 drawn without
    replacement fewer than k may be (hypergeometric distribution).
    """
    others = n_classes - 1
    ways = sum(comb(n_better, j) * comb(others - n_better, n - 1 - j) for j in range(k))
    return ways / comb(others, n - 1)
