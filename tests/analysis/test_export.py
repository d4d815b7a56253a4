import contextlib
import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mindvis_gui.analysis.export import read_request, write_sample, write_stimulus
from mindvis_gui.data.mask import MaskState
from mindvis_gui.errors import DataError, ExportError
from mindvis_gui.version import __version__


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_sample_comes_back_with_its_request(tmp_path, decoded):
    mask = MaskState.random(44, 0.5, seed=7)
    result = decoded(trial=2, seeds=(4,), rois=("V1", "hV4"), mask=mask, label="Vögel $5 鳥")
    path = tmp_path / "sample.png"
    write_sample(result.samples[0], result.request, path)
    np.testing.assert_array_equal(pixels(path), result.samples[0].image)
    request = read_request(path)
    expected = result.request.to_json()
    del expected["seeds"]
    assert {key: request[key] for key in expected} == expected
    assert request["seed"] == 4
    assert request["label"] == "Vögel $5 鳥"
    assert request["versions"]["mindvis-gui"] == __version__
    assert "torch" in request["versions"]


def test_seed_3_is_the_same_file_alone_and_among_five(tmp_path, decoded):
    many, alone = decoded(seeds=(0, 1, 2, 3, 4)), decoded(seeds=(3,))
    write_sample(many.samples[3], many.request, tmp_path / "many.png")
    write_sample(alone.samples[0], alone.request, tmp_path / "alone.png")
    write_sample(many.samples[2], many.request, tmp_path / "other.png")
    same = (tmp_path / "alone.png").read_bytes()
    assert (tmp_path / "many.png").read_bytes() == same
    assert (tmp_path / "other.png").read_bytes() != same


def test_a_stimulus_keeps_its_pixels(tmp_path, subject):
    picture = subject.stimulus(subject.trials[0])
    write_stimulus(picture, tmp_path / "new" / "stimulus.png")
    np.testing.assert_array_equal(pixels(tmp_path / "new" / "stimulus.png"), picture)


@pytest.mark.parametrize(("where", "function"), [(os, "fsync"), (Path, "replace")])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path, decoded, monkeypatch, where, function
):
    result = decoded()
    path = tmp_path / "sample.png"
    write_sample(result.samples[0], result.request, path)
    before = path.read_bytes()

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(where, function, full)
    with pytest.raises(
        ExportError, match=r"sample\.png: cannot be written: No space left"
    ) as raised:
        write_sample(result.samples[1], result.request, path)
    assert "\n" not in str(raised.value)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_fills_while_the_picture_is_written(tmp_path, decoded, monkeypatch):
    result = decoded()

    def save(self, path, *_args, **_kwargs):
        Path(path).write_bytes(b"half a pict")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Image.Image, "save", save)
    with pytest.raises(ExportError, match="No space left"):
        write_sample(result.samples[0], result.request, tmp_path / "sample.png")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_one_clear_line(tmp_path, decoded):
    (tmp_path / "taken").write_text("a file")
    result = decoded()
    with pytest.raises(ExportError, match=r"taken[\\/]sample\.png: cannot be written"):
        write_sample(result.samples[0], result.request, tmp_path / "taken" / "sample.png")


def test_pictures_of_others_hold_no_request(tmp_path, subject):
    write_stimulus(subject.stimulus(subject.trials[0]), tmp_path / "plain.png")
    with pytest.raises(DataError, match="no decode request inside"):
        read_request(tmp_path / "plain.png")


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n" + bytes(40), b"GIF89a", b"text"]
)
def test_what_is_no_png_is_refused(tmp_path, content):
    (tmp_path / "odd.png").write_bytes(content)
    with pytest.raises(DataError, match=r"odd\.png: "):
        read_request(tmp_path / "odd.png")


def test_damage_anywhere_is_a_data_error_or_harmless(tmp_path, decoded):
    result = decoded()
    path = tmp_path / "sample.png"
    write_sample(result.samples[0], result.request, path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(whole[: rng.integers(1, len(whole))] if rng.random() < 0.3 else whole)
        for at in rng.integers(0, min(len(broken), 900), 3):
            broken[at] = rng.integers(0, 256)
        path.write_bytes(broken)
        with contextlib.suppress(DataError):
            assert isinstance(read_request(path)["seed"], int)
