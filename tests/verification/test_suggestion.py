"""Rewrites: what the rules make of a formula, and which are tried and kept."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from verifier.floats import FORMATS
from verifier.language.casefile.loading import from_mapping
from verifier.language.points.scalars import scalar
from verifier.language.programs.parsing import parse, parse_steps
from verifier.language.programs.printing import render
from verifier.language.programs.program import Program
from verifier.running.run import verify_alone
from verifier.running.units import Unit
from verifier.verification import rewrite_rules, suggestion
from verifier.verification.rewriting import Reader, Tree, call
from verifier.verification.suggestion import candidates, suggest


def rewrites(text: str) -> list[str]:
    read = parse_steps if "\n" in text or "=" in text[:4] else parse
    return [render(found.program) for found in candidates(read(text))]


def suggested(
    text: str, point: Mapping[str, str | float], dtype: str = "float32"
) -> list[str]:
    """What is suggested for a formula, tried with the verifier's own judgement."""
    program = parse(text)
    numbers = {n: scalar(v).nearest(FORMATS[dtype]) for n, v in point.items()}

    def is_match(rewritten: Program) -> bool:
        case = from_mapping({"expression": render(rewritten), "at": dict(point)})
        return verify_alone(Unit(case=case, dtype=dtype)).verdict.family == "match"

    found = suggest(
        program, numbers, 1.0, program.inputs, FORMATS[dtype], is_match=is_match
    )
    return [one.after for one in found]


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("exp(x) - 1", "expm1(x)"),
        ("1 - exp(-x)", "-expm1(-x)"),
        ("log(1 + x)", "log1p(x)"),
        ("log(x**2 + 1)", "log1p(x**2)"),
        ("log(1 - x)", "log1p(-x)"),
        ("sqrt(a*a + b**2)", "hypot(a, b)"),
        ("sqrt(square(a) + (b + 1)**2)", "hypot(a, b + 1)"),
        ("log(exp(a) + exp(b))", "max(a, b) + log1p(exp(-abs(a - b)))"),
        ("log(1 + exp(x))", "softplus(x)"),
        ("log1p(exp(x))", "max(x, 0) + log1p(exp(-abs(x)))"),
        ("1 - cos(x)", "2 * sin(x / 2)**2"),
        ("1/(1 + exp(-x))", "sigmoid(x)"),
        ("1/(1 + exp(x))", "sigmoid(-x)"),
        ("x/(1 + exp(-x))", "x * sigmoid(x)"),
        ("a**2 - b**2", "(a - b) * (a + b)"),
        ("1 - x*x", "(1 - x) * (1 + x)"),
        ("sqrt(a) - sqrt(b)", "(a - b) / (sqrt(a) + sqrt(b))"),
        ("sqrt(x + 1) - sqrt(x)", "1 / (sqrt(x + 1) + sqrt(x))"),
        ("log(sigmoid(x))", "-softplus(-x)"),
        ("x/(x + 1)", "reciprocal(1 + 1 / x)"),
        (
            "where(x > 0, sqrt(x), 0)",
            "where(x > 0, sqrt(where(x > 0, x, 1)), 0)",
        ),
        (
            "where(x <= 0, 0, x*log(x))",
            "where(x <= 0, 0, where(x <= 0, 1, x) * log(where(x <= 0, 1, x)))",
        ),
        (
            "sin(x)/x",
            "where(x != 0, sin(where(x != 0, x, 1)) / where(x != 0, x, 1), 1)",
        ),
    ],
)
def test_a_formula_has_another_form(text: str, rewritten: str) -> None:
    assert rewritten in rewrites(text)


@pytest.mark.parametrize(
    "text", ["exp(x) - 2", "log(2 + x)", "sqrt(a*b + b*b)", "sin(x)*x", "1 + cos(x)"]
)
def test_a_formula_that_is_only_alike_has_none(text: str) -> None:
    assert rewrites(text) == []


def test_a_rewrite_inside_a_program_leaves_the_rest_alone() -> None:
    assert "a * expm1(b) / 7" in rewrites("a*(exp(b) - 1)/7")


def test_several_places_are_also_rewritten_together() -> None:
    assert "expm1(a) * log1p(b)" in rewrites("(exp(a) - 1)*log(1 + b)")


def test_steps_stay_steps() -> None:
    assert "u = x * 2\ny = expm1(u)" in rewrites("u = x*2\ny = exp(u) - 1")


def test_a_variable_that_hides_the_better_name_leaves_no_rewrite() -> None:
    program = parse("exp(expm1) - 1", variables=["expm1"])
    assert candidates(program) == []


# ── tried ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "point", "after"),
    [
        ("exp(x) - 1", {"x": "1e-6"}, "expm1(x)"),
        ("log(1 + x)", {"x": "1e-6"}, "log1p(x)"),
        ("sqrt(x*x + y*y)", {"x": "1e-25", "y": "2e-25"}, "hypot(x, y)"),
        (
            "log(exp(x) + exp(y))",
            {"x": 100, "y": 90},
            "max(x, y) + log1p(exp(-abs(x - y)))",
        ),
        ("log(1 + exp(x))", {"x": 100}, "softplus(x)"),
        ("1 - cos(x)", {"x": "1e-4"}, "2 * sin(x / 2)**2"),
        (
            "where(x > 0, sqrt(x), 0)",
            {"x": -1},
            "where(x > 0, sqrt(where(x > 0, x, 1)), 0)",
        ),
    ],
)
def test_a_rewrite_that_is_a_match_is_suggested(
    text: str, point: Mapping[str, str | float], after: str
) -> None:
    assert after in suggested(text, point)


def test_a_rewrite_that_does_not_help_the_gradient_is_not_suggested() -> None:
    # expm1 mends the value, but the gradient still cancels where it is accumulated.
    assert suggested("(exp(x) - 1)/x", {"x": "1e-7"}) == []


def test_a_rewrite_that_is_not_equal_is_rejected_before_pytorch_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Program] = []

    def is_match(rewritten: Program) -> bool:
        asked.append(rewritten)
        return True

    def wrong(read: Reader, index: int) -> Tree | None:
        """exp(u) in the place of exp(u) − 1: the same derivative, another value."""
        found = rewrite_rules._expm1(read, index)
        return None if found is None else call("exp", *found.operands)

    monkeypatch.setattr(suggestion, "RULES", (wrong, rewrite_rules._expm1))
    kept = suggest(
        parse("exp(x) - 1"),
        {"x": 0.25},
        1.0,
        ["x"],
        FORMATS["float64"],
        is_match=is_match,
    )
    assert [found.after for found in kept] == ["expm1(x)"]
    assert len(asked) == 1


def test_a_rewrite_that_is_no_match_is_rejected() -> None:
    kept = suggest(
        parse("exp(x) - 1"),
        {"x": 0.25},
        1.0,
        ["x"],
        FORMATS["float64"],
        is_match=lambda rewritten: False,
    )
    assert list(kept) == []


def test_a_suggestion_says_what_to_write() -> None:
    (found,) = (s for s in candidates(parse("2*(exp(x) - 1)")) if s.after == "expm1(x)")
    assert str(found) == "write `expm1(x)` for `exp(x) - 1`"
