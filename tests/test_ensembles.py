"""Agreement of two models and ensembles: textbook numbers to their last digits, ties, and members along an axis."""

from __future__ import annotations

import math
import pickle
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import oracles
import oracles_ensembles
import oracles_pairs
import pytest
from mpmath import mp, mpf
from test_golden_rows import near

import divtool
from divtool.cli.app import app
from divtool.errors import InputError, UsageError
from divtool.formats.member_axis import member_sources
from divtool.formats.npz import open_npz
from divtool.formats.source import Extent, Selection, Ways
from divtool.measures import load_families
from divtool.measures.declare import MEASURES
from divtool.numerics.choices import among_largest, first_choice, votes

load_families()
U = 2.0**-53
X = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0]])
OF_MEMBERS = {**oracles_ensembles.ENSEMBLES, "js_members": oracles_pairs.js_members}


def rows_of(verb: str, *files: Any, **options: Any) -> np.ndarray:
    return np.asarray(divtool.compute(verb, *files, given="logits", reduction="none", **options).row_values)


class TestGolden:
    """The two-member ensemble of the catalogue: H(mean), mean H, their mutual information."""

    @pytest.mark.parametrize(
        ("verb", "value"),
        [("predictive-entropy", 0.83558146422881964), ("expected-entropy", 0.55335432775668564),
         ("js-members", 0.28222713647213401), ("disagreement", 1.0), ("variation-ratio", 0.5),
         ("vote-entropy", math.log(2.0))],
    )  # fmt: skip
    def test_two_members(self, verb: str, value: float) -> None:
        near(rows_of(verb, X[:1], X[1:]), [value])


class TestOracles:
    @pytest.mark.parametrize("verb", OF_MEMBERS)
    @pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 20.0, 200.0])
    def test_each_row_within_its_promise(self, verb: str, scale: float) -> None:
        members = np.random.default_rng(3).normal(scale=scale, size=(5, 6, 7))
        got = rows_of(verb.replace("_", "-"), *members)
        promise = MEASURES.get(verb.replace("_", "-")).promise
        with mp.workdps(oracles.digits_for(*members.reshape(-1, 7), temperature=1.0)):
            for row in range(6):
                true = OF_MEMBERS[verb]([oracles.softmax(member[row]) for member in members])
                assert abs(mpf(float(got[row])) - true) <= promise * U * abs(true), row

    @pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9])
    def test_nearly_equal_members_keep_their_digits(self, distance: float) -> None:
        numbers = np.random.default_rng(4)
        first = numbers.normal(scale=3.0, size=(8, 10))
        members = [first, *(first + distance * numbers.normal(size=(2, 8, 10)))]
        got = rows_of("js-members", *members)
        with mp.workdps(60):
            for row in range(8):
                true = oracles_pairs.js_members([oracles.softmax(member[row]) for member in members])
                assert abs(mpf(float(got[row])) - true) <= 32 * U * true

    @pytest.mark.parametrize("verb", ["predictive-entropy", "expected-entropy", "js-members"])
    def test_weights(self, verb: str) -> None:
        members = np.random.default_rng(5).normal(size=(3, 4, 5))
        got = rows_of(verb, *members, weights="1,2,5")
        with mp.workdps(50):
            for row in range(4):
                true = OF_MEMBERS[verb.replace("-", "_")]([oracles.softmax(m[row]) for m in members], "1,2,5")
                assert abs(mpf(float(got[row])) - true) <= 32 * U * true

    def test_the_whole_is_the_sum_of_its_parts(self) -> None:
        members = np.random.default_rng(6).normal(scale=2.0, size=(4, 50, 6))
        whole, shared, apart = (
            rows_of(verb, *members) for verb in ("predictive-entropy", "expected-entropy", "js-members")
        )
        np.testing.assert_allclose(whole, shared + apart, rtol=1e-14)

    def test_members_of_any_kind(self) -> None:
        logits = np.random.default_rng(7).normal(size=(3, 20, 5))
        probs = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
        tables = divtool.ensemble(*probs, given="probs")
        for found, expected in zip(tables.results, divtool.ensemble(*logits).results, strict=True):
            assert found.value == pytest.approx(expected.value, rel=1e-13)

    def test_certain_members(self) -> None:
        sure, other = np.array([[900.0, 0.0, 0.0]]), np.array([[0.0, 900.0, 0.0]])
        assert rows_of("predictive-entropy", sure, sure).tolist() == [0.0]
        near(rows_of("predictive-entropy", sure, other), [math.log(2.0)])
        assert rows_of("expected-entropy", sure, other).tolist() == [0.0]
        small = rows_of("predictive-entropy", np.array([[40.0, 0.0]]), np.array([[50.0, 0.0]]))
        with mp.workdps(60):
            true = oracles_ensembles.predictive_entropy([oracles.softmax([40.0, 0.0]), oracles.softmax([50.0, 0.0])])
        assert float(small[0]) == pytest.approx(float(true), rel=1e-14)

    def test_masked_classes(self) -> None:
        members = [np.array([[0.5, -math.inf, 1.0]]), np.array([[-math.inf, 0.5, 1.0]])]
        with mp.workdps(50):
            true = oracles_ensembles.predictive_entropy([oracles.softmax(each[0]) for each in members])
        near(rows_of("predictive-entropy", *members), [float(true)])


class TestChoices:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_first_choice_of_ties(self, dtype: str) -> None:
        x = np.random.default_rng(8).integers(0, 4, size=(200, 6)).astype(dtype)
        expected = [row.tolist().index(max(row.tolist())) for row in x]
        assert first_choice(x, -math.inf).tolist() == expected

    def test_zeros_of_both_signs_are_equal(self) -> None:
        x = np.tile(np.array([[-0.0, 0.0], [0.0, -0.0]], dtype=np.float32), (1, 16))
        assert first_choice(x, -math.inf).tolist() == [0, 0]

    def test_no_choice(self) -> None:
        x = np.array([[1.0, math.nan], [-math.inf, -math.inf], [-math.inf, 0.0], [math.inf, math.inf]])
        assert first_choice(x, -math.inf).tolist() == [-1, -1, 1, 0]

    @pytest.mark.parametrize("k", [1, 2, 3, 5, 6, 7])
    def test_among_largest(self, k: int) -> None:
        x = np.random.default_rng(k).integers(0, 5, size=(300, 6)).astype(np.float32)
        x[x == 4.0] = -math.inf
        found = among_largest(x, k)
        for row, marks in zip(x.tolist(), found, strict=True):
            assert np.flatnonzero(marks).tolist() == sorted(sorted(range(6), key=lambda c: (-row[c], c))[:k])

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8"])
    def test_among_largest_of_many(self, dtype: str) -> None:
        x = np.random.default_rng(12).integers(0, 60, size=(40, 700)).astype(dtype)
        for k in (1, 5, 40):
            found = among_largest(x, k)
            for row, marks in zip(x.tolist(), found, strict=True):
                assert np.flatnonzero(marks).tolist() == sorted(sorted(range(700), key=lambda c: (-row[c], c))[:k])

    def test_votes(self) -> None:
        choices = np.random.default_rng(9).integers(0, 3, size=(7, 100))
        for i, column in enumerate(choices.T.tolist()):
            assert sorted(n for n in votes(choices)[:, i].tolist() if n) == sorted(Counter(column).values())


class TestAgreement:
    P = np.array([[3.0, 1.0, 2.0], [1.0, 1.0, 0.0], [0.0, -math.inf, 5.0]])
    Q = np.array([[9.0, 1.0, 2.0], [0.0, 1.0, 0.0], [-math.inf, 0.0, 5.0]])

    def test_first_choices(self) -> None:
        assert rows_of("same-top-1", self.P, self.Q).tolist() == [1.0, 0.0, 1.0]
        assert divtool.same_top_1(self.P, self.Q, given="logits").value == pytest.approx(2 / 3)

    def test_first_two(self) -> None:
        assert rows_of("same-top-k", self.P, self.Q, k=2).tolist() == [1.0, 1.0, 0.5]

    def test_the_usual_k_is_no_trap_for_few_classes(self) -> None:
        assert rows_of("same-top-k", self.P, self.Q).tolist() == [1.0, 1.0, 1.0]

    @pytest.mark.parametrize("k", [0, -1, 4, 50])
    def test_k_beyond_the_classes(self, k: int) -> None:
        with pytest.raises(UsageError, match=f"--k {k}: expected a whole number from 1 to 3"):
            rows_of("same-top-k", self.P, self.Q, k=k)

    @pytest.mark.parametrize("verb", ["same-top-1", "same-top-k", "delta-p"])
    def test_nan_is_refused_with_its_row(self, verb: str) -> None:
        broken = self.Q.copy()
        broken[1, 2] = math.nan
        labels = [np.array([0, 1, 2])] if verb == "delta-p" else []
        with pytest.raises(InputError) as caught:
            rows_of(verb, self.P, broken, *labels)
        assert caught.value.row == 1

    def test_a_row_without_mass_is_refused(self) -> None:
        with pytest.raises(InputError) as caught:
            rows_of("disagreement", self.P, np.where(np.arange(3)[:, None] == 2, -math.inf, self.Q))
        assert caught.value.row == 2

    def test_kinds_may_be_mixed(self) -> None:
        probs = np.exp(self.Q) / np.exp(self.Q).sum(axis=1, keepdims=True)
        assert divtool.same_top_1(self.P, probs, given_p="logits", given_q="probs").value == pytest.approx(2 / 3)

    def test_rows_of_any_sum(self) -> None:
        p, q = np.array([[0.5, 0.25], [0.25, 0.5]]), np.array([[0.75, 1.0], [0.25, 1.5]])
        run = divtool.same_top_1(p, q, given="probs", allow_unnormalized=True)
        assert run.value == 0.5

    def test_change_of_the_labels_probability(self) -> None:
        numbers = np.random.default_rng(10)
        p = numbers.normal(scale=3.0, size=(9, 6))
        q, labels = p + 1e-9 * numbers.normal(size=p.shape), numbers.integers(0, 6, 9)
        got = rows_of("delta-p", p, q, labels)
        with mp.workdps(60):
            for row, label in enumerate(labels.tolist()):
                true = oracles.softmax(q[row])[label] - oracles.softmax(p[row])[label]
                assert abs(mpf(float(got[row])) - true) <= 64 * U * abs(true)


MEMBERS = np.random.default_rng(11).normal(size=(4, 50, 7)).astype(np.float32)


def values(result: divtool.Result) -> list[float]:
    return [each.value for each in result.results]


@cache
def expected() -> list[float]:
    """What the members give as arrays of their own."""
    return values(divtool.ensemble(*MEMBERS))


class TestMemberAxis:
    @pytest.mark.parametrize("order", "CF")
    @pytest.mark.parametrize("axis", [0, 1, 2, -3])
    def test_any_axis_of_any_array(self, axis: int, order: str, tmp_path: Path) -> None:
        array = np.asarray(np.moveaxis(MEMBERS, 0, axis), order=order)  # type: ignore[call-overload]
        np.save(tmp_path / "x.npy", array)
        np.savez(tmp_path / "stored.npz", logits=array, other=np.zeros(3))
        np.savez_compressed(tmp_path / "packed.npz", logits=array)
        classes = 1 if axis == 2 else 2
        for name in ("x.npy", "stored.npz:logits", "packed.npz"):
            for chunk_size in (1, 1000, 1 << 20):
                run = divtool.ensemble(
                    str(tmp_path / name), member_axis=axis, class_axis=classes, chunk_size=chunk_size
                )
                assert values(run) == expected()
        assert values(divtool.ensemble(array, member_axis=axis, class_axis=classes)) == expected()

    def test_the_class_axis_is_the_last_of_two(self) -> None:
        assert values(divtool.ensemble(MEMBERS, member_axis=0)) == expected()

    def test_more_dimensions(self) -> None:
        pixels = MEMBERS.reshape(4, 5, 10, 7)
        assert values(divtool.ensemble(np.moveaxis(pixels, 3, 1), member_axis=0, class_axis=1)) == expected()

    def test_safetensors(self, tmp_path: Path) -> None:
        head = f'{{"x":{{"dtype":"F32","shape":[50,4,7],"data_offsets":[0,{MEMBERS.nbytes}]}}}}'.encode()
        data = np.ascontiguousarray(np.moveaxis(MEMBERS, 0, 1)).tobytes()
        (tmp_path / "x.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + data)
        run = divtool.ensemble(str(tmp_path / "x.safetensors"), member_axis=1)
        assert values(run) == expected()
        assert [each.path.rpartition("/")[2] for each in run.inputs][:2] == [
            "x.safetensors:x[:,0]",
            "x.safetensors:x[:,1]",
        ]

    def test_members_travel(self, tmp_path: Path) -> None:
        np.savez_compressed(tmp_path / "x.npz", logits=MEMBERS)
        source = open_npz(str(tmp_path / "x.npz"), "x.npz", Ways()).open("logits")
        member = pickle.loads(pickle.dumps(member_sources(source, 0)[2]))
        (block,) = member.blocks(Extent(3, 9), Selection(range(7)), 1 << 20)
        assert np.array_equal(block.matrix, MEMBERS[2, 3:9])

    @pytest.mark.parametrize(
        ("array", "options", "said"),
        [
            (MEMBERS, {"member_axis": 3}, "--member-axis 3: the array has 3 axes, 0 to 2"),
            (MEMBERS[0], {"member_axis": 0}, "arrays of three dimensions or more"),
            (MEMBERS[:1], {"member_axis": 0}, "has 1 entries; expected 2 to 1,024 members"),
            (np.zeros((2000, 2, 2)), {"member_axis": 0}, "has 2,000 entries"),
            (MEMBERS, {"member_axis": 2, "class_axis": -1}, "name the same axis"),
            (MEMBERS, {}, "takes 2 files or more, not 1"),
        ],
    )
    def test_refusals(self, array: np.ndarray, options: dict[str, Any], said: str) -> None:
        with pytest.raises((InputError, UsageError), match=said) as caught:
            divtool.ensemble(array, **options)
        assert options or "--member-axis" in caught.value.hint

    def test_several_files(self) -> None:
        with pytest.raises(UsageError, match="there are 2 files"):
            divtool.ensemble(MEMBERS, MEMBERS, member_axis=0)

    def test_tables(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a,b\n0.5,0.5\n")
        with pytest.raises(UsageError, match=r"x\.csv is no array"):
            divtool.ensemble(str(tmp_path / "x.csv"), member_axis=0)


class TestEnsemble:
    USUAL = ("predictive-entropy", "expected-entropy", "js-members", "disagreement")

    def test_the_usual_measures(self) -> None:
        run = divtool.ensemble(*MEMBERS, measure="vote-entropy")
        assert tuple(each.measure for each in run.results) == (*self.USUAL, "vote-entropy")
        assert run.command == "ensemble"

    def test_weights_weigh_in_all(self) -> None:
        run = divtool.ensemble(*MEMBERS, weights="1,2,3,4")
        for verb in self.USUAL[:3]:
            assert run[verb].value == divtool.compute(verb, *MEMBERS, weights="1,2,3,4").value

    @pytest.mark.parametrize("by", ["prediction", "confidence"])
    def test_members_are_no_one_model(self, by: str) -> None:
        with pytest.raises(UsageError, match="by one model; there are several members"):
            divtool.ensemble(*MEMBERS, by=by)

    def test_a_temperature_goes_with_measures_of_the_order(self) -> None:
        hot = divtool.ensemble(*MEMBERS, temperature=2.0)
        assert hot["predictive-entropy"].value > divtool.ensemble(*MEMBERS).value
        assert hot["disagreement"].value == divtool.ensemble(*MEMBERS)["disagreement"].value

    def test_output(self, tmp_path: Path) -> None:
        divtool.ensemble(*MEMBERS, output=str(tmp_path / "x.tsv"))
        assert len((tmp_path / "x.tsv").read_text().splitlines()) == 5

    def test_command(self, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        np.save(tmp_path / "x.npy", MEMBERS)
        arguments = ["ensemble", str(tmp_path / "x.npy"), "--member-axis", "0"]
        app([*arguments, "-f", "tsv"], standalone_mode=False)
        lines = [line.split("\t") for line in capfdbinary.readouterr().out.decode().splitlines()]
        assert [line[0] for line in lines[1:]] == [*self.USUAL]
        app([*arguments, "-q"], standalone_mode=False)
        assert float(capfdbinary.readouterr().out) == divtool.ensemble(*MEMBERS).value
