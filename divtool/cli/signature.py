"""From a declaration to a command: the shared options spliced into a signature that Typer reads."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, replace
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer

from divtool.measures.declare import Declaration, Keyword, Operand
from divtool.measures.likes import LIKES
from divtool.options import COMPARED, GROUPS, fields_of

Run = Callable[[Declaration, list[str], dict[str, Any]], int]


def command_function(declared: Declaration, run: Run) -> Callable[..., int]:
    """A function of the operands and of every option that applies, which calls ``run``."""

    def command(**arguments: Any) -> int:
        operands: list[str] = []
        for i in range(len(declared.operands)):
            given = arguments.pop(_slot(i), None)
            operands += given if isinstance(given, list) else [given] if given is not None else []
        return run(declared, operands, arguments)

    parameters = _operands(declared)
    parameters += [_keyword(each) for each in declared.keywords]
    for group in GROUPS:
        hints = get_type_hints(group)
        parameters += [option_parameter(each, hints[each.name], declared) for each in fields_of(group, declared.having)]
    command.__name__ = declared.name.replace("-", "_")
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return command


def tool_function(
    parameters: Sequence[inspect.Parameter], options: Sequence[tuple[type, Sequence[str]]], run: Callable[..., Any]
) -> Callable[..., Any]:
    """A function of some parameters and of the named options of some groups, which calls ``run`` with all of them."""

    def command(**arguments: Any) -> Any:
        return run(**arguments)

    shared = [
        option_parameter(each, get_type_hints(group)[each.name])
        for group, names in options for each in fields_of(group) if each.name in names
    ]  # fmt: skip
    command.__doc__ = run.__doc__
    command.__signature__ = inspect.Signature([*parameters, *shared])  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in (*parameters, *shared)}
    return command


def _slot(position: int) -> str:
    return f"operand_{position}"


def parameter(name: str, type_: Any, info: Any, default: Any) -> inspect.Parameter:
    """A parameter with what Typer should know of it."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[type_, info])


def _operands(declared: Declaration) -> list[inspect.Parameter]:
    """The operands; where several files may be scored, the last of them are as many as are given."""
    first, *others = declared.operands
    if others and others[-1].role == "target" and COMPARED in declared.having:
        # One parameter for both: which of the files is the last is known when all are given.
        help_ = f"{first.help} Several files are ranked. {others[-1].metavar}: {others[-1].help}"
        metavar = f"{first.metavar}... [{others[-1].metavar}]"
        return [_operand(0, replace(first, metavar=metavar, help=help_, many=True))]
    found = [_operand(i, operand) for i, operand in enumerate(declared.operands)]
    if COMPARED in declared.having:
        last = others[-1]
        info = typer.Argument(metavar=f"{last.metavar}...", help=f"{last.help} Several are ranked.", show_default=False)
        found[-1] = parameter(_slot(len(others)), Union[list[str], None], info, None)  # noqa: UP007
    elif not others and not declared.is_transform and not first.many:
        metavar, help_ = f"{first.metavar}...", f"{first.help} Several files: a line for each."
        found = [_operand(0, replace(first, metavar=metavar, help=help_, many=True))]
    return found


def _operand(position: int, operand: Operand) -> inspect.Parameter:
    info = typer.Argument(metavar=operand.metavar, help=operand.help, show_default=False)
    if operand.many:
        return parameter(_slot(position), list[str], info, inspect.Parameter.empty)
    if operand.optional or position:
        # A glob may stand for several of them: how many there are is counted once it is known what they mean.
        return parameter(_slot(position), Union[str, None], info, None)  # noqa: UP007
    return parameter(_slot(position), str, info, inspect.Parameter.empty)


def _keyword(each: Keyword) -> inspect.Parameter:
    return parameter(each.name, each.type, typer.Option(help=each.help), each.default)


def option_parameter(each: Field[Any], hint: Any, declared: Declaration | None = None) -> inspect.Parameter:
    """A declared option as a parameter that Typer reads."""
    meta, type_ = dict(each.metadata), _simple(hint)
    if each.name == "like" and declared is not None:
        meta["choices"] = tuple(LIKES[declared.name])
    flags = meta["flags"] or (_flag(each.name, type_),)
    metavar = meta["metavar"] or ("|".join(meta["choices"]) if meta["choices"] else None)
    size = _size(each.default)
    help_ = f"{meta['help']} (default: {size})" if size else meta["help"]
    shown = each.default not in (None, False) and not size
    info = typer.Option(*flags, help=help_, metavar=metavar, show_default=shown)
    default = list(each.default) if isinstance(each.default, tuple) else each.default
    return parameter(each.name, type_, info, default)


def _size(default: Any) -> str:
    """A default in bytes as people write it, empty for any other."""
    big = isinstance(default, int) and not isinstance(default, bool) and default >= 1 << 20
    return f"{default >> 20}MiB" if big else ""


def _flag(name: str, type_: Any) -> str:
    flag = "--" + name.replace("_", "-")
    return f"{flag}/--no-{name}" if type_ == Union[bool, None] else flag  # noqa: UP007


def _simple(hint: Any) -> Any:
    """The type as Typer can parse it: a list for a tuple, text for what the library takes in richer forms too."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        return list[inner[0]]  # type: ignore[valid-type]
    if origin in (Union, types.UnionType):
        rich = [each for each in inner if get_origin(each) in (Mapping, Sequence)]
        kept = [each for each in inner if each not in rich]
        if str in kept and int in kept:
            kept = [each for each in kept if each is not int]
        return Union[tuple(kept)]  # noqa: UP007
    return hint
