"""Two commands as whole processes in turn, A B A B ..., with the ratio of each pair: drift of the machine hits both."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROUNDS = 5


@dataclass(frozen=True)
class Run:
    """One finished process."""

    seconds: float
    peak_mib: float
    output: str


def run(command: Sequence[str]) -> Run:
    """Run a command to its end; its peak memory is the operating system's own figure."""
    with tempfile.TemporaryFile("w+") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{' '.join(command)} ended with status {process.returncode}")
        output.seek(0)
        return Run(seconds, usage.ru_maxrss / 1024, output.read().strip())


def compare(ours: Sequence[str], peers: dict[str, Sequence[str]], rounds: int = ROUNDS) -> None:
    """Print our seconds and memory, and for each peer the ratio of its seconds to ours, pair by pair."""
    run(ours)
    for name, theirs in peers.items():
        run(theirs)
        pairs = [(run(ours), run(theirs)) for _ in range(rounds)]
        print(f"\ndivtool against {name}, {rounds} pairs")
        row("divtool s", [a.seconds for a, _ in pairs])
        row(f"{name} s", [b.seconds for _, b in pairs])
        row("times as fast", [b.seconds / a.seconds for a, b in pairs])
        row("divtool peak MiB", [a.peak_mib for a, _ in pairs])
        row(f"{name} peak MiB", [b.peak_mib for _, b in pairs])
        print(f"  answers: {pairs[0][0].output} and {pairs[0][1].output}")


def row(name: str, values: Sequence[float]) -> None:
    """Minimum, median and maximum of a figure."""
    print(f"  {name:<28}min {min(values):10.3f}   median {statistics.median(values):10.3f}   max {max(values):10.3f}")


def divtool(*arguments: str) -> list[str]:
    """The program of this environment."""
    return [str(Path(sys.executable).with_name("divtool")), *arguments]


def python_with(module: str) -> str | None:
    """A Python that has a peer: this one, or the one that the environment variable PEER_PYTHON names."""
    for candidate in (os.environ.get("PEER_PYTHON"), sys.executable):
        if candidate and subprocess.run([candidate, "-c", f"import {module}"], capture_output=True).returncode == 0:
            return candidate
    print(f"{module} is in neither this Python nor the one that PEER_PYTHON names: left out")
    return None
