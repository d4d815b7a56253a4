"""Questions for a file or folder; each answers with a path, or None when the person cancels."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

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
    name = QFileDialog.getSaveFileName(parent, "Save the subject", str(suggested), _OWN)[0]
    path = _path(name)
    return path.with_suffix(".h5") if path and not path.suffix else path


def ask_model_folder(parent: QWidget, folder: Path) -> Path | None:
    """Ask for a model folder."""
    return _path(QFileDialog.getExistingDirectory(parent, "Open a model folder", str(folder)))


def ask_nifti_file(parent: QWidget, title: str, folder: Path) -> Path | None:
    """Ask for a NIfTI image."""
    return _path(QFileDialog.getOpenFileName(parent, title, str(folder), _NIFTI)[0])


def ask_label_image(parent: QWidget, folder: Path) -> Path | None:
    """Ask where to write regions; the ending is completed."""
    suggested = str(folder / "regions.nii.gz")
    path = _path(QFileDialog.getSaveFileName(parent, "Save regions", suggested, _NIFTI)[0])
    if path is None or path.name.endswith((".nii", ".nii.gz")):
        return path
    return path.with_name(f"{path.name}.nii.gz")


def ask_checkpoint_file(parent: QWidget, name: str, folder: Path) -> Path | None:
    """Ask for the published file called `name`."""
    title = f"Choose {name}"
    return _path(QFileDialog.getOpenFileName(parent, title, str(folder), _CHECKPOINTS)[0])


def ask_figure_file(parent: QWidget, suggested: Path) -> Path | None:
    """Ask where to write a figure; the chosen ending says the format."""
    name, chosen = QFileDialog.getSaveFileName(parent, "Export figure", str(suggested), _FIGURES)
    path = _path(name)
    if path is None or path.suffix:
        return path
    return path.with_suffix(f".{chosen.split()[0].lower()}".replace(".tiff", ".tif"))


def ask_sample_file(parent: QWidget, suggested: Path) -> Path | None:
    """Ask where to write one sample."""
    name = QFileDialog.getSaveFileName(parent, "Export sample", str(suggested), "PNG (*.png)")[0]
    path = _path(name)
    return path.with_suffix(".png") if path else None


def ask_sample_folder(parent: QWidget, folder: Path) -> Path | None:
    """Ask for the folder to write samples to."""
    return _path(QFileDialog.getExistingDirectory(parent, "Export samples to", str(folder)))


def ask_lesion_folder(parent: QWidget, folder: Path) -> Path | None:
    """Ask for the folder to write a lesion study to."""
    title = "Export the lesion study to"
    return _path(QFileDialog.getExistingDirectory(parent, title, str(folder)))


def ask_map_file(parent: QWidget, suggested: Path) -> Path | None:
    """Ask where to write a map; without an ending it becomes a compressed NIfTI image."""
    path = _path(QFileDialog.getSaveFileName(parent, "Export map", str(suggested), _NIFTI)[0])
    if path is None or path.name.endswith((".nii", ".nii.gz")):
        return path
    return path.with_name(f"{path.name}.nii.gz")


def ask_session_to_save(parent: QWidget, suggested: Path) -> Path | None:
    """Ask where to save a session."""
    name = QFileDialog.getSaveFileName(parent, "Save the session", str(suggested), _SESSIONS)[0]
    path = _path(name)
    return path.with_suffix(".mindvis") if path else None


def ask_session_to_open(parent: QWidget, folder: Path) -> Path | None:
    """Ask for a session that was saved."""
    return _path(QFileDialog.getOpenFileName(parent, "Open a session", str(folder), _SESSIONS)[0])


def ask_decode_folder(parent: QWidget, folder: Path) -> Path | None:
    """Ask for a folder that 'mindvis decode' wrote."""
    return _path(QFileDialog.getExistingDirectory(parent, "Open a decode folder", str(folder)))


def ask_scores_file(parent: QWidget, suggested: Path) -> Path | None:
    """Ask where to write a table of scores; the ending says the format."""
    name = QFileDialog.getSaveFileName(parent, "Export scores", str(suggested), _TABLES)[0]
    path = _path(name)
    return path if path is None or path.suffix else path.with_suffix(".csv")


def ask_arrays_file(parent: QWidget, suggested: Path) -> Path | None:
    """Ask where to write samples as an array."""
    name = QFileDialog.getSaveFileName(parent, "Export arrays", str(suggested), "NumPy (*.npy)")[0]
    path = _path(name)
    return path.with_suffix(".npy") if path else None


def _path(name: str) -> Path | None:
    return Path(name) if name else None
