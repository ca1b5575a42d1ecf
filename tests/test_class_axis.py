"""Arrays of more than two dimensions: which axis holds the classes, which rows come of it, and that no cut changes
them. The reference is NumPy: the class axis moved last, the rest flattened."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import run

import divtool
from divtool.errors import DivtoolError, InputError, UsageError
from divtool.formats.npy import ArraySource, NpySource
from divtool.formats.npy_axes import Arrangement, boxes, places_of, unit_steps
from divtool.formats.source import Extent, Selection
from divtool.meaning.axes import decide_axis, fits_labels, sums_to_one
from divtool.reports.plain import document

SHAPE = (8, 5, 6, 7)  # N, C, d1, d2: the class axis is 1


@pytest.fixture(scope="module")
def logits() -> np.ndarray:
    return np.random.default_rng(3).normal(0.0, 3.0, SHAPE).astype(np.float32)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    found = np.random.default_rng(4).integers(0, SHAPE[1], (8, 6, 7))
    found[0, :2, :3] = -100
    return found


def flat(array: np.ndarray, axis: int) -> np.ndarray:
    """Rows by classes, as NumPy makes them."""
    return np.ascontiguousarray(np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis]))


def probabilities(logits: np.ndarray, axis: int = 1) -> np.ndarray:
    x = logits.astype(np.float64)
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def results(verb: str, *operands: Any, **options: Any) -> str:
    """The part of the JSON that nothing but the numbers may change."""
    return json.dumps(document(divtool.compute(verb, *operands, **options))["results"])


def refusal(verb: str, *operands: Any, **options: Any) -> DivtoolError:
    with pytest.raises(DivtoolError) as caught:
        divtool.compute(verb, *operands, **options)
    return caught.value


def saved(path: Path, array: np.ndarray, *, fortran: bool = False) -> str:
    np.save(path, np.asfortranarray(array) if fortran else array)
    return str(path)


class TestSameNumbers:
    """Every verb gives for [N, C, d...] what it gives for the flat rows, to the last bit."""

    @pytest.mark.parametrize("axis", [0, 1, 2, 3])
    @pytest.mark.parametrize("fortran", [False, True], ids=["C", "F"])
    def test_labels(self, axis: int, fortran: bool, logits: np.ndarray, labels: np.ndarray, tmp_path: Path) -> None:
        moved = np.moveaxis(logits, 1, axis)
        preds = saved(tmp_path / "x.npy", moved, fortran=fortran)
        truth = saved(tmp_path / "y.npy", labels, fortran=fortran)
        expected = results("ce", flat(logits, 1), labels.reshape(-1))
        assert results("ce", preds, truth) == expected
        assert results("ce", preds, truth, class_axis=axis - 4) == expected
        assert results("ce", moved, labels) == expected

    def test_ignored_labels_are_counted(self, logits: np.ndarray, labels: np.ndarray) -> None:
        result = divtool.compute("ce", logits, labels)["ce"]
        assert (result.rows, result.n, result.ignored) == (336, 330, 6)

    def test_soft_labels(self, logits: np.ndarray) -> None:
        soft = probabilities(logits[::-1])
        expected = results("ce", flat(logits, 1), flat(soft, 1))
        assert results("ce", logits, soft) == expected
        assert results("ce", np.moveaxis(logits, 1, -1), soft) == expected
        assert results("ce", logits, soft, class_axis=1) == expected

    def test_pairs(self, logits: np.ndarray) -> None:
        p, q = probabilities(logits), logits[::-1]
        expected = results("kl", flat(p, 1), flat(q, 1))
        assert results("kl", p, q) == expected
        assert results("kl", np.moveaxis(p, 1, 3), probabilities(q)) == results(
            "kl", flat(p, 1), flat(probabilities(q), 1)
        )
        assert results("kl", p, np.moveaxis(q, 1, 3)) == expected
        assert results("kl", logits, q, class_axis=1) == results("kl", flat(logits, 1), flat(q, 1))

    def test_entropy_of_probabilities_and_their_logarithms(self, logits: np.ndarray) -> None:
        p = probabilities(logits)
        assert results("entropy", p) == results("entropy", flat(p, 1))
        assert results("entropy", np.log(p)) == results("entropy", flat(np.log(p), 1))

    def test_softmax_gives_rows_by_classes(self, logits: np.ndarray, tmp_path: Path) -> None:
        rows = divtool.compute("softmax", logits, class_axis=1).row_values
        assert np.array_equal(rows, divtool.compute("softmax", flat(logits, 1)).row_values)
        for suffix in ("npy", "csv", "parquet"):
            divtool.compute("softmax", logits, class_axis=1, output=str(tmp_path / f"s.{suffix}"))
        assert np.array_equal(np.load(tmp_path / "s.npy"), rows)
        assert results("entropy", str(tmp_path / "s.csv")) == results("entropy", str(tmp_path / "s.parquet"))

    def test_two_dimensions_with_the_classes_first(self, logits: np.ndarray, labels: np.ndarray) -> None:
        rows, truth = flat(logits, 1), labels.reshape(-1)
        assert results("ce", rows.T, truth, class_axis=0) == results("ce", rows, truth)
        assert results("ce", rows.T, truth[:, None], class_axis=0) == results("ce", rows, truth)
        assert results("ce", rows, truth, class_axis=-1) == results("ce", rows, truth)
        soft = probabilities(rows[::-1])
        assert results("ce", rows.T, soft.T, class_axis=0) == results("ce", rows, soft)

    def test_a_channel_of_length_one_in_the_labels(self, logits: np.ndarray, labels: np.ndarray) -> None:
        expected = results("ce", logits, labels)
        assert results("ce", logits, labels[:, None]) == expected
        assert results("ce", logits, labels[..., None]) == expected

    def test_labels_in_a_table_are_in_the_order_of_the_positions(
        self, logits: np.ndarray, labels: np.ndarray, tmp_path: Path
    ) -> None:
        lines = "\n".join(map(str, ["label", *labels.reshape(-1).tolist()]))
        (tmp_path / "y.csv").write_text(lines + "\n")
        assert results("ce", logits, str(tmp_path / "y.csv"), class_axis=1) == results("ce", logits, labels)

    def test_labels_beside_predictions_in_a_table(self, logits: np.ndarray, labels: np.ndarray, tmp_path: Path) -> None:
        rows = flat(logits, 1).astype(np.float64)
        np.savetxt(tmp_path / "x.csv", rows, "%.17g", ",", header="a,b,c,d,e", comments="")
        expected = results("ce", rows, labels.reshape(-1))
        assert results("ce", str(tmp_path / "x.csv"), labels) == expected
        words = np.array([*"abcde", "-100"])[np.where(labels < 0, 5, labels)]
        assert results("ce", str(tmp_path / "x.csv"), words) == expected

    def test_one_row_a_position_in_row_files(self, logits: np.ndarray, labels: np.ndarray) -> None:
        rows = divtool.compute("ce", logits, labels, reduction="none").row_values
        assert rows.shape == (336,)
        assert np.array_equal(np.isnan(rows).reshape(labels.shape), labels == -100)


class TestGolden:
    """MEASURES, golden losses, as [N, C, d1] with N = 1 and d1 = 2."""

    X = np.array([[[2.0, 0.0], [1.0, 3.0], [0.0, -1.0]]])
    Y = np.array([[0, 2]])

    def test_mean(self) -> None:
        assert math.isclose(divtool.compute("ce", self.X, self.Y).value, 2.2367449341009047, rel_tol=1e-15)

    def test_weighted_mean(self) -> None:
        value = divtool.compute("ce", self.X, self.Y, class_weight=[1, 2, 5]).value
        assert math.isclose(value, 3.456170913871921, rel_tol=1e-15)

    def test_soft_mean(self) -> None:
        soft = np.array([[[0.7, 0.1], [0.2, 0.3], [0.1, 0.6]]])
        assert math.isclose(divtool.compute("ce", self.X, soft).value, 1.7867449341009047, rel_tol=1e-15)


class TestDecision:
    def test_given_comes_first(self) -> None:
        found = decide_axis((4, 3, 4), path="x", given=-1, labels=(4, 4), sums=lambda axis: axis == 0)
        assert found is not None
        assert (found.axis, found.evidence) == (2, "as given")

    def test_labels_come_before_sums(self) -> None:
        found = decide_axis((8, 3, 4), path="x", labels=(8, 4), sums=lambda axis: axis == 2)
        assert found is not None
        assert (found.axis, "labels" in found.evidence) == (1, True)

    def test_sums_decide_among_axes_that_fit(self) -> None:
        found = decide_axis((8, 3, 3), path="x", labels=(8, 3), sums=lambda axis: axis in (0, 2))
        assert found is not None
        assert (found.axis, "sums" in found.evidence) == (2, True)

    def test_two_axes_with_sums_of_one_tell_nothing(self) -> None:
        assert decide_axis((8, 3, 3), path="x", sums=lambda axis: axis > 0) is None

    def test_an_axis_of_length_one_is_no_evidence(self) -> None:
        assert decide_axis((8, 1, 3), path="x", sums=lambda axis: axis == 1) is None

    def test_nothing_tells(self) -> None:
        assert decide_axis((8, 3, 3), path="x", labels=(9, 9)) is None

    @pytest.mark.parametrize("given", [-4, 3])
    def test_no_such_axis(self, given: int) -> None:
        with pytest.raises(UsageError, match=r"expected an axis from -3 to 2"):
            decide_axis((8, 3, 3), path="x", given=given)

    @pytest.mark.parametrize(
        ("labels", "fits"),
        [((8, 4), True), ((8, 1, 4), True), ((8, 4, 1), True), ((8, 3), False), ((32,), False), ((8, 3, 4), False)],
    )
    def test_labels_that_fit(self, labels: tuple[int, ...], fits: bool) -> None:
        assert fits_labels((8, 3, 4), 1, labels) is fits

    def test_most_rows_decide(self) -> None:
        rows = np.full((9, 4), 0.25)
        rows[:4] = 7.0
        assert sums_to_one(rows)
        assert not sums_to_one(rows[:7])
        assert sums_to_one(np.log(np.full((3, 4), 0.25)))
        assert sums_to_one(np.full((3, 3), 1.0 / 3.0, np.float16))
        assert not sums_to_one(np.array([[np.nan, 1.0]]))


class TestRefusals:
    """What does not fit is said with both shapes; what is ambiguous names the option."""

    def test_logits_alone(self, logits: np.ndarray) -> None:
        error = refusal("entropy", logits)
        assert "(8, 5, 6, 7): which axis holds the classes?" in error.message
        assert "--class-axis" in error.hint

    def test_two_axes_fit(self) -> None:
        error = refusal("ce", np.random.default_rng(0).normal(0, 1, (4, 3, 3)), np.zeros((4, 3), int))
        assert "without axis 1 or 2" in error.message
        assert "--class-axis 1" in error.hint

    @pytest.mark.parametrize("shape", [(8, 6, 3), (8, 6), (336,), (336, 1), (8, 6, 7, 5), (2, 3)])
    def test_labels_of_another_shape(self, shape: tuple[int, ...], logits: np.ndarray) -> None:
        for options in ({}, {"class_axis": 1}):
            error = refusal("ce", logits, np.zeros(shape, np.int64), **options)
            assert isinstance(error, InputError)
            assert f"({', '.join(map(str, shape))})" in error.message
            assert "(8, 5, 6, 7)" in error.message

    def test_the_given_axis_is_not_that_of_the_labels(self, logits: np.ndarray, labels: np.ndarray) -> None:
        error = refusal("ce", logits, labels, class_axis=2)
        assert "expected (8, 5, 7)" in error.message
        assert error.hint == "are the classes on axis 1? --class-axis 1"

    def test_rows_by_classes_against_labels_of_two_dimensions(self, logits: np.ndarray, labels: np.ndarray) -> None:
        error = refusal("ce", flat(logits, 1), labels)
        assert "has shape (8, 6, 7); expected (336)" in error.message

    def test_pairs_of_other_positions(self, logits: np.ndarray) -> None:
        p = probabilities(logits)
        assert "rows of shape (8, 6, 6); expected (8, 6, 7)" in refusal("kl", p, p[..., :6]).message
        assert "rows of shape (336); expected (8, 6, 7)" in refusal("kl", p, flat(p, 1)).message

    def test_two_tables_of_one_shape_that_contradict_each_other(self) -> None:
        p = probabilities(np.random.default_rng(0).normal(0, 1, (5, 4, 4)))
        error = refusal("kl", p, np.swapaxes(p, 1, 2))
        assert "on axis 2" in error.message
        assert "on axis 1" in error.message
        assert "--class-axis" in error.hint

    def test_no_array(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a,b\n0.25,0.75\n")
        assert refusal("entropy", str(tmp_path / "x.csv"), class_axis=1).status == 2

    def test_no_such_axis(self, logits: np.ndarray) -> None:
        assert "expected an axis from -4 to 3" in refusal("entropy", logits, class_axis=4).message

    def test_no_number(self, logits: np.ndarray) -> None:
        assert refusal("entropy", logits, class_axis="last").status == 2

    def test_another_number_of_classes(self, logits: np.ndarray) -> None:
        assert "classes" in refusal("kl", logits, logits[:, :4], class_axis=1).message

    def test_a_bad_row_is_named_by_its_position(self, logits: np.ndarray, labels: np.ndarray) -> None:
        spoilt = logits.copy()
        spoilt[3, 2, 1, 4] = np.nan
        error = refusal("ce", spoilt, labels)
        assert isinstance(error, InputError)
        assert (error.row, error.column) == ((3 * 6 + 1) * 7 + 4, "2")


class TestSaid:
    def test_the_source_says_its_axis(self, logits: np.ndarray) -> None:
        header = ArraySource(logits, "x").with_class_axis(1, "classes on axis 1").header
        assert (header.shape, header.class_axis, header.positions) == (SHAPE, 1, (8, 6, 7))
        assert (header.rows, header.width, header.arranged) == (336, 5, "classes on axis 1")

    def test_cells_are_rows_until_an_axis_is_named(self, labels: np.ndarray) -> None:
        header = ArraySource(labels, "y").header
        assert (header.rows, header.width, header.positions) == (336, 1, (8, 6, 7))


def all_rows(source: NpySource | ArraySource, target: int, block: int) -> np.ndarray:
    """A whole source through its extents, which must follow on each other."""
    wanted, pieces, end = Selection(range(source.header.width)), [], 0
    for extent in source.extents(target):
        assert extent.first == end
        for each in source.blocks(extent, wanted, block):
            assert each.first == end
            assert each.matrix.flags.c_contiguous
            end += len(each)
            pieces.append(each.matrix)
    return np.concatenate(pieces)


@st.composite
def arrays(draw: st.DrawFn) -> tuple[np.ndarray, int | None]:
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    dtype = draw(st.sampled_from(["<f4", ">f8", "i2", "?"]))
    array = np.arange(math.prod(shape)).reshape(shape).astype(dtype)
    axis = draw(st.none() | st.integers(0, len(shape) - 1))
    return (np.asfortranarray(array) if draw(st.booleans()) else array), axis


class TestReading:
    """Positions are the same rows wherever they are cut, in files of either order and in memory."""

    @given(arrays(), st.integers(1, 400), st.integers(1, 400), st.data())
    def test_any_array_any_cut(
        self, tmp_path_factory: pytest.TempPathFactory, case: tuple[np.ndarray, int | None], target: int, block: int,
        data: st.DataObject,
    ) -> None:  # fmt: skip
        array, axis = case
        expected = array.reshape(-1, 1) if axis is None else flat(array, axis)
        path = tmp_path_factory.mktemp("any") / "x.npy"
        np.save(path, array)
        first = data.draw(st.integers(0, len(expected)))
        stop = data.draw(st.integers(first, len(expected)))
        for source in (NpySource(str(path), "x"), ArraySource(array, "x")):
            source = source.with_class_axis(axis, "")
            assert source.count() == len(expected)
            assert np.array_equal(all_rows(source, target, block), expected)
            wanted = Selection(range(expected.shape[1]))
            got = [each.matrix for each in source.blocks(source.locate(first, stop), wanted, block)]
            assert np.array_equal(np.concatenate([expected[:0], *got]), expected[first:stop])

    @pytest.mark.parametrize("near", [0, 100, 1 << 20])
    @pytest.mark.parametrize("fortran", [False, True], ids=["C", "F"])
    def test_runs_and_strips_are_the_same(
        self, near: int, fortran: bool, logits: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("divtool.formats.npy_axes._NEAR", near)
        monkeypatch.setattr("divtool.formats.npy_axes._STRIP", 3 * near)
        source = NpySource(saved(tmp_path / "x.npy", logits, fortran=fortran), "x").with_class_axis(1, "")
        for block in (1, 100, 1000, 10**6):
            assert np.array_equal(all_rows(source, 2000, block), flat(logits, 1))

    @given(st.integers(0, 60), st.integers(0, 60), st.lists(st.integers(1, 5), min_size=1, max_size=4))
    def test_boxes_are_the_positions_in_order(self, first: int, stop: int, shape: list[int]) -> None:
        numbered = np.arange(math.prod(shape)).reshape(shape)
        first, stop = min(first, numbered.size), min(stop, numbered.size)
        cuts = [tuple(slice(*side) for side in box) for box in boxes(first, stop, tuple(shape))]
        got = [each for cut in cuts for each in numbered[cut].reshape(-1).tolist()]
        assert got == list(range(first, stop))
        assert len(cuts) <= 2 * len(shape) - 1

    @given(st.integers(0, 50), st.integers(0, 50), st.integers(-1, 30), st.integers(1, 20))
    def test_steps_follow_on_each_other(self, first: int, more: int, rows: int, unit: int) -> None:
        steps = list(unit_steps(Extent(first, first + more), rows, unit))
        assert [at for step in steps for at in range(*step)] == list(range(first, first + more))
        assert all(0 < stop - start <= max(1, rows) for start, stop in steps)

    def test_a_file_in_the_order_of_its_rows_is_read_as_it_lies(self) -> None:
        assert places_of(Arrangement((8, 6, 7, 5), 3), fortran=False).in_order
        assert places_of(Arrangement((8, 6, 7), None), fortran=False).in_order
        assert places_of(Arrangement((8, 5, 1, 1), 1), fortran=False).in_order
        assert not places_of(Arrangement((8, 5, 6), 1), fortran=False).in_order

    @pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (2, 3, 0)])
    def test_empty_arrays(self, shape: tuple[int, ...], tmp_path: Path) -> None:
        source = NpySource(saved(tmp_path / "x.npy", np.empty(shape)), "x").with_class_axis(1, "")
        assert (source.count(), source.header.width) == (shape[0] * shape[2], shape[1])
        assert refusal("entropy", np.empty(shape), class_axis=1).status == 3

    def test_far_into_a_file_larger_than_memory(self, tmp_path: Path) -> None:
        """64 GiB of zeros that take no room, with a few numbers in one entry."""
        shape, path = (1 << 14, 16, 1 << 8, 1 << 8), tmp_path / "x.npy"
        entry = np.arange(math.prod(shape[1:]), dtype="<f4").reshape(shape[1:])
        with open(path, "wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
            start = file.tell()
            file.truncate(start + 4 * math.prod(shape))
            file.seek(start + 4 * 9999 * entry.size)
            file.write(entry.tobytes())
        source = NpySource(str(path), "x").with_class_axis(1, "")
        first = 9999 * (1 << 16)
        for lead, rows in ((0, 1 << 16), (12345, 777), (-300, 600)):
            extent = source.locate(first + lead, first + lead + rows)
            got = np.concatenate([each.matrix for each in source.blocks(extent, Selection(range(16)), 1 << 16)])
            expected = np.zeros((rows, 16), np.float32)
            expected[max(0, -lead) :] = flat(entry, 0)[max(0, lead) : lead + rows]
            assert np.array_equal(got, expected)


class TestCuts:
    """The same bytes for any chunk size and number of threads."""

    @pytest.mark.parametrize("threads", [1, 2])
    @pytest.mark.parametrize("chunk", [200, 3000, 1 << 20])
    def test_chunks_and_threads(
        self, chunk: int, threads: int, logits: np.ndarray, labels: np.ndarray, tmp_path: Path
    ) -> None:
        x, y = saved(tmp_path / "x.npy", logits), saved(tmp_path / "y.npy", labels)
        options: dict[str, Any] = {"chunk_size": chunk, "threads": threads}
        assert results("ce", x, y, **options) == results("ce", flat(logits, 1), labels.reshape(-1))
        assert results("entropy", x, class_axis=1, **options) == results("entropy", flat(logits, 1))

    def test_entries_larger_than_a_part(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(9)
        x, y = rng.normal(0, 2, (2, 6, 400, 300)).astype(np.float32), rng.integers(0, 6, (2, 400, 300))
        operands = saved(tmp_path / "x.npy", x), saved(tmp_path / "y.npy", y)
        expected = results("ce", flat(x, 1), y.reshape(-1))
        for chunk in ("64KiB", "8MiB"):
            assert results("ce", *operands, chunk_size=chunk, threads=2) == expected


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Any]:
    return lambda *arguments: run(arguments, cwd=tmp_path)


class TestProgram:
    def test_the_option(
        self, program: Callable[..., Any], logits: np.ndarray, labels: np.ndarray, tmp_path: Path
    ) -> None:
        saved(tmp_path / "x.npy", np.moveaxis(logits, 1, 3))
        saved(tmp_path / "y.npy", labels)
        by_shape = program("ce", "x.npy", "y.npy", "-f", "json")
        assert by_shape.results == program("ce", "x.npy", "y.npy", "-f", "json", "--class-axis", "-1").results
        refused = program("entropy", "x.npy")
        assert refused.status == 3
        assert "--class-axis" in refused.stderr
