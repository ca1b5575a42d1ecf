"""Hundreds of starts cost minutes, nearly all of it imports: runs forked from one process that has done them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A request is a line of JSON. ``seconds``: a run that takes longer dies of the alarm. ``memory``: how many bytes it may
# allocate above what the process already has. ``set``: constants of modules that are other than usual, by their names.
_PROGRAM = """
import gc, json, os, resource, signal, sys
import numpy.ma, pyarrow.compute, pyarrow.csv, pyarrow.ipc, pyarrow.parquet
import divtool.cli.gaining, divtool.cli.inspecting, divtool.cli.joining, divtool.cli.running, divtool.cli.signature
import divtool.cli.verbhelp
import divtool.engine.inspect, divtool.engine.join, divtool.engine.joint, divtool.engine.mutual
import divtool.formats.arrow, divtool.formats.csv, divtool.formats.compressed, divtool.formats.npy
import divtool.formats.npz, divtool.formats.parquet, divtool.formats.jsonl, divtool.formats.jsonl_source
import divtool.formats.llama, divtool.formats.parts, divtool.formats.safetensors, divtool.formats.spool
import divtool.reports.delimited, divtool.reports.inspection, divtool.reports.plain, divtool.reports.table
from divtool.__main__ import main
from divtool.measures import load_families

load_families()
gc.freeze()

def allocated():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData"))

for line in sys.stdin:
    if child := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    asked = json.loads(line)
    os.chdir(asked["folder"])
    for number, name in enumerate(asked["streams"]):
        os.dup2(os.open(name, os.O_RDWR), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    sys.argv = ["divtool", *asked["arguments"]]
    if asked["memory"] is not None:
        limit = allocated() + asked["memory"]
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    for name, value in asked["set"].items():
        module, _, constant = name.rpartition(".")
        assert hasattr(sys.modules[module], constant)
        setattr(sys.modules[module], constant, value)
    signal.alarm(asked["seconds"])
    main()
"""


@dataclass(frozen=True)
class Forked:
    """How a forked run ended: what it printed, and its exit status (minus the signal that killed it)."""

    stdout: str
    stderr: str
    status: int


class Nursery:
    """The process from which runs are forked. ``environment`` is that of all of them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="divtool-tests-")
        self._streams = [Path(self._folder.name, name) for name in ("in", "out", "err")]
        # What a run that is killed leaves behind goes with the folder.
        here = {"TMPDIR": self._folder.name, "ARROW_DEFAULT_MEMORY_POOL": "system"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], env={**environment, **here}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._folder.cleanup()

    def run(
        self, arguments: Sequence[str], *, stdin: str | bytes = b"", cwd: Path | None = None, seconds: int = 120,
        memory: int | None = None, constants: Mapping[str, float] | None = None,
    ) -> Forked:  # fmt: skip
        """Run ``divtool`` with these arguments, its output in files. ``constants``: by full name, such as
        ``divtool.formats.spool._PATIENCE``, what is to be another than usual."""
        for stream in self._streams:
            stream.write_bytes(b"")
        self._streams[0].write_bytes(stdin.encode() if isinstance(stdin, str) else stdin)
        status = self._ask(arguments, self._streams, cwd, seconds, memory, constants or {})
        out, said = (stream.read_bytes().decode() for stream in self._streams[1:])
        return Forked(out, said, status)

    def on_terminal(self, arguments: Sequence[str], *, cwd: Path | None = None, seconds: int = 60) -> Forked:
        """The same with a terminal for its output and its errors, which are in ``stdout`` together."""
        terminal, inner = pty.openpty()
        said: list[bytes] = []
        listener = threading.Thread(target=_listen, args=(terminal, said))
        listener.start()
        self._streams[0].write_bytes(b"")
        tty = os.ttyname(inner)
        status = self._ask(arguments, [self._streams[0], tty, tty], cwd, seconds, None, {})
        os.close(inner)
        listener.join()
        os.close(terminal)
        return Forked(b"".join(said).decode(), "", status)

    def _ask(
        self, arguments: Sequence[str], streams: Sequence[str | Path], cwd: Path | None, seconds: int,
        memory: int | None, constants: Mapping[str, float],
    ) -> int:  # fmt: skip
        request: dict[str, Any] = {
            "folder": str(cwd or os.getcwd()), "arguments": list(arguments), "streams": [str(each) for each in streams],
            "seconds": seconds, "memory": memory, "set": dict(constants),
        }  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


def _listen(terminal: int, said: list[bytes]) -> None:
    while True:
        try:
            piece = os.read(terminal, 1 << 16)
        except OSError:
            # This is how a terminal says that nobody has it open any more.
            return
        if not piece:
            return
        said.append(piece)
