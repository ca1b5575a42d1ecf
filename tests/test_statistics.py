"""The statistics of joint tables: right in units of u against mpmath, and each law declared where it holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mpf
from oracles_tables import ORACLES, Table, entropies_of_subsets

from divtool.accumulators.joint_table import JointTable, table_of
from divtool.measures import load_statistics
from divtool.measures.information import information_of
from divtool.measures.joint_several import conditional_mutual_information
from divtool.measures.statistic import LAWS, STATISTICS, Significance, Statistic, statistic

load_statistics()
U = 2.0**-53
ALL = list(STATISTICS)
NAMES = [each.name for each in ALL]

# Margins that repeat, cells that are 0, one outcome only, near independence, near certainty, 10^13 cases.
TABLES: dict[str, Table] = {
    "golden in tenths": [[3, 1], [2, 4]],
    "label pairs": [[2, 0], [1, 1]],
    "independent": [[2, 4, 6], [3, 6, 9], [5, 10, 15]],
    "identical": [[4, 0, 0], [0, 1, 0], [0, 0, 7]],
    "exchanged": [[0, 3, 0], [0, 0, 5], [2, 0, 0]],
    "one cell": [[5]],
    "one row": [[5, 2]],
    "one column": [[5], [2]],
    "all different": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "nearly independent": [[10**6, 2 * 10**6], [10**6 + 1, 2 * 10**6]],
    "very nearly independent": [[10**12, 2 * 10**12], [3 * 10**12 + 1, 6 * 10**12]],
    "nearly certain": [[10**9, 1], [0, 3]],
    "huge": [[10**13, 1, 5], [7, 10**13 - 9, 2], [0, 3, 10**12]],
    "sparse": [[1, 0, 0, 2], [0, 0, 1, 0], [0, 1, 0, 0], [5, 0, 0, 0]],
    "exclusive": [[0, 9], [9, 1]],
    "wide": [[int(n) for n in row] for row in np.random.default_rng(5).integers(0, 30, (7, 7))],
}
# Sums and logarithms of some hundred terms; what cancels by its meaning has the absolute bound of its formula.
PROMISE = 32
# The law of these needs whole tables that take long with 10^9 cases or more.
SLOW = {"ami"}


def value_of(asked: Statistic, table: JointTable, **options: Any) -> float:
    found = asked.of_any(table) if asked.several else asked.of(table, information_of(table), **options)
    return found.value if isinstance(found, Significance) else found


def has(asked: Statistic, cells: Table) -> bool:
    return not asked.square or len(cells) == len(cells[0])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", TABLES)
def test_right(name: str, which: str) -> None:
    asked, cells = STATISTICS.get(name), TABLES[which]
    if not has(asked, cells) or (name in SLOW and sum(map(sum, cells)) > 10**4):
        return
    table, truth = table_of(np.array(cells, object)), ORACLES[name](cells)
    found = value_of(asked, table)
    if not math.isfinite(float(truth)):
        assert found == float(truth)
    elif abs(truth) < mpf(10) ** -40:
        assert found == 0.0
    else:
        assert abs(found - truth) <= PROMISE * U * abs(truth), float(abs(found - truth) / abs(truth) / U)


def test_every_statistic_has_an_oracle() -> None:
    assert sorted(ORACLES) == sorted(NAMES)


def test_every_statistic_says_what_it_is() -> None:
    for each in ALL:
        assert each.summary.endswith(".")
        assert each.title
        assert each.formula
        assert each.cite or each.name == "accuracy"


class TestGolden:
    """MEASURES: the joint table [[.3,.1],[.2,.4]] and the label pairs [0,0,1,1], [0,0,0,1]."""

    CELLS: ClassVar = {
        "entropy-x": 0.67301166700925644, "entropy-y": 0.69314718055994531, "joint-entropy": 1.2798542258336675,
        "entropy-y-given-x": 0.60684255882441103, "entropy-x-given-y": 0.58670704527372216,
        "mutual-information": 0.086304621735534278, "variation-of-information": 1.1935496040981332,
        "nmi-min": 0.12823644219877583, "nmi-geometric": 0.12636011904860954, "nmi-arithmetic": 0.12634639359704851,
        "nmi-max": 0.12451124978365315, "nmi-joint": 0.067433165428912376, "gain-ratio": 0.12823644219877583,
        "completeness": 0.12451124978365315, "lautum-information": 0.092871325187271222,
    }  # fmt: skip

    @pytest.mark.parametrize("name", CELLS)
    def test_joint_table(self, name: str) -> None:
        found = value_of(STATISTICS.get(name), table_of(np.array([[3, 1], [2, 4]])))
        assert found == pytest.approx(self.CELLS[name], rel=1e-15)

    def test_label_pairs(self) -> None:
        table = table_of(np.array([[2, 0], [1, 1]]))
        known = {"mutual-information": 0.2157615543388357, "entropy-x": 0.69314718055994531,
                 "entropy-y": 0.56233514461880835, "nmi-arithmetic": 0.3437110184854508}  # fmt: skip
        for name, golden in known.items():
            assert value_of(STATISTICS.get(name), table) == pytest.approx(golden, rel=1e-15)
        assert value_of(STATISTICS.get("ami"), table) == 0.0


class TestChanceIsExactlyNothing:
    """AMI is 0, not noise, where no table with these margins could say more or less."""

    @pytest.mark.parametrize(
        "cells", [[[2, 0], [1, 1]], [[3, 4]], [[3], [4]], [[1, 0], [1, 0], [0, 1]], [[1, 1], [1, 1]][:1]]
    )
    def test_ami(self, cells: Table) -> None:
        assert value_of(STATISTICS.get("ami"), table_of(np.array(cells))) == 0.0


EXCLUSIVE = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]]])
COPIES = np.array([[[int(x == y == z) for z in range(8)] for y in range(8)] for x in range(8)])
SEVERAL = [EXCLUSIVE, COPIES, np.random.default_rng(6).integers(0, 9, (2, 3, 4)), np.ones((2, 2, 3), np.int64)]


def _samples(asked: Statistic) -> list[JointTable]:
    cells = [np.array(cells, object) for cells in TABLES.values() if sum(map(sum, cells)) < 10**4]
    tables = [table_of(each) for each in [*cells, *(SEVERAL if asked.several else [])]]
    return [table for table in tables if not asked.square or table.entries[0] == table.entries[1]]


def _turned(table: JointTable) -> JointTable:
    return table.margin(*reversed(range(table.width)))


def _doubled(table: JointTable) -> JointTable:
    cases = None if table.cases is None else 2 * table.cases
    return JointTable(table.entries, table.cells, table.counts * 2, cases)


def _renamed(table: JointTable) -> JointTable:
    """Both variables' outcomes in reverse order, under new names."""
    sizes = [len(entries) for entries in table.entries]
    cells = np.array(sizes) - 1 - table.cells
    order = np.lexsort(cells.T[::-1])
    entries = tuple(tuple(f"new {i}" for i in range(size)) for size in sizes)
    return JointTable(entries, cells[order], table.counts[order], table.cases)


def _independent(table: JointTable) -> bool:
    """Every cell is what independence makes it, and there is anything that could depend."""
    places = range(table.width)
    size = math.prod(table.margin(place).counts.size for place in places)
    expected = np.prod([table.sums(place).astype(object) for place in places], axis=0)
    actual = table.counts.astype(object) * table.total ** (table.width - 1)
    return 1 < size == len(table.cells) and bool((actual == expected).all())


KEPT: dict[str, Callable[[Statistic, JointTable], bool]] = {
    "non-negative": lambda asked, table: value_of(asked, table) >= 0.0,
    "at-most-one": lambda asked, table: value_of(asked, table) <= 1.0,
    "symmetric": lambda asked, table: value_of(asked, table) == value_of(asked, _turned(table)),
    "zero-if-independent": lambda asked, table: not _independent(table) or value_of(asked, table) == 0.0,
    "one-if-identical": lambda asked, table: value_of(asked, table_of(np.diag(table.margin(0).counts))) == 1.0,
    "scale-free": lambda asked, table: value_of(asked, table) == value_of(asked, _doubled(table)),
    "names-do-not-matter": lambda asked, table: value_of(asked, table) == value_of(asked, _renamed(table)),
}


def _fits(asked: Statistic, table: JointTable) -> bool:
    return not asked.square or table.entries[0] == table.entries[1]


class TestSeveral:
    """Three variables, of which the third is told by the first two together and by neither alone; and three copies."""

    def test_exclusive(self) -> None:
        known = {"total-correlation": 1, "dual-total-correlation": 2, "o-information": -1, "co-information": -1,
                 "interaction-information": 1}  # fmt: skip
        for name, bits in known.items():
            assert STATISTICS.get(name).of_any(table_of(EXCLUSIVE)) == pytest.approx(bits * math.log(2), rel=1e-15)
        assert conditional_mutual_information(table_of(EXCLUSIVE), 0, 1, (2,)) == math.log(2)
        assert information_of(table_of(EXCLUSIVE).margin(0, 1)).mutual == 0.0

    def test_copies(self) -> None:
        known = {"total-correlation": 2, "dual-total-correlation": 1, "o-information": 1, "co-information": 1,
                 "interaction-information": -1}  # fmt: skip
        for name, times in known.items():
            found = STATISTICS.get(name).of_any(table_of(COPIES))
            assert found == pytest.approx(times * math.log(8), rel=1e-15)

    @pytest.mark.parametrize("seed", range(4))
    def test_any(self, seed: int) -> None:
        """By the entropies of all subsets, in mpmath."""
        counts = np.random.default_rng(seed).integers(0, 1 + 10**seed, (3, 2, 4))
        table, h = table_of(counts), entropies_of_subsets(counts)
        total, single = h[0, 1, 2], [h[0,], h[1,], h[2,]]
        pairs = [h[0, 1], h[0, 2], h[1, 2]]
        correlation = sum(single) - total
        dual = sum(pairs) - 2 * total
        truth = {"total-correlation": correlation, "dual-total-correlation": dual,
                 "o-information": correlation - dual, "co-information": sum(single) - sum(pairs) + total}  # fmt: skip
        for name, value in truth.items():
            assert abs(STATISTICS.get(name).of_any(table) - value) <= PROMISE * U * abs(value)
        conditional = h[0, 2] + h[1, 2] - total - h[2,]
        found = conditional_mutual_information(table, 0, 1, (2,))
        assert abs(found - conditional) <= PROMISE * U * abs(conditional)


class TestLaws:
    def test_laws_have_predicates(self) -> None:
        assert set(KEPT) == set(LAWS)

    @pytest.mark.parametrize("law", KEPT)
    @pytest.mark.parametrize("name", NAMES)
    def test_declared_hold_and_others_do_not(self, name: str, law: str) -> None:
        asked = STATISTICS.get(name)
        kept = [KEPT[law](asked, table) for table in _samples(asked)]
        assert all(kept) if law in asked.laws else not all(kept)

    @given(st.data())
    def test_declared_hold_on_any_table(self, data: st.DataObject) -> None:
        size = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
        counts = st.lists(st.integers(0, 9), min_size=size[0] * size[1], max_size=size[0] * size[1])
        table = table_of(np.array(data.draw(counts.filter(any))).reshape(size))
        for asked in ALL:
            if _fits(asked, table):
                assert [law for law in sorted(asked.laws) if not KEPT[law](asked, table)] == [], asked.name

    def test_a_liar_is_caught(self) -> None:
        @statistic("liar", title="liar", family="liars", formula="-1", cite="", unit="1", bounds=(0.0, 1.0),
                   laws={"non-negative"})  # fmt: skip
        def liar(table: JointTable) -> float:
            """Says it is not negative."""
            return -1.0

        try:
            assert not all(
                KEPT["non-negative"](STATISTICS.get("liar"), table) for table in _samples(STATISTICS.get("liar"))
            )
        finally:
            STATISTICS.remove("liar")

    def test_an_unknown_law_is_refused(self) -> None:
        with pytest.raises(TypeError, match="which is not in divtool"):
            statistic("odd", title="", family="", formula="", cite="", bounds=(0.0, 1.0), laws={"kind"})(len)
