"""``divtool ensemble``: what the members of an ensemble say together, and how far they part, in one pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from divtool import api
from divtool.cli.running import run_verb
from divtool.cli.signature import command_function
from divtool.engine.ensemble import LEADING
from divtool.engine.request import declared as declaration_of
from divtool.measures.declare import Declaration
from divtool.result import Result

_HELP = """
The uncertainty of an ensemble in one pass: of its members together, of each by itself, and how far they part.

\b
Measures:  predictive-entropy   H(m), m = the mean of the members: all of it
           expected-entropy     the mean of H(p_i): what they share (aleatoric)
           js-members           their mutual information: how far they part
                                (epistemic); the first is the sum of these two
           disagreement         pairs of members with different first choices
           More with -m: variation-ratio, vote-entropy, or ensembles for all.
Members:   a file each, or one array of three dimensions with --member-axis.
           --weights weighs the members (equally without it).
Edges:     js-members is not made of that difference: it keeps its digits where
           the members are nearly equal, and is exactly 0 where they are equal.

\b
Example:   divtool ensemble examples/data/digits_a.npy examples/data/digits_b.npy
"""


def ensemble_command() -> Callable[..., int]:
    """The command: that of its leading measure, with more measures unless one number is wanted."""
    command = command_function(declaration_of(LEADING), _ensemble)
    command.__doc__ = _HELP
    return command


def _ensemble(declared: Declaration, operands: list[str], options: dict[str, Any]) -> int:
    return run_verb(declared, operands, options, run=_run)


def _run(declared: Declaration, operands: list[str], options: dict[str, Any], **how: Any) -> Result:
    return api.run_ensemble(operands, options, **how)
