"""Whether the winner of a fit fits: the G-test against mpmath, its cells, its edges, and how it is shown."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from program import run

import divtool
from divtool.errors import DivtoolError
from divtool.findings import FitResult
from divtool.reports import fitted
from divtool.reports.table import drawn

# Bortkewitsch, L. von (1898), Das Gesetz der kleinen Zahlen: deaths by horse kicks in a corps and year.
KICKS = {0: 109, 1: 65, 2: 22, 3: 3, 4: 1}


def g_test(counts: dict[int, int], masses: dict[int, Any], degrees: int) -> Any:
    """The p-value by mpmath, from the formula of the textbook."""
    cases = mpmath.mpf(sum(counts.values()))
    statistic = 2 * mpmath.fsum(n * mpmath.log(n / (cases * masses[k])) for k, n in counts.items() if n)
    return mpmath.gammainc(mpmath.mpf(degrees) / 2, statistic / 2, regularized=True)


class TestAgainstMpmath:
    @pytest.mark.parametrize("scale", [1, 30, 10**7])
    def test_poisson(self, scale: int) -> None:
        counts = {k: n * scale for k, n in KICKS.items()}
        with mpmath.workdps(60):
            rate = mpmath.mpf(122) / 200
            masses = {k: mpmath.exp(-rate) * rate**k / mpmath.factorial(k) for k in counts}
            wanted = g_test(counts, masses, 4)
            log10 = float(mpmath.log10(wanted))
        found = divtool.fit(counts, family="poisson").best
        # Five outcomes and all others together are six cells; one parameter was found.
        assert (found.degrees_of_freedom, found.expected) == (4, 4 / (2 * 200 * scale))
        assert found.log10_p_value == pytest.approx(log10, rel=1e-12, abs=1e-13)
        assert found.p_value == pytest.approx(float(wanted), rel=1e-9)

    def test_uniform_counts_what_nobody_threw(self) -> None:
        die = {1: 21, 2: 15, 3: 20, 4: 0, 5: 19, 6: 25}
        with mpmath.workdps(40):
            wanted = float(g_test(die, dict.fromkeys(die, mpmath.mpf(1) / 6), 5))
        found = divtool.fit(die, family="uniform").best
        assert (found.degrees_of_freedom, found.rough) == (5, False)
        assert found.p_value == pytest.approx(wanted, rel=1e-13)

    def test_expected_is_what_true_models_lose_on_average(self) -> None:
        draws = np.random.default_rng(5).multinomial(500, [0.25] * 4, size=400)
        found = [divtool.fit(dict(enumerate(row.tolist())), family="uniform").best for row in draws]
        assert np.mean([each.loss for each in found]) == pytest.approx(found[0].expected, rel=0.15)
        assert np.mean([(each.p_value or 0.0) < 0.1 for each in found]) == pytest.approx(0.1, abs=0.05)

    def test_in_the_unit_of_the_loss(self) -> None:
        nats, bits = (divtool.fit(KICKS, family="poisson", base=base).best for base in ("e", "2"))
        assert bits.expected == pytest.approx((nats.expected or 0.0) / math.log(2.0), rel=1e-15)
        assert (bits.p_value, bits.log10_p_value) == (nats.p_value, nats.log10_p_value)


class TestCells:
    """The outcomes of the support that have mass, those observed, and the mass elsewhere."""

    @pytest.mark.parametrize(
        ("options", "degrees"),
        [
            ({"family": "uniform"}, 4),
            ({"family": "uniform", "support": "0:9"}, 9),
            ({"family": "poisson"}, 4),
            ({"family": "poisson", "support": "0:9"}, 9),
            ({"family": "poisson", "support": "0:2"}, 4),
            ({"family": "poisson", "fix": "lambda=0.5"}, 5),
            ({"family": "normal"}, 3),
            ({"family": "binomial"}, 3),
            ({"family": "binomial", "trials": 9}, 4),
            ({"family": "step"}, 2),
            ({"family": "step", "cut": 1}, 3),
        ],
    )
    def test_of_families(self, options: dict[str, Any], degrees: int) -> None:
        assert divtool.fit(KICKS, **options).best.degrees_of_freedom == degrees

    @pytest.mark.parametrize(
        ("model", "degrees"),
        [
            (dict.fromkeys(range(5), 0.2), 4),
            (dict.fromkeys(range(10), 0.1), 5),
            (dict.fromkeys([0, 1, 2, 3, 4, 7], 0.15), 5),
            (dict.fromkeys(range(5), 0.15), 5),
        ],
    )
    def test_of_tables(self, model: dict[int, float], degrees: int) -> None:
        if len(model) == 6:
            model = {**model, 0: 0.25}
        found = divtool.fit(KICKS, family="uniform", model=model)["model 1"]
        assert (found.degrees_of_freedom, found.free) == (degrees, 0)


class TestEdges:
    def test_probabilities_have_no_test(self) -> None:
        best = divtool.fit([0.5, 0.25, 0.25]).best
        assert {best.expected, best.p_value, best.log10_p_value, best.degrees_of_freedom, best.rough} == {None}

    @pytest.mark.parametrize(
        ("counts", "family"), [({3: 9}, "uniform"), ({0: 4, 1: 7}, "step"), ({0: 4, 1: 7}, "normal")]
    )
    def test_without_degrees_of_freedom(self, counts: dict[int, int], family: str) -> None:
        best = divtool.fit(counts, family=family).best
        assert (best.degrees_of_freedom, best.expected, best.p_value, best.log10_p_value) == (0, 0.0, None, None)

    @pytest.mark.parametrize("family", ["poisson", "zipf"])
    def test_what_is_ruled_out_has_a_chance_of_0(self, family: str) -> None:
        best = divtool.fit({-1: 5, 3: 40}, family=family).best
        assert (best.p_value, best.log10_p_value) == (0.0, -math.inf)

    def test_a_table_that_rules_out(self) -> None:
        found = divtool.fit(KICKS, family="uniform", model={0: 0.5, 1: 0.5})["model 1"]
        assert (found.infinite_at, found.p_value, found.log10_p_value) == (2, 0.0, -math.inf)

    def test_a_perfect_fit(self) -> None:
        best = divtool.fit({0: 50, 1: 50}, family="uniform").best
        assert (best.loss, best.p_value, math.copysign(1.0, best.log10_p_value or 0.0)) == (0.0, 1.0, 1.0)

    def test_beyond_doubles_the_logarithm_goes_on(self) -> None:
        best = divtool.fit({0: 10**13, 1: 3 * 10**13}, family="uniform").best
        assert best.p_value == 0.0
        # Q(1/2, x/2) is about exp(-x/2) / sqrt(pi x/2).
        half = 4e13 * best.loss_nats
        wanted = -(half + 0.5 * math.log(math.pi * half)) / math.log(10.0)
        assert best.log10_p_value == pytest.approx(wanted, rel=1e-13)

    @pytest.mark.parametrize(
        ("counts", "rough"),
        [
            (dict.fromkeys(range(5), 5), False),
            (dict.fromkeys(range(5), 4), True),
            ({0: 100, 4: 1}, False),
            ({0: 10**14, 2**40: 1}, True),
            ({0: 2**62, 1: 2**62}, False),
            ({0: 1, 2**52: 1}, True),
        ],
    )
    def test_rough(self, counts: dict[int, int], rough: bool) -> None:
        assert divtool.fit(counts, family="uniform").best.rough is rough

    def test_fewer_cases_than_cells_are_not_tested(self) -> None:
        few, enough = (divtool.fit({0: 2, 9: n}, family="uniform").best for n in (7, 8))
        assert (few.expected, few.p_value, few.log10_p_value, few.degrees_of_freedom) == (None, None, None, 9)
        assert (enough.expected, enough.rough) == (9 / 20, True)
        ruled_out = divtool.fit({0: 1, 9: 1}, family="uniform", support="0:5").best
        assert (ruled_out.p_value, ruled_out.log10_p_value) == (0.0, -math.inf)

    def test_rough_is_more_than_one_cell_in_five(self) -> None:
        model = {0: 0.32, 1: 0.32, 2: 0.32, 3: 0.03, 4: 0.01}
        one = divtool.fit({0: 80, 1: 80, 2: 80, 3: 8, 4: 2}, family="uniform", model=model)["model 1"]
        two = divtool.fit({0: 32, 1: 32, 2: 32, 3: 3, 4: 1}, family="uniform", model=model)["model 1"]
        assert (one.rough, two.rough) == (False, True)


class TestPartialModels:
    """A table of one's own that does not list all of its mass."""

    def test_is_taken_as_it_is(self) -> None:
        listed = {0: 0.5, 1: 0.25, 2: 0.125}
        found = divtool.fit({0: 4, 1: 2, 2: 2}, family="uniform", model=listed)
        wanted = 0.25 * math.log(2.0)
        own = found["model 1"]
        assert own.loss == pytest.approx(wanted, rel=1e-14)
        assert (own.reverse, own.reverse_infinite_at, own.degrees_of_freedom) == (math.inf, None, 3)
        (note,) = found.notes
        assert note.startswith("model 1: the probabilities sum to 0.875; the rest was taken to lie outside")

    def test_normalize_divides(self) -> None:
        listed = {0: 0.5, 1: 0.25, 2: 0.125}
        own = divtool.fit({0: 4, 1: 2, 2: 1}, family="uniform", model=listed, normalize=True)["model 1"]
        assert (own.loss, own.reverse) == (0.0, 0.0)

    def test_what_it_does_not_list_is_said(self) -> None:
        own = divtool.fit({0: 4, 3: 2}, family="uniform", model={0: 0.5, 1: 0.25})["model 1"]
        assert (own.infinite_at, own.notes) == (3, ("what it gives to 3 is not listed, and taken as 0",))

    @pytest.mark.parametrize(
        ("model", "said"),
        [
            ({0: 0.25, 1: 0.125}, "sum to 0.375; expected 1 +- 0.001, or at least 0.5"),
            ({0: 0.75, 1: 0.75}, "sum to 1.5; expected 1 +- 1e-06\n"),
        ],
    )
    def test_less_than_a_half_is_refused(self, model: dict[int, float], said: str) -> None:
        with pytest.raises(DivtoolError) as caught:
            divtool.fit({0: 4, 1: 2}, model=model)
        assert said in str(caught.value)
        assert "--normalize" in str(caught.value)

    def test_what_was_observed_must_be_all(self) -> None:
        with pytest.raises(DivtoolError, match=r"sum to 0\.875; expected 1 \+- [^,]*$"):
            divtool.fit({0: 0.5, 1: 0.25, 2: 0.125})


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """A file x.csv in the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> str:
        Path("x.csv").write_text(text, encoding="utf-8")
        return "x.csv"

    return write


CALLS = "hour,calls\n0,3\n1,2\n0,4\n1,2\n"


class TestHints:
    @pytest.mark.parametrize(
        ("text", "named", "options", "hint"),
        [
            (CALLS, "", {}, "to count those of one: --columns calls --given samples"),
            (CALLS, "", {"columns": "hour,calls"}, "--columns calls --given samples"),
            (CALLS, "", {"given": "samples"}, "--columns calls --given samples"),
            (CALLS, ":calls", {}, "no other column can hold its outcomes; to count its values: --given samples"),
            ("day,calls\na,3\nb,2\nc,2\n", ":calls", {}, "to count its values: --given samples"),
            ("hour,calls\n3,1\n2,5\n0,5\n", ":calls", {}, "--columns hour,calls, or --given samples"),
            ("hour,calls\n3,1\n,5\n0,5\n", ":calls", {}, "to count its values: --given samples"),
            ("a,b\n3,1\n1,2\n2,2\n", "", {}, "--columns a,b"),
            ("a,b\n1,3\n2,1\n2,2\n", "", {}, "--columns b,a"),
            ("a,b\n1,3\n2,5\n4,9\n", "", {}, "--columns a,b or --columns b,a"),
        ],
    )
    def test_show_what_works(
        self, text: str, named: str, options: dict[str, Any], hint: str, file: Callable[[str], str]
    ) -> None:
        path = file(text)
        with pytest.raises(DivtoolError) as caught:
            divtool.fit(path + named, **options)
        assert hint in str(caught.value)

    def test_what_is_shown_for_samples_works(self, file: Callable[[str], str]) -> None:
        found = divtool.fit(file(CALLS), columns="calls", given="samples")
        assert found.models == divtool.fit({3: 1, 2: 2, 4: 1}).models

    @pytest.mark.parametrize(
        ("name", "meant"),
        [("nb", "negative-binomial"), ("nbinom", "negative-binomial"), ("pois", "poisson"), ("geom", "geometric"),
         ("unif", "uniform"), ("binom", "binomial"), ("gauss", "normal"), ("Gaussian", "normal"),
         ("power-law", "zipf"), ("power_law", "zipf")],
    )  # fmt: skip
    def test_names_of_other_programs(self, name: str, meant: str) -> None:
        with pytest.raises(DivtoolError, match=f'"{meant}"'):
            divtool.fit(KICKS, family=name)

    def test_a_sum_names_its_file(self, file: Callable[[str], str]) -> None:
        path = file("k,p\n0,0.333\n1,0.333\n2,0.333\n")
        (note,) = divtool.fit(path).notes
        assert note == "x.csv: the probabilities sum to 0.999, as rounded ones may, and were divided by it"
        assert divtool.fit({0: 1, 1: 1, 2: 1}, model=path).notes == (note,)


def shown(result: FitResult, width: int) -> str:
    return drawn(lambda room: fitted._pieces(result, 7, room, ascii_only=True), terminal=False, width=width)


class TestTable:
    RESULT = divtool.fit(KICKS)

    def test_a_narrow_one_says_what_it_leaves_out(self) -> None:
        text = shown(self.RESULT, 80)
        assert "not shown: in bits, reverse, AIC, BIC (a wider screen, or -f tsv)" in text
        assert "infinite where a model gives mass to what was not observed" not in text
        assert max(map(len, text.splitlines())) <= 80
        (line,) = (line for line in text.splitlines() if line.startswith("poisson"))
        assert line.split() == ["poisson", "lambda", "0.61", "0.002170554", "0.01", "~0.929"]

    def test_a_wide_one_leaves_nothing_out(self) -> None:
        text = shown(self.RESULT, 200)
        assert "not shown" not in text
        assert "infinite where a model gives mass to what was not observed: poisson at 5" in text
        head = "family parameters loss by chance p in bits reverse AIC BIC"
        assert head in [" ".join(line.split()) for line in text.splitlines()]

    def test_the_same_reason_is_said_once(self) -> None:
        text = shown(divtool.fit(KICKS, family="poisson,geometric,negative-binomial"), 120)
        assert "reverse, KL(model || observed), is infinite for all of them: they give mass to 5, which was not" in text
        assert text.count("reverse") == 1
        text = shown(divtool.fit(KICKS, family="poisson,normal"), 120)
        assert "is infinite for all of them: they give mass to outcomes that were not observed" in text

    def test_the_winner_is_judged(self) -> None:
        text = " ".join(shown(self.RESULT, 80).split())
        assert "If Poisson were true, 200 cases would lose 0.01 nats by chance on average: p ~0.929 (G-test, 4" in text
        assert "rough: many cells expect few cases" in text
        clear = " ".join(shown(divtool.fit({0: 50, 1: 70, 2: 60}, family="uniform"), 120).split())
        assert "p = 0.1" in clear
        assert "rough" not in clear
        assert "nothing is left to test" in shown(divtool.fit({0: 4, 1: 9}, family="step"), 80)
        assert "too few cases to test" in shown(divtool.fit({0: 4, 40: 9}, family="step"), 80)
        assert "10^-" in shown(divtool.fit({0: 10**5, 1: 3 * 10**5}, family="uniform"), 80)

    def test_machine_forms_hold_all_of_it(self, file: Callable[[str], str]) -> None:
        path = file("k,count\n" + "".join(f"{k},{n}\n" for k, n in KICKS.items()))
        best = self.RESULT.best
        told = run(["fit", path, "-f", "json"]).document["results"][0]
        names = ("expected", "p_value", "log10_p_value", "degrees_of_freedom", "rough")
        assert [told[name] for name in names] == [getattr(best, name) for name in names]
        lines = [line.split("\t") for line in run(["fit", path, "-f", "tsv"]).stdout.splitlines()]
        cells = dict(zip(lines[0], lines[1], strict=True))
        assert [cells[name] for name in names] == [str(getattr(best, name)) for name in names]
