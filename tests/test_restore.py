import pytest

from mindvis_gui.data.mask import MaskState
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import DataError, MindVisError, RequestError
from mindvis_gui.session.restored_request import restore_request


def exported(session):
    """Return the request of one sample, as it is embedded in its file."""
    values = session.request().to_json()
    seeds = values.pop("seeds")
    return {**values, "seed": seeds[-1]}


@pytest.fixture
def request_of_before(ready):
    """Return a request, after which everything was changed again."""
    ready.set_trial(3)
    ready.set_used_rois(frozenset({"V1", "FFA"}))
    ready.masking.set_mask(MaskState.random(ready.masking.mask.n_patches, 0.4, seed=9))
    ready.masking.set_applied(True)
    ready.set_sampling(Sampling("ddim", 40, "fp32"))
    ready.set_seeds(11, 2)
    values = exported(ready)
    ready.set_trial(0)
    ready.masking.set_applied(False)
    for _ in range(2):
        ready.undo_stack.undo()
    ready.set_sampling(Sampling())
    ready.set_seeds(0, 4)
    return values


def test_everything_comes_back(ready, request_of_before):
    restore_request(ready, request_of_before)
    assert exported(ready) == request_of_before


def test_whole_vector_without_a_mask(ready, request_of_before):
    restore_request(ready, {**request_of_before, "rois": None, "mask": None})
    assert ready.request().rois is None
    assert ready.request().mask is None


def test_sample_of_another_subject(ready, request_of_before):
    with pytest.raises(RequestError, match="decoded from sub-07; open that subject first"):
        restore_request(ready, {**request_of_before, "subject": "sub-07"})


@pytest.mark.parametrize(
    "change",
    [
        {"rois": ["V9"]},
        {"sampler": "magic"},
        {"mask": {"n_patches": 3, "masked": [7], "seed": 0}},
        {"mask": {"n_patches": 3, "masked": [1], "seed": 0}},
        {"trial": None},
    ],
)
def test_request_that_does_not_fit(ready, request_of_before, change):
    with pytest.raises(MindVisError):
        restore_request(ready, {**request_of_before, **change})


def test_request_that_lacks_something(ready, request_of_before):
    del request_of_before["steps"]
    with pytest.raises(DataError, match="incomplete"):
        restore_request(ready, request_of_before)


def test_a_lesioned_sample_says_where_it_is_made(ready, request_of_before):
    values = {**request_of_before, "lesion": {"name": "V1"}}
    with pytest.raises(RequestError, match="decoded without V1; decode it again in the panel"):
        restore_request(ready, values)


def test_a_focus_comes_back(ready):
    masking = ready.masking
    focus = masking.focus_on(ready.subject.roi("LOC").voxels, 0.8)
    masking.draw_mask(0.5, 3, focus=focus)
    masking.set_applied(True)
    values = exported(ready)
    masking.draw_mask(0.75, 0)
    restore_request(ready, values)
    assert masking.mask.focus == focus
    assert exported(ready) == values
