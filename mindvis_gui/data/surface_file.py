"""Surfaces of the cortex in GIFTI: ``*.surf.gii``.

Read here and not by nibabel, which follows a file's word to other files and unpacks without end.
"""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.errors import DataError, reason_of

_MAX_BYTES = 1 << 26
_MAX_VERTICES = 1 << 21
_TYPES = {"NIFTI_TYPE_FLOAT32": "f4", "NIFTI_TYPE_FLOAT64": "f8"}
_SIDES = {"CortexLeft": "L", "CortexRight": "R"}
# What tells the hemispheres apart in the name of a file, between letters that are no word.
_SIDE = re.compile(r"(?<![A-Za-z])(?:(?P<L>L|lh|left|Left)|(?P<R>R|rh|right|Right))(?![A-Za-z])")
_OTHERS = {"L": "R", "lh": "rh", "left": "right", "Left": "Right"}
_OTHERS |= {right: left for left, right in _OTHERS.items()}


@dataclass(frozen=True, eq=False, slots=True)
class Surface:
    """One hemisphere: `side` (``"L"`` or ``"R"``), and its vertices (n, 3) in mm."""

    path: Path
    side: str
    vertices: NDArray[np.float64]


def is_gifti(head: bytes) -> bool:
    """Whether a file that starts with `head` is GIFTI."""
    return head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"<?xml", b"<GIFTI", b"<!DOCTYPE")) and (
        b"<GIFTI" in head or b"DOCTYPE GIFTI" in head
    )


def surface_files(path: Path) -> list[Path]:
    """Return the surfaces of a folder, or a file and the one of the other side beside it."""
    if path.is_dir():
        found = sorted(p for p in path.glob("*.surf.gii") if not p.name.startswith("."))
        return [p for p in found if "midthickness" in p.name] or found
    match = _SIDE.search(path.name)
    if match is None:
        return [path]
    other = path.name[: match.start()] + _OTHERS[match[0]] + path.name[match.end() :]
    return [path, *([path.with_name(other)] if path.with_name(other).is_file() else [])]


def read_surface(path: Path) -> Surface:
    """Read the vertices of one hemisphere.

    Raises
    ------
    DataError
        If it is no surface, is damaged, or does not say which side it is.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path.name}: more than {_MAX_BYTES:,} bytes are no surface")
        content = path.read_bytes()
        if b"<!ENTITY" in content:
            raise DataError(f"{path.name}: it defines entities, which no surface does")
        root = ElementTree.fromstring(content)
        if root.tag != "GIFTI":
            raise DataError(f"{path.name}: this is no GIFTI file")
        arrays = [each for each in root.iter("DataArray")
                  if each.get("Intent") == "NIFTI_INTENT_POINTSET"]  # fmt: skip
        if len(arrays) != 1:
            raise DataError(
                f"{path.name}: {len(arrays)} arrays of vertices; give a surface (.surf.gii)"
            )
        vertices = _vertices(arrays[0], path)
        return Surface(path, _side_of(root, path), vertices)
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {error.strerror or error}") from error
    except (SyntaxError, ValueError, TypeError, LookupError, zlib.error) as error:
        reason = reason_of(error)
        raise DataError(f"{path.name}: the surface is damaged ({reason}); copy it again") from error


def _vertices(array: ElementTree.Element, path: Path) -> NDArray[np.float64]:
    n, axes = int(array.get("Dim0", "")), int(array.get("Dim1", ""))
    if axes != 3 or not 1 <= n <= _MAX_VERTICES or array.get("Dimensionality") != "2":
        raise DataError(f"{path.name}: its vertices have the shape {n:,} × {axes:,}, not n × 3")
    kind = _TYPES.get(array.get("DataType", ""))
    if kind is None:
        raise DataError(f"{path.name}: vertices of type {array.get('DataType')} are no positions")
    text = array.findtext("Data") or ""
    encoding = array.get("Encoding", "")
    if encoding == "ASCII":
        values = np.array(text.split(), dtype=np.float64)
    elif encoding in ("Base64Binary", "GZipBase64Binary"):
        dtype = np.dtype(kind).newbyteorder(">" if array.get("Endian") == "BigEndian" else "<")
        size = 3 * n * dtype.itemsize
        content = base64.b64decode(text)
        if encoding.startswith("GZip"):
            content = zlib.decompressobj().decompress(content, size + 1)
        if len(content) != size:
            raise ValueError(f"{n:,} vertices need {size:,} bytes")
        values = np.frombuffer(content, dtype).astype(np.float64)
    else:
        raise DataError(
            f"{path.name}: its values lie elsewhere ({encoding[:40]}); save it as one file"
        )
    if values.size != 3 * n:
        raise ValueError(f"{n:,} vertices but {values.size:,} coordinates")
    order = "F" if array.get("ArrayIndexingOrder") == "ColumnMajorOrder" else "C"
    vertices = values.reshape((n, 3), order="F" if order == "F" else "C")
    if not np.isfinite(vertices).all() or np.abs(vertices).max() > 1000:
        raise DataError(f"{path.name}: some vertices are not finite or not in millimetres")
    return vertices


def _side_of(root: ElementTree.Element, path: Path) -> str:
    for each in root.iter("MD"):
        if (each.findtext("Name") or "").strip() == "AnatomicalStructurePrimary":
            told = (each.findtext("Value") or "").strip()
            if told in _SIDES:
                return _SIDES[told]
    match = _SIDE.search(path.name)
    if match is None:
        raise DataError(
            f"{path.name}: which hemisphere it is says neither the file nor its name; call it "
            "….L.surf.gii or ….R.surf.gii"
        )
    return "L" if match["L"] else "R"
