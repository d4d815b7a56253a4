"""One decode at a time: whoever asks first goes first."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from itertools import islice
from threading import Condition
from typing import TypeVar

from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.subject import FloatArray
from mindvis_gui.decoding.company import company
from mindvis_gui.decoding.latents import drawing_latents
from mindvis_gui.decoding.request import (
    BatchDecoder,
    DecodeFailure,
    Decoder,
    DecodeRequest,
    DecodeResult,
    ModelInfo,
    Recovery,
    Step,
)

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

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
        return (yield from self._in_turn(request, self._decoder.decode(request)))

    def latents(self, request: DecodeRequest) -> Generator[Step, None, FloatArray]:
        """Draw latents once it is this decode's turn, see `decoding.latents.drawing_latents`."""
        return (yield from self._in_turn(request, drawing_latents(self._decoder, request)))

    def _in_turn(
        self, request: DecodeRequest, items: Generator[_Item, None, _Result]
    ) -> Generator[Step | _Item, None, _Result]:
        """Draw `items` once it is their turn."""
        ticket = self._turns.ask()
        try:
            while not self._turns.wait(ticket, _LOOK):
                yield Step(0, request.sampling.steps)
            return (yield from items)
        finally:
            self._turns.leave(ticket)

    def recover(self, vector: FloatArray, mask: MaskState) -> Recovery:
        """Predict masked voxels; needs no turn."""
        return self._decoder.recover(vector, mask)


class TurnTakingBatchDecoder(TurnTakingDecoder):
    """The same of a decoder that draws several requests at once; so many are one turn."""

    def __init__(self, decoder: BatchDecoder, turns: Turns) -> None:
        super().__init__(decoder, turns)
        self._batches = decoder

    def decode_many(
        self, requests: Iterable[DecodeRequest]
    ) -> Generator[Step | DecodeResult | DecodeFailure]:
        """Decode many requests: see `BatchDecoder.decode_many`."""
        coming = iter(requests)
        for first in coming:
            others = islice(coming, company(self.info, len(first.seeds)) - 1)
            yield from self._in_turn(first, self._batches.decode_many([first, *others]))


def taking_turns(decoder: Decoder, turns: Turns) -> Decoder:
    """Return `decoder` such that its decodes wait for those that were asked before."""
    if isinstance(decoder, BatchDecoder):
        return TurnTakingBatchDecoder(decoder, turns)
    return TurnTakingDecoder(decoder, turns)
