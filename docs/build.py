"""Write the reference pages from the declarations, or check that they are current.

python docs/build.py            writes docs/measures.md, docs/statistics.md and docs/cli.md
python docs/build.py --check    exits with 1 if a page is not what it would write
"""

from __future__ import annotations

import doctest
import inspect
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from divtool.api import compute
from divtool.cli.verbs import families, verbs
from divtool.measures import load_families, load_statistics
from divtool.measures.declare import MEASURES, Declaration
from divtool.measures.estimators import ESTIMATORS
from divtool.measures.laws import LAWS
from divtool.measures.likes import LIKES
from divtool.measures.models import MODELS
from divtool.measures.statistic import LAWS as TABLE_LAWS
from divtool.measures.statistic import Statistic, by_family

DOCS = Path(__file__).resolve().parent
PROGRAM = Path(sysconfig.get_path("scripts")) / "divtool"
GENERATED = "<!-- Written by docs/build.py from the declarations; not to be edited. -->"
UNITS = {
    "nats": "nats; bits with `--base 2`, dits with `--base 10`",
    "sqrt(nats)": "the root of nats; of bits with `--base 2`",
    "nats^2": "nats squared; bits squared with `--base 2`",
    "1": "a pure number",
    "rows": "a row for each row",
}


# The measures


def measures_page() -> str:
    """One section a measure, by family, in the order of the root help."""
    load_families()
    pieces = [
        GENERATED,
        "# The measures",
        "Every measure is a verb of `divtool` and a function of the package: `divtool kl p.npy q.npy` is"
        ' `divtool.kl("p.npy", "q.npy")`. `p` is the reference (target, teacher, truth), `q` the model, always. The'
        " laws are checked by the tests, those that are declared and those that are not.",
    ]
    known = verbs()
    for family in families(known):
        pieces.append(f"## {family[0].upper()}{family[1:]}")
        pieces += [piece for verb in known if verb.family == family for piece in section(MEASURES.get(verb.name))]
    return "\n\n".join(pieces) + "\n"


def section(declared: Declaration) -> list[str]:
    """The paragraphs of one measure."""
    return [f"### `{declared.name}`: {declared.title}", declared.summary, _facts(declared), *_paragraphs(declared),
            *_options(declared), *_likes(declared), _on_files(declared), *_in_python(declared)]  # fmt: skip


def _facts(declared: Declaration) -> str:
    laws = [LAWS[name].statement for name in sorted(declared.laws)]
    facts = {
        "Formula": f"`{' '.join(declared.formula.split())}`",
        "Operands": ", ".join(f"`{o.metavar}` ({o.role})" + (", optional" * o.optional) for o in declared.operands),
        "Direction": f"`{declared.direction}`" if declared.direction else "",
        "Unit": UNITS.get(declared.unit, declared.unit),
        "Range": " ".join(filter(None, (_range(declared), declared.note))),
        "Better": declared.better or "",
        "Laws": "; ".join(laws),
        "Error": "" if declared.is_transform else f"at most {declared.promise} units of 2^-53 in each row",
        "Known as": ", ".join(declared.also),
        "Source": declared.cite,
    }
    return _fact_table(facts)


def _fact_table(facts: Mapping[str, str]) -> str:
    return "| | |\n|---|---|\n" + "\n".join(f"| {name} | {_cell(value)} |" for name, value in facts.items() if value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _range(declared: Declaration | Statistic) -> str:
    if declared.bounds is None:
        return ""
    low, high = declared.bounds
    if high == float("inf"):
        return "any number" if low == -high else f"from {low:g}, without an upper end"
    return f"{low:g} to {high:g}"


def _paragraphs(declared: Declaration) -> list[str]:
    """The docstring without its first line and its example; names of parameters stay as they are."""
    paragraphs = (inspect.getdoc(declared.function) or "").split("\n\n")[1:]
    told = [" ".join(each.split()) for each in paragraphs if not each.lstrip().startswith(">>>")]
    return [re.sub(r"^Edges: (.)", lambda found: f"**Edges.** {found[1].upper()}", each).replace("``", "`")
            for each in told]  # fmt: skip


def _options(declared: Declaration) -> list[str]:
    if not declared.keywords:
        return []
    lines = ["Its own options:", ""]
    for each in declared.keywords:
        lines.append(f"- `--{each.name.replace('_', '-')}` (default `{each.default}`): {each.help}")
    return ["\n".join(lines)]


def _likes(declared: Declaration) -> list[str]:
    """What other tools do."""
    said = [f"- `--like {tool}`: {text}" for tool, text in LIKES.get(declared.name, {}).items()]
    return ["Other tools' digits:\n\n" + "\n".join(said)] if said else []


def _on_files(declared: Declaration) -> str:
    command = declared.example
    if declared.is_transform:
        return f"On files:\n\n```\n{command}\n```"
    value = repr(compute(declared.name, *command.split()[2:]).value)
    # The last digits may differ between machines; a page must not.
    shown = value[:14] + "..." * (len(value) > 14)
    return f"On files:\n\n```\n$ {command} -q\n{shown}\n```"


def _in_python(declared: Declaration) -> list[str]:
    doc = declared.function.__doc__ or ""
    examples = doctest.DocTestParser().get_examples(doc)
    lines = [_prompted(each) + each.want for each in examples]
    return ["The row function:\n\n```python\n" + "".join(lines) + "```"] if lines else []


def _prompted(example: doctest.Example) -> str:
    first, *more = example.source.splitlines()
    return "".join([f">>> {first}\n", *(f"... {line}\n" for line in more)])


# The statistics of tables, the estimators, the families


def statistics_page() -> str:
    """What joint, mi and fit compute: a section a statistic, tables of estimators and families."""
    load_statistics()
    pieces = [
        GENERATED,
        "# Statistics of tables, estimators, families",
        "What `divtool joint`, `divtool mi` and `divtool fit` compute from counts. [outcomes.md](outcomes.md) shows the"
        " first two at work, [fitting.md](fitting.md) the third. X and Y are the two variables, in the order in which"
        " they are named; `n` are counts, `N` is the number of cases. The laws are checked by the tests, those that are"
        " declared and those that are not.",
    ]
    for family in dict.fromkeys(each.family for each in by_family()):
        pieces.append(f"## {family[0].upper()}{family[1:]}")
        pieces += [piece for each in by_family() if each.family == family for piece in _statistic(each)]
    return "\n\n".join([*pieces, *_estimators(), *_families()]) + "\n"


def _statistic(each: Statistic) -> list[str]:
    facts = {
        "Formula": f"`{each.formula}`",
        "Unit": UNITS.get(each.unit, each.unit),
        "Range": _range(each),
        "Better": each.better or "",
        "Laws": "; ".join(TABLE_LAWS[name] for name in sorted(each.laws)),
        "Known as": ", ".join(each.also),
        "Source": each.cite,
    }
    paragraphs = (inspect.getdoc(each.function) or "").split("\n\n")[1:]
    edges = [re.sub(r"^Edges: (.)", lambda found: f"**Edges.** {found[1].upper()}", " ".join(text.split()))
             for text in paragraphs if not text.lstrip().startswith(">>>")]  # fmt: skip
    return [f"### `{each.name}`: {each.title}", each.summary, _fact_table(facts), *edges]


def _estimators() -> list[str]:
    rows = [f"| `{each.name}` | {each.title} | {_cell(f'`{each.formula}`')} | {each.note} | {each.cite} |"
            for each in ESTIMATORS]  # fmt: skip
    return [
        "## Estimators of entropy",
        "`--estimator NAME` of `joint` and `mi`. Mutual information is made of them as H(X) + H(Y) - H(X,Y). `plug-in`"
        " takes the observed frequencies, with formulas of its own that keep their digits where entropies cancel."
        " `n` are counts, `N` cases, `K` possible outcomes, `psi` is the digamma function.",
        "| name | estimator | formula | note | source |\n|---|---|---|---|---|\n" + "\n".join(rows),
    ]


def _families() -> list[str]:
    rows = [f"| `{each.name}` | {each.title} | {_cell(f'`{each.formula}`')} | {each.cite} |" for each in MODELS]
    return [
        "## Families that `fit` knows",
        "| name | family | probability of k | source |\n|---|---|---|---|\n" + "\n".join(rows),
    ]


# The command line


def cli_page() -> str:
    """The help of the program and of its most common verbs, as it is printed 80 columns wide."""
    pieces = [
        GENERATED,
        "# The command line",
        "What the program says of itself. Exit status: 0 done, 2 usage, 3 input data, 4 environment or resources,"
        " 5 output, 6 engine, 70 a fault of divtool's own; 130 and 143 after an interrupt, 0 after a closed pipe. Here"
        " are the verbs that are used most; the others have the same options (`divtool VERB --help`), and their"
        " formulas and own options stand in [measures.md](measures.md).",
        "## `divtool`",
        _block(run("--help")),
    ]
    known = verbs()
    common = [each.name for family in families(known) for each in known if each.common and each.family == family]
    for verb in [*common, "joint", "mi", "fit", "inspect", "list"]:
        pieces += [f"## `divtool {verb}`", _block(run(verb, "--help"))]
    return "\n\n".join(pieces) + "\n"


def _block(text: str) -> str:
    return "```\n" + "".join(line.rstrip() + "\n" for line in text.splitlines()) + "```"


def run(*arguments: str) -> str:
    """What the installed program prints, 80 columns wide."""
    unwanted = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERMINAL_WIDTH", "DIVTOOL_KERNELS")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    environment = kept | {"COLUMNS": "80", "TERM": "dumb", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [PROGRAM, *arguments], cwd=DOCS.parent, env=environment, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )
    return done.stdout


PAGES = {"measures.md": measures_page, "statistics.md": statistics_page, "cli.md": cli_page}


def main(arguments: list[str]) -> int:
    """Write or check."""
    if arguments not in ([], ["--check"]):
        print("usage: python docs/build.py [--check]", file=sys.stderr)
        return 2
    stale = 0
    os.chdir(DOCS.parent)
    for name, page in PAGES.items():
        path, text = DOCS / name, page()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if not arguments:
            path.write_text(text, encoding="utf-8")
        print(f"docs/{name}: {'not current; make docs writes it' if arguments else 'written'}")
    return 1 if arguments and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
