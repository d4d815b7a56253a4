"""Make the demo model: first stage, diffusion model, SC-MBM, fine-tuning; then score and save it.

Started by `tools.build_demo`; needs the demo subject and the pool of pictures that it made. Two
hours on two cores of a CPU with bf16.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
from pathlib import Path

import torch
from accelerate import Accelerator

from mindvis_gui.data import open_subject
from mindvis_gui.data.prepare import measure_normalisation
from mindvis_gui.decoding.networks import build_scheduler
from mindvis_gui.decoding.pipeline import MindVisPipeline
from mindvis_gui.decoding.preview import fit_latent_rgb
from mindvis_gui.scoring.concept_head import ConceptHead
from mindvis_gui.training.first_stage import psnr, reconstruct
from mindvis_gui.training.loop import accelerator_on
from tools.demo.classifier import train_classifier
from tools.demo.compositions import CutOuts
from tools.demo.concepts import read_concepts
from tools.demo.curves import hours, read_curves, write_curves
from tools.demo.model_card import write_card
from tools.demo.scores import score_model
from tools.demo.stages import (
    BATCHES,
    DRAWS,
    PATCH,
    PREDICTION,
    REHEARSED,
    STEPS,
    Build,
    double_conditioned,
    first_stage,
    generator_of,
    held_out_pictures,
    label_ldm,
    latent_pool,
    masked_modelling,
)
from tools.demo.training_data import SIZE, read_pool, read_trials

TITLES = {
    "first_stage": "first stage",
    "label_ldm": "diffusion model",
    "mbm": "SC-MBM A1",
    "adapt": "SC-MBM A2",
    "warm_up": "warm-up",
    "dcldm": "DC-LDM B",
}
GUIDANCE = 2.0  # by the curve in docs/demo.md
SHEET, CURVES = Path("docs/images/demo-sheet.webp"), Path("docs/images/demo-curves.png")


def train_demo(work: Path, out: Path, device: str, *, paper_preset: bool = True) -> None:
    """Run all stages in `work`, then write the model and its card to `out`.

    Parameters
    ----------
    work : pathlib.Path
        Folder with ``pool.npz``.
    out : pathlib.Path
    device : {"cpu", "cuda"}
    paper_preset : bool
        Also score the sampler of the paper, which takes ten times as long.
    """
    build = Build(work, accelerator_on(device))
    subject = open_subject("demo")
    normalisation = measure_normalisation(subject)
    pool = read_pool(work / "pool.npz")
    vqvae = first_stage(build, pool)
    latents = latent_pool(build, vqvae, pool)
    unet, context = label_ldm(build, latents, len(pool.names))
    masked_model, facts = masked_modelling(build, subject, normalisation)
    trials = read_trials(subject, normalisation, vqvae, pool.names, PATCH)
    network = double_conditioned(build, trials, latents, unet, context, masked_model)

    vqvae.cpu()
    held = held_out_pictures(pool)
    facts |= {"psnr": psnr(reconstruct(vqvae, held), held), "pictures": int(pool.related.sum())}
    facts |= {"labels": len(pool.names), "all_pictures": len(pool.rgba)}
    facts |= {"steps": STEPS, "batches": BATCHES, "draws": DRAWS, "rehearsed": REHEARSED}
    facts["machine"] = _machine(build.accelerator)
    facts["hours"] = {
        stage: hours(read_curves(work / stage), batch) for stage, batch in BATCHES.items()
    }
    facts |= {"n_voxels": subject.n_voxels}
    pictures = CutOuts(pool.rgba, SIZE).compose(
        torch.arange(0, len(pool.rgba), 10), generator_of(3)
    )
    with torch.no_grad():
        latent_rgb = fit_latent_rgb(vqvae.encode(pictures).latents, pictures)
    pipeline = MindVisPipeline(
        network.encoder,
        network.conditioner,
        network.unet,
        vqvae,
        build_scheduler(PREDICTION),
        masked_model,
        n_voxels=subject.n_voxels,
        image_size=SIZE,
        dataset="Demo subject (simulated)",
        latent_rgb=latent_rgb,
        normalisation={
            "mean": normalisation.mean,
            "std": normalisation.std,
            "basis": normalisation.basis,
        },
        guidance=GUIDANCE,
    )
    classifier = train_classifier(work / "pool.npz", read_concepts(), vqvae)
    write_model(pipeline, classifier, out)
    presets = ["fast", "paper"] if paper_preset else ["fast"]
    facts["scores"] = score_model(out, subject, presets, SHEET)
    write_curves({title: work / stage for stage, title in TITLES.items()}, CURVES)
    (work / "facts.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    write_card(out, facts)


def write_model(pipeline: MindVisPipeline, classifier: ConceptHead, out: Path) -> None:
    """Save all networks in half precision, replacing what is in `out`."""
    temporary = out.with_name(f".{out.name}-new")
    shutil.rmtree(temporary, ignore_errors=True)
    pipeline.to(torch.float16).save_pretrained(temporary, safe_serialization=True)
    classifier.half().save_pretrained(temporary / "classifier", safe_serialization=True)
    for weights in temporary.rglob("*.safetensors"):
        weights.chmod(0o644)
    shutil.rmtree(out, ignore_errors=True)
    temporary.rename(out)


def _machine(accelerator: Accelerator) -> str:
    """Name the arithmetic and the processor."""
    arithmetic = accelerator.mixed_precision.replace("no", "fp32")
    if accelerator.device.type == "cuda":
        return f"{arithmetic} on a GPU ({torch.cuda.get_device_name(accelerator.device)})"
    linux = Path("/proc/cpuinfo")
    found = linux.is_file() and re.search(r"model name\s*:\s*(.+)", linux.read_text("utf-8"))
    name = found.group(1) if found else platform.processor()
    threads = torch.get_num_threads()
    cores = "one core" if threads == 1 else f"{threads} cores"
    return f"{arithmetic} on {cores} of a CPU ({name})"
