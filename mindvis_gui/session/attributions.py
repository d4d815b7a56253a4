"""What the model looked at: the attribution of a chosen sample, as an overlay on the brain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from mindvis_gui.data.attribution import (
    MEANING,
    NAMES,
    UNIT,
    Attribution,
    Method,
    RegionShare,
    by_region,
    write_maps,
)
from mindvis_gui.decoding.request import Attributor, Step
from mindvis_gui.job import Job
from mindvis_gui.session.overlays import ATTRIBUTION, DIVERGING, SEQUENTIAL, Look, Overlay

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session

_LIMIT = 99  # percentile of the values without signs, at the ends of the colours


class Attributions(QObject):
    """Attributes one sample at a time in the background.

    Attributes
    ----------
    found : Attribution or None
        The newest of the chosen trial.
    progress : Step or None
        None while nothing runs.
    """

    changed = Signal()
    progressed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._job: Job | None = None
        self.found: Attribution | None = None
        self.progress: Step | None = None
        session.subject_changed.connect(self.forget)
        session.model_changed.connect(self.forget)
        session.trial_changed.connect(self.forget)

    @property
    def running(self) -> bool:
        """Whether a sample is being attributed."""
        return self._job is not None

    @property
    def regions(self) -> list[RegionShare]:
        """What each region has of the map; empty without one."""
        subject = self._session.subject
        if self.found is None or subject is None:
            return []
        return by_region(self.found.values, subject)

    def start(self, seed: int, method: Method) -> None:
        """Attribute the sample of `seed`, of the newest decode of the chosen trial."""
        session = self._session
        result, decoder = session.results.result, session.decoder
        if self.running or decoder is None:
            return
        samples = [] if result is None else [s for s in result.samples if s.seed == seed]
        if result is None or not samples:
            session.problem.emit("decode the trial first, then choose one of its samples")
        elif not isinstance(decoder, Attributor):
            session.problem.emit(f"model {decoder.info.name} cannot say what its samples rest on")
        elif result.request.model_hash != decoder.info.hash:
            session.problem.emit(
                f"the samples are of model {result.request.model}, which is not loaded any more; "
                "decode the trial again"
            )
        else:
            self._job = session.jobs.start(
                decoder.attribute(result.request, samples[0], method),
                NAMES[method],
                self._keep,
                progress=self._report,
                ended=self._end,
            )
            self.progressed.emit()

    def stop(self) -> None:
        """Stop before the next step."""
        if self._job is not None:
            self._job.cancel()

    def forget(self) -> None:
        """Drop the map: it was of another trial, subject or model."""
        self.stop()
        if self.found is not None:
            self.found = None
            self._session.overlays.remove(ATTRIBUTION)
            self.changed.emit()

    def _keep(self, found: Attribution) -> None:
        session = self._session
        subject = session.subject
        if session.trial is None or session.trial.index != found.trial or subject is None:
            return  # gone over to another one meanwhile
        if found.values.size != subject.n_voxels:
            return
        self.found = found
        limit = float(np.percentile(np.abs(found.values), _LIMIT)) or 1.0
        signed = found.method == "gradients"
        look = Look(
            colour_map=DIVERGING if signed else SEQUENTIAL,
            low=-limit if signed else 0.0,
            high=limit,
            opacity=0.9,
        )
        # A map of another kind needs another look than the one before.
        session.overlays.remove(ATTRIBUTION)
        session.overlays.put(
            Overlay(
                ATTRIBUTION,
                f"{NAMES[found.method]}, seed {found.seed}",
                found.values,
                unit=UNIT,
                look=look,
                note=f"Trial {found.trial}, seed {found.seed}: {MEANING[found.method]}",
            )
        )
        session.overlays.choose(ATTRIBUTION)
        where = "listed by region" if session.brain.grid is None else "on the brain"
        session.message.emit(f"{NAMES[found.method]} of seed {found.seed} is {where}")
        self.changed.emit()

    def _report(self, step: Step) -> None:
        self.progress = step
        self.progressed.emit()

    def _end(self) -> None:
        self._job, self.progress = None, None
        self.progressed.emit()

    def start_export(self, path: Path) -> None:
        """Write the map as NIfTI in the background."""
        found, subject = self.found, self._session.subject
        if found is None or subject is None:
            return
        text = f"mindvis: {NAMES[found.method]}, trial {found.trial}, seed {found.seed}"
        self._session.jobs.run(
            lambda: write_maps([found.values], subject, path, text),
            f"Writing {path.name}",
            lambda _: self._session.message.emit(f"Map written to {path}"),
        )
