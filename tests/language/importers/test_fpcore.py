"""FPCore → cases, held against an evaluator of FPCore that is written here from the standard.

The samples are our own. The evaluator knows nothing of the importer: it reads the text anew and computes in mpmath.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import SHARED

from verifier.errors import FormulaFileError
from verifier.language.casefile.loading import load
from verifier.language.importers import fpcore
from verifier.language.importers.case_drafts import Draft, Imported, case_file, checked
from verifier.language.kernels.compositions import expand
from verifier.language.operations import table as operations
from verifier.language.programs import parsing, rewriting
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.formula import Formula, Instruction

# ── an evaluator of FPCore, from the standard ────────────────────────────────────────────────────────────────────────

Sexpr = Any


def sexprs(text: str) -> list[Sexpr]:
    """All data of a text, as lists and strings."""
    text = re.sub(r"\s*;[^\n]*", "", text)
    tokens = re.findall(r'"(?:[^"\\]|\\.)*"|[()\[\]]|[^\s()\[\]"]+', text)
    stack: list[list[Sexpr]] = [[]]
    for token in tokens:
        if token in "([":
            stack.append([])
        elif token in ")]":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    return stack[0]


def spelt(text: str) -> Any:
    """A number of FPCore's in mpmath."""
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-")
    if text.startswith("0x"):
        mantissa, _, power = text[2:].partition("p")
        whole, _, part = mantissa.partition(".")
        value = mpmath.mpf(int(whole + part, 16)) * mpmath.mpf(16) ** -len(part)
        return sign * value * mpmath.mpf(2) ** int(power or 0)
    if "/" in text:
        top, bottom = text.split("/")
        return sign * mpmath.mpf(int(top)) / int(bottom)
    return sign * mpmath.mpf(text)


def real_cbrt(x: Any) -> Any:
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


UNARY: dict[str, Callable[[Any], Any]] = {
    "fabs": abs,
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "lgamma": lambda x: mpmath.log(abs(mpmath.gamma(x))),
    "cbrt": real_cbrt,
    # C11, 7.12.9.6: halfway cases away from zero
    "round": lambda x: mpmath.sign(x) * mpmath.floor(abs(x) + mpmath.mpf(1) / 2),
    "trunc": lambda x: mpmath.sign(x) * mpmath.floor(abs(x)),
    "nearbyint": mpmath.nint,
    "tgamma": mpmath.gamma,
    **{
        name: getattr(mpmath, name)
        for name in (
            "exp expm1 log log10 log1p sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc "
            "ceil floor"
        ).split()
    },
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "hypot": mpmath.hypot,
    "atan2": mpmath.atan2,
    "fmax": max,
    "fmin": min,
    "fmod": lambda x, y: x - y * UNARY["trunc"](x / y),
    "remainder": lambda x, y: x - y * mpmath.nint(x / y),  # nint: ties to even
    "copysign": lambda x, y: abs(x) * mpmath.sign(y),
    "fdim": lambda x, y: x - y if x > y else mpmath.mpf(0),
}
CONSTANTS = {
    "E": mpmath.e,
    "PI": mpmath.pi,
    "LN2": mpmath.ln2,
    "LN10": mpmath.ln10,
}
DERIVED: dict[str, Callable[[], Any]] = {
    "LOG2E": lambda: 1 / mpmath.log(2),
    "LOG10E": lambda: 1 / mpmath.log(10),
    "PI_2": lambda: mpmath.pi / 2,
    "PI_4": lambda: mpmath.pi / 4,
    "M_1_PI": lambda: 1 / mpmath.pi,
    "M_2_PI": lambda: 2 / mpmath.pi,
    "M_2_SQRTPI": lambda: 2 / mpmath.sqrt(mpmath.pi),
    "SQRT2": lambda: mpmath.sqrt(2),
    "SQRT1_2": lambda: mpmath.sqrt(mpmath.mpf(1) / 2),
}


def compares(head: str, values: list[Any]) -> bool:
    if head == "!=":
        return len(set(values)) == len(values)
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "<": lambda x, y: x < y,
        "<=": lambda x, y: x <= y,
        ">": lambda x, y: x > y,
        ">=": lambda x, y: x >= y,
        "==": lambda x, y: x == y,
    }
    return all(tests[head](x, y) for x, y in pairwise(values))


def value(tree: Sexpr, scope: Mapping[str, Any]) -> Any:
    """The value of an expression, over the reals."""
    if isinstance(tree, str):
        if tree in scope:
            return scope[tree]
        if tree in ("TRUE", "FALSE"):
            return tree == "TRUE"
        if tree in DERIVED:
            return DERIVED[tree]()
        return +CONSTANTS[tree] if tree in CONSTANTS else spelt(tree)
    head, *rest = tree
    if head == "if":
        return value(rest[1] if value(rest[0], scope) else rest[2], scope)
    if head == "let":
        return value(rest[1], {**scope, **{n: value(v, scope) for n, v in rest[0]}})
    if head == "let*":
        inner = dict(scope)
        for name, bound in rest[0]:
            inner[name] = value(bound, inner)
        return value(rest[1], inner)
    if head in ("!", "cast"):
        return value(rest[-1], scope)
    if head == "digits":
        mantissa, power, base = map(spelt, rest)
        return mantissa * base**power
    found = [value(part, scope) for part in rest]
    if head in ("<", "<=", ">", ">=", "==", "!="):
        return compares(head, found)
    if head in ("and", "or", "not"):
        return {"and": all, "or": any, "not": lambda f: not f[0]}[head](found)
    if head == "fma":
        return found[0] * found[1] + found[2]
    if head == "-" and len(found) == 1:
        return -found[0]
    if head in UNARY and len(found) == 1:
        return UNARY[head](found[0])
    result = found[0]
    for operand in found[1:]:
        result = BINARY[head](result, operand)
    return result


# ── our side ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def enclosed(draft: Draft, point: Mapping[str, float]) -> Any:
    """Our own evaluator's ball of an imported formula."""
    parse = parsing.parse_steps if draft.in_steps else parsing.parse
    written = expand(parse(draft.formula, variables=draft.bounds))
    program = rewriting.define(written)
    instructions = tuple(
        Instruction(
            operation="input" if node.operation == "variable" else node.operation,
            arguments=node.arguments,
            name=node.name,
            number=node.number,
        )
        for node in program.nodes
    )
    formula = Formula(instructions=instructions, outputs=(program.output,))
    inputs = {name: balls.exact(number) for name, number in point.items()}
    return balls.evaluate(formula, inputs)[0]


def holds(ball: Any, true: Any) -> bool:
    """Whether a ball is one of the true value; mpmath carries 40 digits, ours 15."""
    middle = mpmath.mpf(balls.midpoint(ball))
    return abs(middle - true) <= mpmath.mpf(10) ** -9 * (1 + abs(true))


def imported(tmp_path: Path, text: str) -> Imported:
    source = tmp_path / "sample.fpcore"
    source.write_text(text, encoding="utf-8")
    return checked(fpcore.read(source), None)


def single(tmp_path: Path, text: str) -> Draft:
    found = imported(tmp_path, text)
    assert not found.left_out, found.left_out
    assert len(found.drafts) == 1
    return found.drafts[0]


def refusal(tmp_path: Path, text: str) -> str:
    found = imported(tmp_path, text)
    assert not found.drafts
    assert len(found.left_out) == 1
    return str(found.left_out[0])


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────

ARGUMENTS = ("x", "y")
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
    check(single(tmp_path, f'(FPCore (x y) :name "sample" {body})'), body)


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
        check(single(tmp_path, core), f"(+ y {body})")


def test_every_operation_that_the_importer_knows_is_tried() -> None:
    from verifier.language.importers import fpcore_words

    known = {*fpcore_words.ROWS, *fpcore_words.FORMS, *fpcore_words.CONSTANTS}
    tried = {word for body in SAMPLES for word in re.findall(r"[\w!]+", body)}
    lacking = {
        name
        for name in known - tried
        if operations.find(fpcore_words.ROWS.get(name, name)) is not None
    }
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
        # Two sides of a comparison may differ by rounding alone; then both branches are enclosed.
        if balls.is_known_to(ball, 30):
            assert holds(ball, true)


# ── preconditions ────────────────────────────────────────────────────────────────────────────────────────────────────


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
    draft = single(tmp_path, f"(FPCore (x y) :pre {pre} (+ x y))")
    assert {name: str(bounds) for name, bounds in draft.bounds.items()} == {
        "x": x,
        "y": y,
    }
    assert draft.where == where


def test_bounds_that_meet_fix_the_variable(tmp_path: Path) -> None:
    draft = single(tmp_path, "(FPCore (x y) :pre (and (== x 3) (<= 0 y 0)) (+ x y))")
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
    draft = single(tmp_path, "(FPCore (x y) :pre (and (< 0 x y) (< y 3)) (* x x))")
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


# ── what a case says besides ─────────────────────────────────────────────────────────────────────────────────────────

SAMPLE = """; two benchmarks of our own
(FPCore wave (x* lambda)
  :name "a \\"wave\\" \\\\ of::length"
  :description "travels
    to the right"
  :cite (nobody-2020 somebody-2021)
  :fpbench-domain science
  :precision binary32
  :pre (and (<= -1 x* 1) (< 0 lambda))
  :example ([x* 1/2] [lambda 2])
  :spec (sin x*)
  (let ([E2 (* 2 PI)])
    (sin (/ (* E2 x*) lambda))))

(FPCore (e) :name "a \\"wave\\" \\\\ of::length" #;(hidden) (* e E))
"""


def test_a_whole_file_loads(tmp_path: Path) -> None:
    found = imported(tmp_path, SAMPLE)
    target = tmp_path / "cases.toml"
    target.write_text(
        case_file(found.drafts, "sample.fpcore", "fpcore"), encoding="utf-8"
    )
    first, second = load(target)
    assert first.name == 'a "wave" \\ of:length'
    assert second.name == 'a "wave" \\ of:length (2)'
    assert first.dtypes == ("float32",)
    assert second.dtypes == ("float32", "float64")
    assert first.cite == "nobody-2020, somebody-2021"
    assert first.reason == "travels to the right"
    assert first.tags == ("science",)
    assert {n: str(d) for n, d in first.domains.items()} == {
        "x_": "[-1, 1]",
        "lambda_": "(0, inf)",
    }
    assert [{n: s.exact for n, s in point.items()} for point in first.given] == [
        {"x_": Fraction(1, 2), "lambda_": 2}
    ]
    assert second.program.inputs == ("e_",)
    text = target.read_text(encoding="utf-8")
    assert "# line 2\n# `x*` is called `x_`\n# `lambda` is called `lambda_`\n" in text
    assert "# not taken over: `:spec`\n" in text


@pytest.mark.parametrize(
    ("written", "dtypes"),
    [
        ("binary16", ("float16",)),
        ("binary32", ("float32",)),
        ("binary64", ("float64",)),
        ("bfloat16", ("bfloat16",)),
        ("(float 8 32)", ("float32",)),
        ("(float 8 16)", ("bfloat16",)),
        ("real", ()),
        ("binary80", ()),
        ("(posit 2 32)", ()),
    ],
)
def test_a_precision_becomes_a_dtype(
    tmp_path: Path, written: str, dtypes: tuple[str, ...]
) -> None:
    draft = single(tmp_path, f"(FPCore (x) :precision {written} x)")
    assert draft.dtypes == dtypes
    assert bool(draft.notes) == (not dtypes)


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("core", "why"),
    [
        ("(FPCore (x) (while (< x 3) ([x x (+ x 1)]) x))", "`while` is not supported (line 1, column 14)"),
        ("(FPCore (x)\n (for* ([i 3]) ([a 0 (+ a x)]) a))", "`for*` is not supported (line 2, column 3)"),
        ("(FPCore (x) (array x x))", "`array` is not supported"),
        ("(FPCore (x) (tensor ([i 3]) x))", "`tensor` is not supported"),
        ("(FPCore ((A 3)) (ref A 0))", "an argument that is a tensor"),
        ("(FPCore (x) (# x))", "`#` is not supported"),
        ("(FPCore (x) (if (isnan x) 0 x))", "`isnan` is not supported"),
        ("(FPCore (x) (frobnicate x))", "`frobnicate` is no operation of FPCore's"),
        ("(FPCore (x) (* x NAN))", "`NAN` is not supported"),
        ("(FPCore (x) (+ x z))", "`z` has no value"),
        ("(FPCore (x) 3)", "nothing to differentiate"),
        ("(FPCore (x) (sin x x))", "`sin` takes 1 operand, found 2"),
        ("(FPCore (x) (fma x x))", "`fma` takes 3 operands, found 2"),
        ("(FPCore (x) (< x))", "`<` takes at least 2 operands, found 1"),
        ("(FPCore (x) (/ x))", "`/` takes at least 2 operands, found 1"),
        ("(FPCore (x) (if x 1 2))", "`if` expects a condition, found a number"),
        ("(FPCore (x) (+ 1 (< x 1)))", "`+` expects a number, found a condition"),
        ("(FPCore (x) (< x 1))", "its body expects a number, found a condition"),
        ("(FPCore (x) :pre x x)", "`:pre` expects a condition, found a number"),
        ("(FPCore (x) (let ([y]) x))", "expected `[name value]`"),
        ("(FPCore (x) (let x x))", "expected `(let ([name value] …) body)`"),
        ("(FPCore (x) (! :precision integer x))", "rounds to integers"),
        ("(FPCore ((! :precision integer x)) x)", "rounds to integers"),
        ("(FPCore (x) :precision (fixed 0 8) x)", "rounds to integers"),
        ("(FPCore (x) :name)", "expected a value after `:name`"),
        ("(FPCore (x) x x)", "expected one body after the properties, found 2"),
        ("(FPCore (x))", "expected one body after the properties, found 0"),
        ("(FPCore (x x) x)", "expected every argument once"),
        ("(FPCore)", "expected the list of arguments"),
        ("(FPCore (x) ())", "expected an operation after the bracket"),
        ('(FPCore (x) "x")', "found a string"),
        ("(FPCore (x) (* x 1e99999999999))", "is too large"),
        ("(FPCore (x) (* x 0x1p-13900))", "too many digits"),
        ("(FPCore (x) (* x 1e4500))", "bits"),
        ("(FPCore (x) (* x (digits 1 1e6 10)))", "`digits` takes an integer exponent"),
    ],
)  # fmt: skip
def test_what_no_case_can_say_is_refused_by_name(
    tmp_path: Path, core: str, why: str
) -> None:
    found = refusal(tmp_path, core)
    assert found.startswith("1: ")
    assert why in found


def test_a_symbol_need_not_be_ascii(tmp_path: Path) -> None:
    draft = single(tmp_path, "(FPCore (ε x) :spec (+ x ε) (* x ε))")
    assert draft.notes[0] == "`ε` is called `v`"
    assert draft.formula == "x * v"


def test_what_is_refused_leaves_the_others(tmp_path: Path) -> None:
    text = '(FPCore (x) x)\n(define y 3)\n(FPCore (x) :name "loop" (while TRUE () x))\n(FPCore (y) y)'
    found = imported(tmp_path, text)
    assert [draft.name for draft in found.drafts] == [
        "sample, line 1",
        "sample, line 4",
    ]
    assert [(entry.line, entry.name) for entry in found.left_out] == [
        (2, "(define …)"),
        (3, "loop"),
    ]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("(FPCore (x)\n  (sin x)", "1: column 1", "expected `)`, found the end of the file"),
        ("(FPCore (x]\n x)", "1: column 11", "expected `)`, found `]`"),
        ("(FPCore (x) x))", "1: column 15", "found one that closes nothing"),
        ('(FPCore (x)\n :name "abc x)', "2: column 8", "at the end of this string"),
        ("(FPCore (x) 12ab)", "1: column 13", "found `12ab`"),
        ("(FPCore (x) x #;)", "1: column 1", "after the last `#;`"),
        ("{json: x} # no", "1", "expected `(FPCore"),
        ("(FPCore (x) \x00)", "1: column 13", "expected a symbol or a number"),
        ("(define x)", "1", "expected `(FPCore"),
        ("", "1", "expected `(FPCore"),
    ],
)  # fmt: skip
def test_what_is_no_fpcore_is_one_error_with_its_place(
    tmp_path: Path, text: str, place: str, message: str
) -> None:
    with pytest.raises(FormulaFileError) as error:
        imported(tmp_path, text)
    assert f"sample.fpcore:{place}: " in str(error.value)
    assert message in str(error.value)


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
    assert single(tmp_path, text).in_steps


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


def test_a_part_that_is_used_twice_becomes_a_step(tmp_path: Path) -> None:
    draft = single(tmp_path, "(FPCore (t) (round (sin t)))")
    assert draft.formula.splitlines() == [
        "t_2 = sin(t)",
        "result = sign(t_2) * floor(abs(t_2) + 1 / 2)",
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"(FPCore (x) :pre (and {'(< x 1) ' * 30_000}) x)",
        f"(FPCore (x) :pre (or {'(< x 1) ' * 30_000}) x)",
        f"(FPCore (x) {'(let ([x (* x 2)]) ' * 20_000}x{')' * 20_000})",
        f"(FPCore (x) (+ {'x ' * 90_000}))",
        f"(FPCore (x) :pre {'(not ' * 40_000}(< x 1){')' * 40_000} x)",
        "(FPCore (x) :name a x)" * 5_000,
    ],
    ids=["bounds", "condition", "names", "sum", "nesting", "benchmarks"],
)
def test_a_large_file_takes_seconds(tmp_path: Path, text: str) -> None:
    began = time.perf_counter()
    imported(tmp_path, text)
    assert time.perf_counter() - began < 60


# ── the public suite, where it is at hand ────────────────────────────────────────────────────────────────────────────


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
