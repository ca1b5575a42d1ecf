"""The measures: declared functions, a family a file. A file added here is a command at once; files whose names begin
with ``joint_`` declare statistics of joint tables instead, which ``divtool joint`` and ``mi`` give.

Importing this package imports no family; :func:`catalogue` imports them all, :func:`family_of` tells which file holds
a measure without importing it where the generated table of verbs is current.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

# The frame of the room, not families of measures.
FRAME = frozenset({"declare", "vocabulary", "laws", "likes", "statistic", "information", "estimators", "models"})

_OF_TABLES = "joint_"


def family_modules() -> list[str]:
    """The names of the family modules, sorted."""
    names = (module.name for module in iter_modules(__path__) if module.name not in FRAME)
    return sorted(name for name in names if not name.startswith(_OF_TABLES))


def load_families() -> None:
    """Import every family, so that all measures are declared."""
    for name in family_modules():
        import_module(f"{__name__}.{name}")


def load_statistics() -> None:
    """Import every file of statistics, so that all statistics of joint tables are declared."""
    for name in sorted(module.name for module in iter_modules(__path__)):
        if name.startswith(_OF_TABLES):
            import_module(f"{__name__}.{name}")
