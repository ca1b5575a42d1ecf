"""What can be asked of a table of outcomes: which column is likely the target, and which one counts the cases."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress

from divtool.engine.contingency import contingency
from divtool.engine.observe import read_observed
from divtool.engine.sampling import sample_of
from divtool.engine.variables import decided_of, open_table
from divtool.errors import DivtoolError, InputError
from divtool.formats.source import INTEGER, TEXT, Selection, Source
from divtool.meaning.columns import aside_like, label_like
from divtool.meaning.ids import id_like
from divtool.options import Reading
from divtool.outcome_options import Counting
from divtool.result import UNREADABLE, Inspection

# A target with more outcomes among the first rows would rather be a text, or name the rows.
_MOST_OUTCOMES = 64
# A sample of each of thousands of columns would take minutes.
_TRIED = 32
# A larger file is not read to see what it is.
_SMALL = 1 << 20


def count_column(source: Source) -> int | None:
    """The one column of whole numbers beside others that, together, are different in every row: then it is likely to
    say how many cases a row stands for. Only a table that can be seen whole is judged."""
    header = source.header
    numbers = [i for i, word in enumerate(header.types) if word != TEXT]
    texts = tuple(i for i in range(header.width) if i not in numbers)
    if header.names is None or len(numbers) != 1 or len(texts) < 2 or header.types[numbers[0]] != INTEGER:
        return None
    sample = sample_of(source, Selection((), (*texts, numbers[0]), cells=True))
    if len(sample) < source.count() or len(sample) < 3:
        return None
    keys = sample.keys[:-1]
    rows = {tuple(each.text(row) for each in keys) for row in range(len(sample))}
    counts = {sample.keys[-1].text(row) for row in range(len(sample))}
    # Counts repeat or not; what names the rows is another number in each, and says so by rising.
    return numbers[0] if len(rows) == len(sample) and not _rises(sorted(counts, key=len), len(sample)) else None


def _rises(counts: list[str], rows: int) -> bool:
    """Whether numbers are those of the rows, counted from 0 or 1."""
    with suppress(ValueError):
        found = sorted(map(int, counts))
        return found in (list(range(rows)), list(range(1, rows + 1)))
    return True


def target_column(source: Source) -> int | None:
    """The column that is called a label, else the last one of few texts."""
    header = source.header
    named = [i for i, name in enumerate(header.names or ()) if label_like(name)]
    texts = [i for i, word in enumerate(header.types) if word == TEXT and header.names is not None]
    for column in [*named, *reversed(texts)][:_TRIED]:
        with suppress(InputError):
            sample = sample_of(source, Selection((), (column,), cells=True))
            outcomes = len(sample.keys[0].encode()[1])
            if 1 < outcomes <= _MOST_OUTCOMES and outcomes < len(sample):
                return column
    return None


def with_outcomes(seen: Inspection, commands: Sequence[str], reading: Reading) -> tuple[str, ...]:
    """The commands for a file with those for a table of outcomes: after them where it is no table of classes, before
    them where it only may be one, for fractions beside text that says something of each case are rather measurements
    than logits."""
    single = seen.kind in ("probs", "chances") and seen.classes == 2 and seen.class_names is None
    if seen.format == UNREADABLE:
        return tuple(commands)
    crossed = _crossed_command(seen, reading) if seen.kind is None else []
    if seen.kind == "logits" and _describes_cases(seen, reading):
        return (*outcome_commands(seen.path, reading), *commands)
    if seen.doubts or seen.kind is None or single:
        return (*crossed, *commands, *([] if crossed else outcome_commands(seen.path, reading)))
    return tuple(commands)


def _describes_cases(seen: Inspection, reading: Reading) -> bool:
    """Whether a table has text beside its numbers that is no id, no label and nothing that is said of a run."""
    with suppress(DivtoolError):
        header = open_table(seen.path, reading).header
        known = {*seen.outcomes, *([seen.labels.column] if seen.labels is not None else [])}
        names = [header.name(i) for i, word in enumerate(header.types) if word == TEXT and header.names is not None]
        return any(not (name in known or id_like(name) or aside_like(name) or label_like(name)) for name in names)
    return False


def _crossed_command(seen: Inspection, reading: Reading) -> list[str]:
    """The command for a small contingency table whose rows are named, as a cross tabulation is saved."""
    if seen.rows is None or seen.rows > _MOST_OUTCOMES or seen.columns > _MOST_OUTCOMES:
        return []
    with suppress(DivtoolError):
        source = open_table(seen.path, reading)
        found = contingency(source, reading, None)
        if found.kind == "counts" and found.rows_named_by is not None and not id_like(found.rows_named_by):
            return [shlex.join(["divtool", "joint", seen.path])]
    return []


def outcome_commands(path: str, reading: Reading) -> list[str]:
    """Commands for a table of outcomes, each checked as far as it can be without counting."""
    with suppress(DivtoolError):
        source = open_table(path, reading)
        return list(_commands(path, source, reading))
    return []


def _commands(path: str, source: Source, reading: Reading) -> Iterator[str]:
    if source.header.size <= _SMALL:
        with suppress(DivtoolError):
            read_observed(path, reading)
            yield shlex.join(["divtool", "fit", path])
            return
    target, counts = target_column(source), count_column(source)
    if target is None:
        return
    header = source.header
    more = [] if counts is None else ["--counts", header.name(counts)]
    for bins in ((), ("10",)):
        with suppress(DivtoolError):
            counting = Counting(bins=bins, counts=None if counts is None else header.name(counts))
            decided, _ = decided_of(source, reading, counting, wanted=[target])
            if len(decided.variables) > 1:
                words = ["divtool", "mi", path, "--target", header.name(target), *more]
                yield shlex.join([*words, *(("--bins", *bins) if bins else ())])
            return


def looks_counted(source: Source, counting: Counting, wanted: Sequence[int]) -> tuple[str, ...]:
    """What to say where a table of counts is about to be taken for one of cases. ``wanted`` columns are variables."""
    if counting.counts is not None:
        return ()
    with suppress(InputError):
        column = count_column(source)
        if column is not None and column not in wanted:
            name = source.header.name(column)
            said = (
                f'no two rows are alike but for "{name}": does it say how many cases a row stands for? --counts {name}'
            )
            return (said,)
    return ()
