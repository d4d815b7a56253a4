"""Two threads that want one decoder."""

import threading

import numpy as np
import pytest

from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.session.turns import Turns, TurnTakingDecoder


@pytest.fixture
def request_of_all(decoder):
    vector = np.zeros(decoder.info.n_voxels, np.float32)
    return DecodeRequest("tiny", 0, vector, (0,), Sampling(steps=4))


def test_the_second_waits_until_the_first_is_done(decoder, request_of_all):
    turns = Turns()
    first, second = (TurnTakingDecoder(decoder, turns).decode(request_of_all) for _ in range(2))
    assert next(first).index == 1
    assert [next(second).index for _ in range(2)] == [0, 0]  # waiting
    assert len(list(first)) == 3
    assert next(second).index == 1


def test_whoever_stops_waiting_or_decoding_leaves_its_place(decoder, request_of_all):
    turns = Turns()
    first, second, third = (
        TurnTakingDecoder(decoder, turns).decode(request_of_all) for _ in range(3)
    )
    for items in (first, second, third):
        next(items)
    second.close()  # while it waits
    first.close()  # while it decodes
    assert next(third).index == 1


def test_turns_go_round_between_threads():
    turns, order, inside = Turns(), [], []

    def work(name):
        for _ in range(20):
            ticket = turns.ask()
            while not turns.wait(ticket, 5):
                pass
            inside.append(name)
            order.append(len(inside))
            inside.remove(name)
            turns.leave(ticket)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert order == [1] * 40
