from dataclasses import replace
from weakref import WeakSet

import numpy as np
import pytest

from mindvis_gui.analysis.comparison import resized
from mindvis_gui.analysis.lesion_scores import LesionScorer, NearestStimulus
from mindvis_gui.analysis.networks import NetworkOutput
from mindvis_gui.decoding.request import Sample
from mindvis_gui.errors import DataError


@pytest.fixture
def sorted_subject(subject):
    """Return the subject with its first three stimuli of category ``a``, the others ``b``."""
    first = {trial.label for trial in subject.trials[:3]}
    trials = tuple(replace(t, category="ab"[t.label not in first]) for t in subject.trials)
    return replace(subject, trials=trials)


class Judge:
    """Finds every picture to be of the second category."""

    name, preparation, layers, class_names = "judge", "none", {}, ("a", "b")

    def run(self, pictures, layers=()):
        return NetworkOutput(np.tile([0.2, 0.8], (len(pictures), 1)).astype(np.float32))


def painted(result, picture):
    """Return `result` with every sample showing `picture`."""
    rows = np.arange(32) * 48 // 32
    samples = tuple(Sample(picture[rows][:, rows], sample.seed) for sample in result.samples)
    return replace(result, samples=samples)


def test_a_perfect_picture_has_the_best_scores(sorted_subject, decoded):
    scorer = LesionScorer(sorted_subject)
    found = scorer.score(decoded(trial=1, noise=1.0))
    assert set(found) == {score.key for score in scorer.scores}
    assert all(value > 0.95 for value in found["pixel"])
    for key in ("identification", "colour"):  # all have one outline
        assert found[key][0] == 1


def test_the_colour_of_another_stimulus_costs_the_colour_score_alone(sorted_subject, decoded):
    scorer = LesionScorer(sorted_subject)
    other = sorted_subject.stimulus(sorted_subject.trials[5])
    scores = scorer.score(painted(decoded(trial=0), other))
    right = scorer.score(
        painted(decoded(trial=0), sorted_subject.stimulus(sorted_subject.trials[0]))
    )
    assert scores["colour"][0] < 0.3 < right["colour"][0] == 1
    assert scores["layout"] == right["layout"]  # all stimuli have one outline


def test_a_figure_elsewhere_costs_the_layout_score(subject, decoded):
    names = ["left", "right", "top"]
    pictures = {name: np.full((48, 48, 3), 200, np.uint8) for name in names}
    pictures["left"][8:40, 2:14] = pictures["right"][8:40, 34:46] = 20
    pictures["top"][2:14, 8:40] = 20
    trials = tuple(replace(trial, stimulus_id=names[trial.index % 3]) for trial in subject.trials)
    moved = replace(subject, trials=trials)
    moved.recording._stimuli.update(pictures)
    scorer = LesionScorer(moved)
    result = decoded(trial=0)
    right, wrong = (
        replace(result, samples=(Sample(pictures[name][::2, ::2], 0),))
        for name in ("left", "right")
    )
    assert scorer.score(right)["layout"] == [1.0]
    assert scorer.score(wrong)["layout"] == [0.0]  # the two others are less far away
    assert scorer.score(wrong)["colour"] == scorer.score(right)["colour"]


def test_samples_that_tell_nothing_score_at_chance(subject, decoded):
    # Grainy pictures, of which a sample at its lower resolution keeps less than the grain.
    rng = np.random.default_rng(0)
    names = sorted({trial.stimulus_id for trial in subject.trials})
    pictures = {}
    for name in names:
        picture = np.full((192, 192, 3), 200.0)
        top, left = rng.integers(20, 90, 2)
        picture[top : top + 70, left : left + 80] = rng.integers(0, 120, 3)
        grain = rng.normal(scale=60, size=picture.shape)
        pictures[name] = np.clip(picture + grain, 0, 255).astype(np.uint8)
    trials = tuple(
        replace(subject.trials[i], split="test", stimulus_id=name) for i, name in enumerate(names)
    )
    grainy = replace(subject, trials=trials)
    grainy.recording._stimuli.update(pictures)
    scorer = LesionScorer(grainy)
    found = {"colour": [], "layout": []}
    for i in range(len(names)):
        for shown in names[:i] + names[i + 1 :]:
            sample = Sample(resized(pictures[shown], 32, 32), 0)
            scores = scorer.score(replace(decoded(trial=i), samples=(sample,)))
            for key, values in found.items():
                values.append(scores[key][0])
    # The stimulus that is shown wins against the own one, the n - 2 others as often as not.
    n = len(names)
    for values in found.values():
        assert np.mean(values) == pytest.approx((n - 2) / 2 / (n - 1), abs=1e-3)


def test_a_judge_that_knows_the_categories_is_asked(sorted_subject, decoded):
    scorer = LesionScorer(sorted_subject, Judge())
    assert scorer.scores[-1].definition.endswith("by judge")
    assert scorer.scores[-1].chance == 0.5
    assert scorer.score(decoded(trial=1))["category"] == [0.0, 0.0, 0.0]
    assert scorer.score(decoded(trial=4))["category"] == [1.0, 1.0, 1.0]


def test_a_judge_of_other_categories_is_not_asked(sorted_subject):
    judge = Judge()
    judge.class_names = ("cat", "dog")
    assert LesionScorer(sorted_subject, judge).judge.name == NearestStimulus.name


def test_categories_that_training_does_not_show_are_no_chances(subject, decoded):
    # Of categories a to f training shows a and b: the judge can find no other.
    names = sorted({trial.label for trial in subject.trials})
    category = dict(zip(names, "abcdef", strict=True))
    trials = [replace(t, category=category[t.label]) for t in subject.trials]
    trials = [t for t in trials if t.split != "train" or t.category in "ab"]
    half = replace(subject, trials=tuple(replace(t, index=i) for i, t in enumerate(trials)))
    scorer = LesionScorer(half)
    assert scorer.judge.class_names == ("a", "b")
    assert scorer.scores[-1].key == "category"
    assert scorer.scores[-1].chance == 1 / 2
    assert "stimulus' category, of 2, by" in scorer.scores[-1].definition
    said = "4 of 6 categories have no training stimulus: their trials have no category score"
    assert scorer.notes == (said,)
    tested = {t.category: t.index for t in half.trials if t.split == "test"}
    assert np.isnan(scorer.score(decoded(trial=tested["c"]))["category"]).all()
    assert not np.isnan(scorer.score(decoded(trial=tested["a"]))["category"]).any()


def test_one_category_is_no_category_score(subject, decoded):
    scorer = LesionScorer(subject)
    assert "category" not in {score.key for score in scorer.scores}
    assert scorer.notes == ("tiny tells no categories of its stimuli: no category score",)
    assert "category" not in scorer.score(decoded(trial=1))


def test_one_category_is_no_category_score_for_a_judge_of_several_either(subject, decoded):
    trials = tuple(replace(t, category="a") for t in subject.trials)
    scorer = LesionScorer(replace(subject, trials=trials), Judge())
    assert "category" not in {score.key for score in scorer.scores}
    assert "category" not in scorer.score(decoded(trial=1))


def test_one_test_stimulus_is_scored_by_its_pixels_alone(subject, decoded):
    only, *others = subject.trials
    hidden = tuple(
        replace(trial, stimulus_id="" if trial.split == "test" else trial.stimulus_id)
        for trial in others
    )
    scorer = LesionScorer(replace(subject, trials=(only, *hidden)))
    assert [score.key for score in scorer.scores] == ["pixel"]
    assert scorer.notes[0] == "tiny has fewer than two test stimuli: no identification"
    assert set(scorer.score(decoded(trial=0))) == {"pixel"}


def test_a_trial_without_stimulus_has_no_scores(sorted_subject, decoded):
    blind = replace(sorted_subject.trials[1], stimulus_id="")
    trials = (sorted_subject.trials[0], blind, *sorted_subject.trials[2:])
    assert LesionScorer(replace(sorted_subject, trials=trials)).score(decoded(trial=1)) == {}


def test_a_damaged_stimulus_costs_its_own_scores_alone(sorted_subject, decoded, monkeypatch):
    read, whole = type(sorted_subject).stimulus, LesionScorer(sorted_subject)
    results = [decoded(trial=trial) for trial in (0, 1)]

    def damaged(self, trial):
        if trial.index == 1:
            raise DataError("picture 1 is cut off")
        return read(self, trial)

    monkeypatch.setattr(type(sorted_subject), "stimulus", damaged)
    scorer = LesionScorer(sorted_subject)
    assert scorer.scores == whole.scores
    assert scorer.notes == ("1 stimulus cannot be compared with: picture 1 is cut off",)
    assert set(scorer.score(results[0])) == {score.key for score in scorer.scores}
    assert scorer.score(results[1]) == {}


def test_one_stimulus_after_the_other_is_in_memory(sorted_subject, monkeypatch):
    """Thousands of photographs are gigabytes."""
    read, alive, most = type(sorted_subject).stimulus, WeakSet(), []

    class Picture(np.ndarray):
        __hash__ = object.__hash__
        __eq__ = object.__eq__

    def opened(self, trial):
        picture = read(self, trial).view(Picture)
        alive.add(picture)
        most.append(len(alive))
        return picture

    monkeypatch.setattr(type(sorted_subject), "stimulus", opened)
    LesionScorer(sorted_subject)
    assert len(most) > 9
    assert max(most) <= 3  # that before goes once the next is there


def test_the_nearest_stimulus_finds_its_own_kind():
    rng = np.random.default_rng(0)
    red, blue = (np.full((96, 96, 3), 200, np.uint8) for _ in range(2))
    red[20:60, 30:70], blue[40:80, 30:90] = (220, 30, 30), (30, 30, 220)
    judge = NearestStimulus(np.stack([red, blue]), ["warm", "cold"])
    noisy = np.clip(red + rng.normal(scale=8, size=red.shape), 0, 255).astype(np.uint8)
    best = judge.run(noisy[None]).probabilities.argmax(axis=1)
    assert judge.class_names[best[0]] == "warm"


def test_the_nearest_stimulus_is_found_however_many_are_looked_at_together(monkeypatch):
    pictures = np.full((7, 96, 96, 3), 200, np.uint8)
    for i, picture in enumerate(pictures):
        picture[10 + 5 * i : 50 + 5 * i, 20:70] = (30 * i, 220 - 30 * i, 90)
    names = [f"kind {i}" for i in range(7)]
    monkeypatch.setattr("mindvis_gui.analysis.lesion_scores._BLOCK", 3)
    judge = NearestStimulus(pictures, names)
    best = judge.run(pictures).probabilities.argmax(axis=1)
    assert [judge.class_names[i] for i in best] == names
