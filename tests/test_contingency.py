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


class TestOtherShapes:
    @pytest.mark.parametrize("name", ["year", "ages"])
    def test_numbers_that_fall_are_asked_about(self, name: str) -> None:
        with pytest.raises(InputError, match="do they name the rows"):
            joint(f"{name},x,y\n2010,30,5\n2000,4,25\n1990,7,8\n")

    def test_an_id_names_the_rows(self) -> None:
        assert joint("id,x,y\n3,30,5\n1,4,25\n2,7,8\n").cases == 79

    def test_an_age_out_of_order_is_asked_about(self) -> None:
        with pytest.raises(InputError, match="do they name the rows"):
            joint("age,x,y\n65,30,5\n18,4,25\n30,7,8\n")

    def test_an_index_is_never_a_count(self) -> None:
        table = pd.DataFrame({"x": [30, 4, 7], "y": [5, 25, 8]}, index=pd.Index([3, 1, 2], name="q"))
        assert divtool.joint(table, id="none").cases == divtool.joint(table).cases == 79

    @pytest.mark.parametrize("text", ["k,x,y\na,5,3\nb,0,0\nc,5,3\n", "k,x,y\na,1,0\nb,0,1\nc,1,1\n", "5,0,5\n2,0,2\n"])
    def test_no_total_is_seen_where_zeros_make_it(self, text: str) -> None:
        assert joint(text, no_header="k" not in text).cases > 0

    def test_percentages_of_rows(self) -> None:
        with pytest.raises(InputError, match="each row sums to 100"):
            joint("k,x,y\na,30.5,69.5\nb,60,40\n")


def test_a_rule_for_all_columns_leaves_the_target_alone() -> None:
    rows = "".join(f"{i * 0.37 % 7},{i % 10}\n" for i in range(200))
    Path("d.csv").write_text("x,digit\n" + rows)
    result = divtool.mi("d.csv", target="digit", bins=4)
    assert (result.target.outcomes, result.target.rule) == (10, "")
    assert divtool.mi("d.csv", target="digit", bins={"x": 4, "digit": 4}).target.outcomes == 4
    # Of two columns neither is the target.
    assert [each.outcomes for each in divtool.joint("d.csv", "x", "digit", bins=4).variables] == [4, 4]
