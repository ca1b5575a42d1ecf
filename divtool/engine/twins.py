"""Whether an id stands twice in files that list the same ids in the same order, where no join looks at them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from divtool.formats.keys import IntegerKeys, Keys

if TYPE_CHECKING:
    import pyarrow as pa

Hashes = npt.NDArray[np.uint64]

# Eight bytes a row are kept for it; beyond so many rows twins are not looked for.
MOST_ROWS = 1 << 23
_WINDOW = 1 << 16
_MULTIPLIERS = np.random.default_rng(7).integers(1, 2**63, 64, dtype=np.uint64) | np.uint64(1)


def fingerprints(ids: Keys) -> Hashes:
    """A number for each id, the same for the same id; others may share it by chance."""
    return ids.values.view(np.uint64) if isinstance(ids, IntegerKeys) else hashed(ids.arrow())


def may_hold_twins(pieces: list[Hashes]) -> bool:
    """Whether two rows have the same fingerprint: their ids are then to be compared in full."""
    rows = sum(piece.size for piece in pieces)
    if not 0 < rows <= MOST_ROWS:
        return False
    ordered = np.sort(np.concatenate(pieces))
    return bool((ordered[1:] == ordered[:-1]).any())


def hashed(ids: pa.Array) -> Hashes:
    """A hash of each string, of its bytes and their places."""
    offsets = offsets_of(ids)
    total = np.zeros(len(ids), np.uint64)
    if len(ids) == 0 or offsets[-1] == offsets[0]:
        return total
    data = np.frombuffer(ids.buffers()[2], np.uint8)
    # A sum over windows of bytes is the sum over them all, and eight bytes for each byte of a window stay in a cache.
    for begin in range(int(offsets[0]), int(offsets[-1]), _WINDOW):
        end = min(begin + _WINDOW, int(offsets[-1]))
        low, high = np.searchsorted(offsets, begin, "right") - 1, np.searchsorted(offsets, end, "left")
        edges = np.clip(offsets[low : high + 1], begin, end)
        lengths = np.diff(edges)
        places = np.arange(begin, end) - np.repeat(offsets[low:high], lengths)
        steps = _MULTIPLIERS[places & 63] * ((places >> 6 << 1) + 1).astype(np.uint64)
        mixed = (data[begin:end].astype(np.uint64) + np.uint64(1)) * steps
        filled = np.flatnonzero(lengths)
        total[low + filled] += np.add.reduceat(mixed, (edges[:-1] - begin)[filled])
    return total


def offsets_of(ids: pa.Array) -> npt.NDArray[np.int64]:
    """Where in the buffer of their bytes strings begin, and where the last one ends: (n + 1,)."""
    if len(ids) == 0:
        return np.zeros(1, np.int64)
    return np.frombuffer(ids.buffers()[1], np.int32)[ids.offset : ids.offset + len(ids) + 1].astype(np.int64)
