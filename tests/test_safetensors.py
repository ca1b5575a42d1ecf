"""safetensors: every type bit for bit, windows as one table, and headers that lie."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formats_fixture import SAFETENSORS_TYPES, safetensors_bytes
from hypothesis import given
from hypothesis import strategies as st
from test_containers import all_of, container
from test_formats import refusal, rows_of, same_bits

from divtool.errors import InputError
from divtool.formats import safetensors
from divtool.formats.keys import IntegerKeys
from divtool.formats.opening import open_file, open_source
from divtool.formats.source import FLOAT, INTEGER, Container, Selection
from divtool.formats.writing import row_file

NUMBERS = np.random.default_rng(4).standard_normal((40, 3))


def tensor(array: np.ndarray) -> tuple[str, tuple[int, ...], bytes]:
    little = array.astype(array.dtype.newbyteorder("<"))
    return SAFETENSORS_TYPES[f"{array.dtype.kind}{array.dtype.itemsize}"], array.shape, little.tobytes()


def saved(tmp_path: Path, tensors: dict[str, Any], **extra: Any) -> Path:
    path = tmp_path / "x.safetensors"
    given_ = {name: each if isinstance(each, tuple) else tensor(each) for name, each in tensors.items()}
    path.write_bytes(safetensors_bytes(given_, **extra))
    return path


def bfloat16(pattern: int) -> float:
    """What 16 bits mean, by the definition: a sign, 8 bits of an exponent, 7 of a fraction."""
    sign, exponent, fraction = -1.0 if pattern >> 15 else 1.0, pattern >> 7 & 255, pattern & 127
    if exponent == 255:
        return math.nan if fraction else sign * math.inf
    return sign * math.ldexp(fraction + 128 * (exponent > 0), max(exponent, 1) - 127 - 7)


class TestTypes:
    @pytest.mark.parametrize("dtype", SAFETENSORS_TYPES)
    def test_numbers(self, dtype: str, tmp_path: Path) -> None:
        array = np.array([[0, 1, 5], [7, 100, 1]]).astype(dtype)
        source = container(saved(tmp_path, {"other": np.ones(3), "x": array})).open("x")
        assert source.header.dtype == array.dtype.name
        assert list(source.header.types) == [FLOAT if array.dtype.kind == "f" else INTEGER] * 3
        assert all_of(source).tolist() == array.astype(np.float64).tolist()

    def test_every_bfloat16(self, tmp_path: Path) -> None:
        patterns = np.arange(1 << 16, dtype="<u2")
        source = open_source(str(saved(tmp_path, {"x": ("BF16", (1 << 14, 4), patterns.tobytes())})))
        assert source.header.dtype == "bfloat16"
        with np.errstate(invalid="ignore"):  # a signalling NaN speaks up when it is widened once more
            got = all_of(source, block_bytes=5000)
        assert next(source.blocks(source.locate(0, 5), Selection(range(4)), 100)).matrix.dtype == np.float32
        expected = np.array([bfloat16(i) for i in range(1 << 16)]).reshape(-1, 4)
        assert np.array_equal(got, expected, equal_nan=True)
        assert np.array_equal(np.signbit(got[~np.isnan(got)]), np.signbit(expected[~np.isnan(expected)]))

    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_bfloat16_along_any_axis(self, axis: int, tmp_path: Path) -> None:
        halves = np.arange(0x3F80, 0x3F80 + 24, dtype="<u2").reshape(2, 3, 4)
        source: Any = open_source(str(saved(tmp_path, {"x": ("BF16", halves.shape, halves.tobytes())})))
        expected = np.vectorize(bfloat16)(np.moveaxis(halves, axis, -1).astype(object)).reshape(-1, halves.shape[axis])
        assert all_of(source.with_class_axis(axis, "")).tolist() == expected.tolist()

    @pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2", "C64", "X"])
    def test_other_types_are_refused_by_name(self, dtype: str, tmp_path: Path) -> None:
        path = saved(tmp_path, {"logits": NUMBERS, "odd": (dtype, (2, 4), bytes(8))})
        found = container(path)
        assert same_bits(all_of(found.open("logits")), NUMBERS)
        error = refusal(found.open, "odd")
        assert error.path == f"{path}:odd"
        assert dtype in error.message
        assert error.hint

    def test_metadata_is_not_a_tensor(self, tmp_path: Path) -> None:
        path = saved(tmp_path, {"x": NUMBERS}, __metadata__={"format": "pt", "step": "7"})
        assert [each.name for each in container(path).members] == ["x"]

    @pytest.mark.parametrize("shape", [(0, 3), (0,)])
    def test_no_rows(self, shape: tuple[int, ...], tmp_path: Path) -> None:
        source = open_source(str(saved(tmp_path, {"x": np.empty(shape)})))
        assert source.count() == 0

    def test_a_truth_is_0_or_1(self, tmp_path: Path) -> None:
        source = open_source(str(saved(tmp_path, {"x": ("BOOL", (3, 1), b"\0\1\2")})))
        assert "neither 0 nor 1" in refusal(all_of, source).message

    def test_a_single_number_is_refused_when_it_is_asked_for(self, tmp_path: Path) -> None:
        found = container(saved(tmp_path, {"x": NUMBERS, "loss": np.array(1.5)}))
        assert refusal(found.open, "loss").hint


class TestWindows:
    def windows(self, tmp_path: Path, order: list[int], **others: Any) -> Container:
        parts = {f"logits_{i}": NUMBERS[3 * i : 3 * i + 3] for i in order}
        return container(saved(tmp_path, {**parts, **others}))

    def test_numbered_tensors_are_one_table(self, tmp_path: Path) -> None:
        found = self.windows(tmp_path, [10, 2, 0, 1, 11, 3, 4, 9, 5, 6, 7, 8])
        assert [each.name for each in found.members][:3] == ["logits", "logits_0", "logits_1"]
        assert found.members[0].shape == (36, 3)
        source = found.open("logits")
        assert same_bits(all_of(source), NUMBERS[:36])
        assert source.header.origin == "logits_0 to logits_11"
        assert same_bits(all_of(found.open("logits_10")), NUMBERS[30:33])

    @given(cuts=st.lists(st.integers(0, 36), max_size=5), block_bytes=st.integers(1, 300), axis=st.integers(0, 1))
    def test_slices(self, shared: Any, cuts: list[int], block_bytes: int, axis: int) -> None:
        source = shared.open("logits").with_class_axis(axis, "")
        rows = np.moveaxis(NUMBERS[:36], axis, -1)
        cuts = sorted({0, *(min(cut, len(rows)) for cut in cuts)})
        located = [source.locate(*pair) for pair in pairwise(cuts)]
        wanted = Selection(range(rows.shape[1]))
        assert same_bits(rows_of(source, wanted, extents=located, block_bytes=block_bytes)[0], rows[: cuts[-1]])

    @pytest.fixture(scope="class")
    @staticmethod
    def shared(tmp_path_factory: pytest.TempPathFactory) -> Container:
        parts = {f"logits_{i}": NUMBERS[3 * i : 3 * i + 3] for i in range(12)}
        return container(saved(tmp_path_factory.mktemp("windows"), parts))

    def test_windows_of_different_lengths_and_their_tokens(self, tmp_path: Path) -> None:
        parts = {"logits_0": NUMBERS[:5], "logits_1": NUMBERS[5:5], "logits_2": NUMBERS[5:]}
        tokens = {"tokens_0": np.arange(5), "tokens_1": np.arange(0), "tokens_2": np.arange(5, 40)}
        found = container(saved(tmp_path, {**parts, **tokens, "labels": np.arange(40)}))
        assert same_bits(all_of(found.open("logits")), NUMBERS)
        assert all_of(found.open("tokens")).ravel().tolist() == list(range(40))

    @pytest.mark.parametrize(
        ("order", "others"),
        [
            ([0, 1, 3], {}),
            ([1, 2], {}),
            ([0], {}),
            ([0, 1], {"logits_2": NUMBERS[:3, :2]}),
            ([0, 1], {"logits_2": NUMBERS[:3].astype(np.float32)}),
            ([0, 1], {"logits_01": NUMBERS[:3]}),
            ([0, 1], {"logits": NUMBERS}),
            ([0, 1], {"weight": NUMBERS}),
            ([], {"logits_0": NUMBERS[0], "logits_1": NUMBERS[1]}),
        ],
        ids=["gap", "from-1", "one", "width", "type", "twice", "taken", "others", "rows-or-columns"],
    )
    def test_no_table_where_it_is_a_guess(self, order: list[int], others: dict[str, Any], tmp_path: Path) -> None:
        found = self.windows(tmp_path, order, **others)
        assert len(found.members) == len(order) + len(others)


def raw(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def one(**changes: Any) -> dict[str, Any]:
    return {"x": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24], **changes}}


TWICE = (
    b'{"x":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"x":{"dtype":"F32","shape":[6],"data_offsets":[0,24]}}'
)
HOSTILE = {
    "nothing": b"",
    "seven-bytes": b"\x10\0\0\0\0\0\0",
    "length-beyond-the-file": raw(one(), bytes(24), 1 << 20),
    "length-beyond-all-memory": raw(one(), bytes(24), (1 << 32) - 1),
    "length-beyond-all-files": raw(one(), bytes(24), (1 << 64) - 1),
    "no-json": raw(b"{x}", bytes(24)),
    "no-object": raw([one()], bytes(24)),
    "no-utf8": raw(b'{"\xff":1}', bytes(24)),
    "lone-surrogate": raw(b'{"\\ud800":{"dtype":"F32","shape":[6],"data_offsets":[0,24]}}', bytes(24)),
    "deep": raw(b'{"x":' + b"[" * 1_000_000, bytes(24)),
    "deep-objects": raw(b'{"x":' * 200_000, bytes(24)),
    "name-twice": raw(TWICE, bytes(24)),
    "field-twice": raw(b'{"x":{"dtype":"F32","dtype":"F64","shape":[6],"data_offsets":[0,24]}}', bytes(24)),
    "field-too-many": raw(one(code="x"), bytes(24)),
    "tensor-a-number": raw({"x": 7}, bytes(24)),
    "shape-missing": raw({"x": {"dtype": "F32", "data_offsets": [0, 24]}}, bytes(24)),
    "shape-negative": raw(one(shape=[-2, -3]), bytes(24)),
    "shape-a-fraction": raw(one(shape=[2.0, 3]), bytes(24)),
    "shape-a-truth": raw(one(shape=[True, 6]), bytes(24)),
    "shape-too-large": raw(one(shape=[1 << 40, 1 << 40]), bytes(24)),
    "shape-of-70-axes": raw(one(shape=[*[1] * 68, 2, 3]), bytes(24)),
    "shape-not-a-number": raw(b'{"x":{"dtype":"F32","shape":[NaN],"data_offsets":[0,24]}}', bytes(24)),
    "shape-of-5000-digits": raw(b'{"x":{"dtype":"F32","shape":[1' + b"0" * 5000 + b'],"data_offsets":[0,24]}}'),
    "dtype-a-number": raw(one(dtype=7), bytes(24)),
    "offsets-backwards": raw(one(data_offsets=[24, 0]), bytes(24)),
    "offsets-three": raw(one(data_offsets=[0, 24, 48]), bytes(24)),
    "offsets-a-truth": raw(one(data_offsets=[False, 24]), bytes(24)),
    "offsets-of-another-size": raw(one(data_offsets=[0, 20]), bytes(20)),
    "offsets-beyond-the-file": raw(one(data_offsets=[8, 32]), bytes(24)),
    "hole-at-the-start": raw(one(data_offsets=[8, 32]), bytes(32)),
    "overlap": raw({**one(), "y": {"dtype": "U8", "shape": [24], "data_offsets": [12, 36]}}, bytes(36)),
    "same-place": raw({**one(), "y": one()["x"]}, bytes(24)),
    "cut-short": raw(one(), bytes(23)),
    "bytes-after-the-end": raw(one(), bytes(25)),
}


class TestHostile:
    @pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
    def test_is_refused_by_its_place(self, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / "x.safetensors"
        path.write_bytes(content)
        error = refusal(safetensors.open_safetensors, str(path), "shown", None)
        assert error.path == "shown"
        assert "damaged" in error.message
        assert error.hint

    def test_a_file_that_ends_while_it_is_read(self, tmp_path: Path) -> None:
        path = saved(tmp_path, {"x": NUMBERS})
        source = open_source(str(path))
        path.write_bytes(path.read_bytes()[:500])
        assert "cut while it was read" in refusal(rows_of, source, Selection(range(3))).message
        assert refusal(source.check_unchanged).hint

    def test_a_file_that_is_replaced_before_an_array_is_chosen(self, tmp_path: Path) -> None:
        found = container(saved(tmp_path, {"x": NUMBERS}))
        saved(tmp_path, {"y": NUMBERS[1:]})
        assert "changed" in refusal(found.open, "x").message

    def test_flipped_bits_raise_nothing_else(self, tmp_path: Path) -> None:
        path = saved(tmp_path, {"logits_0": NUMBERS[:2], "logits_1": NUMBERS[:1]})
        whole = path.read_bytes()
        for place in range(len(whole) - 72):
            for bit in (place % 8, 7 - place % 8):
                damaged = bytearray(whole)
                damaged[place] ^= 1 << bit
                path.write_bytes(damaged)
                try:
                    found = safetensors.open_safetensors(str(path), "shown", None)  # type: ignore[arg-type]
                    shapes = {each.name: all_of(found.open(each.name)).size for each in found.members}
                except InputError as error:
                    shapes = {} if error.path.startswith("shown") else {"": 99}
                # Three rows of 24 bytes, in their own arrays and in a table of both.
                assert sum(shapes.values()) <= 2 * 72


class TestWriter:
    @pytest.mark.parametrize("single", [True, False])
    def test_the_published_layout(self, single: bool, tmp_path: Path) -> None:
        numbers, path = NUMBERS[:, : 1 if single else 3], tmp_path / "x.safetensors"
        with row_file(str(path), ["row"], ["a", "b", "c"][: numbers.shape[1]], single=single) as writer:
            for start in range(0, 40, 7):
                part = numbers[start : start + 7]
                writer.write([IntegerKeys(np.arange(len(part)))], part)
        whole = path.read_bytes()
        length = int.from_bytes(whole[:8], "little")
        header = json.loads(whole[8 : 8 + length])
        shape = [40] if single else [40, 3]
        assert header == {"values": {"dtype": "F64", "shape": shape, "data_offsets": [0, numbers.size * 8]}}
        assert length % 8 == 0
        assert np.frombuffer(whole[8 + length :], "<f8").tobytes() == numbers.tobytes()
        assert same_bits(all_of(open_source(str(path))), numbers)

    def test_no_rows(self, tmp_path: Path) -> None:
        with row_file(str(tmp_path / "x.safetensors"), ["row"], ["a", "b"]):
            pass
        assert open_file(str(tmp_path / "x.safetensors")).members[0].shape == (0, 2)  # type: ignore[union-attr]
