"""No module lists operations that have a property: that is a field of their rows. It
may read rows, by functions."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import verifier
from verifier.language.operations.table import OPERATIONS

PACKAGE = Path(verifier.__file__).parent
TABLES = ("language/operations/", "language/kernels/")
FEWEST = 3
"""Two names beside each other are a case of an algorithm, as `x + y` and `x - y` are
where terms cancel."""

DEFENDED = {
    "fpcore_operations.py": "operations that FPCore calls as the table does",
    "exact_functions.py": "a reading: the derivatives that a function repeats",
}
"""Modules with one list of operations all the same, and why."""

OWING = {
    "lists.py": 1,
    "pointwise.py": 3,
    "columns.py": 5,
    "kinks.py": 2,
    "midpoint_choices.py": 5,
    "midpoint_formulas.py": 1,
    "norms.py": 2,
    "random_operations.py": 1,
    "replay.py": 7,
    "rounding_operations.py": 1,
    "rules.py": 2,
    "suspects.py": 1,
}
"""Lists of operations in modules of tensors: of the handlers, names of ATen's; of the
others properties of rows that are still to move into the table. None is to be added."""

NO_ROWS = {
    "above": "the Heaviside function of a difference, in SymPy's derivatives alone"
}


def listed(node: ast.AST) -> list[str]:
    """The names of operations that a collection of texts is made of."""
    texts: list[str] = []
    if isinstance(node, ast.Set | ast.Tuple | ast.List):
        texts = [e.value for e in node.elts if _is_text(e)]  # type: ignore[attr-defined]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        texts = node.value.split()
    elif isinstance(node, ast.Dict) and not all(map(_computes, node.values)):
        texts = [key.value for key in node.keys if _is_text(key)]  # type: ignore[union-attr]
    names = [text for text in texts if text in OPERATIONS]
    return names if len(names) > len(texts) / 2 else []


def readings(tree: ast.AST) -> Iterator[list[str]]:
    """The keys of every dictionary from operations to functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict) and all(map(_computes, node.values)):
            keys = [key.value for key in node.keys if _is_text(key)]  # type: ignore[union-attr]
            if sum(key in OPERATIONS for key in keys) > len(keys) / 2:
                yield keys


def _is_text(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _computes(node: ast.AST) -> bool:
    """Whether an expression is a function: named, written out, or made by a call."""
    return isinstance(node, ast.Name | ast.Attribute | ast.Lambda | ast.Call)


def lists(tree: ast.AST) -> Iterator[list[str]]:
    """Every list of operations."""
    for node in ast.walk(tree):
        names = listed(node)
        if len(names) >= FEWEST:
            yield names


def sources() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(TABLES):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def test_no_module_lists_operations() -> None:
    found = [module for module, tree in sources() for _ in lists(tree)]
    known = Counter(dict.fromkeys(DEFENDED, 1)) + Counter(OWING)
    assert Counter(Path(module).name for module in found) == known, found


def test_every_reading_is_of_rows() -> None:
    keys = {key for _, tree in sources() for found in readings(tree) for key in found}
    assert keys - OPERATIONS.keys() == NO_ROWS.keys()
    # every row without a definition is read by something
    plain = {name for name, row in OPERATIONS.items() if row.definition is None}
    assert plain <= keys


@pytest.mark.parametrize(
    "source",
    [
        'SMOOTH = frozenset("sin cos exp".split())',
        'SMOOTH = {"sin", "cos", "exp"}',
        'SMOOTH = ("sin", "cos", "exp")',
        'ULPS = {"sin": 1, "cos": 2, "exp": 3}',
        'def f(node):\n    return node.operation in ("sin", "cos", "exp")',
        'def f(node):\n    if node.operation in ("sin", "cos", "exp"):\n        return 1',
    ],
)
def test_a_list_of_operations_is_found(source: str) -> None:
    assert list(lists(ast.parse(source))) == [["sin", "cos", "exp"]]


@pytest.mark.parametrize(
    "source",
    [
        'READ = {"sin": sympy.sin, "cos": lambda x: x, "exp": _exp, "log": by("log")}',
        'x = "the sine of an exp or a log"',
        'x = ("add", "sub")',
    ],
)
def test_a_reading_is_no_list(source: str) -> None:
    assert list(lists(ast.parse(source))) == []
