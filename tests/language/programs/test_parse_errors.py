"""What is no program is one error with its place, however hostile."""

from __future__ import annotations

import ast
import builtins
import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from growth import assert_linear
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ROOT

from verifier import language
from verifier.errors import ExpressionError
from verifier.language.programs.parsing import parse, parse_steps


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("x * 2 - tanhh(x)", r"unknown operation `tanhh`\. Did you mean `tanh`\?", 9),
        ("x + a.b", r"an attribute \(`a\.b`\)", 5),
        ("x + sin", r"expected `sin\(…\)`, found `sin`", 5),
        ("sin(x, y)", r"`sin` takes 1 operand \(x\), found 2", 1),
        ("addcmul(x, y)", r"takes 4 operands \(x, y, z, value\), found 2", 1),
        ("y * atan2(x)", r"`atan2` takes 2 operands \(y, x\), found 1", 5),
        ("x @ y", r"Write a product as `\*`", 3),
        ("x + 'a'", "found a string", 5),
        ("x + True", "expected a number, found `True`", 5),
        ("sin(x < y)", "`sin` expects a number, found a condition", 1),
        ("where(x, y, z)", "`where` expects a condition, found a number", 1),
        ("x < y", "expected a number, found a condition", 1),
        ("where(x is y, x, y)", "unknown comparison", 7),
        ("where(x in y, x, y)", "unknown comparison", 7),
        ("sin(x=1)", "without keyword arguments", 1),
        ("sin(*x)", "star", 5),
        ("sin(x)(y)", r"expected an operator before `\(`", 7),
        ("Piecewise((x, x > 0))", r"end with \(value, True\)", 1),
        ("Piecewise(x, y)", r"pairs \(value, condition\)", 11),
        ("polygamma(x, y)", "integer constant from 0 to 1000", 1),
        ("polygamma(1/2, x)", "integer constant from 0 to 1000", 1),
        ("x +", r"expected an operand after `\+`, found nothing", 3),
        ("(x", r"expected `\)` for this `\(`", 1),
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
        ExpressionError, match=r"line 2: expected an operand between `\+` and `\*`"
    ) as caught:
        parse("x +\n * y")
    assert caught.value.place.column == 2


def test_a_syntax_error_in_indented_steps_has_a_caret_below_it() -> None:
    with pytest.raises(ExpressionError, match="line 2") as caught:
        parse_steps("    b = a\n    c = b +* a")
    assert caught.value.place.column == 12


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
def test_hostile_input_is_one_error(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = tmp_path / "ran"
    if "{canary}" in text or "{{" in text:
        text = text.format(canary=canary)

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("something was evaluated")

    monkeypatch.setattr(builtins, "eval", forbidden)
    monkeypatch.setattr(builtins, "exec", forbidden)
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert len(str(caught.value)) < 1_000
    assert not canary.exists()


@pytest.mark.parametrize(
    "text", ["b = " + HOSTILE["import"], "b = (c := a)", "b = " + "(" * 90_000]
)
def test_hostile_steps_are_one_error(text: str, tmp_path: Path) -> None:
    canary = tmp_path / "ran"
    with pytest.raises(ExpressionError):
        parse_steps(text.replace("{canary}", str(canary)))
    assert not canary.exists()


def test_a_legal_expression_of_the_longest_length_is_read() -> None:
    text = "max(" + ",".join(["x"] * 74_000) + ")"
    assert len(parse(text).nodes) == 74_000


LONG = {
    "operands": lambda n: "max(" + ",".join(["x"] * n) + ")",
    "sum": lambda n: "x" + "+x*2" * (n // 2),
    "comparisons": lambda n: "1 if " + "x<" * n + "x else 2",
    "constants": lambda n: "max(x" + ",2**8000" * (n // 4) + ")",
    "lines": lambda n: "x" + "\n+ x" * n,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_work_grows_in_proportion_to_the_text(text: Callable[[int], str]) -> None:
    assert_linear(lambda size: parse(text(size)), 100)


def test_no_text_takes_for_ever() -> None:
    """Only a hang lasts so long; the other tests would wait for its end."""
    texts = [text for text in HOSTILE.values() if "canary" not in text]
    code = (
        "import json, sys\n"
        "from verifier.errors import ExpressionError\n"
        "from verifier.language.programs.parsing import parse\n"
        "for text in json.load(sys.stdin):\n"
        "    try:\n"
        "        parse(text)\n"
        "    except ExpressionError:\n"
        "        pass\n"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(texts),
        text=True,
        check=True,
        timeout=300,
        cwd=ROOT,
    )


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
