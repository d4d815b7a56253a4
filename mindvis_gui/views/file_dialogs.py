"""Questions for a file or folder; each answers with a path, or None when the person cancels."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from mindvis_gui.files import is_there

_SUBJECTS = "Subjects (*.h5 *.hdf5 *.mat *.npz *.npy *.nii *.nii.gz);;All files (*)"
_OWN = "Subject files (*.h5)"
_CHECKPOINTS = "Checkpoints (*.ckpt *.pth *.pt);;All files (*)"
_NIFTI = "NIfTI images (*.nii *.nii.gz)"
_SESSIONS = "Sessions (*.mindvis)"
_TABLES = "CSV (*.csv);;Parquet (*.parquet)"
_FIGURES = "PNG (*.png);;SVG (*.svg);;PDF (*.pdf);;TIFF (*.tif)"


def ask_subject_file(parent: QWidget, folder: Path, title: str = "Open a subject") -> Path | None:
    """Ask for a subject that is one file."""
    return _path(QFileDialog.getOpenFileName(parent, title, str(folder), _SUBJECTS)[0])


def ask_subject_folder(parent: QWidget, folder: Path) -> Path | None:
    """Ask for a subject that is a folder."""
    return _path(QFileDialog.getExistingDirectory(parent, "Open a subject's folder", str(folder)))


def ask_any_file(parent: QWidget, title: str, folder: Path) -> Path | None:
    """Ask for a file of any kind."""
    return _path(QFileDialog.getOpenFileName(parent, title, str(folder))[0])


def ask_any_files(parent: QWidget, title: str, folder: Path) -> list[Path]:
    """Ask for files of any kind, sorted by name; none when the person cancels."""
    return sorted(map(Path, QFileDialog.getOpenFileNames(parent, title, str(folder))[0]))


def ask_any_folder(parent: QWidget, title: str, folder: Path) -> Path | None:
    """Ask for a folder."""
    return _path(QFileDialog.getExistingDirectory(parent, title, str(folder)))


def ask_subject_output(parent: QWidget, suggested: Path) -> Path | None:
    """Ask where to write a subject file."""
    return _to_save(parent, "Save the subject", suggested, _OWN, (".h5", ".hdf5"))


def ask_model_folder(parent: QWidget, folder: Path) -> Path | None:
    """Ask for a model folder."""
    return _path(QFileDialog.getExistingDirectory(parent, "Open a model folder", str(folder)))


def ask_nifti_file(parent: QWidget, title: str, folder: Path) -> Path | None:
    """Ask for a NIfTI image."""
    return _path(QFileDialog.getOpenFileName(parent, title, str(folder), _NIFTI)[0])


def ask_label_image(parent: QWidget, folder: Path) -> Path | None:
    """Ask where to write regions; the ending is completed."""
    suggested = folder / "regions.nii.gz"
    return _to_save(parent, "Save regions", suggested, _NIFTI, (".nii.gz", ".nii"))


def ask_checkpoint_file(parent: QWidget, name: str, folder: Path) -> Path | None:
    """Ask for the published file called `name`."""
    title = f"Choose {name}"
    return _path(QFileDialog.getOpenFileName(parent, title, str(folder), _CHECKPOINTS)[0])


def ask_figure_file(parent: QWidget, suggested: Path) -> Path | None:
    """Ask where to write a figure; the chosen ending says the format."""
    return _to_save(parent, "Export figure", suggested, _FIGURES)


def ask_sample_file(parent: QWidget, suggested: Path) -> Path | None:
    """Ask where to write one sample."""
    return _to_save(parent, "Export sample", suggested, "PNG (*.png)", (".png",))


def ask_sample_folder(parent: QWidget, folder: Path) -> Path | None:
    """Ask for the folder to write samples to."""
    return _path(QFileDialog.getExistingDirectory(parent, "Export samples to", str(folder)))


def ask_lesion_folder(parent: QWidget, folder: Path) -> Path | None:
    """Ask for the folder to write a lesion study to."""
    title = "Export the lesion study to"
    return _path(QFileDialog.getExistingDirectory(parent, title, str(folder)))


def ask_map_file(parent: QWidget, suggested: Path) -> Path | None:
    """Ask where to write a map; without an ending it becomes a compressed NIfTI image."""
    return _to_save(parent, "Export map", suggested, _NIFTI, (".nii.gz", ".nii"))


def ask_session_to_save(parent: QWidget, suggested: Path) -> Path | None:
    """Ask where to save a session."""
    return _to_save(parent, "Save the session", suggested, _SESSIONS, (".mindvis",))


def ask_session_to_open(parent: QWidget, folder: Path) -> Path | None:
    """Ask for a session that was saved."""
    return _path(QFileDialog.getOpenFileName(parent, "Open a session", str(folder), _SESSIONS)[0])


def ask_decode_folder(parent: QWidget, folder: Path) -> Path | None:
    """Ask for a folder that 'mindvis decode' wrote."""
    return _path(QFileDialog.getExistingDirectory(parent, "Open a decode folder", str(folder)))


def ask_scores_file(parent: QWidget, suggested: Path) -> Path | None:
    """Ask where to write a table of scores; the ending says the format."""
    return _to_save(parent, "Export scores", suggested, _TABLES)


def ask_arrays_file(parent: QWidget, suggested: Path) -> Path | None:
    """Ask where to write samples as an array."""
    return _to_save(parent, "Export arrays", suggested, "NumPy (*.npy)", (".npy",))


def _path(name: str) -> Path | None:
    return Path(name) if name else None


def _to_save(
    parent: QWidget, title: str, suggested: Path, filters: str, endings: tuple[str, ...] = ()
) -> Path | None:
    """Ask where to write a file, and complete its name by the ending.

    Parameters
    ----------
    endings : tuple of str
        Those that the one format has, the usual one first. Without them any ending says the
        format, and the chosen filter does where the name has none.
    """
    name, chosen = QFileDialog.getSaveFileName(parent, title, str(suggested), filters)
    path = _path(name)
    if path is None:
        return None
    if path.name.lower().endswith(endings) if endings else path.suffix:
        return path
    ending = endings[0] if endings else chosen.rpartition("*")[2].rstrip(")")
    whole = path.with_name(f"{path.name}{ending}")
    # The dialog has asked about the name as it was typed.
    return None if is_there(whole) and not _may_replace(parent, title, whole) else whole


def _may_replace(parent: QWidget, title: str, path: Path) -> bool:
    question = f"{path.name} already exists.\nDo you want to replace it?"
    return QMessageBox.question(parent, title, question) == QMessageBox.StandardButton.Yes
