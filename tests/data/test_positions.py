from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from mindvis_gui.cli import main
from mindvis_gui.data import open_subject
from mindvis_gui.data.positions import with_positions
from mindvis_gui.data.subject import Roi
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.errors import DataError

AFFINE = np.diag([3.0, 3, 3, 1])


SHAPE = (10, 11, 12)


@pytest.fixture
def lost(tmp_path, pictured):
    """Return a subject without positions, and voxels at which its own could lie."""
    path = tmp_path / "lost.h5"
    write_subject(path, replace(pictured, ijk=None, affine=None, anatomy=None))
    points = np.sort(np.random.default_rng(0).permutation(np.prod(SHAPE))[:700])
    return open_subject(path), np.stack(np.unravel_index(points, SHAPE), axis=1)


def masks(folder, subject, ijk, order="C"):
    """Write one mask for each region, the voxels counted in an order."""
    folder.mkdir()
    ranked = ijk if order == "C" else ijk[np.lexsort(ijk.T)]
    for roi in subject.rois:
        volume = np.zeros(SHAPE, np.uint8)
        volume[tuple(ranked[roi.voxels].T)] = 1
        nib.save(nib.Nifti1Image(volume, AFFINE), folder / f"{roi.name}.nii.gz")
    return folder, ranked


@pytest.mark.parametrize("order", ["C", "F"])
def test_masks_give_positions_in_the_order_that_the_regions_confirm(tmp_path, lost, order):
    subject, ijk = lost
    folder, ranked = masks(tmp_path / "rois", subject, ijk, order)
    joined = with_positions(subject, folder)
    assert np.array_equal(joined.ijk, ranked)
    assert np.array_equal(joined.affine, AFFINE)
    assert "order is confirmed by the regions V1" in joined.notes[-1]
    assert [r.name for r in joined.rois] == [r.name for r in subject.rois]


def test_one_mask_gives_positions_whose_order_nothing_confirms(tmp_path, lost):
    subject, ijk = lost
    volume = np.zeros(SHAPE, np.uint8)
    volume[tuple(ijk.T)] = 1
    nib.save(nib.Nifti1Image(volume, AFFINE), tmp_path / "mask.nii.gz")
    joined = with_positions(subject, tmp_path / "mask.nii.gz")
    assert np.array_equal(joined.ijk, ijk)
    assert "no region of the same name could confirm" in joined.notes[-1]


def test_regions_that_come_with_the_positions_are_not_said_to_be_missing(tmp_path, lost):
    subject, ijk = lost
    folder, _ = masks(tmp_path / "rois", subject, ijk)
    np.savez(tmp_path / "mine.npz", betas=subject.responses([0, 1, 2, 3]))
    target = tmp_path / "mine.h5"
    options = ["--responses", "betas", "--split", "trial=0"]
    source = str(tmp_path / "mine.npz")
    assert main(["import-subject", source, *options, "--out", str(target)]) == 0
    assert any(note.startswith("No regions") for note in open_subject(target).notes)
    options += ["--positions", str(folder), "--overwrite"]
    assert main(["import-subject", source, *options, "--out", str(target)]) == 0
    made = open_subject(target)
    assert {roi.name for roi in made.rois} == {roi.name for roi in subject.rois}
    assert not any(note.startswith("No regions") for note in made.notes)


def test_a_subject_with_positions_gives_them(tmp_path, lost):
    subject, ijk = lost
    folder, _ = masks(tmp_path / "rois", subject, ijk)
    source = subject.source
    command = ["import-subject", str(source), "--positions", str(folder), "--out"]
    assert main([*command, str(tmp_path / "a.h5")]) == 0
    again = ["import-subject", str(source), "--positions", str(tmp_path / "a.h5"), "--out"]
    assert main([*again, str(tmp_path / "b.h5")]) == 0
    found = open_subject(tmp_path / "b.h5")
    assert np.array_equal(found.ijk, ijk)
    assert np.array_equal(found.responses([3]), subject.responses([3]))


def test_what_does_not_fit(tmp_path, lost):
    there, ijk = lost
    folder, _ = masks(tmp_path / "rois", there, ijk)
    v1 = there.roi("V1").voxels
    fewer = replace(there, rois=(Roi("V1", v1[1:]),))
    with pytest.raises(DataError, match=r"region V1 has \d+ voxels but in tiny it has"):
        with_positions(fewer, folder)
    others = replace(there, rois=(Roi("V1", (v1 + 3) % there.n_voxels),))
    with pytest.raises(DataError, match="the voxels are in another order"):
        with_positions(others, folder)
    with pytest.raises(DataError, match="must hold the very same voxels"):
        with_positions(replace(there, n_voxels=699), folder)
    with pytest.raises(DataError, match="has no voxel positions either"):
        with_positions(there, there.source)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no file or folder of masks"):
        with_positions(there, tmp_path / "empty")
