"""Which rows several states hold, and where they stand among all: slices of one file, or files one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from divtool.engine.saved import Stretch, with_rows
from divtool.errors import InputError
from divtool.result import InputReport

# So many stretches of missing rows are named.
_NAMED = 3


@dataclass
class Placed:
    """The files of some rows, and which state has which of them."""

    stretch: Stretch
    owners: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What the first file is called."""
        return self.stretch.inputs[0].path

    def take(self, stretch: Stretch, path: str) -> None:
        """More of the rows, which no other state may have."""
        for first, stop in stretch.rows:
            for low, high, owner in self.owners:
                if first < high and low < stop:
                    raise InputError(
                        f"rows {max(first, low):,} to {min(stop, high) - 1:,} of {self.title} are in {owner} as well",
                        path=path, hint=_SEPARATE,
                    )  # fmt: skip
            self.owners.append((first, stop, path))
        self.stretch = with_rows(self.stretch, [(first, stop) for first, stop, _ in self.owners])


_SEPARATE = "leave one of them out; or, if these are different files of the same name: --separate"


class Layout:
    """Files in the order in which they first come up; their rows are numbered one after the other."""

    def __init__(self, *, separate: bool = False) -> None:
        self.separate = separate
        self.files: list[Placed] = []

    def place(self, stretches: Sequence[Stretch], path: str) -> int:
        """Take what a state holds; by how much its row numbers are to be raised. Raises :class:`InputError` for rows
        that are there already, for files that cannot be told apart, and for another order of the same files."""
        own = 0
        shifts = []
        known = len(self.files)
        for stretch in stretches:
            place = self._place_of(stretch, path, known if self.separate else len(self.files))
            self.files[place].take(stretch, path)
            shifts.append(self._first_row(place) - own)
            own += stretch.count
        if len(set(shifts)) > 1:
            raise InputError(
                "holds the rows of several files in another order than the states before it", path=path,
                hint="merge the states of single files, in the order of their rows",
            )  # fmt: skip
        return shifts[0]

    def _place_of(self, stretch: Stretch, path: str, known: int) -> int:
        """The place of these files, which are added if they are new."""
        key, paths = _key(stretch.inputs), {each.path for each in stretch.inputs}
        for place, each in enumerate(self.files[:known] if not self.separate else ()):
            if _key(each.stretch.inputs) == key:
                return place
            shared = sorted(paths & {report.path for report in each.stretch.inputs})
            if shared:
                raise InputError(
                    f"is of {_said(stretch.inputs)}, {each.owners[0][2]} of {_said(each.stretch.inputs)}: they share"
                    f" {shared[0]}, and are not the same", path=path, hint=_SEPARATE,
                )  # fmt: skip
        self.files.append(Placed(replace(stretch, rows=())))
        return len(self.files) - 1

    def _first_row(self, place: int) -> int:
        return sum(each.stretch.count for each in self.files[:place])

    @property
    def total(self) -> int:
        """The rows of all files."""
        return self._first_row(len(self.files))

    @property
    def known(self) -> tuple[tuple[int, int], ...]:
        """The rows that are known, among those of all files."""
        shifted = [
            (first + self._first_row(place), stop + self._first_row(place))
            for place, each in enumerate(self.files) for first, stop in each.stretch.rows
        ]  # fmt: skip
        return with_rows(self.files[0].stretch, shifted).rows

    @property
    def rows(self) -> str | None:
        """The known rows as an option says them; None where they are all."""
        known = self.known
        return None if known == ((0, self.total),) else ",".join(f"{first}:{stop}" for first, stop in known)

    def gaps(self) -> Iterator[str]:
        """What is to be said of rows between others that are in no state."""
        known = self.known
        found = [
            (each.title, max(stop, low) - low, min(first, high) - low)
            for (_, stop), (first, _) in pairwise(known)
            for each, low, high in self._bounds() if stop < high and low < first
        ]  # fmt: skip
        for title, first, stop in found[:_NAMED]:
            said = (
                f"row {first:,} of {title} is"
                if stop - first == 1
                else f"rows {first:,} to {stop - 1:,} of {title} are"
            )
            yield f"{said} in none of the states"
        if len(found) > _NAMED:
            yield f"{len(found) - _NAMED:,} more stretches of rows are in none of the states"

    def _bounds(self) -> Iterator[tuple[Placed, int, int]]:
        for place, each in enumerate(self.files):
            yield each, self._first_row(place), self._first_row(place) + each.stretch.count


def _key(inputs: Sequence[InputReport]) -> tuple[object, ...]:
    """What tells files from others."""
    return tuple((each.path, each.format, each.dtype, each.rows, each.columns, each.shape) for each in inputs)


def _said(inputs: Sequence[InputReport]) -> str:
    return " and ".join(f"{each.path} ({each.rows:,} rows)" for each in inputs)
