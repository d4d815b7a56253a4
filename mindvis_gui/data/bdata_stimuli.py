"""What the samples of a BData file showed: names and labels of the stimuli.

============================  ==============================================================
``stimulus_name``             numbers, with texts for them in ``/vmap`` (newer files of bdpy)
``stimulus_id``               numbers of ImageNet pictures, or any others, or texts as above
``Label``                     in its place in GOD's MATLAB files; elsewhere it may be a class,
                              so it is taken only where it holds numbers of ImageNet pictures
``image_index``               places in a list of pictures, of which training and test have one
                              each: GOD's go from 1 to 1,200 and from 1 to 50
============================  ==============================================================
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.bdata_file import BDataTable
from mindvis_gui.data.imagenet import is_picture_name, label_of, picture_name, read_class_names
from mindvis_gui.data.recording import Pictures
from mindvis_gui.data.trial_table import complete_names


def stimuli_of(
    files: Sequence[BDataTable], splits: Sequence[str], pictures: Pictures
) -> tuple[list[str], list[str], list[str]]:
    """Return name and label of the stimulus of each sample, empty where unknown, and notes.

    Texts stand for numbers in their own file only: others may count anew.

    Parameters
    ----------
    splits : sequence of str
        ``"train"`` for samples of training trials, of all files one after the other; of the
        others an empty one is left out.
    """
    names: list[str] = []
    texts: list[str] = []
    indexed: list[bool] = []
    for file in files:
        key = _key(file)
        numbers = file.column(key) if key else None
        meanings = file.meanings(key) if key else {}
        found = [np.nan] * file.n_samples if numbers is None else numbers.tolist()
        mine = [meanings.get(number, "") for number in found]
        texts += mine
        names += map(_name, found, mine)
        indexed += [key == "image_index"] * file.n_samples
    notes = []
    if both := _numbers_of_both(names, splits, indexed):
        names = [
            f"{'train' if split == 'train' else 'test'}-{name}" if at and name.isdecimal() else name
            for name, split, at in zip(names, splits, indexed, strict=True)
        ]
        notes.append(
            "image_index gives training and test pictures the same numbers; they are taken for "
            f"different pictures, called train-{both} and test-{both}"
        )
    index = files[0].path.with_name("imagenet_class_index.json")
    classes = read_class_names(index) if index.exists() else {}
    labels = [
        label_of(name, classes) if is_picture_name(name) else text
        for name, text in zip(names, texts, strict=True)
    ]
    return complete_names(names, pictures), labels, notes


def _key(file: BDataTable) -> str:
    """Return the key of the column that says the most about the stimuli, empty if there is none."""
    named = file.column("stimulus_name")
    if named is not None and file.meanings("stimulus_name"):
        return "stimulus_name"
    if file.column("stimulus_id") is not None:
        return "stimulus_id"
    labels = file.column("Label")
    if labels is not None and _are_pictures(labels):
        return "Label"
    return "image_index" if file.column("image_index") is not None else ""


def _are_pictures(numbers: NDArray[np.float64]) -> bool:
    """Whether these are numbers of ImageNet pictures, such as 1518878.010042."""
    known = numbers[np.isfinite(numbers)]
    return bool(known.size and (known >= 1e6).all() and (known != np.rint(known)).any())


def _name(number: float, meaning: str) -> str:
    if not np.isfinite(number):
        return ""
    if meaning or number == int(number):
        return meaning or str(int(number))
    return picture_name(f"{number:.6f}")


def _numbers_of_both(names: Sequence[str], splits: Sequence[str], indexed: Sequence[bool]) -> str:
    """Return a number by which training and test samples are called, empty if there is none."""
    called: dict[bool, set[str]] = {True: set(), False: set()}
    for name, split, at in zip(names, splits, indexed, strict=True):
        if at and split and name.isdecimal():
            called[split == "train"].add(name)
    return min(called[True] & called[False], key=int, default="")
