import ast
import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mindvis_gui.cli
from mindvis_gui.analysis.figures.style import GRID
from mindvis_gui.analysis.figures.templates import TEMPLATES
from mindvis_gui.cli import COMMANDS, _parser, main
from mindvis_gui.cli.output import console, write, write_json
from mindvis_gui.errors import DataError
from mindvis_gui.version import __version__

PACKAGE = Path(mindvis_gui.cli.__file__).parent


@pytest.fixture
def view(monkeypatch):
    """Record what the view command is asked for, without a window."""
    import mindvis_gui.cli.view as module

    asked = []
    monkeypatch.setattr(module, "run", lambda args: asked.append(args) or 0)
    return asked


def test_alone_it_opens_the_window(view):
    assert main([]) == 0
    assert view[0].subject is None


def test_a_picture_of_the_window_replaces_no_subject(tmp_path, monkeypatch, capsys):
    from mindvis_gui import app

    monkeypatch.setattr(app, "run", lambda *args, **options: 0)
    subject = tmp_path / "subject.h5"
    subject.write_bytes(b"responses")
    assert main(["view", "--screenshot", str(subject)]) == 1  # as if the option took no name
    assert capsys.readouterr().err == (
        "mindvis: subject.h5: a picture of the window is written as PNG; end its name in .png\n"
    )
    assert main(["view", "--screenshot", str(tmp_path / "window.PNG")]) == 0
    assert subject.read_bytes() == b"responses"


@pytest.mark.parametrize("words", [["demo"], ["view", "demo"]])
def test_a_subject_opens_the_window(view, words):
    assert main([*words, "--trial", "3", "--model", "demo", "--screenshot", "s.png"]) == 0
    (args,) = view
    assert (args.subject, args.trial, args.model) == ("demo", 3, "demo")
    assert args.screenshot == Path("s.png")


def test_a_file_opens_the_window(view, tmp_path):
    path = tmp_path / "subject.h5"
    path.write_bytes(b"")
    main([str(path)])
    assert view[0].subject == str(path)


def test_options_without_a_subject_open_the_window(view):
    main(["--model", "demo"])
    assert view[0].model == "demo"


def test_view_hands_everything_to_the_application(monkeypatch):
    asked = []
    app = type(sys)("mindvis_gui.app")
    app.run = lambda *args, **options: asked.append((args, options)) or 7
    monkeypatch.setitem(sys.modules, "mindvis_gui.app", app)
    monkeypatch.setattr(mindvis_gui, "app", app, raising=False)
    words = ["view", "demo", "--trial", "2", "--theme", "dark", "--size", "1280x800", "--decode"]
    assert main(words) == 7
    options = {"decode": True, "theme": "dark", "size": (1280, 800)}
    assert asked == [(("demo", None, 2, None), options)]


@pytest.mark.parametrize("size", ["1280", "wide", "0x10", "10x", "-5x5"])
def test_a_window_without_a_size_is_wrong_usage(view, size):
    with pytest.raises(SystemExit, match="2"):
        main(["view", "--size", size])


def test_a_misspelt_command_is_wrong_usage(view, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["decoed", "demo"])
    assert "'decoed' is neither a command nor a file; commands: view," in capsys.readouterr().err
    assert not view


def test_a_missing_subject_of_view_is_left_to_the_window(view):
    assert main(["view", "missing.h5"]) == 0
    assert view[0].subject == "missing.h5"


def test_an_expected_error_is_one_line_on_stderr(monkeypatch, capsys):
    import mindvis_gui.cli.view as module

    def fail(args):
        raise DataError("a file\n  is broken")

    monkeypatch.setattr(module, "run", fail)
    assert main([]) == 1
    captured = capsys.readouterr()
    assert captured.err == "mindvis: a file is broken\n"
    assert captured.out == ""


def test_ctrl_c_is_one_line_too(monkeypatch, capsys):
    import mindvis_gui.cli.view as module

    def stop(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run", stop)
    assert main([]) == 130
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture
def spoken(monkeypatch):
    """Return a function: words, encoding of stdout → the bytes that come out."""

    def run(words, encoding):
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", out)
        assert main(words) == 0
        out.flush()
        return out.buffer.getvalue()

    return run


@pytest.fixture
def minus(monkeypatch):
    import mindvis_gui.cli.view as module

    def say(args):
        write_json({"a": "−0.1 ü"})
        write("−0.1 ü")
        return 0

    monkeypatch.setattr(module, "run", say)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8", "UTF8"])
@pytest.mark.usefixtures("minus")
def test_what_goes_into_a_file_is_utf8(spoken, monkeypatch, encoding):
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    document, _, text = spoken([], encoding).decode().rstrip().rpartition("\n")
    assert text == "−0.1 ü"
    assert json.loads(document) == {"a": "−0.1 ü"}


@pytest.mark.usefixtures("minus")
def test_an_encoding_that_was_asked_for_is_kept(spoken, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    document, _, text = spoken([], "cp1252").decode("cp1252").rstrip().rpartition("\n")
    assert text == r"\u22120.1 ü"
    assert json.loads(document) == {"a": "−0.1 ü"}


def _table(args):
    with console(80) as to:
        to.print("table")
    return 0


def _lines(args):
    write("line")
    return 0


@pytest.fixture(params=[_table, _lines])
def printing(request, monkeypatch):
    import mindvis_gui.cli.view as module

    monkeypatch.setattr(module, "run", request.param)


@pytest.fixture(params=[True, False], ids=["at once", "at the end"])
def written_to(request, monkeypatch):
    """Return a function: makes an open file stdout or stderr, which passes on at once or late."""

    taken = []

    def take(file, name="stdout"):
        taken.append(io.TextIOWrapper(file, write_through=request.param))
        monkeypatch.setattr(sys, name, taken[-1])

    yield take
    taken[-1].close()  # as Python does: what has not arrived is tried once more


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only there")
@pytest.mark.usefixtures("printing")
def test_results_that_do_not_fit_on_the_disk_are_one_line(written_to, capsys):
    written_to(os.fdopen(os.open("/dev/full", os.O_WRONLY), "wb"))
    assert main([]) == 1
    assert capsys.readouterr().err == (
        "mindvis: stdout cannot be written: No space left on device; "
        "what was to be printed is lost\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is told apart elsewhere only")
@pytest.mark.usefixtures("printing")
def test_results_that_nobody_reads_any_more_are_not_worth_a_word(written_to, capsys):
    read, write = os.pipe()
    written_to(os.fdopen(write, "wb"))
    os.close(read)
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 1
    assert capsys.readouterr().err == ""


_ASKING = [["--help"], ["--version"], ["train", "ldm", "--help"]]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only there")
@pytest.mark.parametrize("words", _ASKING)
def test_a_help_that_does_not_fit_on_the_disk_is_one_line(words, written_to, capsys):
    written_to(os.fdopen(os.open("/dev/full", os.O_WRONLY), "wb"))
    assert main(words) == 1
    assert capsys.readouterr().err.startswith("mindvis: stdout cannot be written: No space left")


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is told apart elsewhere only")
@pytest.mark.parametrize("words", _ASKING)
def test_a_help_that_nobody_reads_any_more_is_not_worth_a_word(words, written_to, capsys):
    read, write = os.pipe()
    written_to(os.fdopen(write, "wb"))
    os.close(read)
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 1
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only there")
def test_a_stderr_that_is_full_changes_no_exit_code(written_to):
    written_to(os.fdopen(os.open("/dev/full", os.O_WRONLY), "wb"), "stderr")
    assert main(["info", LONG]) == 1
    with pytest.raises(SystemExit) as stop:
        main(["info"])
    assert stop.value.code == 2


@pytest.mark.usefixtures("printing")
def test_without_stdout_and_stderr_everything_else_is_done(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main([]) == 0
    assert main(["info", LONG]) == 1


LONG = "x" * 300  # no file system takes such a name; a look at it is refused as in a closed folder


@pytest.mark.skipif(
    sys.platform == "win32" or sys.version_info >= (3, 14),
    reason="there is simply no such file: so says Windows, and Python's pathlib from 3.14 on",
)
@pytest.mark.parametrize(
    "words",
    [
        [LONG],
        ["info", LONG],
        ["decode", "demo", "--model", LONG, "--out", "out"],
        ["decode", "demo", "--trials", "0", "--out", LONG],
        ["train", "mbm", LONG, "--out", "out"],
        ["train", "mbm", "demo", "--out", LONG],
        ["train", "adapt", "demo", "--masked-model", LONG, "--out", "out"],
        ["train", "vq", LONG, "--out", "out"],
        ["simulate", "--stimuli", LONG, "--out", "out.h5"],
        ["import-model", "--ldm", LONG, "--finetuned", LONG, "--out", "out"],
    ],
)
def test_a_path_that_the_system_refuses_to_look_at_is_one_line(
    words, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("mindvis: ")
    assert captured.err.count("\n") == 1
    assert "File name too long" in captured.err


def test_an_error_of_the_system_that_no_path_explains_is_not_hidden(monkeypatch):
    import mindvis_gui.cli.view as module

    def crash(args):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "of ours")

    monkeypatch.setattr(module, "run", crash)
    with pytest.raises(FileNotFoundError):
        main([])


def test_bugs_are_not_hidden(monkeypatch):
    import mindvis_gui.cli.view as module

    def crash(args):
        raise ZeroDivisionError

    monkeypatch.setattr(module, "run", crash)
    with pytest.raises(ZeroDivisionError):
        main([])


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"mindvis-gui {__version__}\n"


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_its_options(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"usage: mindvis {command}" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_a_help_that_names_the_choice_made_without_it(command):
    (commands,) = (each for each in _parser(command)._actions if each.choices)
    for option in filter(lambda each: each.option_strings, commands.choices[command]._actions):
        assert option.help, option
        if option.choices and option.default is not None:
            assert "default" in option.help, option


def test_every_figure_but_the_grid_of_the_window_can_be_asked_for():
    (commands,) = (each for each in _parser("figure")._actions if each.choices)
    (option,) = (o for o in commands.choices["figure"]._actions if o.dest == "template")
    assert {*option.choices, GRID} == set(TEMPLATES)


def test_help_imports_nothing_heavy():
    heavy = "{'numpy', 'torch', 'PySide6', 'h5py', 'nibabel', 'matplotlib', 'rich'}"
    code = (
        "import sys\nfrom mindvis_gui.cli import main\n"
        "try: main(['--help'])\n"
        f"except SystemExit: sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_every_module_of_a_command_is_in_the_table():
    for path in PACKAGE.glob("*.py"):
        functions = {
            node.name
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef)
        }
        if "add_options" in functions:
            assert path.stem.replace("_", "-") in COMMANDS


@pytest.mark.parametrize(
    ("command", "load", "policy"),
    [
        ("decode", 0.3, "ACTIVE"),
        ("decode", 2.5, "PASSIVE"),
        ("view", 0.0, "PASSIVE"),
        ("train", 0.0, "PASSIVE"),
    ],
)
def test_threads_spin_only_where_nothing_else_needs_the_cores(monkeypatch, command, load, policy):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0), raising=False)
    assert mindvis_gui.cli._waiting(command) == policy
    monkeypatch.setenv("WORLD_SIZE", "2")  # the others of this launch do
    assert mindvis_gui.cli._waiting(command) == "PASSIVE"
