import json
import os
import shutil
import sys

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from mindvis_gui.data import open_subject
from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.nifti import read_nifti_subject
from mindvis_gui.data.rois import region_name
from mindvis_gui.data.stimuli import open_pictures
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.errors import DataError


def values_at_mm(path, mm):
    """Return the values of all volumes at points (n, 3) in mm, read by nibabel."""
    image = nib.load(path)
    to_voxel = np.linalg.inv(image.affine)
    ijk = np.rint(mm @ to_voxel[:3, :3].T + to_voxel[:3, 3]).astype(int)
    return image.get_fdata(dtype=np.float32)[tuple(ijk.T)].T


def positions(subject):
    return subject.ijk @ subject.affine[:3, :3].T + subject.affine[:3, 3]


def test_a_folder_is_read_by_its_names(nifti_folder):
    subject = open_subject(nifti_folder)
    assert subject.name == "sub-07"
    assert subject.notes == ()
    assert [roi.name for roi in subject.rois] == ["V1", "V2"]
    assert [roi.voxels.size for roi in subject.rois] == [16, 8]
    assert subject.n_voxels == 24
    assert [trial.split for trial in subject.trials] == ["test"] * 2 + ["train"] * 4
    assert subject.trials[4].label == "thing 4"
    assert subject.trials[4].run == 2
    assert subject.anatomy.data.shape == (10, 11, 12)
    assert subject.stimulus(subject.trials[3])[0, 0].tolist() == [120] * 3
    expected = values_at_mm(nifti_folder / "betas.nii", positions(subject))
    assert np.array_equal(subject.responses(range(6)), expected)
    assert np.array_equal(subject.responses([5, 0, 5]), expected[[5, 0, 5]])
    assert (DisplayGrid.of(subject).voxel_at >= 0).sum() > 0


def test_a_file_finds_what_lies_beside_it(nifti_folder):
    subject = open_subject(nifti_folder / "betas.nii")
    assert subject.name == "betas"
    assert subject.n_voxels == 24
    assert subject.trials == open_subject(nifti_folder).trials


@pytest.mark.parametrize("angle", [0.0, 0.35])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (-1, -1, 1), (1, -1, -1)])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0)])
def test_a_marked_voxel_is_where_its_mm_say(tmp_path, write_nifti, angle, signs, order):
    affine = np.eye(4)
    turn = np.eye(3)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine[:3, :3] = turn @ (np.diag([2.0, 2.2, 2.4]) @ np.diag(signs))[:, order]
    affine[:3, 3] = [-31, -62, 17]
    betas = np.random.default_rng(0).normal(size=(6, 7, 8, 3)).astype(np.float32)
    betas[4, 1, 6, 1] = 1000
    mask = np.zeros((6, 7, 8), np.uint8)
    mask[3:6, 1:3, 2:7] = 1
    for suffix in (".nii", ".nii.gz"):
        write_nifti(f"s{suffix}/betas{suffix}", betas, affine)
        write_nifti(f"s{suffix}/rois.nii.gz", mask, affine)
        subject = open_subject(tmp_path / f"s{suffix}")
        voxel = int(subject.responses([1])[0].argmax())
        assert np.allclose(positions(subject)[voxel], (affine @ [4, 1, 6, 1])[:3], atol=1e-4)
        assert np.array_equal(
            subject.responses(range(3)),
            values_at_mm(tmp_path / f"s{suffix}/betas{suffix}", positions(subject)),
        )
        assert (np.argsort(np.lexsort(subject.ijk.T[::-1])) == np.arange(30)).all()
        axes = subject.affine[:3, :3] / np.linalg.norm(subject.affine[:3, :3], axis=0)
        assert (np.diag(axes) > 0.7).all()


@pytest.mark.parametrize("axes", ["RAS", "LAS", "PIR", "SLA"])
@pytest.mark.parametrize("angle", [0.0, 0.3])
def test_regions_whose_axes_run_otherwise_lie_where_their_mm_say(
    nifti_folder, write_nifti, angle, axes
):
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    shutil.rmtree(nifti_folder / "rois")
    affine = turn @ np.diag([-3.0, 3, 4, 1])
    rng = np.random.default_rng(0)
    write_nifti("sub-07/betas.nii", rng.normal(5, 1, (7, 8, 9, 6)).astype(np.float32), affine)
    same = nib.Nifti1Image(rng.integers(0, 3, (7, 8, 9)).astype(np.int16), affine)
    nib.save(same, nifti_folder / "rois.nii.gz")
    known = open_subject(nifti_folder)
    to_axes = ornt_transform(io_orientation(same.affine), axcodes2ornt(axes))
    nib.save(same.as_reoriented(to_axes), nifti_folder / "rois.nii.gz")
    subject = open_subject(nifti_folder)
    assert np.array_equal(subject.ijk, known.ijk)
    for ours, theirs in zip(subject.rois, known.rois, strict=True):
        assert np.array_equal(ours.voxels, theirs.voxels)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text")
def test_names_of_files_that_are_no_text_can_be_written(nifti_folder):
    """As old archives of Windows leave them behind."""
    (nifti_folder / "trials.tsv").unlink()
    first = min((nifti_folder / "stimuli").iterdir())
    odd = first.rename(first.with_name(os.fsdecode(b"\xfc 0.png")))
    folder = nifti_folder.rename(nifti_folder.with_name(os.fsdecode(b"sub-\xe4")))
    subject = open_subject(folder)
    write_subject(folder / "subject.h5", subject)
    written = open_subject(folder / "subject.h5")
    assert subject.name == written.name == "sub-\\udce4"
    assert [trial.stimulus_id for trial in subject.trials][-1] == "\\udcfc 0.png"
    assert written.trials == subject.trials
    assert all(written.stimulus(trial) is not None for trial in written.trials)
    assert (
        open_pictures(folder / "stimuli")["\\udcfc 0.png"]
        == (folder / "stimuli" / odd.name).read_bytes()
    )


def test_packed_and_plain_files_give_the_same_subject(nifti_folder):
    plain = open_subject(nifti_folder)
    responses = plain.responses(range(6))
    nib.save(nib.load(nifti_folder / "betas.nii"), nifti_folder / "betas.nii.gz")
    (nifti_folder / "betas.nii").unlink()
    packed = open_subject(nifti_folder)
    assert np.array_equal(packed.ijk, plain.ijk)
    assert np.array_equal(packed.responses(range(6)), responses)


def test_overlapping_regions_share_voxels_in_the_order_of_the_first(nifti_folder, write_nifti):
    mask = np.zeros((7, 8, 9), np.uint8)
    mask[1, 2:6, 2:4] = 1  # half of it lies in the left V1
    write_nifti("sub-07/rois/V1x.nii.gz", mask)
    subject = open_subject(nifti_folder)
    v1, v1x, v2 = (subject.roi(name).voxels for name in ("V1", "V1x", "V2"))
    assert subject.n_voxels == 16 + 4 + 8
    assert np.array_equal(v1, np.arange(16))
    assert np.intersect1d(v1, v1x).size == 4
    assert set(v2) == set(range(20, 28))
    ijk = subject.ijk[v1x]
    assert (ijk[:, 0] == 1).all()


def test_voxels_of_both_hemispheres_are_in_a_region_once(nifti_folder, write_nifti):
    mask = np.zeros((7, 8, 9), np.uint8)
    mask[1:6, 2, 2] = 1  # its ends are in the left and in the right V1
    write_nifti("sub-07/rois/sub-07_mask_RH_V1.nii.gz", mask)
    subject = open_subject(nifti_folder)
    voxels = subject.roi("V1").voxels
    assert voxels.size == np.unique(voxels).size == 8 + 5 - 1


def test_voxels_without_a_signal_are_left_out(nifti_folder):
    image = nib.load(nifti_folder / "betas.nii")
    data = np.array(image.dataobj)
    data[1, 2, 2] = 0
    data[1, 2, 3] = np.nan
    nib.save(nib.Nifti1Image(data, image.affine), nifti_folder / "betas.nii")
    subject = open_subject(nifti_folder)
    assert subject.n_voxels == 22
    assert subject.notes == (
        "2 voxels of the regions are 0 or NaN in the first volumes and were left out",
    )
    assert np.isfinite(subject.responses(range(6))).all()


def test_notes_on_one_voxel_and_one_picture_count_one(nifti_folder):
    image = nib.load(nifti_folder / "betas.nii")
    data = np.array(image.dataobj)
    data[1, 2, 2] = 0
    nib.save(nib.Nifti1Image(data, image.affine), nifti_folder / "betas.nii")
    (nifti_folder / "trials.tsv").unlink()
    for picture in sorted((nifti_folder / "stimuli").iterdir())[1:]:
        picture.unlink()
    assert open_subject(nifti_folder).notes == (
        "No trials.tsv: the stimuli of the 6 trials are not known (1 picture is not one a trial)",
        "1 voxel of the regions is 0 or NaN in the first volumes and was left out",
    )


def test_a_region_off_the_brain_is_refused(nifti_folder):
    image = nib.load(nifti_folder / "betas.nii")
    data = np.array(image.dataobj)
    data[2] = 0
    nib.save(nib.Nifti1Image(data, image.affine), nifti_folder / "betas.nii")
    with pytest.raises(DataError, match="all 8 voxels of region V2 are 0 or NaN"):
        open_subject(nifti_folder)


def test_without_regions_all_voxels_with_a_signal_count(nifti_folder):
    shutil.rmtree(nifti_folder / "rois")
    subject = open_subject(nifti_folder)
    assert subject.n_voxels == 7 * 8 * 9
    assert subject.roi("all").voxels.size == subject.n_voxels
    assert any("No regions given" in note for note in subject.notes)


@pytest.mark.parametrize(
    ("name", "region", "side"),
    [
        ("sub-03_mask_LH_V1v.nii.gz", "V1v", "lh"),
        ("sub-03_mask_RH_V1v.nii.gz", "V1v", "rh"),
        ("lh.V1.nii", "V1", "lh"),
        ("V3-lh.nii.gz", "V3", "lh"),
        ("sub-03_V3v-RH_mask.nii.gz", "V3v", "rh"),
        ("left-V3.nii", "V3", "left"),
        ("roi-L_mask.nii.gz", "L", ""),
        ("V1-lhx.nii.gz", "V1-lhx", ""),
        ("sub-01_desc-V1_mask.nii.gz", "V1", ""),
        ("sub-01_hemi-R_space-T1w_desc-V1_mask.nii.gz", "V1", "hemi-r"),
        ("sub-01_space-T1w_mask.nii.gz", "sub-01_space-T1w_mask", ""),
        ("V1_mask.nii.gz", "V1", ""),
        ("sub-01_space-T1w_hemi-L_label-V2_mask.nii.gz", "V2", "hemi-l"),
        ("sub-01_roi-LOC_desc-thin_mask.nii.gz", "LOC", ""),
        ("FFA_1.nii.gz", "FFA_1", ""),
        ("mask.nii.gz", "mask", ""),
    ],
)
def test_names_of_regions(name, region, side):
    assert region_name(name) == (region, side)


def label_image(folder, write_nifti):
    shutil.rmtree(folder / "rois")
    labels = np.zeros((7, 8, 9), np.int16)
    labels[1, 2:4, 2:6] = 1
    labels[2, 3:5, 2:6] = 7
    labels[0, 0, 0] = -1
    write_nifti(f"{folder.name}/rois.nii.gz", labels)


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".tsv", "index\tname\tcolour\n1\tV1v\tred\n7\thV4\tblue\n"),
        (".json", json.dumps({"1": "V1v", "7": "hV4"})),
        (".json", json.dumps({"V1v": 1, "hV4": 7})),
        (".txt", "# a comment\n1 V1v 255 0 0 0\n7: hV4\n"),
        (".txt", "V1v 1\nhV4 7\n"),
    ],
)
def test_labels_are_named_by_the_table_beside_them(nifti_folder, write_nifti, suffix, text):
    label_image(nifti_folder, write_nifti)
    assert [roi.name for roi in open_subject(nifti_folder).rois] == ["label 1", "label 7"]
    (nifti_folder / f"rois{suffix}").write_text(text)
    subject = open_subject(nifti_folder)
    assert [roi.name for roi in subject.rois] == ["V1v", "hV4"]
    assert subject.n_voxels == 16


def test_a_label_image_that_nibabel_scaled(nifti_folder, write_nifti):
    label_image(nifti_folder, write_nifti)
    path = nifti_folder / "rois.nii.gz"
    image = nib.Nifti1Image(nib.load(path).get_fdata(), np.diag([3.0, 3, 3, 1]))
    image.set_data_dtype(np.int16)
    nib.save(image, path)
    assert 1 < nib.load(path).get_fdata().max() % 1 + 1 < 2  # scaled: not 7, but nearly
    subject = open_subject(nifti_folder)
    assert [(roi.name, roi.voxels.size) for roi in subject.rois] == [("label 1", 8), ("label 7", 8)]


def test_a_label_image_among_masks_is_one_region_and_a_note_says_so(nifti_folder, write_nifti):
    labels = np.zeros((7, 8, 9), np.int16)
    labels[1, 2:4, 2:6] = 1
    labels[2, 3:5, 2:6] = 7
    write_nifti(f"{nifti_folder.name}/rois/atlas.nii.gz", labels)
    write_nifti(f"{nifti_folder.name}/rois/odds.nii.gz", labels.astype(np.float32) / 9)
    subject = open_subject(nifti_folder)
    assert {"atlas", "odds"} <= {roi.name for roi in subject.rois}
    assert [note for note in subject.notes if "labels" in note] == [
        "The image of region atlas holds 2 labels, which are one region; for a region each, give "
        "this image as the regions in place of its folder"
    ]
    image = nifti_folder / "rois" / "atlas.nii.gz"
    rois = read_nifti_subject(nifti_folder, rois=image).rois
    assert [roi.name for roi in rois] == ["label 1", "label 7"]


@pytest.mark.parametrize("text", ["[1, 2]", "{not json", '{"1": ["V1"]}', '{"V1": "x"}', ""])
def test_broken_tables_of_labels(nifti_folder, write_nifti, text):
    label_image(nifti_folder, write_nifti)
    (nifti_folder / "rois.json").write_text(text)
    with pytest.raises(DataError, match=r"rois\.json: not a table of label numbers"):
        open_subject(nifti_folder)


def test_one_region_in_one_image_is_called_as_the_file(nifti_folder, write_nifti):
    mask = np.zeros((7, 8, 9), np.float32)
    mask[1, 2:4] = 1
    path = write_nifti("nsdgeneral.nii.gz", mask)
    subject = read_nifti_subject(nifti_folder, rois=path)
    assert [roi.name for roi in subject.rois] == ["nsdgeneral"]


def test_regions_that_cannot_be_used(nifti_folder, write_nifti):
    shape = (7, 8, 9)
    ones = np.ones(shape, np.float32)
    turned = np.diag([3.0, 3, 3.2, 1])
    for name, data, affine, message in [
        ("size", np.ones((7, 8, 10), np.uint8), None, r"7 × 8 × 10 voxels .*7 × 8 × 9 voxels"),
        ("affine", ones, turned, r"voxels of 3 × 3 × 3.2 mm .*voxels of 3 × 3 × 3 mm .*resample"),
        ("four", np.ones((*shape, 2), np.uint8), None, "has 2 volumes; a region has one"),
        ("probability", ones * 0.3, None, "whole numbers only"),
        ("nothing", ones * 0, None, "no voxel has a label above 0"),
    ]:
        path = write_nifti(f"{name}.nii.gz", data, affine)
        with pytest.raises(DataError, match=message) as caught:
            read_nifti_subject(nifti_folder, rois=path)
        assert str(caught.value).startswith(f"{name}.nii.gz")


def test_two_files_of_one_region(nifti_folder, write_nifti):
    write_nifti("sub-07/rois/V1.nii.gz", np.ones((7, 8, 9), np.uint8))
    with pytest.raises(DataError, match="also makes region V1; rename one"):
        open_subject(nifti_folder)


def test_an_empty_mask_and_an_empty_folder(nifti_folder, write_nifti):
    write_nifti("sub-07/rois/V9.nii.gz", np.zeros((7, 8, 9), np.uint8))
    with pytest.raises(DataError, match="region V9 has no voxel"):
        open_subject(nifti_folder)
    shutil.rmtree(nifti_folder / "rois")
    (nifti_folder / "rois").mkdir()
    with pytest.raises(DataError, match="no NIfTI masks"):
        open_subject(nifti_folder)


def test_without_a_table_pictures_in_sorted_order_are_the_stimuli(nifti_folder):
    (nifti_folder / "trials.tsv").unlink()
    subject = open_subject(nifti_folder)
    assert [trial.stimulus_id for trial in subject.trials] == [f"picture{n}.png" for n in range(6)]
    assert "6 pictures in sorted order are taken" in subject.notes[0]
    (nifti_folder / "stimuli" / "picture3.png").unlink()
    subject = open_subject(nifti_folder)
    assert {trial.stimulus_id for trial in subject.trials} == {""}
    assert "stimuli of the 6 trials are not known (5 pictures" in subject.notes[0]


def test_a_missing_picture_is_named_and_the_trial_still_opens(nifti_folder):
    (nifti_folder / "stimuli" / "picture3.png").unlink()
    subject = open_subject(nifti_folder)
    assert subject.notes == ("1 of the stimuli shown have no picture, for example 'picture3.png'",)
    assert subject.stimulus(subject.trials[3]) is None
    assert subject.responses([3]).shape == (1, 24)


def test_a_broken_picture_is_named(nifti_folder):
    (nifti_folder / "stimuli" / "picture3.png").write_bytes(b"\x89PNG\r\n\x1a\n nonsense")
    subject = open_subject(nifti_folder)
    with pytest.raises(DataError, match=r"'picture3\.png': not a readable picture"):
        subject.stimulus(subject.trials[3])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("stimulus\na\nb\n", "2 rows but betas.nii has 6 volumes"),
        ("stimulus\n", "no rows below its header"),
        ("stimulus\tsplit\na\n", "row 2 has 1 cells but the header has 2"),
        ("stimulus\tstimulus\na\tb\n", "a column name is there twice"),
        ("split\n" + "validation\n" * 6, "'validation' is not a split"),
        ("run\n" + "one\n" * 6, "column 'run' must hold integers"),
        ("run\n" + "-1\n" * 6, "column 'run' holds the negative value -1"),
        ("presentations\n" + "0\n" * 6, "column 'presentations' holds the value 0"),
    ],
)
def test_tables_that_do_not_fit(nifti_folder, table, message):
    (nifti_folder / "trials.tsv").write_text(table)
    with pytest.raises(DataError, match=message) as caught:
        open_subject(nifti_folder)
    assert str(caught.value).startswith("trials.tsv: ")


def test_a_table_that_is_not_text(nifti_folder):
    (nifti_folder / "trials.tsv").write_bytes(b"\xff\xfe\x00stimulus\n")
    with pytest.raises(DataError, match=r"trials\.tsv: not UTF-8 text"):
        open_subject(nifti_folder)


def test_missing_cells_and_names_without_suffix(nifti_folder):
    rows = ["stim_file\ttrial_type\tsession", "stimuli/picture2.png\tcat\tn/a", "picture1\tdog\t3"]
    (nifti_folder / "trials.tsv").write_text("\n".join([*rows, *["n/a\tn/a\t1"] * 4]))
    trials = open_subject(nifti_folder).trials
    assert [trial.stimulus_id for trial in trials] == ["picture2.png", "picture1.png"] + [""] * 4
    assert [trial.session for trial in trials] == [0, 3, 1, 1, 1, 1]
    assert [trial.label for trial in trials[:3]] == ["cat", "dog", ""]
    assert {trial.split for trial in trials} == {"train"}


def test_what_pandas_writes_for_missing_cells(nifti_folder):
    """``DataFrame.to_csv(na_rep="NaN")`` of whole numbers, some of which are missing."""
    for n in range(3):
        (nifti_folder / "stimuli" / f"picture{n}.png").rename(nifti_folder / "stimuli" / f"{n}.png")
    rows = ["stimulus\tlabel\tsession", "2.0\tcat\tNaN", "1.0\tNaN\t3.0"]
    (nifti_folder / "trials.tsv").write_text("\n".join([*rows, *["NaN\tNaN\t1.0"] * 4]))
    trials = open_subject(nifti_folder).trials
    assert [trial.stimulus_id for trial in trials] == ["2.png", "1.png"] + [""] * 4
    assert [trial.session for trial in trials] == [0, 3, 1, 1, 1, 1]
    assert [trial.label for trial in trials] == ["cat"] + [""] * 5


def test_folders_that_are_no_subject(tmp_path, nifti_folder, write_nifti):
    with pytest.raises(DataError, match=r"no betas\.nii\.gz and no \*_bold\.nii\.gz"):
        open_subject(nifti_folder / "stimuli")
    write_nifti("sub-07/other_betas.nii.gz", np.ones((7, 8, 9, 2), np.float32))
    with pytest.raises(DataError, match=r"betas\.nii and other_betas\.nii\.gz could both be meant"):
        open_subject(nifti_folder)
    with pytest.raises(DataError, match="the image is 3-D; give a 4-D image"):
        open_subject(nifti_folder / "anatomy.nii.gz")


def test_an_image_without_orientation_is_noted(nifti_folder):
    for path in [nifti_folder / "betas.nii", *(nifti_folder / "rois").iterdir()]:
        image = nib.load(path)
        bare = nib.Nifti1Image(np.array(image.dataobj), None)
        bare.header.set_zooms((3, 3, 3, 1)[: len(image.shape)])
        nib.save(bare, path)
    assert any("left and right" in note for note in open_subject(nifti_folder).notes)


def test_the_converted_file_is_the_same_subject(nifti_folder, tmp_path):
    source = open_subject(nifti_folder)
    write_subject(tmp_path / "a.h5", source)
    opened = open_subject(tmp_path / "a.h5")
    assert opened.trials == source.trials
    assert np.array_equal(opened.responses(range(6)), source.responses(range(6)))
    assert np.array_equal(opened.ijk, source.ijk)
    assert np.allclose(opened.affine, source.affine)
    for trial in source.trials:
        picture = nifti_folder / "stimuli" / trial.stimulus_id
        assert opened.recording.encoded_stimulus(trial.stimulus_id) == picture.read_bytes()


def test_opening_a_plain_file_reads_no_more_than_the_first_volumes(nifti_folder, monkeypatch):
    from mindvis_gui.data.nifti_file import NiftiFile

    read = []
    volumes = NiftiFile.volumes

    def counted(self):
        for volume in volumes(self):
            read.append(self.path.name)
            yield volume

    monkeypatch.setattr(NiftiFile, "volumes", counted)
    shape = (7, 8, 9, 40)
    data = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    nib.save(nib.Nifti1Image(data, np.diag([3.0, 3, 3, 1])), nifti_folder / "betas.nii")
    (nifti_folder / "trials.tsv").unlink()
    open_subject(nifti_folder)
    assert read.count("betas.nii") <= 9


def test_a_4d_image_of_one_volume_is_one_trial(write_nifti):
    path = write_nifti("a/betas.nii.gz", np.ones((4, 3, 2, 1), np.float32))
    assert len(open_subject(path).trials) == 1


def test_grids_that_differ_in_orientation_are_told_apart(write_nifti):
    betas = write_nifti("a/betas.nii", np.ones((4, 4, 4, 2), np.float32))
    write_nifti("a/rois/V1.nii", np.ones((4, 4, 4), np.uint8), np.diag([-3.0, 3, 3, 1]))
    with pytest.raises(DataError, match=r"0 mm, axes LAS\) is not .* 0 mm, axes RAS\); resample"):
        open_subject(betas)
