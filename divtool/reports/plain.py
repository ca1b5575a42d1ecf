"""Results as plain data: the JSON document, and one flat record for each measure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from divtool.formats.jsonl import plain
from divtool.result import SCHEMA, InputReport, MeasureResult, Result


def document(result: Result) -> dict[str, Any]:
    """The JSON document (schema ``divtool/1``, documented in docs/json.md)."""
    return {
        "schema": SCHEMA,
        "divtool": result.version,
        "command": result.command,
        "kernels": result.kernels,
        "settings": {name: jsonable(value) for name, value in result.settings.items()},
        "inputs": {each.roles[0] if each.roles else "other": input_record(each) for each in result.inputs},
        "matched": list(result.matched),
        "results": [_measure(each) for each in result.results],
        "written": list(result.written),
        "warnings": list(result.warnings),
    }


def jsonable(value: Any) -> Any:
    """The value as JSON can say it: infinite and undefined numbers as texts."""
    if isinstance(value, float):
        return plain(value)
    if isinstance(value, Mapping):
        return {str(name): jsonable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(each) for each in value]
    return value


def input_record(report: InputReport) -> dict[str, Any]:
    """One input as it was understood, without what it does not have."""
    said = {
        "path": report.path, "format": report.format, "dtype": report.dtype, "rows": report.rows,
        "columns": report.columns, "roles": list(report.roles), "kind": report.kind, "evidence": report.evidence,
        "classes": report.classes, "class_names": None if report.class_names is None else list(report.class_names),
        "labels": report.labels, "label_column": report.label_column, "id_column": report.id_column,
        "origin": report.origin or None, "arranged": report.arranged or None,
        "shape": None if report.shape is None else list(report.shape),
        "class_axis": report.class_axis, "positions": report.positions,
        "excluded": [{"column": name, "reason": reason} for name, reason in report.excluded],
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def _measure(each: MeasureResult) -> dict[str, Any]:
    return {
        "measure": each.measure,
        "label": each.name,
        "parameters": {name: jsonable(value) for name, value in each.parameters.items()},
        "direction": each.direction,
        "of": each.of,
        "value": plain(each.value),
        "unit": each.unit,
        "reduction": each.reduction,
        "denominator": {"name": each.denominator[0], "value": plain(each.denominator[1])},
        "n": each.n,
        "rows": each.rows,
        "ignored": each.ignored,
        "dropped": each.dropped,
        "missing": each.missing,
        "infinite": each.infinite,
        "nan": each.nan,
        "finite_mean": plain(each.finite_mean),
        "std_error": None if each.std_error is None else plain(each.std_error),
        "min": plain(each.minimum),
        "max": plain(each.maximum),
        "quantiles": {name: plain(value) for name, value in each.quantiles.items()},
        "quantile_bound": each.quantile_bound,
        "worst": [{"row": row.row, "value": plain(row.value)} for row in each.worst],
        "first_infinite": list(each.first_infinite),
        "first_nan": list(each.first_nan),
    }


def record(each: MeasureResult) -> dict[str, str]:
    """One flat line for a measure, every number as the shortest text that reads back to the same double."""
    return {
        "measure": each.name,
        "value": shortest(each.value),
        "std_error": "" if each.std_error is None else shortest(each.std_error),
        "unit": each.unit,
        "reduction": each.reduction,
        "n": str(each.n),
        "ignored": str(each.ignored),
        "infinite": str(each.infinite),
        "nan": str(each.nan),
        "finite_mean": shortest(each.finite_mean),
        **{name: shortest(value) for name, value in each.quantiles.items()},
        "max": shortest(each.maximum),
        "max_row": str(each.worst[0].row) if each.worst else "",
        "direction": each.direction or "",
        "dropped": str(each.dropped),
        "missing": str(each.missing),
        "denominator": shortest(each.denominator[1]),
    }


def shortest(value: float) -> str:
    """The shortest digits that read back to the same double.

    >>> shortest(0.1), shortest(float("inf")), shortest(float("nan"))
    ('0.1', 'inf', 'nan')
    """
    return repr(float(value))


def as_json(result: Result) -> str:
    """The document, indented."""
    return json.dumps(document(result), indent=2) + "\n"


def as_jsonl(result: Result) -> str:
    """One line a measure: its entry of the document with the command beside it."""
    whole = document(result)
    head = {name: whole[name] for name in ("schema", "divtool", "command", "kernels")}
    return "".join(json.dumps({**head, **each}) + "\n" for each in whole["results"])
