"""Lines as classifiers print them: ``[{"label": "cat", "score": 0.9}, {"label": "dog", "score": 0.1}]`` is a row with a
column for each label, in whatever order they stand; and documents that are a table but no lines."""

from __future__ import annotations

from typing import Any

from divtool.errors import InputError
from divtool.formats.json_lines import MalformedError

_SCORED = {"label", "score"}
_TOLERANCE = 1e-3
ALL_SCORES = "write the scores of all labels in every row: pipeline(..., top_k=None)"


def is_scored(row: Any) -> bool:
    """Whether a line is a list of labels with their scores."""
    return (
        isinstance(row, list) and bool(row) and all(isinstance(each, dict) and each.keys() == _SCORED for each in row)
    )


def by_label(row: Any, labels: frozenset[str] | None) -> dict[str, Any]:
    """The scores by their labels, of which there must be these.

    Raises :class:`MalformedError` for any other line.
    """
    if not is_scored(row):
        raise MalformedError("is no list of labels with their scores, as the first row is")
    scores: dict[str, Any] = {}
    for each in row:
        label = each["label"]
        if not isinstance(label, str):
            raise MalformedError("holds a label that is no text")
        if label in scores:
            raise MalformedError(f'holds the label "{label}" twice')
        scores[label] = each["score"]
    if labels is not None and scores.keys() != labels:
        odd = min(scores.keys() ^ labels)
        raise MalformedError(f'{"has no" if odd in labels else "has a"} label "{odd}", other than the first row')
    return scores


def is_one_row(row: Any) -> bool:
    """Whether the only line of a file is the scores of one example, and not the best of each of many."""
    scores = [each["score"] for each in row]
    numbers = all(isinstance(score, int | float) and not isinstance(score, bool) for score in scores)
    return len({str(each["label"]) for each in row}) == len(row) > 1 and numbers and abs(sum(scores) - 1) <= _TOLERANCE


def refuse_whole_table(row: Any, path: str) -> None:
    """Refuse the only line of a file where it is a whole table in one object, as pandas writes it without being asked
    for lines."""
    if isinstance(row, dict) and (_is_nested_table(row) or _is_split_table(row)):
        raise InputError(
            "is one JSON object that holds a whole table; expected an object for each row, on a line of its own",
            path=path, hint='pandas: df.to_json(FILE, orient="records", lines=True)',
        )  # fmt: skip


def _is_nested_table(row: dict[str, Any]) -> bool:
    """Columns of rows, or rows of columns: objects with the same keys, of several or with keys that count."""
    inner = list(row.values())
    if not inner or not all(isinstance(each, dict) and each for each in inner):
        return False
    if any(each.keys() != inner[0].keys() for each in inner):
        return False
    return len(inner) > 1 or _counts(list(row)) or _counts(list(inner[0]))


def _counts(keys: list[str]) -> bool:
    return keys == [str(i) for i in range(len(keys))]


def _is_split_table(row: dict[str, Any]) -> bool:
    rows = row.get("data")
    return isinstance(rows, list) and all(isinstance(each, list | dict) for each in rows) and bool(
        row.keys() & {"columns", "schema"}
    )  # fmt: skip


def nested_rows(path: str, name: str, labels: str | None) -> InputError:
    """The error that speaks of lines which hold several rows each: one for every token, say."""
    turned = f".{name}[] | {{{name}: .}}"
    if labels is not None:
        turned = f"[.{name}, .{labels}] | transpose[] | {{{name}: .[0], {labels}: .[1]}}"
    return InputError(
        "each line holds several rows of numbers (one for each token?); expected one row on a line",
        path=path, column=name, hint=f"make a line of each: jq -c '{turned}' FILE > NEW.jsonl",
    )  # fmt: skip
