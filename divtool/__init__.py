"""divtool: divergences between distributions over saved model outputs, with every printed digit right.

    >>> import divtool
    >>> round(divtool.kl([[0.5, 0.5]], [[0.25, 0.75]]).value, 15)
    0.14384103622589

Every measure is a function of this package (``divtool.ce``, ``divtool.kl``, ``divtool.entropy``, ...) that takes paths,
arrays, DataFrames or Arrow tables and returns a :class:`Result`; the row functions live in ``divtool.measures``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from divtool.api import (
        calibration,
        compare,
        compute,
        ensemble,
        explain,
        fit,
        inspect,
        joint,
        matrix,
        merge,
        mi,
        temperature,
    )
    from divtool.calibrated import CalibrationResult, TemperatureResult
    from divtool.errors import DivtoolError, EngineError, InputError, OutputError, ResourceError, UsageError
    from divtool.findings import FitResult, FittedModel, GainResult, JointResult
    from divtool.result import (
        Difference,
        Explanation,
        GateResult,
        InputReport,
        Inspection,
        Matrix,
        MatrixResult,
        MeasureResult,
        Result,
        Verdict,
    )

__version__ = "0.1.0"

__all__ = [
    "CalibrationResult",
    "Difference",
    "DivtoolError",
    "EngineError",
    "Explanation",
    "FitResult",
    "FittedModel",
    "GainResult",
    "GateResult",
    "InputError",
    "InputReport",
    "Inspection",
    "JointResult",
    "Matrix",
    "MatrixResult",
    "MeasureResult",
    "OutputError",
    "ResourceError",
    "Result",
    "TemperatureResult",
    "UsageError",
    "Verdict",
    "__version__",
    "calibration",
    "compare",
    "compute",
    "ensemble",
    "explain",
    "fit",
    "inspect",
    "joint",
    "matrix",
    "merge",
    "mi",
    "temperature",
]

_HOMES = {
    "compare": "api", "compute": "api", "ensemble": "api",
    "explain": "api", "inspect": "api", "Explanation": "result", "InputReport": "result",
    "FitResult": "findings", "FittedModel": "findings", "fit": "api", "GainResult": "findings",
    "JointResult": "findings", "joint": "api", "matrix": "api", "merge": "api",
    "mi": "api", "Inspection": "result",
    "MeasureResult": "result", "Result": "result", "Difference": "result", "GateResult": "result", "Matrix": "result",
    "MatrixResult": "result", "Verdict": "result", "calibration": "api", "CalibrationResult": "calibrated",
    "temperature": "api", "TemperatureResult": "calibrated",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used (PEP 562); any other name may be a measure's."""
    from importlib import import_module

    if name in __all__:
        return getattr(import_module(f"divtool.{_HOMES.get(name, 'errors')}"), name)
    if name.startswith("_"):
        raise AttributeError(f"module 'divtool' has no attribute {name!r}")
    return _measure_function(name)


def _measure_function(name: str) -> Any:
    from divtool.api import compute, declared
    from divtool.errors import UsageError

    verb = name.replace("_", "-")
    try:
        declaration = declared(verb)
    except UsageError:
        raise AttributeError(f"module 'divtool' has no attribute {name!r}") from None

    def function(*operands: Any, **options: Any) -> Result:
        return compute(verb, *operands, **options)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{declaration.summary}\n\n{declaration.formula}\n\nOperands and options as for compute()."
    return function


def __dir__() -> list[str]:
    return sorted(__all__)
