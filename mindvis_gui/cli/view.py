"""``mindvis [view] [SUBJECT]``: the window, or a picture of it."""

from __future__ import annotations

import argparse
from pathlib import Path

from mindvis_gui.errors import ExportError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command and add its options."""
    parser.description = (
        "Open the window. Without a display, 'mindvis decode' does the same work, "
        "and --screenshot draws the window into a file."
    )
    parser.add_argument(
        "subject", nargs="?", metavar="SUBJECT", help="subject file, 'demo', or session"
    )
    parser.add_argument("--model", metavar="NAME|DIR", help="model to load")
    parser.add_argument(
        "--trial", type=_trial, metavar="N", help="trial to show (default: first test trial)"
    )
    parser.add_argument(
        "--screenshot", type=Path, metavar="PNG", help="write a picture of the window and end"
    )
    parser.add_argument("--decode", action="store_true", help="decode the trial at once")
    parser.add_argument("--theme", choices=("dark", "light"), default="", help="default: the last")
    parser.add_argument(
        "--size", type=_size, metavar="WxH", help="size of the window in pixels, such as 1440x900"
    )


def run(args: argparse.Namespace) -> int:
    """Show the window until it is closed."""
    from mindvis_gui.light_start import begin_light_start, end_light_start

    if args.screenshot is not None and args.screenshot.suffix.lower() != ".png":
        raise ExportError(
            f"{args.screenshot.name}: a picture of the window is written as PNG; end its name in "
            ".png"
        )
    begin_light_start()
    try:
        from mindvis_gui import app

        return app.run(
            args.subject,
            args.model,
            args.trial,
            args.screenshot,
            decode=args.decode,
            theme=args.theme,
            size=args.size,
        )
    finally:  # also where there is no display
        end_light_start()


def _trial(text: str) -> int:
    from mindvis_gui.cli.selection import mask_seed  # needs what the window can do without

    return mask_seed(text)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    try:
        size = int(width), int(height)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is no size; write it as 1440x900") from error
    if min(size) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no size; both sides must be above 0")
    return size
