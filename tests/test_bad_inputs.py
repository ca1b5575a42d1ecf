"""Every file of the corpus is refused with its place and a way out, and nothing else is said."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from bad_arrays import ARRAYS
from bad_inputs import Bad
from bad_meaning import MEANING
from bad_tables import TABLES
from bad_text import TEXT
from nursery import Nursery

CORPUS = (*MEANING, *TEXT, *ARRAYS, *TABLES)

# However long names and cells are.
_LONGEST = 2000
_SECONDS = 20
_PLACE = re.compile(r'(line|row) \d|column "')


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """The process from which runs are forked."""
    made = Nursery({**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"})
    yield made
    made.close()


def case(bad: Bad) -> ParameterSet:
    """The bad input as a parameter; what is known to be refused badly must fail, until it is refused well."""
    marks = [pytest.mark.xfail(strict=True, reason=bad.known)] if bad.known else []
    return pytest.param(bad, id=str(bad), marks=marks)


@pytest.mark.parametrize("bad", [case(each) for each in CORPUS])
def test_is_refused(bad: Bad, nursery: Nursery, tmp_path: Path) -> None:
    bad.build(tmp_path)
    ended = nursery.run(bad.arguments, stdin=bad.stdin, cwd=tmp_path, constants=bad.constants, seconds=_SECONDS)
    assert ended.status == bad.status, ended.stderr
    assert ended.stdout == ""
    assert len(ended.stderr) < _LONGEST
    error, *rest = [line for line in ended.stderr.splitlines() if not line.startswith("divtool: warning: ")]
    assert error.startswith("divtool: error: ")
    said = error.removeprefix("divtool: error: ")
    assert said.startswith(bad.place)
    assert _PLACE.match(said.removeprefix(bad.place)) is None
    assert bad.says in said.removeprefix(bad.place)
    assert [line.partition(": ")[0] for line in rest] == ([] if bad.hint is None else ["hint"])
    assert bad.hint is None or bad.hint in rest[0]


def test_every_name_is_one_of_a_kind() -> None:
    names = [str(each) for each in CORPUS]
    assert len(names) == len(set(names)) >= 130
