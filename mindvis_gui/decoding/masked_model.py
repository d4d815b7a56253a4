"""SC-MBM: the masked autoencoder of fMRI that pre-trains the encoder (section 3.1)."""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from mindvis_gui.data.prepare import Padding
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.transformer import Block, initialise, sincos_positions


class MaskedBrainModel(ModelMixin, ConfigMixin):
    """Predicts every patch of a response from the few that are kept.

    The encoder sees the kept patches and a class token; a light decoder fills in
    a learned token for each masked patch. Positions are fixed in both.

    Parameters
    ----------
    n_voxels, patch_size, width, depth, heads, mlp_ratio
        Of the encoder, see `FmriEncoder`.
    decoder_width, decoder_depth, decoder_heads
        Of the decoder.
    padding
        Of the vectors, see `FmriEncoder`.
    saw_test_fmri : bool
        Whether it was trained on responses of test trials too: the published stage A2 is.
    """

    @register_to_config
    def __init__(
        self,
        n_voxels: int,
        patch_size: int = 16,
        width: int = 1024,
        depth: int = 24,
        heads: int = 16,
        decoder_width: int = 512,
        decoder_depth: int = 8,
        decoder_heads: int = 16,
        mlp_ratio: float = 1.0,
        padding: Padding = "wrap",
        saw_test_fmri: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = FmriEncoder(
            n_voxels, patch_size, width, depth, heads, mlp_ratio, padding=padding
        )
        self.encoder.pos_embed.requires_grad_(False)
        self.n_patches = self.encoder.n_patches
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.mask_token = nn.Parameter(torch.empty(1, 1, decoder_width))
        self.decoder_embed = nn.Linear(width, decoder_width)
        self.decoder_pos_embed = nn.Parameter(
            sincos_positions(self.n_patches, decoder_width), requires_grad=False
        )
        self.decoder_blocks = nn.ModuleList(
            Block(decoder_width, decoder_heads, mlp_ratio) for _ in range(decoder_depth)
        )
        self.decoder_norm = nn.LayerNorm(decoder_width)
        self.decoder_pred = nn.Linear(decoder_width, patch_size)
        self.apply(initialise)
        nn.init.normal_(self.cls_token, std=0.02)
        nn.init.normal_(self.mask_token, std=0.02)

    def encode(self, vectors: Tensor, kept: Tensor) -> Tensor:
        """Encode the kept patches only.

        Parameters
        ----------
        vectors : Tensor, shape (batch, n_padded), normalised
        kept : bool Tensor, shape (batch, n_patches)
            The number kept must be the same in each row.

        Returns
        -------
        Tensor, shape (batch, 1 + n_kept, width)
            The class token, then the kept patches in their order along the vector.
        """
        tokens = self.encoder.embed(vectors)
        batch, _, width = tokens.shape
        tokens = tokens[kept].view(batch, -1, width)  # (batch, n_kept, width)
        cls = self.cls_token.expand(batch, -1, -1).to(tokens.dtype)
        tokens = torch.cat([cls, tokens], dim=1)  # (batch, 1 + n_kept, width)
        for block in self.encoder.blocks:
            tokens = block(tokens)
        return self.encoder.norm(tokens)

    def decode(self, tokens: Tensor, kept: Tensor) -> Tensor:
        """Predict voxels (batch, n_padded) from encoded tokens (batch, 1 + n_kept, width)."""
        tokens = self.decoder_embed(tokens)
        cls, known = tokens[:, :1], tokens[:, 1:]
        patches = self.mask_token.to(tokens.dtype).repeat(*kept.shape, 1)
        patches[kept] = known.flatten(0, 1)
        patches = patches + self.decoder_pos_embed  # (batch, n_patches, decoder_width)
        tokens = torch.cat([cls.to(patches.dtype), patches], dim=1)
        for block in self.decoder_blocks:
            tokens = block(tokens)
        voxels = self.decoder_pred(self.decoder_norm(tokens[:, 1:]))  # (batch, n_patches, patch)
        return voxels.flatten(1)  # (batch, n_padded)

    def forward(self, vectors: Tensor, kept: Tensor) -> Tensor:
        """Predict every voxel of `vectors` (batch, n_padded) from the patches in `kept`.

        Parameters and errors as in `encode`; the result has the shape of `vectors`.
        """
        return self.decode(self.encode(vectors, kept), kept)

    def loss(self, vectors: Tensor, kept: Tensor) -> Tensor:
        """Mean squared error over the masked patches; the target is not normalised."""
        return masked_error(self(vectors, kept), vectors, kept)


def masked_error(predicted: Tensor, vectors: Tensor, kept: Tensor) -> Tensor:
    """Mean squared error of `predicted` (batch, n_padded) over the patches not in `kept`."""
    errors = (predicted.float() - vectors).square()
    return errors.view(*kept.shape, -1)[~kept].mean()
