"""`divtool mi` against loops over scikit-learn and plain counting, and the same bits however a table is stored."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mpmath import mp, mpf
from scipy import stats
from sklearn import datasets, metrics

from divtool import api
from divtool.errors import InputError, UsageError
from divtool.findings import GainResult
from divtool.measures.estimators import estimator

CLOSE = 1e-12


def cut(frame: pd.DataFrame, number: int = 5) -> pd.DataFrame:
    """Columns of fractions as codes of intervals with about as many cases each."""
    return frame.apply(lambda column: pd.qcut(column, number, labels=False, duplicates="drop"))


def real(name: str) -> pd.DataFrame:
    """A table of scikit-learn's as outcomes, the target last."""
    found = getattr(datasets, f"load_{name}")()
    if name == "digits":
        return pd.DataFrame(found.data.astype(int)[:, 8:40]).add_prefix("pixel_").assign(target=found.target)
    frame = cut(pd.DataFrame(found.data, columns=found.feature_names))
    return frame.assign(target=found.target_names[found.target])


REAL = ("iris", "wine", "breast_cancer", "digits")


def mixed(n: int = 240, seed: int = 7) -> pd.DataFrame:
    """Columns that tell of each other in several ways."""
    rng = np.random.default_rng(seed)
    a, b, noise = rng.integers(0, 2, n), rng.integers(0, 3, n), rng.integers(0, 4, n)
    y = np.where(rng.random(n) < 0.8, (a + b) % 2, rng.integers(0, 2, n))
    return pd.DataFrame({"a": a, "b": b, "noise": noise, "late": np.roll(y, -2), "y": y}).astype(str)


def entropy(*columns: Sequence[object]) -> mpf:
    """The entropy of columns together, by counting in a dictionary."""
    counts = Counter(zip(*columns, strict=True))
    with mp.workdps(40):
        n = sum(counts.values())
        return mp.fsum(mpf(count) / n * mp.log(mpf(n) / count) for count in counts.values())


def conditional(x: Sequence[object], y: Sequence[object], *given: Sequence[object]) -> float:
    """I(X; Y | Z) by its four entropies."""
    return float(entropy(x, *given) + entropy(y, *given) - entropy(x, y, *given) - (entropy(*given) if given else 0))


def gains(result: GainResult) -> dict[str, float]:
    return {each.name: each.gain for each in result.ranking}


def bits(result: GainResult) -> str:
    """The numbers of a result, -0.0 and 0.0 apart."""
    return repr((result.ranking, result.pairs, result.figures, result.target_entropy))


def close(value: float, wanted: float) -> bool:
    return value == pytest.approx(wanted, rel=CLOSE, abs=CLOSE)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a folder of its own."""
    monkeypatch.chdir(tmp_path)


def save(frame: pd.DataFrame, name: str = "t.csv") -> str:
    frame.to_parquet(name) if name.endswith("parquet") else frame.to_csv(name, index=False)
    return name


def write(name: str, *lines: str) -> str:
    Path(name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return name


@pytest.mark.parametrize("name", REAL)
class TestRealTables:
    def test_ranking(self, name: str) -> None:
        frame = real(name)
        result = api.mi(save(frame), target="target")
        wanted = {column: metrics.mutual_info_score(frame[column], frame["target"]) for column in frame.columns[:-1]}
        found = gains(result)
        assert set(found) == set(wanted)
        assert [column for column in wanted if not close(found[column], wanted[column])] == []
        assert list(found.values()) == sorted(found.values(), reverse=True)
        assert close(result.target_entropy or 0.0, stats.entropy(frame["target"].value_counts()))

    def test_chance(self, name: str) -> None:
        frame = real(name)
        result, n = api.mi(save(frame), target="target"), len(frame)
        for each in result.ranking:
            crossed = pd.crosstab(frame[each.name], frame["target"]).to_numpy()
            wanted = stats.chi2_contingency(crossed, correction=False, lambda_="log-likelihood")
            assert each.expected == pytest.approx(wanted.dof / (2 * n), rel=1e-15)
            assert each.p_value == pytest.approx(wanted.pvalue, rel=1e-10, abs=1e-290)
            assert close(each.excess, each.gain - each.expected)
            assert (each.outcomes, each.cases, each.missing) == (frame[each.name].nunique(), n, 0)
            if wanted.pvalue > 1e-290:
                assert each.log10_p_value == pytest.approx(math.log10(wanted.pvalue), rel=1e-10, abs=1e-12)

    def test_matrix(self, name: str) -> None:
        frame = real(name).iloc[:, -6:]
        result = api.mi(save(frame), matrix=True)
        found = {(each.x, each.y): each for each in result.pairs}
        names = list(frame.columns)
        assert list(found)[: len(names)] == [(name, name) for name in names]
        assert sorted(found) == sorted([*((name, name) for name in names), *combinations(names, 2)])
        gains = [each.gain for each in result.pairs[len(names) :]]
        assert gains == sorted(gains, reverse=True)
        for (x, y), each in found.items():
            assert close(each.gain, metrics.mutual_info_score(frame[x], frame[y]))
            assert close(each.share, metrics.normalized_mutual_info_score(frame[x], frame[y]))


class TestIntervals:
    def test_ranking_by_rules(self) -> None:
        found = datasets.load_iris()
        frame = pd.DataFrame(found.data, columns=["sl", "sw", "pl", "pw"]).assign(kind=found.target)
        for rule, edges in (
            ("width:6", lambda x: np.linspace(x.min(), x.max(), 7)),
            ("doane", lambda x: np.histogram_bin_edges(x, "doane")),
            ("edges:1,2,3,4,5", lambda x: np.array([-np.inf, 1, 2, 3, 4, 5, np.inf])),
        ):
            result = api.mi(save(frame), target="kind", bins=[rule])
            for each in result.ranking:
                x = frame[each.name].to_numpy()
                codes = np.digitize(x, edges(x)[1:-1])
                # A number that lies on an edge may fall on either side of it in doubles.
                assert each.gain == pytest.approx(metrics.mutual_info_score(codes, found.target), abs=0.02)
                assert each.rule == rule
            exact = result["pw"].gain if rule.startswith("edges") else None
            if exact is not None:
                codes = np.digitize(frame["pw"], [1, 2, 3, 4, 5])
                assert close(exact, metrics.mutual_info_score(codes, found.target))

    def test_rules_of_single_columns(self) -> None:
        frame = pd.DataFrame({"x": [0.5, 1.5, 2.5, 3.5] * 5, "k": range(20), "y": list("abab") * 5})
        result = api.mi(save(frame), target="y", bins=["x=edges:2", "k=2"])
        assert {each.name: each.outcomes for each in result.ranking} == {"x": 2, "k": 2}
        with pytest.raises(InputError, match='"x" holds fractions'):
            api.mi("t.csv", target="y")
        with pytest.raises(InputError, match='"x" holds fractions'):
            api.mi("t.csv", target="x")
        assert gains(api.mi("t.csv", target="x", bins=["edges:2"])).keys() == {"k", "y"}


class TestConditional:
    @pytest.mark.parametrize("given", [["b"], ["b", "noise"]], ids=str)
    def test_given_columns(self, given: list[str]) -> None:
        frame = mixed()
        result = api.mi(save(frame), target="y", given_columns=",".join(given))
        for each in result.ranking:
            assert close(each.gain, conditional(frame[each.name], frame["y"], *(frame[name] for name in given)))
        wanted = entropy(frame["y"], *(frame[n] for n in given)) - entropy(*(frame[n] for n in given))
        assert close(result.target_entropy or 0.0, float(wanted))
        assert set(gains(result)) == {"a", "b", "noise", "late"} - set(given)

    def test_degrees_of_freedom_are_those_of_the_strata(self) -> None:
        frame = mixed()
        result = api.mi(save(frame), target="y", given_columns="b")
        for each in result.ranking:
            parts = [pd.crosstab(part[each.name], part["y"]) for _, part in frame.groupby("b")]
            degrees = sum((len(part) - 1) * (part.shape[1] - 1) for part in parts)
            assert each.expected == pytest.approx(degrees / (2 * len(frame)), rel=1e-15)
            assert each.p_value == pytest.approx(stats.chi2.sf(2 * len(frame) * each.gain, degrees), rel=1e-9)

    @pytest.mark.parametrize(("lag", "history"), [(1, 1), (2, 1), (2, 3), (5, 2)])
    @pytest.mark.parametrize("chunk_size", [1, 8 << 20])
    def test_transfer_entropy(self, lag: int, history: int, chunk_size: int) -> None:
        frame = mixed(120)
        result = api.mi(save(frame), target="y", lag=lag, history=history, chunk_size=chunk_size)
        first, n, y = max(lag, history), len(frame), frame["y"].tolist()
        past = [y[first - i : n - i] for i in range(1, history + 1)]
        for each in result.ranking:
            x = frame[each.name].tolist()[first - lag : n - lag]
            assert close(each.gain, conditional(x, y[first:], *past))
            assert each.cases == n - first

    def test_exclusive_or(self) -> None:
        write("t.csv", "x,z,y", *(f"{i},{j},{i ^ j}" for i in range(2) for j in range(2)))
        assert [repr(each.gain) for each in api.mi("t.csv", target="y").ranking] == ["0.0", "0.0"]
        assert gains(api.mi("t.csv", target="y", given_columns="z", base="2")) == {"x": 1.0}


class TestTogether:
    def test_figures(self) -> None:
        frame = mixed()
        columns = [frame[name].tolist() for name in frame]
        result = api.mi(save(frame), together=True)
        k, joint = len(columns), entropy(*columns)
        rests = [entropy(*columns[:i], *columns[i + 1 :]) for i in range(k)]
        total = mp.fsum(entropy(each) for each in columns) - joint
        dual = mp.fsum(rests) - (k - 1) * joint
        co = mp.fsum(
            (-1) ** (size + 1) * entropy(*some) for size in range(1, k + 1) for some in combinations(columns, size)
        )
        wanted = {
            "sum-of-entropies": total + joint, "joint-entropy": joint, "total-correlation": total,
            "dual-total-correlation": dual, "o-information": total - dual, "co-information": co,
            "interaction-information": (-1) ** k * co,
        }  # fmt: skip
        found = {each.name: each.value for each in result.figures}
        assert {name: float(value) for name, value in wanted.items()} == pytest.approx(found, rel=CLOSE, abs=CLOSE)

    def test_two_columns_share_what_they_tell_of_each_other(self) -> None:
        frame = mixed()[["a", "y"]]
        found = {each.name: each.value for each in api.mi(save(frame), together=True).figures}
        single = api.mi("t.csv", target="y").ranking[0].gain
        assert [found[name] for name in ("total-correlation", "co-information")] == pytest.approx([single] * 2)


class TestEstimators:
    @pytest.mark.parametrize("name", ["miller-madow", "grassberger", "chao-shen", "shrink", "dirichlet:1"])
    def test_gain_is_a_sum_of_three_entropies(self, name: str) -> None:
        frame, estimate = mixed(), estimator(name)
        assert estimate is not None
        result = api.mi(save(frame), target="y", estimator=name)
        of_y = estimate(frame["y"].value_counts().to_numpy(), 2)
        for each in result.ranking:
            counts, size = frame[each.name].value_counts().to_numpy(), frame[each.name].nunique()
            both = pd.crosstab(frame[each.name], frame["y"]).to_numpy().reshape(-1)
            assert close(each.gain, estimate(counts, size) + of_y - estimate(both[both > 0], 2 * size))
        assert close(result.target_entropy or 0.0, of_y)

    def test_what_chance_gives_is_of_the_observed_frequencies(self) -> None:
        plain, other = (api.mi(save(mixed()), target="y", estimator=name) for name in ("plug-in", "grassberger"))
        for each in plain.ranking:
            assert (each.expected, each.excess, each.p_value) == (
                other[each.name].expected, other[each.name].excess, other[each.name].p_value
            )  # fmt: skip
            assert each.gain != other[each.name].gain


class TestPermutations:
    def test_against_shuffled_rows(self) -> None:
        frame = mixed(60)
        frame["weak"] = np.where(np.arange(60) % 4 == 0, frame["y"], frame["noise"])
        result = api.mi(save(frame), target="y", permutations=4000)
        rng, y = np.random.default_rng(11), frame["y"].to_numpy()
        for each in result.ranking:
            x = frame[each.name].to_numpy()
            null = np.array([metrics.mutual_info_score(x, rng.permutation(y)) for _ in range(300)])
            p = (1 + (null >= each.gain - 1e-12).sum()) / 301
            assert each.p_value == pytest.approx(p, abs=5 * math.sqrt(max(p * (1 - p), 0.01) / 300))
            assert each.expected == pytest.approx(null.mean(), abs=6 * null.std() / math.sqrt(300))
            assert each.null_high == pytest.approx(np.quantile(null, 0.99), rel=0.5)

    def test_given_columns_stay_with_their_rows(self) -> None:
        frame = mixed(80)
        result = api.mi(save(frame[["a", "b", "y"]]), target="y", given_columns="b", permutations=4000)
        rng, groups = np.random.default_rng(3), frame.groupby("b").indices.values()
        null = []
        for _ in range(200):
            shuffled = frame["a"].to_numpy().copy()
            for rows in groups:
                shuffled[rows] = rng.permutation(shuffled[rows])
            null.append(conditional(shuffled.tolist(), frame["y"].tolist(), frame["b"].tolist()))
        assert result["a"].expected == pytest.approx(np.mean(null), abs=6 * np.std(null) / math.sqrt(200))

    def test_a_seed_is_a_result(self) -> None:
        save(mixed())
        once, again, other = (api.mi("t.csv", target="y", permutations=50, seed=seed) for seed in (3, 3, 4))
        assert bits(once) == bits(again) != bits(other)
        assert bits(api.mi("t.csv", target="y", permutations=50, seed=3, threads=1, chunk_size=1)) == bits(once)


ASKED: dict[str, dict[str, Any]] = {
    "target": {"target": "y"}, "matrix": {"matrix": True}, "together": {"together": True},
    "given": {"target": "y", "given_columns": "b"}, "estimated": {"target": "y", "estimator": "grassberger"},
}  # fmt: skip


@pytest.mark.parametrize("asked", ASKED.values(), ids=list(ASKED))
class TestSameBits:
    def test_chunks_threads_and_formats(self, asked: dict[str, Any]) -> None:
        frame = mixed()
        Path("parts").mkdir()
        for i, part in enumerate(np.array_split(np.arange(len(frame)), 4)):
            save(frame.iloc[part], f"parts/part-{i}.csv")
        wanted = bits(api.mi(save(frame), **asked))
        files = [save(frame, "t.parquet"), save(frame.sample(frac=1, random_state=1), "s.csv"), "parts"]
        for path in ("t.csv", *files):
            for running in ({}, {"chunk_size": 1}, {"chunk_size": 7 * 40, "threads": 2}, {"threads": 8}):
                assert bits(api.mi(path, **asked, **running)) == wanted, (path, running)
        assert bits(api.mi(frame, **asked)) == wanted

    def test_columns_in_another_order(self, asked: dict[str, Any]) -> None:
        frame = mixed()
        one, other = api.mi(save(frame), **asked), api.mi(save(frame[list(frame)[::-1]], "r.csv"), **asked)
        if one.pairs:
            gained = [{frozenset((e.x, e.y)): (e.gain, e.share) for e in result.pairs} for result in (one, other)]
            assert gained[0] == gained[1]
        else:
            assert bits(one) == bits(other)

    def test_outcomes_renamed(self, asked: dict[str, Any]) -> None:
        frame = mixed()
        renamed = frame.apply(lambda column: column.map(lambda text: f"{9 - int(text)}, \u00e9"))
        assert bits(api.mi(save(renamed), **asked)) == bits(api.mi(save(frame, "t.parquet"), **asked))

    def test_counts_stand_for_rows(self, asked: dict[str, Any]) -> None:
        frame = mixed()
        counted = frame.value_counts().rename("n").reset_index()
        wanted = api.mi(save(frame), **asked)
        found = api.mi(save(counted, "n.csv"), counts="n", **asked)
        assert (bits(found), found.cases) == (bits(wanted), len(frame))
        twice = api.mi(save(counted.assign(n=2 * counted["n"]), "n2.csv"), counts="n", **asked)
        if "estimator" not in asked:
            assert gains(twice) == gains(wanted)
            assert repr(twice.figures) == repr(wanted.figures)


class TestMissing:
    LINES = ("x,w,y", "a,1,u", ",1.0,v", "b,,u", "a,2,", ",,", "b,1,v", "a,2.00,u")

    def test_category(self) -> None:
        result = api.mi(write("t.csv", *self.LINES), target="y")
        x, w, y = "a-ba-ba", "11-2-12", "uvu--vu"
        assert close(result["x"].gain, conditional(x, y))
        assert close(result["w"].gain, conditional(w, y))
        assert [(each.name, each.missing, each.outcomes) for each in result.variables] == [("x", 2, 3), ("w", 2, 3)]
        assert (result.target.missing if result.target else 0, result["x"].cases) == (2, 7)

    def test_drop_leaves_out_pair_by_pair(self) -> None:
        result = api.mi(write("t.csv", *self.LINES), target="y", missing="drop")
        assert close(result["x"].gain, conditional("abba", "uuvu"))
        assert close(result["w"].gain, conditional("1112", "uvvu"))
        assert (result["x"].cases, result["w"].cases, result["x"].missing) == (4, 4, 2)
        assert close(result.target_entropy or 0.0, float(entropy("uvuvu")))
        pairs = {(e.x, e.y): e for e in api.mi("t.csv", matrix=True, missing="drop").pairs}
        assert close(pairs["x", "w"].gain, conditional("aaba", "1212"))
        assert close(pairs["x", "x"].gain, float(entropy("abaab"[:5])))

    def test_error_names_the_first_place(self) -> None:
        with pytest.raises(InputError, match=r'line 3 \(row 1\), column "x": the value is missing'):
            api.mi(write("t.csv", *self.LINES), target="y", missing="error")

    @pytest.mark.parametrize("missing", ["category", "drop"])
    def test_forms_of_nothing(self, missing: str) -> None:
        frame = pd.DataFrame({"x": [1.0, np.nan, 2.0, 1.0, np.nan, 3.0], "y": ["u", "v", None, "u", "v", "v"]})
        wanted = bits(api.mi(save(frame), target="y", missing=missing))
        assert bits(api.mi(save(frame, "t.parquet"), target="y", missing=missing)) == wanted
        assert bits(api.mi(frame, target="y", missing=missing)) == wanted
        texts = frame.assign(x=["1.0", "NaN", "2.", "1e0", "nan", "3"], y=["u", "v", "", "u", "v", "v"])
        assert bits(api.mi(save(texts), target="y", missing=missing)) == wanted

    def test_intervals(self) -> None:
        frame = pd.DataFrame({"x": [0.5, np.nan, 2.5, 3.5, np.nan, 1.5], "y": list("uvuvvu")})
        found = api.mi(save(frame), target="y", bins=["edges:2"])["x"]
        assert (found.outcomes, found.missing) == (3, 2)
        assert close(found.gain, conditional("a-bb-a", "uvuvvu"))
        dropped = api.mi("t.csv", target="y", bins=["edges:2"], missing="drop")["x"]
        assert close(dropped.gain, conditional("abba", "uuvu"))

    def test_a_column_of_nothing(self) -> None:
        write("t.csv", "x,z,y", ",1,u", ",2,v", ",1,u")
        assert gains(api.mi("t.csv", target="y"))["x"] == 0.0
        dropped = api.mi("t.csv", target="y", missing="drop")
        assert [each.name for each in dropped.ranking] == ["z", "x"]
        assert math.isnan(dropped["x"].gain)

    @pytest.mark.parametrize(
        ("cell", "says"), [("-1", "-1"), ("0.5", "0.5"), ("", "missing"), ("inf", "inf"), ("many", "many")]
    )
    def test_counts_that_are_none(self, cell: str, says: str) -> None:
        with pytest.raises((InputError, UsageError), match=says) as caught:
            api.mi(write("t.csv", "x,y,n", "a,u,2", f"b,v,{cell}"), target="y", counts="n")
        assert "np." not in str(caught.value)

    def test_rows_that_stand_for_no_case(self) -> None:
        write("t.csv", "x,y,n", "a,u,2", "b,v,3", "c,w,0", "a,v,1")
        found = api.mi("t.csv", target="y", counts="n")
        assert (found["x"].outcomes, found.target.outcomes if found.target else 0, found.cases) == (2, 2, 6)
        assert close(found["x"].gain, conditional("aabbba", "uuvvvv"))
