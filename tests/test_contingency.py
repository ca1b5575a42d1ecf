"""A contingency table as people save it: which column names the rows, what is a total, what is no table at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import divtool
from divtool.errors import InputError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def joint(text: str, **options: object) -> divtool.JointResult:
    Path("t.csv").write_text(text)
    return divtool.joint("t.csv", **options)


CASES = pd.DataFrame({"a": [1, 1, 2, 2, 5, 5], "b": [0, 1, 0, 1, 0, 0], "z": list("pqpqpp")})


class TestNamesOfRows:
    @pytest.mark.parametrize("by", ["b", "z"])
    @pytest.mark.parametrize("way", ["frame", "csv", "parquet"])
    def test_a_crosstab_of_numbers(self, by: str, way: str) -> None:
        """pandas knows its index; a CSV of numbers by numbers shows it, one of numbers by names is asked about."""
        crossed = pd.crosstab(CASES.a, CASES[by])
        thing: object = crossed
        if way == "csv":
            thing = "t.csv"
            crossed.to_csv("t.csv")
        elif way == "parquet":
            thing = "t.parquet"
            crossed.set_axis(crossed.columns.map(str), axis=1).to_parquet("t.parquet")
        if (way, by) == ("csv", "z"):
            with pytest.raises(InputError, match="do they name the rows"):
                divtool.joint(thing)
            result = divtool.joint(thing, id="a")
        else:
            result = divtool.joint(thing)
        assert (result.cases, result.variables[0].entries) == (6, ("1", "2", "5"))
        assert result.value == divtool.joint(CASES, "a", by).value

    def test_rising_numbers_are_asked_about(self) -> None:
        text = "rooms,no,yes\n1,20,30\n2,30,20\n4,25,5\n"
        with pytest.raises(InputError, match="do they name the rows") as caught:
            joint(text)
        assert "--id rooms" in caught.value.hint
        assert (joint(text, id="rooms").cases, joint(text, id="none").cases) == (130, 137)

    def test_no_column_is_left_out_by_its_name(self) -> None:
        assert joint("weight,age\n20,10\n50,30\n25,1\n").cases == 136

    def test_places_of_rows(self) -> None:
        assert joint("k,no,yes\n0,3,5\n1,7,2\n2,1,1\n").variables[0].entries == ("0", "1", "2")


class TestTotals:
    TABLES = (
        "g,cats,dogs,sum of both\na,0.1,0.2,0.3\nb,0.3,0.4,0.7\n",
        "g,Total,cats,dogs\na,30,10,20\nb,70,30,40\n",
        "g,cats,dogs\nTotal,40,60\na,10,20\nb,30,40\n",
        "a,0,1,All\n1,1,1,2\n2,1,2,3\n3,1,0,1\nAll,3,3,6\n",
        "g,cats,dogs\na,10,20\nc,5,9\nsum,3,3\n",
    )

    @pytest.mark.parametrize("text", TABLES)
    def test_refused(self, text: str) -> None:
        with pytest.raises(InputError, match="a total is no outcome"):
            joint(text)

    def test_the_hints_lead_on(self) -> None:
        text = self.TABLES[3]
        with pytest.raises(InputError, match='the row "All"') as caught:
            joint(text, columns="!All")
        assert "--rows 0:3" in caught.value.hint
        assert joint(text, columns="!All", rows="0:3").cases == 6


class TestNoTable:
    @pytest.mark.parametrize("thing", [np.array([1, 2, 3]), np.array([[1, 2, 3]]), np.array([[1], [2]])])
    def test_one_row_or_column(self, thing: object) -> None:
        with pytest.raises(InputError, match="is no table of two variables"):
            divtool.joint(thing)

    def test_labels_alone(self) -> None:
        with pytest.raises(InputError) as caught:
            joint("id,label\n1,cat\n2,dog\n")
        assert "divtool joint FILE FILE" in caught.value.hint

    @pytest.mark.parametrize("axis", ["index", "columns"])
    def test_shares_within_rows_or_columns(self, axis: str) -> None:
        pd.crosstab(CASES.z, CASES.a, normalize=axis).to_csv("t.csv")
        with pytest.raises(InputError, match="sums to 1: shares within a"):
            divtool.joint("t.csv")


def test_counts_are_read_exactly() -> None:
    assert joint("g,p,q\na,9007199254740993,1\nb,1,3\n").cases == 2**53 + 6
    with pytest.raises(InputError, match="doubles do not tell apart"):
        joint("g,p,q\na,9007199254740992.0,1\nb,1,3\n")
