import shlex

import pytest

from mindvis_gui.cli import main

DECODE = "decode nobody.h5 --out out"
LESION = "lesion nobody.h5 --out out"
FIGURE = "figure nothing --out figure.png"
IMPORT = "import-subject nobody.npz --out out.h5"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"{DECODE} --steps 0", "0 steps is not in the range 1 to 999"),
        (f"{DECODE} --sampler plms --steps 33", "divides 1000, not 33"),
        (f"{DECODE} --preset paper --steps 7", "divides 1000, not 7"),
        (f"{DECODE} --guidance nan", "guidance nan is not in the range"),
        (f"{DECODE} --mask-ratio 1.5", "'1.5' is no fraction"),
        (f"{DECODE} --mask-seed 1", "--mask-seed needs --mask-ratio"),
        (f"{DECODE} --filter session=x", "'x' is no number and no range"),
        (f"{LESION} --steps 1000", "1000 steps is not in the range"),
        (f"{LESION} --lesions c=random:many", "'random:many' is no number of voxels"),
        (f"{LESION} --lesions c=random:0", "'random:0' is no number of voxels"),
        (f"{LESION} --lesions intact=V1", "no lesion can be called 'intact'"),
        ("attribute nobody.h5 --trials 0 --out o.nii --guidance 99", "guidance 99 is not in"),
        (f"{FIGURE} --dpi 0", "0 dpi is not in the range 50 to 1200"),
        (f"{FIGURE} --font-size nan", "letters of nan pt"),
        (f"{FIGURE} --width 5", "5 mm wide cannot be drawn"),
        (f"{FIGURE} --width wide", "'wide' is no width"),
        (f"{FIGURE} --template brain", "name it: --subject"),
        (f"{FIGURE} --template page --subject nobody.h5", "name a --model"),
        (f"{FIGURE} --template lesion", "name its folder: --study"),
        (f"{IMPORT} --split nope", "'nope' is no filter"),
        (f"{IMPORT} --split voxel=3", "trials have no column 'voxel'"),
        (f"{IMPORT} --window 12-3", "'12-3' must rise"),
        ("view nobody.h5 --trial -1 --screenshot w.png", "'-1' is no whole number from 0"),
        ("train mbm nobody.h5 --out out --mask-ratio 1.5", "mask_ratio: 1.5 is out of range"),
        ("train mbm nobody.h5 --out out --focus 9-3", "voxels 9 to 3 are no range"),
        ("train adapt nobody.h5 --out out --epochs nan", "epochs: nan is no finite number"),
        ("train ldm nobody.h5 --out out --batch 0", "batch: 0 is out of range"),
        ("train vq nowhere --out out --multipliers 0", "multipliers: 0 is out of range"),
        ("train label-ldm nowhere --out out --channels 3", "channels: 3 is out of range"),
    ],
)
def test_what_no_file_could_make_right_is_wrong_usage(line, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(shlex.split(line))
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"usage: mindvis {line.split()[0]}")
    assert said in captured.err.splitlines()[-1]
    assert captured.out == ""
    assert not list(tmp_path.iterdir())


def test_the_same_value_in_a_file_is_an_error_of_that_file(tmp_path, capsys):
    (tmp_path / "run.toml").write_text("focus = '9-3'")
    words = ["train", "mbm", "demo", "--out", str(tmp_path / "out")]
    assert main([*words, "--config", str(tmp_path / "run.toml")]) == 1
    assert "voxels 9 to 3 are no range" in capsys.readouterr().err
