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
    from divtool.api import compute, explain, fit, inspect, joint, mi
    from divtool.errors import DivtoolError, EngineError, InputError, OutputError, ResourceError, UsageError
    from divtool.findings import FitResult, FittedModel, GainResult, JointResult
    from divtool.result import Explanation, InputReport, Inspection, MeasureResult, Result

__version__ = "0.1.0"

__all__ = [
    "DivtoolError",
    "EngineError",
    "Explanation",
    "FitResult",
    "FittedModel",
    "GainResult",
    "InputError",
    "InputReport",
    "Inspection",
    "JointResult",
    "MeasureResult",
    "OutputError",
    "ResourceError",
    "Result",
    "UsageError",
    "__version__",
    "compute",
    "explain",
    "fit",
    "inspect",
    "joint",
    "mi",
]

_HOMES = {
    "compute": "api", "explain": "api", "inspect": "api", "Explanation": "result", "InputReport": "result",
    "FitResult": "findings", "FittedModel": "findings", "fit": "api", "GainResult": "findings",
    "JointResult": "findings", "joint": "api", "mi": "api", "Inspection": "result", "MeasureResult": "result",
    "Result": "result",
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
