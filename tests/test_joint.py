"""`divtool joint` against independent computations, in all of its forms, and the same bits however it is stored."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mpmath import mp, mpf
from scipy import stats
from sklearn import metrics

from divtool import api as divtool
from divtool.errors import InputError, UsageError
from divtool.findings import JointResult

# Scikit-learn and SciPy take differences of logarithms; divtool's own promise is tested against mpmath elsewhere.
CLOSE = 1e-12
LABELINGS = {
    "same names": (5, 5, 300, 0.6), "near chance": (4, 4, 500, 0.0), "nearly the same": (6, 6, 200, 0.97),
    "more clusters": (3, 9, 400, 0.5), "two": (2, 2, 50, 0.3), "few cases": (3, 3, 12, 0.5),
}  # fmt: skip


def labeling(name: str) -> tuple[list[str], list[str]]:
    """Two labelings whose outcomes all occur; the second repeats the first in a share of the cases."""
    x_size, y_size, n, alike = LABELINGS[name]
    rng = np.random.default_rng(len(name))
    x = np.concatenate([np.arange(x_size), rng.integers(0, x_size, n - x_size)])
    y = np.where(rng.random(n) < alike, x % y_size, rng.integers(0, y_size, n))
    y[:y_size] = np.arange(y_size)
    return [f"k{i}" for i in x], [f"k{i}" for i in y]


def close(value: float, wanted: float) -> bool:
    return value == pytest.approx(wanted, rel=CLOSE, abs=CLOSE)


def bits(result: JointResult) -> str:
    """The numbers of a result, -0.0 and 0.0 apart."""
    return repr(result.results)


def values(result: JointResult) -> dict[str, float]:
    return {each.name: each.value for each in result.results}


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a folder of its own."""
    monkeypatch.chdir(tmp_path)


def write(name: str, *lines: str) -> str:
    Path(name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return name


def table(name: str, **columns: Any) -> str:
    """A CSV or Parquet file of these columns."""
    frame = pd.DataFrame(columns)
    frame.to_parquet(name) if name.endswith("parquet") else frame.to_csv(name, index=False)
    return name


@pytest.mark.parametrize("name", LABELINGS)
class TestAgainstOthers:
    def joint(self, name: str, **options: Any) -> JointResult:
        x, y = labeling(name)
        return divtool.joint(table("t.csv", x=x, y=y), "x", "y", **options)

    def test_entropies(self, name: str) -> None:
        x, y = labeling(name)
        crossed = pd.crosstab(np.array(x), np.array(y)).to_numpy()
        found, n = values(self.joint(name)), crossed.sum()
        of_x, of_y = stats.entropy(crossed.sum(axis=1)), stats.entropy(crossed.sum(axis=0))
        both = stats.entropy(crossed.reshape(-1))
        wanted = {
            "entropy-x": of_x, "entropy-y": of_y, "joint-entropy": both, "entropy-x-given-y": both - of_y,
            "entropy-y-given-x": both - of_x, "mutual-information": metrics.mutual_info_score(x, y),
            "variation-of-information": 2 * both - of_x - of_y,
            "gain-ratio": metrics.mutual_info_score(x, y) / of_x,
        }  # fmt: skip
        product = np.outer(crossed.sum(axis=1), crossed.sum(axis=0)) / n**2
        wanted["lautum-information"] = stats.entropy(product.reshape(-1), crossed.reshape(-1) / n)
        wanted["nmi-joint"] = wanted["mutual-information"] / both
        assert {key: value for key, value in wanted.items() if not close(found[key], value)} == {}

    def test_information_norms(self, name: str) -> None:
        x, y = labeling(name)
        found = values(self.joint(name, beta=1.7))
        for norm in ("min", "geometric", "arithmetic", "max"):
            assert close(found[f"nmi-{norm}"], metrics.normalized_mutual_info_score(x, y, average_method=norm))
            adjusted = self.joint(name, measure="ami", norm=norm).value
            assert close(adjusted, metrics.adjusted_mutual_info_score(x, y, average_method=norm))
        wanted = metrics.homogeneity_completeness_v_measure(x, y, beta=1.7)
        assert all(map(close, (found["homogeneity"], found["completeness"], found["v-measure"]), wanted))

    def test_tests_of_independence(self, name: str) -> None:
        x, y = labeling(name)
        crossed, result = pd.crosstab(np.array(x), np.array(y)).to_numpy(), self.joint(name)
        for mine, theirs in (("chi2-test", "pearson"), ("g-test", "log-likelihood")):
            wanted = stats.chi2_contingency(crossed, correction=False, lambda_=theirs)
            assert close(result[mine].value, wanted.statistic)
            assert result[mine].degrees_of_freedom == wanted.dof
            assert result[mine].p_value == pytest.approx(wanted.pvalue, rel=1e-10, abs=1e-300)
        assert close(result["cramers-v"].value, stats.contingency.association(crossed, method="cramer"))

    @pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
    def test_agreement(self, name: str) -> None:
        x, y = labeling(name)
        found = values(self.joint(name))
        if not (set(x) <= set(y) or set(y) <= set(x)):
            assert "accuracy" not in found
            return
        wanted = {
            "accuracy": metrics.accuracy_score(x, y), "balanced-accuracy": metrics.balanced_accuracy_score(x, y),
            "f1-macro": metrics.f1_score(x, y, average="macro"),
            "f1-weighted": metrics.f1_score(x, y, average="weighted"),
            "cohens-kappa": metrics.cohen_kappa_score(x, y), "matthews": metrics.matthews_corrcoef(x, y),
        }  # fmt: skip
        assert {key: value for key, value in wanted.items() if not close(found[key], value)} == {}

    def test_cells(self, name: str) -> None:
        x, y = labeling(name)
        crossed, cells = pd.crosstab(np.array(x), np.array(y)), self.joint(name, base="2").cells
        expected, n = stats.contingency.expected_freq(crossed), len(x)
        by_chance = pd.DataFrame(expected, crossed.index, crossed.columns)
        assert len(cells) == (crossed.to_numpy() > 0).sum()
        for each in cells:
            count, mean = crossed.loc[each.x, each.y], by_chance.loc[each.x, each.y]
            assert (each.count, close(each.expected, mean)) == (count, True)
            assert close(each.pmi, math.log2(count / mean))
            assert close(each.npmi, math.log2(count / mean) / -math.log2(count / n))


class TestLabelPairs:
    def pair(self) -> tuple[list[str], list[str]]:
        return labeling("more clusters")

    def ids(self) -> list[str]:
        return [f"case-{i}" for i in range(len(self.pair()[0]))]

    def wanted(self) -> str:
        x, y = self.pair()
        return bits(divtool.joint(table("both.csv", x=x, y=y), "x", "y"))

    @pytest.mark.parametrize("left", ["csv", "parquet"])
    @pytest.mark.parametrize("right", ["csv", "parquet"])
    @pytest.mark.parametrize("with_ids", [True, False])
    def test_two_files(self, left: str, right: str, with_ids: bool) -> None:
        x, y = self.pair()
        first = {"id": self.ids()} if with_ids else {}
        made = table(f"a.{left}", **first, label=x), table(f"b.{right}", **first, label=y)
        assert bits(divtool.joint(*made)) == self.wanted()

    def test_rows_in_another_order(self) -> None:
        x, y = self.pair()
        order = np.random.default_rng(1).permutation(len(y))
        table("a.csv", id=self.ids(), label=x)
        table("b.csv", id=np.array(self.ids())[order], label=np.array(y)[order])
        assert bits(divtool.joint("a.csv", "b.csv")) == self.wanted()
        assert bits(divtool.joint("a.csv", "b.csv", id="none")) != self.wanted()

    def test_columns_of_files(self) -> None:
        x, y = self.pair()
        table("a.csv", id=self.ids(), other=y, one=x)
        table("b.parquet", id=self.ids(), two=y, other=x)
        assert bits(divtool.joint("a.csv:one", "b.parquet:two")) == self.wanted()

    def test_arrays(self) -> None:
        x, y = (np.array([int(each[1:]) for each in side]) for side in self.pair())
        np.save("x.npy", x)
        np.save("y.npy", y)
        assert bits(divtool.joint("x.npy", "y.npy")) == self.wanted()
        assert bits(divtool.joint(x, y)) == self.wanted()
        assert bits(divtool.joint(np.stack([x, y], axis=1), "0", "1")) == self.wanted()
        assert bits(divtool.joint(pd.DataFrame({"x": x, "y": y}), "x", "y")) == self.wanted()

    def test_ids_of_one_file_only(self) -> None:
        x, y = self.pair()
        table("a.csv", id=[*self.ids(), "more"], label=[*x, "k0"])
        table("b.csv", id=self.ids(), label=y)
        with pytest.raises(InputError, match="more"):
            divtool.joint("a.csv", "b.csv")
        joined = divtool.joint("a.csv", "b.csv", join="inner")
        assert (bits(joined), joined.left_out) == (self.wanted(), 1)

    def test_one_column_twice_is_no_pair(self) -> None:
        table("a.csv", id=self.ids(), label=self.pair()[0])
        with pytest.raises(UsageError, match="same column"):
            divtool.joint("a.csv", "a.csv")
        with pytest.raises(UsageError, match="same column"):
            divtool.joint("a.csv:label", "a.csv:label")


def dyadic(rows: int, width: int, seed: int) -> list[list[Fraction]]:
    """Rows of probabilities that doubles hold exactly and that sum to exactly 1, some of them 0."""
    rng = np.random.default_rng(seed)
    return [[Fraction(int(n), 64) for n in rng.multinomial(64, rng.dirichlet([0.4] * width))] for _ in range(rows)]


def information(cells: list[list[Fraction]]) -> mpf:
    with mp.workdps(40):
        rows, columns = [sum(row) for row in cells], [sum(column) for column in zip(*cells, strict=True)]
        terms = [
            mpf(p.numerator) / p.denominator * mp.log(mpf((r := p / rows[i] / columns[j]).numerator) / r.denominator)
            for i, row in enumerate(cells) for j, p in enumerate(row) if p
        ]  # fmt: skip
        return mp.fsum(terms)


def outer_sum(x: list[list[Fraction]], y: list[list[Fraction]]) -> list[list[Fraction]]:
    """The mean of the products of both rows' probabilities."""
    pairs = list(zip(x, y, strict=True))
    return [[sum((a[i] * b[j] for a, b in pairs), Fraction(0)) / len(pairs) for j in range(len(y[0]))]
            for i in range(len(x[0]))]  # fmt: skip


class TestProbabilities:
    def save(self, name: str, rows: list[list[Fraction]]) -> np.ndarray[Any, Any]:
        matrix = np.array([[float(each) for each in row] for row in rows])
        np.save(f"{name}.npy", matrix)
        header = [f"c{j}" for j in range(matrix.shape[1])]
        pd.DataFrame(matrix, columns=header).to_csv(f"{name}.csv", index_label="id")
        return matrix

    @pytest.mark.parametrize("suffix", ["npy", "csv"])
    def test_two_tables(self, suffix: str) -> None:
        x, y = dyadic(90, 4, 1), dyadic(90, 3, 2)
        self.save("x", x)
        self.save("y", y)
        result = divtool.joint(f"x.{suffix}", f"y.{suffix}")
        cells = outer_sum(x, y)
        assert result.cases is None
        assert result["mutual-information"].value == pytest.approx(float(information(cells)), rel=1e-15)
        found = {(int(each.x[-1]), int(each.y[-1])): each.count for each in result.cells if each.x and each.y}
        assert found == {(i, j): float(p) for i, row in enumerate(cells) for j, p in enumerate(row) if p}
        assert "ami" not in values(result)

    def test_labels_with_probabilities(self) -> None:
        y = dyadic(90, 3, 2)
        labels = np.random.default_rng(4).integers(0, 5, 90)
        self.save("y", y)
        table("x.csv", id=range(90), label=labels)
        certain = [[Fraction(int(label == k)) for k in range(5)] for label in labels.tolist()]
        wanted = float(information(outer_sum(certain, y)))
        one, other = divtool.joint("x.csv", "y.csv"), divtool.joint("y.csv", "x.csv")
        assert one["mutual-information"].value == pytest.approx(wanted, rel=1e-15)
        assert other["mutual-information"] == one["mutual-information"]
        assert one["entropy-x"].value == other["entropy-y"].value

    def test_certain_rows_are_labels(self) -> None:
        x, y = (np.array([int(each[1:]) for each in side]) for side in labeling("same names"))
        soft, hard = values(divtool.joint(np.eye(5)[x], np.eye(5)[y])), values(divtool.joint(x, y))
        assert set(hard) - set(soft) == {"ami", "g-test", "chi2-test"}
        # A share is rounded where the number of cases is no power of two; counts are not.
        assert all(close(value, hard[name]) for name, value in soft.items())

    def test_rows_that_do_not_sum_to_one(self) -> None:
        bad = np.array([[0.5, 0.5], [0.5, 0.4], [0.25, 0.75]])
        with pytest.raises(InputError, match=r"0\.9"):
            divtool.joint(bad, np.array([0, 1, 1]))
        fixed = divtool.joint(bad, np.array([0, 1, 1]), normalize=True)
        whole = divtool.joint(bad / bad.sum(axis=1, keepdims=True), np.array([0, 1, 1]))
        assert close(fixed.value, whole.value)


GOLDEN = {
    "entropy-x": 0.67301166700925644, "entropy-y": 0.69314718055994531, "joint-entropy": 1.2798542258336675,
    "entropy-y-given-x": 0.60684255882441103, "entropy-x-given-y": 0.58670704527372216,
    "mutual-information": 0.086304621735534278, "variation-of-information": 1.1935496040981333,
    "nmi-min": 0.12823644219877583, "nmi-geometric": 0.12636011904860954, "nmi-arithmetic": 0.12634639359704851,
    "nmi-max": 0.12451124978365312, "nmi-joint": 0.067433165428912376, "gain-ratio": 0.12823644219877583,
    "completeness": 0.12451124978365312, "lautum-information": 0.092871325187271222,
}  # fmt: skip


class TestContingency:
    @pytest.mark.parametrize(
        "lines",
        [("r,u,v", "a,0.3,0.1", "b,0.2,0.4"), ("u,v", "0.3,0.1", "0.2,0.4"), ("r,u,v", "a,3,1", "b,2,4"),
         ("u,v", "3,1", "2,4")],
        ids=["named probabilities", "probabilities", "named counts", "counts"],
    )  # fmt: skip
    def test_golden_table(self, lines: tuple[str, ...]) -> None:
        result = divtool.joint(write("t.csv", *lines))
        found = values(result)
        wrong = {key: found[key] for key, value in GOLDEN.items() if found[key] != pytest.approx(value, rel=1e-15)}
        assert wrong == {}
        assert result.cells[0].pmi == pytest.approx(0.40546510810816438, rel=1e-15)
        assert result.cells[0].npmi == pytest.approx(0.33677264689975344, rel=1e-15)

    def test_label_pairs_of_the_golden_table(self) -> None:
        result = divtool.joint([0, 0, 1, 1], [0, 0, 0, 1])
        assert result["mutual-information"].value == pytest.approx(0.2157615543388357, rel=1e-15)
        assert result["entropy-y"].value == pytest.approx(0.56233514461880835, rel=1e-15)
        assert result["nmi-arithmetic"].value == pytest.approx(0.3437110184854508, rel=1e-15)
        assert repr(result["ami"].value) == "0.0"

    @pytest.mark.parametrize("name", LABELINGS)
    def test_a_saved_crosstab_is_the_table_it_was_made_from(self, name: str) -> None:
        x, y = labeling(name)
        pd.crosstab(pd.Series(x, name="x"), pd.Series(y, name="y")).to_csv("crossed.csv")
        whole, crossed = divtool.joint(table("t.csv", x=x, y=y), "x", "y"), divtool.joint("crossed.csv")
        assert (bits(crossed), crossed.cells, crossed.cases) == (bits(whole), whole.cells, len(x))
        pd.crosstab(pd.Series(x, name="x"), pd.Series(y, name="y")).reset_index().to_parquet("crossed.parquet")
        assert bits(divtool.joint("crossed.parquet")) == bits(whole)

    def test_numbers_name_the_rows_of_a_crosstab(self) -> None:
        x, y = (pd.Series([int(each[1:]) for each in side]) for side in labeling("same names"))
        pd.crosstab(x.rename("x"), y.rename("y")).to_csv("crossed.csv")
        table("t.csv", x=x, y=y)
        assert bits(divtool.joint("crossed.csv", id="x")) == bits(divtool.joint("t.csv", "x", "y"))
        # The same without being told: outcomes 0, 1, 2, ... count the rows.
        assert bits(divtool.joint("crossed.csv")) == bits(divtool.joint("t.csv", "x", "y"))

    def test_outcomes_without_cases(self) -> None:
        full = divtool.joint(np.array([[3, 1], [2, 4]]))
        gaps = divtool.joint(np.array([[3, 0, 1], [0, 0, 0], [2, 0, 4]]))
        shared = {key: value for key, value in values(full).items() if key in values(gaps)}
        assert shared == {key: value for key, value in values(gaps).items() if key in shared}
        assert [each.outcomes for each in gaps.variables] == [2, 2]

    def test_what_is_asked_for_by_given(self) -> None:
        one_case = np.array([[1, 0], [0, 0]])
        assert divtool.joint(one_case).cases == 1
        assert divtool.joint(one_case, given="probs").cases is None

    def test_fractions_are_no_counts(self) -> None:
        with pytest.raises(InputError) as caught:
            divtool.joint(write("t.csv", "u,v", "0.3,0.1", "0.2,0.4"), given="counts")
        assert "0.3 is no count" in str(caught.value)
        assert "np." not in str(caught.value)

    def test_normalize(self) -> None:
        result = divtool.joint(write("t.csv", "u,v", "0.6,0.2", "0.4,0.8"), normalize=True)
        assert result["mutual-information"].value == pytest.approx(GOLDEN["mutual-information"], rel=1e-15)


class TestSameBits:
    def files(self) -> dict[str, str]:
        x, y = labeling("more clusters")
        z = [str(i % 3) for i in range(len(x))]
        order = np.random.default_rng(3).permutation(len(x))
        Path("parts").mkdir()
        frame = pd.DataFrame({"x": x, "y": y, "z": z})
        for i, part in enumerate(np.array_split(np.arange(len(x)), 5)):
            frame.iloc[part].to_csv(f"parts/part-{i}.csv", index=False)
        return {
            "csv": table("t.csv", x=x, y=y, z=z), "parquet": table("t.parquet", x=x, y=y, z=z),
            "shuffled": table("s.csv", x=np.array(x)[order], y=np.array(y)[order]), "parts": "parts",
            "columns": table("c.csv", z=z, y=y, x=x),
        }  # fmt: skip

    def test_chunks_threads_and_formats(self) -> None:
        files = self.files()
        wanted = divtool.joint(files["csv"], "x", "y")
        for path in files.values():
            for options in ({}, {"chunk_size": 1}, {"chunk_size": 7 * 16, "threads": 8}, {"threads": 1}):
                found = divtool.joint(path, "x", "y", **options)
                assert (bits(found), found.cells) == (bits(wanted), wanted.cells), (path, options)

    def test_exchanged(self) -> None:
        path = self.files()["csv"]
        one, other = values(divtool.joint(path, "x", "y")), values(divtool.joint(path, "y", "x"))
        turned = {"entropy-x": "entropy-y", "entropy-y": "entropy-x", "homogeneity": "completeness",
                  "completeness": "homogeneity", "entropy-x-given-y": "entropy-y-given-x",
                  "entropy-y-given-x": "entropy-x-given-y"}  # fmt: skip
        # A class that one side never names is the truth's or the prediction's: these are no symmetric figures.
        for name in ("gain-ratio", "balanced-accuracy", "f1-weighted"):
            one.pop(name)
        assert {name: repr(other[turned.get(name, name)]) for name in one} == {n: repr(v) for n, v in one.items()}

    def test_renamed(self) -> None:
        x, y = labeling("same names")
        names = {f"k{i}": f"{(i * 3) % 5} \u00e9{i}" for i in range(5)}
        other = table("r.csv", x=[names[each] for each in x], y=[names[each] for each in y])
        assert bits(divtool.joint(other, "x", "y")) == bits(divtool.joint(table("t.csv", x=x, y=y), "x", "y"))

    def test_counts_stand_for_rows(self) -> None:
        x, y = labeling("same names")
        crossed = pd.DataFrame({"x": x, "y": y}).value_counts().rename("n").reset_index()
        crossed.to_csv("n.csv", index=False)
        (crossed := crossed.assign(n=2 * crossed["n"])).to_csv("n2.csv", index=False)
        once = divtool.joint(table("t.csv", x=x, y=y), "x", "y")
        assert bits(divtool.joint("n.csv", "x", "y", counts="n")) == bits(once)
        scaled, twice = {"ami", "g-test", "chi2-test"}, divtool.joint("n2.csv", "x", "y", counts="n")
        assert twice.cases == 2 * len(x)
        assert {n: v for n, v in values(twice).items() if n not in scaled} == {
            n: v for n, v in values(once).items() if n not in scaled
        }
        assert twice["g-test"].value == 2 * once["g-test"].value
