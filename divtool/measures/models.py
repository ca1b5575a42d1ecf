"""Families of simple distributions over whole numbers, each fitted so that it loses least: KL(observed || model) is
least at the parameters of the greatest likelihood.

A family is a function of what was observed and of what the user fixed, declared with its formula, its source and how
its parameters are found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from divtool.errors import ResourceError, UsageError
from divtool.numerics import count_models as counts
from divtool.numerics.fitting import (
    LEAST_DEVIATION,
    best_cut,
    negative_binomial_size,
    normal_parameters,
    power_law_exponent,
)
from divtool.numerics.model_loss import Shape
from divtool.numerics.normal_cells import normal_logs
from divtool.numerics.observed import Observed
from divtool.registry import Registry

# The sum over all ranks of a power law is taken term by term.
_MOST_RANKS = 1 << 22


@dataclass(frozen=True)
class Wanted:
    """What is not to be searched for: the number of trials, the cut of a step, parameters by name."""

    trials: int | None = None
    cut: int | None = None
    fixed: Mapping[str, Fraction] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """A family at its best: ``parameters`` by name, of which ``free`` were found from the data; ``shape`` is None where
    it has no mass at ``beyond``, which was observed, whatever its parameters are."""

    parameters: Mapping[str, float | int]
    shape: Shape | None
    free: int
    notes: tuple[str, ...] = ()
    beyond: int | None = None


Fit = Callable[[Observed, Wanted], Fitted]
Ends = Callable[[Observed, Wanted], tuple[int | None, int | None]]


@dataclass(frozen=True)
class Family:
    """What is known about a family: ``ends`` tells the least and the greatest outcome that can have mass (None: there
    is none), ``fixable`` are the parameters that can be fixed by name."""

    name: str
    title: str
    summary: str
    formula: str
    parameters: tuple[str, ...]
    found: str
    support: str
    cite: str
    fit: Fit
    ends: Ends
    fixable: tuple[str, ...] = ()

    def fitted(self, observed: Observed, wanted: Wanted) -> Fitted:
        """The member of the family that loses least."""
        low, high = self.ends(observed, wanted)
        for outcome in (int(observed.outcomes[0]), int(observed.outcomes[-1])):
            if (low is not None and outcome < low) or (high is not None and outcome > high):
                return Fitted({}, None, 0, (f"no outcome {outcome}, whatever the parameters",), outcome)
        return self.fit(observed, wanted)


MODELS: Registry[Family] = Registry("family")


def family(
    name: str, *, title: str, formula: str, parameters: tuple[str, ...], found: str, support: str, cite: str,
    ends: Ends, fixable: tuple[str, ...] = (),
) -> Callable[[Fit], Fit]:  # fmt: skip
    """Declare the function below as the fit of a family; it stays what it is."""

    def declare(function: Fit) -> Fit:
        summary = (function.__doc__ or "").partition("\n")[0]
        MODELS.add(
            name, Family(name, title, summary, formula, parameters, found, support, cite, function, ends, fixable)
        )
        return function

    return declare


def _listed(observed: Observed, wanted: Wanted) -> tuple[int | None, int | None]:
    return observed.first, observed.last


def _from_zero(observed: Observed, wanted: Wanted) -> tuple[int | None, int | None]:
    return 0, None


def _ranked(observed: Observed, wanted: Wanted) -> tuple[int | None, int | None]:
    return max(observed.first, 0), observed.last


def _of_trials(observed: Observed, wanted: Wanted) -> tuple[int | None, int | None]:
    return 0, max(observed.last, 0) if wanted.trials is None else wanted.trials


def _unlimited(observed: Observed, wanted: Wanted) -> tuple[int | None, int | None]:
    return None, None


def _start_of_geometric(observed: Observed, wanted: Wanted) -> tuple[int | None, int | None]:
    return (1 if observed.first == 1 else 0), None


@family(
    "uniform",
    title="Uniform",
    formula="1 / (last - first + 1)",
    parameters=(),
    found="nothing to find",
    support="the support",
    cite="Laplace, P.-S. (1812), Theorie analytique des probabilites",
    ends=_listed,
)
def uniform(observed: Observed, wanted: Wanted) -> Fitted:
    """All outcomes of the support alike."""
    size = observed.last - observed.first + 1
    shape = Shape(observed.first, observed.last, lambda k: 0.0 * k - math.log(size), lambda k: [1] * len(k), size)
    return Fitted({}, shape, 0)


@family(
    "binomial",
    title="Binomial",
    formula="C(n, k) p^k (1 - p)^(n - k)",
    parameters=("n", "p"),
    found="closed form: p = mean/n",
    support="0 to n",
    cite="Bernoulli, J. (1713), Ars Conjectandi",
    ends=_of_trials,
    fixable=("p",),
)
def binomial(observed: Observed, wanted: Wanted) -> Fitted:
    """Successes in n trials; n is the greatest outcome of the support, or --trials."""
    n = max(observed.last, 0) if wanted.trials is None else wanted.trials
    best = observed.mean / n if n else Fraction(0)
    p = float(wanted.fixed.get("p", best))
    low, high = n if p == 1.0 else 0, 0 if p == 0.0 else n
    shape = Shape(low, high, lambda k: counts.binomial_logs(k, float(n), p))
    return Fitted({"n": n, "p": p}, shape, int("p" not in wanted.fixed))


@family(
    "poisson",
    title="Poisson",
    formula="e^-lambda lambda^k / k!",
    parameters=("lambda",),
    found="closed form: lambda = mean",
    support="0 and up",
    cite="Poisson, S. D. (1837), Recherches sur la probabilite des jugements",
    ends=_from_zero,
    fixable=("lambda",),
)
def poisson(observed: Observed, wanted: Wanted) -> Fitted:
    """Events that come independently at one rate."""
    rate = float(wanted.fixed.get("lambda", observed.mean))
    shape = Shape(0, 0 if rate == 0.0 else None, lambda k: counts.poisson_logs(k, rate))
    return Fitted({"lambda": rate}, shape, int("lambda" not in wanted.fixed))


@family(
    "geometric",
    title="Geometric",
    formula="p (1 - p)^k",
    parameters=("p",),
    found="closed form: p = 1/(1 + mean); from 1 on, 1/mean",
    support="0 and up, or 1 and up",
    cite="Feller, W. (1968), An Introduction to Probability Theory and Its Applications 1, VI.8",
    ends=_start_of_geometric,
    fixable=("p",),
)
def geometric(observed: Observed, wanted: Wanted) -> Fitted:
    """Failures before the first success; trials up to it where the support begins at 1."""
    if wanted.fixed.get("p") == 0:
        return _without_mass(observed, wanted)
    start = 1 if observed.first == 1 else 0
    p = float(wanted.fixed.get("p", 1 / (1 + observed.mean - start)))
    shape = Shape(start, start if p == 1.0 else None, lambda k: counts.geometric_logs(k - start, p))
    notes = ("counted from 1, where the support begins",) if start else ()
    return Fitted({"p": p}, shape, int("p" not in wanted.fixed), notes)


@family(
    "negative-binomial",
    title="Negative binomial",
    formula="gamma(k + r) / (k! gamma(r)) p^r (1 - p)^k",
    parameters=("r", "p"),
    found="search in r, p = r/(r + mean)",
    support="0 and up",
    cite="Fisher, R. A. (1941), The negative binomial distribution, Annals of Eugenics 11",
    ends=_from_zero,
    fixable=("r", "p"),
)
def negative_binomial(observed: Observed, wanted: Wanted) -> Fitted:
    """Counts that vary more than Poisson's: failures before the r-th success."""
    fixed, mean = wanted.fixed, float(observed.mean)
    free = 2 - len({"r", "p"} & set(fixed))
    chance = float(fixed["p"]) if "p" in fixed else None
    if chance == 0.0:
        return _without_mass(observed, wanted)
    at_zero = _all_at_zero(observed, wanted, free)
    if at_zero is not None:
        return at_zero
    r = float(fixed["r"]) if "r" in fixed else negative_binomial_size(observed, chance)
    if math.isinf(r):
        said = f"the variance {float(observed.variance):.6g} is not above the mean {mean:.6g}: the limit, Poisson"
        return Fitted({"r": r, "p": 1.0}, Shape(0, None, lambda k: counts.poisson_logs(k, mean)), free, (said,))
    if chance is not None:
        shape = Shape(0, None, lambda k: counts.negative_binomial_logs_at(k, r, chance))
        return Fitted({"r": r, "p": chance}, shape, free)
    shape = Shape(0, None, lambda k: counts.negative_binomial_logs(k, r, mean))
    return Fitted({"r": r, "p": r / (r + mean)}, shape, free)


def _all_at_zero(observed: Observed, wanted: Wanted, free: int) -> Fitted | None:
    """The negative binomial where its mass is all at 0; None where it is not."""
    fixed, only = wanted.fixed, Shape(0, 0, lambda k: 0.0 * k)
    if fixed.get("p") == 1 or (observed.mean == 0 and "p" not in fixed):
        notes = () if "r" in fixed else ("all mass at 0: any r is as good",)
        return Fitted({"r": float(fixed.get("r", 1)), "p": 1.0}, only, free, notes)
    if observed.mean == 0 and "r" not in fixed:
        return Fitted({"r": 0.0, "p": float(fixed["p"])}, only, free, ("all mass at 0: the limit, r = 0",))
    return None


def _without_mass(observed: Observed, wanted: Wanted) -> Fitted:
    """What is left of failures before a success where there is no success."""
    fixed = {name: float(value) for name, value in wanted.fixed.items()}
    return Fitted(fixed, None, 0, ("p = 0 leaves no mass to any outcome",), int(observed.outcomes[0]))


@family(
    "zipf",
    title="Zipf",
    formula="k^-exponent / sum over the support",
    parameters=("exponent",),
    found="search in the exponent",
    support="the support, from 1 on",
    cite="Zipf, G. K. (1949), Human Behavior and the Principle of Least Effort",
    ends=_ranked,
    fixable=("exponent",),
)
def zipf(observed: Observed, wanted: Wanted) -> Fitted:
    """A power of the outcome as a rank; where the support begins at 0, of the outcome + 1."""
    low = max(observed.first, 0)
    shift = 1 if low == 0 else 0
    first, last = low + shift, observed.last + shift
    if last - first >= _MOST_RANKS:
        raise ResourceError(
            f"a Zipf distribution over {last - first + 1:,} ranks is not fitted; up to {_MOST_RANKS:,} are"
        )
    free = "exponent" not in wanted.fixed
    exponent = power_law_exponent(observed, shift, first, last) if free else float(wanted.fixed["exponent"])
    ends = (low, observed.last)
    if math.isinf(exponent):
        ends = (low, low) if exponent > 0.0 else (observed.last, observed.last)
    shape = Shape(*ends, lambda k: counts.power_law_logs(k + shift, exponent, first, last))
    return Fitted({"exponent": exponent}, shape, int(free), ("the rank is the outcome + 1",) if shift else ())


@family(
    "normal",
    title="Normal, rounded",
    formula="Phi((k + 1/2 - mean)/deviation) - Phi((k - 1/2 - mean)/deviation)",
    parameters=("mean", "deviation"),
    found="search in both",
    support="all whole numbers",
    cite="Sheppard, W. F. (1898), On the calculation of the most probable values of frequency-constants, Proc. London "
    "Math. Soc. 29",
    ends=_unlimited,
    fixable=("mean", "deviation"),
)
def normal(observed: Observed, wanted: Wanted) -> Fitted:
    """A normal variable rounded to the nearest whole number."""
    fixed = {name: float(value) for name, value in wanted.fixed.items() if name in ("mean", "deviation")}
    free = 2 - len(fixed)
    if len(observed.outcomes) == 1 and not fixed:
        only = int(observed.outcomes[0])
        return Fitted({"mean": float(only), "deviation": 0.0}, Shape(only, only, lambda k: 0.0 * k), free)
    mean, deviation = normal_parameters(observed, fixed.get("mean"), fixed.get("deviation"))
    neighbours = int(observed.outcomes[-1] - observed.outcomes[0]) == 1
    least = "deviation" not in fixed and (neighbours or deviation <= LEAST_DEVIATION * (1.0 + 2.0**-40))
    notes = ("a smaller deviation loses as little",) if least else ()
    shape = Shape(None, None, lambda k: normal_logs(k, mean, deviation))
    return Fitted({"mean": mean, "deviation": deviation}, shape, free, notes)


@family(
    "step",
    title="Step",
    formula="p / (last - cut + 1) from the cut on, (1 - p) / (cut - first) below",
    parameters=("cut", "p"),
    found="closed form: p = the share from the cut on; all cuts are tried",
    support="the support",
    cite="Csiszar, I. (1975), I-divergence geometry of probability distributions, Ann. Probab. 3",
    ends=_listed,
    fixable=("p",),
)
def step(observed: Observed, wanted: Wanted) -> Fitted:
    """Two levels: outcomes below the cut alike, and those from the cut on."""
    first, last = observed.first, observed.last
    if wanted.cut is not None and not first < wanted.cut <= last:
        raise UsageError(f"--cut {wanted.cut}: expected an outcome above {first} and up to {last}")
    if first == last:
        return Fitted({}, uniform(observed, wanted).shape, 0, ("one outcome has no levels",))
    cut = best_cut(observed) if wanted.cut is None else wanted.cut
    pairs = zip(observed.outcomes.tolist(), observed.weights, strict=True)
    share = Fraction(sum(weight for outcome, weight in pairs if outcome >= cut), observed.total)
    p = wanted.fixed.get("p", share)
    above, below = last - cut + 1, cut - first
    masses = {True: p.numerator * below, False: (p.denominator - p.numerator) * above}
    whole = p.denominator * above * below
    ends = cut if p == 1 else first, cut - 1 if p == 0 else last
    shape = Shape(*ends, lambda k: 0.0 * k, lambda k: [masses[each >= cut] for each in k], whole)
    free = int("p" not in wanted.fixed) + int(wanted.cut is None)
    return Fitted({"cut": cut, "p": float(p)}, shape, free)


def table(model: Observed, whole: int | None = None) -> Fitted:
    """A distribution that is given, as it is: it has no parameters. Where its weights do not make up the ``whole``, the
    rest lies outside of what it lists."""
    masses = dict(zip(model.outcomes.tolist(), model.weights, strict=True))
    low, high = int(model.outcomes[0]), int(model.outcomes[-1])
    rest = 0 if whole is None else whole - model.total
    shape = Shape(
        low, high, lambda k: 0.0 * k, lambda k: [masses[each] for each in k], model.total + rest, model.outcomes,
        rest > 0,
    )  # fmt: skip
    return Fitted({}, shape, 0)
