"""``python -m divtool``, and the ``divtool`` command."""

from __future__ import annotations

from divtool.cli.app import main

if __name__ == "__main__":
    main()
