"""What the documents show is what happens.

A block fenced as ``console`` is run: a line that begins with ``$ `` is a command, given to the shell in a copy of the
examples with the project's programs on its path; the lines that follow are what it must print on standard output. A
line ``...`` stands for any number of lines, and ``...`` inside a line for any text. Other blocks are not run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """A console block: where it stands, and its commands with what they print."""

    place: str
    steps: tuple[tuple[str, str], ...]


def steps_of(block: str) -> tuple[tuple[str, str], ...]:
    """The commands of a block and the output below each; a command goes on while its lines end in a backslash.

    >>> steps_of("$ echo a\\na\\n$ true\\n")
    (('echo a', 'a\\n'), ('true', ''))
    """
    steps: list[list[str]] = []
    going_on = False
    for line in block.splitlines(keepends=True):
        if going_on:
            steps[-1][0] += "\n" + line.rstrip("\n")
        elif line.startswith("$ "):
            steps.append([line[2:].rstrip("\n"), ""])
        else:
            assert steps, f"a console block must begin with a command, not with {line!r}"
            steps[-1][1] += line
            continue
        going_on = line.rstrip("\n").endswith("\\")
    return tuple((command, output) for command, output in steps)


def blocks(page: Path) -> list[Shown]:
    """The console blocks of a page."""
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    return [
        Shown(f"{name}:{text.count(chr(10), 0, found.start()) + 1}", steps_of(found[1]))
        for found in _BLOCK.finditer(text)
    ]


def as_shown(shown: str, printed: str) -> bool:
    """Whether output is what a page shows.

    >>> as_shown("a\\n...\\nb 1...\\n", "a\\nx\\ny\\nb 1.25\\n"), as_shown("a\\n", "a\\nb\\n")
    (True, False)
    """
    pattern = ""
    for line in shown.splitlines():
        pattern += r"(?:.*\n)*?" if line == "..." else ".*".join(map(re.escape, line.rstrip().split("..."))) + r" *\n"
    return re.fullmatch(pattern, printed) is not None


ALL = [block for page in PAGES for block in blocks(page)]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like the repository and may be written to."""
    for each in ROOT.iterdir():
        if each.name in ("examples", "docs", "README.md", "CHANGELOG.md"):
            (tmp_path / each.name).symlink_to(each)
    return tmp_path


class TestConsoleBlocks:
    @pytest.mark.parametrize("block", ALL, ids=lambda block: block.place)
    def test_print_what_is_shown(self, block: Shown, checkout: Path) -> None:
        path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
        unwanted = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "CLICOLOR_FORCE", "DIVTOOL_KERNELS", "LC_ALL")
        environment = {name: value for name, value in os.environ.items() if name not in unwanted} | {"PATH": path}
        for command, shown in block.steps:
            done = subprocess.run(
                ["sh", "-c", command], cwd=checkout, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                encoding="utf-8", timeout=60,
            )  # fmt: skip
            assert as_shown(shown, done.stdout), f"{block.place}: {command}\n{done.stdout}{done.stderr}"

    def test_there_are_some(self) -> None:
        assert {block.place.partition(":")[0] for block in ALL} >= {"docs/json.md", "README.md", "docs/tutorial.md"}

    def test_a_wrong_page_is_caught(self) -> None:
        (step,) = steps_of("$ divtool ce \\\n  x.csv\n0.25\n")
        assert step == ("divtool ce \\\n  x.csv", "0.25\n")
        assert not as_shown("0.25\n", "0.26\n")
        assert not as_shown("0.25\n", "")
        assert not as_shown("", "0.25\n")
        assert as_shown("...\n", "a\nb\n")


class TestReferencePages:
    def check(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "docs" / "build.py"), *arguments], capture_output=True, text=True, timeout=120
        )

    def test_are_current(self) -> None:
        done = self.check("--check")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_an_unknown_argument_writes_nothing(self) -> None:
        done = self.check("--chek")
        assert (done.returncode, done.stderr) == (2, "usage: python docs/build.py [--check]\n")

    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
    def test_links_lead_somewhere(self, page: Path) -> None:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
