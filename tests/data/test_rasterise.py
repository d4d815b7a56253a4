import numpy as np

from mindvis_gui.data.rasterise import rasterise

SQUARE = np.array([(1.0, 1.0), (9.0, 1.0), (9.0, 9.0), (1.0, 9.0)])
TWO = np.array([(0, 1, 2), (0, 2, 3)])


def test_every_pixel_has_its_nearest_vertex():
    picture = rasterise(SQUARE, np.zeros(4), TWO, (12, 11))
    rows, columns = np.nonzero(picture >= 0)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (1, 9, 1, 9)
    assert len(rows) == 81  # no hole along the diagonal
    assert picture[1, 1] == 0
    assert picture[8, 8] == 2
    assert (picture[0] == -1).all()


def test_what_is_nearer_to_the_eye_hides_what_is_behind():
    points = np.vstack([SQUARE, SQUARE + 4])
    faces = np.vstack([TWO, TWO + 4])
    depth = np.r_[np.zeros(4), np.ones(4)]
    picture = rasterise(points, depth, faces, (15, 15))
    assert picture[6, 6] >= 4
    assert rasterise(points, -depth, faces, (15, 15))[6, 6] < 4


def test_faces_seen_from_behind_are_left_out():
    faces = np.vstack([TWO, TWO[:, ::-1] + 4])
    depth = np.r_[np.ones(4), np.zeros(4)]
    picture = rasterise(np.vstack([SQUARE, SQUARE + 4]), depth, faces, (15, 15))
    assert set(np.unique(picture)) <= {-1, 0, 1, 2, 3}


def test_large_and_small_triangles_and_those_beyond_the_picture():
    points = np.array(
        [(-5.0, -5.0), (120.0, -5.0), (-5.0, 120.0), (3.0, 3.0), (3.4, 3.0), (3, 3.4)]
    )
    faces = np.array([(0, 1, 2), (3, 4, 5)])
    picture = rasterise(points, np.r_[np.zeros(3), np.ones(3)], faces, (40, 30))
    assert (picture >= 0).all()
    assert picture[3, 3] == 3
