"""Scores that tell apart what a lesion takes away: colour, layout, category, the picture itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mindvis_gui.analysis.comparison import compare, resized, seen
from mindvis_gui.analysis.metrics import TWO_WAY_CHANCE, two_way_identification
from mindvis_gui.analysis.networks import Network, NetworkOutput
from mindvis_gui.data import picture_features as features
from mindvis_gui.data.subject import FloatArray, ImageArray, Subject, Trial
from mindvis_gui.decoding.request import DecodeResult
from mindvis_gui.wording import counted

_CELLS = 12  # of the layout, along each side
_BLOCK = 64  # pictures filtered at a time
_LEAST_DEVIATION = 0.05  # of features whose range is about 1
MAX_KNOWN = 2000  # training stimuli that categories are judged by


@dataclass(frozen=True, slots=True)
class LesionScore:
    """One score of a lesion study: higher is better.

    Attributes
    ----------
    key : str
    name : str
        With what it counts.
    definition : str
        One sentence.
    chance : float or None
        None where it has to be measured.
    """

    key: str
    name: str
    definition: str
    chance: float | None = None


PIXEL = LesionScore("pixel", "Pixel r", "Pearson's r of all pixel values of sample and stimulus")
IDENTIFICATION = LesionScore(
    "identification",
    "Identified",
    "share of the other test stimuli with which the sample has a lower pixel correlation",
    TWO_WAY_CHANCE,
)
COLOUR = LesionScore(
    "colour",
    "Colour",
    "share of the other test stimuli, at the size of the samples, whose figure's mean colour "
    "(luminance, red–green, blue–yellow) is farther from that of the sample's figure",
    TWO_WAY_CHANCE,
)
LAYOUT = LesionScore(
    "layout",
    "Layout",
    "share of the other test stimuli, at the size of the samples, whose silhouette, in 12 × 12 "
    "cells, correlates less with the sample's: where the figure is and how far it reaches",
    TWO_WAY_CHANCE,
)


class LesionScorer:
    """Scores samples against the stimulus of their trial and the other test stimuli.

    Parameters
    ----------
    subject : Subject
    judge : Network, optional
        Names the category of a picture. Without one, or where it does not know all categories
        of the trials, that of the most similar training stimulus is taken (`NearestStimulus`).

    Attributes
    ----------
    scores : tuple of LesionScore
        Those that this subject allows.
    notes : tuple of str
        Why others are missing, one sentence each.
    """

    def __init__(self, subject: Subject, judge: Network | None = None) -> None:
        self._subject = subject
        shown = {t.stimulus_id: t for t in subject.trials if t.split == "test" and t.stimulus_id}
        self._shown: list[Trial] = []
        unread: list[str] = []
        for trial in shown.values():
            picture, why = seen(subject, trial)
            if picture is not None:
                self._shown.append(trial)
            elif why:
                unread.append(why)
        self._ids = [trial.stimulus_id for trial in self._shown]
        self._looks: tuple[tuple[int, int], _Looks] | None = None  # of the stimuli, at a size
        wanted = {t.category for t in subject.trials if t.category}
        knows_all = judge is not None and wanted <= set(judge.class_names)
        self.judge = judge if knows_all else NearestStimulus.of(subject)
        scores = [PIXEL, IDENTIFICATION, COLOUR, LAYOUT]
        notes = []
        if unread:
            lost = counted(len(unread), "stimulus")
            notes.append(f"{lost} cannot be compared with: {unread[0]}")
        if len(self._ids) < 2:
            notes.append(f"{subject.name} has fewer than two test stimuli: no identification")
            scores = [PIXEL]
        names = () if self.judge is None else self.judge.class_names
        if self.judge is None or len(wanted) < 2 or len(names) < 2:
            self.judge = None
            notes.append(f"{subject.name} tells no categories of its stimuli: no category score")
        else:
            scores.append(
                LesionScore(
                    "category",
                    "Category",
                    f"share of samples with the stimulus' category, of {len(names)}, "
                    f"by {self.judge.name}",
                    1 / len(names),
                )
            )
            if unknown := wanted - set(names):
                notes.append(
                    f"{len(unknown)} of {len(wanted)} categories have no training stimulus: their "
                    "trials have no category score"
                )
        self.scores, self.notes = tuple(scores), tuple(notes)

    def score(self, result: DecodeResult) -> dict[str, list[float]]:
        """Return one number a sample, by the key of the score.

        NaN where a trial does not allow a score; nothing without a stimulus.
        """
        trial = self._subject.trials[result.request.trial]
        comparison = compare(result, self._subject)
        if comparison.stimulus is None:
            return {}
        found: dict[str, list[float]] = {
            "pixel": [_number(each.pixel_correlation) for each in comparison.scores]
        }
        pictures = [sample.image for sample in result.samples]
        if len(self._ids) >= 2:
            n = comparison.n_candidates
            found["identification"] = [
                (n - each.rank) / (n - 1) if each.rank is not None else float("nan")
                for each in comparison.scores
            ]
            looks, own = _Looks.of(pictures), _Looks.of([comparison.stimulus])
            others = [i for i, name in enumerate(self._ids) if name != trial.stimulus_id]
            height, width = pictures[0].shape[:2]
            candidates = self._looks_at(width, height).at(others)
            found["colour"] = _identified(
                looks.colour_likeness(own), looks.colour_likeness(candidates)
            )
            found["layout"] = _identified(
                looks.layout_likeness(own), looks.layout_likeness(candidates)
            )
        if self.judge is not None:
            found["category"] = self._category(np.stack(pictures), trial.category)
        return found

    def _looks_at(self, width: int, height: int) -> _Looks:
        """Return the looks of the test stimuli, seen at the size of the samples.

        The own stimulus is seen so, too: at another size the others would be more, or less, like
        any sample than the own one is, and chance would not be 1 / 2.
        """
        if self._looks is None or self._looks[0] != (width, height):
            opened = (seen(self._subject, trial)[0] for trial in self._shown)
            small = [
                features.scale_picture(resized(picture, width, height))
                for picture in opened
                if picture is not None
            ]
            self._looks = (width, height), _Looks.of(small)
        return self._looks[1]

    def _category(self, pictures: ImageArray, category: str) -> list[float]:
        assert self.judge is not None
        names = self.judge.class_names
        if category not in names:
            return [float("nan")] * len(pictures)
        best = self.judge.run(pictures).probabilities.argmax(axis=1)
        return [float(names[i] == category) for i in best]


@dataclass(frozen=True, eq=False, slots=True)
class _Looks:
    """Colours (n, 3) of the figures of n pictures, and their silhouettes (n, 144), norm 1."""

    colour: FloatArray
    layout: FloatArray

    @classmethod
    def of(cls, pictures: Sequence[ImageArray]) -> _Looks:
        if not pictures:
            return cls(np.zeros((0, 3), np.float32), np.zeros((0, _CELLS**2), np.float32))
        small = np.stack([features.scale_picture(picture) for picture in pictures])
        figure = features.silhouette(small)  # (n, 96, 96)
        weight = figure / (figure.sum(axis=(1, 2), keepdims=True) + 1e-6)
        colour = (features.opponent_channels(small) * weight).sum(axis=(2, 3)).T
        cell = features.SIDE // _CELLS
        cells = figure.reshape(-1, _CELLS, cell, _CELLS, cell).mean(axis=(2, 4))
        cells = cells.reshape(len(cells), -1)
        cells = cells - cells.mean(axis=1, keepdims=True)
        cells /= np.linalg.norm(cells, axis=1, keepdims=True) + 1e-6
        return cls(colour.astype(np.float32), cells.astype(np.float32))

    def at(self, rows: Sequence[int]) -> _Looks:
        return _Looks(self.colour[rows], self.layout[rows])

    def colour_likeness(self, others: _Looks) -> FloatArray:
        distance = np.linalg.norm(self.colour[:, None] - others.colour, axis=2)
        return np.asarray(-distance, dtype=np.float32)

    def layout_likeness(self, others: _Looks) -> FloatArray:
        return np.asarray(self.layout @ others.layout.T, dtype=np.float32)


class NearestStimulus:
    """Judges a picture's category by the most similar training stimulus.

    Similar in the features of `mindvis_gui.data.picture_features`: centred shape, contour and
    curvature energy in 6 × 6 cells, and the figure's colours, each standardised over the training
    stimuli; nearest by Euclidean distance. On the demo's test stimuli themselves it is right in
    four of five.
    """

    name = "the most similar training stimulus"
    layers: Mapping[str, str] = {}
    preparation = f"whole picture at {features.SIDE} × {features.SIDE} pixels"

    def __init__(self, pictures: ImageArray, categories: Sequence[str]) -> None:
        values = _described(pictures)
        # What hardly varies among the stimuli must not decide by the noise of a sample.
        self._mean, self._deviation = values.mean(axis=0), values.std(axis=0) + _LEAST_DEVIATION
        self._known = self._standardised(values)
        self.class_names = tuple(sorted(set(categories)))
        self._class = np.array([self.class_names.index(each) for each in categories])

    @classmethod
    def of(cls, subject: Subject) -> NearestStimulus | None:
        """Learn from the training stimuli; None where there are none with a category."""
        shown = {
            t.stimulus_id: t
            for t in subject.trials
            if t.split == "train" and t.stimulus_id and t.category
        }
        trials = list(shown.values())[:: max(1, -(-len(shown) // MAX_KNOWN))]
        opened = ((t.category, seen(subject, t)[0]) for t in trials)
        known = [(name, features.scale_picture(p)) for name, p in opened if p is not None]
        if not known:
            return None
        return cls(np.stack([picture for _, picture in known]), [name for name, _ in known])

    def run(self, pictures: ImageArray, layers: Sequence[str] = ()) -> NetworkOutput:
        """Give the category of the most similar stimulus the probability 1."""
        small = np.stack([features.scale_picture(picture) for picture in pictures])
        values = self._standardised(_described(small))
        distance = ((values[:, None] - self._known) ** 2).sum(axis=2)  # (n, n_known)
        probabilities = np.zeros((len(pictures), len(self.class_names)), dtype=np.float32)
        probabilities[np.arange(len(pictures)), self._class[distance.argmin(axis=1)]] = 1
        return NetworkOutput(probabilities)

    def _standardised(self, values: FloatArray) -> FloatArray:
        return np.asarray((values - self._mean) / self._deviation, dtype=np.float32)


def _described(pictures: ImageArray) -> FloatArray:
    """Return the features (n, n_features) that categories are judged by."""
    blocks = [
        _described_block(pictures[start : start + _BLOCK])
        for start in range(0, len(pictures), _BLOCK)
    ]
    return np.concatenate(blocks)


def _described_block(pictures: ImageArray) -> FloatArray:
    channels = features.opponent_channels(pictures)
    figure = features.silhouette(pictures)
    weight = figure / (figure.sum(axis=(1, 2), keepdims=True) + 1e-6)
    mean = (channels * weight).sum(axis=(2, 3))  # (3, n)
    spread = np.sqrt(((channels - mean[:, :, None, None]) ** 2 * weight).sum(axis=(2, 3)))
    maps = [energy for _, _, energy in features.gabor_energy(channels[0])]
    maps.append(features.curvature_energy(channels[0]))
    cells = [each.reshape(len(pictures), 6, 8, 6, 8).mean(axis=(2, 4)) for each in maps]
    parts = [features.centred_shape(figure), *cells, mean.T, spread.T]
    return np.concatenate([part.reshape(len(pictures), -1) for part in parts], axis=1)


def _identified(own: FloatArray, others: FloatArray) -> list[float]:
    return [
        two_way_identification(float(mine), row)
        for mine, row in zip(own[:, 0], others, strict=True)
    ]


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
