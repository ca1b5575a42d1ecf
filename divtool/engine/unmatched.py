"""What is said of ids that stand twice or on one side only: which id, in which row of which file, and what may help."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from divtool.engine.inputs import Input
from divtool.engine.matching import FOLLOWER, LEADER, Tally
from divtool.errors import InputError
from divtool.formats.keys import Keys, text_keys
from divtool.meaning.ids import BY_POSITION

_READ = 4 << 20
_SHOWN = 60
# Leading zeros, and the point that a column of whole numbers gets where a cell of it is empty.
_NUMBER, _PLAIN = r"^([+-]?)0*([0-9]+)(\.0*)?$", r"\1\2"


def fault_of(found: Tally, leader: Input, follower: Input, *, inner: bool) -> InputError | None:
    """The error for the first id that stands twice, else for the first that one side lacks; None if all fit. With
    ``inner`` ids that one side lacks are no fault, unless the sides have none in common."""
    sides = (leader, follower)
    if found.common == 0:
        return _nothing_in_common(leader, follower)
    faults = [(row, side, True) for side, row in enumerate(found.twin) if row is not None]
    if not inner:
        faults += [(row, side, False) for side, row in enumerate(found.lost) if row is not None]
    if not faults:
        return None
    # One id twice makes another one missing: the twin is the cause.
    row, side, twin = min([fault for fault in faults if fault[2]] or faults)
    own, other = sides[side], sides[FOLLOWER if side == LEADER else LEADER]
    name = shortened(id_of(own, row))
    if twin:
        return own.source.place_of(row).refusal(
            f'the id "{name}" stands there a second time; expected each id once',
            hint="remove one of the two rows; no way of joining chooses between them; " + BY_POSITION,
        )
    return own.source.place_of(row).refusal(
        f'the id "{name}" is not in {other.title}{_how_many(found, side)}',
        hint=(_near(id_of(own, row), other) or "both files must hold the same ids, each once")
        + "; --join inner leaves out what one file alone has; "
        + BY_POSITION,
    )


def _how_many(found: Tally, side: int) -> str:
    lost = found.ids[side] - found.common
    return "" if lost == 1 else f" (nor are {lost - 1:,} other ids of {found.ids[side]:,})"


def _nothing_in_common(leader: Input, follower: Input) -> InputError:
    first, second = id_of(leader, 0), id_of(follower, 0)
    return InputError(
        f'has no id that {follower.title} has: it begins with "{shortened(first)}", {os.path.basename(follower.title)}'
        f' with "{shortened(second)}"; are these the same ids?',
        path=leader.title,
        hint=(_near(first, follower) or "--id names the columns that hold the same ids") + "; " + BY_POSITION,
    )


def id_of(given: Input, row: int) -> str:
    """The id of a row, read again."""
    for ids in _ids(given.ids_only(), row, row + 1):
        return ids.text(0)
    return ""


def _ids(given: Input, first: int, stop: int) -> Iterator[Keys]:
    for slab in given.slabs(given.locate(first, stop), _READ):
        assert slab.ids is not None
        yield slab.ids


def _near(text: str, other: Input) -> str:
    """The way an id is written in the other file, if it is there with other spaces, capitals or zeros."""
    wanted, given = _alike(text_keys([text]).arrow())[0], other.ids_only()
    for extent in given.extents(_READ):
        for slab in given.slabs(extent, _READ):
            assert slab.ids is not None
            at = pc.index(_alike(slab.ids.arrow()), wanted).as_py()
            if at >= 0:
                return f'there is "{shortened(slab.ids.text(at))}": ids are compared letter by letter'
    return ""


def _alike(ids: pa.Array) -> pa.Array:
    """Ids as one would compare them by eye."""
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(ids))
    return pc.replace_substring_regex(plain, _NUMBER, _PLAIN)


def shortened(text: str) -> str:
    """An id short enough for a message."""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
