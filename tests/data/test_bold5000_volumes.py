import shutil

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from mindvis_gui.cli import main
from mindvis_gui.data import open_subject
from mindvis_gui.data.bold5000_volumes import find_volumes
from mindvis_gui.data.import_plan import ImportPlan
from mindvis_gui.errors import DataError
from tests.data.makers import BOLD_SIZES, PUBLISHED, make_bold5000_volumes

NAME = "CSI1_GLMbetas-TYPED-FITHRF-GLMDENOISE-RR_ses-{:02d}.nii.gz"
REPEATS = "BOLD5000_Stimuli/Scene_Stimuli/repeated_stimuli_113_list.txt"


@pytest.fixture
def root(tmp_path):
    return make_bold5000_volumes(tmp_path / "release2")


def volumes(root):
    """Return the volumes (n, x, y, z) of both sessions, by nibabel."""
    images = [nib.load(root / NAME.format(s)).get_fdata(dtype=np.float32) for s in (1, 2)]
    return np.moveaxis(np.concatenate(images, axis=-1), -1, 0)


def test_pictures_and_regions_leave_the_subject_what_it_is(root, tmp_path):
    (tmp_path / "pictures").mkdir()
    shown = open_subject(root)
    name = shown.trials[0].stimulus_id
    Image.new("RGB", (9, 9), (200, 0, 0)).save(tmp_path / "pictures" / name, "PNG")
    regions = next(root.rglob("sub-CSI1_mask-*")).parent
    for source in (root, root / NAME.format(2)):
        for rois in ("", str(regions)):
            found = ImportPlan(source, stimuli=tmp_path / "pictures", rois=rois).read()
            assert [t.stimulus_id for t in found.trials] == [t.stimulus_id for t in shown.trials]
            assert found.stimulus(found.trials[0])[0, 0].tolist() == [200, 0, 0]
            assert found.rois[0].name != "all"


def test_sessions_are_joined_in_order(root):
    subject = open_subject(root)
    n = sum(BOLD_SIZES)
    expected = volumes(root)[:, *subject.ijk.T]
    assert np.array_equal(subject.responses(range(n)), expected)
    assert [t.session for t in subject.trials[:n]] == [1] * 10 + [2] * 8
    assert [t.run for t in subject.trials[8:12]] == [2, 2, 1, 1]
    assert [r.name for r in subject.rois] == ["EarlyVis", "LOC", "PPA"]
    assert [len(r.voxels) for r in subject.rois] == [8, 8, 4]
    assert subject.name == "CSI1"
    assert open_subject(root / NAME.format(2)).trials == subject.trials


def test_trials_are_those_of_the_regions_as_published(root):
    published = open_subject(PUBLISHED / "BOLD5000")
    subject = open_subject(root)
    assert subject.trials == published.trials
    mean = subject.trials[-1]
    single = [t.index for t in subject.trials[:18] if t.stimulus_id == mean.stimulus_id]
    assert np.allclose(subject.responses([mean.index])[0], subject.responses(single).mean(axis=0))
    picture = subject.stimulus(subject.trials[0])
    assert np.array_equal(picture, published.stimulus(published.trials[0]))


def test_image_names_in_place_of_the_presentation_lists(root):
    expected = [t.stimulus_id for t in open_subject(root).trials]
    (root / "CSI1_imgnames.txt").write_text("\n".join(expected[:18]) + "\n")
    shutil.rmtree(root / "BOLD5000_Stimuli")
    subject = open_subject(root)
    assert [t.stimulus_id for t in subject.trials[:18]] == expected[:18]
    assert {t.stimulus_id for t in subject.trials[18:]} == {
        "img_03.jpg",
        "img_07.jpg",
        "img_11.jpg",
    }
    assert any("what was shown more than once is the test" in note for note in subject.notes)


def test_image_names_beside_the_presentation_lists_have_their_runs(root):
    trials = open_subject(root).trials
    names = [trial.stimulus_id for trial in trials[: sum(BOLD_SIZES)]]
    (root / "CSI1_imgnames.txt").write_text("\n".join(f"rep_{name}" for name in names))
    assert open_subject(root).trials == trials
    (root / "CSI1_imgnames.txt").write_text("\n".join([names[1], names[0], *names[2:]]))
    assert {trial.run for trial in open_subject(root).trials} == {0}  # of which the lists are not


def test_some_sessions_alone(root):
    (root / NAME.format(1)).unlink()
    subject = open_subject(root)
    assert [t.stimulus_id for t in subject.trials[:2]] == ["img_09.jpg", "img_10.jpg"]
    assert subject.trials[0].session == 2


def test_the_brain_mask_where_there_are_no_regions(tmp_path):
    root = make_bold5000_volumes(tmp_path / "release2", masks=False)
    subject = open_subject(root)
    assert (subject.rois[0].name, subject.n_voxels) == ("brain", 80)
    assert any("all voxels of the brain mask are one" in note for note in subject.notes)
    (root / "CSI1_brainmask.nii.gz").unlink()
    assert open_subject(root).n_voxels == 4 * 6 * 7  # what is no NaN


def test_regions_can_be_given(root, tmp_path):
    labels = np.zeros((5, 6, 7), np.int16)
    labels[2, 2:4] = 1
    nib.save(nib.Nifti1Image(labels, np.diag([2.0, 2, 2, 1])), tmp_path / "V9.nii.gz")
    out = tmp_path / "out.h5"
    assert main(
        ["import-subject", str(root), "--rois", str(tmp_path / "V9.nii.gz"), "--out", str(out)]
    ) == 0  # fmt: skip
    copy = open_subject(out)
    assert [(r.name, len(r.voxels)) for r in copy.rois] == [("V9", 14)]
    assert len(copy.trials) == 21


def shifted(root):
    path = root / NAME.format(2)
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), np.diag([2.0, 2, 2.5, 1])), path)


def other_mask(root):
    mask = np.ones((5, 6, 8), np.uint8)
    nib.save(nib.Nifti1Image(mask, np.diag([2.0, 2, 2, 1])), root / "sub-CSI1_mask-RHRSC.nii.gz")


WRONG = {
    "grids differ": (shifted, r"_ses-02.nii.gz: its grid .* is not the one of .*_ses-01.nii.gz"),
    "a mask on another grid": (other_mask, "mask-RHRSC.nii.gz: its grid .* is not the one of"),
    "no names": (
        lambda root: shutil.rmtree(root / "BOLD5000_Stimuli"),
        "neither CSI1_imgnames.txt nor BOLD5000_Stimuli beside the betas",
    ),
    "too few names": (
        lambda root: (root / "CSI1_imgnames.txt").write_text("a\nb\n"),
        "CSI1: 18 volumes of 2 sessions but CSI1_imgnames.txt names 2 stimuli",
    ),
    "no list of repeats": (lambda root: (root / REPEATS).unlink(), "113_list.txt: cannot be"),
    "a session twice": (
        lambda root: shutil.copyfile(
            root / NAME.format(2), root / NAME.format(2).removesuffix(".gz")
        ),
        "holds the same session; remove one",
    ),
    "several subjects": (
        lambda root: shutil.copyfile(
            root / NAME.format(2), root / NAME.format(2).replace("CSI1", "CSI4")
        ),
        r"2 subjects in this folder \(CSI1, CSI4\); open one of the files",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_fit_is_one_line(root, wrong):
    change, message = WRONG[wrong]
    change(root)
    with pytest.raises(DataError, match=message) as caught:
        open_subject(root)
    assert "\n" not in str(caught.value)


def test_other_images_are_not_taken_for_sessions(root):
    assert find_volumes(root / "CSI1_brainmask.nii.gz") == {}
    assert find_volumes(PUBLISHED) == {}
