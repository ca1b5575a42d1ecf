"""Accumulators as JSON and back: what they hold is written to the last bit, so that merging what was read gives the
bits of merging what was computed.

What is written depends on the rows alone, not on how they came in parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from divtool.accumulators.bundle import RowStatistics
from divtool.accumulators.extremes import NAMED, Extremes
from divtool.accumulators.grouped import MOST_GROUPS, Grouped
from divtool.accumulators.moments import Moments
from divtool.accumulators.pair_sums import PairSums
from divtool.accumulators.paired import Paired
from divtool.accumulators.paired_figures import Kept
from divtool.accumulators.quantiles import Bins, Quantiles, bin_names
from divtool.accumulators.saved_fields import DamagedError, Fields, packed, whole_of, whole_text
from divtool.numerics.exactsum import ExactSum

_MOST_KEPT, _MOST_BUDGET = 1 << 20, 1 << 40
_LAST_BIN = int(bin_names(np.array([np.inf]))[0])


def saved_statistics(statistics: RowStatistics) -> dict[str, Any]:
    """What is known of one measure."""
    return {
        "moments": _saved_moments(statistics.moments), "quantiles": _saved_quantiles(statistics.quantiles),
        "extremes": _saved_extremes(statistics.extremes),
    }  # fmt: skip


def restored_statistics(fields: Fields, shift: int = 0) -> RowStatistics:
    """The same, of rows whose numbers are ``shift`` higher. Raises :class:`DamagedError`."""
    statistics = RowStatistics()
    statistics.moments = _restored_moments(fields.part("moments"))
    statistics.quantiles = _restored_quantiles(fields.part("quantiles"))
    statistics.extremes = _restored_extremes(fields.part("extremes"), shift)
    fields.end()
    moments = statistics.moments
    if statistics.quantiles.n != moments.n - moments.nan:
        raise DamagedError(f"{fields.where} has other numbers of rows in its moments and in its quantiles")
    return statistics


def _saved_moments(moments: Moments) -> dict[str, Any]:
    return {
        name: whole_text(value.units) if isinstance(value, ExactSum) else value for name, value in vars(moments).items()
    }


def _restored_moments(fields: Fields) -> Moments:
    moments = Moments()
    for name, value in vars(moments).items():
        if isinstance(value, ExactSum):
            value.units = fields.whole(name)
        else:
            setattr(moments, name, fields.count(name))
    fields.end()
    odd = moments.positive_infinite + moments.negative_infinite + moments.nan
    # Rows without a share are in neither.
    if moments.n < moments.single + moments.weighted + odd:
        raise DamagedError(f"{fields.where} do not count all their rows")
    return moments


def _saved_quantiles(quantiles: Quantiles) -> dict[str, Any]:
    head: dict[str, Any] = {"budget": quantiles.budget, "n": quantiles.n, "values": None, "bins": None}
    if quantiles.bins is None:
        ordered = np.sort(np.concatenate([np.empty(0), *quantiles.values])) + 0.0
        return head | {"values": packed(ordered)}
    names, counts = quantiles.bins.filled()
    bins = {"names": packed(names), "counts": packed(counts)}
    return head | {"bins": bins}


def _restored_quantiles(fields: Fields) -> Quantiles:
    quantiles = Quantiles(fields.count("budget", 1, _MOST_BUDGET))
    quantiles.n = fields.count("n")
    quantiles.bins = fields.maybe("bins", _restored_bins)
    if fields.value("values") is not None:
        quantiles.values = [fields.doubles("values")]
    fields.end()
    held = sum(each.size for each in quantiles.values)
    if quantiles.bins is not None:
        held += int(quantiles.bins.filled()[1].sum())
    binned = quantiles.bins is not None
    if held != quantiles.n or binned == bool(quantiles.values) or binned != (quantiles.n > quantiles.budget):
        raise DamagedError(f"{fields.where} do not hold their rows")
    return quantiles


def _restored_bins(fields: Fields) -> Bins:
    names, counts = fields.integers("names", -_LAST_BIN, _LAST_BIN), fields.integers("counts", 1, _MOST_BUDGET)
    fields.end()
    if len(names) != len(counts) or not len(names) or (np.diff(names) <= 0).any():
        raise DamagedError(f"{fields.where} are in no order")
    return Bins.of(names, counts)


def _saved_extremes(extremes: Extremes) -> dict[str, Any]:
    lowest, negated = extremes.lowest, extremes.negated
    return {
        "keep": extremes.keep,
        "lowest": {"rows": packed(lowest.rows), "values": packed(lowest.values)},
        "negated": {"rows": packed(negated.rows), "values": packed(negated.values)},
        "first_infinite": list(extremes.first_infinite), "first_nan": list(extremes.first_nan),
    }  # fmt: skip


def _restored_extremes(fields: Fields, shift: int) -> Extremes:
    extremes = Extremes(fields.count("keep", 0, _MOST_KEPT))
    for name in ("lowest", "negated"):
        part = fields.part(name)
        rows, values = part.integers("rows"), part.doubles("values")
        part.end()
        if not len(rows) == len(values) <= extremes.keep:
            raise DamagedError(f"{part.where} are not as many as their rows")
        getattr(extremes, name).take(rows + shift, values)
    for name in ("first_infinite", "first_nan"):
        setattr(extremes, name, tuple(row + shift for row in sorted(fields.counts(name))[:NAMED]))
    fields.end()
    return extremes


def saved_groups(grouped: Grouped) -> dict[str, Any]:
    """What is known of one measure in groups."""
    whole = Grouped(grouped.by)
    whole.merge(grouped)
    whole.settle()
    return {"by": whole.by, "groups": {name: saved_statistics(whole.groups[name]) for name in sorted(whole.groups)}}


def restored_groups(fields: Fields, shift: int = 0) -> Grouped:
    """The same, of rows whose numbers are ``shift`` higher. Raises :class:`DamagedError`."""
    grouped = Grouped(fields.text("by"))
    groups = fields.part("groups")
    fields.end()
    if len(groups.held) > MOST_GROUPS:
        raise DamagedError(f"{groups.where} are more than {MOST_GROUPS:,}")
    grouped.groups = {name: restored_statistics(groups.part(name), shift) for name in groups.held}
    return grouped


def saved_pairs(paired: Paired) -> dict[str, Any]:
    """What compares columns row by row: the rows while they are kept, else their sums."""
    figures = paired.present()
    kept = figures.kept
    return {
        "columns": paired.columns, "budget": paired.budget, "n": paired.n,
        "clusters": None if paired.codes is None else _clusters(paired, kept),
        "kept": None if kept is None else {
            "rows": packed(kept.rows), "values": packed(kept.values), "shares": packed(kept.shares),
            "codes": None if kept.codes is None else packed(kept.codes),
        },
        "sums": None if kept is not None or not paired.n else _saved_sums(figures.sums),
    }  # fmt: skip


def _clusters(paired: Paired, kept: Kept | None) -> list[Any]:
    """The names of the clusters by their codes, which number them in the order of their first rows."""
    if kept is None or kept.codes is None or paired.codes is None:
        return []
    names, own = list(paired.codes), paired.pieces[0].codes
    assert own is not None
    return [names[code] for code in own[np.unique(kept.codes, return_index=True)[1]].tolist()]


def restored_pairs(fields: Fields, shift: int = 0) -> Paired:
    """The same, of rows whose numbers are ``shift`` higher. Raises :class:`DamagedError`."""
    columns = fields.count("columns", 1, _MOST_KEPT)
    paired = Paired(columns, fields.count("budget", 1, _MOST_BUDGET))
    paired.n = fields.count("n")
    names = None if fields.value("clusters") is None else fields.entries("clusters")
    if names is not None:
        paired.codes = {name: code for code, name in enumerate(names) if name is None or type(name) in (str, int)}
        if len(paired.codes) != len(names):
            raise DamagedError(f'"clusters" of {fields.where} are not told apart by their names')
    kept = fields.maybe("kept", lambda part: _restored_rows(part, columns, names, shift))
    paired.sums = fields.maybe("sums", lambda part: _restored_sums(part, columns))
    fields.end()
    if kept is not None:
        paired.pieces, paired.waiting = [kept], len(kept.rows)
    held = (0 if kept is None else len(kept.rows)) + (0 if paired.sums is None else paired.sums.n)
    beyond = paired.n * (columns + 1) > paired.budget
    if held != paired.n or (beyond if kept is not None else paired.sums is not None and not beyond):
        raise DamagedError(f"{fields.where} does not hold its rows")
    return paired


def _restored_rows(fields: Fields, columns: int, names: list[Any] | None, shift: int) -> Kept:
    rows, values, shares = fields.integers("rows"), fields.doubles("values", nan=True), fields.doubles("shares")
    codes = None
    if names is not None:
        codes = fields.integers("codes", 0, len(names) - 1)
    elif fields.value("codes") is not None:
        raise DamagedError(f"{fields.where} has codes of no clusters")
    fields.end()
    if values.size != columns * len(rows) or not len(rows) == len(shares) or not np.isfinite(shares).all():
        raise DamagedError(f"{fields.where} are not as many as their rows")
    if codes is not None and len(codes) != len(rows):
        raise DamagedError(f"{fields.where} has another number of codes")
    return Kept(rows + shift, values.reshape(len(rows), columns), shares, codes)


def _saved_sums(sums: PairSums) -> dict[str, Any]:
    return {
        "n": sums.n, "above": packed(sums.above.ravel()), "whole": [whole_text(int(each)) for each in sums.whole.flat],
        "odd": [[i, j, [whole_text(int(each)) for each in found.flat]] for (i, j), found in sorted(sums.odd.items())],
    }  # fmt: skip


def _restored_sums(fields: Fields, columns: int) -> PairSums:
    side = columns + 2
    whole = _wholes(fields.entries("whole", side * side), fields.where, side)
    # Only now is it known that so many columns are there.
    sums = PairSums(columns)
    sums.n, sums.whole = fields.count("n"), whole
    above = fields.integers("above", 0, sums.n)
    if above.size != columns * columns:
        raise DamagedError(f"{fields.where} compares another number of columns")
    sums.above = above.reshape(columns, columns)
    for entry in fields.entries("odd"):
        if not (isinstance(entry, list) and len(entry) == 3 and type(entry[2]) is list and len(entry[2]) == 16):
            raise DamagedError(f'"odd" of {fields.where} is in no order')
        i, j = Fields({"pair": entry[:2]}, fields.where).counts("pair", 2, columns - 1)
        sums.odd[i, j] = _wholes(entry[2], fields.where, 4)
    fields.end()
    return sums


def _wholes(texts: list[Any], where: str, side: int) -> Any:
    found = np.empty(side * side, object)
    found[:] = [whole_of(text, f"a sum of {where}") for text in texts]
    return found.reshape(side, side)
