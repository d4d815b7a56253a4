import re

import nibabel as nib
import numpy as np
import pytest

from mindvis_gui.cli import main
from mindvis_gui.data import open_subject
from mindvis_gui.data.import_plan import ImportPlan
from mindvis_gui.data.nifti import read_nifti_subject
from mindvis_gui.data.nifti_file import NiftiFile
from mindvis_gui.data.source_contents import inspect_source
from mindvis_gui.errors import DataError
from tests.data.makers import SESSION_SIZES, make_sessions


def joined(paths):
    """Return all volumes (n, x, y, z) of images, by nibabel."""
    volumes = [np.moveaxis(nib.load(path).get_fdata(dtype=np.float32), -1, 0) for path in paths]
    return np.concatenate(volumes)


def images(folder):
    return sorted(folder.glob("*_betas.nii*"))


def at_positions(subject, volumes):
    return volumes[:, subject.ijk[:, 0], subject.ijk[:, 1], subject.ijk[:, 2]]


@pytest.mark.parametrize("packed", [True, False])
def test_sessions_of_a_folder_are_one_subject(tmp_path, packed):
    folder = make_sessions(tmp_path / "sub-07", packed)
    subject = open_subject(folder)
    n = sum(SESSION_SIZES)
    assert [trial.index for trial in subject.trials] == list(range(n))
    expected = at_positions(subject, joined(images(folder)))
    assert np.array_equal(subject.responses(range(n)), expected)
    assert np.array_equal(subject.responses([n - 1, 0, 5, 5]), expected[[n - 1, 0, 5, 5]])
    assert [t.session for t in subject.trials] == np.repeat([1, 2, 10], SESSION_SIZES).tolist()
    assert subject.trials[4].stimulus_id == "4.png"
    assert subject.stimulus(subject.trials[4])[0, 0, 0] == 4
    assert f"{n} volumes of 3 images, one after another" in subject.notes


def test_packed_sessions_are_read_when_first_asked_for(tmp_path, monkeypatch):
    folder = make_sessions(tmp_path / "sub-07")
    read = []
    volumes = NiftiFile.volumes
    monkeypatch.setattr(
        NiftiFile, "volumes", lambda self: read.append(self.path.name) or volumes(self)
    )
    subject = open_subject(folder)
    looked_at = [path.name for path in images(folder)]
    assert [name for name in read if "betas" in name] == looked_at
    read.clear()
    subject.responses([5])
    subject.responses([6, 5])
    assert read == ["sub-07_ses-02_betas.nii.gz"]


def test_every_session_may_have_its_own_table(tmp_path):
    folder = make_sessions(tmp_path / "sub-07")
    (folder / "trials.tsv").unlink()
    for path, n in zip(images(folder), SESSION_SIZES, strict=True):
        name = path.name.replace("_betas.nii.gz", "_trials.tsv")
        rows = [f"{path.name[7:13]} {row}\t9" for row in range(n)]
        (folder / name).write_text("\n".join(["label\trun", *rows]) + "\n")
    trials = open_subject(folder).trials
    assert (trials[3].label, trials[3].session, trials[3].run) == ("ses-01 3", 1, 9)
    assert (trials[4].label, trials[4].session) == ("ses-02 0", 2)
    (folder / name).write_text("label\nonly\n")
    message = r"ses-10_trials\.tsv: 1 row but sub-07_ses-10_betas\.nii\.gz has 3 volumes"
    with pytest.raises(DataError, match=message):
        open_subject(folder)


def test_a_voxel_must_have_a_signal_in_every_session(tmp_path):
    folder = make_sessions(tmp_path / "sub-07")
    image = nib.load(images(folder)[1])
    data = np.array(image.dataobj)
    data[1, 2, 2] = np.nan
    nib.save(nib.Nifti1Image(data, image.affine), images(folder)[1])
    subject = open_subject(folder)
    assert subject.n_voxels == 15
    assert np.isfinite(subject.responses(range(sum(SESSION_SIZES)))).all()


def test_images_that_are_named_one_by_one(tmp_path):
    folder = make_sessions(tmp_path / "sub-07")
    every = range(sum(SESSION_SIZES))
    responses = open_subject(folder).responses(every)
    paths = [path.rename(folder / f"{letter}.nii.gz") for path, letter in
             zip(images(folder), "xay", strict=True)]  # fmt: skip
    out = tmp_path / "out.h5"
    assert main(["import-subject", *map(str, paths), "--out", str(out)]) == 0
    copy = open_subject(out)
    assert np.array_equal(copy.responses(every), responses)
    assert [t.session for t in copy.trials] == np.repeat([1, 2, 3], SESSION_SIZES).tolist()
    plan = ImportPlan(paths[0], tuple(paths[1:]))
    assert plan.arguments("o.h5")[:4] == ["import-subject", *map(str, paths)]
    contents = inspect_source(paths[0], paths[1:])
    assert (contents.plan, contents.kind) == (plan, "image")


def grid(path):
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), image.affine + np.eye(4, k=3)), path)


def smaller(path):
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[:4], image.affine), path)


def flat(path):
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[..., 0], image.affine), path)


def empty(path):
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.zeros(image.shape, np.float32), image.affine), path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (grid, r"ses-02_betas.nii.gz: its grid \(5 × 6 × 7 voxels .* is not the one of sub-07_ses"),
        (smaller, r"ses-02_betas.nii.gz: its grid \(4 × 6 × 7 voxels .* is not the one"),
        (flat, "ses-02_betas.nii.gz: the image is 3-D"),
        (empty, "ses-02_betas.nii.gz: every voxel of the first volumes is 0 or NaN"),
    ],
)
def test_a_session_that_does_not_fit_is_named(tmp_path, change, message):
    folder = make_sessions(tmp_path / "sub-07")
    change(images(folder)[1])
    with pytest.raises(DataError, match=message) as caught:
        open_subject(folder)
    assert "\n" not in str(caught.value)


def test_a_damaged_session_is_named_when_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("mindvis_gui.data.nifti_sessions._LOOKS", 1)
    folder = make_sessions(tmp_path / "sub-07")
    path = images(folder)[1]
    content = path.read_bytes()
    path.write_bytes(content[:-200])
    subject = open_subject(folder)
    subject.responses([0])
    with pytest.raises(DataError, match=r"ses-02_betas.nii.gz: the file is damaged"):
        subject.responses([5])


def test_a_table_of_all_sessions_has_a_row_a_volume(tmp_path):
    folder = make_sessions(tmp_path / "sub-07")
    (folder / "trials.tsv").write_text("label\na\nb\n")
    message = r"trials\.tsv: 2 rows but sub-07_ses-01_betas\.nii\.gz with 2 more has 12 volumes"
    with pytest.raises(DataError, match=message):
        open_subject(folder)


def renamed(folder, *names):
    """Give the images of a folder, in their order, other names; returns their paths."""
    paths = [folder / f"sub-07_{name}_betas.nii.gz" for name in names]
    for old, new in zip(images(folder), paths, strict=True):
        old.rename(new)
    return paths


WORDS = [
    (("ses-a", "ses-post", "ses-pre"), [1, 2, 3], [0, 0, 0]),
    (("ses-post_run-1", "ses-post_run-2", "ses-pre_run-1"), [1, 1, 2], [1, 2, 1]),
    (("ses-00", "ses-01", "ses-02"), [0, 1, 2], [0, 0, 0]),
]


@pytest.mark.parametrize(("names", "sessions", "runs"), WORDS)
@pytest.mark.parametrize("one_by_one", [False, True])
def test_sessions_called_by_words_stay_apart(tmp_path, names, sessions, runs, one_by_one):
    folder = make_sessions(tmp_path / "sub-07")
    paths = renamed(folder, *names)
    subject = ImportPlan(paths[0], tuple(paths[1:])).read() if one_by_one else open_subject(folder)
    assert [t.session for t in subject.trials] == np.repeat(sessions, SESSION_SIZES).tolist()
    assert [t.run for t in subject.trials] == np.repeat(runs, SESSION_SIZES).tolist()
    said = "Sessions are numbered in the order of their images: 1 " in " ".join(subject.notes)
    assert said == ("post" in "".join(names))


@pytest.mark.parametrize("other", ["sub-08_ses-01_betas.nii.gz", "sub-07_ses-001_betas.nii.gz"])
def test_betas_of_somebody_else_are_no_session(tmp_path, other):
    folder = make_sessions(tmp_path / "sub-07")
    (folder / other).write_bytes(images(folder)[0].read_bytes())
    with pytest.raises(DataError, match="could both be meant; open one"):
        open_subject(folder)


def test_only_images_are_joined(tmp_path):
    folder = make_sessions(tmp_path / "sub-07")
    first = images(folder)[0]
    with pytest.raises(DataError, match=r"trials\.tsv: only 4-D NIfTI images are joined"):
        ImportPlan(first, (folder / "trials.tsv",)).read()
    with pytest.raises(DataError, match=r"gone\.nii: no such file"):
        ImportPlan(first, (folder / "gone.nii",)).read()


def test_runs_of_a_time_series_are_named_one_by_one(tmp_path):
    from tests.data.makers import make_series

    folder = make_series(tmp_path / "a")
    one = open_subject(folder)
    runs = []
    for run in (1, 2):
        for ending in ("bold.nii.gz", "events.tsv"):
            content = (folder / f"sub-01_task-see_{ending}").read_bytes()
            (folder / f"sub-01_task-see_run-{run}_{ending}").write_bytes(content)
        runs.append(folder / f"sub-01_task-see_run-{run}_bold.nii.gz")
    both = ImportPlan(runs[0], (runs[1],)).read()
    n = len(one.trials)
    assert [trial.run for trial in both.trials] == [1] * n + [2] * n
    twice = np.tile(one.responses(range(n)), (2, 1))
    assert np.allclose(both.responses(range(2 * n)), twice)
    table = folder / "sub-01_task-see_events.tsv"
    with pytest.raises(DataError, match="one table for 2 runs; give the folder with a"):
        read_nifti_subject(runs[0], more=runs[1:], events=table)


def test_too_many_volumes(tmp_path, monkeypatch):
    monkeypatch.setattr("mindvis_gui.data.nifti_sessions.MAX_TRIALS", 10)
    folder = make_sessions(tmp_path / "sub-07")
    with pytest.raises(DataError, match=re.escape("and 2 more claim 12 volumes; at most 10")):
        open_subject(folder)
