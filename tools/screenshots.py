"""Take the pictures of the window that the documentation shows, and draw its figures.

    python -m tools.screenshots [--out docs/images] [NAME …]

Under a display (`make screenshots` brings one, by xvfb) they look as on a desktop. Samples come
from the cache where they were drawn before.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PySide6.QtWidgets import QWidget

from mindvis_gui import app, open_subject
from mindvis_gui.analysis.figures.record import record_path
from mindvis_gui.analysis.figures.style import WIDTHS, FigureStyle
from mindvis_gui.analysis.figures.writing import write_figure
from mindvis_gui.session import Session
from mindvis_gui.session.overlays import REGIONS, RESPONSE
from mindvis_gui.views.import_pages import StimuliPage
from mindvis_gui.views.import_wizard import ImportWizard
from mindvis_gui.views.main_window import MainWindow
from mindvis_gui.views.mask_view import FOCUS
from mindvis_gui.views.portrait import portrait

Steps = Callable[[MainWindow, Session], list[Callable[[], None]]]
_PAGE = FigureStyle(WIDTHS["double"], dpi=130)
ARRAYS, PICTURES = "my_experiment.npz", "pictures"  # that the import begins with


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: what is done with the demo and its model before it is taken.

    With `figure`, a template's name, it is a figure in this style instead of the window, and with
    `part` the dialog of that class.
    """

    steps: Steps
    theme: str = "dark"
    size: tuple[int, int] = (1440, 900)
    figure: str = ""
    style: FigureStyle = _PAGE
    part: type[QWidget] | None = None


def _decoded(trial: int, n_samples: int = 4) -> Steps:
    return lambda window, session: [
        lambda: window.open("demo", trial),
        lambda: session.load_model("demo"),
        lambda: session.set_seeds(0, n_samples),
        session.decode,
    ]


def _then(first: Steps, *more: Callable[[MainWindow, Session], None]) -> Steps:
    return lambda window, session: [
        *first(window, session),
        *((lambda step=step: step(window, session)) for step in more),
    ]


def _compare(rows: str, trials: Sequence[int] = ()) -> Steps:
    def show(window: MainWindow, session: Session) -> None:
        session.grid.set_axes(rows, "seed")
        if trials:
            session.grid.set_trials(trials)
        window.workspace.compare(True)

    return _then(_decoded(9, 5), show, _missing)


def _guidance(window: MainWindow, session: Session) -> None:
    session.grid.set_axes("guidance", "seed")
    session.grid.set_values("guidance", "1, 1.5, 2, 3")
    window.workspace.compare(True)  # where samples are scored


def _leave_out(window: MainWindow, session: Session) -> None:
    session.grid.set_axes("roi", "seed")
    session.grid.set_values("roi", "none, V1+V2+V3, FFA+PPA")
    window.workspace.compare(True)


def _decode(window: MainWindow, session: Session) -> None:
    session.decode()


def _missing(window: MainWindow, session: Session) -> None:
    session.grid.start(session.grid.missing())


def _consistency(window: MainWindow, session: Session) -> None:
    window.workspace.compare_page.view.go_to(2, 2)
    window.workspace.compare_page.header.consistency.click()


def _wipe(window: MainWindow, session: Session) -> None:
    page = window.workspace.compare_page
    page.open_large(page.model.index(2, 2))
    page.large.set_mode("wipe")


def _focus(window: MainWindow, session: Session) -> None:
    window.workspace.mask_view.mode.setCurrentText(FOCUS)


def _overlays(window: MainWindow, session: Session) -> None:
    window.actions_by_id["layout_one_two"].trigger()
    window.actions_by_id["panel_overlays"].trigger()
    regions = session.overlays.find(REGIONS)
    assert regions is not None
    session.overlays.set_look(REGIONS, replace(regions.look, outlined=True))
    session.overlays.set_visible(RESPONSE, True)
    session.overlays.choose(RESPONSE)


def _surface(window: MainWindow, session: Session) -> None:
    window.actions_by_id["layout_surface"].trigger()
    regions = session.overlays.find(REGIONS)
    assert regions is not None
    session.overlays.set_look(REGIONS, replace(regions.look, outlined=True))
    session.overlays.set_visible(RESPONSE, True)
    session.brain.set_arrangement(replace(session.brain.arrangement, main="coronal"))
    session.brain.set_crosshair_mm((-2, -78, -2))


def _paint(window: MainWindow, session: Session) -> None:
    regions = session.regions
    regions.add("left sphere", regions.sphere((-32, -82, -4), 12), "sphere")
    session.brain.set_crosshair_mm((-32, -82, -4))
    window.actions_by_id["paint_region"].trigger()
    regions.begin_stroke(erase=False)
    for x in range(2, 18, 4):
        regions.extend_stroke(regions.sphere((x, -82, -4), 6))


def _import(window: MainWindow, session: Session) -> None:
    _write_arrays(Path())
    window.actions_by_id["import_subject"].trigger()
    wizard = window.findChild(ImportWizard)
    assert wizard is not None
    wizard.open_source(Path(ARRAYS))


def _choose_pictures(window: MainWindow, session: Session) -> None:
    wizard = window.findChild(ImportWizard)
    assert wizard is not None
    stimuli = next(page for page in wizard.pages if isinstance(page, StimuliPage))
    stimuli.pictures.choose(Path(PICTURES))
    wizard.steps.setCurrentRow(wizard.pages.index(wizard.arrays_page))


def _write_arrays(folder: Path) -> None:
    """Write 60 trials of the demo as arrays that no format describes, and their pictures."""
    subject = open_subject("demo")
    assert subject.ijk is not None
    assert subject.affine is not None
    tests, trained = (
        [trial for trial in subject.trials if trial.split == split][:30]
        for split in ("test", "train")
    )
    trials = [*tests[:4], *trained, *tests[4:]]
    voxels = np.arange(subject.n_voxels)
    arrays: dict[str, Any] = {
        "betas": subject.responses([trial.index for trial in trials]),
        "shown": [trial.stimulus_id for trial in trials],
        "label": [trial.label for trial in trials],
        "is_test": [trial.split == "test" for trial in trials],
        "session": np.arange(len(trials)) // 20,
        "ijk": subject.ijk,
        "affine": subject.affine,
        **{roi.name: np.isin(voxels, roi.voxels).astype(np.uint8) for roi in subject.rois},
    }
    np.savez(folder / ARRAYS, **arrays)
    (folder / PICTURES).mkdir()
    for trial in trials:
        picture = subject.stimulus(trial)
        assert picture is not None
        Image.fromarray(picture).save(folder / PICTURES / f"{trial.stimulus_id}.png")


def _study(window: MainWindow, session: Session) -> None:
    window.actions_by_id["panel_lesion"].trigger()
    window.workspace.lesion_panel.start()


def _attribute(window: MainWindow, session: Session) -> None:
    window.actions_by_id["panel_attribution"].trigger()
    window.workspace.attribution_panel.start()


_GRID = _compare("trial", range(12))
SHOTS = {
    "window-dark": Shot(_decoded(9)),
    "window-light": Shot(_decoded(9), "light"),
    "compare-grid": Shot(_then(_GRID, _consistency), size=(1280, 800)),
    "compare-wipe": Shot(_then(_GRID, _wipe), size=(1280, 800)),
    "compare-regions": Shot(_then(_compare("roi"), _consistency), "light", (1280, 800)),
    "compare-guidance": Shot(_compare("guidance"), size=(1280, 800)),
    "masking": Shot(_then(_decoded(9), _focus)),
    "viewer-slices": Shot(_then(_decoded(9), _overlays)),
    "viewer-surface": Shot(_then(_decoded(9), _surface)),
    "viewer-regions": Shot(_then(_decoded(9), _paint)),
    "import-wizard": Shot(
        lambda w, s: [partial(_import, w, s), partial(_choose_pictures, w, s)], part=ImportWizard
    ),
    "lesion-study": Shot(_then(_decoded(9), _study)),
    "attribution": Shot(_then(_decoded(5), _attribute), "light"),
    "figure-page": Shot(_then(_decoded(9, 5), _focus), figure="page"),
    "figure-grid": Shot(_then(_decoded(9, 5), _guidance, _missing), figure="grid"),
    "figure-unseen": Shot(_compare("trial", (40, 43, 44, 47, 49)), figure="grid"),
    "figure-lesions": Shot(_then(_decoded(34, 5), _leave_out, _missing), figure="grid"),
    "figure-comparison": Shot(
        _then(_decoded(3, 5), lambda _, session: session.set_trial(9), _decode),
        figure="comparison",
        style=FigureStyle(WIDTHS["single"], dpi=200),
    ),
}


def main() -> None:
    """Take those that are asked for, each in a process of its own."""
    parser = argparse.ArgumentParser(
        prog="tools.screenshots", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "names", nargs="*", choices=[*SHOTS, []], metavar="NAME", help="all by default"
    )
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    args = parser.parse_args()
    names = args.names or list(SHOTS)
    if len(names) > 1:
        for name in names:
            command = [sys.executable, "-m", "tools.screenshots", name, "--out", str(args.out)]
            subprocess.run(command, check=True)
        return
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_DATA_HOME"] = state  # neither one's own history nor anything into it
        shot, path = SHOTS[names[0]], args.out.resolve() / f"{names[0]}.png"
        os.chdir(state)
        if shot.figure:
            _draw(shot, path, Path(state) / "window.png")
        elif shot.part is not None:
            _take_part(shot, shot.part, path, Path(state) / "window.png")
        else:
            app.pictured(shot.steps, path, shot.theme, shot.size)


def _take_part(shot: Shot, part: type[QWidget], path: Path, window_path: Path) -> None:
    def take(window: MainWindow, session: Session) -> None:
        found = window.findChild(part)
        assert isinstance(found, QWidget)
        portrait(found).save(str(path), "PNG")
        found.close()

    app.pictured(_then(shot.steps, take), window_path, shot.theme, shot.size)


def _draw(shot: Shot, path: Path, window_path: Path) -> None:
    def write(window: MainWindow, session: Session) -> None:
        session.figures.all_trials = True
        write_figure(session.figures.content(shot.figure)(), path, shot.figure, shot.style)
        record_path(path).unlink()

    app.pictured(_then(shot.steps, write), window_path, shot.theme, shot.size)


if __name__ == "__main__":
    main()
