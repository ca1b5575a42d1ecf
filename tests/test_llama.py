"""The log-probabilities of llama.cpp: rows and tokens by the layout that its source gives, and files that lie."""

from __future__ import annotations

import os
import pickle
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_formats import refusal, rows_of, same_bits

from divtool.formats.opening import open_source
from divtool.formats.source import FLOAT, INTEGER, Selection, Vector

CHUNKS = 3


class Written:
    """A file as llama.cpp writes it, number by number, and what it means."""

    def __init__(self, context: int, vocabulary: int) -> None:
        random = np.random.default_rng(vocabulary)
        self.tokens = random.integers(0, vocabulary, CHUNKS * context).tolist()
        parts = [b"_logits_", struct.pack("<Iii", context, vocabulary, CHUNKS)]
        parts += [struct.pack("<i", token) for token in self.tokens]
        self.start = sum(map(len, parts))
        self.labels: list[int] = []
        self.rows: list[list[float]] = []
        for chunk in range(CHUNKS):
            # The first half of a chunk is what the model reads; the last token has nothing after it.
            for token in range(context // 2, context - 1):
                scale, least = (np.float32(each) for each in random.uniform((0.0, -20.0), (1e-3, 0.0)))
                levels = random.integers(0, 1 << 16, vocabulary).tolist()
                parts.append(struct.pack("<ff", scale, least) + struct.pack(f"<{vocabulary}H", *levels))
                parts.append(b"\xab\xcd" * (vocabulary % 2))
                self.rows.append([float(scale) * level + float(least) for level in levels])
                self.labels.append(self.tokens[chunk * context + token + 1])
        self.content = b"".join(parts)
        self.row_bytes = len(self.content[self.start :]) // len(self.rows)

    def save(self, path: Path, kept: int | None = None) -> str:
        path.write_bytes(self.content[:kept])
        return str(path)


@pytest.fixture(params=[(8, 5), (9, 6), (3, 1), (64, 31)], ids=str, scope="module")
def written(request: pytest.FixtureRequest) -> Written:
    return Written(*request.param)


class TestRows:
    def test_header(self, written: Written, tmp_path: Path) -> None:
        header = open_source(written.save(tmp_path / "x")).header
        width = len(written.rows[0])
        assert (header.format, header.dtype, header.rows) == ("llama", "uint16", len(written.rows))
        assert header.names == (*(f"log_prob[{i}]" for i in range(width)), "label")
        assert list(header.types) == [FLOAT] * width + [INTEGER]
        assert header.vectors == (Vector("log_prob", 0, width),)
        assert header.notes == ("16-bit log-probabilities of llama.cpp: rows need not sum to 1 exactly",)

    @pytest.mark.parametrize("block_bytes", [1, 100, 1 << 20])
    def test_numbers_and_labels(self, written: Written, block_bytes: int, tmp_path: Path) -> None:
        source = pickle.loads(pickle.dumps(open_source(written.save(tmp_path / "x"))))
        width = len(written.rows[0])
        numbers, keys = rows_of(
            source, Selection(range(width), (width,)), extents=source.extents(200), block_bytes=block_bytes
        )
        assert same_bits(numbers, np.array(written.rows))
        assert keys == [[str(label) for label in written.labels]]
        source.check_unchanged()

    @given(cuts=st.lists(st.integers(0, 93), max_size=6), block_bytes=st.integers(1, 2000))
    def test_slices(self, shared: tuple[Written, Any], cuts: list[int], block_bytes: int) -> None:
        written, source = shared
        cuts = sorted({0, *cuts})
        located = [source.locate(*pair) for pair in pairwise(cuts)]
        wanted = Selection((7, 31, 2), (31,))
        numbers, keys = rows_of(source, wanted, extents=located, block_bytes=block_bytes)
        expected = [[row[7], label, row[2]] for row, label in zip(written.rows, written.labels, strict=True)]
        assert same_bits(numbers, np.array(expected).reshape(-1, 3)[: cuts[-1]])
        assert keys == [[str(label) for label in written.labels[: cuts[-1]]]]

    @pytest.fixture(scope="class")
    @staticmethod
    def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Written, Any]:
        written = Written(64, 31)
        return written, open_source(written.save(tmp_path_factory.mktemp("llama") / "x"))

    def test_labels_alone_read_no_numbers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        written, read = Written(64, 31), []
        source = open_source(written.save(tmp_path / "x"))
        true_read = os.preadv

        def preadv(file: int, buffers: list[Any], place: int) -> int:
            read.append(place + sum(map(len, buffers)))
            return true_read(file, buffers, place)

        monkeypatch.setattr(os, "preadv", preadv)
        assert rows_of(source, Selection((), (31,)))[1] == [[str(label) for label in written.labels]]
        assert max(read) <= written.start

    def test_a_run_that_was_stopped(self, tmp_path: Path) -> None:
        written = Written(8, 5)
        for rows, rest in ((1, 0), (4, 7), (len(written.rows) - 1, written.row_bytes - 1)):
            kept = written.start + rows * written.row_bytes + rest
            source = open_source(written.save(tmp_path / "x", kept))
            numbers, keys = rows_of(source, Selection(range(5), (5,)))
            assert same_bits(numbers, np.array(written.rows[:rows]))
            assert keys == [[str(label) for label in written.labels[:rows]]]
            note = source.header.notes[1]
            assert f"{rows} of 9 rows" in note
            assert (f"{rest} bytes" in note) == bool(rest)

    def test_a_whole_vocabulary_names_no_row(self, tmp_path: Path) -> None:
        source = open_source(Written(8, 5).save(tmp_path / "x"))
        assert refusal(rows_of, source, Selection((), (0,))).path == str(tmp_path / "x")


def head(context: int, vocabulary: int, chunks: int, rest: bytes = bytes(4000)) -> bytes:
    return b"_logits_" + struct.pack("<Iii", context, vocabulary, chunks) + rest


HOSTILE = {
    "magic-alone": b"_logits_",
    "cut-in-the-header": head(8, 5, 3, b"")[:-1],
    "no-tokens": head(8, 5, 3, b""),
    "more-tokens-than-bytes": head(8, 5, 1 << 30),
    "all-tokens-there-are": head((1 << 32) - 1, 5, (1 << 31) - 1),
    "negative-vocabulary": head(8, -5, 3),
    "no-vocabulary": head(8, 0, 3),
    "vocabulary-beyond-all": head(8, (1 << 31) - 1, 3),
    "negative-chunks": head(8, 5, -3),
    "no-chunks": head(8, 5, 0),
    "no-context": head(0, 5, 3),
    "nothing-to-predict": head(2, 5, 3),
    "no-whole-row": head(8, 100_000, 3),
    "bytes-after-the-end": Written(8, 5).content + b"\0",
    "rows-after-the-end": Written(8, 5).content + bytes(20),
}


class TestHostile:
    @pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
    def test_is_refused(self, content: bytes, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(content)
        error = refusal(open_source, str(tmp_path / "x"))
        assert error.path == str(tmp_path / "x")
        assert error.hint

    @pytest.mark.parametrize("line", [(np.nan, -1.0), (1e-3, np.inf), (-1e-3, -1.0)])
    def test_numbers_that_are_none(self, line: tuple[float, float], tmp_path: Path) -> None:
        written = Written(8, 5)
        damaged, place = bytearray(written.content), written.start + 4 * written.row_bytes
        damaged[place : place + 8] = struct.pack("<ff", *line)
        (tmp_path / "x").write_bytes(damaged)
        error = refusal(rows_of, open_source(str(tmp_path / "x")), Selection(range(5)), block_bytes=90)
        assert (error.row, error.column) == (4, "log_prob")

    @pytest.mark.parametrize("token", [-1, 5, (1 << 31) - 1])
    def test_a_token_that_is_in_no_vocabulary(self, token: int, tmp_path: Path) -> None:
        written = Written(8, 5)
        damaged = bytearray(written.content)
        # The second row of the second chunk predicts token 8 + 4 + 1 + 1.
        damaged[20 + 4 * 14 : 20 + 4 * 15] = struct.pack("<i", token)
        (tmp_path / "x").write_bytes(damaged)
        source = open_source(str(tmp_path / "x"))
        assert same_bits(rows_of(source, Selection(range(5)))[0], np.array(written.rows))
        error = refusal(rows_of, source, Selection((), (5,)))
        assert (error.row, error.column) == (4, "label")

    def test_a_file_that_is_cut_while_it_is_read(self, tmp_path: Path) -> None:
        written = Written(8, 5)
        source = open_source(written.save(tmp_path / "x"))
        written.save(tmp_path / "x", written.start + 50)
        assert "cut while it was read" in refusal(rows_of, source, Selection(range(5))).message
        assert "changed" in refusal(source.check_unchanged).message
