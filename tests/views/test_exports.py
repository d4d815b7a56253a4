"""Names that are suggested for files."""

from pathlib import Path

import numpy as np

from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.session.collection import Drawn
from mindvis_gui.session.options import Options
from mindvis_gui.views.exports import drawn_name


def test_names_of_regions_become_letters_that_every_file_system_takes():
    sampling = Sampling("dpm++", 10, "fp32", 1.0)
    options = Options(3, 7, sampling, ("V1: left?", "hV4"), None, "0" * 64)
    drawn = Drawn(options, {"subject": "Sub 1"}, np.zeros((4, 4, 3), np.uint8))
    assert drawn_name(drawn) == "sub-1_trial-0003_seed-0007_dpmpp-10_v1-left-hv4.png"
    assert drawn_name(drawn) == Path(drawn_name(drawn)).name
