"""What PyTorch is given of a program."""

from __future__ import annotations

from fractions import Fraction

from trees import tree

from verifier.language.kernels.compositions import expand
from verifier.language.programs.parsing import parse, parse_steps


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
