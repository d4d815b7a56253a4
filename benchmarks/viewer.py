"""How long brain and mask take to redraw: crosshair moves at 1 mm, and mask ratio changes.

    python benchmarks/viewer.py [--model NAME]

Runs on the MNI152 template at 1 mm (197 × 233 × 189) with the schematic visual regions
(4,199 voxels). Without ``--model`` a moving average stands in for SC-MBM, so that drawing alone
is measured. A time ends when every view concerned has been painted; *cpu* is the part of it in
which the window's thread computed, which a busy machine inflates less.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import nibabel
import numpy as np
import report
from nilearn.datasets import load_mni152_template
from PySide6.QtCore import QEvent, QObject, qInstallMessageHandler
from PySide6.QtWidgets import QApplication, QWidget

import mindvis_gui.session.opening
from mindvis_gui import load_decoder
from mindvis_gui.app import make_application
from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.prepare import padded_length
from mindvis_gui.data.subject import FloatArray, ImageArray, IntArray, Roi, Subject, Trial, Volume
from mindvis_gui.decoding.request import DecodeRequest, DecodeResult, ModelInfo, Recovery, Step
from mindvis_gui.paths import resources_dir
from mindvis_gui.session import Session
from mindvis_gui.session.overlays import MASK, REGIONS, RESPONSE, Look, Overlay
from mindvis_gui.views.brain_view import BrainView
from mindvis_gui.views.mask_view import MaskView

MOVES, AT_FIRST = 300, 20
_PATIENCE = 60  # s
NAMES = ("V1", "V2", "V3", "hV4", "LOC", "FFA", "PPA")


class Noise:
    """A recording of random responses and no pictures."""

    def __init__(self, n_trials: int, n_voxels: int) -> None:
        self._values = np.random.default_rng(0).normal(size=(n_trials, n_voxels))

    def responses(self, indices: IntArray) -> FloatArray:
        """Return rows of noise."""
        return self._values[indices].astype(np.float32)

    def stimulus(self, stimulus_id: str) -> ImageArray | None:
        """Return nothing."""
        return None


class MovingAverage:
    """Stands in for a model: recovers by smoothing."""

    def __init__(self, n_voxels: int) -> None:
        patches = padded_length(n_voxels, 16) // 16
        self.info = ModelInfo("moving average", "", n_voxels, 16, patches, 64, 0)

    def decode(self, request: DecodeRequest) -> Generator[Step, None, DecodeResult]:
        """Decode nothing."""
        raise NotImplementedError
        yield

    def recover(self, vector: FloatArray, mask: MaskState) -> Recovery:
        """Smooth the kept voxels."""
        smooth = np.convolve(mask.applied(vector, 16), np.ones(9) / 9, "same")
        return Recovery(smooth.astype(np.float32), 0.0)


class Paints(QObject):
    """Counts the paint events of some widgets."""

    def __init__(self, widgets: list[QWidget]) -> None:
        super().__init__()
        self._waiting: set[QObject] = set()
        self._widgets = widgets
        for widget in widgets:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take note of a widget that was painted."""
        if event.type() == QEvent.Type.Paint:
            self._waiting.discard(watched)
        return False

    def time(
        self, act: Callable[[], None], settled: Callable[[], bool] = lambda: True
    ) -> tuple[float, float]:
        """Return the milliseconds until all is painted and `settled`, and those computed in."""
        self._waiting = set(self._widgets)
        start, busy = time.perf_counter(), time.thread_time()
        act()
        while self._waiting or not settled():
            QApplication.processEvents()
        QApplication.processEvents()
        return 1000 * (time.perf_counter() - start), 1000 * (time.thread_time() - busy)


def make_subject() -> Subject:
    template = load_mni152_template(resolution=1)
    image = nibabel.load(resources_dir() / "visual_cortex" / "schematic_rois.nii.gz")
    labels = np.asarray(image.dataobj)
    ijk = np.concatenate([np.argwhere(labels == k) for k in range(1, len(NAMES) + 1)])
    number = np.concatenate([np.full((labels == k).sum(), k) for k in range(1, len(NAMES) + 1)])
    rois = tuple(Roi(n, np.flatnonzero(number == k)) for k, n in enumerate(NAMES, start=1))
    trials = tuple(Trial(i, "test") for i in range(8))
    anatomy = Volume(np.asarray(template.dataobj, dtype=np.float32), template.affine)
    recording = Noise(len(trials), len(ijk))
    return Subject(
        "benchmark", Path(), trials, rois, len(ijk), recording, "z", ijk, image.affine, anatomy
    )


def other_volume(turn: float) -> Volume:
    """Return a smooth 2 mm volume over the whole head, turned about z by `turn` radians."""
    x, y, z = np.meshgrid(*[np.linspace(0, 3, n) for n in (99, 117, 95)], indexing="ij")
    affine = np.eye(4)
    c, s = np.cos(turn), np.sin(turn)
    affine[:3, :3] = 2 * np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    affine[:3, 3] = [-98, -134, -72]
    return Volume((np.sin(x * y) * np.cos(z)).astype(np.float32), affine)


def memory() -> float:
    """Return the memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def wait_for(done: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not done():
        if time.monotonic() > end:
            sys.exit(f"nothing came within {_PATIENCE} s")
        QApplication.processEvents()


def judge(name: str, bar: float | None, times: list[tuple[float, float]]) -> None:
    p50, p95 = np.percentile([passed for passed, _ in times], [50, 95])
    computed = np.percentile([busy for _, busy in times], 95)
    figures = f"p50 {p50:.1f}, p95 {p95:.1f}, cpu p95 {computed:.1f} ms"
    if bar is None:
        report.report(name, figures)
    else:
        report.report(name, figures, f"p95 ≤ {bar:.0f} ms", bool(p95 <= bar))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="")
    model = parser.parse_args().model
    qInstallMessageHandler(lambda *_: None)  # the offscreen plugin says a line a move
    app = make_application()
    subject = make_subject()
    mindvis_gui.session.opening.open_subject = lambda path: subject
    session = Session(lambda name: load_decoder(name) if name else MovingAverage(subject.n_voxels))
    brain, mask = BrainView(session), MaskView(session)
    brain.resize(920, 380)
    mask.resize(920, 160)
    brain.show()
    mask.show()
    session.open("benchmark.h5")
    wait_for(lambda: session.trial is not None)
    session.load_model(model)
    wait_for(lambda: session.masking.recovery is not None)

    assert session.brain.grid is not None
    rng = np.random.default_rng(1)
    inside = np.argwhere(session.brain.grid.voxel_at >= 0)
    points = inside[rng.integers(len(inside), size=MOVES)]  # every move changes all three slices
    slices = Paints([view.viewport() for view in brain.slices])

    def move(name: str, times: int = MOVES) -> None:
        app.processEvents()
        taken = [
            slices.time(lambda p=p: session.brain.set_crosshair(tuple(p.tolist())))
            for p in points[:times]
        ]
        judge(f"crosshair moved, three slices, {name}", 16 if times == MOVES else None, taken)

    overlays = session.overlays
    for key in (REGIONS, RESPONSE, MASK):
        overlays.set_visible(key, False)
    move("anatomy alone")
    overlays.set_visible(REGIONS, True)
    move("regions")
    overlays.set_visible(RESPONSE, True)
    overlays.set_look(REGIONS, replace(overlays.find(REGIONS).look, outlined=True))
    move("response and outlines")
    for n in range(6):
        values = rng.normal(size=subject.n_voxels).astype(np.float32)
        overlays.put(Overlay(f"map {n}", f"map {n}", values, look=Look("viridis", opacity=0.5)))
    move("and six more maps")
    for n in range(6):
        overlays.remove(f"map {n}")
    before = memory()
    for n, turn in enumerate((0.0, 0.2)):
        look = Look("hot", 0, 1)
        overlays.put(Overlay(f"file {n}", "file", volume=other_volume(turn), look=look))
        name = "and a volume at 2 mm" if n == 0 else "and an oblique volume at 2 mm"
        move(f"{name}, at first", AT_FIRST)
        start = time.perf_counter()
        wait_for(lambda: not any(stack.to_compose for stack in brain.shown_stacks))
        wait_for(lambda: session.jobs.idle)
        report.report("until it is composed, after that", f"{time.perf_counter() - start:.2f} s")
        move(name)
    report.report("memory of the two volumes", f"{memory() - before:.0f} MiB")
    report.report("memory in all", f"{memory():.0f} MiB")
    for n in range(2):
        overlays.remove(f"file {n}")
    strip = Paints([mask.strip.viewport()])
    seeds = iter(range(1, 1000))
    recovered: list[int] = []
    session.masking.recovery_changed.connect(lambda: recovered.append(1))
    times = []
    for ratio in rng.uniform(0.3, 0.9, size=100):
        recovered.clear()
        times.append(
            strip.time(
                lambda r=ratio: session.masking.draw_mask(r, next(seeds)), lambda: bool(recovered)
            )
        )
    judge(f"mask drawn, signal and recovery ({model or 'no network'})", 50, times)
    patches = [strip.time(lambda p=p: session.masking.set_hovered_patch(p)) for p in range(100)]
    judge("patch hovered, lit up in signal and brain", 16, patches)
    session.close()


if __name__ == "__main__":
    main()
