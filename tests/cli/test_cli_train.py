"""``mindvis train``: every stage from files to a model, its settings, and what it refuses."""

import csv
import json
import shutil
import tomllib
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import VQModel
from PIL import Image

from mindvis_gui.cli import main
from mindvis_gui.data import open_subject
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.models import INDEX, PUBLISHED_TEST_USE, SAW_TEST_FMRI, read_model_info
from mindvis_gui.training import masked_stages, picture_stages, trials
from mindvis_gui.training.known_pictures import copies_of, save_known
from mindvis_gui.training.settings import MbmSettings
from mindvis_gui.training.trials import encode, held_back

PLAIN = ["--precision", "fp32", "--log-every", "1", "--steps", "2"]
SMALL = [*PLAIN, "--width", "32", "--depth", "1", "--heads", "2", "--decoder-width", "16"]
SMALL += ["--decoder-depth", "1", "--decoder-heads", "2", "--batch", "4"]


@pytest.fixture(scope="module")
def file(tmp_path_factory, subject_factory):
    path = tmp_path_factory.mktemp("subject") / "mine.h5"
    write_subject(path, subject_factory(), dtype="float32")
    return str(path)


@pytest.fixture(scope="module")
def masked(file, tmp_path_factory):
    out = tmp_path_factory.mktemp("masked") / "mbm"
    assert main(["train", "mbm", file, "--out", str(out), *SMALL, "--picture-every", "1"]) == 0
    return out


@pytest.fixture
def tune(file, masked, tiny_model_folder, tmp_path):
    """Return a function: options of stage B → its exit status and the model's folder."""

    def run(*options: str):
        out = tmp_path / "model"
        given = ["--masked-model", str(masked), "--base", str(tiny_model_folder)]
        command = ["train", "ldm", file, "--out", str(out), *PLAIN, *given, "--batch", "2"]
        return main([*command, "--context-tokens", "5", "--crops", "0", *options]), out

    return run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Return a folder with two labels, five pictures each, none of them square."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for label in ("cat", "dog"):
        (folder / label).mkdir()
        for number in range(5):
            picture = rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)
            Image.fromarray(picture).save(folder / label / f"{number}.png")
    return folder


def config(out):
    return tomllib.loads((out / "training" / "config.toml").read_text(encoding="utf-8"))


def metrics(out):
    text = (out / "training" / "metrics.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def picture(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_run_folder_holds_configuration_metrics_and_pictures(masked, capsys):
    saved = config(masked)
    assert (saved["width"], saved["batch"], saved["mask_ratio"]) == (32, 4, 0.75)
    assert saved["run"]["stage"] == "mbm"
    assert len(saved["run"]["data_sha256"]) == 64
    assert saved["run"]["arithmetic"] == "fp32"
    assert saved["versions"]["torch"] == version("torch")
    rows = metrics(masked)
    assert {row["name"] for row in rows} >= {"loss", "correlation", "samples_per_second"}
    drawn = sorted((masked / "training" / "pictures").iterdir())
    assert [path.name for path in drawn] == ["step-0000001.png", "step-0000002.png"]
    assert picture(drawn[0]).std() > 10


def test_progress_is_plain_lines_where_there_is_no_terminal(file, tmp_path, capsys):
    assert main(["train", "mbm", file, "--out", str(tmp_path / "m"), *SMALL]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("mbm: step")]
    assert len(lines) == 2
    for part in ("1/2", "loss ", "correlation ", "samples/s", " left"):
        assert part in lines[0]


def test_all_stages_make_a_model(masked, subject_factory, tiny_model_folder, tmp_path):
    subject = subject_factory()
    trials = (replace(t, stimulus_id=t.stimulus_id * (t.split == "train")) for t in subject.trials)
    file = str(tmp_path / "mine.h5")
    write_subject(Path(file), replace(subject, trials=tuple(trials)), dtype="float32")
    adapted, model = tmp_path / "adapted", tmp_path / "model"
    given = ["--masked-model", str(masked), "--focus", "V1,V2"]
    assert main(["train", "adapt", file, "--out", str(adapted), *PLAIN, *given]) == 0
    given = ["--masked-model", str(adapted), "--base", str(tiny_model_folder)]
    command = ["train", "ldm", file, "--out", str(model), *PLAIN, *given, "--batch", "2"]
    command += ["--context-tokens", "5", "--crops", "1", "--picture-every", "2"]
    assert main(command) == 0
    info = read_model_info(model)
    assert (info.n_voxels, info.image_size, info.has_masked_model) == (700, 32, True)
    assert info.dataset == "tiny (simulated)"
    assert info.test_use == ()
    assert "made no use of test trials" in info.card
    grid = picture(model / "training" / "pictures" / "step-0000002.png")
    assert grid.shape[0] == 4 + 4 * (32 + 4)  # the stimulus and three samples


def test_use_of_test_trials_is_stamped(file, masked, tiny_model_folder, tmp_path, capsys):
    adapted, model = tmp_path / "adapted", tmp_path / "model"
    given = ["--preset", "paper", "--masked-model", str(masked), "--batch", "4"]
    assert main(["train", "adapt", file, "--out", str(adapted), *PLAIN, *given]) == 0
    assert config(adapted)["run"]["samples"] == 22  # all 24 but those held back
    given = ["--preset", "paper", "--masked-model", str(adapted), "--base", str(tiny_model_folder)]
    command = ["train", "ldm", file, "--out", str(model), *PLAIN, *given, "--crops", "0"]
    assert main([*command, "--context-tokens", "5"]) == 0
    assert len(read_model_info(model).test_use) == 3
    said = capsys.readouterr().err
    assert "chosen on the test trials" in said
    assert said.count("18 of the 18 training trials show a picture that is tested") == 2


def test_the_published_encoder_is_gone_on_from(
    file, published_files, tiny_model_folder, tmp_path, capsys
):
    adapted, model = tmp_path / "adapted", tmp_path / "model"
    encoder = str(published_files["fmri_encoder.pth"])
    command = ["train", "adapt", file, "--out", str(adapted), *PLAIN, "--batch", "4"]
    assert main([*command, "--masked-model", encoder]) == 0
    said = capsys.readouterr().err
    assert "tiny has 704 values, the masked model was trained on 528" in said
    assert MaskedBrainModel.from_pretrained(adapted).config.saw_test_fmri
    command = ["train", "ldm", file, "--out", str(model), *PLAIN, "--batch", "2", "--crops", "0"]
    command += ["--base", str(tiny_model_folder), "--context-tokens", "5"]
    assert main([*command, "--masked-model", encoder]) == 0
    info = read_model_info(model)
    assert (info.n_voxels, info.has_masked_model) == (700, True)
    assert SAW_TEST_FMRI in info.test_use
    command[command.index(str(model))] = str(tmp_path / "other")
    assert main([*command, "--masked-model", str(published_files["finetuned.pth"])]) == 1
    assert "finetuned.pth: is a fine-tuned model" in capsys.readouterr().err


def test_use_of_test_trials_by_what_training_starts_from_is_stamped(
    subject_factory, masked, tiny_model_folder, tmp_path, capsys
):
    imported, adapted, model = (tmp_path / name for name in ("imported", "adapted", "model"))
    shutil.copytree(tiny_model_folder, imported)
    index = json.loads((imported / INDEX).read_text(encoding="utf-8"))
    index["test_use"] = [PUBLISHED_TEST_USE]
    (imported / INDEX).write_text(json.dumps(index), encoding="utf-8")
    subject = subject_factory()
    trials = (replace(t, stimulus_id=t.stimulus_id * (t.split == "train")) for t in subject.trials)
    file = str(tmp_path / "mine.h5")
    write_subject(Path(file), replace(subject, trials=tuple(trials)), dtype="float32")
    command = ["train", "adapt", file, "--out", str(adapted), *PLAIN, "--batch", "2"]
    assert main([*command, "--masked-model", str(imported)]) == 0
    assert MaskedBrainModel.from_pretrained(adapted).config.saw_test_fmri
    command = ["train", "ldm", file, *PLAIN, "--batch", "2", "--context-tokens", "5"]
    command += ["--crops", "0", "--out", str(model), "--base", str(imported)]
    assert main([*command, "--masked-model", str(masked)]) == 0
    said = read_model_info(model).test_use
    assert said == (f"of the model that it started from: {PUBLISHED_TEST_USE}",)
    assert said[0] in read_model_info(model).card
    assert f"the base says: {PUBLISHED_TEST_USE}" in capsys.readouterr().err


def test_where_nothing_can_be_written_is_said_before_anything_is_read(tmp_path, capsys):
    (tmp_path / "out").touch()
    words = [str(tmp_path / "nobody.h5"), "--out", str(tmp_path / "out"), *SMALL]
    assert main(["train", "mbm", *words]) == 1
    assert f"{tmp_path / 'out' / 'training'}: cannot be written" in capsys.readouterr().err


def test_a_masked_model_in_the_home_folder(file, masked, tmp_path, monkeypatch):
    """No shell fills in the ~ of a configuration file; --base is filled in, too."""
    monkeypatch.setenv("HOME", str(masked.parent))
    monkeypatch.setenv("USERPROFILE", str(masked.parent))
    toml = tmp_path / "run.toml"
    toml.write_text(f"masked_model = '~/{masked.name}'")
    command = ["train", "adapt", file, "--out", str(tmp_path / "out"), *PLAIN, "--batch", "2"]
    assert main([*command, "--config", str(toml)]) == 0


def test_no_more_responses_are_held_back_than_are_looked_at(file, masked, tmp_path, monkeypatch):
    monkeypatch.setattr(masked_stages, "_MOST_HELD", 2)
    given = ["--masked-model", str(masked), "--batch", "4", "--validation", "0.5"]
    assert main(["train", "adapt", file, "--out", str(tmp_path / "a"), *PLAIN, *given]) == 0
    assert config(tmp_path / "a")["run"]["samples"] == 16


@pytest.mark.parametrize(
    "options",
    [
        ["--no-time-condition"],
        ["--no-cross-attention"],
        ["--global-pool"],
        ["--no-train-encoder", "--trainable", "none"],
        ["--no-pretraining", "--width", "32", "--depth", "1", "--heads", "2", "--padding", "cut"],
        ["--sparsify", "0.2", "--noise", "0.1", "--accumulate", "2", "--gradient-checkpointing"],
    ],
)
def test_ablations_make_models(tune, options):
    code, out = tune(*options)
    assert code == 0
    info = read_model_info(out)
    assert info.has_masked_model == ("--no-pretraining" not in options)


def test_stages_of_pictures(pictures, file, masked, tmp_path):
    first, base, model = (tmp_path / name for name in ("first", "base", "model"))
    sizes = ["--image-size", "16", "--channels", "8", "--multipliers", "1,1", "--layers", "1"]
    sizes += ["--norm-groups", "2", "--codes", "4", "--plain-share", "0.5", "--batch", "2"]
    command = ["train", "vq", str(pictures), "--out", str(first), *PLAIN, *sizes]
    assert main([*command, "--picture-every", "2"]) == 0
    assert (first / "training" / "pictures" / "step-0000002.png").is_file()
    sizes = ["--channels", "32", "--multipliers", "1,1", "--attention", "1", "--layers", "1"]
    sizes += ["--context-width", "16", "--crops", "1", "--batch", "2", "--picture-every", "2"]
    command = ["train", "label-ldm", str(pictures), "--out", str(base), *PLAIN, *sizes]
    assert main([*command, "--first-stage", str(first)]) == 0
    given = ["--masked-model", str(masked), "--base", str(base), "--batch", "2"]
    command = ["train", "ldm", file, "--out", str(model), *PLAIN, *given]
    assert main([*command, "--context-tokens", "5", "--crops", "0"]) == 0
    assert read_model_info(model).image_size == 16


PICTURES = ["--image-size", "16", "--channels", "8", "--multipliers", "1,1", "--layers", "1"]
PICTURES += ["--norm-groups", "2", "--codes", "4", "--batch", "2"]
NOISE = ["--channels", "32", "--multipliers", "1,1", "--attention", "1", "--layers", "1"]
NOISE += ["--context-width", "16", "--crops", "0", "--batch", "2"]


@pytest.mark.parametrize("into", ["vq", "label-ldm"])
def test_an_image_model_that_knows_test_pictures_says_so(
    into, pictures, file, masked, tmp_path, capsys
):
    subject = open_subject(file)
    tested = {t.stimulus_id: t for t in subject.trials if t.split == "test"}
    known = Image.fromarray(np.array(subject.stimulus(next(iter(tested.values())))))
    other = tmp_path / "other"
    shutil.copytree(pictures, other)
    known.resize((known.width * 3, known.height * 3)).save(other / "cat" / "known.jpg", quality=90)
    first, base, model = (tmp_path / name for name in ("first", "base", "model"))
    folder = {"vq": str(pictures), "label-ldm": str(pictures)} | {into: str(other)}
    assert main(["train", "vq", folder["vq"], "--out", str(first), *PLAIN, *PICTURES]) == 0
    of_first = [*PLAIN, *NOISE, "--first-stage", str(first)]
    assert main(["train", "label-ldm", folder["label-ldm"], "--out", str(base), *of_first]) == 0
    of_base = [*PLAIN, "--masked-model", str(masked), "--batch", "2", "--context-tokens", "5"]
    command = ["train", "ldm", file, "--out", str(model), *of_base, "--crops", "0"]
    assert main([*command, "--base", str(base)]) == 0
    said = f"the image model was trained with 1 of the {len(tested)} test pictures"
    assert f"{said}; the model will say so" in capsys.readouterr().err
    info = read_model_info(model)
    assert said in info.test_use
    assert said in info.card


def test_a_base_knows_the_pictures_of_its_own_training(tune, file, masked, tmp_path):
    code, base = tune("--crops", "0")
    assert code == 0
    subject = open_subject(file)
    n = len({t.stimulus_id for t in subject.trials if t.split == "test"})
    given = [*PLAIN, "--masked-model", str(masked), "--batch", "2", "--context-tokens", "5"]
    command = ["train", "ldm", file, "--out", str(tmp_path / "next"), *given, "--crops", "0"]
    assert main([*command, "--base", str(base)]) == 0
    said = [each for each in read_model_info(tmp_path / "next").test_use if "image model" in each]
    assert len(said) == 1
    assert said[0].endswith(f"of the {n} test pictures")


def test_each_stage_says_what_becomes_of_pictures_that_are_not_square(
    pictures, file, masked, tiny_model_folder, tmp_path, capsys
):
    found = "10 of 10 pictures are not square, such as 24 × 20 pixels: "
    for fit, said in (("cut", "of each the middle square"), ("squeeze", "each is squeezed")):
        out = str(tmp_path / fit)
        command = ["train", "vq", str(pictures), "--out", out, *PLAIN, *PICTURES, "--fit", fit]
        assert main(command) == 0
        assert found + said in capsys.readouterr().err
        command = ["train", "label-ldm", str(pictures), "--out", f"{out}-base", *PLAIN, *NOISE]
        assert main([*command, "--first-stage", str(tmp_path / "cut"), "--fit", fit]) == 0
        assert found + said in capsys.readouterr().err
    for network in ("{}/vqvae", "{}-base/unet"):
        first, second = (
            tmp_path / network.format(fit) / "diffusion_pytorch_model.safetensors"
            for fit in ("cut", "squeeze")
        )
        assert first.read_bytes() != second.read_bytes()
    shown, subject = tmp_path / "shown", tmp_path / "oblong.h5"
    shown.mkdir()
    for stimulus in {trial.stimulus_id for trial in open_subject(file).trials}:
        Image.new("RGB", (40, 30)).save(shown / f"{Path(stimulus).stem}.png")
    assert main(["import-subject", file, "--stimuli", str(shown), "--out", str(subject)]) == 0
    for source, said in ((str(subject), "such as 40 × 30 pixels: they are squeezed"), (file, "")):
        out = str(tmp_path / f"of-{Path(source).stem}")
        given = [*PLAIN, "--masked-model", str(masked), "--base", str(tiny_model_folder)]
        more = ["--batch", "2", "--context-tokens", "5", "--crops", "0"]
        assert main(["train", "ldm", source, "--out", out, *given, *more]) == 0
        err = capsys.readouterr().err
        assert ("not square" in err) == bool(said)
        assert said in err


def test_a_model_says_once_what_its_base_knows(file, masked, tiny_model_folder, tmp_path):
    """Of a subject whose training trials show none of the tested pictures."""
    subject, base = tmp_path / "split.h5", tmp_path / "base"
    trial = open_subject(file).trials[0]
    words = ["import-subject", file, "--split", f"stimulus={trial.stimulus_id}"]
    assert main([*words, "--out", str(subject)]) == 0
    shutil.copytree(tiny_model_folder, base)
    size = read_model_info(base).image_size
    save_known(base, copies_of(open_subject(file).stimulus(trial), size))
    said = "the image model was trained with 1 of the 1 test pictures"
    for out in (tmp_path / "first", tmp_path / "second"):
        given = [*PLAIN, "--masked-model", str(masked), "--batch", "2", "--context-tokens", "5"]
        command = ["train", "ldm", str(subject), "--out", str(out), *given, "--crops", "0"]
        assert main([*command, "--base", str(base)]) == 0
        assert [each for each in read_model_info(out).test_use if said in each] == [said]
        base = out


def test_several_subjects_are_wrapped_to_the_longest(file, subject_factory, tmp_path, capsys):
    shorter = tmp_path / "shorter.h5"
    write_subject(shorter, cut(subject_factory(), 600), dtype="float32")
    out = tmp_path / "out"
    assert main(["train", "mbm", file, str(shorter), "--out", str(out), *SMALL]) == 0
    assert "wrapped to the longest, 704 values: tiny (608)" in capsys.readouterr().err
    assert config(out)["run"]["samples"] == 33
    # A2 on the shorter one alone: the position embeddings are interpolated, and it says so.
    adapted = tmp_path / "adapted"
    given = ["--masked-model", str(out)]
    assert main(["train", "adapt", str(shorter), "--out", str(adapted), *PLAIN, *given]) == 0
    assert "position embeddings were interpolated" in capsys.readouterr().err
    assert MaskedBrainModel.from_pretrained(adapted).n_patches == 38


def cut(whole, n_voxels):
    return replace(
        whole,
        n_voxels=n_voxels,
        ijk=whole.ijk[:n_voxels],
        rois=(),
        recording=type(whole.recording)(
            whole.responses(range(len(whole.trials)))[:, :n_voxels].astype(np.float32),
            {t.stimulus_id: whole.stimulus(t) for t in whole.trials},
        ),
    )


def test_a_focus_on_a_region_that_is_cut_masks_what_is_left_of_it(subject_factory, tmp_path):
    subject = subject_factory()
    ends = (subject.n_voxels // 16 - 1) * 16  # of its last patches one is cut
    roi = replace(subject.rois[0], name="end", voxels=np.arange(ends, subject.n_voxels))
    file = str(tmp_path / "mine.h5")
    write_subject(Path(file), replace(subject, rois=(roi,)), dtype="float32")
    command = ["train", "mbm", file, *SMALL, "--padding", "cut", "--focus", "end"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0


def test_hcp_folder_stands_for_its_subjects(tmp_path, capsys):
    frames = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32)
    for name in ("100307", "100408"):
        (tmp_path / "HCP" / name).mkdir(parents=True)
        regions = dict.fromkeys(("V1", "V2", "V3", "V4"), frames)
        np.savez(tmp_path / "HCP" / name / "HCP_visual_voxel.npz", **regions)
    command = ["train", "mbm", str(tmp_path / "HCP"), "--out", str(tmp_path / "out"), *SMALL]
    assert main(command) == 0
    assert "2 of one length, 128 values" in capsys.readouterr().err


def test_file_option_and_preset(file, tmp_path):
    toml, out = tmp_path / "run.toml", tmp_path / "out"
    text = 'preset = "small"\nwidth = 64\nrate = 1\nsteps = 1\nbatch = 3\n'
    toml.write_text(text, encoding="utf-8-sig")  # with the mark that editors on Windows begin with
    command = ["train", "mbm", file, "--out", str(out), "--config", str(toml)]
    assert main([*command, "--batch", "4", "--precision", "fp32", "--depth", "1"]) == 0
    saved = config(out)
    assert (saved["width"], saved["rate"], saved["batch"]) == (64, 1.0, 4)
    assert (saved["decoder_width"], saved["depth"]) == (96, 1)  # the preset's, the option's
    again = tmp_path / "again"
    saved_file = str(out / "training" / "config.toml")
    assert main(["train", "mbm", file, "--out", str(again), "--config", saved_file]) == 0
    assert config(again) == saved


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bach = 3", "'bach' is no setting of 'mbm'; did you mean 'batch'?"),
        ("batch = 'x'", "batch is 'x', not a whole number"),
        ("batch = 2.5", "batch is 2.5, not a whole number"),
        ("tensorboard = 1", "tensorboard is 1, not true or false"),
        ("mask_ratio = 1.5", "mask_ratio: 1.5 is out of range; it must be from 0.01 to 0.99"),
        ("batch = 0", "batch: 0 is out of range; it must be 1 or more"),
        ("epochs = inf", "epochs: inf is no finite number"),
        ("rate = nan", "rate: nan is no finite number"),
        ("seed = 9223372036854775808", "seed: 9.22337e+18 is out of range; it must be from 0 to"),
        ("padding = 'mirror'", "padding: 'mirror' is none of wrap, constant, cut"),
        ("preset = 'mine'", "'mine' is no preset of 'mbm'; it has: paper, small"),
        ("batch =", "is no TOML"),
        ("[run]\nstage = 'ldm'", "is of the stage 'ldm', not 'mbm'"),
    ],
)
def test_bad_files_are_one_clear_error(tmp_path, capsys, text, said):
    toml = tmp_path / "run.toml"
    toml.write_text(text)
    command = ["train", "mbm", "demo", "--out", str(tmp_path / "out"), "--config", str(toml)]
    assert main(command) == 1
    errors = capsys.readouterr().err
    assert said in errors
    assert len(errors.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_trained(
    file, masked, tune, pictures, tiny_model_folder, tmp_path, subject_factory, capsys
):
    def refused(*words: str, said: str) -> None:
        out = str(tmp_path / f"out-{len(list(tmp_path.iterdir()))}")
        assert main(["train", *words, "--out", out, *PLAIN]) == 1
        assert said in capsys.readouterr().err

    one = tmp_path / "one.h5"
    write_subject(one, subject_factory(7), dtype="float32")
    refused("mbm", str(one), *SMALL, said="tiny: one training trial cannot be split")
    refused("adapt", file, said="masked_model: give the folder that stage A wrote")
    refused("adapt", file, "--masked-model", str(tmp_path), said="holds no masked model")
    refused("adapt", file, "--masked-model", str(tmp_path / "none"), said="none: no such folder")
    refused("ldm", file, "--masked-model", str(masked), said="base: give the diffusion model")
    refused("vq", str(tmp_path / "none"), said="is no folder of pictures")
    refused("vq", str(pictures), "--image-size", "18", said="18 cannot be halved 2 times")
    refused("vq", str(pictures), "--channels", "9999968", said="no first stage has these sizes")
    base = ["--first-stage", str(tiny_model_folder), "--channels", "9999968", "--crops", "0"]
    refused("label-ldm", str(pictures), *base, said="no U-Net has these sizes")
    empty = tmp_path / "empty.toml"
    empty.write_text("multipliers = []")
    refused("vq", str(pictures), "--config", str(empty), said="multipliers: holds no number")
    refused("label-ldm", str(pictures / "cat"), said="first_stage: give the folder that vq wrote")
    refused("mbm", file, file, *SMALL, "--focus", "V1", said="give a range of voxels")
    refused("mbm", file, *SMALL, "--focus", "V9", said="no region is called 'V9'")
    refused("mbm", file, *SMALL, "--heads", "3", said="no network has these sizes")
    refused("mbm", file, *SMALL, "--mask-ratio", "0.99", said="0.99 leaves none of 44 patches")
    code, _ = tune("--no-time-condition", "--no-cross-attention")
    assert code == 1
    assert "nothing is conditioned" in capsys.readouterr().err
    code, _ = tune("--no-pretraining", "--heads", "3")
    assert code == 1
    assert "no encoder has these sizes" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--batch", "10000000"], ["--accumulate", "10000000"]])
def test_updates_of_more_samples_than_can_be_drawn_are_refused(file, tmp_path, capsys, options):
    out = tmp_path / "out"
    assert main(["train", "mbm", file, "--out", str(out), *SMALL, *PLAIN, *options]) == 1
    said = capsys.readouterr().err
    assert said.startswith("mindvis: batch: ")
    assert said.endswith("at most 1,000,000 can; take a smaller --batch or --accumulate\n")
    assert not out.exists()


def test_the_card_has_the_sizes_that_the_model_has(tune):
    code, out = tune()
    assert code == 0
    card = read_model_info(out).card
    saved = config(out)
    for name, value in {"width": 32, "depth": 1, "heads": 2, "image_size": 32}.items():
        assert f"| `{name}` | {value} |" in card
        assert saved[name] == value
    # They may be given again, and a run goes on with them.
    assert tune("--resume", "--config", str(out / "training" / "config.toml"))[0] == 0
    assert tune("--resume", "--width", "32", "--image-size", "32", "--padding", "wrap")[0] == 0
    assert config(out) == saved


def test_an_encoder_without_pre_training_has_the_sizes_of_stage_a1(tune, monkeypatch):
    for name, value in {"width": 48, "depth": 1, "heads": 3}.items():
        monkeypatch.setattr(MbmSettings, name, value)
    code, out = tune("--no-pretraining", "--patch-size", "32")
    assert code == 0
    saved = config(out)
    assert [saved[name] for name in ("width", "depth", "heads")] == [48, 1, 3]
    assert (saved["patch_size"], saved["padding"]) == (32, "wrap")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--width", "64", "width: 64 was asked for, but the masked model has 32; leave it out or"),
        ("--width", "1024", "width: 1024 was asked for, but the masked model has 32"),
        ("--patch-size", "8", "patch_size: 8 was asked for, but the masked model has 16"),
        ("--padding", "cut", "padding: cut was asked for, but the masked model has wrap"),
        ("--image-size", "64", "image_size: 64 was asked for, but the base has 32; leave it out"),
        ("--image-size", "256", "image_size: 256 was asked for, but the base has 32; leave it out"),
    ],
)
def test_sizes_that_pre_training_decided_cannot_be_asked_for(tune, capsys, option, value, said):
    code, out = tune(option, value)
    assert code == 1
    assert said in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("resume", [[], ["--resume"]])
@pytest.mark.parametrize("kept", ["", "vqvae"])
def test_a_model_that_no_run_made_is_not_overwritten(
    tune, tiny_model_folder, tmp_path, capsys, resume, kept
):
    shutil.copytree(tiny_model_folder / kept, tmp_path / "model" / kept)
    before = contents(tmp_path / "model")
    code, out = tune(*resume)
    assert code == 1
    said = capsys.readouterr().err
    assert "a model is there already, and no run to go on with; choose another folder" in said
    assert said.count("\n") == 1
    assert contents(out) == before


def test_a_run_that_lost_its_training_folder_is_a_model(file, masked, tmp_path, capsys):
    out = tmp_path / "mbm"
    shutil.copytree(masked, out, ignore=shutil.ignore_patterns("training"))
    before = contents(out)
    assert main(["train", "mbm", file, "--out", str(out), *SMALL]) == 1
    assert f"{out / 'config.json'}: a model is there already" in capsys.readouterr().err
    assert contents(out) == before


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_tensorboard_has_the_numbers_of_the_csv(file, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = tmp_path / "out"
    assert main(["train", "mbm", file, "--out", str(out), *SMALL, "--tensorboard"]) == 0
    events = EventAccumulator(str(out / "training" / "tensorboard")).Reload()
    kinds = [(row["kind"], row["name"], float(row["value"])) for row in metrics(out)]
    wanted = [value for *kind, value in kinds if kind == ["train", "loss"]]
    assert [e.value for e in events.Scalars("train/loss")] == pytest.approx(wanted)


def test_tensorboard_that_is_missing_is_said(file, tmp_path, monkeypatch, capsys):
    import sys

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    command = ["train", "mbm", file, "--out", str(tmp_path / "out"), *SMALL, "--tensorboard"]
    assert main(command) == 1
    assert "pip install 'mindvis-gui[tensorboard]'" in capsys.readouterr().err


@pytest.mark.parametrize("stage", ["adapt", "ldm", "vq", "label-ldm"])
def test_every_stage_goes_on_as_if_it_had_not_stopped(
    stage, file, masked, pictures, tiny_model_folder, tmp_path, monkeypatch
):
    from mindvis_gui.training.loop import MetricLog

    base = ["--base", str(tiny_model_folder), "--context-tokens", "5", "--crops", "1"]
    sizes = ["--channels", "32", "--multipliers", "1,1", "--attention", "1", "--layers", "1"]
    of_vq = ["--image-size", "16", "--channels", "8", "--multipliers", "1,1", "--layers", "1"]
    of_vq += ["--norm-groups", "2", "--codes", "4", "--plain-share", "0.5"]
    given = {
        "adapt": [file, "--masked-model", str(masked), "--interpolate", "0.5"],
        "ldm": [file, "--masked-model", str(masked), *base, "--sparsify", "0.2"],
        "vq": [str(pictures), *of_vq],
        "label-ldm": [str(pictures), *sizes, "--first-stage", str(tiny_model_folder)],
    }
    rhythm = ["--checkpoint-every", "3", "--validate-every", "2", "--log-every", "1"]
    command = ["train", stage, *given[stage], "--steps", "5", "--batch", "2", *rhythm]
    command += ["--precision", "fp32"]
    assert main([*command, "--out", str(tmp_path / "whole")]) == 0

    write = MetricLog.write

    def write_and_stop(self, step, kind, values):
        write(self, step, kind, values)
        if (step, kind) == (4, "train"):  # one step after the checkpoint
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MetricLog, "write", write_and_stop)
        assert main([*command, "--out", str(tmp_path / "stopped")]) == 130
    assert main([*command, "--out", str(tmp_path / "stopped"), "--resume"]) == 0
    whole, stopped = (
        [row for row in metrics(tmp_path / name) if row["kind"] != "speed"]
        for name in ("whole", "stopped")
    )
    assert whole == stopped
    assert {row["step"] for row in whole} >= {"4", "5"}


@pytest.mark.parametrize("stage", ["adapt", "ldm", "vq"])
def test_other_data_of_the_validation_are_refused(
    stage, masked, pictures, tiny_model_folder, tmp_path, subject_factory, capsys
):
    """The best weights would be chosen by losses on two sets that cannot be compared."""
    file, drawn = tmp_path / "mine.h5", tmp_path / "pictures"
    shutil.copytree(pictures, drawn)
    subject = subject_factory()
    write_subject(file, subject, dtype="float32")
    of_vq = ["--image-size", "16", "--channels", "8", "--multipliers", "1,1", "--layers", "1"]
    of_vq += ["--norm-groups", "2", "--codes", "4", "--plain-share", "0.5", "--batch", "2"]
    base = ["--base", str(tiny_model_folder), "--context-tokens", "5", "--crops", "0"]
    given = {
        "adapt": [str(file), "--masked-model", str(masked)],
        "ldm": [str(file), "--masked-model", str(masked), *base, "--selection", "test"],
        "vq": [str(drawn), *of_vq],
    }[stage]
    out = tmp_path / "out"
    command = ["train", stage, *given, *PLAIN, "--batch", "2", "--out", str(out)]
    assert main(command) == 0
    held = held_back(10 if stage == "vq" else 18, 0)[0].tolist()[0]
    if stage == "vq":
        path = sorted(path for path in drawn.rglob("*.png"))[held]
        Image.fromarray(np.zeros((20, 24, 3), dtype=np.uint8)).save(path)
    else:
        train = [trial.index for trial in subject.trials if trial.split == "train"]
        test = [trial.index for trial in subject.trials if trial.split == "test"]
        responses = subject.responses(range(len(subject.trials))).astype(np.float32)
        row = train[held] if stage == "adapt" else test[0]
        responses[row] = responses[row][::-1]  # mean and deviation stay
        pictures_of = {t.stimulus_id: subject.stimulus(t) for t in subject.trials}
        other = replace(subject, recording=type(subject.recording)(responses, pictures_of))
        file.unlink()
        write_subject(file, other, dtype="float32")
    capsys.readouterr()
    assert main([*command, "--resume"]) == 1
    assert "data_sha256 was" in capsys.readouterr().err


def test_other_labels_of_the_same_pictures_are_refused(
    pictures, tiny_model_folder, tmp_path, capsys
):
    drawn = tmp_path / "pictures"
    shutil.copytree(pictures, drawn)
    sizes = ["--channels", "32", "--multipliers", "1,1", "--attention", "1", "--layers", "1"]
    command = ["train", "label-ldm", str(drawn), "--out", str(tmp_path / "out"), *PLAIN, *sizes]
    command += ["--batch", "2", "--first-stage", str(tiny_model_folder)]
    assert main(command) == 0
    (drawn / "cat" / "4.png").rename(drawn / "dog" / "-.png")  # in the same place of all pictures
    capsys.readouterr()
    assert main([*command, "--resume"]) == 1
    assert "data_sha256 was" in capsys.readouterr().err


@pytest.mark.parametrize("stage", ["ldm", "label-ldm"])
def test_a_run_goes_on_where_latents_have_other_last_bits(
    stage, file, masked, pictures, tiny_model_folder, tmp_path, monkeypatch, capsys
):
    """With another number of threads or on another processor they do."""
    sizes = ["--channels", "32", "--multipliers", "1,1", "--attention", "1", "--layers", "1"]
    base = ["--base", str(tiny_model_folder), "--context-tokens", "5"]
    given = {
        "ldm": [file, "--masked-model", str(masked), *base],
        "label-ldm": [str(pictures), *sizes, "--first-stage", str(tiny_model_folder)],
    }[stage]
    command = ["train", stage, *given, *PLAIN, "--batch", "2", "--crops", "1"]
    command += ["--out", str(tmp_path / "out")]
    assert main(command) == 0
    for module in (trials, picture_stages):
        monkeypatch.setattr(module, "encode", lambda *given: 1.000001 * encode(*given))
    assert main([*command, "--resume"]) == 0
    # Latents of another first stage are other data.
    other = tmp_path / "other"
    shutil.copytree(tiny_model_folder, other)
    vqvae = VQModel.from_pretrained(other / "vqvae")
    with torch.no_grad():
        vqvae.quant_conv.bias += 1
    vqvae.save_pretrained(other / "vqvae")
    capsys.readouterr()
    moved = [str(other) if word == str(tiny_model_folder) else word for word in command]
    assert main([*moved, "--resume"]) == 1
    assert "data_sha256 was" in capsys.readouterr().err
