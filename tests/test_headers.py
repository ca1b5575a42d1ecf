"""First lines that are rows and first lines that are names: each is taken for what it is and said, or refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_text import numbers_in, refusal, written

import divtool
from divtool.errors import InputError, UsageError
from divtool.formats.first_line import is_usual_name
from divtool.formats.opening import open_source
from divtool.formats.source import Selection, Ways

ROWS_BELOW = "0.9,0.1\n0.2,0.8\n"
NAMES = {
    "pandas' name of one column": ("0\n0.9\n0.2\n", ("0",)),
    "over labels": ("0\ncat\ndog\n", ("0",)),
    "over a fraction far below": ("0\n" + "1\n" * 900 + "0.5\n", ("0",)),
    "counts": ("0,1\n" + ROWS_BELOW, ("0", "1")),
    "counts as fractions": ("0.0,1.0,2.0\n0.5,1.5,-3\n", ("0.0", "1.0", "2.0")),
    "quantiles": ("id,0.025,0.5,0.975\n7,1,2,3\n", ("id", "0.025", "0.5", "0.975")),
    "quantiles beside an index": (",0.1,0.9\n7,1.5,2.5\n", ("", "0.1", "0.9")),
    "text over whole numbers": ("u,3,1\nv,1,2\n", ("u", "3", "1")),
}
ROWS = {
    "labels from 0": ("0\n1\n0\n", 3),
    "one column of fractions": ("0.5\n0\n1\n", 3),
    "a probability beside text": ("img1.jpg,0.90001,0.09999\nimg2.jpg,0.5,0.5\n", 2),
    "an exponent beside text": ("img1.jpg,1e-3,0.5\nimg2.jpg,0.5,0.5\n", 2),
    "fractions that count nothing": ("0.0,1.0,0.0\n1.0,0.0,0.0\n", 2),
    "two fractions": ("1.0,0.0\n0.0,1.0\n", 2),
}
EITHER = {
    "a certain row": "0.0,1.0\n" + ROWS_BELOW,
    "class by class": "0,1\n1,0\n0,1\n",
    "short fractions beside text": "img1.jpg,0.9,0.1\nimg2.jpg,0.2,0.8\n",
    "a label behind fractions": "0.9,0.1,cat\n0.2,0.8,dog\n",
    "long fractions beside a usual name": "id,0.333333,0.666667\nx,0.5,0.5\n",
}


def numeric(path: str, **options: Any) -> np.ndarray:
    types = open_source(path, Ways(**options)).header.types
    return numbers_in(path, [i for i, word in enumerate(types) if word in ("integer", "float")], **options)


class TestFirstLine:
    @pytest.mark.parametrize(("text", "names"), NAMES.values(), ids=NAMES)
    def test_names_are_said(self, text: str, names: tuple[str, ...], tmp_path: Path) -> None:
        source = open_source(written(tmp_path, text))
        assert source.header.names == names
        assert source.count() == text.count("\n") - 1
        assert "--no-header" in " ".join(source.header.notes)

    @pytest.mark.parametrize(("text", "rows"), ROWS.values(), ids=ROWS)
    def test_a_row_is_none_the_less_for_being_first(self, text: str, rows: int, tmp_path: Path) -> None:
        source = open_source(written(tmp_path, text))
        assert (source.header.names, source.count(), source.header.notes) == (None, rows, ())

    @pytest.mark.parametrize("text", EITHER.values(), ids=EITHER)
    def test_what_may_be_either_is_asked(self, text: str, tmp_path: Path) -> None:
        path = written(tmp_path, text)
        error = refusal(path)
        assert error.line == 1
        assert "--header" in error.hint
        assert "--no-header" in error.hint
        below = len(numeric(path, header=True))
        assert len(numeric(path, no_header=True)) == below + 1 == text.count("\n")

    @pytest.mark.parametrize("text", ["0\n1\n0\n", "0.5,0.25\n1.0,0.0\n", "img1.jpg,0.90001\nimg2.jpg,0.5\n"])
    def test_a_header_may_be_asked_for(self, text: str, tmp_path: Path) -> None:
        source = open_source(written(tmp_path, text), Ways(header=True))
        assert source.header.names == tuple(text.partition("\n")[0].split(","))
        assert source.header.notes == ()

    def test_usual_names(self) -> None:
        for name in ("id", "image_id", "Label", "target", "filename", "y_true", "", "Unnamed: 0"):
            assert is_usual_name(name)
        for cell in ("img1.jpg", "cat", "x7", "valid", "Paris"):
            assert not is_usual_name(cell)


LABELS = "cat\neel\ndog\n"
AGAIN = {
    "labels": ("dog\n" + LABELS, 4),
    "labels whose first stands last, without an end of line": ("dog\n" + LABELS + "eel\ndog", 6),
    "far below": ("dog\n" + "cat\n" * 900 + "dog\n", 902),
    "below a head that is cut": ("dog\n" + LABELS * 30_000, 90_001),
    "two columns": ("dog,no\ncat,yes\ndog,yes\ncat,no\n", 4),
    "quoted, with Windows' ends of lines": ('"big, dog";a\r\ncat;a\r\n"big, dog";b\r\ncat;a\r\n', 4),
    "a label that could be a name, beside one that could not": ("y,dog\nn,cat\ny,cat\nn,dog\n", 4),
}
ONCE = {
    "a name": "animal\n" + LABELS,
    "a name that is a part of labels": "do\n" + LABELS,
    "fewer than three lines below": "dog\ndog\ncat\n",
    "one of two columns": "dog,answer\ncat,yes\ndog,no\ncat,no\n",
    "in the other column": "a,b\nb,a\nb,x\ny,a\n",
    "over numbers, in files joined with cat": "a,b\n0.5,0.5\n0.25,0.75\na,b\n0.5,0.5\n",
    "in a piece of a line that is cut off": "do\n" + "x" * 65_520 + "\nyes\nno\ndog\n",
}


class TestLabelsWithoutHeader:
    """A first line of texts is a row where all of them stand again below."""

    @pytest.mark.parametrize(("text", "rows"), AGAIN.values(), ids=AGAIN)
    def test_the_first_is_a_row(self, text: str, rows: int, tmp_path: Path) -> None:
        source = open_source(written(tmp_path, text))
        assert (source.header.names, source.count()) == (None, rows)
        assert "is taken as a row" in source.header.notes[0]
        assert "--header" in source.header.notes[0]
        named = open_source(written(tmp_path, text), Ways(header=True))
        assert (named.header.names is None, named.count(), named.header.notes) == (False, rows - 1, ())
        assert open_source(written(tmp_path, text), Ways(no_header=True)).header.notes == ()

    @pytest.mark.parametrize("text", ONCE.values(), ids=ONCE)
    def test_a_name_stays_one(self, text: str, tmp_path: Path) -> None:
        source = open_source(written(tmp_path, text))
        assert source.header.names == tuple(text.partition("\n")[0].split(","))
        assert source.header.notes == ()

    @pytest.mark.parametrize(
        "text", ["label\ncat\ndog\nlabel\ncat\n", "y\nn\ny\nn\n", "id,label\na,b\nid,label\nc,d\n"]
    )
    def test_a_usual_name_that_stands_again_is_asked(self, text: str, tmp_path: Path) -> None:
        error = refusal(written(tmp_path, text))
        assert (error.line, "--no-header" in error.hint) == (1, True)

    def test_every_label_counts(self, tmp_path: Path) -> None:
        lists = [saved(tmp_path, name, "dog", "cat", "dog", "cat", "dog") for name in ("a.txt", "b.txt")]
        found = divtool.joint(*lists)
        assert (found.cases, [each.outcomes for each in found.variables]) == (5, [2, 2])


class TestHeaderAgain:
    @pytest.mark.parametrize("row", [1, 2, 4000, 20_000])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    @pytest.mark.parametrize("header", ["0,1,2", "0.0,1.0,2.0", "1,3,7"])
    def test_files_joined_with_cat(self, header: str, end: str, row: int, tmp_path: Path) -> None:
        lines = [header, *["0.5,0.25,0.25"] * 20_000]
        lines.insert(row + 1, header)
        error = refusal(written(tmp_path, end.join(lines) + end))
        assert (error.row, error.line) == (row, row + 2)
        assert "stands there again" in error.message

    def test_without_an_end_of_line(self, tmp_path: Path) -> None:
        assert refusal(written(tmp_path, "0,1\n0.9,0.1\n0,1")).row == 1

    @pytest.mark.parametrize("row", ["10,1", "0,11", "0,1.0", "0.0,1"])
    def test_a_row_that_is_written_otherwise_is_one(self, row: str, tmp_path: Path) -> None:
        assert len(numbers_in(written(tmp_path, f"0,1\n0.9,0.1\n{row}\n0.2,0.8\n"))) == 3

    def test_a_certain_row_is_one_where_the_header_was_asked_for(self, tmp_path: Path) -> None:
        path = written(tmp_path, "0,1\n1,0\n0,1\n")
        assert numbers_in(path, header=True).tolist() == [[1.0, 0.0], [0.0, 1.0]]

    def test_numbers_asked_without_a_header(self, tmp_path: Path) -> None:
        assert len(numbers_in(written(tmp_path, "0,1,2\n0.5,1.5,1\n0,1,2\n"), no_header=True)) == 3


COMMAS = {
    "semicolons": "1,5;-0,25\n-2,125;3,5\n0,75;1,25\n",
    "tabs": "1,5\t-0,25\n-2,125\t3,5\n",
    "ids": "x1;1,5;-0,25\nx2;-2,125;3,5\n",
    "whole numbers among them": "1,5;2;3\n4;5,5;6\n",
    "header": "id;a;b\n1;0,5;0,5\n2;0,25;0,75\n",
    "one column": "0,95\n0,05\n1,0\n",
    "one column under a name": "p\n0,9\n0,2\n",
}


class TestHabits:
    @pytest.mark.parametrize("text", COMMAS.values(), ids=COMMAS)
    def test_decimal_commas(self, text: str, tmp_path: Path) -> None:
        error = refusal(written(tmp_path, text))
        assert "decimal commas" in error.message
        assert ("sep='\\t'" if "\t" in text else "sep=';'") in error.hint

    @pytest.mark.parametrize("mark", [",", ";", "|"])
    @pytest.mark.parametrize("line", ["sep={}\n", "\ufeffsep={}\r\n", '"SEP={}"\n'])
    def test_what_excel_is_told(self, line: str, mark: str, tmp_path: Path) -> None:
        path = written(tmp_path, line.format(mark) + f"a{mark}b\n0.25{mark}0.75\n0.5{mark}oops\n")
        source = open_source(path)
        assert source.header.names == ("a", "b")
        assert "sep=" in source.header.notes[0]
        error = refusal(path)
        assert (error.row, error.line, error.column) == (1, 4, "b")

    @pytest.mark.parametrize(("name", "typed"), [("b", "'!b'"), ("b c", "'!b c'")])
    def test_the_hint_names_the_column(self, name: str, typed: str, tmp_path: Path) -> None:
        assert typed in refusal(written(tmp_path, f"a,{name}\n0.5,0.5\n0.5,oops\n")).hint


def saved(folder: Path, name: str, *lines: object) -> str:
    (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(folder / name)


class TestRowCounts:
    """A ``0`` above whole numbers is a name where the other file has one row fewer."""

    truth = (1, 0, 1)
    chances = (0.9, 0.2, 0.6)
    expected = -np.mean(np.log([0.9, 0.8, 0.6]))

    def outcome(self, *files: str, **options: Any) -> Any:
        return divtool.compute("bce", *files, **options)

    def check(self, *files: str, **options: Any) -> Any:
        result = self.outcome(*files, **options)
        assert result.value == pytest.approx(self.expected, rel=1e-14)
        return result

    @pytest.mark.parametrize("header", [(), ("p",), (0,)])
    @pytest.mark.parametrize("above", [(), (0,)])
    def test_labels(self, header: tuple[object, ...], above: tuple[object, ...], tmp_path: Path) -> None:
        self.check(saved(tmp_path, "p.csv", *header, *self.chances), saved(tmp_path, "y.csv", *above, *self.truth))

    def test_beside_an_array(self, tmp_path: Path) -> None:
        np.save(tmp_path / "p.npy", np.array(self.chances).reshape(-1, 1))
        self.check(str(tmp_path / "p.npy"), saved(tmp_path, "y.csv", 0, *self.truth))

    def test_labels_that_begin_with_0_keep_their_first(self, tmp_path: Path) -> None:
        result = self.outcome(saved(tmp_path, "p.csv", 0.5, *self.chances), saved(tmp_path, "y.csv", 0, *self.truth))
        assert result.value == pytest.approx((3 * self.expected - np.log(0.5)) / 4, rel=1e-14)

    def test_predictions_of_whole_numbers(self, tmp_path: Path) -> None:
        np.save(tmp_path / "y.npy", np.array(self.truth))
        sure = saved(tmp_path, "p.csv", 0, *self.truth)
        assert self.outcome(sure, str(tmp_path / "y.npy"), given="probs").value == 0.0

    def test_two_rows_more_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="rows"):
            self.outcome(saved(tmp_path, "p.csv", *self.chances), saved(tmp_path, "y.csv", 0, 0, *self.truth))

    @pytest.mark.parametrize(("option", "files"), [("header", ("p", 0)), ("no_header", ())])
    def test_what_is_asked_for_is_done(self, option: str, files: tuple[object, ...], tmp_path: Path) -> None:
        above = [[each] for each in files] or [[], []]
        self.check(
            saved(tmp_path, "p.csv", *above[0], *self.chances), saved(tmp_path, "y.csv", *above[1], *self.truth),
            **{option: True},
        )  # fmt: skip

    def test_both_are_a_usage_error(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="exclude"):
            self.outcome(saved(tmp_path, "p.csv", 0.5), saved(tmp_path, "y.csv", 1), header=True, no_header=True)

    def test_nothing_is_text(self, tmp_path: Path) -> None:
        np.save(tmp_path / "p.npy", np.full((3, 2), 0.5))
        with pytest.raises(UsageError, match="--header"):
            divtool.compute("entropy", str(tmp_path / "p.npy"), header=True)


SCORES = ({"cat": 0.9, "dog": 0.1}, {"dog": 0.75, "cat": 0.25}, {"cat": 0.5, "dog": 0.5})


def pipeline(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps([{"label": k, "score": v} for k, v in row.items()]) + "\n" for row in rows)


class TestJson:
    def test_labels_with_scores(self, tmp_path: Path) -> None:
        path = written(tmp_path, pipeline(*SCORES * 100))
        assert open_source(path).header.names == ("cat", "dog")
        assert numbers_in(path).tolist() == [[row["cat"], row["dog"]] for row in SCORES] * 100

    def test_one_row_of_them(self, tmp_path: Path) -> None:
        assert numbers_in(written(tmp_path, pipeline(SCORES[0]))).tolist() == [[0.9, 0.1]]

    @pytest.mark.parametrize("at", [1, 5, 150])
    @pytest.mark.parametrize(
        ("row", "said"),
        [
            ({"cat": 0.9, "fox": 0.1}, 'label "dog"'),
            ({"cat": 0.9}, 'has no label "dog"'),
            ({"cat": 0.5, "dog": 0.25, "fox": 0.25}, 'has a label "fox"'),
            ({"cat": True, "dog": 0.5}, "true is not a number"),
        ],
    )
    def test_other_labels_are_refused_by_row(self, row: dict[str, Any], said: str, at: int, tmp_path: Path) -> None:
        rows = [*SCORES * 60]
        rows[at] = row
        error = refusal(written(tmp_path, pipeline(*rows)), range(2))
        assert (error.row, error.line) == (at, at + 1)
        assert said in error.message

    @pytest.mark.parametrize("line", ["[]", '[{"label":"cat","score":0.5}, 1]', '{"cat":0.5,"dog":0.5}'])
    def test_other_lines_among_them(self, line: str, tmp_path: Path) -> None:
        assert refusal(written(tmp_path, pipeline(*SCORES) + line + "\n")).row == 3

    def test_a_label_twice(self, tmp_path: Path) -> None:
        line = '[{"label":"cat","score":0.5},{"label":"cat","score":0.5}]\n'
        assert "twice" in refusal(written(tmp_path, pipeline(*SCORES) + line)).message

    @pytest.mark.parametrize(
        "text",
        [
            pipeline({"cat": 0.9}, {"dog": 0.8}),
            pipeline({"cat": 0.9}, {"cat": 0.8}),
            pipeline({"cat": 0.9, "dog": 0.8}),
        ],
    )
    def test_the_best_labels_alone(self, text: str, tmp_path: Path) -> None:
        assert "top_k=None" in refusal(written(tmp_path, text)).hint

    @pytest.mark.parametrize("orient", ["columns", "index", "split", "table"])
    @pytest.mark.parametrize("names", [["a", "b"], [0, 1], ["only"]])
    def test_pandas_documents(self, names: list[Any], orient: Any, tmp_path: Path) -> None:
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(np.arange(3.0 * len(names)).reshape(3, -1), columns=names)
        frame.to_json(tmp_path / "x.csv", orient=orient)
        error = refusal(str(tmp_path / "x.csv"))
        assert "whole table" in error.message
        call = re.search(r"df\.to_json\(FILE, (.*)\)", error.hint)
        assert call is not None
        frame.to_json(tmp_path / "y.jsonl", **eval(f"dict({call[1]})"))
        assert numbers_in(str(tmp_path / "y.jsonl")).tolist() == frame.to_numpy().tolist()

    def test_ids_for_keys(self, tmp_path: Path) -> None:
        text = json.dumps({name: {"a": 0.5, "b": 0.5} for name in ("x", "y")})
        assert "whole table" in refusal(written(tmp_path, text)).message

    @pytest.mark.parametrize("row", ['{"p":{"cat":0.1,"dog":0.9}}', '{"id":{"x":1},"p":{"cat":0.1}}'])
    def test_one_row_of_objects(self, row: str, tmp_path: Path) -> None:
        assert open_source(written(tmp_path, row)).count() == 1

    def test_rows_within_rows(self, tmp_path: Path) -> None:
        line = '{"logits":[[0.5,1.5],[2.5,0.5]],"labels":[0,1]}\n'
        error = refusal(written(tmp_path, line * 3))
        assert "several rows" in error.message
        assert error.column == "logits"
        assert "transpose" in error.hint

    def test_labels_in_lists(self, tmp_path: Path) -> None:
        path = written(tmp_path, '{"logits":[0.5,1.5,2.5],"labels":[1]}\n' * 3)
        with pytest.raises(InputError, match="a list of labels") as caught:
            divtool.compute("ce", path)
        assert (caught.value.column, "jq" in caught.value.hint) == ("labels", True)

    @pytest.mark.parametrize(("indented", "said"), [({"a": {"0": 1}}, "to_json"), ([[0.5, 0.5]], "jq -c '.[]'")])
    def test_indented_documents(self, indented: Any, said: str, tmp_path: Path) -> None:
        assert said in refusal(written(tmp_path, json.dumps(indented, indent=2))).hint

    def test_a_row_in_the_middle(self, tmp_path: Path) -> None:
        source = open_source(written(tmp_path, pipeline(*SCORES)))
        (block,) = source.blocks(source.locate(1, 2), Selection((1,)), 1)
        assert (block.first, block.matrix.tolist()) == (1, [[0.75]])
