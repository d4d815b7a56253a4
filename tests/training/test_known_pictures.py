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
    copies_of,
    known_test_pictures,
    read_known,
    save_known,
)

SIZE = 64


@pytest.fixture(scope="module")
def demo():
    return open_subject("demo")


def copies(*pictures):
    return torch.cat([copies_of(np.asarray(each), SIZE) for each in pictures])


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


@pytest.mark.parametrize("shown", ["whole", "middle", "squeezed"])
def test_an_oblong_picture_is_known_again_whatever_square_was_made_of_it(demo, shown):
    """The image model learned from photographs, the subject saw them in another form."""
    whole = np.concatenate([np.array(demo.stimulus(demo.trials[i])) for i in (0, 1)], axis=1)
    seen, side = Image.fromarray(whole), whole.shape[0]
    if shown == "middle":
        seen = seen.crop((side // 2, 0, side // 2 + side, side))
    elif shown == "squeezed":
        seen = seen.resize((side, side))
    subject = replace(demo, trials=(replace(demo.trials[0], split="test"),))
    object.__setattr__(subject, "stimulus", lambda _: np.asarray(seen))
    said = known_test_pictures(subject, copies(whole), SIZE)
    assert said == "the image model was trained with 1 of the 1 test pictures"


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
