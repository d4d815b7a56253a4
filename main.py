"""Start the MinD-Vis desktop viewer: ``python main.py [SUBJECT]``."""

from mindvis_gui.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
