"""How quick the compare page and the cache of samples are.

Run: python benchmarks/compare.py. Prints one line a figure.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from report import report

from mindvis_gui.app import make_application
from mindvis_gui.decoding.cached_decoder import CachedDecoder
from mindvis_gui.decoding.request import DecodeRequest, DecodeResult, ModelInfo, Sample, Step
from mindvis_gui.decoding.sample_cache import SampleCache
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.session import Session
from mindvis_gui.session.options import Options
from mindvis_gui.settings import Settings
from mindvis_gui.views.main_window import MainWindow
from mindvis_gui.views.theme import apply_theme

SIDE, TRIALS, SEEDS = 256, 1000, 5
INFO = ModelInfo("noise", "", 4200, 16, 263, SIDE, 10**6, hash="b" * 64)


class NoiseDecoder:
    """Draws smooth noise, so that files are as large as those of pictures."""

    info = INFO

    def decode(self, request: DecodeRequest) -> Generator[Step, None, DecodeResult]:
        """Draw at once."""
        yield Step(1, 1)
        return DecodeResult(request, tuple(Sample(noise(s), s) for s in request.seeds), 0.0)


def noise(seed: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    return np.kron(small, np.ones((8, 8, 1), dtype=np.uint8))


def run(generator):
    while True:
        try:
            next(generator)
        except StopIteration as stop:
            return stop.value


def cache_figures(folder: Path) -> None:
    decoder = CachedDecoder(NoiseDecoder(), SampleCache(folder))
    vector = np.random.default_rng(0).normal(size=INFO.n_voxels).astype(np.float32)
    sampling = Sampling("dpm++", 20, "fp32")
    request = DecodeRequest("s", 0, vector, tuple(range(SEEDS)), sampling, "noise", INFO.hash)
    run(decoder.decode(request))
    times = []
    for _ in range(50):
        start = time.perf_counter()
        run(decoder.decode(request))
        times.append(1000 * (time.perf_counter() - start))
    median = float(np.median(times))
    report(
        f"the same request again, {SEEDS} samples of {SIDE} px from the cache: median / p95",
        f"{median:.1f} / {np.percentile(times, 95):.1f} ms",
        "≤ 50 ms",
        median <= 50,
    )


def scroll_figures(app: QApplication, folder: Path) -> None:
    session = Session(lambda name: NoiseDecoder())
    store = QSettings(str(folder / "s.ini"), QSettings.Format.IniFormat)
    window = MainWindow(session, Settings(store))
    session.setParent(window)
    window.resize(1440, 900)
    window.show()
    session.open("demo")
    wait(app, session)
    session.load_model("noise")
    wait(app, session)
    session.set_seeds(0, SEEDS)
    pictures = [folder / f"{seed}.png" for seed in range(SEEDS)]
    from PIL import Image

    for seed, path in enumerate(pictures):
        Image.fromarray(noise(seed)).save(path)
    values = session.request().to_json()
    for trial in range(TRIALS):
        session.collection.add_files({**values, "trial": trial}, list(enumerate(pictures)))
    assert session.collection.get(Options.of({**values, "trial": 7}, 3)) is not None
    session.collection.want_scores = lambda blocks: None  # scoring is measured elsewhere
    start = time.perf_counter()
    session.grid.set_values("trial", f"0-{TRIALS - 1}")
    window.workspace.compare(True)
    app.processEvents()
    opened = 1000 * (time.perf_counter() - start)
    report(f"compare page with {TRIALS:,} × {SEEDS} cells → on screen", f"{opened:.0f} ms")
    page = window.workspace.compare_page
    bar = page.view.samples.verticalScrollBar()
    times = []
    for place in range(0, 40_000, 60):
        bar.setValue(place)
        start = time.perf_counter()
        app.processEvents()
        times.append(1000 * (time.perf_counter() - start))
    rows = page.model.rowCount()
    report(
        f"a scroll of 60 px through {rows:,} rows: median / p95",
        f"{np.median(times):.1f} / {np.percentile(times, 95):.1f} ms",
    )
    wait(app, session)
    window.close()


def wait(app: QApplication, session: Session) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        app.processEvents()
        time.sleep(0.005)
        if session.idle:
            return


def main() -> None:
    app = make_application()
    apply_theme(app, "dark")
    with tempfile.TemporaryDirectory() as folder:
        cache_figures(Path(folder) / "samples")
        scroll_figures(app, Path(folder))


if __name__ == "__main__":
    main()
