"""Families fitted to what was observed, ranked by what they lose, and a chart of the best."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from divtool import __version__
from divtool.engine.fit_options import Choice, Fitting, choices_of, support_of
from divtool.engine.observe import BLOCK_BYTES, Seen, read_observed
from divtool.errors import ResourceError, UsageError
from divtool.findings import Bar, FitResult, FittedModel
from divtool.meaning.observed import PROBS
from divtool.measures.models import Fitted, table
from divtool.numerics.goodness import Goodness, goodness
from divtool.numerics.model_loss import Shape, log_likelihood, logs_of, loss, reverse_loss
from divtool.numerics.observed import Observed
from divtool.options import Reading
from divtool.units import Unit, unit_of_base

# A chart has so many bars at most; beyond so many outcomes there is none.
_MOST_BARS, _MOST_CHARTED = 24, 1 << 20


def fit_models(
    thing: Any, asked: Fitting, reading: Reading, models: Sequence[Any] = (), *, block_bytes: int = BLOCK_BYTES
) -> FitResult:
    """Read what was observed, fit every family that is asked for, and rank them.

    ``models`` are distributions of the user's own, files or things in memory.
    """
    choices, unit = choices_of(asked), unit_of_base(asked.base)
    support = None if asked.support is None else support_of(asked.support)
    seen = read_observed(
        thing, reading, given=asked.given, columns=asked.columns, normalize=asked.normalize, block_bytes=block_bytes
    )
    observed = seen.observed if support is None else seen.observed.widened(*support)
    owned = [_owned(each, place, reading, asked.normalize) for place, each in enumerate(models, 1)]
    if asked.normalize and all(each.report.kind != PROBS for each in (seen, *(own for own, _, _ in owned))):
        raise UsageError("--normalize divides probabilities by their sum; there are none here")
    notes = [*seen.notes, *_outside(observed), *(note for own, _, _ in owned for note in own.notes)]
    fitted: list[tuple[FittedModel, Shape | None]] = []
    for choice in choices:
        try:
            found = choice.family.fitted(observed, choice.wanted)
        except ResourceError as error:
            if len(choices) == 1 and not owned:
                raise
            notes.append(f"{choice.family.name} is left out: {error.message}")
            continue
        fitted.append((_described(choice, found, observed, unit), found.shape))
    fitted += [(_described_own(name, found, observed, unit), found.shape) for _, name, found in owned]
    fitted.sort(key=lambda pair: (pair[0].loss_nats, pair[0].free))
    return _result(seen, observed, owned, fitted, notes, unit, asked)


def _result(
    seen: Seen, observed: Observed, owned: Sequence[tuple[Seen, str, Fitted]],
    fitted: Sequence[tuple[FittedModel, Shape | None]], notes: Sequence[str], unit: Unit, asked: Fitting,
) -> FitResult:  # fmt: skip
    best, shape = fitted[0]
    reports = (seen.report, *(replace(own.report, roles=("q",)) for own, _, _ in owned))
    return FitResult(
        version=__version__, inputs=reports, unit=unit.name, cases=observed.cases, outcomes=len(observed.outcomes),
        support=(observed.first, observed.last), support_given=asked.support is not None, mean=float(observed.mean),
        variance=float(observed.variance), entropy=unit.of_nats(observed.entropy), models=tuple(m for m, _ in fitted),
        chart=_bars(observed, shape) if shape is not None and math.isfinite(best.loss_nats) else (),
        notes=tuple(notes), settings=_settings(asked),
    )  # fmt: skip


def _settings(asked: Fitting) -> dict[str, object]:
    """What was chosen, and belongs to the numbers."""
    said = {
        "base": asked.base, "family": list(asked.family), "fix": list(asked.fix), "trials": asked.trials,
        "cut": asked.cut, "support": asked.support, "given": asked.given, "normalize": asked.normalize,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value not in (None, [], False)}


def _owned(thing: Any, place: int, reading: Reading, normalize: bool) -> tuple[Seen, str, Fitted]:
    """A distribution of the user's own, with its name."""
    named = isinstance(thing, str | os.PathLike)
    name = os.path.basename(os.fspath(thing)) if named else f"model {place}"
    seen = read_observed(thing, reading, name=name, normalize=normalize, partial=True)
    return seen, name, table(seen.observed, seen.whole)


def _outside(observed: Observed) -> list[str]:
    """What to say where a support was given that does not hold all that was observed."""
    beyond = [k for k in observed.outcomes.tolist() if not observed.first <= k <= observed.last]
    return [f"outside of the support {observed.first} to {observed.last}: {_few(beyond)}"] if beyond else []


def _few(outcomes: Sequence[int]) -> str:
    return ", ".join(map(str, outcomes[:4])) + (f" and {len(outcomes) - 4:,} more" if len(outcomes) > 4 else "")


def _described(choice: Choice, found: Fitted, observed: Observed, unit: Unit) -> FittedModel:
    family = choice.family
    fixed = tuple(name for name in found.parameters if name in choice.wanted.fixed)
    fixed += ("n",) * (family.name == "binomial" and choice.wanted.trials is not None)
    fixed += ("cut",) * (family.name == "step" and choice.wanted.cut is not None)
    return _measured(
        FittedModel(family.name, family.title, family.formula, family.found, dict(found.parameters), fixed=fixed),
        found, observed, unit,
    )  # fmt: skip


def _described_own(name: str, found: Fitted, observed: Observed, unit: Unit) -> FittedModel:
    model = _measured(FittedModel(name, name, "the table as given", "given", {}), found, observed, unit)
    if found.shape is None or not found.shape.beyond or model.infinite_at is None:
        return model
    return replace(model, notes=(*model.notes, f"what it gives to {model.infinite_at} is not listed, and taken as 0"))


def _measured(model: FittedModel, found: Fitted, observed: Observed, unit: Unit) -> FittedModel:
    """The model with what it loses."""
    model = replace(model, free=found.free, notes=found.notes)
    if found.shape is None:
        likelihood = None if observed.cases is None else -math.inf
        model = replace(
            model, infinite_at=found.beyond, log_likelihood=likelihood, aic=_criterion(likelihood, 0.0),
            bic=_criterion(likelihood, 0.0),
        )  # fmt: skip
        return model if likelihood is None else replace(model, p_value=0.0, log10_p_value=-math.inf, rough=False)
    forward, reverse = loss(observed, found.shape), reverse_loss(observed, found.shape)
    likelihood = None if observed.cases is None else log_likelihood(observed, found.shape)
    model = replace(
        model, loss=unit.of_nats(forward.nats), loss_nats=forward.nats, loss_bits=forward.nats / math.log(2.0),
        loss_bound=unit.of_nats(forward.bound), reverse=unit.of_nats(reverse.nats), infinite_at=forward.at,
        reverse_infinite_at=reverse.at, log_likelihood=likelihood, aic=_criterion(likelihood, 2.0 * found.free),
        bic=_criterion(likelihood, found.free * math.log(observed.cases or 1)),
    )  # fmt: skip
    return _tested(model, goodness(observed, found.shape, found.free, forward.nats), unit)


def _tested(model: FittedModel, found: Goodness | None, unit: Unit) -> FittedModel:
    """The model with what its loss says of it, where there are counts."""
    if found is None:
        return model
    return replace(
        model, expected=None if found.expected is None else unit.of_nats(found.expected), p_value=found.p_value,
        log10_p_value=found.log10_p_value, degrees_of_freedom=found.degrees, rough=found.rough,
    )  # fmt: skip


def _criterion(likelihood: float | None, penalty: float) -> float | None:
    return None if likelihood is None else penalty - 2.0 * likelihood


def _bars(observed: Observed, shape: Shape) -> tuple[Bar, ...]:
    """Observed and fitted shares of the outcomes of the support and around it, put together where they are many."""
    low, high = min(observed.first, int(observed.outcomes[0])), max(observed.last, int(observed.outcomes[-1]))
    size = high - low + 1
    if size > _MOST_CHARTED:
        return ()
    each = _round_size(size)
    start = low - low % each if each > 1 else low
    edges = np.arange(start, high + 1, each)
    fitted = np.exp(logs_of(shape, np.arange(start, edges[-1] + each)))
    # Bars end with the support, so that the last one does not hold what nobody could have observed.
    fitted[high + 1 - start :] = 0.0
    fitted[: low - start] = 0.0
    seen = np.zeros(len(fitted))
    seen[observed.outcomes - start] = observed.p
    shares: Callable[[Any], list[float]] = lambda x: [math.fsum(row) for row in x.reshape(-1, each).tolist()]  # noqa: E731
    rows = zip(edges.tolist(), shares(seen), shares(fitted), strict=True)
    return tuple(Bar(max(edge, low), min(edge + each - 1, high), p, q) for edge, p, q in rows)


def _round_size(size: int) -> int:
    """How many outcomes a bar holds: 1, 2, 5, 10, 20, ... so that there are not too many.

    >>> [_round_size(size) for size in (11, 40, 1000)]
    [1, 2, 50]
    """
    scale = 1
    while True:
        for step in (1, 2, 5):
            if -(-size // (step * scale)) < _MOST_BARS or (size <= _MOST_BARS and step * scale == 1):
                return step * scale
        scale *= 10


def given_models(options: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """The options of a program without its models, which may be in memory; one alone need not stand in a list."""
    rest = {name: value for name, value in options.items() if name != "model"}
    models = options.get("model")
    if models is None:
        return rest, []
    if not isinstance(models, list | tuple):
        return rest, [models]
    if models and isinstance(models[0], int | float):
        raise UsageError("model: expected a distribution or a list of distributions", hint="put it into a list")
    return rest, list(models)
