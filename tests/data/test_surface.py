from dataclasses import replace

import numpy as np
import pytest

import mindvis_gui.data.surface as module
from mindvis_gui.data.subject import Volume
from mindvis_gui.data.surface import ALIKE, VIEWS, load_surfaces, project, template_likeness
from mindvis_gui.errors import DataError


def iter_of(value):
    """Return a generator that returns `value`."""
    return value
    yield


def run(generator):
    """Return what a generator returns, and whether it yielded before."""
    yielded = False
    try:
        while True:
            next(generator)
            yielded = True
    except StopIteration as stop:
        return stop.value, yielded


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def surfaces(cache):
    return run(load_surfaces(cache))[0]


def test_both_halves_are_seen_from_every_side(surfaces):
    half = len(surfaces.positions) // 2
    assert set(surfaces.pictures) == set(VIEWS)
    for name, picture in surfaces.pictures.items():
        seen = np.unique(picture[picture >= 0])
        left, right = (seen < half).sum(), (seen >= half).sum()
        assert min(left, right) > 0.2 * half, name
        middle = picture.shape[1] // 2
        on_the_left = picture[:, :middle]
        own = on_the_left[on_the_left >= 0] < half
        assert own.all() != (name == "ventral"), name


def test_directions_are_those_of_the_head(surfaces):
    up, back = surfaces.positions[:, 2], surfaces.positions[:, 1]
    lateral = surfaces.pictures["lateral"]
    left = lateral[:, : lateral.shape[1] // 2]
    rows, columns = np.nonzero(left >= 0)
    assert np.corrcoef(rows, up[left[rows, columns]])[0, 1] < -0.8
    assert np.corrcoef(columns, back[left[rows, columns]])[0, 1] < -0.8  # its front to the left


def test_the_surfaces_are_read_from_the_cache_and_drawn_anew_if_it_is_damaged(
    surfaces, cache, monkeypatch
):
    again, drawn = run(load_surfaces(cache))
    assert not drawn
    assert all(np.array_equal(again.pictures[n], surfaces.pictures[n]) for n in VIEWS)
    (file,) = cache.glob("fsaverage5*")
    file.write_bytes(file.read_bytes()[:5000])
    monkeypatch.setattr(module, "_draw_surfaces", lambda: iter_of(surfaces))
    redrawn, _ = run(load_surfaces(cache))
    assert redrawn is surfaces
    assert not run(load_surfaces(cache))[1]


def test_a_vertex_has_the_voxel_at_its_millimetres(subject, surfaces, cache):
    affine = np.diag([-4.0, 4.0, 4.0, 1.0])  # left and right exchanged in the file
    affine[:3, 3] = [20, -104, -20]
    ijk = np.argwhere(np.ones((10, 10, 10)))
    block = replace(subject, ijk=ijk, n_voxels=1000, rois=(), affine=affine)
    voxels, _ = run(project(block, cache))
    assert voxels.shape == (len(surfaces.positions),)
    found = voxels >= 0
    mm = ijk[voxels[found]] @ affine[:3, :3].T + affine[:3, 3]
    apart = np.abs(mm - surfaces.positions[found]).max(axis=1)
    assert found.sum() > 200
    assert apart.max() < 2 + 1.5  # half a voxel, and a quarter of a thick cortex
    nearest = np.abs(surfaces.positions - (affine @ [5, 5, 5, 1])[:3]).max(axis=1) < 15
    assert found[nearest].all()
    again, projected = run(project(block, cache))
    assert not projected
    assert np.array_equal(again, voxels)


def test_positions_are_needed(subject, cache):
    with pytest.raises(DataError, match="no voxel positions"):
        run(project(replace(subject, ijk=None), cache))


def test_the_template_is_like_itself_and_others_are_not(subject):
    from nilearn.datasets import load_mni152_template

    image = load_mni152_template(resolution=4)
    data = np.asarray(image.dataobj, dtype=np.float32)
    own = replace(subject, anatomy=Volume(data, image.affine))
    assert template_likeness(own) == pytest.approx(1, abs=1e-3)
    moved = image.affine.copy()
    moved[:3, 3] += [12, 30, -25]
    assert template_likeness(replace(subject, anatomy=Volume(data, moved))) < ALIKE
    assert template_likeness(replace(subject, anatomy=None)) is None
    flat = Volume(np.zeros((4, 4, 4), np.float32), np.eye(4))
    assert template_likeness(replace(subject, anatomy=flat)) == 0
