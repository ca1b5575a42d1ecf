"""One verb run for the command line: compute, then print or write."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from typing import IO, Any

from divtool import api
from divtool.calibrated import CalibrationResult
from divtool.cli.progress import Progress
from divtool.errors import OutputError, UsageError
from divtool.formats.atomic import whole_file
from divtool.measures.declare import Declaration
from divtool.reports import render
from divtool.reports.rendering import as_bytes, form_of_suffix
from divtool.reports.rows import shown, spool_writer
from divtool.reports.safetext import safe
from divtool.result import Result

# Forms that hold figures, and no rows.
_OF_FIGURES = ("parquet", "html")


def run_verb(
    declared: Declaration, operands: list[str], options: dict[str, Any], *, run: Callable[..., Result] = api.run,
    measures: int = 0,
) -> int:  # fmt: skip
    """Run a measure or a transform and print what it gives. The status is 1 where a threshold was not kept. ``run`` is
    called as :func:`divtool.api.run` is; so many ``measures`` may be named where one number is wanted."""
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    form = form_of(options.get("format"), options.get("output"), declared, options, measures)
    if options.get("explain"):
        _explain(declared, operands, options, form)
        return 0
    with ExitStack() as stack:
        spools: list[IO[bytes]] = []

        def rows_to(keys: Any, numbers: Any) -> Any:
            spools.append(tempfile.TemporaryFile(prefix="divtool-rows-"))  # noqa: SIM115
            stack.callback(_dropped, spools[-1])
            return spool_writer(form, spools[-1], keys, numbers)

        with Progress(options.get("progress")) as progress:
            charts = form in ("table", "html") and not options.get("quiet")
            result = run(declared, operands, options, rows_to=rows_to, progress=progress, shapes=charts)
        tell(result.warnings)
        if spools:
            # A run that had to start again with its rows in order has begun a second spool.
            emit(_harmless(shown(form, spools[-1], result.version, result.command)))
        elif options.get("output") not in result.written:
            emit([as_bytes(text_of(result, form, options))], output=options.get("output"))
    print_written(result)
    # A table on a terminal has said it already.
    return told_gates(result, shown=form == "table" and options.get("output") is None and sys.stdout.isatty())


def told_gates(result: Result | CalibrationResult, *, shown: bool = False) -> int:
    """Say of each threshold whether it was kept, unless it is ``shown``; 1 if one was not."""
    if result.gates and not shown:
        from divtool.engine.gates import said

        for gate in result.gates:
            print(f"divtool: {safe(said(gate), 400)}", file=sys.stderr)
    return 1 if result.failed else 0


def _explain(declared: Declaration, operands: list[str], options: dict[str, Any], form: str) -> None:
    from divtool.reports.inspection import explained_as_json, explained_as_text

    told = api.explain(declared.name, *operands, **options)
    tell(told.warnings)
    text = explained_as_json(told) if form == "json" else explained_as_text(told, terminal=on_terminal(None))
    emit([text.encode()])


def emit_records(text: str | bytes, form: str, output: str | None) -> None:
    """A report that is already made; what stands in its cells must not move a terminal's cursor."""
    pieces: Iterable[bytes] = [as_bytes(text)]
    # The other forms are harmless wherever they go, and a table on a terminal has colours of its own.
    emit(_harmless(pieces) if output is None and form in ("tsv", "csv") else pieces, output=output)


def _harmless(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Ids as they are in a file or a pipe; on a terminal they must not move the cursor."""
    if not sys.stdout.isatty():
        yield from pieces
        return
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield b"".join(_harmless_line(line) + b"\n" for line in lines)
    yield _harmless_line(rest)


def _harmless_line(line: bytes) -> bytes:
    return "\t".join(safe(cell, 1 << 20) for cell in line.decode("utf-8", "replace").split("\t")).encode()


def text_of(result: Result, form: str, options: dict[str, Any]) -> str | bytes:
    """The result in the form asked for."""
    if options.get("quiet"):
        # One number for each file that was scored, in the order given.
        return "".join(f"{each.value!r}\n" for each in result.results if each.name == result.results[0].name)
    output = options.get("output")
    return render(
        result, form, digits=options.get("digits") or 7, terminal=on_terminal(output), ascii_only=plain_signs(output)
    )


def form_of(
    asked: str | None, output: str | None, declared: Declaration, options: dict[str, Any], measures: int = 0
) -> str:
    """The form of the report: asked for, else by the output's suffix, else a table on a terminal and TSV in a pipe. So
    many ``measures`` may be named where one number is wanted."""
    rows = declared.is_transform or options.get("reduction") == "none"
    if options.get("quiet"):
        _check_quiet(asked, options, rows, measures)
    if asked is not None:
        if output and rows:
            raise UsageError("--format says how to print; the form of a file of rows follows from its suffix")
        if rows and asked in _OF_FIGURES:
            raise UsageError(f"--format {asked} is for figures, not for rows", hint="-o rows.parquet writes rows")
        return chosen_form(asked, output)
    if output and not rows:
        return form_of_suffix(output)
    return chosen_form(None, None)


def _check_quiet(asked: str | None, options: dict[str, Any], rows: bool, measures: int) -> None:
    """Refuse what asks for more than a bare number."""
    if len(",".join(options.get("measure") or ()).split(",")) > measures and options.get("measure"):
        raise UsageError("--quiet prints one number; -m asks for more", hint="-f json or -f tsv holds all of them")
    if rows:
        raise UsageError("--quiet prints one number; --reduction none gives one for each row")
    if asked is not None or options.get("output") is not None:
        flag = "--format" if asked is not None else "--output"
        raise UsageError(f"--quiet prints the bare number; {flag} asks for more")


def chosen_form(asked: str | None, output: str | None) -> str:
    """The form of a report: asked for, else by the output's suffix, else a table on a terminal and TSV in a pipe."""
    if asked == "parquet" and output is None and sys.stdout.isatty():
        raise UsageError("--format parquet is binary, which a terminal cannot show", hint="-o result.parquet writes it")
    if asked is not None:
        return asked
    if output is not None:
        return form_of_suffix(output)
    return "table" if sys.stdout.isatty() else "tsv"


def on_terminal(output: str | None) -> bool:
    """Whether what is printed is seen on a terminal that can show it."""
    return sys.stdout.isatty() and output is None and os.environ.get("TERM") != "dumb"


def plain_signs(output: str | None) -> bool:
    """Whether charts must do without Unicode: on what a dumb terminal shows, and wherever the locale has none."""
    # Python itself writes UTF-8 where the locale is C; who says so for all of it has no signs for that.
    if os.environ.get("LC_ALL") in ("C", "POSIX"):
        return True
    if output is not None:
        return False
    dumb = os.environ.get("TERM") == "dumb" and sys.stdout.isatty()
    return dumb or not (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def emit(pieces: Iterable[bytes], output: str | None = None) -> None:
    """To standard output, or to a file that appears whole."""
    if output is None:
        if all(map(_printed, pieces)):
            _printed(b"", flush=True)
        return
    with whole_file(output) as stream:
        for piece in pieces:
            stream.write(piece)


def _printed(piece: bytes, *, flush: bool = False) -> bool:
    """Print; False where whoever read the output has seen enough: the rest goes nowhere, and the program ends as if it
    had been read."""
    try:
        rest = memoryview(piece)
        while rest:
            # Where Python was told not to buffer, a part may be written and no error given.
            rest = rest[sys.stdout.buffer.write(rest) :]
        if flush:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    except OSError as error:
        raise OutputError(f"standard output: could not be written: {error.strerror}") from None
    return True


def _dropped(spool: IO[bytes]) -> None:
    """Close a temporary file that nobody needs any more, written to the disk or not."""
    with suppress(OSError):
        spool.close()


def tell(warnings: Iterable[str]) -> None:
    """Warnings go to standard error."""
    for warning in warnings:
        print(f"divtool: warning: {safe(warning, 400)}", file=sys.stderr)


def print_written(result: Result) -> None:
    """On a terminal, say what was written and from what; a script hears nothing."""
    if sys.stderr.isatty():
        for path in result.written:
            print(f"wrote {safe(path)} ({result.rows:,} rows)", file=sys.stderr)
