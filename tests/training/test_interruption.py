"""What a run does with signals."""

import os
import signal

import pytest

from mindvis_gui.training.interruption import stop_request


def test_sigterm_twice_stops_no_sooner():
    with stop_request() as stop:
        try:
            os.kill(os.getpid(), signal.SIGTERM)  # the scheduler's
            assert stop.made
            os.kill(os.getpid(), signal.SIGTERM)  # the launcher's
        except KeyboardInterrupt:
            pytest.fail("a step or a checkpoint would have been cut short")


def test_ctrl_c_twice_stops_now():
    with stop_request() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.made
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
