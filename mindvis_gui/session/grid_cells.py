"""What is in a cell of the grid: the session's options, of which some are changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.region_shapes import made_hashes
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import RequestError
from mindvis_gui.session.axes import NONE, regions_in
from mindvis_gui.session.axis_values import own_rois
from mindvis_gui.session.grid_models import GridModels
from mindvis_gui.session.options import Options, other_of

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session


@dataclass(frozen=True, slots=True)
class Cell:
    """The options of one cell, or why there can be no sample."""

    options: Options | None
    reason: str = ""


class GridCells:
    """Makes cells of the session's options.

    Attributes
    ----------
    masks : dict of tuple of int to MaskState
        Of all cells that were made, by the patches that they mask.
    """

    def __init__(self, session: Session, models: GridModels) -> None:
        self._session, self._models = session, models
        self.masks: dict[tuple[int, ...], MaskState] = {}

    def cell(self, changed: Mapping[str, Any]) -> Cell:
        """Return a cell where some options are changed, by the keys of `OPTIONS`."""
        session, subject = self._session, self._session.subject
        if subject is None or session.trial is None:
            return Cell(None, "no subject")
        model = self._models.facts(changed.get("model"))
        if model is None:
            return Cell(None, "model not loaded" if "model" in changed else "no model")
        sampling, mask = session.sampling, session.masking.mask
        try:
            sampling = Sampling(
                changed.get("sampler", sampling.sampler),
                changed.get("steps", sampling.steps),
                sampling.precision,
                changed.get("guidance", sampling.guidance),
            ).resolved(model.precision, model.guidance)
        except RequestError:
            return Cell(None, "PLMS needs steps\nthat divide 1000")
        rois = session.request_rois
        if changed.get("roi", NONE) != NONE:
            known = own_rois(subject)
            left_out = regions_in(changed["roi"], known)
            rois = tuple(name for name in known if name not in left_out)
            if not rois:
                return Cell(None, "no region left")
        mask = mask if session.masking.applied else None
        if "mask" in changed:
            mask = self._drawn_mask(model.n_patches, changed["mask"]) if changed["mask"] else None
        masked = None if mask is None else self.remember(mask)
        options = Options(
            trial=changed.get("trial", session.trial.index),
            seed=changed.get("seed", session.first_seed),
            sampling=sampling,
            rois=rois,
            masked=masked,
            model_hash=model.hash,
            other=other_of(dict(made_hashes(subject.rois, rois))),
        )
        return Cell(options)

    def remember(self, mask: MaskState) -> tuple[int, ...]:
        """Keep a mask for decoding; returns the patches that it masks."""
        masked = tuple((~mask.kept).nonzero()[0].tolist())
        self.masks[masked] = mask
        return masked

    def _drawn_mask(self, n_patches: int, ratio: float) -> MaskState:
        shown = self._session.masking.mask
        seed = 0 if shown is None or shown.seed is None else shown.seed
        return MaskState.random(n_patches, ratio, seed)
