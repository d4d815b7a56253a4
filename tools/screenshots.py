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
from pathlib import Path

from mindvis_gui import app
from mindvis_gui.analysis.figures.record import record_path
from mindvis_gui.analysis.figures.style import WIDTHS, FigureStyle
from mindvis_gui.analysis.figures.writing import write_figure
from mindvis_gui.session import Session
from mindvis_gui.session.overlays import REGIONS, RESPONSE
from mindvis_gui.views.main_window import MainWindow
from mindvis_gui.views.mask_view import FOCUS

Steps = Callable[[MainWindow, Session], list[Callable[[], None]]]
_PAGE = FigureStyle(WIDTHS["double"], dpi=130)


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: what is done with the demo and its model before it is taken.

    With `figure`, a template's name, it is a figure in this style instead of the window.
    """

    steps: Steps
    theme: str = "dark"
    size: tuple[int, int] = (1440, 900)
    figure: str = ""
    style: FigureStyle = _PAGE


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
    "lesion-study": Shot(_then(_decoded(9), _study)),
    "attribution": Shot(_then(_decoded(5), _attribute), "light"),
    "figure-page": Shot(_then(_decoded(9, 5), _focus), figure="page"),
    "figure-grid": Shot(_then(_decoded(9, 5), _guidance, _missing), figure="grid"),
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
        os.environ["XDG_STATE_HOME"] = state  # no history of one's own in the pictures
        shot, path = SHOTS[names[0]], args.out / f"{names[0]}.png"
        if shot.figure:
            _draw(shot, path, Path(state) / "window.png")
        else:
            app.pictured(shot.steps, path, shot.theme, shot.size)


def _draw(shot: Shot, path: Path, window_path: Path) -> None:
    def write(window: MainWindow, session: Session) -> None:
        session.figures.all_trials = True
        write_figure(session.figures.content(shot.figure)(), path, shot.figure, shot.style)
        record_path(path).unlink()

    app.pictured(_then(shot.steps, write), window_path, shot.theme, shot.size)


if __name__ == "__main__":
    main()
