"""``divtool compare`` over several large files against an independent paired computation: SciPy's log-softmax by chunks
and its paired t-test, one process. It prints seconds, memory, and both winners, differences and intervals.

Three candidates of 256 MiB by default; ``python benchmarks/compare.py 10 1024`` takes ten of 1 GiB (11 GiB of temporary
files). Run ``make bench``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from _pairs import divtool, row, run

CLASSES, PIECE = 1000, 8192
PEER = """
import sys
import numpy as np
from scipy import stats
from scipy.special import log_softmax

def rows(reference, name):
    p, q = np.load(reference, mmap_mode="r"), np.load(name, mmap_mode="r")
    found = np.empty(len(p))
    for i in range(0, len(p), 1024):
        a, b = (log_softmax(x[i : i + 1024].astype(np.float64), axis=1) for x in (p, q))
        found[i : i + 1024] = (np.exp(a) * (a - b)).sum(axis=1)
    return found

reference, *names = sys.argv[1:]
kl = {name: rows(reference, name) for name in names}
best, following = sorted(names, key=lambda name: kl[name].mean())[:2]
low, high = stats.ttest_rel(kl[following], kl[best]).confidence_interval(0.95)
print(best, (kl[following] - kl[best]).mean(), low, high)
"""


def make_files(folder: Path, files: int, mebibytes: int) -> list[str]:
    """A reference of float32 logits, and files that are it with more and more noise."""
    rows = (mebibytes << 20) // (4 * CLASSES)
    names = [str(folder / name) for name in ("reference.npy", *(f"candidate{i}.npy" for i in range(files)))]
    for place, name in enumerate(names):
        common, own = np.random.default_rng(0), np.random.default_rng(place + 1)
        with open(name, "wb") as file:
            head = {"descr": "<f4", "fortran_order": False, "shape": (rows, CLASSES)}
            np.lib.format.write_array_header_1_0(file, head)
            for first in range(0, rows, PIECE):
                shape = (min(PIECE, rows - first), CLASSES)
                x = 2.0 * common.standard_normal(shape, np.float32)
                x += (0.3 + 0.02 * place if place else 0.0) * own.standard_normal(shape, np.float32)
                file.write(x.astype("<f4").tobytes())
    return names


def main() -> None:
    """Both once, for they are long; the usual measures, then the one that the peer computes."""
    files, mebibytes = map(int, sys.argv[1:]) if len(sys.argv) == 3 else (3, 256)
    with tempfile.TemporaryDirectory() as folder:
        names = make_files(Path(folder), files, mebibytes)
        usual = run(divtool("compare", *names, "-f", "json"))
        alone = run(divtool("compare", *names, "-m", "kl", "-f", "json"))
        peer = run([sys.executable, "-c", PEER, *names])
    verdict = json.loads(usual.output)["verdict"]
    first = verdict["differences"][0]
    print(f"{files} files of {mebibytes} MiB beside the reference")
    row("kl, js, tv, top-1: s", [usual.seconds])
    row("kl alone (both ways): s", [alone.seconds])
    row("SciPy, kl one way: s", [peer.seconds])
    row("times as fast, kl alone", [peer.seconds / alone.seconds])
    row("divtool peak MiB", [usual.peak_mib, alone.peak_mib])
    row("SciPy peak MiB", [peer.peak_mib])
    print(f"  divtool: {verdict['order'][0]}, {first['value']!r} [{first['low']!r} to {first['high']!r}]")
    print(f"  SciPy:   {peer.output}")


if __name__ == "__main__":
    main()
