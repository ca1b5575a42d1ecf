"""Rows matched by id: any order gives the bits of files in order, whatever does not fit is named, inner joins count."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from formats_fixture import CSV, PARQUET
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import divtool
from divtool.errors import InputError
from divtool.reports.plain import document

NAMES = ("c0", "c1", "c2", "c3", "c10")
WIDTH = len(NAMES)


def logits(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 3.0, (rows, WIDTH))


def bytes_of(result: divtool.Result) -> str:
    """What must be the same in whatever order the rows of the second file stand."""
    return json.dumps(document(result)["results"])


def refusal(action: Any, *args: Any, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        action(*args, **options)
    return caught.value


# Bytes of a block of ids, bytes of a bucket of rows, and whether ids are spread over partitions at all.
SIZES = {"one-partition": (4 << 20, 4 << 20, True), "several": (2000, 2000, True), "tiny": (150, 1, True),
         "skewed": (4000, 3000, False)}  # fmt: skip


def set_sizes(monkeypatch: pytest.MonkeyPatch, block: int, bucket: int, spread: bool) -> None:
    monkeypatch.setattr("divtool.engine.partitions.BLOCK_BYTES", block)
    monkeypatch.setattr("divtool.engine.partitions.MOST_PARTITIONS", 20)
    monkeypatch.setattr("divtool.engine.records.BUCKET_BYTES", bucket)
    monkeypatch.setattr("divtool.engine.join._LEAST_READ", 3000)
    monkeypatch.setattr("divtool.engine.join._READ", 3000)
    if not spread:
        monkeypatch.setattr("divtool.engine.partitions.hashed", lambda ids: np.zeros(len(ids), np.uint64))


@pytest.fixture(params=SIZES.values(), ids=SIZES)
def partitions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, many_parts: None) -> None:
    """Partitions and buckets of several sizes, so that small files have as many as large ones."""
    set_sizes(monkeypatch, *request.param)


class Joined:
    """Predictions and a second file with the same ids in any order."""

    rows = 300

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ids = [f"id-{i * 7919 % 1000}" for i in range(self.rows)]
        self.p, self.q = logits(self.rows, 1), logits(self.rows, 2)
        self.labels = [NAMES[i % WIDTH] for i in range(self.rows)]
        self.predictions = CSV.write(folder / "preds", self.q, names=NAMES, ids=self.ids)

    def label_file(self, order: Sequence[int], name: str = "labels") -> str:
        path = self.folder / f"{name}.csv"
        path.write_text("id,label\n" + "".join(f"{self.ids[i]},{self.labels[i]}\n" for i in order))
        return str(path)

    def matrix_file(self, order: Sequence[int]) -> str:
        ids = [self.ids[i] for i in order]
        return PARQUET.write(self.folder / "p", self.p[list(order)], names=NAMES, ids=ids)


@pytest.fixture
def joined(tmp_path: Path, partitions: None) -> Joined:
    return Joined(tmp_path)


def shuffled(rows: int, seed: int) -> list[int]:
    order: list[int] = np.random.default_rng(seed).permutation(rows).tolist()
    return order


def late_swap(rows: int) -> list[int]:
    """In order up to the last two rows: the difference shows only at the end."""
    return [*range(rows - 2), rows - 1, rows - 2]


ORDERS = {"shuffled": shuffled(300, 3), "reversed": list(range(300))[::-1], "late": late_swap(300)}
over_orders = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)


class TestJoin:
    """Rows matched by id, whatever their order, in several partitions and buckets."""

    @over_orders
    @pytest.mark.parametrize("threads", [1, 3])
    def test_labels(self, joined: Joined, order: list[int], threads: int) -> None:
        options: dict[str, Any] = {"threads": threads, "chunk_size": 1000, "reduction": "none"}
        plain = divtool.compute("ce", joined.predictions, joined.label_file(range(300)), **options)
        other = divtool.compute("ce", joined.predictions, joined.label_file(order, "other"), **options)
        assert bytes_of(other) == bytes_of(plain)
        assert other.row_values.tobytes() == plain.row_values.tobytes()
        assert any("put in order" in note for note in other.matched)
        assert not any("put in order" in note for note in plain.matched)

    @over_orders
    @pytest.mark.parametrize("threads", [1, 3])
    def test_matrices(self, joined: Joined, order: list[int], threads: int) -> None:
        options: dict[str, Any] = {"threads": threads, "chunk_size": 1000, "reduction": "none"}
        plain = divtool.compute("kl", joined.predictions, joined.matrix_file(range(300)), **options)
        other = divtool.compute("kl", joined.predictions, joined.matrix_file(order), **options)
        assert bytes_of(other) == bytes_of(plain)
        assert other.row_values.tobytes() == plain.row_values.tobytes()

    @over_orders
    def test_rows_written_are_those_of_files_in_order(self, joined: Joined, order: list[int]) -> None:
        rows = [joined.folder / "plain.csv", joined.folder / "other.csv"]
        divtool.compute("ce", joined.predictions, joined.label_file(range(300)), per_row=str(rows[0]), chunk_size=500)
        divtool.compute("ce", joined.predictions, joined.label_file(order, "o"), per_row=str(rows[1]), chunk_size=500)
        assert rows[0].read_bytes() == rows[1].read_bytes()
        assert rows[0].read_text().splitlines()[1].startswith("0,id-0,c0,")
        assert len(rows[0].read_text().splitlines()) == 301

    def test_soft_labels_and_normalized_rows(self, joined: Joined) -> None:
        soft = np.random.default_rng(5).random((300, WIDTH))
        ids = np.array(joined.ids)
        options: dict[str, Any] = {"normalize": True, "given_p": "probs", "given_q": "logits"}
        plain = CSV.write(joined.folder / "soft", soft, names=NAMES, ids=joined.ids)
        order = ORDERS["shuffled"]
        other = CSV.write(joined.folder / "other", soft[order], names=NAMES, ids=ids[order].tolist())
        results = [divtool.compute("kl", path, joined.predictions, **options) for path in (plain, other)]
        assert results[0].warnings[0].startswith("300 rows did not sum to 1")
        matched = divtool.compute(
            "kl", joined.predictions, other, **{**options, "given_p": "logits", "given_q": "probs"}
        )
        straight = divtool.compute(
            "kl", joined.predictions, plain, **{**options, "given_p": "logits", "given_q": "probs"}
        )
        assert bytes_of(matched) == bytes_of(straight)
        assert matched.warnings == straight.warnings

    def test_whichever_file_leads(self, joined: Joined) -> None:
        """The numbers of a shuffled leader are the same; only the rows that it names are its own."""
        labels = joined.label_file(ORDERS["shuffled"])
        order = ORDERS["reversed"]
        leader = CSV.write(joined.folder / "leader", joined.q[order], names=NAMES, ids=[joined.ids[i] for i in order])
        first, second = (divtool.compute("ce", path, labels).results[0] for path in (joined.predictions, leader))
        assert (first.value, first.std_error, first.quantiles) == (second.value, second.std_error, second.quantiles)
        assert second.worst[0].row == 299 - first.worst[0].row

    def test_columns_and_rows_in_another_order(self, joined: Joined) -> None:
        columns = [3, 0, 4, 2, 1]
        order = ORDERS["shuffled"]
        turned = CSV.write(
            joined.folder / "turned", joined.p[order][:, columns],
            names=[NAMES[i] for i in columns], ids=[joined.ids[i] for i in order],
        )  # fmt: skip
        plain = divtool.compute("kl", joined.predictions, joined.matrix_file(range(300)))
        assert bytes_of(divtool.compute("kl", joined.predictions, turned)) == bytes_of(plain)

    @pytest.mark.parametrize(
        ("change", "at_fault", "message", "row"),
        [
            (lambda ids: [*ids[:-1], ids[0]], "labels", 'the id "id-0" stands there a second time', 299),
            (lambda ids: [*ids[:-1], "new"], "labels", 'the id "new" is not in', 299),
            (lambda ids: ids[:-1], "preds", 'the id "id-581" is not in', 299),
            (lambda ids: ids[1:], "preds", 'the id "id-0" is not in', 0),
            (lambda ids: [*ids, "new"], "labels", 'the id "new" is not in', 300),
            (lambda ids: [*ids[:8], "0", *ids[9:]], "labels", 'the id "0" is not in', 8),
            (lambda ids: ["", *ids[1:]], "labels", "the id is missing", 0),
            (lambda ids: ["ID-0", *ids[1:]], "labels", 'the id "ID-0" is not in', 0),
        ],
    )
    def test_ids_that_do_not_fit_are_named(
        self, joined: Joined, change: Any, at_fault: str, message: str, row: int
    ) -> None:
        path = joined.folder / "labels.csv"
        path.write_text("id,label\n" + "".join(f"{name},c0\n" for name in change(joined.ids)))
        error = refusal(divtool.compute, "ce", joined.predictions, path)
        found = (Path(error.path).stem, error.row)
        # A lost id and the one in its place are both first of their file: either may be told.
        assert found in {(at_fault, row), ("preds", row)}
        assert message in error.message or found[0] == "preds"
        assert error.hint

    def test_a_twin_in_the_leader(self, tmp_path: Path, partitions: None) -> None:
        files = Joined(tmp_path)
        files.ids[200] = files.ids[3]
        preds = CSV.write(tmp_path / "twins", files.q, names=NAMES, ids=files.ids)
        error = refusal(divtool.compute, "ce", preds, files.label_file(ORDERS["shuffled"]))
        assert (error.row, error.path) == (200, preds)
        assert "a second time" in error.message

    def test_a_bad_row_of_the_follower_is_named_by_its_own_row(self, joined: Joined) -> None:
        order = ORDERS["shuffled"]
        joined.p[order[250], 2] = np.nan
        error = refusal(divtool.compute, "kl", joined.predictions, joined.matrix_file(order))
        assert (error.row, error.column, Path(error.path).stem) == (250, "c2", "p")

    def test_a_bad_label_of_the_follower_is_named_by_its_own_line(self, joined: Joined) -> None:
        order = ORDERS["shuffled"]
        joined.labels[order[250]] = "c7"
        error = refusal(divtool.compute, "ce", joined.predictions, joined.label_file(order))
        assert (error.row, error.line, error.column) == (250, 252, "label")

    def test_integer_ids_match_their_text(self, tmp_path: Path, partitions: None) -> None:
        """Ids that are whole numbers in Parquet and text in CSV."""
        p, q = logits(100, 1), logits(100, 2)
        order = shuffled(100, 9)
        first = PARQUET.write(tmp_path / "p", p, names=NAMES, ids=list(range(100)))
        plain = CSV.write(tmp_path / "q", q, names=NAMES, ids=list(range(100)))
        other = CSV.write(tmp_path / "o", q[order], names=NAMES, ids=order)
        assert bytes_of(divtool.compute("kl", first, plain)) == bytes_of(divtool.compute("kl", first, other))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, many_parts: None) -> None:
    """Several partitions, each of several blocks."""
    set_sizes(monkeypatch, 60, 100, True)
    monkeypatch.setattr("divtool.engine.partitions.MOST_PARTITIONS", 3)


# Ids that differ in nothing but spaces, capitals, zeros: each is an id of its own.
IDS = st.one_of(
    st.integers(0, 12).map(str),
    st.sampled_from(["_", " 1", "1 ", "01", "001", "1.0", "a", "A", "é", "e\u0301", "ß", "x" * 300]),
)


@st.composite
def two_files(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Ids of two files, those of the second shuffled, with some left out, some added and some doubled."""
    ids = draw(st.lists(IDS, min_size=1, max_size=14, unique=True))
    first = draw(st.lists(st.sampled_from(ids), min_size=1, unique=True))
    second = draw(st.permutations(ids))[: draw(st.integers(1, len(ids)))]
    if draw(st.integers(0, 3)) == 0:
        side = draw(st.sampled_from([first, second]))
        side.insert(draw(st.integers(0, len(side))), draw(st.sampled_from(side)))
    return first, second


def first_fault(sides: Sequence[Sequence[str]], inner: bool) -> tuple[int, int] | None:
    """By definition: the smallest row, and of two the first file's, with a twin before it; where there is none, without
    a partner."""
    places = [(row, side) for row in range(max(map(len, sides))) for side in (0, 1) if row < len(sides[side])]
    twins = [(row, side) for row, side in places if sides[side][row] in sides[side][:row]]
    lost = [(row, side) for row, side in places if sides[side][row] not in sides[1 - side] and not inner]
    return next(iter(twins + lost), None)


def tables(sides: Sequence[Sequence[str]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictions with the ids of the first side, labels with those of the second."""
    predictions = pd.DataFrame(logits(len(sides[0]), 1), columns=list(NAMES))
    predictions.insert(0, "id", list(sides[0]))
    label = [NAMES[i % WIDTH] for i in range(len(sides[1]))]
    return predictions, pd.DataFrame({"id": list(sides[1]), "label": label})


class TestAnyIds:
    """Random ids against the definition, and against pandas."""

    @pytest.mark.usefixtures("small")
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
    @given(sides=two_files(), inner=st.booleans(), threads=st.sampled_from([1, 3]))
    def test_faults_and_merges(self, sides: tuple[list[str], list[str]], inner: bool, threads: int) -> None:
        predictions, labels = tables(sides)
        options: dict[str, Any] = {"join": "inner" if inner else "exact", "threads": threads, "reduction": "none"}
        shared = set(sides[0]) & set(sides[1])
        fault = first_fault(sides, inner)
        if not shared or fault is not None:
            error = refusal(divtool.ce, predictions, labels, **options)
            if shared and fault is not None:
                row, side = fault
                assert (error.row, error.path) == (row, ["preds", "labels"][side])
                assert f'the id "{sides[side][row][:60]}' in error.message
            else:
                assert "has no id that" in error.message or "a second time" in error.message
            return
        merged = predictions.merge(labels, on="id", how="inner", validate="one_to_one")
        plain = divtool.ce(merged[["id", *NAMES]], merged[["id", "label"]], reduction="none")
        result = divtool.ce(predictions, labels, **options)
        assert result.row_values.tobytes() == plain.row_values.tobytes()
        assert result.results[0].n == len(merged)
        assert result.results[0].value == plain.results[0].value


@pytest.mark.usefixtures("partitions")
class TestInner:
    @pytest.mark.parametrize("threads", [1, 3])
    def test_against_pandas(self, tmp_path: Path, threads: int) -> None:
        first = pd.DataFrame(logits(250, 1), columns=list(NAMES))
        first.insert(0, "id", [f"r{i}" for i in range(250)])
        second = pd.DataFrame(logits(250, 2), columns=list(NAMES))
        second.insert(0, "id", [f"r{i}" for i in range(100, 350)])
        second = second.iloc[shuffled(250, 4)]
        paths = [str(tmp_path / "p.csv"), str(tmp_path / "q.csv")]
        first.to_csv(paths[0], index=False)
        second.to_csv(paths[1], index=False)
        merged = first.merge(second, on="id", suffixes=("", "_q"))
        sides = merged[list(NAMES)].to_numpy(), merged[[f"{name}_q" for name in NAMES]].to_numpy()
        plain = divtool.kl(*sides, reduction="none")
        result = divtool.kl(*paths, join="inner", threads=threads, reduction="none", chunk_size=1000)
        assert result.row_values.tobytes() == plain.row_values.tobytes()
        assert any("100 of" in said for said in result.warnings)

    def test_three_files(self) -> None:
        """Only ids that all of them have."""
        frames = []
        for seed in range(3):
            frame = pd.DataFrame(logits(60, seed), columns=list(NAMES))
            frame.insert(0, "id", [f"r{i}" for i in range(10 * seed, 10 * seed + 60)])
            frames.append(frame.iloc[shuffled(60, seed)] if seed else frame)
        kept = [frame.set_index("id").loc[[f"r{i}" for i in range(20, 60)]].to_numpy() for frame in frames]
        plain = divtool.compute("js-members", *kept)
        assert divtool.compute("js-members", *frames, join="inner").value == plain.value

    def test_files_with_the_same_ids_lose_nothing(self, joined: Joined) -> None:
        plain = divtool.compute("ce", joined.predictions, joined.label_file(range(300)))
        other = divtool.compute("ce", joined.predictions, joined.label_file(ORDERS["shuffled"], "o"), join="inner")
        assert bytes_of(other) == bytes_of(plain)


class TestHints:
    """Ids are compared letter by letter; what would match by eye is said."""

    @pytest.mark.parametrize(
        ("own", "other"),
        [("001", "1"), ("1", "001"), ("1", "1.0"), ("a ", "a"), ("A", "a"), ("-07", "-7"), ("0", "00")],
    )
    def test_what_looks_alike_is_said(self, own: str, other: str) -> None:
        predictions, labels = tables((["x", "y", own], ["y", "x", other]))
        error = refusal(divtool.ce, predictions, labels)
        assert (error.row, error.path) == (2, "preds")
        assert f'the id "{own}" is not in labels' in error.message
        assert f'there is "{other}"' in error.hint
        assert "--join inner" in error.hint

    def test_nothing_in_common(self) -> None:
        predictions, labels = tables((["001", "002"], ["1", "2"]))
        for join in ("exact", "inner"):
            error = refusal(divtool.ce, predictions, labels, join=join)
            assert "are these the same ids?" in error.message
            assert '"001"' in error.message
            assert '"1"' in error.message
            assert 'there is "1"' in error.hint

    def test_how_many_more(self) -> None:
        predictions, labels = tables(([f"r{i}" for i in range(30)], ["r0", *(f"s{i}" for i in range(29))]))
        assert "nor are 28 other ids of 30" in refusal(divtool.ce, predictions, labels).message

    def test_long_ids_are_shortened(self) -> None:
        predictions, labels = tables((["a", "x" * 200_000], ["a", "y" * 200_000]))
        assert len(refusal(divtool.ce, predictions, labels).message) < 400


class TestMissing:
    """Rows with an empty cell, left out by --missing drop."""

    @pytest.mark.parametrize("integer", [True, False])
    def test_a_missing_id_is_no_id(self, integer: bool, small: None) -> None:
        """Not even one that matches another missing one, nor the id 0."""
        predictions, labels = tables((list(map(str, range(8))), list(map(str, [7, 6, 5, 4, 3, 2, 1, 0]))))
        if integer:
            predictions["id"], labels["id"] = predictions["id"].astype("Int64"), labels["id"].astype("Int64")
        predictions.loc[[2, 5], "id"] = None
        labels.loc[[5, 2], "id"] = None
        result = divtool.ce(predictions, labels, missing="drop", reduction="none")
        there = [0, 1, 3, 4, 6, 7]
        rows, codes = predictions[list(NAMES)].to_numpy()[there], [(7 - i) % WIDTH for i in there]
        plain = divtool.ce(rows, np.array(codes), reduction="none")
        assert result.row_values.tobytes() == plain.row_values.tobytes()

    def test_empty_cells_of_the_follower(self, joined: Joined) -> None:
        order = ORDERS["shuffled"]
        path = Path(joined.matrix_file(order))
        frame = pd.read_parquet(path)
        frame.loc[[5, 17], "c2"] = None
        frame.to_parquet(path)
        kept = np.delete(np.arange(300), [order[5], order[17]])
        plain = divtool.kl(joined.q[kept], joined.p[kept], reduction="none")
        result = divtool.kl(joined.predictions, path, missing="drop", reduction="none")
        assert result.row_values.tobytes() == plain.row_values.tobytes()
