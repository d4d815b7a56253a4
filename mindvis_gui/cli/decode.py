"""``mindvis decode``: trials of a subject into a folder of pictures."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mindvis_gui.cli.preparation import add_preparation_options, chosen_preparation, note_basis
from mindvis_gui.cli.processes import Processes, joined
from mindvis_gui.cli.sampling import add_device_option, add_sampling_options, chosen_sampling
from mindvis_gui.cli.selection import (
    add_subject_options,
    add_trials_option,
    mask_ratio,
    mask_seed,
    names,
    numbers,
    select_lesion,
    select_rois,
    select_trials,
)
from mindvis_gui.cli.usage import UsageError
from mindvis_gui.data.lesion import METHODS
from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.subject import FloatArray, Subject, Trial
from mindvis_gui.decoding.request import (
    DecodeFailure,
    Decoder,
    DecodeRequest,
    DecodeResult,
    ModelInfo,
    Step,
    decode_many,
)
from mindvis_gui.errors import MindVisError
from mindvis_gui.wording import counted

if TYPE_CHECKING:
    from mindvis_gui.analysis.comparison import Comparison
    from mindvis_gui.analysis.decode_folder_writer import DecodeFolderWriter
    from mindvis_gui.data.prepare import Normalisation
    from mindvis_gui.decoding.cached_decoder import CachedDecoder

_Failure: TypeAlias = tuple[int, MindVisError]  # number of a trial, what went wrong with it


@dataclass(frozen=True, eq=False, slots=True)
class _Decoded:
    """The samples of a trial, compared; `cached` are the seeds that were not drawn anew.

    `latents` are (n_seeds, channels, h, w), if they were asked for.
    """

    comparison: Comparison
    cached: tuple[int, ...]
    latents: FloatArray | None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command and add its options."""
    parser.description = (
        "Decode trials of a subject into a folder: the samples and stimuli as PNG, "
        "and decode.json with how they were made. The same command gives the same pictures. "
        "Under 'accelerate launch -m mindvis_gui.cli' the trials are split over processes."
    )
    add = parser.add_argument
    add_subject_options(parser)
    add_trials_option(parser)
    add("--seeds", type=numbers, default=tuple(range(5)), help="one sample each (default: 0-4)")
    add_sampling_options(parser)
    regions = parser.add_mutually_exclusive_group()
    regions.add_argument(
        "--rois", type=names, metavar="V1,V2", help="decode from these regions only"
    )
    regions.add_argument(
        "--without-rois", type=names, metavar="V1", help="leave out every voxel of these regions"
    )
    add("--lesion-method", choices=METHODS, help="what takes their place (default: zero)")
    add("--mask-ratio", type=mask_ratio, metavar="R", help="mask this fraction of the patches")
    add("--mask-seed", type=mask_seed, metavar="N", help="which patches (default: 0)")
    add_preparation_options(parser)
    add_device_option(parser)
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write into")
    add(
        "--latents",
        action="store_true",
        help="write the final latents of every trial, too (.npy); each sample is drawn once more",
    )
    add("--no-cache", action="store_true", help="draw every sample anew and keep none for later")


def run(args: argparse.Namespace) -> int:
    """Decode trials, several at once where that is faster; one that fails loses no other."""
    # Only now what takes time to import: --help needs none of it.
    from mindvis_gui import load_decoder, open_subject
    from mindvis_gui.analysis.decode_folder_writer import DecodeFolderWriter
    from mindvis_gui.cli.output import complain, complain_of_failures, progress, the_first, write
    from mindvis_gui.data.preparation import prepare_subject
    from mindvis_gui.data.prepare import measure_normalisation
    from mindvis_gui.decoding.cached_decoder import CachedDecoder
    from mindvis_gui.decoding.history_folder import open_cache
    from mindvis_gui.decoding.plan import plan_of

    if args.mask_seed is not None and args.mask_ratio is None:
        raise UsageError("--mask-seed needs --mask-ratio")
    if args.lesion_method is not None and args.without_rois is None:
        raise UsageError("--lesion-method needs --without-rois")
    sampling = chosen_sampling(args)
    subject = prepare_subject(open_subject(args.subject), chosen_preparation(args))
    trials = select_trials(subject, args.trials)
    rois = select_rois(subject, args.rois)
    lesion = select_lesion(subject, args.without_rois, args.lesion_method)
    normalisation = measure_normalisation(subject)
    with joined(args.device) as processes, progress(len(trials), shown=processes.first) as show:
        show(0, f"loading model {args.model}")
        cache = None if args.no_cache else open_cache()
        model = load_decoder(args.model, args.device, sampling.precision)
        decoder = CachedDecoder(model, cache)
        plan = plan_of(
            subject,
            decoder.info,
            sampling,
            args.seeds,
            rois=rois,
            mask=_mask(args, decoder.info),
            lesion=lesion,
            preparation=chosen_preparation(args),
        )
        folder = DecodeFolderWriter(args.out, subject, decoder.info, plan, normalisation)
        work = _Work(subject, normalisation, plan, decoder, model if args.latents else None)
        stream = work.outcomes(
            trials[processes.rank :: processes.count],
            lambda done, what: show(processes.count * done, what),
        )
        failures, unread = _fill(folder, _gathered(stream, len(trials), processes))
    if not processes.first:
        return 0
    n_decoded = len(trials) - len(failures)
    samples = counted(n_decoded * len(args.seeds), "sample")
    write(f"{args.out}: {counted(n_decoded, 'trial')}, {samples}")
    note_basis(subject.name, normalisation)
    if unread:
        lost = counted(len(unread), "stimulus")
        complain(f"{lost} cannot be compared with: {the_first(unread)}")
    if decoder.trouble:
        complain(decoder.trouble)
    if failures:
        complain_of_failures(failures, len(trials))
    return 1 if failures else 0


@dataclass(frozen=True, eq=False, slots=True)
class _Work:
    """Decodes trials by one plan; `latents_by` draws their latents, if they are asked for."""

    subject: Subject
    normalisation: Normalisation
    plan: DecodeRequest
    decoder: CachedDecoder
    latents_by: Decoder | None

    def outcomes(
        self, trials: Sequence[Trial], show: Callable[[float, str], None]
    ) -> Iterator[_Decoded | _Failure]:
        """Yield one outcome for each trial, in any order, saying how many are done."""
        refused: list[_Failure] = []
        done, what = 0, ""
        for item in decode_many(self.decoder, self._requests(trials, refused)):
            if isinstance(item, Step):
                decoded = done + len(refused) + item.n_requests * item.index / item.total
                show(decoded, what)
                continue
            done += 1
            if isinstance(item, DecodeFailure):
                yield item.request.trial, item.error
            else:
                what = f"trial {item.request.trial} {item.request.label}".rstrip()
                yield self._decoded(item)
        yield from refused

    def _requests(
        self, trials: Sequence[Trial], refused: list[_Failure]
    ) -> Iterator[DecodeRequest]:
        """Yield the trials' requests; those that there cannot be go to `refused`."""
        for trial in trials:
            try:
                request = self._request(trial)
            except MindVisError as error:
                refused.append((trial.index, error))
            else:
                yield request

    def _request(self, trial: Trial) -> DecodeRequest:
        from mindvis_gui.decoding.lesion import lesioned
        from mindvis_gui.decoding.plan import for_trial

        request = for_trial(self.plan, self.subject, trial, self.normalisation)
        lesion = self.plan.lesion
        return request if lesion is None else lesioned(request, lesion, self.decoder)

    def _decoded(self, result: DecodeResult) -> _Decoded:
        from mindvis_gui.analysis.comparison import compare
        from mindvis_gui.decoding.latents import latents_of

        drawn = None if self.latents_by is None else latents_of(self.latents_by, result.request)
        return _Decoded(compare(result, self.subject), result.found, drawn)


def _fill(
    folder: DecodeFolderWriter, outcomes: Iterable[_Decoded | _Failure]
) -> tuple[dict[int, MindVisError], list[str]]:
    """Put outcomes into the folder; return what failed by trial, and why stimuli were not read."""
    failures: dict[int, MindVisError] = {}
    unread: dict[str, None] = {}  # each once
    for outcome in outcomes:
        if isinstance(outcome, tuple):
            failures[outcome[0]] = outcome[1]
            folder.add_failure(*outcome)
        else:
            unread |= dict.fromkeys(outcome.comparison.unread)
            folder.add(outcome.comparison, outcome.cached, outcome.latents)
    return failures, list(unread)


def _gathered(
    own: Iterator[_Decoded | _Failure], n_trials: int, processes: Processes
) -> Iterator[_Decoded | _Failure]:
    """Yield the outcomes of all processes in the first of them; the others only send theirs."""
    for _ in range(0, n_trials, processes.count):
        for outcome in processes.gather(next(own, None)):
            if outcome is not None and processes.first:
                yield outcome


def _mask(args: argparse.Namespace, info: ModelInfo) -> MaskState | None:
    if args.mask_ratio is None:
        return None
    return MaskState.random(info.n_patches, args.mask_ratio, args.mask_seed or 0)
