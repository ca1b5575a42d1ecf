"""The house rules: imports run inward, names keep their word, errors have a place in the tree, functions are short."""

from __future__ import annotations

import ast
import importlib
import inspect
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import divtool
from divtool import errors
from divtool.cli import verb_table, verbs

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "divtool"
FILES = sorted(PACKAGE.rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef
MOST_LINES, LONGEST, NINTH_TENTH = 400, 80, 30


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions() -> Iterator[tuple[Path, Function]]:
    """Every function of the package."""
    for path in FILES:
        yield from ((path, node) for node in ast.walk(tree_of(path)) if isinstance(node, Function))


def size(function: Function) -> int:
    """Lines of a function, without decorators and docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


class TestImports:
    def test_contracts_are_kept(self) -> None:
        pytest.importorskip("importlinter")
        command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", done.stdout)

    def test_one_place_alone_knows_pandas(self) -> None:
        """DataFrames come in through the library; the command line has no way to it."""
        users = {
            path.relative_to(PACKAGE).as_posix()
            for path in FILES
            for node in ast.walk(tree_of(path))
            if (isinstance(node, ast.Import) and any(each.name.startswith("pandas") for each in node.names))
            or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pandas"))
        }
        assert users <= {"formats/memory.py"}

    def test_no_heavy_import_at_the_root(self) -> None:
        script = "import sys, divtool; print(*{m.partition('.')[0] for m in sys.modules})"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
        assert {"numpy", "pandas", "pyarrow", "rich", "typer"}.isdisjoint(done.stdout.split())


class TestNames:
    def test_all_is_sorted(self) -> None:
        assert divtool.__all__ == sorted(divtool.__all__)

    def test_all_is_dir(self) -> None:
        assert dir(divtool) == divtool.__all__

    @pytest.mark.parametrize("name", divtool.__all__)
    def test_each_name_can_be_imported(self, name: str) -> None:
        assert getattr(divtool, name) is not None

    def test_all_is_complete(self) -> None:
        promised = {name for name, kind in vars(errors).items() if inspect.isclass(kind)}
        assert promised | {
            "Result",
            "MeasureResult",
            "InputReport",
            "Inspection",
            "Explanation",
            "FitResult",
            "FittedModel",
            "GainResult",
            "CalibrationResult",
            "TemperatureResult",
            "JointResult",
            "Difference",
            "GateResult",
            "Matrix",
            "MatrixResult",
            "Verdict",
            "calibration",
            "compare",
            "ensemble",
            "joint",
            "matrix",
            "merge",
            "temperature",
            "mi",
            "compute",
            "fit",
            "explain",
            "inspect",
            "__version__",
        } == set(divtool.__all__)

    def test_what_type_checkers_see_is_what_there_is(self) -> None:
        (guarded,) = (node for node in tree_of(PACKAGE / "__init__.py").body if isinstance(node, ast.If))
        seen = {each.name for node in guarded.body if isinstance(node, ast.ImportFrom) for each in node.names}
        assert seen | {"__version__"} == set(divtool.__all__)

    @pytest.mark.parametrize("name", ["no_such_measure", "_hidden", "__wrapped__"])
    def test_an_unknown_name_is_an_attribute_error(self, name: str) -> None:
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
            getattr(divtool, name)

    def test_version_heads_the_changelog(self) -> None:
        newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
        assert newest
        assert newest[1] == divtool.__version__

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
    def test_a_module_keeps_to_its_own_all(self, path: Path) -> None:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        loaded = importlib.import_module(module)
        for name in getattr(loaded, "__all__", []):
            assert hasattr(loaded, name)


TREE = [kind for kind in vars(errors).values() if inspect.isclass(kind)]
STATUSES = {
    "DivtoolError": 70, "UsageError": 2, "InputError": 3, "ResourceError": 4, "OutputError": 5, "EngineError": 6,
}  # fmt: skip


class TestErrors:
    def test_statuses(self) -> None:
        assert {kind.__name__: kind.status for kind in TREE} == STATUSES

    def test_one_root(self) -> None:
        assert all(issubclass(kind, errors.DivtoolError) for kind in TREE)

    def test_the_drawing_lists_every_class_with_its_status(self) -> None:
        drawn = re.findall(r"^    (?:[|`]-- )?(\w+) +(\d+)  \S", errors.__doc__ or "", re.MULTILINE)
        assert {name: int(status) for name, status in drawn} == STATUSES

    @pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
    def test_crosses_process_borders(self, kind: type[errors.DivtoolError]) -> None:
        error = kind("wrong", hint="do this")
        back = pickle.loads(pickle.dumps(error))
        assert (type(back), str(back), back.message, back.hint) == (kind, "wrong\nhint: do this", "wrong", "do this")

    def test_a_place_survives_too(self) -> None:
        error = errors.InputError("is odd", path="x.csv", row=8, line=10, column="c2", hint="look")
        back = pickle.loads(pickle.dumps(error))
        assert back.message == 'x.csv: line 10 (row 8), column "c2": is odd'
        assert (back.path, back.row, back.line, back.column) == ("x.csv", 8, 10, "c2")


class TestVerbTable:
    def test_stamp_is_current(self) -> None:
        assert verbs.stamp() == verb_table.STAMP

    def test_rows_are_current(self) -> None:
        assert [verbs.Verb(*row) for row in verb_table.VERBS] == verbs.scanned()

    def test_names_no_verb_twice(self) -> None:
        names = [each.name for each in verbs.verbs()]
        assert len(names) == len(set(names))

    def test_a_verb_stands_where_the_table_says(self) -> None:
        for each in verbs.verbs():
            assert (PACKAGE / "measures" / f"{each.module}.py").is_file()


class TestSizes:
    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
    def test_a_file_holds_one_idea(self, path: Path) -> None:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES

    def test_functions_are_short(self) -> None:
        sizes = sorted(size(function) for _, function in functions())
        assert sizes[int(0.9 * len(sizes))] <= NINTH_TENTH

    def test_no_function_is_long(self) -> None:
        long = {f"{path.name}:{each.name}": size(each) for path, each in functions() if size(each) > LONGEST}
        assert long == {}


def public(body: list[ast.stmt], inside: str = "") -> Iterator[tuple[str, ast.AST]]:
    """The public functions, classes and methods of a module; what a Protocol only names is its class's to explain."""
    for node in body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield f"{inside}{node.name}", node
        if isinstance(node, ast.ClassDef) and "Protocol" not in ast.unparse(ast.Tuple(node.bases, ast.Load())):
            yield from public(node.body, f"{node.name}.")


class TestDocstrings:
    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
    def test_everything_public_says_what_it_is(self, path: Path) -> None:
        tree = tree_of(path)
        assert not tree.body or ast.get_docstring(tree)
        silent = [name for name, node in public(tree.body) if not ast.get_docstring(node)]  # type: ignore[arg-type]
        assert silent == []
