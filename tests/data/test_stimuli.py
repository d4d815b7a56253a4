import io
import struct
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageOps

from mindvis_gui.data.at_hand import NotAtHandError, only_at_hand
from mindvis_gui.data.picture import decode_picture, encode_picture
from mindvis_gui.data.stimuli import PictureFolder, open_pictures
from mindvis_gui.data.trial_table import complete_names
from mindvis_gui.errors import DataError

PICTURES = np.random.default_rng(0).integers(0, 256, (4, 6, 7, 3)).astype(np.uint8)


@given(arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))))
@settings(max_examples=30)
def test_encoding_loses_nothing(picture):
    assert np.array_equal(decode_picture(encode_picture(picture), ""), picture)


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGB", "CMYK"])
def test_every_mode_becomes_colour(mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert decode_picture(encoded(Image.new(mode, (7, 6)), kind), "").shape == (6, 7, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_behind_transparent_pixels_is_grey(mode):
    image = Image.new("RGBA", (7, 6), (255, 0, 0, 0))
    image.putpixel((0, 0), (200, 200, 200, 255))
    picture = decode_picture(encoded(image.convert(mode)), "")
    assert picture[0, 0].tolist() == [200] * 3
    assert picture[3, 3].tolist() == [128] * 3


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "I;16"), ("TIFF", "I;16"), ("TIFF", "I;16B")])
def test_16_bits_of_grey_keep_their_levels(kind, mode):
    levels = np.arange(256, dtype="u2").reshape(16, 16) * 257
    levels[0, 1:3] = 385, 386  # 1.498 and 1.502 of 255
    stored = levels.astype(">u2" if mode == "I;16B" else "<u2")
    image = Image.frombytes(mode, (16, 16), stored.tobytes())
    picture = decode_picture(encoded(image, kind), "")
    expected = np.arange(256).reshape(16, 16)
    expected[0, 1:3] = 1, 2
    assert np.array_equal(picture, np.repeat(expected[..., np.newaxis], 3, axis=2))


def retagged(content: bytes, **tags: tuple[int, int, int]) -> bytes:
    """Change fields of a TIFF file: number, value before, value after."""
    for number, before, after in tags.values():
        field = struct.pack("<HHI", number, 3 if number > 257 else 4, 1)
        assert field + struct.pack("<I", before) in content
        content = content.replace(
            field + struct.pack("<I", before), field + struct.pack("<I", after)
        )
    return content


def test_tiff_of_12_bits_and_with_white_as_0():
    three_bytes = Image.frombytes("L", (3, 1), b"\xff\xf8\x08")  # 4095 and 2056
    content = retagged(encoded(three_bytes, "TIFF"), width=(256, 3, 2), bits=(258, 8, 12))
    assert decode_picture(content, "")[0, :, 0].tolist() == [255, 128]
    grey = Image.fromarray(np.array([[0, 257, 65535]], np.uint16))
    content = retagged(encoded(grey, "TIFF"), photometric=(262, 1, 0))
    assert decode_picture(content, "")[0, :, 0].tolist() == [255, 254, 0]


def test_a_clear_level_of_16_bits_is_grey():
    image = Image.fromarray(np.array([[1000, 1001], [60_000, 0]], np.uint16))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=1000)
    assert decode_picture(buffer.getvalue(), "")[..., 0].tolist() == [[128, 4], [233, 0]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_upright_as_viewers_show_it(kind, orientation):
    corners = np.kron([[0, 80, 160], [200, 120, 40]], np.ones((16, 16))).astype(np.uint8)
    image = Image.fromarray(np.repeat(corners[..., np.newaxis], 3, axis=2))
    exif = Image.Exif()
    exif[0x112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif, quality=100)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(buffer)).convert("RGB"))
    picture = decode_picture(buffer.getvalue(), "")
    assert picture.shape == ((32, 48, 3) if orientation < 5 else (48, 32, 3))
    assert np.array_equal(picture, expected)


def test_a_photograph_of_16_bits_is_upright():
    exif = Image.Exif()
    exif[0x112] = 6
    buffer = io.BytesIO()
    Image.fromarray(np.array([[0, 257, 514]], np.uint16)).save(buffer, "PNG", exif=exif)
    assert decode_picture(buffer.getvalue(), "")[..., 0].tolist() == [[0], [1], [2]]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_photograph_whose_exif_is_damaged_still_opens(kind):
    exif = Image.Exif()
    exif[0x112] = 6
    buffer = io.BytesIO()
    image = Image.fromarray(PICTURES[0])
    image.save(buffer, kind, exif=exif.tobytes().replace(b"MM", b"XX"))
    assert decode_picture(buffer.getvalue(), "").shape == (6, 7, 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((4, 4), 0.5, np.float32), "holds floating point numbers"),
        (np.full((4, 4), 70_000, np.int32), "holds 32-bit or signed numbers"),
    ],
)
def test_numbers_that_are_no_grey_levels(values, message):
    content = encoded(Image.fromarray(values), "TIFF")
    with pytest.raises(DataError, match=rf"x\.tif: {message}.*; save it as PNG"):
        decode_picture(content, "x.tif")


def bomb() -> bytes:
    """Return a PNG of 60,000 × 60,000 pixels in its header."""
    content = bytearray(encoded(Image.new("L", (8, 8))))
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [b"", b"text", encoded(Image.new("L", (80, 80)))[:-30], bomb(), b"%!PS-Adobe-3.0 EPSF"],
)
def test_what_is_no_whole_picture(content):
    with pytest.raises(DataError, match=r"x\.png: "):
        decode_picture(content, "x.png")


def test_a_folder_of_pictures(tmp_path):
    for name in ("b.jpg", "a.PNG", ".hidden.png", "notes.txt"):
        kind = "JPEG" if name.endswith("jpg") else "PNG"
        (tmp_path / name).write_bytes(encoded(Image.new("RGB", (4, 4)), kind))
    pictures = open_pictures(tmp_path)
    assert list(pictures) == ["a.PNG", "b.jpg"]
    assert len(pictures) == 2
    assert pictures["a.PNG"] == (tmp_path / "a.PNG").read_bytes()
    assert pictures.get("c.png") is None
    (tmp_path / "a.PNG").unlink()
    with pytest.raises(DataError, match=r"a\.PNG: cannot be read: No such file"):
        pictures["a.PNG"]


def test_pictures_in_folders_of_the_folder(tmp_path):
    for name in ("dog/b.png", "dog/.x.png", "cat/e\u0301.png", "a.png", ".git/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(encoded(Image.new("RGB", (4, 4))))
    (tmp_path / "dog" / "around").symlink_to(tmp_path)
    pictures = open_pictures(tmp_path)
    assert list(pictures) == ["a.png", "cat/\xe9.png", "dog/b.png"]
    assert pictures["dog/b.png"] == (tmp_path / "dog" / "b.png").read_bytes()


def test_a_folder_without_pictures(tmp_path):
    (tmp_path / "._a.png").write_bytes(b"what macOS knows of a.png")
    with pytest.raises(DataError, match="no pictures in this folder"):
        open_pictures(tmp_path)


@pytest.mark.parametrize("suffix", ["npz", "packed.npz", "h5", "block.h5"])
def test_one_array_of_pictures(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    if suffix.endswith("h5"):
        with h5py.File(path, "w", userblock_size=512 if "block" in suffix else 0) as file:
            file["images"] = PICTURES
            file["labels"] = np.arange(4)
    else:
        save = np.savez_compressed if "packed" in suffix else np.savez
        save(path, images=PICTURES, labels=np.arange(4))
    pictures = open_pictures(path)
    assert list(pictures) == ["0", "1", "2", "3"]
    for name, picture in pictures.items():
        assert np.array_equal(picture, PICTURES[int(name)])
    for name in ("4", "-1", "01", "+1", "1.0", "x", "", "٣"):
        assert pictures.get(name) is None


@pytest.mark.parametrize("suffix", ["npz", "h5"])
@pytest.mark.parametrize(
    "arrays", [{}, {"a": np.zeros((4, 6, 7, 1), np.uint8)}, {"a": PICTURES, "b": PICTURES}]
)
def test_exactly_one_array_must_look_like_pictures(tmp_path, suffix, arrays):
    path = tmp_path / f"a.{suffix}"
    if suffix == "h5":
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    else:
        np.savez(path, note=np.zeros(3), **arrays)
    with pytest.raises(DataError, match=f"{2 * (len(arrays) == 2)} arrays in this file look like"):
        open_pictures(path)


@pytest.mark.parametrize("count", [3, 1200])
def test_a_zip_of_pictures_is_to_be_unpacked(tmp_path, count):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}.png", encode_picture(PICTURES[0]))
    with pytest.raises(DataError, match=rf"^a\.zip: a zip archive of {count:,} files .* unpack it"):
        open_pictures(tmp_path / "a.zip")


@pytest.mark.parametrize("suffix", ["npz", "h5"])
def test_arrays_that_are_no_pictures_are_named_with_their_shapes(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    arrays = {"images": PICTURES.transpose(0, 3, 1, 2).astype(np.float16), "n": np.zeros(3)}
    if suffix == "h5":
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    else:
        np.savez(path, **arrays)
    message = r"exactly one must, and it has images \(4, 3, 6, 7\) float16, n \(3,\) float64$"
    with pytest.raises(DataError, match=message):
        open_pictures(path)


def test_objects_in_an_npz_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="images holds pickled Python objects"):
        open_pictures(tmp_path / "a.npz")


def test_a_header_that_claims_more_than_the_archive_holds(tmp_path):
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        member, {"descr": "|u1", "fortran_order": False, "shape": (10**6, 1000, 1000, 3)}
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", member.getvalue() + b"\0" * 1000)
    with pytest.raises(DataError, match="but the archive has 1,000"):
        open_pictures(tmp_path / "a.npz")


@pytest.mark.parametrize("seed", range(40))
def test_damaged_archives(tmp_path, seed):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=PICTURES)
    rng = np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    for _ in range(3):
        content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content[: len(content) - seed])
    pictures, message = opened_or_refused(path)
    assert message.startswith("a.npz: ") if message else pictures == [(6, 7, 3)] * 4


def opened_or_refused(path):
    """Return the shapes of the pictures, or the message of the refusal."""
    try:
        return [picture.shape for picture in open_pictures(path).values()], ""
    except DataError as error:
        return [], str(error)


def test_what_holds_no_pictures(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(DataError, match="give a folder of pictures"):
        open_pictures(tmp_path / "a.txt")
    with pytest.raises(DataError, match="cannot be opened"):
        open_pictures(tmp_path / "gone.npz")


NFC, NFD = "K\u00e4se 1", "Ka\u0308se 1"  # as typed, and as macOS writes it into names of files


@pytest.mark.parametrize("stored", [NFC, NFD])
@pytest.mark.parametrize("cell", [NFC, NFD, f"shown/{NFC}.png", f"shown/{NFD}.png"])
def test_an_accented_letter_is_one_however_it_is_written(tmp_path, stored, cell):
    Image.new("RGB", (8, 8), (1, 2, 3)).save(tmp_path / f"{stored}.png")
    pictures = open_pictures(tmp_path)
    assert complete_names([cell], pictures) == [f"{NFC}.png"]
    assert pictures[f"{NFC}.png"] == (tmp_path / f"{stored}.png").read_bytes()
    assert complete_names([cell], {f"{stored}.png": b""}) == [f"{stored}.png"]


def test_two_files_whose_names_look_alike_are_both_there(tmp_path):
    for red, name in enumerate((NFC, NFD)):
        Image.new("RGB", (8, 8), (red, 2, 3)).save(tmp_path / f"{name}.png")
    pictures = open_pictures(tmp_path)
    assert len(pictures) == len(list(tmp_path.iterdir()))
    assert len({pictures[name] for name in pictures}) == len(pictures)


def test_a_thread_that_must_not_wait_reads_no_picture_file(tmp_path):
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "a.png")
    pictures = PictureFolder(tmp_path)
    with only_at_hand(), pytest.raises(NotAtHandError):
        pictures["a.png"]
    assert pictures["a.png"]
