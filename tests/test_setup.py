"""The set-up keeps its own promises: one version, one lock, a Makefile that explains itself, examples as described."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
DATA = ROOT / "examples" / "data"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LOCK = [
    Requirement(line)
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout, as if from a plain shell: a `make` above this test must not steer one below."""
    plain = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(
        command, cwd=ROOT, env=plain | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


def declared() -> list[Requirement]:
    """Every requirement that pyproject.toml states, whatever it is for."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    lists = [PROJECT["build-system"]["requires"], PROJECT["project"]["dependencies"], *extras]
    return [Requirement(text) for requirements in lists for text in requirements]


def committed() -> list[Path]:
    """The files git knows or would take."""
    listing = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


class TestVersion:
    def test_heads_the_changelog(self) -> None:
        newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
        assert newest
        assert newest[1] == import_module("divtool").__version__

    def test_command_is_importable(self) -> None:
        module, _, name = PROJECT["project"]["scripts"]["divtool"].partition(":")
        assert callable(getattr(import_module(module), name))


class TestLock:
    def test_pins_are_exact_and_unique(self) -> None:
        names = [pin.name.lower() for pin in LOCK]
        assert len(names) == len(set(names))
        assert all(re.fullmatch(r"==[\w.]+", str(pin.specifier)) for pin in LOCK)

    @pytest.mark.parametrize("requirement", declared(), ids=str)
    def test_satisfies_pyproject(self, requirement: Requirement) -> None:
        if requirement.name == "divtool":
            return
        (pin,) = [pin for pin in LOCK if pin.name.lower() == requirement.name.lower()]
        assert requirement.specifier.contains(str(pin.specifier).removeprefix("=="))

    def test_no_file_names_a_package_registry(self) -> None:
        hosts = [".".join(host) for host in (("pypi", "org"), ("pythonhosted", "org"), ("anaconda", "org"))]
        options = ["--" + option for option in ("index-url", "extra-index-url", "find-links", "trusted-host")]
        words = re.compile("|".join(map(re.escape, hosts + options)).encode())
        assert not [path.name for path in committed() if words.search(path.read_bytes())]


@needs_make
class TestMake:
    def test_alone_prints_every_target(self) -> None:
        phony = re.search(r"^\.PHONY: (.*)", MAKEFILE, re.MULTILINE)
        assert phony
        shown = run("make")
        assert shown.stderr == ""
        assert [line.split()[1] for line in shown.stdout.splitlines()] == phony[1].split()

    @pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
    @pytest.mark.parametrize("there", [True, False], ids=["old", "missing"])
    def test_unfit_python_is_named(self, tmp_path: Path, there: bool) -> None:
        python = tmp_path / "python3"
        if there:
            python.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n', encoding="utf-8")
            python.chmod(0o755)
        tried = run("make", "demo", f"PYTHON={python}", f"VENV={tmp_path}/venv")
        assert tried.returncode == 2
        assert f"divtool needs Python 3.11 or newer; {python} is: " in tried.stderr
        assert ("Python 3.9.2" in tried.stderr) is there
        assert "hint:" in tried.stderr
        assert not (tmp_path / "venv").exists()


def can_compile() -> bool:
    """Whether this machine has a C compiler and Python's headers."""
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    command = [*shlex.split(compiler), "-fsyntax-only", "-I", sysconfig.get_path("include"), "-x", "c", "-"]
    try:
        return not subprocess.run(command, input=b"#include <Python.h>\n", capture_output=True).returncode
    except OSError:
        return False


class TestKernels:
    """The C extension is a gift, never a condition."""

    def build(self, folder: Path, **environment: str) -> list[str]:
        """Build the extension into `folder` and return the files that came of it."""
        command = ("setup.py", "--quiet", "build_ext", "--build-lib", folder / "lib", "--build-temp", folder / "temp")
        done = run(sys.executable, *command, **environment)
        assert done.returncode == 0, done.stderr
        return [path.name for path in folder.glob("lib/divtool/numerics/*")]

    def test_built_once_for_every_python(self, tmp_path: Path) -> None:
        if sysconfig.get_config_var("Py_GIL_DISABLED") or not can_compile():
            pytest.skip("no C compiler, or a Python without stable ABI")
        # Optimising is the compiler's affair, and takes it half a minute.
        quick = tmp_path / "cc"
        quick.write_text(f'#!/bin/sh\nexec {os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"} "$@" -O0\n')
        quick.chmod(0o755)
        assert self.build(tmp_path, CC=str(quick)) == ["_rows.abi3.so"]

    @pytest.mark.skipif(os.name == "nt", reason="CC chooses the compiler on Unix only")
    def test_no_compiler_is_no_error(self, tmp_path: Path) -> None:
        assert self.build(tmp_path, CC=str(tmp_path / "no-such-compiler")) == []


class TestExamples:
    def stated(self) -> dict[str, tuple[int, ...]]:
        """The files and shapes in the table of examples/data/README.md."""
        text = (DATA / "README.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| `([\w.]+)` \| ([\d x]+) \|", text, re.MULTILINE)
        return {name: tuple(map(int, shape.split(" x "))) for name, shape in rows}

    def shape(self, path: Path) -> tuple[int, ...]:
        """Read one example file and return its shape."""
        readers = {".npy": np.load, ".csv": pyarrow.csv.read_csv, ".parquet": pyarrow.parquet.read_table}
        return tuple(readers[path.suffix](path).shape)

    def test_files_are_as_the_readme_states(self) -> None:
        assert self.stated() == {path.name: self.shape(path) for path in DATA.iterdir() if path.name != "README.md"}

    def test_stay_small(self) -> None:
        assert sum(path.stat().st_size for path in DATA.iterdir()) < 600_000

    def test_ids_agree_in_another_order(self) -> None:
        preds, labels = (pyarrow.csv.read_csv(DATA / name)["id"].to_pylist() for name in ("preds.csv", "labels.csv"))
        assert preds != labels
        assert sorted(preds) == sorted(labels)
        assert len(set(preds)) == len(preds)

    def test_soft_labels_are_exact_distributions(self) -> None:
        soft = np.load(DATA / "digits_soft.npy")
        assert (soft >= 0).all()
        assert (soft.sum(axis=1) == 1).all()

    def test_script_writes_the_same_bytes_twice(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("sklearn")
        monkeypatch.syspath_prepend(ROOT / "examples")
        script: ModuleType = import_module("make_data")
        for run_name in ("once", "twice"):
            (tmp_path / run_name).mkdir()
            script.write_iris(tmp_path / run_name)
            script.write_wine(tmp_path / run_name)
        for path in (tmp_path / "once").iterdir():
            assert path.read_bytes() == (tmp_path / "twice" / path.name).read_bytes()
            assert self.shape(path) == self.stated()[path.name]
