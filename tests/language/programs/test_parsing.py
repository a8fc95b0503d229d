"""The written text becomes exactly the program that it spells."""

from __future__ import annotations

from fractions import Fraction

import pytest
from trees import Tree, place, tree

from verifier.errors import ExpressionError
from verifier.language.programs.constants import constant_values
from verifier.language.programs.parsing import parse, parse_steps
from verifier.language.programs.program import IMAGINARY_UNIT


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
        ("elu(**x)", "found a star"),
    ],
)
def test_a_parameter_that_pytorch_would_not_take_is_refused(
    text: str, message: str
) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse(text)


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
        ("if a:\nb = 1", "expected an operand before `if`"),
    ],
)
def test_what_is_no_step_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse_steps(text)


@pytest.mark.parametrize("name", ["zeta", "gamma", "beta", "Chi"])
def test_a_greek_letter_that_is_called_nowhere_is_a_variable(name: str) -> None:
    assert parse(f"x*{name}").inputs == ("x", name)
    with pytest.raises(ExpressionError, match=f"`{name}` is an operation"):
        parse(f"{name}(x, y) + {name}" if name == "beta" else f"{name}(x) + {name}")
