"""Runs of the program that meet a fault: a system call that fails, a full disk, a signal at a moment of choice, a
reader that goes. They are forked from one process that has done the imports, with a small library before libc where
there is a compiler."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

CALLS = ("write", "fsync", "rename", "close", "open", "mkdir", "truncate", "any")
HALF = NO_READER = -1
CASES = {
    "json": "ce a.npy y.npy -o out/r.json",
    "html": "compare a.npy b.npy a.npy -m kl,js -o out/r.html",
    "parquet": "ce a.npy y.npy -o out/r.parquet --per-row out/r.csv",
    "npz": "kl a.npy b.npy -o out/r.json --per-row out/r.npz",
    "state": "kl a.npy b.npy --save-state out/s.json -o out/r.csv --per-row out/r.npy",
    "merge": "merge s1.json s2.json -o out/r.json --save-state out/s.json",
    "transform": "softmax a.npy -o out/r.parquet",
    "cells": "joint t.csv p q --cells out/r.csv -o out/r.json",
    "calibration": "calibration a.npy y.npy -o out/r.csv",
    "join": "kl a.csv b.csv --per-row out/r.jsonl -j 1",
    "rows": "kl a.csv b.csv --reduction none -j 3",
    "stdin": "entropy - -o out/r.json --given logits",
    "packed": "softmax a.csv.gz -o out/r.arrow",
}
RESULTS = ["r.json", "r.html", "r.csv", "r.parquet", "r.npz", "r.npy", "r.jsonl", "r.arrow", "s.json"]
OLD = b"an old result"
COMPILER = (shutil.which("cc") or shutil.which("gcc")) if sys.platform == "linux" else None

_SERVER = """
import ctypes, gc, json, mmap, os, resource, signal, struct, sys
sys.dont_write_bytecode = True
import numpy.ma, pyarrow.compute, pyarrow.csv, pyarrow.ipc, pyarrow.parquet
import divtool.cli.calibrating, divtool.cli.joining, divtool.cli.merging, divtool.cli.running, divtool.cli.signature
import divtool.engine.calibration, divtool.engine.join, divtool.engine.joint, divtool.engine.merging
import divtool.engine.saved, divtool.formats.arrow, divtool.formats.csv, divtool.formats.compressed
import divtool.formats.jsonl, divtool.formats.npy, divtool.formats.npz, divtool.formats.parquet
import divtool.formats.safetensors, divtool.formats.spool
import divtool.reports.delimited, divtool.reports.html, divtool.reports.page
import divtool.reports.calibration, divtool.reports.joint, divtool.reports.records
from divtool.__main__ import main
from divtool.measures import load_families

load_families()
gc.freeze()
library = ctypes.CDLL(os.environ.pop("LD_PRELOAD")) if "LD_PRELOAD" in os.environ else None
if library:
    library.faults_where.restype = ctypes.c_char_p
    library.faults_seen.restype = library.faults_struck.restype = ctypes.c_long
    library.faults_arm.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_int, ctypes.c_int, ctypes.c_int]
moments = mmap.mmap(-1, 8)

def send_at(moment, number):
    count = 0
    def look(_, event, __):
        nonlocal count
        # Python looks for signals when a function begins, and when one of the system's has come back.
        if event not in ("call", "c_return"):
            return
        count += 1
        moments[:] = struct.pack("q", count)
        if count == moment:
            sys.setprofile(None)
            os.kill(os.getpid(), number)
    sys.setprofile(look)

def read_as(taken, path):
    ours, theirs = os.pipe()
    if os.fork():
        os.close(ours)
        os.dup2(theirs, 1)
        os.close(theirs)
        return
    os.close(theirs)
    with open(path, "wb", buffering=0) as file:
        while (taken is None or file.tell() < taken) and (piece := os.read(ours, 100)):
            file.write(piece)
    os._exit(0)

for line in sys.stdin:
    moments[:] = bytes(8)
    if child := os.fork():
        answer = {"status": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}
        answer["moments"] = struct.unpack("q", moments[:])[0]
        if library:
            answer["seen"] = [library.faults_seen(kind) for kind in range(8)]
            answer["struck"], answer["where"] = library.faults_struck(), library.faults_where().decode()
        print(json.dumps(answer), flush=True)
        continue
    asked = json.loads(line)
    os.chdir(asked["folder"])
    os.environ.update(asked["environment"])
    for number, name in enumerate(asked["streams"]):
        os.dup2(os.open(name, os.O_RDWR), number)
    if asked["reader"] is not None:
        read_as(*asked["reader"])
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    sys.argv = ["divtool", *asked["arguments"]]
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    if asked["size"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["size"], asked["size"]))
    signal.alarm(60)
    if library:
        library.faults_arm(*asked["fault"])
    if asked["moment"] is not None:
        send_at(*asked["moment"])
    main()
"""


@dataclass(frozen=True)
class Fault:
    """What the ``at``-th call of a kind meets: an error (``HALF``: only half is written), that of all that follow it
    too where it is ``lasting``, or a signal."""

    call: str = "any"
    at: int = 1 << 60
    error: int = errno.EIO
    lasting: bool = False
    signal: int = 0


@dataclass(frozen=True)
class Met:
    """How a run ended: what it printed, its status, how often each call was seen, and on what file the fault struck."""

    stdout: str
    stderr: str
    status: int
    moments: int
    seen: Mapping[str, int]
    struck: int
    where: str


class Server:
    """The process from which runs are forked. ``temporary`` is where they have their temporary files."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self._streams = [folder / name for name in ("in", "out", "err")]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(self.temporary), "PYTHONIOENCODING": "utf-8"}
        # Python itself does not see to it then that all of what is printed is written.
        environment["PYTHONUNBUFFERED"] = "1"
        if COMPILER:
            environment["LD_PRELOAD"] = str(_compiled(folder))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def run(
        self, arguments: Sequence[str | Path], *, cwd: Path, stdin: bytes = b"", fault: Fault | None = None,
        moment: tuple[int, int] | None = None, reader: int | None = NO_READER, size: int | None = None,
        stderr: str = "", **environment: str,
    ) -> Met:  # fmt: skip
        """Run ``divtool`` with these arguments. ``moment``: a signal at the n-th call or return of a Python function;
        ``reader``: output goes into a pipe whose reader takes about so many bytes, 100 at once (None: all of them);
        ``size``: what a file may have at most (RLIMIT_FSIZE); ``stderr``: a device to complain to."""
        for stream in self._streams:
            stream.write_bytes(b"")
        self._streams[0].write_bytes(stdin)
        armed = Fault() if fault is None else fault
        request: dict[str, Any] = {
            "folder": str(cwd), "arguments": list(map(str, arguments)), "environment": environment, "moment": moment,
            "streams": [*map(str, self._streams[:2]), stderr or str(self._streams[2])], "size": size,
            "reader": None if reader == NO_READER else (reader, str(self._streams[1])),
            "fault": (CALLS.index(armed.call), armed.at, armed.error, armed.lasting, armed.signal),
        }  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        out, said = (stream.read_bytes().decode() for stream in self._streams[1:])
        return Met(
            out, said, answer["status"], answer["moments"], dict(zip(CALLS, answer.get("seen", ()), strict=False)),
            answer.get("struck", 0), answer.get("where", ""),
        )  # fmt: skip


def _compiled(folder: Path) -> Path:
    made = folder / "faults.so"
    source = Path(__file__).with_name("faults.c")
    assert COMPILER
    subprocess.run([COMPILER, "-O1", "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made


class World:
    """A folder with inputs and old results, the server, and what a run changed in all of that."""

    def __init__(self, folder: Path) -> None:
        self.server, self.home = Server(folder), folder / "home"
        self.out = self.home / "out"
        self.out.mkdir(parents=True)
        _write_inputs(self.home)
        for part, rows in (("s1", ":30"), ("s2", "30:")):
            assert self.run(f"kl a.npy b.npy --rows {rows} --save-state {part}.json").status == 0
        self._references: dict[str, tuple[Met, dict[str, bytes]]] = {}
        self.files = self.listing()

    def listing(self) -> list[Path]:
        """Every file but the results."""
        return sorted(each for each in self.home.rglob("*") if each.parent != self.out)

    def run(self, command: str, **more: Any) -> Met:
        """A run over old results."""
        for name in RESULTS:
            (self.out / name).write_bytes(OLD)
        return self.server.run(command.split(), cwd=self.home, stdin=(self.home / "a.csv").read_bytes(), **more)

    def changed(self) -> dict[str, bytes]:
        """The results that are new. Nothing else may be there, or have gone."""
        assert sorted(each.name for each in self.out.iterdir()) == sorted(RESULTS)
        assert list(self.server.temporary.iterdir()) == []
        assert self.listing() == self.files
        contents = {name: (self.out / name).read_bytes() for name in RESULTS}
        return {name: content for name, content in contents.items() if content != OLD}

    def reference(self, case: str) -> tuple[Met, dict[str, bytes]]:
        """The run as it is without a fault; how many calls there are in it, and its results."""
        if case not in self._references:
            met = self.run(CASES[case], moment=(1 << 60, 0), fault=Fault())
            assert (met.status, met.stderr) == (0, "")
            self._references[case] = met, self.changed()
        return self._references[case]

    def check(self, case: str, met: Met) -> None:
        """Every result is the old one or the whole new one; all are new if nothing is said."""
        expected, new = self.reference(case)
        changed = self.changed()
        assert changed.items() <= new.items()
        if met.status == 0:
            assert (met.stdout, met.stderr, changed) == (expected.stdout, "", new)
        elif met.status in (4, 5):
            said = [line.partition(": ")[0] for line in met.stderr.splitlines()]
            assert said in (["divtool"], ["divtool", "hint"]), met.stderr
            assert met.stderr.startswith("divtool: error: ")


def _write_inputs(folder: Path) -> None:
    numbers = np.random.default_rng(1)
    a = numbers.normal(size=(60, 3))
    b = a + 0.1 * numbers.normal(size=a.shape)
    np.save(folder / "a.npy", a)
    np.save(folder / "b.npy", b)
    np.save(folder / "y.npy", numbers.integers(0, 3, 60))
    for name, matrix, order in (("a.csv", a, np.arange(60)), ("b.csv", b, numbers.permutation(60))):
        lines = [f"r{i},{matrix[i, 0]},{matrix[i, 1]},{matrix[i, 2]}\n" for i in order.tolist()]
        (folder / name).write_text("id,u,v,w\n" + "".join(lines))
    (folder / "t.csv").write_text("p,q\n" + "".join(f"{'ab'[i % 2]},{'xyz'[i % 3]}\n" for i in range(60)))
    (folder / "a.csv.gz").write_bytes(gzip.compress((folder / "a.csv").read_bytes()))
