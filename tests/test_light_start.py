import subprocess
import sys

CHECK = """
from mindvis_gui.light_start import begin_light_start

begin_light_start()
import builtins, gc
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
before = vars(QtGui).copy()
begin_light_start()
assert vars(pyqtgraph.QtGui) == before
"""


def test_pyqtgraph_finds_in_qt_what_it_did_not_copy():
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True)
    assert not done.returncode, done.stderr
