"""The fMRI encoder: response vector → one token a patch (section 3.2)."""

from __future__ import annotations

from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from mindvis_gui.data.prepare import Padding, padded_length
from mindvis_gui.decoding.transformer import Block, PatchEmbedding, initialise, sincos_positions


class FmriEncoder(ModelMixin, ConfigMixin):
    """A vision transformer over 1-D patches of the response vector.

    There is no class token here: only the masked autoencoder has one.

    Parameters
    ----------
    n_voxels : int
        Length of the response vector before padding.
    patch_size : int
        Voxels a patch.
    width, depth, heads, mlp_ratio
        Of the transformer; the defaults are the paper's.
    global_pool : bool
        Return the normalised mean of the tokens instead of all of them.
    padding : {"wrap", "constant", "cut"}
        How vectors are brought to whole patches, see
        `mindvis_gui.data.prepare.pad_to_patches`.
    """

    @register_to_config
    def __init__(
        self,
        n_voxels: int,
        patch_size: int = 16,
        width: int = 1024,
        depth: int = 24,
        heads: int = 16,
        mlp_ratio: float = 1.0,
        global_pool: bool = False,
        padding: Padding = "wrap",
    ) -> None:
        super().__init__()
        self.n_patches = padded_length(n_voxels, patch_size, padding) // patch_size
        self.patch_embed = PatchEmbedding(patch_size, width)
        # A parameter because fine-tuning trains it; pre-training freezes it.
        self.pos_embed = nn.Parameter(sincos_positions(self.n_patches, width))
        self.blocks = nn.ModuleList(Block(width, heads, mlp_ratio) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.apply(initialise)

    @property
    def n_tokens(self) -> int:
        """Tokens that `forward` returns a vector."""
        return 1 if self.config.global_pool else self.n_patches

    def embed(self, vectors: Tensor) -> Tensor:
        """Turn vectors (batch, n_padded) into placed tokens (batch, n_patches, width)."""
        return self.patch_embed(vectors) + self.pos_embed

    def forward(self, vectors: Tensor) -> Tensor:
        """Encode padded vectors.

        Parameters
        ----------
        vectors : Tensor, shape (batch, n_padded), normalised

        Returns
        -------
        Tensor, shape (batch, n_tokens, width)
        """
        tokens = self.embed(vectors)
        for block in self.blocks:
            tokens = block(tokens)
        return self.finish(tokens)

    def finish(self, tokens: Tensor) -> Tensor:
        """Pool and normalise what the blocks return: (batch, n_tokens, width)."""
        if self.config.global_pool:
            tokens = tokens.mean(dim=1, keepdim=True)  # (batch, 1, width)
        return self.norm(tokens)
