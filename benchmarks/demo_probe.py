"""What SC-MBM tells a linear readout of the demo subject, and what its tokens forget.

    python -m benchmarks.demo_probe

Ridge regression from the training trials to coarse pictures, scored on the averaged responses of
the unseen drawings of seen concepts. It reads the voxels themselves, the tokens of the demo model's
SC-MBM, or those of an encoder with random weights. Where pre-training had learned a better code,
its tokens would need fewer trials. It also reads the voxels as the best linear model of all
responses expects them, with or without pictures: a bound on what pre-training can do for such a
readout. How well that model and SC-MBM recover masked voxels is printed first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler
from torch import Generator, Tensor
from torch.nn import functional as F

from benchmarks.demo_drawings import correlations, identification, unseen_drawings
from mindvis_gui.data import open_subject
from mindvis_gui.data.prepare import measure_normalisation
from mindvis_gui.data.schematic_rois import read_cortex
from mindvis_gui.data.subject import Subject, Trial
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.models import find_model
from mindvis_gui.decoding.pipeline import load_pipeline
from mindvis_gui.training.dcldm import encoder_of
from mindvis_gui.training.mbm import MASK_RATIO, masked_correlation, random_kept, recovery
from mindvis_gui.training.trials import read_pictures, read_responses, training_trials
from tools.demo.stages import DEPTH, HEADS, PATCH, RESTING, SEED, SIZE, WIDTH
from tools.demo.subject import read_simulation
from tools.demo.training_data import prepared_resting

CELLS = 12  # a side of the pictures that are read out
TRIALS, DRAWS = (50, 100, 300, 1200), 3
TOKENS_OF = 300  # responses
N_FACTORS, LEAST_NOISE = 400, 0.05
PENALTIES = np.logspace(1, 7, 13)

Table = NDArray[np.float32]


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    subject = open_subject("demo")
    normalisation = measure_normalisation(subject)
    train, test = training_trials(subject), unseen_drawings(subject)
    train_x, test_x = (
        read_responses(subject, trials, normalisation, PATCH) for trials in (train, test)
    )
    masked_model = load_pipeline(find_model("demo")).masked_model
    assert masked_model is not None
    torch.manual_seed(0)
    untrained = FmriEncoder(subject.n_voxels, PATCH, WIDTH, DEPTH, HEADS).eval()
    trained = encoder_of(masked_model.float()).eval()
    singles = [trial for trial in subject.trials if trial.split == "test-single"][:200]
    single_x = read_responses(subject, singles, normalisation, PATCH)
    unlabelled = torch.cat([_resting(subject), train_x])
    factors = Factors(unlabelled, N_FACTORS)
    kept = random_kept(
        len(single_x), masked_model.n_patches, MASK_RATIO, Generator().manual_seed(0)
    )
    best = masked_correlation(factors.recovered(single_x, kept), single_x, kept).mean()
    ours = recovery(masked_model.float().eval(), single_x).mean()
    print(f"r of masked voxels of {len(singles)} single trials: SC-MBM {ours:.2f}, ", end="")
    print(f"{N_FACTORS} factors {best:.2f}\n", flush=True)
    for what, encoder in (("SC-MBM", trained), ("random weights", untrained)):
        share, rank = variation(encoder, train_x[:TOKENS_OF])
        print(
            f"tokens, {what}: {share:.0%} of their mean square varies with the response, ", end=""
        )
        print(f"effective rank of a token {rank:.1f}\n", flush=True)
    denoised = [factors.expected(values).numpy() for values in (train_x, test_x)]
    codes = {
        "voxels": (train_x.numpy(), test_x.numpy()),
        f"voxels, by {N_FACTORS} factors": (denoised[0], denoised[1]),
        "tokens, SC-MBM": (tokens(trained, train_x), tokens(trained, test_x)),
        "tokens, random weights": (tokens(untrained, train_x), tokens(untrained, test_x)),
    }
    print_table(codes, coarse(subject, train), coarse(subject, test), TRIALS)


def coarse(subject: Subject, trials: Sequence[Trial]) -> Table:
    """Return what was seen in cells (n, 3 * CELLS**2)."""
    pictures = read_pictures(subject, trials, SIZE, antialias=True)
    cells: Table = F.adaptive_avg_pool2d(pictures, CELLS).flatten(1).numpy()
    return cells


def print_table(
    codes: Mapping[str, tuple[Table, Table]], pictures: Table, stimuli: Table, counts: Sequence[int]
) -> None:
    """Print how well pictures are read from each code (of training, of test trials)."""
    print("| read from | " + " | ".join(f"{n:,} trials" for n in counts) + " |")
    print("|---" * (len(counts) + 1) + "|")
    for name, (fitted, read) in codes.items():
        cells = [_score(fitted, pictures, read, stimuli, n) for n in counts]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


class Factors:
    """A Gaussian model of responses: a few factors, and noise of each voxel's own.

    Parameters
    ----------
    responses : Tensor, shape (n, n_padded)
    count : int
        Factors: the first principal components.
    """

    def __init__(self, responses: Tensor, count: int) -> None:
        self._mean = responses.mean(dim=0)
        centred = responses - self._mean
        _, scales, axes = torch.linalg.svd(centred, full_matrices=False)
        self._loadings = axes[:count].T * (scales[:count] / len(responses) ** 0.5)
        explained = self._loadings.square().sum(dim=1)
        self._noise = (centred.var(dim=0) - explained).clamp(min=LEAST_NOISE)  # (n_padded,)

    def expected(self, responses: Tensor, voxels: Tensor | slice = slice(None)) -> Tensor:
        """Return what all voxels are expected to be without noise, from some of them."""
        seen, noise = self._loadings[voxels], self._noise[voxels]
        weighted = seen / noise[:, None]
        precision = torch.eye(seen.shape[1]) + seen.T @ weighted
        scores = torch.linalg.solve(precision, weighted.T @ (responses - self._mean)[:, voxels].T)
        return self._mean + (self._loadings @ scores).T

    def recovered(self, responses: Tensor, kept: Tensor) -> Tensor:
        """Expect each response (n, n_padded) from its kept patches (n, n_patches)."""
        visible = kept.repeat_interleave(responses.shape[1] // kept.shape[1], dim=1)
        pairs = zip(responses, visible, strict=True)
        return torch.cat([self.expected(response[None], seen) for response, seen in pairs])


def _resting(subject: Subject) -> Tensor:
    """Return the resting-like responses that SC-MBM of the demo was trained on, too."""
    values = read_simulation(subject, read_cortex(), SEED).resting_responses(RESTING, SEED)
    return prepared_resting(values, PATCH)


@torch.no_grad()
def tokens(encoder: FmriEncoder, responses: Tensor) -> Table:
    """Encode responses (n, n_padded) to all their tokens, one after the other."""
    return torch.cat([encoder(part).flatten(1) for part in responses.split(50)]).numpy()


@torch.no_grad()
def variation(encoder: FmriEncoder, responses: Tensor) -> tuple[float, float]:
    """Measure what tokens say about which of `responses` (n, n_padded) they are of.

    Returns
    -------
    share : float
        Of their mean square that varies over responses; the rest is the same for all of them.
    rank : float
        Effective number of dimensions, of at most `patch_size`, that a token varies in: the squared
        sum of its variances over the sum of their squares, mean over tokens.
    """
    coded = torch.cat([encoder(part) for part in responses.split(50)])  # (n, tokens, width)
    varying = coded - coded.mean(dim=0)
    variances = torch.linalg.svdvals(varying.transpose(0, 1)).square()  # (tokens, rank)
    ranks = variances.sum(dim=1).square() / variances.square().sum(dim=1)
    return float(varying.square().mean() / coded.square().mean()), float(ranks.mean())


def _score(fitted: Table, pictures: Table, read: Table, stimuli: Table, n: int) -> str:
    """Return mean r and two-way identification over draws of `n` training trials."""
    found = []
    for seed in range(DRAWS):
        rows = np.random.default_rng(seed).permutation(len(fitted))[:n]
        scaler = StandardScaler().fit(fitted[rows])
        model = RidgeCV(alphas=PENALTIES).fit(scaler.transform(fitted[rows]), pictures[rows])
        scores = identification(correlations(model.predict(scaler.transform(read)), stimuli))
        found.append((scores["pixel_correlation"], scores["two_way"]))
    (r, two_way), (spread, _) = np.mean(found, axis=0), np.std(found, axis=0)
    return f"{r:.3f} ± {spread:.3f}, {two_way:.1%}"


if __name__ == "__main__":
    main()
