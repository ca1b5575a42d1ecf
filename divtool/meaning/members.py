"""Which of several arrays in one file is meant: by its name and its shape, or as the name behind the file's says."""

from __future__ import annotations

from collections.abc import Sequence

from divtool.errors import InputError
from divtool.formats.source import Container, Member
from divtool.registry import suggestion

# Words that people give to arrays of distributions, those that hold more first, and to labels.
_TABLES = (
    "logits", "log_probs", "logprobs", "log_probabilities", "probs", "probabilities", "proba", "softmax", "predictions",
    "preds", "pred", "scores", "outputs", "output", "y_pred", "y_prob", "y_score", "values",
)  # fmt: skip
_LABELS = (
    "labels", "label", "targets", "target", "ground_truth", "groundtruth", "gt", "y_true", "y", "y_test", "truth",
    "classes",
)  # fmt: skip


def choose_member(container: Container, key: str | None, role: str) -> str:
    """The array for a role. Raises :class:`InputError` where there is none of that name, or several would do.

    Labels are looked for in the role "target"; in any other an array of distributions.
    """
    names = [each.name for each in container.members]
    if key is not None:
        if key in names:
            return key
        raise InputError(f'holds no array "{key}"', path=container.path, hint=suggestion(key, names))
    if not names:
        raise InputError("holds no array", path=container.path)
    if len(names) == 1:
        return names[0]
    wanted = _named(container.members, _LABELS) if role == "target" else _tables(container.members)
    if len(wanted) == 1:
        return wanted[0]
    raise InputError(
        f"holds several arrays: {_listed(container.members)}", path=container.path,
        hint=f"name one after the file: {container.path}:{(wanted or names)[0]}",
    )  # fmt: skip


def labels_beside(container: Container) -> str | None:
    """The one array of a file that holds labels, by its name; None where there is none, or more than one."""
    found = _named(container.members, _LABELS)
    return found[0] if len(found) == 1 and len(container.members) > 1 else None


def _tables(members: Sequence[Member]) -> list[str]:
    """Arrays that may be distributions: those with a name for them, else those of two dimensions or more that are no
    labels by their name."""
    labels = _named(members, _LABELS)
    named = [name for name in _named(members, _TABLES) if name not in labels]
    if named:
        return named
    rows = [each.name for each in members if len(each.shape) > 1 and each.name not in labels]
    return rows or [each.name for each in members if each.name not in labels]


def table_like(name: str) -> bool:
    """Whether an array or a field of this name usually holds distributions."""
    return name.strip().lower().replace("-", "_") in _TABLES


def _named(members: Sequence[Member], words: Sequence[str]) -> list[str]:
    return [each.name for each in members if each.name.strip().lower().replace("-", "_") in words]


def _listed(members: Sequence[Member]) -> str:
    shown = [f"{each.name} {'x'.join(map(str, each.shape)) or 'a number'}" for each in members[:8]]
    return ", ".join(shown) + (", ..." if len(members) > 8 else "")
