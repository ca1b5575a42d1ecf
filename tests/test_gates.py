"""Thresholds: how they are read, what is refused before anything is computed, and what fails."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from divtool.engine.gates import (
    STATISTICS,
    check_figures,
    check_gates,
    judged,
    judged_figures,
    parse_gates,
    said,
)
from divtool.errors import UsageError
from divtool.result import MeasureResult


def result(measure: str, value: float = 0.5, **more: Any) -> MeasureResult:
    """A result of which no two figures are the same."""
    one = MeasureResult(
        measure=measure, title=measure, direction=None, value=value, unit="nats", reduction="mean",
        denominator=("rows", 7.0), n=7, rows=12, ignored=5, infinite=2, nan=1, finite_mean=0.25, std_error=0.125,
        minimum=-3.0, maximum=9.0, quantile_bound=0.0, worst=(),
        quantiles={"p50": 1.5, "p90": 2.5, "p95": 3.5, "p99": 4.5, "p99.9": 5.5},
    )  # fmt: skip
    return replace(one, **more)


RUN = (result("kl"), result("kl", 0.75, label="kl_reversed"), result("same-top-1", 0.9),
       result("renyi", 0.3, label="renyi(order=3)"))  # fmt: skip
NAMES = [(each.name, each.measure) for each in RUN]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("mean>0.05", (None, "mean", ">", 0.05)),
        ("  mean   >=  .05  ", (None, "mean", ">=", 0.05)),
        ("kl.p99>1", ("kl", "p99", ">", 1.0)),
        ("p99.9<1e-3", (None, "p99.9", "<", 1e-3)),
        ("kl.p99.9 == -2.5E+2", ("kl", "p99.9", "==", -250.0)),
        ("top1<0.95", ("top1", "value", "<", 0.95)),
        ("kl>inf", ("kl", "value", ">", math.inf)),
        ("kl<-Infinity", ("kl", "value", "<", -math.inf)),
        ("renyi(order=3).mean!=0", ("renyi(order=3)", "mean", "!=", 0.0)),
        ("renyi(order=0.5)<=1", ("renyi(order=0.5)", "value", "<=", 1.0)),
        ("nan>0", (None, "nan", ">", 0.0)),
    ],
)
def test_are_read(text: str, parts: tuple[object, ...]) -> None:
    (gate,) = parse_gates([text])
    assert (gate.measure, gate.statistic, gate.operator, gate.number) == parts
    assert gate.text == text.strip()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mean", "expected a statistic, an operator and a number"),
        ("", "expected a statistic, an operator and a number"),
        (">1", "expected a statistic, an operator and a number"),
        ("mean=1", "expected a statistic, an operator and a number"),
        ("mean>", '"" is not a number'),
        ("mean>5%", '"5%" is not a number'),
        ("mean>1_0", '"1_0" is not a number'),
        ("mean=>1", 'has neither a measure nor a statistic "mean="'),
        ("mean>>1", '">1" is not a number'),
        ("mean>nan", '"nan" is not a number'),
        ("mean>0x1", '"0x1" is not a number'),
        ("mean>\u0665", "is not a number"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        check_gates(parse_gates([text]), NAMES)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("maen>1", 'did you mean "mean"'),
        ("kl.p98>1", 'did you mean "p9'),
        ("kl_reverse>1", 'did you mean "kl_reversed"'),
        ("js>1", "measure it too, with -m js; there are kl, kl_reversed"),
        ("jensen-shannon>1", "measure it too, with -m js"),
        ("agreement<0.9", 'did you mean "same-top-1"'),
        ("top5<0.9", "measure it too, with -m same-top-k"),
        ("accuracy<0.9", "measure it too, with -m error-rate"),
        ("reverse-kl>1", 'did you mean "kl_reversed"'),
    ],
)
def test_what_is_not_there_is_refused_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        check_gates(parse_gates([text]), NAMES)
    assert hint in error.value.hint


def test_a_name_of_two_measures_is_refused() -> None:
    names = [("renyi(order=3)", "renyi"), ("renyi(order=4)", "renyi")]
    with pytest.raises(UsageError, match='there are 2 measures "renyi"'):
        check_gates(parse_gates(["renyi>1"]), names)
    check_gates(parse_gates(["renyi(order=4)>1", "mean>1"]), names)


@pytest.mark.parametrize(
    ("statistic", "actual"),
    [("value", 0.5), ("mean", 0.5), ("median", 1.5), ("p50", 1.5), ("p90", 2.5), ("p95", 3.5), ("p99", 4.5),
     ("p99.9", 5.5), ("max", 9.0), ("min", -3.0), ("n", 7.0), ("rows", 12.0), ("ignored", 5.0), ("infinite", 2.0),
     ("nan", 1.0), ("std_error", 0.125), ("finite_mean", 0.25)],
)  # fmt: skip
def test_each_statistic_is_its_figure(statistic: str, actual: float) -> None:
    (found,) = judged(parse_gates([f"{statistic}>{actual!r}"]), RUN)
    assert (found.actual, found.failed, found.statistic, found.measure) == (actual, False, statistic, "kl")


def test_no_statistic_is_forgotten() -> None:
    one = [result("kl", reduction="sum")]
    for statistic in set(STATISTICS) - {"mean"}:
        assert len(judged(parse_gates([f"{statistic}>0"]), one)) == 1


@pytest.mark.parametrize(
    ("text", "failed"),
    [("kl>0.5", False), ("kl>=0.5", True), ("kl<0.5", False), ("kl<=0.5", True), ("kl==0.5", True), ("kl!=0.5", False),
     ("kl>0.4999999999999999", True)],
)  # fmt: skip
def test_operators(text: str, failed: bool) -> None:
    assert [each.failed for each in judged(parse_gates([text]), RUN)] == [failed]


@pytest.mark.parametrize(
    ("text", "measure", "actual"),
    [("kl_reversed>1", "kl_reversed", 0.75), ("top1<0.95", "same-top-1", 0.9), ("top-1.n<0.95", "same-top-1", 7.0),
     ("renyi.mean>1", "renyi(order=3)", 0.3), ("renyi(order=3)>1", "renyi(order=3)", 0.3)],
)  # fmt: skip
def test_measures_by_their_names(text: str, measure: str, actual: float) -> None:
    (found,) = judged(parse_gates([text]), RUN)
    assert (found.measure, found.actual) == (measure, actual)


@pytest.mark.parametrize(("text", "label"), [("top5<1", "same-top-k"), ("top3<1", "same-top-k(k=3)")])
def test_first_choices_by_their_number(text: str, label: str) -> None:
    (found,) = judged(parse_gates([text]), [result("kl"), result("same-top-k", label=label)])
    assert found.measure == label


@pytest.mark.parametrize("text", ["kl>1", "kl<1", "std_error>0", "p99.9<1"])
def test_nan_fails(text: str) -> None:
    one = result("kl", math.nan, std_error=None, quantiles={})
    assert [each.failed for each in judged(parse_gates([text]), [one])] == [True]


def test_an_infinite_value_is_compared() -> None:
    one = [result("kl", math.inf)]
    assert [each.failed for each in judged(parse_gates(["kl>1e300", "kl>inf", "kl>=inf", "kl<1"]), one)] == [
        True, False, True, False]  # fmt: skip


def test_sums_are_no_means() -> None:
    with pytest.raises(UsageError, match="the run gives a sum"):
        check_gates(parse_gates(["mean>1"]), NAMES, "sum")
    with pytest.raises(UsageError, match="the run gives a mean"):
        check_gates(parse_gates(["kl.sum>1"]), NAMES)
    check_gates(parse_gates(["sum>1", "kl>1"]), NAMES, "sum")
    assert [each.actual for each in judged(parse_gates(["sum>1"]), [result("kl", 3.5, reduction="sum")])] == [3.5]


def test_each_candidate_has_its_own_outcome() -> None:
    run = [result("kl", 0.1, candidate="a.npy"), result("tv", 5.0, candidate="a.npy"),
           result("kl", 0.2, candidate="b.npy"), result("tv", 6.0, candidate="b.npy")]  # fmt: skip
    found = judged(parse_gates(["mean>0.15", "tv>1"]), run)
    assert [(each.measure, each.candidate, each.actual, each.failed) for each in found] == [
        ("kl", "a.npy", 0.1, False), ("kl", "b.npy", 0.2, True), ("tv", "a.npy", 5.0, True), ("tv", "b.npy", 6.0, True)
    ]  # fmt: skip


def test_nothing_was_measured() -> None:
    assert judged(parse_gates(["mean>1"]), []) == ()


def test_plain_figures() -> None:
    figures = {"ece": 0.1, "mce": math.nan, "n": 12.0}
    found = judged_figures(parse_gates(["value>0.05", "ece.value>0.2", "mce>1", "n<20"]), figures, "a.npy")
    assert [(each.measure, each.failed, each.candidate) for each in found] == [
        ("ece", True, "a.npy"), ("ece", False, "a.npy"), ("mce", True, "a.npy"), ("n", True, "a.npy")]  # fmt: skip
    for text, message in (("eec>1", '"eec"'), ("mean>1", 'no "mean"'), ("ece.p99>1", "has no p99")):
        with pytest.raises(UsageError, match=message):
            check_figures(parse_gates([text]), list(figures))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("mean > 0.05", "--fail-if 'mean > 0.05': failed, kl is 0.5 (a.npy)"),
        ("p99>9", "--fail-if 'p99>9': passed, kl p99 is 4.5 (a.npy)"),
        ("n<1e6", "--fail-if 'n<1e6': failed, kl n is 7 (a.npy)"),
    ],
)
def test_lines(text: str, line: str) -> None:
    (found,) = judged(parse_gates([text]), [result("kl", candidate="a.npy")])
    assert said(found) == line
