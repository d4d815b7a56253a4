"""An experiment with a simulated cortex, as a subject like any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import numpy as np

from mindvis_gui.data.picture import decode_picture
from mindvis_gui.data.picture_features import scale_picture
from mindvis_gui.data.recording import ArrayRecording, Pictures
from mindvis_gui.data.schematic_rois import SchematicCortex
from mindvis_gui.data.simulate import SimulatedCortex, Stimuli
from mindvis_gui.data.stimuli import PictureFolder
from mindvis_gui.data.subject import Subject, Trial
from mindvis_gui.errors import DataError
from mindvis_gui.files import in_order
from mindvis_gui.wording import writable

PRESENTATIONS = 24  # of each of 50 test pictures, as in Shen et al. 2019
NOTES = (
    "Simulated: no person was measured. Responses come from an encoding model plus noise.",
    "The regions are schematic: bands of grey matter around a few landmarks, not an atlas.",
)

_STEP = 0.1  # responses are rounded to this, far below the noise: files are half as large
_RUN, _RUNS = 50, 8  # trials in a run, runs in a session


def simulate_subject(
    cortex: SchematicCortex,
    train: Stimuli,
    test: Stimuli,
    pictures: Pictures,
    *,
    seed: int,
    presentations: int = PRESENTATIONS,
) -> Subject:
    """Show the training stimuli once and the test stimuli several times.

    Trials are, in this order: each test stimulus as the mean of its presentations
    (``test``), the training stimuli (``train``), the presentations of the test one by
    one (``test-single``).

    Parameters
    ----------
    cortex : SchematicCortex
    train, test : Stimuli
    pictures : mapping of stimulus id to picture or bytes of an image file
        What the subject returns as stimuli.
    seed : int
        Of tuning, explainable variance and noise.
    presentations : int
        Of each test stimulus.

    Returns
    -------
    Subject
        Responses in memory, in standard deviations over the training trials, rounded to 0.1.
        Its maps are the noise ceilings (share of explainable variance) of one presentation
        and of the mean, and the receptive fields' position. It has no anatomy.
    """
    simulated = SimulatedCortex(cortex, train, seed)
    rng = np.random.default_rng([seed, 20])
    responses = simulated.present(simulated.drive(train), rng)
    drive = simulated.drive(test)
    single = np.stack([simulated.present(drive, rng) for _ in range(presentations)])
    single = np.rint(single / _STEP) * _STEP
    values = np.concatenate([single.mean(axis=0), responses, *single])
    return Subject(
        name="Simulated",
        source=Path(),
        trials=tuple(_trials(train, test, presentations)),
        rois=cortex.rois,
        n_voxels=cortex.n_voxels,
        recording=ArrayRecording((np.rint(values / _STEP) * _STEP).astype(np.float32), pictures),
        unit="z",
        ijk=cortex.ijk,
        affine=cortex.affine,
        maps={
            "noise ceiling": simulated.noise_ceiling(1),
            f"noise ceiling of {presentations}": simulated.noise_ceiling(presentations),
            "eccentricity (deg)": cortex.eccentricity.astype(np.float32),
            "polar angle (deg)": cortex.polar_angle.astype(np.float32),
        },
        simulated=True,
        notes=NOTES,
    )


def read_stimuli(folder: Path) -> tuple[Stimuli, Pictures]:
    """Read the pictures of a folder; those in its sub-folders have that category.

    Returns
    -------
    stimuli : Stimuli
        Labelled by file name, in sorted order, scaled to 96 × 96.
    pictures : mapping of stimulus id to the bytes of the file

    Raises
    ------
    DataError
        If the folder is not there, or a file is no picture.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give a folder of pictures")
    categories = in_order(
        path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."
    )
    found: list[tuple[str, str, str, bytes]] = []
    for category, pictures in (
        [(writable(path.name), PictureFolder(path)) for path in categories]
        if categories
        else [("", PictureFolder(folder))]
    ):
        found.extend(
            (f"{category}/{name}".lstrip("/"), Path(name).stem, category, pictures[name])
            for name in pictures
        )
    scaled = np.stack([scale_picture(decode_picture(data, key)) for key, _, _, data in found])
    stimuli = Stimuli(
        [key for key, *_ in found],
        scaled,
        [label for _, label, *_ in found],
        [category for _, _, category, _ in found],
    )
    return stimuli, {key: data for key, _, _, data in found}


def choose(stimuli: Stimuli, rows: Sequence[int]) -> Stimuli:
    """Return the stimuli at `rows`, in that order."""
    return Stimuli(
        [stimuli.ids[row] for row in rows],
        stimuli.pictures[list(rows)],
        [stimuli.labels[row] for row in rows],
        [stimuli.categories[row] for row in rows],
    )


def _trials(train: Stimuli, test: Stimuli, presentations: int) -> Iterator[Trial]:
    index = count()
    for shown in _shown(test):
        yield Trial(next(index), "test", *shown, presentations=presentations)
    sessions = 0
    for number, shown in enumerate(_shown(train)):
        session, run = divmod(number // _RUN, _RUNS)
        yield Trial(next(index), "train", *shown, session=session + 1, run=run + 1)
        sessions = session + 1
    for repeat in range(presentations):
        session, run = divmod(repeat, _RUNS)
        for shown in _shown(test):
            yield Trial(
                next(index), "test-single", *shown, session=sessions + session + 1, run=run + 1
            )


def _shown(stimuli: Stimuli) -> Iterator[tuple[str, str, str]]:
    return zip(stimuli.ids, stimuli.labels, stimuli.categories, strict=True)
