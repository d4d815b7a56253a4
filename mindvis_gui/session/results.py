"""What was decoded, and how it compares with what was seen."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from mindvis_gui.analysis.comparison import Comparison, compare
from mindvis_gui.analysis.decoded_trial import protocol
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.request import DecodeResult
from mindvis_gui.jobs import Jobs


class Results(QObject):
    """The newest result of every trial with its scores, and those of the chosen trial.

    Attributes
    ----------
    result : DecodeResult or None
        The newest of the chosen trial.
    comparison : Comparison or None
        Of `result`; scoring runs in the background.
    maps : frozenset of str
        ``"consistency"``, ``"difference"``: shown with the samples.
    """

    result_changed = Signal()
    comparison_changed = Signal()
    maps_changed = Signal()

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._subject: Subject | None = None
        self._trial: int | None = None
        self._results: dict[int, DecodeResult] = {}  # the newest, by trial
        self._comparisons: dict[int, Comparison] = {}
        self.result: DecodeResult | None = None
        self.comparison: Comparison | None = None
        self.maps: frozenset[str] = frozenset()

    def set_subject(self, subject: Subject) -> None:
        """Forget the results of the subject before."""
        self._subject, self._trial = subject, None
        self._results.clear()
        self._comparisons.clear()
        self._look_up()

    def set_trial(self, index: int) -> None:
        """Go over to the results of another trial."""
        self._trial = index
        self._look_up()

    def announce(self) -> None:
        """Tell the listeners, once they know of the other subject or trial."""
        self.result_changed.emit()
        self.comparison_changed.emit()

    def keep(self, result: DecodeResult) -> None:
        """Take in the result of a trial of the open subject, and score it."""
        subject, trial = self._subject, result.request.trial
        assert subject is not None  # opening another one abandons the decodes of the old
        self._results[trial] = result
        self._comparisons.pop(trial, None)
        self._look_up()
        self.announce()
        self._jobs.run(lambda: compare(result, subject), "Scoring", self._set_comparison)

    def alike(self, result: DecodeResult) -> tuple[DecodeResult, ...]:
        """Return the newest results of all trials that were decoded by the protocol of `result`."""
        wanted = protocol(result.request.to_json())
        return tuple(
            self._results[trial]
            for trial in sorted(self._results)
            if protocol(self._results[trial].request.to_json()) == wanted
        )

    def comparison_of(self, result: DecodeResult) -> Comparison | None:
        """Return the scores of a newest result, if they are there yet."""
        known = self._comparisons.get(result.request.trial)
        return known if known is not None and known.result is result else None

    def _look_up(self) -> None:
        self.result = None if self._trial is None else self._results.get(self._trial)
        self.comparison = None if self._trial is None else self._comparisons.get(self._trial)

    def _set_comparison(self, comparison: Comparison) -> None:
        trial = comparison.result.request.trial
        if self._results.get(trial) is not comparison.result:
            return  # decoded again, or another subject was opened, meanwhile
        self._comparisons[trial] = comparison
        if comparison.result is self.result:
            self.comparison = comparison
            self.comparison_changed.emit()

    def set_maps(self, maps: frozenset[str]) -> None:
        """Choose what is shown with the samples."""
        if maps != self.maps:
            self.maps = maps
            self.maps_changed.emit()
