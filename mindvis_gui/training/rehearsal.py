"""Pictures without responses that are learned beside the trials of stage B."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Generator, Tensor

from mindvis_gui.training.label_ldm import DrawPictures, PictureObjective
from mindvis_gui.training.loop import Batch

_REHEARSED = "rehearsed "  # what names of rows of pictures begin with


@dataclass(frozen=True, eq=False, slots=True)
class Rehearsal:
    """Pictures without responses that the U-Net goes on learning from in stage B.

    A thousand trials teach a whole U-Net their own pictures and let it forget others.

    Attributes
    ----------
    objective : PictureObjective
    draw : DrawPictures
    each : int
        Pictures a trial.
    """

    objective: PictureObjective
    draw: DrawPictures
    each: int = 2

    def rows(self, number: int, generator: Generator) -> Batch:
        """Draw the pictures that go with so many trials, (number, each, …) of everything."""
        batch = self.objective.batch(*self.draw(number * self.each, generator), generator)
        return {
            f"{_REHEARSED}{name}": value.view(number, self.each, *value.shape[1:])
            for name, value in batch.items()
        }

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean loss of the pictures in `batch`."""
        own = {name: rows for name, rows in batch.items() if name.startswith(_REHEARSED)}
        return self.objective.loss(
            {name.removeprefix(_REHEARSED): rows.flatten(0, 1) for name, rows in own.items()}
        )
