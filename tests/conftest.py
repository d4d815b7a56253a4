"""What all tests share.

A small subject in memory, a decoder without networks and a session over both; a
model folder with random networks; checkpoints of the published layout; and guards:
no screen, no settings of the user's, no thread left running.
"""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # Qt and torch read these when they are imported
os.environ["OMP_NUM_THREADS"] = "1"

import errno
import functools
import gc
import hashlib
import io
import json
import math
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QSettings

from mindvis_gui.analysis.networks import NetworkOutput
from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.prepare import padded_length
from mindvis_gui.data.subject import FloatArray, ImageArray, IntArray, Roi, Subject, Trial, Volume
from mindvis_gui.decoding.request import (
    DecodeRequest,
    DecodeResult,
    ModelInfo,
    Recovery,
    Sample,
    Step,
)
from mindvis_gui.errors import DataError, ModelError
from mindvis_gui.job import Job
from mindvis_gui.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

PATCH = 16
SIDE = 32  # pixels of a decoded picture
GOLDEN = Path(__file__).parent / "data_golden"
_LEVELS_STD = math.sqrt((15**2 - 1) / 12)  # of integers uniform on -7…7
_ENDED, _WHOLE = count(1), 20  # tests; after so many all garbage is collected, not the new alone
LABELS = ("cactus", "crab", "bird", "bed", "violin", "train")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol():
    """Collect garbage between tests alone.

    A collection that deletes a window while Qt disconnects something waits for ever: `~QObject`
    for a lock that its own thread holds.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect(1 if next(_ENDED) % _WHOLE else 2)


class MemoryRecording:
    """Responses and stimuli of a subject that was never in a file."""

    def __init__(self, responses: FloatArray, stimuli: dict[str, ImageArray]) -> None:
        self._responses, self._stimuli = responses, stimuli

    def responses(self, indices: IntArray) -> FloatArray:
        return self._responses[indices]

    def stimulus(self, stimulus_id: str) -> ImageArray | None:
        return self._stimuli.get(stimulus_id)


class FakeDecoder:
    """Answers with plain colours, one a seed; `hold` makes a decode wait after its second step."""

    def __init__(self, n_voxels: int) -> None:
        self.info = ModelInfo(
            name="fake",
            folder="",
            n_voxels=n_voxels,
            patch_size=PATCH,
            n_patches=padded_length(n_voxels, PATCH) // PATCH,
            image_size=SIDE,
            parameters=20_000_000,
            hash="0" * 64,
        )
        self.go_on = threading.Event()
        self.go_on.set()

    def hold(self) -> None:
        self.go_on.clear()

    def release(self) -> None:
        self.go_on.set()

    def decode(self, request: DecodeRequest) -> Generator[Step, None, DecodeResult]:
        images = [
            np.full((SIDE, SIDE, 3), 40 + seed * 37 % 200, np.uint8) for seed in request.seeds
        ]
        for index in range(1, request.sampling.steps + 1):
            yield Step(index, request.sampling.steps, np.stack(images)[:, ::4, ::4])
            if index == 2:
                assert self.go_on.wait(30)
        samples = tuple(Sample(i, s) for i, s in zip(images, request.seeds, strict=True))
        return DecodeResult(request, samples, seconds=0.1)

    def recover(self, vector: FloatArray, mask: MaskState) -> Recovery:
        return Recovery(vector * np.float32(0.9), correlation=1.0 - mask.ratio)


class TellingDecoder(FakeDecoder):
    """Draws the stimulus as far as the voxels of V1 have a response, and grey for the rest.

    What the other regions say changes nothing. `fails` holds trials that cannot be decoded.
    """

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject.n_voxels)
        self._subject = subject
        self.requests: list[DecodeRequest] = []
        self.fails: set[int] = set()

    def decode(self, request: DecodeRequest) -> Generator[Step, None, DecodeResult]:
        self.requests.append(request)
        yield Step(1, 1)
        if request.trial in self.fails:
            raise ModelError(f"trial {request.trial} cannot be decoded")
        told = request.encoder_input(PATCH)[self._subject.roi("V1").voxels]
        share = float(np.mean(told != 0))
        seen = self._subject.stimulus(self._subject.trials[request.trial])
        assert seen is not None
        rows = np.arange(SIDE) * len(seen) // SIDE
        samples = []
        for seed in request.seeds:
            noise = np.random.default_rng(seed).normal(scale=5, size=(SIDE, SIDE, 3))
            picture = share * seen[rows][:, rows].astype(float) + (1 - share) * 128 + noise
            samples.append(Sample(np.clip(picture, 0, 255).astype(np.uint8), seed))
        return DecodeResult(request, tuple(samples), seconds=0.1)


def make_subject(n_trials: int = 24, name: str = "tiny") -> Subject:
    """Return seven regions on a ball of a brain, and `n_trials` trials with coloured stimuli."""
    rng = np.random.default_rng(0)
    centre, radius = np.array([15, 18, 15]), 13.0
    points = np.argwhere(np.ones((31, 37, 31), dtype=bool))
    distance = np.linalg.norm((points - centre) / [1.0, 1.25, 1.0], axis=1)
    inside = points[distance < radius]
    back = inside[inside[:, 1] < 10]  # the occipital end
    ijk = back[np.argsort(back[:, 1] * 50 + back[:, 2], kind="stable")][:700]
    anatomy = np.zeros((31, 37, 31), dtype=np.float32)
    anatomy[tuple(inside.T)] = 100 - 4 * distance[distance < radius]
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = [-60, -80, -50]
    names = ("V1", "V2", "V3", "hV4", "LOC", "FFA", "PPA")
    rois = tuple(Roi(n, v) for n, v in zip(names, np.array_split(np.arange(700), 7), strict=True))
    stimuli = {}
    for i, label in enumerate(LABELS):
        image = np.full((48, 48, 3), 200, dtype=np.uint8)
        image[10:38, 14:34] = (40 * i, 255 - 40 * i, 90)
        stimuli[label] = image
    trials = tuple(
        Trial(
            index=i,
            split="test" if i < len(LABELS) else "train",
            stimulus_id=LABELS[i % len(LABELS)],
            label=LABELS[i % len(LABELS)],
            category="thing",
        )
        for i in range(n_trials)
    )
    responses = rng.normal(size=(n_trials, 700)).astype(np.float32)
    return Subject(
        name=name,
        source=Path(f"{name}.h5"),
        trials=trials,
        rois=rois,
        n_voxels=700,
        recording=MemoryRecording(responses, stimuli),
        unit="z",
        ijk=ijk,
        affine=affine,
        anatomy=Volume(anatomy, affine),
        simulated=True,
    )


@pytest.fixture(autouse=True, scope="session")
def _own_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep tests away from the settings of whoever runs them."""
    folder = str(tmp_path_factory.mktemp("settings"))
    for kind in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
        QSettings.setPath(kind, QSettings.Scope.UserScope, folder)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests away from the samples and the history of whoever runs them."""
    monkeypatch.setenv("MINDVIS_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def _no_accelerator_left() -> Iterator[None]:
    """Let every test choose device and precision; accelerate remembers those of a process.

    Before the test, too: a module's fixtures may have trained.
    """
    _forget_accelerator()
    yield
    _forget_accelerator()


def _forget_accelerator() -> None:
    state = sys.modules.get("accelerate.state")
    if state is not None:
        state.AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(autouse=True)
def _no_thread_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test after which a job still runs."""
    started: list[Job] = []
    start = Job.start

    def remember(job: Job) -> None:
        started.append(job)
        start(job)

    monkeypatch.setattr(Job, "start", remember)
    yield
    running = [job.title for job in started if shiboken6.isValid(job) and job.isRunning()]
    assert not running, f"left running: {running}"


@pytest.fixture(scope="session")
def tiny_model_folder(tiny_model: Callable[[int], Path]) -> Path:
    """Return the folder of a model with random networks: 100 voxels, pictures of 32 pixels."""
    return tiny_model(100)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Return a function that gives the folder of such a model for any number of voxels."""
    return functools.cache(lambda n_voxels: make_tiny_model(tmp_path_factory, n_voxels))


def make_tiny_model(tmp_path_factory: pytest.TempPathFactory, n_voxels: int) -> Path:
    import torch

    from mindvis_gui.decoding.conditioner import Conditioner
    from mindvis_gui.decoding.masked_model import MaskedBrainModel
    from mindvis_gui.decoding.networks import build_scheduler, build_unet, build_vqvae, time_width
    from mindvis_gui.decoding.pipeline import MindVisPipeline

    torch.manual_seed(0)
    masked_model = MaskedBrainModel(
        n_voxels=n_voxels,
        width=32,
        depth=1,
        heads=2,
        decoder_width=16,
        decoder_depth=1,
        decoder_heads=2,
    )
    encoder = masked_model.encoder
    # 64 channels below: norms of one channel a group would take away what a time step adds.
    unet = build_unet(32, 32, sample_size=8, multipliers=(1, 2), attention=(False, True), layers=1)
    pipeline = MindVisPipeline(
        encoder=encoder,
        conditioner=Conditioner(encoder.n_tokens, 32, 32, time_width(unet), context_tokens=8),
        unet=unet,
        vqvae=build_vqvae(32, codes=64, sample_size=32, multipliers=(1, 1, 1), layers=1),
        scheduler=build_scheduler(),
        masked_model=masked_model,
        n_voxels=n_voxels,
        image_size=32,
        dataset="random numbers",
        latent_rgb=[[0.2, 0.0, 0.0], [0.0, 0.2, 0.0], [0.0, 0.0, 0.2], [0.1, 0.1, 0.1]],
        normalisation={"mean": 0.0, "std": 1.0, "basis": "none"},
    )
    folder = tmp_path_factory.mktemp("models") / "tiny"
    pipeline.save_pretrained(folder)
    (folder / "README.md").write_text("# Tiny\n\nRandom networks.\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def golden():
    """Return a function that reads one file of golden numbers as {name: array or tensor}."""
    import torch

    def read(name: str) -> dict[str, Tensor]:
        with np.load(GOLDEN / f"{name}.npz") as arrays:
            return {key: torch.from_numpy(arrays[key]) for key in arrays.files}

    return read


@pytest.fixture(scope="session")
def golden_json():
    """Return a function that reads one JSON file of golden numbers."""

    def read(name: str) -> dict[str, Any]:
        return dict(json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8")))

    return read


def generate(name: str, shape: list[int], salt: str) -> Tensor:
    """Return the weight called `name` in the checkpoint salted with `salt`.

    It depends on nothing else, so no checkpoint needs to be stored: `tests/data_golden`
    holds what the published code computes with these weights.
    """
    import torch

    key = hashlib.sha256(f"mindvis-golden-v1|{salt}|{name}".encode()).digest()
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(key[:8], "little")))
    leaf = name.rpartition(".")[2]
    if name.endswith("quantize.embedding.weight"):
        values = rng.standard_normal(shape)
        half = shape[0] // 2  # some codes near 0, where pictures are, some far out
        values[:half] *= 0.6
        values[half:] *= 4.0
    elif leaf in ("cls_token", "mask_token"):
        values = 0.5 * rng.standard_normal(shape)
    elif leaf == "bias":
        last = name.endswith("diffusion_model.out.2.bias")
        values = (0.005 if last else 0.05) * rng.standard_normal(shape)
    elif len(shape) == 1:
        values = 1.0 + 0.1 * rng.standard_normal(shape)
    else:
        fan_in = 1 if name.endswith("embedding.weight") else math.prod(shape[1:])
        exponent = round(math.log2(1 / math.sqrt(fan_in) / _LEVELS_STD))
        values = rng.integers(-7, 8, size=shape) * 2.0**exponent
    return torch.from_numpy(_wired(name, values.astype(np.float32)))


def _wired(name: str, w: np.ndarray) -> np.ndarray:
    """Lead the U-Net's input straight to its output, so that many steps stay bounded."""
    part = name.partition("diffusion_model.")[2]
    if part == "out.0.bias":
        w[:6] = 0
    elif part == "out.0.weight":
        w[3:6] = w[:3]
    elif part == "input_blocks.0.0.weight":
        w[:6] = 0
        for channel in range(3):
            w[channel, channel, 1, 1], w[channel + 3, channel, 1, 1] = 1, -1
    elif part == "output_blocks.11.0.skip_connection.weight":
        w[:6] *= np.float32(0.125)
        for channel in range(6):
            w[channel, w.shape[1] // 2 + channel] = 4
    elif part == "output_blocks.11.0.out_layers.3.weight":
        w[:6] *= np.float32(0.5)
        w[:6] -= w[:6].mean(axis=(1, 2, 3), keepdims=True)
    elif part == "out.2.weight":
        w *= np.float32(0.125)
        w -= w.mean(axis=(1, 2, 3), keepdims=True)
        for channel in range(3):
            w[channel, [channel, channel + 3]] = 0
            w[channel, channel, 1, 1], w[channel, channel + 3, 1, 1] = 1, -1
    return w


@pytest.fixture(scope="session")
def published_weights(golden) -> dict[str, dict[str, Tensor]]:
    """Return the weights of the three published files, by file name."""
    import torch

    keys = json.loads((GOLDEN / "published_keys.json").read_text(encoding="utf-8"))
    schedule = golden("06_schedule")

    def make(name: str, shape: list[int], salt: str) -> Tensor:
        if "." not in name and name not in ("cls_token", "mask_token"):
            return schedule.get(name, torch.zeros(shape))
        return generate(name, shape, salt)

    ldm = {name: make(name, shape, "ldm") for name, shape in keys["model.ckpt"].items()}
    tuned = {name: ldm[name] for name in ldm if name not in keys["not in finetuned.pth"]}
    for name in keys["changed by fine-tuning"]:
        tuned[name] = generate(name, keys["model.ckpt"][name], "ft")
    for name, shape in keys["only in finetuned.pth"].items():
        if name.endswith("pos_embed"):
            tuned[name] = golden("02_fmri_encoder")["pos_embed_finetuned"]
        else:
            tuned[name] = generate(name, shape, "ft")
    stage_a = {name: make(name, shape, "mbm") for name, shape in keys["fmri_encoder.pth"].items()}
    for name in ("pos_embed", "decoder_pos_embed"):
        stage_a[name] = golden("01_mbm_forward")[name]
    return {"model.ckpt": ldm, "finetuned.pth": tuned, "fmri_encoder.pth": stage_a}


STAGE_A = {"num_heads": 4, "decoder_num_heads": 4, "patch_size": 16, "num_voxels": 528}
STAGE_B = {"img_size": 64, "dataset": "GOD", "kam_subs": ["sbj_3"], "global_pool": False}


@dataclass
class CheckpointWriter:
    """Writes files as the published code does, configuration objects pickled by reference."""

    folder: Path

    def __call__(self, name: str, contents: dict[str, Any]) -> Path:
        import torch

        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        torch.save(contents, path)
        return path

    def config(self, class_name: str, settings: dict[str, Any]) -> Any:
        kind = type(class_name, (), {"__module__": "config"})
        setattr(sys.modules["config"], class_name, kind)
        instance = kind()
        vars(instance).update(settings)
        return instance


@pytest.fixture
def write_checkpoint(tmp_path, monkeypatch) -> CheckpointWriter:
    """Return a writer of files in the published layouts."""
    monkeypatch.setitem(sys.modules, "config", ModuleType("config"))
    return CheckpointWriter(tmp_path)


@pytest.fixture(scope="session")
def published_files(tmp_path_factory, published_weights) -> dict[str, Path]:
    """Return the paths of model.ckpt, finetuned.pth and fmri_encoder.pth."""
    import torch

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "config", ModuleType("config"))
        write = CheckpointWriter(tmp_path_factory.mktemp("published"))
        stage_a = write.config("Config_MBM_finetune", STAGE_A)
        stage_b = write.config("Config_Generative_Model", STAGE_B)
        contents = {
            "model.ckpt": {"state_dict": published_weights["model.ckpt"]},
            "finetuned.pth": {
                "model_state_dict": published_weights["finetuned.pth"],
                "config": stage_b,
                "state": torch.random.get_rng_state(),
            },
            "fmri_encoder.pth": {
                "model": published_weights["fmri_encoder.pth"],
                "optimizer": {},
                "epoch": 3,
                "config": stage_a,
            },
        }
        return {name: write(name, content) for name, content in contents.items()}


@pytest.fixture(scope="session")
def generate_weight():
    return generate


@pytest.fixture
def subject() -> Subject:
    return make_subject()


@pytest.fixture(scope="session")
def subject_factory() -> Callable[..., Subject]:
    return make_subject


@pytest.fixture
def decoder(subject: Subject) -> Iterator[FakeDecoder]:
    fake = FakeDecoder(subject.n_voxels)
    yield fake
    fake.release()


class TwelveClasses:
    """Names a picture by its first bytes."""

    name, preparation = "twelve", "as it is"
    layers: dict[str, str] = {}  # noqa: RUF012
    class_names = tuple(f"class {i}" for i in range(12))

    def run(self, pictures: ImageArray, layers: Sequence[str] = ()) -> NetworkOutput:
        rows = pictures.reshape(len(pictures), -1)[:, :12].astype(np.float32) + 1
        return NetworkOutput(rows / rows.sum(axis=1, keepdims=True))


@pytest.fixture
def classifier() -> TwelveClasses:
    return TwelveClasses()


@pytest.fixture
def decoder_factory() -> type[FakeDecoder]:
    return FakeDecoder


@pytest.fixture
def telling_decoder(subject: Subject) -> TellingDecoder:
    return TellingDecoder(subject)


@pytest.fixture
def session(qapp, monkeypatch, subject, decoder):
    """Return a session that opens the subject by any path and loads the decoder by any name.

    The path ``missing.h5`` and the model ``missing`` do not exist.
    """
    import mindvis_gui.session.opening
    from mindvis_gui.session import Session

    def open_subject(path: str | Path) -> Subject:
        if Path(path).name == "missing.h5":
            raise DataError("missing.h5: no such file; check the path")
        return subject

    def load_decoder(name: str) -> FakeDecoder:
        if name == "missing":
            raise ModelError("missing: no model of that name; found: fake")
        return decoder

    monkeypatch.setattr(mindvis_gui.session.opening, "open_subject", open_subject)
    made = Session(load_decoder)
    yield made
    decoder.release()
    made.close()
    shiboken6.delete(made)  # now, not whenever a worker thread collects garbage


@pytest.fixture
def opened(qtbot, session):
    """Return the session with the subject open and its first test trial chosen."""
    with qtbot.waitSignal(session.trial_changed):
        session.open("tiny.h5")
    return session


@pytest.fixture
def ready(qtbot, opened):
    """Return the session with subject and model, ready to decode."""
    with qtbot.waitSignal(opened.model_changed):
        opened.load_model("fake")
    return opened


@pytest.fixture
def calls_of():
    """Return a function that counts the calls of Python functions while something is done."""

    def count(act: Callable[[], object]) -> int:
        calls = []
        sys.setprofile(lambda frame, event, _: calls.append(1) if event == "call" else None)
        try:
            act()
        finally:
            sys.setprofile(None)
        return len(calls)

    return count


@pytest.fixture
def failing(monkeypatch):
    """Return a context in which a disk fails that a folder lies on, as a network drive may."""

    @contextmanager
    def fail(folder: Path, *, writing_alone: bool = False) -> Iterator[None]:
        def failed(call: Callable[..., Any]) -> Callable[..., Any]:
            def attempt(path: Any, *args: Any, **kwargs: Any) -> Any:
                if not isinstance(path, int) and str(path).startswith(str(folder)):
                    raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
                return call(path, *args, **kwargs)

            return attempt

        names = ["unlink", "mkdir", "replace"]
        names += [] if writing_alone else ["stat", "scandir", "listdir", "open", "utime"]
        with monkeypatch.context() as patch:
            for name in names:
                patch.setattr(os, name, failed(getattr(os, name)))
            if not writing_alone:
                patch.setattr(io, "open", failed(io.open))
            yield

    return fail


@pytest.fixture
def settings(tmp_path):
    """Return settings that nobody changed."""
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def window(qtbot, qapp, session, settings):
    """Return the window on screen, nothing open, in the dark theme."""
    from mindvis_gui.views.main_window import MainWindow
    from mindvis_gui.views.theme import THEMES, apply_theme

    if qapp.palette().window().color().name() != THEMES["dark"].window:
        apply_theme(qapp, "dark")
    made = MainWindow(session, settings)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    shiboken6.delete(made)  # before the session that it listens to


@pytest.fixture
def opened_window(window, opened):
    """Return the window with the subject open."""
    return window


@pytest.fixture
def ready_window(window, ready):
    """Return the window with subject and model, ready to decode."""
    return window
