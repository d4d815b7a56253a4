"""Names that are suggested for files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.session.collection import Drawn
from mindvis_gui.session.options import Options
from mindvis_gui.views.exports import drawn_name, start_samples


def test_names_of_regions_become_letters_that_every_file_system_takes():
    sampling = Sampling("dpm++", 10, "fp32", 1.0)
    options = Options(3, 7, sampling, ("V1: left?", "hV4"), None, "0" * 64)
    drawn = Drawn(options, {"subject": "Sub 1"}, np.zeros((4, 4, 3), np.uint8))
    assert drawn_name(drawn) == "sub-1_trial-0003_seed-0007_dpmpp-10_v1-left-hv4.png"
    assert drawn_name(drawn) == Path(drawn_name(drawn)).name


@pytest.fixture
def decoded(qtbot, ready):
    """Return a function that decodes in so many steps and exports the samples to a folder."""

    def decode(steps, folder):
        ready.set_sampling(replace(ready.sampling, steps=steps))
        with qtbot.waitSignal(ready.results.result_changed):
            ready.decode()
        qtbot.waitUntil(lambda: ready.idle)
        said = []
        ready.message.connect(said.append)
        ready.problem.connect(said.append)
        start_samples(ready, folder)
        qtbot.waitUntil(lambda: ready.idle)
        return said[-1]

    return decode


def test_samples_are_exported_again_but_over_none_of_another_decode(decoded, ready, tmp_path):
    said = decoded(4, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert said == f"Wrote {len(names)} samples to {tmp_path}"
    written = {name: (tmp_path / name).read_bytes() for name in names}
    (tmp_path / names[0]).unlink()
    assert decoded(4, tmp_path) == said
    (tmp_path / names[0]).unlink()
    said = decoded(6, tmp_path)
    assert names[1] in said
    assert said.endswith("choose another folder")
    del written[names[0]]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == written


def test_samples_are_exported_over_no_picture_of_something_else(decoded, tmp_path):
    (tmp_path / "tiny_trial-0000_seed-0001.png").write_text("a holiday")
    assert "seed-0001.png" in decoded(4, tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["a holiday"]
