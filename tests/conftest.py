"""What every test may use: pytester, a working folder, and records made with only what
a test is about."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from verifier.records import Comparison, Result, RunRecord, Verdict

pytest_plugins = ["pytester"]

# What is printed follows these. A worker of pytest-xdist has COLUMNS, though what it
# prints is piped, and a CI server has others.
for _name in ("COLUMNS", "CI", "NO_COLOR", "FORCE_COLOR", "TERM", "TTY_COMPATIBLE"):
    os.environ.pop(_name, None)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Mark what Hypothesis draws examples for, and leave out what is slow unless it is
    asked for."""
    for item in items:
        if hasattr(getattr(item, "function", None), "hypothesis"):
            item.add_marker("property")
    if "slow" in config.getoption("markexpr"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


@pytest.fixture(autouse=True)
def _no_torchscript_left() -> Iterator[None]:
    """Leave no function to TorchScript: while there is one, each recording looks for
    its plans among all objects of the process, of which the tests have millions."""
    yield
    if "torch" in sys.modules:
        jit = sys.modules["torch"].jit
        jit._state._jit_caching_layer.clear()
        jit._recursive.concrete_type_store.type_store.clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and a terminal that is none."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def case_file(folder: Path) -> Callable[..., Path]:
    """Writes a case file, or another, into the working folder."""

    def write(text: str, name: str = "cases/a.toml") -> Path:
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def make_comparison() -> Callable[..., Comparison]:
    """A comparison that matches, but for the fields given."""

    def make(**fields: Any) -> Comparison:
        usual: dict[str, Any] = {
            "quantity": "gradient",
            "wrt": ("a",),
            "index": (),
            "point": {"a": "100"},
            "upstream": "123",
            "measured": "369.0",
            "true": "369",
            "error_ulp": 0.0,
            "verdict": Verdict.MATCH_EXACT,
            "culprit": None,
            "message": None,
        }
        return Comparison(**usual | fields)

    return make


@pytest.fixture
def make_result(make_comparison: Callable[..., Comparison]) -> Callable[..., Result]:
    """A result of one comparison and one point, of the given verdict, as expected if
    that is a match."""

    def make(
        name: str = "example-two",
        verdict: str | Verdict = Verdict.MATCH_EXACT,
        **fields: Any,
    ) -> Result:
        verdict = Verdict(verdict)
        usual: dict[str, Any] = {
            "case": f"cases/notebook.toml::{name}",
            "line": 12,
            "dtype": "float32",
            "route": "reverse",
            "order": 1,
            "verdict": verdict,
            "expected": None,
            "as_expected": verdict.family == "match",
            "elapsed_s": 0.01,
            "points": 1,
            "counts": {verdict.value: 1},
            "max_error_ulp": 0.0,
            "comparisons": (make_comparison(verdict=verdict),),
        }
        return Result(**usual | fields)

    return make


@pytest.fixture
def make_record() -> Callable[..., RunRecord]:
    """A run with the given results."""

    def make(*results: Result, **fields: Any) -> RunRecord:
        usual: dict[str, Any] = {
            "environment": {"torch": "2.13.0", "sympy": "1.14.0"},
            "seed": 0,
            "elapsed_s": 1.25,
            "results": results,
        }
        return RunRecord(**usual | fields)

    return make
