from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mindvis_gui.analysis.comparison import ChanceLevels, Comparison, SampleScores
from mindvis_gui.analysis.recognition import Recognition
from mindvis_gui.session.results import Recognitions
from mindvis_gui.views.score_captions import (
    sample_details,
    sample_hint,
    sample_notes,
    stimulus_details,
    stimulus_hint,
)

SCORES = SampleScores(3, pixel_correlation=0.384, ssim=0.25, rank=4)
FOUND = Recognition(
    names="concept",
    classifier="the classifier",
    preparation="whole picture",
    stimulus=(("panda", 0.9), ("bear", 0.1)),
    samples=((("bear", 0.6), ("panda", 0.4)),),
    n=10,
    accuracy=(0.84,),
)


@pytest.fixture
def comparison():
    sample = SimpleNamespace(image=np.zeros((64, 64, 3), np.uint8), seed=3)
    return Comparison(
        result=SimpleNamespace(samples=(sample,)),
        stimulus=None,
        scores=(SCORES,),
        n_candidates=50,
        chance=ChanceLevels(0.17, 0.23, 25.5),
        consistency=None,
        agreement=None,
        notes=("no picture, no score",),
    )


def test_chance_stands_beside_each_score_where_there_is_room(comparison):
    assert sample_notes(SCORES, comparison) == (
        "r .38 (chance .17) · rank 4/50 (chance 25.5)",
        "r .38 (.17) · rank 4/50 (25.5)",
        "r .38 · rank 4/50",
        "r .38",
    )
    assert sample_details(0, SCORES, comparison, Recognitions((FOUND,))) == (
        "SSIM .25 (.23) · 10-way .84 (.10)",
        "SSIM .25 · 10-way .84",
        "10-way .84",
    )
    assert sample_details(0, SCORES, comparison, None) == ("SSIM .25 (.23)", "SSIM .25")


def test_the_hint_names_every_protocol_and_chance(comparison):
    hint = sample_hint(0, SCORES, comparison, Recognitions((FOUND,)))
    for part in (
        "r .38: Pearson's r with the stimulus over all RGB values at 64 × 64 pixels; "
        "with other test stimuli .17",
        "SSIM .25: structural similarity, 7 × 7 window",
        "rank 4 of 50",
        "chance 25.5",
        "pair-wise .94: fraction of the other stimuli that are less similar by r; chance .50",
        "10-way concept .84: the class found most probable for the stimulus",
        "9 others drawn at random, 1,000 draws; the classifier, whole picture; chance .10",
        "sees bear 60%, panda 40%",
    ):
        assert part in hint


def test_it_says_why_nothing_was_recognised(comparison):
    missing = Recognitions(missing="needs weights")
    assert "n-way accuracy: needs weights" in sample_hint(0, SCORES, comparison, missing)
    assert stimulus_details(missing) == ()
    assert stimulus_hint(missing) == ""


def test_without_a_stimulus_there_is_nothing_but_the_note(comparison):
    nothing = SampleScores(3)
    assert sample_notes(nothing, comparison) == sample_details(0, nothing, comparison, None) == ()
    assert sample_hint(0, nothing, comparison, None) == "no picture, no score"


def test_without_other_stimuli_there_is_no_rank(comparison):
    alone = replace(comparison, chance=None, n_candidates=1)
    scores = replace(SCORES, rank=None)
    assert sample_notes(scores, alone) == ("r .38",)
    assert "rank" not in sample_hint(0, scores, alone, None)


def test_what_the_stimulus_is_seen_as():
    assert stimulus_details(Recognitions((FOUND,)))[0] == "seen as panda 90%"
    assert stimulus_hint(Recognitions((FOUND,))) == "the classifier sees panda 90%, bear 10%"
