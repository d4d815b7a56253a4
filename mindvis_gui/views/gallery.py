"""The pictures: what was seen, and what was decoded with every seed."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QMenu, QScrollArea, QWidget

from mindvis_gui.data.at_hand import NotAtHandError, only_at_hand
from mindvis_gui.data.subject import ImageArray, Subject, Trial
from mindvis_gui.decoding.cached_decoder import PartStep
from mindvis_gui.decoding.request import Step
from mindvis_gui.errors import DataError
from mindvis_gui.session import Session
from mindvis_gui.session.differing import differences
from mindvis_gui.session.shown import running_decode, shown_sample
from mindvis_gui.views.drag_out import drag_sample
from mindvis_gui.views.large_view import LargeView
from mindvis_gui.views.picture import Picture, PictureTile, to_qimage
from mindvis_gui.views.tab_order import come_after
from mindvis_gui.views.theme import MARGIN, label
from mindvis_gui.views.trial_pictures import (
    consistency_pictures,
    invitation,
    preview_pictures,
    sample_picture,
    stimulus_picture,
)

_GAP = 8
_SMALLEST = 112  # pixels; below that the gallery scrolls, unless it is as low as a row of pictures
_READING = "the stimulus is being read"
_LOWEST = 56  # of that row: laptops at a large scale have few pixels


class GalleryView(QWidget):
    """Shows the stimulus of the chosen trial beside the samples decoded from its response.

    A click shows a picture large, holding Space the stimulus over all samples.
    """

    export_requested = Signal(object)  # Drawn

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._step: Step | None = None
        self._trial: Trial | None = None  # whose stimulus it is
        self._stimulus: ImageArray | None = None
        self._missing = ""  # why there is none
        self._running = False  # whether a decode is shown
        self._large: LargeView | None = None
        self.tiles: list[PictureTile] = []
        self._canvas = QWidget()
        self._scroll = QScrollArea(self)
        self._scroll.setWidget(self._canvas)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # The canvas is as wide as the view: a bar for its height only covers its margin.
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.sentence = QLabel("", self._canvas)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sentence.setWordWrap(True)
        self.sentence.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.note = label(kind="strong")
        self.note.setParent(self)
        self.note.hide()
        self.setMinimumHeight(_LOWEST + PictureTile.caption_height(self) + 2 * _GAP)
        self.setAccessibleName("Stimulus and samples")

        for signal in (
            session.subject_changed,
            session.results.result_changed,
            session.results.comparison_changed,
            session.results.recognitions_changed,
            session.options_changed,
            session.model_changed,
            session.loading.changed,
        ):
            signal.connect(self._refresh)
        session.results.maps_changed.connect(self._show_maps)
        for signal in (session.masking.mask_changed, session.rois_changed):
            signal.connect(self._show_note)
        session.trial_changed.connect(self._set_trial)
        session.queue.started.connect(self._start)
        session.queue.progressed.connect(self._progress)
        session.queue.cleared.connect(self._refresh)
        session.queue.changed.connect(self._follow_queue)
        self._set_trial()

    # -- what is shown -----------------------------------------------------------------------

    @property
    def pictures(self) -> list[Picture]:
        """What the tiles show, the stimulus first."""
        return [tile.picture for tile in self.tiles]

    def _set_trial(self) -> None:
        subject, trial = self._session.subject, self._session.trial
        if subject is None or trial is None:
            self._take_stimulus(None)
            return
        if trial is self._trial:  # its response was read, which says nothing of the stimulus
            self._refresh()
            return
        self._trial = trial
        try:
            with only_at_hand():
                found = _stimulus(subject, trial)
        except NotAtHandError:
            self._stimulus, self._missing = None, _READING

            def take(found: ImageArray | DataError | None) -> None:
                if self._session.trial is trial:
                    self._take_stimulus(found)

            self._session.jobs.soon(lambda: _stimulus(subject, trial), "", take)
            if self._missing == _READING:
                self._refresh()
        else:
            self._take_stimulus(found)

    def _take_stimulus(self, found: ImageArray | DataError | None) -> None:
        self._stimulus, self._missing = None, "no stimulus in this file"
        if isinstance(found, DataError):
            self._missing = "the stimulus cannot be read"
            self._session.problem.emit(str(found))
        else:
            self._stimulus = found
        self._refresh()

    def _start(self) -> None:
        self._step = None
        self._refresh()

    def _progress(self, step: Step) -> None:
        if step.preview is None and self._step is not None and _same_seeds(step, self._step):
            step = replace(step, preview=self._step.preview)  # the last one stays
        self._step = step
        self._refresh()

    def _refresh(self) -> None:
        session = self._session
        self._running = False
        if session.subject is None or session.trial is None:
            self._show([], "Open a subject to see what was shown and what is decoded")
            return
        running, result = running_decode(session), session.results.result
        seen = stimulus_picture(session, self._stimulus, self._missing)
        if running is not None:
            self._running = True
            self._show([seen, *preview_pictures(session, running.seeds, self._step)])
        elif result is not None:
            samples = [
                sample_picture(session, place, sample, self._stimulus)
                for place, sample in enumerate(result.samples)
            ]
            self._show([seen, *samples, *consistency_pictures(session)])
        else:
            first, count = session.first_seed, session.n_samples
            empty = [Picture(f"seed {seed}") for seed in range(first, first + count)]
            self._show([seen, *empty], invitation(session))

    def _follow_queue(self) -> None:
        """Follow what waits, where a sentence says what to do, and the end of a decode.

        What the grid has drawn of a trial takes no other's place: there is no new result then.
        """
        if self._running and running_decode(self._session) is None:
            self._refresh()
        elif self.tiles and not self.sentence.isHidden():
            self.sentence.setText(invitation(self._session))

    def _show(self, pictures: list[Picture], sentence: str = "") -> None:
        while len(self.tiles) > len(pictures):
            spare = self.tiles.pop()
            spare.hide()
            spare.deleteLater()
        while len(self.tiles) < len(pictures):
            self.tiles.append(self._new_tile())
        for tile, picture in zip(self.tiles, pictures, strict=True):
            tile.show_picture(picture)
        self.sentence.setText(sentence)
        self.sentence.setVisible(bool(sentence))
        self._show_note()
        self._arrange()

    def _show_note(self) -> None:
        """Say in what the samples differ from those that a decode would draw now."""
        session, trial = self._session, self._session.trial
        result, together = session.results.result, session.queue.together
        at = None if trial is None else trial.index
        decoded = result is not None and all(each.trial != at for each in together)
        found = differences(session, result.request) if result is not None and decoded else ()
        self.note.setText(f"Decoded {', '.join(found)}, not as set now" if found else "")
        self.note.setToolTip(f"{self.note.text()}.\nDecode (Ctrl+Return) draws others")
        if bool(found) == self.note.isHidden():
            self.note.setVisible(bool(found))
            self._arrange()

    def _above(self) -> int:
        """Return the height of the note above the pictures."""
        return 0 if self.note.isHidden() else self.note.sizeHint().height() + _GAP

    def _new_tile(self) -> PictureTile:
        tile = PictureTile(self._canvas)
        come_after(self.tiles[-1] if self.tiles else self._canvas, tile)
        tile.opened.connect(lambda: self._open(tile))
        tile.menu_wanted.connect(lambda position: self._open_menu(tile, position))
        tile.dragged.connect(lambda: self._drag(tile))
        tile.show()
        return tile

    def _show_maps(self) -> None:
        """Show the maps that were chosen; one more picture may lie where nobody looks."""
        before = len(self.tiles)
        self._refresh()
        if len(self.tiles) > before:
            self._scroll.ensureWidgetVisible(self.tiles[-1], 0, _GAP)

    # -- layout ------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Make the tiles as large as fits."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        above = self._above()
        self.note.setGeometry(MARGIN, _GAP, self.width() - 2 * MARGIN, max(above - _GAP, 0))
        self._scroll.setGeometry(self.rect().adjusted(0, above, 0, 0))
        shown = self.height() - above
        count = max(len(self.tiles), 1)
        caption = PictureTile.caption_height(self)
        width, height = self.width() - 2 * MARGIN, shown - 2 * _GAP
        # Pictures beneath the note are smaller rather than without captions.
        smallest = min(_SMALLEST - above, max(height - caption, _LOWEST - above))
        side, columns = _best_fit(count, width, height, caption, smallest)
        rows = -(-count // columns)
        for i, tile in enumerate(self.tiles):
            row, column = divmod(i, columns)
            left, top = MARGIN + column * (side + _GAP), _GAP + row * (side + caption + _GAP)
            tile.setGeometry(left, top, side, side + caption)
        needed = 2 * _GAP + rows * (side + caption + _GAP) - _GAP
        self._canvas.resize(self.width(), max(needed, shown) if needed > 0 else 0)
        left = MARGIN + (side + _GAP if self.tiles and columns > 1 else 0)
        right = MARGIN + columns * (side + _GAP) if self.tiles else self.width()
        self.sentence.setGeometry(left, _GAP, right - left, side if self.tiles else shown)
        self.sentence.raise_()

    # -- acting ------------------------------------------------------------------------------

    def show_stimulus(self, shown: bool) -> None:
        """Lay the stimulus over all samples, or take it away again."""
        for tile in self.tiles:
            if not tile.picture.seen and tile.picture.image is not None:
                tile.cover(self._stimulus if shown else None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Show the stimulus while Space is held."""
        if event.key() == Qt.Key.Key_Space:
            self.show_stimulus(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Show the samples again."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.show_stimulus(False)
        else:
            super().keyReleaseEvent(event)

    @property
    def large(self) -> LargeView:
        """The large view, over the whole window."""
        if self._large is None or self._large.parentWidget() is not self.window():
            self._large = LargeView(self.window())
        return self._large

    def _open(self, tile: PictureTile) -> None:
        if tile.picture.image is not None:
            self.large.closed.connect(tile.setFocus, Qt.ConnectionType.SingleShotConnection)
            self.large.open(self.pictures, self.tiles.index(tile))

    def _drag(self, tile: PictureTile) -> None:
        """Take a sample out of the window as a file."""
        drawn = shown_sample(self._session, tile.picture.seed)
        if drawn is not None:
            drag_sample(self, drawn, self._session.problem.emit)

    def _open_menu(self, tile: PictureTile, position: QPoint) -> None:
        picture = tile.picture
        if picture.image is None:
            return
        menu = self.menu(picture)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(position)

    def menu(self, picture: Picture) -> QMenu:
        """Return what can be done with a picture."""
        assert picture.image is not None
        image = to_qimage(picture.image)
        drawn = shown_sample(self._session, picture.seed)
        menu = QMenu(self)
        menu.addAction("Copy", lambda: QGuiApplication.clipboard().setImage(image))
        if drawn is not None:
            menu.addAction("Save PNG…", lambda: self.export_requested.emit(drawn))
        return menu


def _same_seeds(step: Step, before: Step) -> bool:
    """Whether two steps draw the same seeds, as far as they say which."""
    if isinstance(step, PartStep) and isinstance(before, PartStep):
        return step.seeds == before.seeds
    return True


def _best_fit(count: int, width: int, height: int, caption: int, smallest: int) -> tuple[int, int]:
    """Return the side of the largest squares of which `count` fit, and how many stand in a row."""
    best = (0, 1)
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        across = (width - _GAP * (columns - 1)) // columns
        down = (height - _GAP * (rows - 1)) // rows - caption
        best = max(best, (min(across, down), columns))
    if best[0] >= smallest:
        return best
    columns = max((width + _GAP) // (smallest + _GAP), 1)
    across = (width - _GAP * (columns - 1)) // columns
    return max(min(across, max(height - caption, smallest)), 1), columns


def _stimulus(subject: Subject, trial: Trial) -> ImageArray | DataError | None:
    """Return the stimulus of a trial, None where it has none, or why it cannot be read."""
    try:
        return subject.stimulus(trial)
    except DataError as error:
        return error
