import json
from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.region_shapes import voxels_hash
from mindvis_gui.errors import DataError, RequestError
from mindvis_gui.session.options import Options, request_from_json
from mindvis_gui.session.overlays import RESPONSE, Overlay
from mindvis_gui.session.preparation import preparing_to_show
from mindvis_gui.session.regions import Brush
from mindvis_gui.session.restored_request import restore_request
from mindvis_gui.session.state import snapshot, take_up_choices
from mindvis_gui.steps import finish

OWN = ("V1", "V2", "V3", "hV4", "LOC", "FFA", "PPA")


def names(session):
    return [roi.name for roi in session.subject.rois]


def test_a_region_that_is_made_is_seen_but_not_used_and_can_be_undone(qtbot, opened):
    before = opened.vector
    with qtbot.waitSignal(opened.rois_edited):
        assert opened.regions.add("mine", np.array([5, 3]), "sphere")
    assert names(opened) == [*OWN, "mine"]
    assert opened.subject.roi("mine").voxels.tolist() == [3, 5]
    assert "mine" in opened.brain.visible_rois
    assert "mine" not in opened.used_rois
    assert opened.request_rois is None
    assert np.array_equal(opened.vector, before)
    opened.undo_stack.undo()
    assert names(opened) == list(OWN)
    assert "mine" not in opened.brain.visible_rois
    opened.undo_stack.redo()
    assert names(opened)[-1] == "mine"


def test_decoding_from_a_region_that_was_made_sees_its_voxels_alone(ready):
    ready.regions.add("mine", np.array([3, 5]), "sphere")
    ready.set_used_rois(frozenset({"mine"}))
    assert np.flatnonzero(ready.vector).tolist() == [3, 5]
    request = ready.request()
    assert request.rois == ("mine",)
    assert request.made_rois == (("mine", voxels_hash(np.array([3, 5]))),)
    assert request.to_json()["made_rois"] == dict(request.made_rois)
    ready.set_used_rois(frozenset({"mine", *OWN}))
    assert ready.request().rois is None
    assert "made_rois" not in ready.request().to_json()


def test_a_request_finds_its_region_again_by_the_voxels(ready):
    ready.regions.add("mine", np.array([3, 5]), "sphere")
    ready.set_used_rois(frozenset({"mine"}))
    asked = {**ready.request().to_json(), "seed": 3}
    ready.set_used_rois(frozenset(OWN))
    ready.regions.rename("mine", "yours")
    restore_request(ready, asked)
    assert ready.used_rois == {"yours"}
    ready.regions.delete("yours")
    ready.regions.add("mine", np.array([3, 6]), "sphere")
    with pytest.raises(RequestError, match="load its label image"):
        restore_request(ready, asked)


def test_use_follows_renaming_and_comes_back_with_the_region(opened):
    opened.regions.add("mine", np.array([3]), "sphere")
    opened.set_used_rois(frozenset({"mine", "V1"}))
    opened.regions.rename("mine", "yours")
    assert opened.used_rois == {"yours", "V1"}
    assert "yours" in opened.brain.visible_rois
    opened.regions.delete("yours")
    assert opened.used_rois == {"V1"}
    opened.undo_stack.undo()
    assert opened.used_rois == {"yours", "V1"}


def test_deleting_the_only_region_used_leaves_all_used(opened):
    opened.regions.add("mine", np.array([3]), "sphere")
    opened.set_used_rois(frozenset({"mine"}))
    opened.regions.delete("mine")
    assert opened.used_rois == set(OWN)
    assert opened.request_rois is None


def test_a_subject_without_regions_decodes_all_until_one_is_made_and_used(
    qtbot, session, subject, monkeypatch
):
    bare = replace(subject, rois=())
    monkeypatch.setattr("mindvis_gui.session.opening.open_subject", lambda path: bare)
    with qtbot.waitSignal(session.trial_changed):
        session.open("bare.h5")
    session.regions.add("mine", np.array([3]), "sphere")
    assert session.request_rois is None
    session.set_used_rois(frozenset({"mine"}))
    assert np.flatnonzero(session.vector).tolist() == [3]
    session.set_used_rois(frozenset())
    assert session.request_rois is None


@pytest.mark.parametrize("change", ["rename", "delete", "paint"])
def test_the_subjects_own_regions_stay_as_they_are(qtbot, opened, change):
    with qtbot.waitSignal(opened.problem) as said:
        if change == "rename":
            opened.regions.rename("V1", "V9")
        elif change == "delete":
            opened.regions.delete("V1")
        else:
            opened.regions.set_brush(Brush("V1"))
    assert "duplicate" in said.args[0]
    assert names(opened) == list(OWN)
    assert opened.regions.brush is None
    opened.regions.duplicate("V1")
    assert opened.subject.roi("V1 copy").voxels.tolist() == opened.subject.roi("V1").voxels.tolist()


@pytest.mark.parametrize(
    ("name", "voxels", "reason"),
    [("V1", [1], "exists"), ("new", [], "no voxel"), (" ", [1], "not allowed")],
)
def test_regions_that_cannot_be_are_refused(qtbot, opened, name, voxels, reason):
    with qtbot.waitSignal(opened.problem) as said:
        assert not opened.regions.add(name, np.array(voxels, int), "sphere")
    assert reason in said.args[0]
    assert names(opened) == list(OWN)


def test_regions_are_combined(opened):
    regions, own = opened.regions, opened.subject.roi
    regions.add("part", np.r_[own("V1").voxels[:5], own("V2").voxels[:3]], "painted")
    roi = opened.subject.roi  # of the subject as it is with the new region
    assert set(regions.combined("V1", "intersection", "part")) == set(roi("V1").voxels[:5])
    assert set(regions.combined("part", "difference", "V1")) == set(roi("V2").voxels[:3])
    union = set(roi("V1").voxels) | set(roi("part").voxels)
    assert set(regions.combined("V1", "union", "part")) == union


def test_a_threshold_takes_values_and_volumes(opened):
    response = opened.overlays.find(RESPONSE)
    expected = np.flatnonzero(opened.response >= 1)
    assert opened.regions.between(response, 1, np.inf).tolist() == expected.tolist()
    volume = opened.subject.anatomy  # on the grid of the voxels
    values = volume.data[tuple(opened.subject.ijk.T)]
    found = opened.regions.between(Overlay("a", "A", volume=volume), 60, 65)
    assert found.tolist() == np.flatnonzero((values >= 60) & (values <= 65)).tolist()
    assert 0 < found.size < values.size


def test_strokes_of_the_brush_make_and_change_a_region_one_step_each(qtbot, opened):
    regions = opened.regions
    regions.set_brush(Brush("painted"))
    for erase, voxels in ((False, [3, 4]), (False, [4, 9]), (True, [3])):
        regions.begin_stroke(erase=erase)
        regions.extend_stroke(np.array(voxels))
        assert regions.preview.tolist() == voxels
        regions.end_stroke()
        assert not regions.preview.size
    assert opened.subject.roi("painted").voxels.tolist() == [4, 9]
    opened.undo_stack.undo()
    assert opened.subject.roi("painted").voxels.tolist() == [3, 4, 9]
    regions.begin_stroke(erase=True)
    regions.extend_stroke(np.arange(20))
    with qtbot.waitSignal(opened.problem) as said:
        regions.end_stroke()
    assert "no voxel left" in said.args[0]
    assert opened.subject.roi("painted").voxels.size == 3


def test_a_stroke_paints_nothing_but_what_it_runs_over(opened):
    regions = opened.regions
    regions.set_brush(Brush("painted"))
    regions.begin_stroke(erase=True)
    regions.extend_stroke(np.array([3]))
    regions.end_stroke()
    assert names(opened) == list(OWN)  # there was nothing to erase
    regions.set_preview(np.array([5, 6]))  # lit up for something else
    regions.begin_stroke(erase=False)
    regions.extend_stroke(np.array([9]))
    regions.end_stroke()
    assert opened.subject.roi("painted").voxels.tolist() == [9]


def test_regions_are_saved_and_loaded(qtbot, opened, tmp_path):
    regions, path = opened.regions, tmp_path / "mine.nii.gz"
    regions.add("a", np.array([3, 4]), "sphere")
    regions.recolour("a", "#123456")
    regions.add("b", np.array([400]), "sphere")
    with qtbot.waitSignal(opened.message) as said:
        regions.save(frozenset({"a", "b"}), path)
    assert "2 regions" in said.args[0]
    with qtbot.waitSignal(opened.rois_edited):
        regions.load(path)
    assert names(opened)[-2:] == ["a 2", "b 2"]
    assert opened.subject.roi("a 2").voxels.tolist() == [3, 4]
    with qtbot.waitSignal(opened.problem) as refused:
        regions.save(frozenset({"a", "a 2"}), path)
    assert "share 2 voxels" in refused.args[0]


def read_meanwhile(session, other):
    """Let what is being read come once another subject is open."""
    for job in session.jobs._receivers:
        assert job.wait(20_000)
    session.take_subject(finish(preparing_to_show(other, Preparation(), DisplayGrid.of(other))))


def test_regions_of_the_subject_before_are_not_those_of_another(
    qtbot, opened, subject_factory, tmp_path
):
    path, other = tmp_path / "mine.nii.gz", subject_factory(8)
    opened.regions.add("a", np.array([3, 4]), "sphere")
    opened.regions.save(frozenset({"a"}), path)
    opened.regions.load(path)
    read_meanwhile(opened, other)
    qtbot.waitUntil(lambda: opened.jobs.idle)
    assert names(opened) == [roi.name for roi in other.rois]


def test_a_volume_over_the_subject_before_is_not_drawn_over_another(
    qtbot, opened, subject_factory, tmp_path
):
    path = tmp_path / "map.nii.gz"
    opened.regions.add("a", np.array([3, 4]), "sphere")
    opened.regions.save(frozenset({"a"}), path)
    opened.overlays.open(path)
    read_meanwhile(opened, subject_factory(8))
    keys = [each.key for each in opened.overlays.items]
    qtbot.waitUntil(lambda: opened.jobs.idle)
    assert [each.key for each in opened.overlays.items] == keys


def test_samples_of_regions_with_one_name_and_other_voxels_are_told_apart(ready):
    told = []
    for voxels in ([3, 5], [3, 6]):
        ready.regions.add("mine", np.array(voxels), "sphere")
        ready.set_used_rois(frozenset({"mine"}))
        told.append(Options.of(ready.request().to_json(), 0))
        back = request_from_json(ready.request().to_json(), ready.vector, (0,))
        assert back.made_rois == ready.request().made_rois
        ready.regions.delete("mine")
    assert told[0].rois == told[1].rois
    assert told[0] != told[1]


def test_a_session_file_keeps_regions_and_their_use(qtbot, opened):
    opened.regions.add("mine", np.array([3, 5]), "sphere of 9 mm")
    opened.regions.recolour("mine", "#123456")
    opened.set_used_rois(frozenset({"mine"}))
    document = json.loads(json.dumps(snapshot(opened, {}).document))
    with qtbot.waitSignal(opened.trial_changed):
        opened.open("tiny.h5")
    assert names(opened) == list(OWN)
    take_up_choices(opened, document)
    roi = opened.subject.roi("mine")
    assert (roi.voxels.tolist(), roi.made, roi.colour) == ([3, 5], "sphere of 9 mm", "#123456")
    assert opened.used_rois == {"mine"}
    take_up_choices(opened, document)  # once more: nothing is there twice
    assert len(names(opened)) == 8
    document["regions"][0].update(name="beyond", voxels=[700])
    with pytest.raises(DataError, match="the response has not"):
        take_up_choices(opened, document)


def test_opening_a_subject_forgets_what_was_made(qtbot, opened):
    opened.regions.add("mine", np.array([3]), "sphere")
    opened.regions.set_brush(Brush("mine"))
    with qtbot.waitSignal(opened.trial_changed):
        opened.open("tiny.h5")
    assert names(opened) == list(OWN)
    assert opened.regions.brush is None
    assert not opened.undo_stack.canUndo()
