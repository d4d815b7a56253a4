import torch

from mindvis_gui.training.known_pictures import small_copies
from mindvis_gui.training.picture_folder import LabelledPictures
from mindvis_gui.training.picture_stages import _split
from mindvis_gui.training.settings import VqSettings


def test_all_pictures_are_trained_on_but_those_that_the_validation_looks_at():
    black = torch.zeros(2000, 3, 1, 1, dtype=torch.uint8)
    labels = torch.zeros(2000, dtype=torch.int64)
    many = LabelledPictures(black, labels, ("a",), small_copies(black))
    held, rest = _split(many, VqSettings(), ["pictures"])
    assert [len(held), len(rest)] == [64, 1936]
    assert sorted(torch.cat([held, rest]).tolist()) == list(range(2000))
