"""The files of a table in parts, opened when they are needed: of thousands, only the last few used are held open."""

from __future__ import annotations

from collections import OrderedDict
from copy import copy
from dataclasses import replace
from threading import RLock
from typing import Any, cast

from divtool.errors import InputError
from divtool.formats.compressed import packing_of, unpacked
from divtool.formats.fingerprint import check_fingerprint, fingerprint
from divtool.formats.folders import Listing
from divtool.formats.opening import HEAD, Found, open_local
from divtool.formats.source import Arranged, Container, Source, Ways

_HELD_OPEN = 16


class Parts:
    """The files of a table, opened when they are needed."""

    def __init__(self, listing: Listing, ways: Ways, member: str | None = None) -> None:
        self.listing, self.member = listing, member
        self._ways = replace(ways, concat=False)
        self._axis: tuple[int | None, str] | None = None
        self._unpacked: dict[int, str] = {}
        self._before = [fingerprint(path) for path in listing.paths]
        self._open: OrderedDict[int, Source] = OrderedDict()
        self.lock = RLock()

    def __len__(self) -> int:
        return len(self.listing.paths)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_open", "lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open, self.lock = OrderedDict(), RLock()

    @property
    def size(self) -> int:
        """The size of all files together."""
        return sum(before[2] for before in self._before)

    def size_of(self, number: int) -> int:
        """The size of a file."""
        return self._before[number][2]

    def arranged(self, axis: int | None, said: str) -> Parts:
        """The same files, arrays whose classes lie on another axis."""
        other = copy(self)
        other._axis = axis, said
        return other

    def found(self, number: int) -> Found:
        """What one of the files holds."""
        path = self.listing.paths[number]
        check_fingerprint(path, self._before[number], path)
        try:
            return open_local(self._plain(number, path), path, self._ways)
        except InputError as error:
            hint = self.listing.way_out if "--concat" in self.listing.way_out else error.hint
            raise InputError(error.what, path=error.path, row=error.row, line=error.line, hint=hint) from None

    def _plain(self, number: int, path: str) -> str:
        """Where the bytes lie: in the file, or unpacked in a temporary one, once."""
        if number not in self._unpacked:
            with open(path, "rb") as file:
                packing = packing_of(file.read(HEAD))
            if packing is None:
                return path
            self._unpacked[number] = unpacked(path, path, packing)
        return self._unpacked[number]

    def source(self, number: int) -> Source:
        """One of the files, open; it may be used by other threads as well."""
        with self.lock:
            if number not in self._open:
                self._open[number] = self._chosen(number)
                if len(self._open) > _HELD_OPEN:
                    self._open.popitem(last=False)
            self._open.move_to_end(number)
            return self._open[number]

    def _chosen(self, number: int) -> Source:
        found = self.found(number)
        if isinstance(found, Container):
            if self.member is None or self.member not in [each.name for each in found.members]:
                raise InputError("holds several arrays", path=found.path, hint=self.listing.way_out)
            found = found.open(self.member)
        elif self.member is not None:
            raise InputError("is one table; the other parts hold several", path=found.header.path)
        return found if self._axis is None else cast(Arranged, found).with_class_axis(*self._axis)

    def check_unchanged(self) -> None:
        """Refuse if a file changed, was added or was taken away."""
        self.listing.check_unchanged()
        for path, before in zip(self.listing.paths, self._before, strict=True):
            check_fingerprint(path, before, path)
        # What lies in an archive has a checksum, which is compared at the end of a run and not before.
        for number in range(len(self)) if self.member is not None else ():
            self.source(number).check_unchanged()
