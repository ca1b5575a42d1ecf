"""The options of ``divtool calibration`` and the names of its figures, declared once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from divtool.engine.gates import Gate, check_figures, parse_gates
from divtool.errors import UsageError
from divtool.options import Measuring, Reading, Running, option, pick
from divtool.registry import suggestion

# The options of the other groups that make a difference.
READING = (
    "given", "columns", "id", "label_col", "header", "no_header", "delimiter", "input_format", "concat", "normalize",
    "missing", "join", "rows", "vocab", "class_axis",
)  # fmt: skip
MEASURING = ("temperature", "ignore_index")
RUNNING = ("threads", "chunk_size")
_MOST_BINS = 1 << 16


@dataclass(frozen=True)
class Calibrating:
    """Which bins, and which of the numbers that go by the same name."""

    bins: int = option(15, "How many bins.", metavar="N", least=1, most=_MOST_BINS)
    binning: str = option("width", "Bins of equal width, or of equal mass (rows).", choices=("width", "mass"))
    classwise: bool = option(False, "Each class's probability against that class, and the mean over classes.")
    debias: bool = option(False, "Without what finite bins add by chance (Kumar, Liang and Ma 2019).")
    of_class: str | None = option(
        None, "One class alone: its probability against whether the label is it (as written in the labels).",
        "--class", metavar="NAME",
    )  # fmt: skip
    measure: tuple[str, ...] = option(
        (), "These figures alone: ece, mce, rmsce, nll, brier, ..., as in the name column (repeatable, or a,b).",
        "-m", "--measure", metavar="NAME,...",
    )  # fmt: skip
    fail_if: tuple[str, ...] = option(
        (), "Exit with status 1 if this is so: NAME OP NUMBER, such as ece>0.05 (repeatable).", metavar="CONDITION"
    )


_ERRORS = ("ece", "mce", "rmsce")
# The greatest error has no debiased form.
_FORMS = (("ece", ""), ("ece", "-debiased"), ("mce", ""), ("rmsce", ""), ("rmsce", "-debiased"))

PLAIN = {
    "accuracy": "Accuracy", "frequency": "Share of rows of the class", "mean-confidence": "Mean confidence",
    "overconfidence": "Mean confidence less accuracy", "nll": "Negative log-likelihood",
    "brier": "Brier score, all classes", "brier-confidence": "Brier score of the confidence",
    "reliability": "= reliability (calibration)", "resolution": "- resolution (refinement)",
    "uncertainty": "+ uncertainty", "within-bin-variance": "+ variance within bins",
    "within-bin-covariance": "- covariance within bins",
}  # fmt: skip
# What others call them.
_ALSO = {
    "adaptive-ece": "ece-mass", "ace": "classwise-ece-mass", "sce": "classwise-ece", "cw-ece": "classwise-ece",
    "static-ece": "classwise-ece", "log-loss": "nll", "brier-score": "brier", "confidence": "mean-confidence",
}  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """One calibration error: ece, mce or rmsce, of the top label or class by class, over bins of equal width or mass,
    debiased or not."""

    kind: str
    classwise: bool
    mass: bool
    debiased: bool

    @property
    def name(self) -> str:
        """The full name."""
        return "classwise-" * self.classwise + self.kind + "-mass" * self.mass + "-debiased" * self.debiased

    @property
    def title(self) -> str:
        """The name as it is said."""
        asides = ", equal mass" * self.mass + ", debiased" * self.debiased
        return ("class-wise " * self.classwise + self.kind.upper() + asides).replace("class-wise", "Class-wise")

    @property
    def family(self) -> str:
        """What it stands with."""
        binned = "equal mass" if self.mass else "equal width"
        return f"class by class, {binned}" if self.classwise else f"confidence, {binned}"


VARIANTS = {
    each.name: each
    for each in (
        Variant(kind, classwise, mass, bool(debiased))
        for classwise in (False, True) for mass in (False, True) for kind, debiased in _FORMS
    )
}  # fmt: skip


@dataclass(frozen=True)
class CalibrationRequest:
    """What was asked for. ``names`` are the figures, in order; ``named``: none may be left out for its cost;
    ``gates`` are thresholds on them."""

    reading: Reading
    measuring: Measuring
    running: Running
    own: Calibrating
    names: tuple[str, ...]
    named: tuple[str, ...]
    gates: tuple[Gate, ...] = ()

    def wants(self, *, classwise: bool, mass: bool) -> bool:
        """Whether such a calibration error is among the figures."""
        found = (VARIANTS[name] for name in self.names if name in VARIANTS)
        return any(each.classwise == classwise and each.mass == mass for each in found)


def calibration_request(options: Mapping[str, Any]) -> CalibrationRequest:
    """The request that options make. Raises :class:`UsageError`."""
    known = [*READING, *MEASURING, *RUNNING, *Calibrating.__dataclass_fields__]
    for name in options:
        if name not in known:
            raise UsageError(f'calibration has no option "{name}"', hint=suggestion(name, known))
    own = pick(Calibrating, options)
    if own.classwise and own.of_class is not None:
        raise UsageError("--classwise looks at every class, --class at one; choose one of them")
    first = full_name("ece", own)
    named = [full_name(word, own) for text in own.measure for word in text.split(",")]
    names = tuple(dict.fromkeys(named or [first, *_every(own)]))
    gates = tuple(_of_figure(gate, own) for gate in parse_gates(own.fail_if))
    check_figures(gates, [*names, *COUNTS])
    named += [first] * own.classwise + [gate.measure for gate in gates if gate.measure is not None]
    return CalibrationRequest(
        pick(Reading, options), pick(Measuring, options), pick(Running, options), own, names,
        tuple(dict.fromkeys(named)), gates,
    )  # fmt: skip


# What thresholds may also be on.
COUNTS = ("n", "rows", "ignored", "missing", "infinite")


def _of_figure(gate: Gate, own: Calibrating) -> Gate:
    """The threshold on a figure by its full name; on a word that is none as it is, to be refused with what there is."""
    try:
        return gate if gate.measure is None else replace(gate, measure=full_name(gate.measure, own))
    except UsageError:
        return gate


def full_name(word: str, own: Calibrating) -> str:
    """The figure that a word names: what ece, mce and rmsce leave open is filled in from the options.

    >>> full_name("ece", Calibrating(binning="mass")), full_name("ece-debiased", Calibrating())
    ('ece-mass', 'ece-debiased')
    """
    name = word.strip().lower().replace("_", "-")
    name = _ALSO.get(name, name)
    if name in _ERRORS:
        return Variant(name, own.classwise, own.binning == "mass", own.debias and name != "mce").name
    every = _every(own)
    if name in every:
        return name
    if name in VARIANTS or name in PLAIN:
        of = "the confidence in one class" if own.of_class is not None else "the top label"
        raise UsageError(f'-m "{word}": there is no such figure of {of}', hint=suggestion(name, every))
    raise UsageError(f'-m "{word}": there is no such figure', hint=suggestion(name, every))


def _every(own: Calibrating) -> list[str]:
    """All figures, in the order in which they are shown."""
    one = own.of_class is not None
    plain = [name for name in PLAIN if name != ("accuracy" if one else "frequency")]
    return [*plain, *(name for name, each in VARIANTS.items() if not (one and each.classwise))]


def title_of(name: str, of_class: str | None) -> str:
    """What a figure is called by people."""
    if name in VARIANTS:
        return VARIANTS[name].title
    if of_class is not None and name == "overconfidence":
        return "Mean probability less frequency"
    return PLAIN[name]
