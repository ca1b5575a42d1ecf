"""Cross-entropy of a 1 GiB float32 NPY of logits, from file to printed number: divtool against torch and SciPy.

Run ``make bench``. torch is no dependency: ``PEER_PYTHON=/path/to/python`` names a Python that has it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from _pairs import compare, divtool, python_with

ROWS, CLASSES = 268_435, 1_000

USUAL_TORCH = """
import sys, numpy as np, torch
import torch.nn.functional as F
logits, labels = torch.from_numpy(np.load(sys.argv[1])), torch.from_numpy(np.load(sys.argv[2]))
print(F.cross_entropy(logits, labels).item())
"""

CHUNKED_SCIPY = """
import sys, numpy as np
from scipy.special import log_softmax
logits, labels = np.load(sys.argv[1], mmap_mode="r"), np.load(sys.argv[2])
total = 0.0
for i in range(0, len(labels), 1024):
    part, of = np.asarray(logits[i : i + 1024]), labels[i : i + 1024]
    total -= log_softmax(part, axis=1)[np.arange(len(of)), of].sum(dtype=np.float64)
print(total / len(labels))
"""


def make_files(folder: Path) -> tuple[str, str]:
    """Logits and labels, written piece by piece: a child's peak memory counts that of the process that starts it."""
    rng = np.random.default_rng(0)
    with open(folder / "logits.npy", "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (ROWS, CLASSES)}
        np.lib.format.write_array_header_1_0(file, header)
        for i in range(0, ROWS, 4096):
            file.write((3 * rng.standard_normal((min(4096, ROWS - i), CLASSES), dtype=np.float32)).tobytes())
    np.save(folder / "labels.npy", rng.integers(0, CLASSES, ROWS))
    return str(folder / "logits.npy"), str(folder / "labels.npy")


def main() -> None:
    """Make the files, then run each pair."""
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(Path(folder))
        peers = {}
        for name, module, script in (("torch", "torch", USUAL_TORCH), ("scipy", "scipy", CHUNKED_SCIPY)):
            python = python_with(module)
            if python:
                peers[name] = [python, "-c", script, *files]
        compare(divtool("ce", *files, "-q"), peers)


if __name__ == "__main__":
    main()
