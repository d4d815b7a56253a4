import numpy as np
import pytest

from mindvis_gui.data.schematic_rois import AREAS, RETINOTOPIC, along_polyline, read_cortex
from mindvis_gui.errors import DataError


@pytest.fixture(scope="module")
def cortex():
    return read_cortex()


def mm(cortex, voxels):
    return cortex.ijk[voxels] @ cortex.affine[:3, :3].T + cortex.affine[:3, 3]


def test_areas_have_their_sizes_in_the_order_of_the_vector(cortex):
    sizes = {roi.name: len(roi.voxels) for roi in cortex.rois}
    assert sizes == {
        "V1": 880,
        "V2": 880,
        "V3": 680,
        "hV4": 360,
        "LOC": 600,
        "FFA": 400,
        "PPA": 400,
    }
    assert np.array_equal(np.concatenate([roi.voxels for roi in cortex.rois]), np.arange(4200))
    assert (np.diff(cortex.area * 2 + (cortex.hemisphere > 0)) >= 0).all()


def test_hemispheres_are_of_one_size_and_on_their_side(cortex):
    for name in AREAS:
        voxels = cortex.voxels(name)
        assert cortex.hemisphere[voxels].sum() == 0
        assert (np.sign(mm(cortex, voxels)[:, 0]) == cortex.hemisphere[voxels]).all()


@pytest.mark.parametrize(
    ("area", "peak", "within"),
    [
        ("FFA", (41, -54, -18), 4),
        ("PPA", (27, -46, -10), 4),
        ("LOC", (43, -78, 3), 5),
    ],
)
def test_areas_lie_around_their_landmarks(cortex, area, peak, within):
    for side in (-1, 1):
        voxels = cortex.voxels(area)
        centre = mm(cortex, voxels[cortex.hemisphere[voxels] == side]).mean(axis=0)
        assert np.linalg.norm(centre - np.multiply(peak, (side, 1, 1))) < within


@pytest.mark.parametrize("area", RETINOTOPIC)
def test_receptive_fields_are_contralateral_and_grow_outwards(cortex, area):
    voxels = cortex.voxels(area)
    assert (cortex.centre[voxels, 0] * cortex.hemisphere[voxels] < 1e-9).all()
    order = np.argsort(cortex.eccentricity[voxels])
    assert (np.diff(cortex.size[voxels][order]) >= -1e-12).all()


def test_receptive_fields_grow_from_area_to_area(cortex):
    sizes = [cortex.size[cortex.voxels(area)].mean() for area in RETINOTOPIC]
    assert sizes == sorted(sizes)


def test_the_visual_field_is_covered(cortex):
    centre = cortex.centre[cortex.voxels("V1")]
    for x in (-3, 0, 3):
        for y in (-3, 0, 3):
            assert np.linalg.norm(centre - (x, y), axis=1).min() < 0.8


def test_the_calcarine_runs_from_the_fovea_at_the_pole_to_the_periphery(cortex):
    voxels = cortex.voxels("V1")
    y = mm(cortex, voxels)[:, 1]
    assert np.corrcoef(y, cortex.eccentricity[voxels])[0, 1] > 0.8


@pytest.mark.parametrize("area", ["V1", "V2", "V3"])
def test_ventral_is_up(cortex, area):
    voxels = cortex.voxels(area)
    z = mm(cortex, voxels)[:, 2]
    up = cortex.centre[voxels, 1] > 0
    assert z[up].mean() < z[~up].mean() - 5


def test_neighbours_in_the_vector_are_neighbours_in_the_cortex(cortex):
    patches = np.arange(cortex.n_voxels // 16 * 16).reshape(-1, 16)
    spread = mm(cortex, patches).std(axis=1).mean()
    shuffled = np.random.default_rng(0).permutation(patches.reshape(-1)).reshape(-1, 16)
    assert spread < mm(cortex, shuffled).std(axis=1).mean() / 3


def test_where_a_point_lies_along_a_polyline():
    line = np.array([[0.0, 0, 0], [10, 0, 0], [10, 10, 0]])
    distance, position = along_polyline(np.array([[5.0, 3, 0], [10, 10, 2], [-4, 0, 0]]), line)
    assert np.allclose(distance, [3, 2, 4])
    assert np.allclose(position, [0.25, 1, 0])


def test_a_folder_without_the_files_is_named(tmp_path):
    with pytest.raises(DataError, match=tmp_path.name):
        read_cortex(tmp_path)
