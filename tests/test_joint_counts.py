"""Joint counts: exact, the same for every split and order, refused before memory runs out."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from divtool.accumulators import joint, joint_cells
from divtool.accumulators.joint import Coded, JointCounts
from divtool.accumulators.joint_cells import CellList, grouped, keys_of, layout_of, room_for
from divtool.accumulators.joint_table import JointTable
from divtool.errors import ResourceError
from divtool.numerics import counting, kernels

NAMES = ("x", "y", "z")
SUBSETS = ((0,), (0, 1), (2, 0), (0, 1, 2))
compiled_only = pytest.mark.skipif(kernels.FLAVOUR != "c", reason="the compiled kernels are not here")

Row = tuple[str | None, ...]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "10", "9", None]),
        st.sampled_from([str(i) for i in range(12)]),
        st.sampled_from(["x", None]),
    ),
    max_size=25,
)


def coded(rows: Sequence[Row], width: int = len(NAMES), shuffled: int | None = None) -> list[Coded]:
    """Rows as columns of codes; the entries stand in some order, one of them never occurs."""
    columns = []
    for place in range(width):
        entries: list[str | None] = [*dict.fromkeys(row[place] for row in rows), "never"]
        if shuffled is not None:
            np.random.default_rng(shuffled).shuffle(entries)
        columns.append(Coded(np.array([entries.index(row[place]) for row in rows], np.int64), entries))
    return columns


def counts_of(*parts: Sequence[Row], weights: Sequence[int] | None = None) -> JointCounts:
    state, at = JointCounts(NAMES, SUBSETS), 0
    for part in parts:
        own = None if weights is None else np.array(weights[at : at + len(part)], np.int64)
        state.update(coded(part, shuffled=at), own)
        at += len(part)
    return state


def shown(state: JointCounts) -> str:
    """Everything that is presented, comparable."""
    tables = {
        subset: (table.entries, table.cells.tolist(), table.counts.tolist(), table.cases)
        for subset, table in state.present().items()
    }
    return repr((state.rows, state.cases, tables))


def as_counter(table: JointTable) -> Counter[Row]:
    """Names of outcomes -> count."""
    return Counter(
        {
            tuple(names[code] for names, code in zip(table.entries, cell, strict=True)): int(count)
            for cell, count in zip(table.cells.tolist(), table.counts.tolist(), strict=True)
        }
    )


@st.composite
def split_rows(draw: st.DrawFn) -> list[list[Row]]:
    rows = draw(ROWS)
    cuts = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    return [rows[start:stop] for start, stop in pairwise([0, *cuts, len(rows)])]


@pytest.fixture(params=["dense", "sparse"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Tables in one flat array, or (all but the smallest) as lists of their cells."""
    layout_of.cache_clear()
    if request.param == "sparse":
        monkeypatch.setattr(joint_cells, "MOST_DENSE", 20)
        monkeypatch.setattr(joint_cells, "_WAITING", 3)
    yield str(request.param)
    layout_of.cache_clear()


examples = settings(max_examples=25)


@pytest.mark.parametrize("most", [1 << 23, 20, 0])
class TestLaws:
    """The same through arrays, lists of cells, and both."""

    @pytest.fixture(autouse=True)
    def _most(self, most: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        layout_of.cache_clear()
        monkeypatch.setattr(joint_cells, "MOST_DENSE", most)
        monkeypatch.setattr(joint_cells, "_WAITING", 3)
        yield
        layout_of.cache_clear()

    @examples
    @given(parts=split_rows())
    def test_counts_are_those_of_a_counter(self, parts: list[list[Row]]) -> None:
        rows = [row for part in parts for row in part]
        state = counts_of(*parts)
        assert (state.rows, state.cases) == (len(rows), len(rows))
        for subset in SUBSETS:
            expected = Counter(tuple(row[place] for place in subset) for row in rows)
            assert as_counter(state.table(subset)) == expected

    @examples
    @given(parts=split_rows())
    def test_a_split_changes_nothing(self, parts: list[list[Row]]) -> None:
        whole = counts_of([row for part in parts for row in part])
        merged = JointCounts(NAMES, SUBSETS)
        for part in parts[::-1]:
            merged.merge(counts_of(part))
        assert shown(merged) == shown(counts_of(*parts)) == shown(whole)

    @examples
    @given(rows=ROWS, more=ROWS, most_rows=ROWS)
    def test_merging_is_associative(self, rows: list[Row], more: list[Row], most_rows: list[Row]) -> None:
        a, b, c = map(counts_of, (rows, more, most_rows))
        left, right, tail = deepcopy(a), deepcopy(a), deepcopy(b)
        left.merge(b)
        left.merge(c)
        tail.merge(c)
        right.merge(tail)
        assert shown(left) == shown(right)

    @examples
    @given(rows=ROWS)
    def test_empty_is_an_identity_on_both_sides(self, rows: list[Row]) -> None:
        state = counts_of(rows)
        left, right = counts_of(), deepcopy(state)
        left.merge(state)
        right.merge(counts_of())
        assert shown(left) == shown(right) == shown(state) == shown(state)

    @examples
    @given(rows=ROWS, more=ROWS)
    def test_merging_leaves_the_other_as_it_was_and_a_pickle_goes_on(self, rows: list[Row], more: list[Row]) -> None:
        state, other = counts_of(rows), counts_of(more)
        copy, before = pickle.loads(pickle.dumps(state)), shown(other)
        state.merge(other)
        copy.merge(other)
        assert (shown(other), shown(copy)) == (before, shown(state))

    @examples
    @given(rows=ROWS, data=st.data())
    def test_a_weight_is_as_many_rows(self, rows: list[Row], data: st.DataObject) -> None:
        weights = data.draw(st.lists(st.integers(0, 4), min_size=len(rows), max_size=len(rows)))
        repeated = [row for row, times in zip(rows, weights, strict=True) for _ in range(times)]
        weighted = counts_of(rows, weights=weights)
        assert weighted.rows == len(rows)
        weighted.rows = len(repeated)
        assert shown(weighted) == shown(counts_of(repeated))

    @examples
    @given(rows=ROWS)
    def test_counts_beyond_64_bits(self, rows: list[Row]) -> None:
        large = (1 << 62) - 1
        state = counts_of(rows, weights=[large] * len(rows))
        state.merge(counts_of(rows, weights=[large] * len(rows)))
        assert state.cases == 2 * large * len(rows)
        for subset in SUBSETS:
            expected = Counter(tuple(row[place] for place in subset) for row in rows)
            assert as_counter(state.table(subset)) == Counter({key: 2 * large * n for key, n in expected.items()})


class TestTables:
    def test_entries_are_in_natural_order_with_the_missing_last(self) -> None:
        state = counts_of([("10", "0", "x"), ("9", "0", None), (None, "0", "x"), ("b", "0", "x"), ("a", "0", "x")])
        assert state.entries(0) == ("9", "10", "a", "b", None)
        assert state.size(0) == 5
        assert state.table((2, 0)).entries == (("x", None), ("9", "10", "a", "b", None))

    def test_an_order_of_their_own(self) -> None:
        state = JointCounts(("x",), [(0,)], [["below 2", "[2, 10)", "10 and above"]])
        state.update([Coded(np.array([0, 1, 2, 0]), ["10 and above", "below 2", None])])
        assert state.entries(0) == ("below 2", "10 and above", None)
        assert state.table((0,)).counts.tolist() == [1, 2, 1]

    def test_cells_rise(self, store: str) -> None:
        rng = np.random.default_rng(0)
        state = JointCounts(NAMES, SUBSETS)
        for _ in range(3):
            state.update([Coded(rng.integers(0, 9, 50), rng.permutation(9).astype(str).tolist()) for _ in NAMES])
        for table in state.present().values():
            cells = table.cells.tolist()
            assert cells == sorted(cells)
            assert len(set(map(tuple, cells))) == len(cells)
            assert table.counts.sum() == 150

    def test_digits_without_end_are_no_number(self) -> None:
        long = "9" * 5000
        state = JointCounts(("x",), [(0,)])
        state.update([Coded(np.array([0, 1]), [long, "1"])])
        assert state.entries(0) == ("1", long)

    @pytest.mark.parametrize("subset", [(), (3,), (-1,)])
    def test_a_subset_names_variables(self, subset: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="subset"):
            JointCounts(NAMES, [subset])

    def test_a_table_that_was_not_asked_for(self) -> None:
        with pytest.raises(KeyError):
            counts_of().table((1, 2))

    def test_keys_of_many_large_columns(self) -> None:
        """Their product is far beyond 64 bits."""
        rng = np.random.default_rng(1)
        codes = rng.integers(0, 1 << 30, (50, 5))
        codes[25:] = codes[:25]
        cells, counts = grouped(codes)
        assert (counts.tolist(), cells.tolist()) == ([2] * 25, sorted(codes[:25].tolist()))
        assert len(np.unique(keys_of(codes))) == 25

    def test_growing_columns_move_their_tables(self) -> None:
        state, expected = JointCounts(NAMES, SUBSETS), Counter[Row]()
        rng = np.random.default_rng(2)
        for most in (2, 9, 70, 300, 3000):
            rows = [tuple(map(str, row)) for row in rng.integers(0, most, (200, 3)).tolist()]
            state.update(coded(rows))
            expected.update(rows)
        assert as_counter(state.table((0, 1, 2))) == expected

    def test_room_grows_seldom(self) -> None:
        rooms = [room_for(n) for n in range(100_000)]
        assert all(n <= room <= max(1, 1.25 * n + 1) for n, room in enumerate(rooms))
        assert len(set(rooms)) < 70


class TestLimits:
    def test_entries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(joint, "MOST_ENTRIES", 10)
        state = JointCounts(("id",), [(0,)])
        state.update([Coded(np.arange(10), [str(i) for i in range(10)])])
        state.merge(deepcopy(state))
        with pytest.raises(ResourceError, match='"id" has more than 10 different entries') as caught:
            state.update([Coded(np.zeros(1, np.int64), ["11"])])
        assert "--columns '!id'" in caught.value.hint
        assert "--bins id=10" in caught.value.hint

    def test_entries_of_all_columns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(joint, "MOST_ENTRIES_IN_ALL", 20)
        state = JointCounts(("a", "b", "c"), [(0, 1)])
        wide = [Coded(np.arange(9), [f"{name}{i}" for i in range(9)]) for name in "abc"]
        with pytest.raises(ResourceError, match=r'more than 20 different entries together.*"a", "b"'):
            state.update(wide)

    @pytest.mark.parametrize("split", [1, 2, 5])
    def test_cells_of_the_whole_run_count(self, split: int, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
        rows = [(str(i % 7), str(i % 11), str(i % 13)) for i in range(1001)]
        pieces = [rows[i::split] for i in range(split)]
        filled = sum(len(counts_of(rows).table(subset).counts) for subset in SUBSETS)
        monkeypatch.setattr(joint, "MOST_CELLS", filled)
        merged = JointCounts(NAMES, SUBSETS)
        for piece in pieces:
            merged.merge(counts_of(piece))
        assert merged.rows == 1001
        monkeypatch.setattr(joint, "MOST_CELLS", filled - 1)
        again = JointCounts(NAMES, SUBSETS)
        with pytest.raises(ResourceError, match="different combinations"):  # noqa: PT012 - any of them may be the one
            for piece in pieces:
                again.merge(counts_of(piece))

    def test_a_list_of_cells_does_not_grow_with_the_rows(self) -> None:
        cells = CellList(1)
        for _ in range(50):
            cells.add(np.arange(10_000)[:, None], np.ones(10_000, np.int64))
        assert cells.stored <= (1 << 16) + 20_000
        assert cells.cells()[1].tolist() == [50] * 10_000


@pytest.fixture(params=["numpy", pytest.param("c", marks=compiled_only)])
def flavour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "numpy":
        monkeypatch.setattr(kernels, "_ROWS", None)
    return str(request.param)


class TestKernel:
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
    @pytest.mark.parametrize("rows", [0, 1, 3, 2047, 2049, 5000])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_is_the_plain_count(self, flavour: str, dtype: type, rows: int, weighted: bool) -> None:
        rng = np.random.default_rng(rows)
        widths = [3, 40, 60, 1]
        codes = np.stack([rng.integers(0, width, rows) for width in widths]).astype(dtype)
        codes.flags.writeable = False
        weights = rng.integers(0, 1 << 40, rows) if weighted else None
        triples = [(0, 1, 2), *[(a, b, b) for a, b in combinations(range(4), 2)]]
        columns = np.array(triples)
        strides = np.array([(2400, 60, 1), *[(widths[b], 1, 0) for _, b in combinations(range(4), 2)]])
        sizes = [7200, *[widths[a] * widths[b] for a, b in combinations(range(4), 2)]]
        offsets = np.cumsum([0, *sizes])
        out = np.full(offsets[-1], 5, np.int64)
        kernels.count_tables(codes, columns, strides, offsets, out, weights)
        expected = np.full(offsets[-1], 5, np.int64)
        for table in range(len(sizes)):
            cells = (codes[columns[table]].astype(np.int64) * strides[table][:, None]).sum(axis=0)
            np.add.at(expected, offsets[table] + cells, 1 if weights is None else weights)
        assert out.tolist() == expected.tolist()

    def test_a_code_outside_its_table_is_refused(self, flavour: str) -> None:
        out = np.zeros(4, np.int64)
        with pytest.raises(ValueError, match="too large"):
            kernels.count_tables(np.array([[0, 4]], np.uint8), np.array([[0]]), np.array([[1]]), np.array([0, 4]), out)
        assert not out.any()

    @compiled_only
    @pytest.mark.parametrize(
        ("columns", "strides", "offsets"),
        [([[1]], [[1]], [0, 4]), ([[-1]], [[1]], [0, 4]), ([[0]], [[-1]], [0, 4]), ([[0]], [[5]], [0, 4]),
         ([[0]], [[1]], [0, 5]), ([[0]], [[1]], [-1, 3]), ([[0]], [[1]], [3, 3]), ([[0]], [[1, 1]], [0, 4]),
         ([[0]], [[1]], [])],
    )  # fmt: skip
    def test_the_compiled_kernel_never_writes_outside(self, columns: list, strides: list, offsets: list) -> None:
        with pytest.raises(ValueError, match=r"table|column|stride|m \* k|code"):
            kernels.count_tables(
                np.array([[0, 3]], np.uint8), np.array(columns), np.array(strides),
                np.array(offsets, np.int64), np.zeros(4, np.int64),
            )  # fmt: skip

    def test_sums_of_weights_are_exact(self) -> None:
        weights = np.array([1 << 60, 1, 1 << 60, 3], np.int64)
        assert counting.tally(np.array([0, 0, 1, 1]), 2, weights).tolist() == [(1 << 60) + 1, (1 << 60) + 3]
