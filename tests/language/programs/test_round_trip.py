"""The parse of a printed tree is the tree."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from trees import Tree, tree

from verifier.language.programs.parsing import parse

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
