"""Files that must be refused, each a declaration: what the file holds, the command, and what the error must say."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

# Text, bytes, what makes the file, or rows of numbers that become an NPY file.
Content: TypeAlias = str | bytes | Callable[[Path], object] | list[Any] | np.ndarray


@dataclass(frozen=True)
class Bad:
    """Files and a command over them that ends with ``status``. The error begins with ``file`` (if there is one), then
    the line, row and column that are given, and no others; it has the words ``says`` in it, its hint the words ``hint``
    (None: there is no hint). ``constants`` of the program are set for this run, to make large things small; ``known``
    is what is still wrong with the error."""

    name: str
    files: Mapping[str, Content]
    command: str
    file: str | None = None
    says: str = ""
    hint: str | None = None
    line: int | None = None
    row: int | None = None
    own: int | None = None
    column: str | None = None
    status: int = 3
    stdin: bytes = b""
    constants: Mapping[str, float] = field(default_factory=dict)
    known: str = ""

    @property
    def arguments(self) -> list[str]:
        """The command as a list."""
        return shlex.split(self.command)

    def build(self, folder: Path) -> None:
        """Write the files."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str | bytes):
                path.write_bytes(content.encode() if isinstance(content, str) else content)
            elif callable(content):
                content(path)
            else:
                with open(path, "wb") as file:
                    np.save(file, np.asarray(content))

    @property
    def place(self) -> str:
        """What the error begins with."""
        pieces = [] if self.file is None else [self.file]
        place = ""
        if self.line is not None:
            place = f"line {self.line}" + ("" if self.row is None else f" (row {self.row})")
        elif self.row is not None:
            place = f"row {self.row}" + ("" if self.own is None else f" (row {self.own} of this file)")
        if self.column is not None:
            place += f'{", " * bool(place)}column "{self.column}"'
        return "".join(f"{piece}: " for piece in [*pieces, place] if piece)

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def lines(*rows: str) -> str:
    """A text file of these lines."""
    return "".join(row + "\n" for row in rows)


def late(head: str, usual: str, odd: str, before: int = 3000) -> str:
    """A text file in which one row is other than those before and after it: row ``before``, on the line two further."""
    return lines(head, *[usual] * before, odd, *[usual] * 3)


def late_array(usual: list[float], odd: list[float], before: int = 3000, dtype: str = "f8") -> np.ndarray:
    """An array with such a row."""
    return np.array([usual] * before + [odd] + [usual] * 3, dtype)
