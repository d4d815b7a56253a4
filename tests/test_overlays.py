from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.data.subject import Volume
from mindvis_gui.errors import DataError
from mindvis_gui.session.overlay_looks import keep_looks
from mindvis_gui.session.overlays import ANATOMY, MASK, REGIONS, RESPONSE, Look, Overlay, peak_of


def keys(session):
    return [overlay.key for overlay in session.overlays.items]


def test_a_subject_brings_anatomy_response_regions_and_mask(opened):
    assert keys(opened) == [ANATOMY, RESPONSE, REGIONS, MASK]
    assert np.array_equal(opened.overlays.find(RESPONSE).values, opened.response)
    masked = np.isfinite(opened.overlays.find(MASK).values)
    kept = opened.masking.mask.kept_voxels(opened.masking.patch_size, opened.subject.n_voxels)
    assert np.array_equal(masked, ~kept)


def test_what_is_put_again_keeps_its_place_and_the_users_look(qtbot, opened):
    overlays = opened.overlays
    values = np.zeros(opened.subject.n_voxels, np.float32)
    overlays.put(Overlay("attribution", "Attribution", values, look=Look(low=0, high=1)))
    overlays.set_order(["attribution", *keys(opened)[:-1]])
    look = replace(overlays.find("attribution").look, colour_map="viridis", visible=False)
    overlays.set_look("attribution", look)
    with qtbot.waitSignal(overlays.changed):
        overlays.put(Overlay("attribution", "Attribution", values + 1))
    assert keys(opened) == [ANATOMY, "attribution", RESPONSE, REGIONS, MASK]
    assert overlays.find("attribution").look == look
    assert overlays.find("attribution").values[0] == 1


def test_the_trial_response_follows_the_trial(opened):
    before = opened.overlays.find(RESPONSE).values
    opened.set_trial(3)
    assert np.array_equal(opened.overlays.find(RESPONSE).values, opened.response)
    assert not np.array_equal(before, opened.response)


@pytest.mark.parametrize(
    ("overlay", "reason"),
    [
        (Overlay("x", "X", np.zeros(3, np.float32)), "one for each"),
        (Overlay("x", "X", volume=Volume(np.zeros((2, 2)), np.eye(4))), "2 axes"),
        (
            Overlay("x", "X", volume=Volume(np.zeros((2, 2, 2)), np.diag([1.0, 1, 0, 1]))),
            "singular",
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(opened, overlay, reason):
    before = opened.overlays.items
    with pytest.raises(DataError, match=reason):
        opened.overlays.put(overlay)
    assert opened.overlays.items == before


def test_removing_the_chosen_overlay_chooses_the_regions(opened):
    opened.overlays.put(Overlay("x", "X", np.zeros(opened.subject.n_voxels, np.float32)))
    opened.overlays.choose("x")
    opened.overlays.remove("x")
    assert opened.overlays.chosen == REGIONS
    assert "x" not in keys(opened)


def test_peak_of_voxel_values_is_the_voxel_farthest_from_0(opened):
    grid = opened.brain.grid
    values = np.full(700, np.nan, dtype=np.float32)
    values[[3, 40, 50]] = 1, -7, 6
    assert peak_of(Overlay("x", "X", values), grid) == grid.voxel_position(40)
    assert peak_of(Overlay("x", "X", values * 0), grid) is None


def test_peak_of_a_volume_is_found_through_its_own_grid(opened):
    grid = opened.brain.grid
    data, affine = np.zeros((4, 5, 6), dtype=np.int16), np.diag([8.0, 8, 8, 1])
    data[1, 2, 3], data[0, 0, 0] = -32768, 5
    affine[:3, 3] = grid.to_mm((10, 11, 12)) - 8 * np.array([1, 2, 3])
    assert peak_of(Overlay("x", "X", volume=Volume(data, affine)), grid) == (10, 11, 12)
    affine[:3, 3] += 10_000
    assert peak_of(Overlay("x", "X", volume=Volume(data, affine)), grid) is None


def test_an_overlay_in_another_unit_has_a_range_of_its_own(opened):
    before, at_first = opened.overlays.items, opened.overlays.find(RESPONSE).look
    changed = replace(at_first, colour_map="red", low=-9.0, threshold=1.0, visible=True)
    old = [replace(o, unit="%", look=changed) if o.key == RESPONSE else o for o in before]
    keep_looks(opened.overlays, old)
    drawn = opened.overlays.find(RESPONSE)
    assert drawn.unit == "z"
    assert drawn.look == replace(at_first, colour_map="red", visible=True)
