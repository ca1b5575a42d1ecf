"""Results as plain data: the JSON document, and one flat record for each measure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from divtool.formats.jsonl import plain
from divtool.result import SCHEMA, InputReport, MeasureResult, Result, WorstRow


def document(result: Result) -> dict[str, Any]:
    """The JSON document (schema ``divtool/1``, documented in docs/json.md)."""
    return {
        "schema": SCHEMA,
        "divtool": result.version,
        "command": result.command,
        "kernels": result.kernels,
        "settings": {name: jsonable(value) for name, value in result.settings.items()},
        "inputs": _inputs(result.inputs),
        "matched": list(result.matched),
        "results": [_measure(each) for each in result.results],
        "candidates": list(result.candidates),
        "verdict": None if result.verdict is None else jsonable(asdict(result.verdict)),
        "groups": [_group(each) for each in result.groups],
        "gates": [jsonable(asdict(each)) for each in result.gates],
        "written": list(result.written),
        "warnings": list(result.warnings),
    }


def _inputs(inputs: Sequence[InputReport]) -> dict[str, Any]:
    """The inputs by what they are: p, q, target, labels; candidates are q, q1, q2, ... in the order given."""
    said: dict[str, Any] = {}
    for each in inputs:
        role = name = each.roles[0] if each.roles else "other"
        more = 0
        while name in said:
            more += 1
            name = f"{role}{more}"
        said[name] = input_record(each)
    return said


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
        "worst": [_row(row) for row in each.worst],
        "first_infinite": list(each.first_infinite),
        "first_nan": list(each.first_nan),
        "candidate": each.candidate,
        "units": each.units,
    }


def _group(each: MeasureResult) -> dict[str, Any]:
    return {"by": each.by, "group": each.group, **_measure(each)}


def _row(each: WorstRow) -> dict[str, Any]:
    """A row with what names it, where that was asked for."""
    names = {"id": each.id, "label": each.label}
    said = {name: text for name, text in names.items() if text is not None}
    return {"row": each.row, **said, "value": plain(each.value)}


def record(each: MeasureResult) -> dict[str, object]:
    """One flat line for a measure, its numbers as they are."""
    return {
        "measure": each.name,
        "value": float(each.value),
        "std_error": None if each.std_error is None else float(each.std_error),
        "unit": each.unit,
        "reduction": each.reduction,
        "n": each.n,
        "ignored": each.ignored,
        "infinite": each.infinite,
        "nan": each.nan,
        "finite_mean": float(each.finite_mean),
        **{name: float(value) for name, value in each.quantiles.items()},
        "max": float(each.maximum),
        "max_row": each.max_row,
        "direction": each.direction,
        "dropped": each.dropped,
        "missing": each.missing,
        "denominator": float(each.denominator[1]),
    }


def as_json(result: Result) -> str:
    """The document, indented."""
    return json.dumps(document(result), indent=2) + "\n"


def as_jsonl(result: Result) -> str:
    """One line a measure, and one for each of its groups: its entry of the document with the command beside it."""
    whole = document(result)
    head = {name: whole[name] for name in ("schema", "divtool", "command", "kernels")}
    return "".join(json.dumps({**head, **each}) + "\n" for each in (*whole["results"], *whole["groups"]))
