import json

import nibabel as nib
import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.data.nifti import read_nifti_subject
from mindvis_gui.data.source_kind import is_image
from mindvis_gui.data.time_series import standardised
from mindvis_gui.errors import DataError

TR, N = 2.0, 60
ONSETS = (10.0, 40.0, 70.0, 100.0)


def write_bold(path, series, tr=TR):
    image = nib.Nifti1Image(series.astype(np.float32), np.diag([3.0, 3, 3, 1]))
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = tr
    nib.save(image, path)


def series(seed: int) -> np.ndarray:
    """Return (4, 4, 4, N): a drift, noise, and at [1, 1, 1] a response 6 s after each onset."""
    rng = np.random.default_rng(seed)
    time = np.arange(N) * TR
    values = 100 + rng.normal(0, 0.1, (4, 4, 4, N)) + 0.05 * time
    for number, onset in enumerate(ONSETS):
        values[1, 1, 1] += (1 + number) * np.exp(-(((time - onset - 6) / 3) ** 2))
    return values


@pytest.fixture
def run(tmp_path):
    write_bold(tmp_path / "sub-1_run-2_bold.nii.gz", series(0))
    rows = [f"{onset}\t1\tp{number}.png\tx" for number, onset in enumerate(ONSETS)]
    table = "\n".join(["onset\tduration\tstimulus\ttrial_type", *rows, "50\t1\tn/a\tn/a"])
    (tmp_path / "sub-1_run-2_events.tsv").write_text(table)
    return tmp_path


def test_a_series_is_detrended_and_has_unit_variance():
    values = standardised(series(1).reshape(-1, N).T.astype(np.float32))
    time = np.arange(N) - (N - 1) / 2
    assert np.abs(values.mean(axis=0)).max() < 1e-4
    assert np.abs(values.std(axis=0) - 1).max() < 1e-4
    assert np.abs(time @ values / (time**2).sum()).max() < 1e-4


@pytest.mark.parametrize("value", [0.0, 7.3, 1e6])
def test_constant_and_straight_series_become_0(value):
    ramp = np.arange(N, dtype=np.float32)[:, None] * np.float32(0.5)
    assert not standardised(np.full((N, 3), value, np.float32)).any()
    assert not standardised(ramp).any()


def test_values_that_are_not_finite_are_found(run):
    values = series(3)
    values[2, 0, 1, 30:32] = np.nan
    values[3, 2, 1, 31] = np.inf
    write_bold(run / "sub-1_run-3_bold.nii.gz", values)
    (run / "sub-1_run-3_events.tsv").write_text("onset\tlabel\n20\tdog\n")
    message = (
        r"sub-1_run-3_bold\.nii\.gz: 2 of 64 voxels of the regions hold NaN or infinite values, in "
        r"2 of 60 volumes; the first is voxel 2, 0, 1 in volume 30, counted from 0"
    )
    with pytest.raises(DataError, match=message):
        open_subject(run)


def test_responses_are_means_over_the_window(run):
    subject = open_subject(run)
    assert subject.unit == "z"
    assert len(subject.trials) == 4
    assert [trial.run for trial in subject.trials] == [2] * 4
    assert "3 to 12 s after onset" in subject.notes[0]
    assert "Left out for want of a stimulus or label: 1 event" in subject.notes
    image = nib.load(run / "sub-1_run-2_bold.nii.gz").get_fdata()[1, 1, 1]
    time = np.arange(N)
    flat = image - np.polyval(np.polyfit(time, image, 1), time)
    z = flat / flat.std()
    voxel = int(np.flatnonzero((subject.ijk == 1).all(axis=1))[0])
    for trial, onset in enumerate(ONSETS):
        inside = (time * TR >= onset + 3) & (time * TR <= onset + 12)
        assert subject.responses([trial])[0, voxel] == pytest.approx(z[inside].mean(), abs=1e-3)
    assert (np.diff(subject.responses(range(4))[:, voxel]) > 0).all()


@pytest.mark.parametrize("step", [2.4, 1.2, 0.6])
@pytest.mark.parametrize("unit", ["sec", "msec"])
def test_a_volume_at_the_end_of_the_window_is_in_it_for_every_trial(run, step, unit):
    """As 32-bit numbers these steps are a little more, as sums now more and now less."""
    values = np.zeros((2, 2, 2, N))
    values += np.random.default_rng(0).normal(0, 1, values.shape)
    image = nib.Nifti1Image(values.astype(np.float32), np.eye(4))
    image.header.set_xyzt_units("mm", unit)
    image.header["pixdim"][4] = step * (1000 if unit == "msec" else 1)
    nib.save(image, run / "sub-1_run-2_bold.nii.gz")
    firsts = range(0, N - round(12 / step) - 1, 3)
    rows = [f"{first * step:.4f}\tx" for first in firsts]
    (run / "sub-1_run-2_events.tsv").write_text("\n".join(["onset\tlabel", *rows]) + "\n")
    subject = open_subject(run)
    z = standardised(values.reshape(8, N).T.astype(np.float32))
    order = np.ravel_multi_index(tuple(subject.ijk.T), (2, 2, 2))
    low, high = int(np.ceil(round(3 / step, 6))), round(12 / step)
    expected = [z[first + low : first + high + 1, order].mean(axis=0) for first in firsts]
    assert np.allclose(subject.responses(range(len(firsts))), expected, atol=1e-5)


def test_events_at_the_ends_of_a_run_are_counted(run):
    """The run lasts 120 s: volumes start at 0, 2, …, 118 s."""
    onsets = [-5, -3, 0, 106, 107.9, 108, 115, 116, 300]
    rows = "".join(f"{onset}\tx\n" for onset in onsets)
    (run / "sub-1_run-2_events.tsv").write_text(f"onset\tlabel\n{rows}")
    subject = open_subject(run)
    assert len(subject.trials) == 7
    assert subject.notes[1:3] == (
        "With a part of that window only, at an end of their run: 3 events",
        "Left out for want of a volume in that window: 2 events",
    )


@pytest.mark.parametrize("onset", [132, -5.4])
def test_what_rounding_leaves_of_the_step_loses_no_event_at_an_end(run, onset):
    """As a 32-bit number this step is a little more; the window ends with the volume behind."""
    write_bold(run / "sub-1_run-2_bold.nii.gz", series(0), tr=2.4)
    (run / "sub-1_run-2_events.tsv").write_text(f"onset\tlabel\n{onset}\tx\n")
    told = "With a part of that window only, at an end of their run: 1 event"
    assert told in open_subject(run).notes


def test_the_window_matters(run):
    bold, events = run / "sub-1_run-2_bold.nii.gz", run / "sub-1_run-2_events.tsv"
    peak = read_nifti_subject(bold, events=events, window=(4, 8))
    late = read_nifti_subject(bold, events=events, window=(16, 20))
    voxel = int(np.flatnonzero((peak.ijk == 1).all(axis=1))[0])
    assert peak.responses([3])[0, voxel] > 1.5
    assert late.responses([3])[0, voxel] < 0.5
    assert "Left out for want of a volume in that window: 1 event" in " ".join(
        read_nifti_subject(bold, events=events, window=(25, 30)).notes
    )


def test_runs_follow_one_another(run):
    write_bold(run / "sub-1_run-3_space-T1w_desc-preproc_bold.nii", series(5))
    (run / "sub-1_run-3_events.tsv").write_text("onset\ttrial_type\n10\tface\n40\thouse\n")
    subject = open_subject(run)
    assert [trial.run for trial in subject.trials] == [2] * 4 + [3] * 2
    assert [trial.index for trial in subject.trials] == list(range(6))
    assert subject.trials[5].label == "house"


@pytest.mark.parametrize(
    ("names", "sessions", "note"),
    [
        (
            ("post", "pre"),
            [1, 2],
            "Sessions are numbered in the order of their images: 1 post, 2 pre",
        ),
        (
            ("perceptionTest01", "02"),
            [2, 1],
            "in the order of their images: 1 02, 2 perceptionTest01",
        ),
        (("03", "10"), [3, 10], ""),
    ],
)
def test_runs_of_sessions_stay_apart(run, names, sessions, note):
    """As in OpenNeuro's Generic Object Decoding, whose sessions are called by words."""
    for seed, name in enumerate(names):
        write_bold(run / f"sub-1_ses-{name}_run-1_bold.nii.gz", series(seed))
        (run / f"sub-1_ses-{name}_run-1_events.tsv").write_text(f"onset\tlabel\n20\t{name}\n")
    (run / "sub-1_run-2_bold.nii.gz").unlink()
    subject = open_subject(run)
    found = {trial.label: trial.session for trial in subject.trials}
    assert [found[name] for name in names] == sessions
    assert {trial.run for trial in subject.trials} == {1}
    assert any(note in line for line in subject.notes)
    assert note or not any("Sessions are" in line for line in subject.notes)


def test_sessions_and_runs_that_events_tell_stand_above_those_of_names(run):
    (run / "sub-1_run-2_events.tsv").write_text(
        "onset\tlabel\tsession\trun\n20\tdog\t4\t7\n50\tcat\t\t\n"
    )
    for suffix in ("bold.nii.gz", "events.tsv"):
        (run / f"sub-1_run-2_{suffix}").rename(run / f"sub-1_ses-3_run-2_{suffix}")
    found = [(trial.label, trial.session, trial.run) for trial in open_subject(run).trials]
    assert found == [("dog", 4, 7), ("cat", 3, 2)]


@pytest.mark.parametrize("silent", [0.0, np.nan])
def test_a_voxel_must_have_a_signal_in_every_run(run, silent):
    values = series(3)
    values[2, 0, 1] = silent
    write_bold(run / "sub-1_run-3_bold.nii.gz", values)
    (run / "sub-1_run-3_events.tsv").write_text("onset\tlabel\n20\tdog\n")
    subject = open_subject(run)
    assert subject.n_voxels == 63
    assert [2, 0, 1] not in subject.ijk.tolist()


def test_runs_that_are_joined_are_called_by_what_their_names_share(run):
    runs = []
    for number in (2, 3):
        bold = run / f"sub-1_ses-a_run-{number}_space-T1w_bold.nii.gz"
        write_bold(bold, series(number))
        (run / f"sub-1_ses-a_run-{number}_events.tsv").write_text("onset\tlabel\n20\tdog\n")
        runs.append(bold)
    assert read_nifti_subject(runs[0], more=runs[1:]).name == "sub-1_ses-a_space-T1w_bold"
    assert read_nifti_subject(runs[0]).name == "sub-1_ses-a_run-2_space-T1w_bold"
    monday, tuesday = (
        path.rename(run / f"{day}.nii.gz") for path, day in zip(runs, ["mo", "tu"], strict=True)
    )
    for day in ("mo", "tu"):
        (run / f"{day}_events.tsv").write_text("onset\tlabel\n20\tdog\n")
    assert read_nifti_subject(monday, more=[tuesday], events=run).name == "mo"


def test_runs_and_events_in_two_folders(run):
    events = run / "events"
    events.mkdir()
    (run / "sub-1_run-2_events.tsv").rename(events / "sub-1_run-2_events.tsv")
    with pytest.raises(DataError, match=r"its events are missing; expected .*sub-1_run-2_events"):
        open_subject(run)
    assert len(read_nifti_subject(run, events=events).trials) == 4


@pytest.mark.parametrize("given", ["", "sub-1", "sub-1/ses-a", "sub-1/ses-a/func"])
def test_events_in_the_folders_of_bids(run, given):
    """fMRIPrep leaves them with the raw data: root, sub-1, ses-a, func."""
    func = run / "sub-1" / "ses-a" / "func"
    func.mkdir(parents=True)
    (run / "sub-1_run-2_events.tsv").rename(func / "sub-1_ses-a_run-2_events.tsv")
    bold = run / "sub-1_ses-a_run-2_space-T1w_desc-preproc_bold.nii.gz"
    (run / "sub-1_run-2_bold.nii.gz").rename(bold)
    assert len(read_nifti_subject(bold, events=run / given).trials) == 4
    with pytest.raises(DataError, match=r"expected .*sub-1_ses-a_run-2_events\.tsv"):
        read_nifti_subject(bold, events=run.parent)


@pytest.mark.parametrize("places", [["func"], ["ses-1/func", "ses-2/func"]])
def test_the_folder_of_a_subject_as_bids_lays_it_out(run, places):
    known = open_subject(run)
    folder = run / "sub-1"
    for place in places:
        (folder / place).mkdir(parents=True)
        session = f"_{place.partition('/')[0]}" if "ses" in place else ""
        for suffix in ("bold.nii.gz", "events.tsv"):
            copy = folder / place / f"sub-1{session}_run-2_{suffix}"
            copy.write_bytes((run / f"sub-1_run-2_{suffix}").read_bytes())
    subject = open_subject(folder)
    assert subject.name == "sub-1"
    assert is_image(folder)
    sessions = [trial.session for trial in subject.trials]
    assert sessions == ([0] * 4 if places == ["func"] else [1] * 4 + [2] * 4)
    assert np.array_equal(subject.responses(range(4)), known.responses(range(4)))


def test_as_many_events_as_volumes_are_betas(run):
    rows = "\n".join(f"{2 * row}\tp{row}" for row in range(N))
    (run / "betas.tsv").write_text(f"onset\tstimulus\n{rows}\n")
    bold = run / "sub-1_run-2_bold.nii.gz"
    subject = read_nifti_subject(bold, events=run / "betas.tsv")
    assert len(subject.trials) == N
    assert subject.unit == "a.u."


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("time\tlabel\n1\tx\n", "no column is called 'onset'; it has: time, label"),
        ("onset\tlabel\nsoon\tx\n", "column 'onset' must hold seconds"),
        ("onset\tlabel\nn/a\tx\n", "no event has a volume 3 to 12 s after its onset"),
        ("onset\tlabel\n1\tx\ninf\tx\n", "row 3: onset is inf s"),
        ("onset\tlabel\n5000\tx\n", "no event has a volume 3 to 12 s after its onset"),
    ],
)
def test_events_that_cannot_be_used(run, table, message):
    (run / "sub-1_run-2_events.tsv").write_text(table)
    with pytest.raises(DataError, match=message):
        open_subject(run)


@pytest.mark.parametrize("missing", ["n/a", "NA", ""])
def test_events_without_an_onset_are_left_out_and_counted(run, missing):
    rows = f"20\tdog\n{missing}\tcat\n{missing}\tn/a\n50\tcat\n"
    (run / "sub-1_run-2_events.tsv").write_text(f"onset\tlabel\n{rows}")
    subject = open_subject(run)
    assert [trial.label for trial in subject.trials] == ["dog", "cat"]
    assert "Left out for want of an onset: 1 event" in subject.notes
    assert "Left out for want of a stimulus or label: 1 event" in subject.notes


@pytest.mark.parametrize(("step", "said"), [(0, "0 sec"), (2000, "2000 sec")])
def test_a_series_without_repetition_time(run, step, said):
    write_bold(run / "sub-1_run-2_bold.nii.gz", series(0), tr=step)
    message = rf"gives no time between volumes \(pixdim\[4\] is {said}\); write it in seconds into "
    with pytest.raises(DataError, match=message + r"sub-1_run-2_bold\.json beside it"):
        open_subject(run)


def test_the_description_of_bids_has_the_last_word_on_the_repetition_time(run):
    """A library that is told nothing writes 1 into the header, in no unit."""
    expected = open_subject(run).responses(range(4))
    nib.save(
        nib.Nifti1Image(series(0).astype(np.float32), np.diag([3.0, 3, 3, 1])),
        run / "sub-1_run-2_bold.nii.gz",
    )
    assert "z-scored a run; a volume takes 1 s" in open_subject(run).notes[0]
    (run / "sub-1_run-2_bold.json").write_text('{"RepetitionTime": 2.0, "TaskName": "x"}')
    subject = open_subject(run)
    assert np.array_equal(subject.responses(range(4)), expected)
    assert "z-scored a run; a volume takes 2 s" in subject.notes[0]
    assert subject.notes[1] == (
        "The time of a volume is that of the .json beside the images; 1 header differs, for "
        "example sub-1_run-2_bold.nii.gz (1 in no unit)"
    )


@pytest.mark.parametrize(
    ("start", "volumes"), [(0.0, [2, 3, 4]), (1.25, [2, 3]), (-1.5, [3, 4, 5])]
)
def test_volumes_may_show_another_moment_than_their_start(run, start, volumes):
    """As fMRIPrep's do, whose slices are corrected to the middle of a volume."""
    described = {"RepetitionTime": TR, "StartTime": start, "SliceTimingCorrected": True}
    (run / "sub-1_run-2_bold.json").write_text(json.dumps(described))
    subject = read_nifti_subject(run, window=(3.5, 8.5))
    whole = standardised(series(0).reshape(-1, N, order="F").T.astype(np.float32))
    at = np.ravel_multi_index((1, 1, 1), (4, 4, 4), order="F")
    column = int(np.flatnonzero((subject.ijk == 1).all(axis=1))[0])
    for trial, onset in enumerate(ONSETS):
        times = [int(onset / TR) + volume for volume in volumes]
        expected = whole[times, at].mean()
        assert subject.responses([trial])[0, column] == pytest.approx(expected, abs=1e-4)
    said = "The first volume of a run is that at"
    told = [note for note in subject.notes if note.startswith(said)]
    assert told == ([f"{said} {start:g} s (StartTime in the .json beside it)"] if start else [])


def test_one_time_of_a_volume_is_said_once(run):
    """Of the header, a 32-bit number, and of a description."""
    for number in (2, 3):
        write_bold(run / f"sub-1_run-{number}_bold.nii.gz", series(0), tr=2.4)
    (run / "sub-1_run-3_events.tsv").write_text("onset\tlabel\n20\tdog\n")
    (run / "sub-1_run-3_bold.json").write_text('{"RepetitionTime": 2.4}')
    assert open_subject(run).notes[0].endswith("; a volume takes 2.4 s")


def test_a_description_may_hold_the_header_of_every_volume(run):
    """As dcmstack writes it for heudiconv."""
    samples = {"AcquisitionTime": [f"{time:014.6f}" for time in range(90_000)]}
    described = {"time": {"samples": samples}, "RepetitionTime": 2.5}
    (run / "sub-1_run-2_bold.json").write_text(json.dumps(described, indent=2))
    assert "a volume takes 2.5 s" in open_subject(run).notes[0]


def test_a_description_without_the_repetition_time_says_nothing(run):
    (run / "sub-1_run-2_bold.json").write_text('{"SkullStripped": false}')
    assert "a volume takes 2 s" in open_subject(run).notes[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"RepetitionTime": 2000}', "RepetitionTime is 2000; seconds are needed"),
        ('{"RepetitionTime": "soon"}', "no description as in BIDS"),
        ('{"RepetitionTime": 2, "StartTime": 1000}', "StartTime is 1000; seconds are needed"),
        ('{"RepetitionTime": 2, "StartTime": NaN}', "StartTime is nan; seconds are needed"),
        ("[2.0]", "no description as in BIDS .*; mend it, or take it away to have the repet"),
        ('{"RepetitionTime": 1', "no description as in BIDS"),
        (f'{{"RepetitionTime": 1{"0" * 400}}}', "no description as in BIDS"),
    ],
)
def test_a_description_that_cannot_be_used(run, text, message):
    (run / "sub-1_run-2_bold.json").write_text(text)
    with pytest.raises(DataError, match=rf"^sub-1_run-2_bold\.json: {message}"):
        open_subject(run)


def test_runs_on_two_grids(run):
    write_bold(run / "sub-1_run-3_bold.nii", series(5)[:3])
    (run / "sub-1_run-3_events.tsv").write_text("onset\ttrial_type\n10\tface\n")
    with pytest.raises(DataError, match=r"its grid .* is not the one of sub-1_run-2"):
        open_subject(run)


@pytest.mark.parametrize("other", ["space-MNI152NLin6Asym_desc-preproc_", "desc-smoothed_"])
def test_one_run_in_two_versions_is_refused(run, other):
    """As fMRIPrep writes it for several spaces, and others who smooth or clean its output."""
    write_bold(run / f"sub-1_run-2_{other}bold.nii.gz", series(0)[: 3 if "MNI" in other else 4])
    message = (
        rf"^sub-1_run-2_bold\.nii\.gz and sub-1_run-2_{other}bold\.nii\.gz are of one run "
        r"\(sub-1_run-2_events\.tsv\), and each of its trials would be there twice"
    )
    with pytest.raises(DataError, match=message):
        open_subject(run)
    assert len(read_nifti_subject(run / f"sub-1_run-2_{other}bold.nii.gz").trials) == 4
