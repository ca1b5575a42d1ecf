"""Decisions as pure functions, the ordered map, and the promise that no split changes a bit."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from formats_fixture import CSV, NPY, PARQUET, TSV
from hypothesis import given
from hypothesis import strategies as st

import divtool
from divtool.engine.local import Serial, Threads, available_threads, local_engine
from divtool.errors import DivtoolError, InputError, UsageError
from divtool.formats.keys import IntegerKeys, Keys, text_keys
from divtool.formats.source import FLOAT, INTEGER, OTHER, TEXT, Header, Place
from divtool.meaning.classes import Side, match_classes, stripped
from divtool.meaning.columns import (
    Columns,
    decide_label,
    decide_matrix,
    describe_excluded,
    find_column,
    label_like,
)
from divtool.meaning.ids import Table, decide_ids, id_like, ids_asked_for
from divtool.meaning.kinds import Kind, check_block, decide_kind, fault_of_row
from divtool.meaning.labels import LabelRule, decide_labels
from divtool.meaning.weights import class_weights
from divtool.registry import natural
from divtool.reports.plain import document

LETTER = {"f": FLOAT, "i": INTEGER, "t": TEXT, "o": OTHER}


def header(names: str | None, types: str, *, dtype: str = "float64", decimals: bool = False) -> Header:
    """A header from names between commas and a letter a column: f(loat), i(nteger), t(ext), o(ther)."""
    split = None if names is None else tuple(names.split(","))
    return Header("x.csv", "csv", split, [LETTER[letter] for letter in types], None, dtype, decimals)


def refusal(action: Any, *args: Any, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        action(*args, **options)
    return caught.value


class TestColumns:
    """Which columns are classes, which names the rows, which holds the label."""

    @pytest.mark.parametrize(
        "name", ["id", "ID", " Id ", "row_id", "image-id", "example id", "uuid", "user_id", "index", "idx", "key"]
    )
    def test_names_of_ids(self, name: str) -> None:
        assert id_like(name)

    @pytest.mark.parametrize("name", ["idol", "identity", "grid", "cat", "video", "p0", "keys_pressed"])
    def test_names_of_no_ids(self, name: str) -> None:
        assert not id_like(name)

    @pytest.mark.parametrize("name", ["label", "Labels", "y", "y_true", "true_label", "target", "ground truth", "gold"])
    def test_names_of_labels(self, name: str) -> None:
        assert label_like(name)

    @pytest.mark.parametrize("name", ["labelled", "yes", "classy", "class_1", "y0", "prob_y"])
    def test_names_of_no_labels(self, name: str) -> None:
        assert not label_like(name)

    @pytest.mark.parametrize(
        ("names", "types", "wanted", "found"),
        [
            ("id,a,b", "iff", None, 0),
            ("a,b,row_id", "fft", None, 2),
            ("a,b,c", "fff", None, None),
            ("id,user_id,a", "iif", None, None),
            ("id,user_id,a", "iif", "user_id", 1),
            ("id,a,b", "off", None, None),
            ("a,b,c", "tff", "a", 0),
            (None, "iff", None, None),
            (None, "iff", "0", 0),
        ],
    )
    def test_find_id(self, names: str | None, types: str, wanted: str | None, found: int | None) -> None:
        file = Table(header(names, types), lambda column: None)
        ids = decide_ids([file]) if wanted is None else ids_asked_for([file], wanted)
        assert ids.columns == (found,)

    @pytest.mark.parametrize(("names", "name"), [("id,cat,dog", "cst"), (None, "3"), (None, "-1"), (None, "٣")])
    def test_a_column_that_is_not_there(self, names: str | None, name: str) -> None:
        error = refusal(find_column, header(names, "iff"), name, "--columns")
        assert (error.path, "--columns" in error.message) == ("x.csv", True)
        assert error.hint

    @pytest.mark.parametrize(
        ("names", "types", "options", "classes"),
        [
            (None, "fff", {}, (0, 1, 2)),
            (None, "tff", {}, (1, 2)),
            (None, "iff", {"id": 0}, (1, 2)),
            (None, "fff", {"chosen": "2,0"}, (2, 0)),
            (None, "fffi", {"chosen": "!3"}, (0, 1, 2)),
            ("a,b,c", "fif", {}, (0, 1, 2)),
            ("id,a,b", "iff", {"id": 0}, (1, 2)),
            ("id,a,b", "iff", {}, (1, 2)),
            ("a,b,y", "ffi", {"label": 2}, (0, 1)),
            ("a,b,label", "ffi", {}, (0, 1)),
            ("a,b,weight", "fff", {}, (0, 1)),
            ("a,b,split", "fft", {}, (0, 1)),
            ("a,b,note", "fft", {}, (0, 1)),
            ("a,b,list", "ffo", {}, (0, 1)),
            (",a,b", "iff", {}, (1, 2)),
            ("Unnamed: 0,a,b", "iff", {}, (1, 2)),
            ("a,b,__index_level_0__", "ffi", {}, (0, 1)),
            ("n,a,b", "iff", {"first_counts": True}, (1, 2)),
            ("n,a,b", "iff", {"first_counts": False}, (0, 1, 2)),
            ("n,a,b", "fff", {"first_counts": True}, (0, 1, 2)),
            ("a,b,c", "fff", {"chosen": "c,a"}, (2, 0)),
            ("a,b,c", "fff", {"chosen": " c , a "}, (2, 0)),
            ("a,b,c", "fff", {"chosen": "!b"}, (0, 2)),
            ("a,b,c", "fff", {"chosen": "a,b,c,!b"}, (0, 2)),
            ("id,a,label", "iff", {"chosen": "label,a"}, (2, 1)),
            ("id,a,b", "iff", {"chosen": "!a,id,b", "id": None}, (0, 2)),
        ],
    )
    def test_classes(self, names: str | None, types: str, options: dict[str, Any], classes: tuple[int, ...]) -> None:
        given = {"id": None, "label": None, "chosen": None, "first_counts": False} | options
        assert tuple(decide_matrix(header(names, types), **given).classes) == classes

    def test_what_is_left_out_is_said(self) -> None:
        decided = decide_matrix(
            header("id,,a,b,y,note,w,weight", "iifffttf"), id=0, label=4, chosen="!w", first_counts=False
        )
        assert decided == Columns(
            (2, 3), 0, 4,
            (("id", "names the rows"), ("", "a saved index"), ("y", "label"), ("note", "text"), ("w", "not asked for"),
             ("weight", "by its name no class")),
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("names", "types", "chosen"),
        [("id,a", "if", None), ("id,note", "it", None), (None, "f", None), (None, "tt", None), ("a,b", "ff", "a"),
         ("a,b", "ff", "!a"), ("a,b", "tf", None)],
    )  # fmt: skip
    def test_fewer_than_two_classes_are_refused(self, names: str | None, types: str, chosen: str | None) -> None:
        error = refusal(decide_matrix, header(names, types), id=None, label=None, chosen=chosen, first_counts=False)
        assert "at least two" in error.message
        assert "--columns" in error.hint

    @pytest.mark.parametrize(
        ("names", "types", "id", "named", "label"),
        [
            ("id,species", "tt", 0, None, 1),
            ("species", "t", None, None, 0),
            (None, "i", None, None, 0),
            (None, "fff", None, None, None),
            ("id,label,note", "iit", 0, None, 1),
            ("id,kind,score", "itf", 0, None, 1),
            ("a,b,c", "fff", None, None, None),
            (",label", "ii", None, None, 1),
            ("a,b,c", "fff", None, "b", 1),
            ("id,y,label", "iii", 0, "y", 1),
        ],
    )
    def test_label(self, names: str | None, types: str, id: int | None, named: str | None, label: int | None) -> None:
        assert decide_label(header(names, types), id=id, named=named) == label

    @pytest.mark.parametrize(("names", "types"), [("id,y,label", "iii"), ("id,kind,note", "itt")])
    def test_two_columns_that_may_be_the_label_are_refused(self, names: str, types: str) -> None:
        error = refusal(decide_label, header(names, types), id=0, named=None)
        assert all(f'"{name}"' in error.message for name in names.split(",")[1:])
        assert "x.csv:COLUMN" in error.hint

    def test_description_of_what_is_left_out(self) -> None:
        assert describe_excluded([("a", "text")] * 7) == ", ".join(['"a" (text)'] * 5) + " and 2 more"


PROBS = [[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]]
LOGITS = [[1.5, -2.0], [0.25, 4.0], [-1.0, 3.0]]
LOGS = np.log([[0.25, 0.75], [0.5, 0.5], [0.125, 0.875]]).tolist()


def kind_of(rows: Any, *, given: str | None = None, normalize: bool = False, **options: Any) -> Kind:
    return decide_kind(np.array(rows), header(None, "f" * len(rows[0]), **options), given=given, normalize=normalize)


class TestKinds:
    """What the numbers are, and what is wrong with a row."""

    @pytest.mark.parametrize(
        ("rows", "name", "evidence"),
        [
            (PROBS, "probs", "row sums 1"),
            (LOGITS, "logits", "values from -2 to 4"),
            (LOGS, "log-probs", "no value above 0, exponentials sum to 1"),
            ([*PROBS, [0.5, 0.6]], "probs", "row sums 1"),
            ([*LOGS, [0.5, 0.5]], "log-probs", "no value above 0, exponentials sum to 1"),
            ([*PROBS, [np.nan, 1.0]], "probs", "row sums 1"),
            ([[0.0, -np.inf], [-np.inf, 0.0]], "log-probs", "no value above 0, exponentials sum to 1"),
            ([[-5.0, -6.0], [-7.0, -8.0]], "logits", "values from -8 to -5"),
            ([[0.25, 0.75 + 1e-7]], "probs", "row sums 1 +- 1e-07"),
        ],
    )
    def test_by_evidence(self, rows: Any, name: str, evidence: str) -> None:
        kind = kind_of(rows)
        assert kind.name == name
        assert kind.evidence.startswith(evidence)

    @pytest.mark.parametrize("given", ["logits", "log-probs", "probs"])
    @pytest.mark.parametrize("rows", [PROBS, LOGITS, LOGS, [[0.5, 0.1]], [[1.0, 2.0]]])
    def test_given(self, rows: Any, given: str) -> None:
        assert kind_of(rows, given=given).name == given

    def test_probabilities_given_as_logits_raise_a_doubt(self) -> None:
        assert "softmax" in kind_of(PROBS, given="logits").doubt
        assert not kind_of(LOGITS, given="logits").doubt

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ([[0.5, 0.1], [0.2, 0.3]], "neither probabilities nor plainly logits"),
            ([[0.0, 0.0], [0.0, 0.0]], "neither probabilities nor plainly logits"),
            ([[3.0, 5.0], [1.0, 0.0]], "counts, votes or logits"),
            ([[25.5, 74.5], [50.25, 49.75]], "percentages"),
        ],
    )
    def test_ambiguity_is_refused(self, rows: Any, message: str) -> None:
        error = refusal(kind_of, rows)
        assert message in error.message
        assert "--given" in error.hint

    def test_the_option_of_the_side_is_named(self) -> None:
        with pytest.raises(InputError) as caught:
            decide_kind(np.array([[0.5, 0.1]]), header(None, "ff"), given=None, normalize=False, option="--given-q")
        assert "--given-q" in caught.value.hint

    @pytest.mark.parametrize(
        ("dtype", "error", "name"),
        [("float64", 9e-7, "probs"), ("float32", 9e-7, "probs"), ("float16", 7e-3, "probs")],
    )
    def test_sums_may_be_off_by_the_stored_type(self, dtype: str, error: float, name: str) -> None:
        assert kind_of([[0.25, 0.75 + error]], dtype=dtype).name == name
        with pytest.raises(InputError):
            kind_of([[0.25, 0.75 + 2 * error]], dtype=dtype)

    def test_rounded_decimals_may_be_off_by_their_rounding(self) -> None:
        thirds = [[0.33, 0.33, 0.33]] * 3
        kind = kind_of(thirds, decimals=True)
        assert (kind.name, kind.tolerance, kind.strict) == ("probs", pytest.approx(0.015), 1e-6)
        with pytest.raises(InputError):
            kind_of(thirds, decimals=False)
        with pytest.raises(InputError):
            kind_of([[0.333333, 0.333333, 0.3]] * 3, decimals=True)

    @pytest.mark.parametrize(
        ("kind", "row", "column", "message"),
        [
            (Kind("probs", "", 1e-6), [np.nan, 1.0], 0, "NaN"),
            (Kind("probs", "", 1e-6), [-0.5, 1.5], 0, "-0.5 is below 0"),
            (Kind("probs", "", 1e-6), [0.5, 0.6], None, "sum to 1.1"),
            (Kind("probs", "", 1e-6), [0.5, np.inf], None, "sum to inf"),
            (Kind("probs", "", 1e-6, normalize=True), [0.0, 0.0], None, "sum to 0"),
            (Kind("probs", "", 1e-6, normalize=True), [np.inf, 1.0], None, "sum to inf"),
            (Kind("log-probs", "", 1e-6), [0.5, -1.0], 0, "0.5 is above 0"),
            (Kind("log-probs", "", 1e-6), [-3.0, -1.0], None, "sum to 0.41766651"),
            (Kind("log-probs", "", 1e-6), [-np.inf, -np.inf], None, "sum to 0"),
            (Kind("log-probs", "", 1e-6), [-1.0, np.nan], 1, "NaN"),
            (Kind("logits", ""), [1.0, np.nan], 1, "NaN"),
            (Kind("logits", ""), [-np.inf, -np.inf], None, "every logit is -inf"),
        ],
    )
    def test_faults(self, kind: Kind, row: list[float], column: int | None, message: str) -> None:
        good = {"probs": PROBS[0], "log-probs": LOGS[0], "logits": LOGITS[0]}[kind.name]
        block = np.array([good, row, row])
        fault = fault_of_row(kind, block, 1, "float64")
        assert fault is not None
        assert (fault.row, fault.column, bool(fault.hint)) == (1, column, True)
        assert message in fault.message
        if kind.name != "logits":
            assert check_block(kind, block, "float64")[0] == fault

    @pytest.mark.parametrize(("name", "rows"), [("probs", PROBS), ("log-probs", LOGS), ("logits", LOGITS)])
    def test_good_rows_have_no_fault(self, name: str, rows: Any) -> None:
        kind, block = Kind(name, "", 1e-6), np.array(rows)
        assert check_block(kind, block, "float64")[0] is None
        assert all(fault_of_row(kind, block, row, "float64") is None for row in range(len(block)))

    def test_infinite_half_precision_logits_are_an_overflow(self) -> None:
        block = np.array([[1.0, 2.0], [1.0, np.inf]], np.float16)
        fault, _ = check_block(Kind("logits", ""), block, "float16")
        assert fault is not None
        assert (fault.row, fault.column, "overflow" in fault.message) == (1, 1, True)
        assert check_block(Kind("logits", ""), block.astype(np.float32), "float32") == (None, None)

    def test_normalized_rows_may_have_any_sum(self) -> None:
        fault, sums = check_block(Kind("probs", "", 1e-6, normalize=True), np.array([[1.0, 3.0]]), "float64")
        assert fault is None
        assert sums is not None
        assert sums.tolist() == [4.0]


def side(names: str | None, width: int = 0, path: str = "x") -> Side:
    split = None if names is None else tuple(names.split(","))
    return Side(path, width or len(split or ()), split)


class TestClasses:
    """Which column of one side is which column of the other."""

    @given(order=st.permutations(range(12)))
    def test_names_find_each_other_in_any_order(self, order: list[int]) -> None:
        plain, other = tuple(f"c{i}" for i in range(12)), tuple(f"c{i}" for i in order)
        matched = match_classes([Side("x", 12, plain), Side("y", 12, other)])
        assert matched.names == plain
        assert [plain[i] for i in matched.orders[0]] == [other[i] for i in matched.orders[1]] == list(plain)
        assert matched.how == "by name"

    def test_numbers_are_ordered_as_numbers(self) -> None:
        assert match_classes([side("10,2,1,0")]).names == ("0", "1", "2", "10")
        assert sorted(["c10", "c9", "b", "c", "7"], key=natural) == ["7", "b", "c", "c9", "c10"]

    @pytest.mark.parametrize("names", [(None, None), ("b,a", None), (None, "b,a")])
    def test_a_side_without_names_goes_by_position(self, names: tuple[str | None, str | None]) -> None:
        matched = match_classes([side(names[0], 2), side(names[1], 2)])
        assert [tuple(order) for order in matched.orders] == [(0, 1), (0, 1)]
        assert matched.names == (("b", "a") if any(names) else None)
        assert matched.how == "by position"

    def test_one_side_alone_is_not_matched(self) -> None:
        assert match_classes([side("b,a")]).how == ""
        assert match_classes([side("b,a")]).orders == ((1, 0),)

    @pytest.mark.parametrize(
        ("first", "second"),
        [("prob_a,prob_b", "a,b"), ("a,b", "prob_a,prob_b"), ("p_a,p_b", "q_a,q_b"), ("a_vote,b_vote", "b,a"),
         ("Class_1,Class_2,Class_10", "10,2,1")],
    )  # fmt: skip
    def test_what_all_names_share_is_no_name(self, first: str, second: str) -> None:
        matched = match_classes([side(first), side(second)])
        bare = [stripped(tuple(names.split(","))) for names in (first, second)]
        assert [bare[0][i] for i in matched.orders[0]] == [bare[1][i] for i in matched.orders[1]]

    @pytest.mark.parametrize(
        ("names", "bare"),
        [
            (("prob_cat", "prob_dog"), ("cat", "dog")),
            (("cat", "cow"), ("cat", "cow")),
            (("a",), ("a",)),
            (("x_1_y", "x_2_y"), ("1", "2")),
            (("p_", "p_a"), ("p_", "p_a")),
            (("a b", "a c"), ("b", "c")),
            (("same", "same"), ("same", "same")),
            ((), ()),
        ],
    )
    def test_stripping(self, names: tuple[str, ...], bare: tuple[str, ...]) -> None:
        assert stripped(names) == bare

    def test_another_number_of_classes_is_refused(self) -> None:
        error = refusal(match_classes, [side("a,b"), side("a,b,c", path="y")])
        assert "y has 3 classes, x has 2" in error.message

    @pytest.mark.parametrize(
        ("first", "second", "lost"), [("a,b", "a,c", '"c" of y'), ("a,dog", "a,dig", '"dig" of y')]
    )
    def test_a_class_of_one_side_is_refused(self, first: str, second: str, lost: str) -> None:
        error = refusal(match_classes, [side(first), side(second, path="y")])
        assert lost in error.message
        assert error.hint


def rule_of(sample: Keys, names: str | None, *, order: Sequence[int] = (), ignore: tuple[int, ...] = (-100,)) -> Any:
    """The label rule for predictions whose file has these columns, read in that order."""
    own = None if names is None else tuple(names.split(","))
    order = tuple(order) or tuple(range(len(own or "abc")))
    common = None if own is None else tuple(own[i] for i in order)
    return decide_labels(
        sample, names=common, order=order, file_names=own, ignore=ignore, path="labels.csv", column="y"
    )


def decoded(sample: Keys, names: str | None, **options: Any) -> list[int]:
    codes: list[int] = rule_of(sample, names, **options).decode(sample, 0).tolist()
    return codes


class TestLabels:
    """From what a label file says to a class number."""

    def test_names(self) -> None:
        assert decoded(text_keys(["dog", "cat", "dog"]), "cat,dog") == [1, 0, 1]

    def test_names_without_what_they_share(self) -> None:
        assert decoded(text_keys(["dog", "cat"]), "p_cat,p_dog") == [1, 0]
        assert decoded(text_keys(["p_dog", "p_cat"]), "p_cat,p_dog") == [1, 0]

    def test_names_that_are_numbers(self) -> None:
        """Classes named 10, 2, 1 (in the order 1, 2, 10): the label 10 is a name."""
        assert decoded(text_keys(["10", "1", "2"]), "10,2,1", order=(2, 1, 0)) == [2, 0, 1]
        assert decoded(IntegerKeys(np.array([10, 1, 2])), "10,2,1", order=(2, 1, 0)) == [2, 0, 1]

    def test_positions_are_those_in_the_file(self) -> None:
        """Columns dog, cat are read in the order cat, dog: the label 0 is the first column of the file, dog."""
        assert decoded(IntegerKeys(np.array([0, 1])), "dog,cat", order=(1, 0)) == [1, 0]

    @pytest.mark.parametrize("labels", [text_keys(["0", "2", "1"]), IntegerKeys(np.array([0, 2, 1]))])
    def test_positions(self, labels: Keys) -> None:
        assert decoded(labels, None) == [0, 2, 1]

    @pytest.mark.parametrize("as_text", [True, False])
    def test_ignored_labels_keep_which_they_were(self, as_text: bool) -> None:
        values = [0, -100, 2, 255, 1]
        labels: Keys = text_keys([str(v) for v in values]) if as_text else IntegerKeys(np.array(values))
        assert decoded(labels, None, ignore=(-100, 255)) == [0, -1, 2, -2, 1]

    @pytest.mark.parametrize("rows", [5, 50, 101, 102, 103, 104, 1000])
    def test_ignored_labels_in_any_number_of_rows(self, rows: int) -> None:
        values = np.resize(np.array([0, -100, 2, 1, -100]), rows)
        expected = [-1 if value == -100 else int(value) for value in values]
        assert decoded(IntegerKeys(values), None) == expected
        assert decoded(IntegerKeys(values), "a,b,c") == expected

    def test_a_gap_in_the_labels(self) -> None:
        labels = IntegerKeys(np.array([0, 1, 300] * 200))
        assert decoded(labels, None, ignore=(300,)) == [0, 1, -1] * 200

    def test_ignored_among_names(self) -> None:
        assert decoded(text_keys(["dog", "-100", "cat"]), "cat,dog") == [1, -1, 0]

    @pytest.mark.parametrize(
        ("labels", "names", "message", "hint"),
        [
            (text_keys(["cat", "dig"]), "cat,dog", 'the label "dig" is none of the 2 classes', 'did you mean "dog"?'),
            (text_keys(["cat", ""]), "cat,dog", "the label is missing", "--ignore-index"),
            (text_keys(["0", ""]), None, "the label is missing", "--ignore-index"),
            (text_keys(["0", "cat"]), None, 'the label "cat" is no class index; expected 0 to 2', "whole numbers"),
            (text_keys(["0", "1.5"]), None, 'the label "1.5" is no class index; expected 0 to 2', "whole numbers"),
            (text_keys(["0", "7"]), None, "the label 7 is out of range; expected 0 to 2", "--ignore-index 7"),
            (text_keys(["0", "-1"]), None, "the label -1 is out of range; expected 0 to 2", "--ignore-index -1"),
            (text_keys(["1", "3"]), None, "the label 3 is out of range; expected 0 to 2", "1-based"),
            (IntegerKeys(np.array([0, 7])), None, "the label 7 is out of range; expected 0 to 2", "--ignore-index 7"),
            (IntegerKeys(np.array([0, 2**62])), None, f"the label {2**62} is out of range", "--ignore-index"),
            (IntegerKeys(np.array([1, 3])), "a,b,c", "the label 3 is out of range; expected 0 to 2", "1-based"),
        ],
    )
    def test_refusals(self, labels: Keys, names: str | None, message: str, hint: str) -> None:
        error = refusal(rule_of(labels, names).decode, labels, 10, lambda row: Place("labels.csv", row, row + 2))
        assert (error.path, error.row, error.line, error.column) == ("labels.csv", 11, 13, "y")
        assert message in error.message
        assert hint in error.hint

    def test_the_first_bad_row_is_named(self) -> None:
        values = np.resize(np.arange(3), 500)
        values[[77, 400]] = 8, 9
        assert refusal(rule_of(IntegerKeys(values[:50]), None).decode, IntegerKeys(values), 0).row == 77

    def test_zeros_in_front_are_not_dropped(self) -> None:
        assert refusal(rule_of(text_keys(["0"]), None).decode, text_keys(["01"]), 0).row == 0

    def test_a_later_block_is_held_to_the_first(self) -> None:
        rule: LabelRule = rule_of(text_keys(["cat", "dog"]), "cat,dog")
        assert refusal(rule.decode, text_keys(["dog", "0"]), 100).row == 101

    @pytest.mark.parametrize(("named", "dtype"), [(True, np.float64), (False, np.float64), (False, np.float32)])
    def test_labels_that_are_no_whole_numbers_are_an_input_error(self, named: bool, dtype: Any, tmp_path: Path) -> None:
        path = TSV.write(tmp_path / "p", logits(3), names=NAMES) if named else NPY.write(tmp_path / "p", logits(3))
        np.save(tmp_path / "labels.npy", np.array([0.5, 1.0, 2.0], dtype))
        with pytest.raises(InputError, match="none of the whole numbers"):
            divtool.compute("ce", path, tmp_path / "labels.npy")


class TestWeights:
    """One weight for each class, in the common order."""

    @pytest.mark.parametrize(
        "given_", ["cat=1,dog=2.5", " dog = 2.5 , cat = 1 ", {"dog": 2.5, "cat": 1}, [2.5, 1], (2.5, 1.0), "1=1,0=2.5"]
    )
    def test_ways_to_say_them(self, given_: Any) -> None:
        """The file has dog, cat; they are read in the order cat, dog."""
        assert class_weights(given_, ("cat", "dog"), (1, 0), 2) == (1.0, 2.5)

    @pytest.mark.parametrize(
        "text", ["dog,2.5\ncat,1\n", "class,weight\ncat,1\ndog,2.5\n", "2.5\n1\n", "weight\n2.5\n1\n"]
    )
    def test_from_a_file(self, text: str, tmp_path: Path) -> None:
        if text.startswith("dog"):
            text = "class,w\n" + text
        (tmp_path / "w.csv").write_text(text)
        assert class_weights(str(tmp_path / "w.csv"), ("cat", "dog"), (1, 0), 2) == (1.0, 2.5)

    def test_none(self) -> None:
        assert class_weights(None, ("cat", "dog"), (0, 1), 2) is None

    def test_positions_without_names(self) -> None:
        assert class_weights("0=1,1=2", None, range(2), 2) == (1.0, 2.0)

    @pytest.mark.parametrize(
        ("given_", "message"),
        [
            ("cat=1,dig=2", 'no class "dig"'),
            ("cat=1", '"dog" has no weight'),
            ([1.0], '"1" has no weight'),
            ([1.0, 1.0, 1.0], 'no class "'),
            ("cat=1,dog=-1", '"dog" is -1'),
            ("cat=1,dog=inf", '"dog" is inf'),
            ("cat=1,dog=nan", '"dog" is nan'),
            ("cat=1,dog", '"dog" is no class=weight'),
            ("cat=1,dog=x", '"dog=x" is no class=weight'),
            ("weights.csv", '"weights.csv" is no class=weight'),
        ],
    )
    def test_refusals(self, given_: Any, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            class_weights(given_, ("cat", "dog"), (0, 1), 2)

    @pytest.mark.parametrize(("text", "message"), [("a,b,c\n1,2,3\n", "3 columns"), ("cat\ndog\n", "no weights")])
    def test_files_that_hold_no_weights(self, text: str, message: str, tmp_path: Path) -> None:
        (tmp_path / "w.csv").write_text(text)
        assert message in refusal(class_weights, str(tmp_path / "w.csv"), ("cat", "dog"), (0, 1), 2).message


class TestLocalEngine:
    @pytest.mark.parametrize("threads", [1, 2, 8])
    def test_order_is_kept(self, threads: int) -> None:
        def slow_first(part: int) -> int:
            threading.Event().wait(0.002 * (part % 5 == 0))
            return -part

        assert list(local_engine(threads).map(slow_first, range(100))) == [-part for part in range(100)]

    @pytest.mark.parametrize("threads", [2, 8])
    def test_the_window_is_bounded(self, threads: int) -> None:
        handed: list[int] = []

        def parts() -> Iterator[int]:
            for part in range(100):
                handed.append(part)
                yield part

        for taken, _ in enumerate(Threads(threads).map(abs, parts())):
            assert len(handed) - taken <= threads + 1
        assert len(handed) == 100

    @pytest.mark.parametrize("threads", [1, 2, 8])
    def test_the_first_error_in_row_order_wins(self, threads: int) -> None:
        later = threading.Event()

        def score(part: int) -> int:
            if part == 5:
                later.wait(0.05 if threads > 1 else 0)
                raise ValueError("early")
            if part > 5:
                later.set()
                raise ValueError("late")
            return part

        results = local_engine(threads).map(score, range(20))
        assert [next(results) for _ in range(5)] == list(range(5))
        with pytest.raises(ValueError, match="early"):
            next(results)

    @pytest.mark.parametrize("threads", [1, 2, 8])
    @pytest.mark.parametrize("bad", [None, 7])
    def test_an_error_while_cutting_comes_after_those_of_earlier_parts(self, threads: int, bad: int | None) -> None:
        def parts() -> Iterator[int]:
            yield from range(8)
            raise ValueError("cutting")

        def score(part: int) -> int:
            if part == bad:
                raise ValueError("scoring")
            return part

        seen: list[int] = []
        with pytest.raises(ValueError, match="cutting" if bad is None else "scoring"):
            seen.extend(local_engine(threads).map(score, parts()))
        assert seen == [] or seen == list(range(bad or 8))

    def test_stopping_early_leaves_no_thread(self) -> None:
        before = threading.active_count()
        results = Threads(4).map(lambda part: part, iter(range(1000)))
        next(results)
        results.close()  # type: ignore[attr-defined]
        assert threading.active_count() == before

    def test_no_parts(self) -> None:
        assert list(Threads(3).map(abs, [])) == list(Serial().map(abs, [])) == []

    def test_threads_asked_for(self) -> None:
        assert isinstance(local_engine(1), Serial)
        assert isinstance(local_engine(3), Threads)
        assert available_threads() >= 1


NAMES = ("c0", "c1", "c2", "c3", "c10")
WIDTH = len(NAMES)


def logits(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 3.0, (rows, WIDTH))


def bytes_of(result: divtool.Result) -> str:
    """What must be the same whatever cut, shared out or stored the rows."""
    return json.dumps(document(result)["results"])


RUNS: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "ce-of-labels": ("ce", ("q", "labels"), {}),
    "ce-of-soft-labels": ("ce", ("q", "soft"), {}),
    "ce-weighted": ("ce", ("q", "labels"), {"class_weight": [0.5, 1.0, 0.0, 3.25, 1e-3]}),
    "ce-soft-and-weighted": ("ce", ("q", "soft"), {"class_weight": [0.5, 1.0, 0.0, 3.25, 1e-3]}),
    "ce-smoothed": ("ce", ("q", "labels"), {"label_smoothing": 0.1}),
    "ce-ignored": ("ce", ("q", "labels"), {"ignore_index": (1, 3)}),
    "ce-of-a-table": ("ce", ("soft", "labels"), {"temperature": 1.0}),
    "kl-of-logits": ("kl", ("p", "q"), {"temperature": 2.0}),
    "kl-of-tables": ("kl", ("soft", "near"), {"base": "2"}),
    "kl-of-both": ("kl", ("soft", "q"), {}),
    "entropy": ("entropy", ("q",), {}),
    "entropy-sum": ("entropy", ("soft",), {"reduction": "sum"}),
}
ROWS = 257
STORES = ("npy", "csv", "parquet-7", "parquet-1000")
CHUNKS = (1, 7 * WIDTH * 8, 8 << 20, 1 << 40)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The same tables in every format, by their name."""
    tables = run_tables()
    return {store: stored(tables, store, tmp_path_factory.mktemp(store)) for store in STORES}


def run_tables() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    soft = rng.dirichlet([0.3] * WIDTH, ROWS)
    soft[5] = [0.0, 0.0, 1.0, 0.0, 0.0]
    q = logits(ROWS, 2)
    q[9, 1] = -np.inf
    near = soft * (1.0 + 1e-9 * rng.standard_normal(soft.shape))
    return {"p": logits(ROWS, 1), "q": q, "soft": soft, "near": near, "labels": rng.integers(0, WIDTH, (ROWS, 1))}


def stored(tables: dict[str, np.ndarray], store: str, folder: Path) -> dict[str, str]:
    form = {"npy": NPY, "csv": CSV}.get(store, PARQUET)
    paths = {}
    for name, table in tables.items():
        names = ["label"] if name == "labels" else NAMES
        paths[name] = form.write(folder / name, table, names=names)
        if form is PARQUET:
            pq.write_table(pq.read_table(paths[name]), paths[name], row_group_size=int(store.rpartition("-")[2]))
    return paths


@pytest.mark.usefixtures("many_parts")
class TestTheSameBytes:
    """Of ``results``, whatever the chunk size, the threads, the format and its inner layout."""

    @pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
    @pytest.mark.parametrize("store", STORES)
    def test_any_chunks_threads_and_formats(
        self, run: tuple[str, tuple[str, ...], dict[str, Any]], store: str, stores: dict[str, dict[str, str]]
    ) -> None:
        measure, operands, options = run
        tables = run_tables()
        whole = divtool.compute(measure, *(tables[name] for name in operands), threads=1, chunk_size=1 << 40, **options)
        for chunk_size in CHUNKS:
            for threads in (1, 2, 8) if chunk_size > 1 else (3,):
                result = divtool.compute(
                    measure, *(stores[store][name] for name in operands),
                    threads=threads, chunk_size=chunk_size, **options,
                )  # fmt: skip
                assert bytes_of(result) == bytes_of(whole)

    @pytest.mark.parametrize(("first", "second"), [("npy", "csv"), ("csv", "parquet-7"), ("parquet-1000", "npy")])
    def test_mixed_formats(self, first: str, second: str, stores: dict[str, dict[str, str]]) -> None:
        for measure, names in (("ce", ("q", "labels")), ("kl", ("p", "q"))):
            mixed = divtool.compute(measure, stores[first][names[0]], stores[second][names[1]], threads=2)
            plain = divtool.compute(measure, stores[first][names[0]], stores[first][names[1]], threads=1)
            assert bytes_of(mixed) == bytes_of(plain)

    @given(order=st.permutations(range(WIDTH)))
    def test_columns_in_any_order(self, order: list[int]) -> None:
        import pandas as pd

        tables = run_tables()
        plain = pd.DataFrame(tables["q"], columns=list(NAMES))
        turned = plain[[NAMES[i] for i in order]]
        names = pd.DataFrame({"label": [NAMES[i] for i in tables["labels"][:, 0]]})
        other = pd.DataFrame(tables["p"], columns=list(NAMES))
        for measure, truth in (("ce", (names,)), ("kl", (other,)), ("entropy", ())):
            results = [bytes_of(divtool.compute(measure, frame, *truth)) for frame in (plain, turned)]
            assert results[0] == results[1]

    @pytest.mark.parametrize("store", STORES)
    @pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npy"])
    def test_transforms_write_the_same_rows(
        self, store: str, suffix: str, stores: dict[str, dict[str, str]], tmp_path: Path
    ) -> None:
        expected = divtool.compute("softmax", run_tables()["q"], chunk_size=1 << 40, threads=1).row_values
        for chunk_size, threads in ((1, 1), (280, 2), (8 << 20, 8)):
            path = tmp_path / f"out{suffix}"
            divtool.compute("softmax", stores[store]["q"], output=str(path), chunk_size=chunk_size, threads=threads)
            assert divtool.compute("entropy", path).rows == ROWS
            assert matrix_in(path).tobytes() == expected.tobytes()

    @pytest.mark.parametrize("threads", [1, 2, 8])
    def test_the_first_bad_row_is_told(self, threads: int, stores: dict[str, dict[str, str]], tmp_path: Path) -> None:
        q = run_tables()["q"]
        q[[100, 200]] = np.nan
        path = CSV.write(tmp_path / "bad", q, names=NAMES)
        error = refusal(divtool.compute, "ce", path, stores["csv"]["labels"], threads=threads, chunk_size=280)
        assert (error.row, error.line, error.column, error.path) == (100, 102, "c0", path)

    @pytest.mark.parametrize("store", STORES)
    @pytest.mark.parametrize("shorter", ["q", "labels"])
    def test_row_counts_that_differ_are_refused(
        self, store: str, shorter: str, stores: dict[str, dict[str, str]], tmp_path: Path
    ) -> None:
        tables = run_tables()
        cut = stored({shorter: tables[shorter][:-1]}, store, tmp_path)
        paths = stores[store] | cut
        for threads in (1, 4):
            error = refusal(divtool.compute, "ce", paths["q"], paths["labels"], threads=threads, chunk_size=280)
            assert set(re.findall(r"has (\d+)", error.message)) == {str(ROWS), str(ROWS - 1)}

    @pytest.mark.parametrize("threads", [1, 4])
    @pytest.mark.parametrize("measure", ["entropy", "kl", "ce"])
    @pytest.mark.parametrize("kind", ["logits", "log-probs"])
    def test_a_row_without_any_mass_is_refused(self, kind: str, measure: str, threads: int) -> None:
        table = logits(30) if kind == "logits" else np.log(np.random.default_rng(0).dirichlet([1.0] * WIDTH, 30))
        table[17] = -np.inf
        truth = {"entropy": (), "kl": (table[::-1].copy(),), "ce": (np.arange(30) % WIDTH,)}[measure]
        error = refusal(divtool.compute, measure, table, *truth, threads=threads, chunk_size=100)
        assert error.row in ((12, 17) if measure == "kl" else (17,))

    def test_all_rows_ignored_is_refused(self) -> None:
        with pytest.raises(DivtoolError, match="nothing is left"):
            divtool.compute("ce", logits(20), np.full(20, -100))


def matrix_in(path: Path) -> np.ndarray:
    if path.suffix == ".npy":
        loaded: np.ndarray = np.load(path)
        return loaded
    if path.suffix == ".parquet":
        return np.column_stack([column.to_numpy() for column in pq.read_table(path).columns])
    return np.loadtxt(path, delimiter=",", skiprows=1)
