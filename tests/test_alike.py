"""Columns that are no classes of one table, numbers on another scale, labels in other clothes: asked about or read
right, never scored in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import divtool
from divtool.errors import InputError
from divtool.meaning.alike import apart_from_series, odd_one_out, other_scale, side_by_side

RNG = np.random.default_rng(23)
LOGITS = RNG.normal(size=(50, 3)) * 3
PROBS = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
LABELS = RNG.integers(0, 3, 50)


def frame(table: Any, *names: str, **more: Any) -> pd.DataFrame:
    return pd.DataFrame(table, columns=list(names)).assign(**more)


class TestOddColumns:
    MADE = (
        ("is the greatest of the others", LOGITS.max(axis=1)),
        ("is the sum of the others", LOGITS.sum(axis=1)),
        ("is the log-sum-exp of the others", np.log(np.exp(LOGITS).sum(axis=1))),
    )

    @pytest.mark.parametrize(("said", "column"), MADE, ids=["max", "sum", "log-sum-exp"])
    def test_made_of_the_others(self, said: str, column: np.ndarray) -> None:
        with pytest.raises(InputError, match=f'"spare" {said}') as caught:
            divtool.ce(frame(LOGITS, "cat", "dog", "eel", spare=column), LABELS)
        assert "--columns '!spare'" in caught.value.hint

    @pytest.mark.parametrize("name", ["age", "max_prob", "logits_max", "lse", "temperature", "ppl", "target_prob"])
    def test_known_names_are_left_out(self, name: str) -> None:
        table = frame(LOGITS, "cat", "dog", "eel", **{name: RNG.normal(size=50)})
        assert divtool.ce(table, LABELS).value == divtool.ce(LOGITS, LABELS).value

    def test_a_series_and_another(self) -> None:
        with pytest.raises(InputError, match='"spare" is none of "l0" to "l2"') as caught:
            divtool.ce(frame(LOGITS, "l0", "l1", "l2", spare=RNG.normal(size=50)), LABELS)
        assert "--columns l0-l2" in caught.value.hint
        table = frame(LOGITS, "l0", "l1", "l2", spare=RNG.normal(size=50))
        assert divtool.ce(table, LABELS, columns="l0-l2").value == divtool.ce(LOGITS, LABELS).value

    @pytest.mark.parametrize(
        "names",
        [("a_cat", "a_dog", "b_cat", "b_dog"), ("raw_cat", "raw_dog", "cat", "dog"), ("t.0", "t.1", "s.0", "s.1")],
    )
    def test_several_models(self, names: tuple[str, ...]) -> None:
        table = frame(RNG.normal(size=(50, 4)), *names)
        with pytest.raises(InputError, match="The same names stand behind") as caught:
            divtool.entropy(table)
        pattern = caught.value.hint.split("'")[1]
        assert divtool.entropy(table, columns=pattern).inputs[0].classes == 2
        assert divtool.entropy(table, given="logits").inputs[0].classes == 4

    def test_a_total_of_counts(self) -> None:
        votes = RNG.integers(1, 9, (50, 3))
        with pytest.raises(InputError, match='"total" is the sum of the others'):
            divtool.entropy(frame(votes, "a", "b", "c", total=votes.sum(axis=1)), given="counts")

    @given(st.integers(3, 6), st.integers(0, 2**32 - 1))
    def test_ordinary_logits_are_not_asked_about(self, width: int, seed: int) -> None:
        x = np.random.default_rng(seed).normal(size=(40, width))
        assert odd_one_out(x, 1e-6) is None
        assert other_scale(x) == ""

    @pytest.mark.parametrize(
        "names", [["a", "b", "c"], ["c1", "c2", "c3"], ["x_a", "x_b"], ["0", "1", "10"], ["red car", "blue bus"]]
    )
    def test_ordinary_names_are_not_asked_about(self, names: list[str]) -> None:
        assert apart_from_series(names) is None
        assert side_by_side(names) is None


class TestOtherScales:
    SCALES = (
        ("2\\^x", np.log2(PROBS)), ("10\\^x", np.log10(PROBS)), ("negated", -np.log(PROBS)),
        ("decimal odds", 1 / PROBS), ("odds", PROBS / (1 - PROBS)), ("log-odds", np.log(PROBS / (1 - PROBS))),
    )  # fmt: skip

    @pytest.mark.parametrize(
        ("said", "table"), SCALES, ids=["log2", "log10", "nll", "decimal odds", "odds", "log-odds"]
    )
    def test_are_told(self, said: str, table: np.ndarray) -> None:
        with pytest.raises(InputError, match=said) as caught:
            divtool.ce(table, LABELS)
        assert "--given logits" in caught.value.hint

    def test_natural_logarithms_are_read(self) -> None:
        assert divtool.ce(np.log(PROBS), LABELS).inputs[0].kind == "log-probs"


class TestAnswers:
    @pytest.mark.parametrize("odd", [2.5, -1.0, 100.0, np.nan])
    def test_a_truth_outside_0_and_1_is_refused_by_its_row(self, odd: float) -> None:
        truth = np.array([[1.0], [0.0], [odd], [0.5]])
        with pytest.raises(InputError, match="row 2"):
            divtool.bce(np.array([[0.9], [0.2], [0.6], [0.5]]), truth)

    def test_floats_under_a_name(self, tmp_path: Path) -> None:
        truth = pd.DataFrame({"label": [1.0, 0.0, 1.0]})
        chances = pd.DataFrame({"p": [0.9, 0.2, 0.4]})
        assert divtool.bce(chances, truth).value == divtool.bce(chances, np.array([[1.0], [0.0], [1.0]])).value


class TestLabels:
    EXPECTED = divtool.ce(PROBS[:, :2] / PROBS[:, :2].sum(axis=1, keepdims=True), LABELS % 2).value
    TWO = PROBS[:, :2] / PROBS[:, :2].sum(axis=1, keepdims=True)

    @pytest.mark.parametrize("suffix", ["csv", "parquet", "npy"])
    def test_whole_numbers_saved_as_floats(self, suffix: str, tmp_path: Path) -> None:
        path = tmp_path / f"y.{suffix}"
        labels = LABELS.astype(np.float64)
        if suffix == "npy":
            np.save(path, labels)
        else:
            table = pd.DataFrame({"label": labels})
            (table.to_csv if suffix == "csv" else table.to_parquet)(path, index=False)
        assert divtool.ce(PROBS, str(path)).value == divtool.ce(PROBS, LABELS).value

    @pytest.mark.parametrize("values", [["False", "True"], ["false", "true"], [False, True]])
    def test_truths(self, values: list[Any], tmp_path: Path) -> None:
        column = pa.array([values[label % 2] for label in LABELS])
        pq.write_table(pa.table({"label": column}), tmp_path / "y.parquet")
        assert divtool.ce(self.TWO, str(tmp_path / "y.parquet")).value == self.EXPECTED

    def test_as_savetxt_writes_them(self, tmp_path: Path) -> None:
        np.savetxt(tmp_path / "y.txt", LABELS.astype(float))
        assert divtool.ce(PROBS, str(tmp_path / "y.txt")).value == divtool.ce(PROBS, LABELS).value

    def test_a_category_id_is_the_label(self, tmp_path: Path) -> None:
        pd.DataFrame({"image_id": range(50), "category_id": LABELS}).to_csv(tmp_path / "y.csv", index=False)
        frame(PROBS, "a", "b", "c", image_id=range(50)).to_csv(tmp_path / "p.csv", index=False)
        result = divtool.ce(str(tmp_path / "p.csv"), str(tmp_path / "y.csv"))
        assert result.value == divtool.ce(PROBS, LABELS).value

    def test_a_label_beside_its_code(self, tmp_path: Path) -> None:
        labels = pd.DataFrame({"id": range(50), "label_id": 0, "label": np.array(["a", "b", "c"])[LABELS]})
        labels.to_csv(tmp_path / "y.csv", index=False)
        got = divtool.ce(frame(PROBS, "a", "b", "c", id=range(50)), str(tmp_path / "y.csv")).value
        assert got == divtool.ce(PROBS, LABELS).value

    def test_one_hot_beside_a_split(self, tmp_path: Path) -> None:
        path = str(tmp_path / "y.csv")
        frame(np.eye(3)[LABELS], "a", "b", "c", split="test").to_csv(path, index=False)
        got = divtool.ce(frame(PROBS, "a", "b", "c"), path).value
        assert got == pytest.approx(divtool.ce(PROBS, LABELS).value, rel=1e-14)
