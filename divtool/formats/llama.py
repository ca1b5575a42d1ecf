"""What llama.cpp writes as the base of a KL divergence: for each token of a text the log-probabilities of all that
could follow, in 16 bits each, and the token that did.

The layout: ``_logits_``, n_ctx, n_vocab and n_chunk (4 bytes each), n_chunk * n_ctx tokens (4 bytes each), then for
each chunk a row for every token that is predicted, which are those of its second half but the first. A row is two
floats, scale and minimum, and n_vocab whole numbers u of 16 bits (one more if n_vocab is odd):
log p = scale * u + minimum.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

from divtool.errors import InputError
from divtool.formats.fields import Field, Fields
from divtool.formats.fingerprint import check_fingerprint, fingerprint
from divtool.formats.keys import IntegerKeys
from divtool.formats.npy import opened, read_into
from divtool.formats.npy_axes import DirectRows
from divtool.formats.source import (
    FLOAT,
    INTEGER,
    Block,
    Extent,
    Header,
    Selection,
    Stored,
    Ways,
    empty_matrix,
    row_steps,
)

_HEAD = struct.Struct("<8sIii")
# Four times the largest vocabulary there is; each entry becomes a column with a name.
_MOST_TOKENS = 1 << 20
_ROUNDED = "16-bit log-probabilities of llama.cpp: rows need not sum to 1 exactly"


@dataclass(frozen=True)
class Sizes:
    """The header's numbers, and where rows lie."""

    context: int
    vocabulary: int
    chunks: int

    @property
    def rows_of_chunk(self) -> int:
        """How many tokens of a chunk are predicted."""
        return self.context - 1 - self.context // 2

    @property
    def rows(self) -> int:
        """How many rows the header promises."""
        return self.chunks * self.rows_of_chunk

    @property
    def row_bytes(self) -> int:
        """The size of a row in the file."""
        return 8 + 2 * (self.vocabulary + self.vocabulary % 2)

    @property
    def start(self) -> int:
        """Where the first row begins."""
        return _HEAD.size + 4 * self.chunks * self.context

    def token_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Which of all tokens each row predicts."""
        chunk, place = np.divmod(rows, self.rows_of_chunk)
        return chunk * self.context + self.context // 2 + place + 1


class LlamaSource(DirectRows):
    """A file of log-probabilities: a column for each entry of the vocabulary, and the token that followed."""

    def __init__(self, path: str, shown: str) -> None:
        self.path = path
        self._before = fingerprint(path, shown)
        size = self._before[2]
        self._sizes = _read_sizes(path, shown, size)
        self._row_bytes = self._sizes.row_bytes
        rows, notes = _whole_rows(self._sizes, size, shown)
        fields = Fields((Field("log_prob", FLOAT, self._sizes.vocabulary), Field("label", INTEGER)))
        self.header = Header(
            shown, "llama", fields.names, fields.types, rows, "uint16", size=size, notes=notes, vectors=fields.vectors,
            partial="stored in 16 bits by llama.cpp",
        )  # fmt: skip

    def check_unchanged(self) -> None:
        """Refuse if the file is not what it was when it was opened."""
        check_fingerprint(self.path, self._before, self.header.path)

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows of doubles. Where no log-probabilities are asked for, none are read."""
        label = self._sizes.vocabulary
        if any(column != label for column in selection.keys):
            raise InputError("a log-probability names no row and no class", path=self.header.path)
        labels = bool(selection.keys) or label in selection.matrix
        with opened(self.path, self.header.path) as file:
            for first, stop in row_steps(extent, block_bytes // (8 * label if len(selection.matrix) else 8)):
                tokens = self._tokens(file, first, stop) if labels else np.empty(0, np.int64)
                keys = tuple(IntegerKeys(tokens) for _ in selection.keys)
                if len(selection.matrix):
                    yield Block(first, self._matrix(self._numbers(file, first, stop), tokens, selection), keys)
                else:
                    yield Block(first, empty_matrix(stop - first), keys)

    def _matrix(self, numbers: Stored, tokens: npt.NDArray[np.int64], selection: Selection) -> Stored:
        wanted, label = selection.matrix, self._sizes.vocabulary
        if isinstance(wanted, range) and wanted == range(label):
            return numbers
        columns = np.array(wanted, np.int64)
        matrix = np.ascontiguousarray(numbers[:, np.minimum(columns, label - 1)])
        if tokens.size:
            matrix[:, columns == label] = tokens[:, None]
        return matrix

    def _numbers(self, file: IO[bytes], first: int, stop: int) -> npt.NDArray[np.float64]:
        """The log-probabilities of some rows."""
        raw = np.empty((stop - first, self._sizes.row_bytes // 2), np.dtype("<u2"))
        read_into(file, raw.reshape(-1), self._sizes.start + first * self._sizes.row_bytes, self.header.path)
        line = np.ascontiguousarray(raw[:, :4]).view(np.dtype("<f4")).astype(np.float64)
        bad = ~np.isfinite(line).all(axis=1) | (line[:, 0] < 0)
        if bad.any():
            raise self.place_of(first + int(np.argmax(bad))).refusal(
                "its scale and minimum are no numbers that llama.cpp writes: the file is damaged",
                column="log_prob", hint="fetch it again, or let llama.cpp write it again",
            )  # fmt: skip
        numbers = raw[:, 4 : 4 + self._sizes.vocabulary].astype(np.float64)
        numbers *= line[:, :1]
        numbers += line[:, 1:]
        return numbers

    def _tokens(self, file: IO[bytes], first: int, stop: int) -> npt.NDArray[np.int64]:
        """The tokens that some rows predict."""
        places = self._sizes.token_of(np.arange(first, stop))
        between = np.empty(int(places[-1] - places[0]) + 1, np.dtype("<i4"))
        read_into(file, between, _HEAD.size + 4 * int(places[0]), self.header.path)
        tokens: npt.NDArray[np.int64] = between[places - places[0]].astype(np.int64)
        bad = (tokens < 0) | (tokens >= self._sizes.vocabulary)
        if bad.any():
            at = int(np.argmax(bad))
            raise self.place_of(first + at).refusal(
                f"token {tokens[at]} is not in a vocabulary of {self._sizes.vocabulary:,}: the file is damaged",
                column="label", hint="fetch it again, or let llama.cpp write it again",
            )  # fmt: skip
        return tokens


def open_llama(path: str, shown: str, ways: Ways) -> LlamaSource:
    """Open a file of log-probabilities; ``shown`` is how messages call it."""
    return LlamaSource(path, shown)


def _read_sizes(path: str, shown: str, size: int) -> Sizes:
    """The numbers of the header, held against the size of the file."""
    with opened(path, shown) as file:
        head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or not head.startswith(b"_logits_"):
        raise _damaged("its header is cut short or no such header", shown)
    _, context, vocabulary, chunks = _HEAD.unpack(head)
    sizes = Sizes(context, vocabulary, chunks)
    if not 1 <= vocabulary <= _MOST_TOKENS:
        raise _damaged(f"its header claims a vocabulary of {vocabulary:,}; expected 1 to {_MOST_TOKENS:,}", shown)
    if chunks < 1 or sizes.rows_of_chunk < 1:
        raise _damaged(f"its header claims {chunks:,} chunks of {context:,} tokens", shown)
    if sizes.start > size:
        raise _damaged(f"its header claims {chunks * context:,} tokens, more than the file holds", shown)
    return sizes


def _whole_rows(sizes: Sizes, size: int, shown: str) -> tuple[int, tuple[str, ...]]:
    """How many rows are there, and what to say of them: a run that was stopped leaves fewer than its header says."""
    rows, rest = divmod(size - sizes.start, sizes.row_bytes)
    if rows > sizes.rows or (rows == sizes.rows and rest):
        promised = sizes.start + sizes.rows * sizes.row_bytes
        raise _damaged(f"it has bytes after its end: its header promises {promised:,}, the file has {size:,}", shown)
    if rows == 0:
        raise InputError(
            f"holds no row of the {sizes.rows:,} that its header promises", path=shown,
            hint="was llama.cpp stopped before its first chunk was done?",
        )  # fmt: skip
    if rows == sizes.rows:
        return rows, (_ROUNDED,)
    cut = f", and {rest:,} bytes of another, which are left out" if rest else ""
    return rows, (_ROUNDED, f"{rows:,} of {sizes.rows:,} rows are there{cut}: the run that wrote them was stopped")


def _damaged(why: str, shown: str) -> InputError:
    return InputError(
        f"the file of log-probabilities is damaged: {why}", path=shown,
        hint="fetch it again, or let llama.cpp write it again",
    )  # fmt: skip
