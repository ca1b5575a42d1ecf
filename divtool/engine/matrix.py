"""``matrix``: every two of several files by some measures, in one pass over each file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from divtool import __version__
from divtool.engine.candidates import pairs_of, short_names
from divtool.engine.compare import applying, leading_measure
from divtool.engine.inputs import WEIGHT_ROLE
from divtool.engine.request import Request, request_of
from divtool.engine.run import Progress, run_request
from divtool.errors import UsageError
from divtool.measures.declare import MEASURES
from divtool.options import Reading, fields_of
from divtool.registry import suggestion
from divtool.result import Matrix, MatrixResult, MeasureResult

# What is asked of single measures besides: how files are read, and what is computed of their rows.
MEASURING = ("base", "temperature", "zeros", "empty", "sample_weight")
RUNNING = ("threads", "chunk_size")
OPTIONS = (*(each.name for each in fields_of(Reading)), *MEASURING, *RUNNING)

# Beyond so many files there are more pairs than anybody reads.
MOST_FILES = 100


def matrix_result(files: Sequence[Any], options: Mapping[str, Any], progress: Progress | None = None) -> MatrixResult:
    """Each measure of every two files. Raises :class:`UsageError` for one file, or for measures of other files."""
    request = _request(files, options)
    if not 2 <= len(files) <= MOST_FILES:
        raise UsageError(
            f"matrix takes 2 files or more, up to {MOST_FILES}, not {len(files)}", hint="usage: divtool matrix FILES..."
        )
    result = run_request(request, progress=progress, every_pair=True)
    scored = [each for each in result.inputs if each.roles[:1] != (WEIGHT_ROLE,)]
    aside = result.inputs[len(scored) :]
    inputs = (*(replace(each, roles=(str(place + 1),)) for place, each in enumerate(scored)), *aside)
    names = short_names([each.path for each in scored])
    place_of = {name: place for place, name in enumerate(result.candidates)}
    labels = dict.fromkeys(each.name for each in result.results)
    found = [_matrix([each for each in result.results if each.name == label], place_of, len(names)) for label in labels]
    return MatrixResult(
        version=__version__, inputs=inputs, matched=result.matched, names=names, matrices=tuple(found),
        rows=result.rows, warnings=result.warnings, settings=result.settings,
    )  # fmt: skip


def _request(files: Sequence[Any], options: Mapping[str, Any]) -> Request:
    given = options.get("measure") or ("js",)
    words = [word for text in ([given] if isinstance(given, str) else given) for word in text.split(",")]
    first, keywords = leading_measure(words[0])
    if first.roles != ("p", "q"):
        raise UsageError(f"-m {words[0]}: a matrix is of two distributions; {first.name} takes labels")
    if str(options.get("zeros", "")).strip().lower() in ("drop", "error"):
        raise UsageError(
            "--zeros drop and --zeros error look at the rows of two files; a matrix has many pairs of them",
            hint="--zeros smooth:EPS or clip:EPS changes all rows alike",
        )
    # Nothing that nobody asked for: there are many pairs already.
    for name in options:
        if name not in (*OPTIONS, "measure"):
            raise UsageError(f'matrix has no option "{name}"', hint=suggestion(name, list(OPTIONS)))
    own = {**applying(first, options), **keywords, "measure": tuple(words[1:]), "quiet": True}
    return request_of(first, files, own)


def _matrix(results: Sequence[MeasureResult], place_of: Mapping[str, int], count: int) -> Matrix:
    """The results of one measure in rows and columns; of a symmetric one both halves."""
    cells: list[list[MeasureResult | None]] = [[None] * count for _ in range(count)]
    pairs = pairs_of(count)
    first = results[0]
    symmetric = "symmetric" in MEASURES.get(first.measure).laws
    for each in results:
        i, j = pairs[place_of[each.candidate or ""]]
        cells[i][j] = each
        if symmetric:
            cells[j][i] = each
    whole = [[each for each in row if each is not None] for row in cells]
    return Matrix(
        measure=first.measure, label=first.name, title=first.title, unit=first.unit, better=first.better,
        symmetric=symmetric, direction=first.direction,
        values=tuple(tuple(each.value for each in row) for row in whole),
        std_errors=tuple(tuple(each.std_error for each in row) for row in whole),
        infinite=tuple(tuple(each.infinite for each in row) for row in whole), n=first.n,
    )  # fmt: skip
