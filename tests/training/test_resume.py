"""A run that is killed and resumed goes on as if nothing had happened; one that cannot says why."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mindvis_gui.cli import main
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.files import only_writer
from mindvis_gui.training.checkpoint import CHECKPOINT
from mindvis_gui.training.configuration import CONFIG

pytestmark = pytest.mark.timeout(300)  # a process starts; a busy machine takes its time
ROOT = Path(__file__).parents[2]
STEPS = 3000
SMALL = ["--width", "16", "--depth", "1", "--heads", "1", "--decoder-width", "16"]
SMALL += ["--decoder-depth", "1", "--decoder-heads", "1", "--patch-size", "64", "--batch", "2"]
SMALL += ["--log-every", "1", "--checkpoint-every", "7", "--validate-every", "50"]


@pytest.fixture
def file(tmp_path, subject_factory):
    path = tmp_path / "tiny.h5"
    write_subject(path, subject_factory(), dtype="float32")
    return str(path)


def command(file: str, out: Path, steps: int, *more: str) -> list[str]:
    return ["train", "mbm", file, "--out", str(out), "--steps", str(steps), *SMALL, *more]


def rows(out: Path) -> list[str]:
    """Return the lines of the metrics without the speed, which no two runs share."""
    text = (out / "training" / "metrics.csv").read_text()
    return [line for line in text.splitlines() if ",speed," not in line]


def weights(out: Path) -> dict[str, torch.Tensor]:
    state = torch.load(out / "training" / CHECKPOINT, weights_only=True)
    return state["parts"]["model"]


def test_killed_and_resumed_equals_uninterrupted(file, tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    at = random.SystemRandom().randint(12, 40)
    started = subprocess.Popen(
        [sys.executable, "-m", "mindvis_gui.cli", *command(file, killed, STEPS)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        stderr=subprocess.PIPE,
    )
    log = killed / "training" / "metrics.csv"
    while not (log.exists() and log.read_bytes().count(b"train,loss") >= at):
        assert started.poll() is None, started.communicate()[1]
        time.sleep(0.005)  # it is another process: there is no signal to wait for
    started.send_signal(signal.SIGKILL)
    assert started.wait() == -signal.SIGKILL
    started.stderr.close()
    saved = torch.load(killed / "training" / CHECKPOINT, weights_only=True)["step"]
    assert 0 < saved < STEPS
    # The learning rate depends on the steps in all, so both runs stop at the same ones.
    end = saved + 9
    stop_after(end)
    assert main(command(file, killed, STEPS, "--resume")) == 130
    stop_after(end)
    assert main(command(file, whole, STEPS)) == 130
    assert rows(killed) == rows(whole)
    assert len([row for row in rows(whole) if "train,loss" in row]) == end
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(killed)[name]), name


@pytest.fixture(autouse=True)
def _stopping(monkeypatch):
    """Let `stop_after` end a run at a step, as Ctrl+C would."""
    from mindvis_gui.training import loop

    save = loop.MetricLog.write

    def write(self, step, kind, values):
        save(self, step, kind, values)
        if step == _stop["at"] - 1 and kind == "speed":
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(loop.MetricLog, "write", write)
    yield
    _stop["at"] = 0


_stop = {"at": 0}


def stop_after(step: int) -> None:
    _stop["at"] = step


def test_run_that_is_there_is_not_overwritten(file, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(command(file, out, 2)) == 0
    assert main(command(file, out, 2)) == 1
    assert "add --resume" in capsys.readouterr().err
    before = rows(out)
    assert main(command(file, out, 2, "--resume")) == 0
    assert rows(out) == before


@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_a_folder_that_another_run_writes_is_left_alone(file, tmp_path, capsys, resume):
    out = tmp_path / "out"
    with only_writer(out / "training"):
        before = sorted(out.rglob("*"))
        assert main(command(file, out, 2, *resume)) == 1
        assert "is being written by another run" in capsys.readouterr().err
        assert sorted(out.rglob("*")) == before
    assert main(command(file, out, 2, *resume)) == 0
    assert not (out / "training" / ".writer").exists()


def test_what_a_killed_run_left_half_written_is_removed(file, tmp_path):
    out = tmp_path / "out"
    assert main(command(file, out, 2)) == 0
    checkpoint, model = out / "training" / f".checkpoint-{'0f' * 8}.pt", out / "training" / ".new-x"
    checkpoint.write_bytes(b"half")
    model.mkdir()
    (model / "config.json").write_bytes(b"half")
    (out / "training" / ".mine-0.pt").write_bytes(b"of somebody else")
    assert main(command(file, out, 2, "--resume")) == 0
    hidden = [path.name for path in (out / "training").iterdir() if path.name.startswith(".")]
    assert hidden == [".mine-0.pt"]


def test_killed_while_it_writes_a_model(file, tmp_path, monkeypatch):
    """What is not complete lies where the next run looks for it."""
    out, found = tmp_path / "out", []
    monkeypatch.setattr(
        MaskedBrainModel, "save_pretrained", lambda model, folder: found.append(folder)
    )
    assert main(command(file, out, 2)) == 0
    assert [folder.parent for folder in found] == [out / "training"]


def test_checkpoint_of_another_configuration_names_what_differs(file, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(command(file, out, 2)) == 0
    saved = (out / "training" / CONFIG).read_bytes()
    assert main(command(file, out, 2, "--resume", "--rate", "0.5", "--mask-ratio", "0.5")) == 1
    assert (out / "training" / CONFIG).read_bytes() == saved  # says what the model was made with
    said = capsys.readouterr().err
    assert "another configuration" in said
    assert "rate was 0.00025, now 0.5" in said
    assert "mask_ratio was 0.75, now 0.5" in said
    assert "seed" not in said
    # What changes no number may be another.
    assert main(command(file, out, 2, "--resume", "--checkpoint-every", "1")) == 0


def test_other_data_are_refused(file, tmp_path, subject_factory, capsys):
    out = tmp_path / "out"
    assert main(command(file, out, 2)) == 0
    other = tmp_path / "other.h5"
    write_subject(other, subject_factory(20), dtype="float32")
    assert main(command(str(other), out, 2, "--resume")) == 1
    assert "data_sha256 was" in capsys.readouterr().err


def test_damaged_checkpoint_is_refused(file, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(command(file, out, 2)) == 0
    (out / "training" / CHECKPOINT).write_bytes(b"PK\x03\x04 not much of a checkpoint")
    assert main(command(file, out, 2, "--resume")) == 1
    assert "no checkpoint, or damaged" in capsys.readouterr().err


def test_loss_that_is_not_finite_stops_with_the_step(file, tmp_path, capsys):
    out = tmp_path / "out"
    far = ["--rate", "1e18", "--warmup", "0", "--clip", "1e30", "--precision", "fp32"]
    assert main(command(file, out, 60, *far, "--checkpoint-every", "1")) == 1
    said = capsys.readouterr().err
    assert "step " in said
    assert "stopped" in said
    assert all(value.isfinite().all() for value in weights(out).values())
    step = torch.load(out / "training" / CHECKPOINT, weights_only=True)["step"]
    assert f"holds step {step}" in said


def test_full_disk_keeps_the_last_checkpoint_whole(file, tmp_path, monkeypatch, capsys):
    resource = pytest.importorskip("resource")
    out = tmp_path / "out"
    stop_after(9)
    assert main(command(file, out, 20)) == 130
    before = (out / "training" / CHECKPOINT).read_bytes()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))  # no file gets larger
    try:
        assert main(command(file, out, 20, "--resume")) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        signal.signal(signal.SIGXFSZ, handler)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("mindvis:")]
    assert len(said) == 2  # that it was stopped before, and this
    assert "checkpoint.pt: cannot be written: File too large" in said[1]
    assert (out / "training" / CHECKPOINT).read_bytes() == before
    assert not list((out / "training").glob(".checkpoint*"))
