"""Which trials a stage learns from, and which choose its best weights."""

from __future__ import annotations

from collections.abc import Sequence

from mindvis_gui.data.repeats import shown_in_test
from mindvis_gui.data.subject import Subject, Trial
from mindvis_gui.decoding.models import SAW_TEST_FMRI, SAW_TEST_PICTURES, SELECTED_ON_TEST
from mindvis_gui.errors import DataError
from mindvis_gui.training.settings import Selection
from mindvis_gui.training.trials import VALIDATION, held_back, training_trials


def adaptation_trials(subject: Subject, *, include_test_fmri: bool = False) -> list[Trial]:
    """Return the trials whose responses stage A2 learns from.

    Parameters
    ----------
    subject : Subject
    include_test_fmri : bool
        Whether test trials are among them, averaged and single ones. The published stage
        A2 learns from nothing else. A masked model trained so must be saved with
        ``saw_test_fmri=True``.
    """
    trials = training_trials(subject)
    if include_test_fmri:
        trials += [trial for trial in subject.trials if trial.split != "train"]
    return trials


def split_for_selection(
    subject: Subject, selection: Selection = "validation", seed: int = 0, share: float = VALIDATION
) -> tuple[list[Trial], list[Trial]]:
    """Return the trials that stage B learns from, and those that choose its best weights.

    Parameters
    ----------
    subject : Subject
    selection : {"validation", "test"}
        The trials of a random share of the training stimuli, which are then not learned from;
        or the test trials, as published.
    seed : int
        Of the random share.
    share : float
        For the validation.

    Raises
    ------
    DataError
        If there are too few trials.
    """
    train = training_trials(subject)
    if selection == "test":
        test = [trial for trial in subject.trials if trial.split == "test"]
        if not test:
            raise DataError(f"{subject.name}: has no test trials to choose the weights by")
        return train, test
    if len(train) < 2:
        raise DataError(f"{subject.name}: one training trial cannot be split; add more trials")
    shown: dict[str | int, list[Trial]] = {}  # of an unknown stimulus each by itself
    for trial in train:
        shown.setdefault(trial.stimulus_id or trial.index, []).append(trial)
    if len(shown) < 2:
        raise DataError(
            f"{subject.name}: the {len(train):,} training trials show one picture, which cannot "
            "be both learned from and held back; add trials of others"
        )
    groups = list(shown.values())
    held, rest = held_back(len(groups), seed, share)
    fitted, kept = ([trial for i in part.tolist() for trial in groups[i]] for part in (rest, held))
    return fitted, kept


def pictures_on_both_sides(subject: Subject) -> str:
    """Return a line on the training trials whose pictures are tested; empty if there are none."""
    shared = len(shown_in_test(subject.trials))
    if not shared:
        return ""
    n_train = sum(trial.split == "train" for trial in subject.trials)
    return f"{shared:,} of the {n_train:,} training trials show a picture that is tested"


def test_use(
    *,
    saw_test_fmri: bool,
    selection: Selection,
    saw_test_pictures: bool,
    base_knows: str,
    of_base: Sequence[str],
) -> list[str]:
    """Return what a model must say about the use of test trials in its training.

    `base_knows` is a sentence on the test pictures that the model it started from was trained
    with, or empty; `of_base` is what that model says itself: the weights know that, too.
    """
    uses = {
        SAW_TEST_FMRI: saw_test_fmri,
        SAW_TEST_PICTURES: saw_test_pictures,
        SELECTED_ON_TEST: selection == "test",
    }
    own = [said for said, done in uses.items() if done]
    own += [base_knows] if base_knows else []
    return own + [f"of the model that it started from: {said}" for said in of_base]
