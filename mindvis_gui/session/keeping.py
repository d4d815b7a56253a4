"""Where results go, and how samples that were drawn before become results again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from mindvis_gui.data.prepare import Normalisation, prepare
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.request import DecodeRequest, DecodeResult, ModelInfo, Sample
from mindvis_gui.session.collection import Drawn
from mindvis_gui.session.differing import differences
from mindvis_gui.session.options import Options, request_from_json
from mindvis_gui.wording import counted

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session


class Keeping(QObject):
    """Hands each result to history, collection and, where it belongs there, to the results.

    `Results` holds what the images show, the collection every sample; a thousand results of other
    trials wait on disk until their trial is chosen.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._wanted: DecodeRequest | None = None
        session.queue.decoded.connect(self._keep)
        session.results.comparison_changed.connect(self._take_scores)
        # Once for changes that come together, and when everybody knows of them.
        self._following = QTimer(self, singleShot=True, interval=0)
        self._following.timeout.connect(self.recall_trial)
        for signal in (
            session.options_changed,
            session.rois_changed,
            session.masking.mask_changed,
            session.model_changed,
        ):
            signal.connect(self._following.start)

    def want(self, request: DecodeRequest) -> None:
        """Show the result of this request once it is there."""
        self._wanted = request

    def _keep(self, result: DecodeResult, info: ModelInfo) -> None:
        session = self._session
        session.message.emit(_told(result))
        if session.subject is not None:
            session.history.add(result, info, session.subject.source)
        on_disk = session.collection.add(result, info)
        chosen = session.trial is not None and result.request.trial == session.trial.index
        if self._belongs_to_the_images(result) if chosen else not on_disk:
            session.results.keep(result)

    def _belongs_to_the_images(self, result: DecodeResult) -> bool:
        """Whether it was asked for by `want`; what the grid asked for comes only where none is.

        A cell that is drawn again must not take the place of all samples of its trial.
        """
        wanted = self._wanted
        if self._session.results.result is None or wanted is None:
            return True
        same = Options.of(wanted.to_json(), 0) == Options.of(result.request.to_json(), 0)
        return same and set(result.request.seeds) <= set(wanted.seeds)

    def _take_scores(self) -> None:
        if self._session.results.comparison is not None:
            self._session.collection.take(self._session.results.comparison)

    def recall(self, drawn: Sequence[Drawn]) -> None:
        """Choose the trial of samples that were drawn before, and show them."""
        if drawn:
            self._session.set_trial(drawn[0].options.trial)
            self._read(drawn)

    def recall_trial(self) -> None:
        """Show the chosen trial's samples drawn as is set now; if there are none, the newest."""
        session, trial = self._session, self._session.trial
        if trial is None or not session.collection.newest(trial.index):
            return
        shown = session.results.result
        if shown is None or differences(session, shown.request):
            drawn = self._as_set_now()
            if drawn or shown is None:
                self._read(drawn or session.collection.newest(trial.index))

    def _as_set_now(self) -> list[Drawn]:
        """Return the samples of all seeds drawn as is set now; empty unless all are there."""
        session = self._session
        first = session.grid.options().options
        if first is None:
            return []
        seeds = range(session.first_seed, session.first_seed + session.n_samples)
        found = [session.collection.get(replace(first, seed=seed)) for seed in seeds]
        drawn = [each for each in found if each is not None]
        return drawn if len(drawn) == len(found) else []

    def _read(self, drawn: Sequence[Drawn]) -> None:
        session = self._session
        subject, normalisation = session.subject, session.normalisation
        if not drawn or subject is None or normalisation is None:
            return

        def show(result: DecodeResult | None) -> None:
            at = None if session.trial is None else session.trial.index
            if result and result.request.trial == at and session.is_open(subject):
                session.results.keep(result)

        session.jobs.run(lambda: recalled(drawn, subject, normalisation), "", show)


def recalled(
    drawn: Sequence[Drawn], subject: Subject, normalisation: Normalisation
) -> DecodeResult | None:
    """Return samples of one request as a result; None when no picture is there any more.

    Raises
    ------
    DataError
        If they were decoded from another response than the subject has.
    """
    read = [(each, each.picture()) for each in drawn]
    samples = tuple(Sample(image, each.options.seed) for each, image in read if image is not None)
    if not samples:
        return None
    values = drawn[0].request
    trial = subject.trials[drawn[0].options.trial]
    vector = prepare(subject, trial, normalisation, drawn[0].options.rois)
    request = request_from_json(values, vector, tuple(sample.seed for sample in samples))
    return DecodeResult(request, samples, 0.0)


def _told(result: DecodeResult) -> str:
    count, n_found = len(result.samples), len(result.found)
    samples = counted(count, "sample")
    if n_found == count:
        return f"{samples} from the cache"
    some = f", {n_found} of them from the cache" if n_found else ""
    return f"{samples} in {result.seconds:.1f} s{some}"
