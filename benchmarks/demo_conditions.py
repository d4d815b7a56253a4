"""Whether the demo is limited by what is read from a response or by what is drawn from it.

    python -m benchmarks.demo_conditions --work build/demo

The U-Net of the demo model was first trained to draw a picture from its label and a layout, and is
then conditioned on what encoder and conditioner make of a response. For the 40 unseen drawings of
seen concepts both are known: each is put in place of what was decoded, and the samples are scored
as in `tools.demo.scores`. First it is printed how often the decoded label is the right one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from benchmarks.demo_drawings import correlations, drawn, unseen_drawings
from mindvis_gui.analysis.sample_sets import agreement
from mindvis_gui.data import open_subject
from mindvis_gui.data.prepare import measure_normalisation
from mindvis_gui.decoding.models import find_model
from mindvis_gui.decoding.pipeline import load_pipeline
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.training.trials import encode, read_pictures, read_responses
from tools.demo.scores import SEEDS, Classifier
from tools.demo.stages import PATCH, untrained_label_ldm
from tools.demo.training_data import SIZE, read_pool

SAMPLING = Sampling("dpm++", 10, "fp32")


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder with pool.npz")
    parser.add_argument("--model", default="demo", help="model folder or name")
    args = parser.parse_args()
    folder = find_model(args.model)
    pipeline, classifier = load_pipeline(folder), Classifier.of_model(folder)
    if classifier is None:
        raise SystemExit(f"{folder} brings no classifier; name a model that does")
    names = read_pool(args.work / "pool.npz").names
    subject = open_subject("demo")
    tests = unseen_drawings(subject)
    stimuli = read_pictures(subject, tests, SIZE, antialias=True)

    decoded = pipeline.condition(
        read_responses(subject, tests, measure_normalisation(subject), PATCH)
    )
    context = untrained_label_ldm(len(names))[1]
    labels = torch.tensor([names.index(trial.label.replace(" ", "-")) for trial in tests])
    true = context(labels, context.layout(encode(pipeline.vqvae, stimuli)))
    nearest = torch.cdist(decoded[0][:, 0], context.labels.weight).argmin(dim=1)
    print(
        f"The label decoded is the right one of {len(names)} in {(nearest == labels).sum()} of "
        f"{len(tests)} trials.\n"
    )

    print("| label | layout | category of 8 | samples agree | pixel correlation |")
    print("|---|---|---|---|---|")
    categories = np.array([classifier.categories.index(trial.category) for trial in tests])
    for of_label, label in (("decoded", decoded), ("true", true)):
        for of_layout, layout in (("decoded", decoded), ("true", true)):
            tokens = torch.cat([label[0][:, :1], layout[0][:, 1:]], dim=1)
            pictures = [drawn(pipeline, (tokens, label[1]), seed, SAMPLING) for seed in SEEDS]
            found = np.stack([classifier.category(each.numpy()) for each in pictures], axis=1)
            own = [
                np.diagonal(correlations(each.movedim(-1, 1), stimuli)).mean() for each in pictures
            ]
            print(
                f"| {of_label} | {of_layout} | {(found == categories[:, None]).mean():.0%} "
                f"| {agreement(found):.0%} | {np.mean(own):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
