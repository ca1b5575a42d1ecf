"""``python -m divtool``, and the ``divtool`` command."""

from __future__ import annotations

import signal

# An interrupt while the program is still being imported ends it without a word.
signal.signal(signal.SIGINT, signal.SIG_DFL)

from divtool.cli.app import main  # noqa: E402

if __name__ == "__main__":
    main()
