"""What the demo model draws does not depend on the number of threads that PyTorch takes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mindvis_gui.data import open_subject
from mindvis_gui.data.prepare import measure_normalisation, prepare
from mindvis_gui.decoding.device import choose_precision
from mindvis_gui.decoding.models import load_decoder
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sampling_settings import PRESETS
from mindvis_gui.steps import finish


@pytest.fixture(scope="module")
def demo():
    return open_subject("demo")


@pytest.fixture(scope="module")
def decoder():
    return load_decoder("demo", device="cpu")


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_samples_have_the_same_bytes_on_any_number_of_threads(demo, decoder, threads, precision):
    if precision == "bf16" and choose_precision("auto", "cpu") != "bf16":
        pytest.skip("a CPU without bf16")
    trial = demo.trials[0]
    vector = prepare(demo, trial, measure_normalisation(demo))
    sampling = replace(PRESETS["fast"], precision=precision)
    request = DecodeRequest(demo.name, trial.index, vector, (0, 1, 2), sampling)
    latents, pictures = [], []
    for number in (1, 2):
        threads(number)
        latents.append(finish(decoder.latents(request)))
        result = finish(decoder.decode(request))
        pictures.append(np.stack([sample.image for sample in result.samples]))
    assert np.array_equal(*latents)
    assert np.array_equal(*pictures)
