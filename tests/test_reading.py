"""Rows that are left out or picked, classes that pad a vocabulary, rows of any sum: what is dropped is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from formats_fixture import TableFormat
from hypothesis import given
from hypothesis import strategies as st

import divtool
from divtool.errors import InputError, UsageError

RNG = np.random.default_rng(21)
PROBS = RNG.dirichlet(np.ones(3), 60)
OTHER = RNG.dirichlet(np.ones(3), 60)
LABELS = RNG.integers(0, 3, 60)
NAMES = ["a", "b", "c"]


def csv(path: Path, table: Any, **columns: Any) -> str:
    pd.DataFrame(table, columns=NAMES[: table.shape[1]]).assign(**columns).to_csv(path, index=False)
    return str(path)


def with_gaps(rows: list[int]) -> np.ndarray:
    gaps = PROBS.copy()
    gaps[rows, 1] = np.nan
    return gaps


class TestMissing:
    GONE = (0, 7, 59)

    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_rows_are_left_out_and_counted(self, suffix: str, tmp_path: Path) -> None:
        frame = pd.DataFrame(with_gaps(list(self.GONE)), columns=NAMES)
        path = str(tmp_path / f"x.{suffix}")
        (frame.to_csv if suffix == "csv" else frame.to_parquet)(path, index=False)
        kept = np.delete(np.arange(60), self.GONE)
        result = divtool.ce(path, LABELS, missing="drop")
        assert result.value == divtool.ce(PROBS[kept], LABELS[kept]).value
        assert (result["ce"].missing, result["ce"].n, result["ce"].rows) == (3, 57, 60)
        assert any("3 rows with an empty cell left out" in said and "0, 7, 59" in said for said in result.warnings)

    def test_either_side(self, tmp_path: Path) -> None:
        p = csv(tmp_path / "p.csv", with_gaps([3]))
        q = str(tmp_path / "q.csv")
        pd.DataFrame(np.where(np.arange(60)[:, None] == 9, np.nan, OTHER), columns=NAMES).to_csv(q, index=False)
        kept = np.delete(np.arange(60), [3, 9])
        assert divtool.kl(p, q, missing="drop").value == divtool.kl(PROBS[kept], OTHER[kept]).value

    def test_labels(self, tmp_path: Path) -> None:
        labels = pd.Series([NAMES[i] for i in LABELS], name="label").mask(np.arange(60) == 4)
        path = str(tmp_path / "labels.csv")
        pd.DataFrame({"id": range(60), "label": labels}).to_csv(path, index=False)
        kept = np.delete(np.arange(60), 4)
        predictions = csv(tmp_path / "p.csv", PROBS)
        assert divtool.ce(predictions, path, missing="drop").value == divtool.ce(PROBS[kept], LABELS[kept]).value

    def test_the_rows_that_are_written(self, tmp_path: Path) -> None:
        path = csv(tmp_path / "x.csv", with_gaps([5]))
        divtool.ce(path, LABELS, missing="drop", per_row=str(tmp_path / "rows.csv"))
        assert pd.read_csv(tmp_path / "rows.csv")["row"].tolist() == [*range(5), *range(6, 60)]

    def test_refused_by_its_place_otherwise(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="line 9") as caught:
            divtool.ce(csv(tmp_path / "x.csv", with_gaps([7])), LABELS)
        assert (caught.value.row, caught.value.column) == (7, "b")
        assert "--missing drop" in caught.value.hint

    def test_nan_is_not_missing(self, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", with_gaps([7]))
        with pytest.raises(InputError, match=r"row 7.*NaN"):
            divtool.ce(str(tmp_path / "x.npy"), LABELS, missing="drop")

    def test_all_rows(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="nothing is left to average: all 60 rows"):
            divtool.entropy(csv(tmp_path / "x.csv", with_gaps(list(range(60)))), missing="drop")

    @given(st.sets(st.integers(0, 59), max_size=50), st.sampled_from([1, 7, 64, 1 << 20]))
    def test_no_chunk_size_changes_a_bit(self, gone: set[int], chunk: int) -> None:
        frame = pd.DataFrame(with_gaps(sorted(gone)), columns=NAMES).astype("float64[pyarrow]")
        kept = np.delete(np.arange(60), sorted(gone))
        result = divtool.kl(frame, OTHER, missing="drop", chunk_size=chunk)
        assert result.value == divtool.kl(PROBS[kept], OTHER[kept]).value


class TestRows:
    @pytest.mark.parametrize(("text", "cut"), [("10:20", slice(10, 20)), (":5", slice(5)), ("55:", slice(55, None)),
                                               ("50:500", slice(50, None))])  # fmt: skip
    def test_a_stretch_of_every_format(
        self, text: str, cut: slice, table_format: TableFormat, tmp_path: Path
    ) -> None:  # fmt: skip
        p = table_format.write(tmp_path / "p", PROBS, names=NAMES)
        q = table_format.write(tmp_path / "q", OTHER, names=NAMES)
        result = divtool.kl(p, q, rows=text, per_row=str(tmp_path / "rows.csv"))
        assert result.value == divtool.kl(PROBS[cut], OTHER[cut]).value
        assert pd.read_csv(tmp_path / "rows.csv")["row"].tolist() == list(range(60))[cut]

    def test_the_others_rows_by_id(self, tmp_path: Path) -> None:
        order = RNG.permutation(60)
        p, q = csv(tmp_path / "p.csv", PROBS, id=range(60)), csv(tmp_path / "q.csv", OTHER[order], id=order)
        assert divtool.kl(p, q, rows="3:9").value == divtool.kl(PROBS[3:9], OTHER[3:9]).value

    @pytest.mark.parametrize("text", ["", "5", "9:3", "a:b", "-5:", "3:3", "1:2:3"])
    def test_what_is_no_stretch(self, text: str) -> None:
        with pytest.raises(UsageError, match="--rows"):
            divtool.entropy(PROBS, rows=text)

    def test_past_the_end(self) -> None:
        with pytest.raises(InputError, match="has 60 rows"):
            divtool.entropy(PROBS, rows="60:")


class TestVocabulary:
    PADDED = np.concatenate([RNG.normal(size=(60, 3)), np.full((60, 2), -5.5)], axis=1)

    def test_logits_are_cut_before_the_softmax(self) -> None:
        result = divtool.ce(self.PADDED, LABELS, vocab=3)
        assert result.value == divtool.ce(self.PADDED[:, :3], LABELS).value
        powers = np.exp(self.PADDED)
        most = (powers[:, 3:].sum(axis=1) / powers.sum(axis=1)).max()
        assert any(f"{most:.2g} of a row's mass" in said for said in result.warnings)

    def test_two_widths(self) -> None:
        short = self.PADDED[:, :3]
        assert divtool.kl(self.PADDED, short, vocab=3).value == 0.0

    def test_named_classes(self, tmp_path: Path) -> None:
        frame = pd.DataFrame(self.PADDED, columns=["t2", "t0", "t1", "pad0", "pad1"])
        assert divtool.entropy(frame, vocab=3).value == divtool.entropy(self.PADDED[:, [1, 2, 0]]).value

    def test_probabilities_lose_mass(self) -> None:
        table = np.array([[0.5, 0.25, 0.25]])
        with pytest.raises(InputError, match=r"sum to 0.75"):
            divtool.entropy(table, vocab=2)
        assert (
            divtool.entropy(table, vocab=2, normalize=True).value == divtool.entropy(np.array([[2 / 3, 1 / 3]])).value
        )

    def test_too_few(self) -> None:
        with pytest.raises(InputError, match="has 3 classes; expected at least 4"):
            divtool.entropy(PROBS, vocab=4)


class TestUnnormalized:
    P, Q = np.array([[0.5, 0.25], [1.0, 2.0]]), np.array([[0.25, 0.5], [0.5, 0.25]])

    def test_the_divergence_of_rows_of_any_sum(self) -> None:
        terms = self.P * np.log(self.P / self.Q) - self.P + self.Q
        got = divtool.kl(self.P, self.Q, allow_unnormalized=True).value
        assert got == pytest.approx(terms.sum(axis=1).mean(), rel=1e-14)

    def test_losses_take_the_cell(self) -> None:
        assert divtool.ce(self.P, np.array([0, 1]), allow_unnormalized=True).value == pytest.approx(0.0, abs=1e-16)

    def test_others_are_refused(self) -> None:
        with pytest.raises(UsageError, match="js is made for rows that sum to 1"):
            divtool.js(self.P, self.Q, allow_unnormalized=True)

    def test_it_must_have_an_effect(self) -> None:
        with pytest.raises(UsageError, match="no input holds any"):
            divtool.entropy(np.log(PROBS) * 3, allow_unnormalized=True)
        with pytest.raises(UsageError, match="exclude each other"):
            divtool.entropy(PROBS, allow_unnormalized=True, normalize=True)


class TestInnerJoin:
    def test_ids_of_one_file_only_are_left_out(self, tmp_path: Path) -> None:
        order = RNG.permutation(50) + 10
        p, q = csv(tmp_path / "p.csv", PROBS[:40], id=range(40)), csv(tmp_path / "q.csv", OTHER[order], id=order)
        result = divtool.kl(p, q, join="inner")
        assert result.value == divtool.kl(PROBS[10:40], OTHER[10:40]).value
        assert any(f"10 of {p}, 20 of {q}" in said for said in result.warnings)
        assert (result["kl"].n, result["kl"].missing) == (30, 10)

    def test_exactly_by_default(self, tmp_path: Path) -> None:
        p, q = csv(tmp_path / "p.csv", PROBS, id=range(60)), csv(tmp_path / "q.csv", OTHER, id=range(1, 61))
        with pytest.raises(InputError, match='"0"'):
            divtool.kl(p, q)


class TestHabits:
    """The four habits that break scripts in silence, right without an option."""

    def score(self, frame: pd.DataFrame, labels: pd.DataFrame, tmp_path: Path, **how: Any) -> float:
        frame.to_csv(tmp_path / "p.csv", **how)
        labels.to_csv(tmp_path / "y.csv", **how)
        return divtool.ce(str(tmp_path / "p.csv"), str(tmp_path / "y.csv")).value

    @given(st.permutations(range(3)), st.randoms(use_true_random=False), st.booleans())
    def test_any_order_of_columns_and_rows(self, columns: list[int], random: Any, index: bool) -> None:
        import tempfile

        rows = list(range(60))
        random.shuffle(rows)
        frame = pd.DataFrame(PROBS, columns=NAMES).assign(id=[f"r{i}" for i in range(60)])
        frame = frame[["id", *(NAMES[i] for i in columns)]].iloc[rows].reset_index(drop=True)
        labels = pd.DataFrame({"id": [f"r{i}" for i in range(60)], "label": [NAMES[i] for i in LABELS]})
        with tempfile.TemporaryDirectory() as folder:
            got = self.score(frame, labels, Path(folder), index=index)
        assert got == divtool.ce(PROBS, LABELS).value
