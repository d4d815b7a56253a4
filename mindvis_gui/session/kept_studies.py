"""Lesion studies of the window on disk: the same study goes on where it was stopped or closed."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path

from mindvis_gui.analysis.decoded_trial import protocol
from mindvis_gui.analysis.lesion import LesionStudy
from mindvis_gui.analysis.lesion_folder import LesionFolder
from mindvis_gui.analysis.lesion_index import INDEX
from mindvis_gui.data.prepare import Normalisation
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.request import DecodeRequest, ModelInfo
from mindvis_gui.errors import ExportError, MindVisError
from mindvis_gui.files import only_writer

_MOST = 50  # studies that are kept


class KeptStudy:
    """The folder that one study of the window has among those that are kept.

    While it is open, no other window writes there: one that runs the same study reads what was
    done before, and keeps nothing.

    Parameters
    ----------
    root : pathlib.Path
        Where each study has a folder.
    subject : Subject
    model : ModelInfo
    plan : DecodeRequest
        The request without its trial.
    fresh : LesionStudy
        Without trials.

    Attributes
    ----------
    trouble : str
        Why it cannot be kept, or "".
    """

    def __init__(
        self,
        root: Path,
        subject: Subject,
        model: ModelInfo,
        plan: DecodeRequest,
        fresh: LesionStudy,
    ) -> None:
        self._whole, self.trouble = fresh, ""
        self._folder: LesionFolder | None = None
        self._lock = ExitStack()
        self._writes = False
        folder = root / _key(model, plan, fresh)
        try:
            _make_room(root, folder)
            self._folder = LesionFolder(folder, subject, model, plan)
            self._lock.enter_context(only_writer(folder))
            self._writes = True
        except (ExportError, OSError) as error:
            other = isinstance(error.__cause__, BlockingIOError)
            self.trouble = "another window runs the same one" if other else str(error)

    def close(self) -> None:
        """Let other windows write there."""
        self._lock.close()

    def added_to(
        self, study: LesionStudy, normalisation: Normalisation, trials: Collection[int]
    ) -> LesionStudy:
        """Return `study` with those of some trials that it lacks and that are kept."""
        if self._folder is not None:
            # Damaged, of other responses or other packages: it begins anew.
            with suppress(MindVisError):
                self._whole = self._folder.resume(self._whole, normalisation)
        missing = set(trials) - {each.trial for each in study.trials}
        for each in self._whole.trials:
            study = study.with_trial(each) if each.trial in missing else study
        return study

    def keep(self, study: LesionStudy) -> None:
        """Write the trials of a study, and those that were there before."""
        if self._folder is None or not self._writes:
            return
        by_number = {each.trial: each for each in (*self._whole.trials, *study.trials)}
        trials = tuple(by_number[number] for number in sorted(by_number))
        self._whole = replace(study, trials=trials)
        try:
            self._folder.keep(self._whole)
        except ExportError as error:
            self._folder, self.trouble = None, str(error)


def _key(model: ModelInfo, plan: DecodeRequest, study: LesionStudy) -> str:
    """Tell studies apart; whether the responses are the same is told by each trial."""
    told = [
        plan.subject,
        model.hash,
        protocol(plan.to_json()),
        list(study.seeds),
        [lesion.to_json() for lesion in study.lesions],
        [asdict(score) for score in study.scores],
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def _make_room(root: Path, folder: Path) -> None:
    """Throw away the studies that nobody went on with for the longest, but never `folder`."""
    others = [path for path in root.glob(f"*/{INDEX}") if path.parent != folder]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[_MOST - 1 :]:
        shutil.rmtree(path.parent, ignore_errors=True)
