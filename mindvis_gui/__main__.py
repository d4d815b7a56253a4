"""``python -m mindvis_gui``: the command line."""

from mindvis_gui.cli import main

raise SystemExit(main())
