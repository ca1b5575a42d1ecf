"""How far a student is from its teacher, both at a temperature."""

from __future__ import annotations

from dataclasses import replace

from divtool.measures.declare import MODEL, REFERENCE, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.divergence import kl_rows

TEACHER = replace(REFERENCE, metavar="TEACHER", help="The teacher's distributions, a row each.", tempered=True)
STUDENT = replace(MODEL, metavar="STUDENT", help="The student's.", tempered=True)


@measure(
    "distillation",
    title="Distillation loss",
    family="losses",
    operands=(TEACHER, STUDENT),
    formula="T^2 KL(p || q)   (p: the teacher at temperature T, q: the student; T = --temperature)",
    cite="Hinton, G., Vinyals, O. and Dean, J. (2015), Distilling the Knowledge in a Neural Network, arXiv:1503.02531",
    bounds=(0.0, float("inf")),
    better="lower",
    laws={"non-negative", "zero-on-identical", "class-permutation", "shift-invariant"},
    direction="KL(p || q)",
    promise=32,
    also=("kd-loss",),
)
def distillation(p: Matrix, q: Matrix, t: Matrix, temperature: float) -> Rows:
    """Divergence of a student from its teacher at a temperature, times the temperature squared.

    The factor keeps the gradients of the same size at every temperature. ``p``, ``q``, ``t`` = log(q/p) are the pair
    forms, (n, C) each, at the temperature. One number a row, in nats.

    Edges: exactly 0 on identical rows; a class with p > 0 and q = 0 makes the row +inf; p = 0 counts nothing.
    Probabilities are tempered as p^(1/T), made to sum to 1.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    >>> distillation(p, q, np.array([[-np.log(2), np.inf]]), 2.0) / np.log(2)
    array([4.])
    """
    return temperature**2 * kl_rows(p, q, t)
