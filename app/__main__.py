"""``python -m app`` and the command ``mienscope``."""

import multiprocessing
import sys

from app import cli


def open_window(source: str | None, pack: str | None) -> int:
    """Open the window; Qt is imported only now."""
    from app.gui import run

    return run(source, pack)


def main() -> int:
    """Run what the command line asks for and return the exit status."""
    return cli.main(None, open_window)


if __name__ == "__main__":
    multiprocessing.freeze_support()  # a frozen application starts itself again to compile
    sys.exit(main())
