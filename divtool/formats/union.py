"""What the parts of one table must have in common, and the header that they have together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from divtool.errors import InputError
from divtool.formats.source import FLOAT, INTEGER, Header
from divtool.registry import suggestion

_NUMBERS = (FLOAT, INTEGER)


@dataclass(frozen=True)
class Facts:
    """What is kept of a part's header: the types are in the order of the leading part's columns."""

    types: Sequence[str]
    dtype: str
    decimals: bool
    rows: int | None
    shape: tuple[int, ...] | None


def facts_of(header: Header, lead: Header, way_out: str) -> Facts:
    """What to keep of a part. Raises :class:`InputError` if its columns are not those of the part that leads; a part
    without rows may have any."""
    message = _difference(header, lead)
    if message:
        raise InputError(message, path=header.path, hint=way_out)
    types, order = lead.types, None
    # The first rows of a text are a first impression only. Equal lists of words are kept once.
    if header.rows != 0 and not lead.lines and header.types != lead.types:
        order = columns_in(header, lead)
        types = header.types if order is None else tuple(header.types[place] for place in order)
    return Facts(types, header.dtype, header.decimals, header.rows, header.shape)


def _difference(header: Header, lead: Header) -> str:
    if header.format != lead.format:
        return f"is {header.format}, {lead.path} is {lead.format}; expected parts of one format"
    if header.rows == 0 or header is lead:
        return ""
    if (header.names is None) != (lead.names is None):
        with_, without = (lead, header) if header.names is None else (header, lead)
        return f"{without.path} has no header line, {with_.path} has one"
    lists = _lists_differ(header, lead)
    if lists:
        return lists
    if header.names is not None and lead.names is not None and header.names != lead.names:
        named = _names_differ(header.names, lead.names, lead.path)
        if named:
            return named
    if header.width != lead.width:
        return f"has {header.width:,} columns, {lead.path} has {lead.width:,}"
    if (header.shape or ())[1:] != (lead.shape or ())[1:] or len(header.shape or ()) != len(lead.shape or ()):
        return f"holds an array of shape {header.shape}, {lead.path} of shape {lead.shape}"
    return "" if lead.lines else _types_differ(header, lead)


def _lists_differ(header: Header, lead: Header) -> str:
    widths = {each.name: each.width for each in lead.vectors}
    for each in header.vectors:
        if widths.get(each.name, each.width) != each.width:
            return f'"{each.name}" holds lists of {each.width:,} numbers, in {lead.path} of {widths[each.name]:,}'
    return ""


def _names_differ(names: tuple[str, ...], others: tuple[str, ...], path: str) -> str:
    here, there = set(names), set(others)
    missing = next((name for name in others if name not in here), None)
    added = next((name for name in names if name not in there), None)
    if missing is None and added is None:
        return ""
    close = suggestion(missing, [*here - there]) if missing is not None and added is not None else ""
    if missing is not None:
        said = f'has no column "{missing}", which {path} has'
        return f'{said} (but "{added}")' if close else said
    return f'has a column "{added}", which {path} has not'


def _types_differ(header: Header, lead: Header) -> str:
    if header.types == lead.types:
        return ""
    order = columns_in(header, lead)
    for column, word in enumerate(lead.types):
        own = header.types[column if order is None else order[column]]
        if own != word and not (own in _NUMBERS and word in _NUMBERS):
            return f'"{lead.name(column)}" holds {own}, in {lead.path} {word}'
    return ""


def columns_in(header: Header, lead: Header) -> list[int] | None:
    """Where the columns of the leading part stand in another; None where they stand in the same places."""
    if header.names is None or lead.names is None or header.names == lead.names:
        return None
    places = {name: place for place, name in enumerate(header.names)}
    return [places[name] for name in lead.names]


def united(lead: Header, parts: Sequence[Facts]) -> Header:
    """The header of all parts together: numbers are whole only where all parts say so; rows and first sides add up."""
    words = dict.fromkeys(word for each in parts for word in each.dtype.split(" and "))
    rows = [each.rows for each in parts if each.rows is not None]
    shape = None
    if lead.shape is not None:
        shape = (sum(each.shape[0] for each in parts if each.shape), *lead.shape[1:])
    types = lead.types
    for each in parts:
        if each.types is not lead.types:
            types = tuple(FLOAT if FLOAT in pair else pair[0] for pair in zip(types, each.types, strict=True))
    return replace(
        lead, types=types, dtype=" and ".join(words), decimals=any(each.decimals for each in parts), shape=shape,
        rows=sum(rows) if len(rows) == len(parts) else None,
    )  # fmt: skip
