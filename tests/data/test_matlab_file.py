import zlib

import numpy as np
import pytest
import scipy.io

from mindvis_gui.data.matlab_file import MatlabFile, matlab_shapes, read_matlab
from mindvis_gui.errors import DataError

KINDS = ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]


@pytest.fixture(params=[False, True], ids=["plain", "packed"])
def save(tmp_path, request):
    def write(**content):
        path = tmp_path / "a.mat"
        scipy.io.savemat(path, content, do_compression=request.param)
        return path

    return write


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(3, 4), (1, 1), (2, 3, 5), (0, 4)])
def test_numbers_are_those_that_scipy_wrote(save, kind, shape):
    values = np.random.default_rng(0).integers(0, 100, shape).astype(kind)
    path = save(first=np.zeros(3), values=values)
    assert matlab_shapes(path) == {"first": (1, 3), "values": shape}
    assert np.array_equal(read_matlab(path, ["values"])["values"], values)
    assert MatlabFile(path).variables["values"].numbers


def test_text_cells_and_structs(save):
    cells = np.array(["one", "zwölf", np.arange(3.0)], dtype=object)
    path = save(cells=cells, both={"name": "脳", "inner": {"x": np.eye(2)}})
    found = read_matlab(path, ["cells", "both"])
    assert found["cells"][:2] == ["one", "zwölf"]
    assert np.array_equal(found["cells"][2], [[0, 1, 2]])
    assert found["both"]["name"] == "脳"
    assert np.array_equal(found["both"]["inner"]["x"], np.eye(2))
    assert not MatlabFile(path).variables["cells"].numbers


def test_what_is_not_read(save):
    path = save(numbers=np.ones((5, 5)) * 1j, many=np.ones((40, 40)))
    with pytest.raises(DataError, match="complex numbers are no responses"):
        read_matlab(path, ["numbers"])
    with pytest.raises(DataError, match="many has 1,600 values, which is too many"):
        read_matlab(path, ["many"], max_values=1000)
    with pytest.raises(DataError, match="gone is missing"):
        read_matlab(path, ["gone"])


def test_a_bomb_is_not_unpacked(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"x": np.ones((2, 2))})
    content = (tmp_path / "a.mat").read_bytes()
    packer = zlib.compressobj(9)
    bomb = packer.compress(content[128:])
    for _ in range(200):
        bomb += packer.compress(bytes(1 << 20))
    bomb += packer.flush()
    tag = (15).to_bytes(4, "little") + len(bomb).to_bytes(4, "little")
    (tmp_path / "a.mat").write_bytes(content[:128] + tag + bomb)
    with pytest.raises(DataError, match="unpacks to more than"):
        read_matlab(tmp_path / "a.mat", ["x"], max_values=1000)


def test_damage_is_one_sentence(save):
    path = save(x=np.ones((30, 30)))
    content = path.read_bytes()
    for place, changed in enumerate((content[:200], content[:128], content[:60], b"x" * 500)):
        damaged = path.with_name(f"{place}.mat")
        damaged.write_bytes(changed)
        with pytest.raises(DataError) as caught:
            read_matlab(damaged, ["x"])
        assert "\n" not in str(caught.value)
