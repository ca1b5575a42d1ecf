"""No instruction set has bits of its own: the row kernels compiled for one at a time."""

from __future__ import annotations

import shlex
import subprocess
import sysconfig
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_kernels import INF, WIDTHS, compiled_only, every, rows_of, same

from divtool.numerics import kernels


def targets() -> list[str]:
    """Instruction sets that this machine has, as its compiler calls them; the best is in use already."""
    flags = Path("/proc/cpuinfo")
    words = set(flags.read_text().split()) if flags.exists() else set()
    sets = {"x86-64": {"sse2"}, "x86-64-v3": {"avx2", "fma", "bmi2"}}
    return [name for name, needed in sets.items() if needed <= words]


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The kernels compiled for one instruction set alone, for each in turn."""
    source = Path(kernels.__file__).with_name("_rows.c")
    flags = "-shared -fPIC -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math -fno-signed-zeros -DNO_CLONES"
    compiler = [*shlex.split(sysconfig.get_config_var("CC") or "cc"), *flags.split()]
    modules = []
    for name in targets():
        out = tmp_path_factory.mktemp(name) / "_rows.abi3.so"
        command = [*compiler, f"-march={name}", "-I", sysconfig.get_path("include"), source, "-o", out, "-lm"]
        try:
            if subprocess.run(command, capture_output=True, timeout=300).returncode:
                continue
        except OSError:
            break
        spec = util.spec_from_file_location("_rows", out)
        assert spec is not None
        assert spec.loader is not None
        modules.append(util.module_from_spec(spec))
        spec.loader.exec_module(modules[-1])
    return modules


@compiled_only
def test_every_instruction_set_gives_the_same_bits(builds: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    if not builds:
        pytest.skip("there is nothing to compare")
    for c in WIDTHS:
        for scale in (1e-3, 3.0, 300.0):
            a, b = (side.copy() for side in rows_of(c, scale, near=1e-3))
            a[3, 0], b[4] = INF, -INF
            y = np.zeros(len(a), np.int64)
            found = []
            for module in (kernels._ROWS, *builds):
                monkeypatch.setattr(kernels, "_ROWS", module)
                found.append(every(a, b) | every(a.astype(np.float32), b, 0.7, tables=False))
                found[-1]["label"] = kernels.surprisal_label(a, y)
            for other in found[1:]:
                same(found[0], other)
