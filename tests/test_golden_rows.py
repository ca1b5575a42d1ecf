"""Golden numbers of measures of one distribution, of losses and transforms, and those printed in tutorials.

All were computed with 50 to 60 digits, apart from this program.  A number that a text prints wrongly stands here with
what is right.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import divtool
from divtool.errors import InputError
from divtool.measures.gradients import quadratic_gradient
from divtool.measures.losses import negative_log_likelihood
from divtool.numerics.bernoulli import cost_of_yes_from_logits, sigmoid

WEATHER = np.array([[0.5, 0.3, 0.2]])
X = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0]])
Y = np.array([0, 2])
W = [1.0, 2.0, 5.0]
SOFT = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
HALF_A_UNIT = 1e-14


def near(got: Any, golden: Any, rtol: float = HALF_A_UNIT) -> None:
    np.testing.assert_allclose(got, golden, rtol=rtol, atol=0)


def value(verb: str, *arrays: Any, **options: Any) -> float:
    return divtool.compute(verb, *arrays, **options).value


def rows(verb: str, *arrays: Any, **options: Any) -> Any:
    return divtool.compute(verb, *arrays, reduction="none", **options).row_values


# One distribution

OF_WEATHER: list[tuple[str, dict[str, Any], float]] = [
    ("entropy", {}, 1.0296530140645735),
    ("entropy", {"base": "2"}, 1.4854752972273343),
    ("entropy", {"base": "10"}, 0.44717262228329563),
    ("normalized-entropy", {}, 0.93723056321612953),
    ("redundancy", {}, 0.062769436783870466),
    ("entropy-perplexity", {}, 2.8000940728538313),
    ("renyi-entropy", {"order": 0.0}, 1.0986122886681097),
    ("renyi-entropy", {"order": 0.5}, 1.0636585111251116),
    ("renyi-entropy", {"order": 1.0}, 1.0296530140645735),
    ("renyi-entropy", {"order": 2.0}, 0.9675840262617056),
    ("renyi-entropy", {"order": 3.0}, 0.91629073187415507),
    ("renyi-entropy", {"order": math.inf}, 0.69314718055994531),
    ("tsallis-entropy", {"order": 0.0}, 2.0),
    ("tsallis-entropy", {"order": 0.5}, 1.4040858683833432),
    ("tsallis-entropy", {"order": 1.0}, 1.0296530140645735),
    ("tsallis-entropy", {"order": 2.0}, 0.62),
    ("tsallis-entropy", {"order": 3.0}, 0.42),
    ("hill", {"order": 0.0}, 3.0),
    ("hill", {"order": 2.0}, 1 / 0.38),
    ("hill", {"order": math.inf}, 2.0),
    ("min-entropy", {}, 0.69314718055994531),
    ("gini-simpson", {}, 0.62),
    ("extropy", {}, 0.77476089208845312),
    ("extropy", {"base": "2"}, 1.1177436968907206),
    ("varentropy", {}, 0.13296441044982442),
    ("kl-to-uniform", {}, 0.068959274603536164),
    ("margin", {}, 0.2),
    ("max-probability", {}, 0.5),
    ("least-confidence", {}, 0.5),
]


@pytest.mark.parametrize(("verb", "options", "golden"), OF_WEATHER, ids=lambda given: str(given))
def test_one_distribution(verb: str, options: dict[str, Any], golden: float) -> None:
    near(value(verb, WEATHER, **options), golden)


def test_energy_is_less_log_sum_exp() -> None:
    near(rows("energy-score", X), [-2.4076059644443803, -3.0658839037574292])


# Losses

OF_LABELS: list[tuple[str, dict[str, Any], list[float]]] = [
    ("ce", {}, [0.4076059644443803, 4.0658839037574292]),
    ("ce", {"class_weight": W}, [0.4076059644443803, 20.329419518787146]),
    ("ce", {"label_smoothing": 0.1}, [0.5076059644443803, 3.8992172370907625]),
    ("ce", {"label_smoothing": 0.1, "smoothing_mode": "k-1"}, [0.5576059644443803, 3.8158839037574292]),
    ("ce", {"label_smoothing": 0.1, "class_weight": W}, [0.87554029185177702, 19.080713274577079]),
    ("brier", {}, [0.18006114634076092, 1.8447156319114157]),
    ("spherical", {}, [0.93102810494492317, 0.018289921086528936]),
    ("rps", {}, [0.12016912179594198, 0.96817113341349546]),
    ("rps", {"normalized": True}, [0.060084560897970992, 0.48408556670674773]),
    ("focal", {}, [0.045677798967884889, 3.9276373327261672]),
    ("poly-1", {"epsilon": 2.0}, [1.0771240528947365, 6.0315882526663884]),
]


@pytest.mark.parametrize(("verb", "options", "golden"), OF_LABELS, ids=lambda given: str(given))
def test_rows_of_losses(verb: str, options: dict[str, Any], golden: list[float]) -> None:
    near(rows(verb, X, Y, **options), golden)


OF_THE_MEAN: list[tuple[str, Any, dict[str, Any], float]] = [
    ("ce", Y, {}, 2.2367449341009047),
    ("ce", Y, {"reduction": "sum"}, 4.4734898682018095),
    ("ce", Y, {"class_weight": W}, 3.456170913871921),
    ("ce", Y, {"class_weight": W, "mean": "rows"}, 10.368512741615763),
    ("ce", SOFT, {}, 1.7867449341009047),
    ("ce", SOFT, {"class_weight": W}, 2.7539509409459427),
    ("ce", SOFT, {"class_weight": W, "mean": "rows"}, 7.2979699935067482),
    ("ce", Y, {"label_smoothing": 0.1}, 2.2034116007675714),
    ("ce", Y, {"label_smoothing": 0.1, "class_weight": W}, 3.326042261071476),
    ("ce", Y, {"label_smoothing": 0.1, "class_weight": W, "mean": "rows"}, 9.978126783214428),
    ("ce", Y, {"base": "2"}, 3.2269408241608865),
    ("perplexity", Y, {}, 9.3628050844445704),
    ("brier", Y, {}, 1.0123883891260883),
    ("brier", Y, {"half": True}, 0.50619419456304416),
]


@pytest.mark.parametrize(("verb", "truth", "options", "golden"), OF_THE_MEAN, ids=lambda given: str(given))
def test_means_of_losses(verb: str, truth: Any, options: dict[str, Any], golden: float) -> None:
    near(value(verb, X, truth, **options), golden)


def test_distillation() -> None:
    teacher, student = X[:1] + 0.5, X[1:] - 0.5
    near(value("distillation", teacher, student, temperature=2.0), 1.6741296341499654)


def test_tiny_losses_of_confident_rows() -> None:
    for d, golden in ((20.0, 2.0611536245627349e-9), (40.0, 4.248354255291589e-18), (700.0, 9.859676543759771e-305)):
        confident = np.array([[d, 0.0, -d]])
        near(value("nll", divtool.compute("log-softmax", confident).row_values, np.array([0])), golden)
        near(value("ce", confident, np.array([0])), golden)


# Yes-or-no questions

OF_ANSWERS: list[tuple[float, float, str, float]] = [
    (1.0, 1.0, "", 0.31326168751822283),
    (1.0, 0.0, "", 1.3132616875182228),
    (1.0, 1.0, "3", 0.9397850625546685),
    (0.5, 0.3, "", 0.82407698418010668),
    (0.5, 0.3, "3", 1.1085231746881707),
    (100.0, 0.0, "", 100.0),
    (-100.0, 1.0, "", 100.0),
]


@pytest.mark.parametrize(("z", "y", "pos_weight", "golden"), OF_ANSWERS)
def test_binary_cross_entropy(z: float, y: float, pos_weight: str, golden: float) -> None:
    near(value("bce", np.array([[z]]), np.array([[y]]), given="logits", pos_weight=pos_weight), golden)


# Numbers

A, B = np.array([[1.0, 2.0, 3.0]]), np.array([[2.0, 0.0, 1.0]])


def test_cosine_and_its_loss() -> None:
    near(value("cosine-similarity", A, B), 0.59761430466719682)
    near(value("cosine-embedding", A, B, np.array([1])), 0.40238569533280318)
    near(value("cosine-embedding", A, B, np.array([-1]), margin=0.3), 0.29761430466719682)


def test_gaussian_likelihood() -> None:
    sides = np.array([[1.0]]), np.array([[2.0]]), np.array([[0.5]])
    near(value("gaussian-nll", *sides), 0.65342640972002735)
    near(value("gaussian-nll", *sides, full=True), 1.5723649429247001)


def test_poisson_likelihood() -> None:
    rate = np.array([[1.0]])
    near(value("poisson-nll", rate, np.array([[2.0]])), 0.71828182845904524)
    near(value("poisson-nll", rate, np.array([[5.0]]), full="stirling"), 2.48912888005127)
    near(value("poisson-nll", rate, np.array([[5.0]]), full="exact"), 2.5057735712410912)


# Numbers that tutorials print


def test_a_confident_loss_is_no_float32_artefact() -> None:
    """A text prints 4.5418e-05, which is what float32 makes of it: wrong from the fourth digit."""
    got = value("ce", np.array([[10.0, 0.0, -10.0]]), np.array([0]))
    near(got, 4.54009602769130e-5)
    assert abs(got - 4.5418e-5) > 1e-8


def test_nll_of_what_is_no_log_probability() -> None:
    """f([1, 2, 3], 2) = -3 is what the formula gives, though not a likelihood; the cross-entropy is another number."""
    chunk = np.array([[0.0, 0.0, 1.0]]), np.array([[1.0, 2.0, 3.0]])
    assert negative_log_likelihood(*chunk).tolist() == [-3.0]
    near(value("ce", np.array([[1.0, 2.0, 3.0]]), np.array([2]), given="logits"), 0.407605964444380)


def test_a_table_of_log_softmax() -> None:
    """Two entries are printed as -1.6253 and -1.5801; from the printed inputs they are -1.6252 and -1.5800."""
    table = np.array(
        [[-0.561990665517, -1.534690665517, -1.539890665517], [-1.082398057311, -1.809798057311, -0.698098057311],
         [-0.515549312792, -1.625249312792, -1.580049312792]]
    )  # fmt: skip
    near(divtool.compute("log-softmax", table, given="logits").row_values, table, 1e-11)
    near(value("nll", table, np.array([0, 2, 1])), 0.961779345206769, 1e-11)


def test_a_sum_that_mixes_two_runs() -> None:
    """(1.5098 + 0.5208 + 1.2833) / 3 = 1.1046 is offered as the same mean; of the printed table it is 0.9618."""
    assert round((0.5620 + 0.6981 + 1.6253) / 3, 4) == 0.9618
    assert round((1.5098 + 0.5208 + 1.2833) / 3, 4) == 1.1046


def test_an_offset_inside_the_logarithm_saturates() -> None:
    """log(softmax + 1e-7) is called almost the same: at p = 2.06e-9 it is 16.1, where the cross-entropy is 20."""
    x = np.array([[20.0, 0.0]])
    near(value("ce", x, np.array([1]), given="logits"), 20.0000000020611536, 1e-15)
    assert -math.log(float(np.exp(-20.0)) + 1e-7) < 16.2


def test_entropies_in_bits() -> None:
    assert value("entropy", np.full((1, 4), 0.25), base="2") == 2.0
    near(value("entropy", np.array([[0.1, 0.1, 0.1, 0.7]]), base="2"), 1.35677964944704)
    near(value("entropy", np.array([[0.1, 0.1, 0.1, 0.7]])), 0.940447988655326)
    near(value("entropy", np.array([[0.001, 0.001, 0.001, 0.997]]), base="2"), 0.0342189393470857)


def test_what_is_no_distribution() -> None:
    """A text gives 0.0313 bits for a vector that sums to 1.002: refused, or made a distribution by name."""
    wrong = np.array([[0.001, 0.001, 0.001, 0.999]])
    with pytest.raises(InputError):
        value("entropy", wrong)
    near(value("entropy", wrong, given="probs", normalize=True, base="2"), 0.0341592812943842)


WORMS = np.array([[0.02, 0.03, 0.05, 0.14, 0.16, 0.15, 0.12, 0.08, 0.1, 0.08, 0.07]])


def test_worms_against_the_uniform_distribution() -> None:
    near(value("kl-to-uniform", WORMS), 0.136679710949669)
    near(value("kl-to-uniform", WORMS, base="2"), 0.197187141177225)


@pytest.mark.parametrize(("start", "last"), [((0.6, 0.9), (0.817574, 0.093956)), ((2.0, 2.0), (0.982014, 0.202848))])
def test_a_neuron_learns_from_the_quadratic_cost(start: tuple[float, float], last: tuple[float, float]) -> None:
    """One sigmoid neuron, input 1, truth 0, 300 steps at rate 0.15: .82 -> .09 and .98 -> .20."""
    weight, bias = start
    first = float(sigmoid(np.array([[weight + bias]]))[0, 0])
    for _ in range(300):
        z = np.array([[weight + bias]])
        a = sigmoid(z)
        step = quadratic_gradient(a, a, -np.log(a), a, a, cost_of_yes_from_logits(z), 1.0)[0, 0]
        weight, bias = weight - 0.15 * step, bias - 0.15 * step
    got = (first, float(sigmoid(np.array([[weight + bias]]))[0, 0]))
    np.testing.assert_allclose(got, last, rtol=0, atol=5e-7)


@pytest.mark.parametrize(("a", "slope"), [(0.82, 0.1476), (0.98, 0.0196)])
def test_the_quadratic_cost_is_slow_where_it_is_wrong(a: float, slope: float) -> None:
    """The quadratic cost's gradient has the sigmoid's slope as a factor; that of the cross-entropy is the error."""
    z, no = np.array([[math.log(a / (1 - a))]]), np.array([0])
    near(divtool.compute("quadratic-gradient", z, no).row_values, [[a * slope]])
    near(divtool.compute("bce-gradient", z, no, given="logits").row_values, [[a]])
