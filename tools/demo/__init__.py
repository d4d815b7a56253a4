"""The steps that rebuild the demo; see ``tools/build_demo.py``."""
