"""The installed program run as a process: ``run(["ce", "preds.csv", "labels.csv"], cwd=tmp_path)``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = os.path.join(sysconfig.get_path("scripts"), "divtool")

# A limit is set by a process of its own that then becomes the program: forking a test runner that has threads is not
# safe, so ``preexec_fn`` is no way. Stacks of threads count as memory in full, used or not, so they are small.
_LAUNCHER = """
import os, resource, sys
size, stack = int(sys.argv[1]), 2 << 20
resource.setrlimit(resource.RLIMIT_DATA, (size, size))
resource.setrlimit(resource.RLIMIT_STACK, (stack, stack))
os.execv(sys.argv[2], sys.argv[2:])
"""
# What an allocator sets aside beforehand (1 GiB in Arrow's own) counts as well.
_FRUGAL = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "4"}
UNLIMITED = -1


@dataclass(frozen=True)
class Ended:
    """How a run ended: what it printed, and its exit status."""

    stdout: str
    stderr: str
    status: int

    @property
    def document(self) -> dict[str, Any]:
        """What ``-f json`` printed."""
        assert self.status == 0, self.stderr
        parsed: dict[str, Any] = json.loads(self.stdout)
        return parsed

    @property
    def results(self) -> str:
        """The part of the JSON document that no chunk size, thread count or format may change, as text."""
        return json.dumps(self.document["results"])


def run(
    args: Sequence[str | Path],
    *,
    stdin: str | bytes = b"",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    data_limit: int | None = None,
    timeout: float = 120.0,
) -> Ended:
    """Run ``divtool`` with these arguments. ``data_limit``: bytes of memory that it may allocate (RLIMIT_DATA)."""
    done = subprocess.run(
        _command(args, data_limit),
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        cwd=cwd,
        env=_plain_environment() | ({} if data_limit is None else _FRUGAL) | dict(environment or {}),
        timeout=timeout,
        check=False,
    )
    return Ended(done.stdout.decode(), done.stderr.decode(), done.returncode)


def peak_data(args: Sequence[str | Path]) -> int:
    """The most memory, as RLIMIT_DATA counts it, that a run was seen to have (looked at every millisecond)."""
    peak = 0
    with subprocess.Popen(
        _command(args, UNLIMITED), env=_plain_environment() | _FRUGAL, stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            peak = max(peak, _data_of(process.pid))
            time.sleep(0.001)
    assert process.returncode == 0
    return peak


def _data_of(pid: int) -> int:
    try:
        found = re.search(r"VmData:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        found = None
    return int(found[1]) << 10 if found else 0


def _command(args: Sequence[str | Path], data_limit: int | None) -> list[str]:
    launcher = [] if data_limit is None else [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(data_limit)]
    return [*launcher, PROGRAM, *map(str, args)]


def _plain_environment() -> dict[str, str]:
    """This process's environment without what would colour or widen the output."""
    steering = ("FORCE_COLOR", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES", "PYTHONWARNINGS")
    return {name: value for name, value in os.environ.items() if name not in steering}
