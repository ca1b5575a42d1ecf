"""Which columns are classes: pure decisions over headers, whatever the file is called or sorted by."""

from __future__ import annotations

import math
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
from divtool.errors import InputError, UsageError
from divtool.formats.source import FLOAT, INTEGER, TEXT, Header, Vector
from divtool.meaning.columns import decide_matrix, outcomes_of
from divtool.meaning.grammar import chosen_columns

RNG = np.random.default_rng(20)
PROBS = RNG.dirichlet(np.ones(3), 40)
LABELS = RNG.integers(0, 3, 40)


def header(*names: str, types: str | None = None, vectors: tuple[Vector, ...] = ()) -> Header:
    words = {"f": FLOAT, "i": INTEGER, "t": TEXT}
    return Header("x.csv", "csv", names, [words[letter] for letter in types or "f" * len(names)], None, "text",
                  decimals=True, lines=True, vectors=vectors)  # fmt: skip


def classes(head: Header, **options: Any) -> list[str]:
    settings = {"id": None, "label": None, "chosen": None, "first_counts": False, **options}
    return [head.name(column) for column in decide_matrix(head, **settings).classes]


class TestGrammar:
    HEAD = header("id", "p0", "p1", "p10", "p2", "logit_a", "logit_b", "a,b")

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("p1,p0", ["p1", "p0"]),
            ("p0-p2", ["p0", "p1", "p2"]),
            ("p1-logit_b", ["p1", "p10", "p2", "logit_a", "logit_b"]),
            ("/^logit_/", ["logit_a", "logit_b"]),
            ("/^p\\d$/,p10", ["p0", "p1", "p2", "p10"]),
            ("/[,]/", ["a,b"]),
            (" p1 , p0 ", ["p1", "p0"]),
            ("p1,/^p/", ["p1", "p0", "p10", "p2"]),
        ],
    )
    def test_words(self, text: str, expected: list[str]) -> None:
        taken, dropped = chosen_columns(self.HEAD, text, "--columns")
        assert ([self.HEAD.name(column) for column in taken], dropped) == (expected, set())

    def test_what_is_left_out(self) -> None:
        assert chosen_columns(self.HEAD, "!id,!/logit/", "--columns") == ([], {0, 5, 6})

    def test_what_another_file_has_may_be_left_out(self) -> None:
        other = header("p0", "p1", "weight2", "extra_1", "extra_2", "v[0]", "v[1]", vectors=(Vector("v", 5, 2),))
        for text in ("!weight2", "!/^extra_/", "!extra_1-extra_2", "!v"):
            assert chosen_columns(self.HEAD, text, "--columns", [header("a"), other]) == ([], set())
        assert chosen_columns(self.HEAD, "p0,p1,!weight2", "--columns", [other]) == ([1, 2], set())
        assert chosen_columns(self.HEAD, "!id,!weight2", "--columns", [other]) == ([], {0})

    @pytest.mark.parametrize("text", ["!weight3", "!/^z/", "weight2", "!p0-p3", "!p2-p4"])
    def test_what_no_file_has_or_only_a_part_of_it(self, text: str) -> None:
        other, known = header("p0", "p1", "p2", "p3", "p4", "weight2"), header("p0", "p1", "p2")
        assert chosen_columns(known, "!p3-p4,p1", "--columns", [other]) == ([1], set())
        with pytest.raises(InputError, match="has no column"):
            chosen_columns(known, text, "--columns", [other])

    def test_positions_where_there_are_no_names(self) -> None:
        head = Header("x.npy", "npy", None, [FLOAT] * 12, 3, "float64")
        assert chosen_columns(head, "2-4,0", "--columns")[0] == [2, 3, 4, 0]

    def test_padded_numbers(self) -> None:
        head = header("x01", "x03", "x02", "x10")
        assert chosen_columns(head, "x01-x03", "--columns")[0] == [0, 2, 1]

    def test_a_field_of_rows_by_its_name(self) -> None:
        head = header("id", "v[0]", "v[1]", vectors=(Vector("v", 1, 2),))
        assert chosen_columns(head, "v", "--columns")[0] == [1, 2]

    @pytest.mark.parametrize(
        ("text", "kind", "said"),
        [
            ("p3", InputError, 'no column "p3"'), ("p0-p3", InputError, 'no column "p3"'), ("/^z/", InputError, "/^z/"),
            ("/(/", UsageError, "/(/"), ("p0,p0", UsageError, "twice"), ("", UsageError, "expected names"),
            (",", UsageError, "expected names"), ("p2-p0", UsageError, "less than"),
            ("logit_b-p0", UsageError, "stands before"), ("p0-p99999999999", InputError, 'no column "p3"'),
        ],
    )  # fmt: skip
    def test_refusals(self, text: str, kind: type[Exception], said: str) -> None:
        with pytest.raises(kind, match=said.replace("(", r"\(").replace("^", r"\^")):
            chosen_columns(self.HEAD, text, "--columns")

    @given(st.text(alphabet="p019-,/!^ .[]", max_size=12))
    def test_any_text_gives_columns_or_a_refusal(self, text: str) -> None:
        try:
            taken, dropped = chosen_columns(self.HEAD, text, "--columns")
        except (InputError, UsageError):
            return
        assert len(set(taken)) == len(taken)
        assert {*taken, *dropped} <= set(range(self.HEAD.width))


WIDE = pd.DataFrame(PROBS, columns=list("abc")).assign(size2=3.5 + LABELS)


class TestSeveralFiles:
    """What is left out by name need be in one file alone."""

    def test_a_number_beside_the_reference(self) -> None:
        wide, plain = WIDE, WIDE.drop(columns="size2")
        model = pd.DataFrame(PROBS[::-1].copy(), columns=list("abc"))
        with pytest.raises(InputError) as refused:
            divtool.kl(wide, model)
        assert "--columns '!size2'" in refused.value.hint
        want = divtool.kl(plain, model)
        assert divtool.kl(wide, model, columns="!size2").value == want.value
        both = divtool.compare(wide, model, model.assign(other=9.5), columns="!size2,!other")
        assert [each.value for each in both.results if each.name == "kl"] == [want.value] * 2
        assert divtool.ce(wide, LABELS, columns="!size2").value == divtool.ce(plain, LABELS).value

    def test_a_name_that_no_file_has(self) -> None:
        with pytest.raises(InputError, match='has no column "size3"'):
            divtool.kl(WIDE, WIDE[list("abc")], columns="!size2,!size3")


class TestDecisions:
    def test_those_called_probabilities(self) -> None:
        head = header("date", "prob1", "prob1_outcome", "prob2", "prob2_outcome", "elo", types="tfififf"[:6])
        assert classes(head) == ["prob1", "prob2"]
        assert [head.name(i) for i in outcomes_of(head)] == ["prob1_outcome", "prob2_outcome"]

    def test_a_loss_called_otherwise_does_not_count(self) -> None:
        assert classes(header("y_pred_proba_a", "y_pred_proba_b", "elo")) == ["y_pred_proba_a", "y_pred_proba_b"]

    def test_names_of_classes_alone(self) -> None:
        assert classes(header("id", "EAP", "HPL", "MWS", types="tfff"), id=0) == ["EAP", "HPL", "MWS"]

    def test_the_field_of_rows_among_others(self) -> None:
        head = header("id", "v[0]", "v[1]", "age", types="ifff", vectors=(Vector("v", 1, 2),))
        columns = decide_matrix(head, id=0, label=None, chosen=None, first_counts=False)
        assert list(columns.classes) == [1, 2]
        assert dict(columns.excluded) == {"id": "names the rows", "age": 'beside the rows of "v"'}

    def test_logits_before_ids_of_tokens(self) -> None:
        head = header("t[0]", "t[1]", "v[0]", "v[1]", types="iiff", vectors=(Vector("t", 0, 2), Vector("v", 2, 2)))
        assert classes(head) == ["v[0]", "v[1]"]

    def test_two_fields_of_rows_are_asked_about(self) -> None:
        head = header("u[0]", "u[1]", "v[0]", "v[1]", vectors=(Vector("u", 0, 2), Vector("v", 2, 2)))
        with pytest.raises(InputError, match='"u", "v"') as caught:
            classes(head)
        assert "--columns u" in caught.value.hint

    @given(st.permutations(["id", "cat", "dog", "weight", "split", "label"]))
    def test_the_order_of_columns_changes_nothing(self, names: list[str]) -> None:
        types = {"id": "i", "split": "t", "label": "i", "weight": "f"}
        head = header(*names, types="".join(types.get(name, "f") for name in names))
        found = classes(head, id=names.index("id"), label=names.index("label"))
        assert sorted(found) == ["cat", "dog"]
        assert found == [name for name in names if name in ("cat", "dog")]


def two_columns(path: Path, p: np.ndarray, y: list[Any], name: str = "proba") -> str:
    pd.DataFrame({"id": range(len(p)), "age": 3, name: p, "y": y}).to_csv(path, index=False)
    return str(path)


class TestOneColumnOfTwo:
    P = np.array([0.25, 0.5, 1e-20, 0.875])
    EXPECTED = -(math.log(0.25) + math.log(0.5) + math.log1p(-1e-20) + math.log1p(-0.875)) / 4

    @pytest.mark.parametrize("labels", [[1, 0, 0, 0], [1, -1, -1, -1]])
    def test_cross_entropy(self, labels: list[int], tmp_path: Path) -> None:
        result = divtool.ce(two_columns(tmp_path / "x.csv", self.P, labels))
        assert result.value == pytest.approx(self.EXPECTED, rel=1e-15)
        assert "probability of class 1" in (result.inputs[0].evidence or "")
        assert result.inputs[0].classes == 2

    def test_near_zero_keeps_its_digits(self) -> None:
        frame = pd.DataFrame({"p": np.array([1e-20])})
        assert divtool.ce(frame, np.array([0])).value == 1e-20

    def test_logits_of_class_one(self) -> None:
        result = divtool.ce(pd.DataFrame({"score": [2.0, -3.0]}), np.array([1, 1]), given="logits")
        assert result.value == pytest.approx((math.log1p(math.exp(-2.0)) + math.log1p(math.exp(3.0))) / 2, rel=1e-15)

    def test_entropy_and_divergence(self) -> None:
        p, q = pd.DataFrame({"p": [0.25]}), pd.DataFrame({"p": [0.5]})
        both = np.array([[0.75, 0.25]]), np.array([[0.5, 0.5]])
        assert divtool.entropy(p).value == pytest.approx(divtool.entropy(both[0]).value, rel=1e-15)
        assert divtool.kl(p, q).value == pytest.approx(divtool.kl(*both).value, rel=1e-14)

    def test_a_row_that_is_no_probability(self, tmp_path: Path) -> None:
        p = np.full(6000, 0.5)
        p[5000] = 1.5
        with pytest.raises(InputError, match="row 5000") as caught:
            divtool.ce(two_columns(tmp_path / "x.csv", p, [0] * 6000))
        assert (caught.value.line, caught.value.column) == (5002, "proba")

    def test_labels_in_the_place_of_predictions(self) -> None:
        with pytest.raises(InputError, match="whole numbers only"):
            divtool.ce(pd.DataFrame({"y": [0.0, 1.0]}), pd.DataFrame({"a": [0.5, 0.5], "b": [0.5, 0.5]}))

    def test_another_label_later(self) -> None:
        frame = pd.DataFrame({"p": np.full(5000, 0.5)})
        labels = np.resize([-1, 1], 5000)
        labels[4500] = 0
        with pytest.raises(InputError, match='row 4500: the label "0" is neither -1 nor 1'):
            divtool.ce(frame, labels)


class TestOutcomesClassByClass:
    def table(self, path: Path) -> str:
        outcome = np.eye(3, dtype=int)[LABELS]
        columns = {f"prob{i}": PROBS[:, i] for i in range(3)} | {f"prob{i}_outcome": outcome[:, i] for i in range(3)}
        pd.DataFrame({"team": "x", **{name: columns[name] for name in sorted(columns)}}).to_csv(path, index=False)
        return str(path)

    def test_scored_like_labels(self, tmp_path: Path) -> None:
        path = self.table(tmp_path / "x.csv")
        expected = divtool.ce(PROBS, LABELS).value
        for named in ("prob0_outcome,prob1_outcome,prob2_outcome", "/_outcome$/"):
            assert divtool.ce(path, label_col=named).value == pytest.approx(expected, rel=1e-14)

    def test_without_the_option_they_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="prob0_outcome") as caught:
            divtool.ce(self.table(tmp_path / "x.csv"))
        assert "--label-col prob0_outcome,prob1_outcome,prob2_outcome" in caught.value.hint


class TestRowsInACell:
    @pytest.mark.parametrize("fixed", [False, True])
    def test_parquet_lists_score_like_the_matrix(self, fixed: bool, tmp_path: Path) -> None:
        type_ = pa.list_(pa.float64(), 3) if fixed else pa.list_(pa.float64())
        table = pa.table({"id": np.arange(40), "probs": pa.array(PROBS.tolist(), type_), "label": LABELS})
        pq.write_table(table, tmp_path / "x.parquet", row_group_size=7)
        assert divtool.ce(str(tmp_path / "x.parquet")).value == divtool.ce(PROBS, LABELS).value

    def test_tables_in_memory(self) -> None:
        table = pa.table({"probs": pa.array(PROBS.tolist(), pa.list_(pa.float64()))})
        assert divtool.ce(table, LABELS).value == divtool.ce(PROBS, LABELS).value
        assert divtool.kl(table, PROBS[::-1]).value == divtool.kl(PROBS, PROBS[::-1]).value

    def test_part_of_the_row(self) -> None:
        table = pa.table({"v": pa.array(PROBS.tolist(), pa.list_(pa.float64()))})
        halves = divtool.entropy(table, columns="v[0]-v[1]", normalize=True).value
        assert halves == divtool.entropy(PROBS[:, :2], normalize=True).value
