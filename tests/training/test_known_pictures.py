"""Which test pictures an image model knows: told again after compression, told from others."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from mindvis_gui.data import open_subject
from mindvis_gui.errors import ModelError
from mindvis_gui.training.known_pictures import (
    FILE,
    known_test_pictures,
    read_known,
    save_known,
    small_copies,
)
from mindvis_gui.training.picture_folder import square

SIZE = 64


@pytest.fixture(scope="module")
def demo():
    return open_subject("demo")


def copies(*pictures):
    return small_copies(torch.stack([square(np.asarray(each), SIZE) for each in pictures]))


def again(picture, kind, scale):
    image, packed = Image.fromarray(np.array(picture)), io.BytesIO()
    image = image.resize((int(image.width * scale), int(image.height * scale)))
    image.save(packed, kind, quality=80)
    return Image.open(packed).convert("RGB")


def of_split(subject, split):
    trials = {t.stimulus_id: t for t in subject.trials if t.split == split}
    return [subject.stimulus(trial) for trial in trials.values()]


@pytest.mark.parametrize(("kind", "scale"), [("PNG", 1), ("JPEG", 2), ("WEBP", 0.75)])
def test_a_picture_is_known_again(demo, kind, scale):
    tested = of_split(demo, "test")
    known = copies(*of_split(demo, "train")[:50], *(again(p, kind, scale) for p in tested[:7]))
    said = known_test_pictures(demo, known, SIZE)
    assert said == f"the image model was trained with 7 of the {len(tested)} test pictures"


def test_pictures_of_the_same_concepts_are_others(demo):
    assert known_test_pictures(demo, copies(*of_split(demo, "train")), SIZE) == ""


def test_nothing_is_known_of_a_model_without_copies(demo, tmp_path):
    assert known_test_pictures(demo, read_known(tmp_path), SIZE) == ""
    without = tuple(replace(trial, split="train") for trial in demo.trials)
    known = copies(*of_split(demo, "test"))
    assert known_test_pictures(replace(demo, trials=without), known, SIZE) == ""


def test_copies_are_kept_once(tmp_path):
    known = torch.randint(256, (5, 192), dtype=torch.uint8)
    save_known(tmp_path, known[:3], known)
    assert sorted(read_known(tmp_path).tolist()) == sorted(known.tolist())


def test_damaged_copies_are_named(tmp_path):
    save_known(tmp_path, torch.zeros(1, 3, dtype=torch.uint8))
    with pytest.raises(ModelError, match="holds no small copies of pictures"):
        read_known(tmp_path)
    (tmp_path / FILE).write_bytes(b"x")
    with pytest.raises(ModelError, match=f"{FILE}: cannot be read"):
        read_known(tmp_path)
