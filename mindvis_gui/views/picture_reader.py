"""Pictures of a list or a grid: read in the background when they are drawn, the newest kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from mindvis_gui.jobs import Jobs

Read = Callable[[], QImage | None]  # runs in a job's thread; None is no picture


class PictureReader(QObject):
    """Reads pictures that are asked for.

    Parameters
    ----------
    jobs : Jobs
    parent : QObject
    batch : int
        Pictures read in one job: a screenful.
    most : int
        Pictures kept.
    """

    arrived = Signal()

    def __init__(self, jobs: Jobs, parent: QObject, batch: int, most: int) -> None:
        super().__init__(parent)
        self._jobs, self._batch, self._most = jobs, batch, most
        self._images: OrderedDict[Hashable, QImage | None] = OrderedDict()
        self._wanted: OrderedDict[Hashable, Read] = OrderedDict()
        self._reading = False
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._read_wanted)

    def get(self, key: Hashable, read: Read, *, at_hand: bool = False) -> QImage | None:
        """Return the picture of a key; None while it is not read, or is not there.

        What is `at_hand` is read at once.
        """
        if key in self._images:
            self._images.move_to_end(key)
            return self._images[key]
        if at_hand:
            return self._keep(key, read())
        self._wanted[key] = read
        if not self._reading:
            self._soon.start()
        return None

    def is_missing(self, key: Hashable) -> bool:
        """Whether it was looked for and is not there."""
        return key in self._images and self._images[key] is None

    def forget(self) -> None:
        """Drop all of them, and those on their way: they were of another subject."""
        self._images = OrderedDict()
        self._wanted.clear()

    def _keep(self, key: Hashable, image: QImage | None) -> QImage | None:
        self._images[key] = image
        while len(self._images) > self._most:
            self._images.popitem(last=False)
        return image

    def _read_wanted(self) -> None:
        """Read the newest of what was asked for; what was scrolled past is asked for again."""
        newest, images = list(self._wanted.items())[-self._batch :], self._images
        self._wanted.clear()
        if not newest:
            return
        self._reading = True

        def take(found: dict[Hashable, QImage | None]) -> None:
            if images is self._images:
                for key, image in found.items():
                    self._keep(key, image)
                self.arrived.emit()

        self._jobs.run(lambda: {key: read() for key, read in newest}, "", take, ended=self._end)

    def _end(self) -> None:
        self._reading = False
        if self._wanted:
            self._soon.start()
