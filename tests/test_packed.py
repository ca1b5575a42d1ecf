"""Packed files and pipes: unpacked whole or refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from divtool.errors import InputError
from divtool.formats.opening import open_source
from divtool.formats.source import Selection

TEXT = b"a,b\n" + b"".join(b"%d.5,%d.25\n" % (i, i) for i in range(5000))
EXPECTED = np.array([[i + 0.5, i + 0.25] for i in range(5000)])


def zstd(data: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstd,
}  # fmt: skip


@pytest.fixture(params=PACKERS)
def packer(request: pytest.FixtureRequest) -> Callable[[bytes], bytes]:
    return PACKERS[request.param]


def written(folder: Path, content: bytes, name: str = "table") -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


def numbers_in(path: str) -> np.ndarray:
    source = open_source(path)
    wanted = Selection(range(source.header.width))
    return np.concatenate([b.matrix for e in source.extents(1 << 20) for b in source.blocks(e, wanted, 1 << 20)])


def refusal(path: str) -> InputError:
    with pytest.raises(InputError) as caught:
        numbers_in(path)
    assert caught.value.path == path
    return caught.value


def saved_npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, EXPECTED)
    return stream.getvalue()


def json_lines() -> bytes:
    return b"".join(b'{"a": %r, "b": %r}\n' % (a, b) for a, b in EXPECTED.tolist())


class TestPacked:
    @pytest.mark.parametrize("content", [TEXT, saved_npy(), json_lines()], ids=["csv", "npy", "jsonl"])
    def test_whatever_is_inside(self, packer: Callable[[bytes], bytes], content: bytes, tmp_path: Path) -> None:
        path = written(tmp_path, packer(content))
        assert numbers_in(path).tobytes() == EXPECTED.tobytes()
        header = open_source(path).header
        assert header.path == path
        assert header.origin
        assert header.notes == ()

    def test_files_joined_by_cat(self, packer: Callable[[bytes], bytes], tmp_path: Path) -> None:
        middle = TEXT.index(b"\n", len(TEXT) // 2) + 1
        path = written(tmp_path, packer(TEXT[:middle]) + packer(TEXT[middle:]))
        assert numbers_in(path).tobytes() == EXPECTED.tobytes()

    @pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
    def test_cut_short(self, packer: Callable[[bytes], bytes], kept: float, tmp_path: Path) -> None:
        whole = packer(TEXT)
        assert refusal(written(tmp_path, whole[: int(len(whole) * kept)])).hint

    def test_one_byte_less(self, packer: Callable[[bytes], bytes], tmp_path: Path) -> None:
        refusal(written(tmp_path, packer(TEXT)[:-1]))

    @pytest.mark.parametrize("garbage", [b"garbage behind the end", b"a,b\n1,2\n"])
    def test_what_follows_is_not_passed_over(
        self, packer: Callable[[bytes], bytes], garbage: bytes, tmp_path: Path
    ) -> None:
        assert "damaged" in refusal(written(tmp_path, packer(TEXT) + garbage)).message

    def test_a_second_member_with_a_damaged_head(self, packer: Callable[[bytes], bytes], tmp_path: Path) -> None:
        second = bytearray(packer(TEXT))
        second[0] ^= 255
        refusal(written(tmp_path, packer(TEXT) + bytes(second)))

    @pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
    def test_a_wrong_checksum(self, name: str, tmp_path: Path) -> None:
        packed = bytearray(PACKERS[name](TEXT))
        packed[{"gzip": -6, "bzip2": 10, "xz": 9}[name]] ^= 1
        assert "damaged" in refusal(written(tmp_path, bytes(packed))).message

    def test_nothing_inside(self, packer: Callable[[bytes], bytes], tmp_path: Path) -> None:
        refusal(written(tmp_path, packer(b"")))

    def test_packed_twice(self, packer: Callable[[bytes], bytes], tmp_path: Path) -> None:
        assert "packed twice" in refusal(written(tmp_path, gzip.compress(packer(TEXT)))).message

    def test_a_bomb(self, packer: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("divtool.formats.compressed._HARMLESS", 1 << 20)
        monkeypatch.setattr("divtool.formats.compressed._MOST_RATIO", 10)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        error = refusal(written(tmp_path, packer(b"0.5,0.5\n" * (1 << 20))))
        assert "bomb" in error.message
        assert os.listdir(tmp_path) == ["table"]

    def test_zeros(self, packer: Callable[[bytes], bytes], tmp_path: Path) -> None:
        assert "zero bytes" in refusal(written(tmp_path, packer(bytes(1 << 22)))).message

    def test_a_line_without_an_end(
        self, packer: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("divtool.formats.spool._LONGEST_LINE", 1 << 20)
        assert "line is longer" in refusal(written(tmp_path, packer(b"1," * (1 << 21)))).message

    def test_a_header_that_asks_for_gigabytes(self, tmp_path: Path) -> None:
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1536 << 20}]
        try:
            packed = lzma.compress(TEXT, filters=filters)
        except MemoryError:
            pytest.skip("not enough memory to write such a file")
        assert "damaged" in refusal(written(tmp_path, packed)).message


class TestPipes:
    @pytest.mark.parametrize("content", [TEXT, gzip.compress(TEXT)], ids=["plain", "packed"])
    def test_a_named_pipe(self, content: bytes, tmp_path: Path) -> None:
        path = str(tmp_path / "pipe")
        os.mkfifo(path)
        writer = threading.Thread(target=Path(path).write_bytes, args=(content,))
        writer.start()
        found = numbers_in(path)
        writer.join()
        assert found.tobytes() == EXPECTED.tobytes()

    def test_one_that_nobody_writes_to(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("divtool.formats.spool._PATIENCE", 0.01)
        os.mkfifo(tmp_path / "pipe")
        assert "nobody" in refusal(str(tmp_path / "pipe")).message

    @pytest.mark.parametrize("content", [TEXT, gzip.compress(TEXT)], ids=["plain", "packed"])
    def test_standard_input(self, content: bytes) -> None:
        script = "from divtool.formats.opening import open_source; print(open_source('-').count())"
        done = subprocess.run(
            [sys.executable, "-c", script], input=content, capture_output=True, timeout=60, check=True
        )
        assert done.stdout.split() == [b"5000"]

    def test_endless_zeros(self) -> None:
        script = "from divtool.formats.opening import open_source; open_source('-')"
        with open("/dev/zero", "rb") as zeros:
            done = subprocess.run([sys.executable, "-c", script], stdin=zeros, capture_output=True, timeout=60)
        assert b"nothing but zero bytes" in done.stderr
