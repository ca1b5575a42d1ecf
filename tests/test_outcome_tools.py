"""`divtool joint` and `divtool mi` on the command line: options, refusals, forms, whatever text is shown."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from nursery import Forked, Nursery

X, Y, Z = "aabbccaabbcc" * 4, "uvuvuvuuvvuv" * 4, "012012210012" * 4
LINES = ("x,y,z,v,n", *(f"{x},{y},{z},{i * 0.25},{1 + i % 3}" for i, (x, y, z) in enumerate(zip(X, Y, Z, strict=True))))
GAP = (*LINES, ",u,1,0.5,1")
COLUMNS, MI = ("joint", "t.csv", "x", "y"), ("mi", "t.csv", "--target", "y", "--columns", "x,z")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """The process from which runs are forked."""
    made = Nursery({**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"})
    yield made
    made.close()


class Runs:
    """Runs in a folder of their own."""

    nursery: Nursery

    @pytest.fixture(autouse=True)
    def at_home(self, nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        self.nursery = nursery
        write("t.csv", *LINES)
        write("a.csv", "id,label", *(f"{i},{x}" for i, x in enumerate(X)))
        write("b.csv", "id,label", *(f"{i},{y}" for i, y in enumerate(Y)))
        write("p.csv", "id,u,v", *(f"{i},{0.25 + 0.5 * (y == 'u')},{0.75 - 0.5 * (y == 'u')}" for i, y in enumerate(Y)))
        write("c.csv", "r,u,v,w", "a,30,10,12", "b,20,40,7")
        write("g.csv", "r,u,v", "a,0.3,0.1", "b,0.2,0.4")

    def run(self, *arguments: str, stdin: str = "") -> Forked:
        return self.nursery.run(arguments, stdin=stdin)

    def good(self, *arguments: str, stdin: str = "") -> str:
        done = self.run(*arguments, stdin=stdin)
        assert (done.status, "error" in done.stderr) == (0, False), done.stderr
        return done.stdout

    def document(self, *arguments: str, stdin: str = "") -> dict[str, Any]:
        def refuse(constant: str) -> None:
            raise AssertionError(f"bare {constant} in JSON")

        found: dict[str, Any] = json.loads(self.good(*arguments, "-f", "json", stdin=stdin), parse_constant=refuse)
        return found

    def refused(self, status: int, *arguments: str) -> str:
        done = self.run(*arguments)
        assert (done.status, done.stdout) == (status, ""), done.stderr
        assert re.fullmatch(r"divtool: error: [^\n]+\n(hint: [^\n]+\n)?", done.stderr), done.stderr
        return done.stderr


def write(name: str, *lines: str) -> str:
    Path(name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return name


USED: dict[str, tuple[str, ...]] = {
    "--target": ("--target", "x"), "--matrix": ("--matrix",), "--together": ("--together",),
    "--given-columns": ("--given-columns", "z"), "--lag": ("--lag", "1"), "--history": ("--history", "2"),
    "--permutations": ("--permutations", "20"), "--seed": ("--seed", "5"), "--sort": ("--sort", "name"),
    "--missing": ("--missing", "drop"), "--bins": ("--bins", "z=2"), "--counts": ("--counts", "n"),
    "--estimator": ("--estimator", "grassberger"), "--columns": ("--columns", "x"), "--id": ("--id", "none"),
    "--no-header": ("--no-header",), "--delimiter": ("--delimiter", ";"), "--input-format": ("--input-format", "npy"),
    "--concat": ("--concat",), "--rows": ("--rows", "0:9"), "--base": ("--base", "2"),
    "--threads": ("--threads", "-1"), "--chunk-size": ("--chunk-size", "none"), "--format": ("--format", "md"),
    "--output": ("--output", "out.csv"), "--digits": ("--digits", "3"), "--measure": ("-m", "nmi"),
    "--given": ("--given", "probs"), "--norm": ("--norm", "max"), "--beta": ("--beta", "2"),
    "--cells": ("--cells", "out.tsv"), "--quiet": ("-q",), "--normalize": ("--normalize",),
    "--join": ("--join", "inner"),
}  # fmt: skip
# What only some forms show. And what does nothing here: there is a header, and no terminal.
SHOWN = {"--digits", "--id", "--sort"}
IDLE = {"--help", "--header", "--progress"}


class TestEveryOption(Runs):
    FORMS: ClassVar[dict[str, tuple[str, ...]]] = {
        "columns": COLUMNS, "labels": ("joint", "a.csv", "b.csv"), "soft": ("joint", "a.csv", "p.csv"),
        "cells": ("joint", "c.csv"), "ranking": MI,
    }  # fmt: skip
    # On inputs that already are what the option would make of them, it has nothing to do.
    NOTHING: ClassVar[set[tuple[str, str]]] = {
        ("soft", "--normalize"), ("cells", "--normalize"), ("cells", "--rows"), ("soft", "--join"),
        ("labels", "--join"),
    }  # fmt: skip

    def flags(self, command: str) -> list[str]:
        listed = self.good(command, "--help").partition("Options:")[2]
        return sorted(set(re.findall(r"^ .{0,6}(--[a-z-]+)", listed, re.M)))

    def outcome(self, arguments: tuple[str, ...]) -> object:
        done = self.run(*arguments)
        assert done.status in (0, 2, 3), done.stderr
        return done.status, done.stdout, done.stderr, sorted(path.name for path in Path().glob("out.*"))

    @pytest.mark.parametrize("form", FORMS)
    def test_changes_something_or_is_refused(self, form: str) -> None:
        base, idle = self.FORMS[form], []
        plain = self.outcome(base)
        for flag in self.flags(base[0]):
            if flag in IDLE or (form, flag) in self.NOTHING:
                continue
            if flag == "--missing":
                write("t.csv", *GAP)
                write("a.csv", "id,label", *(f"{i},{x if i else ''}" for i, x in enumerate(X)))
            if flag == "--id" and form in ("labels", "soft"):
                # Rows in another order, so that it matters what they are matched by.
                write("b.csv", "id,label", *(f"{i},{y}" for i, y in reversed(list(enumerate(Y)))))
                write("p.csv", "id,u,v", *(f"{47 - i},{i / 64},{1 - i / 64}" for i in range(48)))
            own = (*base, "-f", {"--digits": "table"}.get(flag, "json")) if flag in SHOWN else base
            before = self.outcome(own) if own != base or flag == "--missing" else plain
            if self.outcome((*own, *USED[flag])) == before:
                idle.append(flag)
            write("t.csv", *LINES)
            for path in Path().glob("out.*"):
                path.unlink()
        assert idle == []

    def test_all_options_are_walked(self) -> None:
        assert {*self.flags("joint"), *self.flags("mi")} == {*USED, *IDLE}

    def test_help_names_files_that_are_there(self) -> None:
        for command in ("joint", "mi"):
            for path in re.findall(r"examples/\S+", self.good(command, "--help")):
                assert (Path(__file__).parents[1] / path).exists()

    @pytest.mark.parametrize(
        ("arguments", "status", "says"),
        [
            (("joint", "t.csv", "x", "yy"), 3, 'has no column "yy" (Y)\nhint: did you mean "y"?'),
            (("joint", "t.csv", "x", "x"), 2, "X and Y are the same column"),
            (("joint", "t.csv", "x", "v"), 3, '"v" holds fractions'),
            (("joint", "t.csv", "x", "y", "-m", "nmo"), 2, '"nmo"\nhint: did you mean "nmi"'),
            (("joint", "t.csv", "x", "y", "--estimator", "chao"), 2, 'did you mean "chao-shen"?'),
            (("joint", "t.csv", "x", "y", "-m", "accuracy"), 2, "with the same names"),
            (("joint", "t.csv", "x", "y", "--norm", "least"), 2, "expected one of min, geometric, arithmetic, max"),
            (("joint", "t.csv", "x", "y", "-m", "mi", "--norm", "max"), 2, "--norm belongs to none of the statistics"),
            (("joint", "t.csv", "x", "y", "-m", "mi", "--beta", "2"), 2, "--beta belongs to none of the statistics"),
            (("joint", "t.csv", "x", "y", "--beta", "-1"), 2, "--beta -1: expected a number from 0"),
            (("joint", "t.csv", "x", "y", "-q", "-m", "mi,nmi"), 2, "--quiet prints one number"),
            (("joint", "t.csv", "x", "y", "-q", "-m", "joint outcomes"), 2, "--quiet prints one number"),
            (("joint", "t.csv", "x", "y", "--counts", "y"), 2, "it is no variable"),
            (("joint", "t.csv", "x", "y", "--cells", "t.csv"), 2, "the output is also an input"),
            (("joint", "t.csv", "x", "y", "-o", "t.csv"), 2, "the output is also an input"),
            (("joint", "t.csv", "x", "y", "-o", "o.csv", "--cells", "o.csv"), 2, "name the same file"),
            (("joint", "t.csv", "x", "y", "--cells", "o.doc"), 2, "names no format for rows"),
            (("joint", "g.csv", "-m", "ami"), 2, "needs the number of cases"),
            (("joint", "g.csv", "--estimator", "nsb"), 2, "do not tell how many cases"),
            (("joint", "c.csv", "--missing", "drop"), 2, "--missing does not apply"),
            (("joint", "missing.csv", "x", "y"), 3, "cannot be read"),
            (("joint", "t.csv", "x", "y", "z"), 2, "unexpected"),
            (("joint",), 2, "missing argument"),
            (("mi", "t.csv"), 2, "No target is named"),
            (("mi", "t.csv", "--target", "y", "--matrix"), 2, "exclude each other"),
            (("mi", "t.csv", "--target", "w"), 3, 'has no column "w" (--target)'),
            (("mi", "t.csv", "--target", "v", "--columns", "x"), 3, '"v" holds fractions'),
            (("mi", "t.csv", "--target", "y"), 3, '"v" holds fractions'),
            (("mi", "t.csv", "--target", "y", "--columns", "x,zz"), 3, 'has no column "zz"'),
            (("mi", "t.csv", "--target", "y", "--sort", "gian"), 2, 'did you mean "gain"?'),
            (("mi", "t.csv", "--target", "n", "--counts", "n"), 2, "it is no variable"),
            ((*MI, "--given-columns", "n", "--counts", "n"), 2, "it is no variable"),
            ((*MI, "--given-columns", "!x"), 2, "names no column that is known"),
            ((*MI, "--given-columns", "y"), 2, "it cannot be given"),
            ((*MI, "--given-columns", "x,z"), 2, "no column is left"),
            (("mi", "t.csv", "--target", "y", "--columns", "x", "--bins", "7"), 2, "no variable holds numbers"),
            ((*MI, "--bins", "k=7"), 3, 'has no column "k"'),
            ((*MI, "--bins", "x=7"), 3, "intervals are of numbers"),
            ((*MI, "--lag", "48"), 3, "no case is left"),
            ((*MI, "--rows", "100:200"), 3, "no case is left"),
            ((*MI, "-o", "t.csv"), 2, "the output is also an input"),
            ((*MI, "-o", "no/where.csv"), 5, "no/where.csv"),
            ((*MI, "-o", "o.doc"), 2, "names no form of a report"),
            (("mi", "t.csv", "--together", "--sort", "name"), 2, "--sort is for --target"),
            (("mi", "t.csv", "--matrix", "--permutations", "9"), 2, "--permutations is for --target"),
        ],
    )  # fmt: skip
    def test_refused(self, arguments: tuple[str, ...], status: int, says: str) -> None:
        assert says in self.refused(status, *arguments)

    def test_a_warning_of_p_values_only_where_there_are_any(self) -> None:
        write("few.csv", "x,y", "a,u", "b,v", "a,v", "b,v")
        assert "p-values are rough" in self.run("joint", "few.csv", "x", "y").stderr
        assert self.run("joint", "few.csv", "x", "y", "-m", "nmi").stderr == ""


class TestForms(Runs):
    @pytest.mark.parametrize("base", [COLUMNS, MI], ids=["joint", "mi"])
    def test_every_form_holds_the_same_numbers(self, base: tuple[str, ...]) -> None:
        key = "value" if base is COLUMNS else "gain"
        wanted = [each[key] for each in self.document(*base)["results"]]
        assert [json.loads(line)[key] for line in self.good(*base, "-f", "jsonl").splitlines()] == wanted
        for form, comma in (("csv", ","), ("tsv", "\t")):
            lines = csv.DictReader(self.good(*base, "-f", form).splitlines(), delimiter=comma)
            assert [float(line[key]) for line in lines] == [float(each) for each in wanted]
        assert self.good(*base) == self.good(*base, "-f", "tsv")
        markdown = self.good(*base, "-f", "md")
        assert all(str(each) in markdown for each in wanted)
        for suffix in ("json", "csv", "txt"):
            assert self.good(*base, "-o", f"out.{suffix}") == ""
            shown = self.good(*base, "-f", {"txt": "table"}.get(suffix, suffix))
            assert Path(f"out.{suffix}").read_text(encoding="utf-8") == shown

    def test_quiet_and_digits(self) -> None:
        found = {each["measure"]: each["value"] for each in self.document(*COLUMNS)["results"]}
        assert self.good(*COLUMNS, "-q") == f"{found['mutual-information']!r}\n"
        assert self.good(*COLUMNS, "-q", "-m", "ami") == f"{found['ami']!r}\n"
        assert f"{found['entropy-x']:.3g}" in self.good(*COLUMNS, "-f", "table", "--digits", "3")

    def test_an_estimator_is_named_only_where_it_was_used(self) -> None:
        plain, other = (
            {line["measure"]: line for line in map(json.loads, self.good(*COLUMNS, "-f", "jsonl", *more).splitlines())}
            for more in ((), ("--estimator", "grassberger"))
        )
        same = {name for name, line in plain.items() if line["value"] == other[name]["value"]}
        assert {"g-test", "chi2-test", "ami"} <= same
        assert {name for name in same if other[name]["estimator"] == "grassberger"} == set()

    def test_keys_of_json(self) -> None:
        joint, ranking = self.document(*COLUMNS), self.document(*MI)
        matrix = self.document("mi", "t.csv", "--matrix", "--columns", "x,y,z")
        together = self.document("mi", "t.csv", "--together", "--columns", "x,y,z")
        assert (joint["schema"], joint["command"], ranking["command"]) == ("divtool/1", "joint", "mi")
        head = ["schema", "divtool", "command", "settings", "inputs"]
        assert list(joint) == [*head, "matched", "x", "y", "cases", "rows", "left_out", "estimator", "unit", "results",
                               "cells", "written", "warnings"]  # fmt: skip
        for each in (ranking, matrix, together):
            assert list(each) == [*head, "notes", "question", "conditions", "target", "rows", "cases", "estimator",
                                  "null", "unit", "variables", "results", "warnings"]  # fmt: skip
        keys = [sorted(each["results"][0]) for each in (joint, ranking, matrix, together)]
        tested = ["log10_p_value", "p_value"]
        assert keys == [
            sorted(["degrees_of_freedom", "estimator", "family", "measure", "parameters", "title", "unit", "value",
                    *tested]),
            sorted(["cases", "column", "estimator", "excess", "expected", "gain", "missing", "null_high", "outcomes",
                    "rule", "share", "unit", "rough", "lag", *tested]),
            sorted(["cases", "estimator", "gain", "nmi", "unit", "x", "y", "expected", "excess", "rough", *tested]),
            ["estimator", "measure", "unit", "value"],
        ]  # fmt: skip
        assert list(joint["cells"][0]) == ["x", "y", "count", "expected", "pmi", "npmi"]
        assert sorted(joint["x"]) == ["entries", "missing", "name", "outcomes", "path", "rule"]

    @pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet", "arrow", "npy"])
    def test_cells(self, suffix: str) -> None:
        write("t.csv", *GAP)
        wanted = [tuple(each.values()) for each in self.document(*COLUMNS)["cells"]]
        assert (wanted[-1][:3], len(wanted)) == ((None, "u", 1.0), 7)
        self.good(*COLUMNS, "--cells", f"out.{suffix}")
        if suffix == "npy":
            assert np.load("out.npy").tolist() == [list(each[2:]) for each in wanted]
            return
        path = Path(f"out.{suffix}")
        if suffix == "parquet":
            rows = [tuple(each.values()) for each in pq.read_table(path).to_pylist()]
        elif suffix == "arrow":
            rows = [tuple(each.values()) for each in pa.ipc.open_file(path).read_all().to_pylist()]
        elif suffix == "jsonl":
            rows = [tuple(json.loads(line).values()) for line in path.read_text().splitlines()]
        else:
            lines = list(csv.reader(path.read_text().splitlines(), delimiter={"csv": ",", "tsv": "\t"}[suffix]))
            assert lines[0] == ["x", "y", "count", "expected", "pmi", "npmi"]
            rows = [(x, y, *map(float, numbers)) for x, y, *numbers in lines[1:]]
        assert [(x or None, y or None, *numbers) for x, y, *numbers in rows] == wanted

    ODD: ClassVar[tuple[str, ...]] = (
        "a,b", "c\td", "\x1b[31me", "f|g", "h\\t", 'q"r', "k\nl", "=1+1", " s ", "\u202ee",
    )  # fmt: skip

    def odd_table(self) -> None:
        with open("odd.csv", "w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file)
            lines.writerow([*self.ODD, "y"])
            lines.writerows([[*(name + str(i % 2) for name in self.ODD), "uvw"[i % 3]] for i in range(12)])

    def test_hostile_text(self) -> None:
        self.odd_table()
        ranked = ("mi", "odd.csv", "--target", "y")
        for base in (ranked, ("joint", "odd.csv", "a,b", "y"), ("mi", "odd.csv", "--matrix")):
            texts = {form: self.good(*base, "-f", form) for form in ("table", "jsonl", "csv", "tsv", "md")}
            widths = {line.count("\t") for line in texts["tsv"].splitlines()}
            assert len(widths) == 1
            assert len({len(row) for row in csv.reader(texts["csv"].splitlines(keepends=True))}) == 1
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in texts["md"].splitlines()}) == 1
            for form in ("table", "md"):
                assert not {"\x1b", "\u202e"} & set(texts[form])
        named = [each["column"] for each in self.document(*ranked)["results"]]
        assert sorted(name.strip() for name in named) == sorted(name.strip() for name in self.ODD)

    def test_hostile_outcomes(self) -> None:
        self.odd_table()
        Path("long.csv").write_text("x,y\n" + "".join(f'"\x1b[2J{i}",{"w" * 5000}{i % 2}\n' for i in range(6)))
        shown = self.good("joint", "long.csv", "x", "y", "-f", "table")
        assert "\x1b" not in shown
        assert max(map(len, shown.splitlines())) < 500
        assert self.document("joint", "long.csv", "x", "y")["y"]["entries"][1] == "w" * 5000 + "1"


class TestEdges(Runs):
    def test_pipe(self) -> None:
        text = Path("t.csv").read_text(encoding="utf-8")
        for base in (COLUMNS, MI):
            wanted = self.document(*base)["results"]
            assert self.document(*(each.replace("t.csv", "-") for each in base), stdin=text)["results"] == wanted

    @pytest.mark.parametrize(
        ("lines", "says"),
        [((), "the file is empty"), (("x,y",), "holds no rows"), (("y", "u", "v"), 'only the column "y" is left'),
         (("id,y", "1,u", "2,v"), "names the rows")],
        ids=["empty", "header only", "one column", "ids alone"],
    )  # fmt: skip
    def test_nothing_to_tell(self, lines: tuple[str, ...], says: str) -> None:
        assert says in self.refused(3, "mi", write("e.csv", *lines), "--target", "y")

    @pytest.mark.parametrize(
        ("lines", "says"),
        [
            (("r,u,v,All", "a,3,1,4", "b,2,4,6"), "sum of the others"),
            (("r,u,v", "a,3,1", "b,2,4", "All,5,5"), "sum of the others"),
            (("r,u,v,w,x", "a,3,1,2,6", "b,2,4,1,7"), "sum of the others"),
            (("r,u,v", "a,3,-1", "b,2,4"), 'line 2 (row 0), column "v": -1 is neither'),
            (("r,u,v", "a,3,1", "b,nan,4"), 'line 3 (row 1), column "u"'),
            (("r,u,v", "a,3,inf", "b,1,4"), "inf is neither"),
            (("r,u,v", "a,3,", "b,1,4"), 'line 2 (row 0), column "v"'),
            (("r,u,v", "a,0.3,0.1", "b,0.2,0.5"), "the cells sum to 1.1"),
            (("r,u,v", "a,0.5,0.5", "b,0.5,0.5"), "each row sums to 1"),
            (("r,u,v", "a,3,1", "a,2,4"), '"a" has a row already'),
            (("r,u,v", "a,0,0", "b,0,0"), "holds no cases"),
            (("r,u,v",), "holds no rows"),
        ],
    )  # fmt: skip
    def test_no_contingency_table(self, lines: tuple[str, ...], says: str) -> None:
        said = self.refused(3, "joint", write("e.csv", *lines))
        assert says in said
        assert "np." not in said

    @pytest.mark.parametrize("rows", [("a,u",), ("a,u", "b,u", "c,u")], ids=["one row", "one outcome"])
    def test_a_target_that_never_changes(self, rows: tuple[str, ...]) -> None:
        found = self.document("mi", write("e.csv", "x,y", *rows), "--target", "y")
        assert (found["results"][0]["gain"], found["results"][0]["p_value"], found["target"]["entropy"]) == (0, 1, 0)
        values = {each["measure"]: each["value"] for each in self.document("joint", "e.csv", "x", "y")["results"]}
        assert (values["mutual-information"], values["entropy-y"], values["cramers-v"]) == (0, 0, 0)

    def test_ids_are_left_out_unless_named(self) -> None:
        write("e.csv", "id,x,y", *(f"{i},{x},{y}" for i, (x, y) in enumerate(zip(X, Y, strict=True))))
        plain, named = (self.run("mi", "e.csv", "--target", "y", *more) for more in ((), ("--columns", "id,x")))
        assert [line.split("\t")[0] for line in plain.stdout.splitlines()] == ["column", "x"]
        assert "every case has another entry" in named.stderr
        assert [line.split("\t")[0] for line in named.stdout.splitlines()] == ["column", "id", "x"]

    def test_many_columns(self) -> None:
        rng = np.random.default_rng(2)
        names = ",".join(f"c{i}" for i in range(10_000))
        write("wide.csv", names, *(",".join(map(str, row)) for row in rng.integers(0, 2, (4, 10_000)).tolist()))
        some = self.document("mi", "wide.csv", "--target", "c9999", "--columns", "c0-c99")
        assert len(some["results"]) == 100
        assert "49,995,000 pairs" in self.refused(4, "mi", "wide.csv", "--matrix")
        assert "10,000 columns" in self.refused(4, "mi", "wide.csv", "--together")

    def test_missing_values_are_told(self) -> None:
        write("m.csv", "x,y", "a,u", ",v", ",u", ",v", "b,v")
        shown = self.good("mi", "m.csv", "--target", "y", "-f", "table")
        assert "missing values are an outcome of their own (1 column)" in shown
        assert "60.0%" in shown
        dropped = self.good("mi", "m.csv", "--target", "y", "-f", "table", "--missing", "drop")
        assert "missing values are left out (1 column)" in dropped
        assert "60.0%" in dropped
        assert "one of them a missing value (3 cases)" in self.good("joint", "m.csv", "x", "y", "-f", "table")
        assert "3 left out" in self.good("joint", "m.csv", "x", "y", "-f", "table", "--missing", "drop")

    def test_lags_are_told(self) -> None:
        found = self.document(*MI, "--lag", "1", "--history", "2")
        assert [each["name"] for each in found["variables"]] == ["x 1 row earlier", "z 1 row earlier"]
        assert found["conditions"] == ["y 1 row earlier", "y 2 rows earlier"]
