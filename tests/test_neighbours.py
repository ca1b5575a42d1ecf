"""Mutual information by nearest neighbours, held to its definition, to scikit-learn and to theorems, and in ``mi``."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import mpmath as mp
import numpy as np
import pandas as pd
import pytest
from program import run

from divtool import api
from divtool.engine.gains import Null
from divtool.errors import InputError, ResourceError, UsageError
from divtool.numerics.neighbours import Numbers, ksg, numbers, repeated, ross, shuffled
from divtool.reports.gains import render_gains

pytest.importorskip("scipy")

GOLDEN = numbers(np.array([0.0, 0.5, 1.5, 3.5, 7.0]))


def gauss(n, rho, seed=0):
    a, b = np.random.default_rng(seed).standard_normal((2, n))
    return a, rho * a + math.sqrt(1 - rho * rho) * b


def psi(n):
    return mp.digamma(int(n))


def naive_ksg(x, y, k):
    """The definition in n^2 steps. Where k others coincide with a point, all that coincide are counted."""
    n, terms = len(x), []
    for i in range(n):
        dx, dy = np.abs(np.delete(x, i) - x[i]), np.abs(np.delete(y, i) - y[i])
        joint = np.maximum(dx, dy)
        reach = np.sort(joint)[k - 1]
        near = (lambda d, r=reach: d < r) if reach else (lambda d: d == 0)
        inside = k if reach else 1 + np.sum(joint == 0)
        terms.append(psi(inside) - psi(np.sum(near(dx)) + 1) - psi(np.sum(near(dy)) + 1))
    return float(psi(n) + mp.fsum(terms) / n)


def naive_ross(x, classes, k):
    n, terms = len(x), []
    for i in range(n):
        d = np.abs(x - x[i])
        mine = np.sort(d[(classes == classes[i]) & (np.arange(n) != i)])
        at = min(k, len(mine))
        reach = mine[at - 1]
        inside, around = (at, np.sum(d < reach)) if reach else (1 + np.sum(mine == 0), np.sum(d == 0))
        terms.append(psi(inside) - psi(len(mine) + 1) - psi(around))
    return float(psi(n) + mp.fsum(terms) / n)


def plain(x):
    """Numbers as they are: equal ones are not set apart."""
    return Numbers(x, numbers(x).ranks, None, np.uint64(0))


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.999])
def test_the_definition(k, rho):
    x, y = gauss(80, rho, seed=k)
    a, b = numbers(x), numbers(1e3 * y - 1e5)
    assert ksg(a, b, k) == pytest.approx(naive_ksg(a.values, b.values, k), abs=1e-14)
    classes = np.digitize(y, [-1, 0.3])
    assert ross(a, classes, k) == pytest.approx(naive_ross(x, classes, k), abs=1e-14)


def test_what_still_coincides_is_counted_as_it_is():
    x, y = np.random.default_rng(3).integers(0, 3, (2, 60)).astype(float)
    x[:20] += np.arange(20) / 64
    classes = y.astype(int)
    assert ksg(plain(x), plain(y), 2) == pytest.approx(naive_ksg(x, y, 2), abs=1e-14)
    assert ross(plain(x), classes, 2) == pytest.approx(naive_ross(x, classes, 2), abs=1e-14)


@pytest.mark.parametrize("k", [1, 3, 7])
@pytest.mark.parametrize("rho", [0.5, 0.95])
def test_scikit_learn(k, rho):
    selection = pytest.importorskip("sklearn.feature_selection")
    x, y = gauss(500, rho, seed=7)
    classes = np.digitize(y, [-1, 0, 1])
    theirs = selection.mutual_info_regression(x[:, None], y, n_neighbors=k)[0]
    assert ksg(numbers(x), numbers(y), k) == pytest.approx(theirs, abs=1e-9)
    theirs = selection.mutual_info_classif(x[:, None], classes, n_neighbors=k)[0]
    assert ross(numbers(x), classes, k) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.9, -0.9])
def test_gaussians_have_a_known_mutual_information(rho):
    x, y = gauss(20_000, rho, seed=1)
    assert ksg(numbers(x), numbers(y)) == pytest.approx(-math.log1p(-rho * rho) / 2, abs=0.02)


@pytest.mark.parametrize("step", [None, 0.02, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("n", [100, 600])
def test_independent_numbers_share_nothing_on_average_however_rounded(step, n):
    found = []
    for seed in range(40):
        x, y = (each if step is None else np.round(each / step) * step for each in gauss(n, 0.0, seed))
        classes = np.random.default_rng([seed, 1]).integers(0, 3, n)
        found.append([ksg(numbers(x), numbers(y)), ross(numbers(x), classes)])
    error = np.std(found, axis=0) / math.sqrt(len(found))
    assert (np.abs(np.mean(found, axis=0)) < 4 * error + 0.004).all()
    assert np.min(found) < 0  # not clipped


@pytest.mark.parametrize("step", [0.02, 0.1, 0.3])
def test_rounding_takes_little_of_what_is_shared(step):
    x, y = (np.round(each / step) * step for each in gauss(3000, 0.9, 2))
    assert ksg(numbers(x), numbers(y)) == pytest.approx(-math.log(0.19) / 2, abs=0.06)


@pytest.mark.parametrize("decimals", [None, 1, 0])
def test_the_same_bits_for_any_order_side_unit_and_number_of_threads(decimals):
    x, y = gauss(70_000 if decimals is None else 4_000, 0.7, 5)
    if decimals is not None:
        x, y = x.round(decimals), y.round(decimals)
    order = np.random.default_rng(0).permutation(x.size)
    a, b, classes = numbers(x), numbers(y), np.digitize(x, [0, 1])
    found = ksg(a, b)
    assert found == ksg(b, a) == ksg(a, b, threads=2) == ksg(numbers(x[order]), numbers(y[order]))
    assert found == ksg(numbers(x * -8.0), numbers(y)) if decimals is None else ksg(numbers(x * 8.0), numbers(y))
    assert found == ksg(a.taken(order), b.taken(order))
    assert ross(b, classes) == ross(numbers(y[order]), classes[order])


def test_golden_and_edges():
    assert ksg(GOLDEN, GOLDEN, 1) == pytest.approx(25 / 12, abs=1e-15)
    constant, two = numbers(np.full(5, 3.0)), np.array([0, 1, 0, 1, 0])
    assert ksg(constant, GOLDEN) == ksg(GOLDEN, constant) == ksg(constant, constant) == ross(constant, two) == 0.0
    assert ross(GOLDEN, np.zeros(5, int)) == 0.0
    assert math.isnan(ksg(GOLDEN, GOLDEN, 5))
    assert math.isnan(ross(numbers(np.empty(0)), np.empty(0, int)))
    assert math.isfinite(ksg(GOLDEN, GOLDEN, 4))
    huge = numbers(np.array([1.7e308, -1.7e308, 5e-324, 0.0, -0.0]))
    assert np.isfinite(huge.values).all()
    assert math.isfinite(ksg(huge, GOLDEN, 2))
    assert repeated(np.empty(0, int)).shape == (0,)


def test_many_coincide_without_waiting():
    x = np.where(np.arange(200_000) % 2, 0.0, np.arange(200_000) / 7)
    classes = np.random.default_rng(0).integers(0, 2, x.size)
    assert abs(ross(numbers(x), classes)) < 0.01
    coin = np.random.default_rng(1).integers(0, 2, x.size)
    assert abs(ross(plain(coin.astype(float)), classes)) < 1e-4


# The command.


@pytest.fixture(name="table")
def _table(tmp_path: Path) -> Path:
    x, y = gauss(300, 0.8, 11)
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({
        "y": y, "x": x, "noise": rng.standard_normal(300), "steps": rng.integers(0, 100, 300), "few": (x > 0) * 3,
        "colour": np.where(y > 0.5, "red", "blue"),
    })  # fmt: skip
    frame.to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


def test_mi_ranks_numbers_and_categories_together(table):
    frame = pd.read_csv(table)
    result = api.mi(table, target="y", estimator="ksg")
    assert {each.name for each in result.ranking[:3]} == {"x", "few", "colour"}
    assert {each.name: each.rule for each in result.ranking} == {
        "x": "ksg:3", "noise": "ksg:3", "steps": "ksg:3", "few": "ross:3", "colour": "ross:3"}  # fmt: skip
    assert result["x"].gain == ksg(numbers(frame.x.to_numpy()), numbers(frame.y.to_numpy()))
    assert result["colour"].gain == ross(numbers(frame.y.to_numpy()), (frame.colour == "red").to_numpy(int))
    assert all(each.p_value is None and each.excess == each.gain and math.isnan(each.share) for each in result.ranking)
    bits = api.mi(table, target="y", estimator="ksg:3", base=2)
    assert bits["x"].gain == pytest.approx(result["x"].gain / math.log(2), rel=1e-15)
    assert any("steps" in note for note in result.notes)


def test_mi_with_a_target_of_categories_counts_what_can_be_counted(table):
    result = api.mi(table, target="colour", estimator="ksg:5")
    counted = api.mi(table, target="colour", columns="few")
    assert result["few"].gain == counted["few"].gain
    assert result["few"].p_value == counted["few"].p_value
    assert result["few"].rule == "counts"
    assert result["x"].rule == "ross:5"
    assert result.target_entropy == counted.target_entropy
    assert result["x"].share == pytest.approx(result["x"].gain / result.target_entropy)


def test_what_is_a_number_can_be_said(table):
    said = api.mi(table, target="y", estimator="ksg", bins=["few=none", "steps=each", "x=width:4"])
    assert {each.name: each.rule for each in said.ranking} | {"colour": ""} == {
        "x": "ross:3, width:4", "noise": "ksg:3", "steps": "ross:3", "few": "ksg:3", "colour": ""}  # fmt: skip
    assert said["steps"].cases < 300  # cases alone in their category are left out, and this is said
    assert any("alone" in note for note in said.notes)


def test_permutations_give_a_null_and_a_p_value(table):
    first, again, other = (
        api.mi(table, target="y", estimator="ksg", permutations=39, seed=seed, columns="x,noise") for seed in (1, 1, 2)
    )
    assert first.ranking == again.ranking != other.ranking
    assert first["x"].p_value == 1 / 40
    assert first["noise"].p_value > 0.05
    assert first["x"].gain > first["x"].null_high > first["x"].expected
    frame, rng = pd.read_csv(table), Null(39, 1).random("x")
    x, y = numbers(frame.x.to_numpy()), numbers(frame.y.to_numpy())
    null = shuffled(lambda order: ksg(x, y.taken(order)), 300, 39, rng)
    assert first["x"].expected == math.fsum(null) / 39


def test_all_pairs(table):
    result = api.mi(table, matrix=True, estimator="ksg")
    pairs = {(each.x, each.y): each for each in result.pairs}
    ranked = api.mi(table, target="x", estimator="ksg")
    assert pairs["y", "x"].gain == ranked["y"].gain
    assert ("few", "few") in pairs
    assert ("x", "x") not in pairs  # numbers have no entropy
    assert len(pairs) == 15 + 2


def test_missing_values_are_left_out_pair_by_pair(tmp_path):
    x, y = gauss(120, 0.9, 3)
    colour = np.where(y > 0, "red", "blue").astype(object)
    x[3], y[5], colour[7:12] = np.nan, np.nan, None
    frame = pd.DataFrame({"x": x, "y": y, "colour": colour})
    frame.to_parquet(tmp_path / "t.parquet")
    kept = api.mi(tmp_path / "t.parquet", target="y", estimator="ksg")
    assert [(each.name, each.cases, each.missing) for each in kept.ranking] == [("x", 118, 1), ("colour", 119, 5)]
    there = ~np.isnan(x) & ~np.isnan(y)
    assert kept["x"].gain == ksg(numbers(x[there]), numbers(y[there]))
    assert any("lack a number" in note for note in kept.notes)
    dropped = api.mi(frame, target="y", estimator="ksg", missing="drop")
    assert dropped["colour"].cases == 114
    with pytest.raises(InputError, match=r'row 3, column "x": the value is missing'):
        api.mi(frame, target="y", estimator="ksg", missing="error")


@pytest.mark.parametrize("options", [{}, {"threads": 1}, {"threads": 3}, {"chunk_size": 1}, {"chunk_size": 700}])
def test_the_same_bytes_however_it_is_run(table, options):
    plain = api.mi(table, target="colour", estimator="ksg").ranking
    frame = pd.read_csv(table).sample(frac=1.0, random_state=1)
    frame.to_csv(table.parent / "shuffled.csv", index=False)
    assert api.mi(table, target="colour", estimator="ksg", **options).ranking == plain
    assert api.mi(table.parent / "shuffled.csv", target="colour", estimator="ksg", **options).ranking == plain


@pytest.mark.parametrize(("options", "said"), [
    ({"together": True}, "--together"), ({"given_columns": "few"}, "--given-columns"), ({"lag": 1}, "--lag"),
    ({"counts": "few"}, "--counts"), ({"bins": "10"}, "--bins width:10"), ({"bins": "none"}, "none"),
    ({"bins": ["few=none", "few=each"]}, "has a rule"), ({"bins": ["few=none", "few=4"]}, "two rules"),
    ({"bins": "nothing=none"}, "nothing"), ({"bins": "colour=none"}, "colour"),
    ({"estimator": "ksg:0"}, "ksg:0"), ({"estimator": "ksg:1001"}, "1,000"), ({"estimator": "ksg:x"}, "ksg:x"),
    ({"estimator": "ksg:"}, "ksg:"), ({"estimator": "ksgs"}, "ksgs"), ({"columns": "y"}, "only the column"),
    ({"columns": "few,colour", "target": "few"}, "no column holds numbers"), ({"rows": "900:"}, "no case is left"),
])  # fmt: skip
def test_what_neighbours_know_nothing_of_is_refused(table, options, said):
    options = {"estimator": "ksg"} | ({} if "together" in options else {"target": "y"}) | options
    with pytest.raises((UsageError, InputError), match=said):
        api.mi(table, **options)


def test_the_joint_table_sends_its_user_to_mi(table):
    ended = run(["joint", str(table), "x", "y", "--estimator", "ksg"], cwd=table.parent)
    assert (ended.status, ended.stdout) == (2, "")
    assert "hint: divtool mi TABLE" in ended.stderr


def test_infinities_and_too_few_cases():
    with pytest.raises(InputError, match=r'row 1, column "a": an infinity'):
        api.mi(pd.DataFrame({"a": [0.5, np.inf, 1.5], "b": [0.1, 0.2, 0.3]}), target="b", estimator="ksg")
    few = api.mi(pd.DataFrame({"a": [0.5, 0.7, 1.5], "b": [0.1, 0.2, 0.3]}), target="b", estimator="ksg")
    assert math.isnan(few["a"].gain)
    assert "too few cases" in few.warnings[0]


def test_too_much_for_memory_is_refused_before_it_is_read(table, monkeypatch):
    monkeypatch.setattr("divtool.engine.held.MOST_BYTES", 90_000)
    with pytest.raises(ResourceError, match=r"300 rows of 6 columns") as caught:
        api.mi(table, target="y", estimator="ksg")
    assert "--rows A:B" in caught.value.hint
    assert api.mi(table, target="y", estimator="ksg", rows="0:200").cases == 200


def test_without_scipy_it_is_said_what_to_install(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.spatial", None)
    with pytest.raises(ResourceError, match="scipy") as caught:
        api.mi(table, target="y", estimator="ksg")
    assert caught.value.hint == "pip install 'divtool[ksg]'"
    assert caught.value.status == 4
    # Categories on one side need no tree.
    assert api.mi(table, target="colour", estimator="ksg").ranking


def test_the_report(table):
    ended = run(["mi", str(table), "--target", "y", "--estimator", "ksg", "-f", "table"], cwd=table.parent)
    assert (ended.status, ended.stderr) == (0, "")
    assert "estimated by ksg:3; by chance: 0 for neighbours (p-values: --permutations N)" in ended.stdout
    assert "What each column tells of y, in nats\n" in ended.stdout
    assert "nan" not in ended.stdout
    held = json.loads(render_gains(api.mi(table, matrix=True, estimator="ksg"), "json"))
    assert held["estimator"] == "ksg:3"
    assert {each["name"]: each["rule"] for each in held["variables"]}["x"] == "numbers"


def test_equal_values_of_the_null_count_below_zero_too():
    # Other orders of the four cases give the same negative number, and none gives less.
    result = api.mi(pd.DataFrame({"x": [0.1, 5.2, 0.3, 5.4], "y": list("aabb")}), target="y", estimator="ksg:1",
                    permutations=200)  # fmt: skip
    assert result["x"].gain < 0
    assert result["x"].p_value == 1.0
