"""Model folders: finding, describing and loading them.

Nothing here needs torch until a model is loaded.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindvis_gui import paths
from mindvis_gui.data.prepare import PADDINGS, Padding, padded_length
from mindvis_gui.decoding.building import building
from mindvis_gui.decoding.request import ModelInfo
from mindvis_gui.decoding.sampling_settings import NO_GUIDANCE, check_guidance
from mindvis_gui.decoding.weight_file import WeightFile, read_weight_file
from mindvis_gui.errors import ModelError, RequestError, refusal_reported

if TYPE_CHECKING:
    from mindvis_gui.decoding.decoder import MindVisDecoder

INDEX = "model_index.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
PIPELINE_CLASS = "MindVisPipeline"
# Component → module and class, as every saved model names them.
NETWORKS = {
    "encoder": ("mindvis_gui.decoding.encoder", "FmriEncoder"),
    "conditioner": ("mindvis_gui.decoding.conditioner", "Conditioner"),
    "unet": ("diffusers", "UNet2DConditionModel"),
    "vqvae": ("diffusers", "VQModel"),
}
SCHEDULER = ("diffusers", "PNDMScheduler")
NOISE, VELOCITY = "epsilon", "v_prediction"  # what a U-Net predicts, in the scheduler's words
MASKED_MODEL = ("mindvis_gui.decoding.masked_model", "MaskedBrainModel")

# In what ways training may have made use of the test trials, for the card and beside scores.
SAW_TEST_FMRI = "SC-MBM was adapted to the fMRI of test trials"
SAW_TEST_PICTURES = "training trials show pictures of test trials"
SELECTED_ON_TEST = "the weights were chosen by their scores on test trials"
PUBLISHED_TEST_USE = (
    "the published training adapts SC-MBM to the fMRI of test trials and chooses the weights by "
    "their scores on them; unless this model was trained otherwise, it did"
)


def check_prediction(folder: Path, predicted: object) -> None:
    """Refuse a U-Net that predicts anything but noise or velocity, in the scheduler's words."""
    if predicted not in (NOISE, VELOCITY):
        raise ModelError(
            f"{folder}: its U-Net predicts '{predicted}', which is neither {NOISE} nor {VELOCITY}"
        )


def find_models() -> dict[str, Path]:
    """Return the model folders that can be asked for by name; the first of a name wins."""
    found: dict[str, Path] = {}
    for place in paths.model_dirs():
        for index in sorted(place.glob(f"*/{INDEX}")):
            found.setdefault(index.parent.name, index.parent)
    return found


def find_model(folder_or_name: str | Path) -> Path:
    """Return the folder of a model given by path or by name.

    Raises
    ------
    ModelError
        If it is neither; the message lists the names that exist.
    """
    folder = Path(folder_or_name).expanduser()
    if (folder / INDEX).is_file():
        return folder.resolve()
    models = find_models()
    name = str(folder_or_name)
    if name in models:
        return models[name]
    if is_part(folder):
        raise ModelError(
            f"{folder}: holds networks but no whole model ({INDEX} is missing); 'mindvis train "
            "ldm' makes one of what the other stages write"
        )
    if folder.is_dir():
        raise ModelError(f"{folder}: holds no {INDEX}; a model is a folder that does")
    raise ModelError(
        f"{name}: no model folder, and no model of that name; "
        f"found: {', '.join(sorted(models)) or 'none'}"
    )


def is_part(folder: Path) -> bool:
    """Whether a folder holds networks, as the stages of the training write them, but no model."""
    places = [folder, folder / "unet", folder / "vqvae"]
    networks = [each for each in places if (each / "config.json").is_file()]
    return any((each / WEIGHTS).is_file() for each in networks) and not (folder / INDEX).is_file()


def read_model_info(folder: Path) -> ModelInfo:
    """Describe a model folder from its JSON files and the headers of its weights.

    Raises
    ------
    ModelError
        If a part is missing or damaged, or the folder holds another kind of model.
    """
    index = _read_json(folder / INDEX)
    if index.get("_class_name") != PIPELINE_CLASS:
        raise ModelError(
            f"{folder / INDEX}: describes a {index.get('_class_name')}, not a {PIPELINE_CLASS}"
        )
    masked = index.get("masked_model") not in (None, [None, None])
    networks = NETWORKS | ({"masked_model": MASKED_MODEL} if masked else {})
    for name, expected in {**networks, "scheduler": SCHEDULER}.items():
        if index.get(name) != list(expected):
            raise ModelError(f"{folder / INDEX}: {name} is {index.get(name)}, not {list(expected)}")
    schedule = _read_json(folder / "scheduler" / "scheduler_config.json")
    check_prediction(folder, schedule.get("prediction_type", NOISE))
    configs = {name: _read_json(folder / name / "config.json") for name in networks}
    weights = {name: read_weight_file(folder / name / WEIGHTS) for name in networks}
    try:
        patch_size = int(configs["encoder"]["patch_size"])
        padding: Padding = configs["encoder"].get("padding", "wrap")
        padded = padded_length(int(configs["encoder"]["n_voxels"]), patch_size, padding)
        n_voxels, image_size = int(index["n_voxels"] or 0), int(index["image_size"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ModelError(f"{folder}: its configuration lacks a number: {error}") from error
    if padding not in PADDINGS:
        raise ModelError(
            f"{folder}: its encoder pads by '{padding}', which is none of {', '.join(PADDINGS)}"
        )
    if n_voxels and padded_length(n_voxels, patch_size, padding) != padded:
        raise ModelError(f"{folder}: its encoder is not made for {n_voxels:,} voxels")
    return ModelInfo(
        name=folder.name,
        folder=str(folder),
        n_voxels=n_voxels,
        patch_size=patch_size,
        n_patches=padded // patch_size,
        image_size=image_size,
        parameters=sum(weights[name].parameters for name in NETWORKS),
        hash=_hash(configs | {"scheduler": schedule}, weights),
        dataset=str(index.get("dataset", "")),
        has_masked_model=masked,
        card=_read_card(folder / "README.md"),
        padding=padding,
        test_use=_test_use(index, configs.get("masked_model", {})),
        guidance=_guidance(folder, index),
    )


@building()
def load_decoder(
    folder: str | Path, device: str = "auto", precision: str = "auto", threads: int | None = None
) -> MindVisDecoder:
    """Load a model and make it ready to decode.

    Parameters
    ----------
    folder : str or Path
        A model folder, or the name of one in a models folder.
    device : {"auto", "cpu", "cuda"}
        ``"auto"`` takes a GPU if there is one.
    precision : {"auto", "fp32", "bf16", "fp16"}
        What a request's ``"auto"`` means; ``"auto"`` is bf16 where the device is fast at it.
    threads : int, optional
        CPU threads torch may use in this process, for those who want to keep a core free.

    Raises
    ------
    ModelError
        If the model is incomplete or damaged, the device is not available or cannot compute in
        the precision, or fewer than one thread is asked for.
    """
    info = read_model_info(find_model(folder))
    # torch takes seconds to import: not before a folder has proved to be a model.
    from mindvis_gui.decoding.decoder import MindVisDecoder

    return MindVisDecoder.load(info, device, precision, threads)


def _hash(configs: dict[str, dict[str, Any]], weights: dict[str, WeightFile]) -> str:
    """Return a SHA-256 of all configurations and weights; half a second a gigabyte."""
    digest = hashlib.sha256()
    for name in sorted(configs):
        # Names with an underscore say by whom and from where it was saved.
        facts = {key: value for key, value in configs[name].items() if key[:1] != "_"}
        digest.update(json.dumps([name, facts], sort_keys=True).encode())
    for name in sorted(weights):
        path = weights[name].path
        with refusal_reported(ModelError, path, "read"), path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _test_use(index: dict[str, Any], masked_model: dict[str, Any]) -> tuple[str, ...]:
    """Return in what ways training has made use of the test trials, as sentences."""
    said = index.get("test_use") or []
    if not isinstance(said, list):
        raise ModelError(f"{INDEX}: 'test_use' is {said!r}, not a list of sentences")
    seen = [SAW_TEST_FMRI] if masked_model.get("saw_test_fmri") else []
    return tuple(dict.fromkeys([*seen, *map(str, said)]))


def _guidance(folder: Path, index: dict[str, Any]) -> float:
    """Return the scale that samples are best drawn with; folders that say nothing want none."""
    scale = index.get("guidance")
    try:
        scale = NO_GUIDANCE if scale is None else float(scale)
        check_guidance(scale)
    except (TypeError, ValueError, RequestError) as error:
        raise ModelError(f"{folder / INDEX}: {error}") from error
    return scale


def _read_json(path: Path) -> dict[str, Any]:
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path}: is missing; the folder is no complete model") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ModelError(f"{path}: is damaged; copy the model again ({error})") from error
    if not isinstance(contents, dict):
        raise ModelError(f"{path}: is damaged; copy the model again")
    return contents


def _read_card(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
