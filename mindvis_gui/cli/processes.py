"""A command that several processes share, as ``accelerate launch -m mindvis_gui.cli`` starts them.

Without a launcher there is one process and nothing here needs torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from mindvis_gui.errors import MindVisError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Processes:
    """Which process this is, number `rank` of `count`; the first one writes and speaks."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    @property
    def prefix(self) -> str:
        """Text before what this process complains about; none for the only one."""
        return f"process {self.rank}: " if self.count > 1 else ""

    def gather(self, value: _T) -> list[_T]:
        """Return the values of all processes in their order; every process must call this.

        Raises
        ------
        MindVisError
            If another process has ended.
        """
        if self.count == 1:
            return [value]
        from accelerate.utils import gather_object

        try:
            gathered: list[_T] = gather_object([value])
        except RuntimeError as error:
            raise MindVisError("stopped: another process has ended") from error
        return gathered


def launched() -> Processes:
    """Return which process of how many a launcher has made this one."""
    return Processes(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """Join the other processes, if there are any, for work on `device`."""
    processes = launched()
    if processes.count == 1:
        yield processes
        return
    from accelerate import PartialState

    from mindvis_gui.decoding.device import choose_device

    state = PartialState(cpu=choose_device(device) == "cpu")
    yield processes
    state.destroy_process_group()  # not after an error: the others must see this process end
