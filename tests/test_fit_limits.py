"""``divtool fit`` at its limits: parameters fixed to anything, counts beyond doubles, families that are too large, and
a column of weights that stands beside its outcomes."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import mpmath as mp
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from program import run

import divtool
from divtool.errors import DivtoolError, InputError, ResourceError, UsageError
from divtool.findings import FittedModel
from divtool.measures.models import MODELS

TWO = {0: 3, 5: 10}
LIMITS = ("0", "1", "5e-324", "1e-320", "1e-310", "1e-160", repr(1 - 2.0**-53), "1e160", "1e308", "-1e308", "1e-400")


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    """A text file, by its path."""

    def write(text: str, name: str = "x.csv") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


def fixed(thing: Any, family: str, **values: str) -> FittedModel:
    return divtool.fit(thing, family=family, fix=[f"{name}={value}" for name, value in values.items()]).best


def ways(names: tuple[str, ...]) -> list[dict[str, str]]:
    """Each parameter alone at each limit, and all of them at all pairs of limits."""
    values = itertools.product((None, *LIMITS), repeat=len(names))
    return [{name: value for name, value in zip(names, each, strict=True) if value is not None} for each in values]


class TestFixedParameters:
    """A number, an infinity with its outcome, or a refusal that says the range: in silence, without a warning."""

    @pytest.mark.parametrize("family", [each.name for each in MODELS if each.fixable])
    @pytest.mark.parametrize("counts", [TWO, {0: 4}, {-3: 2, 4: 2**62}], ids=str)
    def test_at_every_limit(self, family: str, counts: dict[int, int]) -> None:
        for values in ways(MODELS.get(family).fixable):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                try:
                    found = fixed(counts, family, **values)
                except UsageError:
                    continue
            numbers = [
                found.loss,
                found.log_likelihood,
                found.aic,
                found.bic,
                found.p_value,
                *found.parameters.values(),
            ]
            assert not any(number is not None and math.isnan(number) for number in numbers), values
            assert found.loss >= 0.0
            assert (found.loss == math.inf) == (found.infinite_at is not None), values
            assert set(values) <= set(found.fixed) or found.infinite_at is not None or not found.parameters

    @pytest.mark.parametrize(
        ("family", "values", "at"),
        [
            ("negative-binomial", {"p": "0"}, 0),
            ("negative-binomial", {"r": "2", "p": "0"}, 0),
            ("geometric", {"p": "0"}, 0),
            ("binomial", {"p": "0"}, 5),
            ("poisson", {"lambda": "0"}, 5),
            ("step", {"p": "0"}, 5),
            ("negative-binomial", {"p": "1"}, 5),
            ("negative-binomial", {"r": "2", "p": "1"}, 5),
            ("geometric", {"p": "1"}, 5),
        ],
    )
    def test_what_rules_out_is_infinite_there(self, family: str, values: dict[str, str], at: int) -> None:
        found = fixed(TWO, family, **values)
        assert (found.loss, found.infinite_at, found.p_value, found.fixed) == (math.inf, at, 0.0, tuple(values))

    @pytest.mark.parametrize("p", ["5e-324", "1e-320", "1e-310", "1e-300", "1e-61", "1e-59", "0.3", repr(1 - 2.0**-53)])
    @pytest.mark.parametrize("r", ["1e-280", "1e-3", "2.5", "1e16"])
    def test_negative_binomial_against_mpmath(self, p: str, r: str) -> None:
        found = fixed(TWO, "negative-binomial", r=r, p=p).loss
        with mp.workdps(400):
            s, q = mp.mpf(float(r)), mp.mpf(float(p))
            logs = [
                mp.loggamma(k + s) - mp.loggamma(s) - mp.loggamma(k + 1) + s * mp.log(q) + k * mp.log1p(-q) for k in TWO
            ]
            shares = [mp.mpf(n) / 13 for n in TWO.values()]
            true = mp.fsum(share * (mp.log(share) - log) for share, log in zip(shares, logs, strict=True))
            assert abs(found - true) < 1e-14 * (true + mp.sqrt(true))

    def test_a_slight_p_loses_about_as_much_as_a_slighter_one(self) -> None:
        first, second, third = (fixed(TWO, "negative-binomial", p=p).loss for p in ("1e-300", "1e-310", "1e-320"))
        assert first == pytest.approx(6.696, abs=1e-3)
        assert first < second < third < first + 0.1

    @pytest.mark.parametrize("mean", [-(2.0**53), 2.0**53])
    def test_a_far_mean_takes_a_deviation_as_large(self, mean: float) -> None:
        found = fixed({0: 3, 1: 10}, "normal", mean=repr(mean))
        assert found.parameters["deviation"] == pytest.approx(2.0**53, rel=1e-12)

    @pytest.mark.parametrize(
        ("value", "said"),
        [("mean=1e200", "from -2^53 to 2^53"), ("deviation=1e-160", "from 2^-20 to 2^53"), ("r=1e308", "to 1e30"),
         ("lambda=1e160", "up to 2^53"), ("p=1e-400", "0 to 1"), ("p=1e-999999999", "not a number"),
         ("p=0." + "9" * 40, "0 to 1"), ("mean=" + "9" * 9999, "not a number")],
    )  # fmt: skip
    def test_ranges_are_said(self, value: str, said: str) -> None:
        with pytest.raises(UsageError, match=said.replace("^", r"\^")):
            divtool.fit(TWO, fix=value)

    @pytest.mark.parametrize("options", [{"trials": "1" * 5000}, {"support": "0:" + "1" * 5000}, {"cut": "9" * 5000}])
    def test_numbers_without_end(self, options: dict[str, str]) -> None:
        with pytest.raises(UsageError, match=r"2\^52"):
            divtool.fit(TWO, **options)

    def test_all_at_0_keeps_what_is_fixed(self) -> None:
        assert fixed({0: 4}, "negative-binomial", p="0.25").parameters == {"r": 0.0, "p": 0.25}
        assert fixed({0: 4}, "negative-binomial", r="3").parameters == {"r": 3.0, "p": 1.0}

    def test_nothing_on_standard_error(self, file: Callable[..., str]) -> None:
        ended = run(["fit", file("k,count\n0,3\n5,10\n"), "--family", "negative-binomial", "--fix", "p=1", "-q"])
        assert (ended.status, ended.stdout, ended.stderr) == (0, "inf\n", "")


class TestExactCounts:
    """No case is lost: 2^53 + 1 is what it is, or is refused."""

    @pytest.mark.parametrize(
        ("text", "name", "cases"),
        [
            ("k,count\n0,9007199254740993\n1,3\n", "x.csv", 2**53 + 4),
            ("k,count\n1,3\n0,9007199254740992\n", "x.csv", 2**53 + 3),
            ("k,count\n0,18446744073709551617\n1,3\n", "x.csv", 2**64 + 4),
            ("count\n9007199254740993\n3\n", "x.csv", 2**53 + 4),
            ("n0,n1\n9007199254740993,3\n", "x.csv", 2**53 + 4),
            ('{"k":0,"count":9007199254740993}\n{"k":1,"count":3}\n', "x.jsonl", 2**53 + 4),
        ],
    )
    def test_of_text(self, text: str, name: str, cases: int, file: Callable[..., str]) -> None:
        assert divtool.fit(file(text, name), family="uniform").cases == cases

    def test_of_rows_that_are_left_out(self, file: Callable[..., str]) -> None:
        path = file("k,count\n0,1\n,4\n2,\n3,9007199254740993\n")
        assert divtool.fit(path, family="uniform", missing="drop").cases == 2**53 + 2

    def test_of_a_row_of_integers(self, tmp_path: Path) -> None:
        pq.write_table(pa.table({"0": [2**60 + 1], "1": [3], "2": [5]}), tmp_path / "x.parquet")
        assert divtool.fit(tmp_path / "x.parquet", family="uniform").cases == 2**60 + 9

    @pytest.mark.parametrize(
        "text",
        ["k,count\n0,9007199254740993.0\n1,3\n", "k,count\n0,0.0e0\n1,9007199254740992\n", "k,count\n0,1e16\n1,3\n"],
    )
    def test_of_floats_are_refused(self, text: str, file: Callable[..., str]) -> None:
        with pytest.raises(InputError, match="may have lost digits as a double"):
            divtool.fit(file(text))
        with pytest.raises(InputError, match="may have lost digits"):
            divtool.fit({0: 2.0**53, 1: 3.0})
        assert divtool.fit({0: 2.0**53 - 1.0, 1: 3.0}, family="uniform").cases == 2**53 + 2


class TestHugeCells:
    """Cells that are no probabilities and no outcomes are refused by what they are, without a warning."""

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("k,p\n0,1e308\n1,1e308\n2,0.5\n", "sum to"),
            ("0,0.5\n1,inf\n2,inf\n", "inf"),
            ("a,b\n1,inf\n2,inf\n3,4\n", "inf"),
            ("k,p\n0,1e308\n1,1e308\n", "double"),
            ("n0,n99999999999999999999\n3,4\n", "out of range"),
        ],
    )
    def test_are_refused(self, text: str, said: str, file: Callable[..., str]) -> None:
        with pytest.raises(DivtoolError, match=said):
            divtool.fit(file(text), header=None)


class TestTooLarge:
    FAR: ClassVar[dict[int, int]] = {0: 1, 2**52: 3}

    def test_one_of_several_is_left_out(self) -> None:
        found = divtool.fit(self.FAR, family="uniform,zipf")
        assert [each.name for each in found.models] == ["uniform"]
        assert found.notes[0].startswith("zipf is left out: a Zipf distribution over 4,503,599,627,370,497 ranks")

    def test_one_alone_is_refused(self, file: Callable[..., str]) -> None:
        with pytest.raises(ResourceError, match="is not fitted"):
            divtool.fit(self.FAR, family="zipf")
        ended = run(["fit", file(f"k,count\n0,1\n{2**52},3\n"), "--family", "zipf"])
        assert (ended.status, ended.stdout) == (4, "")

    def test_a_model_of_ones_own_is_left(self) -> None:
        found = divtool.fit(self.FAR, family="zipf", model=self.FAR)
        assert [each.name for each in found.models] == ["model 1"]


class TestBesideOutcomes:
    """A column of weights that is named alone has the outcomes that stand beside it."""

    @pytest.mark.parametrize(
        ("text", "named", "what"),
        [("k,count\n5,3\n9,10\n", ":count", "count"), ("k,p\n5,0.3\n9,0.7\n", ":p", "p"),
         ("count,text,k\n3,a,5\n10,b,9\n", ":count", "count"), ("k,count\n9,10\n5,3\n", "", "count")],
    )  # fmt: skip
    def test_are_taken_and_said(self, text: str, named: str, what: str, file: Callable[..., str]) -> None:
        path = file(text)
        found = divtool.fit(path + named, family="uniform", **({} if named else {"columns": what}))
        assert found.support == (5, 9)
        assert found.inputs[0].evidence == f'outcomes in "k", which stands beside the weights in "{what}"'

    def test_given_takes_the_column_alone(self, file: Callable[..., str]) -> None:
        found = divtool.fit(file("k,count\n5,3\n9,10\n") + ":count", family="uniform", given="counts")
        assert found.support == (0, 1)
        assert found.inputs[0].evidence == "as given, of the outcomes 0, 1, 2, ..."

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("k,day,count\n5,1,3\n9,2,10\n", "name both, as in --columns k,count; --given counts"),
            ("k,count\n5,3\n5,10\n", 'numbers repeat in "k" beside it'),
        ],
    )
    def test_are_asked_for(self, text: str, said: str, file: Callable[..., str]) -> None:
        with pytest.raises(DivtoolError) as caught:
            divtool.fit(file(text) + ":count")
        assert said in str(caught.value)

    def test_fractions_beside_are_no_outcomes(self, file: Callable[..., str]) -> None:
        found = divtool.fit(file("a,b\n0.25,0.5\n0.75,0.5\n") + ":b", family="uniform")
        assert (found.support, found.value) == ((0, 1), 0.0)
