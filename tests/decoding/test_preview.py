import torch

from mindvis_gui.decoding.networks import build_vqvae
from mindvis_gui.decoding.preview import fit_latent_rgb, fit_latent_rgb_to_codes, preview, to_uint8


def test_colours_are_clipped_and_truncated():
    colours = torch.tensor([-2.0, -1.0, 0.0, 0.9999, 1.0, 2.0])
    assert to_uint8(colours).tolist() == [0, 0, 127, 254, 255, 255]


def test_linear_map_is_found_again():
    matrix = torch.tensor([[0.2, 0.0, 0.1], [0.0, 0.3, 0.0], [0.1, 0.0, -0.2], [0.1, -0.1, 0.0]])
    latents = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    colours = latents.movedim(1, -1) @ matrix[:-1] + matrix[-1]
    pictures = torch.nn.functional.interpolate(colours.movedim(-1, 1), scale_factor=4)
    fitted = fit_latent_rgb(latents, pictures)
    torch.testing.assert_close(torch.tensor(fitted), matrix, atol=1e-5, rtol=0)
    assert torch.equal(preview(latents, fitted), to_uint8(colours))


def test_codebook_gives_a_map_without_pictures():
    torch.manual_seed(0)
    vqvae = build_vqvae(32, codes=100, sample_size=32, multipliers=(1, 1), layers=1)
    matrix = fit_latent_rgb_to_codes(vqvae)
    assert torch.tensor(matrix).shape == (4, 3)
    assert torch.tensor(matrix).isfinite().all()
