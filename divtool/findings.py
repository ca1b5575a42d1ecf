"""What runs over tables of outcomes give back: numbers of two variables, of all columns, of fitted models. It knows
nothing of printing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from divtool.result import InputReport


@dataclass(frozen=True)
class VariableReport:
    """A variable of outcomes: a column, or one side of a table. ``missing`` cases have no value; ``rule`` says how
    numbers became outcomes, ``entries`` names the outcomes (None: missing) unless they are very many."""

    name: str
    path: str
    outcomes: int
    missing: int = 0
    rule: str = ""
    entries: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Figure:
    """One number of a table of outcomes. A test has ``degrees_of_freedom`` and a p-value, whose base-10 logarithm goes
    on where it is no double any more. ``estimator`` is that of the entropies it is made of, ``also``
    are other names that it is known by."""

    name: str
    title: str
    value: float
    unit: str
    family: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    degrees_of_freedom: int | None = None
    p_value: float | None = None
    log10_p_value: float | None = None
    estimator: str = "plug-in"
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class CellFigure:
    """A combination of two outcomes: its count (or probability), what independence would make of it, and its pointwise
    mutual information, plain and over -log p. None is a missing value."""

    x: str | None
    y: str | None
    count: float
    expected: float
    pmi: float
    npmi: float


@dataclass(frozen=True)
class JointResult:
    """What two variables say of each other. ``cases`` is None where probabilities were given, ``cells`` are all filled
    cells or, of a large table, none; ``shape`` counts the outcomes that occur."""

    version: str
    command: str
    inputs: tuple[InputReport, ...]
    matched: tuple[str, ...]
    variables: tuple[VariableReport, VariableReport]
    cases: int | None
    rows: int
    left_out: int
    estimator: str
    unit: str
    results: tuple[Figure, ...]
    cells: tuple[CellFigure, ...] = ()
    warnings: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The first number asked for: mutual information, if none was named."""
        return (self["mutual-information"] if "measure" not in self.settings else self.results[0]).value

    def __float__(self) -> float:
        return self.value

    def __getitem__(self, name: str) -> Figure:
        for each in self.results:
            if name == each.name or name in each.also:
                return each
        raise KeyError(f"{name!r}; there are {', '.join(each.name for each in self.results)}")

    def __repr__(self) -> str:
        x, y = self.variables
        first = self["mutual-information"] if "measure" not in self.settings else self.results[0]
        return f"<divtool joint of {x.name} and {y.name}: {first.name} {first.value!r} {first.unit}>"


@dataclass(frozen=True)
class Gain:
    """What a column tells of the target. ``gain`` is mutual information as estimated, ``expected`` what it would be on
    average if there were none (``null_high``: its 99th percentile, where permutations were drawn), ``excess`` the
    difference; ``share`` is the gain over the entropy of the target. ``rough``: the p-value is that of chi-square, yet
    more than a fifth of the cells expect fewer than five cases. ``lag``: so many rows earlier, for transfer entropy."""

    name: str
    gain: float
    expected: float
    excess: float
    share: float
    p_value: float | None
    log10_p_value: float | None
    outcomes: int
    missing: int
    cases: int
    rule: str = ""
    null_high: float | None = None
    rough: bool = False
    lag: int | None = None


@dataclass(frozen=True)
class PairGain:
    """Mutual information of two columns, and its share of their mean entropy (NMI); what chance alone gives, and the
    p-value, as of a :class:`Gain`."""

    x: str
    y: str
    gain: float
    share: float
    cases: int
    expected: float = 0.0
    excess: float = 0.0
    p_value: float | None = None
    log10_p_value: float | None = None
    rough: bool = False


@dataclass(frozen=True)
class GainResult:
    """What the columns of a table tell. Depending on what was asked, ``ranking`` holds a line for each column,
    ``pairs`` one for each pair (each column with itself has its entropy), ``figures`` those of all columns together."""

    version: str
    command: str
    inputs: tuple[InputReport, ...]
    notes: tuple[str, ...]
    question: str
    target: VariableReport | None
    variables: tuple[VariableReport, ...]
    rows: int
    estimator: str
    null: str
    unit: str
    cases: int = 0
    conditions: tuple[str, ...] = ()
    target_entropy: float | None = None
    ranking: tuple[Gain, ...] = ()
    pairs: tuple[PairGain, ...] = ()
    figures: tuple[Figure, ...] = ()
    warnings: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)

    def __getitem__(self, name: str | tuple[str, str]) -> Gain | PairGain | Figure:
        """The line of a column (of several lags, the one ranked first), of a pair of columns, or of a figure."""
        for each in self.ranking:
            if name == each.name:
                return each
        for pair in self.pairs:
            if {pair.x, pair.y} == set(name if isinstance(name, tuple) else (name,)):
                return pair
        for figure in self.figures:
            if name == figure.name:
                return figure
        known = [each.name for each in self.ranking] + [each.name for each in self.figures]
        known += [f"({pair.x!r}, {pair.y!r})" for pair in self.pairs]
        raise KeyError(f"{name!r}; there are {', '.join(known)}")

    def __repr__(self) -> str:
        return f"<divtool mi: {self.question}, {len(self.variables)} columns, {self.rows:,} rows>"


@dataclass(frozen=True)
class Bar:
    """The outcomes ``first`` to ``last`` of a chart, with their observed and their fitted share."""

    first: int
    last: int
    observed: float
    fitted: float


@dataclass(frozen=True)
class FittedModel:
    """A family at its best: ``parameters``, of which those in ``fixed`` were given and ``free`` were found.

    ``loss`` is KL(observed || model) and ``reverse`` KL(model || observed) (None: there is no such model), in the
    result's unit; ``infinite_at`` and ``reverse_infinite_at`` are the outcomes that make them infinite. Where a small
    mass had to be found by a subtraction, the loss may be off by ``loss_bound``. The likelihood, its criteria and the
    test are None where there are no counts. Were the model true, it would lose ``expected`` on average by chance;
    ``p_value`` is that of the G-test (None where there are no ``degrees_of_freedom``), ``rough`` where more than a
    fifth of the cells expect fewer than 5 cases; with fewer cases than cells there is no test.
    """

    name: str
    title: str
    formula: str
    found: str
    parameters: Mapping[str, float | int]
    loss: float = float("inf")
    loss_nats: float = float("inf")
    loss_bits: float = float("inf")
    reverse: float | None = None
    free: int = 0
    fixed: tuple[str, ...] = ()
    infinite_at: int | None = None
    reverse_infinite_at: int | None = None
    loss_bound: float = 0.0
    log_likelihood: float | None = None
    aic: float | None = None
    bic: float | None = None
    expected: float | None = None
    p_value: float | None = None
    log10_p_value: float | None = None
    degrees_of_freedom: int | None = None
    rough: bool | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FitResult:
    """Simple models of an observed distribution, the one that loses least first. ``support`` are the least and the
    greatest possible outcome; ``cases`` is None where there are no counts; ``entropy`` is that of what was observed."""

    version: str
    inputs: tuple[InputReport, ...]
    unit: str
    cases: int | None
    outcomes: int
    support: tuple[int, int]
    support_given: bool
    mean: float
    variance: float
    entropy: float
    models: tuple[FittedModel, ...]
    chart: tuple[Bar, ...] = ()
    notes: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def best(self) -> FittedModel:
        """The model that loses least."""
        return self.models[0]

    @property
    def value(self) -> float:
        """What the best model loses."""
        return self.best.loss

    def __float__(self) -> float:
        return self.value

    def __getitem__(self, family: str) -> FittedModel:
        for each in self.models:
            if each.name == family:
                return each
        raise KeyError(f"{family!r}; there are {', '.join(each.name for each in self.models)}")

    def __str__(self) -> str:
        return "\n".join(f"{each.name} {each.loss!r} {self.unit}" for each in self.models)

    def __repr__(self) -> str:
        return f"<divtool fit: {str(self).replace(chr(10), '; ')}>"
