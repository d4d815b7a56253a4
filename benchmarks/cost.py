"""Count the arithmetic of training at full size, on no data and no memory (torch's meta device).

    python benchmarks/cost.py

FLOPs are 2 × multiply-adds of one sample: forward, and forward with backward as the stage
trains it (what is frozen needs no gradient of its weights).
"""

from __future__ import annotations

import torch
from report import report
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.networks import build_scheduler, build_unet, build_vqvae, time_width
from mindvis_gui.training.dcldm import DoubleConditioned, encoder_of, trained_parameters

VOXELS = 4643  # of GOD subject 3


def main() -> None:
    """Print one table."""
    from diffusers.models.attention_processor import AttnProcessor

    with torch.device("meta"):
        masked_model = MaskedBrainModel(VOXELS)
        unet, vqvae = build_unet(), build_vqvae()
        encoder = encoder_of(masked_model)
        conditioner = Conditioner(encoder.n_tokens, 1024, time_width=time_width(unet))
    unet.set_attn_processor(AttnProcessor())  # fused attention is not counted
    trained_parameters(unet)
    network = DoubleConditioned(encoder, conditioner, unet)
    n_patches = masked_model.n_patches
    vector = torch.empty(1, n_patches * 16, device="meta")
    latents = torch.empty(1, 1, 3, 64, 64, device="meta")
    drawn = torch.empty_like(latents), torch.zeros(1, 1, dtype=torch.long, device="meta")
    alphas = build_scheduler()
    alphas.alphas_cumprod = alphas.alphas_cumprod.to("meta")
    n_kept = int(n_patches * 0.25)

    def mbm_loss() -> torch.Tensor:
        # A mask has no shape on the meta device: the same arithmetic on the kept patches.
        tokens = masked_model.encoder.embed(vector)[:, : n_kept + 1]
        for block in masked_model.encoder.blocks:
            tokens = block(tokens)
        patches = masked_model.decoder_embed(tokens)
        patches = torch.cat([patches, patches.new_empty(1, n_patches - n_kept, 512)], dim=1)
        for block in masked_model.decoder_blocks:
            patches = block(patches)
        return masked_model.decoder_pred(patches).square().mean()

    def picture() -> torch.Tensor:
        return vqvae.encode(torch.empty(1, 3, 256, 256, device="meta")).latents.mean()

    print(f"{VOXELS:,} voxels, pictures of 256 × 256, one sample")
    count("A1, A2: SC-MBM, 75 % masked", mbm_loss)
    count("B: DC-LDM", lambda: network.loss(alphas, vector, latents, drawn))
    vqvae.requires_grad_(False)
    count("encode one picture (once)", picture, backward=False)


def count(name: str, loss, *, backward: bool = True) -> None:
    """Count and report one line."""
    counts = []
    for with_backward in (False, True)[: 1 + backward]:
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            value = loss()
            if with_backward:
                value.backward()
        counts.append(f"{counter.get_total_flops() / 1e9:.1f}")
    report(
        f"{name}: forward{' / with backward' if backward else ''}", " / ".join(counts) + " GFLOP"
    )


if __name__ == "__main__":
    main()
