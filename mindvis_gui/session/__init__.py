"""What is open, chosen, masked, running and decoded: the only state that changes."""

from mindvis_gui.session.session import DecoderLoader, Session

__all__ = ["DecoderLoader", "Session"]
