"""Saved states and their merging: the bits of the single run, however its rows were cut."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from state_runs import ROWS, RUNS, forms, plain_run, states, table_run, write, write_data

import divtool
from divtool.accumulators.bundle import RowStatistics
from divtool.accumulators.extremes import Extremes
from divtool.accumulators.grouped import Grouped
from divtool.accumulators.pair_sums import PairSums
from divtool.accumulators.paired import Paired
from divtool.accumulators.quantiles import Bins, Quantiles
from divtool.accumulators.saved_fields import Fields
from divtool.accumulators.saving import restored_pairs, saved_pairs
from divtool.cli.app import app
from divtool.engine.state import State
from divtool.errors import InputError, OutputError, UsageError
from divtool.reports.rendering import render


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files to be scored."""
    return write_data(tmp_path_factory.mktemp("states"))


class TestSlices:
    @pytest.mark.parametrize("pieces", [2, 4, 7])
    @pytest.mark.parametrize("name", RUNS)
    def test_give_the_bytes_of_the_single_run(self, name: str, pieces: int, data: Path, tmp_path: Path) -> None:
        parts = states(RUNS[name], data, tmp_path, pieces, seed=pieces)
        random.Random(pieces).shuffle(parts)
        assert forms(divtool.merge(*parts)) == forms(RUNS[name](data))

    @pytest.mark.parametrize("name", RUNS)
    def test_of_slices_merge_in_any_grouping(self, name: str, data: Path, tmp_path: Path) -> None:
        one, two, three = states(RUNS[name], data, tmp_path, 3)
        for merged, of in (("12", (two, one)), ("23", (two, three))):
            divtool.merge(*of, save_state=str(tmp_path / merged))
        divtool.merge(three, str(tmp_path / "12"), save_state=str(tmp_path / "left"))
        divtool.merge(str(tmp_path / "23"), one, save_state=str(tmp_path / "right"))
        RUNS[name](data, save_state=str(tmp_path / "whole"))
        left, right, whole = ((tmp_path / each).read_bytes() for each in ("left", "right", "whole"))
        assert left == right == whole

    def test_of_binned_quantiles(self, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("divtool.engine.plan.MOST_EXACT", 70)
        parts = states(plain_run, data, tmp_path, 5)
        single = plain_run(data)
        assert single.results[0].quantile_bound > 0.0
        assert forms(divtool.merge(*parts)) == forms(single)

    @pytest.mark.parametrize("options", [{"chunk_size": 100}, {"threads": 1}, {"threads": 8, "chunk_size": 1}])
    def test_a_state_says_nothing_of_how_it_was_computed(
        self, options: dict[str, Any], data: Path, tmp_path: Path, many_parts: None
    ) -> None:
        for name, run in RUNS.items():
            run(data, save_state=str(tmp_path / "one"))
            run(data, save_state=str(tmp_path / "two"), **options)
            assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes(), name

    def test_one_state_is_its_run(self, data: Path, tmp_path: Path) -> None:
        single = table_run(data, save_state=str(tmp_path / "x"))
        assert forms(divtool.merge(str(tmp_path / "x"))) == forms(single)

    def test_of_a_stretch(self, data: Path, tmp_path: Path) -> None:
        for rows, name in (("20:60", "a"), ("60:110", "b")):
            plain_run(data, rows=rows, save_state=str(tmp_path / name))
        merged = divtool.merge(str(tmp_path / "b"), str(tmp_path / "a"))
        assert forms(merged) == forms(plain_run(data, rows="20:110"))

    def test_a_gap_is_said(self, data: Path, tmp_path: Path) -> None:
        for rows in ("0:50", "51:80", "100:"):
            plain_run(data, rows=rows, save_state=str(tmp_path / rows))
        merged = divtool.merge(*(str(tmp_path / rows) for rows in ("0:50", "100:", "51:80")))
        path = str(data / "ref.npy")
        assert merged.warnings == (
            f"row 50 of {path} is in none of the states", f"rows 80 to 99 of {path} are in none of the states"
        )  # fmt: skip
        assert merged.settings["rows"] == "0:50,51:80,100:200"
        assert merged.rows == 179

    def test_an_overlap_is_refused(self, data: Path, tmp_path: Path) -> None:
        for rows in ("0:50", "40:80"):
            plain_run(data, rows=rows, save_state=str(tmp_path / rows))
        with pytest.raises(InputError, match=r"rows 40 to 49 of .*ref\.npy are in .*0:50 as well"):
            divtool.merge(str(tmp_path / "0:50"), str(tmp_path / "40:80"))
        with pytest.raises(InputError, match="rows 0 to 49"):
            divtool.merge(str(tmp_path / "0:50"), str(tmp_path / "0:50"))


@pytest.fixture
def parts(data: Path, tmp_path: Path) -> Path:
    """The table and two arrays cut into files of 60, 90 and 50 rows, each kind in a folder."""
    lines = (data / "t.csv").read_text().splitlines(keepends=True)
    arrays = {name: np.load(data / f"{name}.npy") for name in ("p", "q")}
    for folder in ("t", "p", "q"):
        (tmp_path / folder).mkdir()
    for i, (first, stop) in enumerate(((0, 60), (60, 150), (150, 200))):
        (tmp_path / "t" / f"{i}.csv").write_text(lines[0] + "".join(lines[1 + first : 1 + stop]))
        for name, array in arrays.items():
            np.save(tmp_path / name / f"{i}.npy", array[first:stop])
    return tmp_path


class TestFiles:
    TABLE: dict[str, Any] = {"label_col": "label", "sample_weight": "w", "by": "site", "cluster": "patient", "worst": 9}  # noqa: RUF012

    @pytest.mark.parametrize("cut", ["", "slices"])
    def test_of_a_table(self, cut: str, parts: Path) -> None:
        found = []
        for i in range(3):
            for rows in ("0:20", "20:") if cut else (None,):
                found.append(str(parts / f"{i}{rows}.json"))
                divtool.ce(str(parts / "t" / f"{i}.csv"), rows=rows, save_state=found[-1], **self.TABLE)
        merged, whole = divtool.merge(*found), divtool.ce(str(parts / "t"), **self.TABLE)
        for form in ("tsv", "csv"):
            assert render(merged, form) == render(whole, form)
        assert merged.results[0].worst == whole.results[0].worst
        assert [(each.group, each.value, each.worst) for each in merged.groups] == [
            (each.group, each.value, each.worst) for each in whole.groups
        ]
        assert merged.inputs[0].rows == ROWS
        assert merged.inputs[0].origin == "3 parts"

    def test_of_arrays_with_infinities(self, parts: Path) -> None:
        found = [str(parts / f"{i}.json") for i in range(3)]
        for i, path in enumerate(found):
            divtool.kl(str(parts / "p" / f"{i}.npy"), str(parts / "q" / f"{i}.npy"), save_state=path)
        whole = divtool.kl(str(parts / "p"), str(parts / "q"))
        assert whole.results[0].infinite > 0
        assert render(divtool.merge(*found), "tsv") == render(whole, "tsv")
        assert divtool.merge(*found)["kl"].first_infinite == whole["kl"].first_infinite
        left = divtool.merge(*found[:2], save_state=str(parts / "01.json"))
        assert left.rows == 150
        assert render(divtool.merge(str(parts / "01.json"), found[2]), "tsv") == render(whole, "tsv")
        divtool.merge(*found[1:], save_state=str(parts / "12.json"))
        assert render(divtool.merge(found[0], str(parts / "12.json")), "tsv") == render(whole, "tsv")

    def test_in_another_order_than_before(self, parts: Path) -> None:
        found = [str(parts / f"{i}.json") for i in range(3)]
        for i, path in enumerate(found):
            rows = "0:30" if i == 2 else None
            divtool.kl(str(parts / "p" / f"{i}.npy"), str(parts / "q" / f"{i}.npy"), rows=rows, save_state=path)
        divtool.kl(str(parts / "p" / "2.npy"), str(parts / "q" / "2.npy"), rows="30:", save_state=str(parts / "rest"))
        divtool.merge(found[0], str(parts / "rest"), save_state=str(parts / "mixed"))
        with pytest.raises(InputError, match="in another order"):
            divtool.merge(found[2], found[1], str(parts / "mixed"))

    def test_of_one_name(self, parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        found = []
        for i in range(2):
            (parts / f"machine{i}").mkdir()
            monkeypatch.chdir(parts / f"machine{i}")
            np.save("x.npy", np.load(parts / "p" / f"{i}.npy")[:50])
            found.append(str(parts / f"machine{i}" / "state.json"))
            divtool.entropy("x.npy", save_state=found[-1])
        with pytest.raises(InputError, match="as well") as caught:
            divtool.merge(*found)
        assert "--separate" in caught.value.hint
        merged = divtool.merge(*found, separate=True)
        assert merged.rows == 100
        assert not merged.warnings

    def test_that_share_a_file(self, data: Path, tmp_path: Path) -> None:
        for name in "ab":
            divtool.kl(str(data / "ref.npy"), str(data / f"{name}.npy"), save_state=str(tmp_path / name))
        with pytest.raises(InputError, match=r"they share .*ref\.npy, and are not the same"):
            divtool.merge(str(tmp_path / "a"), str(tmp_path / "b"))


class TestOtherRuns:
    """Parts of different runs are refused, with both files and what differs."""

    DIFFERENT: dict[str, tuple[dict[str, Any], str]] = {  # noqa: RUF012
        "measures": ({"measure": "js"}, "measures"),
        "options": ({"measure": "js,renyi:order=3"}, "measures"),
        "base": ({"base": "2"}, "base"),
        "temperature": ({"temperature": 2.0}, "settings temperature"),
        "groups": ({"by": "prediction"}, "settings groups prediction, there"),
        "worst": ({"worst": 2}, "number of worst rows"),
        "classes": ({"vocab": 3}, "vocab"),
    }

    @pytest.mark.parametrize("what", DIFFERENT)
    def test_are_refused(self, what: str, data: Path, tmp_path: Path) -> None:
        options, said = self.DIFFERENT[what]
        files = [str(data / "ref.npy"), str(data / "a.npy")]
        usual = {"measure": "js,renyi:order=inf"}
        divtool.kl(*files, rows="0:50", save_state=str(tmp_path / "one"), **usual)
        divtool.kl(*files, rows="50:", save_state=str(tmp_path / "two"), **(usual | options))
        with pytest.raises(InputError, match=said) as caught:
            divtool.merge(str(tmp_path / "one"), str(tmp_path / "two"))
        assert "one" in str(caught.value)
        assert "two" in str(caught.value)

    @pytest.mark.parametrize("field", ["kernels", "divtool", "command"])
    def test_of_other_programs(self, field: str, data: Path, tmp_path: Path) -> None:
        one, two = states(plain_run, data, tmp_path, 2)
        document = json.loads(Path(two).read_text())
        document["run"][field] = "other"
        write(Path(two), document)
        with pytest.raises(InputError, match="other"):
            divtool.merge(one, two)
        if field == "divtool":
            with pytest.raises(InputError, match="was made by divtool other"):
                divtool.merge(two)

    def test_other_candidates(self, data: Path, tmp_path: Path) -> None:
        ref, *files = (str(data / f"{name}.npy") for name in ("ref", "a", "b", "c"))
        divtool.compare(ref, *files[:2], rows="0:50", save_state=str(tmp_path / "one"))
        divtool.compare(ref, *files[1:], rows="50:", save_state=str(tmp_path / "two"))
        with pytest.raises(InputError, match=r"candidates b\.npy, c\.npy, there a\.npy, b\.npy"):
            divtool.merge(str(tmp_path / "one"), str(tmp_path / "two"))


class TestPairs:
    """Rows that are compared, also where they are too many to keep."""

    @pytest.mark.parametrize("budget", [10, 1 << 20])
    @pytest.mark.parametrize("clusters", [False, True])
    def test_come_back(self, clusters: bool, budget: int) -> None:
        numbers = np.random.default_rng(5)
        values = numbers.normal(size=(50, 3))
        values[7, 1], values[9, 0], values[3, 2] = np.inf, -np.inf, np.nan
        names = [f"c{i % 7}" for i in range(50)] if clusters else None
        if clusters and budget < 200:
            pytest.skip("rows in clusters are kept or refused")
        paired = Paired(3, budget)
        paired.update(np.arange(50)[::-1].copy(), values, numbers.random(50), names)
        back = restored_pairs(Fields(json.loads(json.dumps(saved_pairs(paired))), "pairs"))
        whole, again = paired.present(), back.present()
        for i, j in ((0, 1), (0, 2), (1, 2)):
            assert repr(again.difference(i, j, 0.9)) == repr(whole.difference(i, j, 0.9))
            assert repr(again.drawn_each([(i, j)], 50, 1, 0.9)[0]) == repr(whole.drawn_each([(i, j)], 50, 1, 0.9)[0])


class TestCompleteness:
    """Whoever teaches an accumulator something more must teach the states as well."""

    @pytest.mark.parametrize(
        ("thing", "known"),
        [
            (State(()), "statistics rows ignored dropped normalized rounded missing first_missing beyond groups paired"
             " batches ids"),
            (RowStatistics(), "moments quantiles extremes"), (Quantiles(), "budget n values bins"), (Bins(), "pages"),
            (Extremes(), "keep lowest negated first_infinite first_nan"), (Grouped(), "by groups _waiting _rows"),
            (Paired(1), "columns budget n waiting pieces sums codes"), (PairSums(1), "columns n whole odd above"),
        ],
        ids=lambda each: type(each).__name__,
    )  # fmt: skip
    def test_nothing_is_left_out(self, thing: Any, known: str) -> None:
        assert set(vars(thing)) == set(known.split())


class TestCommands:
    def test_merge(self, data: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        found = states(plain_run, data, tmp_path, 3)
        single = plain_run(data)
        app(["merge", *found, "-f", "tsv"], standalone_mode=False)
        assert capfdbinary.readouterr().out == str(render(single, "tsv")).encode()
        app(["merge", str(tmp_path / "part3-0-*.json"), "-o", str(tmp_path / "out.csv")], standalone_mode=False)
        assert (tmp_path / "out.csv").read_text() == render(single, "csv")
        app(["merge", *found, "-q"], standalone_mode=False)
        assert float(capfdbinary.readouterr().out) == single.value

    def test_gates(self, data: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        found = states(plain_run, data, tmp_path, 2)
        arguments = ["merge", *found, "-f", "tsv"]
        assert app([*arguments, "--fail-if", "mean>1e6"], standalone_mode=False) == 0
        assert app([*arguments, "--fail-if", "mean>0", "--fail-if", "js.max<0"], standalone_mode=False) == 1
        assert b"failed" in capfdbinary.readouterr().err
        with pytest.raises(UsageError, match="tv"):
            divtool.merge(*found, fail_if="tv>1")

    def test_outputs(self, data: Path, tmp_path: Path) -> None:
        found = states(plain_run, data, tmp_path, 2)
        before = Path(found[0]).read_bytes()
        with pytest.raises(UsageError, match="the output is also an input"):
            divtool.merge(*found, save_state=found[0])
        with pytest.raises(UsageError, match="name the same file"):
            divtool.merge(*found, save_state=str(tmp_path / "x"), output=str(tmp_path / "x"))
        with pytest.raises(UsageError, match="name the same file"):
            plain_run(data, save_state=str(tmp_path / "x.json"), output=str(tmp_path / "x.json"))
        with pytest.raises(UsageError, match="the output is also an input"):
            plain_run(data, save_state=str(data / "a.npy"))
        with pytest.raises(OutputError, match="does not exist"):
            plain_run(data, save_state=str(tmp_path / "nowhere" / "x"))
        assert Path(found[0]).read_bytes() == before

    def test_where_there_is_nothing_to_keep(self, data: Path, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="--reduction none gives its rows"):
            plain_run(data, save_state=str(tmp_path / "x"), reduction="none")
        with pytest.raises(UsageError, match="--save-state keeps one run"):
            divtool.entropy(str(data / "a.npy"), str(data / "b.npy"), save_state=str(tmp_path / "x"))
        with pytest.raises(UsageError, match="merge takes the states"):
            divtool.merge()
        assert not (tmp_path / "x").exists()
