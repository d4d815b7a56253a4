import json
from dataclasses import replace

import nibabel
import numpy as np
import pytest

import mindvis_gui
from mindvis_gui.cli import main
from mindvis_gui.data.attribution import Attribution
from mindvis_gui.decoding.request import Step
from mindvis_gui.errors import DataError


class AttributingDecoder:
    """The fake decoder, which attributes everything to the first 100 voxels: V1."""

    def __init__(self, decoder):
        self.info, self.decode, self.recover = decoder.info, decoder.decode, decoder.recover

    def attribute(self, request, sample, method):
        yield Step(1, 1)
        values = np.zeros(request.vector.size, np.float32)
        values[:100] = 1
        return Attribution(request.trial, sample.seed, method, values, 0.2, 0.2)


@pytest.fixture
def opened(monkeypatch, subject):
    """Return a list whose last entry is the subject that is opened."""
    subjects = [subject]
    monkeypatch.setattr(mindvis_gui, "open_subject", lambda path: subjects[-1])
    return subjects


@pytest.fixture
def attribute(monkeypatch, tmp_path, opened, decoder):
    monkeypatch.setattr(mindvis_gui, "load_decoder", lambda *args: AttributingDecoder(decoder))

    def run(*options, out="map.nii.gz"):
        return main(["attribute", "tiny.h5", "--out", str(tmp_path / out), *options])

    return run


def test_an_image_and_its_sums_by_region(attribute, subject, tmp_path, capsys):
    assert attribute("--trials", "3", "--seed", "2") == 0
    image = nibabel.load(tmp_path / "map.nii.gz")
    assert image.get_fdata()[tuple(subject.ijk[:100].T)].all()
    document = json.loads((tmp_path / "map.json").read_text())
    (entry,) = document["maps"]
    assert (entry["trial"], entry["seed"], entry["method"]) == (3, 2, "gradients")
    assert entry["request"]["seeds"] == [2]
    assert entry["regions"][0]["share"] == pytest.approx(100)
    assert entry["effect"] == pytest.approx(0.2)
    line = next(each for each in capsys.readouterr().out.splitlines() if "V1" in each)
    assert line.split() == ["V1", "100", "100.0"]


def test_the_responses_are_not_written_over(attribute, tmp_path, capsys):
    (tmp_path / "betas.nii.gz").write_bytes(b"months of work")
    path = str(tmp_path / "betas.nii.gz")
    assert main(["attribute", path, "--trials", "0", "--out", path]) == 1
    assert "betas.nii.gz: is read by this command" in capsys.readouterr().err
    assert (tmp_path / "betas.nii.gz").read_bytes() == b"months of work"


@pytest.mark.parametrize("place", ["betas.nii.gz", "rois/V1.nii.gz"])
def test_nothing_in_the_folder_of_the_subject_is_written_over(attribute, tmp_path, capsys, place):
    (tmp_path / "sub-01" / "rois").mkdir(parents=True)
    (tmp_path / "sub-01" / place).write_bytes(b"months of work")
    command = ["attribute", str(tmp_path / "sub-01"), "--trials", "0", "--out"]
    assert main([*command, str(tmp_path / "sub-01" / place)]) == 1
    assert f"{place}: is there already, in the folder that this" in capsys.readouterr().err
    assert (tmp_path / "sub-01" / place).read_bytes() == b"months of work"
    for _ in range(2):  # a map of its own may lie there, and be made anew
        assert main([*command, str(tmp_path / "sub-01" / "map.nii.gz")]) == 0


def test_many_trials_are_printed_in_several_tables(attribute, subject, capsys):
    n = len(subject.trials)
    assert attribute("--trials", "all") == 0
    out = capsys.readouterr().out
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 120
    heads = [each for each in out.splitlines() if each.lstrip().startswith("region")]
    assert " ".join(heads).split().count("trial") == n
    lines = [each.split()[2:] for each in out.splitlines() if each.split()[:1] == ["V1"]]
    assert [share for line in lines for share in line] == ["100.0"] * n


def test_names_with_brackets_and_colons_are_printed_as_they_are(attribute, subject, opened, capsys):
    first, *others = subject.rois
    named = replace(first, name="V1 [left]:v:")
    opened.append(replace(subject, name="sub-01 [/raw]", rois=(named, *others)))
    assert attribute("--trials", "3") == 0
    out = capsys.readouterr().out
    assert "sub-01 [/raw] (simulated)" in out
    assert "V1 [left]:v:" in out


def test_a_record_replaces_an_older_one_and_nothing_else(attribute, tmp_path, capsys):
    for _ in range(2):
        assert attribute("--trials", "3") == 0
    (tmp_path / "decode.json").write_text('{"format": "mindvis decode folder"}')
    (tmp_path / "notes.json").write_text("no JSON")
    for name in ("decode", "notes"):
        before = (tmp_path / f"{name}.json").read_bytes()
        assert attribute("--trials", "3", out=f"{name}.nii.gz") == 1
        assert f"{name}.json: the record beside the image would" in capsys.readouterr().err
        assert (tmp_path / f"{name}.json").read_bytes() == before
        assert not (tmp_path / f"{name}.nii.gz").exists()


def test_how_samples_are_drawn(attribute, tmp_path):
    assert attribute("--trials", "0", "--steps", "20", "--guidance", "2") == 0
    (entry,) = json.loads((tmp_path / "map.json").read_text())["maps"]
    assert (entry["request"]["steps"], entry["request"]["guidance"]) == (20, 2)
    with pytest.raises(SystemExit) as stop:
        attribute("--trials", "0", "--steps", "0", out="other.nii.gz")
    assert stop.value.code == 2
    assert not (tmp_path / "other.nii.gz").exists()


def test_several_trials_make_one_image(attribute, tmp_path):
    assert attribute("--trials", "3,5", "--method", "rollout") == 0
    assert nibabel.load(tmp_path / "map.nii.gz").shape[3] == 2
    maps = json.loads((tmp_path / "map.json").read_text())["maps"]
    assert [each["trial"] for each in maps] == [3, 5]


@pytest.fixture
def stops(monkeypatch, decoder):
    """Return a function: after so many trials the decoder is stopped; and what it attributed."""
    tried: list[int] = []

    def after(count: int, error: BaseException | None = None) -> list[int]:
        tried.clear()
        made = AttributingDecoder(decoder)

        def attribute(request, sample, method):
            if len(tried) == count and error is not None:
                raise error
            tried.append(request.trial)
            found = yield from AttributingDecoder.attribute(made, request, sample, method)
            values = np.random.default_rng(request.trial).normal(size=found.values.size)
            return replace(found, values=values.astype(np.float32))

        made.attribute = attribute
        monkeypatch.setattr(mindvis_gui, "load_decoder", lambda *args: made)
        return tried

    return after


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DataError("the response of trial 6 is")])
def test_what_was_stopped_goes_on_where_it_was(attribute, stops, tmp_path, error):
    options = ["--trials", "3,5,6,9", "--seed", "1"]
    stops(9)
    assert attribute(*options, out="whole.nii.gz") == 0
    tried = stops(2, error)
    assert attribute(*options) in (1, 130)
    assert tried == [3, 5]
    assert not (tmp_path / "map.nii.gz").exists()
    tried = stops(9)
    assert attribute(*options) == 0
    assert tried == [6, 9]
    whole, image = (nibabel.load(tmp_path / f"{name}.nii.gz") for name in ("whole", "map"))
    assert np.array_equal(image.get_fdata(), whole.get_fdata())
    whole, record = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("whole", "map")
    )
    assert record["maps"] == whole["maps"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "map.json",
        "map.nii.gz",
        "whole.json",
        "whole.nii.gz",
    ]


def test_other_maps_are_not_taken_for_finished_ones(attribute, opened, subject, stops, tmp_path):
    stops(2, KeyboardInterrupt())
    assert attribute("--trials", "3,5,6") == 130
    for options in (["--seed", "4"], ["--method", "rollout"], ["--steps", "7"]):
        tried = stops(1, KeyboardInterrupt())
        assert attribute("--trials", "3,5,6", *options) == 130
        assert tried == [3]
    for path in (tmp_path / "map.unfinished").iterdir():
        path.write_bytes(path.read_bytes()[:60])
    tried = stops(9)
    assert attribute("--trials", "3,5,6") == 0
    assert tried == [3, 5, 6]


def test_responses_normalised_by_test_trials_are_said(attribute, opened, subject, capsys):
    assert attribute("--trials", "3") == 0
    assert capsys.readouterr().err == ""
    tests = tuple(replace(trial, split="test") for trial in subject.trials)
    opened.append(replace(subject, trials=tests))
    assert attribute("--trials", "3") == 0
    assert "the mean and deviation of all trials" in capsys.readouterr().err


def test_what_cannot_be_written_is_said_before_anything_is_decoded(
    attribute, opened, subject, tmp_path, capsys, decoder
):
    decoder.decode = None  # would fail
    assert attribute("--trials", "3", out="map.png") == 1
    assert "end its name in .nii.gz" in capsys.readouterr().err
    opened.append(replace(subject, ijk=None, affine=None))
    assert attribute("--trials", "3") == 1
    assert "no voxel positions" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_decoder_that_cannot_attribute_says_so(monkeypatch, attribute, decoder, capsys):
    monkeypatch.setattr(mindvis_gui, "load_decoder", lambda *args: decoder)
    assert attribute("--trials", "3") == 1
    assert "cannot say what its samples rest on" in capsys.readouterr().err
