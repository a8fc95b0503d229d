"""FPCore → cases: deep, large and hostile files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from growth import assert_linear
from imports import draft_of, imported, refusal

from verifier.errors import FormulaFileError


@pytest.mark.parametrize(
    "text",
    [
        f"(FPCore (x) {'(sin ' * 20_000}x{')' * 20_000})",
        f"(FPCore (x) {'(let ([x (* x x)]) ' * 300}x{')' * 300})",
        f"(FPCore (x) {'(if (< x 1) (+ x 1) ' * 200}x{')' * 200})",
    ],
    ids=["operations", "let", "if"],
)
def test_deep_nesting_becomes_steps(tmp_path: Path, text: str) -> None:
    assert draft_of(tmp_path, text).in_steps


@pytest.mark.parametrize(
    "text",
    [
        f"(FPCore (x) :pre {'(let ([x (* x x)]) ' * 200}(< x 3){')' * 200} x)",
        f"(FPCore (x) (let ([c (< x 1)]) {'(let ([c (and c c)]) ' * 100}(if c x 1){')' * 101})",
    ],
    ids=["precondition", "condition"],
)
def test_what_would_grow_without_bound_is_refused(tmp_path: Path, text: str) -> None:
    assert "it is longer than" in refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(" * 300_000, "expected `)`"),
        ("()" * 600_000, "expected at most 1000000 symbols"),
        ("x" * 10_000_001, "expected at most 10 megabytes"),
    ],
    ids=["brackets", "tokens", "bytes"],
)
def test_a_huge_file_ends_in_one_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FormulaFileError, match=re.escape(message)):
        imported(tmp_path, text)


def nested(opening: str, depth: int, inner: str) -> str:
    return opening * depth + inner + ")" * depth


LARGE = {
    "bounds": lambda n: f"(FPCore (x) :pre (and {'(< x 1) ' * 3 * n}) x)",
    "condition": lambda n: f"(FPCore (x) :pre (or {'(< x 1) ' * 3 * n}) x)",
    "names": lambda n: f"(FPCore (x) {nested('(let ([x (* x 2)]) ', 2 * n, 'x')})",
    "bindings": lambda n: f"(FPCore (x) (let* ({'[x (* x 2)] ' * 2 * n}) x))",
    "sum": lambda n: f"(FPCore (x) (+ {'x ' * 9 * n}))",
    "nesting": lambda n: f"(FPCore (x) :pre {nested('(not ', 4 * n, '(< x 1)')} x)",
    "benchmarks": lambda n: "(FPCore (x) :name a x)" * (n // 2),
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_a_large_file_is_imported(tmp_path: Path, text: Callable[[int], str]) -> None:
    found = imported(tmp_path, text(2_500))
    assert found.drafts or found.left_out


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_work_grows_in_proportion_to_the_file(
    tmp_path: Path, text: Callable[[int], str]
) -> None:
    assert_linear(lambda size: imported(tmp_path, text(size)), 100)
