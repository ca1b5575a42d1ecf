"""Two files whose rows are the same cases: which column holds the labels, and whether rows may go by position."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import divtool
from divtool.errors import InputError
from divtool.findings import JointResult

POINT = [7, 3, 9, 5, 1, 8]
ONE, OTHER = [0, 0, 1, 1, 2, 2], [1, 1, 0, 0, 0, 2]
SHUFFLED = [4, 2, 0, 5, 1, 3]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a folder of its own."""
    monkeypatch.chdir(tmp_path)


def saved(name: str, order: list[int] | None = None, /, **columns: Any) -> str:
    frame = pd.DataFrame(columns).iloc[order if order is not None else slice(None)]
    frame.to_parquet(name, index=False) if name.endswith("parquet") else frame.to_csv(name, index=False)
    return name


def refusal(*things: Any, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        divtool.joint(*things, **options)
    return caught.value


def pairs(found: JointResult) -> dict[tuple[Any, Any], float]:
    return {(each.x, each.y): each.count for each in found.cells}


def crossed(x: list[int], y: list[int]) -> dict[tuple[str, str], int]:
    return dict(Counter((str(a), str(b)) for a, b in zip(x, y, strict=True)))


AS_THEY_STAND = crossed(ONE, [OTHER[i] for i in SHUFFLED])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
class TestWholeNumbers:
    """Tables of whole numbers of which no column is called a label."""

    def files(self, suffix: str, order: list[int] | None = None, name: str = "point") -> tuple[str, str]:
        first = saved(f"a.{suffix}", **{name: POINT}, cluster=ONE)
        return first, saved(f"b.{suffix}", order, **{name: POINT}, cluster=OTHER)

    def test_which_column_is_asked(self, suffix: str) -> None:
        files = self.files(suffix, SHUFFLED)
        error = refusal(*files)
        assert 'which column holds the labels? "point", "cluster" hold whole numbers' in error.message
        assert f"{files[0]}:COLUMN" in error.hint
        assert "--id point" in error.hint
        assert pairs(divtool.joint(*files, id="point")) == crossed(ONE, OTHER)

    def test_no_ids_are_spoken_of_where_no_column_could_be_some(self, suffix: str) -> None:
        files = [saved(f"{name}.{suffix}", cluster=ONE, other=OTHER) for name in "ab"]
        assert "--id" not in refusal(*files).hint
        assert "its table" in refusal(*map(pd.read_csv if suffix == "csv" else pd.read_parquet, files)).hint

    def test_a_column_in_another_order_is_asked(self, suffix: str) -> None:
        files = [f"{name}:cluster" for name in self.files(suffix, SHUFFLED)]
        error = refusal(*files)
        assert 'both files have a column "point" that tells their rows apart, in another order' in error.message
        assert all(f"--id {way}" in error.hint for way in ("point", "none"))
        assert pairs(divtool.joint(*files, id="point")) == crossed(ONE, OTHER)
        found = divtool.joint(*files, id="none")
        assert (pairs(found), found.matched) == (AS_THEY_STAND, ("rows matched by position",))

    def test_the_same_order_is_said(self, suffix: str) -> None:
        found = divtool.joint(*(f"{name}:cluster" for name in self.files(suffix)))
        assert pairs(found) == crossed(ONE, OTHER)
        assert found.matched == ('rows matched by position ("point" is the same in both)',)

    def test_an_id_is_no_label(self, suffix: str) -> None:
        files = self.files(suffix, SHUFFLED, name="id")
        assert pairs(divtool.joint(*files)) == crossed(ONE, OTHER)
        assert pairs(divtool.joint(*files, id="none")) == AS_THEY_STAND

    def test_others_than_the_first_rows(self, suffix: str) -> None:
        point, cluster = np.arange(9000) + 17, np.arange(9000) % 4
        first = saved(f"a.{suffix}", point=point, cluster=cluster)
        for order, said in ((np.arange(9000)[::-1], "in another order"), (np.arange(9000), "as far as was looked")):
            second = saved(f"b.{suffix}", list(order), point=point, cluster=cluster)
            if said == "in another order":
                assert said in refusal(first + ":cluster", second + ":cluster").message
            else:
                assert said in divtool.joint(first + ":cluster", second + ":cluster").matched[0]

    def test_whole_numbers_written_as_fractions(self, suffix: str) -> None:
        first = saved(f"a.{suffix}", point=[float(each) for each in POINT], label=ONE)
        second = saved(f"b.{suffix}", SHUFFLED, point=[float(each) for each in POINT], label=OTHER)
        assert "in another order" in refusal(first, second).message


class TestWhatSaysNothing:
    """Columns beside labels that tell nothing of the order of rows."""

    @pytest.mark.parametrize(
        ("own", "theirs"),
        [
            ([7, 3, 9, 5, 1, 7], [3, 7, 9, 5, 1, 7]),
            ([70, 30, 90, 50, 10, 80], [31, 71, 91, 51, 11, 80]),
            ([0.5, 0.25, 1.5, 2.5, 3.5, 4.5], [0.25, 0.5, 1.5, 2.5, 3.5, 4.5]),
        ],
        ids=["twins", "other numbers", "fractions"],
    )
    def test_by_position(self, own: list[float], theirs: list[float]) -> None:
        found = divtool.joint(saved("a.csv", seen=own, label=ONE), saved("b.csv", seen=theirs, label=OTHER))
        assert (pairs(found), found.matched) == (crossed(ONE, OTHER), ("rows matched by position",))

    def test_texts_of_two_who_explain_their_labels(self) -> None:
        texts = [f"because of {i}" for i in range(6)]
        first = saved("a.csv", explanation=texts, label=ONE)
        found = divtool.joint(first, saved("b.csv", explanation=[f"{each}!" for each in texts], label=OTHER))
        assert found.matched == ("rows matched by position",)

    def test_two_rows(self) -> None:
        files = saved("a.csv", seen=[1, 2], label=[0, 1]), saved("b.csv", seen=[2, 1], label=[0, 1])
        assert divtool.joint(*files).cases == 2

    def test_certain_rows_are_distributions(self) -> None:
        rows = np.eye(3, dtype=int)[ONE]
        saved("a.csv", u=rows[:, 0], v=rows[:, 1], w=rows[:, 2])
        assert divtool.joint("a.csv", saved("b.csv", label=ONE))["mutual-information"].value == pytest.approx(
            np.log(3), rel=1e-15
        )


class TestIndexes:
    """Series and data frames whose indexes without a name number the rows in different orders."""

    def series(self) -> tuple[Any, Any]:
        return pd.Series(ONE), pd.Series(OTHER)

    def test_it_is_asked(self) -> None:
        x, y = (each.sort_values() for each in self.series())
        x = x.iloc[::-1]
        error = refusal(x, y)
        assert "numbers the rows from 0" in error.message
        for way in ("--id index", 'id="index"', 'id="none"', "reset_index(drop=True)"):
            assert way in error.hint
        assert pairs(divtool.joint(x, y, id="index")) == crossed(ONE, OTHER)
        wanted = crossed(x.to_list(), y.to_list())
        assert pairs(divtool.joint(x, y, id="none")) == wanted
        assert pairs(divtool.joint(x.reset_index(drop=True), y.reset_index(drop=True))) == wanted

    def test_frames_are_asked_by_every_measure(self) -> None:
        frame = pd.DataFrame(np.random.default_rng(3).dirichlet([1, 1, 1], 6), columns=list("abc"))
        with pytest.raises(InputError, match="numbers the rows"):
            divtool.kl(frame.iloc[SHUFFLED], frame.iloc[::-1])
        assert divtool.kl(frame.iloc[SHUFFLED], frame.iloc[::-1], id="index").value == 0.0

    @pytest.mark.parametrize("index", [[7, 3, 9, 5, 1, 8], list("uvwxyz"), [1, 2, 3, 4, 5, 6]])
    def test_an_index_that_says_more_names_the_rows(self, index: list[Any]) -> None:
        x, y = pd.Series(ONE, index=index), pd.Series(OTHER, index=index)
        assert pairs(divtool.joint(x, y.iloc[SHUFFLED])) == crossed(ONE, OTHER)

    def test_a_named_index_is_no_label(self) -> None:
        x, y = (each.rename_axis("case").iloc[order] for each, order in
                zip(self.series(), (SHUFFLED, SHUFFLED[::-1]), strict=True))  # fmt: skip
        assert '"case" that tells their rows apart' in refusal(x, y).message
        assert pairs(divtool.joint(x, y, id="case")) == crossed(ONE, OTHER)

    def test_one_order_of_both(self) -> None:
        x, y = (each.iloc[SHUFFLED] for each in self.series())
        assert pairs(divtool.joint(x, y)) == crossed(ONE, OTHER)

    NAMED = ("k1", "k2", "k3", "k4", "k5", "k6"), ("k5", "k3", "k1", "k6", "k2", "k4")

    @pytest.mark.parametrize("index", [NAMED, ((7, 3, 9, 5, 1, 8), (1, 9, 7, 8, 3, 5))], ids=["text", "whole numbers"])
    def test_two_names_of_indexes_are_asked(self, index: tuple[Any, Any]) -> None:
        x, y = (pd.Series(each, index=pd.Index(own, name=name)) for each, own, name in
                zip((ONE, OTHER), index, ("key", "other"), strict=True))  # fmt: skip
        error = refusal(x, y)
        assert 'its rows are named by the index "other", those of x by "key"' in error.message
        assert all(f"--id {way}" in error.hint for way in ("key,other", "none"))
        assert pairs(divtool.joint(x, y, id="none")) == crossed(ONE, OTHER)
        matched = crossed(ONE, y.loc[list(index[0])].to_list())
        assert pairs(divtool.joint(x, y, id="key,other")) == matched
        assert pairs(divtool.joint(x, y.rename_axis("key"))) == matched
        assert pairs(divtool.joint(x, y.set_axis(x.index).rename_axis("other"))) == crossed(ONE, OTHER)

    def test_a_text_index_is_no_label(self) -> None:
        frame = pd.DataFrame({"r": ONE, "s": OTHER}, index=pd.Index(list("uvwxyz"), name="case"))
        assert pairs(divtool.joint(frame[["r"]], pd.Series(OTHER))) == crossed(ONE, OTHER)
        assert '"r", "s" hold whole numbers' in refusal(frame, pd.Series(OTHER)).message


class TestNamesOfRows:
    """A text that is different in every row, beside labels that are whole numbers."""

    def files(self, first: str, second: str) -> tuple[str, str]:
        x, y = TestIndexes.NAMED
        return saved("a.csv", **{first: x}, r=ONE), saved("b.csv", **{second: y}, c=OTHER)

    def test_a_text_is_asked(self) -> None:
        files = self.files("key", "other")
        error = refusal(*files)
        assert error.message.endswith(
            'which column holds the labels? "other" is different in every row, "c" holds whole numbers that repeat'
        )
        assert "b.csv:COLUMN" in error.hint
        assert "--id key,other" in error.hint
        assert pairs(divtool.joint(*files, id="key,other")) == crossed(ONE, [OTHER[i] for i in (2, 4, 1, 5, 0, 3)])
        assert pairs(divtool.joint(files[0], "b.csv:c")) == crossed(ONE, OTHER)

    def test_both_files_are_named(self) -> None:
        files = self.files("name", "image")
        error = refusal(*files)
        assert 'which column holds the labels? "name", "r"' in error.message
        assert "a.csv:COLUMN b.csv:COLUMN" in error.hint
        assert "--id name,image" in error.hint
        assert "--columns" not in error.hint
        assert pairs(divtool.joint("a.csv:r", "b.csv:c")) == crossed(ONE, OTHER)

    def test_a_text_beside_distributions_is_asked(self) -> None:
        rows = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]] * 3)
        first = saved("a.csv", doc=list("uvwxyz"), u=rows[:, 0], v=rows[:, 1], w=rows[:, 2])
        error = refusal(first, saved("b.csv", label=ONE))
        assert '"doc" is different in every row, "u", "v", "w" hold numbers' in error.message
        assert "--columns u,v,w" in error.hint
        found = divtool.joint(first, "b.csv", columns="u,v,w")
        assert pairs(found)["u", "0"] == 0.75 / 6

    @pytest.mark.parametrize(
        ("name", "texts", "beside"),
        [("label", "uvwxyz", "seen"), ("kind", "uvwxyy", "seen"), ("kind", "uvwxyz", "fold")],
        ids=["a label by its name", "twins", "beside a fold"],
    )
    def test_a_text_that_is_the_label(self, name: str, texts: str, beside: str) -> None:
        first = saved("a.csv", **{name: list(texts), beside: ONE})
        found = divtool.joint(first, saved("b.csv", label=OTHER))
        assert pairs(found) == dict(Counter(zip(texts, map(str, OTHER), strict=True)))


def test_two_first_lines_are_asked() -> None:
    pd.Series(ONE).to_csv("a.csv", index=False)
    pd.Series(OTHER).to_csv("b.csv", index=False)
    error = refusal("a.csv", "b.csv")
    assert 'begins with "0", as b.csv does' in error.message
    assert all(way in error.hint for way in ("--header", "--no-header"))
    assert pairs(divtool.joint("a.csv", "b.csv", header=True)) == crossed(ONE, OTHER)
    assert pairs(divtool.joint("a.csv", "b.csv", no_header=True)) == crossed([0, *ONE], [0, *OTHER])
    assert pairs(divtool.joint("a.csv", saved("c.csv", label=OTHER))) == crossed(ONE, OTHER)


def test_fractions_are_no_labels() -> None:
    files = [saved(f"{name}.csv", label=[0.5, 0.25, 1.5]) for name in "ab"]
    error = refusal(*files)
    assert "0.5 is a fraction" in error.message
    assert error.hint == "labels are categories; for numbers: divtool joint TABLE X Y --bins 10"
