import errno
import hashlib
import html
import json
import os
import re
import shlex
from dataclasses import replace
from functools import partialmethod
from pathlib import Path

import numpy as np
import pytest

import mindvis_gui
from mindvis_gui.analysis.export import read_request
from mindvis_gui.cli import main
from mindvis_gui.decoding.history_folder import (
    HistoryEntry,
    history_folder,
    open_cache,
    write_entry,
)
from mindvis_gui.decoding.request import DecodeResult, Sample, Step
from mindvis_gui.decoding.sample_cache import SampleCache
from mindvis_gui.decoding.versions import shaping_versions
from mindvis_gui.errors import DataError, ModelError


class PatternDecoder:
    """Draws patterns that depend on all that a sample may depend on, and on nothing else."""

    def __init__(self, info):
        self.info = info
        self.requests = []
        self.fails = {}

    def decode(self, request):
        self.requests.append(request)
        if request.trial in self.fails:
            raise self.fails[request.trial]
        yield Step(1, 2)
        values = request.encoder_input(16).tobytes()
        samples = []
        for seed in request.seeds:
            key = hashlib.sha256(values + f"{seed} {request.sampling}".encode()).digest()
            rng = np.random.default_rng(int.from_bytes(key[:8]))
            samples.append(Sample(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8), seed))
        yield Step(2, 2)
        return DecodeResult(request, tuple(samples), seconds=0.5)


@pytest.fixture
def decoder(monkeypatch, subject, decoder_factory):
    made = PatternDecoder(decoder_factory(subject.n_voxels).info)
    monkeypatch.setattr(mindvis_gui, "open_subject", lambda path: subject)
    monkeypatch.setattr(mindvis_gui, "load_decoder", lambda *args: made)
    return made


@pytest.fixture
def decode(tmp_path, decoder):
    def run(*options, out="out"):
        return main(["decode", "tiny.h5", "--out", str(tmp_path / out), *options])

    return run


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def test_test_trials_and_five_seeds_by_default(tmp_path, decode, decoder, capsys):
    assert decode() == 0
    names = sorted(pictures(tmp_path / "out"))
    assert len(names) == 6 * (1 + 5)
    assert names[:2] == ["trial-0000_seed-0000.png", "trial-0000_seed-0001.png"]
    request = decoder.requests[0]
    assert request.seeds == (0, 1, 2, 3, 4)
    assert (request.sampling.sampler, request.sampling.steps) == ("dpm++", 10)
    assert request.sampling.precision == "fp32"  # what the model uses, not "auto"
    assert request.rois is None
    assert request.mask is None
    captured = capsys.readouterr()
    assert captured.out == f"{tmp_path / 'out'}: 6 trials, 30 samples\n"
    assert captured.err == ""


def test_twice_gives_the_same_pictures(tmp_path, decode):
    options = ("--trials", "1,3", "--seeds", "0-2", "--mask-ratio", "0.5", "--mask-seed", "9")
    assert decode(*options, out="a") == 0
    assert decode(*options, out="b") == 0
    assert pictures(tmp_path / "a") == pictures(tmp_path / "b")
    assert len(pictures(tmp_path / "a")) == 8
    before = pictures(tmp_path / "a")
    assert decode(*options, out="a") == 0
    assert pictures(tmp_path / "a") == before


def test_a_mask_that_leaves_no_voxel_of_the_regions_is_no_decode(tmp_path, decode, capsys):
    # One of 44 patches is kept, and it holds no voxel of V1, which lies in the first seven.
    options = ("--trials", "0,1", "--rois", "V1", "--mask-ratio", "0.97")
    assert decode(*options) == 1
    said = capsys.readouterr().err
    assert "2 of 2 failed: trial 0: the mask hides every voxel of the regions used" in said
    assert pictures(tmp_path / "out") == {}
    assert decode("--trials", "0,1", "--mask-ratio", "0.97", out="whole") == 0


def test_seed_3_alone_and_among_five(tmp_path, decode):
    assert decode("--trials", "2", "--seeds", "3", out="alone") == 0
    assert decode("--trials", "0-5", "--seeds", "0-4", out="many") == 0
    name = "trial-0002_seed-0003.png"
    assert pictures(tmp_path / "alone")[name] == pictures(tmp_path / "many")[name]


@pytest.mark.parametrize(
    "options",
    [
        ("--mask-ratio", "0.56", "--mask-seed", "3"),
        ("--mask-ratio", "0.5", "--rois", "V1,hV4"),
        ("--without-rois", "V1,V2", "--lesion-method", "noise"),
        ("--z-score", "voxel", "--average", "test", "--filter", "split=test,train"),
        ("--guidance", "1.2345678"),
    ],
)
def test_the_command_in_a_report_draws_the_same_samples(tmp_path, decode, options):
    assert decode("--trials", "2,3", "--seeds", "0,4", *options, out="first") == 0
    report = tmp_path / "report.html"
    assert main(["report", str(tmp_path / "first"), "--out", str(report)]) == 0
    said = re.search(r"The same samples again: <code>(.*)</code>", report.read_text("utf-8"))
    words = shlex.split(html.unescape(said[1]))
    assert (words[0], words[-2:]) == ("mindvis", ["--out", "DIR"])
    assert main([*words[1:-1], str(tmp_path / "again")]) == 0
    assert pictures(tmp_path / "first") == pictures(tmp_path / "again")


def test_guidance(decode, decoder):
    decoder.info = replace(decoder.info, guidance=1.5)
    decode("--trials", "0", out="own")
    decode("--trials", "0", "--guidance", "1", out="none")
    decode("--trials", "0", "--preset", "paper", out="paper")
    decode("--trials", "0", "--preset", "paper", "--guidance", "2", out="both")
    assert [request.sampling.guidance for request in decoder.requests] == [1.5, 1, 1, 2]


def test_options_override_the_preset(decode, decoder):
    decode("--preset", "paper", "--trials", "0", out="a")
    decode("--preset", "paper", "--trials", "0", "--steps", "50", "--precision", "bf16", out="b")
    decode("--sampler", "ddim", "--trials", "0", out="c")
    sampling = [request.sampling for request in decoder.requests]
    assert [(s.sampler, s.steps, s.precision) for s in sampling] == [
        ("plms", 250, "fp32"),
        ("plms", 50, "bf16"),
        ("ddim", 10, "fp32"),
    ]


def test_model_device_and_precision_reach_the_loader(tmp_path, decoder, monkeypatch):
    asked = []
    monkeypatch.setattr(mindvis_gui, "load_decoder", lambda *args: asked.append(args) or decoder)
    words = ["decode", "tiny.h5", "--out", str(tmp_path), "--trials", "0"]
    main([*words, "--model", "other", "--device", "cpu", "--preset", "paper"])
    assert asked == [("other", "cpu", "fp32")]


def test_regions_and_mask_reach_the_request(tmp_path, decode, decoder):
    decode("--trials", "0", "--rois", "hV4,V1", "--mask-ratio", "0.75", "--mask-seed", "2", out="a")
    decode("--trials", "0", "--without-rois", "V1", out="b")
    first, second = decoder.requests
    assert first.rois == ("V1", "hV4")
    assert np.count_nonzero(first.vector) == 200
    assert first.mask.seed == 2
    assert first.mask.ratio == pytest.approx(0.75, abs=0.02)
    assert (second.rois, second.lesion.name, second.lesion.method) == (None, "V1", "zero")
    assert np.count_nonzero(second.vector) == 600
    embedded = read_request(tmp_path / "a" / "trial-0000_seed-0000.png")
    assert embedded["rois"] == ["V1", "hV4"]
    assert embedded["mask"]["seed"] == 2


def test_a_damaged_stimulus_is_said_and_loses_no_trial(decode, subject, monkeypatch, capsys):
    read = type(subject).stimulus

    def damaged(self, trial):
        if trial.index == 1:
            raise DataError("picture 1 is cut off")
        return read(self, trial)

    monkeypatch.setattr(type(subject), "stimulus", damaged)
    assert decode("--seeds", "0") == 0
    captured = capsys.readouterr()
    assert "6 trials, 6 samples" in captured.out
    assert captured.err == "mindvis: 1 stimulus cannot be compared with: picture 1 is cut off\n"


def test_responses_normalised_by_test_trials_are_said(
    tmp_path, decode, subject, monkeypatch, capsys
):
    tests = tuple(replace(trial, split="test") for trial in subject.trials)
    monkeypatch.setattr(mindvis_gui, "open_subject", lambda path: replace(subject, trials=tests))
    assert decode("--trials", "0", "--seeds", "0") == 0
    assert "no trial is marked as training" in capsys.readouterr().err
    index = json.loads((tmp_path / "out" / "decode.json").read_text())
    assert index["subject"]["normalisation"]["basis"] == "all trials"


def test_one_failed_trial_does_not_lose_the_others(tmp_path, decode, decoder, capsys):
    decoder.fails[1] = ModelError("trial is cursed")
    assert decode("--trials", "0-2", "--seeds", "0") == 1
    captured = capsys.readouterr()
    assert captured.err == "mindvis: 1 of 3 failed: trial 1: trial is cursed\n"
    assert "2 trials, 2 samples" in captured.out
    index = json.loads((tmp_path / "out" / "decode.json").read_text())
    assert [entry["request"]["trial"] for entry in index["trials"]] == [0, 2]
    assert index["failed"] == [{"trial": 1, "error": "trial is cursed"}]


def test_many_failures_stay_one_line(decode, decoder, capsys):
    decoder.fails.update({i: ModelError("no\nway") for i in range(6)})
    assert decode() == 1
    err = capsys.readouterr().err
    assert err.startswith("mindvis: 6 of 6 failed: trial 0: no way; ")
    assert err.endswith("; …\n")
    assert err.count("\n") == 1


def test_a_broken_response_is_one_failed_trial(tmp_path, decode, subject, capsys):
    subject.recording._responses[2, 5] = np.nan
    assert decode("--trials", "1-3", "--seeds", "0") == 1
    assert "1 of 3 failed: trial 2: tiny: the response of trial 2" in capsys.readouterr().err
    assert len(pictures(tmp_path / "out")) == 4


def test_a_full_disk_stops_at_once(tmp_path, decode, decoder, monkeypatch, capsys):
    def full(_handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert decode("--trials", "0-2") == 1
    err = capsys.readouterr().err
    assert "cannot be written: No space left on device" in err
    assert err.count("\n") == 1
    assert len(decoder.requests) == 1
    assert not list((tmp_path / "out").iterdir())


def test_a_model_of_another_size_is_one_line(tmp_path, decode, decoder, capsys):
    decoder.info = replace(decoder.info, n_voxels=4643)
    assert decode() == 1
    assert capsys.readouterr().err == (
        "mindvis: model fake was trained on 4,643 voxels but tiny has 700; "
        "choose a model trained on this subject\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--trials", "24"], "trial 24 does not exist"),
        (["--rois", "V9"], "no region is called 'V9'"),
    ],
)
def test_what_does_not_exist_exits_with_1(tmp_path, decode, decoder, capsys, options, message):
    assert decode(*options) == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.startswith("mindvis: ")
    assert err.count("\n") == 1
    assert not decoder.requests
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--trials", "x"],
        ["--trials", "5-2"],
        ["--seeds", "1,1"],
        ["--seeds", ""],
        ["--sampler", "euler"],
        ["--precision", "fp8"],
        ["--mask-ratio", "1"],
        ["--mask-seed", "3"],
        ["--mask-ratio", "0.5", "--mask-seed", "-3"],
        ["--rois", "V1", "--without-rois", "V2"],
        ["--steps", "many"],
        ["--steps", "0"],
        ["--sampler", "plms", "--steps", "33"],
        ["--guidance", "0.5"],
    ],
)
def test_wrong_usage_exits_with_2(decode, options, capsys):
    with pytest.raises(SystemExit) as stopped:
        decode(*options)
    assert stopped.value.code == 2
    assert "usage: mindvis decode" in capsys.readouterr().err


def test_another_protocol_does_not_mix_with_the_old_pictures(tmp_path, decode, capsys):
    decode("--trials", "0", "--seeds", "0")
    before = pictures(tmp_path / "out")
    assert decode("--trials", "0", "--seeds", "0", "--steps", "20") == 1
    assert "was decoded with protocol.steps 10, not 20; choose another folder" in (
        capsys.readouterr().err
    )
    assert pictures(tmp_path / "out") == before


def test_the_figure_of_a_decode_folder(tmp_path, decode, capsys):
    decode("--trials", "0,1", "--seeds", "0-1")
    figure = tmp_path / "figures" / "figure.svg"
    assert main(["figure", str(tmp_path / "out"), "--out", str(figure)]) == 0
    text = figure.read_text(encoding="utf-8")
    assert "cactus" in text
    assert "crab" in text
    assert capsys.readouterr().out.endswith(f"{figure}\n")


@pytest.mark.parametrize("name", ["trial-0001_seed-0000.png", "trial-0000_stimulus.png"])
def test_a_figure_replaces_no_picture_that_it_is_made_of(tmp_path, decode, capsys, name):
    decode("--trials", "0,1", "--seeds", "0-1")
    before = pictures(tmp_path / "out")
    capsys.readouterr()
    out = tmp_path / "out" / ".." / "out" / name
    assert main(["figure", str(tmp_path / "out"), "--trials", "0", "--out", str(out)]) == 1
    assert capsys.readouterr().err == (
        f"mindvis: {out}: is read by this command; choose another name\n"
    )
    assert pictures(tmp_path / "out") == before
    beside = tmp_path / "out" / "figure.png"
    for _ in range(2):  # a figure may lie in the folder, and be drawn anew
        assert main(["figure", str(tmp_path / "out"), "--out", str(beside)]) == 0


def test_letters_that_no_font_has_are_one_line(tmp_path, decode, capsys, monkeypatch):
    from mindvis_gui.analysis.figures import writing

    monkeypatch.setattr(writing, "lacking", lambda letters, families: frozenset("猫"))
    monkeypatch.setattr(writing, "families_with", lambda letters: ())
    decode("--trials", "0", "--seeds", "0")
    capsys.readouterr()
    figure = tmp_path / "figure.svg"
    assert main(["figure", str(tmp_path / "out"), "--out", str(figure)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{figure}\n"
    assert said.err.startswith(f"mindvis: {figure}: no font here has 猫: drawn as boxes; ")


def test_the_figure_of_no_folder_is_one_line(tmp_path, capsys):
    assert main(["figure", str(tmp_path), "--out", str(tmp_path / "figure.png")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "figure.png").exists()


def test_second_time_is_read_from_the_cache_and_says_so(tmp_path, decode, decoder):
    options = ("--trials", "0,1", "--seeds", "0-2")
    assert decode(*options, out="a") == 0
    assert decode(*options, "--seeds", "0-3", out="b") == 0
    assert [request.seeds for request in decoder.requests] == [(0, 1, 2)] * 2 + [(3,)] * 2
    first, second = (
        json.loads((tmp_path / out / "decode.json").read_text())["trials"][0] for out in "ab"
    )
    assert first["cached"] == []
    assert second["cached"] == [0, 1, 2]
    shared = pictures(tmp_path / "a").keys()
    assert pictures(tmp_path / "a").items() <= pictures(tmp_path / "b").items()
    assert len(shared) == 8


def test_no_cache_draws_anew_and_keeps_nothing(tmp_path, decode, decoder):
    options = ("--trials", "0", "--seeds", "0", "--no-cache")
    assert decode(*options, out="a") == 0
    assert decode(*options, out="b") == 0
    assert len(decoder.requests) == 2
    assert not list(Path(os.environ["MINDVIS_CACHE"]).rglob("*.png"))


def test_cache_that_cannot_be_written_is_one_line(tmp_path, decode, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MINDVIS_CACHE", str(tmp_path / "file"))
    assert decode("--trials", "0") == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "samples are not kept for later" in line


def test_samples_of_starred_entries_stay_whatever_the_limit(decode, decoder, monkeypatch):
    limited = partialmethod(SampleCache.__init__, limit=5 * 3700)  # five samples and a bit
    monkeypatch.setattr(SampleCache, "__init__", limited)
    assert decode("--trials", "0", "--seeds", "0,1", out="a") == 0
    values, versions = decoder.requests[0].to_json(), shaping_versions()
    starred = HistoryEntry(values, "tiny.h5", "2026-11-30", "cpu", versions, 1.0, starred=True)
    write_entry(starred, history_folder())
    assert decode("--trials", "1-5", "--seeds", "0-4", out="b") == 0
    kept = {path.stem for path in open_cache().folder.rglob("*.png")}
    assert len(kept) < 7
    assert kept >= set(starred.keys)


def test_regions_are_left_out_in_the_way_that_is_asked_for(tmp_path, decode, decoder, subject):
    assert decode("--trials", "0", "--without-rois", "V2", "--lesion-method", "noise") == 0
    (request,) = decoder.requests
    inside = np.isin(np.arange(700), subject.roi("V2").voxels)
    assert request.rois is None
    assert request.vector[inside].std() > 0.5
    index = json.loads((tmp_path / "out/decode.json").read_text())
    lesion = index["trials"][0]["request"]["lesion"]
    assert (lesion["name"], lesion["method"], lesion["n_voxels"]) == ("V2", "noise", 100)
    assert index["protocol"]["lesion"] == lesion


def test_a_way_to_leave_out_needs_something_to_leave_out(decode, capsys):
    with pytest.raises(SystemExit):
        decode("--lesion-method", "zero")
    assert "--lesion-method needs --without-rois" in capsys.readouterr().err
