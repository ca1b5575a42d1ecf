"""Every error that divtool raises on purpose, each class with the exit status it ends a command with.

    DivtoolError            70  an internal fault, if nothing more exact is known
    |-- UsageError           2  the command line, or the arguments of a call, do not fit together
    |-- InputError           3  a file or array is not what it was taken for: where, what, what was expected
    |-- ResourceError        4  memory, a missing extra, a missing engine
    |-- OutputError          5  a result could not be written
    `-- EngineError          6  a worker or a scheduler failed

Every message reads *where - what is wrong - what was expected*; what to do about it stands in ``hint``.
"""

from __future__ import annotations


class DivtoolError(Exception):
    """The root of the tree. ``hint`` is one line that tells the reader what to do."""

    status = 70

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message + (f"\nhint: {self.hint}" if self.hint else "")

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders; the default would drop keyword arguments.
        return _rebuild, (type(self), self.__dict__.copy())


def _rebuild(kind: type[DivtoolError], state: dict[str, object]) -> DivtoolError:
    error = kind.__new__(kind)
    Exception.__init__(error, state.get("message", ""))
    error.__dict__.update(state)
    return error


class UsageError(DivtoolError):
    """The arguments do not fit together; nothing was read."""

    status = 2


class InputError(DivtoolError):
    """A file, or a place in it, is not what it was taken for.

    ``row`` counts data rows from 0, as in every output's ``row`` column; ``line`` counts lines of a text file from 1.
    Of a table in several files, ``path`` is the one with the row, whose number in that file is ``own_row``.
    """

    status = 3

    def __init__(
        self,
        message: str,
        *,
        path: str = "",
        row: int | None = None,
        line: int | None = None,
        own_row: int | None = None,
        column: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(_placed(message, path, row, line, own_row, column), hint=hint)
        self.what, self.path, self.row, self.line, self.column = message, path, row, line, column

    def moved(self, rows: int) -> InputError:
        """The same error of a row that has ``rows`` rows of other files of its table before it."""
        if self.row is None:
            return self
        own = self.row if rows else None
        return InputError(
            self.what, path=self.path, row=self.row + rows, line=self.line, own_row=own, column=self.column,
            hint=self.hint,
        )  # fmt: skip


def _placed(message: str, path: str, row: int | None, line: int | None, own_row: int | None, column: str | None) -> str:
    place = ""
    if line is not None:
        place = f"line {line}" if row is None else f"line {line} (row {row})"
    elif row is not None:
        place = f"row {row}" + (f" (row {own_row} of this file)" if own_row is not None else "")
    if column is not None:
        place += f'{", " if place else ""}column "{column}"'
    return ": ".join(piece for piece in (path, place, message) if piece)


class ResourceError(DivtoolError):
    """The machine, or what is installed on it, does not suffice."""

    status = 4


class OutputError(DivtoolError):
    """A result could not be written; what stood there before stands there still."""

    status = 5


class EngineError(DivtoolError):
    """A worker or a scheduler failed, not the data."""

    status = 6
