"""Several files in one pass: the same numbers as one by one, ranked, with differences that others confirm."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from several import CLASSES, ROWS, WAYS, Array, logits, saved, some_files

import divtool
from divtool.engine.candidates import names_of_pairs, short_names
from divtool.errors import InputError, UsageError
from divtool.result import MeasureResult, Result


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def figures(each: MeasureResult) -> tuple[Any, ...]:
    return (each.label, repr(each.value), each.std_error, each.n, each.minimum, each.maximum,
            tuple(each.quantiles.items()), tuple((row.row, row.value) for row in each.worst))  # fmt: skip


def of(result: Result, candidate: str) -> list[tuple[Any, ...]]:
    return [figures(each) for each in result.results if each.candidate == candidate]


class TestTheSameAsOneByOne:
    @pytest.mark.parametrize("ways", WAYS, ids=["default", "small chunks", "tiny chunks"])
    def test_of_a_comparison(self, ways: dict[str, Any]) -> None:
        some_files()
        result = divtool.kl("ref.npy", "c0.npy", "c1.npy", "c2.npy", measure="js,tv,renyi:order=3", **ways)
        for name in result.candidates:
            alone = divtool.kl("ref.npy", name, measure="js,tv,renyi:order=3")
            assert of(result, name) == [figures(each) for each in alone.results]

    @pytest.mark.parametrize("ways", WAYS, ids=["default", "small chunks", "tiny chunks"])
    def test_of_a_loss(self, ways: dict[str, Any]) -> None:
        some_files()
        options: dict[str, Any] = {"class_weight": {str(i): i + 1.0 for i in range(CLASSES)}, "label_smoothing": 0.1}
        result = divtool.ce("c0.npy", "c1.npy", "c2.npy", "y.npy", **options, **ways)
        for name in result.candidates:
            alone = divtool.ce(name, "y.npy", **options)
            assert of(result, name) == [figures(each) for each in alone.results]

    def test_of_columns_by_name_in_any_order_and_rows_by_id(self) -> None:
        names = list("abcd")
        ids = [f"row-{i}" for i in range(ROWS)]
        frames = [pd.DataFrame(logits(i), columns=names).assign(id=ids) for i in range(3)]
        frames[0].to_csv("ref.csv", index=False)
        frames[1][["d", "id", "b", "a", "c"]].to_csv("one.csv", index=False)
        frames[2].sample(frac=1.0, random_state=1).to_parquet("two.parquet", index=False)
        result = divtool.js("ref.csv", "one.csv", "two.parquet")
        for name in ("one.csv", "two.parquet"):
            assert of(result, name)[0] == figures(divtool.js("ref.csv", name).results[0])

    def test_of_arrays_in_memory(self) -> None:
        p, q = logits(0), logits(1)
        result = divtool.compare(p, q, p, measure="tv")
        assert result.candidates == ("candidate", "candidate1") or len(result.candidates) == 2
        assert result.results[0].value == divtool.tv(p, q).value

    def test_matrix(self) -> None:
        some_files()
        files = ["ref.npy", "c0.npy", "c1.npy"]
        result = divtool.matrix(*files, measure="js,kl")
        for label in ("js", "kl"):
            for i, first in enumerate(files):
                for j, second in enumerate(files):
                    alone = divtool.compute(label, first, second).results[0]
                    assert result[label].values[i][j] == alone.value
                    assert result[label].std_errors[i][j] == alone.std_error
        assert result["js"].symmetric
        assert not result["kl"].symmetric

    def test_apart(self) -> None:
        saved(a=logits(0), b=logits(1)[:50])
        result = divtool.entropy("a.npy", "b.npy")
        assert [each.n for each in result.results] == [ROWS, 50]
        assert result.verdict is None
        assert result.results[1].value == divtool.entropy("b.npy").value

    def test_labels_beside_each(self) -> None:
        for seed, name in enumerate(("one", "two")):
            pd.DataFrame(logits(seed), columns=list("abcd")).assign(
                label=np.random.default_rng(seed).choice(list("abcd"), ROWS)
            ).to_csv(f"{name}.csv", index=False)
        result = divtool.ce("one.csv", "two.csv", label_col="label")
        values = [divtool.ce(f"{name}.csv", label_col="label").value for name in ("one", "two")]
        assert [each.value for each in result.results] == values
        assert result.verdict is not None
        assert result.verdict.order[0] == ("one.csv" if values[0] < values[1] else "two.csv")
        assert result.verdict.differences == ()


class TestVerdict:
    def rows(self, verb: str, *files: str, **options: Any) -> Array:
        return np.asarray(divtool.compute(verb, *files, reduction="none", **options).row_values)

    @pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
    def test_intervals_are_those_of_a_paired_t_test(self, level: float) -> None:
        some_files()
        result = divtool.kl("ref.npy", "c2.npy", "c0.npy", "c1.npy", level=level)
        assert result.verdict is not None
        assert result.verdict.order == ("c0.npy", "c1.npy", "c2.npy")
        best = self.rows("kl", "ref.npy", "c0.npy")
        for each in result.verdict.differences:
            own = self.rows("kl", "ref.npy", each.candidate)
            found = stats.ttest_rel(own, best)
            low, high = found.confidence_interval(level)
            assert each.value == pytest.approx((own - best).mean(), rel=1e-12)
            assert (each.low, each.high) == pytest.approx((low, high), rel=1e-10)
            assert (each.above, each.below) == ((own > best).sum(), (own < best).sum())
            assert each.p_sign == pytest.approx(stats.binomtest(each.above, each.above + each.below).pvalue, rel=1e-10)
            assert each.tied == (low <= 0.0 <= high)

    def test_the_draws_agree_with_the_interval(self) -> None:
        some_files()
        verdict = divtool.kl("ref.npy", "c0.npy", "c1.npy", resamples=4000).verdict
        assert verdict is not None
        (each,) = verdict.differences
        assert each.boot_low == pytest.approx(each.low, rel=0.1)
        assert each.boot_high == pytest.approx(each.high, rel=0.1)
        assert each.p_permutation is not None
        assert each.p_permutation < 0.01

    @pytest.mark.parametrize("ways", WAYS, ids=["default", "small chunks", "tiny chunks"])
    def test_the_same_for_every_cut(self, ways: dict[str, Any]) -> None:
        some_files()
        first = divtool.kl("ref.npy", "c0.npy", "c1.npy", "c2.npy", seed=7)
        assert divtool.kl("ref.npy", "c0.npy", "c1.npy", "c2.npy", seed=7, **ways).verdict == first.verdict

    def test_higher_is_better_where_it_is(self) -> None:
        some_files()
        verdict = divtool.compute("same-top-1", "ref.npy", "c2.npy", "c0.npy").verdict
        assert verdict is not None
        assert verdict.order == ("c0.npy", "c2.npy")

    def test_a_tie_is_said(self) -> None:
        base = logits(0)
        saved(ref=base, a=base + 0.01 * logits(1), b=base + 0.01 * logits(2))
        verdict = divtool.kl("ref.npy", "a.npy", "b.npy").verdict
        assert verdict is not None
        assert verdict.tied == verdict.order
        assert "tied" in verdict.said

    def test_the_same_file_twice(self) -> None:
        some_files()
        verdict = divtool.kl("ref.npy", "c0.npy", "c0.npy").verdict
        assert verdict is not None
        assert verdict.order == ("c0.npy", "c0.npy (2)")
        assert verdict.differences[0].value == 0.0
        assert "the same" in verdict.said

    def test_infinite_candidates_are_last(self) -> None:
        p = np.array([[0.5, 0.5], [0.25, 0.75], [0.5, 0.5]])
        saved(ref=p, sure=np.array([[1.0, 0.0], [0.25, 0.75], [0.5, 0.5]]), fair=np.full((3, 2), 0.5))
        result = divtool.kl("ref.npy", "sure.npy", "fair.npy")
        assert result.verdict is not None
        assert result.verdict.order == ("fair.npy", "sure.npy")
        assert result.verdict.tied == ("fair.npy",)
        assert "infinite in 1 row" in result.verdict.said
        assert result.verdict.differences[0].left_out == 1

    def test_weighted_means(self) -> None:
        names = list("abcd")
        weight = np.random.default_rng(3).uniform(0.5, 2.0, ROWS)
        y = np.random.default_rng(4).integers(0, CLASSES, ROWS)
        pd.DataFrame({"label": y, "weight": weight}).to_csv("y.csv", index=False)
        for i in range(2):
            pd.DataFrame(logits(i), columns=names).to_csv(f"c{i}.csv", index=False)
        result = divtool.ce("c0.csv", "c1.csv", "y.csv:label", sample_weight="weight")
        best = [each.value for each in result.results]
        assert result.verdict is not None
        (each,) = result.verdict.differences
        assert each.value == pytest.approx(abs(best[0] - best[1]), rel=1e-12)
        # The error of a ratio of means, word for word.
        rows = [self.rows("ce", f"c{i}.csv", "y.csv:label") for i in range(2)]
        d = weight * (rows[0] - rows[1]) * (1.0 if best[0] > best[1] else -1.0)
        ratio = d.sum() / weight.sum()
        error = math.sqrt(ROWS / (ROWS - 1) * ((d - ratio * weight) ** 2).sum()) / weight.sum()
        assert each.std_error == pytest.approx(error, rel=1e-10)

    def test_clusters(self) -> None:
        names = list("abcd")
        site = np.random.default_rng(5).integers(0, 12, ROWS)
        y = np.random.default_rng(4).integers(0, CLASSES, ROWS)
        pd.DataFrame({"label": y, "site": site}).to_csv("y.csv", index=False)
        for i in range(2):
            pd.DataFrame(logits(i), columns=names).to_csv(f"c{i}.csv", index=False)
        result = divtool.ce("c0.csv", "c1.csv", "y.csv", cluster="site")
        rows = [self.rows("ce", f"c{i}.csv", "y.csv:label") for i in range(2)]
        sizes = np.bincount(site)
        groups = sizes.size
        for own, each in zip(rows, result.results, strict=True):
            sums = np.bincount(site, own) - own.mean() * sizes
            error = math.sqrt(groups / (groups - 1) * (sums**2).sum()) / ROWS
            assert each.std_error == pytest.approx(error, rel=1e-10)
            assert each.units == "clusters"
        assert result.verdict is not None
        (difference,) = result.verdict.differences
        assert difference.units == groups
        assert difference.above + difference.below + difference.equal == groups

    def test_units_of_differences(self) -> None:
        some_files()
        nats = divtool.kl("ref.npy", "c0.npy", "c1.npy").verdict
        bits = divtool.kl("ref.npy", "c0.npy", "c1.npy", base="2").verdict
        assert nats is not None
        assert bits is not None
        assert bits.unit == "bits"
        assert bits.differences[0].value == pytest.approx(nats.differences[0].value / math.log(2.0), rel=1e-14)
        sums = divtool.kl("ref.npy", "c0.npy", "c1.npy", reduction="sum").verdict
        assert sums is not None
        assert sums.differences[0].value == pytest.approx(ROWS * nats.differences[0].value, rel=1e-14)


class TestCompare:
    def test_ranks_by_its_first_measure(self) -> None:
        some_files()
        result = divtool.compare("ref.npy", "c1.npy", "c0.npy", measure="tv,kl")
        assert result.command == "compare"
        assert result.verdict is not None
        assert result.verdict.measure == "tv"
        assert {each.name for each in result.results} >= {"tv", "kl", "same-top-1"}

    def test_labels_as_the_reference(self) -> None:
        some_files()
        result = divtool.compare("y.npy", "c0.npy", "c1.npy", measure="brier,ce")
        assert result["ce", "c0.npy"].value == divtool.ce("c0.npy", "y.npy").value

    def test_one_candidate(self) -> None:
        some_files()
        result = divtool.compare("ref.npy", "c0.npy")
        assert result.verdict is None
        assert result["kl"].value == divtool.kl("ref.npy", "c0.npy").value

    @pytest.mark.parametrize(
        ("operands", "options", "said"),
        [
            (["ref.npy"], {}, "a reference and one candidate"),
            (["ref.npy", "c0.npy"], {"measure": "entropy"}, "measure of two files"),
            (["ref.npy", "c0.npy"], {"measure": "kll"}, "there is no such measure"),
            (["ref.npy", "c0.npy"], {"label_smoothing": 0.5}, 'no option "label_smoothing"'),
            (["ref.npy", "c0.npy"], {"seed": 3}, "there is but one"),
        ],
    )
    def test_refused(self, operands: list[str], options: dict[str, Any], said: str) -> None:
        some_files()
        with pytest.raises(UsageError, match=said):
            divtool.compare(*operands, **options)

    def test_a_candidate_of_other_rows_is_named(self) -> None:
        some_files()
        np.save("short.npy", logits(3)[:10])
        with pytest.raises(InputError, match="has 10 rows, ref") as caught:
            divtool.kl("ref.npy", "c0.npy", "short.npy")
        assert "short.npy" in str(caught.value)


class TestNames:
    def test_short_names(self) -> None:
        assert short_names(["x/a.npy"]) == ("a.npy",)
        assert short_names(["x/a.npy", "y/a.npy"]) == ("x/a.npy", "y/a.npy")
        assert short_names(["p/1/q.npy", "p/2/q.npy", "r.npy"]) == ("1/q.npy", "2/q.npy", "r.npy")
        assert names_of_pairs(("a", "b"))[1] == "a || b"
