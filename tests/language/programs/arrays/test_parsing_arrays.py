"""Formulas of arrays: their shapes, and what is refused, with its place."""

from __future__ import annotations

import pickle
import random

import pytest

from verifier.errors import ExpressionError
from verifier.language.programs.arrays.parsing import parse_array_steps, parse_arrays
from verifier.language.programs.arrays.program import ArrayNode
from verifier.language.programs.parsing import parse

SHAPES = {
    "x": [4, 8],
    "W": [8, 3],
    "V": [9, 3],
    "b": [3],
    "v": [8],
    "A": [3, 3],
    "B": [2, 3, 3],
    "i": [5],
    "s": [],
    "σ₁": [3],
}

PLACED = {
    # shapes, at the operation's sign
    "x @ V": (3, "the inner sizes are 8 and 9"),
    "(x) @ (V)": (5, "found shapes [4, 8] and [9, 3]"),
    "s @ x": (3, "Write a product of numbers as `*`"),
    "B @ [A, A, A]": (3, "stacks of matrices"),
    "x @ W + v": (7, "found [4, 3] and [8]: the last sizes are 3 and 8"),
    "x @ (W + v)": (8, "found [8, 3] and [8]"),
    "2*x.T - x": (7, "the last sizes are 4 and 8"),
    "hypot(x, b)": (1, "found [4, 8] and [3]"),
    "where(x > 0, x, b)": (1, "found [4, 8] and [4, 8] and [3]"),
    "x > b": (1, "found [4, 8] and [3]"),
    "[b, v]": (5, "expected shape [3] as of the first, found [8]"),
    # axes and options
    "x.sum(3)": (7, "expected an axis from -2 to 1"),
    "np.sum(x, axis=2)": (16, "expected an axis from -2 to 1"),
    "sum(x, axis=(0, 0))": (13, "each axis once"),
    "sum(x, axis=s)": (13, "expected an axis or a tuple of axes, found `s`"),
    "sum(s, axis=0)": (13, "a single number and the axis 0"),
    "sum(x, axes=0)": (8, "has no parameter `axes`"),
    "sum(x, dim=0, axis=1)": (15, "given `dim` twice"),
    "sum(x, 0, keepdim=1/2)": (19, "expected `True` or `False`"),
    "sum()": (1, "`sum` takes x, dim, keepdim: found 0"),
    "softmax(x)": (1, "Write `softmax(x, dim=-1)`"),
    "softmax(x, (0, 1))": (12, "expected one axis"),
    "softmax(s)": (1, "expected an array, found a single number"),
    "max(x, 0)": (1, "Write `max(x, axis=0)`, or `maximum(x, 0)`"),
    "logsumexp(x, 1)": (1, "`logaddexp(x, 1)`"),
    "var(s)": (1, "more than 1 numbers"),
    "norm(x, 0)": (9, "above 0"),
    "np.linalg.norm(A, 2)": (19, "a norm of matrices"),
    # functions
    "x.foo()": (3, "unknown method `foo`"),
    "x.T.foo()": (5, "unknown method `foo`"),
    "x.cumsun(0)": (3, "Did you mean `cumsum`?"),
    "np.linalg.dett(A)": (1, "Did you mean `det`?"),
    "np.softmax(x, 0)": (1, "`np` has no `softmax` of arrays"),
    "x.real": (1, "expected a formula, found an attribute (`x.real`)"),
    "(x + 1).real": (9, "expected `.T` or a method"),
    "s.mT": (3, "expected a matrix"),
    "layer_norm(x, b)": (1, "found [3]"),
    "rms_norm(x)": (1, "PyTorch's own hangs on the dtype"),
    "cross_entropy(x, b)": (1, "indices of shape [4], found [3]"),
    'cross_entropy(x, x, reduction="all")': (31, '"mean", "sum", "none"'),
    'einsum("ij,jk->ik", x, V)': (8, "one size of `j`, found 8 and 9"),
    'einsum("ij->k", x)': (8, "letters of the arrays after `->`"),
    'einsum("ij,j", x)': (8, "is of 2 arrays, found 1"),
    "einsum(x, x)": (1, "expected an equation first"),
    "det(x)": (1, "expected a square matrix, found a matrix of shape [4, 8]"),
    "solve(A, v)": (1, "the inner sizes are 3 and 8"),
    "dot(x, W)": (1, "Write a product of matrices as `x @ y`"),
    "outer(x, b)": (1, "expected two vectors"),
    "x.reshape(5, -1)": (3, "a shape of 32 numbers, as [4, 8] has, found [5, -1]"),
    "reshape(x, s)": (12, "integers that are written out"),
    "stack(x)": (7, "expected a list of arrays"),
    "concatenate([x, W])": (1, "equal but for axis 0"),
    "stack([x, W])": (1, "expected arrays of one shape"),
    "torch.transpose(x)": (1, "Write `x.T`"),
    "zeros(10**9, 10)": (7, "integers that are written out"),
    "zeros(99999, 99999)": (1, "at most 10000000 numbers"),
    "prelu(x, v)": (1, "takes a single number as `weight`"),
    # indices
    "x[4]": (3, "expected an index from -4 to 3 in the shape [4, 8], found 4"),
    "x[0, 0, 0]": (2, "at most 2 indices of a matrix of shape [4, 8], found 3"),
    "x[..., ...]": (3, "expected one `...`"),
    "x[2:2]": (3, "found an empty slice"),
    "x[::-1]": (5, "Write `flip(x, axis)`"),
    "x[v*2]": (3, "found a formula"),
    "x[0, i]": (3, "expected slices beside an array of indices"),
    "W[i] + i[:, None]": (8, "`i` is an index elsewhere"),
    "x[]": (3, "expected something between the brackets"),
    "x[0": (2, "expected `]` for this `[`"),
    "x[(0]": (5, "expected `)` for the `(` before, found `]`"),
    "x[0)": (4, "expected `]` for the `[` before, found `)`"),
    "x]": (2, "expected `[` before this `]`"),
    "x[1+:2]": (5, "expected an operand between `+` and `:`"),
    "2[x]": (2, "expected an operator before `[`"),
    # what formulas of numbers lack too
    "q + x": (1, "Give its shape in `shapes`"),
    "x > 0": (1, "found a condition"),
    "sum(x > 0)": (1, "Write it as `where(condition, 1, 0)`"),
    "1j*x": (1, "found a complex one"),
    "'a'": (1, "found a string"),
    "x.T.": (4, "expected a formula, found `.`"),
    "√x[0]": (3, "Write `sqrt(…)`"),
    "x @": (3, "expected an operand after `@`"),
    "x(0)": (1, "`x` is a variable and cannot be called"),
    "sum(*x)": (5, "star"),
}


@pytest.mark.parametrize("text", PLACED)
def test_an_error_names_what_was_found_and_where(text: str) -> None:
    column, message = PLACED[text]
    with pytest.raises(ExpressionError) as caught:
        parse_arrays(text, SHAPES)
    assert message in caught.value.message
    assert caught.value.place.column == column


def test_every_node_has_its_shape() -> None:
    program = parse_arrays("softmax(x @ W + b, axis=1).sum(0)", SHAPES)
    shapes = {
        program.text(index): node.shape
        for index, node in enumerate(program.nodes)
        if isinstance(node, ArrayNode)
    }
    assert shapes == {
        "x": (4, 8),
        "W": (8, 3),
        "b": (3,),
        "x @ W": (4, 3),
        "x @ W + b": (4, 3),
        "softmax(x @ W + b, axis=1)": (4, 3),
        "softmax(x @ W + b, axis=1).sum(0)": (3,),
    }
    assert program.inputs == ("x", "W", "b")
    assert program.shape == (3,)
    assert pickle.loads(pickle.dumps(program)) == program


def test_a_variable_hides_a_function_and_a_library() -> None:
    program = parse_arrays(
        "sum*2 + F.sum(0) + np[0]", {"sum": [3], "F": [2, 3], "np": [1]}
    )
    assert program.inputs == ("sum", "F", "np")
    with pytest.raises(ExpressionError, match="`sum` is a variable"):
        parse_arrays("sum(x)", {"sum": [3], "x": [3]})


def test_names_have_their_spellings() -> None:
    assert parse_arrays("sigma_1 @ A", SHAPES).inputs == ("σ₁", "A")


def test_integers_are_told_with_how_many_values_they_may_have() -> None:
    program = parse_array_steps(
        "e = W[t]\nloss = cross_entropy(e, t)", {"W": [5, 3], "t": [7]}
    )
    assert program.integers == ("t",)
    assert program.bounds == {"t": 3}


def test_steps_are_placed_in_their_lines() -> None:
    text = "h = x @ W   # hidden\nz = (h +\n  b)\nloss = z @ b + v"
    with pytest.raises(ExpressionError) as caught:
        parse_array_steps(text, SHAPES)
    assert caught.value.place.column == 14
    assert "line 4: expected shapes that fit together" in caught.value.message
    program = parse_array_steps(text.replace(" + v", ""), SHAPES)
    assert list(program.steps) == ["h", "z", "loss"]
    assert program.shape == (4,)


def test_sizes_are_numbers_of_the_formula() -> None:
    program = parse_array_steps(
        "n = x.shape[0]\ny = x.reshape(n // 2, -1)\nz = y / n", SHAPES
    )
    assert program.shape == (2, 16)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"x": [0]}, "integers of 1 or more, found 0"),
        ({"x": [2.0]}, "found 2.0"),
        ({"x": [True]}, "found True"),
        ({"x": [10_000, 10_000]}, "at most 10000000 numbers"),
    ],
)
def test_shapes_are_checked(shapes: dict[str, list[int]], message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse_arrays("x", shapes)


@pytest.mark.parametrize(
    "text",
    [
        "x @ W",
        "v[0]",
        "mean(x)",
        "sum(x)",
        "x.T",
        "(x + y).T",
        "softmax(x)",
        "sum(x, axis=0)",
        "torch.logsumexp(x, 1)",
    ],
)
def test_a_formula_of_numbers_says_how_to_have_arrays(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"`shapes`"):
        parse(text)


SEEDS = [
    "softmax(x @ W + b, dim=-1)[:, 0]",
    "x.sum(0, keepdim=True) * v",
    'einsum("ij,jk->ik", x, W).T',
    "layer_norm(x, (8,), v, v, eps=1e-5)",
    "np.linalg.inv(A) @ solve(A, b)",
    "concatenate([x, 2*x], axis=1).reshape(-1, 16)",
    "where(x > 0, x, exp(x) - 1)[1:3, ::2]",
    "cross_entropy(x @ W, softmax(x @ W, 1))",
    "torch.max(x, dim=0).values + W[i].mean()",
    "h = x @ W\ny = h.reshape(2, 6)[..., None]",
]


def mutated(text: str, source: random.Random) -> str:
    """The text with some of its characters lost, doubled, exchanged or replaced."""
    characters = list(text)
    for _ in range(source.randint(1, 3)):
        at = source.randrange(len(characters))
        match source.randrange(4):
            case 0:
                del characters[at]
            case 1:
                characters.insert(at, characters[at])
            case 2:
                characters[at] = source.choice("xWvsAi()[]:,.@*+-=\"'<>01 T\n…é^&{}#_")
            case _:
                characters.insert(
                    at,
                    source.choice(
                        ["[", "]", "(", ")", ".T", ":", "...", "None", "axis="]
                    ),
                )
        if not characters:
            return "x"
    return "".join(characters)


def test_mutated_formulas_give_a_program_or_a_placed_error() -> None:
    source, errors = random.Random(7), []
    for _ in range(600):
        text = mutated(source.choice(SEEDS), source)
        for read in (parse_arrays, parse_array_steps):
            try:
                read(text, SHAPES)
            except ExpressionError as error:
                errors.append((text, error))
    assert len(errors) > 400
    for text, error in errors:
        longest = max(map(len, text.split("\n")))
        assert error.message
        assert error.place.column is None or error.place.column <= longest + 1
