"""The pictures of a grid: read in the background when their cell is drawn, the newest kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from mindvis_gui.data.subject import ImageArray, Subject, Trial
from mindvis_gui.errors import DataError
from mindvis_gui.session import Session
from mindvis_gui.session.collection import Drawn
from mindvis_gui.views.picture import to_qimage

_BATCH = 24  # pictures read in one job
_CACHED = 600  # pictures kept, 256 KiB each at 256 pixels


class GridPictures(QObject):
    """Reads samples and stimuli that are asked for."""

    arrived = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._images: OrderedDict[Hashable, QImage | None] = OrderedDict()
        self._wanted: OrderedDict[Hashable, Drawn | Trial] = OrderedDict()
        self._reading = False
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._read_wanted)

    def get(self, key: Hashable, what: Drawn | Trial) -> QImage | None:
        """Return the picture of a sample or a trial; None while it is not read, or is not there."""
        if key in self._images:
            self._images.move_to_end(key)
            return self._images[key]
        if isinstance(what, Drawn) and not what.on_disk:
            pixels = what.picture()
            return self._keep(key, None if pixels is None else to_qimage(pixels))
        self._wanted[key] = what
        if not self._reading:
            self._soon.start()
        return None

    def is_missing(self, key: Hashable) -> bool:
        """Whether it was looked for and is not there."""
        return key in self._images and self._images[key] is None

    def forget(self) -> None:
        """Drop all of them: they were of another subject."""
        self._images.clear()
        self._wanted.clear()

    def _keep(self, key: Hashable, image: QImage | None) -> QImage | None:
        self._images[key] = image
        while len(self._images) > _CACHED:
            self._images.popitem(last=False)
        return image

    def _read_wanted(self) -> None:
        """Read the newest of what was asked for; cells scrolled past are asked for again."""
        subject = self._session.subject
        newest = list(self._wanted.items())[-_BATCH:]
        self._wanted.clear()
        if subject is None or not newest:
            return
        self._reading = True

        def read() -> tuple[Subject, dict[Hashable, QImage | None]]:
            images: dict[Hashable, QImage | None] = {}
            for key, what in newest:
                try:
                    pixels: ImageArray | None = (
                        what.picture() if isinstance(what, Drawn) else subject.stimulus(what)
                    )
                except DataError:
                    pixels = None  # choosing the trial says what is wrong
                images[key] = None if pixels is None else to_qimage(pixels)
            return subject, images

        self._session.jobs.run(read, "", self._take, ended=self._end)

    def _take(self, read: tuple[Subject, dict[Hashable, QImage | None]]) -> None:
        subject, images = read
        if self._session.is_open(subject):
            for key, image in images.items():
                self._keep(key, image)
            self.arrived.emit()

    def _end(self) -> None:
        self._reading = False
        if self._wanted:
            self._soon.start()
