"""``python -m mindvis_gui.cli``: what ``accelerate launch -m`` starts in every process."""

from mindvis_gui.cli import main

raise SystemExit(main())
