"""``divtool inspect`` and ``--explain``: what a stranger's file is, and commands that really run."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from program import run

import divtool
from divtool import api
from divtool.errors import InputError

RNG = np.random.default_rng(22)
PROBS = RNG.dirichlet(np.ones(3), 50)
LABELS = RNG.integers(0, 3, 50)
NAMES = ["cat", "dog", "eel"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(PROBS, columns=NAMES)
    frame.assign(id=range(50), label=[NAMES[i] for i in LABELS]).to_csv("whole.csv", index=False)
    frame.assign(id=range(50)).to_csv("preds.csv", index=False)
    pd.DataFrame({"id": range(50), "label": [NAMES[i] for i in LABELS]}).to_csv("labels.csv", index=False)
    np.save("logits.npy", RNG.normal(size=(50, 3)).astype(np.float32))
    np.savez("both.npz", probs=PROBS, labels=LABELS)
    np.save("votes.npy", RNG.integers(0, 9, (50, 3)))
    np.save("cube.npy", np.moveaxis(RNG.dirichlet(np.ones(5), (4, 6)), -1, 1))
    np.save("odd.npy", np.where(np.arange(150).reshape(50, 3) == 7, -999.0, RNG.normal(size=(50, 3))))
    return tmp_path


def seen(name: str, **options: Any) -> Any:
    (one,) = api.inspect(name, **options)
    return one


class TestInspect:
    def test_probabilities_with_labels(self, files: Path) -> None:
        one = seen("whole.csv")
        assert (one.kind, one.classes, one.class_names, one.rows) == ("probs", 3, tuple(NAMES), 50)
        assert one.labels.distinct == len(set(LABELS.tolist()))
        assert sum(count for _, count in one.labels.counts) == 50
        assert one.figures.least == PROBS.min()
        assert one.commands[0] == "divtool ce whole.csv"

    def test_arrays_in_one_file(self, files: Path) -> None:
        one = seen("both.npz")
        assert {name for name, _, _ in one.members} == {"probs", "labels"}
        assert "divtool ce both.npz" in one.commands

    def test_labels(self, files: Path) -> None:
        one = seen("labels.csv")
        assert (one.kind, one.labels.column) == (None, "label")
        assert one.commands == ("divtool ce PREDICTIONS labels.csv",)

    def test_two_files_that_fit(self, files: Path) -> None:
        first, _ = api.inspect("preds.csv", "labels.csv")
        assert "divtool ce preds.csv labels.csv" in first.commands

    def test_what_is_odd(self, files: Path) -> None:
        one = seen("odd.npy")
        assert dict(one.figures.sentinels) == {"-999": 1}
        gaps = pd.read_csv("preds.csv")
        gaps.loc[3, "cat"] = np.nan
        gaps.to_csv("gaps.csv", index=False)
        assert seen("gaps.csv").figures.missing == 1

    def test_doubts_say_the_way_out(self, files: Path) -> None:
        one = seen("votes.npy")
        assert one.kind is None
        assert "counts" in one.doubts[0][1]
        assert seen("votes.npy", given="counts").kind == "counts"

    def test_more_dimensions(self, files: Path) -> None:
        one = seen("cube.npy")
        assert (one.kind, one.classes, one.shape) == ("probs", 5, (4, 5, 6))

    def test_part_of_a_large_file(self, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(api, "_INSPECTED", 300)
        assert not seen("preds.csv").figures.whole
        assert seen("preds.csv").figures.rows < 50
        assert seen("preds.csv", everything=True).figures.whole

    @pytest.mark.parametrize("name", ["whole.csv", "preds.csv", "labels.csv", "logits.npy", "both.npz", "cube.npy"])
    def test_every_command_runs(self, name: str, files: Path) -> None:
        for command in seen(name).commands:
            if any(word.isupper() for word in shlex.split(command)):
                continue
            _, verb, *words = shlex.split(command)
            result = run([verb, *words, *([] if verb == "softmax" else ["-q"])], cwd=files)
            assert (result.status, result.stderr) == (0, "")

    def test_the_program(self, files: Path) -> None:
        ended = run(["inspect", "whole.csv", "labels.csv"], cwd=files)
        assert (ended.status, ended.stderr) == (0, "")
        assert max(map(len, ended.stdout.splitlines())) <= 120
        document = json.loads(run(["inspect", "whole.csv", "-f", "json"], cwd=files).stdout)
        assert [each["kind"] for each in document["files"]] == ["probs"]

    def test_what_is_no_table(self, files: Path) -> None:
        (files / "x.bin").write_bytes(b"\x80\x04K\x01.")
        ended = run(["inspect", "x.bin"], cwd=files)
        assert (ended.status, ended.stdout) == (3, "")
        with pytest.raises(InputError):
            seen("nothing.csv")


class TestExplain:
    def test_decisions_without_a_number(self, files: Path) -> None:
        ended = run(["ce", "preds.csv", "labels.csv", "--explain", "-f", "table"], cwd=files)
        assert (ended.status, ended.stderr) == (0, "")
        assert "would compute" in ended.stdout
        assert "50 rows" in ended.stdout
        value = divtool.ce("preds.csv", "labels.csv").value
        assert f"{value:.6g}" not in ended.stdout

    def test_for_programs(self, files: Path) -> None:
        ended = run(["kl", "preds.csv", "whole.csv", "--explain", "-f", "json", "-j", "2"], cwd=files)
        document = json.loads(ended.stdout)
        assert (document["cut"]["rows"], document["cut"]["threads"]) == (50, 2)
        assert [each["kind"] for each in document["inputs"]] == ["probs", "probs"]

    def test_refusals_come_as_in_a_run(self, files: Path) -> None:
        ended = run(["ce", "votes.npy", "labels.csv", "--explain"], cwd=files)
        assert (ended.status, ended.stdout) == (3, "")

    def test_nothing_is_written(self, files: Path) -> None:
        ended = run(["ce", "preds.csv", "labels.csv", "--explain", "--per-row", "rows.csv"], cwd=files)
        assert ended.status == 0
        assert not (files / "rows.csv").exists()


class TestSeveralFiles:
    def test_a_glob_is_several_operands(self, files: Path) -> None:
        (files / "d").mkdir()
        for name in ("a", "b"):
            np.save(files / "d" / f"{name}.npy", RNG.normal(size=(50, 3)))
        both = run(["kl", "d/a.npy", "d/b.npy", "-q"], cwd=files)
        assert run(["kl", "d/*.npy", "-q"], cwd=files).stdout == both.stdout
        assert [each.path for each in api.inspect("d/*.npy")] == ["d/a.npy", "d/b.npy"]

    def test_one_that_cannot_be_opened(self, files: Path) -> None:
        ended = run(["inspect", "nothing.csv", "preds.csv"], cwd=files)
        assert (ended.status, ended.stderr) == (3, "")
        assert "No such file" in ended.stdout
        assert "divtool entropy preds.csv" in ended.stdout

    def test_ids_that_stand_twice(self, files: Path) -> None:
        frame = pd.read_csv("preds.csv")
        pd.concat([frame, frame[:1]]).to_csv("twice.csv", index=False)
        assert any("twice" in doubt for doubt, _ in seen("twice.csv").doubts)

    def test_a_text_of_class_names_is_the_label(self, files: Path) -> None:
        pd.read_csv("whole.csv").rename(columns={"label": "animal"}).to_csv("named.csv", index=False)
        assert "divtool ce named.csv --label-col animal" in seen("named.csv").commands

    def test_rounded_probabilities_in_binary(self, files: Path) -> None:
        pd.DataFrame(np.round(PROBS, 3), columns=NAMES).to_parquet("round.parquet")
        for command in seen("round.parquet").commands:
            if not any(word.isupper() for word in shlex.split(command)):
                assert run([*shlex.split(command)[1:], "-q"], cwd=files).status == 0

    def test_sums_that_would_be_refused_later(self, files: Path) -> None:
        late = np.tile(PROBS, (200, 1))
        late[9000, 0] += 0.25
        np.save("late.npy", late)
        one = seen("late.npy")
        assert one.doubts
        assert any("--normalize" in command for command in one.commands)


class TestTablesOfOutcomes:
    """A table that is none of class outputs: what can be asked of it, in commands that run."""

    TABLES: ClassVar = {
        "counted": ("a,b,n\nx,u,3\nx,v,5\ny,u,7\ny,v,12\n", "mi counted.csv --target b --counts n"),
        "measured": ("kind,length\n" + "".join(f"{'pq'[i % 2]},{i * 0.37}\n" for i in range(30)),
                     "mi measured.csv --target kind --bins 10"),
        "labelled": ("y,colour,shape\n" + "".join(f"{i % 2},{'rgb'[i % 3]},{'st'[i % 5 % 2]}\n" for i in range(30)),
                     "mi labelled.csv --target y"),
        "told": ("island,bill,depth,sex\n" + "".join(f"{'abc'[i % 3]},{i * 0.37},{i * -0.21},{'fm'[i % 5 % 2]}\n"
                 for i in range(30)), "mi told.csv --target sex --bins 10"),
        "crossed": ("sex,maybe,no\nf,46,47\nm,31,62\n", "joint crossed.csv"),
        "numbered": ("k,0,1,2\n0,20,33,17\n1,12,3,5\n2,9,8,9\n", "joint numbered.csv"),
        "called": ("label,cat,dog\ncat,75,12\ndog,3,75\n", "joint called.csv"),
        "weighed": ("teeth,probability\n0,0.25\n1,0.5\n2,0.25\n", "fit weighed.csv"),
    }  # fmt: skip

    @pytest.mark.parametrize("name", TABLES)
    def test_a_command_that_runs(self, name: str, files: Path) -> None:
        text, command = self.TABLES[name]
        Path(f"{name}.csv").write_text(text)
        assert f"divtool {command}" in seen(f"{name}.csv").commands
        done = run(shlex.split(command))
        assert (done.status, "error" in done.stderr) == (0, False)

    @pytest.mark.parametrize("name", ["told", "crossed", "numbered", "called"])
    def test_it_comes_first(self, name: str, files: Path) -> None:
        text, command = self.TABLES[name]
        Path(f"{name}.csv").write_text(text)
        assert seen(f"{name}.csv").commands[0] == f"divtool {command}"

    def test_text_beside_logits_that_says_nothing_of_cases(self, files: Path) -> None:
        logits = pd.DataFrame(RNG.normal(size=(50, 3)), columns=NAMES)
        for name, text in (("split", ["train", "test"] * 25), ("sentence", [f"s{i}" for i in range(50)])):
            logits.assign(**{name: text}).to_csv("scores.csv", index=False)
            assert seen("scores.csv").commands[0] == "divtool entropy scores.csv"

    def test_no_table_of_counts_for_votes(self, files: Path) -> None:
        Path("votes.csv").write_text("id,cat,dog\n4,3,2\n5,0,5\n7,4,1\n")
        assert not [each for each in seen("votes.csv").commands if " joint " in each]
        assert not [each for each in seen("votes.npy").commands if " joint " in each]

    def test_two_files_of_labels(self, files: Path) -> None:
        pd.read_csv("labels.csv").iloc[::-1].to_csv("others.csv", index=False)
        Path("short.csv").write_text("id,label\n0,cat\n1,dog\n")
        first, *rest = api.inspect("labels.csv", "others.csv", "short.csv", "preds.csv")
        assert "divtool joint labels.csv others.csv" in first.commands
        assert not [each for one in (first, *rest) for each in one.commands if "joint" in each and "short" in each]
        done = run(["joint", "labels.csv", "others.csv", "-m", "accuracy"], cwd=files)
        assert (done.status, done.stderr) == (0, "")

    def test_none_for_what_has_no_target(self, files: Path) -> None:
        Path("numbers.csv").write_text("a,b\n" + "".join(f"{i % 7 * 1.5},{i * 3}\n" for i in range(40)))
        assert not [each for each in seen("numbers.csv").commands if " mi " in each]
        assert not [each for each in seen("whole.csv").commands if " mi " in each]

    def test_a_table_of_counts_taken_for_cases_is_doubted(self, files: Path) -> None:
        Path("counted.csv").write_text(self.TABLES["counted"][0])
        for arguments in (("mi", "counted.csv", "--target", "b"), ("joint", "counted.csv", "a", "b")):
            assert "--counts n" in run(list(arguments)).stderr
            assert "--counts" not in run([*arguments, "--counts", "n"]).stderr
        Path("cases.csv").write_text("a,b,n\nx,u,3\nx,u,5\ny,u,7\ny,v,12\n")
        assert "--counts" not in run(["mi", "cases.csv", "--target", "b"]).stderr
