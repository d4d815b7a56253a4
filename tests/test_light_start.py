import subprocess
import sys

CHECK = """
from mindvis_gui import light_start
from mindvis_gui.light_start import begin_light_start

begin_light_start()
import builtins, gc, sys
import PySide6.QtCore, PySide6.QtGui, PySide6.QtWidgets
import pyqtgraph
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

assert QtCore.QPoint is PySide6.QtCore.QPoint
assert QtGui.QColor is PySide6.QtGui.QColor
assert QtWidgets.QMessageBox is PySide6.QtWidgets.QMessageBox
assert "QMessageBox" not in vars(QtWidgets), "names are copied again"
assert not hasattr(QtGui, "QNothing")
assert "QColor" in dir(PySide6.QtGui)
assert builtins.__import__ is builtins.__orig_import__
assert not gc.isenabled()
loaded = [module for name, module in sys.modules.items() if name.startswith("pyqtgraph")]
for module in loaded:
    for name, value in vars(module).items():
        for each in value.__mro__ if isinstance(value, type) else ():
            assert each.__module__ != "mindvis_gui.light_start", (module, name)
assert len(loaded) < 80, "all of pyqtgraph was imported"
import pyqtgraph.exporters  # takes from pyqtgraph what was left out
for name in light_start._LEFT_OUT:
    assert getattr(pyqtgraph, name).__name__ == name
assert not hasattr(pyqtgraph, "Nothing")
before = vars(QtGui).copy()
begin_light_start()
assert vars(pyqtgraph.QtGui) == before
"""


def test_pyqtgraph_finds_in_qt_what_it_did_not_copy():
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True)
    assert not done.returncode, done.stderr


TORCH = """
import gc, sys
from mindvis_gui import app

looks = []
gc.callbacks.append(lambda phase, about: looks.append(about["generation"]))
app._load_decoder("demo")
assert "torch" in sys.modules
assert 2 not in looks, "garbage was looked for among a million objects"
assert gc.isenabled()
assert len(gc.get_objects()) < 50_000, "and it will be again"
app._load_decoder("demo")
assert gc.isenabled()
"""


def test_torch_comes_without_stops():
    done = subprocess.run([sys.executable, "-c", TORCH], capture_output=True, text=True)
    assert not done.returncode, done.stderr
