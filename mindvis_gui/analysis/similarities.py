"""How similar samples are to stimuli by their pixels, the own stimulus and the others apart."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis import ssim
from mindvis_gui.analysis.pictures import Pictures
from mindvis_gui.data.subject import ImageArray, IntArray
from mindvis_gui.steps import finish

Table = NDArray[np.float64]

SSIM_CANDIDATES = 50
"""Stimuli that pair-wise SSIM is among, at most: every pair has to be filtered."""
_PANEL_OTHERS = 2  # stimuli a sample that chance is measured on: a pair takes 50 ms
_BLOCK = 64  # pictures multiplied at once, as float64


@dataclass(frozen=True, eq=False, slots=True)
class Similarities:
    """How similar samples are to their `own` stimulus and to `others`.

    `own` is (n_trials, n_samples), `others` (n_trials, n_samples, n_others). Where `is_distance`,
    less is more similar.
    """

    own: Table
    others: Table
    is_distance: bool = False

    @classmethod
    def of(cls, table: NDArray[np.floating], own: IntArray, *, is_distance: bool) -> Similarities:
        """Take a table (n_trials, n_samples, n_stimuli) apart."""
        n_trials, n_samples, n_stimuli = table.shape
        values = table.astype(np.float64)
        others = np.arange(n_stimuli) != own[:, None]  # (n_trials, n_stimuli)
        return cls(
            own=values[np.arange(n_trials), :, own],
            others=np.moveaxis(values, 1, 2)[others]
            .reshape(n_trials, n_stimuli - 1, n_samples)
            .swapaxes(1, 2),
            is_distance=is_distance,
        )


def measure(
    sources: Collection[str], pictures: Pictures
) -> Generator[str, None, dict[str, Similarities]]:
    """Compare the pixels of samples and stimuli.

    Parameters
    ----------
    sources : collection of str
        Of ``pcc``, ``mse``, ``mse-uint8``, ``ssim`` and ``ssim-425``.
    pictures : Pictures

    Yields
    ------
    str
        What is being computed.

    Returns
    -------
    dict of str to Similarities
        By source.
    """
    found: dict[str, Similarities] = {}
    shape = (*pictures.samples.shape[:2], -1)
    if {"pcc", "mse"}.intersection(sources):
        yield "pixels of all pairs"
        products = yield from _products(pictures.flat_samples, pictures.stimuli)
        tables = {"pcc": _correlations, "mse": _squared_errors}
        for source in {"pcc", "mse"}.intersection(sources):
            table = tables[source](pictures.flat_samples, pictures.stimuli, products)
            found[source] = Similarities.of(
                table.reshape(shape), pictures.own, is_distance=source == "mse"
            )
    if "mse-uint8" in sources:
        yield "squared errors of bytes"
        table = np.array(
            [wrapped_squared_errors(each, pictures.stimuli) for each in pictures.flat_samples]
        )
        found["mse-uint8"] = Similarities.of(table.reshape(shape), pictures.own, is_distance=True)
    if "ssim" in sources:
        found["ssim"] = yield from _published_ssim(pictures)
    if "ssim-425" in sources:
        found["ssim-425"] = yield from _panel_ssim(pictures)
    return found


def correlations(samples: ImageArray, stimuli: ImageArray) -> Table:
    """Return Pearson's r over all RGB values of each sample (n, …) with each stimulus (m, …)."""
    return _correlations(samples, stimuli, finish(_products(samples, stimuli)))


def wrapped_squared_errors(image: ImageArray, stimuli: ImageArray) -> Table:
    """Return what the published code computes on bytes, modulo 256, of one sample: (m,)."""
    return np.array([np.mean(np.square(image - stimulus)) for stimulus in stimuli])


def _products(samples: ImageArray, stimuli: ImageArray) -> Generator[str, None, Table]:
    """Return Σ ab of each sample with each stimulus: whole numbers, exact in float64."""
    table = np.empty((len(samples), len(stimuli)))
    for columns, others in _blocks(stimuli):
        for rows, block in _blocks(samples):
            table[rows, columns] = block @ others.T
            yield f"pixels of all pairs, {columns.start / len(stimuli):.0%}"
    return table


def _blocks(pictures: ImageArray) -> Iterator[tuple[slice, Table]]:
    for start in range(0, len(pictures), _BLOCK):
        part = pictures[start : start + _BLOCK]
        yield slice(start, start + len(part)), part.reshape(len(part), -1).astype(np.float64)


def _moments(pictures: ImageArray) -> tuple[Table, Table]:
    """Return Σ a and Σ a² of each picture."""
    sums = [(part.sum(axis=1), (part * part).sum(axis=1)) for _, part in _blocks(pictures)]
    first, second = zip(*sums, strict=True)
    return np.concatenate(first), np.concatenate(second)


def _correlations(samples: ImageArray, stimuli: ImageArray, products: Table) -> Table:
    n = samples[0].size
    (a, aa), (b, bb) = _moments(samples), _moments(stimuli)
    variances = np.outer(n * aa - a * a, n * bb - b * b)
    covariances = n * products - np.outer(a, b)
    # A picture of one colour varies with nothing: 0.
    return np.asarray(covariances / np.sqrt(np.where(variances > 0, variances, np.inf)))


def _squared_errors(samples: ImageArray, stimuli: ImageArray, products: Table) -> Table:
    (_, aa), (_, bb) = _moments(samples), _moments(stimuli)
    return np.asarray((aa[:, None] + bb - 2 * products) / samples[0].size)


def _published_ssim(pictures: Pictures) -> Generator[str, None, Similarities]:
    """SSIM with the own stimulus and those of a pool, which are all where they are few enough."""
    n = len(pictures.stimuli)
    pool = np.unique(np.linspace(0, n - 1, min(n, SSIM_CANDIDATES)).round().astype(np.int64))
    moments = {int(i): ssim.moments(pictures.stimuli[i], ssim.PUBLISHED) for i in pool}
    own, others = [], []
    for trial, samples, at in zip(pictures.trials, pictures.samples, pictures.own, strict=True):
        yield f"SSIM, trial {trial.request['trial']}"
        seen = moments.get(int(at)) or ssim.moments(pictures.stimuli[at], ssim.PUBLISHED)
        # As many others for every trial, whether its own stimulus is in the pool or not.
        unseen = [i for i in moments if i != at][: len(pool) - 1]
        for picture in samples:
            sample = ssim.moments(picture, ssim.PUBLISHED)
            own.append(ssim.index(sample, seen, ssim.PUBLISHED))
            others.append([ssim.index(sample, moments[i], ssim.PUBLISHED) for i in unseen])
    return _shaped(own, others, pictures)


def _panel_ssim(pictures: Pictures) -> Generator[str, None, Similarities]:
    """SSIM as newer papers define it; with few others, which do for a chance level."""
    n = len(pictures.originals)
    own, others = [], []
    for i, (samples, at) in enumerate(zip(pictures.samples, pictures.own, strict=True)):
        yield f"SSIM 425, trial {pictures.trials[i].request['trial']}"
        steps = [0, *(1 + (i + m) % (n - 1) for m in range(min(_PANEL_OTHERS, n - 1)))]
        seen = [ssim.panel_picture(pictures.originals[(at + step) % n]) for step in steps]
        stimuli = [ssim.moments(picture, ssim.PANEL) for picture in seen]
        for picture in samples:
            sample = ssim.moments(ssim.panel_picture(picture), ssim.PANEL)
            values = [ssim.index(sample, stimulus, ssim.PANEL) for stimulus in stimuli]
            own.append(values[0])
            others.append(values[1:])
    return _shaped(own, others, pictures)


def _shaped(own: list[float], others: list[list[float]], pictures: Pictures) -> Similarities:
    shape = pictures.samples.shape[:2]
    return Similarities(np.reshape(own, shape), np.reshape(others, (*shape, -1)))
