"""Samples by the thousand: looked up by axis, not one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from mindvis_gui.session.options import Options


class SampleBlock(NamedTuple):
    """The samples of every one of some trials, by every one of some options, with every seed.

    Attributes
    ----------
    trials : sequence of int
    commons : sequence of Options
        Without trial and seed, as `Options.common` gives them.
    seeds : sequence of int
    """

    trials: Sequence[int]
    commons: Sequence[Options]
    seeds: Sequence[int]

    @classmethod
    def of(cls, options: Options) -> SampleBlock:
        """Return the block of one sample."""
        return cls((options.trial,), (options.common,), (options.seed,))

    @classmethod
    def asked(cls, request: Mapping[str, Any], seeds: Sequence[int]) -> SampleBlock:
        """Return what a request (as JSON values) draws with some seeds.

        Raises
        ------
        DataError
            If the request is incomplete.
        """
        options = Options.of(request, 0)
        return cls((options.trial,), (options.common,), seeds)

    def options(self) -> Iterator[Options]:
        """Return the options of every sample."""
        for trial, common in self.requests():
            for seed in self.seeds:
                yield replace(common, trial=trial, seed=seed)

    def requests(self) -> Iterator[tuple[int, Options]]:
        """Return what one request each draws, with all the seeds."""
        return ((trial, common) for trial in self.trials for common in self.commons)


class SampleSet:
    """A set of samples."""

    def __init__(self) -> None:
        self._seeds: dict[Options, dict[int, frozenset[int]]] = {}  # by what is common, by trial

    def __contains__(self, options: Options) -> bool:
        return options.seed in self.by_trial(options.common).get(options.trial, ())

    def __bool__(self) -> bool:
        return bool(self._seeds)

    def by_trial(self, common: Options) -> Mapping[int, frozenset[int]]:
        """Return the seeds of all trials that have such samples."""
        return self._seeds.get(common, {})

    def add(self, block: SampleBlock) -> None:
        """Put samples in."""
        seeds = frozenset(block.seeds)
        for common in block.commons:
            trials = self._seeds.setdefault(common, {})
            more = dict.fromkeys(block.trials, seeds)
            for trial in trials.keys() & more.keys():
                more[trial] |= trials[trial]
            trials.update(more)

    def discard(self, block: SampleBlock) -> None:
        """Take samples out, whether they are in it or not."""
        for trial, common in block.requests():
            trials = self._seeds.get(common, {})
            left = trials.pop(trial, frozenset()).difference(block.seeds)
            if left:
                trials[trial] = left
            elif not trials:
                self._seeds.pop(common, None)

    def clear(self) -> None:
        """Take all samples out."""
        self._seeds.clear()


def within(blocks: Iterable[SampleBlock], samples: SampleSet) -> Iterator[SampleBlock]:
    """Return what of `blocks` is in a set."""
    for block in blocks:
        for common in block.commons:
            for (there,), trials in _runs(block.trials, [samples.by_trial(common)]):
                if there and (found := [seed for seed in block.seeds if seed in there]):
                    yield SampleBlock(trials, (common,), found)


def without(blocks: Iterable[SampleBlock], samples: SampleSet) -> Iterator[SampleBlock]:
    """Return what of `blocks` is not in a set, in their order: trial by trial."""
    for block in blocks:
        known = [samples.by_trial(common) for common in block.commons]
        for there, trials in _runs(block.trials, known):
            left: dict[Options, tuple[int, ...]] = {}
            for common, seeds in zip(block.commons, there, strict=True):
                if more := tuple(seed for seed in block.seeds if seed not in (seeds or ())):
                    left[common] = more
            alike = set(left.values())
            if len(alike) == 1:
                yield SampleBlock(trials, tuple(left), alike.pop())
                continue
            for trial in trials:
                for common, more in left.items():
                    yield SampleBlock((trial,), (common,), more)


def _runs(
    trials: Sequence[int], known: Sequence[Mapping[int, frozenset[int]]]
) -> Iterator[tuple[tuple[frozenset[int] | None, ...], tuple[int, ...]]]:
    """Return trials in a row of which the same seeds are known, after what these are."""
    there = zip(*(map(by_trial.get, trials) for by_trial in known), strict=True)
    for seeds, run in groupby(zip(there, trials, strict=True), itemgetter(0)):
        yield seeds, tuple(map(itemgetter(1), run))


def count_samples(blocks: Iterable[SampleBlock]) -> int:
    """Return how many samples blocks have together."""
    return sum(len(each.trials) * len(each.commons) * len(each.seeds) for each in blocks)


def requests_of(blocks: Iterable[SampleBlock]) -> dict[tuple[int, Options], tuple[int, ...]]:
    """Return what one request each draws, in their order, and its seeds, no sample twice."""
    found: dict[tuple[int, Options], tuple[int, ...]] = {}
    for block in blocks:
        for each in block.requests():
            found[each] = tuple(dict.fromkeys((*found.get(each, ()), *block.seeds)))
    return found
