"""The versions that a sample depends on, as everything that is written down says them."""

from __future__ import annotations

from functools import cache

from mindvis_gui.version import __version__

_SHAPING = ("torch", "diffusers")  # packages whose numerics end up in a sample


def installed_versions() -> dict[str, str]:
    """Return the versions of this application and of the packages that shape a sample."""
    return {"mindvis-gui": __version__, **shaping_versions()}


@cache
def shaping_versions() -> dict[str, str]:
    """Return the versions of the packages whose numerics end up in a sample."""
    from importlib.metadata import version  # not cheap, and the window starts without it

    return {name: version(name) for name in _SHAPING}
