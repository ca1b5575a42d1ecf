"""What the issue of exact measures promised to a user, on files and through the program's own front door."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import oracles
import program
import pytest
from mpmath import mp

import divtool
from divtool.cli.app import app
from divtool.measures import load_families
from divtool.measures.declare import MEASURES

load_families()
ROOT = Path(__file__).parents[1]
VERBS = [each.name for each in MEASURES]


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the commands of the help texts run."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestHelp:
    """Every command says what it computes, and its example runs."""

    @pytest.mark.parametrize("verb", VERBS)
    def test_example_runs(self, verb: str, examples: Path, capfd: pytest.CaptureFixture[str]) -> None:
        app(MEASURES.get(verb).example.split()[1:], standalone_mode=False)
        assert capfd.readouterr().out.startswith("measure\tvalue") or (examples / "rows.parquet").stat().st_size

    @pytest.mark.parametrize("verb", VERBS)
    def test_states_what_it_is(self, verb: str, capfd: pytest.CaptureFixture[str]) -> None:
        declared = MEASURES.get(verb)
        app([verb, "--help"], standalone_mode=False)
        said = capfd.readouterr().out
        flat = " ".join(said.split())
        assert " ".join(declared.formula.split()) in flat
        assert "Unit:" in said
        assert "Edges:" in said
        assert "Range:" in said or declared.is_transform
        assert ("Direction:" in said) == (declared.direction is not None)
        assert declared.example in flat


class TestNearlyTheSameLogits:
    """Two logit files that differ by noise of 1e-8: ten digits right, and 0 on a file against itself."""

    @pytest.fixture
    def files(self, tmp_path: Path) -> tuple[str, str]:
        folder, numbers = tmp_path, np.random.default_rng(8)
        a = numbers.normal(scale=3.0, size=(200, 10))
        np.save(folder / "a.npy", a)
        np.save(folder / "b.npy", a + 1e-8 * numbers.normal(size=a.shape))
        return str(folder / "a.npy"), str(folder / "b.npy")

    def true(self, files: tuple[str, str]) -> Any:
        with mp.workdps(150):
            pairs = zip(np.load(files[0]).tolist(), np.load(files[1]).tolist(), strict=True)
            return mp.fsum(oracles.kl(oracles.softmax(p), oracles.softmax(q)) for p, q in pairs) / 200

    def test_ten_digits(self, files: tuple[str, str]) -> None:
        value = float(program.run(["kl", *files, "-q"], cwd=ROOT).stdout)
        assert 1e-18 < value < 1e-15
        assert abs(value - self.true(files)) <= abs(self.true(files)) * mp.mpf("1e-14")

    def test_nothing_on_itself(self, files: tuple[str, str]) -> None:
        assert program.run(["kl", files[0], files[0], "-q"], cwd=ROOT).stdout == "0.0\n"


COUNTS = np.array([[3.0, 1.0, 4.0, 8.0], [1.0, 1.0, 6.0, 0.0], [5.0, 9.0, 2.0, 16.0]])
OTHERS = np.array([[2.0, 2.0, 4.0, 8.0], [1.0, 3.0, 3.0, 1.0], [4.0, 9.0, 3.0, 16.0]])


def logs(counts: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(counts / counts.sum(axis=1, keepdims=True))


KINDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "counts": lambda counts: counts,
    "probs": lambda counts: counts / counts.sum(axis=1, keepdims=True),
    "log-probs": logs,
    "logits": lambda counts: logs(counts) + 2.5,
}


class TestAnyMixOfKinds:
    """Logits, log-probabilities, probabilities and counts on either side mean the same distributions."""

    @pytest.mark.parametrize("verb", ["kl", "js", "tv", "renyi", "hellinger", "wasserstein", "chi2-pearson"])
    @pytest.mark.parametrize(("left", "right"), list(product(KINDS, KINDS)))
    def test_pairs(self, verb: str, left: str, right: str) -> None:
        expected = divtool.compute(verb, COUNTS, OTHERS, given="counts", reduction="none").row_values
        found = divtool.compute(
            verb, KINDS[left](COUNTS), KINDS[right](OTHERS), given_p=left, given_q=right, reduction="none"
        ).row_values
        np.testing.assert_allclose(found, expected, rtol=1e-13)

    @pytest.mark.parametrize("kind", KINDS)
    def test_rows(self, kind: str) -> None:
        expected = divtool.entropy(COUNTS, given="counts", reduction="none").row_values
        found = divtool.entropy(KINDS[kind](COUNTS), given=kind, reduction="none").row_values
        np.testing.assert_allclose(found, expected, rtol=1e-13)

    @pytest.mark.parametrize("kind", KINDS)
    def test_losses(self, kind: str) -> None:
        expected = -logs(COUNTS)[np.arange(3), [0, 2, 1]]
        found = divtool.ce(KINDS[kind](COUNTS), np.array([0, 2, 1]), given=kind, reduction="none").row_values
        np.testing.assert_allclose(found, expected, rtol=1e-13)

    def test_counts_are_whole(self) -> None:
        with pytest.raises(divtool.errors.InputError, match="expected whole numbers"):
            divtool.entropy(COUNTS / 2, given="counts")

    def test_a_row_of_nothing_is_no_distribution(self) -> None:
        with pytest.raises(divtool.errors.InputError, match="sums to 0") as caught:
            divtool.entropy(np.array([[1.0, 2.0], [0.0, 0.0]]), given="counts")
        assert caught.value.row == 1


class TestOwnOptions:
    """An option of one measure changes its number, or is refused."""

    ZERO = np.array([[0.0, 0.0], [1.0, 2.0]])
    OTHER: ClassVar[dict[type, Any]] = {float: 0.37, int: 1, bool: True, str: "0.5"}
    SPECIAL: ClassVar[dict[tuple[str, str], Any]] = {
        ("minkowski", "order"): 4.0, ("wasserstein", "order"): 2.0, ("f-divergence", "f"): "js",
        ("js-members", "weights"): "1,3,1", ("predictive-entropy", "weights"): "1,3,1",
        ("expected-entropy", "weights"): "1,3,1", ("bce", "over"): "sum", ("bce-gradient", "over"): "sum",
        ("quadratic-gradient", "through"): "softmax",
        ("one-hot", "classes"): "versicolor,virginica,setosa",
        ("smooth-labels", "classes"): "versicolor,virginica,setosa", ("gaussian-nll", "eps"): 1e9,
        ("poisson-nll", "full"): "exact",
        ("bce", "pos_weight"): "3", ("bce-gradient", "pos_weight"): "3",
    }  # fmt: skip
    # Where the example files give an option nothing to do.
    INPUTS: ClassVar[dict[tuple[str, str], list[Any]]] = {
        ("cosine-similarity", "zero_vector"): [ZERO, ZERO + 1.0],
        ("cosine-embedding", "zero_vector"): [ZERO, ZERO + 1.0, np.array([[1], [-1]])],
        ("bce", "over"): [ZERO, np.array([[1, 0], [1, 1]])],
        ("bce-gradient", "over"): [ZERO, np.array([[1, 0], [1, 1]])],
    }  # fmt: skip
    BESIDES: ClassVar[dict[tuple[str, str], dict[str, Any]]] = {("poisson-nll", "eps"): {"log_input": False}}

    @pytest.mark.parametrize(("verb", "option"), [(each.name, own.name) for each in MEASURES for own in each.keywords])
    def test_is_obeyed(self, verb: str, option: str, examples: Path) -> None:
        declared = MEASURES.get(verb)
        (own,) = (each for each in declared.keywords if each.name == option)
        value = self.SPECIAL.get((verb, option), not own.default if own.type is bool else self.OTHER[own.type])
        files = self.INPUTS.get((verb, option)) or [n for each in declared.operands for n in each.example.split()]
        more = dict(self.BESIDES.get((verb, option), {}))
        more |= {} if declared.is_transform else {"reduction": "none"}
        before = divtool.compute(verb, *files, **more).row_values
        after = divtool.compute(verb, *files, **{option: value}, **more).row_values
        assert before is not None
        assert after is not None
        assert not np.array_equal(before, after, equal_nan=True)
