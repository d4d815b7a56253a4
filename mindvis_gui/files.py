"""Writing files so that a half-written one is never taken for a whole one."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mindvis_gui.errors import ExportError, refusal_reported

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LOCK = ".writer"  # in the folder, while somebody writes
_UNFINISHED = re.compile(r"\..*-[0-9a-f]{16}(\..*)?")  # what `atomic_path` calls a file meanwhile
_TURN = ".turn"  # in the folder, while somebody has or awaits the turn; on Windows alone
_IN_USE = (5, 32, 33)  # what Windows calls a file that somebody else has open
_HELD = "another program has it open, or it is write-protected; close it or choose another name"
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # seconds
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def is_there(path: Path) -> bool:
    """Whether something is at a path; where the system refuses to look, as if nothing were.

    `pathlib` raises then: in a folder that nobody may enter, on a network drive that is gone.
    """
    try:
        return path.exists()
    except OSError:
        return False


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Sort paths the same on every system; by Windows' own order *a* comes before *B*."""
    return sorted(paths, key=lambda each: each.parts)


def image_stem(image: Path) -> str:
    """Return the name of a NIfTI image without ``.nii`` or ``.nii.gz``."""
    return image.name.removesuffix(".gz").removesuffix(".nii")


def beside_image(image: Path, ending: str) -> Path:
    """Return the file beside a NIfTI image that has its name but for the ending."""
    return image.with_name(image_stem(image) + ending)


def replace(made: Path, target: Path) -> None:
    """Move a file or a folder to `target`, in place of a file there.

    Windows refuses that while anybody reads one of them. Scanners for viruses, search indexes,
    cloud drives and other windows of ours do, for a moment, so it is tried for some seconds.

    Raises
    ------
    OSError
        If it cannot be moved.
    """
    for pause in (*_PAUSES, None):
        try:
            made.replace(target)
        except PermissionError as error:
            if getattr(error, "winerror", None) not in _IN_USE or target.is_dir():
                raise
            if pause is None:
                raise PermissionError(error.errno, _HELD) from error
            time.sleep(pause)
        else:
            return


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target` that takes its place once the block is done.

    On any error the temporary file is removed and an existing `target` stays as it was.

    Raises
    ------
    ExportError
        If the folder or the file cannot be written (permission, full disk).
    """
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Named before it is made: an interruption in between must find it to remove it.
        temporary = target.parent / f".{target.stem[:30]}-{secrets.token_hex(8)}{target.suffix}"
        temporary.touch(exist_ok=False)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        replace(temporary, target)
    except OSError as error:
        raise ExportError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            with suppress(OSError):  # in a closed folder there is nothing to look for either
                temporary.unlink()


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left of `atomic_path` in a folder that nobody else writes."""
    for path in folder.glob(".*"):
        if _UNFINISHED.fullmatch(path.name) and path.is_file():
            with suppress(OSError):  # it is only in the way of other files
                path.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes that do the same out of `folder`, which is made, while the block runs.

    For what is read, changed and written back; they wait. Where the file system knows no locks
    (some network drives), nobody waits.

    Raises
    ------
    ExportError
        If the folder cannot be made.
    """
    with refusal_reported(ExportError, folder, "written"):
        folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":  # where no folder can be locked, but a file in it
        turn = _awaited(folder / _TURN)
        try:
            yield
        finally:
            if turn is not None:
                os.close(turn)
            with suppress(OSError):  # the next one has it open already
                (folder / _TURN).unlink()
    else:
        held = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):
                fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)


def check_writable(folder: Path) -> None:
    """Check that files can be written into a folder that may still have to be made.

    Raises
    ------
    ExportError
        If not: nobody should find that out after an hour of decoding.
    """
    there = next(each for each in (folder, *folder.absolute().parents) if os.path.lexists(each))
    with refusal_reported(ExportError, folder, "written"), tempfile.TemporaryFile(dir=there):
        pass


def follow_umask(folder: Path) -> None:
    """Give all files of a folder the permissions of any new one; safetensors makes its own 0600."""
    new = folder / f".{secrets.token_hex(8)}"
    new.touch(exist_ok=False)
    mode = stat.S_IMODE(new.stat().st_mode)
    new.unlink()
    for path in folder.rglob("*"):
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) != mode:
            path.chmod(mode)


@contextmanager
def atomic_folder(target: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield an empty folder that becomes `target` once the block is done.

    On any error it is removed and an existing `target` stays as it was. Meanwhile it lies
    one level deeper than `target`, so that no search among the siblings finds it. Its files get
    the permissions of any new file.

    Raises
    ------
    ExportError
        If `target` exists and is not to be overwritten, or cannot be written.
    """
    holder = target.parent / f".{target.name[:30]}-{secrets.token_hex(8)}"
    made, replaced = holder / target.name, holder / "replaced"
    try:
        if target.exists() and not overwrite:
            raise FileExistsError(errno.EEXIST, "it exists already; choose another name")
        made.mkdir(parents=True)
        yield made
        follow_umask(made)
        for path in made.rglob("*"):
            if path.is_file():
                with path.open("rb+") as file:
                    os.fsync(file.fileno())
        if target.exists():
            replace(target, replaced)
        try:
            replace(made, target)
        except BaseException:
            if replaced.exists():
                replaced.rename(target)
            raise
    except OSError as error:
        raise ExportError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(holder, ignore_errors=True)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Let nobody else who asks write into `folder` during the block; the folder is made.

    The system takes the lock back when the process ends, however it ends. Where a file system
    has no locks, nobody is kept out.

    Raises
    ------
    ExportError
        If another one writes there, or nothing can be written.
    """
    path = folder / _LOCK
    with refusal_reported(ExportError, folder, "written"):
        folder.mkdir(parents=True, exist_ok=True)
        lock = _locked(path)
    try:
        yield
    finally:
        if sys.platform == "win32":  # where no open file can be removed
            os.close(lock)
        with suppress(OSError):
            path.unlink()
        if sys.platform != "win32":  # only now, so that what is removed is never another's
            os.close(lock)


def _locked(path: Path) -> int:
    """Open a file, lock it, and write the number of this process into it."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(file)
            if os.path.samestat(os.fstat(file), path.stat()):
                os.ftruncate(file, 0)
                os.write(file, str(os.getpid()).encode())
                return file
        except BlockingIOError as error:
            os.lseek(file, 0, os.SEEK_SET)
            number = os.read(file, 20).decode(errors="replace").strip()
            process = f" (process {number})" if number else ""
            os.close(file)
            raise ExportError(
                f"{path.parent}: is being written by another run{process}; wait for it or choose "
                "another folder"
            ) from error
        except FileNotFoundError:
            pass  # the last writer removed it meanwhile
        except BaseException:
            os.close(file)
            raise
        os.close(file)


if sys.platform == "win32":

    def _awaited(path: Path) -> int | None:
        """Open a file and lock it once nobody else has; None where that can never be."""
        refused = 0
        while refused < len(_PAUSES):
            try:
                file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except PermissionError:  # it is being removed, or the folder is closed
                time.sleep(_PAUSES[refused])
                refused += 1
                continue
            except OSError:
                return None
            refused = 0
            try:
                _lock(file)
            except BlockingIOError:
                os.close(file)
                time.sleep(_PAUSES[0])
            except OSError:  # no locks there
                return file
            except BaseException:
                os.close(file)
                raise
            else:
                return file
        return None


def _lock(file: int) -> None:
    """Lock an open file, if its file system has locks.

    Raises
    ------
    BlockingIOError
        If it is locked already.
    """
    if sys.platform == "win32":
        os.lseek(file, 1 << 20, os.SEEK_SET)  # what is locked cannot be read
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError from error
        os.lseek(file, 0, os.SEEK_SET)
    else:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
