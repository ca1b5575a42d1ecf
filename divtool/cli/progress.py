"""A progress bar on standard error for work past a second, on a terminal (or where it is asked for)."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

_PATIENCE, _EVERY = 1.0, 2.0


class Progress:
    """Called with rows done and rows in all; draws nothing before the work has taken a second."""

    def __init__(self, wanted: bool | None) -> None:
        self._on = sys.stderr.isatty() if wanted is None else wanted
        self._begun = time.monotonic()
        self._told = 0.0
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, rows: int, total: int) -> None:
        if not self._on or (self._bar is None and time.monotonic() - self._begun < _PATIENCE):
            return
        if not sys.stderr.isatty():
            self._tell(rows, total)
            return
        if self._bar is None:
            self._start(total)
        self._bar.update(self._task, completed=rows, total=total, speed=rows / (time.monotonic() - self._begun))

    def _tell(self, rows: int, total: int) -> None:
        """A bar needs a terminal; a log gets a line now and then."""
        now = time.monotonic()
        if now - self._told >= _EVERY:
            speed = rows / (now - self._begun)
            print(f"divtool: {rows:,} of about {total:,} rows, {speed:,.0f} rows/s", file=sys.stderr)
            self._told = now

    def _start(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (
            BarColumn(), TaskProgressColumn(), TextColumn("{task.completed:,} rows"),
            TextColumn("{task.fields[speed]:,.0f} rows/s"), TimeRemainingColumn(),
        )  # fmt: skip
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task("", total=total, speed=0.0)
