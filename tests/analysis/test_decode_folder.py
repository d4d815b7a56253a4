import errno
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.analysis.comparison import compare
from mindvis_gui.analysis.decode_folder import read_decode_folder, read_failures
from mindvis_gui.analysis.decode_folder_writer import DecodeFolderWriter
from mindvis_gui.data.prepare import Normalisation
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import DataError, ExportError, RequestError
from mindvis_gui.files import locked

NORMALISATION = Normalisation(0.1, 1.5, "training trials")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def writer(folder, subject, model_info, decoded):
    def make(**changes):
        return DecodeFolderWriter(
            folder, subject, model_info, decoded(**changes).request, NORMALISATION
        )

    return make


@pytest.fixture
def add(subject, decoded):
    def add(writer, trial, **changes):
        writer.add(compare(decoded(trial=trial, **changes), subject))

    return add


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_trials_come_back(folder, writer, add, subject, decoded):
    written = writer()
    add(written, 4)
    add(written, 1)
    one, four = read_decode_folder(folder)
    assert (one.request["trial"], four.request["trial"]) == (1, 4)
    expected = compare(decoded(trial=4), subject)
    assert four.request == expected.result.request.to_json()
    assert four.scores == expected.scores
    assert four.chance == expected.chance
    assert four.n_candidates == 6
    assert four.simulated
    assert [sample.seed for sample in four.samples] == [0, 1, 3]
    for read, sample in zip(four.samples, expected.result.samples, strict=True):
        np.testing.assert_array_equal(read.image, sample.image)
    np.testing.assert_array_equal(four.stimulus, subject.stimulus(subject.trials[4]))


@pytest.fixture
def latents_of(folder):
    """Return a function that reads the latents that the index lists for a trial."""

    def read(trial):
        entries = json.loads((folder / "decode.json").read_bytes())["trials"]
        name = next(each for each in entries if each["request"]["trial"] == trial).get("latents")
        return None if name is None else np.load(folder / name)

    return read


def test_latents_stay_where_the_same_is_decoded_again_without(
    folder, writer, add, subject, decoded, latents_of
):
    latents = np.arange(3 * 4 * 2 * 2, dtype=np.float32).reshape(3, 4, 2, 2)
    writer().add(compare(decoded(trial=4), subject), latents=latents)
    again = writer()
    add(again, 4)
    add(again, 1)
    np.testing.assert_array_equal(latents_of(4), latents)
    assert latents_of(1) is None
    again.add(compare(decoded(trial=4), subject), latents=latents + 1)
    np.testing.assert_array_equal(latents_of(4), latents + 1)
    (folder / "trial-0004_latents.npy").unlink()
    add(writer(), 4)
    assert latents_of(4) is None


def test_latents_go_where_another_response_is_decoded(folder, writer, subject, decoded, latents_of):
    latents = np.zeros((3, 4, 2, 2), np.float32)
    result = decoded(trial=4)
    writer().add(compare(result, subject), latents=latents)
    changed = replace(result, request=replace(result.request, vector=result.request.vector + 1))
    writer().add(compare(changed, subject))
    assert latents_of(4) is None
    assert not (folder / "trial-0004_latents.npy").exists()


def test_two_that_write_at_once_lose_nothing_of_each_other(folder, writer, add):
    one, other = writer(), writer()
    add(one, 0)
    add(other, 1)
    add(one, 2)
    other.add_failure(3, DataError("no"))
    one.add_failure(4, DataError("no"))
    assert [trial.request["trial"] for trial in read_decode_folder(folder)] == [0, 1, 2]
    assert read_failures(folder).keys() == {3, 4}


def test_one_waits_for_the_other_to_have_written(folder, tmp_path):
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from mindvis_gui.files import locked\n"
        "with locked(Path(sys.argv[1])):\n"
        "    sys.stdout.write('held\\n')\n"
        "    sys.stdout.flush()\n"
        "    sys.stdin.read()\n"
        "    Path(sys.argv[2]).touch()\n"
    )
    words = [sys.executable, "-c", program, str(folder), str(tmp_path / "done")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().strip() == b"held"
        threading.Timer(0.3, process.stdin.close).start()
        with locked(folder):
            assert (tmp_path / "done").exists()
    assert not list(folder.glob(".turn"))


def test_what_another_wrote_meanwhile_must_be_of_the_same_protocol(folder, writer, add):
    one = writer()
    add(writer(sampling=Sampling("ddim", 3)), 0, sampling=Sampling("ddim", 3))
    with pytest.raises(ExportError, match="choose another folder"):
        add(one, 1)


def test_a_damaged_stimulus_costs_its_scores_alone(folder, writer, subject, decoded, monkeypatch):
    results, written = (decoded(trial=1), decoded(trial=2)), writer()
    read = type(subject).stimulus

    def damaged(self, trial):
        if trial.index == 1:
            raise DataError("crab: not a readable picture; replace it")
        return read(self, trial)

    monkeypatch.setattr(type(subject), "stimulus", damaged)
    for result in results:
        written.add(compare(result, subject))
    one, two = read_decode_folder(folder)
    assert (one.stimulus, one.scores[0].pixel_correlation) == (None, None)
    assert two.scores[0].rank == 1
    assert two.n_candidates == 5


def test_some_trials_come_back(folder, writer, add):
    written = writer()
    for trial in (4, 1, 2):
        add(written, trial)
    assert [each.request["trial"] for each in read_decode_folder(folder, {4, 2})] == [2, 4]
    with pytest.raises(DataError, match="holds no trial 3; it has 3 trials from 1 to 4"):
        read_decode_folder(folder, {3, 4})


def test_the_only_trial_is_named_where_another_is_asked_for(folder, writer, add):
    add(writer(), 4)
    with pytest.raises(DataError, match="holds no trial 0; it has trial 4 alone"):
        read_decode_folder(folder, {0})


def test_what_training_made_of_test_trials_comes_back(folder, subject, model_info, decoded):
    used = replace(model_info, test_use=("chosen by its scores",))
    DecodeFolderWriter(folder, subject, used, decoded().request, NORMALISATION).add(
        compare(decoded(), subject)
    )
    assert read_decode_folder(folder)[0].test_use == ("chosen by its scores",)


def test_whether_training_shows_the_label_is_kept(folder, subject, model_info, decoded):
    request = decoded(trial=1).request
    renamed = [
        replace(trial, label="never seen") if trial.index == 2 else trial
        for trial in subject.trials
    ]
    renamed[3] = replace(renamed[3], label="")
    other = replace(subject, trials=tuple(renamed))
    written = DecodeFolderWriter(folder, other, model_info, request, NORMALISATION)
    for number, label in ((1, request.label), (2, "never seen"), (3, "")):
        made = decoded(trial=number)
        made = replace(made, request=replace(made.request, label=label))
        written.add(compare(made, other))
    found = [each.label_in_training for each in read_decode_folder(folder)]
    assert found == [True, False, None]


def test_the_split_of_a_trial_is_kept(folder, subject, writer, add):
    written = writer()
    for number in (0, 23):
        add(written, number)
    found = read_decode_folder(folder)
    assert [each.split for each in found] == [subject.trials[n].split for n in (0, 23)]
    document = json.loads((folder / "decode.json").read_text("utf-8"))
    del document["trials"][0]["split"]  # as in folders that were decoded before
    (folder / "decode.json").write_text(json.dumps(document))
    assert read_decode_folder(folder)[0].split == ""


def test_files_are_named_by_trial_and_seed(folder, writer, add):
    add(writer(seeds=(0, 12345)), 3, seeds=(0, 12345))
    assert sorted(contents(folder)) == [
        "decode.json",
        "trial-0003_seed-0000.png",
        "trial-0003_seed-12345.png",
        "trial-0003_stimulus.png",
    ]


def test_only_the_index_holds_timings(folder, writer, add):
    add(writer(), 1)
    first = contents(folder)
    index = json.loads(first.pop("decode.json"))
    assert index["trials"][0]["seconds"] == 1.25
    assert index["versions"]["mindvis-gui"]
    assert index["model"]["hash"] == "ab" * 32
    assert "folder" not in index["model"]
    assert all(b"seconds" not in content for content in first.values())


def test_the_same_request_again_writes_the_same_bytes(folder, writer, add):
    add(writer(), 1)
    before = contents(folder)
    add(writer(), 1)
    assert contents(folder) == before


def test_a_folder_is_continued(folder, writer, add):
    add(writer(), 1)
    add(writer(), 2)
    assert [trial.request["trial"] for trial in read_decode_folder(folder)] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"sampling": Sampling("dpm++", 25, "fp32")}, "protocol.steps 20, not 25"),
        ({"seeds": (0, 1)}, r"protocol.seeds \[0, 1, 3\], not \[0, 1\]"),
        ({"rois": ("V1",)}, r"protocol.rois None, not \['V1'\]"),
    ],
)
def test_another_protocol_needs_another_folder(folder, writer, add, changes, key):
    add(writer(), 1)
    before = contents(folder)
    with pytest.raises(ExportError, match=f"was decoded with {key}; choose another folder"):
        writer(**changes)
    assert contents(folder) == before


def test_of_two_that_begin_a_folder_by_other_protocols_the_second_changes_nothing(
    folder, writer, add
):
    one, other = writer(), writer(rois=("V1",))
    add(one, 1)
    before = contents(folder)
    with pytest.raises(ExportError, match=r"was decoded with protocol\.rois None"):
        add(other, 1, rois=("V1",))
    assert contents(folder) == before


def test_another_model_needs_another_folder(folder, writer, add, subject, model_info, decoded):
    add(writer(), 1)
    other = replace(model_info, hash="cd" * 32)
    with pytest.raises(ExportError, match=r"model\.hash abab"):
        DecodeFolderWriter(folder, subject, other, decoded().request, NORMALISATION)


def test_a_failure_is_listed_until_the_trial_succeeds(folder, writer, add):
    written = writer()
    written.add_failure(2, RequestError("no luck"))
    add(written, 1)
    assert json.loads((folder / "decode.json").read_text())["failed"] == [
        {"trial": 2, "error": "no luck"}
    ]
    add(writer(), 2)
    assert json.loads((folder / "decode.json").read_text())["failed"] == []
    assert len(read_decode_folder(folder)) == 2


def test_a_trial_that_failed_when_it_was_decoded_again_has_its_samples(writer, add, folder):
    written = writer()
    add(written, 1)
    written.add_failure(1, RequestError("the GPU is lost"))
    written.add_failure(2, RequestError("the GPU is lost"))
    assert [trial.request["trial"] for trial in read_decode_folder(folder)] == [1]
    assert read_failures(folder).keys() == {2}


@pytest.mark.parametrize("survived", range(5))
def test_a_run_that_is_killed_leaves_the_trials_so_far(
    folder, writer, add, subject, decoded, monkeypatch, survived
):
    written = writer()
    add(written, 1)
    real, calls = os.fsync, []

    def die(handle):
        calls.append(handle)
        if len(calls) > survived:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", die)
    with pytest.raises(ExportError, match="No space left"):
        add(written, 2)
    monkeypatch.undo()
    assert not [name for name in contents(folder) if name.startswith(".")]
    (trial,) = read_decode_folder(folder)
    assert trial.request["trial"] == 1
    add(writer(), 2)
    assert len(read_decode_folder(folder)) == 2


def test_a_trial_without_stimulus(folder, writer, add, subject):
    del subject.recording._stimuli["crab"]
    add(writer(), 1)
    (trial,) = read_decode_folder(folder)
    assert trial.stimulus is None
    assert trial.scores[0].rank is None
    assert "trial-0001_stimulus.png" not in contents(folder)


def test_no_folder_says_how_to_make_one(tmp_path):
    with pytest.raises(DataError, match="mindvis decode"):
        read_decode_folder(tmp_path)


HEAD = '{"format": "mindvis decode folder", "format_version": 1'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is damaged"),
        ("[]", "was not written by"),
        ('{"format": "something else"}', "was not written by"),
        (HEAD + "9}", "format version 19"),
        (HEAD + "}", "'trials' is missing"),
        (HEAD + ', "trials": [{}], "failed": []}', "is damaged"),
        (HEAD + ', "trials": [3], "failed": [4]}', "is damaged"),
    ],
)
def test_a_damaged_index_is_refused(folder, text, message):
    folder.mkdir()
    (folder / "decode.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read_decode_folder(folder)


def test_a_damaged_index_is_not_written_over(folder, writer, add):
    add(writer(), 1)
    index = json.loads((folder / "decode.json").read_text())
    index["trials"] = [{}]
    (folder / "decode.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match="is damaged"):
        writer()


def test_a_missing_picture_is_named(folder, writer, add):
    add(writer(), 1)
    (folder / "trial-0001_seed-0003.png").unlink()
    with pytest.raises(DataError, match=r"trial-0001_seed-0003\.png: cannot be read"):
        read_decode_folder(folder)


def test_pictures_outside_the_folder_are_not_read(folder, writer, add):
    add(writer(), 1)
    index = json.loads((folder / "decode.json").read_text())
    index["trials"][0]["samples"][0] = "../secret.png"
    (folder / "decode.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match="not the name of a file in the folder"):
        read_decode_folder(folder)
