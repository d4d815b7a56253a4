import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import pytest

from mindvis_gui.cli import main
from mindvis_gui.data import open_subject
from mindvis_gui.data.recording import ArrayRecording
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.errors import DataError
from tests.data.makers import new_bdata

PUBLISHED = Path(__file__).parents[1] / "data_golden" / "published"


@pytest.fixture
def betas(tmp_path):
    data = np.random.default_rng(0).normal(size=(4, 5, 6, 3)).astype(np.float32)
    mask = np.zeros((4, 5, 6), np.uint8)
    mask[1:3, 1:3, 1:3] = 1
    (tmp_path / "elsewhere").mkdir()
    for name, array in {"responses.nii.gz": data, "elsewhere/V1.nii.gz": mask}.items():
        nib.save(nib.Nifti1Image(array, np.diag([2.0, 2, 2, 1])), tmp_path / name)
    (tmp_path / "elsewhere" / "table.tsv").write_text("label\tsplit\na\ttest\nb\ttrain\nc\ttrain\n")
    return tmp_path / "responses.nii.gz"


def test_every_part_can_be_given(tmp_path, betas, capsys):
    parts = tmp_path / "elsewhere"
    command = ["import-subject", str(betas), "--out", str(tmp_path / "a.h5")]
    options = ["--rois", str(parts / "V1.nii.gz"), "--events", str(parts / "table.tsv")]
    assert main([*command, *options, "--anatomy", str(parts / "V1.nii.gz")]) == 0
    subject = open_subject(tmp_path / "a.h5")
    assert [roi.name for roi in subject.rois] == ["V1"]
    assert [trial.label for trial in subject.trials] == ["a", "b", "c"]
    assert subject.anatomy.data.shape == (4, 5, 6)
    assert "3 trials × 8 voxels, 1 region" in capsys.readouterr().out


def test_what_was_done_to_responses_is_kept_in_the_notes(tmp_path, betas, capsys):
    command = ["import-subject", str(betas), "--out", str(tmp_path / "a.h5"), "--split", "trial=0"]
    assert main([*command, "--z-score", "voxel", "--filter", "trial=0,2"]) == 0
    subject = open_subject(tmp_path / "a.h5")
    assert [trial.split for trial in subject.trials] == ["test", "train"]
    assert not subject.responses([1]).any()  # the only training trial is its own mean
    notes = " ".join(subject.notes)
    assert "2 of 3 trials are kept (trial=0,2)" in notes
    assert "z-scored in each voxel over the training trials" in notes
    assert "note: 2 of 3 trials" in capsys.readouterr().err


def test_notes_are_said(tmp_path, betas, capsys):
    assert main(["import-subject", str(betas), "--out", str(tmp_path / "a.h5")]) == 0
    assert "note: No regions given" in capsys.readouterr().err


def test_the_demo_can_be_copied(monkeypatch, tmp_path, subject):
    pictures = {trial.stimulus_id: subject.stimulus(trial) for trial in subject.trials}
    values = subject.responses(range(24))
    object.__setattr__(subject, "recording", ArrayRecording(values, pictures))
    write_subject(tmp_path / "demo.h5", subject)
    monkeypatch.setattr("mindvis_gui.data.formats.demo_subject_path", lambda: tmp_path / "demo.h5")
    assert main(["import-subject", "demo", "--out", str(tmp_path / "new" / "copy.h5")]) == 0
    copy = open_subject(tmp_path / "new" / "copy.h5")
    assert np.array_equal(copy.responses(range(24)), values)
    assert copy.simulated


@pytest.mark.parametrize(
    ("source", "trials", "rois"),
    [
        ("GOD/sbj_3.npz", {"train": 24, "test": 4, "test-single": 8}, "V1 V2 V3 V4 VC"),
        ("BOLD5000", {"train": 11, "test": 3, "test-single": 7}, "EarlyVis LOC OPA PPA RSC"),
        ("HCP/dummy_sub_01/HCP_visual_voxel.npz", {"train": 4}, "V1 V2 V3 V4"),
    ],
)
def test_published_data_sets(tmp_path, source, trials, rois):
    path = PUBLISHED / source
    assert main(["import-subject", str(path), "--out", str(tmp_path / "a.h5")]) == 0
    one, copy = open_subject(path), open_subject(tmp_path / "a.h5")
    everything = range(sum(trials.values()))
    assert Counter(trial.split for trial in copy.trials) == trials
    assert copy.trials == one.trials
    assert [roi.name for roi in copy.rois] == rois.split()
    assert np.array_equal(copy.responses(everything), one.responses(everything))
    for trial in one.trials[:3]:
        assert np.array_equal(copy.stimulus(trial), one.stimulus(trial))


def test_bdata(tmp_path):
    data = new_bdata()
    data.add(np.random.default_rng(0).normal(size=(6, 20)), "VoxelData")
    data.add_metadata("ROI_V1", np.arange(20) < 9, where="VoxelData")
    data.save(str(tmp_path / "b.h5"))
    assert main(["import-subject", str(tmp_path / "b.h5"), "--out", str(tmp_path / "a.h5")]) == 0
    assert len(open_subject(tmp_path / "a.h5").roi("V1").voxels) == 9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rois", "gone.nii"], "gone.nii: no such file or folder"),
        (["--stimuli", "gone"], "gone: no such file or folder"),
        (["--window", "3-12"], "--window is for NIfTI images, which it is not"),
    ],
)
def test_expected_errors_are_one_line(tmp_path, capsys, options, message):
    source = tmp_path / "a.txt"
    source.write_text("hello " * 100)
    assert main(["import-subject", str(source), "--out", str(tmp_path / "a.h5"), *options]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "a.h5").exists()


@pytest.mark.parametrize("window", ["12", "12-3", "-3-12", "a-b", "3-100", "nan-nan"])
def test_windows_that_make_no_sense(betas, window, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["import-subject", str(betas), "--out", "a.h5", f"--window={window}"])
    assert stopped.value.code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGKILL"])
def test_a_killed_import_leaves_no_file_that_looks_whole(tmp_path, subject, name):
    sent = signal.Signals[name]
    (tmp_path / "out").mkdir()
    write_subject(tmp_path / "out" / "a.h5", subject)
    old = (tmp_path / "out" / "a.h5").read_bytes()
    data = np.random.default_rng(0).normal(size=(20, 20, 20, 2000)).astype(np.float32)
    nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "x.nii")
    command = [sys.executable, "-m", "mindvis_gui", "import-subject", str(tmp_path / "x.nii")]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "out" / "a.h5"), "--overwrite"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "out").iterdir())) < 2 and process.poll() is None:
        assert time.monotonic() < deadline
    process.send_signal(sent)
    process.wait(60)
    kept = tmp_path / "out" / "a.h5"
    if kept.read_bytes() != old:  # it was done before the signal came
        assert len(open_subject(kept).trials) == 2000
    for left in (tmp_path / "out").glob(".a-*.h5"):
        with pytest.raises(DataError):  # whatever a kill leaves is no subject file
            open_subject(left)
    if name != "SIGKILL":
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.h5"]


FULL_DISK = """
import resource, sys
from mindvis_gui.cli import main
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
@pytest.mark.parametrize("limit", [0, 1000, 30_000, 100_000, 199_000])
def test_a_full_disk_is_one_line_and_leaves_the_old_file(tmp_path, limit):
    out = tmp_path / "out" / "a.h5"
    command = ["import-subject", str(PUBLISHED / "GOD" / "sbj_3.npz"), "--out", str(out)]
    assert main(command) == 0
    before = out.read_bytes()
    assert len(before) > 199_000
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(limit), *command, "--overwrite"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    *notes, error = done.stderr.splitlines()
    assert error == f"mindvis: {out}: cannot be written: File too large"
    assert all(line.startswith("mindvis: note: ") for line in notes)
    assert out.read_bytes() == before
    assert [path.name for path in out.parent.iterdir()] == ["a.h5"]


@pytest.fixture
def own(tmp_path, subject):
    values = subject.responses(range(24))
    object.__setattr__(subject, "recording", ArrayRecording(values))
    write_subject(tmp_path / "own.h5", subject)
    return tmp_path / "own.h5"


def test_a_subject_file_is_replaced_only_on_demand(tmp_path, own, capsys):
    command = ["import-subject", str(own), "--filter", "trial=0-9", "--out", str(tmp_path / "b.h5")]
    assert main(command) == 0
    assert main(command) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.endswith("b.h5: exists already; choose another name, or add --overwrite")
    assert main([*command, "--overwrite", "--filter", "trial=0-3"]) == 0
    assert len(open_subject(tmp_path / "b.h5").trials) == 4


def test_no_source_is_written_over(tmp_path, own, capsys, monkeypatch):
    (tmp_path / "link.h5").symlink_to(own)
    np.save(tmp_path / "a.npy", np.ones((3, 2)))
    monkeypatch.setenv("HOME", str(tmp_path))
    for source, out, *options in (
        (own, own),
        (own, tmp_path / "link.h5"),
        ("~/own.h5", own),
        (tmp_path / "a.npy", own, "--responses", "a", "--stimulus-table", str(own)),
        (tmp_path / "a.npy", tmp_path / "a.npy", "--responses", "a"),
    ):
        before = out.read_bytes()
        command = ["import-subject", str(source), "--out", str(out), "--overwrite", *options]
        assert main(command) == 1
        assert "is what the subject is made of; choose another name" in capsys.readouterr().err
        assert out.read_bytes() == before


def test_what_is_no_subject_file_is_never_written_over(tmp_path, own, capsys):
    (tmp_path / "other.h5").write_bytes(own.read_bytes())
    with h5py.File(tmp_path / "other.h5", "a") as file:
        del file.attrs["format"]
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "folder").mkdir()
    for name in ("other.h5", "thesis.txt", "folder"):
        command = ["import-subject", str(own), "--out", str(tmp_path / name), "--overwrite"]
        assert main(command) == 1
        error = capsys.readouterr().err
        assert f"{name}: exists already and is no subject file; choose another name\n" in error
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
