"""Which columns are variables, and which of them need intervals: by the header and the first rows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from divtool.engine.coding import first_outcomes
from divtool.errors import DivtoolError, InputError
from divtool.formats.memory import open_object
from divtool.formats.opening import open_source
from divtool.meaning.bins import parse_bins
from divtool.meaning.outcomes import Outcomes, decide_outcomes, entry_of, is_fraction

TABLE = pd.DataFrame({
    "customer_id": [7, 8, 9], "colour": ["red", None, "blue"], "rooms": [1, 2, 3], "stars": [1.0, 2.0, None],
    "sold": [True, False, True], "price": [1.5, 2.0, 3.0], "area": [0.25, 1.0, 2.0],
})  # fmt: skip
REST = ("colour", "rooms", "stars", "sold", "price", "area")


def decided(source: Any, bins: list[str] | None = None, **options: Any) -> Outcomes:
    return decide_outcomes(source.header, partial(first_outcomes, source), bins=parse_bins(bins or []), **options)


@pytest.fixture(params=["csv", "parquet", "memory"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "memory":
        return open_object(TABLE, "x")
    path = tmp_path / f"x.{request.param}"
    TABLE.to_csv(path, index=False) if request.param == "csv" else TABLE.to_parquet(path)
    return open_source(str(path))


class TestChoice:
    def test_all_but_what_names_the_rows(self, source: Any) -> None:
        found = decided(source, ["4"])
        assert tuple(each.name for each in found.variables) == REST
        assert found.left_out == (("customer_id", "names the rows"),)
        assert {each.name: (str(each.rule), each.rule.sparing) for each in found.variables if each.rule} == {
            "rooms": ("width:4", True), "stars": ("width:4", True), "price": ("width:4", False),
            "area": ("width:4", False),
        }  # fmt: skip

    def test_columns_asked_for(self, source: Any) -> None:
        found = decided(source, chosen="sold,customer_id,colour")
        assert [each.name for each in found.variables] == ["sold", "customer_id", "colour"]
        found = decided(source, chosen="!price,!area")
        assert [each.name for each in found.variables] == ["colour", "rooms", "stars", "sold"]
        assert dict(found.left_out)["area"] == "not asked for"

    def test_wanted_and_taken(self, source: Any) -> None:
        find = source.header.find
        found = decided(source, chosen="colour", wanted=(find("sold"),), taken={find("rooms"): "weighs the rows"})
        assert [each.name for each in found.variables] == ["colour", "sold"]
        found = decided(source, chosen="!price,!area", taken={find("rooms"): "weighs the rows"})
        assert dict(found.left_out)["rooms"] == "weighs the rows"
        with pytest.raises(InputError, match="weighs the rows"):
            decided(source, chosen="rooms", taken={find("rooms"): "weighs the rows"})

    def test_fractions_are_refused_all_at_once(self, source: Any) -> None:
        with pytest.raises(InputError, match='"price", "area" hold fractions') as caught:
            decided(source)
        assert "--bins 10" in caught.value.hint
        assert "--columns '!price,!area'" in caught.value.hint
        with pytest.raises(InputError, match='"area" holds fractions'):
            decided(source, ["price=3"])

    def test_rules_of_single_columns(self, source: Any) -> None:
        found = decided(source, ["rooms=edges:2", "price=doane", "frequency:3"])
        assert {each.name: str(each.rule) for each in found.variables if each.rule} == {
            "rooms": "edges:2", "price": "doane", "area": "frequency:3", "stars": "frequency:3",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("rule", "said"), [("size=3", 'no column "size"'), ("colour=3", "intervals are of numbers")]
    )
    def test_rules_that_fit_no_column(self, rule: str, said: str, source: Any) -> None:
        with pytest.raises(DivtoolError, match=said):
            decided(source, ["10", rule])

    def test_lists_are_left_out(self) -> None:
        table = pa.table({"a": ["x", "y"], "v": [[1.0, 2.0], [3.0, 4.0]], "s": [{"k": 1}, {"k": 2}]})
        found = decided(open_object(table, "x"))
        assert [each.name for each in found.variables] == ["a"]
        assert found.left_out == (("v", "holds lists"), ("s", "holds neither text nor plain numbers"))

    def test_arrays_have_positions(self) -> None:
        found = decided(open_object(np.array([[0, 1], [1, 0]]), "x"))
        assert [(each.name, each.column) for each in found.variables] == [("0", 0), ("1", 1)]
        assert len(decided(open_object(np.array([[0.0, 1.0], [1.0, 0.0]]), "x")).variables) == 2
        with pytest.raises(InputError, match="fractions"):
            decided(open_object(np.array([[0.5, 1.0], [1.0, 0.0]]), "x"))
        assert len(decided(open_object(np.array([[np.nan, 1.0], [1.0, 0.0]]), "x")).variables) == 2


def test_digits_without_end() -> None:
    long = "9" * 5000
    assert not is_fraction(long)
    assert entry_of(long) == long
    assert entry_of("9" * 400 + ".0") == "9" * 400 + ".0"
