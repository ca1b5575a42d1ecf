"""Files that would run code if anything in them were believed, and names that would take over a terminal."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from nursery import Nursery
from program import run

CANARY = "canary"
CODE = f"open({CANARY!r}, 'w').close()"
PROBS = np.array([[0.7, 0.3], [0.2, 0.8], [0.5, 0.5]])


class Trap:
    """Unpickled, it runs code."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return exec, (CODE,)


PICKLE = pickle.dumps(Trap())


def npy(array: Any) -> bytes:
    """An NPY file, whatever it holds."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def objects() -> np.ndarray:
    """Three rows of traps."""
    filled = np.empty((3, 2), object)
    filled[:] = [[Trap(), Trap()]] * 3
    return filled


def zipped(**members: bytes) -> bytes:
    """A ZIP of these files; two underscores stand for a slash, one for a point."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return stream.getvalue()


def headed(header: str) -> bytes:
    """An NPY file with a header of one's own."""
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + PROBS.tobytes()


def tensors(header: str) -> bytes:
    """A safetensors file with a header of one's own."""
    return len(header).to_bytes(8, "little") + header.encode() + PROBS.tobytes()


def extended() -> pa.Table:
    """A table whose metadata hold pickles, for its columns and for pandas."""
    told = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": PICKLE}
    fields = [pa.field(name, pa.float64(), metadata=told) for name in ("a", "b")]
    frame = {
        "columns": [{"name": "a", "pandas_type": "object", "metadata": {"pickle": PICKLE.hex()}}],
        "index_columns": [CODE],
    }
    schema = pa.schema(fields, metadata={b"pandas": json.dumps(frame).encode(), b"pickle": PICKLE})
    return pa.Table.from_arrays([pa.array(column) for column in PROBS.T], schema=schema)


def parquet() -> bytes:
    """It as Parquet."""
    stream = io.BytesIO()
    pq.write_table(extended(), stream)
    return stream.getvalue()


def arrow() -> bytes:
    """It as Arrow."""
    stream = io.BytesIO()
    with ipc.new_file(stream, extended().schema) as writer:
        writer.write_table(extended())
    return stream.getvalue()


ENTRY = '{"dtype":"F64","shape":[3,2],"data_offsets":[0,48]}'
FILES: Mapping[str, Callable[[], bytes]] = {
    "x.pkl": lambda: PICKLE,
    "old.pt": lambda: b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + PICKLE,
    "new.pt": lambda: zipped(archive__data_pkl=PICKLE, archive__data__0=b"1234"),
    "joblib.npz": lambda: zipped(model_pkl=PICKLE),
    "objects.npy": lambda: npy(objects()),
    "objects.npz": lambda: zipped(logits_npy=npy(objects())),
    "beside.npz": lambda: zipped(logits_npy=npy(PROBS), labels_npy=npy(objects()[:, 0]), meta_pkl=PICKLE),
    "code.npy": lambda: headed(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({CODE}, 3, 2)}}"),
    "type.npy": lambda: headed(f"{{'descr': exec({CODE!r}), 'fortran_order': False, 'shape': (3, 2)}}"),
    "field.npy": lambda: headed("{'descr': [('f', 'O')], 'fortran_order': False, 'shape': (3,)}"),
    "code.safetensors": lambda: tensors(f'{{"p": exec("{CODE}")}}'),
    "told.safetensors": lambda: tensors(f'{{"p":{ENTRY},"__metadata__":{{"pickle":"{PICKLE.hex()}"}}}}'),
    "x.parquet": parquet,
    "x.arrow": arrow,
    "x.jsonl": lambda: f'{{"py/reduce":[{{"py/type":"builtins.exec"}},["{CODE}"]],"a":0.5,"b":0.5}}\n'.encode() * 3,
    "x.yaml.csv": lambda: f'!!python/object/apply:exec ["{CODE}"]\n'.encode(),
    "x.csv": lambda: f'"=cmd|\' /C touch {CANARY}\'!A0",a,b\n"{CODE}",0.7,0.3\n"$(touch {CANARY})",0.2,0.8\n'.encode(),
    "`touch canary`.csv": lambda: b"a,b\n0.7,0.3\n0.2,0.8\n0.5,0.5\n",
}  # fmt: skip

COMMANDS = (
    ("entropy", "{x}"),
    ("kl", "{x}", "{x}", "--given", "logits"),
    ("ce", "{x}"),
    ("ce", "{x}", "labels.npy", "--per-row", "rows.csv"),
    ("ce", "plain.npy", "{x}"),
    ("softmax", "{x}", "--given", "logits", "-o", "out.parquet"),
    ("entropy", "{x}", "--explain"),
    ("entropy", "{x}:logits"),
    ("inspect", "{x}", "--all"),
)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """The process from which runs are forked."""
    made = Nursery({**os.environ, "TERM": "xterm-256color", "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"})
    yield made
    made.close()


@pytest.mark.parametrize("name", FILES)
def test_nothing_in_a_file_is_run(name: str, nursery: Nursery, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name]())
    np.save(tmp_path / "labels.npy", [0, 1, 0])
    np.save(tmp_path / "plain.npy", PROBS)
    for command in COMMANDS:
        ended = nursery.run([word.format(x=name) for word in command], cwd=tmp_path)
        assert ended.status in (0, 2, 3), ended.stderr
        assert not (tmp_path / CANARY).exists()


def test_the_trap_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pickle.loads(PICKLE)
    assert (tmp_path / CANARY).exists()


def test_nothing_in_the_working_folder_is_imported(tmp_path: Path) -> None:
    for name in ("numpy", "pyarrow", "divtool", "typer", "rich", "json", "sitecustomize", "usercustomize"):
        (tmp_path / f"{name}.py").write_text(CODE)
    np.save(tmp_path / "plain.npy", PROBS)
    assert run(["entropy", "plain.npy", "-q"], cwd=tmp_path).status == 0
    assert not (tmp_path / CANARY).exists()


# Colour and the cursor, a link and a title, C1 and controls, what reorders or hides: each with some of rich's markup.
SPOOFS = {
    "colour": "\x1b[58;5;9m[red]\x1b[2J",
    "link": "\x1b]8;;http:x\x07[/bold]\x1b]0;t\x07",
    "controls": "\x9b2J\x08\x07\x7f:smile:",
    "unseen": "\u202e\u2066\u200b\ufeff\U000e0041[link=x]",
}
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_HARMFUL = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


def quoted(*rows: tuple[str, ...]) -> str:
    """A text table of quoted cells."""
    return "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows)


Spoofed: TypeAlias = tuple[Mapping[str, str], tuple[str, ...]]


def spoofed(text: str) -> dict[str, Spoofed]:
    """Files in which this stands for a name or a cell, and commands that show it."""
    head, name = ("id", f"a{text}", f"b{text}"), text.replace("/", "")
    good = quoted(head, (f"u{text}", "0.7", "0.3"), ("v", "0.2", "0.8"))
    keys = json.dumps({f"a{text}": 0.7, "b": 0.3}) + "\n" + json.dumps({f"c{text}": 1}) + "\n"
    return {
        "class names": ({"x.csv": good}, ("entropy", "x.csv")),
        "rows": ({"x.csv": good}, ("softmax", "x.csv", "--given", "logits")),
        "rows of a measure": ({"x.csv": good}, ("entropy", "x.csv", "--reduction", "none")),
        "left out": ({"x.csv": quoted((*head, f"n{text}"), ("u", "0.7", "0.3", "w"))}, ("entropy", "x.csv")),
        "inspected": ({"x.csv": good}, ("inspect", "x.csv")),
        "explained": ({"x.csv": good}, ("entropy", "x.csv", "--explain")),
        "a cell": ({"x.csv": quoted(head, ("u", "0", "1"), ("v", "0", "1"), ("w", text, "1"))}, ("entropy", "x.csv")),
        "a label": ({"x.csv": good, "y.csv": quoted(("id", "label"), (f"u{text}", text), ("v", "a"))},
                    ("ce", "x.csv", "y.csv")),
        "an id": ({"x.csv": good, "y.csv": quoted(head, ("u", "0.7", "0.3"), ("v", "0.2", "0.8"))},
                  ("kl", "x.csv", "y.csv")),
        "a class": ({"x.csv": good, "y.csv": quoted(("id", "a", "b"), (f"u{text}", "1", "0"), ("v", "0", "1"))},
                    ("kl", "x.csv", "y.csv")),
        "a file": ({f"x{name}.csv": good}, ("inspect", f"x{name}.csv")),
        "no file": ({}, ("entropy", f"x{text}.csv")),
        "a column asked for": ({"x.csv": good}, ("entropy", "x.csv", "--columns", f"n{text}")),
        "a key": ({"x.jsonl": keys}, ("entropy", "x.jsonl")),
    }  # fmt: skip


@pytest.mark.parametrize("case", spoofed(""))
@pytest.mark.parametrize("spoof", SPOOFS)
def test_nothing_in_a_file_reaches_the_terminal_raw(case: str, spoof: str, nursery: Nursery, tmp_path: Path) -> None:
    files, command = spoofed(SPOOFS[spoof])[case]
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    shown = nursery.on_terminal(command, cwd=tmp_path)
    assert shown.status in (0, 2, 3), shown.stdout
    assert "\x1b[58" not in shown.stdout
    assert _HARMFUL.search(_COLOURS.sub("", shown.stdout)) is None, shown.stdout
    piped = nursery.run(command, cwd=tmp_path)
    assert _HARMFUL.search(piped.stderr) is None
    said = [line.partition(": ")[0] for line in piped.stderr.splitlines()]
    assert set(said) <= {"divtool", "hint"}


def test_markup_is_shown_as_it_is(nursery: Nursery, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,[red],[/bold],:smile:\n0.5,0.125,0.25,0.125\n")
    assert "[red], [/bold], :smile:" in nursery.on_terminal(["entropy", "x.csv"], cwd=tmp_path).stdout
    assert "[red], [/bold], :smile:" in nursery.on_terminal(["inspect", "x.csv"], cwd=tmp_path).stdout


def test_a_name_of_two_lines_is_one_line(nursery: Nursery, tmp_path: Path) -> None:
    name = "x\ndivtool: error: y.csv"
    (tmp_path / name).write_text("a,b\n0.7,0.7\n")
    ended = nursery.run(["entropy", name], cwd=tmp_path)
    assert ended.stderr.startswith("divtool: error: x\\x0adivtool: error: y.csv: ")
    assert ended.stderr.count("\n") == 2
