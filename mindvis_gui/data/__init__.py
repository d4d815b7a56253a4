"""Subjects, stimuli and everything that is done to a response before it is decoded."""

from mindvis_gui.data.formats import open_subject

__all__ = ["open_subject"]
