"""``mindvis train mbm`` and ``adapt``: SC-MBM from subjects on disk to a model folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Generator, Tensor

from mindvis_gui.data import open_subject
from mindvis_gui.data.focus import Focus, range_of
from mindvis_gui.data.mask import kept_patches
from mindvis_gui.data.prepare import measure_normalisation, padded_length
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.convert import convert_masked_model
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.models import INDEX, PUBLISHED_TEST_USE, read_model_info
from mindvis_gui.decoding.pipeline import load_network
from mindvis_gui.errors import DataError, ModelError, RequestError
from mindvis_gui.training.augmentation import augmented
from mindvis_gui.training.mbm import fitted_to, mbm_rate, train_masked_model
from mindvis_gui.training.pretraining import read_pretraining
from mindvis_gui.training.run import Run
from mindvis_gui.training.selection import adaptation_trials, pictures_on_both_sides
from mindvis_gui.training.settings import AdaptSettings, MaskingSettings, MbmSettings
from mindvis_gui.training.trials import held_back, read_responses

_HCP = "HCP_visual_voxel.npz"
_MOST_HELD = 512  # responses of the validation: enough to see how it goes


def open_subjects(sources: Sequence[str]) -> list[Subject]:
    """Open subjects; a folder with HCP subjects in it stands for all of them.

    Raises
    ------
    DataError
        As `mindvis_gui.data.open_subject`.
    """
    subjects = []
    for source in sources:
        folder = Path(source)
        found = sorted(folder.glob(f"*/{_HCP}")) if folder.is_dir() else []
        if folder.is_dir() and (folder / _HCP).is_file():
            found = [folder / _HCP]
        subjects += [open_subject(path) for path in found] or [open_subject(source)]
    return subjects


def pre_train(sources: Sequence[str], settings: MbmSettings, run: Run) -> None:
    """Stage A1: train SC-MBM on the training responses of all subjects."""
    subjects = open_subjects(sources)
    responses, note = read_pretraining(subjects, settings.patch_size, padding=settings.padding)
    run.say(note)
    longest = max(subjects, key=lambda each: each.n_voxels)
    run.seed()
    try:
        model = MaskedBrainModel(
            longest.n_voxels,
            settings.patch_size,
            settings.width,
            settings.depth,
            settings.heads,
            settings.decoder_width,
            settings.decoder_depth,
            settings.decoder_heads,
            settings.mlp_ratio,
            settings.padding,
        )
    except (ValueError, RuntimeError) as error:  # too large ones are of the latter kind
        raise RequestError(f"no network has these sizes: {error}") from error
    _train(model, responses, subjects, settings, run)


def adapt(sources: Sequence[str], settings: AdaptSettings, run: Run) -> None:
    """Stage A2: go on with SC-MBM on the responses of one subject."""
    subject = the_subject(sources)
    model = load_masked_model(settings.masked_model)
    model, note = for_subject(model, subject)
    run.say(note)
    trials = adaptation_trials(subject, include_test_fmri=settings.include_test_fmri)
    if settings.include_test_fmri:
        run.say("learning from the fMRI of test trials too; the model will say so")
        model.register_to_config(saw_test_fmri=True)
    if shared := pictures_on_both_sides(subject):
        run.say(shared)
    config = model.config
    responses = read_responses(
        subject, trials, measure_normalisation(subject), config.patch_size, config.padding
    )
    _train(model, responses, [subject], settings, run)


def _train(
    model: MaskedBrainModel,
    responses: Tensor,
    subjects: Sequence[Subject],
    settings: MaskingSettings,
    run: Run,
) -> None:
    if not kept_patches(model.n_patches, settings.mask_ratio):
        raise RequestError(
            f"mask_ratio: {settings.mask_ratio:g} leaves none of {model.n_patches} patches; mask "
            "less or take smaller patches"
        )
    names = ", ".join(each.name for each in subjects)
    try:
        held, rest = held_back(len(responses), settings.seed, settings.validation, most=_MOST_HELD)
    except DataError as error:
        raise DataError(f"{names}: {error}") from error
    fitted = augmented(
        responses[rest], settings.augment_times, Generator().manual_seed(settings.seed)
    )
    held_out = responses[held]
    focus = _focus_of(
        settings.focus, settings.focus_rate, subjects, model.config.patch_size, model.n_patches
    )
    plan = run.plan(
        lambda steps: mbm_rate(steps, settings.rate, settings.warmup),
        [str(each.source) for each in subjects],
        fitted,
        held_out,
    )
    train_masked_model(
        model.to(run.accelerator.device), fitted, held_out, settings, plan, focus=focus
    )
    run.publish(model.save_pretrained)


def the_subject(sources: Sequence[str]) -> Subject:
    """Open the one subject that a stage is about."""
    subjects = open_subjects(sources)
    if len(subjects) != 1:
        raise DataError(f"{len(subjects)} subjects given; this stage is about one")
    return subjects[0]


def load_masked_model(folder: str) -> MaskedBrainModel:
    """Load what stage A wrote, the one in a model folder, or a published ``fmri_encoder.pth``.

    A published one says that it saw the fMRI of test trials, since the published training
    adapts it to them. Of one that was imported only the folder around it tells.

    Raises
    ------
    RequestError
        If none was given.
    ModelError
        If the folder holds none, or the file cannot be read safely or is another one.
    """
    if not folder:
        raise RequestError(
            "masked_model: give the folder that stage A wrote, or a published fmri_encoder.pth, "
            "as --masked-model"
        )
    given = Path(folder).expanduser()
    if given.is_file():
        model = convert_masked_model(given)
        model.register_to_config(saw_test_fmri=True)
        return model
    for place in (given, given / "masked_model"):
        if (place / "config.json").is_file():
            model = load_network(MaskedBrainModel, place)
            model.encoder.pos_embed.requires_grad_(False)
            if (place.parent / INDEX).is_file():
                published = PUBLISHED_TEST_USE in read_model_info(place.parent).test_use
                model.register_to_config(saw_test_fmri=model.config.saw_test_fmri or published)
            return model
    what = "holds no masked model" if given.is_dir() else "no such folder or file"
    raise ModelError(
        f"{folder}: {what}; give the folder that stage A wrote, or a published fmri_encoder.pth"
    )


def for_subject(model: MaskedBrainModel, subject: Subject) -> tuple[MaskedBrainModel, str]:
    """Return the model for a subject's number of voxels, and a line on what that took."""
    config = model.config
    there, here = (
        padded_length(n, config.patch_size, config.padding)
        for n in (config.n_voxels, subject.n_voxels)
    )
    if there == here:
        return fitted_to(model, subject.n_voxels), f"{here:,} values, as before"
    return fitted_to(model, subject.n_voxels), (
        f"{subject.name} has {here:,} values, the masked model was trained on {there:,}: "
        "its position embeddings were interpolated"
    )


def _focus_of(
    text: str, rate: float, subjects: Sequence[Subject], patch_size: int, n_patches: int
) -> Focus | None:
    """Return the focus that the words of a setting mean: a range of voxels, or regions.

    Voxels of regions that cutting leaves out of the `n_patches` of a model are not in it.

    Raises
    ------
    RequestError
        If regions are named for more than one subject, or the range is none.
    DataError
        If there is no such region.
    """
    if not text.strip():
        return None
    voxel_range = range_of(text)
    if voxel_range is not None:
        return Focus.on_range(*voxel_range, patch_size, rate)
    if len(subjects) > 1:
        raise RequestError(
            "focus: regions lie elsewhere in each subject's vector; give a range of voxels, or "
            "one subject"
        )
    names = [name.strip() for name in text.split(",") if name.strip()]
    voxels = [voxel for name in names for voxel in subjects[0].roi(name).voxels.tolist()]
    return Focus.on_voxels(voxels, patch_size, rate, n_patches)
