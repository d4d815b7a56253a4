from dataclasses import replace
from itertools import permutations, product

import nibabel
import numpy as np
import pytest

from mindvis_gui.data.region_image import read_label_image, write_label_image
from mindvis_gui.data.subject import Roi
from mindvis_gui.errors import DataError, ExportError


def test_what_is_written_is_read_back(subject, tmp_path):
    rois = [Roi("my sphere", np.array([3, 5, 8])), Roi("other", np.array([100, 101]))]
    path = tmp_path / "regions.nii.gz"
    write_label_image(subject, rois, path)
    read, missed = read_label_image(path, subject)
    assert missed == []
    assert {roi.name: roi.voxels.tolist() for roi in read} == {
        "my sphere": [3, 5, 8],
        "other": [100, 101],
    }
    assert all(roi.made for roi in read)
    assert (tmp_path / "regions.tsv").read_text() == "index\tname\n1\tmy sphere\n2\tother\n"


def test_the_same_regions_give_the_same_bytes(subject, tmp_path):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_label_image(subject, subject.rois, tmp_path / name)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def turned(data, affine, order, signs):
    """Store a volume with another order and direction of its axes; every voxel keeps its mm."""
    matrix = affine[:, [*order, 3]].copy()
    data = data.transpose(order)
    for axis, sign in enumerate(signs):
        if sign < 0:
            data = np.flip(data, axis)
            matrix[:3, 3] += (data.shape[axis] - 1) * matrix[:3, axis]
            matrix[:3, axis] *= -1
    return data, matrix


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_labels_of_all_48_orientations_are_found_by_their_mm(subject, tmp_path, order):
    labels = np.zeros(subject.ijk.max(axis=0) + 1, np.int16)
    labels[tuple(subject.ijk[[7, 60, 333]].T)] = 4
    for signs in product((1, -1), repeat=3):
        data, affine = turned(labels, subject.affine, order, signs)
        path = tmp_path / "labels.nii"
        nibabel.save(nibabel.Nifti1Image(data, affine), path)
        (roi,), _ = read_label_image(path, subject)
        assert roi.voxels.tolist() == [7, 60, 333], signs


def test_labels_beside_the_response_are_named_and_left_out(subject, tmp_path):
    labels = np.zeros((31, 37, 31), np.int16)
    labels[tuple(subject.ijk[5])] = 1
    labels[30, 36, 30] = 2
    path = tmp_path / "labels.nii"
    nibabel.save(nibabel.Nifti1Image(labels, subject.affine), path)
    (tmp_path / "labels.tsv").write_text("1\there\n2\tnowhere\n")
    rois, missed = read_label_image(path, subject)
    assert [roi.name for roi in rois] == ["here"]
    assert missed == ["nowhere"]


def test_labels_that_nibabel_scaled_are_found(subject, tmp_path):
    labels = np.zeros((31, 37, 31))
    labels[tuple(subject.ijk[5])] = 2
    labels[tuple(subject.ijk[8])] = 7
    image = nibabel.Nifti1Image(labels, subject.affine)
    image.set_data_dtype(np.int16)
    nibabel.save(image, tmp_path / "labels.nii")
    rois, _ = read_label_image(tmp_path / "labels.nii", subject)
    assert [(roi.name, roi.voxels.tolist()) for roi in rois] == [("label 2", [5]), ("label 7", [8])]


def test_images_that_are_no_regions_of_this_subject_are_refused(subject, tmp_path):
    path = tmp_path / "map.nii"
    nibabel.save(nibabel.Nifti1Image(np.full((4, 4, 4), 0.5, np.float32), np.eye(4)), path)
    with pytest.raises(DataError, match="whole numbers"):
        read_label_image(path, subject)
    nibabel.save(nibabel.Nifti1Image(np.ones((2, 2, 2), np.int16), np.eye(4)), path)
    with pytest.raises(DataError, match="none of its 1 labels"):
        read_label_image(path, subject)


def test_what_cannot_be_a_label_image_is_refused_and_writes_nothing(subject, tmp_path):
    path = tmp_path / "regions.nii.gz"
    overlapping = [Roi("a", np.array([1, 2])), Roi("b", np.array([2, 3]))]
    with pytest.raises(DataError, match="share 1 voxels"):
        write_label_image(subject, overlapping, path)
    with pytest.raises(DataError, match="no region is visible"):
        write_label_image(subject, [], path)
    with pytest.raises(DataError, match="no voxel positions"):
        write_label_image(replace(subject, ijk=None), subject.rois, path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError):
        write_label_image(subject, subject.rois, tmp_path / "file" / "regions.nii.gz")
