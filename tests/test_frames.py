"""Data frames and Series as pandas makes them: indexes of several levels or none, categories, totals among numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import divtool
from divtool.errors import InputError, UsageError
from divtool.formats.memory import open_object
from divtool.formats.source import INTEGER, TEXT, Selection

A, B, Q = (pd.Series(list(text), name=name) for text, name in (("xxyyxy", "a"), ("kkllkl", "b"), ("uvuvvv", "q")))
X = pd.Series(np.linspace(0.0, 1.0, 6), name="x")
P = pd.DataFrame({"c": [0.5, 0.25, 0.125], "d": [0.5, 0.75, 0.875]})
SHUFFLED = P.iloc[[2, 0, 1]]


def refusal(action: Any, *args: Any, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        action(*args, **options)
    return caught.value


def texts(thing: Any, name: str) -> list[str]:
    """The entries of a column as they are read."""
    source = open_object(thing, "t")
    column = source.header.find(name)
    assert column is not None
    (block,) = source.blocks(source.locate(0, source.count()), Selection((), (column,)), 1 << 20)
    return [block.keys[0].text(i) for i in range(len(block))]


class TestLevels:
    """Each level of an index is a column."""

    @pytest.mark.parametrize(
        ("thing", "names"),
        [
            (pd.DataFrame({"a": A, "q": Q}).value_counts(), ("a", "q", "count")),
            (pd.DataFrame({"a": A, "q": Q}).groupby(["a", "q"]).size(), ("a", "q", "values")),
            (pd.crosstab([A, Q], B), ("a", "q", "k", "l")),
            (pd.crosstab([A, Q], [B, B]), ("a", "q", "('k', 'k')", "('l', 'l')")),
            (P.set_axis(pd.MultiIndex.from_tuples([(1, "u"), (1, "v"), (2, "u")])), ("level_0", "level_1", "c", "d")),
        ],
    )
    def test_names(self, thing: Any, names: tuple[str, ...]) -> None:
        header = open_object(thing, "t").header
        assert (header.names, header.index) == (names, names[:2])

    def test_a_level_twice(self) -> None:
        frame = pd.crosstab([A, Q], B).rename_axis(index=["a", "k"])
        assert '"k"' in str(refusal(open_object, frame, "t"))

    def test_several_levels_are_asked_about(self) -> None:
        assert '"a", "q"' in refusal(divtool.joint, pd.crosstab([A, Q], B)).message


class TestText:
    """What Arrow has no plain type for is read as pandas writes it."""

    def test_intervals(self) -> None:
        cut = pd.cut(X, 3)
        wanted = [str(each) for each in cut]
        for column in (cut, cut.astype(object), pd.Series(pd.arrays.IntervalArray(cut), name="x")):
            assert texts(pd.DataFrame({"x": column}), "x") == wanted
            assert list(open_object(column, "t").header.types) == [TEXT]
        assert texts(P.set_axis(pd.Index(cut[:3], name="x")), "x") == wanted[:3]
        known = divtool.joint(pd.crosstab(cut.astype(str), B))["mutual-information"].value
        for table in (pd.crosstab(cut, B), pd.crosstab(B, cut)):
            assert divtool.joint(table)["mutual-information"].value == pytest.approx(known, rel=1e-15)

    def test_what_is_missing_stays_so(self) -> None:
        source = open_object(pd.DataFrame({"x": pd.cut(X.where(X > 0.1), 3)}), "t")
        (block,) = source.blocks(source.locate(0, 6), Selection((), (0,), cells=True), 1 << 20)
        assert block.absent[0] is not None
        assert block.absent[0].tolist() == [True] + [False] * 5

    def test_periods(self) -> None:
        months = pd.Series(pd.period_range("2026-01", periods=3, freq="M"), name="m")
        assert texts(months, "m") == ["2026-01", "2026-02", "2026-03"]

    def test_texts_and_numbers(self) -> None:
        numbers = pd.Series([1, 2, 3, 1, 2, 3], name="i")
        for table in (pd.crosstab(numbers, B, margins=True), pd.crosstab(B, numbers, margins=True)):
            error = refusal(divtool.joint, table)
            assert ("total" in error.message, '"All"' in error.message) == (True, True)
        mixed = pd.Categorical([1, "u", 2.5, 1])
        assert texts(pd.DataFrame({"m": mixed}), "m") == ["1", "u", "2.5", "1"]
        assert open_object(pd.DataFrame({"n": pd.Categorical([3, 1])}), "t").header.types[0] == INTEGER

    @pytest.mark.parametrize("values", [[1, b"u", "v"], [{"k": 1}, "u", 2], [1j, 2j, 3j]])
    def test_anything_else(self, values: list[Any]) -> None:
        error = refusal(open_object, P.assign(odd=pd.Series(values)), "t")
        assert (error.column, "odd" in error.hint) == ("odd", True)


class TestIndexes:
    """An index without a name in another order beside one that counts the rows."""

    @pytest.mark.parametrize("pair", [(P, SHUFFLED), (SHUFFLED, P), (P, P.iloc[::-1])])
    def test_it_is_asked(self, pair: tuple[pd.DataFrame, pd.DataFrame]) -> None:
        error = refusal(divtool.kl, *pair)
        assert "numbers the rows from 0" in error.message
        assert all(way in error.hint for way in ('id="index"', 'id="none"'))
        assert divtool.kl(*pair, id="index").value == 0.0
        stand = divtool.kl(*(each.reset_index(drop=True) for each in pair)).value
        assert divtool.kl(*pair, id="none").value == stand != 0.0

    def test_series(self) -> None:
        other = Q.iloc[[3, 2, 1, 0, 5, 4]]
        assert "numbers the rows from 0" in refusal(divtool.joint, A, other).message
        known = divtool.joint(A, Q)["mutual-information"].value
        assert divtool.joint(A, other, id="index")["mutual-information"].value == known

    def test_a_name_goes_first(self) -> None:
        first, second = (each.assign(id=[7, 8, 9]) for each in (P, P))
        assert divtool.kl(first, second.iloc[[2, 0, 1]]).value == 0.0

    def test_other_numbers_are_told(self) -> None:
        later = P.set_axis(pd.RangeIndex(10, 13))
        assert "rows matched by position (the indexes differ)" in divtool.kl(P, later).matched
        assert "rows matched by position" in divtool.kl(P, P.copy()).matched
        assert "id" in str(refusal(divtool.kl, P, later, id="index"))
        assert divtool.joint(A, Q.set_axis(pd.RangeIndex(9, 15))).matched == (
            "rows matched by position (the indexes differ)",
        )

    def test_the_end_counts(self) -> None:
        many = pd.Series(np.arange(70_000) % 3, name="a")
        order = np.r_[:69_990, 69_999:69_989:-1]
        for other in (many, many.set_axis(np.arange(70_000))):
            assert "numbers the rows from 0" in refusal(divtool.joint, other, many.iloc[order].rename("b")).message

    def test_arrays_of_pandas(self) -> None:
        known = divtool.joint(A, B)["mutual-information"].value
        assert divtool.joint(pd.Categorical(A), pd.Index(B))["mutual-information"].value == known

    @pytest.mark.parametrize("thing", [P.groupby("c"), A.groupby(A), pd.MultiIndex.from_tuples([(1, 2)])])
    def test_what_holds_no_columns(self, thing: Any) -> None:
        with pytest.raises(UsageError, match="cannot be read"):
            open_object(thing, "t")

    def test_arrays_have_none(self) -> None:
        assert any("q has none" in each for each in divtool.kl(SHUFFLED, P.to_numpy()).warnings)
