"""Cells as a Markdown table."""

from __future__ import annotations


def markdown_table(lines: list[list[str]]) -> str:
    """Cells as a Markdown table; the first line is its head.

    >>> print(markdown_table([["a", "b"], ["1", "x|y"]]), end="")
    | a | b |
    |---|---|
    | 1 | x\\|y |
    """
    if not lines:
        return ""
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n" for cells in lines]
    return rows[0] + "|" + "---|" * len(lines[0]) + "\n" + "".join(rows[1:])
