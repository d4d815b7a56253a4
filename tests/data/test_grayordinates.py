import re
import shutil

import nibabel as nib
import numpy as np
import pytest

from mindvis_gui.cli import main
from mindvis_gui.data import open_subject
from mindvis_gui.data.cifti_file import CiftiFile
from mindvis_gui.data.grayordinates import on_grid
from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.hcp_cifti import read_hcp_cifti_subject
from mindvis_gui.data.import_plan import ImportPlan
from mindvis_gui.data.positions import with_positions
from mindvis_gui.data.source_contents import inspect_source
from mindvis_gui.data.subject import Grayordinates
from mindvis_gui.data.surface_file import read_surface, surface_files
from mindvis_gui.errors import DataError
from tests.data.makers import (
    CORTEX,
    make_arrays,
    make_bdata,
    make_cifti,
    make_god,
    make_scalars,
    make_surfaces,
)


@pytest.fixture
def left(tmp_path):
    return make_surfaces(tmp_path / "surf")


def right_of(left):
    return left.with_name(left.name.replace(".L.", ".R."))


def mm_of(subject):
    return subject.ijk @ subject.affine[:3, :3].T + subject.affine[:3, 3]


def vertices_mm(left):
    """Return the places (n, 3) of the vertices in a CIFTI file, by nibabel."""
    return np.concatenate(
        [
            nib.load(path).darrays[0].data[CORTEX[side][0]]
            for side, path in (("L", left), ("R", right_of(left)))
        ]
    )


def test_voxels_of_structures_lie_where_the_file_says(tmp_path):
    path = make_scalars(tmp_path, "V")
    subject = open_subject(path)
    axis = nib.load(path).header.get_axis(1)
    assert np.allclose(mm_of(subject), nib.affines.apply_affine(axis.affine, axis.voxel))
    assert [(r.name, len(r.voxels)) for r in subject.rois] == [
        ("THALAMUS_LEFT", 27),
        ("THALAMUS_RIGHT", 18),
    ]
    assert np.array_equal(subject.responses(range(8)), nib.load(path).get_fdata(dtype=np.float32))
    assert [t.label for t in subject.trials] == [f"picture {n}" for n in range(8)]
    assert (np.diag(subject.affine)[:3] > 0).all()
    assert (DisplayGrid.of(subject).voxel_at >= 0).sum() == 45


def test_a_grid_in_metres(tmp_path):
    path = make_scalars(tmp_path, "V")
    mm = mm_of(open_subject(path))
    content = path.read_bytes()
    path.write_bytes(content.replace(b'MeterExponent="-3"', b'MeterExponent="-2"'))
    assert np.allclose(mm_of(open_subject(path)), 10 * mm)


def test_vertices_have_no_positions_by_themselves(tmp_path):
    subject = read_hcp_cifti_subject(make_scalars(tmp_path), "all")
    assert subject.ijk is None
    assert [r.name for r in subject.rois] == [
        "CORTEX_LEFT", "CORTEX_RIGHT", "THALAMUS_LEFT", "THALAMUS_RIGHT",
    ]  # fmt: skip
    (note,) = [note for note in subject.notes if note.startswith("No voxel positions")]
    assert "110 of 155 are vertices" in note
    assert "the 45 of volumes have some" in note


@pytest.mark.parametrize("given", ["left", "right", "folder"])
def test_surfaces_place_vertices_to_a_voxel(tmp_path, left, given):
    path = make_scalars(tmp_path, "LR")
    plain = read_hcp_cifti_subject(path, "all")
    subject = with_positions(
        plain, {"left": left, "right": right_of(left), "folder": left.parent}[given]
    )
    apart = np.linalg.norm(mm_of(subject) - vertices_mm(left), axis=1)
    assert apart.max() < 2.5
    assert np.median(apart) < 1.2
    assert len(np.unique(subject.ijk, axis=0)) == subject.n_voxels
    assert not any(note.startswith("No voxel") for note in subject.notes)
    (note,) = [note for note in subject.notes if note.startswith("Voxel positions from 100610.L")]
    assert f"110 vertices on a grid of 2 mm, half of them within {np.median(apart):.1f} mm" in note
    assert f"all within {apart.max():.1f} mm" in note


def test_volumes_keep_their_places_beside_surfaces(tmp_path, left):
    path = make_scalars(tmp_path)
    subject = with_positions(read_hcp_cifti_subject(path, "all"), left)
    volumes = open_subject(make_scalars(tmp_path / "v", "V"))
    assert np.allclose(mm_of(subject)[110:], mm_of(volumes))
    assert np.linalg.norm(mm_of(subject)[:110] - vertices_mm(left), axis=1).max() < 2.5


def test_dense_surfaces_get_a_finer_grid(tmp_path):
    left = make_surfaces(tmp_path / "surf")
    for path in (left, right_of(left)):
        image = nib.load(path)
        image.darrays[0].data[:] = image.darrays[0].data / 4
        nib.save(image, path)
    subject = with_positions(
        read_hcp_cifti_subject(make_scalars(tmp_path, "LR"), "all"), left.parent
    )
    assert np.linalg.norm(subject.affine[:3, 0]) < 2


@pytest.mark.parametrize(("shape", "spacing"), [((20, 20, 1), 1.6), ((12, 12, 12), 1.62)])
def test_crowded_vertices_get_voxels_of_their_own_and_near(shape, spacing):
    lattice = spacing * np.argwhere(np.ones(shape))
    where = Grayordinates(
        np.arange(len(lattice)),
        np.full(len(lattice), "L"),
        {"L": len(lattice)},
        np.full((len(lattice), 3), -1),
        None,
    )
    ijk, affine = on_grid(where, lattice)
    apart = np.linalg.norm(ijk @ affine[:3, :3].T - lattice, axis=1)
    assert len(np.unique(ijk, axis=0)) == len(lattice)
    assert np.percentile(apart, 99) <= 2
    with pytest.raises(DataError, match=r"too close together for a grid of 0\.5 mm"):
        on_grid(where, lattice / 100)


def test_v1_to_v4_get_positions_and_keep_them(tmp_path, left):
    source = make_cifti(tmp_path / "hcp")
    out = tmp_path / "out.h5"
    options = ["--positions", str(left), "--out", str(out)]
    assert main(["import-subject", str(source), *options]) == 0
    subject, plain = open_subject(out), open_subject(source)
    assert np.array_equal(subject.responses([0]), plain.responses([0]))
    where = plain.grayordinates
    for side, path in (("L", left), ("R", right_of(left))):
        here = where.side == side
        true = nib.load(path).darrays[0].data[where.vertex[here]]
        assert np.linalg.norm(mm_of(subject)[here] - true, axis=1).max() < 2.5


def test_other_encodings_are_read_alike(left):
    expected = read_surface(left)
    image = nib.load(left)
    for encoding in ("GIFTI_ENCODING_ASCII", "GIFTI_ENCODING_B64BIN", "GIFTI_ENCODING_B64GZ"):
        for array in image.darrays:
            array.encoding = nib.gifti.gifti.gifti_encoding_codes.code[encoding]
        nib.save(image, left)
        surface = read_surface(left)
        assert surface.side == expected.side == "L"
        assert np.allclose(surface.vertices, expected.vertices, atol=1e-5)


def test_a_side_may_stand_in_the_name_alone(left):
    content = left.read_bytes().replace(b"AnatomicalStructurePrimary", b"Anything")
    for name, side in (("sub-1_hemi-R_x.surf.gii", "R"), ("lh.x.surf.gii", "L")):
        path = left.with_name(name)
        path.write_bytes(content)
        assert read_surface(path).side == side
    path = left.with_name("cortex.surf.gii")
    path.write_bytes(content)
    with pytest.raises(DataError, match="which hemisphere it is says neither"):
        read_surface(path)
    assert surface_files(path) == [path]


def alone(left):
    right_of(left).unlink()
    return left


def twice(left):
    shutil.copyfile(left, left.with_name("again.L.midthickness.surf.gii"))
    return left.parent


def other_mesh(left):
    return make_surfaces(left.parent, n_vertices=59)


def replaced(old, new):
    def change(left):
        content = left.read_bytes()
        changed = re.sub(old, new, content, count=1)
        assert changed != content
        left.write_bytes(changed)
        return left

    return change


BAD = {
    "one side": (alone, "the surface of the right hemisphere is not beside it; lay both"),
    "two of a side": (twice, "are both of the left hemisphere; give one"),
    "another mesh": (other_mesh, "has 59 vertices but the surfaces of betas have 60"),
    "cut off": (lambda p: p.write_bytes(p.read_bytes()[:900]) and p, "the surface is damaged"),
    "in another file": (
        replaced(b'Encoding="[^"]*"', b'Encoding="ExternalFileBinary"'),
        r"its values lie elsewhere \(ExternalFileBinary\)",
    ),
    "no vertices": (
        replaced(b"NIFTI_INTENT_POINTSET", b"NIFTI_INTENT_SHAPE"),
        "0 arrays of vertices; give a surface",
    ),
    "a claim": (replaced(b'Dim0="60"', b'Dim0="999999999"'), "shape 999,999,999 × 3, not n × 3"),
    "an unknown encoding": (replaced(b'encoding="UTF-8"', b'encoding="nan"'), "unknown encoding"),
    "fewer": (replaced(b'Dim0="60"', b'Dim0="61"'), r"damaged \(61 vertices need 732 bytes\)"),
    "entities": (
        replaced(b"<GIFTI", b'<!DOCTYPE GIFTI [<!ENTITY a "b">]><GIFTI'), "it defines entities"
    ),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_surfaces_that_do_not_fit_are_one_line(tmp_path, left, bad):
    change, message = BAD[bad]
    subject = read_hcp_cifti_subject(make_scalars(tmp_path, "LR"), "all")
    with pytest.raises(DataError, match=message) as caught:
        with_positions(subject, change(left))
    assert "\n" not in str(caught.value)


def test_a_surface_for_what_has_no_vertices(tmp_path, left):
    with pytest.raises(DataError, match="but sbj_3 has none that are numbered"):
        with_positions(open_subject(make_god(tmp_path / "god")), left)
    imported = tmp_path / "a.h5"
    source = make_scalars(tmp_path, "LR")
    assert main(["import-subject", str(source), "--rois", "all", "--out", str(imported)]) == 0
    with pytest.raises(DataError, match="open the CIFTI file itself"):
        with_positions(open_subject(imported), left)


def test_cifti_that_makes_no_sense_is_one_line(tmp_path):
    path = make_scalars(tmp_path, "V")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"91,109,91", b"49,109,91"))
    with pytest.raises(DataError, match="voxels outside their grid"):
        CiftiFile(path)


def test_the_plan_of_a_surface(tmp_path, left):
    path = make_scalars(tmp_path, "LR")
    contents = inspect_source(path)
    assert contents.kind == "surface"
    plan = ImportPlan(path, rois="all", positions=left)
    assert plan.read().ijk is not None
    assert {"--rois=all", f"--positions={left}"} <= set(plan.arguments("o.h5"))


def test_options_of_images_are_refused_for_a_surface(tmp_path):
    path = make_scalars(tmp_path, "LR")
    for option in ({"window": (3, 9)}, {"events": path}):
        with pytest.raises(DataError, match=f"--{next(iter(option))} is for NIfTI images"):
            ImportPlan(path, rois="all", **option).read()


def test_other_files_with_positions_still_do(tmp_path):
    bdata = make_bdata(tmp_path / "b")
    arrays = ImportPlan(make_arrays(tmp_path / "a"), responses="responses").read()
    with pytest.raises(DataError, match="has 20 voxels but mine has 100"):
        with_positions(arrays, bdata)
