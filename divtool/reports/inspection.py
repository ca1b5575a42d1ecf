"""What a file is, in a screenful; and what a run would be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from divtool.options import KINDS
from divtool.reports.plain import jsonable
from divtool.reports.safetext import safe
from divtool.reports.table import input_lines, number
from divtool.result import SCHEMA, Explanation, Figures, Inspection, LabelFigures

_FEW = 6


def as_text(seen: Sequence[Inspection]) -> str:
    """A block a file, each fact on a line of its own."""
    return "\n".join("".join(f"{line}\n" for line in _lines(each)) for each in seen)


def as_json(seen: Sequence[Inspection], version: str) -> str:
    """The same with every bit."""
    document = {"schema": SCHEMA, "divtool": version, "files": [jsonable(asdict(each)) for each in seen]}
    return json.dumps(document, indent=2) + "\n"


def explained_as_text(told: Explanation, *, terminal: bool) -> str:
    """Inputs and matches as in a result, then what would be computed and how the data would be cut."""
    cut = told.cut
    lines = ["", "would compute"]
    lines += [f"  {safe(each, 400)}" for each in told.computed]
    parts = "1 part" if cut["parts"] == 1 else f"{cut['parts']:,} parts of up to {cut['rows_in_part']:,} rows"
    threads = "1 thread" if cut["threads"] == 1 else f"{cut['threads']} threads"
    lines.append(
        f"over {cut['rows']:,} rows, in {parts}, on {threads}, in blocks of {_size(cut['block_bytes'])}"
        f" ({_size(cut['bytes_in_flight'])} in flight)"
    )
    return input_lines(told.inputs, told.matched, terminal=terminal) + "\n".join(lines) + "\n"


def explained_as_json(told: Explanation) -> str:
    """The same for programs."""
    return json.dumps({"schema": SCHEMA, **jsonable(asdict(told))}, indent=2) + "\n"


def _lines(each: Inspection) -> Iterator[str]:
    yield safe(each.path, 4096)
    yield _fact("is", ", ".join(filter(None, (each.format, each.origin, _shape(each), each.dtype, _size(each.size)))))
    if each.members:
        held = [
            f"{safe(name, 40)} ({' x '.join(map(str, shape)) or '1'}, {dtype})" for name, shape, dtype in each.members
        ]
        yield _fact("arrays", "; ".join(held[:_FEW]) + (f" and {len(held) - _FEW} more" if len(held) > _FEW else ""))
    if each.kind is not None:
        yield _fact("holds", f"{KINDS[each.kind]}: {safe(each.evidence or '', 200)}")
    if each.classes is not None:
        yield _fact("classes", _classes(each))
    if each.labels is not None:
        yield _fact("labels", _labels(each.labels))
    if each.figures is not None:
        yield from (_fact("" if i else "numbers", line) for i, line in enumerate(_figures(each.figures)))
    for i, said in enumerate(each.decided[:_FEW]):
        yield _fact("" if i else "columns", safe(said, 200))
    if len(each.decided) > _FEW:
        yield _fact("", f"and {len(each.decided) - _FEW} more")
    for i, note in enumerate(each.notes):
        yield _fact("" if i else "note", safe(note.removeprefix(f"{each.path}: "), 400))
    for message, hint in each.doubts:
        yield _fact("doubt", safe(message.removeprefix(f"{each.path}: "), 400))
        yield _fact("", f"hint: {safe(hint, 400)}") if hint else _fact("", "")
    for i, command in enumerate(each.commands):
        yield _fact("" if i else "try", safe(command, 400))


def _fact(name: str, text: str) -> str:
    return f"  {name:<9}{text}".rstrip()


def _shape(each: Inspection) -> str:
    if each.shape is not None and len(each.shape) != 2:
        return " x ".join(f"{side:,}" for side in each.shape)
    rows = "" if each.rows is None else f"{each.rows:,} rows x "
    return f"{rows}{each.columns:,} column{'' if each.columns == 1 else 's'}"


def _size(size: int) -> str:
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= scale:
            return f"{size / scale:.4g} {unit}"
    return f"{size} bytes" if size else ""


def _classes(each: Inspection) -> str:
    if each.class_names is None:
        return f"{each.classes:,}, by position"
    shown = ", ".join(safe(name, 24) for name in each.class_names[:_FEW])
    return f"{each.classes:,}: {shown}" + (", ..." if len(each.class_names) > _FEW else "")


def _labels(labels: LabelFigures) -> str:
    shown = ", ".join(f"{safe(text, 24)} ({count:,})" for text, count in labels.counts[:_FEW])
    where = "" if labels.column is None else f' in "{safe(labels.column, 40)}"'
    missing = f"; {labels.missing:,} missing" if labels.missing else ""
    return f"{labels.distinct:,} different{where}: {shown}" + (", ..." if labels.distinct > _FEW else "") + missing


def _figures(figures: Figures) -> list[str]:
    of = f"of {figures.rows:,} rows" if figures.whole else f"of the first {figures.rows:,} rows (--all reads all)"
    if figures.least > figures.greatest:
        return [f"none that is finite, {of}"]
    lines = [
        f"{of}: from {number(figures.least, 7)} to {number(figures.greatest, 7)}, row sums from"
        f" {number(figures.least_sum, 10)} to {number(figures.greatest_sum, 10)}"
    ]
    odd = {
        "cells are 0": figures.zeros, "cells are 1": figures.ones, "rows with a tie for the first place": figures.ties,
        "cells are NaN": figures.nan, "cells are infinite": figures.infinite,
        "rows with an empty cell": figures.missing,
        **{f"cells are {value}: no number?": count for value, count in figures.sentinels.items()},
    }  # fmt: skip
    said = [f"{count:,} {what}" for what, count in odd.items() if count]
    return lines + (["; ".join(said)] if said else [])
