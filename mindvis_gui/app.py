"""Starts the window: what ``mindvis view`` does."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyqtgraph
from PySide6.QtCore import QEventLoop, QLocale, QSettings, Qt, QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from mindvis_gui import load_decoder
from mindvis_gui.analysis.networks import Network
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.history_folder import history_folder, open_cache
from mindvis_gui.decoding.request import Decoder, ModelInfo
from mindvis_gui.display import (
    ended_with_display,
    has_display,
    need_no_display,
    quiet_offscreen,
    start_qt,
)
from mindvis_gui.errors import ExportError, MindVisError
from mindvis_gui.files import atomic_path
from mindvis_gui.light_start import end_light_start, torch_comes
from mindvis_gui.paths import resources_dir, state_dir
from mindvis_gui.session import Session
from mindvis_gui.settings import Settings
from mindvis_gui.termination import closed_by_signals
from mindvis_gui.views.commands.session_commands import was_saved
from mindvis_gui.views.error_dialog import ErrorDialog, report
from mindvis_gui.views.main_window import MainWindow
from mindvis_gui.views.portrait import portrait
from mindvis_gui.views.theme import apply_theme

_NO_DISPLAY = (
    "no display here (neither DISPLAY nor WAYLAND_DISPLAY is set); "
    "`mindvis decode demo --trials 3 --out DIR` needs none, nor does `make demo` in a checkout"
)
# With so few, Qt waits longer for the threads that share the painting of a scaled picture than they
# save: 2–3 ms a move of the crosshair.
_FEW_CORES = 2
_POLL = 20  # ms between two looks at whether everything is done
_SETTLED = 20  # looks in a row: by then views show the changes that they gather


def run(
    subject: str | None = None,
    model: str | None = None,
    trial: int | None = None,
    screenshot: Path | None = None,
    *,
    decode: bool = False,
    theme: str = "",
    size: tuple[int, int] | None = None,
) -> int:
    """Show the window until it is closed, or until its picture is taken.

    Parameters
    ----------
    subject, model : str, optional
        Path or name; without a subject the welcome page is shown. A saved session will do, too.
    trial : int, optional
        Row of the subject's responses; the first test trial by default.
    screenshot : pathlib.Path, optional
        PNG to write once everything asked for is on screen; then the application ends.
    decode : bool
        Decode the trial once subject and model are there.
    theme : {"", "dark", "light"}
        By default what was chosen last, or else what the system uses.
    size : (int, int), optional
        Width and height of the window in pixels.

    Returns
    -------
    int
        Exit code; after a signal, such as that of Ctrl+C, 128 and its number.

    Raises
    ------
    MindVisError
        If there is no display, or the picture cannot be taken.
    """
    if screenshot is not None:
        need_no_display()
    elif not has_display():
        raise MindVisError(_NO_DISPLAY)
    app = make_application()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings() if screenshot is None else _default_settings(Path(folder))
        session = _make_session()
        steps: list[Callable[[], None]] = []
        if subject is not None and was_saved(Path(subject)):
            steps.append(lambda: window.open(subject, trial))
        elif subject is not None:
            session.open(subject, trial)  # is read while the window is built
        window = _make_window(app, session, settings, theme, size)
        if model is not None:
            steps.append(lambda: session.load_model(model))
        if decode:
            steps.append(session.decode)
        QTimer.singleShot(0, end_light_start)  # once the window is shown
        if screenshot is not None:
            with quiet_offscreen():
                _take_picture(window, session, steps, screenshot)
            return 0
        show_errors(window, session)
        if size is None:
            window.fit_screen()
        window.show()
        session.history.load()
        window.save_by_itself(state_dir())
        QTimer.singleShot(0, lambda: do_in_turn(session, steps))
        with ended_with_display(), closed_by_signals(window) as termination:
            code = app.exec()
        return termination.code or code


def _make_session() -> Session:
    return Session(
        _load_decoder,
        _load_classifiers,
        cache=open_cache(),
        history=history_folder(),
        studies=state_dir() / "lesions",
    )


def _make_window(
    app: QApplication,
    session: Session,
    settings: Settings,
    theme: str,
    size: tuple[int, int] | None,
) -> MainWindow:
    apply_theme(app, theme or settings.theme or _system_theme(app))
    window = MainWindow(session, settings, _import_model)
    session.setParent(window)  # ends with the window, not before it
    if size is not None:
        window.resize(*size)
    return window


def pictured(
    steps: Callable[[MainWindow, Session], Sequence[Callable[[], None]]],
    path: Path,
    theme: str = "dark",
    size: tuple[int, int] = (1440, 900),
) -> None:
    """Write a picture of the window, as nobody has changed it, after some steps.

    Parameters
    ----------
    steps : callable
        From the window and its session to what is done, each step once all is quiet after the one
        before.
    path : pathlib.Path
        PNG to write.
    theme : {"dark", "light"}
    size : (int, int)
        Width and height in pixels.

    Raises
    ------
    MindVisError
        If a step goes wrong, or the picture cannot be written.
    """
    need_no_display()
    with tempfile.TemporaryDirectory() as folder:
        app, session = make_application(), _make_session()
        window = _make_window(app, session, _default_settings(Path(folder)), theme, size)
        window.show()
        for step in steps(window, session):
            step()
            _wait_until(lambda: session.idle)
        _take_picture(window, session, (), path)


def _load_decoder(name: str) -> Decoder:
    """Load a model such that one core is left for the window."""
    # Threads of torch that wait by spinning would take that core, too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with torch_comes():
        return load_decoder(name, threads=max(1, (os.cpu_count() or 1) - 1))


def _load_classifiers(subject: Subject, model: ModelInfo) -> Mapping[str, Network]:
    """Load what names the subject's pictures; brings torch when it is called."""
    from mindvis_gui.scoring import window_classifiers

    return window_classifiers(subject.simulated, Path(model.folder))


def _import_model(
    ldm: Path, finetuned: Path, encoder: Path | None, folder: Path
) -> Generator[tuple[float, str], None, Path]:
    """Import published checkpoints; brings torch only when the first item is drawn."""
    from mindvis_gui.decoding.import_published import importing_published

    return (yield from importing_published(ldm, finetuned, encoder, folder))


def make_application() -> QApplication:
    """Return the application's QApplication, made and set up at the first call."""
    if (os.cpu_count() or 1) <= _FEW_CORES:
        os.environ.setdefault("QT_NO_GUI_THREADPOOL", "1")
    pyqtgraph.setConfigOptions(imageAxisOrder="row-major", antialias=True)
    QLocale.setDefault(QLocale.c())  # numbers are written alike, in fields as in figures and files
    app = QApplication.instance() or start_qt()
    assert isinstance(app, QApplication)
    app.setApplicationName("mindvis")
    app.setDesktopFileName("mindvis")
    app.setWindowIcon(QIcon(str(resources_dir() / "icon.svg")))
    return app


def _system_theme(app: QApplication) -> str:
    return "light" if app.styleHints().colorScheme() == Qt.ColorScheme.Light else "dark"


def _default_settings(folder: Path) -> Settings:
    """Return settings that nobody changed: a picture looks the same for everyone."""
    return Settings(QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat))


def do_in_turn(session: Session, steps: Sequence[Callable[[], None]]) -> None:
    """Do each step once the jobs of the one before have ended."""
    waiting = deque(steps)

    def go_on() -> None:
        if waiting and not session.jobs.busy:
            waiting.popleft()()

    session.jobs.changed.connect(go_on)
    go_on()


def show_errors(window: MainWindow, session: Session) -> None:
    """Show what nobody expected in a dialog; the application goes on."""

    def show(error: BaseException) -> None:
        print(report(error), file=sys.stderr)  # noqa: T201
        if not window.findChildren(ErrorDialog):
            ErrorDialog(error, window).open()

    def hook(_: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        show(error.with_traceback(trace))

    session.crashed.connect(show)
    sys.excepthook = hook


def _take_picture(
    window: MainWindow, session: Session, steps: Sequence[Callable[[], None]], path: Path
) -> None:
    """Do the steps and write the window as PNG; what goes wrong in between is raised."""
    errors: list[Exception] = []
    session.problem.connect(lambda text: errors.append(MindVisError(text)))
    session.crashed.connect(errors.append)
    window.show()
    do_in_turn(session, steps)
    _wait_until(lambda: session.idle)
    window.grab()  # painting the list of trials asks for its thumbnails
    _wait_until(lambda: session.idle, _SETTLED)
    try:
        if errors:
            raise errors[0]
        with atomic_path(path) as temporary:
            if not portrait(window).save(str(temporary), "PNG"):
                raise ExportError(f"{path}: the picture of the window cannot be written")
    finally:
        window.close()


def _wait_until(done: Callable[[], bool], looks: int = 2) -> None:
    """Run the event loop until `done` says so, some looks in a row."""
    loop, timer, seen = QEventLoop(), QTimer(interval=_POLL), 0

    def look() -> None:
        nonlocal seen
        seen = seen + 1 if done() else 0
        if seen == looks:
            loop.quit()

    timer.timeout.connect(look)
    timer.start()
    loop.exec()
