"""What runs give back that hold a model's confidence against its labels: its calibration, and the temperature that
mends it. It knows nothing of printing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from divtool.result import GateResult, InputReport


@dataclass(frozen=True)
class CalibrationFigure:
    """One number of a calibration, by its full name (``classwise-ece-mass-debiased``), with its standard error where
    it has one."""

    name: str
    title: str
    value: float
    unit: str = "1"
    family: str = ""
    std_error: float | None = None


@dataclass(frozen=True)
class ReliabilityBin:
    """The rows whose confidence is in (low, high], 0 in the first bin: their number, mean confidence, accuracy, the
    gap between the two (above 0: too sure) and its standard error. None where there are too few rows for it."""

    low: float
    high: float
    rows: int
    confidence: float | None = None
    accuracy: float | None = None
    gap: float | None = None
    std_error: float | None = None


@dataclass(frozen=True)
class CalibrationResult:
    """How well a model knows how often it is right.

    ``outcome`` says what its confidence is held against: "top label", or the class of that name. ``binning`` (width or
    mass) and ``bins`` are those of ``reliability`` and of the parts of the Brier score. ``edges_rounded``: the bins of
    equal mass were cut with a histogram, since there are too many rows to keep.
    """

    version: str
    inputs: tuple[InputReport, ...]
    matched: tuple[str, ...]
    outcome: str
    classes: int
    bins: int
    binning: str
    n: int
    rows: int
    ignored: int
    missing: int
    infinite: int
    results: tuple[CalibrationFigure, ...]
    reliability: tuple[ReliabilityBin, ...]
    edges_rounded: bool = False
    gates: tuple[GateResult, ...] = ()
    warnings: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The first number: the expected calibration error, if none was named."""
        return self.results[0].value

    @property
    def failed(self) -> bool:
        """Whether a threshold was not kept."""
        return any(each.failed for each in self.gates)

    def __float__(self) -> float:
        return self.value

    def __getitem__(self, name: str) -> CalibrationFigure:
        for each in self.results:
            if name == each.name:
                return each
        raise KeyError(f"{name!r}; there are {', '.join(each.name for each in self.results)}")

    def __repr__(self) -> str:
        first = self.results[0]
        return f"<divtool calibration of {self.n:,} rows: {first.name} {first.value!r}>"


@dataclass(frozen=True)
class TemperedScores:
    """What a temperature does to one file: the mean of -log q at the label (nats), its standard error, and the expected
    calibration error, before (T = 1) and after. ``use`` is "fit" for the file it was fitted on, else "apply".

    ``first_row`` and ``stop_row`` are the rows of the file that were read, as A and B of ``--rows A:B``.
    ``reliability_before`` and ``reliability_after`` are the bins of the errors.
    """

    use: str
    path: str
    n: int
    rows: int
    ignored: int
    missing: int
    accuracy: float
    nll_before: float
    nll_after: float
    std_error_before: float | None
    std_error_after: float | None
    ece_before: float
    ece_after: float
    first_row: int = 0
    stop_row: int = 0
    reliability_before: tuple[ReliabilityBin, ...] = ()
    reliability_after: tuple[ReliabilityBin, ...] = ()


@dataclass(frozen=True)
class TemperatureResult:
    """The temperature by which logits are to be divided so that the NLL of the labels is least, and its standard error
    from the observed information. ``passes`` counts how often the file was read."""

    version: str
    inputs: tuple[InputReport, ...]
    matched: tuple[str, ...]
    temperature: float
    std_error: float
    bins: int
    passes: int
    results: tuple[TemperedScores, ...]
    warnings: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The temperature."""
        return self.temperature

    def __float__(self) -> float:
        return self.temperature

    def __repr__(self) -> str:
        return f"<divtool temperature {self.temperature!r} +- {self.std_error:.3g}>"
