"""Pictures as bytes of an image file, and back."""

from __future__ import annotations

import io
import warnings
from typing import Any, Protocol, runtime_checkable

import numpy as np
from PIL import (
    ExifTags,
    Image,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401  Pillow would load all its plugins to find this one, for 0.1 s
)

from mindvis_gui.data.subject import ImageArray, read_only
from mindvis_gui.errors import DataError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MAX_PIXELS = 1 << 25
_BITS, _PHOTOMETRIC = 258, 262  # fields of a TIFF file
_TURNS = {  # by the orientation that EXIF notes; 1 is upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_GREY = (128, 128, 128)  # behind transparent pixels, as on most stimulus screens


@runtime_checkable
class EncodedPictures(Protocol):
    """A recording that holds its pictures as image files, so that copies need no re-encoding."""

    def encoded_stimulus(self, stimulus_id: str) -> bytes | None:
        """Return the bytes of the image file, or None when there is none of that id."""
        ...


def is_picture_array(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Whether an array of this shape and type holds pictures: (n, h, w, 3) uint8."""
    return (
        len(shape) == 4
        and shape[3] == 3
        and dtype == np.uint8
        and 1 <= shape[1] * shape[2] <= MAX_PIXELS
    )


def decode_picture(encoded: bytes, where: str) -> ImageArray:
    """Return the picture (h, w, 3), 0–255, in the bytes of an image file, upright as EXIF says.

    Raises
    ------
    DataError
        If the bytes are no whole picture of an allowed format, or a far too large one.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata does not matter here
            image = _opened(encoded)
            if image.width * image.height > MAX_PIXELS:
                raise DataError(f"{where}: {image.width} × {image.height} pixels are too many")
            image.load()  # which turns a TIFF; what follows must not turn it again
            turn = _turn(image)
            image = _of_8_bits(image, where)
            if image.has_transparency_data:
                layer = image.convert("RGBA")
                image = Image.new("RGBA", layer.size, _GREY)
                image.alpha_composite(layer)
            image = image.convert("RGB")
            if turn is not None:
                image = image.transpose(turn)
            return read_only(np.array(image, dtype=np.uint8))
    except DataError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise DataError(f"{where}: not a readable picture ({error}); replace it") from error


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return what makes a picture upright, as every viewer shows it; None if it is."""
    try:
        noted: int = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # EXIF that is damaged says nothing, and the pixels are none the worse
        return None
    return _TURNS.get(noted)


def _of_8_bits(image: Image.Image, where: str) -> Image.Image:
    """Return a picture in 8 bits; Pillow clips what has more, so that nearly all becomes white."""
    if image.mode.startswith("I;16") or (image.mode, image.format) == ("I", "PNG"):
        fields = getattr(image, "tag_v2", {})  # TIFF may have 12 bits, or white as 0
        white = (1 << fields.get(_BITS, (16,))[0]) - 1
        values = np.asarray(image).astype(np.float32)
        levels = np.rint(values / white * 255).astype(np.uint8)
        grey = Image.fromarray(255 - levels if fields.get(_PHOTOMETRIC) == 0 else levels)
        clear = image.info.get("transparency")
        if clear is not None:
            grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
        return grey
    if image.mode in ("I", "F"):
        what = "floating point" if image.mode == "F" else "32-bit or signed"
        raise DataError(
            f"{where}: holds {what} numbers, of which none says what is white; save it as PNG in 8 "
            "or 16 bits"
        )
    return image


def _opened(encoded: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(encoded), formats=FORMATS)
    except UnidentifiedImageError:  # its text names an object in memory
        raise ValueError("it starts like no picture") from None


def encode_picture(picture: ImageArray) -> bytes:
    """Return the picture (h, w, 3) uint8 as a PNG file, without loss."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
