"""Damaged and hostile versions of a file: bytes, HDF5 objects, arrays, headers, tables."""

from __future__ import annotations

import base64
import gzip
import io
import re
import shutil
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np

from tests.data.makers import gzip_bomb

BOMB = 1 << 31  # what a bomb unpacks to: more than a worker may hold
_HUGE = 10**12


def mutate(source: Path, target: Path, seed: int) -> str:
    """Write the mutant `seed` of the file `source` to `target`; returns what was done to it."""
    rng = np.random.default_rng(seed)
    content = source.read_bytes()
    special = {b"\x89HDF": _hdf5, b"PK\x03\x04": _zip, b"\x93NUM": _npy}.get(content[:4])
    if content[:2] == b"\x1f\x8b":
        special = _gzip
    elif special is None and source.suffix in (".csv", ".tsv", ".json", ".txt"):
        special = _text
    elif special is None and source.suffix == ".nii":
        special = _cifti if b"<CIFTI" in content[:1000] else _nifti
    elif special is None and source.suffix == ".gii":
        special = _gifti
    if special is not None and seed % 2:
        shutil.copyfile(source, target)
        return special(target, content, rng)
    changed, what = _bytes(content, rng)
    target.write_bytes(changed)
    return what


def _bytes(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    data = np.frombuffer(content, np.uint8).copy()
    what = str(rng.choice(["cut off", "flipped", "overwritten", "header", "grown", "swapped"]))
    match what:
        case "cut off":
            return bytes(data[: rng.integers(0, data.size)]), what
        case "flipped":
            places = rng.integers(0, data.size, rng.integers(1, 20))
            data[places] ^= np.left_shift(1, rng.integers(0, 8, places.size)).astype(np.uint8)
        case "overwritten":
            start = rng.integers(0, data.size)
            data[start : start + rng.integers(1, 256)] = rng.integers(0, 256)
        case "header":
            places = rng.integers(0, min(data.size, 2000), 4)
            data[places] = rng.choice([0, 1, 127, 128, 255], 4)
        case "grown":
            return content + rng.bytes(int(rng.integers(1, 4096))), what
        case "swapped":
            size = int(rng.integers(1, max(2, min(512, data.size // 2))))
            a, b = rng.integers(0, data.size - size + 1, 2)
            data[a : a + size] = data[b : b + size].copy()
    return bytes(data), what


def _hdf5(path: Path, _: bytes, rng: np.random.Generator) -> str:
    names: list[str] = []
    with h5py.File(path, "r+") as file:
        file.visit(names.append)
        name = str(rng.choice(names))
        node = file[name]
        what = str(rng.choice(["deleted", "link", "loop", "group", "huge", "flat", "text", "fill"]))
        shape = node.shape if isinstance(node, h5py.Dataset) else None
        if what == "fill" and shape and node.size and node.dtype.kind == "f":
            node[(0,) * len(shape)] = rng.choice([np.nan, np.inf, -np.inf, 1e300])
            return f"{name} not finite"
        del file[name]
        match what:
            case "link":
                file[name] = h5py.ExternalLink("elsewhere.h5", "/" + name)
            case "loop":
                file[name] = h5py.SoftLink("/" + name)
            case "group":
                file.create_group(name)
            case "huge":
                big = (_HUGE, *(shape or (1,))[1:])
                file.create_dataset(name, big, "f4", chunks=(1, *big[1:]) if len(big) < 3 else True)
            case "flat":
                file[name] = np.zeros(int(rng.integers(0, 50)), rng.choice(["i1", "f8", "u8", "?"]))
            case "text":
                file.create_dataset(name, data=["x"] * 3, dtype=h5py.string_dtype())
            case "fill":
                file[name] = np.full(shape or (), np.nan if rng.random() < 0.5 else -1.0)
        return f"{name} {what}"


def _header(shape: object, descr: str = "<f4") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


class _Trap:
    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return exec, ("raise SystemExit('a pickle was executed')",)


def _array(rng: np.random.Generator) -> tuple[bytes, str]:
    what = str(rng.choice(["giant", "objects", "trap", "flat", "infinite", "nothing", "short"]))
    buffer = io.BytesIO()
    match what:
        case "giant":
            return _header((_HUGE, 1000)), what
        case "objects":
            np.save(buffer, np.array([{}, []], dtype=object), allow_pickle=True)
        case "trap":
            np.save(buffer, {"betasmd": _Trap()}, allow_pickle=True)
        case "flat":
            np.save(buffer, np.zeros(int(rng.integers(0, 9))))
        case "infinite":
            np.save(buffer, np.full((12, 40), rng.choice([np.nan, np.inf])))
        case "nothing":
            np.save(buffer, np.zeros((0, 5)))
        case "short":
            return _header((40, 40)) + b"\0" * 100, what
    return buffer.getvalue(), what


def _npy(path: Path, _: bytes, rng: np.random.Generator) -> str:
    content, what = _array(rng)
    path.write_bytes(content)
    return what


def _zip(path: Path, content: bytes, rng: np.random.Generator) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = str(rng.choice(list(members)))
    members[name], what = _array(rng)
    if rng.random() < 0.2:
        what, members[name] = "bomb", _header((1 << 23, 1)) + bytes(1 << 25)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, values in members.items():
            archive.writestr(member, values)
    return f"{name} {what}"


def _nifti(path: Path, content: bytes, rng: np.random.Generator) -> str:
    path.write_bytes(_bad_header(content, rng))
    return "header field"


def _bad_header(content: bytes, rng: np.random.Generator) -> bytes:
    """Return an image of which one field of the header holds an absurd number."""
    data = np.frombuffer(content, np.uint8).copy()
    at, kind = [(40, "<i2"), (70, "<i2"), (76, "<f4"), (108, "<f4"), (112, "<f4"), (280, "<f4")][
        rng.integers(6)
    ]
    kind = np.dtype(kind)
    at += int(rng.integers(0, 8)) * kind.itemsize
    choices = [0, -1, 1, 32767, -32768] if kind.kind == "i" else [0, np.nan, np.inf, -1, 1e30]
    data[at : at + kind.itemsize] = np.array([rng.choice(choices)], kind).view(np.uint8)
    return bytes(data)


_ODD = [b"", b"-1", b"0", b"7", b"1e9", b"999999999999", b"nan", b"x", b"\xd9\xa3"]


def _attribute(xml: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """Return XML of which one attribute, or the text of one element, is another."""
    places = list(re.finditer(rb'(\w+)="([^"]*)"|<(\w+)>([^<]*)<', xml))
    place = places[rng.integers(len(places))]
    at = 2 if place[2] is not None else 4
    name = (place[1] or place[3]).decode()
    odd = _ODD[rng.integers(len(_ODD))]
    return xml[: place.start(at)] + odd + xml[place.end(at) :], f"{name} {odd!r}"


def _cifti(path: Path, content: bytes, rng: np.random.Generator) -> str:
    if rng.random() < 0.2:
        return _nifti(path, content, rng)
    start, end = content.index(b"<CIFTI"), content.rindex(b"</CIFTI>") + 8
    xml, what = _attribute(content[start:end], rng)
    room = end - start  # values stay where the header says
    path.write_bytes(content[:start] + xml[:room].ljust(room) + content[end:])
    return what


def _gifti(path: Path, content: bytes, rng: np.random.Generator) -> str:
    what = str(rng.choice(["attribute", "bomb", "elsewhere", "entity"], p=[0.85, 0.05, 0.05, 0.05]))
    match what:
        case "attribute":
            content, what = _attribute(content, rng)
        case "bomb":
            packed = base64.b64encode(zlib.compress(bytes(1 << 26)))
            content = re.sub(rb"<Data>[^<]*<", b"<Data>" + packed + b"<", content, count=1)
        case "elsewhere":
            content = content.replace(b"GZipBase64Binary", b"ExternalFileBinary").replace(
                b'ExternalFileName=""', b'ExternalFileName="/etc/passwd"'
            )
        case "entity":
            levels = b"".join(b'<!ENTITY a%d "%s">' % (n + 1, b"&a%d;" % n * 10) for n in range(9))
            head = b'<!DOCTYPE GIFTI [<!ENTITY a0 "x">' + levels + b"]>"
            content = re.sub(rb"<!DOCTYPE[^>]*>", head, content, count=1)
            content = re.sub(rb"<Data>[^<]*<", b"<Data>&a9;<", content, count=1)
    path.write_bytes(content)
    return what


_bombs: dict[int, bytes] = {}


def _gzip(path: Path, content: bytes, rng: np.random.Generator) -> str:
    if rng.random() < 0.02:
        side = int(rng.choice([2, 500]))
        if side not in _bombs:
            _bombs[side] = gzip_bomb(side, BOMB)
        path.write_bytes(_bombs[side])
        return f"bomb of {side}³"
    if rng.random() < 0.3:
        plain, what = _bytes(gzip.decompress(content), rng)
    else:
        plain, what = _bad_header(gzip.decompress(content), rng), "header field"
    path.write_bytes(gzip.compress(plain, 1, mtime=0))
    return f"inside {what}"


def _text(path: Path, content: bytes, rng: np.random.Generator) -> str:
    lines = content.split(b"\n")
    row = int(rng.integers(len(lines)))
    separator = b"\t" if path.suffix == ".tsv" else b","
    cells = lines[row].split(separator)
    cell = int(rng.integers(len(cells)))
    what = str(rng.choice(["deleted", "twice", "cell", "long", "deep"]))
    match what:
        case "deleted":
            del lines[row]
        case "twice":
            lines.insert(row, lines[row])
        case "cell":
            odd = [b"", b"nan", b"-1", b"1e999", b"9" * 400, b"\0", "٣ü".encode(), b'"', b"../x"]
            cells[cell] = odd[rng.integers(len(odd))]
            lines[row] = separator.join(cells)
        case "long":
            lines[row] = b"x" * (1 << 20)
        case "deep":
            lines[row] = b"[" * 100_000
    path.write_bytes(b"\n".join(lines))
    return f"row {row} {what}"
