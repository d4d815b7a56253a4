import numpy as np
import pytest

from mindvis_gui.data.lesion import Lesion
from mindvis_gui.data.mask import MaskState
from mindvis_gui.decoding.lesion import lesioned
from mindvis_gui.decoding.models import load_decoder
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.errors import ModelError, RequestError


@pytest.fixture
def request_of_all():
    vector = np.random.default_rng(0).normal(size=100).astype(np.float32)
    return DecodeRequest("tiny", 2, vector, (0, 1))


def test_only_the_vector_changes_and_the_lesion_is_recorded(tiny, request_of_all):
    lesion = Lesion("first", np.arange(20))
    asked = lesioned(request_of_all, lesion, tiny)
    assert not asked.vector[:20].any()
    assert np.array_equal(asked.vector[20:], request_of_all.vector[20:])
    assert asked.seeds == request_of_all.seeds
    before, after = request_of_all.to_json(), asked.to_json()
    assert after["lesion"] == lesion.to_json()
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {"lesion", "vector_sha256"}


def test_recovered_voxels_come_from_patches_without_the_lesion(tiny, request_of_all):
    lesion = Lesion("middle", np.arange(40, 50), "recover")
    asked = lesioned(request_of_all, lesion, tiny)
    hidden = MaskState(~np.isin(np.arange(7), [2, 3]))
    expected = tiny.recover(request_of_all.vector, hidden).recovered
    assert np.array_equal(asked.vector[40:50], expected[40:50])
    assert np.array_equal(asked.vector[32:40], request_of_all.vector[32:40])
    # What the lesion hides, its neighbours in the same patches included, is not looked at.
    other = request_of_all.vector.copy()
    other[32:64] = 7
    again = lesioned(DecodeRequest("tiny", 2, other, (0,)), lesion, tiny)
    assert np.array_equal(again.vector[40:50], asked.vector[40:50])


def test_a_model_without_sc_mbm_recovers_nothing(tiny_model_folder, request_of_all):
    decoder = load_decoder(tiny_model_folder, device="cpu", precision="fp32")
    decoder._pipeline.masked_model = None
    with pytest.raises(ModelError, match="no SC-MBM"):
        lesioned(request_of_all, Lesion("a", np.arange(5), "recover"), decoder)


def test_nothing_left_is_refused(tiny, request_of_all):
    with pytest.raises(RequestError, match="leave some to decode from"):
        lesioned(request_of_all, Lesion("all", np.arange(100)), tiny)


def test_a_mask_of_everything_is_refused(request_of_all):
    with pytest.raises(RequestError, match="hides all 7 patches; keep at least one"):
        DecodeRequest("tiny", 2, request_of_all.vector, (0,), mask=MaskState(np.zeros(7, bool)))
