from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.prepare import measure_normalisation, prepare
from mindvis_gui.decoding.plan import for_trial, plan_of
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import ModelError


def test_a_plan_becomes_the_request_of_a_trial(subject, decoder):
    plan = plan_of(
        subject, decoder.info, Sampling(), (3, 5), preparation=Preparation(), rois=("V1",)
    )
    assert plan.sampling == Sampling().resolved(decoder.info.precision, decoder.info.guidance)
    trial, normalisation = subject.trials[2], measure_normalisation(subject)
    request = for_trial(plan, subject, trial, normalisation)
    assert (request.trial, request.seeds, request.model_hash) == (2, (3, 5), decoder.info.hash)
    assert (request.stimulus_id, request.label) == (trial.stimulus_id, trial.label)
    assert np.array_equal(request.vector, prepare(subject, trial, normalisation, ("V1",)))


def test_a_model_for_other_voxels_is_refused_by_the_name_of_the_subject(subject, decoder):
    other = replace(decoder.info, n_voxels=subject.n_voxels + 1)
    with pytest.raises(ModelError, match=subject.name):
        plan_of(subject, other, Sampling(), (0,), preparation=Preparation())
