"""What a run would be, without running it: the same decisions, and how the data would be cut."""

from __future__ import annotations

from divtool.engine.asked import Asked
from divtool.engine.plan import Plan
from divtool.engine.present import input_reports, warnings
from divtool.engine.state import State
from divtool.engine.tasks import tasks
from divtool.result import Explanation


def explanation(plan: Plan, version: str, command: str) -> Explanation:
    """The plan in words and figures. Raises :class:`InputError` where counts of rows do not agree."""
    parts = [(task.extents[0].first, task.extents[0].stop) for task in tasks(plan)]
    return Explanation(
        version=version, command=command, inputs=input_reports(plan), matched=(*plan.notes, *_about_ids(plan)),
        computed=tuple(_said(plan, asked) for asked in plan.asked),
        cut={
            "rows": sum(stop - first for first, stop in parts), "parts": len(parts),
            "rows_in_part": max((stop - first for first, stop in parts), default=0),
            "threads": plan.threads, "block_bytes": plan.block_bytes, "bytes_in_flight": plan.chunk_bytes,
        },
        warnings=warnings(plan, State.empty(plan)),
    )  # fmt: skip


def _about_ids(plan: Plan) -> list[str]:
    if not plan.by_id:
        return []
    return ["ids are compared row by row; where their order differs, rows are put in order through temporary files"]


def _said(plan: Plan, asked: Asked) -> str:
    declared = asked.declared
    how = "the formula for rows of any sum" if asked.plain else "in one pass" if asked.shortcut else "row formulas"
    whose = "" if asked.candidate is None else f" of {plan.candidates[asked.candidate]}"
    return f"{asked.label}{whose}: {declared.title}, {asked.direction or declared.formula} ({how})"
