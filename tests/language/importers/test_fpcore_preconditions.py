"""FPCore → cases: what becomes of a precondition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import mpmath
import pytest
from fpcore_evaluator import (
    enclosed,
    sexprs,
    value,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from imports import draft_of, imported, refusal

from verifier.language.importers.case_drafts import Draft, case_file
from verifier.symbolic.arithmetic import balls


@pytest.mark.parametrize(
    ("pre", "x", "y", "where"),
    [
        ("(<= 0 x 1)", "[0, 1]", "(-inf, inf)", None),
        ("(< -1/2 x 0.25)", "(-0.5, 0.25)", "(-inf, inf)", None),
        ("(and (> x 1/3) (>= 5 x))", "(1/3, 5]", "(-inf, inf)", None),
        ("(and (<= 0 x) (and (< 0 x) (< x 2 3)))", "(0, 2)", "(-inf, inf)", None),
        ("(< 0 x y 1)", "(0, inf)", "(-inf, 1)", "x < y"),
        ("(< (- PI) x (* 2 PI))", "(-pi, 2 * pi)", "(-inf, inf)", None),
        ("(< (sqrt 2) x)", "(-inf, inf)", "(-inf, inf)", "sqrt(2) < x"),
        ("(and (< (- INFINITY) x) (<= y INFINITY))", "(-inf, inf)", "(-inf, inf)", None),
        ("(< INFINITY x)", "(-inf, inf)", "(-inf, inf)", "inf < x"),
        ("(!= x 0 1)", "(-inf, inf)", "(-inf, inf)", "x != 0 and x != 1"),
        ("(or (< x 0) (< y 0))", "(-inf, inf)", "(-inf, inf)", "x < 0 or y < 0"),
        ("(not (< x 0))", "(-inf, inf)", "(-inf, inf)", "not x < 0"),
        ("(let ([b 3]) (and (< x b) (< (* b y) x)))", "(-inf, 3)", "(-inf, inf)", "3 * y < x"),
        ("(and (or (< x 0) (< y 0)) (< x y))", "(-inf, inf)", "(-inf, inf)", "(x < 0 or y < 0) and x < y"),
        ("TRUE", "(-inf, inf)", "(-inf, inf)", None),
        ("(and (<= x 1) (< x 1))", "(-inf, 1)", "(-inf, inf)", None),
        ("(and (< x 1) (<= x 1) (<= x 7) (> x -1) (>= x -1) (> x -7))", "(-1, 1)", "(-inf, inf)", None),
    ],
)  # fmt: skip
def test_bounds_become_intervals_and_the_rest_a_condition(
    tmp_path: Path, pre: str, x: str, y: str, where: str | None
) -> None:
    draft = draft_of(tmp_path, f"(FPCore (x y) :pre {pre} (+ x y))")
    assert {name: str(bounds) for name, bounds in draft.bounds.items()} == {
        "x": x,
        "y": y,
    }
    assert draft.where == where


def test_bounds_that_meet_fix_the_variable(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, "(FPCore (x y) :pre (and (== x 3) (<= 0 y 0)) (+ x y))")
    text = case_file([draft], "a.fpcore", "fpcore")
    assert 'at = { x = "3", y = "0" }' in text
    assert "domain" not in text


@pytest.mark.parametrize(
    "pre", ["(< 2 1)", "FALSE", "(and (< x 0) (> x 1))", "(< 1 x 1)", "(<= 1 x 0)"]
)
def test_a_precondition_that_holds_nowhere_is_refused(tmp_path: Path, pre: str) -> None:
    assert re.search(
        "no number for `x`|holds nowhere",
        refusal(tmp_path, f"(FPCore (x) :pre {pre} x)"),
    )


def test_a_condition_on_a_variable_that_the_formula_lacks_is_told(
    tmp_path: Path,
) -> None:
    draft = draft_of(tmp_path, "(FPCore (x y) :pre (and (< 0 x y) (< y 3)) (* x x))")
    assert {n: str(b) for n, b in draft.bounds.items()} == {"x": "(0, inf)"}
    assert draft.where is None
    assert draft.notes == (
        "the precondition `x < y` is not taken over: the formula has no y",
    )


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
            st.lists(st.sampled_from(["x", "y", "-1", "0", "1/2", "2"]), min_size=2, max_size=4),
        ),
        min_size=1,
        max_size=4,
    ),
    points=st.lists(
        st.tuples(*[st.sampled_from([-2, -1, -0.5, 0, 0.25, 0.5, 1, 2, 3])] * 2), min_size=5
    ),
)  # fmt: skip
def test_domain_and_condition_together_say_what_the_precondition_says(
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[tuple[str, list[str]]],
    points: list[tuple[float, float]],
) -> None:
    relations = (f"({head} {' '.join(rest)})" for head, rest in parts)
    pre = f"(and {' '.join(relations)})"
    found = imported(
        tmp_path_factory.mktemp("pre"), f"(FPCore (x y) :pre {pre} (+ x y))"
    )
    for x, y in points:
        true = value(sexprs(pre)[0], {"x": mpmath.mpf(x), "y": mpmath.mpf(y)})
        ours = bool(found.drafts) and admits(found.drafts[0], {"x": x, "y": y})
        assert ours == true, (pre, x, y)


def admits(draft: Draft, point: Mapping[str, float]) -> bool:
    for name, bounds in draft.bounds.items():
        at = Fraction(point[name])
        low, high = bounds.lower, bounds.upper
        if low is not None and not (
            at > low.at.lower or (low.closed and at == low.at.lower)
        ):
            return False
        if high is not None and not (
            at < high.at.lower or (high.closed and at == high.at.lower)
        ):
            return False
    if draft.where is None:
        return True
    condition = Draft(
        line=1, name="", formula=f"where({draft.where}, 1, 0)", bounds=draft.bounds
    )
    return balls.midpoint(enclosed(condition, point)) == 1
