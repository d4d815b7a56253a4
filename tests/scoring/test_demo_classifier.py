import numpy as np
import pytest
import torch

from mindvis_gui.scoring.demo_classifier import PictureClassifier

CLASSES, CATEGORIES = ["fox", "bee", "bell"], ["animal", "animal", "household"]


def test_saved_and_loaded_it_says_the_same(tmp_path):
    torch.manual_seed(0)
    network = PictureClassifier(CLASSES, CATEGORIES, 32, (8, 16)).eval()
    network.save_pretrained(tmp_path)
    again = PictureClassifier.from_pretrained(tmp_path, local_files_only=True)
    pictures = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(again(pictures), network(pictures))
    assert list(again.config.classes) == CLASSES
    assert list(again.config.categories) == CATEGORIES


def test_a_picture_is_judged_alone():
    torch.manual_seed(0)
    network = PictureClassifier(CLASSES, CATEGORIES, 32, (8, 16)).eval()
    pictures = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        alone = torch.cat([network(picture[None]) for picture in pictures])
        torch.testing.assert_close(network(pictures), alone)


def test_every_class_needs_a_category():
    with pytest.raises(ValueError, match="3 classes but categories of 2"):
        PictureClassifier(CLASSES, CATEGORIES[:2])


def test_features_are_what_the_head_sees():
    network = PictureClassifier(CLASSES, CATEGORIES, 32, (8, 16)).eval()
    pictures = torch.from_numpy(np.zeros((1, 3, 32, 32), np.float32))
    torch.testing.assert_close(network.head(network.features(pictures)), network(pictures))
