"""One decoded trial as figures, files and evaluations need it, from a window or from a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mindvis_gui.analysis.comparison import ChanceLevels, Comparison, SampleScores
from mindvis_gui.data.subject import ImageArray, Subject
from mindvis_gui.decoding.request import Sample
from mindvis_gui.decoding.versions import installed_versions

SAMPLE_NOTICE = (
    "A decoded image is a sample from a generative model guided by brain responses, "
    "not a photograph of a thought."
)
# What tells one trial from the next; everything else in a request is the protocol.
_OF_THE_TRIAL = ("trial", "stimulus_id", "label", "vector_sha256")


@dataclass(frozen=True, eq=False, slots=True)
class DecodedTrial:
    """The samples of one trial, what was seen, and how they came about.

    Attributes
    ----------
    request : mapping
        ``DecodeRequest.to_json()``.
    samples : tuple of Sample
    stimulus : (h, w, 3) uint8 or None
        As the subject's file holds it; its size may differ from that of the samples.
    scores : tuple of SampleScores
        In the order of `samples`; empty if they were not scored.
    n_candidates : int
        Stimuli that the ranks are among.
    chance : ChanceLevels or None
    simulated : bool
        Whether the subject is simulated.
    versions : mapping of str to str
        Package → version that the samples were drawn with.
    test_use : tuple of str
        In what ways training of the model has made use of test trials, as sentences.
    label_in_training : bool or None
        Whether training trials of the subject show something with this label; None where that is
        not known.
    split : str
        Of the subject that the trial is in; empty where that is not known.
    """

    request: Mapping[str, Any]
    samples: tuple[Sample, ...]
    stimulus: ImageArray | None
    scores: tuple[SampleScores, ...]
    n_candidates: int
    chance: ChanceLevels | None
    simulated: bool
    versions: Mapping[str, str]
    test_use: tuple[str, ...] = ()
    label_in_training: bool | None = None
    split: str = ""

    @classmethod
    def of(cls, comparison: Comparison, subject: Subject) -> DecodedTrial:
        """Take what was just decoded and compared."""
        result = comparison.result
        trial = subject.trials[result.request.trial]
        return cls(
            request=result.request.to_json(),
            samples=result.samples,
            stimulus=subject.stimulus(trial),
            scores=comparison.scores,
            n_candidates=comparison.n_candidates,
            chance=comparison.chance,
            simulated=subject.simulated,
            versions=installed_versions(),
            split=trial.split,
        )

    @classmethod
    def without_samples(
        cls, request: Mapping[str, Any], simulated: bool, versions: Mapping[str, str]
    ) -> DecodedTrial:
        """Take how something was decoded alone; `request` may lack what belongs to a trial."""
        return cls(request, (), None, (), 0, None, simulated, versions)

    @property
    def protocol(self) -> dict[str, Any]:
        """What is the same for every trial decoded in the same way."""
        return protocol(self.request)


def protocol(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request (as JSON values) without what belongs to its trial alone."""
    return {key: value for key, value in request.items() if key not in _OF_THE_TRIAL}
