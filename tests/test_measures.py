"""Every measure keeps its word: the laws it declares and no others, its textbook formula, its example, its golden
numbers; and a measure added in one file is a command."""

from __future__ import annotations

import doctest
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import oracles
import oracles_ensembles
import oracles_pairs
import oracles_rows
import pytest
from handing import chunk_of, score_of
from hypothesis import HealthCheck, given, settings
from mpmath import mp, mpf
from strategies import samples

import divtool
from divtool.engine.chunk import Chunk, Part, Settings
from divtool.errors import InputError
from divtool.measures import load_families
from divtool.measures.declare import DISTRIBUTION, MEASURES, Declaration, keywords_of, measure, needs_of
from divtool.measures.laws import LAWS, Law, Sample
from divtool.measures.vocabulary import WORDS

load_families()
ALL = list(MEASURES)
SCORED = [each for each in ALL if not each.is_transform]
TRANSFORMS = [each for each in ALL if each.is_transform]
by_name: dict[str, Any] = {"ids": lambda each: each.name}
U = 2.0**-53


def random_samples() -> Iterator[Sample]:
    """The fixed samples among which an undeclared law must have a counter-example."""
    numbers = np.random.default_rng(20)
    for scale in (1e-3, 1.0, 5.0, 60.0):
        for classes in (2, 3, 10):
            p, q = numbers.normal(scale=scale, size=(2, 40, classes))
            yield Sample(p, q, numbers.integers(0, classes, 40))
    # Differences that are gone when they are halved.
    p, q = 5e-324 * numbers.integers(0, 2, size=(2, 40, 9))
    yield Sample(p, q, numbers.integers(0, 9, 40))
    # Ties, and half the mass on one of many classes.
    p, q = numbers.integers(0, 3, size=(2, 40, 9)).astype(np.float64)
    yield Sample(p, q, numbers.integers(0, 9, 40))
    p, q = 0.1 * numbers.normal(size=(2, 4, 100))
    p[:, 7] += math.log(99.0)
    yield Sample(p, q, numbers.integers(0, 100, 4))
    # Of one side alone are they gone.
    p, q = numbers.normal(size=(40, 9)), 5e-324 * numbers.integers(0, 2, size=(40, 9))
    yield Sample(p, q, numbers.integers(0, 9, 40))


def asked_of(declared: Declaration) -> list[Law]:
    """The laws that make sense for its operands."""
    logits = any("logits" in operand.kinds for operand in declared.operands)
    return [law for law in LAWS.values() if law.applies_to(declared.roles) and (logits or not law.of_logits)]


def lies(declared: Declaration, tried: list[Sample]) -> dict[str, str]:
    """The laws about which a declaration lies on these samples, and how."""
    score, found = score_of(declared), {}
    for law in asked_of(declared):
        holds = all(law.holds(score, sample).all() for sample in tried)
        if holds != (law.name in declared.laws):
            found[law.name] = "declared, but broken" if law.name in declared.laws else "kept, but not declared"
    return found


class TestLaws:
    @pytest.mark.parametrize("declared", SCORED, **by_name)
    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(sample=samples())
    def test_declared_laws_hold_on_every_sample(self, declared: Declaration, sample: Sample) -> None:
        score = score_of(declared)
        for name in sorted(declared.laws):
            kept = LAWS[name].holds(score, sample)
            assert kept.all(), f"{declared.name} breaks {name} in row {int(np.argmin(kept))}: {score(sample)}"

    @pytest.mark.parametrize("declared", SCORED, **by_name)
    def test_declaration_is_the_whole_truth(self, declared: Declaration) -> None:
        assert lies(declared, list(random_samples())) == {}

    @pytest.mark.parametrize("declared", ALL, **by_name)
    def test_only_laws_that_exist_and_apply(self, declared: Declaration) -> None:
        assert declared.laws <= {law.name for law in asked_of(declared)}

    @pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
    def test_a_law_speaks_of_every_row(self, law: Law) -> None:
        sample = next(random_samples())
        declared = MEASURES.get("kl")
        assert law.statement
        assert law.holds(score_of(declared), sample).shape == (len(sample.p),)


@pytest.fixture
def toy() -> Iterator[Callable[..., Declaration]]:
    """Declares a measure for the length of a test."""
    added: list[str] = []

    def declare(name: str, function: Any, laws: set[str]) -> Declaration:
        measure(
            name, title="Toy", family="toys", operands=(DISTRIBUTION,), formula="toy", cite="nobody",
            bounds=(-math.inf, math.inf), laws=laws,
        )(function)  # fmt: skip
        added.append(name)
        return MEASURES.get(name)

    yield declare
    for name in added:
        MEASURES.remove(name)


def first_probability(p: Any) -> Any:
    """Not the same in any order of the classes."""
    return p[:, 0].copy()


def sum_of_squares(p: Any) -> Any:
    """Keeps most laws, though it is the same in any order of the classes only to rounding."""
    return (p**2).sum(axis=1)


class TestLiars:
    """A test of the tests."""

    def test_a_law_that_does_not_hold_is_caught(self, toy: Callable[..., Declaration]) -> None:
        liar = toy("liar", first_probability, {"class-permutation", "non-negative", "shift-invariant"})
        found = lies(liar, list(random_samples()))
        assert found["class-permutation"] == "declared, but broken"

    def test_a_law_that_is_not_declared_is_caught(self, toy: Callable[..., Declaration]) -> None:
        modest = toy("modest", sum_of_squares, {"class-permutation", "shift-invariant"})
        assert lies(modest, list(random_samples()))["non-negative"] == "kept, but not declared"

    def test_the_liars_are_gone(self) -> None:
        assert {"liar", "modest"}.isdisjoint(MEASURES.names())


class TestDeclarations:
    @pytest.mark.parametrize("declared", ALL, **by_name)
    def test_has_an_oracle(self, declared: Declaration) -> None:
        assert declared.name.replace("-", "_") in EVERY_ORACLE

    @pytest.mark.parametrize("declared", ALL, **by_name)
    def test_says_what_it_is(self, declared: Declaration) -> None:
        assert all([declared.title, declared.family, declared.formula, declared.cite, declared.summary])
        assert declared.summary.endswith((".", "?"))
        assert declared.unit in ("nats", "sqrt(nats)", "nats^2", "1", "rows")

    @pytest.mark.parametrize("declared", ALL, **by_name)
    def test_states_its_edges(self, declared: Declaration) -> None:
        assert "Edges:" in (declared.function.__doc__ or "")

    @pytest.mark.parametrize("declared", ALL, **by_name)
    def test_has_a_doctest_that_runs(self, declared: Declaration) -> None:
        scope = vars(import_module(declared.function.__module__))
        (test,) = doctest.DocTestFinder(recurse=False).find(declared.function, globs=dict(scope))
        assert test.examples
        assert doctest.DocTestRunner(verbose=False).run(test).failed == 0

    @pytest.mark.parametrize("declared", SCORED, **by_name)
    def test_stays_within_its_bounds(self, declared: Declaration) -> None:
        low, high = declared.bounds or (-math.inf, math.inf)
        for sample in random_samples():
            rows = score_of(declared)(sample)
            assert ((rows >= low) & (rows <= high)).all()

    @pytest.mark.parametrize("declared", ALL, **by_name)
    def test_is_a_function_of_the_package(self, declared: Declaration) -> None:
        assert callable(getattr(divtool, declared.name.replace("-", "_")))

    @pytest.mark.parametrize("declared", ALL, **by_name)
    def test_leaves_its_inputs_alone(self, declared: Declaration) -> None:
        sample = next(random_samples())
        for array in (sample.p, sample.q, sample.labels):
            array.flags.writeable = False
        assert np.array_equal(score_of(declared)(sample), score_of(declared)(sample))


class TestShortcuts:
    @pytest.mark.parametrize("weights", [None, (1.0, 2.5, 0.0)], ids=["plain", "weighted"])
    @pytest.mark.parametrize("kind", ["logits", "log-probs", "probs"])
    @pytest.mark.parametrize("declared", [each for each in ALL if each.shortcut], **by_name)
    def test_gives_the_same_number(self, declared: Declaration, kind: str, weights: tuple[float, ...] | None) -> None:
        x = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0], [-math.inf, 0.0, 1.0], [0.5, -math.inf, 0.25]])
        logs = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
        rows = {"logits": x, "log-probs": logs, "probs": np.exp(logs)}[kind]
        short = declared.shortcut
        assert short is not None
        sides = {"q": Part(rows, kind), "p": Part(rows[[1, 0, 2, 2]], kind)}
        chunk = Chunk({role: sides[role] for role in declared.roles if role in sides}, np.array([0, 2, 0, 2]),
                      Settings(weights=weights))  # fmt: skip
        slow = chunk.apply(declared.function, declared.needs, {})
        fast = chunk.apply(short.function, short.needs, {})
        np.testing.assert_allclose(fast, slow, rtol=32 * U, atol=0)


class TestVocabulary:
    @pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
    def test_a_chunk_hands_out_every_word(self, word: Any) -> None:
        assert hasattr(Chunk, word.name)
        sample = next(random_samples())
        takers = [each for each in ALL if word.name in (*each.needs, each.share, *(each.shortcut or each).needs)]
        assert takers, "no measure takes it"
        form = chunk_of(takers[0], sample, Settings(weights=(1.0, 2.0))).form(word.name)
        rows, classes = sample.p.shape
        shapes = {"(n, C)": (rows, classes), "(n,)": (rows,), "(C,)": (classes,), "()": (), "(n, 1)": (rows, 1),
                  "(k, n, C)": (2, rows, classes), "(k, n)": (2, rows)}  # fmt: skip
        assert np.shape(form) == shapes[word.shape]
        assert np.asarray(form).dtype == (np.int64 if word.name.startswith("choice") else np.float64)

    def test_needs_are_words(self) -> None:
        assert {need for each in ALL for need in each.needs} <= set(WORDS)
        assert {each.share for each in ALL if each.share} <= set(WORDS)

    def test_an_unknown_name_is_refused_at_import(self) -> None:
        def greedy(p: Any, perplexity: Any) -> Any: ...

        with pytest.raises(TypeError, match='greedy asks for "perplexity"'):
            needs_of(greedy)

    def test_an_option_must_be_declared(self) -> None:
        def untyped(p: Any, *, order: Any = 2.0) -> Any: ...

        with pytest.raises(TypeError, match='untyped: "order" must read'):
            keywords_of(untyped)


# Against textbook formulas


PAIRS_AND_ROWS: dict[str, Any] = {
    **oracles_rows.ROWS, **oracles_rows.LABELLED, **oracles_pairs.PAIRS, "distillation": oracles_rows.distillation,
    **oracles.ORACLES, **oracles_ensembles.AGREEMENT, **oracles_ensembles.ENSEMBLES,
}  # fmt: skip
EVERY_ORACLE = {**PAIRS_AND_ROWS, **oracles_rows.SCORED, **oracles_rows.NUMBERS, **oracles_rows.TRANSFORMS}


def of_rows(declared: Declaration, sample: Sample, row: int) -> Any:
    """What the oracle says of one row, from its operands."""
    oracle = EVERY_ORACLE[declared.name.replace("-", "_")]
    p, q = sample.p[row].tolist(), sample.q[row].tolist()
    with mp.workdps(oracles.digits_for(p, q)):
        if "target" in declared.roles:
            truth = [mpf(int(k == sample.labels[row])) for k in range(len(q))]
            if "p" in declared.roles:
                return oracle(oracles.softmax(p), oracles.softmax(q), truth)
            return oracle(truth, oracles.softmax(q)) if declared.name == "ce" else oracle(oracles.softmax(q), truth)
        return oracle(*(oracles.softmax({"p": p, "q": q}[role]) for role in declared.roles))


def units_off(got: float, true: Any) -> float:
    """The error in units of u, relative, or in halves of the smallest double where that is all there is."""
    if mp.isinf(true) or not math.isfinite(got):
        return 0.0 if got == float(true) else math.inf
    if got == true:
        return 0.0
    return float(abs(mpf(got) - true) / max(abs(true) * mpf(U), mpf(2) ** -1075))


def oracle_samples() -> Iterator[Sample]:
    numbers = np.random.default_rng(5)
    for scale in (1e-12, 1e-4, 1.0, 20.0, 250.0):
        p, q = numbers.normal(scale=scale, size=(2, 6, 5))
        yield Sample(p, q, numbers.integers(0, 5, 6))
    p = numbers.normal(size=(6, 4))
    yield Sample(p, p * (1.0 + 1e-9), numbers.integers(0, 4, 6))


# The other operands, and what is hard about these, have tables of their own: test_accuracy_pairs, test_accuracy_rows.
ON_RANDOM_ROWS = [
    each for each in SCORED
    if all("probs" in o.kinds and not o.many for o in each.operands)
    and each.name not in ("energy-score", "perplexity")
]  # fmt: skip


class TestOracles:
    @pytest.mark.parametrize("declared", ON_RANDOM_ROWS, **by_name)
    def test_random_rows(self, declared: Declaration) -> None:
        for sample in oracle_samples():
            got = score_of(declared)(sample)
            for row in range(len(sample.p)):
                off = units_off(float(got[row]), of_rows(declared, sample, row))
                assert off <= declared.promise, f"row {row}: {off} u"


# Golden numbers


X = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0]])
Y = np.array([0, 2])
W = {"0": 1.0, "1": 2.0, "2": 5.0}
SOFT = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
WEATHER = np.array([[0.5, 0.3, 0.2]])
WORMS = np.array([[0.02, 0.03, 0.05, 0.14, 0.16, 0.15, 0.12, 0.08, 0.1, 0.08, 0.07]])
UNIFORM = np.full((1, 11), 1 / 11)


def binomial(p: float) -> np.ndarray:
    return np.array([[math.comb(10, k) * p**k * (1 - p) ** (10 - k) for k in range(11)]])


def near(value: Any, golden: Any) -> None:
    np.testing.assert_allclose(value, golden, rtol=1e-14, atol=0)


LOSSES: dict[str, tuple[Any, dict[str, Any], list[float], float]] = {
    "plain": (Y, {}, [0.4076059644443803, 4.0658839037574292], 2.2367449341009047),
    "weighted": (Y, {"class_weight": W}, [0.4076059644443803, 20.329419518787146], 3.456170913871921),
    "soft": (SOFT, {}, [0.8076059644443803, 2.7658839037574292], 1.7867449341009047),
    "soft weighted": (SOFT, {"class_weight": W}, [2.0521695431110085, 12.543770443902488], 2.7539509409459427),
    "smoothing": (Y, {"label_smoothing": 0.1}, [0.5076059644443803, 3.8992172370907625], 2.2034116007675714),
    "smoothing weighted": (
        Y, {"label_smoothing": 0.1, "class_weight": W}, [0.87554029185177702, 19.080713274577079], 3.326042261071476,
    ),
}  # fmt: skip

PAIRS = {
    "A": ((0.5, 0.3, 0.2), (0.2, 0.2, 0.6)),
    "B": ((0.5, 0.5, 0.0), (0.25, 0.25, 0.5)),
    "C": ((0.5, 0.5), (1.0, 0.0)),
    "D": ((1.0, 0.0), (0.0, 1.0)),
    "F": ((1.0, 0.0, 0.0), (0.7, 0.2, 0.1)),
}
LN2, INF = 0.693147180559945309, math.inf
# H(p), H(q), CE(p, q), CE(q, p), KL(p || q), KL(q || p) in nats
GOLDEN_PAIRS = {
    "A": (1.02965301406457, 0.950270539233235, 1.38971545470048, 1.34508674443764, 0.360062440635905,
          0.394816205204402),
    "B": (LN2, 1.03972077083992, 1.38629436111989, INF, LN2, INF),
    "C": (LN2, 0.0, INF, LN2, INF, LN2),
    "D": (0.0, 0.0, INF, INF, INF, INF),
    "F": (0.0, 0.801818552543337, 0.356674943938732, INF, 0.356674943938732, INF),
}  # fmt: skip
TINY = {
    10: 4.540096027691298e-5, 20: 2.0611536245627349e-9, 30: 9.3576229688406124e-14, 40: 4.248354255291589e-18,
    50: 1.9287498479639178e-22, 100: 3.720075976020836e-44, 700: 9.859676543759771e-305,
}  # fmt: skip


class TestGoldenLosses:
    @pytest.mark.parametrize("name", LOSSES)
    def test_rows_mean_and_sum(self, name: str) -> None:
        target, options, rows, mean = LOSSES[name]
        near(divtool.compute("ce", X, target, reduction="none", **options).row_values, rows)
        near(divtool.compute("ce", X, target, **options).value, mean)
        near(divtool.compute("ce", X, target, reduction="sum", **options).value, sum(rows))

    def test_sum(self) -> None:
        near(divtool.compute("ce", X, Y, reduction="sum").value, 4.4734898682018095)

    def test_denominators(self) -> None:
        assert divtool.compute("ce", X, Y).results[0].denominator == ("rows", 2.0)
        assert divtool.compute("ce", X, Y, class_weight=W).results[0].denominator == ("sum of weights", 6.0)
        name, value = divtool.compute("ce", X, SOFT, class_weight=W).results[0].denominator
        assert name == "sum of weights"
        near(value, 14.595939987013496 / 2.7539509409459427)

    def test_weights_may_be_a_sequence(self) -> None:
        near(divtool.compute("ce", X, Y, class_weight=[1.0, 2.0, 5.0]).value, 3.456170913871921)

    def test_bits_per_label(self) -> None:
        near(divtool.compute("ce", X, Y, base="2").value, 3.2269408241608865)

    @pytest.mark.parametrize("distance", TINY)
    def test_tiny(self, distance: int) -> None:
        logits = np.array([[float(distance), 0.0, -float(distance)]])
        near(divtool.compute("ce", logits, np.array([0])).value, TINY[distance])

    def test_three_equal_logits(self) -> None:
        near(divtool.compute("ce", np.full((1, 3), 8.0), np.array([2]), given="logits").value, 1.09861228866810969)


class TestGoldenTransforms:
    def test_log_softmax(self) -> None:
        rows = divtool.compute("log-softmax", X).row_values
        near(rows[0], [-0.4076059644443803, -1.4076059644443803, -2.4076059644443803])
        near(rows[1], [-3.0658839037574292, -0.065883903757429168, -4.0658839037574292])

    def test_softmax_is_its_exponential(self) -> None:
        near(divtool.compute("softmax", X).row_values, np.exp(divtool.compute("log-softmax", X).row_values))

    def test_mean_of_a_published_table(self) -> None:
        table = -np.array([[0.561990665517, 1.534690665517, 1.539890665517],
                           [1.082398057311, 1.809798057311, 0.698098057311],
                           [0.515549312792, 1.625249312792, 1.580049312792]])  # fmt: skip
        value = divtool.compute("ce", table, np.array([0, 2, 1]), given="log-probs").value
        assert value == pytest.approx(0.961779345206769, rel=1e-11)


class TestGoldenPairs:
    @pytest.mark.parametrize("case", GOLDEN_PAIRS)
    def test_entropies_cross_entropies_divergences(self, case: str) -> None:
        p, q = (np.array([side]) for side in PAIRS[case])
        runs = [("entropy", p), ("entropy", q), ("ce", q, p), ("ce", p, q), ("kl", p, q), ("kl", q, p)]
        near([divtool.compute(*run).value for run in runs], GOLDEN_PAIRS[case])

    def test_nearly_the_same(self) -> None:
        p = np.array([[0.25, 0.75]])
        q = p + np.array([[2.0**-30, -(2.0**-30)]])
        near(divtool.compute("kl", p, q).value, 2.3129646308062029e-18)
        near(divtool.compute("kl", q, p).value, 2.3129646327209729e-18)

    def test_table_against_logits(self) -> None:
        forward = divtool.compute("kl", SOFT, X, reduction="none")
        near(forward.row_values, [0.0057874119010429959, 1.8679381789006494])
        near(forward.value, 1.8737255908016924 / 2)
        reverse = divtool.compute("kl", X, SOFT, reduction="none").row_values
        near(reverse, [0.0060575340302448839, 0.96898296369410303])

    def test_logits_against_logits(self) -> None:
        first, second = X[:1] - 1.0, X[1:]
        near(divtool.compute("kl", first, second).value, 1.5893334819234778)
        near(divtool.compute("kl", second, first).value, 1.1038280937384944)
        near(divtool.compute("kl", first, second, temperature=2.0).value, 0.41853240853749136)

    def test_entropies_of_tables_and_logits(self) -> None:
        near(divtool.compute("entropy", SOFT, reduction="none").row_values, [0.80181855254333731, 0.89794572485677978])
        near(divtool.compute("entropy", X, reduction="none").row_values, [0.83239558183993887, 0.2743130736734324])


class TestGoldenArticles:
    @pytest.mark.parametrize(
        ("base", "value"), [("e", 1.0296530140645735), ("2", 1.4854752972273343), ("10", 0.44717262228329563)]
    )
    def test_weather(self, base: str, value: float) -> None:
        near(divtool.compute("entropy", WEATHER, base=base).value, value)

    def test_unit_follows_the_base(self) -> None:
        units = [divtool.compute("entropy", WEATHER, base=base).results[0].unit for base in ("e", "2", "10", "3")]
        assert units == ["nats", "bits", "dits", "log-3 units"]

    def test_four_of_a_kind(self) -> None:
        assert divtool.compute("entropy", np.full((1, 4), 0.25), base="2").value == 2.0
        near(divtool.compute("entropy", np.array([[0.1, 0.1, 0.1, 0.7]]), base="2").value, 1.35677964944704)

    def test_what_is_no_distribution_must_be_named(self) -> None:
        wrong = np.array([[0.001, 0.001, 0.001, 0.999]])
        with pytest.raises(InputError, match=r"1\.002"):
            divtool.compute("entropy", wrong)
        value = divtool.compute("entropy", wrong, given="probs", normalize=True, base="2").value
        near(value, 0.0341592812943842)

    def test_worms(self) -> None:
        near(divtool.compute("entropy", WORMS, base="2").value, 3.26224447746007)
        near(divtool.compute("kl", WORMS, UNIFORM, base="2").value, 0.197187141177225)
        near(divtool.compute("kl", WORMS, UNIFORM).value, 0.136679710949669)
        near(divtool.compute("kl", UNIFORM, WORMS).value, 0.169713221388227)
        near(divtool.compute("kl", WORMS, binomial(0.544), base="2").value, 0.616535328775293)
        near(divtool.compute("kl", binomial(0.544), WORMS, base="2").value, 0.363494008581621)
        near(divtool.compute("kl", WORMS, binomial(0.57), base="2").value, 0.636341742396976)

    def test_cross_entropy_is_entropy_plus_divergence(self) -> None:
        near(
            divtool.compute("ce", X, SOFT).value,
            divtool.compute("entropy", SOFT).value + divtool.compute("kl", SOFT, X).value,
        )


# A measure added in one file


def recipe() -> str:
    """The file that CONTRIBUTING.md says is a complete measure."""
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = text[text.index("```python\n") + len("```python\n") :]
    return block[: block.index("```")]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with one more file."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(Path(divtool.__file__).parent, folder / "divtool", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "divtool" / "measures" / "certainty.py").write_text(recipe(), encoding="utf-8")
    np.save(folder / "x.npy", X)
    return folder


class TestAddingAMeasure:
    """The recipe of CONTRIBUTING.md, word for word, in a copy of the package."""

    def run(self, copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=60)

    def divtool(self, copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(copy, "-m", "divtool", *arguments)

    def test_gives_a_command(self, copy: Path) -> None:
        done = self.divtool(copy, "top-mass", "x.npy", "-q")
        assert (done.returncode, done.stderr) == (0, "")
        near(float(done.stdout), np.exp([-0.4076059644443803, -0.065883903757429168]).mean())

    def test_gives_its_option(self, copy: Path) -> None:
        two = float(self.divtool(copy, "top-mass", "x.npy", "-q", "--count", "2").stdout)
        logs = [[-0.4076059644443803, -1.4076059644443803], [-0.065883903757429168, -3.0658839037574292]]
        near(two, np.exp(logs).sum(axis=1).mean())
        assert "is not a valid int" in self.divtool(copy, "top-mass", "x.npy", "--count", "big").stderr

    def test_gives_help(self, copy: Path) -> None:
        text = self.divtool(copy, "top-mass", "--help").stdout
        for piece in ("Mass of the most probable classes", "sum of the largest p_k", "Holtzman", "--count", "How many"):
            assert piece in text

    def test_gives_a_line_in_the_lists(self, copy: Path) -> None:
        line = "\ntop-mass\tentropies\tMass of the top classes\t1\t[0, 1]\t\t\tsum of the largest p_k\n"
        assert line in self.divtool(copy, "list").stdout
        assert "\ntop-mass\t" in self.divtool(copy, "list", "--laws").stdout

    def test_gives_did_you_mean(self, copy: Path) -> None:
        done = self.divtool(copy, "top-mas", "x.npy")
        assert done.returncode == 2
        assert 'did you mean "top-mass"' in done.stderr

    def test_gives_a_function(self, copy: Path) -> None:
        done = self.run(copy, "-c", "import divtool; print(divtool.top_mass([[0.5, 0.25, 0.25]], count=2).value)")
        assert (done.stdout, done.stderr) == ("0.75\n", "")

    def test_gives_law_tests(self) -> None:
        """Its declaration is the whole truth about the laws, and a lie in it would be found."""
        fewer = 'laws={"non-negative", "at-most-one"}'
        for declared_laws, lie in ((None, set()), (fewer, {"class-permutation", "shift-invariant"})):
            text = recipe()
            if declared_laws:
                (line,) = re.findall(r"laws=\{.*\}", text)
                text = text.replace(line, declared_laws)
            exec(compile(text, "certainty.py", "exec"), {"__name__": "certainty"})
            try:
                assert set(lies(MEASURES.get("top-mass"), list(random_samples()))) == lie
            finally:
                MEASURES.remove("top-mass")
