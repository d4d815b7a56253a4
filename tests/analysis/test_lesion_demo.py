"""The demo's simulation knows what each region carries: the study has to find it."""

import numpy as np

from mindvis_gui import load_decoder, open_subject
from mindvis_gui.analysis.lesion import LesionStudy, run_study
from mindvis_gui.analysis.lesion_plan import plan_lesions
from mindvis_gui.analysis.lesion_scores import LesionScorer
from mindvis_gui.analysis.networks import NetworkOutput
from mindvis_gui.data.prepare import measure_normalisation
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sampling_settings import PRESETS


class NoJudge:
    """Spares the test a look at all training stimuli: categories need more trials than this."""

    name, preparation, layers = "none", "none", {}

    def __init__(self, categories):
        self.class_names = tuple(categories)

    def run(self, pictures, layers=()):
        return NetworkOutput(np.zeros((len(pictures), len(self.class_names)), np.float32))


def test_early_visual_regions_carry_colour_and_layout_more_than_as_many_others():
    subject, decoder = open_subject("demo"), load_decoder("demo", "cpu", "fp32")
    sampling = PRESETS["fast"].resolved("fp32", 1.0)
    plan = DecodeRequest(
        subject.name, 0, np.zeros(subject.n_voxels, np.float32), (0,), sampling, "demo"
    )
    groups = {"early": ("V1", "V2", "V3"), "high": ("LOC", "FFA", "PPA")}
    scorer = LesionScorer(subject, NoJudge({t.category for t in subject.trials if t.category}))
    study = LesionStudy(plan_lesions(subject, groups, "zero"), scorer.scores, (0,), sampling)
    trials = [trial for trial in subject.trials if trial.split == "test"][:5]
    for step in run_study(
        decoder, subject, measure_normalisation(subject), plan, trials, study, scorer
    ):
        study = step.study or study
    assert len(study.trials) == 5
    for score in ("pixel", "colour", "layout"):
        early, high = study.effect("early", score), study.effect("high", score)
        assert early.change < -0.05, score
        assert early.change < high.change, score
