"""`python -m app` and the command `mienscope`."""

import sys


def main() -> int:
    """Run the command line and return its exit status."""
    from app.cli import main as cli

    return cli()


if __name__ == "__main__":
    sys.exit(main())
