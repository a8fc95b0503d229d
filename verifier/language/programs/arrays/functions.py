"""Functions of arrays: from a call, its operands and options, to nodes."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from verifier.language.operations.arrays import JAX, NUMPY, TORCH
from verifier.language.programs.arrays import shapes as arithmetic
from verifier.language.programs.arrays.building import lifted
from verifier.language.programs.arrays.options import INFINITE, ArrayCall
from verifier.language.programs.arrays.program import Shape
from verifier.language.programs.arrays.shapes import shown, what

Build = Callable[[ArrayCall], int]

# ── reductions ────────────────────────────────────────────────────────────────────────


def _reduction(call: ArrayCall, operation: str, **options: object) -> int:
    """A reduction over the axes that are given, or all."""
    shape = call.shape()
    given = call.axes(shape)
    dims = tuple(range(len(shape))) if given is None else given
    keepdim = call.flag("keepdim")
    result = arithmetic.reduced(shape, dims, keepdim=keepdim)
    return call.add(operation, result, dims=dims, keepdim=keepdim, **options)


def _reduce(call: ArrayCall) -> int:
    return _reduction(call, call.function.name)


def _largest(call: ArrayCall) -> int:
    """`torch.max` along an axis names one place, `amax` shares among ties."""
    operation = {"max": "amax", "min": "amin"}[call.function.name]
    axis = call.option("dim")
    of_torch = call.library == TORCH or (call.is_method and not call.library)
    if axis is None or not of_torch:
        return _reduction(call, operation)
    call.axis(call.shape())
    return _reduction(call, operation, indexed=True)


def _spread(call: ArrayCall) -> int:
    """A variance or a standard deviation."""
    default = 0 if call.library in (NUMPY, JAX) else 1
    correction = call.integer("correction", default)
    shape = call.shape()
    dims = call.axes(shape)
    count = math.prod(shape[at] for at in (range(len(shape)) if dims is None else dims))
    if count <= correction:
        call.fail(
            f"expected more than {correction} numbers for a correction of {correction}, found {count}. "
            "NumPy's correction is 0."
        )
    return _reduction(call, call.function.name, correction=correction)


def _norm(call: ArrayCall) -> int:
    node, shape = call.option("p"), call.shape()
    if isinstance(node, ast.Constant) and node.value in ("fro", "f"):
        node = None
    exponent: Fraction | float = Fraction(2)
    if node is not None:
        sign = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        inner = node.operand if isinstance(node, ast.UnaryOp) else node
        if call.static.is_infinite(inner):
            exponent = -INFINITE if sign else INFINITE
        else:
            exponent = call.number("p", None) or Fraction(0)
        if exponent == 0 or -INFINITE < exponent < 0:
            call.static.fail(
                node, "expected the order of a norm: a number above 0, or inf or -inf"
            )
        _check_matrix_norm(call, node, shape)
    return _reduction(call, "norm", p=exponent)


def _check_matrix_norm(call: ArrayCall, node: ast.expr, shape: Shape) -> None:
    """That of `linalg.norm` which is none of the numbers of a matrix one by one."""
    of_matrix = call.library and call.written.endswith(".norm")
    dims = call.axes(shape)
    count = len(shape) if dims is None else len(dims)
    if of_matrix and "linalg" in call.written and count == 2:
        call.static.fail(
            node,
            f"`{call.written}` of a matrix with an order is a norm of matrices, which there is not here. "
            "Write `norm(x, p)` for that of its numbers.",
        )


# ── along an axis ─────────────────────────────────────────────────────────────────────


def _one_axis(call: ArrayCall) -> int:
    """The axis that is given; of a vector, its own."""
    shape = call.shape()
    axis = call.axis(shape)
    if axis is not None:
        return axis
    if len(shape) == 1 or (call.library == JAX and shape):
        return len(shape) - 1
    if not shape:
        call.fail(f"expected an array, found {what(shape)}")
    call.fail(
        f"`{call.written}` expected an axis, since {shown(shape)} has {len(shape)}. "
        f"Write `{call.function.name}(x, dim=-1)`."
    )


def _along(call: ArrayCall) -> int:
    return call.add(call.function.name, call.shape(), dim=_one_axis(call))


def _flip(call: ArrayCall) -> int:
    shape = call.shape()
    dims = call.axes(shape)
    dims = tuple(range(len(shape))) if dims is None else dims
    return call.add("flip", shape, dims=dims)


# ── networks ──────────────────────────────────────────────────────────────────────────


def _normalised(call: ArrayCall, default: Fraction | None) -> int:
    """`layer_norm` or `rms_norm` over the last axes."""
    shape = call.shape()
    extra = [name for name in ("weight", "bias") if name in call.operands]
    given = call.option("normalized_shape")
    if given is not None:
        wanted = tuple(call.sizes("normalized_shape"))
    else:
        wanted = call.shape(extra[0]) if extra else shape[-1:]
    if not wanted or shape[-len(wanted) :] != wanted:
        call.fail(
            f"expected the last sizes of {shown(shape)} to normalise over, found {shown(wanted)}"
        )
    for name in extra:
        if call.shape(name) != wanted:
            call.fail(
                f"expected `{name}` of shape {shown(wanted)}, found {shown(call.shape(name))}"
            )
    eps = call.number("eps", default)
    if eps is None:
        call.fail(
            f"expected `eps`, found none: PyTorch's own hangs on the dtype. Write `{call.written}(x, eps=1e-6)`."
        )
    if eps < 0:
        call.fail(f"expected an `eps` of 0 or more, found {eps}")
    operands = [call.operands[name] for name in ("x", *extra)]
    return call.add(
        call.function.name,
        shape,
        *operands,
        axes=len(wanted),
        extra=tuple(extra),
        eps=eps,
    )


def _layer_norm(call: ArrayCall) -> int:
    return _normalised(call, Fraction("1e-5"))


def _rms_norm(call: ArrayCall) -> int:
    return _normalised(call, None)


def _cross_entropy(call: ArrayCall) -> int:
    shape, target = call.shape(), call.shape("target")
    if not shape:
        call.fail(f"expected scores of classes, found {what(shape)}")
    dim = 0 if len(shape) == 1 else 1
    rest = shape[:dim] + shape[dim + 1 :]
    if target not in (shape, rest):
        call.fail(
            f"expected as target probabilities of shape {shown(shape)} or indices of shape {shown(rest)}, "
            f"found {shown(target)}"
        )
    smoothing = call.number("label_smoothing", Fraction(0))
    assert smoothing is not None
    if not 0 <= smoothing <= 1:
        call.fail(f"expected a `label_smoothing` from 0 to 1, found {smoothing}")
    reduction = call.word("reduction", ("mean", "sum", "none"))
    indexed = target != shape
    if indexed:
        node = call.builder.nodes[call.operands["target"]]
        if node.operation == "variable":
            call.builder.take_as_index(call.operands["target"], shape[dim], call.place)
        else:
            call.fail("expected an input as the indices of classes, found a formula")
    return call.add(
        "cross_entropy",
        rest if reduction == "none" else (),
        call.operands["x"],
        call.operands["target"],
        dim=dim,
        indexed=indexed,
        reduction=reduction,
        label_smoothing=smoothing,
    )


# ── products ──────────────────────────────────────────────────────────────────────────


def _pair(call: ArrayCall) -> tuple[Shape, Shape]:
    return call.shape("x"), call.shape("y")


def _both(call: ArrayCall) -> tuple[int, int]:
    return call.operands["x"], call.operands["y"]


def _fit(call: ArrayCall, function: Callable[..., Shape], *args: object) -> Shape:
    """What a function of shapes gives, its errors at the call's name."""
    with call.builder.at(call.place):
        return call.builder.fitting(function, *args)


def _matmul(call: ArrayCall) -> int:
    shape = _fit(call, arithmetic.matmul, *_pair(call))
    return call.add("matmul", shape, *_both(call))


def _dot(call: ArrayCall) -> int:
    left, right = _pair(call)
    if len(left) == len(right) == 1:
        _fit(call, arithmetic.matmul, left, right)
        return call.add("dot", (), *_both(call))
    if call.library in (NUMPY, JAX) and max(len(left), len(right)) <= 2:
        if left and right:
            return _matmul(call)
        return lifted(call.builder, "mul", _both(call), call.span)
    call.fail(
        f"expected two vectors, found shapes {shown(left)} and {shown(right)}. Write a product of matrices as `x @ y`."
    )


def _outer(call: ArrayCall) -> int:
    left, right = _pair(call)
    if len(left) != 1 or len(right) != 1:
        call.fail(
            f"expected two vectors, found shapes {shown(left)} and {shown(right)}"
        )
    return call.add("outer", (*left, *right), *_both(call))


def _einsum(call: ArrayCall) -> int:
    node = call.option("equation")
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        call.fail(
            f'expected an equation first, as in `{call.written}("ij,jk->ik", x, y)`'
        )
    shapes = [call.builder.shape(index) for index in call.several]
    with call.builder.at(call.builder.source.span(node)):
        equation, shape = call.builder.fitting(arithmetic.einsum, node.value, shapes)
    return call.add("einsum", shape, *call.several, equation=equation)


def _trace(call: ArrayCall) -> int:
    shape = call.shape()
    if len(shape) != 2:
        call.fail(f"expected a matrix, found {what(shape)}")
    return call.add("trace", ())


def _of_square(call: ArrayCall) -> int:
    shape = call.shape()
    _fit(call, _checked_square, shape)
    name = call.function.name
    return call.add(name, shape if name == "inv" else shape[:-2])


def _checked_square(shape: Shape) -> Shape:
    return (arithmetic.square(shape),)


def _solve(call: ArrayCall) -> int:
    left, right = _pair(call)
    _fit(call, _checked_square, left)
    if len(left) > 2 and len(right) < 3:
        call.fail(
            f"expected as many axes, found shapes {shown(left)} and {shown(right)}"
        )
    if not right:
        call.fail(f"expected a vector or a matrix on the right, found {what(right)}")
    return call.add("solve", _fit(call, arithmetic.matmul, left, right), *_both(call))


# ── movement ──────────────────────────────────────────────────────────────────────────


def permuted(call: ArrayCall, dims: Sequence[int]) -> int:
    """The axes in another order."""
    shape = call.shape()
    return call.add("permute", tuple(shape[at] for at in dims), dims=tuple(dims))


def _transpose(call: ArrayCall) -> int:
    """PyTorch's exchanges two axes, NumPy's puts them in another order."""
    shape = call.shape()
    if not call.options.get("dims"):
        if call.library == TORCH:
            call.fail(
                "expected two axes, as in `torch.transpose(x, 0, 1)`. Write `x.T`."
            )
        return permuted(call, range(len(shape))[::-1])
    return _permute(call) if call.library in (NUMPY, JAX) else _exchange(call)


def _exchange(call: ArrayCall) -> int:
    shape = call.shape()
    if "dims" in call.options:
        numbers = call.sizes("dims", negative=True)
    else:
        numbers = [call.integer("dim0", 0), call.integer("dim1", 0)]
    if len(numbers) != 2:
        call.fail(f"expected two axes, found {len(numbers)}")
    with call.builder.at(call.place):
        first, second = (
            call.builder.fitting(arithmetic.axis, number, len(shape), shape)
            for number in numbers
        )
    order = list(range(len(shape)))
    order[first], order[second] = second, first
    return permuted(call, order)


def _permute(call: ArrayCall) -> int:
    shape = call.shape()
    numbers = call.sizes("dims", negative=True)
    with call.builder.at(call.place):
        dims = call.builder.fitting(arithmetic.axes, numbers, shape)
    if len(dims) != len(shape):
        call.fail(f"expected every axis of {shown(shape)} once, found {numbers}")
    return permuted(call, dims)


def _reshape(call: ArrayCall) -> int:
    sizes = call.sizes("shape", negative=True)
    return call.add("reshape", _fit(call, arithmetic.reshaped, call.shape(), sizes))


def _flatten(call: ArrayCall) -> int:
    return call.add("reshape", (math.prod(call.shape()),))


def _squeeze(call: ArrayCall) -> int:
    shape = call.shape()
    dims = call.axes(shape)
    gone = range(len(shape)) if dims is None else dims
    for at in dims or ():
        if shape[at] != 1 and call.library == NUMPY:
            call.fail(f"expected an axis of size 1, found one of {shape[at]}")
    sizes = (s for at, s in enumerate(shape) if at not in gone or s != 1)
    return call.add("reshape", tuple(sizes))


def _unsqueeze(call: ArrayCall) -> int:
    shape = call.shape()
    at = call.axis((*shape, 1))
    if at is None:
        call.fail("expected the place of the new axis, found none")
    return call.add("reshape", (*shape[:at], 1, *shape[at:]))


def _broadcast_to(call: ArrayCall) -> int:
    sizes = call.sizes("shape", negative=True)
    return call.add(
        "broadcast_to", _fit(call, arithmetic.expanded, call.shape(), sizes)
    )


def _concatenate(call: ArrayCall) -> int:
    shapes = [call.builder.shape(index) for index in call.several]
    if not shapes[0]:
        call.fail("expected arrays, found a single number. Write `stack([a, b])`.")
    dim = call.axis(shapes[0]) or 0
    shape = _fit(call, arithmetic.concatenated, shapes, dim)
    return call.add("concatenate", shape, *call.several, dim=dim)


def _stack(call: ArrayCall) -> int:
    shapes = [call.builder.shape(index) for index in call.several]
    for shape in shapes:
        if shape != shapes[0]:
            call.fail(
                f"expected arrays of one shape, found {shown(shapes[0])} and {shown(shape)}"
            )
    dim = call.axis((*shapes[0], 1)) or 0
    shape = (*shapes[0][:dim], len(shapes), *shapes[0][dim:])
    return call.add("stack", shape, *call.several, dim=dim)


def _diag(call: ArrayCall) -> int:
    shape, offset = call.shape(), call.integer("k", 0)
    if len(shape) == 1 and call.function.name == "diag":
        size = shape[0] + abs(offset)
        return call.add("diag_embed", (size, size), offset=offset)
    if len(shape) != 2:
        wanted = (
            "a matrix" if call.function.name == "diagonal" else "a vector or a matrix"
        )
        call.fail(f"expected {wanted}, found {what(shape)}")
    rows, columns = shape
    count = min(rows + min(offset, 0), columns - max(offset, 0))
    if count < 1:
        call.fail(
            f"expected a diagonal of {shown(shape)}, found that of offset {offset}"
        )
    return call.add("diagonal", (count,), offset=offset)


def _triangle(call: ArrayCall) -> int:
    shape = call.shape()
    if len(shape) < 2:
        call.fail(f"expected a matrix, found {what(shape)}")
    return call.add(call.function.name, shape, offset=call.integer("k", 0))


# ── constants ─────────────────────────────────────────────────────────────────────────


def _constant(call: ArrayCall, operation: str, shape: Shape, **options: object) -> int:
    with call.builder.at(call.place):
        return call.builder.array(operation, (), shape, call.span, **options)


def _full(call: ArrayCall) -> int:
    value = int(call.function.name == "ones")
    return _constant(call, "full", tuple(call.sizes("shape")), value=value)


def _eye(call: ArrayCall) -> int:
    size = call.integer("n", 0)
    if size < 1:
        call.fail(f"expected a size of 1 or more, found {size}")
    return _constant(call, "eye", (size, size))


def _arange(call: ArrayCall) -> int:
    start, stop = call.integer("start", 0), call.integer("stop", 0)
    if call.option("stop") is None:
        start, stop = 0, start
    step = call.integer("step", 1)
    if step == 0:
        call.fail("expected steps other than 0, found 0")
    count = len(range(start, stop, step))
    return _constant(call, "arange", (count,), start=start, step=step)


def _array(call: ArrayCall) -> int:
    return call.operands["x"]


BUILDS: Mapping[str, Build] = {
    **dict.fromkeys("sum mean prod amax amin logsumexp".split(), _reduce),
    **dict.fromkeys(("max", "min"), _largest),
    **dict.fromkeys(("var", "std"), _spread),
    "norm": _norm,
    **dict.fromkeys("cumsum cumprod softmax log_softmax".split(), _along),
    "flip": _flip,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "cross_entropy": _cross_entropy,
    "matmul": _matmul,
    "dot": _dot,
    "outer": _outer,
    "einsum": _einsum,
    "trace": _trace,
    **dict.fromkeys(("det", "logdet", "inv"), _of_square),
    "solve": _solve,
    "transpose": _transpose,
    "swapaxes": _exchange,
    "permute": _permute,
    "reshape": _reshape,
    "flatten": _flatten,
    "squeeze": _squeeze,
    "unsqueeze": _unsqueeze,
    "broadcast_to": _broadcast_to,
    "concatenate": _concatenate,
    "stack": _stack,
    **dict.fromkeys(("diag", "diagonal"), _diag),
    **dict.fromkeys(("tril", "triu"), _triangle),
    **dict.fromkeys(("zeros", "ones"), _full),
    "eye": _eye,
    "arange": _arange,
    "array": _array,
}
"""What adds the nodes of each function."""
