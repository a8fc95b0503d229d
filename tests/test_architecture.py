"""Imports go one way, each library has its owner, and nothing heavy is loaded merely to
print help.

Reads every import by `ast`, so that lazy imports and those for type checkers count too.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import verifier

PACKAGE = Path(verifier.__file__).parent

GROUND = {
    "errors": "",
    "enclosures": "",
    "files": "",
    "floats": "",
    "floating_point": "errors",
    "interrupts": "",
    "records": "serialisation",
    "releases": "",
    "rounded": "floats",
    "measurements": "records",
    "serialisation": "errors",
    "stopwatch": "",
    "fields": "floats records",
    "traces": "records",
    "survey.records": "records",
}
"""What everything may import; and what that imports itself."""

LANGUAGE = "language.operations language.programs language.kernels language.points language.casefile"
KERNELS = "language.operations language.programs language.kernels"
CELLS = "language.cells"
ARITHMETIC = f"{KERNELS} language.points symbolic.arithmetic"
SYMBOLIC = (
    f"{ARITHMETIC} symbolic.calculus symbolic.limits symbolic.rounding symbolic.truth"
)

HOUSE = {
    "language": "",
    "language.cells": "",
    "language.operations": "",
    "language.programs": "language.operations",
    "language.kernels": "language.operations language.programs",
    "language.points": "language.operations language.programs",
    "language.casefile": "language.operations language.programs language.points",
    "language.importers": LANGUAGE,
    "symbolic": "",
    "symbolic.settings": "",
    "symbolic.arithmetic": "language.operations language.programs",
    "symbolic.calculus": ARITHMETIC,
    "symbolic.limits": f"{ARITHMETIC} symbolic.calculus",
    "symbolic.rounding": f"{KERNELS} symbolic.arithmetic symbolic.calculus",
    "symbolic.truth": f"{ARITHMETIC} symbolic.calculus symbolic.limits symbolic.rounding",
    "symbolic.cells": f"{CELLS} {ARITHMETIC} symbolic.calculus symbolic.rounding",
    "automatic": f"{LANGUAGE} {CELLS}",
    "judgement": f"{LANGUAGE} {CELLS}",
    "verification": f"{LANGUAGE} {CELLS} {SYMBOLIC} symbolic.cells automatic judgement",
    "running": f"{LANGUAGE} symbolic.settings automatic judgement verification",
    "survey": "language.operations language.kernels language.programs language.points language.casefile "
    "symbolic.arithmetic symbolic.truth automatic running",
    "reports": "",
    "arguments": "language.importers",
    "calling": "arguments language.casefile reports running",
    "api": "arguments calling language.programs language.casefile reports running",
    "cli": "language.operations language.kernels language.points language.casefile language.importers "
    "judgement reports running survey verification",
    "pytest_plugin": "api judgement language.casefile reports running",
    "__main__": "cli",
    "": "errors api",
}
"""What each package may import beside the ground and itself: the house that
CONTRIBUTING draws."""

OWNERS = {
    "sympy": {
        "verifier.symbolic.settings",
        "verifier.symbolic.calculus.sympy_functions",
        "verifier.symbolic.calculus.sympy_special",
        "verifier.symbolic.calculus.derivative",
        "verifier.symbolic.calculus.typeset",
        "verifier.symbolic.calculus.side_by_side",
        "verifier.language.importers.sympy_expressions",
    },
    "mpmath": set(),  # only tests may: it is their independent witness
    "flint": {
        "verifier.symbolic.settings",
        "verifier.symbolic.arithmetic.balls",
        "verifier.symbolic.arithmetic.cauchy",
        "verifier.symbolic.arithmetic.special_balls",
        "verifier.symbolic.arithmetic.complex_balls",
        "verifier.symbolic.arithmetic.complex_cuts",
        "verifier.symbolic.arithmetic.doubles",
        "verifier.symbolic.arithmetic.matrices",
        "verifier.symbolic.arithmetic.series",
        "verifier.symbolic.arithmetic.taylor",
        "verifier.symbolic.calculus.complex_witness",
    },
    "torch": {"verifier.automatic.*"},
    "pydantic": {
        "verifier.language.casefile.keys",
        "verifier.language.casefile.number_readers",
        "verifier.language.casefile.tables",
        "verifier.language.casefile.validation",
        "verifier.serialisation",
    },
    "pydantic_core": {
        "verifier.language.casefile.faults",
        "verifier.language.casefile.number_readers",
        "verifier.language.casefile.validation",
        "verifier.language.casefile.word_readers",
        "verifier.serialisation",
    },
    "rich": {
        "verifier.cli.*",
        "verifier.reports.explain",
        "verifier.reports.page",
        "verifier.reports.progress",
        "verifier.reports.result_line",
        "verifier.reports.tables",
        "verifier.reports.text",
    },
    "IPython": {"verifier.reports.progress"},
    "typer": {"verifier.cli.*"},
    "junitparser": {"verifier.reports.junit"},
    "pytest": {"verifier.pytest_plugin", "verifier.api"},
    "numpy": {
        "verifier.automatic.*",
        "verifier.enclosures",
        "verifier.judgement.tensors.*",
        "verifier.language.cells",
        "verifier.rounded",
        "verifier.symbolic.cells.*",
        "verifier.verification.tensors.*",
    },
    "packaging": {"verifier.releases"},
}
"""Who may import which library."""

COMPUTED = "<computed>"
COMPUTE_NAMES = {"verifier.automatic.subjects"}
"""Imports whose name only the user knows: the callable that a case wants verified."""

LIGHT = ("torch", "sympy", "flint", "pydantic", "mpmath")
"""What help, the bare import and the pytest plugin never load."""


@cache
def sources() -> Mapping[str, str]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        found[".".join(parts)] = path.read_text(encoding="utf-8")
    return found


def imports(source: str, modules: Mapping[str, str]) -> Iterator[str]:
    """The dotted names of all that a module imports, wherever in it the import
    stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            base = node.module or ""
            for alias in node.names:
                name = f"{base}.{alias.name}"
                yield name if name in modules else base
        elif _is_call_of(node, "import_module") or _is_call_of(node, "__import__"):
            assert isinstance(node, ast.Call)
            argument = node.args[0]
            yield (
                str(argument.value) if isinstance(argument, ast.Constant) else COMPUTED
            )


def _is_call_of(node: ast.AST, name: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return name in (getattr(node.func, "id", None), getattr(node.func, "attr", None))


def package_of(module: str) -> str:
    """The row of the house, or the ground, that binds a module."""
    parts = module.split(".")[1:]
    while parts and ".".join(parts) not in HOUSE | GROUND:
        parts.pop()
    return ".".join(parts)


def may_import(importer: str, imported: str) -> bool:
    """Whether one row of the house may import from another."""
    if importer in GROUND:
        return imported in {importer, *GROUND[importer].split()}
    return imported in {importer, *GROUND, *HOUSE[importer].split()}


def is_owner(module: str, owners: set[str]) -> bool:
    return any(
        module == owner or (owner.endswith(".*") and module.startswith(owner[:-1]))
        for owner in owners
    )


def violations(
    modules: Mapping[str, str], *, known: Mapping[str, str] | None = None
) -> list[str]:
    """Every import of `modules`, among those `known`, that breaks a rule of the house,
    as `module imports what`."""
    known = modules if known is None else known
    found = []
    for module, source in modules.items():
        if not package_of(module) and module != "verifier":
            found.append(f"{module} has no place in the house")
            continue
        for name in imports(source, known):
            top = name.split(".")[0]
            if name == COMPUTED:
                if module not in COMPUTE_NAMES:
                    found.append(f"{module} imports {name}")
            elif top == "verifier":
                if name != "verifier" and not may_import(
                    package_of(module), package_of(name)
                ):
                    found.append(f"{module} imports {name}")
            elif top in OWNERS:
                if not is_owner(module, OWNERS[top]):
                    found.append(f"{module} imports {top}")
            elif top not in sys.stdlib_module_names:
                found.append(f"{module} imports {top}, which nobody owns")
    return found


def graph(modules: Mapping[str, str]) -> dict[str, set[str]]:
    """Which module imports which; the package's own `__init__`, which only loads on
    demand, apart."""
    return {
        module: {
            name
            for name in imports(source, modules)
            if name in modules and name != "verifier"
        }
        for module, source in modules.items()
        if module != "verifier"
    }


def test_every_import_keeps_to_the_house() -> None:
    assert violations(sources()) == []


def test_no_module_imports_itself_by_a_detour() -> None:
    assert len(list(TopologicalSorter(graph(sources())).static_order())) >= 20


def test_pytest_is_imported_by_the_api_only_when_it_is_asked_for() -> None:
    tree = ast.parse(sources()["verifier.api"])
    for node in tree.body:
        assert not (
            isinstance(node, ast.Import) and any(a.name == "pytest" for a in node.names)
        )


def test_nothing_imports_relatively_or_everything() -> None:
    for module, source in sources().items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, module
                assert all(alias.name != "*" for alias in node.names), module


def new_violations(module: str, source: str) -> list[str]:
    """What a module of that source would add."""
    modules = {**sources(), module: source}
    return violations({module: source}, known=modules)


# ── this test can fail ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        (
            "verifier.symbolic.fake",
            "from verifier.automatic import lowering",
            "verifier.automatic.lowering",
        ),
        (
            "verifier.automatic.fake",
            "import verifier.symbolic.arithmetic.balls",
            "verifier.symbolic.arithmetic.balls",
        ),
        (
            "verifier.language.fake",
            "from verifier.judgement.comparison import judge",
            "verifier.judgement.comparison",
        ),
        (
            "verifier.reports.fake",
            "from verifier.language.operations import table",
            "verifier.language.operations.table",
        ),
        (
            "verifier.reports.fake",
            "from verifier.running.run import Task",
            "verifier.running.run",
        ),
        ("verifier.judgement.fake", "def f():\n    import torch", "torch"),
        ("verifier.symbolic.fake", "import sympy", "sympy"),
        ("verifier.symbolic.fake", "from flint import arb", "flint"),
        ("verifier.symbolic.calculus.derivative", "import torch", "torch"),
        ("verifier.language.points.scalars", "import pydantic", "pydantic"),
        ("verifier.language.casefile.case", "import pydantic", "pydantic"),
        ("verifier.running.run", "from rich.text import Text", "rich"),
        ("verifier.floats", "import verifier.records", "verifier.records"),
        ("verifier.traces", "import verifier.floats", "verifier.floats"),
        (
            "verifier.verification.culprits",
            "from verifier.running import run",
            "verifier.running.run",
        ),
        (
            "verifier.cli.explain",
            "from verifier.automatic import routes",
            "verifier.automatic.routes",
        ),
        (
            "verifier.symbolic.arithmetic.expansions.terms",
            "from flint import arb",
            "flint",
        ),
        ("verifier.symbolic.calculus.witness", "import sympy", "sympy"),
        ("verifier.floats", "import requests", "requests, which nobody owns"),
        (
            "verifier.cli.main",
            "from importlib import import_module\nimport_module('torch')",
            "torch",
        ),
        ("verifier.cli.main", "if TYPE_CHECKING:\n    import sympy", "sympy"),
        ("verifier.symbolic.fake", "import mpmath", "mpmath"),
        (
            "verifier.language.fake",
            "import importlib\nimportlib.import_module(x)",
            COMPUTED,
        ),
    ],
)
def test_an_offending_import_is_found(module: str, source: str, complaint: str) -> None:
    assert new_violations(module, source) == [f"{module} imports {complaint}"]


def test_a_module_without_a_place_is_found() -> None:
    assert new_violations("verifier.utils", "") == [
        "verifier.utils has no place in the house"
    ]


def test_a_cycle_is_found() -> None:
    modules = {
        "verifier.language.a": "from verifier.language import b",
        "verifier.language.b": "import verifier.language.a",
    }
    assert violations(modules) == []
    with pytest.raises(CycleError):
        list(TopologicalSorter(graph(modules)).static_order())


# ── light imports ─────────────────────────────────────────────────────────────────────


def loaded_by(program: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a program."""
    script = f"{program}\nimport sys\nprint('\\nLOADED', *{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    )
    return set(done.stdout.rpartition("LOADED")[2].split())


HELP = """
import sys
from verifier.cli.main import main
sys.argv = ["verifier", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


@pytest.mark.parametrize(
    "program",
    ["import verifier", HELP, "import verifier.pytest_plugin"],
    ids=["import verifier", "verifier --help", "the pytest plugin"],
)
def test_what_must_be_light_loads_nothing_heavy(program: str) -> None:
    assert loaded_by(program) & set(LIGHT) == set()


def test_the_bare_import_loads_no_third_party_library_at_all() -> None:
    loaded = loaded_by("import sys\nbefore = set(sys.modules)\nimport verifier")
    assert loaded & {"rich", "typer", "pytest", "numpy"} == set()


@pytest.mark.parametrize("library", LIGHT)
def test_a_heavy_import_would_be_seen(library: str) -> None:
    assert library in loaded_by(
        f"import types, sys\nsys.modules[{library!r}] = types.ModuleType({library!r})"
    )


def test_what_is_asked_for_is_loaded_on_demand() -> None:
    assert {"torch", "sympy", "flint"} <= loaded_by(
        "import verifier\nverifier.verify('x', at={'x': 1})"
    )
