"""JSON lines: numbers wherever they stand in a row, and every line that two readers might read differently refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from divtool.errors import InputError
from divtool.formats.opening import open_source
from divtool.formats.source import FLOAT, INTEGER, OTHER, TEXT, Block, Selection


def written(folder: Path, content: str | bytes) -> str:
    (folder / "x.jsonl").write_bytes(content.encode() if isinstance(content, str) else content)
    return str(folder / "x.jsonl")


def read(path: str, *keys: str, missing: bool = False) -> Block:
    """All rows: every numeric column that is no key."""
    source = open_source(path)
    places = tuple(source.header.find(key) for key in keys)
    matrix = tuple(i for i, word in enumerate(source.header.types) if word in (FLOAT, INTEGER) and i not in places)
    wanted = Selection(matrix, places, missing)  # type: ignore[arg-type]
    (block,) = [block for extent in source.extents(1 << 20) for block in source.blocks(extent, wanted, 1 << 20)]
    return block


def refusal(path: str, *keys: str) -> InputError:
    with pytest.raises(InputError) as caught:
        read(path, *keys)
    assert caught.value.path == path
    return caught.value


def texts(block: Block) -> list[list[str]]:
    return [[key.text(i) for i in range(len(key))] for key in block.keys]


class TestRows:
    def test_objects_in_any_order_of_their_keys(self, tmp_path: Path) -> None:
        block = read(written(tmp_path, '{"id":"x","a":0.5,"b":1}\n{"b":2,"a":Infinity,"id":"y"}'), "id")
        assert block.matrix.tolist() == [[0.5, 1.0], [np.inf, 2.0]]
        assert texts(block) == [["x", "y"]]

    def test_arrays(self, tmp_path: Path) -> None:
        path = written(tmp_path, "[0.1,0.9]\n[-Infinity, 1e-3]\n")
        assert open_source(path).header.names is None
        assert read(path).matrix.tolist() == [[0.1, 0.9], [-np.inf, 0.001]]

    def test_bom_and_windows_lines(self, tmp_path: Path) -> None:
        assert read(written(tmp_path, b'\xef\xbb\xbf{"a":1}\r\n{"a":2}\r\n')).matrix.tolist() == [[1.0], [2.0]]

    def test_quotation_marks_do_not_join_lines(self, tmp_path: Path) -> None:
        block = read(written(tmp_path, '{"id":"a \\" b","a":1}\n{"id":"c","a":2}\n'), "id")
        assert texts(block) == [['a " b', "c"]]

    def test_vectors_of_numbers_and_of_their_texts(self, tmp_path: Path) -> None:
        path = written(tmp_path, '{"id":7,"p":[0.1,0.9]}\n{"id":8,"p":["0.25","-1.5e1"]}\n')
        header = open_source(path).header
        assert header.names == ("id", "p[0]", "p[1]")
        assert [(each.name, each.first, each.width) for each in header.vectors] == [("p", 1, 2)]
        assert read(path, "id").matrix.tolist() == [[0.1, 0.9], [0.25, -15.0]]

    @pytest.mark.parametrize(
        "cell",
        ['[["-1.5","False"],["-0.3","True"]]', '[[["-1.5","False"]],[["-0.3","True"]]]', "[[-1.5,false],[-0.3,true]]"],
    )
    def test_numbers_beside_truths_are_taken_and_said(self, cell: str, tmp_path: Path) -> None:
        path = written(tmp_path, f'{{"doc_id":0,"resps":{cell}}}\n')
        assert read(path, "doc_id").matrix.tolist() == [[-1.5, -0.3]]
        assert "resps" in open_source(path).header.notes[0]

    def test_objects_within_objects(self, tmp_path: Path) -> None:
        path = written(
            tmp_path, '{"ok":true,"probs":{"cat":0.1,"dog":0.9}}\n{"ok":false,"probs":{"dog":0.2,"cat":0.8}}'
        )
        header = open_source(path).header
        assert (header.names, list(header.types)) == (("ok", "probs.cat", "probs.dog"), [TEXT, FLOAT, FLOAT])
        block = read(path, "ok")
        assert block.matrix.tolist() == [[0.1, 0.9], [0.8, 0.2]]
        assert texts(block) == [["true", "false"]]

    def test_lists_of_changing_length_are_no_vectors(self, tmp_path: Path) -> None:
        path = written(tmp_path, '{"tokens":[1,2,3],"a":0.5}\n{"tokens":[1],"a":0.5}\n')
        assert list(open_source(path).header.types) == [OTHER, FLOAT]

    def test_large_integers_keep_their_digits(self, tmp_path: Path) -> None:
        number = 123456789012345678901234567890
        assert texts(read(written(tmp_path, f'{{"id":{number},"a":1.5}}\n'), "id")) == [[str(number)]]

    def test_infinities_and_nan_in_both_spellings(self, tmp_path: Path) -> None:
        path = written(tmp_path, '{"a":NaN,"b":"NaN"}\n{"a":-Infinity,"b":"-Infinity"}\n{"a":1.5,"b":"2.5"}\n')
        expected = [[np.nan, np.nan], [-np.inf, -np.inf], [1.5, 2.5]]
        assert np.array_equal(read(path).matrix, expected, equal_nan=True)


class TestMissing:
    def test_null_and_absent_are_marked(self, tmp_path: Path) -> None:
        path = written(
            tmp_path, '{"id":"x","a":1}\n{"id":"y","a":null}\n{"id":"z"}\n{"id":null,"a":2}\n{"id":"","a":3}\n'
        )
        block = read(path, "id", missing=True)
        assert block.missing is not None
        assert block.missing.tolist() == [False, True, True, True, True]
        assert np.isnan(block.matrix[1:]).all()

    @pytest.mark.parametrize("line", ['{"id":"y","a":null}', '{"id":"y"}', '{"a":1}'])
    def test_else_refused_by_row(self, line: str, tmp_path: Path) -> None:
        error = refusal(written(tmp_path, '{"id":"x","a":1}\n' * 3 + line + "\n"), "id")
        assert (error.row, error.line, error.column) == (3, 4, "id" if "id" not in line else "a")
        assert "--missing" in error.hint

    def test_what_is_not_asked_for_may_be_missing(self, tmp_path: Path) -> None:
        path = written(tmp_path, '{"note":"x","a":1}\n{"a":2}\n{"a":3,"more":"text"}\n')
        assert read(path).matrix.tolist() == [[1.0], [2.0], [3.0]]


MALFORMED = {
    "cut": ('{"a":1,"b"', "is no JSON"),
    "trailing-comma": ('{"a":1,"b":2,}', "is no JSON"),
    "twice": ('{"a":1,"b":2,"a":3}', 'key "a" twice'),
    "twice-within": ('{"a":1,"b":2,"c":{"x":1,"x":1}}', 'key "x" twice'),
    "too-large": ('{"a":1e999,"b":2}', "too large"),
    "too-large-text": ('{"a":"1e999","b":2}', "too large"),
    "thousands-of-digits": ('{"a":%s,"b":2}' % ("1" * 5000), "thousands of digits"),
    "large-integer": ('{"a":%s,"b":2}' % ("1" * 400), "too large"),
    "deep": ('{"a":1,"b":2,"c":' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deep"),
    "truth": ('{"a":true,"b":2}', "true is not a number"),
    "underscore": ('{"a":"1_0","b":2}', '"1_0" is not a number'),
    "other-digits": ('{"a":"٣","b":2}', "is not a number"),
    "list": ('{"a":[1],"b":2}', "a list is not a number"),
    "array": ("[1, 2]", "is an array"),
    "scalar": ("1", "is a single value"),
    "blank": ("", "blank"),
    "spaces": ("   ", "is no JSON"),
    "two-rows": ('{"a":1,"b":2} {"a":1,"b":2}', "is no JSON"),
    "additional-number": ('{"a":1,"b":2,"d":3}', "is a key that the first rows do not have"),
}


class TestRefusals:
    @pytest.mark.parametrize("row", [150, 2000])
    @pytest.mark.parametrize(("line", "said"), MALFORMED.values(), ids=MALFORMED)
    def test_a_row_that_is_none(self, line: str, said: str, row: int, tmp_path: Path) -> None:
        lines = ['{"a":1.5,"b":2,"c":null}'] * 2001
        lines[row] = line
        if not line and row == 2000:
            pytest.skip("a blank line at the end is no row")
        error = refusal(written(tmp_path, "\n".join([*lines, ""])))
        assert (error.row, error.line) == (row, row + 1)
        assert said in error.message

    def test_among_the_first_rows(self, tmp_path: Path) -> None:
        error = refusal(written(tmp_path, '{"a":1}\n{"a":1,"a":2}\n'))
        assert (error.row, error.line) == (1, 2)

    def test_text_that_is_no_utf8(self, tmp_path: Path) -> None:
        error = refusal(written(tmp_path, b'{"id":"x","a":1}\n' * 200 + b'{"id":"caf\xe9","a":1}\n'))
        assert (error.row, error.line) == (200, 201)

    def test_half_a_character(self, tmp_path: Path) -> None:
        assert refusal(written(tmp_path, '{"id":"x","a":1}\n{"id":"\\ud800","a":1}\n'), "id").row == 1
        refusal(written(tmp_path, '{"\\ud800":1}\n'))

    def test_a_class_that_appears_late(self, tmp_path: Path) -> None:
        path = written(tmp_path, '{"p":{"x":0.5,"y":0.5}}\n' * 200 + '{"p":{"x":0.5,"y":0.25,"z":0.25}}\n')
        assert (refusal(path).row, refusal(path).column) == (200, "p.z")

    def test_vectors_of_another_length(self, tmp_path: Path) -> None:
        path = written(tmp_path, '{"p":[0.5,0.5]}\n' * 200 + '{"p":[0.5,0.25,0.25]}\n')
        assert (refusal(path).row, refusal(path).column) == (200, "p")

    @pytest.mark.parametrize("indent", [None, 1, 4])
    @pytest.mark.parametrize("document", [[{"a": 1}, {"a": 2}], [[0.5, 0.5], [0.5, 0.5]]])
    def test_one_document_is_refused_with_the_way_out(self, document: Any, indent: int | None, tmp_path: Path) -> None:
        assert "jq" in refusal(written(tmp_path, json.dumps(document, indent=indent))).hint

    def test_one_object_over_several_lines(self, tmp_path: Path) -> None:
        assert "jq" in refusal(written(tmp_path, json.dumps({"a": 1, "b": [1, 2]}, indent=2))).hint

    def test_objects_within_objects_without_end(self, tmp_path: Path) -> None:
        refusal(written(tmp_path, '{"a":' * 500 + "1" + "}" * 500))

    def test_names_that_meet(self, tmp_path: Path) -> None:
        assert "a.b" in refusal(written(tmp_path, '{"a.b":1,"a":{"b":2}}\n')).message

    def test_a_line_without_an_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("divtool.formats.jsonl_source.LONGEST_RECORD", 1000)
        monkeypatch.setattr("divtool.formats.jsonl_source._READ", 100)
        assert "longer" in refusal(written(tmp_path, "[" + "1," * 5000)).message


def test_pandas_is_not_needed(tmp_path: Path) -> None:
    import subprocess
    import sys

    path = written(tmp_path, '{"id":"x","p":[0.5,0.5]}\n{"id":"y","p":[0.25,0.75]}\n')
    script = f"import sys, divtool; divtool.compute('entropy', {path!r}); print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False"]
