"""Files that are easily taken for something else: read right, refused, or warned of, never scored in silence."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import divtool
from divtool.errors import InputError, UsageError

LOGITS = np.random.default_rng(3).normal(size=(50, 4)) * 3.0
PROBS = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)


def entropy(thing: Any, **options: Any) -> float:
    return float(divtool.compute("entropy", thing, **options).value)


def csv(path: Path, table: Any, columns: list[Any]) -> str:
    pd.DataFrame(table, columns=columns).to_csv(path, index=False)
    return str(path)


class TestHeaders:
    @pytest.mark.parametrize(
        "columns", [[1, 2, 3, 4], [3, 2, 1, 0], [0, 5, 7, 9], [2019, 2020, 2021, 2022], [0, 1, 2, 3]]
    )
    def test_whole_numbers_over_others_are_names(self, columns: list[int], tmp_path: Path) -> None:
        result = divtool.compute("entropy", csv(tmp_path / "x.csv", LOGITS, columns))
        assert result.inputs[0].class_names == tuple(map(str, columns))
        assert result.rows == 50
        assert result.value == pytest.approx(entropy(LOGITS), rel=1e-13)

    def test_whole_numbers_over_whole_numbers_are_data(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("5,3\n2,7\n")
        assert divtool.compute("entropy", str(tmp_path / "x.csv"), given="logits").rows == 2

    def test_no_name_is_below_zero(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("-1,0\n-1,0.08\n1,0.46\n")
        assert divtool.ce(str(tmp_path / "x.csv"), label_col="0").rows == 3

    def test_spaces_between_numbers(self, tmp_path: Path) -> None:
        np.savetxt(tmp_path / "x.txt", LOGITS)
        assert entropy(str(tmp_path / "x.txt")) == pytest.approx(entropy(LOGITS), rel=1e-13)

    def test_decimal_commas_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a;b\n0,25;0,75\n")
        with pytest.raises(InputError, match="decimal commas"):
            entropy(str(tmp_path / "x.csv"))


class TestColumns:
    def test_a_loss_is_left_out(self, tmp_path: Path) -> None:
        path = csv(tmp_path / "x.csv", np.column_stack([PROBS, LOGITS[:, 0]]), [*"abcd", "loss"])
        assert entropy(path) == pytest.approx(entropy(PROBS), rel=1e-13)

    def test_a_column_without_which_rows_sum_to_one_is_asked_about(self, tmp_path: Path) -> None:
        path = csv(tmp_path / "x.csv", np.column_stack([PROBS, LOGITS[:, 0]]), [*"abcd", "temper"])
        with pytest.raises(InputError, match='sum to 1 without "temper"'):
            entropy(path)
        assert entropy(path, columns="!temper") == pytest.approx(entropy(PROBS), rel=1e-13)

    def test_whole_numbers_beside_fractions_are_asked_about(self, tmp_path: Path) -> None:
        path = csv(tmp_path / "x.csv", np.column_stack([LOGITS, np.arange(50) % 7]), [*"abcd", "tenure"])
        with pytest.raises(InputError, match='"tenure" holds whole numbers'):
            entropy(path)


class TestNormalize:
    def test_is_evidence_for_probabilities(self) -> None:
        assert entropy(PROBS * 1.3, normalize=True) == pytest.approx(entropy(PROBS), rel=1e-12)

    def test_is_refused_where_it_could_do_nothing(self) -> None:
        with pytest.raises(UsageError, match="--normalize"):
            entropy(LOGITS, normalize=True)

    def test_makes_cross_entropy_entropy_plus_divergence(self) -> None:
        p, q = np.round(PROBS, 2) + 0.01, np.round(PROBS[::-1], 2) + 0.01
        parts = [divtool.compute(verb, *files, normalize=True).value for verb, files in (
            ("ce", (q, p)), ("entropy", (p,)), ("kl", (p, q)))]  # fmt: skip
        assert parts[0] == pytest.approx(parts[1] + parts[2], rel=1e-14)


class TestRowsAndLabels:
    def test_indices_of_columns_out_of_order_are_warned_of(self, tmp_path: Path) -> None:
        path, labels = csv(tmp_path / "x.csv", LOGITS, ["fox", "cat", "emu", "dog"]), np.arange(50) % 4
        result = divtool.compute("ce", path, labels)
        assert result.value == divtool.compute("ce", LOGITS, labels).value
        assert result.inputs[0].class_names == ("fox", "cat", "emu", "dog")
        assert any("0 = fox, 1 = cat" in warning for warning in result.warnings)

    def test_ids_that_are_not_used_are_warned_of(self, tmp_path: Path) -> None:
        table = pd.DataFrame({"id": np.arange(50), "y": np.arange(50) % 4})
        assert any("by position" in warning for warning in divtool.compute("ce", LOGITS, table).warnings)

    def test_ids_of_two_names(self) -> None:
        order = np.random.default_rng(1).permutation(50)
        names = [f"r{i}" for i in range(50)]
        first = pd.DataFrame(LOGITS, columns=list("abcd")).assign(id=names)
        second = pd.DataFrame(LOGITS, columns=list("abcd")).assign(image_id=names).iloc[order].reset_index(drop=True)
        with pytest.raises(InputError, match="are these the same ids"):
            divtool.compute("kl", first, second)
        assert divtool.compute("kl", first, second, id="id,image_id").value == 0.0

    @pytest.mark.parametrize("ids", [["x", "x", "y"], [7, 8, 7]])
    def test_an_id_that_stands_twice_in_both_files(self, ids: list[Any], tmp_path: Path) -> None:
        for name in ("p.csv", "q.csv"):
            pd.DataFrame(LOGITS[:3], columns=list("abcd")).assign(id=ids).to_csv(tmp_path / name, index=False)
        with pytest.raises(InputError, match="stands there a second time"):
            divtool.compute("kl", str(tmp_path / "p.csv"), str(tmp_path / "q.csv"))

    def test_an_index_of_pandas_names_the_rows(self) -> None:
        labels = pd.Series(np.arange(50) % 4, name="y")
        predictions = pd.DataFrame(LOGITS, columns=list("0123"))
        straight = divtool.compute("ce", predictions, labels).value
        assert divtool.compute("ce", predictions, labels.sample(frac=1, random_state=0), id="none").value != straight
        shuffled = predictions.rename_axis("id"), labels.rename_axis("id").sample(frac=1, random_state=0)
        assert divtool.compute("ce", *shuffled).value == straight


class TestArgumentsOfPrograms:
    LABELS = np.arange(50) % 4

    def test_plain_python_values(self) -> None:
        bits = divtool.compute("ce", LOGITS, self.LABELS, base=2).value
        assert bits == divtool.compute("ce", LOGITS, self.LABELS, base="2").value
        assert divtool.compute("ce", LOGITS, self.LABELS, ignore_index=3)["ce"].ignored == 12
        weighted = divtool.compute("ce", LOGITS, self.LABELS, class_weight=np.arange(1.0, 5.0))
        assert weighted.value == divtool.compute("ce", LOGITS, self.LABELS, class_weight="1,2,3,4").value

    @pytest.mark.parametrize(
        "options", [{"temperature": "hot"}, {"per_row": True}, {"ignore_index": ["x"]}, {"digits": 99}]
    )
    def test_what_does_not_fit_is_a_usage_error(self, options: dict[str, Any]) -> None:
        with pytest.raises(UsageError):
            divtool.compute("ce", LOGITS, self.LABELS, **options)

    def test_a_transform_has_rows_and_no_value(self) -> None:
        result = divtool.softmax(LOGITS)
        np.testing.assert_allclose(result.row_values, PROBS, rtol=1e-13)
        with pytest.raises(AttributeError, match="row_values"):
            _ = result.value

    def test_functions_say_what_they_do(self) -> None:
        assert "Kullback-Leibler" in divtool.kl.__doc__
        assert str(divtool.kl(PROBS, PROBS)).startswith("kl 0.0 nats")


class TestKinds:
    def test_logits_near_normalised_are_no_log_probabilities(self, tmp_path: Path) -> None:
        logits = np.round(np.random.default_rng(5).normal(-4.9, 0.8, (60, 100)), 2)
        result = divtool.compute(
            "ce", csv(tmp_path / "x.csv", logits, [f"c{i}" for i in range(100)]), np.arange(60) % 20
        )
        assert result.inputs[0].kind == "logits"
        assert result.value == pytest.approx(divtool.compute("ce", logits, np.arange(60) % 20, given="logits").value)

    def test_rounded_log_probabilities_are_counted(self, tmp_path: Path) -> None:
        path = csv(tmp_path / "x.csv", np.round(np.log(PROBS), 3), list("abcd"))
        result = divtool.compute("entropy", path)
        assert result.inputs[0].kind == "log-probs"
        assert any("rounding of the decimals" in note for note in result.matched)

    def test_votes_are_not_taken_for_probabilities(self, tmp_path: Path) -> None:
        votes = np.zeros((20, 101), int)
        votes[:, :5] = 1
        with pytest.raises(InputError, match="within 0 and 1, yet the rows sum to 5"):
            entropy(csv(tmp_path / "x.csv", votes, [f"c{i}" for i in range(101)]))

    def test_rows_without_a_number(self, tmp_path: Path) -> None:
        for text, said in (("a,b\nnan,nan\n", "NaN"), ("a,b\n-inf,-inf\n", "every logit is -inf")):
            (tmp_path / "x.csv").write_text(text)
            with pytest.raises(InputError, match=said):
                entropy(str(tmp_path / "x.csv"))

    def test_whole_numbers_that_no_double_holds(self) -> None:
        with pytest.raises(InputError, match="9007199254740993 is no exact double"):
            entropy(np.array([[2**53 + 1, 2**53, 0]]), given="logits")

    def test_numbers_wider_than_doubles_and_masks_are_refused(self) -> None:
        with pytest.raises(InputError):
            entropy(LOGITS.astype(np.longdouble))
        with pytest.raises(UsageError, match="masked"):
            entropy(np.ma.masked_array(LOGITS, LOGITS > 0))

    def test_no_cost_is_below_zero(self) -> None:
        result = divtool.compute("ce", [[1.0000005, 1e-7]], [0], reduction="none", given="probs")
        assert result.row_values.tolist() == [0.0]


class TestSides:
    def test_a_table_against_logits_far_below_the_doubles(self) -> None:
        kl = divtool.compute("kl", [[0.5, 0.5]], [[0.0, -800.5]], given_q="logits").value
        assert kl == pytest.approx(800.5 / 2 - np.log(2), rel=1e-14)

    def test_classes_called_after_axes_are_kept(self, tmp_path: Path) -> None:
        for names in (list("xyz"), ["gold", "silver", "bronze"], ["lock", "key", "door"]):
            path = csv(tmp_path / "x.csv", LOGITS[:, :3], names)
            assert entropy(path) == pytest.approx(entropy(LOGITS[:, :3]), rel=1e-13)

    def test_weights_of_classes_named_by_numbers_go_by_name(self, tmp_path: Path) -> None:
        labels = pd.DataFrame({"id": range(50), "label": np.arange(50) % 3})
        values = set()
        for order in ([0, 1, 2], [2, 0, 1]):
            table = pd.DataFrame(LOGITS[:, order], columns=[str(i) for i in order])
            table.insert(0, "id", range(50))
            table.to_csv(tmp_path / "x.csv", index=False)
            values.add(divtool.compute("ce", str(tmp_path / "x.csv"), labels, class_weight="0=10,1=1,2=1").value)
        assert len(values) == 1

    def test_a_class_with_two_weights(self) -> None:
        with pytest.raises(UsageError, match="two weights"):
            divtool.compute("ce", LOGITS, np.arange(50) % 4, class_weight="0=1,0=2,1=1,2=1,3=1")


class TestSoftLabels:
    def test_votes_as_labels_are_shares(self) -> None:
        votes = np.tile([3, 1, 0, 0], (50, 1))
        soft = divtool.compute("ce", LOGITS, votes / 4.0).value
        counted = divtool.compute("ce", LOGITS, votes)
        assert counted.value == pytest.approx(soft, rel=1e-15)
        assert counted.inputs[1].kind == "counts"
        assert divtool.compute("ce", LOGITS, votes, normalize=True).value == pytest.approx(soft, rel=1e-15)


class TestWriting:
    def test_an_id_called_like_another_column(self, tmp_path: Path) -> None:
        table = pd.DataFrame(LOGITS, columns=list("abcd")).assign(row=range(50, 100))
        divtool.compute("entropy", table, id="row", per_row=tmp_path / "rows.csv")
        written = pd.read_csv(tmp_path / "rows.csv")
        assert list(written) == ["row", "row_id", "entropy"]
        assert written["row_id"].tolist() == list(range(50, 100))

    def test_a_link_stays_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "real.csv").write_text("old")
        (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
        divtool.softmax(LOGITS, output=tmp_path / "link.csv")
        assert (tmp_path / "link.csv").is_symlink()
        assert len(pd.read_csv(tmp_path / "real.csv")) == 50

    def test_a_program_can_write_a_report(self, tmp_path: Path) -> None:
        result = divtool.entropy(LOGITS, output=tmp_path / "x.json")
        assert json.loads((tmp_path / "x.json").read_text())["results"][0]["value"] == result.value


class TestStreams:
    @pytest.mark.parametrize(
        ("command", "status"),
        [
            ("divtool entropy x.npy >&-", 5),
            ("divtool entropy x.npy > /dev/full", 5),
            ("divtool list > /dev/full", 5),
            ("divtool --version > /dev/full", 5),
            ("divtool ce --help > /dev/full", 5),
            ("divtool entropy - <&-", 3),
            ("divtool entropy y.npy 2>&-", 3),
            ("divtool entropy y.npy 2>/dev/full", 3),
            ("divtool --help | true", 0),
        ],
    )
    def test_closed_and_full(self, command: str, status: int, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", LOGITS)
        path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        environment = os.environ | {"PATH": path}
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
