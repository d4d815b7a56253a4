"""Where pre-training could pay: few patterns of response, and noise of each voxel's own.

    python -m benchmarks.demo_patterns [--patterns 8] [--explained 0.1] [--steps 2400]

As `benchmarks.demo_probe`, on other responses: the drives of the demo's cortex are reduced to
their first principal components and drowned in noise that no two voxels share. Thousands of
responses without pictures then tell what is signal, which a few trials with pictures do not.
SC-MBM of the demo's size is trained on the same responses, to see how much of that it finds.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from benchmarks.demo_drawings import unseen_drawings
from benchmarks.demo_probe import Factors, coarse, print_table, tokens
from mindvis_gui.data import open_subject
from mindvis_gui.data.schematic_rois import read_cortex
from mindvis_gui.data.subject import FloatArray
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.training.dcldm import encoder_of
from mindvis_gui.training.loop import Plan
from mindvis_gui.training.mbm import (
    MASK_RATIO,
    masked_correlation,
    mbm_rate,
    random_kept,
    recovery,
    train_masked_model,
)
from mindvis_gui.training.settings import MaskingSettings
from mindvis_gui.training.trials import training_trials
from tools.demo.stages import DECODER, DEPTH, HEADS, PATCH, RESTING, SEED, WIDTH
from tools.demo.subject import as_stimuli, read_simulation

TRIALS = (50, 300)
PRESENTATIONS = 24  # in the mean of a test trial
BATCH, PEAK = 8, 2e-3


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--patterns", type=int, default=8)
    parser.add_argument("--explained", type=float, default=0.1, help="share of variance")
    parser.add_argument("--steps", type=int, default=2400, help="of SC-MBM")
    args = parser.parse_args()
    torch.set_num_threads(1)
    subject = open_subject("demo")
    simulation = read_simulation(subject, read_cortex(), SEED)
    shown = training_trials(subject), unseen_drawings(subject)
    train, test = (simulation.drive(as_stimuli(subject, trials)) for trials in shown)
    simulation.explainable[:] = 1.0  # drives without noise
    patterns = Patterns(train, args.patterns, args.explained)
    train_x, test_x = patterns.respond(train), patterns.respond(test, PRESENTATIONS)
    single_x = patterns.respond(test)
    resting = patterns.respond(simulation.resting_responses(RESTING, SEED))
    unlabelled = torch.cat([resting, train_x])

    factors = Factors(unlabelled, args.patterns)
    torch.manual_seed(SEED)
    model = MaskedBrainModel(subject.n_voxels, PATCH, WIDTH, DEPTH, HEADS, *DECODER)
    untrained = encoder_of(model).eval()
    with tempfile.TemporaryDirectory() as folder:
        rate = mbm_rate(args.steps, PEAK)
        plan = Plan(Path(folder), args.steps, rate, 0.8, validate_every=args.steps)
        train_masked_model(model, unlabelled, single_x, MaskingSettings(batch=BATCH), plan)
    trained = encoder_of(model.eval()).eval()
    kept = random_kept(len(single_x), model.n_patches, MASK_RATIO, Generator().manual_seed(0))
    best = masked_correlation(factors.recovered(single_x, kept), single_x, kept).mean()
    print(
        f"r of masked voxels of single trials: SC-MBM {recovery(model, single_x).mean():.2f}, ",
        end="",
    )
    print(f"{args.patterns} factors {best:.2f}\n", flush=True)
    pairs = {
        "voxels": (train_x, test_x),
        f"voxels, by {args.patterns} factors": tuple(map(factors.expected, (train_x, test_x))),
    }
    codes = {name: (fitted.numpy(), read.numpy()) for name, (fitted, read) in pairs.items()}
    codes["tokens, SC-MBM"] = tokens(trained, train_x), tokens(trained, test_x)
    codes["tokens, random weights"] = tokens(untrained, train_x), tokens(untrained, test_x)
    print_table(codes, *(coarse(subject, trials) for trials in shown), TRIALS)


class Patterns:
    """Responses made of a few patterns and noise of each voxel's own.

    Parameters
    ----------
    drives : (n, n_voxels)
        Their first principal components are the patterns.
    count : int
    explained : float
        Share of the variance of a single response that the patterns have.
    """

    def __init__(self, drives: FloatArray, count: int, explained: float) -> None:
        self._mean = drives.mean(axis=0)
        _, _, axes = np.linalg.svd(drives - self._mean, full_matrices=False)
        self._axes, self._explained = axes[:count], explained
        self._scale = self._reduced(drives).std()
        self._rng = np.random.default_rng(SEED)

    def respond(self, drives: FloatArray, presentations: int = 1) -> Tensor:
        """Return mean responses (n, n_padded) to so many presentations of drives (n, n_voxels)."""
        noise = self._rng.standard_normal(drives.shape) / presentations**0.5
        signal = self._reduced(drives) / self._scale
        values = self._explained**0.5 * signal + (1 - self._explained) ** 0.5 * noise
        responses = torch.from_numpy(values.astype(np.float32))
        return torch.cat([responses, responses[:, : -drives.shape[1] % PATCH]], dim=1)

    def _reduced(self, drives: FloatArray) -> FloatArray:
        reduced: FloatArray = (drives - self._mean) @ self._axes.T @ self._axes
        return reduced


if __name__ == "__main__":
    main()
