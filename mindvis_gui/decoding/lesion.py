"""Requests that leave voxels out; everything else, seeds included, stays as it was."""

from __future__ import annotations

from dataclasses import replace

from mindvis_gui.data.lesion import Lesion
from mindvis_gui.decoding.request import Decoder, DecodeRequest


def lesioned(request: DecodeRequest, lesion: Lesion, decoder: Decoder) -> DecodeRequest:
    """Return `request` without the voxels of `lesion`, which it records.

    Its vector is what the encoder gets. The method ``"recover"`` asks the decoder's SC-MBM,
    from which every patch is hidden that holds a voxel of the lesion; the other voxels of
    these patches keep their response.

    Raises
    ------
    RequestError
        If nothing would be left to decode from.
    ModelError
        If voxels are to be recovered by a model that has no SC-MBM.
    """
    lesion.check(request.vector.size)
    recovered = None
    if lesion.method == "recover":
        info = decoder.info
        hidden = lesion.hidden_patches(info.n_patches, info.patch_size, request.mask)
        recovered = decoder.recover(request.vector, hidden).recovered
    vector = lesion.applied(request.vector, request.trial, recovered)
    return replace(request, vector=vector, lesion=lesion)
