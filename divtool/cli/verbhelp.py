"""The help of a verb: formula, direction, unit, range, edge rules and an example, from its declaration."""

from __future__ import annotations

import inspect

from divtool.measures.declare import Declaration
from divtool.measures.laws import LAWS
from divtool.measures.likes import LIKES

_UNITS = {
    "nats": "nats (--base 2 for bits, 10 for dits)", "sqrt(nats)": "the root of nats (--base 2: the root of bits)",
    "nats^2": "nats squared (--base 2: bits squared)", "1": "a pure number", "rows": "a row for each row",
}  # fmt: skip


def verb_help(declared: Declaration) -> str:
    """The text between usage and options. ``\\b`` keeps the parser from filling lines together."""
    facts = [("Formula", declared.formula), ("Direction", declared.direction or ""),
             ("Unit", _UNITS.get(declared.unit, declared.unit)),
             ("Range", f"{_range(declared)} {declared.note}".strip()),
             ("Better", declared.better or ""),
             ("Exact", "" if declared.is_transform else f"each row to {declared.promise} units of 2^-53 or better"),
             ("Known as", ", ".join(declared.also)),
             ("Laws", "; ".join(LAWS[name].statement for name in sorted(declared.laws))),
             ("Source", declared.cite)]  # fmt: skip
    facts_text = "\b\n" + "\n".join(_hanging(f"{name + ':':<11}", value) for name, value in facts if value)
    return "\n\n".join([declared.summary, facts_text, *_edges(declared), *_likes(declared), example(declared)])


def _likes(declared: Declaration) -> list[str]:
    """What other tools do."""
    said = [_hanging(f"Like {tool}: ", text) for tool, text in LIKES.get(declared.name, {}).items()]
    return ["\b\n" + "\n".join(said)] if said else []


def _range(declared: Declaration) -> str:
    if declared.bounds is None:
        return ""
    low, high = declared.bounds
    if high == float("inf"):
        return "any number" if low == -high else f"from {low:g}, without an upper end"
    return f"{low:g} to {high:g}"


def _hanging(head: str, text: str, width: int = 78) -> str:
    lines, line = [], head
    for word in text.split():
        if len(line) + len(word) + 1 > width and line.strip() != head.strip():
            lines.append(line.rstrip())
            line = " " * len(head)
        line += word + " "
    return "\n".join([*lines, line.rstrip()])


def _edges(declared: Declaration) -> list[str]:
    """The paragraphs of the docstring that speak of edges and reading, not of array shapes."""
    paragraphs = (inspect.getdoc(declared.function) or "").split("\n\n")[1:]
    return ["\b\n" + _hanging("", " ".join(each.split())) for each in paragraphs if each.startswith("Edges")]


def example(declared: Declaration) -> str:
    """A command line that runs on the project's example files."""
    return f"\b\nExample:   {declared.example}"
