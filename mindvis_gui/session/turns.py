"""One decode at a time: whoever asks first goes first."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from threading import Condition

from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.subject import FloatArray
from mindvis_gui.decoding.request import (
    Decoder,
    DecodeRequest,
    DecodeResult,
    ModelInfo,
    Recovery,
    Step,
)

_LOOK = 0.05  # s between two chances to stop waiting


class Turns:
    """The order in which threads use a decoder."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._waiting: deque[object] = deque()

    def ask(self) -> object:
        """Return a ticket, behind those that were asked for before."""
        ticket = object()
        with self._condition:
            self._waiting.append(ticket)
        return ticket

    def wait(self, ticket: object, seconds: float) -> bool:
        """Wait for the ticket's turn, but no longer than `seconds`; return whether it has come."""
        with self._condition:
            return self._condition.wait_for(lambda: self._waiting[0] is ticket, seconds)

    def leave(self, ticket: object) -> None:
        """Give the turn, or the place among those that wait, to the next."""
        with self._condition:
            self._waiting.remove(ticket)
            self._condition.notify_all()


class TurnTakingDecoder:
    """A decoder whose decodes wait for their turn; waiting is a step at which they can stop."""

    def __init__(self, decoder: Decoder, turns: Turns) -> None:
        self._decoder, self._turns = decoder, turns

    @property
    def info(self) -> ModelInfo:
        """What the model is and needs."""
        return self._decoder.info

    def decode(self, request: DecodeRequest) -> Generator[Step, None, DecodeResult]:
        """Draw the samples once it is this decode's turn."""
        ticket = self._turns.ask()
        try:
            while not self._turns.wait(ticket, _LOOK):
                yield Step(0, request.sampling.steps)
            return (yield from self._decoder.decode(request))
        finally:
            self._turns.leave(ticket)

    def recover(self, vector: FloatArray, mask: MaskState) -> Recovery:
        """Predict masked voxels; needs no turn."""
        return self._decoder.recover(vector, mask)
