import shutil

import nibabel as nib
import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.data.cifti_file import CiftiFile
from mindvis_gui.data.hcp_cifti import read_hcp_cifti_subject
from mindvis_gui.data.parcellation import read_parcellation
from mindvis_gui.errors import DataError
from tests.data.makers import AREAS, CORTEX, make_cifti


@pytest.fixture
def cifti(tmp_path):
    return make_cifti(tmp_path)


def expected_series(path):
    """Return V1 to V4 of the series by nibabel's own reader: left before right."""
    values = nib.load(path).get_fdata()
    columns = []
    for area in range(1, 5):  # the label of vertex v is v % 6
        start = 0
        for vertices, _ in CORTEX.values():
            columns += [start + i for i, v in enumerate(vertices) if v % 6 == area]
            start += len(vertices)
    return values[:, columns]


def test_the_same_vectors_as_the_published_archive(cifti, tmp_path):
    subject = open_subject(cifti)
    series = expected_series(cifti)
    regions = {roi.name: len(roi.voxels) for roi in subject.rois}
    edges = np.cumsum([0, *regions.values()])
    (tmp_path / "100610").mkdir(exist_ok=True)
    archive = tmp_path / "100610" / "HCP_visual_voxel.npz"
    np.savez(
        archive,
        **{name: series[:, a:b] for name, a, b in zip(regions, edges, edges[1:], strict=False)},
    )
    published = open_subject(archive)
    every = range(len(subject.trials))
    assert np.allclose(subject.responses(every), published.responses(every), rtol=1e-6)
    assert [r.name for r in subject.rois] == [r.name for r in published.rois] == list(AREAS[:4])
    assert subject.trials == published.trials
    assert subject.name == published.name == "100610"


@pytest.mark.parametrize("kind", ["dtseries", "dscalar"])
def test_left_comes_before_right_in_whatever_order_the_file_holds_them(cifti, kind):
    image = nib.load(cifti)
    maps, units = (image.header.get_axis(n) for n in range(2))
    if kind == "dscalar":
        maps = nib.cifti2.ScalarAxis([f"map {n}" for n in range(len(maps))])
    parts = {
        str(name).removeprefix("CIFTI_STRUCTURE_"): p for name, p, _ in units.iter_structures()
    }
    vectors = []
    for order in (
        ("CORTEX_LEFT", "CORTEX_RIGHT"),
        ("THALAMUS_LEFT", "CORTEX_RIGHT", "CORTEX_LEFT"),
    ):
        first, *others = (units[parts[name]] for name in order)
        values = np.concatenate([image.get_fdata()[:, parts[name]] for name in order], axis=1)
        path = cifti.with_name(f"{len(order)}.{kind}.nii")
        nib.Cifti2Image(values, (maps, sum(others, first))).to_filename(path)
        subject = open_subject(path)
        vectors.append(subject.responses(range(len(subject.trials))))
    assert np.array_equal(*vectors)


def test_the_medial_wall_and_the_rest_of_the_brain_are_left_out(cifti):
    file = CiftiFile(cifti)
    assert {side: c.first for side, c in file.cortex.items()} == {"L": 0, "R": 56}
    assert open_subject(cifti).n_voxels == expected_series(cifti).shape[1] < 80


def test_the_parcellation_can_be_given(cifti, tmp_path):
    labels = tmp_path / "elsewhere" / "areas.dlabel.nii"
    labels.parent.mkdir()
    shutil.move(next(tmp_path.glob("*.dlabel.nii")), labels)
    with pytest.raises(DataError, match="lay it beside the file, give it with --rois"):
        open_subject(cifti)
    assert read_hcp_cifti_subject(cifti, labels).n_voxels == expected_series(cifti).shape[1]


def test_areas_of_a_parcellation(cifti, tmp_path):
    found = read_parcellation(next(tmp_path.glob("*.dlabel.nii")))
    assert found.areas == list(AREAS)
    assert found.vertices["R", "V2"].tolist() == list(range(2, 60, 6))


def test_what_is_no_series(cifti, tmp_path):
    labels = next(tmp_path.glob("*.dlabel.nii"))
    with pytest.raises(DataError, match="this CIFTI file holds neither a time series nor scalars"):
        open_subject(labels)
    with pytest.raises(DataError, match="no labels in this file"):
        read_parcellation(cifti)
    cifti.write_bytes(cifti.read_bytes()[:-100])
    with pytest.raises(DataError, match="is it complete"):
        open_subject(cifti)
    cifti.write_bytes(cifti.read_bytes()[:1500])
    with pytest.raises(DataError, match="is it complete"):
        open_subject(cifti)
    cifti.write_bytes(cifti.read_bytes()[:530])
    with pytest.raises(DataError, match="header is damaged"):
        open_subject(cifti)


def test_too_few_frames(tmp_path):
    with pytest.raises(DataError, match="9 frames × "):
        open_subject(make_cifti(tmp_path, n_frames=9))
