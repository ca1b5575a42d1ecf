"""Damaged and unfit Parquet and Arrow files, packed files, folders of parts, and things that are no tables."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
from bad_arrays import PROBS, npy, npz, zipped
from bad_inputs import Bad, lines

MARK = 0.123456789
FOUND = struct.pack("<d", MARK)


def frame(odd: object = MARK, before: int = 3000) -> pa.Table:
    """Two columns of probabilities; ``odd`` stands in row 3000 of the first."""
    first = [0.25] * before + [odd] + [0.25] * 3
    second = [1.0 - (each if isinstance(each, float) else 0.25) for each in first]
    return pa.table({"a": pa.array(first, pa.float64()), "b": second})


def parquet(table: pa.Table, **options: Any) -> bytes:
    """A Parquet file; what is not said otherwise is not packed, coded or left out."""
    stream = io.BytesIO()
    usual = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    pq.write_table(table, stream, **{**usual, **options})
    return stream.getvalue()


def flipped(content: bytes, at: int) -> bytes:
    """The file with one bit changed."""
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def holed(content: bytes) -> bytes:
    """The file with zeros for some bytes in its middle."""
    half = len(content) // 2
    return content[:half] + bytes(64) + content[half + 64 :]


def marked(content: bytes) -> bytes:
    """The file with one bit of the number in row 3000 changed."""
    return flipped(content, content.index(struct.pack("<d", 0.25) + FOUND) + 14)


def arrow(table: pa.Table, stream: bool = False) -> bytes:
    """An Arrow file, or a stream."""
    sink = io.BytesIO()
    with (ipc.new_stream if stream else ipc.new_file)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def packed_arrow(table: pa.Table) -> bytes:
    """A Feather file, packed."""
    sink = io.BytesIO()
    feather.write_feather(table, sink, compression="zstd")
    return sink.getvalue()


def lists(*values: object, usual: object = (0.25, 0.75)) -> pa.Table:
    """A column of lists, the first 3000 of them alike."""
    return pa.table({"p": pa.array([list(usual)] * 3000 + list(values), pa.list_(pa.float64()))})  # type: ignore[call-overload]


def bad_table(name: str, content: bytes, says: str, hint: str | None = "", suffix: str = "parquet", **more: Any) -> Bad:
    """A file that is no whole table of numbers."""
    file = f"x.{suffix}"
    return Bad(f"{suffix} {name}", {file: content}, f"entropy {file}", file, says, hint, **more)


GOOD = parquet(frame())
PARQUET = (
    bad_table("cut", GOOD[:-20], "damaged"),
    bad_table("cut in half", GOOD[: len(GOOD) // 2], "damaged"),
    bad_table("cut to its magic", GOOD[:4], "damaged"),
    bad_table("with a bit of a page changed", marked(GOOD), "damaged"),
    bad_table("with a footer of 2 GB", GOOD[:-8] + struct.pack("<I", (1 << 31) - 1) + b"PAR1", "damaged"),
    bad_table("with null", parquet(frame(None)), "missing", "--missing", row=3000, column="a"),
    bad_table("with NaN", parquet(frame(float("nan"))), "NaN", row=3000, column="a"),
    bad_table("with shorter list", parquet(lists([0.5])), "1", None, row=3000, column="p"),
    bad_table("with no list", parquet(lists(None)), "missing", row=3000, column="p"),
    bad_table("with null in a list", parquet(lists([0.25, None])), "missing", row=3000, column="p"),
    bad_table("with an empty list", parquet(lists([])), "0", None, row=3000, column="p"),
    bad_table("of columns of one name", parquet(pa.table([[0.5], [0.5]], names=["a", "a"])), '"a"', "rename"),
    bad_table("of text", parquet(pa.table({"a": ["u"], "b": ["v"]})), "no column", "--columns"),
    bad_table("of no columns", parquet(pa.table({})), "no column", "--columns"),
    bad_table("of no rows", parquet(frame().slice(0, 0)), "no rows"),
    Bad("parquet with null for a label", {"x.npy": PROBS, "y.parquet": parquet(pa.table({"label": [0, None, 1]}))},
        "ce x.npy y.parquet", "y.parquet", "missing", "", row=1, column="label"),
    Bad("parquet with a label out of range", {"x.npy": PROBS, "y.parquet": parquet(pa.table({"label": [0, 1, 300]}))},
        "ce x.npy y.parquet", "y.parquet", "300", "--ignore-index", row=2, column="label"),
    Bad("parquet with labels of floats", {"x.npy": PROBS, "y.parquet": parquet(pa.table({"label": [0.0, 0.5, 1.0]}))},
        "ce x.npy y.parquet", "y.parquet", '"0.5"', "", row=1, column="label"),
    Bad("parquet of a text column chosen", {"x.parquet": parquet(pa.table({"a": [0.5], "b": [0.5], "u": ["v"]}))},
        "entropy x.parquet --columns a,u", "x.parquet", "no numbers", "--columns", column="u"),
    Bad("parquet with an id of floats", {"x.parquet": parquet(pa.table({"k": [0.5], "a": [0.5], "b": [0.5]}))},
        "kl x.parquet x.parquet --id k", "x.parquet", "", "", column="k"),
)  # fmt: skip

WHOLE, STREAM = arrow(frame()), arrow(frame(), stream=True)
TEXTS = arrow(pa.table({"id": ["u", "v", "w"], "a": [0.25] * 3, "b": [0.75] * 3}))
OFFSETS = struct.pack("<4i", 0, 1, 2, 3)
ARROW = (
    bad_table("cut", WHOLE[:-20], "damaged", suffix="arrow"),
    bad_table("cut in half", WHOLE[: len(WHOLE) // 2], "", suffix="arrow"),
    bad_table("cut to its magic", WHOLE[:8], "damaged", suffix="arrow"),
    bad_table("packed, with zeros inside", holed(packed_arrow(frame())), "damaged", suffix="arrow"),
    bad_table("stream cut in half", STREAM[: len(STREAM) // 2], "", suffix="arrow"),
    bad_table("stream cut in its schema", STREAM[:100], "", suffix="arrow"),
    bad_table("with null", arrow(frame(None)), "missing", "--missing", "arrow", row=3000, column="a"),
    bad_table("with shorter list", arrow(lists([0.5])), "1", None, suffix="arrow", row=3000, column="p"),
    bad_table("of columns of one name", arrow(pa.table([[0.5], [0.5]], names=["a", "a"])), '"a"', "rename", "arrow"),
    bad_table("of no rows", arrow(frame().slice(0, 0)), "no rows", suffix="arrow"),
    Bad("arrow with offsets beyond the text", {"x.arrow": TEXTS.replace(OFFSETS, struct.pack("<4i", 0, 1, 2, 1 << 30)),
        "y.arrow": TEXTS}, "kl x.arrow y.arrow", "x.arrow", "damaged", ""),
    Bad("arrow with offsets backwards", {"x.arrow": TEXTS.replace(OFFSETS, struct.pack("<4i", 0, 2, 1, 3)),
        "y.arrow": TEXTS}, "kl x.arrow y.arrow", "x.arrow", "damaged", ""),
    Bad("arrow with offsets below 0", {"x.arrow": TEXTS.replace(OFFSETS, struct.pack("<4i", 0, -9, 2, 3)),
        "y.arrow": TEXTS}, "kl x.arrow y.arrow", "x.arrow", "damaged", ""),
)  # fmt: skip

ROWS = lines("a,b", *["0.7,0.3"] * 4000).encode()
GZ, ZST = gzip.compress(ROWS, mtime=0), pa.compress(ROWS, codec="zstd", asbytes=True)


def bad_packed(name: str, content: bytes, says: str, hint: str = "again", **more: Any) -> Bad:
    """A packed file that is damaged."""
    return Bad(f"packed {name}", {"x.csv.gz": content}, "entropy x.csv.gz", "x.csv.gz", says, hint, **more)


PACKED = (
    bad_packed("gzip cut", GZ[: len(GZ) // 2], "cut short"),
    bad_packed("gzip cut by a byte", GZ[:-1], "cut short"),
    bad_packed("gzip cut to its header", GZ[:10], "cut short"),
    bad_packed("gzip of another checksum", GZ[:-8] + b"\1\2\3\4" + GZ[-4:], "damaged"),
    bad_packed("gzip of another length", GZ[:-4] + b"\1\2\3\4", "damaged"),
    bad_packed("gzip with a bit changed", flipped(GZ, 30), "damaged"),
    bad_packed("gzip with something behind it", GZ + b"something", "damaged"),
    bad_packed("gzip of a bomb", GZ, "bomb", "trust", constants={"divtool.formats.compressed._HARMLESS": 1 << 12,
               "divtool.formats.compressed._MOST_RATIO": 2}),
    bad_packed("gzip twice", gzip.compress(GZ), "twice", "once"),
    bad_packed("gzip of nothing", gzip.compress(b""), "empty", "expected"),
    bad_packed("gzip of zeros", gzip.compress(bytes(1 << 24)), "zero", "expected"),
    bad_packed("gzip of a pickle", gzip.compress(b"\x80\x04."), "pickle", "np.save"),
    bad_packed("gzip with a text cell", gzip.compress(ROWS.replace(b"0.7,0.3", b"0.7,oops", 1)), '"oops"', "!", line=2,
               row=0, column="b"),
    bad_packed("zstd cut", ZST[: len(ZST) // 2], "zstd file is damaged"),
    bad_packed("zstd cut by a byte", ZST[:-1], "zstd file is damaged"),
    bad_packed("bzip2 cut", bz2.compress(ROWS)[:-9], "bzip2 file is damaged"),
    bad_packed("bzip2 with a bit changed", flipped(bz2.compress(ROWS), 40), "bzip2 file is damaged"),
    bad_packed("xz cut", lzma.compress(ROWS)[:-9], "xz file is damaged"),
    bad_packed("xz with a bit changed", flipped(lzma.compress(ROWS), 60), "xz file is damaged"),
    bad_packed("xz with something behind it", lzma.compress(ROWS) + b"something", "xz file is damaged"),
)  # fmt: skip

PART = lines("a,b", "0.7,0.3", "0.2,0.8")


def bad_parts(name: str, files: dict[str, str | bytes], says: str, hint: str | None, file: str, **more: Any) -> Bad:
    """A folder that is no table."""
    inside = {f"t/{path}": content for path, content in files.items()}
    return Bad(f"parts {name}", inside, "entropy t", file, says, hint, **more)


PARTS = (
    bad_parts("of another column", {"1.csv": PART, "2.csv": PART.replace("b", "c")}, 'no column "b"', "", "t/2.csv"),
    bad_parts("of one column more", {"1.csv": PART, "2.csv": lines("a,b,c", "0.5,0.25,0.25")}, '"c"', "", "t/2.csv"),
    bad_parts("of another format", {"1.csv": PART, "2.npy": npy()}, "npy", "", "t/2.npy"),
    bad_parts("of another width", {"1.npy": npy(), "2.npy": npy(PROBS[:, :1])}, "1 columns", "", "t/2.npy"),
    bad_parts("without files", {".hidden/a": b"", "_SUCCESS": b""}, "no file", "passed over", "t"),
    bad_parts("with a sum off", {"1.npy": npy(), "2.npy": npy(), "10.npy": npy(PROBS * 1.5)}, "1.5", "--normalize",
              "t/10.npy", row=6, own=0),
    bad_parts("with a text cell", {"1.csv": PART, "2.csv": PART, "10.csv": PART.replace("0.8", "oops")}, '"oops"', "!",
              "t/10.csv", line=3, row=5, column="b"),
    bad_parts("with a picture", {"1.csv": PART, "2.csv": b"\x89PNG\r\n\x1a\n" + bytes(99)}, "picture", "", "t/2.csv"),
    bad_parts("with an empty file", {"1.csv": PART, "2.csv": ""}, "empty", "", "t/2.csv"),
    bad_parts("of arrays without a name in common", {"1.npz": npz(p=PROBS), "2.npz": npz(q=PROBS)}, "same name", "",
              "t"),
    bad_parts("keyed otherwise", {"k=1/1.csv": PART, "j=1/1.csv": PART}, "keyed", "same keys", "t/k=1/1.csv"),
    Bad("glob of nothing", {"x.csv": PART}, "entropy 'y*.csv'", "y*.csv", "no file", None),
)  # fmt: skip


def pipe(path: Path) -> None:
    """A pipe to which nobody writes."""
    os.mkfifo(path)


def spoken_to(path: Path) -> None:
    """A socket."""
    with socket.socket(socket.AF_UNIX) as end:
        here = os.getcwd()
        # Addresses of sockets are short.
        os.chdir(path.parent)
        end.bind(path.name)
        os.chdir(here)


def leading_to(target: str) -> Callable[[Path], None]:
    """A link."""
    return lambda path: path.symlink_to(target)


def no_table(name: str, content: Any, says: str, hint: str | None = "", file: str = "x.csv", **more: Any) -> Bad:
    """A thing that is no table."""
    return Bad(f"no table {name}", {file: content}, f"entropy {file}", file, says, hint, **more)


THINGS = (
    no_table("a picture", b"\x89PNG\r\n\x1a\n" + bytes(99), "picture"),
    no_table("a photograph", b"\xff\xd8\xff\xe0" + bytes(99), "picture"),
    no_table("a document", b"%PDF-1.7\n" + bytes(99), "PDF"),
    no_table("a web page", "<!DOCTYPE html>\n<html>\n", "web page", "login"),
    no_table("a pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS", "git lfs"),
    no_table("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5", "h5py"),
    no_table("a database", b"SQLite format 3\0" + bytes(99), "SQLite", "sqlite3"),
    no_table("a program", b"\x7fELF" + bytes(99), "program"),
    no_table("a workbook of old", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "Office", "CSV"),
    no_table("zero bytes", bytes(9999), "no text"),
    no_table("noise", bytes(np.random.default_rng(7).integers(0, 256, 9999, np.uint8)), ""),
    no_table("a pipe", pipe, "nobody", "first", constants={"divtool.formats.spool._PATIENCE": 0.05}),
    no_table("a socket", spoken_to, "no regular file"),
    no_table("a device", leading_to("/dev/zero"), "no regular file"),
    no_table("nothing", leading_to("/dev/null"), "no regular file"),
    no_table("a link to nothing", leading_to("nowhere.csv"), "No such file"),
    no_table("a link to itself", leading_to("x.csv"), "symbolic links", None),
    Bad("no table PyTorch", {"x.pt": zipped({"x/data.pkl": b"\x80\x02."})}, "entropy x.pt", "x.pt", "PyTorch",
        "torch.load"),
    Bad("no table PyTorch of old", {"x.pt": b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."}, "entropy x.pt", "x.pt",
        "pickle", "np.save"),
    Bad("no file", {"preds.csv": PART}, "entropy perds.csv", "perds.csv", "No such file", "preds.csv"),
    Bad("nothing on standard input", {}, "entropy -", "<stdin>", "empty", "expected"),
    Bad("a pickle on standard input", {}, "entropy -", "<stdin>", "pickle", "np.save", stdin=b"\x80\x04."),
    Bad("a bad row on standard input", {}, "entropy -", "<stdin>", "sum to 1.1", "--normalize", line=3, row=1,
        stdin=b"a,b\n0.7,0.3\n0.7,0.4\n0.7,0.3\n"),
    Bad("standard input twice", {}, "kl - -", None, "only one", None, status=2),
    Bad("an address of the web", {}, "entropy https://example.org/x.csv", "https://example.org/x.csv", "web", "curl"),
    Bad("an unknown address", {}, "entropy ftps://example.org/x.csv", "ftps://example.org/x.csv", "ftps", "s3",
        status=2),
    Bad("another format than said", {"x.npy": npy()}, "entropy x.npy --input-format parquet", "x.npy", "Parquet", ""),
    Bad("JSON said to be NPY", {"x.json": json.dumps([0.7, 0.3])}, "entropy x.json --input-format npy", "x.json", "NPY",
        None),
    Bad("an unknown format", {"x.npy": npy()}, "entropy x.npy --input-format xls", None, "xls", status=2),
)  # fmt: skip

TABLES = (*PARQUET, *ARROW, *PACKED, *PARTS, *THINGS)
