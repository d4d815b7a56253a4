from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.data.region_shapes import (
    between,
    make_region,
    same_voxels,
    sphere,
    voxel_positions,
    voxels_hash,
)
from mindvis_gui.errors import DataError


def test_a_sphere_holds_the_voxels_within_its_radius(subject):
    centre = (subject.affine @ [*subject.ijk[100], 1])[:3]
    distances = [np.linalg.norm((subject.affine @ [*v, 1])[:3] - centre) for v in subject.ijk]
    found = sphere(subject, centre, 8.0)
    assert found.tolist() == [i for i, d in enumerate(distances) if d <= 8.0]
    assert 100 in found
    assert sphere(subject, (900, 0, 0), 8.0).size == 0


def test_positions_are_needed(subject):
    with pytest.raises(DataError, match="no voxel positions"):
        voxel_positions(replace(subject, ijk=None, affine=None))


def test_between_leaves_out_nan():
    values = np.array([np.nan, -1, 0.5, 2], np.float32)
    assert between(values, 0.5).tolist() == [2, 3]
    assert between(values, -2, 1).tolist() == [1, 2]


def test_regions_are_refused_with_a_reason(subject):
    for name, voxels, reason in (
        ("V1", [1], "exists already"),
        ("new", [], "no voxel"),
        ("a/b", [1], "not allowed"),
    ):
        with pytest.raises(DataError, match=reason):
            make_region(name, np.array(voxels, int), "sphere", subject.rois)


def test_equal_regions_have_equal_hashes():
    assert voxels_hash(np.array([3, 1, 2])) == voxels_hash(np.array([1, 2, 3], np.int32))
    assert voxels_hash(np.array([1, 2])) != voxels_hash(np.array([1, 3]))


def test_regions_fit_responses_of_the_same_voxels_alone(subject):
    assert same_voxels(subject, replace(subject, name="after other steps"))
    assert not same_voxels(subject, replace(subject, ijk=subject.ijk[::-1]))
    assert not same_voxels(subject, replace(subject, n_voxels=5))
    flat = replace(subject, ijk=None)
    assert same_voxels(flat, flat)
    assert not same_voxels(flat, subject)
