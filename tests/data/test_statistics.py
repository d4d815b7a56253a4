from dataclasses import replace

import h5py
import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.data.prepare import measure_normalisation, stored_normalisation
from mindvis_gui.data.statistics import RunningStatistics
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.errors import DataError


def test_running_statistics_in_blocks():
    values = np.random.default_rng(0).normal(1e4, 1, (50, 7)).astype(np.float32)
    whole, columns = RunningStatistics(), RunningStatistics(7)
    for block in np.split(values, [3, 3, 20]):
        whole.add(block)
        columns.add(block)
    exact = values.astype(np.float64)
    assert (whole.mean, whole.std) == (pytest.approx(exact.mean()), pytest.approx(exact.std()))
    assert np.allclose(columns.mean, exact.mean(axis=0))
    assert np.allclose(columns.std, exact.std(axis=0))
    assert np.isnan(RunningStatistics().std)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int16", "int8"])
def test_a_subject_file_knows_its_statistics(tmp_path, pictured, dtype):
    write_subject(tmp_path / "a.h5", pictured, dtype=dtype)
    stored = stored_normalisation(open_subject(tmp_path / "a.h5"))
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file["responses"].attrs["train_std"]
    measured = measure_normalisation(open_subject(tmp_path / "a.h5"))
    assert stored.mean == pytest.approx(measured.mean, abs=1e-9)
    assert stored.std == pytest.approx(measured.std, rel=1e-9)
    assert stored.basis == measured.basis == "training trials"


def test_statistics_of_other_trials_are_not_taken(subject_path):
    subject = open_subject(subject_path)
    fewer = replace(subject, trials=tuple(replace(t, split="train") for t in subject.trials))
    assert stored_normalisation(fewer) is None
    values = subject.responses(range(24))
    assert measure_normalisation(fewer).std == pytest.approx(values.std(), rel=1e-6)


@pytest.mark.parametrize(("mean", "std"), [(90.0, 1.0), (0.0, 50.0), (0.0, 0.0)])
def test_statistics_that_the_responses_contradict_are_measured_anew(subject_path, mean, std):
    expected = measure_normalisation(open_subject(subject_path))
    with h5py.File(subject_path, "r+") as file:
        file["responses"].attrs["train_mean"] = mean
        file["responses"].attrs["train_std"] = std
    found = measure_normalisation(open_subject(subject_path))
    assert (found.mean, found.std) == (pytest.approx(expected.mean), pytest.approx(expected.std))


def test_statistics_that_are_no_numbers(subject_path):
    with h5py.File(subject_path, "r+") as file:
        file["responses"].attrs["train_mean"] = np.nan
    with pytest.raises(DataError, match="attribute 'train_mean' is"):
        measure_normalisation(open_subject(subject_path))
