"""What was decoded, and how it compares with what was seen."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from mindvis_gui.analysis.comparison import Comparison, compare
from mindvis_gui.analysis.networks import Network
from mindvis_gui.analysis.recognition import Recognition, recognise
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.request import DecodeResult, ModelInfo
from mindvis_gui.errors import UnavailableError
from mindvis_gui.jobs import Jobs

_MOST = 32  # trials besides the chosen one, some MB each

ClassifierLoader = Callable[[Subject, ModelInfo], Mapping[str, Network]]
"""Returns classifiers by what they name: ``class``, ``concept``, ``category``.

Called in a background thread; raises `UnavailableError` where no classifier makes sense.
"""


def no_classifiers(subject: Subject, model: ModelInfo) -> Mapping[str, Network]:
    """Stand for classifiers where there are none."""
    raise UnavailableError("no classifier")


@dataclass(frozen=True, eq=False, slots=True)
class Recognitions:
    """What classifiers see in the pictures of a trial, or why none has looked (`missing`)."""

    found: tuple[Recognition, ...] = ()
    missing: str = ""


class Results(QObject):
    """The newest results with their scores, one a trial, and those of the chosen trial.

    Of many trials the ones before are forgotten; `Keeping` reads them again when they are chosen.

    Attributes
    ----------
    result : DecodeResult or None
        The newest of the chosen trial.
    comparison : Comparison or None
        Of `result`; scoring runs in the background.
    recognitions : Recognitions or None
        Of `result`, after the comparison: a classifier has to be loaded first.
    test_use : tuple of str
        In what ways training of the model that made `result` has made use of test trials.
    maps : frozenset of str
        ``"consistency"``, ``"difference"``: shown with the samples.
    """

    result_changed = Signal()
    comparison_changed = Signal()
    recognitions_changed = Signal()
    maps_changed = Signal()

    def __init__(
        self,
        jobs: Jobs,
        load_classifiers: ClassifierLoader = no_classifiers,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._load_classifiers = load_classifiers
        self._subject: Subject | None = None
        self._model: ModelInfo | None = None
        self._trial: int | None = None
        self._results: dict[int, DecodeResult] = {}  # the newest, by trial
        self._comparisons: dict[int, Comparison] = {}
        self._recognitions: dict[int, Recognitions] = {}
        self.result: DecodeResult | None = None
        self.comparison: Comparison | None = None
        self.recognitions: Recognitions | None = None
        self.maps: frozenset[str] = frozenset()

    def set_subject(self, subject: Subject) -> None:
        """Forget the results of the subject before."""
        self._subject, self._trial = subject, None
        self._results.clear()
        self._comparisons.clear()
        self._recognitions.clear()
        self._look_up()

    def set_trial(self, index: int) -> None:
        """Go over to the results of another trial."""
        self._trial = index
        self._look_up()

    def announce(self) -> None:
        """Tell the listeners, once they know of the other subject or trial."""
        self.result_changed.emit()
        self.comparison_changed.emit()
        self.recognitions_changed.emit()

    @property
    def test_use(self) -> tuple[str, ...]:
        """What has to be said beside every score of the chosen trial's result."""
        decoded_by = None if self.result is None else self.result.request.model_hash
        known = self._model is not None and self._model.hash == decoded_by
        return self._model.test_use if self._model is not None and known else ()

    def set_model(self, model: ModelInfo) -> None:
        """Know the model that may bring classifiers of its pictures."""
        self._model = model

    def keep(self, result: DecodeResult) -> None:
        """Take in the result of a trial of the open subject, and score it."""
        subject, trial = self._subject, result.request.trial
        assert subject is not None  # opening another one abandons the decodes of the old
        self._forget(trial)
        self._results[trial] = result
        for other in [each for each in self._results if each != self._trial][:-_MOST]:
            self._forget(other)
        self._look_up()
        self.announce()
        self._jobs.start(
            _score(result, subject, self._model, self._load_classifiers),
            "Scoring",
            lambda recognitions: self._set_recognitions(result, recognitions),
            progress=self._set_comparison,
        )

    def _forget(self, trial: int) -> None:
        for known in (self._results, self._comparisons, self._recognitions):
            known.pop(trial, None)

    def comparison_of(self, result: DecodeResult) -> Comparison | None:
        """Return the scores of a newest result, if they are there yet."""
        known = self._comparisons.get(result.request.trial)
        return known if known is not None and known.result is result else None

    def _look_up(self) -> None:
        self.result = None if self._trial is None else self._results.get(self._trial)
        self.comparison = None if self._trial is None else self._comparisons.get(self._trial)
        self.recognitions = None if self._trial is None else self._recognitions.get(self._trial)

    def _set_comparison(self, comparison: Comparison) -> None:
        trial = comparison.result.request.trial
        if self._results.get(trial) is not comparison.result:
            return  # decoded again, or another subject was opened, meanwhile
        self._comparisons[trial] = comparison
        if comparison.result is self.result:
            self.comparison = comparison
            self.comparison_changed.emit()

    def _set_recognitions(self, result: DecodeResult, recognitions: Recognitions) -> None:
        trial = result.request.trial
        if self._results.get(trial) is not result:
            return
        self._recognitions[trial] = recognitions
        if result is self.result:
            self.recognitions = recognitions
            self.recognitions_changed.emit()

    def set_maps(self, maps: frozenset[str]) -> None:
        """Choose what is shown with the samples."""
        if maps != self.maps:
            self.maps = maps
            self.maps_changed.emit()


def _score(
    result: DecodeResult,
    subject: Subject,
    model: ModelInfo | None,
    load_classifiers: ClassifierLoader,
) -> Generator[Comparison, None, Recognitions]:
    """Yield the comparison of pixels, which is quick, and return what classifiers see."""
    yield compare(result, subject)
    stimulus = subject.stimulus(subject.trials[result.request.trial])
    if stimulus is None:
        return Recognitions(missing="there is no stimulus to recognise")
    if model is None or model.hash != result.request.model_hash:
        return Recognitions(missing="the model that decoded this is not loaded")
    try:
        networks = load_classifiers(subject, model)
    except UnavailableError as error:
        return Recognitions(missing=str(error))
    return Recognitions(
        tuple(recognise(result, stimulus, kind, network) for kind, network in networks.items())
    )
