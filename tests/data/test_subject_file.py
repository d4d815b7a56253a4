import gc
import io
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from mindvis_gui.data import hdf5_output, open_subject
from mindvis_gui.data.hdf5 import damage_reported
from mindvis_gui.data.picture import decode_picture
from mindvis_gui.data.recording import ArrayRecording
from mindvis_gui.data.subject import Roi
from mindvis_gui.data.subject_file import write_subject, writing_subject
from mindvis_gui.errors import DataError, ExportError


def assert_same(one, other):
    assert one.trials == other.trials
    assert one.n_voxels == other.n_voxels
    rows = range(len(one.trials))
    assert np.array_equal(one.responses(rows), other.responses(rows))
    assert [roi.name for roi in one.rois] == [roi.name for roi in other.rois]
    for a, b in zip(one.rois, other.rois, strict=True):
        assert np.array_equal(a.voxels, b.voxels)
    assert np.array_equal(one.ijk, other.ijk)
    assert np.array_equal(one.affine, other.affine)
    assert np.array_equal(one.anatomy.data, other.anatomy.data)
    assert np.array_equal(one.anatomy.affine, other.anatomy.affine)
    assert list(one.maps) == list(other.maps)
    for name, values in one.maps.items():
        assert np.array_equal(values, other.maps[name], equal_nan=True)
    for trial in one.trials:
        assert np.array_equal(one.stimulus(trial), other.stimulus(trial))
    for name in ("name", "unit", "simulated", "notes", "origin", "licence"):
        assert getattr(one, name) == getattr(other, name)


@pytest.mark.parametrize("deflate", [0, 6])
def test_round_trip(tmp_path, pictured, deflate):
    write_subject(tmp_path / "a.h5", pictured, deflate=deflate)
    first = open_subject(tmp_path / "a.h5")
    assert_same(first, pictured)
    write_subject(tmp_path / "b.h5", first)
    assert_same(open_subject(tmp_path / "b.h5"), pictured)


def test_what_is_written_under_a_name_opens_under_it(tmp_path, subject, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # the same on Windows
    write_subject("~/copy.h5", subject)
    assert open_subject("~/copy.h5").n_voxels == subject.n_voxels
    assert (tmp_path / "copy.h5").is_file()


def test_a_bare_subject_makes_the_round_trip(tmp_path, subject):
    bare = replace(
        subject,
        rois=(),
        ijk=None,
        affine=None,
        anatomy=None,
        trials=tuple(replace(t, stimulus_id="", label="") for t in subject.trials),
        name="sübject 脳",
    )
    write_subject(tmp_path / "a.h5", bare)
    opened = open_subject(str(tmp_path / "a.h5"))
    assert opened.name == "sübject 脳"
    assert opened.trials == bare.trials
    assert opened.ijk is None
    assert opened.anatomy is None
    assert opened.rois == ()
    assert opened.stimulus(opened.trials[0]) is None


@pytest.mark.parametrize(
    ("dtype", "step"), [("float16", 2**-10), ("int16", 1 / 65534), ("int8", 1 / 254)]
)
def test_smaller_types_lose_no_more_than_they_say(tmp_path, pictured, dtype, step):
    write_subject(tmp_path / "a.h5", pictured, dtype=dtype)
    opened = open_subject(tmp_path / "a.h5")
    values = pictured.responses(range(24))
    lost = np.abs(opened.responses(range(24)) - values).max()
    assert 0 < lost <= 1.01 * step * np.abs(values).max()


def test_float16_that_overflows_is_refused(tmp_path, pictured):
    large = replace(pictured, recording=ArrayRecording(np.full((24, 700), 1e5, np.float32)))
    with pytest.raises(DataError, match="100000 does not fit float16; use float32"):
        write_subject(tmp_path / "a.h5", large, dtype="float16")
    assert not list(tmp_path.iterdir())


def test_pictures_are_copied_byte_by_byte(tmp_path, pictured):
    buffer = io.BytesIO()
    Image.fromarray(np.full((9, 7, 3), 90, np.uint8)).save(buffer, "JPEG")
    recording = ArrayRecording(pictured.responses(range(24)), {"crab": buffer.getvalue()})
    write_subject(tmp_path / "a.h5", replace(pictured, recording=recording))
    opened = open_subject(tmp_path / "a.h5")
    assert opened.recording.encoded_stimulus("crab") == buffer.getvalue()
    assert opened.recording.encoded_stimulus("bed") is None
    assert np.array_equal(
        opened.recording.stimulus("crab"), decode_picture(buffer.getvalue(), "crab")
    )
    assert any(
        "5 of the stimuli shown have no picture, for example 'bed'" in n for n in opened.notes
    )


def test_pictures_as_one_array(subject_path, pictured):
    ids = list(dict.fromkeys(t.stimulus_id for t in pictured.trials))
    images = np.stack([pictured.recording.stimulus(name) for name in ids])
    with h5py.File(subject_path, "a") as file:
        del file["stimuli/encoded"]
        file["stimuli"].create_dataset("image", data=images, chunks=(1, *images.shape[1:]))
    assert_same(open_subject(subject_path), pictured)


def test_any_order_of_trials_and_repeats(subject_path, pictured):
    opened = open_subject(subject_path)
    rows = [23, 0, 1, 2, 7, 0, 23, 22]
    assert np.array_equal(opened.responses(rows), pictured.responses(rows))
    assert opened.responses([]).shape == (0, 700)


def test_reads_from_many_threads_agree(subject_path, pictured):
    opened = open_subject(subject_path)
    expected = pictured.responses(range(24))

    def read(seed: int) -> bool:
        rows = np.random.default_rng(seed).integers(0, 24, 5)
        picture = opened.stimulus(opened.trials[int(rows[0])])
        return np.array_equal(opened.responses(rows), expected[rows]) and picture is not None

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(200)))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_the_file_is_closed_when_the_subject_is_dropped(subject_path):
    def is_open() -> bool:
        return subject_path in [link.resolve() for link in Path("/proc/self/fd").iterdir()]

    opened = open_subject(subject_path)
    assert is_open()
    del opened
    gc.collect()
    assert not is_open()


def test_responses_are_not_read_at_the_start(subject_path):
    with h5py.File(subject_path, "a") as file:
        data = file["responses"]
        offset = data.id.get_chunk_info(0).byte_offset
    with subject_path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 100)
    opened = open_subject(subject_path)
    with pytest.raises(DataError, match=r"subject\.h5: the HDF5 file is damaged"):
        opened.responses([0])


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no file descriptors there")
def test_what_the_system_refuses_to_read_is_not_called_damaged(subject_path, tmp_path):
    with h5py.File(subject_path, locking=False) as file:
        refusing = os.open(tmp_path, os.O_RDONLY)  # a folder, of which no byte can be read
        os.dup2(refusing, file.id.get_vfd_handle())
        os.close(refusing)
        for read in (lambda: file["responses"][0], lambda: file["trials"]["split"][()]):
            with pytest.raises(DataError) as caught, damage_reported(subject_path):
                read()
            told = str(caught.value)
            assert told.startswith(f"{subject_path.name}: cannot be read (Is a directory); this is")
            assert "damaged" not in told


def test_a_grid_in_another_orientation_is_turned_to_ras(subject_path, pictured):
    with h5py.File(subject_path, "a") as file:
        ijk = file["voxels/ijk"][()]
        turned = ijk[:, [2, 0, 1]]
        turned[:, 0] = turned[:, 0].max() - turned[:, 0]
        to_old = np.zeros((4, 4))
        to_old[[2, 0, 1], [0, 1, 2]] = [-1, 1, 1]
        to_old[:, 3] = [0, 0, ijk[:, 2].max(), 1]
        file["voxels/ijk"][...] = turned
        file["affine"][...] = file["affine"][()] @ to_old
    opened = open_subject(subject_path)
    mm = pictured.affine[:3, :3] @ pictured.ijk.T + pictured.affine[:3, 3:]
    assert np.allclose(opened.affine[:3, :3] @ opened.ijk.T + opened.affine[:3, 3:], mm)
    assert (np.diag(opened.affine) > 0).all()
    assert (opened.ijk >= 0).all()


def replaced(name, data, **options):
    def change(file):
        if name in file:
            del file[name]
        file.create_dataset(name, data=data, **options)

    return change


def attribute(name, value, of="/"):
    def change(file):
        file[of].attrs[name] = value

    return change


def deleted(name):
    def change(file):
        del file[name]

    return change


def link(name, to):
    def change(file):
        if name in file:
            del file[name]
        file[name] = to

    return change


def virtual(file):
    layout = h5py.VirtualLayout(shape=(24, 700), dtype="f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "data", shape=(24, 700))
    del file["responses"]
    file.create_virtual_dataset("responses", layout)


def external(file):
    del file["responses"]
    file.create_dataset("responses", (24, 700), "f4", external=[("/etc/hostname", 0, 67200)])


def text(*cells):
    return np.array([cell.encode() for cell in cells], dtype="S")


bad_affine = np.eye(4)
bad_affine[1, 1] = np.nan
singular = np.diag([1.0, 1, 1, 1])
singular[:, 0] = singular[:, 1]
half_ijk = np.argwhere(np.ones((10, 10, 7)))
twice_ijk = half_ijk.copy()
twice_ijk[5] = twice_ijk[9]

CASES = {
    "another format": (attribute("format", np.bytes_("nwb")), "not a subject file"),
    "format is a number": (attribute("format", 3.0), "attribute 'format' is .* not text"),
    "text of variable length": (attribute("format", "mindvis-subject"), "not of a plain type"),
    "a newer version": (attribute("format_version", 2), "version 2 is not 1; update"),
    "version is text": (attribute("format_version", "one"), "attribute 'format_version'"),
    "no responses": (deleted("responses"), "/responses is missing"),
    "3-D responses": (replaced("responses", np.zeros((2, 3, 4), "f4")), r"shape \(2, 3, 4\)"),
    "text responses": (replaced("responses", np.full((24, 700), b"x")), "type |S1"),
    "float64 responses": (replaced("responses", np.zeros((24, 700))), "are float64, not float32"),
    "no trial": (replaced("responses", np.zeros((0, 700), "f4")), "0 trials × 700 voxels"),
    "scale is NaN": (attribute("scale", np.nan, "responses"), "attribute 'scale' is .*nan"),
    "objects": (
        replaced("responses", np.full((24, 700), "x", object), dtype=h5py.string_dtype()),
        "type object",
    ),
    "virtual": (virtual, "keeps its values in another file"),
    "external": (external, "keeps its values in another file"),
    "external link": (link("responses", h5py.ExternalLink("b.h5", "/x")), "link to somewhere else"),
    "soft link": (link("rois", h5py.SoftLink("/maps")), "link to somewhere else"),
    "external region": (link("rois/V9", h5py.ExternalLink("b.h5", "/x")), "/rois/V9 is a link"),
    "region is a group": (lambda f: f.create_group("rois/V9"), "/rois/V9 is not a dataset"),
    "regions are data": (replaced("rois", [1]), "/rois is not a group"),
    "short region": (replaced("rois/V1", np.ones(10, bool)), "region V1 marks 10 voxels .* 700"),
    "region of integers": (
        replaced("rois/V1", np.ones(700, int)),
        "/rois/V1 holds .* int64, not bool",
    ),
    "empty region": (replaced("rois/V1", np.zeros(700, bool)), "region V1 has no voxel"),
    "odd region name": (replaced("rois/V1,V2", np.ones(700, bool)), "name 'V1,V2' is not allowed"),
    "control characters": (replaced("rois/V\n1", np.ones(700, bool)), r"'V\\n1' is not allowed"),
    "long region name": (replaced("rois/" + "V" * 65, np.ones(700, bool)), "longer than 64"),
    "a million regions": (
        lambda f: [f.create_group(f"rois/{n}") for n in range(1000)],
        "1,007 regions; at most 1,000",
    ),
    "no split": (deleted("trials/split"), "/trials/split is missing"),
    "unknown split": (replaced("trials/split", text(*["val"] * 24)), "'val' is not a split"),
    "short split": (replaced("trials/split", text("test")), "1 rows but there are 24"),
    "short run": (replaced("trials/run", [1, 2]), "/trials/run has 2 rows"),
    "negative run": (replaced("trials/run", [-1] * 24), "/trials/run holds the value -1"),
    "no presentation": (replaced("trials/presentations", [0] * 24), "holds the value 0"),
    "not UTF-8": (replaced("trials/label", np.full(24, b"\xff\xfe")), "not UTF-8 text"),
    "huge text": (replaced("trials/label", np.zeros(24, "S5000")), "cells of 5,000 bytes"),
    "pictures missing": (replaced("stimuli/id", text("a", "b")), "names 2 pictures .* are 6"),
    "picture twice": (replaced("stimuli/id", text(*"abcdeb")), "stimulus 'b' is in"),
    "grey pictures": (
        lambda f: (
            deleted("stimuli/encoded")(f),
            replaced("stimuli/image", np.zeros((6, 8, 8, 1), "u1"))(f),
        ),
        r"/stimuli/image is \(6, 8, 8, 1\)",
    ),
    "pictures are objects": (
        replaced("stimuli/encoded", ["x"] * 6, dtype=h5py.string_dtype()),
        "type object",
    ),
    "pictures of variable length": (
        lambda f: (
            deleted("stimuli/encoded")(f),
            f.create_dataset("stimuli/encoded", (6,), h5py.vlen_dtype(np.uint8)),
        ),
        "type object",
    ),
    "pictures of words": (replaced("stimuli/encoded", np.zeros(9, "u2")), "uint16, not uint8"),
    "pictures without ends": (deleted("stimuli/end"), "/stimuli/end is missing"),
    "pictures that end too early": (
        replaced("stimuli/end", [1, 2, 3, 4, 5, 6]),
        "/stimuli/end does not rise to",
    ),
    "pictures that end before they start": (
        replaced("stimuli/end", [3, 2, 3, 4, 5, 6]),
        "/stimuli/end does not rise to",
    ),
    "positions of fewer voxels": (replaced("voxels/ijk", half_ijk[:9]), r"shape \(9, 3\)"),
    "positions are floats": (replaced("voxels/ijk", half_ijk * 0.5), "type float64"),
    "negative position": (replaced("voxels/ijk", half_ijk - 1), "negative index -1"),
    "position twice": (replaced("voxels/ijk", twice_ijk), r"share the position \[0, 1, 2\]"),
    "absurd position": (replaced("voxels/ijk", half_ijk * 10**6), "asks for a grid of"),
    "no affine": (deleted("affine"), "/affine is missing"),
    "affine of 3": (replaced("affine", np.eye(3)), r"shape \(3, 3\)"),
    "NaN in the affine": (replaced("affine", bad_affine), "not finite"),
    "singular affine": (replaced("affine", singular), "is singular"),
    "last row": (replaced("affine", np.ones((4, 4))), "last row"),
    "anatomy without affine": (replaced("anatomy", np.zeros((4, 4, 4))), "of /anatomy has shape"),
    "4-D anatomy": (replaced("anatomy", np.zeros((4, 4, 4, 2))), "/anatomy has shape"),
    "absurd anatomy": (
        lambda f: (
            deleted("anatomy")(f),
            f.create_dataset("anatomy", (4000,) * 3, "u1", chunks=True),
        ),
        "grid of 4,000 × 4,000 × 4,000",
    ),
    "short map": (replaced("maps/x", np.zeros(3)), "map x has 3 values"),
    "infinite map": (replaced("maps/x", np.full(700, np.inf)), "map x holds infinite"),
    "integer map": (
        replaced("maps/x", np.zeros(700, int)),
        "/maps/x holds values of type int64, not floating-point numbers",
    ),
    "text as h5py writes lists": (
        replaced("trials/split", ["train"] * 24),
        r"/trials/split holds values of type object, not text of fixed length \(numpy.bytes_\)",
    ),
    "an absurd number of trials": (
        lambda f: (
            deleted("responses")(f),
            f.create_dataset("responses", (10**9, 700), "f4", chunks=True),
        ),
        "claim 1,000,000,000 trials",
    ),
    "a script that ended early": (
        lambda f: (
            deleted("responses")(f),
            f.create_dataset("responses", (24, 700), "f4", chunks=(1, 700)).write_direct(
                np.ones((9, 700), "f4"), dest_sel=np.s_[:9]
            ),
        ),
        "of the 24 chunks of /responses only 9 were ever written; make the file again",
    ),
    "one huge chunk": (
        lambda f: (
            deleted("responses")(f),
            f.create_dataset("responses", (10**6, 700), "f4", chunks=(10**5, 700)),
        ),
        "chunks of 280,000,000 bytes",
    ),
    "an absurd column": (
        lambda f: (
            deleted("trials/run")(f),
            f.create_dataset("trials/run", (24, 10**9), "i4", chunks=True),
        ),
        "/trials/run has shape",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_said_in_one_line(subject_path, case):
    change, message = CASES[case]
    with h5py.File(subject_path, "a") as file:
        change(file)
    with pytest.raises(DataError, match=message) as caught:
        open_subject(subject_path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("subject.h5: ")


def test_what_is_optional_may_be_missing(subject_path):
    with h5py.File(subject_path, "a") as file:
        for name in ("anatomy", "maps", "voxels", "affine", "rois", "stimuli", "trials/label"):
            del file[name]
        for name in ("name", "notes", "response_unit", "licence", "source", "simulated"):
            del file.attrs[name]
    opened = open_subject(subject_path)
    assert opened.name == "subject"
    assert opened.unit == "a.u."
    assert opened.trials[0].label == ""
    assert opened.trials[0].presentations == 1
    assert opened.notes == ("6 of the stimuli shown have no picture, for example 'bed'",)


def test_a_broken_picture_names_its_stimulus(subject_path):
    with h5py.File(subject_path, "a") as file:
        row = file["stimuli/id"][()].tolist().index(b"crab")
        file["stimuli/encoded"][file["stimuli/end"][row - 1] + 20] += 1
    opened = open_subject(subject_path)
    with pytest.raises(DataError, match=r"subject\.h5: 'crab': not a readable picture"):
        opened.recording.stimulus("crab")
    assert opened.recording.stimulus("bed") is not None


def test_stopping_leaves_nothing_behind(tmp_path, pictured):
    steps = writing_subject(tmp_path / "a.h5", pictured)
    done, total = next(steps)
    assert 0 < done < total == 30
    assert len(list(tmp_path.iterdir())) == 1
    steps.close()
    assert not list(tmp_path.iterdir())


def test_progress_ends_at_the_total(tmp_path, pictured):
    steps = list(writing_subject(tmp_path / "a.h5", pictured))
    assert steps == sorted(steps)
    assert steps[-1] == (30, 30)


def test_a_subject_that_cannot_be_read_leaves_the_old_file(subject_path, pictured):
    before = subject_path.read_bytes()
    broken = replace(pictured, recording=ArrayRecording(np.full((24, 700), np.nan, np.float32)))
    with pytest.raises(DataError, match="NaN"):
        write_subject(subject_path, broken)
    assert subject_path.read_bytes() == before
    assert len(list(subject_path.parent.iterdir())) == 1


def test_region_names_are_checked_when_written(tmp_path, pictured):
    odd = replace(pictured, rois=(Roi("a/b", np.arange(3)),))
    with pytest.raises(DataError, match="'a/b' is not allowed"):
        write_subject(tmp_path / "a.h5", odd)


def test_a_file_can_be_replaced_while_it_is_open(subject_path, pictured):
    opened = open_subject(subject_path)
    if sys.platform == "win32":  # where it cannot
        with pytest.raises(ExportError, match="has it open"):
            write_subject(subject_path, opened)
    else:
        write_subject(subject_path, opened)
    assert_same(open_subject(subject_path), pictured)


def test_a_file_that_is_open_in_the_same_process_opens(tmp_path, subject):
    write_subject(tmp_path / "mine.h5", subject)
    with h5py.File(tmp_path / "mine.h5") as held:
        opened = open_subject(tmp_path / "mine.h5")
        assert opened.n_voxels == held["responses"].shape[1]
        assert opened.responses([0]).shape == (1, subject.n_voxels)


@pytest.fixture
def ctrl_c():
    """Return what Python does at Ctrl+C, also where these tests run in the background without."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", range(1, 12))
def test_an_interruption_while_hdf5_writes_is_not_lost(
    tmp_path, pictured, monkeypatch, ctrl_c, number
):
    """HDF5 may drop what is raised then, and what it was to write: the file had empty texts."""
    path, calls = tmp_path / "a.h5", 0
    path.write_bytes(b"as it was")

    def interrupted(values):
        nonlocal calls
        calls += 1
        if calls == number:
            signal.raise_signal(signal.SIGINT)
        return bytes(values)

    monkeypatch.setattr(hdf5_output, "bytes", interrupted, raising=False)  # each write calls it
    with pytest.raises(KeyboardInterrupt):
        write_subject(path, pictured)
    assert calls >= number
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [
        ("a.h5", b"as it was")
    ]
    assert signal.getsignal(signal.SIGINT) is ctrl_c
