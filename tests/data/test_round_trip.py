"""Every format from `open_subject` to a decoded picture, and through the own format unchanged."""

import numpy as np
import pytest

from mindvis_gui.cli import main
from mindvis_gui.data import open_subject
from tests.data.makers import MAKERS

NEW = ("nsd", "nsd-nifti", "glmsingle", "glmsingle-hdf5", "mindeye2", "things")


@pytest.mark.parametrize("name", MAKERS)
def test_import_changes_nothing(tmp_path, name):
    source = MAKERS[name](tmp_path / "source")
    assert main(["import-subject", str(source), "--out", str(tmp_path / "copy.h5")]) == 0
    first, copy = open_subject(source), open_subject(tmp_path / "copy.h5")
    every = range(len(first.trials))
    assert np.array_equal(copy.responses(every), first.responses(every))
    assert copy.trials == first.trials
    assert [r.name for r in copy.rois] == [r.name for r in first.rois]
    for old, new in zip(first.rois, copy.rois, strict=True):
        assert np.array_equal(new.voxels, old.voxels)
    for trial in first.trials[:20]:
        picture = first.stimulus(trial)
        found = copy.stimulus(trial)
        assert (found is None) if picture is None else np.array_equal(found, picture)
    assert (copy.ijk is None) == (first.ijk is None)
    if first.ijk is not None:
        assert np.array_equal(copy.ijk, first.ijk)
        assert np.allclose(copy.affine, first.affine)
    for key, values in first.maps.items():
        assert np.array_equal(copy.maps[key], values, equal_nan=True)


@pytest.mark.parametrize("name", ["nsd", "mindeye2", "things", "glmsingle"])
def test_decode_with_a_model_of_the_same_size(tmp_path, name, tiny_model_folder):
    source = MAKERS[name](tmp_path / "source")
    options = ["--model", str(tiny_model_folder), "--steps", "2", "--seeds", "0"]
    out = tmp_path / "out"
    assert main(["decode", str(source), *options, "--trials", "3", "--out", str(out)]) == 0
    names = {path.name for path in out.glob("*.png")}
    assert names == {"trial-0003_stimulus.png", "trial-0003_seed-0000.png"}


@pytest.mark.parametrize("name", NEW)
def test_info_says_what_was_found(tmp_path, name, capsys):
    source = MAKERS[name](tmp_path / "source")
    assert main(["info", str(source)]) == 0
    told = capsys.readouterr().out
    subject = open_subject(source)
    assert all(note in told for note in subject.notes)
    assert subject.origin in told
