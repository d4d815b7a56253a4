import os
import re
import signal

import pytest

from mindvis_gui.cli import main


def test_published_files_become_a_model_that_can_be_described(tmp_path, import_words, capsys):
    assert main(import_words) == 0
    said = capsys.readouterr().out
    assert "14.7 M parameters, 464 to 479 voxels, pictures of 64 × 64 px" in said
    assert "licence" in said
    assert main(["info", str(tmp_path / "models" / "god")]) == 0
    facts = capsys.readouterr().out
    assert re.search(r"voxels +464 to 479\n", facts)
    assert "14,652,829" in facts
    assert main(import_words) == 1
    assert "god: exists already" in capsys.readouterr().err


def test_number_of_voxels_must_fit_the_patches(tmp_path, import_words, capsys):
    assert main([*import_words, "--voxels", "480"]) == 1
    assert "on 464 to 479 voxels, not on 480" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


def test_wrong_file_is_one_line(tmp_path, import_words, published_files, capsys):
    import_words[import_words.index("--ldm") + 1] = str(published_files["fmri_encoder.pth"])
    assert main(import_words) == 1
    error = capsys.readouterr().err
    assert "fmri_encoder.pth: is a pre-trained fMRI encoder" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "models").exists()


def test_hostile_pickle_is_refused_and_its_global_named(
    tmp_path, import_words, write_checkpoint, capsys
):
    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    evil = write_checkpoint("evil.pth", {"model_state_dict": {}, "config": Payload()})
    import_words[import_words.index("--finetuned") + 1] = str(evil)
    assert main(import_words) == 1
    assert f"evil.pth: refused: it holds {os.name}.mkdir" in capsys.readouterr().err
    assert not (tmp_path / "sprung").exists()
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("voxels", ["0", "-3", "many"])
def test_numbers_of_voxels_that_make_no_sense(import_words, voxels):
    with pytest.raises(SystemExit) as stopped:
        main([*import_words, f"--voxels={voxels}"])
    assert stopped.value.code == 2


@pytest.mark.parametrize(
    ("sent", "usual"),
    [(signal.SIGTERM, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)],
    ids=["SIGTERM", "SIGINT"],
)
def test_an_import_that_is_stopped_while_it_writes_leaves_nothing(
    tmp_path, import_words, monkeypatch, capsys, sent, usual
):
    def save(pipeline, folder):
        pipeline.save_pretrained(folder)
        assert (folder / "model_index.json").exists()
        signal.raise_signal(sent)

    monkeypatch.setattr("mindvis_gui.decoding.import_published._save", save)
    # A shell starts background jobs, this one perhaps, with SIGINT ignored.
    before = signal.signal(sent, usual)
    try:
        assert main(import_words) == 130
        assert signal.getsignal(sent) is usual
    finally:
        signal.signal(sent, before)
    assert "stopped" in capsys.readouterr().err
    assert list((tmp_path / "models").iterdir()) == []
