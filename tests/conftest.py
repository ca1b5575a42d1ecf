"""What every test shares: reproducible Hypothesis, and the formats that a table can be written in."""

from __future__ import annotations

import pytest
from formats_fixture import FORMATS, TableFormat
from hypothesis import settings

# The same examples in every run, on any machine: a failure is a bug, never the luck of the draw or a slow disk.
settings.register_profile("divtool", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("divtool")


@pytest.fixture(params=FORMATS, ids=str, scope="session")
def table_format(request: pytest.FixtureRequest) -> TableFormat:
    """Each format in turn; ``table_format.write(path, numbers, names=..., ids=..., labels=...)`` makes the file."""
    chosen: TableFormat = request.param
    return chosen


@pytest.fixture
def many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few rows, so that small files have as many as large ones."""
    monkeypatch.setattr("divtool.engine.plan._LEAST_PART", 1)
    monkeypatch.setattr("divtool.engine.plan._PART_WITH_ROWS", 1)
