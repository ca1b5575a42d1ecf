"""What is promised of results holds whatever the system does: whole files or none, nothing left, the right status."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faults
import numpy as np
import pytest
from faults import CASES, HALF, OLD, Fault, World
from program import PROGRAM

from divtool.cli.app import _Ending, _Signalled
from divtool.formats import scratch

if sys.platform == "win32":
    pytest.skip("needs forks and signals", allow_module_level=True)

needs_compiler = pytest.mark.skipif(faults.COMPILER is None, reason="needs a compiler, on Linux")

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("faults"))
    yield made
    made.server.close()


@needs_compiler
class TestCalls:
    """A call of the system that fails, whichever it is."""

    @pytest.mark.parametrize("case", CASES)
    def test_each(self, world: World, case: str) -> None:
        reference, _ = world.reference(case)
        calls = [(call, at) for call in faults.CALLS[:-1] for at in range(1, reference.seen[call] + 1)]
        # Rows on the screen are written one by one.
        for number, (call, at) in enumerate(random.Random(6).sample(calls, min(len(calls), 10))):
            error, lasting = ((errno.EIO, False), (errno.ENOSPC, True))[number % 2]
            met = world.run(CASES[case], fault=Fault(call, at, error, lasting))
            assert met.struck
            world.check(case, met)
            temporary = str(world.server.temporary) in met.where
            # Where temporary files were to go there may be another place; a file is begun again with its rows in order.
            fine = {0} if temporary or case in ("join", "rows") else set()
            # Several disks may be full at once.
            assert met.status in fine | ({4} if temporary else {5}) | ({4, 5} if lasting else set()), (call, at, met)

    @pytest.mark.parametrize("case", ["npz", "rows", "state"])
    @pytest.mark.parametrize("error", [HALF, errno.EINTR])
    def test_a_write_that_must_be_repeated(self, world: World, case: str, error: int) -> None:
        """The rest is written, and what was interrupted."""
        reference, _ = world.reference(case)
        for at in random.Random(error).sample(range(1, reference.seen["write"] + 1), 3):
            met = world.run(CASES[case], fault=Fault("write", at, error))
            assert met.struck == 1
            assert met.status == 0
            world.check(case, met)


class TestSignals:
    """At any moment."""

    @pytest.mark.parametrize("case", CASES)
    def test_between_functions(self, world: World, case: str) -> None:
        moments = world.reference(case)[0].moments
        draws = random.Random(f"moment of {case}")
        for at in (draws.randrange(60, moments), moments - draws.randrange(20, 400)):
            self.check(world, case, draws.choice(SIGNALS), moment=at)

    @needs_compiler
    @pytest.mark.parametrize("case", CASES)
    def test_while_a_file_is_written(self, world: World, case: str) -> None:
        calls = world.reference(case)[0].seen["any"]
        draws = random.Random(f"call of {case}")
        self.check(world, case, draws.choice(SIGNALS), call=draws.randrange(1, calls + 1))

    def check(self, world: World, case: str, sent: int, *, moment: int = 0, call: int = 0) -> None:
        met = world.run(
            CASES[case], moment=(moment, sent) if moment else None, fault=Fault(at=call, signal=sent) if call else None
        )
        # After the last word the run is as good as over.
        late = moment > world.reference(case)[0].moments - 200
        assert met.status == 128 + sent or (late and met.status in (0, -sent)), met
        assert met.stderr == ""
        world.check(case, met)

    def test_one_that_was_lost_comes_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        timers: list[tuple[int, float]] = []
        handlers: list[Any] = []
        monkeypatch.setattr("signal.setitimer", lambda which, seconds: timers.append((which, seconds)))
        monkeypatch.setattr("signal.signal", lambda _, handler: handlers.append(handler))
        ending = _Ending(again=0.5)
        with pytest.raises(_Signalled) as raised:
            ending(signal.SIGHUP, None)
        ending.lost(type("Lost", (), {"exc_type": _Signalled, "exc_value": raised.value})())
        assert timers == [(signal.ITIMER_REAL, 0.5)]
        with pytest.raises(_Signalled) as again:
            handlers[0](signal.SIGALRM, None)
        assert again.value.number == signal.SIGHUP
        ending.over()
        ending(signal.SIGTERM, None)


class TestLimits:
    """A disk that is full, or a file that may not grow."""

    @pytest.mark.parametrize("name", ["r.csv", "r.parquet", "r.npy", "r.jsonl", "r.arrow", "r.npz", "r.safetensors"])
    def test_files_that_may_not_grow(self, world: World, name: str) -> None:
        met = world.run(f"softmax a.npy -o out/{name}", size=1000)
        assert met.status == (4 if name == "r.npz" else 5)
        assert "File too large" in met.stderr
        assert world.changed() == {}

    @pytest.mark.parametrize(("command", "status"), [("entropy - --given logits", 4), ("softmax a.npy", 4)])
    def test_temporary_files_that_may_not_grow(self, world: World, command: str, status: int) -> None:
        met = world.run(command, size=1000)
        assert (met.status, met.stdout) == (status, "")
        assert world.changed() == {}

    def test_the_signal_of_a_file_that_may_not_grow(self, world: World) -> None:
        """A run that is started with nothing ignored."""
        script = (
            "import os, resource, signal, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
            "signal.signal(signal.SIGXFSZ, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
        )
        command = [sys.executable, "-B", "-c", script, PROGRAM, "softmax", "a.npy", "-o", "out/r.csv"]
        done = subprocess.run(command, cwd=world.home, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (5, "")
        assert "out/r.csv: could not be written: File too large" in done.stderr
        assert world.changed() == {}

    @pytest.mark.parametrize(
        ("command", "status"),
        [("entropy - --given logits", 4), ("kl long.csv long.csv -o full/r.json --per-row full/r.csv", 5),
         ("softmax long.csv -o full/r.npy", 5), ("softmax long.csv", 4)],
    )  # fmt: skip
    def test_a_small_disk(self, world: World, tmp_path: Path, command: str, status: int) -> None:
        rows = "".join(f"{i},{i / 7},{i / 11}\n" for i in range(8000))
        full = _mounted(tmp_path / "full")
        try:
            (full / "r.csv").write_bytes(OLD)
            (tmp_path / "long.csv").write_text(f"u,v,w\n{rows}")
            met = world.server.run(command.split(), cwd=tmp_path, stdin=f"u,v,w\n{rows}".encode(), TMPDIR=str(full))
            assert [(each.name, each.read_bytes()) for each in full.iterdir()] == [("r.csv", OLD)]
        finally:
            subprocess.run(["umount", full], check=True)
        assert (met.status, met.stdout) == (status, "")
        assert "No space left on device" in met.stderr


def _mounted(folder: Path) -> Path:
    """A disk of 64 KiB."""
    folder.mkdir()
    if (
        os.geteuid()
        or not shutil.which("mount")
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("may not mount a disk")
    return folder


class TestReaders:
    """Of what is printed."""

    @pytest.mark.parametrize("form", ["tsv", "json", "table", "md"])
    def test_rows(self, world: World, form: str) -> None:
        command = f"kl a.csv b.csv --reduction none -f {form}"
        whole = world.run(command).stdout
        assert len(whole) > 1000
        for taken in (0, 150, None):
            met = world.run(command, reader=taken)
            assert (met.status, met.stderr) == (0, "")
            assert whole.startswith(met.stdout)
            assert met.stdout == whole or taken is not None
        assert world.changed() == {}

    @pytest.mark.parametrize("form", ["html", "parquet", "table"])
    def test_figures(self, world: World, form: str) -> None:
        met = world.run(f"compare a.npy b.npy a.npy -f {form}", reader=0)
        assert (met.status, met.stderr) == (0, "")

    def test_of_a_named_pipe_of_rows(self, world: World, tmp_path: Path) -> None:
        """It has seen enough; the figures are written all the same."""
        os.mkfifo(tmp_path / "rows.csv")
        np.save(tmp_path / "x.npy", np.random.default_rng(2).normal(size=(20_000, 2)))

        def read() -> None:
            with open(tmp_path / "rows.csv", "rb") as pipe:
                pipe.readline()

        reader = threading.Thread(target=read)
        reader.start()
        command = ["entropy", "x.npy", "--given", "logits", "--per-row", "rows.csv", "-o", "r.json"]
        met = world.server.run(command, cwd=tmp_path)
        reader.join()
        assert (met.status, met.stderr) == (0, "")
        assert (tmp_path / "r.json").stat().st_size

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
    @pytest.mark.parametrize(
        ("command", "status"),
        [("entropy missing.npy", 3), ("ce a.npy y.npy --fail-if mean>0", 1), ("ce a.npy y.npy --progress", 0)],
    )
    def test_nobody_hears_complaints(self, world: World, command: str, status: int) -> None:
        assert world.run(command, stderr="/dev/full").status == status

    @pytest.mark.parametrize("name", ["r.json", "r.html", "r.parquet"])
    def test_a_device_that_is_full(self, world: World, tmp_path: Path, name: str) -> None:
        (tmp_path / name).symlink_to("/dev/full")
        met = world.run(f"ce a.npy y.npy -o {tmp_path / name}")
        assert (met.status, met.stdout) == (5, "")
        assert met.stderr.endswith("could not be written: No space left on device\n")
        assert len(met.stderr.splitlines()) == 1

    @pytest.mark.parametrize(
        ("closed", "status"), [(">&-", 5), ("2>&-", 0), (">&- 2>&- <&-", 5)], ids=["output", "errors", "all"]
    )
    def test_streams_that_are_closed(self, world: World, closed: str, status: int) -> None:
        done = subprocess.run(
            ["sh", "-c", f"'{PROGRAM}' ce a.npy y.npy -o out/r.json {closed}"], cwd=world.home, capture_output=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == status
        world.changed()


class TestInputsThatAreOutputs:
    """By whatever name."""

    COMMANDS = (
        "softmax hard.npy -o a.npy", "softmax twice.npy -o home/hard.npy", "kl parts/*.npy --per-row parts/two.npy",
        "softmax parts/*.npy --concat -o parts/one.npy", "entropy p*/** -f json -o parts/one.npy",
        "softmax parts -o parts/three.npy", "softmax parts -o linked/three.npy", "softmax linked -o parts/one.npy",
        "softmax parts -o outside.npy", "softmax file://{here}/a.npy -o hard.npy",
        "compare a.npy parts/*.npy -f json -o parts/two.npy", "matrix parts/*.npy -f json -o home/parts/two.npy",
        "kl a.npy b.npy --save-state home/b.npy", "kl a.npy b.npy --per-row r.npy --save-state home/r.npy",
        "kl a.npy b.npy -f json -o dangling --save-state nothing", "joint t.csv p q --cells home/t.csv",
        "joint t.csv p q --cells r.csv -o home/r.csv", "calibration a.npy y.npy -f json -o hard.npy",
        "temperature a.npy y.npy -f json -o home/y.npy", "merge s*.json -o s2.json",
        "merge s1.json s2.json --save-state home/s1.json", "mi t.csv --target p -o home/t.csv",
        "ensemble parts/*.npy -f json -o parts/two.npy",
    )  # fmt: skip

    def test_are_refused(self, world: World, tmp_path: Path) -> None:
        here = tmp_path / "here"
        shutil.copytree(world.home, here, ignore=shutil.ignore_patterns("out"))
        os.link(here / "a.npy", here / "hard.npy")
        (here / "parts").mkdir()
        shutil.copy(here / "a.npy", here / "parts" / "one.npy")
        (here / "outside.npy").write_bytes((here / "b.npy").read_bytes())
        for name, target in (
            ("soft.npy", "a.npy"), ("twice.npy", "soft.npy"), ("home", "."), ("linked", "parts"),
            ("dangling", "nothing"), ("parts/two.npy", "../outside.npy"),
        ):  # fmt: skip
            (here / name).symlink_to(target)
        before = _contents(here)
        for command in self.COMMANDS:
            met = world.server.run(command.format(here=here).split(), cwd=here)
            assert (met.status, met.stdout) == (2, ""), (command, met)
            assert _contents(here) == before, command


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_a_folder_that_goes_while_it_runs(world: World, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "temporary").mkdir()
    with subprocess.Popen(
        [PROGRAM, "entropy", "-", "--given", "logits", "-o", "out/r.json"], cwd=tmp_path, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
    ) as child:  # fmt: skip
        while child.poll() is None and not any((tmp_path / "temporary").glob("divtool-*")):
            time.sleep(0.005)
        (tmp_path / "out").rmdir()
        out, said = child.communicate((world.home / "a.csv").read_bytes(), timeout=60)
    assert (child.returncode, out) == (5, b"")
    assert b"out/r.json: could not be written: No such file or directory" in said
    assert [each.name for each in tmp_path.iterdir()] == ["temporary"]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_what_is_left_goes_with_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_there_may_be", {})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder, gone = scratch.temporary_folder(), scratch.temporary_folder()
    for path in (scratch.temporary(), scratch.noted(str(tmp_path / "result")), os.path.join(folder, "x")):
        scratch.new_file(path).close()
    assert (tmp_path / "result").stat().st_mode & 0o777 == 0o600
    scratch.discard(gone)
    scratch.discard(gone)
    assert len(list(tmp_path.iterdir())) == 3
    monkeypatch.setattr("os.getpid", lambda: -1)
    scratch._remove_all()
    assert len(list(tmp_path.iterdir())) == 3  # it was another process that made them
    monkeypatch.undo()
    monkeypatch.setattr(scratch, "_there_may_be", dict.fromkeys(map(str, tmp_path.iterdir()), os.getpid()))
    scratch._remove_all()
    assert list(tmp_path.iterdir()) == []
