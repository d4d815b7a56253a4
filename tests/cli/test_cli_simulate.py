import numpy as np
import pytest
from PIL import Image

from mindvis_gui.cli import main
from mindvis_gui.data import open_subject


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(6):
        coarse = rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((96, 96)).save(folder / f"{i}.png")
    return folder


def test_a_folder_becomes_a_subject(pictures, tmp_path, capsys):
    out = tmp_path / "mine.h5"
    command = ["simulate", "--stimuli", str(pictures), "--out", str(out)]
    assert main([*command, "--test", "2", "--presentations", "2"]) == 0
    assert "4 training and 2 test pictures" in capsys.readouterr().out
    subject = open_subject(out)
    assert subject.display_name == "mine (simulated)"
    assert len(subject.trials) == 2 + 4 + 4
    assert subject.anatomy is not None


def test_too_few_pictures_are_an_expected_error(pictures, tmp_path, capsys):
    out = tmp_path / "mine.h5"
    assert main(["simulate", "--stimuli", str(pictures), "--out", str(out), "--test", "5"]) == 1
    assert "6 pictures are too few" in capsys.readouterr().err
    assert not out.exists()


def test_more_presentations_than_fit_anywhere_are_an_expected_error(pictures, tmp_path, capsys):
    out = tmp_path / "mine.h5"
    command = ["simulate", "--stimuli", str(pictures), "--out", str(out), "--test", "2"]
    assert main([*command, "--presentations", "50001"]) == 1
    said = capsys.readouterr().err
    assert "2 pictures of the test shown 50,001 times are more than 100,000 trials" in said
    assert not out.exists()


@pytest.mark.parametrize("option", ["--presentations=0", "--seed=-1"])
def test_numbers_that_make_no_sense_are_wrong_usage(pictures, option):
    with pytest.raises(SystemExit) as stopped:
        main(["simulate", "--stimuli", str(pictures), "--out", "x.h5", option])
    assert stopped.value.code == 2


def test_another_file_is_not_written_over(pictures, tmp_path, capsys):
    out = tmp_path / "mine.h5"
    out.write_bytes(b"old")
    command = ["simulate", "--stimuli", str(pictures), "--out", str(out), "--test", "2"]
    assert main([*command, "--overwrite"]) == 1
    assert "exists already and is no subject file" in capsys.readouterr().err
    assert out.read_bytes() == b"old"
    out.unlink()
    assert main(command) == 0
    assert main(command) == 1
    assert "exists already; choose another name, or add --overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
