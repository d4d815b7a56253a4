"""Taking a sample out of the window by the mouse: as a file with its request inside."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from PySide6.QtCore import QMimeData, QSize, Qt, QTemporaryDir, QUrl
from PySide6.QtGui import QDrag, QPixmap
from PySide6.QtWidgets import QWidget

from mindvis_gui.analysis.export import write_drawn
from mindvis_gui.errors import ExportError
from mindvis_gui.session.collection import Drawn
from mindvis_gui.views.exports import drawn_name
from mindvis_gui.views.picture import to_qimage

_SHOWN = 96  # pixels beside the pointer


def drag_sample(source: QWidget, drawn: Drawn, complain: Callable[[str], None]) -> None:
    """Let a sample be dropped elsewhere, until the mouse button is let go.

    `complain` gets a sentence where there is no file to be dropped, such as on a full disk.
    """
    try:
        data = sample_data(drawn)
    except ExportError as error:
        complain(str(error))
        return
    if data is None:
        return
    drag = QDrag(source)
    drag.setMimeData(data)
    image = data.imageData()
    small = QPixmap.fromImage(image).scaled(
        QSize(_SHOWN, _SHOWN),
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    drag.setPixmap(small)
    drag.exec(Qt.DropAction.CopyAction)


def sample_data(drawn: Drawn) -> QMimeData | None:
    """Return a sample as a PNG file and as a picture; None where its pixels are gone.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    image = drawn.picture()
    if image is None:
        return None
    path = Path(_folder().path()) / drawn_name(drawn)
    write_drawn(image, drawn.request, drawn.options.seed, path)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    data.setImageData(to_qimage(image))
    return data


@cache
def _folder() -> QTemporaryDir:
    """Return a folder that ends with the application."""
    return QTemporaryDir()
