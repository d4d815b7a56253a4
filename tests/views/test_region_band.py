"""The regions along the response vector, as they are drawn."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from mindvis_gui.data.subject import Roi
from mindvis_gui.views.region_band import RegionBand


def test_numbers_of_many_regions_do_not_touch(qtbot, subject):
    n, n_regions = subject.n_voxels, 26
    edges = np.linspace(0, n, n_regions + 1).astype(int)
    rois = tuple(
        Roi(f"R{i}", np.arange(start, stop)) for i, (start, stop) in enumerate(pairwise(edges))
    )
    band = RegionBand(lambda voxel: voxel / n * band.width())
    qtbot.addWidget(band)
    band.set_subject(replace(subject, rois=rois))
    number = band.fontMetrics().horizontalAdvance("r .88")
    gaps = {}
    for room in (1, 20):
        band.resize(n_regions * (number + room), band.height())
        blank = line_of_numbers(band)
        band.show_recovery({roi.name: 0.88 for roi in rois})
        ink = np.flatnonzero((line_of_numbers(band) != blank).any(axis=0))
        gaps[room] = (np.diff(ink) > 7).sum()
        assert not len(ink) or gaps[room] == n_regions - 1
        band.show_recovery({})
    assert gaps[20] == n_regions - 1  # where there is room they are shown


def line_of_numbers(band):
    """Return the pixels where the numbers are drawn, (rows, columns)."""
    image = band.grab().toImage()
    line = range(image.height() - band.fontMetrics().height(), image.height())
    return np.array([[image.pixel(x, y) for x in range(image.width())] for y in line])
