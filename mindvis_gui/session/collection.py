"""Every sample of the open subject that was drawn or opened: what it is, where, how it scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PySide6.QtCore import QObject, Signal

from mindvis_gui.analysis.comparison import ChanceLevels, Comparison, SampleScores, compare
from mindvis_gui.analysis.decoded_trial import protocol
from mindvis_gui.analysis.sample_table import request_row
from mindvis_gui.data.subject import ImageArray, Subject, read_only
from mindvis_gui.decoding.request import DecodeRequest, DecodeResult, ModelInfo, Sample
from mindvis_gui.decoding.sample_cache import SampleCache, sample_key
from mindvis_gui.files import is_there
from mindvis_gui.jobs import Jobs
from mindvis_gui.session.backlog import Backlog
from mindvis_gui.session.options import Options
from mindvis_gui.session.sample_blocks import SampleBlock, SampleSet, within


@dataclass(frozen=True, eq=False, slots=True)
class Drawn:
    """A finished sample.

    Attributes
    ----------
    options : Options
    request : mapping
        As `DecodeRequest.to_json` gives it; samples of one decode share it.
    source : pathlib.Path or (h, w, 3) uint8
        A PNG, or the pixels where none is kept on disk.
    """

    options: Options
    request: Mapping[str, Any]
    source: Path | ImageArray

    @property
    def on_disk(self) -> bool:
        """Whether the pixels are read when they are asked for."""
        return isinstance(self.source, Path)

    def picture(self) -> ImageArray | None:
        """Return the pixels (h, w, 3); None once the file is gone or damaged. Any thread."""
        if not isinstance(self.source, Path):
            return self.source
        try:
            with Image.open(self.source, formats=["PNG"]) as image:
                return read_only(np.array(image.convert("RGB"), dtype=np.uint8))
        except (OSError, ValueError, SyntaxError):
            return None


@dataclass(frozen=True, slots=True)
class Score:
    """The scores of one sample, and what they are among."""

    scores: SampleScores
    n_candidates: int
    chance: ChanceLevels | None


class Collection(QObject):
    """Finds samples by their options; pictures stay on disk where the cache has them.

    Attributes
    ----------
    models : dict of str to str
        Hash → name of the models that samples were drawn with.
    drawn, unasked : SampleSet
        All samples, and those whose scores nobody wanted yet.
    """

    added = Signal(object)  # list of Options
    scored = Signal(object)  # list of Options

    def __init__(
        self, jobs: Jobs, parent: QObject | None = None, cache: SampleCache | None = None
    ) -> None:
        super().__init__(parent)
        self._cache = cache
        self._subject: Subject | None = None
        self._drawn: dict[Options, Drawn] = {}
        self._scores: dict[Options, Score] = {}
        self._scored: dict[Options, dict[int, dict[int, Score]]] = {}  # same by common, trial, seed
        self._newest: dict[int, list[Options]] = {}  # of one decode, by trial
        self.drawn, self.unasked = SampleSet(), SampleSet()
        self._scoring = Backlog(jobs, _score, self._keep_scores)
        self.models: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._drawn)

    def set_subject(self, subject: Subject) -> None:
        """Forget the samples of the subject before."""
        self._subject = subject
        self._drawn.clear()
        self._scores.clear()
        self._scored.clear()
        self._newest.clear()
        self.drawn.clear()
        self.unasked.clear()
        self._scoring.clear()
        self.models.clear()

    def add(self, result: DecodeResult, info: ModelInfo) -> bool:
        """Take in what was decoded with the model of `info`; return whether it is all on disk."""
        values = result.request.to_json()
        sources: list[tuple[int, Path | ImageArray]] = []
        for sample in result.samples:
            path = self._kept(values, sample.seed, info)
            sources.append((sample.seed, path or sample.image))
        self.add_files(values, sources)
        return all(isinstance(source, Path) for _, source in sources)

    def add_files(
        self, request: Mapping[str, Any], sources: Iterable[tuple[int, Path | ImageArray]]
    ) -> None:
        """Take in samples of one request (as JSON values) by seed, from files or as pixels.

        Raises
        ------
        DataError
            If the request is incomplete.
        """
        drawn = [Drawn(Options.of(request, seed), request, source) for seed, source in sources]
        for each in drawn:
            self.models[each.options.model_hash] = str(request.get("model", ""))
        if drawn:
            options = [each.options for each in drawn]
            new = [each.seed for each in options if each not in self._drawn]
            if new:
                block = SampleBlock((options[0].trial,), (options[0].common,), new)
                self.drawn.add(block)
                self.unasked.add(block)
            self._drawn.update((each.options, each) for each in drawn)
            self._newest[options[0].trial] = options
            self.added.emit(options)

    def _kept(self, values: Mapping[str, Any], seed: int, info: ModelInfo) -> Path | None:
        """Return the file of a sample that the cache keeps, if it does."""
        if self._cache is None or not info.hash:
            return None
        path = self._cache.path(sample_key(values, seed, info.device))
        return path if is_there(path) else None

    def get(self, options: Options) -> Drawn | None:
        """Return the sample drawn with these options, if there is one."""
        return self._drawn.get(options)

    def score(self, options: Options) -> Score | None:
        """Return its scores, if they are there yet."""
        return self._scores.get(options)

    def scores_of(self, blocks: Iterable[SampleBlock]) -> dict[int, list[Score]]:
        """Return the scores that there are of samples, by trial: looked up by axis."""
        found: dict[int, list[Score]] = {}
        for block in blocks:
            for common in block.commons:
                trials = self._scored.get(common, {})
                for trial in block.trials if trials else ():
                    seeds = trials.get(trial, {})
                    some = [seeds[seed] for seed in block.seeds if seed in seeds]
                    if some:
                        found.setdefault(trial, []).extend(some)
        return found

    def has_trial(self, trial: int) -> bool:
        """Return whether a trial has samples, whatever their options."""
        return trial in self._newest

    def newest(self, trial: int) -> list[Drawn]:
        """Return the samples of the newest decode of a trial."""
        return [self._drawn[each] for each in self._newest.get(trial, ())]

    def alike(self, request: Mapping[str, Any]) -> list[list[Drawn]]:
        """Return the newest samples of every trial decoded by the protocol of `request`."""
        wanted = protocol(request)
        groups = [self.newest(trial) for trial in sorted(self._newest)]
        return [group for group in groups if protocol(group[0].request) == wanted]

    def everything(self) -> list[Drawn]:
        """Return all samples, in the order that they came."""
        return list(self._drawn.values())

    def table(self) -> Callable[[], list[dict[str, Any]]]:
        """Return a function that scores what is not scored yet and returns a row a sample."""
        subject, drawn, known = self._subject, self.everything(), dict(self._scores)

        def rows() -> list[dict[str, Any]]:
            together: dict[int, list[Drawn]] = {}
            for each in drawn:
                if each.options not in known:
                    together.setdefault(each.options.trial, []).append(each)
            for group in together.values():
                if subject is not None:
                    known.update(_score((subject, group))[1])
            return [_row(each, known.get(each.options)) for each in drawn]

        return rows

    # -- scores ------------------------------------------------------------------------------

    def want_scores(self, blocks: Iterable[SampleBlock]) -> None:
        """Score what there is of samples in the background, those of one trial together."""
        together: dict[int, list[Drawn]] = {}
        for block in list(within(blocks, self.unasked)):
            self.unasked.discard(block)
            for each in block.options():
                if each not in self._scores:
                    together.setdefault(each.trial, []).append(self._drawn[each])
        if self._subject is not None:
            for drawn in together.values():
                self._scoring.add((self._subject, drawn))

    def take(self, comparison: Comparison) -> None:
        """Take over scores that were computed already."""
        values = comparison.result.request.to_json()
        self._keep_scores((self._subject, _by_options(comparison, values)))

    def _keep_scores(self, found: tuple[Subject | None, dict[Options, Score]]) -> None:
        subject, scores = found
        if subject is self._subject and scores:
            self._scores.update(scores)
            for options, score in scores.items():
                trials = self._scored.setdefault(options.common, {})
                trials.setdefault(options.trial, {})[options.seed] = score
            self.scored.emit(list(scores))


def _score(item: tuple[Subject, list[Drawn]]) -> tuple[Subject | None, dict[Options, Score]]:
    """Score samples of one trial; runs in a job's thread."""
    subject, drawn = item
    pictures = [(each, each.picture()) for each in drawn]
    whole = [(each, image) for each, image in pictures if image is not None]
    if not whole:
        return subject, {}
    # What is scored depends on the trial alone; seeds must only differ.
    request = DecodeRequest(
        subject.name, whole[0][0].options.trial, _NO_VECTOR, tuple(range(len(whole)))
    )
    samples = tuple(Sample(image, i) for i, (_, image) in enumerate(whole))
    comparison = compare(DecodeResult(request, samples, 0.0), subject)
    return subject, {
        each.options: Score(
            replace(scores, seed=each.options.seed), comparison.n_candidates, comparison.chance
        )
        for (each, _), scores in zip(whole, comparison.scores, strict=True)
    }


def _row(drawn: Drawn, score: Score | None) -> dict[str, Any]:
    """Return one row of the table of samples: how it was decoded, its scores, their chance."""
    values = [field.name for field in fields(SampleScores) if field.name != "seed"]
    chances = [field.name for field in fields(ChanceLevels)]
    chance = None if score is None else score.chance
    return {
        **request_row(drawn.request, drawn.options.seed),
        **{name: None if score is None else getattr(score.scores, name) for name in values},
        "n_candidates": None if score is None else score.n_candidates,
        **{f"chance_{name}": None if chance is None else getattr(chance, name) for name in chances},
    }


def _by_options(comparison: Comparison, values: Mapping[str, Any]) -> dict[Options, Score]:
    return {
        Options.of(values, sample.seed): Score(scores, comparison.n_candidates, comparison.chance)
        for sample, scores in zip(comparison.result.samples, comparison.scores, strict=True)
    }


_NO_VECTOR = read_only(np.zeros(0, dtype=np.float32))
