"""Imports go one way, each library has its owner, and nothing heavy is loaded merely to print help.

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
    "verifier.errors",
    "verifier.evidence",
    "verifier.floating_point",
    "verifier.floats",
    "verifier.interrupts",
    "verifier.records",
    "verifier.survey.records",
}
MAY_IMPORT = {
    "verifier.errors": set(),
    "verifier.evidence": {"verifier.records"},
    "verifier.floats": set(),
    "verifier.floating_point": {"verifier.errors"},
    "verifier.interrupts": set(),
    "verifier.records": set(),
    "verifier.survey.records": set(),
    "verifier.language": GROUND | {"verifier.language"},
    "verifier.symbolic": GROUND | {"verifier.language", "verifier.symbolic"},
    "verifier.automatic": GROUND | {"verifier.language", "verifier.automatic"},
    "verifier.judgement": GROUND | {"verifier.language", "verifier.judgement"},
    "verifier.reports": GROUND | {"verifier.reports"},
    "verifier.inquiry": GROUND
    | {
        "verifier.language",
        "verifier.symbolic",
        "verifier.automatic",
        "verifier.judgement",
    },
    "verifier.sampling": GROUND | {"verifier.language", "verifier.symbolic"},
    "verifier.trials": GROUND | {"verifier.automatic", "verifier.judgement"},
    "verifier.suggestion": GROUND | {"verifier.language", "verifier.symbolic"},
    "verifier.verification": GROUND
    | {
        "verifier.language",
        "verifier.symbolic",
        "verifier.automatic",
        "verifier.judgement",
        "verifier.inquiry",
        "verifier.sampling",
        "verifier.trials",
        "verifier.together",
    },
    "verifier.together": GROUND
    | {
        "verifier.language",
        "verifier.symbolic",
        "verifier.automatic",
        "verifier.judgement",
    },
    "verifier.complex_verification": GROUND
    | {
        "verifier.verification",
        "verifier.trials",
        "verifier.language",
        "verifier.symbolic",
        "verifier.automatic",
        "verifier.judgement",
    },
    "verifier.explain_command": GROUND
    | {
        "verifier.language",
        "verifier.symbolic",
        "verifier.judgement",
        "verifier.reports",
        "verifier.verification",
        "verifier.inquiry",
        "verifier.isolation",
        "verifier.suggestion",
    },
    "verifier.import_command": {"verifier.errors", "verifier.language"},
    "verifier.isolation": GROUND | {"verifier.symbolic", "verifier.automatic"},
    "verifier.disagreement": {"verifier.records", "verifier.floats"},
    "verifier.pipeline": GROUND
    | {
        "verifier.language",
        "verifier.complex_verification",
        "verifier.verification",
        "verifier.disagreement",
        "verifier.isolation",
        "verifier.automatic",
    },
    "verifier.survey": set(),
    "verifier.survey.plan": GROUND | {"verifier.language"},
    "verifier.survey.points": GROUND | {"verifier.language"},
    "verifier.survey.regions": GROUND,
    "verifier.survey.tally": GROUND | {"verifier.symbolic"},
    "verifier.survey.sweep": GROUND
    | {
        "verifier.language",
        "verifier.symbolic",
        "verifier.automatic",
        "verifier.survey.points",
        "verifier.survey.regions",
        "verifier.survey.tally",
    },
    "verifier.survey.execution": GROUND
    | {"verifier.survey.sweep", "verifier.isolation"},
    "verifier.api": GROUND
    | {"verifier.language", "verifier.reports", "verifier.pipeline"},
    "verifier.cli": GROUND
    | {
        "verifier.language",
        "verifier.judgement",
        "verifier.reports",
        "verifier.pipeline",
        "verifier.explain_command",
        "verifier.import_command",
        "verifier.survey.plan",
        "verifier.survey.execution",
    },
    "verifier.pytest_plugin": GROUND
    | {"verifier.language", "verifier.reports", "verifier.pipeline"},
    "verifier.__main__": {"verifier.cli"},
    "verifier": {"verifier.errors", "verifier.api"},
}
"""What each module or folder may import of the package: the house of design.md, section 2."""

OWNERS = {
    "sympy": {
        "verifier.symbolic.ambient",
        "verifier.symbolic.derivative",
        "verifier.symbolic.typeset",
    },
    "mpmath": set(),  # only tests may: it is their independent witness
    "flint": {
        "verifier.symbolic.ambient",
        "verifier.symbolic.balls",
        "verifier.symbolic.complex_balls",
        "verifier.symbolic.complex_cuts",
        "verifier.symbolic.complex_witness",
        "verifier.symbolic.series",
    },
    "torch": {"verifier.automatic.*"},
    "pydantic": {"verifier.language.tables", "verifier.language.validation"},
    "pydantic_core": {"verifier.language.readers", "verifier.language.validation"},
    "rich": {"verifier.reports.text", "verifier.cli"},
    "typer": {"verifier.cli"},
    "pytest": {"verifier.pytest_plugin", "verifier.api"},
    "numpy": set(),
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
    """The dotted names of all that a module imports, wherever in it the import stands."""
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


def room(module: str) -> str:
    """The module or folder whose rule binds a module."""
    parts = module.split(".")
    for length in (3, 2, 1):
        name = ".".join(parts[:length])
        if name in MAY_IMPORT and (length > 1 or len(parts) == 1):
            return name
    return module


def is_owner(module: str, owners: set[str]) -> bool:
    return any(
        module == owner or (owner.endswith(".*") and module.startswith(owner[:-1]))
        for owner in owners
    )


def violations(
    modules: Mapping[str, str], *, known: Mapping[str, str] | None = None
) -> list[str]:
    """Every import of `modules`, among those `known`, that breaks a rule of the house, as `module imports what`."""
    known = modules if known is None else known
    found = []
    for module, source in modules.items():
        allowed = MAY_IMPORT.get(room(module))
        if allowed is None:
            found.append(f"{module} has no place in the house")
            continue
        for name in imports(source, known):
            top = name.split(".")[0]
            if name == COMPUTED:
                if module not in COMPUTE_NAMES:
                    found.append(f"{module} imports {name}")
            elif top == "verifier":
                if room(name) not in allowed and name != "verifier":
                    found.append(f"{module} imports {name}")
            elif top in OWNERS:
                if not is_owner(module, OWNERS[top]):
                    found.append(f"{module} imports {top}")
            elif top not in sys.stdlib_module_names:
                found.append(f"{module} imports {top}, which nobody owns")
    return found


def graph(modules: Mapping[str, str]) -> dict[str, set[str]]:
    """Which module imports which; the package's own `__init__`, which only loads on demand, apart."""
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


# ── this test can fail ───────────────────────────────────────────────────────────────────────────────────────────────


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
            "import verifier.symbolic.balls",
            "verifier.symbolic.balls",
        ),
        (
            "verifier.language.fake",
            "from verifier.judgement.comparison import judge",
            "verifier.judgement.comparison",
        ),
        (
            "verifier.reports.fake",
            "from verifier.language import operations",
            "verifier.language.operations",
        ),
        (
            "verifier.reports.fake",
            "from verifier.pipeline import Task",
            "verifier.pipeline",
        ),
        ("verifier.judgement.fake", "def f():\n    import torch", "torch"),
        ("verifier.symbolic.fake", "import sympy", "sympy"),
        ("verifier.symbolic.fake", "from flint import arb", "flint"),
        ("verifier.symbolic.derivative", "import torch", "torch"),
        ("verifier.language.points", "import pydantic", "pydantic"),
        ("verifier.language.case", "import pydantic", "pydantic"),
        ("verifier.pipeline", "from rich.text import Text", "rich"),
        ("verifier.floats", "import verifier.records", "verifier.records"),
        ("verifier.evidence", "import verifier.floats", "verifier.floats"),
        (
            "verifier.suggestion",
            "from verifier.automatic.tracing import trace",
            "verifier.automatic.tracing",
        ),
        (
            "verifier.inquiry",
            "from verifier import verification",
            "verifier.verification",
        ),
        (
            "verifier.explain_command",
            "from verifier.automatic import routes",
            "verifier.automatic.routes",
        ),
        ("verifier.symbolic.germs", "from flint import arb", "flint"),
        ("verifier.symbolic.witness", "import sympy", "sympy"),
        ("verifier.floats", "import requests", "requests, which nobody owns"),
        (
            "verifier.cli",
            "from importlib import import_module\nimport_module('torch')",
            "torch",
        ),
        ("verifier.cli", "if TYPE_CHECKING:\n    import sympy", "sympy"),
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


# ── light imports ────────────────────────────────────────────────────────────────────────────────────────────────────


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
from verifier.cli import main
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
