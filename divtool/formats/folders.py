"""The files of a folder or a glob that together are one table: which they are, in which order, and what the names of
their folders say (``split=test/fold=3``)."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from dataclasses import dataclass
from urllib.parse import unquote

from divtool.errors import InputError
from divtool.formats.opening import is_glob, matching
from divtool.registry import natural

# Folders in which a log, not the presence of a file, says what belongs to the table.
_KEPT_OTHERWISE = {
    "_delta_log": ("is a Delta Lake table, whose log says which files count", "deltalake.DeltaTable(FOLDER)"),
    ".hoodie": ("is a Hudi table, whose log says which files count", "the reader of Hudi"),
    ".zarray": ("is a Zarr array", "zarr.open(FOLDER)"),
    ".zgroup": ("is a Zarr group", "zarr.open(FOLDER)"),
    "zarr.json": ("is a Zarr array", "zarr.open(FOLDER)"),
}
# What lies beside the parts and speaks of them.
_ABOUT = re.compile(
    r"(readme|licen[cs]e|copying|notice)(\.(md|txt|rst))?|.*\.md|.*\.(md5|sha1|sha256|sha512|crc|crc32)(sums?)?"
    r"|((md5|sha1|sha256|sha512)sums?|checksums?)(\.txt)?", re.IGNORECASE
)  # fmt: skip
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Listing:
    """The parts of ``name`` (a folder or a glob) in natural order. Each has a value for each of the ``keys`` that the
    names of folders give; None stands for a missing one.
    ``passed`` are the files that speak of the parts and are none."""

    name: str
    paths: tuple[str, ...]
    keys: tuple[str, ...] = ()
    values: tuple[tuple[str | None, ...], ...] = ()
    passed: tuple[str, ...] = ()

    @property
    def usual_suffix(self) -> str:
        """The suffix of most parts."""
        return Counter(map(_suffix, self.paths)).most_common(1)[0][0]

    @property
    def usual(self) -> list[int]:
        """The numbers of the parts that have it."""
        suffix = self.usual_suffix
        return [number for number, path in enumerate(self.paths) if _suffix(path) == suffix]

    @property
    def way_out(self) -> str:
        """What to do when one part is not like the others."""
        usual = self.usual
        if len(usual) == len(self.paths) or is_glob(self.name):
            return "every part must be like the others; choose them with a glob and --concat"
        between = os.path.relpath(self.paths[usual[0]], self.name).count(os.sep)
        pattern = os.path.join(self.name, *["*"] * between, "*" + self.usual_suffix)
        return f"choose the parts: '{pattern}' --concat"

    def check_unchanged(self) -> None:
        """Refuse if files were added or taken away."""
        now = set(_paths(self.name)[0])
        for path in self.paths:
            if path not in now:
                raise InputError("was taken away while the table was read", path=path, hint=_AGAIN)
        added = now.difference(self.paths)
        if added:
            raise InputError("was added while the table was read", path=min(added), hint=_AGAIN)


_AGAIN = "run again when nothing writes to the folder any more"


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1]


def list_parts(name: str) -> Listing:
    """The parts of a folder or of a glob. Raises :class:`InputError` where there is none, or a thing that is none."""
    paths, passed = _paths(name)
    if not paths:
        raise InputError(
            "the folder holds no file that could be a part of a table", path=name,
            hint="names that begin with '.' or '_' are passed over, and README files",
        )  # fmt: skip
    for path in paths:
        _refuse_other_things(path)
    pairs = [_pairs(os.path.relpath(os.path.dirname(path), _root(name))) for path in paths]
    keys = tuple(key for key, _ in pairs[0])
    for path, each in zip(paths, pairs, strict=True):
        if tuple(key for key, _ in each) != keys:
            raise InputError(
                f"the folders above it are keyed by {_said(each)}, those of {paths[0]} by {_said(pairs[0])}",
                path=path, hint="every part must have the same keys, in the same order",
            )  # fmt: skip
    values = tuple(tuple(value for _, value in each) for each in pairs) if keys else ()
    return Listing(name, tuple(paths), keys, values, tuple(map(os.path.basename, passed)))


def _paths(name: str) -> tuple[list[str], list[str]]:
    """The parts, and what only speaks of them."""
    found = _all_paths(name)
    about = [_ABOUT.fullmatch(os.path.basename(path)) is not None for path in found]
    passed = [path for path, aside in zip(found, about, strict=True) if aside]
    return [path for path, aside in zip(found, about, strict=True) if not aside], passed


def _all_paths(name: str) -> list[str]:
    if not is_glob(name):
        return sorted(_files_in(name), key=_order)
    hidden = os.path.basename(name).startswith("_")
    found = [path for path in matching(name) if hidden or not os.path.basename(path).startswith("_")]
    files = [each for path in found for each in (_files_in(path) if os.path.isdir(path) else [path])]
    return sorted(set(files), key=_order)


def _order(path: str) -> tuple[object, ...]:
    # Names that differ in leading zeros alone are told apart by their characters.
    return natural(path), path


def _files_in(folder: str) -> list[str]:
    """All files below a folder, but for those that other programs leave there for themselves."""
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        state = os.stat(place)
        if (state.st_dev, state.st_ino) in seen:
            raise InputError("a link leads to a folder of the table a second time", path=place, hint="remove the link")
        seen.add((state.st_dev, state.st_ino))
        for other in _KEPT_OTHERWISE.keys() & {*folders, *names}:
            said, reader = _KEPT_OTHERWISE[other]
            raise InputError(said, path=place, hint=f"write the rows that count to Parquet or NPY: {reader}")
        folders[:] = [each for each in folders if "=" in each or not each.startswith((".", "_"))]
        found += [os.path.join(place, each) for each in names if not each.startswith((".", "_"))]
    return found


def _refuse(error: OSError) -> None:
    raise InputError(f"cannot be read: {error.strerror}", path=str(error.filename))


def _refuse_other_things(path: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from None
    if not stat.S_ISREG(mode):
        raise InputError("is no regular file", path=path, hint="expected a part of a table")


def _root(name: str) -> str:
    """The folder below which the names of folders speak: that before the first of a glob's patterns."""
    if not is_glob(name):
        return name
    pieces = name.split(os.sep)
    plain = next(i for i, piece in enumerate(pieces) if any(mark in piece for mark in "*?["))
    return os.sep.join(pieces[:plain]) or (os.sep if name.startswith(os.sep) else os.curdir)


def _pairs(folders: str) -> list[tuple[str, str | None]]:
    """Key and value of each folder on the way that is named so."""
    pairs = [piece.partition("=") for piece in folders.split(os.sep) if "=" in piece]
    return [(unquote(key), None if value == _NO_VALUE else unquote(value)) for key, _, value in pairs]


def _said(pairs: list[tuple[str, str | None]]) -> str:
    return ", ".join(key for key, _ in pairs) or "nothing"
