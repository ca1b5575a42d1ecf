"""The options of tools that look at tables of outcomes: how cells become counts, and what is asked of the columns."""

from __future__ import annotations

from dataclasses import dataclass

from divtool.errors import UsageError
from divtool.options import option


@dataclass(frozen=True)
class Counting:
    """How the outcomes in a table become counts, and counts entropies."""

    missing: str = option(
        "category", "Missing values: an outcome of their own, left out, or refused.",
        choices=("category", "drop", "error"),
    )  # fmt: skip
    bins: tuple[str, ...] = option(
        (), "How numbers become outcomes: width:K, frequency:K, doane, edges:A,B,... or COLUMN=RULE (repeatable).",
        metavar="RULE",
    )  # fmt: skip
    counts: str | None = option(
        None, "The column of whole numbers that says how many cases a row stands for.", metavar="COL"
    )
    estimator: str = option(
        "plug-in", "How entropies are estimated from counts: plug-in, miller-madow, grassberger, chao-shen, nsb, ...; "
        "mi also takes ksg:K, by K nearest neighbours of numbers as they are (needs scipy).",
        metavar="NAME",
    )  # fmt: skip


@dataclass(frozen=True)
class Gaining:
    """What is asked of the columns of a table."""

    target: str | None = option(None, "Rank the other columns by what they tell of this one.", metavar="COL")
    matrix: bool = option(False, "Mutual information of all pairs of columns.")
    together: bool = option(False, "All columns at once: total correlation, dual, interaction information, ...")
    given_columns: str | None = option(
        None, "What the columns tell of the target where these are known (conditional).", metavar="LIST"
    )
    lag: str | None = option(
        None, "Transfer entropy: what a column tells of the target so many rows later (A:B tries all from A to B),"
        " beyond the target's own past.", metavar="ROWS",
    )  # fmt: skip
    history: int = option(1, "How many rows of the target's own past are known.", metavar="ROWS", least=0, most=1000)
    permutations: int = option(
        0, "Draw the null from so many random permutations instead of chi-square.", metavar="N", least=0, most=10**7
    )
    seed: int = option(0, "Seed of the permutations.", metavar="N", least=0, most=2**63)
    sort: str = option("gain", "What columns are ranked by.", choices=("gain", "excess", "p-value", "name"))


_LONGEST_LAG, _MOST_LAGS = 1 << 20, 1000


def parse_lags(text: str) -> range:
    """The lags that ``L`` or ``A:B`` (both included) means.

    >>> list(parse_lags("2")), list(parse_lags("1:3"))
    ([2], [1, 2, 3])
    """
    first, colon, last = text.strip().partition(":")
    digits = first + (last if colon else first)
    if digits.isascii() and digits.isdigit() and bool(first) and (bool(last) or not colon):
        found = range(int(first), int(last or first) + 1)
        if found and found[0] >= 1 and found[-1] <= _LONGEST_LAG and len(found) <= _MOST_LAGS:
            return found
    raise UsageError(f'--lag "{text}": expected a number of rows from 1 to {_LONGEST_LAG}, or A:B such as 1:5')
