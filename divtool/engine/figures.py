"""From a joint table to the figures of two variables: the one place where their nats become the unit asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from divtool.accumulators.joint_table import JointTable
from divtool.errors import ResourceError, UsageError
from divtool.findings import CellFigure, Figure
from divtool.measures import load_statistics
from divtool.measures.estimators import PLUG_IN
from divtool.measures.information import Estimate, Information
from divtool.measures.statistic import STATISTICS, Significance, Statistic, by_family
from divtool.numerics import association
from divtool.numerics.association import log_ratio, quotient
from divtool.registry import suggestion
from divtool.units import Unit

# More cells than this are not listed beside the figures; a file of cells holds them all.
MOST_CELLS = 10_000


def statistics_asked(names: Sequence[str]) -> list[Statistic]:
    """Statistics by their names or other names, or those of a family; all, if none is named."""
    load_statistics()
    of_two = [each for each in by_family() if not each.several]
    if not names:
        return of_two
    found: list[Statistic] = []
    for name in (piece.strip().lower() for each in names for piece in each.split(",")):
        meant = [each for each in of_two if name in (each.name, *each.also)]
        meant = meant or [each for each in of_two if name == each.family]
        if not meant:
            known = [word for each in of_two for word in (each.name, *each.also)]
            raise UsageError(f'there is no statistic of a joint table "{name}"', hint=suggestion(name, known))
        found += [each for each in meant if each not in found]
    return found


def figures_of(
    table: JointTable, information: Information, asked: Sequence[Statistic], options: Mapping[str, Any], unit: Unit,
    *, named: bool, estimator: str = PLUG_IN,
) -> tuple[list[Figure], list[str]]:  # fmt: skip
    """The figures that can be had from a table, and what is missing among them. ``named``: they were asked for by name,
    so that one which cannot be had is an error; of all figures, those that fit are given."""
    figures, left_out = [], []
    for each in asked:
        lacking = _lacking(each, table)
        if lacking and named:
            raise UsageError(f"{each.name} {lacking}")
        if lacking:
            continue
        own = {keyword.name: options[keyword.name] for keyword in each.keywords if keyword.name in options}
        try:
            figure = _figure(each, each.of(table, information, **own), own, unit)
            figures.append(replace(figure, estimator=estimator) if "information" in each.takes else figure)
        except ResourceError as error:
            if named:
                raise
            left_out.append(f"no {each.name}: {error.message}")
    return figures, left_out


def several_figures(
    table: JointTable, estimate: Estimate | None, unit: Unit
) -> tuple[list[Figure], list[str]]:  # fmt: skip
    """The figures of all variables of a table together, and what is missing among them; by an estimator, from its
    entropies of subsets of the variables."""
    load_statistics()
    figures, left_out = [], []
    for each in STATISTICS:
        try:
            figures += [_figure(each, _several(each, table, estimate), {}, unit)] if each.several else []
        except ResourceError as error:
            left_out.append(f"no {each.name}: {error.message}")
    places = range(table.width)
    entropies = [_entropy(table, (place,), estimate) for place in places]
    joint = _entropy(table, tuple(places), estimate)
    first = [("sum-of-entropies", "sum of H(X_i)", math.fsum(entropies)), ("joint-entropy", "H(X_1, ..., X_k)", joint)]
    entropies_too = [
        Figure(name, title, unit.of_nats(value), unit.name, "several variables") for name, title, value in first
    ]
    return [*entropies_too, *figures], left_out


def _several(asked: Statistic, table: JointTable, estimate: Estimate | None) -> float:
    if estimate is None:
        value: float = asked.of_any(table)
        return value
    return math.fsum(sign * _entropy(table, subset, estimate) for sign, subset in asked.of_subsets(table.width))


def _entropy(table: JointTable, places: tuple[int, ...], estimate: Estimate | None) -> float:
    counts = table.margin(*places).counts
    if estimate is None:
        return association.entropy(counts, table.total)
    return estimate(counts, math.prod(table.margin(place).counts.size for place in places))


def _lacking(asked: Statistic, table: JointTable) -> str:
    """Why a table does not have a statistic, empty if it does."""
    if asked.counted and table.cases is None:
        return "needs the number of cases, which a table of probabilities does not tell"
    x, y = (set(entries) for entries in table.entries)
    if asked.square and not (x <= y or y <= x):
        return "compares two labelings with the same names; each of these has names that the other has not"
    return ""


def _figure(asked: Statistic, value: float | Significance, options: Mapping[str, Any], unit: Unit) -> Figure:
    tested = value if isinstance(value, Significance) else None
    number = value.value if isinstance(value, Significance) else value
    logarithmic = asked.unit == "nats"
    return Figure(
        name=asked.name, title=asked.title, value=unit.of_nats(number) if logarithmic else number,
        unit=unit.name if logarithmic else "1", family=asked.family, also=asked.also, parameters=dict(options),
        degrees_of_freedom=None if tested is None else tested.degrees_of_freedom,
        p_value=None if tested is None else tested.p_value,
        log10_p_value=None if tested is None else tested.log10_p_value,
    )  # fmt: skip


def cell_figures(table: JointTable, unit: Unit) -> list[CellFigure]:
    """Each filled cell: what independence would make of it, and its pointwise mutual information.

    PMI = log( p(x,y) / (p(x) p(y)) ), NPMI = PMI / -log p(x,y) (Bouma 2009), which is 1 for the only cell there is.
    """
    cells, rows, columns, total = table.counts, table.sums(0), table.sums(1), table.total
    pointwise = log_ratio(cells * total, rows * columns)
    surprisal = log_ratio(np.full_like(cells, total), cells)
    scale = 1 if table.cases is not None else total
    counts, expected = quotient(cells, scale), quotient(rows * columns, total * scale)
    places = table.cells.tolist()
    return [
        CellFigure(
            table.entries[0][x], table.entries[1][y], count, by_chance, unit.of_nats(pmi),
            1.0 if information == 0.0 else max(-1.0, min(1.0, pmi / information)),
        )
        for (x, y), count, by_chance, pmi, information in zip(
            places, counts.tolist(), expected.tolist(), pointwise.tolist(), surprisal.tolist(), strict=True
        )
    ]  # fmt: skip
