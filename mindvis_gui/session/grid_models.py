"""The models that cells of the grid are drawn with: the loaded one, and others beside it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from mindvis_gui.decoding.request import Decoder
from mindvis_gui.decoding.sampling_settings import NO_GUIDANCE

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a cell has to know of its model."""

    hash: str
    precision: str
    n_patches: int
    guidance: float = NO_GUIDANCE


class GridModels(QObject):
    """Finds models by name, and loads those that are missing."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._others: dict[str, Decoder] = {}  # each may take most of a GPU's memory
        self._wanted: frozenset[str] = frozenset()
        self._stand_in: tuple[str, str] | None = None  # hash and precision

    def facts(self, name: str | None) -> ModelFacts | None:
        """Return what is known of a model, by default the loaded one; None while it is not there.

        Until a model is loaded, the one that opened samples were drawn with stands for it.
        """
        if name is None and self._stand_in is not None:
            mask = self._session.masking.mask
            return ModelFacts(*self._stand_in, 0 if mask is None else mask.n_patches)
        decoder = self._find(name)
        if decoder is None:
            return None
        info = decoder.info
        return ModelFacts(info.hash, info.precision, info.n_patches, info.guidance)

    def _find(self, name: str | None) -> Decoder | None:
        current = self._session.decoder
        if name is None or (current is not None and name == current.info.name):
            return current
        return self._others.get(name)

    @property
    def by_hash(self) -> dict[str, Decoder]:
        """The decoders that are there, by the hash of their weights."""
        current = self._session.decoder
        every = [*self._others.values(), *([current] if current is not None else [])]
        return {decoder.info.hash: decoder for decoder in every}

    def stand_in(self, model_hash: str, precision: str) -> None:
        """Show the samples of a model that is not loaded, until one is."""
        self._stand_in = (model_hash, precision)
        self.changed.emit()

    def forget_stand_in(self) -> None:
        """Go back to the loaded model."""
        self._stand_in = None

    def load(self, names: Sequence[str]) -> None:
        """Load models that are not there yet, in the background, and let go of all others."""
        self._wanted = frozenset(names)
        self._others = {name: one for name, one in self._others.items() if name in self._wanted}
        missing = [name for name in names if self._find(name) is None]
        load = self._session.load_decoder

        def work() -> Generator[tuple[str, Decoder], None, None]:
            for name in missing:
                yield name, load(name)

        if missing:
            title = f"Loading model {missing[0]}"
            self._session.jobs.start(work(), title, lambda _: None, progress=self._keep)

    def _keep(self, loaded: tuple[str, Decoder]) -> None:
        name, decoder = loaded
        if name not in self._wanted:
            return
        subject = self._session.subject
        if subject is not None and not decoder.info.fits(subject.n_voxels):
            self._session.problem.emit(decoder.info.misfit(subject.name, subject.n_voxels))
            return
        self._others[name] = decoder
        self.changed.emit()
