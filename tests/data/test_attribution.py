from dataclasses import replace

import nibabel
import numpy as np
import pytest

from mindvis_gui.data.attribution import Attribution, by_region, to_json, write_maps
from mindvis_gui.data.subject import Roi
from mindvis_gui.errors import DataError, ExportError


def test_regions_share_the_map_with_and_without_signs(subject):
    values = np.zeros(700, np.float32)
    values[:50], values[50:100] = 1, -0.5  # V1
    values[100:200] = 0.25  # V2
    v1, v2, v3, *_ = by_region(values, subject)
    assert (v1.name, v1.n_voxels) == ("V1", 100)
    assert v1.share == pytest.approx(75)
    assert v1.net == pytest.approx(25)
    assert v1.density == pytest.approx(0.75 * 7)
    assert v2.share == pytest.approx(25)
    assert v3.share == v3.net == v3.density == 0


def test_voxels_in_no_region_are_a_row_of_their_own(subject):
    part = replace(subject, rois=(Roi("V1", np.arange(100)),))
    rows = by_region(np.ones(700, np.float32), part)
    assert [(row.name, row.n_voxels) for row in rows] == [("V1", 100), ("(none)", 600)]
    assert sum(row.share for row in rows) == pytest.approx(100)


def test_a_map_is_written_where_its_voxels_are(subject, tmp_path):
    values = np.arange(700, dtype=np.float32)
    path = tmp_path / "map.nii.gz"
    write_maps([values], subject, path, "mindvis")
    image = nibabel.load(path)
    assert np.array_equal(image.affine, subject.affine)
    assert np.array_equal(image.get_fdata()[tuple(subject.ijk.T)], values)
    outside = np.ones(image.shape, bool)
    outside[tuple(subject.ijk.T)] = False
    assert not image.get_fdata()[outside].any()
    assert [each.name for each in tmp_path.iterdir()] == ["map.nii.gz"]


def test_several_maps_make_one_image(subject, tmp_path):
    maps = [np.full(700, number, np.float32) for number in (1, 2)]
    write_maps(maps, subject, tmp_path / "maps.nii", "mindvis")
    image = nibabel.load(tmp_path / "maps.nii")
    assert image.shape[3] == 2
    assert image.get_fdata()[(*subject.ijk[0], 1)] == 2


def test_no_positions_no_image(subject, tmp_path):
    flat = replace(subject, ijk=None, affine=None)
    with pytest.raises(DataError, match="no voxel positions"):
        write_maps([np.zeros(700, np.float32)], flat, tmp_path / "map.nii", "")
    with pytest.raises(DataError, match=r"end its name in \.nii\.gz"):
        write_maps([np.zeros(700, np.float32)], subject, tmp_path / "map.png", "")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_leaves_nothing(subject, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ExportError):
        write_maps([np.zeros(700, np.float32)], subject, tmp_path / "file" / "map.nii", "")


def test_a_map_in_words(subject):
    found = Attribution(3, 1, "rollout", np.full(700, 1 / 7, np.float32))
    values = to_json(found, subject)
    assert values["effect"] is None
    assert values["unit"] == "% of all"
    assert [row["name"] for row in values["regions"]][:2] == ["V1", "V2"]
