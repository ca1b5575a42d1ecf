"""``divtool fit`` on files and things in memory: what is understood, what is refused, and what is printed."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from program import run

import divtool
from divtool.cli.fitting import fit_command
from divtool.engine.fit_models import fit_models
from divtool.engine.fit_options import READING, Fitting
from divtool.errors import DivtoolError, InputError, UsageError
from divtool.options import Reading, fields_of

WORMS = Path(__file__).parents[1] / "examples" / "data" / "worms.csv"
COUNTS = {0: 5, 1: 9, 2: 4, 5: 1}
# An index that is no range says the outcomes.
SERIES = pd.Series(COUNTS)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], str]:
    """A text file of some lines, by its path."""

    def write(text: str, name: str = "x.csv") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


class TestForms:
    """The same counts in every form give the same models."""

    SAME = divtool.fit(COUNTS).models

    @pytest.mark.parametrize(
        "text",
        [
            "outcome,count\n0,5\n1,9\n2,4\n5,1\n",
            "count,outcome\n4,2\n1,5\n5,0\n9,1\n",
            "k,n\n0,5\n1,9\n2,4\n3,0\n4,0\n5,1\n",
            "count\n5\n9\n4\n0\n0\n1\n",
            "0,1,2,5\n5,9,4,1\n",
            "n0,n1,n2,n5\n5,9,4,1\n",
            "sample\n" + "0\n" * 5 + "2\n" * 4 + "5\n" + "1\n" * 9,
        ],
    )
    def test_of_text(self, text: str, file: Callable[[str], str]) -> None:
        if text.startswith("0,"):
            assert divtool.fit(file(text), header=True).models == self.SAME
        else:
            assert divtool.fit(file(text)).models == self.SAME

    @pytest.mark.parametrize(
        "thing",
        [
            np.array([[0, 5], [1, 9], [2, 4], [5, 1]]),
            SERIES.rename("count"),
            pd.DataFrame({"outcome": [5, 2, 1, 0], "count": [1, 4, 9, 5]}),
            pa.table({"outcome": [0.0, 1.0, 2.0, 5.0], "count": [5, 9, 4, 1]}),
            pd.Series([0] * 5 + [1] * 9 + [2] * 4 + [5], name="draws"),
        ],
    )
    def test_in_memory(self, thing: Any) -> None:
        chosen = {"columns": "0,1"} if isinstance(thing, np.ndarray) else {}
        assert divtool.fit(thing, **chosen).models == self.SAME

    def test_probabilities(self, file: Callable[[str], str], tmp_path: Path) -> None:
        p = [0.2, 0.3, 0.5]
        np.save(tmp_path / "p.npy", np.array(p))
        pq.write_table(pa.table({"k": [0, 1, 2], "p": p}), tmp_path / "p.parquet")
        same = divtool.fit(p).models
        for thing in (np.array([p]), tmp_path / "p.npy", tmp_path / "p.parquet", file("0.2\n0.3\n0.5\n"),
                      file("p0,p1,p2\n0.2,0.3,0.5\n"), dict(enumerate(p))):  # fmt: skip
            assert divtool.fit(thing).models == same

    def test_whole_numbers_beyond_doubles_stay_what_they_are(self, tmp_path: Path) -> None:
        pq.write_table(pa.table({"k": [0, 1], "count": [2**60 + 1, 2**60 - 1]}), tmp_path / "x.parquet")
        assert divtool.fit(tmp_path / "x.parquet").cases == 2**61
        assert divtool.fit({0: 2**60 + 1, 1: 2**60 - 1}).cases == 2**61

    def test_chunks_change_no_bit(self, file: Callable[[str], str]) -> None:
        draws = np.random.default_rng(0).poisson(40.0, 5000)
        path = file("draw\n" + "\n".join(map(str, draws.tolist())) + "\n")
        found = [fit_models(path, Fitting(), Reading(), block_bytes=size) for size in (64, 1 << 10, 1 << 22)]
        values, counts = np.unique(draws, return_counts=True)
        assert found[0] == found[1] == found[2]
        assert found[0].models == divtool.fit(dict(zip(values.tolist(), counts.tolist(), strict=True))).models

    def test_models_of_ones_own(self, file: Callable[[str], str]) -> None:
        own = file("k,p\n0,0.25\n1,0.5\n2,0.25\n", "own.csv")
        result = divtool.fit({0: 1, 1: 2, 2: 1}, family="uniform", model=own)
        assert [each.name for each in result.models] == ["own.csv", "uniform"]
        assert (result.value, result.best.reverse, result.best.free) == (0.0, 0.0, 0)
        assert divtool.fit({0: 1, 3: 2}, family="uniform", model={0: 1, 1: 2})["model 1"].infinite_at == 3


def refusal(thing: Any, **options: Any) -> str:
    with pytest.raises(DivtoolError) as caught:
        divtool.fit(thing, **options)
    assert isinstance(caught.value, InputError | UsageError)
    return str(caught.value)


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("v\n3\n2\n2\n", "--given samples, or --given counts"),
            ("k,count\n1,3\n2,-1\n", 'line 3 (row 1), column "count": the weight is -1'),
            ("k,count\n1,3\n2,nan\n", 'line 3 (row 1), column "count": the weight is NaN'),
            ("k,count\n1,3\n2,1.5\n", 'line 3 (row 1), column "count": the count 1.5 is no whole number'),
            ("k,count\n1,3\n2,\n", "--missing drop"),
            ("k,count\n1,3\n2,1\n1,4\n", 'line 4 (row 2), column "k": the outcome 1 stands twice'),
            ("k,p\n0,0.3125\n1,0.3\n", "the probabilities sum to 0.6125"),
            ("k,count\n0.5,3\n1,2\n", 'line 2 (row 0), column "k": the outcome 0.5 is no whole number'),
            ("k,count\na,3\nb,2\n", '"k" holds text'),
            ("a,b\n1,2\n3,4\n", "which holds the outcomes?"),
            ("a,b,c\n1,2,3\n3,4,5\n", "--columns OUTCOME,COUNT"),
            ("k,count\n0,0\n1,0\n", "nothing was observed"),
            ("draw\n1\n1.5\n", "sum to 2.5"),
            ("k,count\n1e17,1\n2,2\n", "out of range"),
        ],
    )
    def test_of_text(self, text: str, said: str, file: Callable[[str], str]) -> None:
        assert said in refusal(file(text))

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"family": "binomal"}, 'did you mean "binomial"'),
            ({"family": "step,step"}, "twice"),
            ({"trials": 0}, "at least 1"),
            ({"trials": 12, "family": "poisson"}, "for the family binomial"),
            ({"cut": 3, "family": "poisson"}, "for the family step"),
            ({"cut": 0}, "above 0 and up to 5"),
            ({"fix": "p"}, "NAME=VALUE"),
            ({"fix": "q=1"}, "no family to fit"),
            ({"fix": "n=9"}, "--trials N"),
            ({"fix": "p=x"}, "not a number"),
            ({"fix": "p=1.5"}, "0 to 1"),
            ({"fix": ["p=0.5", "binomial.p=0.5"]}, "given twice"),
            ({"fix": "deviation=0"}, "above 0"),
            ({"support": "5"}, "such as 0:10"),
            ({"support": "5:0"}, "such as 0:10"),
            ({"base": "1"}, "base of a logarithm"),
            ({"normalize": True}, "there are none here"),
            ({"given": "votes"}, "expected one of probs, counts, samples"),
            ({"nonsense": 1}, 'no option "nonsense"'),
            ({"model": [0.5, 0.5]}, "list"),
        ],
    )
    def test_of_options(self, options: dict[str, Any], said: str) -> None:
        assert said in refusal(COUNTS, **options)

    def test_odd_things(self) -> None:
        assert "whole numbers" in refusal({})
        assert "whole numbers" in refusal({"a": 1})
        assert "0.5 is no whole number" in refusal({0.5: 1, 1.0: 2})
        assert "dimensions" in refusal(np.zeros((2, 2, 2)))
        assert "NoneType" in refusal(None)
        assert "samples stand in one column" in refusal(np.array([[1, 2], [3, 4]]), given="samples")


class TestMeanings:
    def test_support(self) -> None:
        wide = divtool.fit(COUNTS, family="uniform,zipf,step", support="0:9")
        assert (wide.support, wide.support_given) == ((0, 9), True)
        narrow = divtool.fit(COUNTS, family="uniform,poisson", support="0:3")
        assert narrow["uniform"].infinite_at == 5
        assert narrow.notes == ("outside of the support 0 to 3: 5",)

    def test_trials_below_what_was_observed(self) -> None:
        assert divtool.fit(COUNTS, family="binomial", trials=4).best.infinite_at == 5

    def test_a_geometric_may_begin_at_1(self) -> None:
        best = divtool.fit({1: 3, 2: 1}, family="geometric").best
        assert best.parameters == {"p": 0.8}
        assert best.notes == ("counted from 1, where the support begins",)

    def test_negative_outcomes_are_infinite_for_counts(self) -> None:
        result = divtool.fit({-2: 1, 3: 4})
        assert {each.name for each in result.models if each.infinite_at == -2} == {
            "binomial", "poisson", "geometric", "negative-binomial", "zipf",
        }  # fmt: skip

    def test_fixed_parameters_are_not_counted(self) -> None:
        result = divtool.fit(COUNTS, fix=["normal.mean=1", "r=2"], family="normal,negative-binomial")
        assert (result["normal"].free, result["normal"].fixed) == (1, ("mean",))
        assert result["negative-binomial"].parameters["p"] == pytest.approx(2 / (2 + 22 / 19))


class TestOptions:
    """Every option changes what comes back, or is refused."""

    PAIRS = "k,w\n0,0.5\n1,0.25\n3,0.25\n"
    CHANGING: ClassVar[dict[str, tuple[str, Any]]] = {
        "family": (PAIRS, "uniform"),
        "model": (PAIRS, {0: 1, 1: 1, 3: 1}),
        "trials": (PAIRS, 7),
        "cut": (PAIRS, 3),
        "fix": (PAIRS, "p=0.125"),
        "support": (PAIRS, "0:4"),
        "given": ("v\n0\n2\n2\n", "counts"),
        "columns": ("a,b\n1,2\n3,4\n", "b,a"),
        "normalize": ("k,p\n0,0.3125\n1,0.3\n", True),
        "base": (PAIRS, "2"),
        "header": ("2,3,5\n5,9,4\n", True),
        "no_header": ("0,1\n5,9\n", True),
        "delimiter": ("k;count\n0;3\n1;4\n", ","),
        "input_format": (PAIRS, "npy"),
        "missing": ("k,count\n0,3\n1,4\n2,\n", "drop"),
        "concat": (PAIRS, True),
    }

    def test_none_is_left_out(self) -> None:
        assert set(self.CHANGING) == {each.name for each in fields_of(Fitting)} | set(READING)
        own = {"observed", "format", "output", "quiet", "digits"}
        assert set(inspect.signature(fit_command()).parameters) == set(self.CHANGING) | own

    @pytest.mark.parametrize("name", [name for name in CHANGING if name != "concat"])
    def test_each_matters(self, name: str, file: Callable[[str], str]) -> None:
        text, value = self.CHANGING[name]
        path = file(text)

        def outcome(**options: Any) -> object:
            try:
                result = divtool.fit(path, **options)
            except DivtoolError as error:
                return str(error)
            return replace(result, settings={})

        assert outcome() != outcome(**{name: value})

    def test_concat_makes_one_table_of_parts(self, file: Callable[[str], str], tmp_path: Path) -> None:
        file("draw\n0\n1\n", "a1.csv")
        file("draw\n1\n4\n", "a2.csv")
        assert divtool.fit(str(tmp_path / "a*.csv"), concat=True).models == divtool.fit({0: 1, 1: 2, 4: 1}).models
        assert "cannot be read" in refusal(str(tmp_path / "a*.csv"))


class TestReports:
    def test_json_holds_all_of_it(self) -> None:
        told = run(["fit", WORMS, "--base", "2", "-f", "json"]).document
        result = divtool.fit(WORMS, base="2")
        assert (told["command"], told["unit"], told["observed"]["mean"]) == ("fit", "bits", result.mean)
        assert [each["family"] for each in told["results"]] == [each.name for each in result.models]
        assert [each["loss"] for each in told["results"]] == [each.loss for each in result.models]
        assert told["results"][1]["reverse"] == "Infinity"

    def test_the_bare_number(self) -> None:
        ended = run(["fit", WORMS, "--family", "binomial", "-q"])
        assert (ended.stdout, ended.status) == (f"{divtool.fit(WORMS, family='binomial').value!r}\n", 0)

    def test_a_table_with_a_chart_that_fits(self) -> None:
        ended = run(["fit", WORMS, "-f", "table", "--digits", "4"])
        assert "Step loses least   KL(observed || model) 0.04523 nats" in ended.stdout
        chart = ended.stdout.partition("observed \u2588")[2].splitlines()[1:]
        assert len(chart) == 11
        assert max(map(len, chart)) <= 80

    def test_a_chart_in_ascii(self) -> None:
        plain = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
        assert run(["fit", WORMS, "-f", "table"], environment=plain).stdout.isascii()

    def test_a_locale_without_signs(self, tmp_path: Path) -> None:
        said = run(["fit", WORMS, "-f", "table"], environment={"LC_ALL": "C"})
        assert (said.status, said.stdout.isascii()) == (0, True)
        run(["fit", WORMS, "-o", tmp_path / "r.txt"], environment={"LC_ALL": "POSIX"})
        assert (tmp_path / "r.txt").read_bytes().isascii()

    def test_many_outcomes_share_bars(self) -> None:
        bars = divtool.fit({k: 1 + k % 7 for k in range(-20, 480)}).chart
        assert len(bars) <= 24
        assert (bars[0].first, bars[-1].last) == (-20, 479)
        assert sum(bar.observed for bar in bars) == pytest.approx(1.0, rel=1e-14)

    @pytest.mark.parametrize(
        ("name", "begin"),
        [("r.json", "{"), ("r.jsonl", '{"family"'), ("r.csv", "family,loss"), ("r.tsv", "family\tloss"),
         ("r.md", "| family"), ("r.txt", "observed")],
    )  # fmt: skip
    def test_files_by_suffix(self, name: str, begin: str, tmp_path: Path) -> None:
        assert run(["fit", WORMS, "-o", tmp_path / name]).stdout == ""
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(begin)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["-f", "xml"], "expected one of table"),
            (["--digits", "0"], "1 to 17"),
            (["-q", "-f", "json"], "--quiet"),
            (["-o", "x.xyz"], "names no form"),
        ],
    )
    def test_refused(self, arguments: list[str], said: str) -> None:
        ended = run(["fit", WORMS, *arguments])
        assert (ended.status, ended.stdout) == (2, "")
        assert said in ended.stderr

    def test_the_library_and_its_words(self) -> None:
        result = divtool.fit(WORMS, family="uniform")
        assert (float(result), result["uniform"]) == (result.value, result.best)
        assert str(result).startswith("uniform 0.1366797109496")
        assert json.dumps(result.best.loss) in repr(result)
        with pytest.raises(KeyError, match="there are uniform"):
            result["zipf"]
