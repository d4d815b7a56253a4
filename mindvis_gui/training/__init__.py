"""Training: the first stage, the diffusion model, SC-MBM and fine-tuning (needs torch)."""
