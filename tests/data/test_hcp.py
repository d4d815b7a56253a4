import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.errors import DataError


@pytest.fixture
def hcp(tmp_path):
    """Return a writer of time series of four regions, some changed."""

    def write(**changed):
        rng = np.random.default_rng(0)
        arrays = {f"V{n}": rng.normal(size=(47, 3 + n)).astype(np.float32) for n in range(1, 5)}
        (tmp_path / "100610").mkdir(exist_ok=True)
        path = tmp_path / "100610" / "HCP_visual_voxel.npz"
        np.savez(path, **(arrays | changed))
        return path

    return write


def test_windows_and_regions(hcp):
    path = hcp()
    subject = open_subject(path)
    raw = dict(np.load(path))
    series = np.concatenate([raw[f"V{n}"] for n in range(1, 5)], axis=1)
    assert subject.name == "100610"
    assert [(t.split, t.stimulus_id) for t in subject.trials] == [("train", "")] * 4
    assert [len(roi.voxels) for roi in subject.rois] == [4, 5, 6, 7]
    means = np.stack([part.mean(axis=0) for part in np.array_split(series, 4)])
    assert np.allclose(subject.responses([0, 1, 2, 3]), means, atol=1e-6)
    assert "47 frames of a time series: each of the 4 responses is the mean" in subject.notes[0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"V2": np.zeros((46, 5))}, "V1 has 47 frames but V2 has 46"),
        ({f"V{n}": np.zeros((9, 5)) for n in range(1, 5)}, "9 frames × 20 voxels; from 10"),
        ({"V3": np.zeros(47)}, r"V3 has shape \(47,\)"),
        ({"V3": np.zeros((47, 2), int)}, "V3 has shape .* and type int64"),
        ({"V3": np.zeros((47, 0))}, r"V3 has shape \(47, 0\): no values"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(hcp, changed, message):
    with pytest.raises(DataError, match=message) as caught:
        open_subject(hcp(**changed))
    assert str(caught.value).startswith("HCP_visual_voxel.npz: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("values", [[np.inf], [np.inf, -np.inf], [1e308, 1e308]])
def test_frames_that_are_not_finite(hcp, values):
    series = np.ones((47, 5))
    series[30 : 30 + len(values)] = np.array(values)[:, None]
    with pytest.raises(DataError, match="trial 2 holds 5 values that are NaN or infinite"):
        open_subject(hcp(V2=series)).responses(range(4))
