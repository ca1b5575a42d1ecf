"""From operands and options to a plan: open every input, decide what it means, refuse what does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from divtool.engine.alone import labels_alone
from divtool.engine.aside import Aside, columns_aside
from divtool.engine.asked import Asked, same
from divtool.engine.bind import answered_alone, matrix_input, truth_input, with_labels
from divtool.engine.candidates import (
    CANDIDATE,
    base_of,
    for_each_candidate,
    for_every_pair,
    names_of_pairs,
    short_names,
)
from divtool.engine.chunk import Settings
from divtool.engine.first_lines import with_settled_headers
from divtool.engine.inputs import ASIDE, Input
from divtool.engine.naming import SAME_BESIDE, check_members_beside, id_columns
from divtool.engine.operands import Opened, open_operands
from divtool.engine.plan import CONFIDENCE, LABEL, PREDICTION, By, Plan, running_of
from divtool.engine.presets import counts_rows, zeros_of
from divtool.errors import InputError, UsageError
from divtool.meaning.classes import Matched, Side, match_classes
from divtool.meaning.members import labels_beside
from divtool.meaning.weights import class_weights
from divtool.measures.declare import Declaration, Operand
from divtool.options import KINDS, Comparing, Measuring, Reading, Running, fields_of, flag_of, parse_rows

# Beyond it quotients of ordinary logits would overflow or vanish.
_COLDEST = 1e-100


def prepare(
    asked: Sequence[Asked],
    operands: Sequence[Any],
    *,
    reading: Reading,
    measuring: Measuring,
    running: Running,
    keep_rows: bool,
    comparing: Comparing = Comparing(),  # noqa: B008
    worst: int = 1,
    every_pair: bool = False,
) -> Plan:
    """The plan of a run, or the error that says why there can be none. The first of ``asked`` is the verb's own;
    ``every_pair``: each file is compared with each other, not all with the first."""
    if not _COLDEST <= measuring.temperature <= 1.0 / _COLDEST:
        raise UsageError(f"--temperature {measuring.temperature:g}: expected a number above 0, from 1e-100 to 1e100")
    verb = asked[0].declared
    opened = with_settled_headers(open_operands(verb, operands, reading), reading)
    aside = columns_aside(opened, measuring, comparing, "p" if "p" in verb.roles else None)
    inputs, matched, how = _understood(asked, opened, aside, reading, measuring)
    scored = [each for each in opened if every_pair or base_of(each.operand.role) == CANDIDATE]
    names = short_names([each.header.path for each in scored]) if len(scored) > 1 else ()
    roles = [each.operand.role for each in scored]
    asked = for_every_pair(asked, roles) if every_pair else for_each_candidate(asked, roles)
    if not names:
        _check_alone(comparing)
    _check_kinds(inputs, opened, measuring)
    _check_use(inputs, reading, measuring)
    classes, hard = len(matched.orders[0]), any(each.labels is not None for each in inputs)
    weights = class_weights(measuring.class_weight, matched.names, inputs[0].order, classes)
    settings = _settings(verb, measuring, inputs, weights, classes, soft=not hard)
    asked = _all_chosen(_fitting(asked, inputs, hard), inputs, hard, settings)
    threads, chunk_bytes = running_of(running)
    _check_groups(aside.by, hard, many=verb.operands[-1].many)
    files = [each for each in inputs if each.role not in ASIDE]
    by_id = sum(each.columns.id is not None for each in files) > 1
    check_join(files, reading)
    if by_id:
        inputs = [replace(each, by_id=each.columns.id is not None) for each in inputs]
    return Plan(
        asked=asked, inputs=tuple(inputs), settings=settings, names=matched.names, classes=classes, by_id=by_id,
        keep_rows=keep_rows, labels=hard, rows=None if reading.rows is None else parse_rows(reading.rows),
        inner=reading.join == "inner",
        ignore=tuple(measuring.ignore_index), threads=threads, chunk_bytes=chunk_bytes,
        normalizer="--normalize" if measuring.like is None else f"--like {measuring.like}",
        notes=(*rows_matched(files, by_id, how), *_notes(files, matched), *_order_of(asked, files[0], matched),
               *aside.notes, *_labels_left(opened)),
        candidates=names_of_pairs(names) if every_pair else names,
        by=tuple(by for by, _ in aside.by), cluster=comparing.cluster, worst=worst,
        drops_missing=reading.drops_missing,
        paired=() if every_pair else _paired(asked, len(scored), clustered=comparing.cluster is not None),
    )  # fmt: skip


def _paired(asked: Sequence[Asked], scored: int, *, clustered: bool) -> tuple[tuple[int, ...], ...]:
    """The measures that are compared row by row, as places: the verb's own over all candidates, and of clustered rows
    every other, whose standard error is to be had from the clusters."""
    labels = [each.label for each in asked]
    if asked and asked[0].declared.is_transform:
        return ()
    own = [tuple(i for i, label in enumerate(labels) if label == wanted) for wanted in dict.fromkeys(labels)]
    return tuple(own) if clustered else tuple(own[:1]) if scored > 1 else ()


def _check_alone(comparing: Comparing) -> None:
    for each in fields_of(Comparing):
        if each.name in ("level", "resamples", "seed") and getattr(comparing, each.name) != each.default:
            raise UsageError(
                f"{flag_of(each)} speaks of differences between files that are scored; there is but one",
                hint="--level, --resamples and --seed are for several",
            )


def _check_groups(by: Sequence[tuple[By, Any]], hard: bool, *, many: bool) -> None:
    if not hard and any(each.how == LABEL for each, _ in by):
        raise UsageError("--by label: there are no labels of one class a row")
    if many and any(each.how in (PREDICTION, CONFIDENCE) for each, _ in by):
        raise UsageError("--by prediction and --by confidence are by one model; there are several members")


def _understood(
    asked: Sequence[Asked], opened: Sequence[Opened], aside: Aside, reading: Reading, measuring: Measuring
) -> tuple[list[Input], Matched, str]:
    """Every operand in its role with its classes and labels, the columns aside last; and how rows are known to be the
    same, where it is worth telling."""
    verb = asked[0]
    if verb.declared.roles == ("target",):
        (id,) = id_columns(opened, reading).columns
        given, matched = labels_alone(
            opened[0], id, reading, str(verb.parameters.get("classes", "")), tuple(measuring.ignore_index)
        )
        return [given, *aside.inputs([id], given, measuring, reading)], matched, ""
    found = id_columns(opened, reading, aside.places)
    ids, how = found.columns, found.how
    if reading.id is None and check_members_beside(opened, ids):
        how = SAME_BESIDE
    bound = _bound(opened, ids, reading, aside, of_two=not verb.declared.is_transform)
    ordered = any(each.declared.ordered for each in asked)
    inputs, matched = _with_common_classes(bound, keep_order=verb.declared.is_transform or ordered)
    if reading.columns is None:
        _refuse_unordered(inputs, matched)
    inputs = with_labels(inputs, matched, measuring, ordered=reading.columns is not None)
    return [*inputs, *aside.inputs(ids, inputs[0], measuring, reading)], matched, how


def _bound(
    opened: Sequence[Opened], ids: Sequence[int | None], reading: Reading, aside: Aside, *, of_two: bool,
) -> list[Input]:  # fmt: skip
    """Every operand in its role; the truth last, since its labels are held against the predictions' classes."""
    matrices: list[tuple[Opened, int | None, dict[int, str]]] = []
    truths: list[tuple[Opened, int | None, dict[int, str]]] = []
    for i, (each, id) in enumerate(zip(opened, ids, strict=True)):
        (truths if each.is_truth else matrices).append((each, id, aside.of(i)))
    inputs = [matrix_input(each, id, opened, reading, columns, of_two=of_two) for each, id, columns in matrices]
    return inputs + [truth_input(each, id, inputs[0], reading, columns) for each, id, columns in truths]


def _settings(
    verb: Declaration, measuring: Measuring, inputs: Sequence[Input], weights: tuple[float, ...] | None, classes: int,
    *, soft: bool,
) -> Settings:  # fmt: skip
    return Settings(
        measuring.temperature, measuring.label_smoothing, weights, others_only=measuring.smoothing_mode == "k-1",
        answers=any("chances" in each.allowed for each in inputs), classes=classes,
        alone=inputs[0].role is not None and answered_alone(inputs[0]),
        label_weight_only=measuring.weight_target_only, rows_count_one=counts_rows(verb, measuring, soft),
        zeros=zeros_of(verb, measuring, inputs),
        unnormalized=any(each.kind is not None and each.kind.unnormalized for each in inputs),
    )  # fmt: skip


def _fitting(asked: Sequence[Asked], inputs: Sequence[Input], hard: bool) -> list[Asked]:
    """The measures that take what the files hold: one named with ``-m`` must, one of a family may."""
    kinds = {each.role: each for each in inputs if each.kind is not None}
    kept = []
    for each in asked:
        operands = {operand.role: operand for operand in each.declared.operands}
        odd = [
            (kinds[own], operands[role]) for role, own in each.roles
            if own in kinds and role != "target" and _kind_name(kinds[own]) not in operands[role].kinds
        ]  # fmt: skip
        if each.of_family and (odd or (not hard and any(need in _OF_LABELS for need in each.declared.needs))):
            continue
        if odd:
            given, operand = odd[0]
            raise InputError(
                f"holds {KINDS[_kind_name(given)]}; {each.declared.name} takes"
                f" {' or '.join(KINDS[kind] for kind in sorted(operand.kinds))}", path=given.title,
                hint=f"leave {each.declared.name} out of -m",
            )  # fmt: skip
        kept.append(each)
    return kept


def _kind_name(given: Input) -> str:
    assert given.kind is not None
    return given.kind.name


_OF_LABELS = ("cost_of_label", "weight_of_label", "rank_of_label", "delta_of_label")


def _all_chosen(asked: Sequence[Asked], inputs: Sequence[Input], hard: bool, settings: Settings) -> tuple[Asked, ...]:
    """Each measure with its function for these inputs, without those that do not fit and that nobody asked for."""
    found = []
    for each in asked:
        try:
            found.append(_chosen(each, inputs, hard, settings))
        except UsageError:
            if not each.automatic:
                raise
    return tuple(found)


def _chosen(asked: Asked, inputs: Sequence[Input], hard: bool, settings: Settings) -> Asked:
    """The function for these inputs: the formula word for word where rows need not sum to 1, a cheaper one for the
    same number where there is one."""
    declared = asked.declared
    if not hard and any(need in _OF_LABELS for need in declared.needs):
        truth = next((each.title for each in inputs if each.role == "target"), inputs[0].title)
        raise InputError(f"holds soft labels; {declared.name} takes one class for each row", path=truth)
    if settings.zeros.as_stored and "p" in declared.roles and not (declared.plain or declared.clipped):
        raise UsageError(
            f"--zeros {settings.zeros.rule}: {declared.name} is made for rows that sum to 1, which clipped rows do not",
            hint="--zeros smooth:EPS keeps their sums",
        )
    if settings.unnormalized and "p" in declared.roles:
        if declared.loose is None:
            raise UsageError(
                f"--allow-unnormalized: {declared.name} is made for rows that sum to 1",
                hint="--normalize divides each row by its sum; kl and generalized-kl take rows of any sum",
            )
        return replace(asked, plain=declared.loose)
    if declared.plain is not None and settings.zeros.as_stored:
        return replace(asked, plain=declared.plain)
    short = declared.shortcut
    if short is None or any(not same(value, asked.default_of(name)) for name, value in asked.keywords.items()):
        return asked
    of_labels = any(need in _OF_LABELS for need in short.needs)
    fits = hard and settings.smoothing == 0.0 if of_labels else not settings.zeros.changes_rows
    return replace(asked, shortcut=short) if fits else asked


def _with_common_classes(inputs: list[Input], *, keep_order: bool) -> tuple[list[Input], Matched]:
    sides = [
        Side(
            each.title, each.width, each.class_names,
        )
        for each in inputs if _has_classes(each)
    ]  # fmt: skip
    matched = match_classes(sides)
    if keep_order:
        # What is written back to the user has the columns of the user's file, in their order.
        matched = _in_order_of_the_first(matched, sides[0])
    orders = iter(matched.orders)
    return [replace(each, order=next(orders)) if _has_classes(each) else each for each in inputs], matched


def _refuse_unordered(inputs: Sequence[Input], matched: Matched) -> None:
    """Refuse to match classes by position where a file has them in no order."""
    for each in inputs:
        if matched.how == "by position" and _has_classes(each) and each.header.unordered:
            raise InputError(
                "the scores stand in no order of classes, and the other file has no names to match them by",
                path=each.title, hint="say the order of the classes: --columns a,b,c",
            )  # fmt: skip


def _in_order_of_the_first(matched: Matched, first: Side) -> Matched:
    """The same matches with the classes in the order of the first side's columns."""
    own = [list(matched.orders[0]).index(column) for column in range(first.width)]
    others = tuple(tuple(order[place] for place in own) for order in matched.orders[1:])
    return Matched((range(first.width), *others), first.names, matched.how if others else "")


def _has_classes(given: Input) -> bool:
    return given.role is not None and given.role not in ("sign", *ASIDE)


def _check_kinds(inputs: Sequence[Input], opened: Sequence[Opened], measuring: Measuring) -> None:
    operands = {o.operand.role: o.operand for o in opened}
    for each in inputs:
        operand = operands.get(each.role or "")
        if each.kind is None or operand is None or each.role == "target":
            continue
        if each.kind.name not in operand.kinds:
            raise InputError(
                f"holds {KINDS[each.kind.name]} ({each.kind.evidence}); expected"
                f" {' or '.join(KINDS[kind] for kind in sorted(operand.kinds, reverse=True))}",
                path=each.title, hint=_way_out(operand, each.kind.name),
            )  # fmt: skip
        if measuring.temperature != 1.0 and each.kind.name not in ("logits", "log-probs") and not operand.tempered:
            raise InputError(
                f"holds {KINDS[each.kind.name]} ({each.kind.evidence}); a temperature divides logits",
                path=each.title, hint="give the logits; for p^(1/T) made to sum to 1, see divtool temper",
            )  # fmt: skip


def _way_out(operand: Operand, found: str) -> str:
    """What to do with a file that an operand does not take."""
    if "logits" in operand.kinds and len(operand.kinds) > 1:
        return "if they are logits all the same: --given logits"
    if operand.kinds == {"log-probs"}:
        return "divtool ce takes logits and probabilities; divtool log-softmax makes log-probabilities of logits"
    return f"it takes nothing but {' or '.join(KINDS[kind] for kind in sorted(operand.kinds))}"


def _check_use(inputs: Sequence[Input], reading: Reading, measuring: Measuring) -> None:
    """Refuse options that could not be obeyed."""
    if measuring.smoothing_mode != Measuring().smoothing_mode and not measuring.label_smoothing:
        raise UsageError("--smoothing-mode says how labels are smoothed; --label-smoothing says how much")
    if measuring.weight_target_only and measuring.class_weight is None:
        raise UsageError("--weight-target-only speaks of --class-weight, and there is none")
    of_text = reading.delimiter is not None or reading.header or reading.no_header
    if of_text and not any(each.header.lines for each in inputs):
        raise UsageError("--delimiter, --header and --no-header are for text tables; no input is one")
    kinds = {each.kind.name for each in inputs if each.kind is not None}
    if reading.normalize and reading.allow_unnormalized:
        raise UsageError("--normalize and --allow-unnormalized exclude each other")
    if reading.allow_unnormalized and not any(each.kind is not None and each.kind.unnormalized for each in inputs):
        raise UsageError("--allow-unnormalized is for probabilities; no input holds any (--given probs says so)")
    if reading.normalize and not kinds & {"probs", "counts"} and measuring.like is None:
        raise UsageError("--normalize divides probabilities; no input holds any (--given probs says that one does)")
    if any(each.role == "target" for each in inputs) and tuple(measuring.ignore_index) != Measuring().ignore_index:
        raise UsageError("--ignore-index leaves out class labels; these labels are soft rows")


def _order_of(asked: Sequence[Asked], first: Input, matched: Matched) -> list[str]:
    """The order of the classes, where it makes the number."""
    if matched.names is None or not any(each.declared.ordered for each in asked):
        return []
    shown = ", ".join(matched.names[:8]) + (", ..." if len(matched.names) > 8 else "")
    return [f"classes in the order of {first.title}: {shown}"]


def check_join(files: Sequence[Input], reading: Reading) -> None:
    """An inner join needs the ids of every file."""
    without = [each.title for each in files if each.columns.id is None]
    if reading.join != "inner" or (len(files) > 1 and not without):
        return
    raise UsageError(
        f"--join inner joins rows by their ids, and there are none in {', '.join(without)}" if without
        else "--join inner joins the rows of several files by their ids; there is but one",
        hint="name the columns that hold them: --id NAME" if without else "",
    )  # fmt: skip


def rows_matched(inputs: Sequence[Input], by_id: bool, how: str) -> tuple[str, ...]:
    """How the rows of several files are matched; ``how`` is what else is known of it."""
    if len(inputs) < 2:
        return ()
    first = inputs[0]
    if by_id and first.columns.id is not None:
        said = f" ({how})" if how else ""
        return (f'rows matched by the column "{first.header.name(first.columns.id)}"{said}',)
    without = [each.title for each in inputs if each.columns.id is None]
    if not how and len(without) < len(inputs):
        how = f"{', '.join(without)} has no id column"
    return (f"rows matched by position ({how})" if how else "rows matched by position",)


def _labels_left(opened: Sequence[Opened]) -> list[str]:
    """Labels that lie beside predictions and are not the ones that these are scored against."""
    truths = [each.header.path for each in opened if each.is_truth]
    homes = {each.among.path for each in opened if each.among is not None and not each.is_truth}
    if any(each.is_truth and each.among is not None and each.among.path in homes for each in opened):
        # One of them was chosen for all.
        return []
    said = []
    for each in opened:
        label = None if each.among is None or each.is_truth else labels_beside(each.among)
        if truths and each.among is not None and label is not None and f"{each.among.path}:{label}" not in truths:
            said.append(f"the labels {each.among.path}:{label} are not used")
    return list(dict.fromkeys(said))


def _notes(inputs: Sequence[Input], matched: Matched) -> tuple[str, ...]:
    notes = []
    if matched.how:
        notes.append(f"classes matched {matched.how}")
    rule = next((each.labels for each in inputs if each.labels), None)
    if rule is not None:
        ways = {"name": "name", "sign": "sign, -1 and 1", "truth": "truth, False and True"}
        how = ways.get(rule.how, f"index, 0 to {rule.classes - 1}")
        notes.append(f"labels matched by {how}")
    return tuple(notes)
