"""Networks with random weights, as large as the published ones: what takes time, and nothing else.

`--tiny` of the scripts takes small ones instead, to see that a script works.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from mindvis_gui.data.subject import FloatArray
from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.decoder import MindVisDecoder
from mindvis_gui.decoding.device import choose_precision
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.networks import build_scheduler, build_unet, build_vqvae, time_width
from mindvis_gui.decoding.pipeline import MindVisPipeline
from mindvis_gui.decoding.request import DecodeRequest, ModelInfo
from mindvis_gui.decoding.sampling_settings import NO_GUIDANCE, PRESETS, Sampling

UNGUIDED = replace(PRESETS["fast"], guidance=NO_GUIDANCE)  # preset fast, whatever a model asks for
VOXELS = 4643  # subject 3 of GOD
U_NET_FLOP = 211e9  # a sample: one step
LATENT_SHAPE, TINY_LATENT_SHAPE = (3, 64, 64), (3, 8, 8)
LATENT_RGB = [[0.3, 0.2, 0.1], [0.1, 0.3, 0.2], [0.2, 0.1, 0.3], [0.0, 0.0, 0.0]]


def random_pipeline(n_voxels: int = VOXELS, *, tiny: bool = False) -> MindVisPipeline:
    """Return all networks of a model, of the published size or tiny, in fp32 on the CPU."""
    torch.manual_seed(0)
    unet, vqvae, size = _random_unet(tiny=tiny), _random_vqvae(tiny=tiny), 32 if tiny else 256
    encoder = FmriEncoder(n_voxels, width=32, depth=1, heads=2) if tiny else FmriEncoder(n_voxels)
    conditioner = Conditioner(
        encoder.n_tokens, 32 if tiny else 1024, unet.config.cross_attention_dim, time_width(unet)
    )
    pipeline = MindVisPipeline(
        encoder,
        conditioner,
        unet,
        vqvae,
        build_scheduler(),
        n_voxels=n_voxels,
        image_size=size,
        dataset="random numbers",
        latent_rgb=LATENT_RGB,
    )
    for network in (unet, vqvae, encoder, conditioner):
        network.eval().requires_grad_(False)
    return pipeline


def _random_unet(*, tiny: bool = False):
    """Return the U-Net alone."""
    torch.manual_seed(0)
    small = {
        "channels": 32,
        "context_width": 32,
        "sample_size": 8,
        "multipliers": (1, 1),
        "attention": (False, True),
        "layers": 1,
    }
    return build_unet(**(small if tiny else {})).eval().requires_grad_(False)


def _random_vqvae(*, tiny: bool):
    small = {"channels": 32, "codes": 64, "sample_size": 32, "multipliers": (1, 1, 1), "layers": 1}
    return build_vqvae(**(small if tiny else {}))


def random_decoder(
    pipeline: MindVisPipeline, device: str = "cpu", precision: str = "auto"
) -> MindVisDecoder:
    """Return a decoder of `pipeline`, as if it had been loaded."""
    config = pipeline.encoder.config
    info = ModelInfo(
        name="random",
        folder="",
        n_voxels=config.n_voxels,
        patch_size=config.patch_size,
        n_patches=pipeline.encoder.n_patches,
        image_size=pipeline.config.image_size,
        parameters=0,
        device=device,
        precision=choose_precision(precision, device),
    )
    return MindVisDecoder(pipeline, info)


def random_request(
    n_voxels: int, sampling: Sampling, seeds: tuple[int, ...] = (0, 1, 2, 3, 4), trial: int = 0
) -> DecodeRequest:
    """Return a request with a random response."""
    vector: FloatArray = np.random.default_rng(trial).normal(size=n_voxels).astype(np.float32)
    return DecodeRequest("random", trial, vector, seeds, sampling)


def finish(items):
    """Draw a generator to its end; return what it returns."""
    while True:
        try:
            next(items)
        except StopIteration as stop:
            return stop.value
