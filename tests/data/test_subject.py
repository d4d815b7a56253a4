from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from mindvis_gui.data.recording import ArrayRecording
from mindvis_gui.errors import DataError


def test_responses_come_in_the_order_asked_for(subject):
    whole = subject.responses(range(24))
    assert whole.shape == (24, 700)
    assert whole.dtype == np.float32
    assert np.array_equal(subject.responses([5, 2, 5]), whole[[5, 2, 5]])
    assert subject.responses([]).shape == (0, 700)


def test_responses_are_read_only(subject):
    with pytest.raises(ValueError, match="read-only"):
        subject.responses([0])[0, 0] = 1


@pytest.mark.parametrize("index", [-1, 24, 10**9])
def test_a_trial_that_does_not_exist(subject, index):
    with pytest.raises(DataError, match=f"tiny: trial {index} does not exist; .* 0 to 23"):
        subject.responses([3, index])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_responses_that_are_no_numbers(subject, value):
    values = np.ones((24, 700), np.float32)
    values[7, 3:5] = value
    subject = replace(subject, recording=ArrayRecording(values))
    assert subject.responses([6]).all()
    x, y, z = subject.affine[:3, :3] @ subject.ijk[3] + subject.affine[:3, 3]
    message = "trial 7 holds 2 values that are NaN or infinite, the first in voxel 3 of the vector"
    with pytest.raises(DataError, match=rf"{message} \(at {x:.4g}, {y:.4g}, {z:.4g} mm\); leave"):
        subject.responses([6, 7])
    values[7, 3] = 1
    subject = replace(subject, ijk=None, affine=None)
    message = (
        "trial 7 holds 1 value that is NaN or infinite, the first in voxel 4 of the vector; le"
    )
    with pytest.raises(DataError, match=message):
        subject.responses([7])


def test_the_stimulus_of_a_trial(subject):
    assert subject.stimulus(subject.trials[0]).shape == (48, 48, 3)
    assert subject.stimulus(replace(subject.trials[0], stimulus_id="")) is None
    assert subject.stimulus(replace(subject.trials[0], stimulus_id="gone")) is None


def test_a_volume_has_each_value_at_its_place(subject):
    values = np.arange(700, dtype=np.float32)
    volume = subject.volume(values)
    assert np.array_equal(volume[tuple(subject.ijk.T)], values)
    assert np.isfinite(volume).sum() == 700


def test_a_volume_needs_positions(subject):
    with pytest.raises(DataError, match="no voxel positions"):
        replace(subject, ijk=None).volume(np.zeros(700, np.float32))


def test_regions_by_name(subject):
    assert subject.roi("FFA").name == "FFA"
    with pytest.raises(DataError, match="no region is called 'ffa'; it has: V1, V2"):
        subject.roi("ffa")


def test_simulated_subjects_say_so(subject):
    assert subject.display_name == "tiny (simulated)"
    assert replace(subject, simulated=False).display_name == "tiny"


def test_subjects_and_trials_are_frozen(subject):
    with pytest.raises(FrozenInstanceError):
        subject.name = "other"
    with pytest.raises(FrozenInstanceError):
        subject.trials[0].index = 3
