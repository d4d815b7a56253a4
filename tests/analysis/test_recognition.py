import numpy as np
import pytest

from mindvis_gui.analysis.comparison import compare, resized
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.evaluate import evaluate
from mindvis_gui.analysis.networks import NetworkOutput
from mindvis_gui.analysis.recognition import TOP, recognise


class Rows:
    """Knows as many classes as it is told, by the first bytes of a picture."""

    preparation = "as it is"
    layers = {}  # noqa: RUF012

    def __init__(self, n):
        self.name = f"{n} classes"
        self.class_names = tuple(f"class {i}" for i in range(n))
        self.calls = 0

    def run(self, pictures, layers=()):
        self.calls += 1
        flat = pictures.reshape(len(pictures), -1)
        rows = flat[:, 1000 : 1000 + len(self.class_names)].astype(np.float32) + 1
        return NetworkOutput(rows / rows.sum(axis=1, keepdims=True))


@pytest.fixture
def result(decoded):
    return decoded(trial=2, noise=150.0)


@pytest.fixture
def stimulus(subject):
    return subject.stimulus(subject.trials[2])


def test_labels_are_the_most_probable_first(result, stimulus):
    network = Rows(60)
    found = recognise(result, stimulus, "class", network)
    assert network.calls == 1
    expected = network.run(result.samples[1].image[None]).probabilities[0]
    best = np.argsort(-expected, kind="stable")[:TOP]
    assert [name for name, _ in found.samples[1]] == [f"class {i}" for i in best]
    assert [p for _, p in found.samples[1]] == pytest.approx(expected[best].tolist())
    seen = network.run(resized(stimulus, 32, 32)[None]).probabilities[0]
    assert found.stimulus[0] == (f"class {seen.argmax()}", pytest.approx(seen.max()))
    assert (found.names, found.classifier) == ("class", "60 classes")


@pytest.mark.parametrize(("classes", "n"), [(1000, 50), (49, 10), (8, 5), (3, 2)])
def test_ways_are_those_that_the_classifier_has_classes_for(result, stimulus, classes, n):
    found = recognise(result, stimulus, "concept", Rows(classes))
    assert (found.n, found.chance) == (n, 1 / n)
    assert len(found.accuracy) == len(result.samples)


def test_accuracy_is_what_evaluating_the_folder_gives(result, stimulus, subject):
    found = recognise(result, stimulus, "class", Rows(8))
    trial = DecodedTrial.of(compare(result, subject), subject)
    steps = evaluate([trial], ["top1-5way"], lambda key: Rows(8))
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            evaluation = stop.value
            break
    assert evaluation.scores[0].values[0].tolist() == list(found.accuracy)
    assert 0 < np.mean(found.accuracy) < 1
