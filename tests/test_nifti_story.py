"""A subject made of NIfTI files, from the files to the decoded pictures, with real networks."""

import shutil

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

import mindvis_gui
from mindvis_gui.cli import main

N_VOXELS = 100  # of the tiny model
SHAPE = (8, 9, 10)


def write_folder(folder, n_voxels=N_VOXELS):
    """Betas of four trials, a label image of two regions with `n_voxels` in all, three stimuli."""
    affine = np.diag([-3.0, 3.0, 3.0, 1.0])  # first axis from right to left, as scanners do
    labels = np.zeros(SHAPE, np.int16)
    labels.reshape(-1)[200 : 200 + n_voxels] = np.where(np.arange(n_voxels) < 40, 1, 2)
    betas = np.random.default_rng(0).normal(size=(*SHAPE, 4)).astype(np.float32)
    (folder / "stimuli").mkdir(parents=True)
    nib.save(nib.Nifti1Image(betas, affine), folder / "betas.nii.gz")
    nib.save(nib.Nifti1Image(labels, affine), folder / "rois.nii.gz")
    (folder / "rois.tsv").write_text("index\tname\n1\tV1\n2\tLOC\n")
    for name in ("cat", "dog", "fish"):
        Image.new("RGB", (40, 40), (len(name) * 50, 90, 120)).save(folder / f"stimuli/{name}.png")
    rows = ["cat.png\ttest", "dog.png\ttest", "fish.png\ttrain", "gone.png\ttest"]
    (folder / "trials.tsv").write_text("\n".join(["stimulus\tsplit", *rows]) + "\n")
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "sub-01")


def test_it_opens_with_regions_positions_and_stimuli(folder):
    subject = mindvis_gui.open_subject(folder)
    assert [(roi.name, roi.voxels.size) for roi in subject.rois] == [("V1", 40), ("LOC", 60)]
    assert subject.n_voxels == N_VOXELS
    assert subject.stimulus(subject.trials[1]).shape == (40, 40, 3)
    assert subject.stimulus(subject.trials[3]) is None
    assert any("gone.png" in note for note in subject.notes)


def test_it_decodes_from_the_command_line(folder, tiny_model_folder, tmp_path):
    out = tmp_path / "out"
    options = ["--model", str(tiny_model_folder), "--steps", "2", "--seeds", "0-1"]
    assert main(["decode", str(folder), *options, "--trials", "0,3", "--out", str(out)]) == 0
    names = {path.name for path in out.glob("*.png")}
    assert names == {
        "trial-0000_stimulus.png",
        "trial-0000_seed-0000.png",
        "trial-0000_seed-0001.png",
        "trial-0003_seed-0000.png",  # its stimulus is missing
        "trial-0003_seed-0001.png",
    }
    assert main(["figure", str(out), "--out", str(tmp_path / "figure.svg")]) == 0


def test_model_of_another_size_is_one_clear_line(tiny_model_folder, tmp_path, capsys):
    folder = write_folder(tmp_path / "sub-02", n_voxels=90)
    options = ["--model", str(tiny_model_folder), "--out", str(tmp_path / "out")]
    assert main(["decode", str(folder), *options]) == 1
    message = capsys.readouterr().err.strip()
    assert message.count("\n") == 0
    assert "100 voxels" in message
    assert "90" in message
    assert not (tmp_path / "out").exists()


def test_it_is_shown_masked_and_decoded_in_the_window(
    qtbot, monkeypatch, folder, tiny_model_folder, session, window
):
    import mindvis_gui.session.opening as module

    monkeypatch.setattr(module, "open_subject", mindvis_gui.open_subject)
    monkeypatch.setattr(session, "load_decoder", mindvis_gui.load_decoder)
    with qtbot.waitSignal(session.trial_changed, timeout=30_000):
        session.open(folder)
    with qtbot.waitSignal(session.masking.recovery_changed, timeout=60_000):
        session.load_model(str(tiny_model_folder))
    assert int((session.brain.grid.voxel_at >= 0).sum()) == N_VOXELS
    session.set_seeds(3, 2)
    with qtbot.waitSignal(session.results.comparison_changed, timeout=60_000):
        window.actions_by_id["decode"].trigger()
    qtbot.waitUntil(lambda: session.results.comparison is not None, timeout=30_000)
    assert [sample.seed for sample in session.results.result.samples] == [3, 4]
    assert len([tile for tile in window.workspace.gallery.pictures if tile.image is not None]) == 3


def test_file_that_vanishes_is_one_sentence_and_the_old_subject_stays(
    qtbot, monkeypatch, folder, session
):
    import mindvis_gui.session.opening as module

    monkeypatch.setattr(module, "open_subject", mindvis_gui.open_subject)
    with qtbot.waitSignal(session.trial_changed, timeout=30_000):
        session.open(folder)
    shutil.rmtree(folder)
    with qtbot.waitSignal(session.problem) as problem:
        session.open(folder)
    assert "no such file" in problem.args[0].lower()
    assert session.subject.n_voxels == N_VOXELS
