"""The values of one score, before means and intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mindvis_gui.analysis.evaluation import Values
from mindvis_gui.analysis.networks import Network
from mindvis_gui.data.subject import IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """The values of one score.

    Attributes
    ----------
    values : (n_trials, n_samples) float64
        Or (1, n_samples) for a distance of sets.
    chance, unseen : float or None
        As in `Score`.
    notes : tuple of str
    network : Network or None
        What looked at the pictures.
    chance_of, unseen_of : callable or None
        From some trials, as rows of `values`, to what `chance` and `unseen` are for them; None
        where that is the same as for all.
    """

    values: Values
    chance: float | None
    unseen: float | None = None
    notes: tuple[str, ...] = ()
    network: Network | None = None
    chance_of: Callable[[IntArray], float | None] | None = None
    unseen_of: Callable[[IntArray], float | None] | None = None
