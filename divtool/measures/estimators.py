"""The estimators of entropy by name: what `--estimator` takes, and what is said of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from divtool.errors import InputError, UsageError
from divtool.numerics import estimators as formulas
from divtool.numerics import posteriors
from divtool.numerics.counts_of_counts import CountsOfCounts
from divtool.numerics.nsb import nsb
from divtool.registry import Registry

Estimate = Callable[[CountsOfCounts, int], float]
Parameter = Callable[[CountsOfCounts, int], float]

PLUG_IN = "plug-in"
_MOST = 1e12
# Squares of what is larger are no doubles.
_MOST_BITS = 500
# What may be added to every count; all but the first two depend on the number K of outcomes.
_PRIORS: Mapping[str, Parameter] = {
    "jeffreys": lambda counted, support: 0.5,
    "laplace": lambda counted, support: 1.0,
    "perks": lambda counted, support: 1.0 / support,
    "minimax": lambda counted, support: math.sqrt(counted.cases) / support,
}


@dataclass(frozen=True)
class Estimator:
    """An estimate of entropy in nats from counts of counts and the number of possible outcomes.

    One with ``parameters`` (names of usual values; ``default`` is the one taken when none is given) is asked for as
    ``name:value`` and takes the value as its third argument. ``note`` is what a reader must know of it.
    """

    name: str
    title: str
    formula: str
    cite: str
    function: Callable[..., float]
    note: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    default: str = ""

    def estimate(self, parameter: str | None = None) -> Estimate:
        """The function of counts of counts and support; ``parameter`` is the text after the colon, if there is one."""
        if not self.parameters:
            if parameter is not None:
                raise UsageError(f'the estimator "{self.name}" has no parameter - not "{self.name}:{parameter}"')
            return self.function
        value = self._parameter(self.default if parameter is None else parameter)
        return lambda counted, support: self.function(counted, support, value(counted, support))

    def _parameter(self, text: str) -> Parameter:
        if text in self.parameters:
            return self.parameters[text]
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0.0 <= number <= _MOST:
            known = ", ".join(self.parameters)
            raise UsageError(f'estimator "{self.name}:{text}" - expected a number from 0 to {_MOST:g}, or {known}')
        return lambda counted, support: number


ESTIMATORS = Registry[Estimator]("estimator of entropy")


def estimator(asked: str) -> Callable[[Any, int | None], float] | None:
    """The estimator of a name such as ``grassberger`` or ``dirichlet:0.5``, as a function of the counts of the outcomes
    (an array in any order, or :class:`CountsOfCounts`) and of how many outcomes are possible (None: those seen).

    None for ``plug-in``: the observed shares are taken as they are, and statistics have better formulas for them.
    Raises :class:`UsageError` for unknown names and parameters.

    >>> round(estimator("dirichlet:laplace")([3, 2, 1], 3), 12)
    1.060856947158
    >>> estimator("plug-in") is None
    True
    """
    name, colon, parameter = asked.partition(":")
    if name.strip().lower() == "ksg":
        raise UsageError(
            "ksg estimates mutual information from numbers, not entropies from counts",
            hint="divtool mi TABLE --target COL --estimator ksg takes columns of numbers as they are",
        )
    found = ESTIMATORS.get(name)
    estimate = found.estimate(parameter if colon else None)
    return None if name == PLUG_IN else lambda counts, support: estimated(estimate, counts, support)


def estimated(estimate: Estimate, counts: Any, support: int | None = None) -> float:
    """An estimate, after its arguments have been looked at: there must be a case, and no more outcomes seen than are
    possible."""
    counted = counts if isinstance(counts, CountsOfCounts) else CountsOfCounts.of(counts)
    if counted.cases == 0:
        raise InputError("there are no cases - an estimate of entropy needs one at least")
    if counted.cases.bit_length() > _MOST_BITS and estimate is not formulas.plug_in:
        raise InputError(f"there are more than 2^{_MOST_BITS} cases", hint="plug-in takes shares as they are")
    possible = counted.occupied if support is None else support
    if possible < counted.occupied:
        raise InputError(f"{counted.occupied} outcomes were seen - more than the {possible} said to be possible")
    return estimate(counted, possible)


def names() -> str:
    """All names in one line, for help texts and hints."""
    return ", ".join(each.name + (":A" if each.parameters else "") for each in ESTIMATORS)


def _declare(
    name: str, title: str, formula: str, cite: str, function: Callable[..., float], note: str = "", **more: Any
) -> None:
    ESTIMATORS.add(name, Estimator(name, title, formula, cite, function, note, **more))


_UNSEEN = "depends on how many outcomes are possible: those that occur in the data, unless more are named"
_SIGNED = "may fall below 0 for a few cases"
_ADDED: dict[str, Any] = {"parameters": _PRIORS, "default": "jeffreys"}

_declare(
    PLUG_IN, "plug-in (maximum likelihood)", "sum (n/N) log(N/n)", "Shannon, C. E. (1948), Bell System Tech. J. 27",
    formulas.plug_in, "too small by about (K - 1)/2N",
)  # fmt: skip
_declare(
    "miller-madow", "Miller-Madow", "plug-in + (K+ - 1)/2N, K+ outcomes seen",
    "Miller, G. A. (1955), Note on the bias of information estimates", formulas.miller_madow,
)  # fmt: skip
_declare(
    "zhang", "Zhang", "psi(N) - sum (n/N) psi(n)", "Zhang, Z. (2012), Neural Computation 24", formulas.zhang,
)  # fmt: skip
_declare(
    "grassberger-1988", "Grassberger 1988", "sum (n/N) (log N - psi(n) - (-1)^n/(n + 1))",
    "Grassberger, P. (1988), Physics Letters A 128", formulas.grassberger_1988, _SIGNED,
)  # fmt: skip
_declare(
    "grassberger", "Grassberger 2003, digamma of N",
    "psi(N) - sum (n/N) G(n),   G(n) = psi(n) + (-1)^n/2 [psi((n+1)/2) - psi(n/2)]",
    "Grassberger, P. (2003), arXiv:physics/0307138", formulas.grassberger,
    f"least bias of those that need no K; {_SIGNED}",
)  # fmt: skip
_declare(
    "grassberger-ln", "Grassberger 2003, as printed", "log N - sum (n/N) G(n)",
    "Grassberger, P. (2003), arXiv:physics/0307138", formulas.grassberger_ln, _SIGNED,
)  # fmt: skip
_declare(
    "chao-shen", "Chao-Shen", "-sum c log c / (1 - (1 - c)^N),   c = (1 - f1/N) n/N",
    "Chao, A. and Shen, T.-J. (2003), Environmental and Ecological Statistics 10", formulas.chao_shen,
    "f1 = N, all outcomes seen once, is taken as N - 1",
)  # fmt: skip
_declare(
    "chao-wang-jost", "Chao-Wang-Jost", "psi(N) - sum (n/N) psi(n) + (f1/N) sum_{r >= N} (1 - A)^(r - N + 1)/r",
    "Chao, A., Wang, Y. T. and Jost, L. (2013), Methods in Ecology and Evolution 4", formulas.chao_wang_jost,
)  # fmt: skip
_declare(
    "bonachela", "Bonachela-Hinrichsen-Munoz", "1/(N + 2) sum_K (n + 1) sum_{j = n+2}^{N+2} 1/j",
    "Bonachela, J. A., Hinrichsen, H. and Munoz, M. A. (2008), J. Phys. A 41", formulas.bonachela, _UNSEEN,
)  # fmt: skip
_declare(
    "dirichlet", "Dirichlet plug-in", "H of (n + A)/(N + K A)", "Agresti, A. and Hitchcock, D. B. (2005), "
    "Bayesian inference for categorical data analysis, Statistical Methods and Applications 14", posteriors.dirichlet,
    f"entropy of the posterior mean, not the posterior mean of the entropy; {_UNSEEN}", **_ADDED,
)  # fmt: skip
_declare(
    "wolpert-wolf", "Wolpert-Wolf posterior mean", "psi(T + 1) - sum (w/T) psi(w + 1),   w = n + A, T = N + K A",
    "Wolpert, D. H. and Wolf, D. R. (1995), Physical Review E 52", posteriors.wolpert_wolf, _UNSEEN, **_ADDED,
)  # fmt: skip
_declare(
    "shrink", "James-Stein shrinkage", "H of L/K + (1 - L) n/N,   L = (1 - sum p^2)/((N - 1) sum (1/K - p)^2)",
    "Hausser, J. and Strimmer, K. (2009), JMLR 10", posteriors.shrink, _UNSEEN,
)  # fmt: skip
_declare(
    "nsb", "Nemenman-Shafee-Bialek", "posterior mean of H under a mixture of Dirichlet priors that is flat in H",
    "Nemenman, I., Shafee, F. and Bialek, W. (2002), Entropy and inference, revisited, NIPS 14", nsb, _UNSEEN,
)  # fmt: skip
