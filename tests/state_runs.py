"""Runs to be kept and merged: what the tests of states have in common."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import divtool
from divtool.engine.saved import digest_of
from divtool.reports.rendering import render

ROWS = 200
Run = Callable[..., divtool.Result]


def write_data(folder: Path) -> Path:
    """Files of 200 rows: distributions with zeros, logits of three models, a table with all that a table may have."""
    numbers = np.random.default_rng(21)
    logits = numbers.normal(scale=3.0, size=(ROWS, 4))
    for name, noise in (("ref", 0.0), ("a", 0.3), ("b", 0.31), ("c", 1.0)):
        np.save(folder / f"{name}.npy", (logits + noise * numbers.normal(size=logits.shape)).astype(np.float32))
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.save(folder / "p.npy", probs)
    zeros = np.where(numbers.random(probs.shape) < 0.02, 0.0, probs)
    zeros[zeros.sum(axis=1) == 0.0] = 0.25
    np.save(folder / "q.npy", zeros / zeros.sum(axis=1, keepdims=True))
    names = ["cat", "dog", "emu", "fox"]
    with open(folder / "t.csv", "w") as file:
        file.write("id,cat,dog,emu,fox,label,site,patient,w\n")
        for i, row in enumerate(probs.tolist()):
            label, site = names[int(numbers.integers(4))], "xyz"[int(numbers.integers(3))]
            weight = [0.5, 1.0, 0.0, 3.25][int(numbers.integers(4))]
            cells = ",".join(map(repr, row))
            file.write(f"r{i:03},{cells},{label},{site},{int(numbers.integers(40))},{weight}\n")
    return folder


def plain_run(data: Path, **options: Any) -> divtool.Result:
    return divtool.compute("kl", str(data / "ref.npy"), str(data / "a.npy"), measure="js,renyi:order=inf", **options)


def infinite_run(data: Path, **options: Any) -> divtool.Result:
    return divtool.compute("kl", str(data / "p.npy"), str(data / "q.npy"), base="2", worst=4, **options)


def candidates_run(data: Path, **options: Any) -> divtool.Result:
    files = [str(data / f"{name}.npy") for name in ("ref", "a", "b", "c")]
    return divtool.compare(*files, measure="kl,tv,same-top-1", resamples=200, seed=3, by="prediction", **options)


def table_run(data: Path, **options: Any) -> divtool.Result:
    return divtool.compute(
        "ce", str(data / "t.csv"), label_col="label", sample_weight="w", by=("site", "label"), cluster="patient",
        worst=6, measure="brier", label_smoothing=0.1, **options,
    )  # fmt: skip


def ensemble_run(data: Path, **options: Any) -> divtool.Result:
    return divtool.ensemble(*(str(data / f"{name}.npy") for name in "abc"), temperature=2.0, **options)


RUNS: dict[str, Run] = {
    "plain": plain_run, "infinite": infinite_run, "candidates": candidates_run, "table": table_run,
    "ensemble": ensemble_run,
}  # fmt: skip


def slices(pieces: int, seed: int) -> list[str]:
    """``--rows`` of so many pieces of all rows."""
    cuts = sorted(random.Random(seed).sample(range(1, ROWS), pieces - 1))
    return [f"{first}:{stop}" for first, stop in zip([0, *cuts], [*cuts, ROWS], strict=True)]


def states(run: Run, data: Path, folder: Path, pieces: int, seed: int = 0, **options: Any) -> list[str]:
    """The states of a run over slices."""
    found = []
    for i, rows in enumerate(slices(pieces, seed)):
        found.append(str(folder / f"part{pieces}-{seed}-{i}.json"))
        run(data, rows=rows, save_state=found[-1], **options)
    return found


def forms(result: divtool.Result) -> dict[str, str | bytes]:
    return {form: render(result, form) for form in ("json", "jsonl", "tsv", "csv", "md", "table")}


def write(path: Path, document: dict[str, Any]) -> None:
    """A document with a checksum that is right."""
    document.pop("sha256", None)
    path.write_text(json.dumps({**document, "sha256": digest_of(document)}))
