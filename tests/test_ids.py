"""Rows are never matched by their place where their ids are known: which column names them, and what is refused."""

from __future__ import annotations

import itertools
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import divtool
from divtool.errors import InputError, UsageError
from divtool.formats.keys import IntegerKeys, Keys, text_keys
from divtool.formats.source import FLOAT, INTEGER, TEXT, Header
from divtool.meaning.ids import Table, decide_ids, id_like, ids_asked_for

P = np.array([[0.875, 0.125], [0.25, 0.75], [0.625, 0.375]])
LABELS = ["dog", "dog", "cat"]
# -log of the cell of each label, by hand.
CE = -(log(0.125) + log(0.75) + log(0.625)) / 3
ORDERS = [list(order) for order in itertools.permutations(range(3))]


def refusal(action: Any, *args: Any, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        action(*args, **options)
    return caught.value


def table(taken: tuple[str, ...] = (), **columns: list[Any]) -> Table:
    """A table as the decision sees it; ``_`` stands for a column without a name."""
    names = tuple("" if name == "_" else name for name in columns)
    keys: list[Keys] = []
    types = []
    for values in columns.values():
        whole = isinstance(values[0], int)
        types.append(INTEGER if whole else FLOAT if isinstance(values[0], float) else TEXT)
        keys.append(IntegerKeys(np.array(values)) if whole else text_keys([str(each) for each in values]))
    head = Header("x.csv", "csv", names, types, None, "float64")
    return Table(head, lambda column: keys[column], frozenset(names.index(name) for name in taken))


def named(*tables: Table) -> list[str | None]:
    """The names of the columns that were decided upon."""
    found = decide_ids(tables).columns
    return [None if column is None else each.name(column) for each, column in zip(tables, found, strict=True)]


X = [0.5, 0.25, 0.5]


class TestDecision:
    """What is decided from names and first entries alone."""

    @pytest.mark.parametrize("name", ["PassengerId", "imageID", "rowIds", "image_id", "qid", "docid"])
    def test_names(self, name: str) -> None:
        assert id_like(name)

    @pytest.mark.parametrize("name", ["Covid", "grid", "ACID", "Idol", "bid", "android"])
    def test_no_names(self, name: str) -> None:
        assert not id_like(name)

    @pytest.mark.parametrize(
        ("first", "second", "found"),
        [
            ({"id": [7, 8, 9], "a": X}, {"ID ": [9, 8, 7], "b": X}, "id"),
            ({"id": [7, 8, 9], "a": X}, {"id": [9, 8, 7], "patient_id": [1, 1, 2], "b": X}, "id"),
            ({"id": [7, 8, 9], "patient_id": [1, 1, 2]}, {"id": [9, 8, 7], "patient_id": [2, 1, 1]}, "id"),
            ({"idx": [0, 1, 2], "id": [7, 8, 9]}, {"idx": [0, 1, 2], "id": [9, 8, 7]}, "id"),
            ({"_": [7, 8, 9], "id": [1, 5, 3]}, {"_": [9, 8, 7], "id": [5, 3, 1]}, "id"),
            ({"id": [0, 1, 2], "user_id": [4, 4, 5]}, {"id": [0, 1, 2], "user_id": [4, 4, 5]}, "id"),
            ({"id": [7, 8, 9], "uuid": [3, 5, 4]}, {"id": [7, 8, 9], "uuid": [3, 5, 4]}, "id"),
            ({"id": [2.0, 3.0, 4.0], "a": X}, {"id": [4, 3, 2], "a": X}, "id"),
            ({"_": [9, 7, 8], "a": X}, {"Unnamed: 0": [7, 8, 9], "a": X}, ""),
            ({"_": [0, 1, 2], "a": X}, {"_": [2, 1, 0], "a": X}, ""),
            ({"image": ["a", "b", "c"], "cat": X}, {"image": ["c", "b", "a"], "label": ["cat"] * 3}, "image"),
            ({"image": ["a", "b"], "lang": ["x", "y"]}, {"lang": ["y", "x"], "image": ["b", "a"]}, "image"),
        ],
    )  # fmt: skip
    def test_what_both_share(self, first: dict[str, Any], second: dict[str, Any], found: str) -> None:
        names = named(table(**first), table(**second))
        assert None not in names
        assert (names[0] or "").strip().lower() == found
        assert named(*(table(**each) for each in (second, first, second)))[1] == found

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ({"_": [0, 1, 2], "a": X}, {"_": [0, 1, 2], "a": X}),
            ({"id": [0.5, 0.25, 0.25], "a": X}, {"id": [0.5, 0.25, 0.25], "a": X}),
            ({"lang": ["a", "b", "c"], "a": X}, {"lang": ["c", "b", "a"], "a": X}),
            ({"who": ["a", "b", "b"], "a": X}, {"who": ["b", "b", "a"], "a": X}),
            ({"kin": ["cat", "dog", "cow"], "cat": X, "dog": X, "cow": X}, {"kin": ["dog", "cat", "cow"], "n": X}),
        ],
    )  # fmt: skip
    def test_no_ids(self, first: dict[str, Any], second: dict[str, Any]) -> None:
        assert named(table(**first), table(**second)) == [None, None]

    @pytest.mark.parametrize(
        ("first", "second", "said"),
        [
            ({"id": [7, 8], "uuid": [3, 5]}, {"id": [7, 8], "uuid": [5, 3]}, "--id id"),
            ({"id": [7, 7], "row_id": [3, 3]}, {"id": [7, 7], "row_id": [3, 4]}, "--id id"),
            ({"idx": [0, 1], "id": [7, 7]}, {"idx": [0, 1], "id": [7, 8]}, "--id idx"),
            ({"who": ["a", "b"], "where": ["c", "d"]}, {"who": ["b", "a"], "where": ["c", "d"]}, "--id who"),
            ({"id": [7, 8], "a": [0.5, 0.5]}, {"image_id": [7, 8], "a": [0.5, 0.5]}, "--id id,image_id"),
            ({"id": [7, 8], "a": [0.5, 0.5]}, {"image_id": [7, 8], "case_id": [1, 2]}, "--id id,image_id"),
        ],
    )
    def test_doubt_is_refused(self, first: dict[str, Any], second: dict[str, Any], said: str) -> None:
        error = refusal(decide_ids, [table(**first), table(**second)])
        assert said in error.hint
        assert "--id none" in error.hint

    def test_some_have_ids(self) -> None:
        one, none = table(id=[7, 8], a=[0.5, 0.5]), table(a=[0.5, 0.5], b=[0.5, 0.5])
        assert named(one, none) == ["id", None]
        assert named(none, one, one) == [None, "id", "id"]
        assert named(none, none) == [None, None]

    def test_taken(self) -> None:
        assert named(table(("id",), id=[7, 8], a=[0.5, 0.5]), table(id=[7, 8], a=[0.5, 0.5])) == [None, "id"]

    def test_asked_for(self) -> None:
        first, second = table(id=[7, 8], a=[0.5, 0.5]), table(who=["u", "v"], id=[1, 2])
        assert ids_asked_for([first, second], "id,who").columns == (0, 0)
        assert ids_asked_for([first, second], "id").columns == (0, 1)
        assert ids_asked_for([first, second], "none").columns == (None, None)
        named_none = table(none=["u", "v"], a=[0.5, 0.5])
        assert ids_asked_for([named_none, named_none], "none").columns == (0, 0)
        assert "nope" in refusal(ids_asked_for, [first, second], "nope").message


def predictions(order: list[int], **ids: list[Any]) -> pd.DataFrame:
    frame = pd.DataFrame({**ids, "cat": P[:, 0], "dog": P[:, 1]})
    return frame.iloc[order].reset_index(drop=True)


def labels(order: list[int], **ids: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({**ids, "label": LABELS}).iloc[order].reset_index(drop=True)


WAYS: dict[str, dict[str, list[Any]]] = {
    "two ids": {"id": [7, 8, 9], "patient_id": [1, 1, 2]}, "camel": {"PassengerId": [5, 2, 9]},
    "float": {"id": [2.0, 5.0, 3.0]}, "text": {"filename": ["a.jpg", "b.jpg", "c.jpg"]},
    "date": {"date": ["2026-01-03", "2026-01-01", "2026-01-02"]}, "spaces": {"id": [" 9", " 8", " 7"]},
}  # fmt: skip


def save(frame: pd.DataFrame, path: Path, *, index: bool = False) -> str:
    frame.to_csv(path, index=index) if path.suffix == ".csv" else frame.to_parquet(path, index=index)
    return str(path)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
class TestFiles:
    """The same number whatever the order of the rows."""

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("order", ORDERS[1::2])
    def test_any_order(self, tmp_path: Path, suffix: str, way: str, order: list[int]) -> None:
        ids = WAYS[way]
        first = save(predictions([0, 1, 2], **ids), tmp_path / f"p.{suffix}")
        second = save(labels(order, **ids), tmp_path / f"l.{suffix}")
        third = save(predictions(order, **ids), tmp_path / f"q.{suffix}")
        assert divtool.compute("ce", first, second).value == pytest.approx(CE, rel=1e-15)
        assert divtool.compute("ce", first, second, columns="cat,dog").value == pytest.approx(CE, rel=1e-15)
        assert divtool.compute("ce", first, second, columns="!" + next(iter(ids))).value == pytest.approx(CE, rel=1e-15)
        assert divtool.compute("kl", first, third).value == 0.0
        assert divtool.compute("kl", third, first).value == 0.0

    @pytest.mark.parametrize("order", ORDERS)
    def test_a_saved_index(self, tmp_path: Path, suffix: str, order: list[int]) -> None:
        first = predictions([0, 1, 2]).set_axis([9, 7, 8])
        second = labels([0, 1, 2]).set_axis([9, 7, 8]).iloc[order]
        paths = save(first, tmp_path / f"p.{suffix}", index=True), save(second, tmp_path / f"l.{suffix}", index=True)
        assert divtool.compute("ce", *paths).value == pytest.approx(CE, rel=1e-15)
        assert divtool.compute("ce", first, second).value == pytest.approx(CE, rel=1e-15)
        other = save(second.set_axis([1, 2, 3]), tmp_path / f"o.{suffix}", index=True)
        assert "--id none" in refusal(divtool.compute, "ce", paths[0], other).hint
        assert divtool.compute("ce", paths[0], other, id="none").rows == 3

    def test_an_index_that_counts(self, tmp_path: Path, suffix: str) -> None:
        paths = [save(each, tmp_path / f"{i}.{suffix}", index=True) for i, each in
                 enumerate((predictions([0, 1, 2]), labels([0, 1, 2])))]  # fmt: skip
        found = divtool.compute("ce", *paths)
        assert found.value == pytest.approx(CE, rel=1e-15)
        assert "rows matched by position" in found.matched

    def test_an_empty_id(self, tmp_path: Path, suffix: str) -> None:
        first = save(predictions([0, 1, 2], id=["a", "", "c"]), tmp_path / f"p.{suffix}")
        for order in ([0, 1, 2], [2, 1, 0]):
            second = save(labels(order, id=["a", "", "c"]), tmp_path / f"l.{suffix}")
            error = refusal(divtool.compute, "ce", first, second)
            assert ("the id is missing" in error.message, error.row, error.column) == (True, 1, "id")
            assert error.line == (3 if suffix == "csv" else None)
            dropped = divtool.compute("ce", first, second, missing="drop").results[0]
            assert (dropped.n, dropped.missing) == (2, 1)
            assert dropped.value == pytest.approx(-(log(0.125) + log(0.625)) / 2, rel=1e-15)

    def test_three_files(self, tmp_path: Path, suffix: str) -> None:
        ids = {"id": [7, 8, 9], "patient_id": [1, 1, 2]}
        paths = [save(predictions(order, **ids), tmp_path / f"{i}.{suffix}") for i, order in enumerate(ORDERS[:3])]
        assert divtool.compute("js-members", *paths).value == pytest.approx(0.0, abs=1e-15)

    def test_one_of_three_without(self, tmp_path: Path, suffix: str) -> None:
        paths = [
            save(predictions(order, id=[7, 8, 9]), tmp_path / f"{i}.{suffix}") for i, order in enumerate(ORDERS[:2])
        ]
        found = divtool.compute("js-members", paths[0], paths[0], P)
        assert any("matched by position" in each for each in found.warnings)
        error = refusal(divtool.compute, "js-members", paths[0], paths[1], P)
        assert "which of them does it follow" in error.message

    def test_the_twin_is_told(self, tmp_path: Path, suffix: str) -> None:
        first = save(predictions([0, 1, 2], id=["a", "b", "c"]), tmp_path / f"p.{suffix}")
        second = save(labels([0, 1, 2], id=["a", "b", "a"]), tmp_path / f"l.{suffix}")
        error = refusal(divtool.compute, "ce", first, second)
        assert ('"a" stands there a second time' in error.message, error.row) == (True, 2)

    @pytest.mark.parametrize("order", ORDERS)
    def test_sample_weights(self, tmp_path: Path, suffix: str, order: list[int]) -> None:
        ids = {"id": [7, 8, 9], "patient_id": [1, 1, 2]}
        first = save(predictions([0, 1, 2], **ids), tmp_path / f"p.{suffix}")
        second = save(labels(order, **ids, w=[1.0, 0.0, 0.0]), tmp_path / f"l.{suffix}")
        assert divtool.compute("ce", first, second, sample_weight="w").value == pytest.approx(-log(0.125), rel=1e-15)


def test_moments_name_rows(tmp_path: Path) -> None:
    when = pd.to_datetime(["2026-01-03", "2026-01-01", "2026-01-02"])
    for i, kind in enumerate((list(when), list(when.tz_localize("UTC")), list(when.date))):
        first = save(predictions([0, 1, 2], id=kind), tmp_path / f"p{i}.parquet")
        second = save(labels([2, 0, 1], id=kind), tmp_path / f"l{i}.parquet")
        assert divtool.compute("ce", first, second).value == pytest.approx(CE, rel=1e-15)


def test_a_named_index_in_memory() -> None:
    first = predictions([0, 1, 2]).set_axis(pd.Index(["u", "v", "w"], name="subject"))
    second = labels([0, 1, 2]).set_axis(first.index).iloc[[2, 0, 1]]
    assert divtool.compute("ce", first, second).value == pytest.approx(CE, rel=1e-15)


class TestArrays:
    """Rows of arrays go by position: their ids must then agree."""

    @pytest.mark.parametrize("ids", [np.array(["a", "b", "c"]), np.array([9, 7, 8])], ids=["text", "whole"])
    def test_ids_beside(self, tmp_path: Path, ids: np.ndarray) -> None:
        names = [str(tmp_path / name) for name in ("a.npz", "b.npz", "c.npz", "d.npz", "e.csv")]
        np.savez(names[0], ids=ids, probs=P)
        np.savez(names[1], ids=ids[::-1], labels=np.array([0, 1, 1]))
        np.savez_compressed(names[2], IDs=ids, labels=np.array([1, 1, 0]))
        np.savez(names[3], ids=ids[:2], labels=np.array([1, 1, 0]))
        save(labels([2, 1, 0], id=list(ids)), Path(names[4]))
        assert divtool.compute("ce", names[0], names[2]).value == pytest.approx(CE, rel=1e-15)
        for other in (names[1], names[4]):
            error = refusal(divtool.compute, "ce", names[0] + ":probs", other)
            assert ("must be in the same order" in error.message, error.row) == (True, 0)
        assert "holds 2 ids" in refusal(divtool.compute, "ce", names[0], names[3]).message
        assert divtool.compute("ce", names[0], names[1], id="none").rows == 3

    def test_options_without_ids(self) -> None:
        with pytest.raises(InputError, match="nope"):
            divtool.compute("kl", P, P, id="nope")
        with pytest.raises(UsageError, match="inner"):
            divtool.compute("kl", P, P, join="inner")
        assert divtool.compute("kl", P, P, id="none").value == 0.0

    def test_only_one_file_has_ids(self) -> None:
        found = divtool.compute("ce", predictions([0, 1, 2], id=[7, 8, 9]), np.array([1, 1, 0]))
        assert any("has ids" in each for each in found.warnings)
        with pytest.raises(UsageError, match="inner"):
            divtool.compute("ce", predictions([0, 1, 2], id=[7, 8, 9]), np.array([1, 1, 0]), join="inner")
