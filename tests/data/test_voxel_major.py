import h5py
import numpy as np
import pytest

from mindvis_gui.data import voxel_major
from mindvis_gui.data.voxel_major import MappedArray, VoxelMajorRows, mapped


@pytest.mark.parametrize("at_once", [1 << 20, 7])
@pytest.mark.parametrize("options", [{}, {"chunks": (2, 3, 4)}])
def test_trials_are_those_of_the_array_however_many_are_gathered(
    tmp_path, monkeypatch, at_once, options
):
    monkeypatch.setattr(voxel_major, "_BLOCK", at_once)
    values = np.random.default_rng(0).normal(size=(4, 6, 8)).astype(np.float32)
    path = tmp_path / "betas.h5"
    units = np.array([0, 5, 6, 11, 12, 13, 20, 23])
    with h5py.File(path, "w") as file:
        file.create_dataset("betas", data=values, **options)
    with h5py.File(path) as file:
        stored = mapped(path, file["betas"])
        assert isinstance(stored, MappedArray) == (not options)
        rows = VoxelMajorRows(path, stored, units)
        for trials in ([3], [7, 0, 2]):
            expected = values.reshape(24, 8)[units][:, trials].T
            np.testing.assert_array_equal(rows(np.array(trials)), expected)
