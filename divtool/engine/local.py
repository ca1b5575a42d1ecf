"""The local engine: threads behind one ordered ``map`` (readers and kernels release the GIL)."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from divtool.errors import ResourceError

Part = TypeVar("Part")
Scored = TypeVar("Scored")


class Engine(Protocol):
    """Anything with an ordered ``map`` that keeps only a window of parts in flight."""

    def map(self, score: Callable[[Part], Scored], parts: Iterable[Part]) -> Iterator[Scored]:
        """The results in the order of the parts, whoever made them and whenever they were ready."""


class Serial:
    """One part after the other, in this thread."""

    def map(self, score: Callable[[Part], Scored], parts: Iterable[Part]) -> Iterator[Scored]:
        """The results in order."""
        return map(score, parts)


class Threads:
    """Parts in several threads; at most one part more than there are threads is under way or waiting to be taken.

    >>> list(Threads(2).map(abs, [-1, -2, -3]))
    [1, 2, 3]
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def map(self, score: Callable[[Part], Scored], parts: Iterable[Part]) -> Iterator[Scored]:
        """The results in order; the first part that fails ends it, as in one thread."""
        with ThreadPoolExecutor(self.threads) as pool:
            waiting: deque[Future[Scored]] = deque()
            try:
                for part in _held_back(parts):
                    if isinstance(part, _Failed):
                        # What went wrong in earlier rows is told first, as it would be in one thread.
                        yield from (future.result() for future in waiting)
                        raise part.error
                    waiting.append(_submitted(pool, score, part))
                    if len(waiting) > self.threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()


def _submitted(pool: ThreadPoolExecutor, score: Callable[[Part], Scored], part: Part) -> Future[Scored]:
    try:
        return pool.submit(score, part)
    except RuntimeError as error:
        raise ResourceError(f"no thread could be started: {error}", hint="use fewer: -j 1") from None


class _Failed:
    def __init__(self, error: Exception) -> None:
        self.error = error


def _held_back(parts: Iterable[Part]) -> Iterator[Part | _Failed]:
    """The parts, and the error that cutting them ended with as a last one."""
    try:
        yield from parts
    except Exception as error:
        yield _Failed(error)


def local_engine(threads: int) -> Engine:
    """Threads, or none for one. 0 asks for one per processor that this process may use."""
    count = threads or available_threads()
    return Serial() if count == 1 else Threads(count)


def available_threads() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
