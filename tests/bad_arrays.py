"""Damaged, hostile and unfit files of arrays: NPY, NPZ, safetensors, and what llama.cpp writes."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
import zlib
from typing import Any

import numpy as np
from bad_inputs import Bad
from formats_fixture import safetensors_bytes

PROBS = np.array([[0.7, 0.3], [0.2, 0.8], [0.5, 0.5]])


def npy(array: Any = PROBS, **options: Any) -> bytes:
    """An NPY file as NumPy writes it."""
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def headed(header: str, data: bytes = PROBS.tobytes(), version: int = 1) -> bytes:
    """An NPY file with a header of one's own."""
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header.encode("latin-1") + data


def shaped(shape: object, descr: object = "<f8") -> bytes:
    """An NPY file that claims a shape and a type."""
    return headed(f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}\n")


def bad_npy(name: str, content: bytes, says: str, hint: str | None = None, **more: Any) -> Bad:
    """A file that is no array of numbers."""
    return Bad(f"NPY {name}", {"x.npy": content}, "entropy x.npy", "x.npy", says, hint, **more)


NPY = (
    bad_npy("cut in the data", npy()[:-1], "cut short", "again"),
    bad_npy("cut before the data", npy()[:-48], "cut short", "again"),
    bad_npy("cut in the header", npy()[:60], "header is cut short"),
    bad_npy("cut in the length", npy()[:9], "header is cut short"),
    bad_npy("cut in the magic", npy()[:6], "header is cut short"),
    bad_npy("with more behind it", npy() + b"\0", "bytes after its end", "again"),
    bad_npy("two in one", npy() * 2, "bytes after its end", "again"),
    bad_npy("of version 9", b"\x93NUMPY\x09\x00" + npy()[8:], "version 9"),
    bad_npy("of version 0", b"\x93NUMPY\x00\x00" + npy()[8:], "version 0"),
    bad_npy("of 7 PiB", shaped(f"({1 << 20}, {1 << 30})"), "cut short", "again"),
    bad_npy("of more cells than numbers", shaped(f"({1 << 60}, {1 << 60}, {1 << 60})"), "cut short", "again"),
    bad_npy("of cells that wrap to 48 bytes", shaped(f"({1 << 61}, 8, 6)"), "cut short", "again"),
    bad_npy("of no rows and more columns than memory", shaped(f"(0, {1 << 60})")[:-48], "columns; expected at most"),
    bad_npy("of 70 dimensions", shaped((1,) * 68 + (3, 2)), "damaged"),
    bad_npy("of negative rows", shaped("(-3, 2)"), "damaged"),
    bad_npy("of negative rows and columns", shaped("(-3, -2)"), "damaged"),
    bad_npy("of half a row", shaped("(1.5, 4)"), "damaged"),
    bad_npy("of true rows", shaped("(True, 6)"), "damaged"),
    bad_npy("of a list for a shape", shaped("[3, 2]"), "damaged"),
    bad_npy("with code", shaped("(__import__('os').system('true'), 2)"), "damaged"),
    bad_npy("with an expression", shaped("(3 * 1, 2)"), "damaged"),
    bad_npy("with brackets in brackets", shaped("(" * 9000 + ")" * 9000), "damaged"),
    bad_npy("of a header without a shape", headed("{'descr': '<f8', 'fortran_order': False}\n"), "damaged"),
    bad_npy("of a header that is a list", headed("['<f8', False, (3, 2)]\n"), "damaged"),
    bad_npy("with a header of 4 GB", b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + npy()[10:], "4,294,967,295"),
    bad_npy("of objects", npy(np.array([[1.0, None]], object), allow_pickle=True), "Python objects", "np.save"),
    bad_npy("of records", npy(np.zeros(3, [("a", "f8"), ("b", "f8")])), "records", None),
    bad_npy("of complex numbers", npy(PROBS.astype("c16")), "no column", ""),
    bad_npy("of text", npy(np.array([["a", "b"]])), "text", ""),
    bad_npy("of dates", npy(np.zeros((3, 2), "M8[D]")), "", ""),
    bad_npy("of spans of time", npy(np.zeros((3, 2), "m8[s]")), "", ""),
    bad_npy("of bytes without a type", npy(np.zeros((3, 2), "V8")), "", ""),
    bad_npy("of cells without a size", shaped("(3, 2)", "|V0"), "no size"),
    bad_npy("of text without a size", shaped("(3, 2)", "<U0"), "no size"),
    bad_npy("of an unknown type", shaped("(3, 2)", "<f7"), "damaged"),
    bad_npy("of a subarray", shaped("(3,)", "(2,)<f8"), "no column", ""),
    bad_npy("of one number", npy(np.float64(0.5)), "", ""),
    Bad("NPY of inexact integers", {"x.npy": npy(np.array([[1 << 53, (1 << 53) + 1]]))},
        "entropy x.npy --given logits", "x.npy", "9007199254740993", "float64", row=0, column="1"),
)  # fmt: skip


def npz(**arrays: Any) -> bytes:
    """An NPZ file as NumPy writes it, stored."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def patched(content: bytes, old: bytes, new: bytes) -> bytes:
    """A file with other bytes, wherever the old ones stand."""
    assert old in content
    assert len(old) == len(new)
    return content.replace(old, new)


def encrypted(content: bytes) -> bytes:
    """A ZIP whose entries say that they are encrypted."""
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark) + place
        content = content[:at] + bytes([content[at] | 1]) + content[at + 1 :]
    return content


def bad_npz(name: str, content: bytes, says: str, hint: str | None = "", file: str = "x.npz", **more: Any) -> Bad:
    """An archive that is no file of arrays."""
    return Bad(f"NPZ {name}", {"x.npz": content}, "entropy x.npz", file, says, hint, **more)


LARGE = npy(np.full((20_000, 2), 0.5))
PACKED = zipped({"p.npy": LARGE})
LYING = patched(PACKED, struct.pack("<I", len(LARGE)), struct.pack("<I", len(npy())))
NPZ = (
    bad_npz("encrypted", encrypted(npz(p=PROBS)), "encrypted", "unzip"),
    bad_npz("with another bit", patched(npz(p=PROBS), PROBS.tobytes(), PROBS[::-1].tobytes()), "checksum", "again",
            "x.npz:p"),
    bad_npz("packed, of another checksum", patched(PACKED, struct.pack("<I", zlib.crc32(LARGE)), b"\1\2\3\4"),
            "checksum", "again", "x.npz:p"),
    bad_npz("cut", npz(p=PROBS)[:-30], "damaged or cut short", "again"),
    bad_npz("cut in half", PACKED[: len(PACKED) // 2], "damaged or cut short", "again"),
    bad_npz("cut to its first bytes", PACKED[:20], "damaged or cut short", "again"),
    bad_npz("that lies about a size", LYING, "", "again", "x.npz:p"),
    bad_npz("that unpacks to 20 MB", zipped({"p.npy": npy(np.full((1_300_000, 2), 0.5))}), "bomb", "trust", "x.npz:p",
            constants={"divtool.formats.npz._HARMLESS": 1 << 20}),
    bad_npz("packed by another method", zipped({"p.npy": npy()}, zipfile.ZIP_BZIP2), "", ""),
    bad_npz("of nothing", zipped({}), "empty ZIP", "expected"),
    bad_npz("of an array without a name", patched(npz(p=PROBS), b"p.npy", b"\0.npy"), ""),
    bad_npz("of other files", zipped({"a.txt": b"hello", "b.csv": b"a,b"}), "a.txt, b.csv", "unzip"),
    bad_npz("of PyTorch", zipped({"archive/data.pkl": b"\x80\x02.", "archive/data/0": b"1234"}), "PyTorch",
            "torch.load"),
    bad_npz("of a workbook", zipped({"[Content_Types].xml": b"<a/>", "xl/workbook.xml": b"<a/>"}), "workbook", "CSV"),
    bad_npz("of several", npz(logits=PROBS, probs=PROBS), "logits 3x2, probs 3x2", "x.npz:logits"),
    bad_npz("of objects", npz(p=np.array([[1, None]], object)), "Python objects", "np.save", "x.npz:p"),
    bad_npz("of what is no array", zipped({"p.npy": b"not an array at all"}), "no NPY file", "again"),
    bad_npz("of an array that is cut", zipped({"p.npy": npy()[:-8]}), "cut short", "again", "x.npz:p"),
    Bad("NPZ without the array asked for", {"x.npz": npz(p=PROBS, q=PROBS)}, "entropy x.npz:r", "x.npz", '"r"', "p"),
)  # fmt: skip


def tensors(**fields: Any) -> bytes:
    """A safetensors file of one table of 48 bytes, whose header says these things."""
    said = {"dtype": "F64", "shape": [3, 2], "data_offsets": [0, 48], **fields}
    return header_of(json.dumps({"p": {name: value for name, value in said.items() if value is not None}}))


def header_of(text: str, data: bytes = PROBS.tobytes()) -> bytes:
    """A safetensors file with a header of one's own."""
    return len(text.encode()).to_bytes(8, "little") + text.encode() + data


def bad_tensors(name: str, content: bytes, says: str, hint: str | None = "again", file: str = "x.safetensors") -> Bad:
    """A file that is none of tensors."""
    return Bad(f"safetensors {name}", {"x.safetensors": content}, "entropy x.safetensors", file, says, hint)


ENTRY = '{"dtype":"F64","shape":[3,2],"data_offsets":[0,48]}'
SAFETENSORS = (
    bad_tensors("beyond the end", tensors(shape=[4, 2], data_offsets=[0, 64]), "cut short"),
    bad_tensors("of another size", tensors(shape=[4, 2]), "64 bytes"),
    bad_tensors("of a size that wraps", tensors(shape=[1 << 61, 8, 6]), "bytes"),
    bad_tensors("backwards", tensors(data_offsets=[48, 0]), "does not say"),
    bad_tensors("of negative rows", tensors(shape=[-3, 2]), "does not say"),
    bad_tensors("of true rows", tensors(shape=[True, 6]), "does not say"),
    bad_tensors("with a hole", header_of('{"p":{"dtype":"F64","shape":[2,2],"data_offsets":[16,48]}}'), "follow"),
    bad_tensors("overlapping", header_of(f'{{"p":{ENTRY},"q":{ENTRY}}}'), "overlaps"),
    bad_tensors("with a key twice", header_of(f'{{"p":{ENTRY},"p":{ENTRY}}}'), "JSON"),
    bad_tensors("with more behind it", tensors() + b"\0", "after its end"),
    bad_tensors("cut", tensors()[:-1], "cut short"),
    bad_tensors("cut in the header", tensors()[:40], "cut short"),
    bad_tensors("with a header of 1 GB", (1 << 30).to_bytes(8, "little") + tensors()[8:], "1,073,741,824"),
    bad_tensors("nested deep", header_of('{"p":' + "[" * 100_000 + "]" * 100_000 + "}"), "nested"),
    bad_tensors("without a type", tensors(dtype=None), "does not say"),
    bad_tensors("of an unknown type", tensors(dtype="F8_E5M2", shape=[48]), "F8_E5M2", "float", "x.safetensors:p"),
    bad_tensors("with NaN in the header", header_of('{"p":NaN}'), "JSON"),
    bad_tensors("of nothing", header_of("{}", b""), "no array", None),
    bad_tensors("of two tables", safetensors_bytes({name: ("F64", (3, 2), PROBS.tobytes()) for name in "pq"}),
                "p 3x2, q 3x2", "x.safetensors:p"),
    bad_tensors("of words for a header", header_of("{" + "x" * 60), "JSON"),
)  # fmt: skip


def llama(
    context: int = 8, vocabulary: int = 4, chunks: int = 2, tokens: tuple[int, ...] = (1,) * 16,
    rows: int = 6, scale: float = 1e-4, minimum: float = -1.5,
) -> bytes:  # fmt: skip
    """A file of base log-probabilities with this header, these tokens and so many rows."""
    row = struct.pack("<ff4H", scale, minimum, 1, 2, 3, 4)
    return struct.pack(f"<8sIii{len(tokens)}i", b"_logits_", context, vocabulary, chunks, *tokens) + row * rows


def bad_llama(name: str, content: bytes, says: str, hint: str = "again", **more: Any) -> Bad:
    """Such a file that is damaged."""
    return Bad(f"llama {name}", {"x.kld": content}, "ce x.kld", "x.kld", says, hint, **more)


LLAMA = (
    bad_llama("cut in the header", llama()[:15], "header"),
    bad_llama("of a negative vocabulary", llama(vocabulary=-4), "vocabulary"),
    bad_llama("of a huge vocabulary", llama(vocabulary=(1 << 31) - 1), "vocabulary"),
    bad_llama("of a million chunks", llama(chunks=1 << 20), "tokens"),
    bad_llama("of negative chunks", llama(chunks=-1), "-1 chunks"),
    bad_llama("of no context", llama(context=0), "chunks of 0"),
    bad_llama("of a long context", llama(context=(1 << 32) - 1), "tokens"),
    bad_llama("without rows", llama(rows=0), "no row", "stopped"),
    bad_llama("with more rows", llama(rows=7), "after its end"),
    bad_llama("with half a row more", llama() + b"\0" * 7, "after its end"),
    bad_llama("of a token beyond the vocabulary", llama(tokens=(1,) * 5 + (9,) * 11), "token 9", row=0, column="label"),
    bad_llama("of a scale that is no number", llama(scale=float("nan")), "damaged", row=0, column="log_prob"),
)  # fmt: skip

PICKLES = (
    Bad("a pickle", {"x.pkl": pickle.dumps([[0.7, 0.3]])}, "entropy x.pkl", "x.pkl", "pickle", "np.save"),
    Bad("a pickle called npy", {"x.npy": pickle.dumps(PROBS)}, "entropy x.npy", "x.npy", "pickle", "np.save"),
    Bad("a pickle of old", {"x.pkl": pickle.dumps([[0.7, 0.3]], protocol=0)}, "entropy x.pkl", "x.pkl", "", ""),
)  # fmt: skip

ARRAYS = (*NPY, *NPZ, *SAFETENSORS, *LLAMA, *PICKLES)
