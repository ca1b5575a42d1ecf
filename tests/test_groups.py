"""Rows in groups, the worst of them by name, and what a report says of several files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from several import ROWS, WAYS, logits, some_files

import divtool
from divtool.errors import InputError, UsageError


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def keep_only(frame: pd.DataFrame, name: str, value: Any) -> None:
    frame[frame[name].astype(str) == value].to_csv("part.csv", index=False)


class TestGroups:
    def table(self) -> pd.DataFrame:
        rng = np.random.default_rng(0)
        x = np.exp(logits(0))
        frame = pd.DataFrame(x / x.sum(axis=1, keepdims=True), columns=list("abcd"))
        return frame.assign(label=rng.choice(list("abcd"), ROWS), site=rng.choice(["x", "y", "10", "9"], ROWS))

    @pytest.mark.parametrize("ways", WAYS, ids=["default", "small chunks", "tiny chunks"])
    @pytest.mark.parametrize("by", ["site", "label"])
    def test_each_group_is_a_run_of_its_rows(self, by: str, ways: dict[str, Any]) -> None:
        frame = self.table()
        frame.to_csv("x.csv", index=False)
        result = divtool.ce("x.csv", label_col="label", by=by, measure="brier", **ways)
        groups = list(dict.fromkeys(each.group for each in result.groups))
        assert groups == (["9", "10", "x", "y"] if by == "site" else list("abcd"))
        for each in result.groups:
            keep_only(frame, by, each.group or "")
            alone = divtool.compute(each.measure, "part.csv", label_col="label", columns="a,b,c,d")[each.measure]
            assert (each.value, each.std_error, each.n) == (alone.value, alone.std_error, alone.n)
            assert each.quantiles == alone.quantiles

    def test_by_confidence_and_first_choice(self) -> None:
        frame = self.table()
        frame.to_csv("x.csv", index=False)
        result = divtool.ce("x.csv", label_col="label", by=["confidence", "prediction"])
        sure = frame[list("abcd")].max(axis=1).to_numpy()
        first = frame[list("abcd")].idxmax(axis=1)
        found = {(each.by, each.group): each.n for each in result.groups}
        for i in range(10):
            n = int(((sure > i / 10) & (sure <= (i + 1) / 10)).sum())
            assert found.get(("confidence", f"{i / 10:g} to {(i + 1) / 10:g}"), 0) == n
        assert {name: found["prediction", name] for name in "abcd"} == first.value_counts().to_dict()

    def test_a_column_of_a_file_in_another_order(self) -> None:
        frame = self.table().assign(id=[f"n{i}" for i in range(ROWS)])
        frame[["id", *"abcd"]].to_csv("x.csv", index=False)
        frame[["id", "label", "site"]].sample(frac=1.0, random_state=2).to_csv("y.csv", index=False)
        result = divtool.ce("x.csv", "y.csv", by="site", cluster="site")
        for each in result.groups:
            keep_only(frame, "site", each.group or "")
            assert each.value == divtool.ce("part.csv", label_col="label", columns="a,b,c,d").value

    def test_empty_cells_are_a_group(self) -> None:
        frame = self.table()
        frame.loc[:9, "site"] = None
        frame.to_csv("x.csv", index=False)
        result = divtool.ce("x.csv", label_col="label", by="site")
        assert {each.group: each.n for each in result.groups}["(empty)"] == 10

    @pytest.mark.parametrize(
        ("options", "said"),
        [({"by": "sitte"}, "no file has a column"), ({"cluster": "sitte"}, "no file has a column"),
         ({"by": "id"}, "more than 1,000 different")],
    )  # fmt: skip
    def test_refused(self, options: dict[str, Any], said: str) -> None:
        frame = pd.concat([self.table()] * 4).assign(id=range(4 * ROWS))
        frame.to_csv("x.csv", index=False)
        with pytest.raises((InputError, UsageError), match=said):
            divtool.ce("x.csv", label_col="label", id="none", **options)

    def test_of_every_candidate(self) -> None:
        some_files()
        result = divtool.ce("c0.npy", "c1.npy", "y.npy", by="label")
        assert {each.candidate for each in result.groups} == {"c0.npy", "c1.npy"}


class TestWorst:
    @pytest.mark.parametrize("ways", WAYS, ids=["default", "small chunks", "tiny chunks"])
    def test_rows_with_their_ids_and_labels(self, ways: dict[str, Any]) -> None:
        y = np.random.default_rng(1).choice(list("abcd"), ROWS)
        ids = [f"id{i}" for i in range(ROWS)]
        pd.DataFrame(logits(0), columns=list("abcd")).assign(id=ids).to_csv("x.csv", index=False)
        pd.DataFrame({"id": ids, "label": y}).to_csv("y.csv", index=False)
        result = divtool.ce("x.csv", "y.csv", worst=5, **ways)
        rows = np.asarray(divtool.ce("x.csv", "y.csv", reduction="none").row_values)
        order = np.argsort(-rows, kind="stable")[:5]
        assert [(each.row, each.value, each.id, each.label) for each in result.results[0].worst] == [
            (i, rows[i], f"id{i}", y[i]) for i in order.tolist()
        ]


def written(name: str) -> Any:
    return json.loads(Path(name).read_text(encoding="utf-8"))


class TestReports:
    def test_json_names_candidates_and_verdict(self) -> None:
        some_files()
        divtool.kl("ref.npy", "c0.npy", "c1.npy", output="out.json", by="prediction", fail_if=["mean>5"])
        said = written("out.json")
        assert said["candidates"] == ["c0.npy", "c1.npy"]
        assert said["verdict"]["order"] == ["c0.npy", "c1.npy"]
        assert [each["failed"] for each in said["gates"]] == [False, False]
        assert {each["group"] for each in said["groups"]} == set("0123")
