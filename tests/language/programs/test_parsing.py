"""The written text becomes exactly the program that it spells; anything else is one clear error."""

from __future__ import annotations

import ast
import builtins
import re
import time
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier import language
from verifier.errors import ExpressionError
from verifier.language.kernels.compositions import expand
from verifier.language.programs.constants import constant_values
from verifier.language.programs.parsing import parse, parse_steps
from verifier.language.programs.program import IMAGINARY_UNIT, Program
from verifier.language.programs.rewriting import define

Tree = Any
"""`"x"`, `Fraction(1, 2)` or `("add", left, right)`: what a program means, places aside."""


def tree(program: Program, index: int | None = None) -> Tree:
    """The tree below a node."""
    node = program.nodes[program.output if index is None else index]
    if node.operation == "variable":
        return node.name
    if node.operation == "constant":
        return node.number if node.number is not None else ("constant", node.name)
    return (node.operation, *(tree(program, i) for i in node.arguments))


def place(program: Program, index: int) -> tuple[int, int, int, int]:
    span = program.nodes[index].span
    return span.line, span.column, span.end_line, span.end_column


# ── grammar ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", "x"),
        ("x + y", ("add", "x", "y")),
        ("x - y - z", ("sub", ("sub", "x", "y"), "z")),
        ("x / y * z", ("mul", ("div", "x", "y"), "z")),
        ("x + y * z", ("add", "x", ("mul", "y", "z"))),
        ("(x + y) * z", ("mul", ("add", "x", "y"), "z")),
        ("x ** y ** z", ("pow", "x", ("pow", "y", "z"))),
        ("-x ** 2", ("neg", ("pow", "x", Fraction(2)))),
        ("x ** -2", ("pow", "x", ("neg", Fraction(2)))),
        ("--x", ("neg", ("neg", "x"))),
        ("+x", "x"),
        ("pi", ("constant", "pi")),
        ("E", ("constant", "e")),
        ("oo", ("constant", "inf")),
        ("max(x, y, z)", ("max", ("max", "x", "y"), "z")),
        ("max(x)", "x"),
        ("Add(x, y, z)", ("add", ("add", "x", "y"), "z")),
        ("log(x, 2)", ("div", ("log", "x"), ("log", Fraction(2)))),
        ("ln(x, y)", ("div", ("log", "x"), ("log", "y"))),
        ("Rational(1, 3)", ("div", Fraction(1), Fraction(3))),
        ("polygamma(2, x)", ("polygamma", Fraction(2), "x")),
        ("where(x > 0, y, z)", ("where", ("gt", "x", Fraction(0)), "y", "z")),
        ("y if x <= 0 else z", ("where", ("le", "x", Fraction(0)), "y", "z")),
    ],
)
def test_the_program_is_what_was_written(text: str, expected: Tree) -> None:
    assert tree(parse(text)) == expected


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Abs", "abs"),
        ("fabs", "abs"),
        ("ln", "log"),
        ("arcsin", "asin"),
        ("arccosh", "acosh"),
        ("loggamma", "lgamma"),
        ("psi", "digamma"),
        ("expit", "sigmoid"),
        ("sgn", "sign"),
    ],
)
def test_an_alias_names_the_row(written: str, name: str) -> None:
    assert tree(parse(f"{written}(x)")) == (name, "x")


def test_aliases_of_two_operands_keep_their_order() -> None:
    assert tree(parse("arctan2(y, x)")) == ("atan2", "y", "x")
    assert tree(parse("Max(x, Min(y, z))")) == ("max", "x", ("min", "y", "z"))
    assert tree(parse("ITE(x < y, y, x)")) == ("where", ("lt", "x", "y"), "y", "x")


def test_nothing_is_simplified() -> None:
    assert tree(parse("(a + 2) * 3")) == ("mul", ("add", "a", Fraction(2)), Fraction(3))
    assert tree(parse("x - x")) == ("sub", "x", "x")
    assert tree(parse("exp(log(x))")) == ("exp", ("log", "x"))
    assert tree(parse("1 + 1")) == ("add", Fraction(1), Fraction(1))


def test_a_variable_is_one_node_and_inputs_are_in_order_of_appearance() -> None:
    program = parse("y * x + y")
    assert program.inputs == ("y", "x")
    assert sum(node.operation == "variable" for node in program.nodes) == 2


def test_chained_comparisons_are_joined_by_and() -> None:
    condition = (
        "logical_and",
        ("logical_and", ("lt", "x", "y"), ("le", "y", "z")),
        ("ne", "z", Fraction(3)),
    )
    assert tree(parse("where(x < y <= z != 3, x, y)")) == ("where", condition, "x", "y")


def test_conditions_join_and_negate() -> None:
    found = tree(parse("where(not x > 0 or y == 1 and z >= 2, x, y)"))
    both = ("logical_and", ("eq", "y", Fraction(1)), ("ge", "z", Fraction(2)))
    negated = ("logical_not", ("gt", "x", Fraction(0)))
    assert found == ("where", ("logical_or", negated, both), "x", "y")


def test_piecewise_takes_the_first_condition_that_holds() -> None:
    found = tree(parse("Piecewise((a, x < 0), (b, x < 1), (c, True))"))
    last = ("where", ("lt", "x", Fraction(1)), "b", "c")
    assert found == ("where", ("lt", "x", Fraction(0)), "a", last)
    assert tree(parse("Piecewise((a, true))")) == "a"


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Fraction(1, 10)),
        (".5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("1e-3", Fraction(1, 1000)),
        ("2.5E+2", Fraction(250)),
        ("1_000.25", Fraction(4001, 4)),
        ("0x10", Fraction(16)),
        ("0.30000000000000004", Fraction(30000000000000004, 10**17)),
        (
            "123456789012345678901234567890.1",
            Fraction(1234567890123456789012345678901, 10),
        ),
    ],
)
def test_a_decimal_is_the_rational_that_it_spells(text: str, value: Fraction) -> None:
    assert tree(parse(text)) == value


def test_constants_are_folded_exactly() -> None:
    program = parse("x * (0.1 + 0.2) ** 2 / -4")
    values = set(constant_values(program).values())
    assert {Fraction(3, 10), Fraction(9, 100), Fraction(-4)} <= values


def test_a_division_of_constants_by_zero_has_no_value() -> None:
    program = parse("x + 1 / 0 + 0 ** -1 + 2 ** 0.5")
    known = constant_values(program)
    assert not any(program.nodes[i].operation in ("div", "pow") for i in known)


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_python_keywords_may_be_variables_when_declared() -> None:
    program = parse("lambda * x + lambda", variables=["lambda", "x"])
    assert program.inputs == ("lambda", "x")
    assert tree(program) == ("add", ("mul", "lambda", "x"), "lambda")
    assert place(program, program.output) == (1, 1, 1, 20)


def test_a_keyword_inside_a_longer_name_is_left_alone() -> None:
    program = parse("lambda_1 + in2 * lambda", variables=["lambda", "lambda_1", "in2"])
    assert program.inputs == ("lambda_1", "in2", "lambda")


def test_stand_ins_for_keywords_never_run_out() -> None:
    names = ["in", "IN", "I_", "_N", "__"]
    found = parse("in * IN * I_ * _N * __", variables=names)
    assert found.inputs == tuple(names)


def test_two_keywords_never_share_a_stand_in() -> None:
    names = ["in", "is", "IN", "IS"]
    program = parse("in * is + IN * IS", variables=names)
    assert tree(program) == ("add", ("mul", "in", "is"), ("mul", "IN", "IS"))


def test_a_declared_variable_hides_an_operation() -> None:
    assert tree(parse("beta * gamma", variables=["beta", "gamma"])) == (
        "mul",
        "beta",
        "gamma",
    )
    assert tree(parse("exp + e", variables=["exp", "e"])) == ("add", "exp", "e")
    with pytest.raises(
        ExpressionError, match="`exp` is a variable and cannot be called"
    ):
        parse("exp(x)", variables=["exp", "x"])


def test_an_undeclared_name_is_an_error_where_variables_are_declared() -> None:
    with pytest.raises(
        ExpressionError, match=r"`sigm` has no value\. Did you mean `sigma`\?"
    ):
        parse("sigma * sigm", variables=["sigma"])
    with pytest.raises(ExpressionError, match="Give it in `at` or `domain`"):
        parse("x + unrelated", variables=["x"])


# ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_node_knows_its_place() -> None:
    program = parse("sin(x) * (y + 1)")
    texts = {program.text(i) for i in range(len(program.nodes))}
    assert texts == {"sin(x)", "x", "y", "1", "y + 1", "sin(x) * (y + 1)"}


def test_places_count_lines_of_an_expression_in_several_lines() -> None:
    program = parse("\n  x +\n  cos(y)\n")
    cosine = next(i for i, n in enumerate(program.nodes) if n.operation == "cos")
    assert place(program, cosine) == (3, 3, 3, 9)
    assert place(program, program.output) == (2, 3, 3, 9)
    assert program.text(program.output) == "x + cos(y)"


def test_places_count_leading_blanks() -> None:
    program = parse("   x*y")
    assert place(program, program.output) == (1, 4, 1, 7)


def test_places_in_steps_are_those_of_the_text() -> None:
    program = parse_steps("b = a + 2\nloss = (b*3 - y)**2")
    product = next(i for i, n in enumerate(program.nodes) if n.operation == "mul")
    assert place(program, product) == (2, 9, 2, 12)
    assert program.text(program.steps["b"]) == "a + 2"


def test_places_in_indented_steps_are_those_of_the_text() -> None:
    program = parse_steps("\n    b = a + 2\n\n    c = b * 3\n")
    assert place(program, program.steps["b"]) == (2, 9, 2, 14)
    assert place(program, program.output) == (4, 9, 4, 14)
    assert program.text(program.output) == "b * 3"


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_steps_name_their_nodes_and_the_last_is_the_output() -> None:
    program = parse_steps("b = a + 2\ny_pred = b * 3\nloss = (y_pred - y_target)**2")
    assert list(program.steps) == ["b", "y_pred", "loss"]
    assert program.steps["loss"] == program.output
    assert program.inputs == ("a", "y_target")


def test_a_second_name_for_a_value_is_a_node_of_its_own() -> None:
    program = parse_steps("b = a\nc = b\nd = c * a")
    assert tree(program, program.steps["b"]) == ("identity", "a")
    assert tree(program, program.steps["c"]) == ("identity", ("identity", "a"))


def test_a_step_may_run_over_several_lines_in_parentheses() -> None:
    assert tree(parse_steps("b = (a +\n     2)\nc = b")) == (
        "identity",
        ("add", "a", Fraction(2)),
    )


def test_an_indented_block_may_contain_a_deeper_continuation() -> None:
    program = parse_steps("    b = (a +\n         2)\n    c = b * b")
    assert tree(program, program.steps["b"]) == ("add", "a", Fraction(2))


def test_comments_and_blank_lines_in_steps_say_nothing() -> None:
    assert tree(parse_steps("# first\nb = a + 2  # two\n\nc = b * 3")) == (
        "mul",
        ("add", "a", Fraction(2)),
        Fraction(3),
    )


def test_a_comment_in_an_expression_hides_no_later_line() -> None:
    """Either the whole is read or it is an error, but never the first line alone."""
    try:
        program = parse("x  # the position\n + y")
    except ExpressionError:
        return
    assert tree(program) == ("add", "x", "y")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b = a\nb = a + 1", "step `b` is defined twice"),
        ("b + 1", "expected `name = expression`"),
        ("b = c = a", "expected `name = expression`"),
        ("b, c = a, a", "expected `name = expression`"),
        ("b += a", "expected `name = expression`"),
        ("import os", "expected `name = expression`"),
        ("def f(): pass", "expected `name = expression`"),
        ("b = a\na = 2", "`a` is an input and cannot be a step"),
        ("a = a + 1", "`a` is an input and cannot be a step"),
        ("__b = a", "a step cannot be called `__b`"),
        ("b = a < 1", "expected a number, found a condition"),
        ("# nothing", "expected at least one `name = expression`"),
        ("if a:\nb = 1", "expected an (expression|indented block)"),
    ],
)
def test_what_is_no_step_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse_steps(text)


# ── what PyTorch is given ────────────────────────────────────────────────────────────────────────────────────────────


def test_expand_takes_the_reciprocal_of_a_tensor_below_a_number() -> None:
    assert tree(expand(parse("3 / x"))) == ("mul", ("reciprocal", "x"), Fraction(3))
    assert tree(expand(parse("(1 + 2) / x")))[0] == "mul"


def test_expand_leaves_other_quotients_alone() -> None:
    assert tree(expand(parse("x / 3"))) == ("div", "x", Fraction(3))
    assert tree(expand(parse("1 / 3 * x"))) == (
        "mul",
        ("div", Fraction(1), Fraction(3)),
        "x",
    )
    assert tree(expand(parse("pi / x"))) == ("div", ("constant", "pi"), "x")


def test_expand_writes_compositions_out_in_the_place_of_the_call() -> None:
    program = expand(parse("x + sec(x)"))
    secant = ("mul", ("reciprocal", ("cos", "x")), Fraction(1))
    assert tree(program) in (
        ("add", "x", secant),
        ("add", "x", ("div", Fraction(1), ("cos", "x"))),
    )
    cosine = next(i for i, n in enumerate(program.nodes) if n.operation == "cos")
    assert program.text(cosine) == "sec(x)"


def test_expand_keeps_steps_and_output() -> None:
    program = expand(parse_steps("b = 1 / x\nc = cbrt(b)\nd = b * c"))
    assert tree(program, program.steps["b"]) == (
        "mul",
        ("reciprocal", "x"),
        Fraction(1),
    )
    assert program.steps["d"] == program.output
    assert all(i < at for at, n in enumerate(program.nodes) for i in n.arguments)


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("x * 2 - tanhh(x)", r"unknown operation `tanhh`\. Did you mean `tanh`\?", 9),
        ("x + a.b", r"an attribute \(`a\.b`\)", 5),
        ("x + sin", r"expected `sin\(…\)`, found `sin`", 5),
        ("sin(x, y)", r"`sin` takes 1 operand \(x\), found 2", 1),
        ("addcmul(x, y)", r"takes 4 operands \(x, y, z, value\), found 2", 1),
        ("y * atan2(x)", r"`atan2` takes 2 operands \(y, x\), found 1", 5),
        ("2 ^ x", r"unknown operator `\^`\. Write a power as `\*\*`", 1),
        ("x // y", r"Write a whole quotient as `floor\(a / b\)`", 1),
        ("x @ y", r"Write a product as `\*`", 1),
        ("x + 'a'", "found a string", 5),
        ("x + True", "expected a number, found `True`", 5),
        ("1 + (x < y)", "`add` expects a number, found a condition", 1),
        ("where(x, y, z)", "`where` expects a condition, found a number", 1),
        ("x < y", "expected a number, found a condition", 1),
        ("where(x is y, x, y)", "unknown comparison", 7),
        ("where(x in y, x, y)", "unknown comparison", 7),
        ("sin(x=1)", "without keyword arguments", 1),
        ("sin(*x)", "star", 1),
        ("sin(x)(y)", r"name of an operation before `\(`", 1),
        ("Piecewise((x, x > 0))", r"end with \(value, True\)", 1),
        ("Piecewise(x, y)", r"pairs \(value, condition\)", 11),
        ("polygamma(x, y)", "integer constant from 0 to 1000", 1),
        ("polygamma(1/2, x)", "integer constant from 0 to 1000", 1),
        ("x % y", "unknown operator `%`", 1),
        ("x +", "expected an expression", None),
        ("(x", "expected an expression", 1),
        ("", "found nothing", None),
        (" \n\t ", "found nothing", None),
    ],
)
def test_an_error_names_what_was_found_and_where(
    text: str, message: str, column: int | None
) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        parse(text)
    if column is None:
        return
    assert caught.value.place.column == column
    *_, excerpt, caret = str(caught.value).split("\n")
    assert excerpt == "    " + text
    assert caret == " " * (4 + column - 1) + "^"


def test_an_error_in_a_long_line_shows_the_place() -> None:
    text = "x + " * 100 + "nonsense(x)" + " + x" * 100
    with pytest.raises(ExpressionError, match="unknown operation `nonsense`") as caught:
        parse(text)
    *_, excerpt, caret = str(caught.value).split("\n")
    assert excerpt[caret.index("^") :].startswith("nonsense")
    assert len(excerpt) < 100


def test_an_error_in_a_later_line_names_that_line() -> None:
    with pytest.raises(
        ExpressionError, match="line 2: unknown operation `foo`"
    ) as caught:
        parse("x +\n  foo(y)")
    assert str(caught.value).endswith("    \n      foo(y)\n      ^") or str(
        caught.value
    ).endswith("      foo(y)\n      ^")


def test_a_syntax_error_in_a_later_line_names_that_line() -> None:
    with pytest.raises(
        ExpressionError, match="line 2: expected an expression"
    ) as caught:
        parse("x +\n * y")
    assert caught.value.place.column == 2


def test_a_syntax_error_in_indented_steps_has_a_caret_below_it() -> None:
    with pytest.raises(ExpressionError, match="line 2") as caught:
        parse_steps("    b = a\n    c = b +* a")
    assert caught.value.place.column == 12


# ── hostile input ────────────────────────────────────────────────────────────────────────────────────────────────────

HOSTILE = {
    "attribute": "x.__class__.__bases__",
    "call of an attribute": "x.foo()",
    "import": "__import__('os').system('touch {canary}')",
    "open": "open('{canary}', 'w')",
    "exec": 'exec(\'open("{canary}", "w")\')',
    "eval": "eval('1')",
    "dunder": "__builtins__",
    "dunder call": "__class__(x)",
    "lambda": "(lambda: open('{canary}', 'w'))()",
    "lambda alone": "lambda x: x",
    "walrus": "(y := 3) + y",
    "f-string": 'f\'{{open("{canary}", "w")}}\'',
    "string": "'x' * 10**9",
    "bytes": "b'x'",
    "list": "[x]",
    "tuple": "(x, y)",
    "dictionary": "{{x: y}}",
    "comprehension": "[x for x in y]",
    "generator": "max(x for x in y)",
    "subscript": "x[0]",
    "star": "max(*x)",
    "double star": "max(**x)",
    "await": "await x",
    "yield": "(yield x)",
    "ellipsis": "...",
    "None": "None",
    "assignment": "x = 1",
    "two expressions": "x; y",
    "statement": "import os",
    "decorator": "@x",
    "continuation": "x \\",
    "nested parentheses": "(" * 100_000 + "x" + ")" * 100_000,
    "nested parentheses, short enough": "(" * 90_000 + "x" + ")" * 90_000,
    "nested calls": "sin(" * 30_000 + "x" + ")" * 30_000,
    "a megabyte": "x + " * 250_000 + "x",
    "long sum": "x+" * 99_000 + "x",
    "long product": "x*" * 99_000 + "x",
    "unary minus": "-" * 150_000 + "x",
    "not": "not " * 40_000 + "x",
    "power tower": "9**9**9**9",
    "power tower of fractions": "0.5**9**9**9",
    "power of a huge power": "2**2**8000",
    "power of two huge powers": "(2**8000)**(2**8000)",
    "long power tower": "2**" * 60_000 + "x",
    "squared again and again": "(" * 80 + "3" + "**9)" * 80,
    "digits": "9" * 10_000,
    "hexadecimal digits": "0x" + "f" * 100_000,
    "exponent": "1e999999999",
    "small exponent": "1e-999999999",
    "exponent of many digits": "1e" + "9" * 5_000,
    "decimal of many digits": "0." + "1" * 5_000,
    "decimal of very many digits": "1" * 4_000 + "." + "1" * 4_000,
    "product of huge numbers": "2**16000 * 2**16000",
    "cyrillic": "\u0445 + 1",
    "full-width": "\uff53\uff49\uff4e(x)",
    "mathematical letter": "\U0001d465 + 1",
    "no-break space": "x\u00a0+ 1",
    "zero-width space": "x\u200b + 1",
    "right-to-left override": "x\u202e + 1",
    "NUL": "x\0 + 1",
    "NUL alone": "\0",
    "bell": "x + \a",
    "carriage return": "x +\r 1",
    "form feed": "x\f+ 1",
    "byte order mark": "\ufeffx",
    "surrogate": "\ud800",
    "chained comparisons": "x<" * 90_000 + "x",
    "conditional chain": "x if x>0 else " * 10_000 + "x<y",
    "many operands": "max(" + "x," * 90_000 + "x < y)",
    "many huge operands": "max(" + "2**8000," * 20_000 + "x < y)",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_input_is_one_error_within_a_second(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = tmp_path / "ran"
    if "{canary}" in text or "{{" in text:
        text = text.format(canary=canary)

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("something was evaluated")

    monkeypatch.setattr(builtins, "eval", forbidden)
    monkeypatch.setattr(builtins, "exec", forbidden)
    begun = time.process_time()
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert time.process_time() - begun < 1.0
    assert len(str(caught.value)) < 1_000
    assert not canary.exists()


@pytest.mark.parametrize(
    "text", ["b = " + HOSTILE["import"], "b = (c := a)", "b = " + "(" * 90_000]
)
def test_hostile_steps_are_one_error_within_a_second(text: str, tmp_path: Path) -> None:
    canary = tmp_path / "ran"
    begun = time.process_time()
    with pytest.raises(ExpressionError):
        parse_steps(text.replace("{canary}", str(canary)))
    assert time.process_time() - begun < 1.0
    assert not canary.exists()


def test_a_legal_expression_of_the_longest_length_is_read_in_seconds() -> None:
    """Quadratic reading would take minutes."""
    text = "max(" + ",".join(["x"] * 74_000) + ")"
    begun = time.process_time()
    assert len(parse(text).nodes) == 74_000
    assert time.process_time() - begun < 3.0


def test_python_never_warns_about_the_text() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ExpressionError, match="found a number"):
            parse("1if x else 2")


def test_the_parser_evaluates_nothing() -> None:
    """No call of eval, exec, compile or sympify stands anywhere in the language."""
    forbidden = {
        "eval",
        "exec",
        "compile",
        "sympify",
        "parse_expr",
        "literal_eval",
        "__import__",
    }
    folder = Path(language.__file__).parent
    for module in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", None)
                owner = getattr(getattr(node.func, "value", None), "id", None)
                attribute = getattr(node.func, "attr", None)
                assert name not in forbidden, module
                assert owner == "re" or attribute not in forbidden, module


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    st.text(
        alphabet=st.sampled_from("xy12 .,+-*/()<>=_e\n\t#'\"\\:[]{}@!&|^~\0é"),
        max_size=30,
    )
)
def test_any_text_is_a_program_or_an_expression_error(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        for read in (parse, parse_steps):
            try:
                program = read(text)
            except ExpressionError:
                continue
            assert program.nodes


# ── parse ∘ print ────────────────────────────────────────────────────────────────────────────────────────────────────

_INFIX = {"add": ("+", 1), "sub": ("-", 1), "mul": ("*", 2), "div": ("/", 2)}
_UNARY_CALLS = ("sin", "exp", "log", "sqrt", "abs", "erf", "sigmoid", "sec")
_BINARY_CALLS = ("atan2", "hypot", "max", "min")
_RELATIONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


def _decimal_text(number: Fraction) -> str:
    digits = 0
    while (number * 10**digits).denominator != 1:
        digits += 1
    text = str(number.numerator * 10**digits // number.denominator).rjust(
        digits + 1, "0"
    )
    return f"{text[:-digits]}.{text[-digits:]}" if digits else text


def printed(node: Tree, binding: int = 0) -> str:
    """The text of a tree with as few parentheses as Python's precedence allows."""
    if isinstance(node, str):
        return node
    if isinstance(node, Fraction):
        return _decimal_text(node)
    operation, *operands = node
    if operation in _INFIX:
        symbol, strength = _INFIX[operation]
        text = f"{printed(operands[0], strength)} {symbol} {printed(operands[1], strength + 1)}"
    elif operation == "neg":
        strength, text = 3, "-" + printed(operands[0], 3)
    elif operation == "pow":
        strength, text = 4, f"{printed(operands[0], 5)}**{printed(operands[1], 3)}"
    elif operation == "where":
        strength, condition = 0, operands[0]
        symbol = _RELATIONS[condition[0]]
        test = f"{printed(condition[1], 1)} {symbol} {printed(condition[2], 1)}"
        text = f"{printed(operands[1], 1)} if {test} else {printed(operands[2])}"
    else:
        strength = 9
        text = f"{operation}({', '.join(printed(operand) for operand in operands)})"
    return f"({text})" if strength < binding else text


_numbers = st.builds(Fraction, st.integers(0, 10**6), st.sampled_from([1, 2, 10, 1000]))
_leaves = st.one_of(st.sampled_from(["x", "y", "sigma_2"]), _numbers)


def _grown(children: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    relation = st.tuples(st.sampled_from(sorted(_RELATIONS)), children, children)
    return st.one_of(
        st.tuples(st.sampled_from(sorted(_INFIX)), children, children),
        st.tuples(st.just("neg"), children),
        st.tuples(
            st.just("pow"), children, st.sampled_from(["x", Fraction(2), ("neg", "y")])
        ),
        st.tuples(st.sampled_from(_UNARY_CALLS), children),
        st.tuples(st.sampled_from(_BINARY_CALLS), children, children),
        st.tuples(st.just("where"), relation, children, children),
    )


trees = st.recursive(_leaves, _grown, max_leaves=12)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(trees)
def test_the_parse_of_a_printed_tree_is_the_tree(written: Tree) -> None:
    assert tree(parse(printed(written))) == written


@settings(derandomize=True, deadline=None, max_examples=150)
@given(trees)
def test_the_text_of_every_node_parses_to_that_node(written: Tree) -> None:
    program = parse(printed(written))
    for index, node in enumerate(program.nodes):
        if node.operation in _RELATIONS:
            continue
        assert tree(parse(program.text(index))) == tree(program, index)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(trees, st.randoms(use_true_random=False))
def test_line_breaks_between_tokens_change_nothing(written: Tree, random: Any) -> None:
    text = re.sub(" ", lambda _: random.choice([" ", "\n", "\n\t"]), printed(written))
    program = parse(text)
    assert tree(program) == written
    for index, node in enumerate(program.nodes):
        if node.operation not in _RELATIONS:
            assert tree(parse(program.text(index))) == tree(program, index)


# ── parameters: operands that are numbers to PyTorch ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "alpha"),
    [
        ("elu(x)", Fraction(1)),
        ("elu(x, 0.3)", Fraction(3, 10)),
        ("elu(x, alpha=1/3)", Fraction(1, 3)),
    ],
)
def test_a_parameter_is_given_in_order_by_name_or_by_default(
    text: str, alpha: Fraction
) -> None:
    program = parse(text)
    node = program.nodes[program.output]
    assert node.operation == "elu"
    assert constant_values(program)[node.arguments[1]] == alpha


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("elu(x, y)", "takes a number as `alpha`, found `y`"),
        ("elu(x, alfa=2)", "no parameter `alfa`, only alpha. Did you mean `alpha`"),
        ("elu(x, 2, alpha=2)", "given `alpha` twice"),
        ("elu(x, 1, 2)", "takes 2 operands"),
        ("elu(alpha=2)", "takes 2 operands"),
        ("elu(**x)", "no parameter"),
    ],
)
def test_a_parameter_that_pytorch_would_not_take_is_refused(
    text: str, message: str
) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse(text)


def test_a_definition_stands_in_the_place_of_its_row() -> None:
    program = parse_steps("s = silu(x)\nt = s*2")
    defined = define(program)
    assert "silu" not in {node.operation for node in defined.nodes}
    assert defined.nodes[defined.steps["s"]].operation == "mul"
    assert defined.nodes[defined.output].arguments[0] == defined.steps["s"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("1j", None), ("2.5j", "5/2"), ("0.1J", "1/10"), ("1e2j", "100")],
)
def test_an_imaginary_literal_is_an_exact_number_times_the_unit(text, number):
    program = parse(f"z + {text}")
    unit = [node for node in program.nodes if node.name == IMAGINARY_UNIT]
    assert len(unit) == 1
    assert program.text(program.output) == f"z + {text}"
    if number is None:
        assert not any(node.number for node in program.nodes)
    else:
        factor = next(node for node in program.nodes if node.number is not None)
        assert factor.number == Fraction(number)
        assert program.text(program.output - 1) == text


def test_an_imaginary_literal_that_is_too_long_is_refused():
    with pytest.raises(ExpressionError, match="bits"):
        parse("z + 1e99999j")
