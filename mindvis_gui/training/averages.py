"""Weights that are kept beside those in training: their moving average, and the best so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.errors import TrainingError


class WeightAverage:
    """An exponential moving average of a network's weights, kept on the side.

    The decay grows with the number of updates up to `decay`, so that a short
    training is not held back by its first weights. With a decay of 0 it is the weights.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self._network = network
        self._average = [p.detach().clone() for p in network.parameters()]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the network's present weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self._average, list(self._network.parameters()), 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the network's weights and the average; a second call undoes it."""
        for average, parameter in zip(self._average, self._network.parameters(), strict=True):
            held = parameter.detach().clone()
            parameter.copy_(average)
            average.copy_(held)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the network have the average during the block."""
        self.swap()
        try:
            yield
        finally:
            self.swap()

    def drawing(
        self, draw: Callable[[int], ImageArray] | None
    ) -> Callable[[int], ImageArray] | None:
        """Return a function that lets the network draw with the average; None for none."""
        if draw is None:
            return None

        def averaged(step: int) -> ImageArray:
            with self.in_place():
                return draw(step)

        return averaged

    def state_dict(self) -> dict[str, Any]:
        """Return the average and the number of updates."""
        return {"updates": self.updates, "average": self._average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over an average."""
        self.updates = int(state["updates"])
        for average, saved in zip(self._average, state["average"], strict=True):
            average.copy_(saved)


class Best:
    """The weights with the smallest validation loss so far."""

    def __init__(self, network: nn.Module) -> None:
        self.value = float("inf")
        self._network = network
        self._weights = _copied(network)

    def offer(self, value: float) -> None:
        """Keep the network's present weights if `value` is the smallest so far."""
        if value < self.value:
            self.value, self._weights = value, _copied(self._network)

    def restore(self) -> None:
        """Give the network the best weights.

        Raises
        ------
        TrainingError
            If none were: no value was a number.
        """
        if self.value == float("inf"):
            raise TrainingError(
                "no validation gave a finite number, so no weights are the best; train with a "
                "lower learning rate, or in fp32, in another folder"
            )
        self._network.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """Return the best weights and their loss."""
        return {"value": self.value, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over weights and their loss."""
        self.value, self._weights = float(state["value"]), dict(state["weights"])


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
