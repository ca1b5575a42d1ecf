"""The program: a lazy root, one command a verb, and the one place where an ending becomes an exit status."""

from __future__ import annotations

import inspect
import io
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from types import FrameType
from typing import Any, NoReturn, TextIO

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

from divtool import __version__
from divtool.cli.verbs import Verb, families, verbs
from divtool.errors import DivtoolError, OutputError, ResourceError, UsageError


@dataclass(frozen=True)
class Tool:
    """A command that is no measure: its module is imported when it runs. ``also`` are other names for what it does."""

    summary: str
    module: str
    maker: str
    also: tuple[str, ...] = ()


_TOOLS = {
    "compare": Tool(
        "Which of several files is closest to a reference.", "comparing", "compare_command",
        ("rank", "diff", "versus", "vs", "winner", "leaderboard", "ranking"),
    ),
    "ensemble": Tool(
        "The uncertainty of an ensemble, and how far members part.", "ensembling", "ensemble_command",
        ("uncertainty", "epistemic", "epistemic-uncertainty", "bald", "deep-ensemble", "mc-dropout", "committee"),
    ),
    "matrix": Tool(
        "Every two of several files by a measure.", "pairing", "matrix_command",
        ("pairwise", "all-pairs", "confusion-of-models", "distance-matrix", "heatmap"),
    ),
    "joint": Tool(
        "Two variables: entropies, I(X;Y), NMI, tests, agreement.", "joining", "joint_command",
        ("mutual-information", "conditional-entropy", "joint-entropy", "nmi", "ami", "pmi", "npmi", "vi", "g-test",
         "chi2-test", "contingency", "crosstab", "confusion", "accuracy", "kappa", "f1", "homogeneity", "completeness",
         "v-measure", "theils-u", "cramers-v", "gain-ratio", "lautum", "symmetric-uncertainty", "clusters"),
    ),
    "mi": Tool(
        "Information gain of every column of a table, ranked.", "gaining", "mi_command",
        ("information-gain", "gain", "ig", "cmi", "total-correlation", "dual-total-correlation",
         "interaction-information", "transfer-entropy", "feature-selection"),
    ),
    "fit": Tool(
        "Which simple distribution loses least, by KL.", "fitting", "fit_command",
        ("binomial", "poisson", "geometric", "negative-binomial", "zipf", "fit-distribution"),
    ),
    "calibration": Tool(
        "ECE, MCE, parts of the Brier score, reliability chart.", "calibrating", "calibration_command",
        ("ece", "mce", "rmsce", "reliability", "calibration-error", "ace", "sce"),
    ),
    "temperature": Tool(
        "The temperature that fits confidence to labels.", "calibrating", "temperature_command",
        ("temperature-scaling", "calibrate"),
    ),
    "merge": Tool(
        "One result of runs kept by --save-state.", "merging", "merge_command",
        ("combine", "join-states", "reduce", "states"),
    ),
    "inspect": Tool("What a file is, what is odd in it, and what to type next.", "inspecting", "inspect_command"),
    "list": Tool("All measures with formula, unit and laws (list NAME: one).", "listing", "list_command"),
}  # fmt: skip
_DONE, _USAGE = 0, 2


class LazyRoot(TyperGroup):
    """Knows the names and one-line helps of all verbs, and imports a verb's module only when it runs."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, for completion and did-you-mean."""
        return [*(each.name for each in verbs()), *_TOOLS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, made now."""
        if cmd_name in _TOOLS:
            return _tool_command(cmd_name)
        if cmd_name in self.list_commands(ctx):
            return verb_command(cmd_name)
        return None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """One screen: how it is used, the common verbs by family, the tools."""
        formatter.write(root_help(verbs()))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments name, or an error with close names."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from divtool.registry import suggestion

            typed = args[0].lower().replace("_", "-")
            meant = [each.name for each in verbs() if typed in (each.name, *each.synonyms)]
            meant += [name for name, tool in _TOOLS.items() if typed in tool.also]
            quoted = " or ".join(f'"{name}"' for name in meant[:3])
            hint = f"did you mean {quoted}?" if meant else suggestion(args[0], self.list_commands(ctx))
            if hint.startswith("known"):
                hint = "divtool list shows all"
            raise UsageError(f'there is no command "{args[0]}"', hint=hint)
        return super().resolve_command(ctx, args)


def verb_command(name: str) -> Any:
    """The command of a measure or transform, from its declaration."""
    from divtool.api import declared
    from divtool.cli.running import run_verb
    from divtool.cli.signature import command_function
    from divtool.cli.verbhelp import verb_help

    declaration = declared(name)
    return _command(command_function(declaration, run_verb), name, verb_help(declaration))


def _tool_command(name: str) -> Any:
    tool = _TOOLS[name]
    maker = getattr(import_module(f"divtool.cli.{tool.module}"), tool.maker)
    function = maker()
    return _command(function, name, inspect.cleandoc(function.__doc__ or tool.summary))


def _command(function: Callable[..., Any], name: str, help: str) -> Any:
    info = CommandInfo(name=name, callback=function, help=help, no_args_is_help=False)
    return get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=None)


def root_help(known: list[Verb]) -> str:
    """The text of ``divtool --help``."""
    lines = [
        "Usage: divtool VERB FILES... [options]",
        "",
        "Divergences between distributions over saved model outputs: logits or",
        "probabilities (CSV, Parquet, NPY, NPZ, JSON lines, ...), labels beside them.",
        "",
        "  divtool ce preds.csv labels.csv      cross-entropy; ids and names matched",
        "  divtool kl teacher.npy student.npy   KL both ways, row by row, and its spread",
        "  divtool compare ref.npy a.npy b.npy  who is closest, and is it more than luck",
        "  divtool inspect FILE...              what a file is, and what to type next",
        "  divtool VERB --help                  formula, unit, edge rules and options",
    ]
    lines.append("")
    alone: list[Verb] = []
    for family in families(known):
        members = [each for each in known if each.family == family]
        common = [each for each in members if each.common]
        if len(common) == 1:
            alone += common
        elif common:
            more = f" ({len(common)} of {len(members)})" if len(common) < len(members) else ""
            lines.append(f"{family[0].upper()}{family[1:]}{more}:")
            lines += [f"  {each.name:<18}{_cut(each.summary)}" for each in common]
    lines.append("Others (one of a family each; divtool list shows all):")
    lines += [f"  {each.name:<18}{_cut(each.summary)}" for each in alone]
    lines += ["Tools:", *(f"  {name:<18}{tool.summary}" for name, tool in _TOOLS.items())]
    lines.append("Options: --version (kernels and libraries), --help")
    return "\n".join(lines) + "\n"


def _cut(summary: str, width: int = 58) -> str:
    """The summary up to its first aside, if it is long."""
    text = summary.rstrip(".")
    for stop in (": ", ", ", " ("):
        if len(text) > width:
            text = text.partition(stop)[0]
    return text


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    from importlib.metadata import version

    from divtool.numerics.kernels import FLAVOUR

    kernels = "compiled (c)" if FLAVOUR == "c" else "NumPy (slower: the C extension was not built)"
    print(f"divtool {__version__}\nkernels: {kernels}\npython {sys.version.split()[0]}, numpy {version('numpy')}, "
          f"pyarrow {version('pyarrow')}")  # fmt: skip
    raise typer.Exit


app = typer.Typer(
    name="divtool", cls=LazyRoot, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
)  # fmt: skip


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", is_eager=True, callback=_print_version, help="Print the version."),
    debug: bool = typer.Option(False, "--debug", hidden=True, help="Show the traceback of an internal fault."),
) -> None:
    """Divergences between distributions over saved model outputs."""


class _Signalled(BaseException):
    def __init__(self, number: int) -> None:
        self.number = number


class _Ending:
    """The first signal ends the run. What ends it waits for the parts in hand and removes what is half written; a
    further signal would only break off that. ``again``: so many seconds after one that was lost it comes again."""

    def __init__(self, again: float = 0.0) -> None:
        self._begun, self._again = False, again

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raise what ends the run, once."""
        if self._begun:
            return
        self._begun = True
        raise KeyboardInterrupt if number == signal.SIGINT else _Signalled(number)

    def over(self) -> None:
        """The run has ended: what is left to do is done whatever comes."""
        self._begun = True

    def lost(self, unraisable: Any) -> None:
        """Where Python ends a generator or an object, it drops what is raised: then the next signal ends the run."""
        if issubclass(unraisable.exc_type, KeyboardInterrupt | _Signalled):
            self._begun = False
            if self._again and hasattr(signal, "setitimer"):
                number = getattr(unraisable.exc_value, "number", signal.SIGINT)
                signal.signal(signal.SIGALRM, lambda *_: self(number, None))
                signal.setitimer(signal.ITIMER_REAL, self._again)
        else:
            sys.__unraisablehook__(unraisable)


def main() -> NoReturn:
    """Run the program and end the process with the right status."""
    ending = _Ending(again=0.01)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        with suppress(AttributeError, ValueError):
            signal.signal(getattr(signal, name), ending)
    sys.unraisablehook = ending.lost
    sys.stderr = _heard_or_not()
    try:
        status = _flushed(_status_of_run())
        ending.over()
    except (KeyboardInterrupt, _Signalled) as signalled:
        # It met the last words of a run: there is none after it.
        status = 128 + getattr(signalled, "number", signal.SIGINT)
        _silence()
    sys.exit(status)


class _Unheard(io.FileIO):
    """Takes what nobody hears: neither a result nor a status depends on who listens."""

    def write(self, data: Any, /) -> int:
        """Write some of the bytes, or nothing."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _heard_or_not() -> TextIO:
    if sys.stderr is None:
        return open(os.devnull, "w")
    raw = io.BufferedWriter(_Unheard(sys.stderr.fileno(), "w", closefd=False))
    return io.TextIOWrapper(raw, sys.stderr.encoding, "backslashreplace", line_buffering=True)


def _flushed(status: int) -> int:
    """The status of a run whose output is to be seen."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _silence()
    except OSError as error:
        status = _tell(OutputError(f"standard output: could not be written: {error.strerror}"))
        _silence()
    return status


def _status_of_run() -> int:
    if sys.stdout is None:
        return _tell(OutputError("standard output is closed"))
    try:
        status = app(standalone_mode=False)
    except DivtoolError as error:
        return _tell(error)
    except _Signalled as signalled:
        return 128 + signalled.number
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except SystemExit:
        # The option parser ends so when the reader of a help text has gone; nothing more may be flushed to it.
        _silence()
        return _DONE
    except OSError as error:
        return _tell(_of_the_system(error))
    except MemoryError:
        return _tell(ResourceError("memory ran out", hint="a smaller --chunk-size or fewer threads (-j 1) need less"))
    except Exception as error:
        return _unexpected(error)
    return status if isinstance(status, int) else _DONE


def _of_the_system(error: OSError) -> DivtoolError:
    """A machine that has no room or no handles left; a run that only prints about itself had but its output to fill."""
    said = error.strerror or str(error)
    if len(sys.argv) < 2 or not {"--help", "--version"}.isdisjoint(sys.argv):
        _silence()
        return OutputError(f"standard output: could not be written: {said}")
    return ResourceError(said, hint="temporary files go to the folder that TMPDIR names")


def _silence() -> None:
    """Nothing more may be flushed to an output that takes nothing more."""
    if sys.stdout is None:
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unexpected(error: Exception) -> int:
    """Errors of the option parser are usage errors; anything else is a fault of divtool's own."""
    if isinstance(error, typer.Abort):
        return 128 + signal.SIGINT
    if type(error).__name__ == "NoArgsIsHelpError":
        print(root_help(verbs()), end="")
        return _USAGE
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        return _tell(UsageError(_plainly(error.format_message()), hint=_help_of(error)))
    if "--debug" in sys.argv:
        import traceback

        traceback.print_exc()
    message = f"internal fault: {type(error).__name__}: {error}"
    return _tell(DivtoolError(message, hint="please report it; divtool --debug ... shows where it happened"))


def _plainly(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(".") if not message.startswith("'") else message.rstrip(".")


def _help_of(error: Exception) -> str:
    path = getattr(getattr(error, "ctx", None), "command_path", "divtool")
    return f"{path} --help lists what it takes"


def _tell(error: DivtoolError) -> int:
    from divtool.reports.safetext import safe

    with suppress(OSError):
        print(f"divtool: error: {safe(error.message, 600)}", file=sys.stderr)
        if error.hint:
            print(f"hint: {safe(error.hint, 600)}", file=sys.stderr)
        sys.stderr.flush()
    return error.status
