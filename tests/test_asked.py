"""Several measures in one pass, both directions, weights of rows: what a run computes besides its verb."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import divtool
from divtool.engine.asked import asked_for
from divtool.errors import InputError, UsageError
from divtool.formats.writing import row_file
from divtool.measures import load_families
from divtool.measures.declare import MEASURES

load_families()
RNG = np.random.default_rng(5)
A, B = RNG.normal(size=(2, 40, 5))
LABELS = RNG.integers(0, 5, 40)


def labels_of(verb: str, *more: str, **options: Any) -> list[str]:
    found = asked_for(MEASURES.get(verb), {}, more, **{"reverse": False, "both": False, **options})
    return [each.label for each in found]


class TestWhatIsAsked:
    def test_names_options_and_families(self) -> None:
        assert labels_of("kl", "js,tv", "renyi:order=3") == ["kl", "js", "tv", "renyi(order=3)"]
        assert {"tv", "hellinger", "l1"} <= set(labels_of("kl", "distances"))

    def test_the_same_measure_is_computed_once(self) -> None:
        assert labels_of("kl", "kl,js", "js") == ["kl", "js"]

    def test_both_directions_where_they_differ(self) -> None:
        assert labels_of("kl", "js", both=True) == ["kl", "kl_reversed", "js"]

    def test_reverse(self) -> None:
        (found,) = asked_for(MEASURES.get("kl"), {}, (), reverse=True, both=False)
        assert found.direction == "KL(q || p)"
        assert found.label == "kl_reversed"

    @pytest.mark.parametrize(
        ("verb", "more", "message"),
        [
            ("kl", "bec", "no such measure"),
            ("kl", "ce", "it takes PREDS (distributions) and LABELS"),
            ("kl", "softmax", "it takes"),
            ("kl", "renyi:ordr=2", "none of its options"),
            ("kl", "renyi:order=two", "expected a number"),
            ("entropy", "kl", "these fit"),
            ("kl", "", "no such measure"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, verb: str, more: str, message: str) -> None:
        with pytest.raises(UsageError) as caught:
            labels_of(verb, more)
        assert message in caught.value.message + caught.value.hint


class TestOnePass:
    def test_each_number_is_that_of_its_own_command(self) -> None:
        together = divtool.kl(A, B, measure="js,tv,renyi:order=3,entropy")
        for name, alone in {
            "kl": divtool.kl(A, B), "js": divtool.js(A, B), "tv": divtool.tv(A, B),
            "renyi(order=3)": divtool.renyi(A, B, order=3.0), "entropy": divtool.entropy(A),
            "kl_reversed": divtool.kl(B, A),
        }.items():  # fmt: skip
            assert together[name].value == alone.value, name

    def test_reverse_is_the_other_command(self) -> None:
        assert divtool.kl(A, B, reverse=True).value == divtool.kl(B, A).value

    def test_a_measure_of_one_distribution_takes_the_model_of_a_loss(self) -> None:
        assert divtool.ce(A, LABELS, measure="entropy")["entropy"].value == divtool.entropy(A).value

    def test_rows_have_a_column_for_each(self, tmp_path: Path) -> None:
        path = tmp_path / "rows.csv"
        divtool.kl(A, B, measure="js", per_row=str(path))
        assert path.read_text().partition("\n")[0] == "row,kl,kl_reversed,js"

    def test_units_are_each_measures_own(self) -> None:
        result = divtool.kl(A, B, measure="tv,js-distance", base="2")
        assert [each.unit for each in result.results] == ["bits", "bits", "1", "sqrt(bits)", "1"]
        assert result["tv"].value == divtool.tv(A, B).value
        assert result["js-distance"].value == pytest.approx(divtool.js_distance(A, B).value / math.sqrt(math.log(2)))


class TestSampleWeights:
    def frame(self, weights: Any) -> Any:
        import pandas as pd

        return pd.DataFrame({"label": LABELS, "importance": weights})

    def test_a_weight_of_two_is_the_row_twice(self) -> None:
        weights = np.where(np.arange(40) < 10, 2.0, 1.0)
        twice = np.concatenate([np.arange(40), np.arange(10)])
        weighted = divtool.ce(A, self.frame(weights), sample_weight="importance")
        assert weighted.value == pytest.approx(divtool.ce(A[twice], LABELS[twice]).value, rel=1e-15)
        assert weighted.results[0].denominator == ("sum of weights", 50.0)

    def test_beside_class_weights(self) -> None:
        weights, own = np.arange(40) / 10.0, np.array([1.0, 2.0, 0.5, 3.0, 1.5])
        rows = divtool.ce(A, LABELS, reduction="none").row_values
        share = weights * own[LABELS]
        found = divtool.ce(A, self.frame(weights), sample_weight="importance", class_weight=own.tolist()).value
        assert found == pytest.approx((share * rows).sum() / share.sum(), rel=1e-14)

    def test_a_row_of_weight_nothing_may_be_infinite(self) -> None:
        table = np.array([[0.0, 1.0], [0.5, 0.5]])
        import pandas as pd

        frame = pd.DataFrame({"label": [0, 0], "w": [0.0, 1.0]})
        assert divtool.ce(table, frame, sample_weight="w").value == pytest.approx(math.log(2))

    def test_negative_weights_and_unknown_columns_are_refused(self) -> None:
        with pytest.raises(InputError, match="not below 0"):
            divtool.ce(A, self.frame(np.full(40, -1.0)), sample_weight="importance")
        with pytest.raises(InputError, match="no file has a column"):
            divtool.ce(A, self.frame(np.ones(40)), sample_weight="importence")

    def test_the_column_of_a_pair(self) -> None:
        import pandas as pd

        weights = RNG.random(40)
        left = pd.DataFrame({**{f"c{i}": A[:, i] for i in range(5)}, "weight": weights})
        right = pd.DataFrame({f"c{i}": B[:, i] for i in range(5)})
        rows = divtool.kl(A, B, reduction="none").row_values
        found = divtool.kl(left, right, sample_weight="weight").value
        assert found == pytest.approx((weights * rows).sum() / weights.sum(), rel=1e-14)

    def test_rows_in_another_order(self) -> None:
        import pandas as pd

        weights, order = RNG.random(40), RNG.permutation(40)
        names = [f"r{i}" for i in range(40)]
        left = pd.DataFrame({"id": names, **{f"c{i}": A[:, i] for i in range(5)}})
        right = pd.DataFrame({"id": names, "label": LABELS, "w": weights}).iloc[order]
        rows = divtool.ce(A, LABELS, reduction="none").row_values
        expected = (weights * rows).sum() / weights.sum()
        assert divtool.ce(left, right, sample_weight="w").value == pytest.approx(expected, rel=1e-14)
        left["v"] = weights
        assert divtool.ce(left, right.drop(columns="w"), sample_weight="v").value == pytest.approx(expected, rel=1e-14)

    def test_twins_in_a_file_that_stands_alone(self) -> None:
        import pandas as pd

        frame = pd.DataFrame({"id": [7] * 40, **{f"c{i}": A[:, i] for i in range(5)}, "w": np.ones(40)})
        assert divtool.entropy(frame, sample_weight="w").value == divtool.entropy(A).value


class TestOptionsOfOthers:
    @pytest.mark.parametrize(
        "options",
        [{"label_smoothing": 0.1}, {"class_weight": [1.0, 2.0, 1.0, 1.0, 1.0]}, {"zeros": "cap:5"}],
        ids=["smoothing", "weights", "zeros"],
    )
    def test_what_another_measure_would_not_obey_is_refused(self, options: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match="does not go with -m error-rate"):
            divtool.ce(A, LABELS, measure="error-rate", **options)

    def test_like_speaks_of_one_measure(self) -> None:
        with pytest.raises(UsageError, match="--like speaks of one measure"):
            divtool.ce(A, LABELS, measure="brier", like="torch")

    @pytest.mark.parametrize("verb", ["error-rate", "focal", "spherical"])
    def test_what_would_be_ignored_is_not_offered(self, verb: str) -> None:
        with pytest.raises(UsageError, match="has no option"):
            divtool.compute(verb, A, LABELS, weight_target_only=True)


class TestArrays:
    def test_a_list_of_numbers_is_one_distribution(self) -> None:
        assert divtool.kl([0.5, 0.5], [0.25, 0.75]).value == divtool.kl([[0.5, 0.5]], [[0.25, 0.75]]).value
        assert divtool.entropy(np.array([0.5, 0.5])).results[0].n == 1

    def test_weights_may_be_an_array(self) -> None:
        weights = RNG.random(40)
        rows = divtool.ce(A, LABELS, reduction="none").row_values
        found = divtool.ce(A, LABELS, sample_weight=weights).value
        assert found == pytest.approx((weights * rows).sum() / weights.sum(), rel=1e-14)
        with pytest.raises(InputError, match="39 rows"):
            divtool.ce(A, LABELS, sample_weight=weights[:39])

    def test_a_result_says_what_it_is(self) -> None:
        said = "<divtool l1: l1 0.0 1, mean of 1; same-top-1 1.0 1, mean of 1>"
        assert repr(divtool.l1([0.5, 0.5], [0.5, 0.5])) == said
        assert "row_values of shape (2, 3)" in repr(divtool.softmax(np.array([[3.0, 1.5, 0.25], [1.0, 2.0, 0.5]])))


class TestKindsOfOthers:
    """A measure of -m takes what its verb would take, and no other."""

    def test_a_named_one_is_refused(self) -> None:
        with pytest.raises(InputError, match="nll takes log-probabilities"):
            divtool.ce(A, LABELS, measure="nll")

    def test_one_of_a_family_is_left_out(self) -> None:
        names = [each.name for each in divtool.ce(A, LABELS, measure="losses").results]
        assert "nll" not in names
        assert {"ce", "brier", "error-rate"} <= set(names)


class TestOrderedClasses:
    """What depends on the order of the classes takes that of the first file's columns, and says so."""

    P, Q = np.array([[1.0, 0.0, 0.0], [0.2, 0.8, 0.0]]), np.array([[0.0, 1.0, 0.0], [0.1, 0.8, 0.1]])

    def frame(self, table: np.ndarray, columns: list[str]) -> Any:
        import pandas as pd

        return pd.DataFrame(table, columns=["low", "medium", "high"])[columns]

    @pytest.mark.parametrize("verb", ["wasserstein", "ks", "energy-distance", "cramer", "kuiper"])
    def test_the_first_file_says_the_order(self, verb: str) -> None:
        first, shuffled = self.frame(self.P, ["low", "medium", "high"]), self.frame(self.Q, ["high", "low", "medium"])
        result = divtool.compute(verb, first, shuffled)
        assert result.value == divtool.compute(verb, self.P, self.Q).value
        assert "classes in the order of p: low, medium, high" in result.matched

    def test_against_labels(self) -> None:
        names = ["low", "high"]
        named = divtool.rps(self.frame(self.Q, ["low", "medium", "high"]), names).value
        assert named == divtool.rps(self.Q, np.array([0, 2])).value


class TestFoundByBreaking:
    def test_options_that_round_alike_are_two_measures(self) -> None:
        result = divtool.kl(A, B, measure="renyi:order=1.0000001,renyi:order=1")
        assert result["renyi(order=1.0000001)"].value != result["renyi(order=1)"].value

    def test_zeros_judge_the_direction_that_was_asked_for(self) -> None:
        sure, torn = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
        found = divtool.kl(sure, torn, zeros="drop")
        assert found.value == pytest.approx(math.log(2))
        assert (found["kl_reversed"].n, found["kl_reversed"].dropped) == (0, 1)
        assert divtool.kl(sure, torn, zeros="error").value == pytest.approx(math.log(2))
        with pytest.raises(InputError, match="infinite"):
            divtool.kl(torn, sure, zeros="error")

    def test_rows_of_several_measures_as_an_array(self, tmp_path: Path) -> None:
        path = tmp_path / "rows.npy"
        divtool.js(A, B, measure="tv,hellinger", per_row=str(path))
        rows = np.load(path)
        assert rows.shape == (40, 3)
        assert (rows[:, 1] == divtool.tv(A, B, reduction="none").row_values).all()

    def test_a_formula_for_rows_of_one_is_not_given_others(self) -> None:
        with pytest.raises(UsageError, match="made for rows that sum to 1"):
            divtool.renyi(A, B, zeros="clip:1e-3")
        with pytest.raises(UsageError, match="made for rows that sum to 1"):
            divtool.kl(A, B, zeros="clip:1e-3", measure="renyi")

    def test_one_name_for_the_defaults(self) -> None:
        assert divtool.cosine_similarity(A, B).results[0].name == "cosine-similarity"

    def test_nearly_parallel_vectors(self) -> None:
        from mpmath import mp

        a = RNG.normal(size=(20, 3))
        b = a * (1.0 + 1e-9 * RNG.normal(size=a.shape))
        rows = divtool.cosine_embedding(a, b, np.ones((20, 1)), reduction="none").row_values
        assert rows is not None
        with mp.workdps(60):
            for x, y, found in zip(a.tolist(), b.tolist(), rows, strict=True):
                dot = mp.fsum(mp.mpf(i) * j for i, j in zip(x, y, strict=True))
                lengths = mp.sqrt(mp.fsum(mp.mpf(i) ** 2 for i in x) * mp.fsum(mp.mpf(j) ** 2 for j in y))
                assert abs(found - (1 - dot / lengths)) <= 32 * 2.0**-53 * (1 - dot / lengths)

    def test_soft_labels_beside_another_number(self) -> None:
        import pandas as pd

        soft = pd.DataFrame({"ant": [0.5, 0.25], "bee": [0.25, 0.75], "cat": [0.25, 0.0], "age": [7.0, 9.0]})
        logits = pd.DataFrame({"cat": [0.5, 1.5], "ant": [2.5, 0.25], "bee": [1.5, -1.25]})
        expected = divtool.ce(logits, soft.drop(columns="age")).value
        assert divtool.ce(logits, soft).value == expected

    def test_weights_in_memory_are_not_repeated(self) -> None:
        assert divtool.ce(A, LABELS, sample_weight=np.ones(40)).settings == {"sample_weight": "from memory"}

    def test_a_run_that_stops_leaves_no_word_and_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            _stopped_while_writing(str(tmp_path / "rows.parquet"))
        assert list(tmp_path.iterdir()) == []


def _stopped_while_writing(path: str) -> None:
    with row_file(path, [], ["x"]) as writer:
        writer.write([], np.zeros((1 << 21, 1)))
        raise KeyboardInterrupt
