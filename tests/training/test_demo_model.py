"""The model that ships: small, complete, and better than chance on what it never saw."""

import numpy as np
import pytest

from mindvis_gui.analysis.comparison import compare
from mindvis_gui.data import open_subject
from mindvis_gui.data.prepare import measure_normalisation, prepare
from mindvis_gui.decoding.models import find_model, load_decoder
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sampling_settings import Sampling


@pytest.fixture(scope="module")
def demo():
    return open_subject("demo")


def test_weights_are_small():
    assert sum(file.stat().st_size for file in find_model("demo").rglob("*")) < 14_000_000


def test_normalisation_is_the_subjects(demo):
    decoder = load_decoder("demo", device="cpu", precision="fp32")
    assert decoder.info.fits(demo.n_voxels)
    assert "simulated" in decoder.info.dataset.lower()


def test_unseen_drawings_are_decoded_better_than_chance(demo):
    decoder, normalisation = load_decoder("demo", device="cpu"), measure_normalisation(demo)
    ranks = []
    for trial in demo.trials[:6]:
        vector = prepare(demo, trial, normalisation)
        steps = decoder.decode(
            DecodeRequest(demo.name, trial.index, vector, (0,), Sampling(steps=10))
        )
        try:
            while True:
                next(steps)
        except StopIteration as done:
            ranks.append(compare(done.value, demo).scores[0].rank)
    assert np.mean(ranks) < 10  # of 50; a guess has 25.5 on average
