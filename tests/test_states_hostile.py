"""States that were tampered with: nothing in them is believed."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from state_runs import RUNS, plain_run, write, write_data

import divtool
from divtool.engine.saved import SCHEMA
from divtool.errors import InputError
from divtool.reports.rendering import render


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files to be scored."""
    return write_data(tmp_path_factory.mktemp("states"))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, each in inner for place in places(each, (*path, name)))]


JUNK = [
    None,
    True,
    -1,
    0,
    10**30,
    0.5,
    "",
    "x",
    "0xfff",
    "AAAAAAAA+H8=",
    "AAAA",
    [],
    [1],
    {},
    {"n": 1},
    "\x1b[2J",
    "../x",
]


class TestTampering:
    @pytest.mark.parametrize("name", RUNS)
    def test_no_change_is_believed(self, name: str, data: Path, tmp_path: Path) -> None:
        """With a checksum that fits, a document either is refused or makes sense; nothing else happens."""
        RUNS[name](data, save_state=str(tmp_path / "x"))
        text, chance = (tmp_path / "x").read_text(), random.Random(name)
        every = places(json.loads(text))[1:]
        for place in chance.sample(every, min(60, len(every))):
            document = json.loads(text)
            holder = document
            for step in place[:-1]:
                holder = holder[step]
            if chance.random() < 0.2:
                del holder[place[-1]]
            else:
                holder[place[-1]] = chance.choice(JUNK)
            write(tmp_path / "y", document)
            with suppress(InputError):
                render(divtool.merge(str(tmp_path / "y")), "json")

    def test_a_flipped_digit_is_found(self, data: Path, tmp_path: Path) -> None:
        plain_run(data, save_state=str(tmp_path / "x"))
        document = json.loads((tmp_path / "x").read_text())
        document["statistics"][0]["moments"]["single_values"] += "0"
        (tmp_path / "x").write_text(json.dumps(document))
        with pytest.raises(InputError, match="its SHA-256 is another"):
            divtool.merge(str(tmp_path / "x"))

    def test_cut_anywhere(self, data: Path, tmp_path: Path) -> None:
        plain_run(data, save_state=str(tmp_path / "x"))
        whole = (tmp_path / "x").read_bytes()
        for size in (0, 1, 10, len(whole) // 3, len(whole) // 2, len(whole) - 3):
            (tmp_path / "y").write_bytes(whole[:size])
            with pytest.raises(InputError, match="is no state of divtool, or damaged"):
                divtool.merge(str(tmp_path / "y"))

    @pytest.mark.parametrize(
        "text",
        ["[" * 100_000, "null", "[]", '{"schema": "divtool/1"}', '{"a": 1, "a": 2}', "NaN", "\xff", "1" * 5000, "{}"],
        ids=range(9),
    )
    def test_other_files(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "x").write_text(text, encoding="latin1")
        with pytest.raises(InputError):
            divtool.merge(str(tmp_path / "x"))

    def test_another_schema(self, data: Path, tmp_path: Path) -> None:
        plain_run(data, save_state=str(tmp_path / "x"))
        document = json.loads((tmp_path / "x").read_text()) | {"schema": "divtool-state/2"}
        write(tmp_path / "x", document)
        with pytest.raises(InputError, match=f'has the schema "divtool-state/2"; expected "{SCHEMA}"'):
            divtool.merge(str(tmp_path / "x"))

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be read"):
            divtool.merge(str(tmp_path / "x"))
