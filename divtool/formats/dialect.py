"""How a text table is written: its delimiter, whether it has a header, and what the header says. A pure decision."""

from __future__ import annotations

import csv
import io
import re
from contextlib import suppress
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.csv as arrow_csv

from divtool.errors import InputError, UsageError
from divtool.formats.first_line import (
    DECIMAL_COMMA,
    NUMBER,
    are_doubtful,
    are_numbers,
    decimal_commas,
    is_row,
    refuse_title,
    shortly,
    stands_again,
)

_DELIMITERS = (",", "\t", ";", "|")
_MOST_COLUMNS = 1 << 20
_SAMPLED = 1000
_MOST_TRUE = 2
# What Excel takes for the delimiter, above the table.
_EXCEL = re.compile(rb'"?sep=([^\r\n"])"?\r?\n', re.IGNORECASE)
_RUNS = re.compile(rb'("(?:[^"]|"")*")|^ +| +(?=\r?\n|\Z)|( {2,})', re.MULTILINE)


@dataclass(frozen=True)
class Dialect:
    """``width`` cells a line, of which the last has no meaning where lines end in a delimiter (``trailing``); ``start``
    is the byte at which the first row begins, ``first_line`` its line number; ``spaced``: a space follows each
    delimiter; ``notes`` say what a reader of the table might not expect. ``asked``: somebody said that there is a
    header. ``again``: the header as it is written, where it must not stand among the rows too but could."""

    delimiter: str
    names: tuple[str, ...] | None
    width: int
    start: int
    first_line: int
    spaced: bool = False
    trailing: bool = False
    notes: tuple[str, ...] = ()
    asked: bool = False
    again: bytes = b""

    def tidied(self, data: bytes) -> bytes:
        """Whole lines with one delimiter between two cells, and no space behind it."""
        return tidied(data, self.delimiter, spaced=self.spaced)


def tidied(data: bytes, delimiter: str, *, spaced: bool) -> bytes:
    """See :meth:`Dialect.tidied`. What stands in quotation marks is left as it is."""
    if delimiter == " ":
        return _one_space(data)
    if not spaced:
        return data
    mark = delimiter.encode()
    if b'"' in data:
        pattern = rb'("(?:[^"]|"")*")|(?<=' + re.escape(mark) + rb") +"
        return re.sub(pattern, lambda found: found[1] or b"", data)
    while mark + b" " in data:
        data = data.replace(mark + b" ", mark)
    return data


def _one_space(data: bytes) -> bytes:
    if b'"' in data:
        return _RUNS.sub(lambda found: found[1] or (b" " if found[2] else b""), data)
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    for edge, end in ((b"\n ", b"\n"), (b" \n", b"\n"), (b" \r\n", b"\r\n")):
        data = data.replace(edge, end)
    return data.strip(b" ")


def decide_dialect(
    head: bytes, path: str, *, delimiter: str | None, no_header: bool = False, header: bool = False
) -> Dialect:
    """Read the beginning of a file (up to its first few records). ``header`` and ``no_header`` say what it begins with.

    Raises :class:`InputError` for an empty file, another encoding than UTF-8, decimal commas, columns of the same name,
    or a first line that does not fit those below it or may be a row as well as a header.
    """
    above, start, delimiter, excel = _above(head, path, delimiter)
    line = len(above) + 1 + excel
    text, sizes = _records(head[start:], path, line)
    if not text:
        raise InputError("the file is empty", path=path, hint="expected a header line and a row for each example")
    if not text[0]:
        raise InputError("the first line is blank; expected the names of the columns", path=path, line=line)
    mark = _delimiter(delimiter, text)
    spaced = mark != " " and _is_spaced(text, mark)
    rows = [_cells(record, mark, path, spaced=spaced) for record in text if record]
    _refuse_decimal_commas(rows, mark, path)
    trailing = len(rows[0]) > 1 and all(not row[-1].strip() for row in rows) and len({len(row) for row in rows}) == 1
    notes = _told(path, above, trailing=trailing, excel=excel)
    found = Dialect(mark, None, len(rows[0]), start, line, spaced, trailing, notes)
    named = _named_by_comment(above, rows, mark, path)
    if named and not no_header:
        said = f"{path}: the names of the columns are those of the comment above them"
        return replace(found, names=tuple(named), notes=(said,))
    cells = rows[0][:-1] if trailing else rows[0]
    below = _column(head[start + sizes[0] :]) if cells == ["0"] else rows[1:]
    if named or no_header or (not header and is_row(cells, below, path, line)):
        return found
    if not header and stands_again(cells, _again(cells, head[start + sizes[0] :], found), path, line):
        said = f"{path}: the first line ({shortly(cells)}) is taken as a row: its entries stand below again (--header)"
        return replace(found, notes=(*notes, said))
    refuse_title(rows, path, line)
    written = head[start : start + sizes[0]]
    return _with_names(found, cells, written, text[0].count("\n") + 1, path, asked=header)


def _above(head: bytes, path: str, delimiter: str | None) -> tuple[list[str], int, str | None, bool]:
    """What stands above the table: its comments, where it begins, what separates its cells, and whether a line for
    Excel says so."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError("is UTF-16 text; expected UTF-8", path=path, hint="iconv -f UTF-16 -t UTF-8 FILE > NEW")
    start = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    excel = _EXCEL.match(head, start)
    if excel:
        start, delimiter = excel.end(), delimiter or excel[1].decode("latin-1")
    comments, start = _comments(head, start, delimiter)
    return comments, start, delimiter, excel is not None


def _with_names(found: Dialect, cells: list[str], written: bytes, lines: int, path: str, *, asked: bool) -> Dialect:
    """The dialect with the names of its first record, which is ``written`` so on so many ``lines``."""
    names = tuple(name.strip() for name in cells)
    refuse_twins(names, path, found.first_line)
    # One number, or two that are 0 and 1, may be a row as well where somebody says that they are the names.
    again = are_numbers(names) and not (asked and len(names) <= _MOST_TRUE)
    return replace(
        found, names=names, start=found.start + len(written), first_line=found.first_line + lines, asked=asked,
        again=written.rstrip(b"\r\n") if again else b"",
    )  # fmt: skip


def _column(data: bytes) -> list[list[str]]:
    """The first cells of a file of one column: one of them says little, and many of them cost little."""
    lines = data.split(b"\n", _SAMPLED)[:_SAMPLED]
    return [[line.decode("utf-8", "replace").strip().strip('"')] for line in lines if line.strip()]


def _again(cells: list[str], data: bytes, dialect: Dialect) -> list[list[str]]:
    """The rows among the first that can be told from the beginning of a file; none if a cell of the first line is not
    in them at all, for lines of thousands of columns cost much."""
    data = b"".join(data.splitlines(keepends=True)[:_SAMPLED])
    if any(cell.encode("utf-8", "replace") not in data for cell in cells if '"' not in cell):
        return []
    lines = dialect.tidied(data).decode("utf-8", "replace")
    rows: list[list[str]] = []
    # What the parser of Python cannot take tells nothing; it is refused, with its place, when it is read.
    with suppress(csv.Error):
        rows.extend(row for row in csv.reader(io.StringIO(lines, newline=""), delimiter=dialect.delimiter) if row)
    return rows


def _refuse_decimal_commas(rows: list[list[str]], mark: str, path: str) -> None:
    """Refuse them where the first line holds some, or where they stand alone and commas would cut them in two."""
    if mark != "," and any(DECIMAL_COMMA.fullmatch(cell) for cell in rows[0]):
        raise decimal_commas(path, mark, named=False)
    alone = mark == "," and all(len(row) == 2 and DECIMAL_COMMA.fullmatch(",".join(row)) for row in rows)
    if not alone or not all(row[0] in ("0", "1", "-0") for row in rows):
        return
    # A whole number of many digits, or with a 0 before others, is no count beside 0 or 1.
    if any(len(row[1]) > 4 or (len(row[1]) > 1 and row[1][0] == "0") for row in rows):
        raise decimal_commas(path, named=False)


def _told(path: str, comments: list[str], *, trailing: bool, excel: bool) -> tuple[str, ...]:
    notes = []
    if excel:
        notes.append(f"{path}: the line above the table (sep=) says what separates its cells")
    if comments:
        notes.append(f"{path}: {len(comments)} comment line{'s' * (len(comments) > 1)} above the table passed over")
    if trailing:
        notes.append(f"{path}: the delimiter at the end of each line is taken for no column")
    return tuple(notes)


def _comments(head: bytes, start: int, delimiter: str | None) -> tuple[list[str], int]:
    """The lines above the table that begin with ``#``, and where the table begins."""
    found: list[str] = []
    at = start
    while head.startswith(b"#", at):
        newline = head.find(b"\n", at)
        if newline < 0:
            return [], start
        found.append(head[at + 1 : newline].decode("utf-8", "replace").strip())
        at = newline + 1
    below = head[at : head.find(b"\n", at)].decode("utf-8", "replace").strip()
    if not found or not below:
        return [], start
    mark = _delimiter(delimiter, [below])
    if not head.startswith((b"# ", b"#!", b"##", b"#\t"), start) and found[0].count(mark) == below.count(mark):
        # The sign belongs to the first name, or to the first label of a list.
        return [], start
    return found, at


def _named_by_comment(comments: list[str], rows: list[list[str]], mark: str, path: str) -> list[str]:
    """The names that the comment right above the rows gives them, as NumPy's ``savetxt`` writes its header."""
    if not comments or not comments[-1] or len(rows[0]) < 2:
        return []
    names = [name.strip() for name in _cells(comments[-1], mark, path, spaced=True)]
    if len(names) != len(rows[0]) or not any(NUMBER.fullmatch(cell) for cell in rows[0]):
        return []
    if any(NUMBER.fullmatch(name) for name in names):
        return []
    refuse_twins(names, path, len(comments))
    return names


def _records(head: bytes, path: str, line: int) -> tuple[list[str], list[int]]:
    """The first records as text without their line ends, and their sizes in bytes with them."""
    records: list[str] = []
    sizes: list[int] = []
    begin, odd = 0, False
    while begin < len(head) and len(records) < 3:
        end = begin
        while True:
            newline = head.find(b"\n", end)
            piece = head[end : newline + 1 if newline >= 0 else len(head)]
            odd ^= piece.count(b'"') % 2 == 1
            end += len(piece)
            if newline < 0 or not odd:
                break
        if odd:
            raise InputError(
                'a quotation mark (") that opens here is not closed', path=path,
                line=line + head.count(b"\n", 0, begin),
                hint="a quotation mark inside a cell must be doubled, and the cell stand in quotation marks",
            )  # fmt: skip
        records.append(_decoded(head[begin:end], path, len(records), line).rstrip("\r\n"))
        sizes.append(end - begin)
        begin = end
    return ([] if not any(records) else records), sizes


def _decoded(record: bytes, path: str, number: int, line: int) -> str:
    try:
        return record.decode("utf-8")
    except UnicodeDecodeError:
        if number > 0:
            return record.decode("utf-8", "replace")
        raise InputError(
            "is no UTF-8 text", path=path, line=line,
            hint="is it another kind of file? Latin-1 text becomes UTF-8 so: iconv -f LATIN1 -t UTF-8 FILE > NEW",
        ) from None  # fmt: skip


def _delimiter(given: str | None, records: list[str]) -> str:
    mark = given or _guess_delimiter(records)
    if len(mark) != 1 or not mark.isascii():
        raise UsageError(f'--delimiter "{mark}": expected one character of ASCII (\\t for a tab)')
    return mark


def _guess_delimiter(records: list[str]) -> str:
    bare = [_bare(record) for record in records]
    for mark in (";", "\t"):
        commas = sum(DECIMAL_COMMA.fullmatch(piece) is not None for piece in bare[0].split(mark))
        if mark in bare[0] and commas and commas == bare[0].count(","):
            return mark
    if any(mark in bare[0] for mark in _DELIMITERS):
        return max(_DELIMITERS, key=bare[0].count)
    return " " if _is_spread_by_spaces(bare) else ","


def _bare(record: str) -> str:
    """A record without what stands in quotation marks or brackets."""
    return re.sub(r'"[^"]*"|\[[^\]]*\]|\([^)]*\)', "x", record)


def _is_spread_by_spaces(bare: list[str]) -> bool:
    """Whether spaces separate cells: the lines have as many pieces each, and they are numbers but for a name."""
    pieces = [record.split() for record in bare if record]
    count = len(pieces[0]) if pieces else 0
    if count < 2 or any(len(each) != count for each in pieces):
        return False
    for each in pieces[1:] or pieces:
        words = sum(not NUMBER.fullmatch(piece) for piece in each)
        if words > (1 if count > 2 else 0):
            return False
    return True


def _is_spaced(records: list[str], mark: str) -> bool:
    """Whether a space follows every delimiter."""
    bare = " ".join(_bare(record) for record in records if record)
    return mark in bare and bare.count(mark) == bare.count(mark + " ")


def _cells(record: str, delimiter: str, path: str, *, spaced: bool) -> list[str]:
    """The cells of one record, by the parser that will read the rest."""
    if record.count(delimiter) >= _MOST_COLUMNS:
        raise InputError(f"has more than {_MOST_COLUMNS:,} columns; is this a text table?", path=path)
    data = tidied(record.encode("utf-8", "replace") + b"\n", delimiter, spaced=spaced)
    # Arrow would guess a type for each of thousands of columns, and keep the memory that takes. (Python's parser takes
    # no cell longer than 131,072 letters.)
    with suppress(csv.Error):
        found = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), delimiter=delimiter))
        if len(found) == 1 and b"\r" not in data:
            return found[0]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(data) + 64),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        )
    except pa.ArrowInvalid:
        table = None
    if table is None or table.num_rows:
        raise InputError(
            "cannot be read as a text table: its lines do not end as lines do", path=path,
            hint="expected UTF-8 text whose lines end in \\n or \\r\\n; lines of an old Mac become that so: "
            "tr '\\r' '\\n' < FILE > NEW",
        )  # fmt: skip
    names: list[str] = table.column_names
    return names


def refuse_twins(names: list[str] | tuple[str, ...], path: str, line: int) -> None:
    """Refuse columns of the same name."""
    seen: set[str] = set()
    for name in names:
        if name.strip() in seen:
            raise InputError(
                f'two columns are named "{name.strip()}"', path=path, line=line, hint="rename one; columns go by name"
            )
        seen.add(name.strip())


def header_notes(dialect: Dialect, shown: str) -> tuple[str, ...]:
    """What is to be said of the decision: numbers taken as names, and the dialect's own notes."""
    if dialect.asked or not are_doubtful(dialect.names or ()):
        return dialect.notes
    return (*dialect.notes, f"{shown}: the first line ({shortly(dialect.names or ())}) is taken as names (--no-header)")
