"""FPCore → cases: the value of a formula is that of its source.

The samples are our own.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mpmath
import pytest
from fpcore_evaluator import (
    CONSTANTS,
    DERIVED,
    UNARY,
    enclosed,
    holds,
    sexprs,
    value,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from imports import draft_of, imported, refusal
from places import SHARED

from verifier.language.importers import fpcore
from verifier.language.importers.case_drafts import Draft, checked
from verifier.language.importers.fpcore_operations import CONSTANTS as NAMED
from verifier.language.importers.fpcore_operations import OPERATIONS, Row, Unsupported
from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic import balls

POINTS = [
    {"x": 0.375, "y": 0.75},
    {"x": 0.625, "y": 0.25},
    {"x": 0.5, "y": 0.5},
    {"x": 0.8125, "y": 0.4375},
]
"""Inside the domain of every operation but acosh."""

NOT_HERE = ("acosh", "trunc", "round", "nearbyint", "tgamma")

SAMPLES = [
    "(- x)",
    "(- x y 3)",
    "(+ x)",
    "(+ 1 x y x)",
    "(* x (/ y 2) 0x1.8p-3)",
    "(/ x y 4)",
    "(fma x y (- 1/3))",
    "(fdim x y)",
    "(fdim y (* 2 x))",
    "(fabs (- x y))",
    "(pow x (- y 2))",
    "(round (* 7 (- x y)))",
    "(hypot x y)",
    "(atan2 x y)",
    "(fmax x (fmin y 1/2))",
    "(acosh (+ 1 x))",
    "(+ x (digits 375 -2 10))",
    "(* x (digits 1 5 2))",
    "(let ([x y] [y x]) (- x (* 2 y)))",
    "(let* ([x y] [y x]) (- x (* 3 y) (let ([x 5]) (* x y))))",
    "(let ([x (+ x y)]) (* x (let ([x (- x y)]) (* x x))))",
    "(let ([t (sin x)]) (let ([t (* t t)]) (let ([u (* t t)]) (+ u t))))",
    "(let ([unused (log -1)] [a 3]) (* a x))",
    "(let ([c (< x y)]) (if c (if (not c) 1 x) y))",
    "(if (< 1/4 x y) (* x x) (sin y))",
    "(if (<= x 0.5 y 1) x y)",
    "(if (== x y 1/2) 3 (/ x y))",
    "(if (!= x y 1/2) x (* 5 y))",
    "(if (and (> x 1/2) (or (>= y 0.3) (> x 3/4))) (exp x) (exp (- y)))",
    "(if (if (< x y) (< x 0.4) (> y 0.3)) (sqrt x) (- y))",
    "(if TRUE (+ x y) 1)",
    "(if (or FALSE (< x y)) x 2)",
    "(! :precision binary32 :round toZero (+ x (cast (! :precision binary64 y))))",
    "(* x -1e-3 +2.5E1 .5 -.25 1.)",
    "(pow (+ x 1) -2)",
    "(- (pow x 2) (- (pow y 2)))",
    *(f"({name} x)" for name in UNARY if name not in NOT_HERE),
    *(f"(* x {name})" for name in (*CONSTANTS, *DERIVED)),
]


@pytest.mark.parametrize("body", SAMPLES)
def test_an_imported_formula_has_the_value_of_its_source(
    tmp_path: Path, body: str
) -> None:
    check(draft_of(tmp_path, f'(FPCore (x y) :name "sample" {body})'), body)


def check(draft: Draft, body: str) -> None:
    """That a draft has the value of its source at every point."""
    tree = sexprs(body)[0]
    with mpmath.workdps(40):
        for point in POINTS:
            scope = {name: mpmath.mpf(number) for name, number in point.items()}
            inputs = {name: point[name] for name in draft.bounds}
            assert holds(enclosed(draft, inputs), value(tree, scope)), point


@pytest.mark.parametrize(
    ("body", "row"),
    [
        ("(trunc (* 7 (- x y)))", "trunc"),
        ("(fmod (* 7 (- x 0.7)) y)", "fmod"),
        ("(copysign x (- y 0.6))", "copysign"),
        ("(nearbyint (* 5 x))", "rint"),
        ("(remainder (* 7 x) y)", "rint"),
        ("(tgamma (+ x 1))", "gamma"),
    ],
)
def test_what_the_table_may_lack_is_right_or_refused(
    tmp_path: Path, body: str, row: str
) -> None:
    core = f'(FPCore (x y) :name "sample" (+ y {body}))'
    if operations.find(row) is None:
        assert f"`{row}`" in refusal(tmp_path, core)
    else:
        check(draft_of(tmp_path, core), f"(+ y {body})")


def test_every_operation_that_the_importer_knows_is_tried() -> None:
    known = {*OPERATIONS, *NAMED}
    tried = {word for body in SAMPLES for word in re.findall(r"[^\s()\[\]]+", body)}
    lacking = set()
    for name in known - tried:
        meaning = OPERATIONS.get(name)
        is_there = not isinstance(meaning, Row) or operations.find(meaning.row)
        if is_there and not isinstance(meaning, Unsupported):
            lacking.add(name)
    elsewhere = {"remainder", "fmod", "copysign", "trunc", "nearbyint", "tgamma"}
    conditions = {"isfinite", "isinf", "isnan", "signbit"}
    assert lacking <= {"INFINITY", *elsewhere, *conditions}


LEAVES = st.sampled_from(["x", "y", "1/2", "2", "0.75", "PI"])


def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    names = st.sampled_from("xyt")
    return st.one_of(
        st.tuples(st.sampled_from("+-*"), inner, inner).map(
            "({0[0]} {0[1]} {0[2]})".format
        ),
        st.tuples(st.sampled_from("+*"), inner, inner, inner).map(
            lambda t: f"({' '.join(t)})"
        ),
        st.tuples(
            st.sampled_from(["sin", "cos", "atan", "fabs", "-", "cast"]), inner
        ).map(lambda t: f"({t[0]} {t[1]})"),
        st.tuples(st.sampled_from(["<", "<=", ">", "!="]), pairs, pairs).map(
            lambda t: f"(if ({t[0]} {t[1][0]} {t[1][1]}) {t[2][0]} {t[2][1]})"
        ),
        st.tuples(
            st.sampled_from(["let", "let*"]), names, names, inner, inner, inner
        ).map(
            lambda t: (
                f"({t[0]} ([{t[1]} {t[3]}] [{t[2]}2 {t[4]}]) (* {t[1]} {t[5]} {t[2]}2))"
            )
        ),
    )


@settings(max_examples=150, deadline=None)
@given(body=st.recursive(LEAVES, deeper, max_leaves=25), at=st.sampled_from(POINTS))
def test_any_program_has_the_value_of_its_source(
    tmp_path_factory: pytest.TempPathFactory, body: str, at: dict[str, float]
) -> None:
    found = imported(tmp_path_factory.mktemp("any"), f"(FPCore (x y) (+ x {body}))")
    assert len(found.drafts) == 1, found.left_out
    draft = found.drafts[0]
    with mpmath.workdps(40):
        true = value(
            sexprs(f"(+ x {body})")[0], {n: mpmath.mpf(v) for n, v in at.items()}
        )
        ball = enclosed(draft, {name: at[name] for name in draft.bounds})
        # Two sides of a comparison may differ by rounding alone; then both branches are
        # enclosed.
        if balls.is_known_to(ball, 30):
            assert holds(ball, true)


def corpus() -> Path:
    found = SHARED / "corpora" / "fpbench"
    if found.is_dir():
        return found
    pytest.skip("shared/corpora/fpbench is not here")


def test_the_public_suite_is_imported_but_for_its_loops() -> None:
    folder = corpus()
    drafts: dict[tuple[str, str], Draft] = {}
    for source in sorted((folder / "benchmarks").glob("*.fpcore")):
        found = checked(fpcore.read(source), None)
        drafts |= {(source.name, draft.name): draft for draft in found.drafts}
        for entry in found.left_out:
            assert re.search("`while|integer", entry.why), entry
    rows = [
        json.loads(line) for line in (folder / "cases.jsonl").read_text().splitlines()
    ]
    assert len(drafts) == len(rows) == 115
    for row in rows:
        draft = drafts[row["file"], " ".join(row["name"].split())]
        compare(draft, row)


def compare(draft: Draft, row: Mapping[str, Any]) -> None:
    """Our formula and another translator's are equal at random points."""
    ours = {name.rstrip("_"): name for name in draft.bounds}
    names = {name: ours[name.rstrip("_*")] for name in row["vars"]}
    theirs = Draft(
        line=1,
        name="",
        formula=row["expr"],
        bounds=dict.fromkeys(row["vars"]),  # type: ignore[arg-type]
    )
    source = random.Random(0)
    for _ in range(20):
        point = {
            name: source.uniform(
                -3 if ends["low"] is None else ends["low"],
                9 if ends["high"] is None else ends["high"],
            )
            for name, ends in row["vars"].items()
        }
        left = enclosed(draft, {names[name]: at for name, at in point.items()})
        right = enclosed(theirs, point)
        assert balls.is_finite(left) == balls.is_finite(right)
        if balls.is_finite(left):
            assert balls.overlaps(left, right), (row["id"], point)
