"""NIfTI images, read volume by volume, nothing allocated on the word of a header alone."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from nibabel.nifti1 import Nifti1Header, Nifti1Image
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from mindvis_gui.data.at_hand import check_may_wait
from mindvis_gui.data.checks import MAX_TRIALS, check_affine, check_grid_shape
from mindvis_gui.data.orientation import volume_as_ras
from mindvis_gui.data.subject import Volume
from mindvis_gui.errors import DataError, reason_of, refusal_of
from mindvis_gui.files import atomic_path

_HEADER_BYTES = 544  # NIfTI-2 and the four bytes of the extension flag
_DEFLATE_RATIO = 1032  # no gzip file unpacks to more times its size
_LABEL_STEP = 0.5  # more than this apart, stored numbers say too little of the ones meant
_DAMAGE = (OSError, EOFError, zlib.error)
_BAD_HEADER = (HeaderDataError, WrapStructError, ValueError, ArithmeticError, LookupError)
_MNI_CODE = 4
# Grids of the templates that FSL and SPM come with: voxel size, points, and where the first lies.
_MNI_GRIDS = [
    (1.0, (182, 218, 182), (90, -126, -72)),
    (2.0, (91, 109, 91), (90, -126, -72)),
    (2.0, (79, 95, 79), (78, -112, -70)),
    (3.0, (53, 63, 46), (78, -112, -50)),
]
MAX_SECONDS = 100  # of a volume; what is longer is no repetition time
_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6, "unknown": 1.0}


def is_nifti(head: bytes) -> bool:
    """Whether a file that starts with `head` is a NIfTI image, packed by gzip or not."""
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, _HEADER_BYTES)
        except zlib.error:
            return False
    return _magic(head) != b""


def _magic(head: bytes) -> bytes:
    for place in (head[344:348], head[4:8]):
        if place in (b"n+1\0", b"ni1\0", b"n+2\0", b"ni2\0"):
            return place
    return b""


def is_mni_grid(shape: tuple[int, ...], affine: NDArray[np.float64]) -> bool:
    """Whether a grid is one of the usual ones of MNI152 space, from either side."""
    for step, points, (x, y, z) in _MNI_GRIDS:
        start = affine[:3, 3] - [0, y, z]
        same = np.allclose(np.abs(affine[:3, :3]), np.eye(3) * step, atol=1e-3)
        if same and shape == points and np.allclose(np.abs(start), [x, 0, 0], atol=step / 2):
            return True
    return False


class NiftiFile:
    """One NIfTI image: header read and checked, values read when asked for.

    Attributes
    ----------
    shape : tuple of int, length 3
    n_volumes : int
    affine : (4, 4) float64
        As in the file, whatever its orientation.
    oriented : bool
        Whether the header says where the grid lies; if not, the affine is a guess.
    in_mni : bool
        Whether header, name or grid say that this is MNI152 space.
    time_step : str
        The time between volumes as the header has it: ``"2000 msec"``.
    repetition_time : float
        The same in seconds; 0 if the header does not say.
    is_3d : bool
        Whether the header has no axis of volumes.
    is_4d : bool
        Whether there are several volumes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._packed = file.read(2) == b"\x1f\x8b"
                self._bytes = file.seek(0, 2)
        except OSError as error:
            raise self._error(f"cannot be opened: {error.strerror or error}") from error
        try:
            with self._open() as stream:
                head = stream.read(_HEADER_BYTES)
        except _DAMAGE as error:
            damage = f"cannot be read ({reason_of(error)}); copy it again"
            raise self._error(refusal_of(error) or damage) from error
        magic = _magic(head)
        if magic.startswith(b"ni"):
            raise self._error("this is one half of a .hdr/.img pair; save it as one .nii file")
        if not magic:
            raise self._error("this is not a NIfTI image")
        try:
            header = (
                Nifti1Header(head[:348], check=False)
                if magic == b"n+1\0"
                else Nifti2Header(head[:540], check=False)
            )
            self._read_header(header)
        except _BAD_HEADER as error:
            raise self._error(f"the NIfTI header is damaged ({reason_of(error)})") from error

    def _read_header(self, header: Any) -> None:
        shape = [int(n) for n in header.get_data_shape()]
        self.is_3d = len(shape) < 4
        while len(shape) > 3 and shape[-1] == 1:
            shape.pop()
        if len(shape) == 5 and shape[3] == 1:
            del shape[3]
        if len(shape) not in (3, 4):
            raise self._error(f"the image has {len(shape)} axes, not 3 or 4")
        check_grid_shape(shape[:3], self.path.name)
        self.shape = (shape[0], shape[1], shape[2])
        self.is_4d = len(shape) == 4
        self.n_volumes = shape[3] if self.is_4d else 1
        if not 1 <= self.n_volumes <= MAX_TRIALS:
            raise self._error(f"the header claims {self.n_volumes:,} volumes")
        self._dtype = header.get_data_dtype()
        if self._dtype.kind not in "iuf" or self._dtype.itemsize > 8:
            raise self._error(f"values of type {self._dtype} are not responses")
        slope, inter = header.get_slope_inter()
        self._slope, self._inter = (1.0 if slope is None else slope), (inter or 0.0)
        self._offset = int(header.get_data_offset())
        size = self.n_volumes * math.prod(self.shape) * self._dtype.itemsize + self._offset
        if self._offset < 348:
            raise self._error(f"the header puts the values at byte {self._offset}, into itself")
        if size > self._bytes * (_DEFLATE_RATIO if self._packed else 1):
            raise self._error(
                f"the header claims {size:,} bytes of values but the file has only "
                f"{self._bytes:,}; is it complete?"
            )
        self.oriented = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
        code = int(header["sform_code"]) or int(header["qform_code"])
        self.affine = check_affine(
            np.asarray(header.get_best_affine(), dtype=np.float64), f"{self.path.name}: affine"
        )
        self.in_mni = (
            code == _MNI_CODE
            or "space-MNI" in self.path.name
            or is_mni_grid(self.shape, self.affine)
        )
        unit = header.get_xyzt_units()[1] if int(header["xyzt_units"]) else "unknown"
        step = float(header["pixdim"][4])
        self.time_step = f"{step:g} {'in no unit' if unit == 'unknown' else unit}"
        step *= _SECONDS.get(unit, 0.0)
        self.repetition_time = step if np.isfinite(step) and 0 < step < MAX_SECONDS else 0.0

    def volumes(self) -> Iterator[NDArray[Any]]:
        """Yield the volumes in order, each (X·Y·Z,) with x running fastest.

        Memory stays that of one volume. At the end of a packed file its checksum is tested.
        """
        try:
            with self._open() as stream:
                stream.seek(self._offset)
                for _ in range(self.n_volumes):
                    yield self._scaled(stream.read(self._volume_bytes))
                stream.read(1 << 16)  # gzip tests its checksum when it meets the end
        except _DAMAGE as error:
            damage = f"the file is damaged ({reason_of(error)}); copy it again"
            raise self._error(refusal_of(error) or damage) from error

    def labels(self) -> NDArray[Any]:
        """Return the one volume (X·Y·Z,) of a mask or label image, x running fastest.

        Of floats saved under a header of integers nibabel, as SPM, makes integers with a scale, and
        label 2 becomes 1.99997. If all values are as near to whole numbers as that scale allows,
        these are returned.

        Raises
        ------
        DataError
            If the image has several volumes, or is damaged.
        """
        if self.is_4d:
            raise self._error(f"the image has {self.n_volumes} volumes; a region has one")
        (values,) = self.volumes()
        step = abs(self._slope) if self._dtype.kind in "iu" else 0.0
        if (self._slope, self._inter) == (1.0, 0.0) or not 0 < step <= _LABEL_STEP:
            return values
        whole: NDArray[Any] = np.rint(values)
        return whole if (np.abs(values - whole) <= 0.501 * step).all() else values

    def volume(self, index: int) -> NDArray[Any]:
        """Return one volume (X·Y·Z,), x running fastest, of a file that is not packed."""
        check_may_wait()
        try:
            with self.path.open("rb") as stream:
                stream.seek(self._offset + index * self._volume_bytes)
                return self._scaled(stream.read(self._volume_bytes))
        except OSError as error:
            raise self._error(f"cannot be read: {reason_of(error)}") from error

    @property
    def packed(self) -> bool:
        """Whether the file is packed by gzip, so that it can only be read from its start."""
        return self._packed

    @property
    def _volume_bytes(self) -> int:
        return math.prod(self.shape) * int(self._dtype.itemsize)

    def _scaled(self, content: bytes) -> NDArray[Any]:
        if len(content) != self._volume_bytes:
            raise self._error("the file ends before its last volume; is it complete?")
        values: NDArray[Any] = np.frombuffer(content, dtype=self._dtype)
        if (self._slope, self._inter) == (1.0, 0.0):
            return values
        with np.errstate(all="ignore"):  # NaN and infinity are found and reported later
            return values.astype(np.float64) * self._slope + self._inter

    def _open(self) -> IO[bytes]:
        if self._packed:
            return gzip.open(self.path, "rb")  # type: ignore[return-value]
        return self.path.open("rb")

    def _error(self, message: str) -> DataError:
        return DataError(f"{self.path.name}: {message}")


def read_volume(path: Path, *, labels: bool = False) -> Volume:
    """Read a 3-D image, such as an anatomy or a statistical map, on the grid closest to RAS+.

    Parameters
    ----------
    labels : bool
        Whether its values are labels, see `NiftiFile.labels`.

    Raises
    ------
    DataError
        If it is not a 3-D NIfTI image, or damaged.
    """
    image = NiftiFile(path)
    if image.is_4d:
        raise DataError(f"{path.name}: the image has {image.n_volumes} volumes; one is needed here")
    (values,) = [image.labels()] if labels else image.volumes()
    data = values.astype(np.float32).reshape(image.shape, order="F")
    return volume_as_ras(data, image.affine)


def write_image(image: Nifti1Image, path: Path) -> None:
    """Write an image, packed if its name ends in ``.gz``: the same bytes whenever it is written.

    Raises
    ------
    ExportError
        If the file cannot be written; an existing one stays as it was.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        if path.suffix == ".gz":  # at nibabel's level, which is ten times as fast as the default
            with gzip.GzipFile("", "wb", 1, file, mtime=0) as packed:
                image.to_stream(packed)
        else:
            image.to_stream(file)
