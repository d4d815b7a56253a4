import io
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.errors import DataError

PUBLISHED = Path(__file__).parents[1] / "data_golden" / "published" / "GOD"


@pytest.fixture
def god(tmp_path):
    """Return a writer of a small subject with every array there can be, some changed."""

    def write(save=np.savez, images=None, **changed):
        rng = np.random.default_rng(0)
        arrays = {
            "arr_0": rng.normal(size=(12, 40)),
            "arr_1": rng.normal(size=(6, 40)),
            "arr_2": rng.normal(size=(3, 40)),
            "arr_3": rng.permutation(12),
            "arr_4": np.array([2, 1, 0, 0, 1, 2]),
            "arr_5": np.linspace(0, 1, 40),
            "arr_6": np.full(40, np.nan),
            "VC": np.arange(40) < 30,
            "V1": np.arange(40) < 10,
            "FFA": np.arange(40) >= 28,
            "PPA": np.arange(40) >= 35,
        }
        arrays |= changed
        save(tmp_path / "sbj_9.npz", **{k: v for k, v in arrays.items() if v is not None})
        if images is not None:
            images(tmp_path / "images_256.npz", **pictures())
        return tmp_path / "sbj_9.npz"

    return write


def pictures():
    rng = np.random.default_rng(1)
    return {
        f"{kind}_images": rng.integers(0, 256, (n, 8, 9, 3)).astype(np.uint8)
        for kind, n in (("train", 12), ("test", 3))
    }


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_everything_in_the_file(god, save):
    path = god(save)
    subject = open_subject(path)
    raw = dict(np.load(path))
    assert subject.name == "sbj_9"
    assert [t.split for t in subject.trials] == ["train"] * 12 + ["test"] * 3 + ["test-single"] * 6
    whole = np.concatenate([raw["arr_0"], raw["arr_2"], raw["arr_1"]])[:, :30]
    assert np.array_equal(subject.responses(range(21)), whole.astype(np.float32))
    picked = [20, 3, 13, 3]
    assert np.array_equal(subject.responses(picked), whole[picked].astype(np.float32))
    assert subject.responses([]).shape == (0, 30)
    assert subject.trials[12].presentations == 35
    assert [t.stimulus_id for t in subject.trials[15:18]] == ["test-2", "test-1", "test-0"]
    assert {roi.name: roi.voxels.tolist() for roi in subject.rois} == {
        "V1": list(range(10)),
        "FFA": [28, 29],
        "VC": list(range(30)),
    }
    assert np.allclose(subject.maps["noise ceiling"], np.linspace(0, 1, 40)[:30])
    assert np.isnan(subject.maps["SNR"]).all()
    assert subject.ijk is None
    assert subject.notes[0] == (
        "The response vector is the 30 voxels of VC; the 10 outside it are left out"
    )
    assert "Region PPA has no voxel in the response vector" in subject.notes


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_pictures_of_any_type_stored_or_packed(god, save, kind):
    def write(path, **arrays):
        save(path, **{name: array.astype(kind) for name, array in arrays.items()})

    path = god(images=write)
    subject = open_subject(path)
    known = pictures()
    shown = np.load(path)["arr_3"]
    for trial in subject.trials[:12]:
        assert np.array_equal(subject.stimulus(trial), known["train_images"][shown[trial.index]])
    assert np.array_equal(subject.stimulus(subject.trials[15]), known["test_images"][2])


def test_float_pictures_out_of_range_are_clipped(god):
    def write(path, **arrays):
        images = arrays["test_images"].astype(np.float64)
        images[0, 0, 0] = [-5, 300, 99.7]
        np.savez(path, train_images=arrays["train_images"], test_images=images)

    subject = open_subject(god(images=write))
    assert subject.stimulus(subject.trials[12])[0, 0].tolist() == [0, 255, 100]


def test_columns_stored_one_after_the_other(god):
    values = np.random.default_rng(2).normal(size=(12, 40))
    subject = open_subject(god(arr_0=np.asfortranarray(values)))
    assert np.array_equal(subject.responses(range(12)), values[:, :30].astype(np.float32))


@pytest.mark.parametrize("kind", [np.uint8, np.float64])
def test_masks_of_numbers(god, kind):
    known = open_subject(god())
    arrays = dict(np.load(known.source))
    masks = {name: array.astype(kind) for name, array in arrays.items() if array.dtype == bool}
    subject = open_subject(god(**masks))
    assert len(masks) > 3
    for ours, theirs in zip(subject.rois, known.rois, strict=True):
        assert np.array_equal(ours.voxels, theirs.voxels)


def test_without_what_is_optional(god):
    absent = dict.fromkeys(["arr_1", "arr_4", "arr_5", "arr_6", "VC", "V1", "FFA", "PPA"])
    subject = open_subject(god(**absent))
    assert (subject.n_voxels, len(subject.trials), subject.rois) == (40, 15, ())
    assert subject.stimulus(subject.trials[0]) is None
    single = open_subject(god(arr_4=None))
    assert single.trials[-1].stimulus_id == ""
    assert "arr_4 is missing: what the single test trials showed is not known" in single.notes


def test_only_what_is_asked_for_is_read(god, monkeypatch):
    subject = open_subject(god(np.savez_compressed))
    read = []
    original = zipfile.ZipFile.open
    monkeypatch.setattr(
        zipfile.ZipFile, "open", lambda *args: read.append(args[1]) or original(*args)
    )
    subject.responses([12])
    assert read == ["arr_2.npy"]
    subject.responses([13, 14])
    assert read == ["arr_2.npy"]


def test_responses_that_are_not_finite_are_counted_when_read(god):
    values = np.ones((3, 40))
    values[1, :2] = [np.nan, np.inf]
    subject = open_subject(god(arr_2=values))
    assert subject.responses([12]).shape == (1, 30)
    with pytest.raises(DataError, match="trial 13 holds 2 values that are NaN or infinite"):
        subject.responses([13])
    huge = open_subject(god(arr_2=np.full((3, 40), 1e300)))
    with pytest.raises(DataError, match="trial 12 holds 30 values"):
        huge.responses([12])


class Trap:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_pictures_of_0_to_1_are_refused_and_not_shown_as_black(god, save, order):
    path = god()
    images = path.with_name("images_256.npz")
    known = pictures()
    scaled = {name: np.array(array / 255, np.float32, order=order) for name, array in known.items()}
    save(images, **{**known, "test_images": scaled["test_images"]})
    with pytest.raises(DataError, match=r"test_images holds pictures of 0 to .*; save them as"):
        open_subject(path)
    save(images, **{name: np.array(array, float, order=order) for name, array in known.items()})
    trial = open_subject(path).trials[0]
    assert open_subject(path).stimulus(trial).max() > 1


WRONG = {
    "fewer voxels in the test": ({"arr_2": np.zeros((3, 39))}, "arr_0 has 40 columns but arr_2"),
    "a short mask": ({"VC": np.ones(36, bool)}, "has 40 columns but mask VC has 36; is this file"),
    "an empty mask": ({"VC": np.zeros(40, bool)}, "mask VC marks no voxel"),
    "a mask of text": ({"V1": np.full(40, "x")}, "V1 has shape .* and type <U1"),
    "a mask of odds": ({"V1": np.full(40, 0.5)}, "mask V1 holds 0.5, not 0 and 1 only"),
    "a mask of NaN": ({"V1": np.full(40, np.nan)}, "mask V1 holds nan, not 0 and 1 only"),
    "one axis": ({"arr_0": np.zeros(40)}, r"arr_0 has shape \(40,\)"),
    "integers": ({"arr_0": np.zeros((12, 40), int)}, "type int64, not 2 axes of floating-point"),
    "complex": ({"arr_0": np.zeros((12, 40), complex)}, "type complex128"),
    "no trial": ({"arr_0": np.zeros((0, 40))}, r"arr_0 has shape \(0, 40\): no values"),
    "no index": ({"arr_3": None}, "array arr_3 is missing; is this file complete"),
    "short index": ({"arr_3": np.arange(9)}, "arr_3 names 9 pictures for 12 responses"),
    "negative index": ({"arr_3": np.full(12, -1)}, "arr_3 must hold rows of pictures"),
    "NaN index": ({"arr_3": np.full(12, np.nan)}, "arr_3 must hold rows of pictures"),
    "objects": ({"arr_5": np.array([Trap()] * 40)}, "arr_5 holds pickled Python objects"),
    "short ceiling": ({"arr_5": np.zeros(9)}, "has 40 columns but arr_5 has 9"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(god, case, capsys):
    changed, message = WRONG[case]
    path = god(**changed)
    with pytest.raises(DataError, match=message) as caught:
        open_subject(path)
    assert str(caught.value).startswith("sbj_9.npz: ")
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


def header(shape, descr="<f8"):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header((10**9, 10**9)), "claims shape .* but the archive has 0"),
        (header((-3, 40)), "its header claims the shape"),
        (header((12, 40)) + b"\0" * 10, "3,840 bytes, but the archive has 10"),
        (header((12, 40)) + b"\0" * 50_000_000, "3,840 bytes, but the archive has 50,000,000"),
        (b"\x93NUMPY\x01\x00\x10\x00{'descr': 1+(((((", "the npz file is damaged"),
        (b"no array", "the npz file is damaged"),
    ],
)
def test_absurd_headers_allocate_nothing(god, content, message):
    path = god(arr_0=None)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arr_0.npy", content)
    with pytest.raises(DataError, match=message) as caught:
        open_subject(path)
    assert len(str(caught.value)) < 400


def test_archives_that_numpy_never_writes(god):
    path = god(arr_0=None)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("arr_0.npy", header((1, 1)) + bytes(8))
    with pytest.raises(DataError, match="packed in a way that numpy never does"):
        open_subject(path)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(1001):
            archive.writestr(f"{number}.npy", b"")
    with pytest.raises(DataError, match="1,001 arrays are too many"):
        open_subject(path)


def test_another_archive(tmp_path):
    np.savez(tmp_path / "x.npz", weights=np.zeros(3))
    with pytest.raises(DataError, match=r"\(weights\) are neither a GOD subject .* nor an HCP one"):
        open_subject(tmp_path / "x.npz")


def test_parts_beside_the_file_that_contradict_it(tmp_path):
    folder = tmp_path / "GOD"
    shutil.copytree(PUBLISHED, folder)
    table = folder / "imagenet_testing_label.csv"
    lines = table.read_text().splitlines()
    for content, message in {
        "\n".join(lines[:3]): "lists 3 pictures but images_256.npz has 4",
        "\n".join([*lines[:3], lines[0]]): "picture n01621127_2000 is listed twice",
        "a,b\n": "no table of ImageNet numbers",
    }.items():
        table.write_text(content)
        with pytest.raises(DataError, match=message):
            open_subject(folder / "sbj_3.npz")
    table.unlink()
    assert open_subject(folder / "sbj_3.npz").trials[24].stimulus_id == "test-0"
    (folder / "imagenet_class_index.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match="no index of ImageNet classes"):
        open_subject(folder / "sbj_3.npz")
    (folder / "imagenet_class_index.json").unlink()
    assert open_subject(folder / "sbj_3.npz").trials[0].label == "n01443537"
    arrays = dict(np.load(folder / "images_256.npz"))
    np.savez(folder / "images_256.npz", **{name: array[:3] for name, array in arrays.items()})
    (folder / "imagenet_training_label.csv").unlink()
    with pytest.raises(
        DataError, match="a train trial shows picture 23, counted from 0, but there are only 3"
    ):
        open_subject(folder / "sbj_3.npz")
