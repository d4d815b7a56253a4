"""How the published code normalises, which this application does on purpose in another way."""

from typing import Literal

from mindvis_gui.data.checks import SPLITS
from mindvis_gui.data.prepare import Normalisation, pad_to_patches
from mindvis_gui.data.subject import Subject

PATCH_SIZE = 16


def published_normalisation(
    subject: Subject, dataset: Literal["GOD", "BOLD5000", "HCP"]
) -> dict[str, Normalisation]:
    """Measure mean and standard deviation as the published code does, for each split.

    It differs from `measure_normalisation` in three ways. Vectors are padded before they are
    measured, so the first voxels count twice. For GOD the test responses are given the mean and
    deviation of the *already normalised* training responses, that is, they keep their raw scale.
    For BOLD5000 all single trials are measured together, the test ones included.
    """
    splits = ("train", "test-single") if dataset == "BOLD5000" else ("train",)
    indices = [trial.index for trial in subject.trials if trial.split in splits]
    padded = pad_to_patches(subject.responses(indices), PATCH_SIZE)
    own = Normalisation(float(padded.mean()), float(padded.std()), " and ".join(splits))
    if dataset != "GOD":
        return dict.fromkeys(SPLITS, own)
    kept = Normalisation(0.0, 1.0, "already normalised training trials")
    return {"train": own, "test": kept, "test-single": kept}
