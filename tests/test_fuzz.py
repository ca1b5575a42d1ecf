"""Good files damaged at random, the same way in every run: each is refused in one line, or gives a number.

Never a fault of the program, a signal, a hang or much memory; and where a format has checksums, a changed bit never
changes a number in silence. ``DIVTOOL_FUZZ=SEED:TIMES`` damages each file otherwise, and as often as that.
"""

from __future__ import annotations

import base64
import gzip
import os
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from formats_fixture import (
    Table,
    save_arrow,
    save_arrow_stream,
    save_delimited,
    save_jsonl,
    save_npy,
    save_npz,
    save_packed_npz,
    save_safetensors,
)
from nursery import Nursery

_SEED, _TIMES = map(int, os.environ.get("DIVTOOL_FUZZ", "1:35").split(":"))
_ROWS = 50
# Above what the program takes for itself; a stack for each thread counts as well.
_MEMORY = 1 << 30
_SECONDS = 20
_REFUSED = 3


def probabilities(first: int = 0) -> Table:
    """Rows of probabilities that sum to 1, with names and with ids from ``first`` on."""
    parts = np.random.default_rng(5).dirichlet(np.ones(3), _ROWS)
    return Table(np.round(parts, 12), ["a", "b", "c"], [f"row-{first + i}" for i in range(_ROWS)])


def save_csv(path: Path, table: Table) -> None:
    """With commas."""
    save_delimited(path, table, ",")


def save_checked_parquet(path: Path, table: Table) -> None:
    """With a checksum for every page."""
    columns = {name: pa.array(list(column)) for name, column in table.columns}
    pq.write_table(pa.table(columns), path, write_page_checksum=True, row_group_size=20)


def save_llama(path: Path, table: Table) -> None:
    """Log-probabilities of 16 bits; 8 chunks of 16 tokens have 56 rows."""
    rng = np.random.default_rng(6)
    tokens = rng.integers(0, 6, 8 * 16).astype("<i4").tobytes()
    rows = b"".join(
        struct.pack("<ff", 2e-4, -4.0) + rng.integers(0, 20_000, 6).astype("<u2").tobytes() for _ in range(8 * 7)
    )
    path.write_bytes(struct.pack("<8sIii", b"_logits_", 16, 6, 8) + tokens + rows)


def packed(pack: Callable[[bytes], bytes]) -> Callable[[Path, Table], None]:
    """A text table, packed."""

    def save(path: Path, table: Table) -> None:
        save_delimited(path, table, ",")
        path.write_bytes(pack(path.read_bytes()))

    return save


# Thirty rows of a text table as ``zstd --check`` packs them; Arrow packs without a checksum.
ZSTD_CHECKED = base64.b85decode(
    "D77#B1X%q900z@05U?fb99FcEO<LP~k};_OBO(AG03ZN;!RQpyCyY)(`o!oAq_0LNN#7WqBYnf@6zO~DT>1h81l1W#UsWef->A-+zM(p0`W~H6p"
    "N!5y`et+v>7&tE5<`81=oIR^I;TFV&SCndI>+=;b=LF+)hVV=s7_(}L=(|DP~V8oL471Ti~0i5DX32nodWd<(HT%*iB6)vAvyy9f!L2-"
)


def save_checked_zstd(path: Path, table: Table) -> None:
    """Another table, whose file has a checksum."""
    path.write_bytes(ZSTD_CHECKED)


@dataclass(frozen=True)
class Kind:
    """A kind of file. ``checked``: its data have checksums, so that no changed bit of them goes unseen; ``beside``: the
    name of another part of the same table."""

    name: str
    save: Callable[[Path, Table], None]
    checked: bool = False
    beside: str = ""

    @property
    def operand(self) -> str:
        """What the program is given: the file, or the folder of both parts."""
        return str(Path(self.name).parent) if self.beside else self.name

    def build(self, folder: Path) -> None:
        """Write the file, and what stands beside it."""
        for number, name in enumerate(filter(None, (self.name, self.beside))):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            self.save(folder / name, probabilities(number * _ROWS))

    def __str__(self) -> str:
        return self.name


KINDS = (
    Kind("x.csv", save_csv),
    Kind("x.tsv", lambda path, table: save_delimited(path, table, "\t")),
    Kind("x.jsonl", save_jsonl),
    Kind("x.npy", save_npy),
    Kind("stored.npz", save_npz, checked=True),
    Kind("deflated.npz", save_packed_npz, checked=True),
    Kind("x.parquet", save_checked_parquet),
    Kind("x.arrow", save_arrow),
    Kind("x.arrows", save_arrow_stream),
    Kind("x.safetensors", save_safetensors),
    Kind("x.kld", save_llama),
    Kind("x.csv.gz", packed(lambda data: gzip.compress(data, mtime=0)), checked=True),
    Kind("x.csv.zst", packed(lambda data: pa.compress(data, codec="zstd", asbytes=True))),
    Kind("checked.csv.zst", save_checked_zstd, checked=True),
    Kind("csv/2.csv", save_csv, beside="csv/1.csv"),
    Kind("npy/2.npy", save_npy, beside="npy/1.npy"),
)


# What is done to a file. Each takes the bytes and a source of chance.


def cut(data: bytes, chance: random.Random) -> bytes:
    """The rest of the file is missing."""
    return data[: chance.randrange(len(data))]


def flip(data: bytes, chance: random.Random) -> bytes:
    """One bit is another."""
    return flipped(data, chance.randrange(len(data)), chance.randrange(8))


def flipped(data: bytes, at: int, bit: int) -> bytes:
    """This bit is another."""
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]


def flip_in_head(data: bytes, chance: random.Random) -> bytes:
    """One bit of the header is another."""
    return flipped(data, chance.randrange(min(len(data), 256)), chance.randrange(8))


def flip_in_tail(data: bytes, chance: random.Random) -> bytes:
    """One bit of the footer is another."""
    return flipped(data, len(data) - 1 - chance.randrange(min(len(data), 256)), chance.randrange(8))


def flip_several(data: bytes, chance: random.Random) -> bytes:
    """Some bits are others."""
    for _ in range(chance.randrange(2, 12)):
        data = flip(data, chance)
    return data


def splice(data: bytes, chance: random.Random) -> bytes:
    """A stretch is missing."""
    first, stop = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return data[:first] + data[min(stop, first + 64) :]


def repeat(data: bytes, chance: random.Random) -> bytes:
    """A stretch stands twice."""
    first, stop = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return data[:stop] + data[first:]


def swap(data: bytes, chance: random.Random) -> bytes:
    """Two stretches have changed places."""
    a, b, c, d = sorted(chance.randrange(len(data) + 1) for _ in range(4))
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def fill(data: bytes, chance: random.Random) -> bytes:
    """A stretch is all ones, or all zeros."""
    first, size = chance.randrange(len(data)), chance.choice((1, 2, 4, 8, 64))
    return data[:first] + (chance.choice((b"\xff", b"\0")) * size)[: len(data) - first] + data[first + size :]


def insert(data: bytes, chance: random.Random) -> bytes:
    """Something stands where nothing should."""
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice((b"\0", b'"', b",", b"\n", b"\r", b"[", b"e999", b"-", b"\xff" * 8)) + data[at:]


DAMAGES = (cut, flip, flip_in_head, flip_in_tail, flip_several, splice, repeat, swap, fill, insert)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """The process from which runs are forked."""
    made = Nursery({**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"})
    yield made
    made.close()


# Logits may be any numbers, so that few damages are refused for what they do to a sum.
COMMANDS = (
    ("entropy", "{x}", "-q", "--given", "logits", "-j", "1"),
    ("entropy", "{x}", "-q"),
    ("kl", "{good}", "{x}", "-q", "--given", "logits"),
    ("inspect", "{x}", "-f", "json"),
)


def outcome(nursery: Nursery, folder: Path, kind: Kind, command: tuple[str, ...]) -> str | None:
    """What is printed; None where the file is refused. Fails where the program does anything else."""
    arguments = [word.format(x=kind.operand, good=f"good/{kind.operand}") for word in command]
    ended = nursery.run(arguments, cwd=folder, seconds=_SECONDS, memory=_MEMORY)
    assert ended.status in (0, _REFUSED), ended.stderr
    assert "Traceback" not in ended.stderr
    errors = [line for line in ended.stderr.splitlines() if line.startswith("divtool: error: ")]
    assert (len(errors), ended.stdout == "") == ((1, True) if ended.status else (0, False))
    return None if ended.status else ended.stdout


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_damage_is_refused_or_harmless(kind: Kind, nursery: Nursery, tmp_path: Path) -> None:
    kind.build(tmp_path)
    kind.build(tmp_path / "good")
    path = tmp_path / kind.name
    good = path.read_bytes()
    usual = [outcome(nursery, tmp_path, kind, command) for command in COMMANDS]
    assert None not in usual
    for number in range(_TIMES):
        damage, place = DAMAGES[number % len(DAMAGES)], number // len(DAMAGES) % len(COMMANDS)
        path.write_bytes(damage(good, random.Random(f"{_SEED} {kind} {number}")))
        found = outcome(nursery, tmp_path, kind, COMMANDS[place])
        if kind.checked and damage is flip and COMMANDS[place][0] != "inspect":
            assert found in (None, usual[place])
