"""Candidates that are odd: infinite, dropped, without weight, of one row; what once came out, or was said, wrong."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from several import CLASSES, ROWS, logits, saved, some_files

import divtool
from divtool.errors import InputError, UsageError


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class TestOddCandidates:
    """What once came out wrong, or was said wrong."""

    def impossible(self) -> list[str]:
        """A reference, a model that is near it, and one that rules out a class in every other row."""
        rng = np.random.default_rng(2)
        p = rng.dirichlet(np.ones(CLASSES), ROWS)
        near, ruling = (p + 0.05 * rng.dirichlet(np.ones(CLASSES), ROWS) for _ in range(2))
        near[0::2] *= 1.0 + rng.uniform(0, 3, (ROWS // 2, CLASSES))
        ruling[0::2, 0] = 0.0
        return saved(ref=p, near=near / near.sum(axis=1, keepdims=True),
                     ruling=ruling / ruling.sum(axis=1, keepdims=True))  # fmt: skip

    def test_nobody_gains_by_dropped_rows(self) -> None:
        files = self.impossible()
        result = divtool.kl(*files, zeros="drop")
        rows = [np.asarray(divtool.kl("ref.npy", name, reduction="none").row_values) for name in files[1:]]
        for each, own in zip([one for one in result.results if one.name == "kl"], rows, strict=True):
            assert (each.n, each.dropped) == (ROWS // 2, ROWS // 2)
            assert each.value == pytest.approx(own[1::2].mean(), rel=1e-13)
        assert result.verdict is not None
        assert result.verdict.differences[0].n == ROWS // 2

    def test_a_matrix_drops_no_rows(self) -> None:
        with pytest.raises(UsageError, match="many pairs"):
            divtool.matrix(*self.impossible(), measure="kl", zeros="drop")

    def test_differences_of_geometric_means(self) -> None:
        some_files()
        result = divtool.perplexity("c0.npy", "c1.npy", "y.npy")
        means = sorted(each.value for each in result.results)
        assert result.verdict is not None
        (each,) = result.verdict.differences
        assert each.value == pytest.approx(means[1] - means[0], rel=1e-12)
        assert each.low is not None
        assert each.high is not None
        assert each.low < each.value < each.high
        with pytest.raises(UsageError, match="has no sum"):
            divtool.perplexity("c0.npy", "y.npy", reduction="sum")

    def test_differences_to_what_is_infinite(self) -> None:
        verdict = divtool.kl(*self.impossible()).verdict
        assert verdict is not None
        (each,) = verdict.differences
        assert (each.value, each.low, each.high, each.tied) == (math.inf, None, None, False)

    def test_one_row_tells_nothing(self) -> None:
        some_files()
        verdict = divtool.kl("ref.npy", "c0.npy", "c1.npy", rows="0:1").verdict
        assert verdict is not None
        assert verdict.tied == verdict.order
        assert "cannot be told apart by a single row" in verdict.said

    def test_rounding_is_no_difference(self) -> None:
        logs = logits(3)
        p = np.exp(logs - np.log(np.exp(logs).sum(axis=1, keepdims=True)))
        saved(ref=p * 0.5 + 0.125, a=logs, b=p)
        verdict = divtool.kl("ref.npy", "a.npy", "b.npy").verdict
        assert verdict is not None
        assert verdict.tied == verdict.order

    def test_rows_without_weight_are_no_evidence(self) -> None:
        weight = np.zeros(ROWS)
        weight[[3, 50, 70]] = 1.0, 2.0, 3.0
        y = np.random.default_rng(4).integers(0, CLASSES, ROWS)
        labels = pd.DataFrame({"label": y, "weight": weight})
        frames = [pd.DataFrame(logits(i), columns=list("abcd")) for i in range(2)]
        kept = weight > 0.0
        for name, rows in (("all", slice(None)), ("few", kept)):
            labels[rows].to_csv(f"{name}.csv", index=False)
            for i, frame in enumerate(frames):
                frame[rows].to_csv(f"{name}{i}.csv", index=False)
        whole, few = (
            divtool.ce(f"{name}0.csv", f"{name}1.csv", f"{name}.csv:label", sample_weight="weight")
            for name in ("all", "few")
        )
        assert whole.verdict is not None
        assert few.verdict is not None
        assert replace(whole.verdict, resamples=0) == replace(few.verdict, resamples=0, order=whole.verdict.order,
            tied=whole.verdict.tied, said=whole.verdict.said, differences=whole.verdict.differences)  # fmt: skip
        (one,), (other,) = whole.verdict.differences, few.verdict.differences
        assert (one.value, one.std_error, one.low, one.units) == (other.value, other.std_error, other.low, 3)
        assert [each.std_error for each in whole.results] == [each.std_error for each in few.results]

    def test_a_matrix_of_weighted_rows(self) -> None:
        for i in range(3):
            frame = pd.DataFrame(logits(i), columns=list("abcd"))
            (frame.assign(w=np.arange(ROWS) % 3) if i == 0 else frame).to_csv(f"m{i}.csv", index=False)
        files = [f"m{i}.csv" for i in range(3)]
        result = divtool.matrix(*files, measure="kl", sample_weight="w")
        assert result.names == tuple(files)
        assert result["kl"].values[0][2] == divtool.kl(files[0], files[2], sample_weight="w").value
        assert result["kl"].values[0][0] == 0.0

    def test_clusters_without_a_name(self) -> None:
        frame = pd.DataFrame(logits(0), columns=list("abcd")).assign(doc=[f"d{i % 7}" for i in range(ROWS)])
        frame.loc[4, "doc"] = None
        frame.to_csv("ref.csv", index=False)
        for i in (1, 2):
            pd.DataFrame(logits(i), columns=list("abcd")).to_csv(f"c{i}.csv", index=False)
        files = ["ref.csv", "c1.csv", "c2.csv"]
        with pytest.raises(InputError, match="what the row belongs to"):
            divtool.kl(*files, cluster="doc")
        result = divtool.kl(*files, cluster="doc", missing="drop")
        assert result.results[0].n == ROWS - 1
        assert result.verdict is not None
        assert result.verdict.differences[0].units == 7

    def test_usual_measures_step_aside(self) -> None:
        result = divtool.compare(*self.impossible(), zeros="drop")
        assert {each.measure for each in result.results} >= {"kl"}

    def test_a_class_that_the_third_file_lacks(self) -> None:
        for name, classes in (("ref", "abcd"), ("one", "abcd"), ("two", "abce")):
            pd.DataFrame(logits(1), columns=list(classes)).to_csv(f"{name}.csv", index=False)
        with pytest.raises(InputError, match=r'"e" of two.csv is not among the classes of ref.csv'):
            divtool.kl("ref.csv", "one.csv", "two.csv")

    def test_ids_that_different_files_lack(self) -> None:
        frame = pd.DataFrame(logits(1), columns=list("abcd")).assign(id=[f"n{i}" for i in range(ROWS)])
        frame.to_csv("ref.csv", index=False)
        frame[5:].to_csv("one.csv", index=False)
        frame[:-7].to_csv("two.csv", index=False)
        result = divtool.kl("ref.csv", "one.csv", "two.csv", join="inner")
        assert {each.n for each in result.results} == {ROWS - 12}
        assert not any("empty cell" in each for each in result.warnings)

    def test_whose_groups_they_are(self) -> None:
        for i, name in enumerate(("ref", "one", "two")):
            frame = pd.DataFrame(logits(1), columns=list("abcd"))
            frame.assign(id=[f"n{k}" for k in range(ROWS)], site=[f"s{(k + i) % 3}" for k in range(ROWS)]).to_csv(
                f"{name}.csv", index=False
            )
        result = divtool.kl("ref.csv", "one.csv", "two.csv", by="site", columns="a,b,c,d")
        assert '"site" is that of ref.csv' in result.matched
