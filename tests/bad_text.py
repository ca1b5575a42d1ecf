"""Text tables and JSON lines that must be refused."""

from __future__ import annotations

import json

from bad_inputs import Bad, late, lines

HEAD, ROW = "a,b", "0.7,0.3"


def cell(text: str) -> str:
    """A table in which row 3000 has this for its second cell."""
    return late(HEAD, ROW, f"0.7,{text}")


def odd_cell(name: str, text: str, shown: str | None = None, hint: str = "") -> Bad:
    """A cell that is no number, far past the first rows."""
    return Bad(f"cell {name}", {"x.csv": cell(text)}, "entropy x.csv", "x.csv", f'"{shown or text}"', hint or "!",
               line=3002, row=3000, column="b")  # fmt: skip


CELLS = (
    odd_cell("hexadecimal", "0x10"),
    odd_cell("with underscore", "1_000"),
    odd_cell("in percent", "5%"),
    odd_cell("true", "True"),
    odd_cell("in other digits", "\uff10.\uff13"),
    odd_cell("in Arabic digits", "\u0663"),
    odd_cell("with two points", "0.3.3"),
    odd_cell("with two signs", "--3"),
    odd_cell("without exponent", "3e"),
    odd_cell("with a Fortran exponent", "3d-1"),
    odd_cell("with a true minus", "\u22120.3"),
    odd_cell("with an inner space", "0. 3"),
    odd_cell("infinite in other words", "1.#INF"),
    odd_cell("with an apostrophe", "1'000"),
    odd_cell("not available", "NA", hint="--missing drop"),
    odd_cell("none", "None", hint="--missing drop"),
    odd_cell("null", "null", hint="--missing drop"),
    odd_cell("with a decimal comma", '"0,3"', "0,3", hint="decimal point"),
    odd_cell("with thousands", '"1,000.5"', "1,000.5"),
    odd_cell("a formula", "=1+1"),
    odd_cell("very long", "x" * 200_000, "x" * 60 + "..."),
    Bad("cell beyond doubles", {"x.csv": cell("1e999")}, "entropy x.csv", "x.csv", '"1e999" is too large', None,
        line=3002, row=3000, column="b"),
    Bad("cell beyond doubles of digits", {"x.csv": cell("9" * 400)}, "entropy x.csv", "x.csv", "too large", None,
        line=3002, row=3000, column="b"),
    Bad("cell beyond doubles below 0", {"x.csv": cell("-1e999")}, "entropy x.csv --given logits", "x.csv", "too large",
        None, line=3002, row=3000, column="b"),
    Bad("cell with NaN's payload", {"x.csv": cell("nan(7)")}, "entropy x.csv", "x.csv", '"nan(7)"', None,
        line=3002, row=3000, column="b"),
    Bad("cell infinite", {"x.csv": cell("inf")}, "entropy x.csv", "x.csv", "inf", "", line=3002, row=3000),
    Bad("cell of spaces", {"x.csv": cell("  ")}, "entropy x.csv", "x.csv", "", "", line=3002, row=3000, column="b"),
    Bad("header again", {"x.csv": late(HEAD, ROW, HEAD)}, "entropy x.csv", "x.csv", '"a"', "", line=3002, row=3000,
        column="a"),
)  # fmt: skip

FORM = (
    Bad("short line late", {"x.csv": late(HEAD, ROW, "0.7")}, "entropy x.csv", "x.csv", "1 cell; expected 2", "",
        line=3002, row=3000),
    Bad("long line late", {"x.csv": late(HEAD, ROW, "0.7,0.2,0.1")}, "entropy x.csv", "x.csv", "3 cells; expected 2",
        "quotation", line=3002, row=3000),
    Bad("long line in the first rows", {"x.csv": lines(HEAD, ROW, "0.7,0.2,0.1", ROW)}, "entropy x.csv", "x.csv",
        "3 cells", "", line=3, row=1),
    Bad("quotation never closed", {"x.csv": late(HEAD, ROW, '"0.7,0.3')}, "entropy x.csv", "x.csv", "not closed",
        "doubled", line=3002, row=3000),
    Bad("quotation never closed at the head", {"x.csv": lines('"a,b', ROW)}, "entropy x.csv", "x.csv", "not closed",
        "doubled", line=1),
    Bad("quotation inside a cell", {"x.csv": late("n,a,b", "u,0.7,0.3", 'u"v\nw"x,0.7,0.3')}, "entropy x.csv", "x.csv",
        "expected 3", "quotation", line=3002, row=3000),
    Bad("a zero byte late", {"x.csv": late(HEAD, ROW, "0.7,0.3\0", 20_000)}, "entropy x.csv", "x.csv",
        "is not a number", "", line=20_002, row=20_000, column="b"),
    Bad("a zero byte in the head", {"x.csv": "a,b\0\n0.7,0.3\n"}, "entropy x.csv", "x.csv", "no text", "expected"),
    Bad("UTF-16", {"x.csv": lines(HEAD, ROW).encode("utf-16")}, "entropy x.csv", "x.csv", "UTF-16", "iconv"),
    Bad("UTF-16 of the other order", {"x.csv": b"\xfe\xff" + lines(HEAD, ROW).encode("utf-16-be")}, "entropy x.csv",
        "x.csv", "UTF-16", "iconv"),
    Bad("UTF-32", {"x.csv": lines(HEAD, ROW).encode("utf-32")}, "entropy x.csv", "x.csv", "UTF-", ""),
    Bad("Latin-1 in the head", {"x.csv": lines("Bär,Löwe", ROW).encode("latin-1")}, "entropy x.csv", "x.csv", "UTF-8",
        "iconv", line=1),
    Bad("Latin-1 late", {"x.csv": late("n,a,b", "u,0.7,0.3", "ü,0.7,0.3").encode("latin-1"),
        "y.csv": late("n,a,b", "u,0.7,0.3", "u,0.7,0.3")}, "kl x.csv y.csv --id n", "x.csv", "UTF-8", "iconv",
        line=3002, row=3000),
    Bad("decimal commas", {"x.csv": lines("a;b", "0,7;0,3", "0,5;0,5")}, "entropy x.csv", "x.csv", "decimal commas",
        "decimal=','"),
    Bad("blank line inside", {"x.npy": [[0.7, 0.3]] * 4, "y.csv": "label\n0\n\n1\n0\n"}, "ce x.npy y.csv", "y.csv",
        "blank", "remove", line=3, row=1),
    Bad("blank line of two", {"x.csv": late(HEAD, ROW, "")}, "entropy x.csv", "x.csv", "blank", "remove", line=3002,
        row=3000),
    Bad("blank line with a carriage return", {"x.csv": late(HEAD, ROW, "").replace("\n", "\r\n")}, "entropy x.csv",
        "x.csv", "blank", "remove", line=3002, row=3000),
    Bad("blank first line", {"x.csv": "\n" + lines(HEAD, ROW)}, "entropy x.csv", "x.csv", "blank", None, line=1),
    Bad("nothing but blank lines", {"x.csv": "\n\n\n"}, "entropy x.csv", "x.csv", "empty", "expected"),
    Bad("an empty file", {"x.csv": ""}, "entropy x.csv", "x.csv", "empty", "expected"),
    Bad("nothing but the names", {"x.csv": "a,b\n"}, "entropy x.csv", "x.csv", "no rows", "row"),
    Bad("nothing but a mark of UTF-8", {"x.csv": b"\xef\xbb\xbf"}, "entropy x.csv", "x.csv", "empty", "expected"),
    Bad("one line of 34 MB", {"x.csv": "1," * (17 << 20)}, "entropy x.csv", "x.csv", "line is longer", None, line=1),
    Bad("a million columns and more", {"x.csv": "1," * (1 << 20) + "1\n"}, "entropy x.csv", "x.csv", "columns", None),
    Bad("two long names alike", {"x.csv": lines(",".join(["n" * 100_000] * 2), ROW)}, "entropy x.csv", "x.csv",
        "two columns", "rename", line=1),
    Bad("a title", {"x.csv": lines("my results", "a,b,c", "0.5,0.25,0.25")}, "entropy x.csv", "x.csv", "1 cell",
        "title", line=1),
    Bad("no name for the row names", {"x.csv": lines(HEAD, "u,0.7,0.3", "v,0.7,0.3")}, "entropy x.csv", "x.csv",
        "2 cells", "name", line=1),
    Bad("lines of an old Mac", {"x.csv": lines(HEAD, ROW).replace("\n", "\r")}, "entropy x.csv", "x.csv", "lines",
        "tr "),
    Bad("one carriage return alone", {"x.csv": late(HEAD, ROW, ROW + "\r" + ROW)}, "entropy x.csv", "x.csv", "", "",
        line=3002, row=3000),
    Bad("delimiter of two", {"x.csv": lines(HEAD, ROW)}, "entropy x.csv --delimiter ::", None, '"::"', None, status=2),
    Bad("lists of another length", {"x.csv": late("u,p", 'v,"[0.7, 0.3]"', 'v,"[0.7, 0.2, 0.1]"')}, "entropy x.csv",
        "x.csv", "3 numbers", None, line=3002, row=3000, column="p"),
    Bad("a word in a list", {"x.csv": late("u,p", 'v,"[0.7, 0.3]"', 'v,"[0.7, None]"')}, "entropy x.csv", "x.csv",
        '"None"', None, line=3002, row=3000, column="p"),
    Bad("a list left out", {"x.csv": lines("u,p", 'v,"[0.1 0.2 ... 0.1]"', 'w,"[0.3 0.1 ... 0.2]"')}, "entropy x.csv",
        "x.csv", "left out", "np.save", column="p"),
    Bad("a list of no end", {"x.csv": late("u,p", 'v,"[0.7, 0.3]"', 'v,"[0.7, 0.3"')}, "entropy x.csv", "x.csv",
        "brackets", "expected", line=3002, row=3000, column="p"),
    Bad("arrays in Python's words", {"x.csv": lines("u,p", 'v,"array([0.7, 0.3])"')}, "entropy x.csv", "x.csv", "",
        "np.save", column="p"),
)  # fmt: skip

OBJECT = {"p": [0.7, 0.3]}


def records(odd: str, usual: object = OBJECT, before: int = 3000) -> str:
    """JSON lines of which row 3000 is this text."""
    return lines(*[json.dumps(usual)] * before, odd, *[json.dumps(usual)] * 3)


def odd_record(name: str, odd: str, says: str, hint: str | None = None, column: str | None = None) -> Bad:
    """Another line, far past the first rows."""
    return Bad(f"JSON {name}", {"x.jsonl": records(odd)}, "entropy x.jsonl", "x.jsonl", says, hint, line=3001, row=3000,
               column=column)  # fmt: skip


JSON = (
    odd_record("other keys", '{"q": [0.7, 0.3]}', "is a key", column="q", hint="same keys"),
    odd_record("no key at all", "{}", "missing", column="p", hint=""),
    odd_record("shorter list", '{"p": [0.7]}', "1", column="p"),
    odd_record("longer list", '{"p": [0.7, 0.2, 0.1]}', "3", column="p"),
    odd_record("text for a list", '{"p": "0.7"}', "is no list", column="p"),
    odd_record("text in a list", '{"p": [0.7, "oops"]}', '"oops"', column="p"),
    odd_record("truth in a list", '{"p": [0.7, true]}', "true", column="p"),
    odd_record("null in a list", '{"p": [0.7, null]}', "missing", column="p", hint=""),
    odd_record("null for a list", '{"p": null}', "missing", column="p", hint=""),
    odd_record("list in a list", '{"p": [0.7, [0.3, 0.1]]}', "list", column="p"),
    odd_record("beyond doubles", '{"p": [0.7, 1e999]}', '"1e999" is too large'),
    odd_record("beyond doubles in text", '{"p": [0.7, "1e999"]}', '"1e999" is too large', column="p"),
    odd_record("integer of digits", '{"p": [0.7, ' + "9" * 5000 + "]}", "thousands of digits"),
    odd_record("hexadecimal", '{"p": [0.7, 0x1]}', "no JSON"),
    odd_record("a key twice", '{"p": [0.7, 0.3], "p": [0.1, 0.9]}', '"p" twice'),
    odd_record("nested deep", '{"p": ' + "[" * 100_000 + "]" * 100_000 + "}", "deep"),
    odd_record("a list for an object", "[0.7, 0.3]", "an array"),
    odd_record("a number for an object", "0.7", "", hint=None),
    odd_record("two on a line", '{"p": [0.7, 0.3]}{"p": [0.7, 0.3]}', "no JSON"),
    odd_record("in single quotes", "{'p': [0.7, 0.3]}", "no JSON"),
    odd_record("a blank line", "", "blank", "remove"),
    Bad("JSON NaN", {"x.jsonl": records('{"p": [NaN, 0.3]}')}, "entropy x.jsonl", "x.jsonl", "NaN", "remove", line=3001,
        row=3000, column="p[0]"),
    Bad("JSON no UTF-8", {"x.jsonl": records('{"p": [0.7, 0.3], "q": "\xfc"}').encode("latin-1")}, "entropy x.jsonl",
        "x.jsonl", "UTF-8", None, line=3001, row=3000),
    Bad("JSON cut", {"x.jsonl": lines(*[json.dumps(OBJECT)] * 3000)[:-5]}, "entropy x.jsonl", "x.jsonl", "no JSON",
        "cut", line=3000, row=2999),
    Bad("JSON of one array", {"x.jsonl": "[[0.7, 0.3], [0.2, 0.8]]\n"}, "entropy x.jsonl", "x.jsonl", "one JSON array",
        "jq"),
    Bad("JSON of one document", {"x.json": json.dumps([OBJECT] * 3, indent=1)}, "entropy x.json", "x.json",
        "one JSON document", "jq"),
    Bad("JSON of records as one", {"x.json": json.dumps([OBJECT] * 3)}, "entropy x.json", "x.json", "one JSON array",
        "jq"),
    Bad("JSON of nothing", {"x.jsonl": "{}\n{}\n"}, "entropy x.jsonl", "x.jsonl", "not empty", None, line=1, row=0),
    Bad("JSON of a key with half a character", {"x.jsonl": '{"\\ud800": [0.7, 0.3]}\n'}, "entropy x.jsonl", "x.jsonl",
        "half a character", None),
    Bad("JSON another class late", {"x.jsonl": records('{"a": 0.7, "b": 0.2, "c": 0.1}', {"a": 0.7, "b": 0.3})},
        "entropy x.jsonl", "x.jsonl", "is a key", "", line=3001, row=3000, column="c"),
    Bad("JSON lists of all lengths", {"x.jsonl": lines("[0.7, 0.3]", "[0.7]")}, "entropy x.jsonl", "x.jsonl", "1 value",
        None, line=2, row=1),
    Bad("JSON of nested keys too deep", {"x.jsonl": '{"a":' * 20 + "1" + "}" * 20 + "\n"}, "entropy x.jsonl",
        "x.jsonl", "deep", None),
    Bad("JSON columns of one name", {"x.jsonl": '{"a": {"b": 0.7}, "a.b": 0.3}\n'}, "entropy x.jsonl", "x.jsonl",
        '"a.b"', "rename"),
)  # fmt: skip

TEXT = (*CELLS, *FORM, *JSON)
