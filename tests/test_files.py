import errno
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mindvis_gui.errors import ExportError
from mindvis_gui.files import atomic_folder, atomic_path, check_writable, only_writer


def write_half(target, error):
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        if error:
            raise error


def test_the_target_appears_only_when_the_block_is_done(tmp_path):
    target = tmp_path / "a.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".txt"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="boom"):
        write_half(target, RuntimeError("boom"))
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_an_export_error_that_names_the_file(tmp_path):
    with pytest.raises(ExportError, match=r"a\.txt: cannot be written: No space left"):
        write_half(tmp_path / "a.txt", OSError(28, "No space left on device"))
    assert not list(tmp_path.iterdir())


def test_a_closed_folder_is_an_export_error(tmp_path, monkeypatch):
    def refuse(path, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ExportError, match=r"a\.txt: cannot be written: Permission denied"):
        write_half(tmp_path / "a.txt", None)


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(ExportError, match=r"a\.txt: cannot be written"):
        write_half(tmp_path / "a.txt", None)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_missing_folders_are_made_and_a_file_as_folder_is_refused(tmp_path):
    with atomic_path(tmp_path / "new" / "folder" / "a.txt") as temporary:
        temporary.write_text("x")
    with pytest.raises(ExportError, match="cannot be written"):
        write_half(tmp_path / "new" / "folder" / "a.txt" / "b.txt", None)


@pytest.mark.parametrize("name", ["ü" * 120 + ".h5", "x" * 250 + ".h5", "脳" * 80 + ".h5"])
def test_names_as_long_as_the_file_system_allows(tmp_path, name):
    with atomic_path(tmp_path / name) as temporary:
        temporary.write_text("x")
    assert (tmp_path / name).read_text() == "x"


def test_permissions_are_those_of_any_new_file(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    with atomic_path(tmp_path / "atomic") as temporary:
        temporary.write_text("x")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (plain, tmp_path / "atomic")}
    assert len(modes) == 1


class Reader:
    """Somebody who reads what is to be replaced, on Windows, for so many tries."""

    def __init__(self, monkeypatch, tries, winerror=5):
        self.tries, self.asked, self.waited = tries, 0, []
        move = Path.replace

        def refuse(path, to):
            self.asked += 1
            if self.asked <= self.tries:
                error = PermissionError(errno.EACCES, "Access is denied")
                error.winerror = winerror
                raise error
            return move(path, to)

        monkeypatch.setattr(Path, "replace", refuse)
        monkeypatch.setattr("time.sleep", self.waited.append)


def test_a_file_that_is_read_for_a_moment_is_replaced_when_it_is_free(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    target.write_text("old")
    reader = Reader(monkeypatch, tries=3, winerror=32)
    with atomic_path(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"
    assert reader.asked == 4
    assert reader.waited == sorted(reader.waited)


def test_a_folder_of_which_a_file_is_read_is_replaced_when_it_is_free(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    reader = Reader(monkeypatch, tries=2)
    write_folder(tmp_path / "a", overwrite=True)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["part"]
    assert len(reader.waited) == 2


def test_a_file_that_stays_open_is_told(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    target.write_text("old")
    reader = Reader(monkeypatch, tries=1000)
    with pytest.raises(
        ExportError, match=r"a\.txt: cannot be written: another program has it open"
    ):
        write_half(target, None)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
    assert 1 < sum(reader.waited) < 10


@pytest.mark.parametrize(("name", "winerror"), [("a.txt", None), ("folder", 5)])
def test_nobody_waits_for_what_is_never_allowed(tmp_path, monkeypatch, name, winerror):
    (tmp_path / "folder").mkdir()
    reader = Reader(monkeypatch, tries=1000, winerror=winerror)
    with pytest.raises(ExportError, match="Access is denied"):
        write_half(tmp_path / name, None)
    assert reader.waited == []


def write_folder(target, error=None, **options):
    with atomic_folder(target, **options) as made:
        (made / "part").mkdir()
        (made / "part" / "a.txt").write_text("new")
        assert not list(target.parent.glob("*/part"))  # no sibling looks like the folder
        if error:
            raise error


@pytest.mark.skipif(sys.platform == "win32", reason="permissions")
@pytest.mark.parametrize("umask", [0o022, 0o027, 0o002])
def test_weights_in_a_folder_can_be_read_by_whom_the_umask_allows(tmp_path, umask):
    before = os.umask(umask)
    try:
        with atomic_folder(tmp_path / "a") as made:
            (made / "unet").mkdir()
            save_file({"weight": np.ones(3)}, made / "unet" / "a.safetensors")
            (made / "config.json").write_text("{}")
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["a.safetensors", "config.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o666 & ~umask}


def test_folder_appears_only_when_the_block_is_done(tmp_path):
    write_folder(tmp_path / "in" / "a")
    assert (tmp_path / "in" / "a" / "part" / "a.txt").read_text() == "new"
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_error_leaves_no_folder(tmp_path, error):
    with pytest.raises((ExportError, KeyboardInterrupt)):
        write_folder(tmp_path / "a", error)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_replaced_only_on_demand(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old.txt").write_text("old")
    with pytest.raises(ExportError, match=r"a: cannot be written: it exists already"):
        write_folder(tmp_path / "a")
    with pytest.raises(RuntimeError, match="boom"):
        write_folder(tmp_path / "a", RuntimeError("boom"), overwrite=True)
    assert (tmp_path / "a" / "old.txt").exists()
    write_folder(tmp_path / "a", overwrite=True)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["part"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_old_folder_comes_back_where_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    target, rename = tmp_path / "a", Path.replace
    target.mkdir()
    (target / "old.txt").write_text("old")

    def refuse(path, to):
        if path.name == "a" and to == target:  # the second of two; the way back is another
            raise PermissionError(13, "Permission denied")
        return rename(path, to)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ExportError, match="a: cannot be written: Permission denied"):
        write_folder(target, overwrite=True)
    assert [path.name for path in target.iterdir()] == ["old.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_can_be_made_is_writable_and_stays_unmade(tmp_path):
    check_writable(tmp_path)
    check_writable(tmp_path / "new" / "deeper")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_never_be_written_is_found_before_any_work(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    never = [tmp_path / "file", tmp_path / "file" / "deeper"]
    if Path("/proc").is_dir():  # which nobody may write to
        never.append(Path("/proc/nowhere"))
    for folder in never:
        with pytest.raises(ExportError, match=re.escape(f"{folder}: cannot be written: ")):
            check_writable(folder)


def write_alone(folder):
    with only_writer(folder):
        pass


def test_a_second_writer_is_refused_until_the_first_is_done(tmp_path):
    folder = tmp_path / "new" / "out"
    said = rf"out: is being written by another run \(process {os.getpid()}\); wait for it or choose"
    with only_writer(folder):
        with pytest.raises(ExportError, match=said):
            write_alone(folder)
        write_alone(tmp_path / "other")
        with pytest.raises(ExportError, match="is being written"):
            write_alone(folder)  # the one that was refused took nothing away
    assert list(folder.iterdir()) == []
    write_alone(folder)


def test_an_error_lets_the_next_one_write(tmp_path):
    with pytest.raises(RuntimeError, match="boom"), only_writer(tmp_path):
        raise RuntimeError("boom")
    write_alone(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_was_killed_keeps_nobody_out(tmp_path):
    program = (
        "import sys; from pathlib import Path; from mindvis_gui.files import only_writer\n"
        "with only_writer(Path(sys.argv[1])): print('writing', flush=True); input()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=root, **pipes) as it:
        assert it.stdout.readline().strip() == b"writing"
        with pytest.raises(ExportError, match=rf"\(process {it.pid}\)"):
            write_alone(tmp_path)
        it.kill()
        it.wait()
    write_alone(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_locked(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ExportError, match="file: cannot be written: "):
        write_alone(tmp_path / "file")
    fcntl = pytest.importorskip("fcntl")

    def unsupported(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    write_alone(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
