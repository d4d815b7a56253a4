"""Scores, the comparison figure, and what is written to disk."""
