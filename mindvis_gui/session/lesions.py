"""Lesion studies in the window: what is left out, the study so far, and the newest samples."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from mindvis_gui.analysis.decoded_trial import DecodedTrial, protocol
from mindvis_gui.analysis.lesion import Effects, LesionStudy, Progress, run_study
from mindvis_gui.analysis.lesion_folder import LesionFolder
from mindvis_gui.analysis.lesion_plan import check_seen, plan_lesions, without_whole_regions
from mindvis_gui.analysis.lesion_scores import LesionScorer
from mindvis_gui.analysis.networks import Network
from mindvis_gui.data.lesion import Lesion, Method
from mindvis_gui.data.prepare import Normalisation
from mindvis_gui.data.subject import Recording, Subject, Trial
from mindvis_gui.decoding.request import Decoder, DecodeRequest, DecodeResult, ModelInfo
from mindvis_gui.decoding.versions import installed_versions
from mindvis_gui.errors import MindVisError, RequestError, UnavailableError
from mindvis_gui.files import only_writer
from mindvis_gui.job import Job
from mindvis_gui.session.kept_studies import KeptStudy
from mindvis_gui.session.results import ClassifierLoader
from mindvis_gui.wording import counted

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session

EACH_REGION, UNUSED_REGIONS, MASKED_PATCHES = "each region", "unused regions", "masked patches"
KINDS = (EACH_REGION, UNUSED_REGIONS, MASKED_PATCHES)


@dataclass(frozen=True, eq=False, slots=True)
class _Asked:
    """What a study was asked for; `plan` is the request without its trial."""

    subject: Subject
    decoder: Decoder
    normalisation: Normalisation
    plan: DecodeRequest
    lesions: tuple[Lesion, ...]
    trials: tuple[Trial, ...]
    notes: tuple[str, ...]


class Lesions(QObject):
    """Runs one study after the other in the background; the same study again goes on.

    Attributes
    ----------
    study : LesionStudy or None
        So far.
    effects : mapping
        Of `study`, by lesion and score.
    results : mapping of str to DecodeResult
        Samples of the trial that was finished last, by lesion.
    progress : Progress or None
        None while nothing runs.
    stopping : bool
        Whether the study that runs was told to stop.
    folder : pathlib.Path or None
        Where studies are kept as they go; without it they are forgotten with the session.
    """

    changed = Signal()  # study, effects and results
    progressed = Signal()

    def __init__(
        self, session: Session, load_classifiers: ClassifierLoader, folder: Path | None = None
    ) -> None:
        super().__init__(session)
        self._session = session
        self._job: Job | None = None
        self._scorer: tuple[Recording, str, LesionScorer] | None = None  # the newest, of what
        self._asked: _Asked | None = None  # newest; None once nobody wants it any more
        self._shown: _Asked | None = None  # of which `study` is
        self._load_classifiers = load_classifiers
        self.study: LesionStudy | None = None
        self.effects: Effects = {}
        self.results: Mapping[str, DecodeResult] = {}
        self.progress: Progress | None = None
        self.stopping = False
        self.folder = folder
        session.subject_changed.connect(self.forget)
        session.model_changed.connect(self.forget)

    @property
    def running(self) -> bool:
        """Whether a study runs, one that was told to stop included."""
        return self._job is not None

    @property
    def n_asked(self) -> int:
        """Trials that the newest study was asked for."""
        return 0 if self._asked is None else len(self._asked.trials)

    def decoded(self) -> DecodedTrial | None:
        """Return how the samples of `study` were decoded; None without a study."""
        of = self._shown
        if of is None:
            return None
        request = protocol(of.plan.to_json())
        return DecodedTrial.without_samples(request, of.subject.simulated, installed_versions())

    def forget(self) -> None:
        """Stop, and drop the study: it was of another subject or model."""
        self.stop()
        self._asked = self._shown = self._scorer = None
        self._set(None, {}, {})

    def start(self, kind: str, method: Method, trials: list[Trial]) -> None:
        """Leave something out of some trials and decode them, with the session's seeds.

        Parameters
        ----------
        kind : str
            One of `KINDS`.
        method : {"zero", "recover", "noise"}
        trials : list of Trial

        What is missing or makes no sense is a `Session.problem`.
        """
        session = self._session
        if self.running:
            session.problem.emit("a lesion study runs already; stop it first")
            return
        try:
            plan = replace(session.request(), rois=None, mask=None)
            lesions = self._lesions(kind, method)
            passed_over = self._passed_over(kind)
        except MindVisError as error:
            session.problem.emit(str(error))
            return
        subject, decoder, normalisation = session.subject, session.decoder, session.normalisation
        assert subject is not None  # or there were no request
        assert decoder is not None
        assert normalisation is not None
        self._asked = _Asked(
            subject, decoder, normalisation, plan, lesions, tuple(trials), passed_over
        )
        self._job = session.jobs.start(
            self._run(self._asked, self.study, self.results),
            "Lesion study",
            self._finish,
            progress=self._report,
            ended=self._end,
        )
        self.progressed.emit()

    def stop(self) -> None:
        """Stop before the next step; trials that are finished stay."""
        if self._job is not None:
            self._job.cancel()
            self.stopping = True
            self.progressed.emit()

    def _lesions(self, kind: str, method: Method) -> tuple[Lesion, ...]:
        session = self._session
        subject, mask = session.subject, session.masking.mask
        assert subject is not None
        if kind == EACH_REGION:
            return plan_lesions(subject, None, method)
        if kind == UNUSED_REGIONS:
            unused = [roi.name for roi in subject.rois if roi.name not in session.used_rois]
            if not unused:
                raise RequestError("every region is used; untick those to leave out")
            return plan_lesions(subject, {" + ".join(unused): unused}, method)
        if mask is None or mask.kept.all():
            raise RequestError("no patch is masked; draw or paint a mask to leave out")
        lesion = Lesion.of_patches(mask, session.masking.patch_size, subject.n_voxels, method)
        lesion.check(subject.n_voxels)
        return (lesion,)

    def _passed_over(self, kind: str) -> tuple[str, ...]:
        """Say which regions are not left out since nothing would be left."""
        subject = self._session.subject
        if kind != EACH_REGION or subject is None:
            return ()
        return without_whole_regions(subject)

    def _run(
        self, asked: _Asked, before: LesionStudy | None, shown: Mapping[str, DecodeResult]
    ) -> Generator[tuple[Progress, Effects | None], None, str]:
        """Continue the study in the background; effects are computed there too.

        `before` is the study so far, which may be another, and `shown` its pictures.
        Returns why it could not be kept, if so.
        """
        subject, decoder, plan = asked.subject, asked.decoder, asked.plan
        yield Progress(0, 1, "looking at the stimuli"), None
        check_seen(subject, asked.trials)
        scorer = self._scorer_of(subject, decoder.info)
        notes = (*scorer.notes, *asked.notes)
        fresh = LesionStudy(asked.lesions, scorer.scores, plan.seeds, plan.sampling, notes=notes)
        study = fresh
        if before is not None and before.continues(fresh):
            study = replace(before, notes=notes)
        kept = None
        with ExitStack() as stack:
            if self.folder is not None:
                kept = KeptStudy(self.folder, subject, decoder.info, plan, fresh)
                stack.enter_context(closing(kept))
                n_before = len(study.trials)
                # One is decoded in any case, for its pictures.
                wanted = {trial.index for trial in asked.trials[:-1]}
                study = kept.added_to(study, asked.normalisation, wanted)
                if len(study.trials) > n_before:
                    pictures = shown if n_before else None
                    what = "going on with what was done before"
                    yield Progress(0, 1, what, study, pictures), study.effects()
            taking_turns = self._session.taking_turns(decoder)
            for step in run_study(
                taking_turns, subject, asked.normalisation, plan, asked.trials, study, scorer
            ):
                if step.study is not None and kept is not None:
                    kept.keep(step.study)
                yield step, None if step.study is None else step.study.effects()
        return "" if kept is None else kept.trouble

    def _scorer_of(self, subject: Subject, info: ModelInfo) -> LesionScorer:
        """Return the scorer made before, or make one; editing regions needs no other."""
        if self._scorer is not None:
            recording, model, scorer = self._scorer
            if recording is subject.recording and model == info.hash:
                return scorer
        scorer = LesionScorer(subject, self._judge(subject, info))
        self._scorer = (subject.recording, info.hash, scorer)
        return scorer

    def _judge(self, subject: Subject, info: ModelInfo) -> Network | None:
        """Return what names categories, if the model brings it."""
        try:
            return self._load_classifiers(subject, info).get("category")
        except UnavailableError:
            return None

    def _report(self, item: tuple[Progress, Effects | None]) -> None:
        if self._asked is None:
            return  # another subject was opened, or another model loaded, meanwhile
        self.progress, effects = item
        if self.progress.study is not None:
            self._shown = self._asked
            self._set(self.progress.study, effects or {}, self.progress.results or {})
        self.progressed.emit()

    def _finish(self, trouble: str) -> None:
        if self.study is None:
            return
        failed = self.study.failed
        if failed:
            trial, why = next(iter(failed.items()))
            self._session.problem.emit(
                f"{counted(len(failed), 'trial')} failed: trial {trial}: {why}"
            )
        elif trouble:
            self._session.problem.emit(f"the lesion study is not saved by itself: {trouble}")
        else:
            n = len(self.study.trials)
            self._session.message.emit(f"Lesion study: {counted(n, 'trial')}")

    def _end(self) -> None:
        self._job, self.progress, self.stopping = None, None, False
        self.progressed.emit()

    def _set(
        self, study: LesionStudy | None, effects: Effects, results: Mapping[str, DecodeResult]
    ) -> None:
        self.study, self.effects, self.results = study, effects, results
        self.changed.emit()

    def start_export(self, folder: Path) -> None:
        """Write `lesion.json` and the tables of the study in the background.

        A folder that holds trials of this study gets the others; one of another study, or that
        somebody writes to, is a `Session.problem`.
        """
        study, of = self.study, self._shown
        if study is None or of is None:
            return

        def write() -> int:
            with only_writer(folder):
                target = LesionFolder(folder, of.subject, of.decoder.info, of.plan)
                whole = target.joined(study, of.normalisation)
                target.keep(whole)
                target.write_tables(whole)
            return len(whole.trials)

        self._session.jobs.run(
            write,
            f"Writing {folder.name}",
            lambda n: self._session.message.emit(
                f"Lesion study of {counted(n, 'trial')} written to {folder}"
            ),
        )
