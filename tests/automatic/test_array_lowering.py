"""What PyTorch computes of a formula of arrays, and its definition in scalars, are both
what NumPy computes; their gradients agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import pytest
import torch

from verifier.automatic.array_definitions import DEFINITIONS, definition
from verifier.automatic.array_lowering import FUNCTIONS, lowered
from verifier.language.operations import arrays
from verifier.language.operations.table import OPERATIONS as ROWS
from verifier.language.operations.table import find
from verifier.language.programs.arrays.functions import BUILDS
from verifier.language.programs.arrays.parsing import parse_array_steps, parse_arrays
from verifier.language.programs.arrays.program import OPERATIONS

Array = npt.NDArray[np.float64]

SHAPES = {
    "x": (4, 5),
    "y": (4, 5),
    "W": (5, 3),
    "b": (3,),
    "v": (5,),
    "w": (5,),
    "A": (3, 3),
    "B": (2, 3, 3),
    "C": (2, 3, 4),
    "s": (),
    "one": (1, 1),
    "i": (6,),
    "t": (4,),
}


def numbers() -> dict[str, Array]:
    source = np.random.default_rng(11)
    found: dict[str, Array] = {}
    for name, shape in SHAPES.items():
        found[name] = np.asarray(source.normal(size=shape))
    found["A"] = found["A"] + 2 * np.eye(3)
    found["B"] = found["B"] + 2 * np.eye(3)
    found["i"] = np.array([0.0, 2, 1, 0, 4, 2])
    found["t"] = np.array([4.0, 0, 2, 2])
    return found


def softmax(x: Array, axis: int | None = -1) -> Array:
    powers = np.exp(x)
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def layer(x: Array, eps: float, axis: int = -1) -> Array:
    away = x - x.mean(axis, keepdims=True)
    return np.asarray(away / np.sqrt(x.var(axis, keepdims=True) + eps))


def rms(x: Array, eps: float) -> Array:
    return np.asarray(x / np.sqrt((x**2).mean(-1, keepdims=True) + eps))


def chosen(n: Any) -> Array:
    """−log softmax of the classes that `t` names."""
    return np.asarray(
        [-np.log(softmax(row))[int(at)] for row, at in zip(n.x, n.t, strict=True)]
    )


VALUES: Mapping[str, Callable[[Any], Any]] = {
    # products
    "x @ W + b": lambda n: n.x @ n.W + n.b,
    "v @ W": lambda n: n.v @ n.W,
    "x @ v": lambda n: n.x @ n.v,
    "v @ w": lambda n: n.v @ n.w,
    "B @ C": lambda n: n.B @ n.C,
    "A @ C": lambda n: n.A @ n.C,
    "x.T @ y": lambda n: n.x.T @ n.y,
    "dot(v, w)": lambda n: np.dot(n.v, n.w),
    "np.dot(x, W)": lambda n: np.dot(n.x, n.W),
    "torch.matmul(x, W)": lambda n: n.x @ n.W,
    "outer(v, b)": lambda n: np.outer(n.v, n.b),
    'einsum("ij,jk->ik", x, W)': lambda n: np.einsum("ij,jk->ik", n.x, n.W),
    'einsum("ij,jk", x, W)': lambda n: np.einsum("ij,jk", n.x, n.W),
    'einsum("ii->i", A)': lambda n: np.diag(n.A),
    'einsum("ii", A)': lambda n: np.trace(n.A),
    'torch.einsum("bij,bjk->bk", B, C)': lambda n: np.einsum("bij,bjk->bk", n.B, n.C),
    'einsum("i,j->ji", v, b)': lambda n: np.einsum("i,j->ji", n.v, n.b),
    'einsum("ij->", x)': lambda n: n.x.sum(),
    "trace(A)": lambda n: np.trace(n.A),
    "det(A)": lambda n: np.linalg.det(n.A),
    "torch.linalg.det(B)": lambda n: np.linalg.det(n.B),
    "logdet(A @ A.T)": lambda n: np.log(np.linalg.det(n.A @ n.A.T)),
    "inv(A)": lambda n: np.linalg.inv(n.A),
    "np.linalg.inv(B)": lambda n: np.linalg.inv(n.B),
    "inv(eye(4) + [[0, 1, 0, 0], [0, 0, 2, 0], [3, 0, 0, 0], [0, 0, 0, 1]]) * s": lambda n: (
        n.s
        * np.linalg.inv(
            np.eye(4)
            + np.array([[0, 1, 0, 0], [0, 0, 2, 0], [3, 0, 0, 0], [0, 0, 0, 1]])
        )
    ),
    "solve(A, b)": lambda n: np.linalg.solve(n.A, n.b),
    "solve(A, A.T)": lambda n: np.linalg.solve(n.A, n.A.T),
    "solve(B, C)": lambda n: np.linalg.solve(n.B, n.C),
    # reductions
    "sum(x)": lambda n: n.x.sum(),
    "x.sum(0)": lambda n: n.x.sum(0),
    "np.sum(x, axis=(0, 1), keepdims=True)": lambda n: n.x.sum(keepdims=True),
    "sum(s)": lambda n: n.s,
    "mean(x, dim=1)": lambda n: n.x.mean(1),
    "mean(s)": lambda n: n.s,
    "prod(x)": lambda n: n.x.prod(),
    "prod(C, axis=(0, 2))": lambda n: n.C.prod((0, 2)),
    "prod(x, 1, keepdim=True)": lambda n: n.x.prod(1, keepdims=True),
    "max(x)": lambda n: n.x.max(),
    "max(x, axis=1)": lambda n: n.x.max(1),
    "torch.max(x, 1).values": lambda n: n.x.max(1),
    "x.max(dim=0)": lambda n: n.x.max(0),
    "np.min(x, 0)": lambda n: n.x.min(0),
    "amin(x, dim=(0, 1))": lambda n: n.x.min(),
    "max(x, y)": lambda n: np.maximum(n.x, n.y),
    "min(x, y, 2*y)": lambda n: np.minimum(n.x, np.minimum(n.y, 2 * n.y)),
    "logsumexp(x, dim=1)": lambda n: np.log(np.exp(n.x).sum(1)),
    "torch.logsumexp(300*x, -1)": lambda n: np.logaddexp.reduce(300 * n.x, -1),
    "logsumexp(v)": lambda n: np.log(np.exp(n.v).sum()),
    "logsumexp(x, y)": lambda n: np.logaddexp(n.x, n.y),
    "var(x)": lambda n: n.x.var(ddof=1),
    "np.var(x, axis=0)": lambda n: n.x.var(0),
    "torch.var(x, dim=1, correction=0)": lambda n: n.x.var(1),
    "x.var(1, unbiased=False)": lambda n: n.x.var(1),
    "std(x, axis=1, keepdim=True)": lambda n: n.x.std(1, ddof=1, keepdims=True),
    "norm(x)": lambda n: np.sqrt((n.x**2).sum()),
    "np.linalg.norm(x, axis=1)": lambda n: np.linalg.norm(n.x, axis=1),
    "norm(x, 1, dim=0)": lambda n: np.abs(n.x).sum(0),
    "norm(v, 3)": lambda n: (np.abs(n.v) ** 3).sum() ** (1 / 3),
    "norm(v, 5/2)": lambda n: (np.abs(n.v) ** 2.5).sum() ** 0.4,
    "norm(v, inf)": lambda n: np.abs(n.v).max(),
    "np.linalg.norm(v, ord=-np.inf)": lambda n: np.abs(n.v).min(),
    "norm(s)": lambda n: np.abs(n.s),
    # along an axis
    "cumsum(v)": lambda n: n.v.cumsum(),
    "np.cumsum(x, axis=0)": lambda n: n.x.cumsum(0),
    "x.cumprod(1)": lambda n: n.x.cumprod(1),
    "torch.softmax(x, dim=-1)": lambda n: softmax(n.x),
    "softmax(x, axis=0)": lambda n: softmax(n.x, 0),
    "jax.nn.softmax(C)": lambda n: softmax(n.C),
    "F.log_softmax(x, dim=1)": lambda n: np.log(softmax(n.x)),
    "flip(x, 1)": lambda n: n.x[:, ::-1],
    "flip(x)": lambda n: n.x[::-1, ::-1],
    # networks
    "layer_norm(x)": lambda n: layer(n.x, 1e-5),
    "layer_norm(x, w, v)": lambda n: layer(n.x, 1e-5) * n.w + n.v,
    "F.layer_norm(x, (5,), w, v, eps=1e-3)": lambda n: layer(n.x, 1e-3) * n.w + n.v,
    "F.layer_norm(x, x.shape[1:], bias=v)": lambda n: layer(n.x, 1e-5) + n.v,
    "F.layer_norm(x, [4, 5], y)": lambda n: (
        layer(n.x.reshape(-1), 1e-5).reshape(4, 5) * n.y
    ),
    "rms_norm(x, eps=1e-6)": lambda n: rms(n.x, 1e-6),
    "F.rms_norm(x, (5,), w, 1e-6)": lambda n: rms(n.x, 1e-6) * n.w,
    "cross_entropy(x, t)": lambda n: chosen(n).mean(),
    'F.cross_entropy(x, t, reduction="none")': chosen,
    'cross_entropy(x, t, reduction="sum")': lambda n: chosen(n).sum(),
    "cross_entropy(x, softmax(y, 1))": lambda n: (
        -(softmax(n.y) * np.log(softmax(n.x))).sum(1).mean()
    ),
    "cross_entropy(v, softmax(w))": lambda n: (
        -(softmax(n.w) * np.log(softmax(n.v))).sum()
    ),
    "cross_entropy(x, t, label_smoothing=1/8)": lambda n: (
        7 / 8 * chosen(n) - np.log(softmax(n.x)).mean(1) / 8
    ).mean(),
    'cross_entropy(C, softmax(2*C, 1), reduction="none")': lambda n: (
        -(softmax(2 * n.C, 1) * np.log(softmax(n.C, 1))).sum(1)
    ),
    "F.mse_loss(x, y)": lambda n: ((n.x - n.y) ** 2).mean(),
    'mse_loss(x, y, reduction="sum")': lambda n: ((n.x - n.y) ** 2).sum(),
    'l1_loss(x, y, reduction="none")': lambda n: np.abs(n.x - n.y),
    'F.kl_div(log_softmax(x, 1), softmax(y, 1), reduction="batchmean")': lambda n: (
        (softmax(n.y) * np.log(softmax(n.y) / softmax(n.x))).sum() / 4
    ),
    # indices and movement
    "x[0]": lambda n: n.x[0],
    "x[-1]": lambda n: n.x[-1],
    "x[:, 1:3]": lambda n: n.x[:, 1:3],
    "x[1:, ::2]": lambda n: n.x[1:, ::2],
    "x[..., -2]": lambda n: n.x[..., -2],
    "x[:, None] * y": lambda n: n.x[:, None] * n.y,
    "C[0, ..., 1]": lambda n: n.C[0, ..., 1],
    "v[[0, 2, 2]]": lambda n: n.v[[0, 2, 2]],
    "W[i]": lambda n: n.W[n.i.astype(int)],
    "x[:, i]": lambda n: n.x[:, n.i.astype(int)],
    "x.T": lambda n: n.x.T,
    "C.mT": lambda n: n.C.transpose(0, 2, 1),
    "C.T": lambda n: n.C.T,
    "C.transpose(0, 2)": lambda n: n.C.transpose(2, 1, 0),
    "np.transpose(C, (1, 2, 0))": lambda n: n.C.transpose(1, 2, 0),
    "torch.permute(C, (1, 2, 0))": lambda n: n.C.transpose(1, 2, 0),
    "C.permute(2, 0, 1)": lambda n: n.C.transpose(2, 0, 1),
    "x.reshape(2, -1)": lambda n: n.x.reshape(2, -1),
    "reshape(x, (x.shape[1], len(x)))": lambda n: n.x.reshape(5, 4),
    "x.flatten()": lambda n: n.x.reshape(-1),
    "one.squeeze()": lambda n: n.one.squeeze(),
    "unsqueeze(v, 0)": lambda n: n.v[None],
    "np.expand_dims(v, -1)": lambda n: n.v[:, None],
    "v.expand(2, -1)": lambda n: np.broadcast_to(n.v, (2, 5)),
    "concatenate([x, y], axis=1)": lambda n: np.concatenate([n.x, n.y], 1),
    "torch.cat((v, b))": lambda n: np.concatenate([n.v, n.b]),
    "torch.stack([v, w], dim=1)": lambda n: np.stack([n.v, n.w], 1),
    "[v, 2*w]": lambda n: np.stack([n.v, 2 * n.w]),
    "np.array([1, s, 3])": lambda n: np.array([1, n.s, 3]),
    "diag(b)": lambda n: np.diag(n.b),
    "diag(b, 1)": lambda n: np.diag(n.b, 1),
    "np.diag(x, -1)": lambda n: np.diag(n.x, -1),
    "tril(A)": lambda n: np.tril(n.A),
    "torch.triu(x, diagonal=1)": lambda n: np.triu(n.x, 1),
    "(zeros(2, 3) + ones((2, 3))) * b": lambda n: np.ones((2, 3)) * n.b,
    "arange(1, 6) * v": lambda n: np.arange(1, 6) * n.v,
    # elementwise
    "where(x > y, x, 2*y)": lambda n: np.where(n.x > n.y, n.x, 2 * n.y),
    "exp(-x**2) / (1 + s)": lambda n: np.exp(-(n.x**2)) / (1 + n.s),
    "1 / (2 + x.cos())": lambda n: 1 / (2 + np.cos(n.x)),
    "clamp(x, -1/2, 1/2)": lambda n: np.clip(n.x, -0.5, 0.5),
    "sum(v[k]*w[k] for k in range(5))": lambda n: n.v @ n.w,
    "hypot(x, v)": lambda n: np.hypot(n.x, n.v),
    "softplus(x, beta=2)": lambda n: np.log1p(np.exp(2 * n.x)) / 2,
    "√(x*x)": lambda n: np.abs(n.x),
    "pi*x": lambda n: np.pi * n.x,
}


class Named(dict[str, Array]):
    __getattr__ = dict.__getitem__


@pytest.mark.parametrize("text", VALUES)
def test_both_are_what_numpy_computes(text: str) -> None:
    program = parse_arrays(text, SHAPES)
    given = numbers()
    expected = np.asarray(VALUES[text](Named(given)))
    assert program.shape == expected.shape
    gradients = []
    for make in (lowered, definition):
        tensors = {
            name: torch.tensor(array, requires_grad=name not in program.integers)
            for name, array in given.items()
        }
        result = make(program)(**tensors)
        assert result.shape == expected.shape
        np.testing.assert_allclose(
            result.detach().numpy(), expected, rtol=1e-11, atol=1e-12
        )
        wrt = [tensors[n] for n in program.inputs if n not in program.integers]
        upstream = torch.from_numpy(
            np.random.default_rng(5).normal(size=expected.shape)
        )
        if wrt:
            gradients.append(torch.autograd.grad(result, wrt, upstream))
    for first, second in zip(*gradients, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-9, atol=1e-11)


def test_the_tables_name_the_same_functions() -> None:
    assert set(FUNCTIONS) == set(DEFINITIONS) == OPERATIONS
    assert set(BUILDS) == set(arrays.FUNCTIONS)
    assert not OPERATIONS & set(ROWS)
    both = {name for name in arrays.known_names() if find(name) is not None}
    assert both == {"max", "min", "logsumexp"}


def test_every_operation_has_a_value_here() -> None:
    seen = {
        node.operation for text in VALUES for node in parse_arrays(text, SHAPES).nodes
    }
    assert not OPERATIONS - seen


def test_definitions_at_numbers_of_many_digits() -> None:
    """Against mpmath at 50 digits: a softmax with large scores, and a determinant that
    cancels."""
    scores = [700.5, 701.25, -3.0]
    with mpmath.workdps(50):
        powers = [mpmath.exp(score) for score in scores]
        wanted = [float(power / sum(powers)) for power in powers]
        matrix = [[1 / mpmath.mpf(i + j + 1) for j in range(3)] for i in range(3)]
        determinant = float(mpmath.det(mpmath.matrix(matrix)))
    for make in (lowered, definition):
        program = parse_arrays("softmax(x)", {"x": [3]})
        x = torch.tensor(scores, dtype=torch.float64)
        torch.testing.assert_close(
            make(program)(x=x), torch.tensor(wanted, dtype=torch.float64)
        )
        hilbert = parse_arrays("det(1 / (n[:, None] + n + 1))", {"n": [3]})
        n = torch.arange(3, dtype=torch.float64)
        assert float(make(hilbert)(n=n)) == pytest.approx(determinant, rel=1e-10)


def test_the_definition_of_a_singular_matrix_has_its_gradient() -> None:
    """d det / dA is the transposed adjugate: of [[1, 2], [2, 4]] it is
    [[4, −2], [−2, 1]]."""
    program = parse_arrays("det(A)", {"A": [2, 2]})
    matrix = torch.tensor([[1.0, 2], [2, 4]], dtype=torch.float64, requires_grad=True)
    value = definition(program)(A=matrix)
    assert value.item() == 0
    (gradient,) = torch.autograd.grad(value, matrix)
    assert gradient.tolist() == [[4, -2], [-2, 1]]


def test_ties_share_by_amax_and_go_to_one_place_by_max() -> None:
    """PyTorch documents both: amax spreads the gradient evenly, max(dim) takes an
    index."""
    for text, wanted in (("amax(x, 0)", {0.5}), ("torch.max(x, dim=0)", {0.0, 1.0})):
        x = torch.ones(2, dtype=torch.float64, requires_grad=True)
        result = lowered(parse_arrays(text, {"x": [2]}))(x=x)
        (gradient,) = torch.autograd.grad(result, x)
        assert set(gradient.tolist()) == wanted


def test_a_run_has_the_dtype_of_its_tensors() -> None:
    program = parse_arrays("x/3 + pi*ones(2) + eye(2)[0]", {"x": [2]})
    for dtype in (torch.bfloat16, torch.float16, torch.float32, torch.float64):
        for make in (lowered, definition):
            assert make(program)(x=torch.ones(2, dtype=dtype)).dtype is dtype


def test_literals_are_rounded_by_pytorch() -> None:
    program = parse_arrays("x + 1/10", {"x": [1]})
    for dtype, number in ((torch.float64, 0.1), (torch.float32, np.float32(0.1))):
        assert lowered(program)(x=torch.zeros(1, dtype=dtype)).item() == float(number)


def test_other_shapes_are_refused() -> None:
    program = parse_arrays("2*x", {"x": [3]})
    with pytest.raises(ValueError, match=r"`x` of shape \[3\], found \[4\]"):
        lowered(program)(x=torch.zeros(4))
    assert lowered(program).of(["y", "x"])(None, torch.ones(3)).tolist() == [2, 2, 2]


def test_steps_have_values() -> None:
    program = parse_array_steps(
        "h = tanh(x @ W)\np = softmax(h, dim=-1)\nloss = -mean(log(p[:, 0]))",
        {"x": [4, 5], "W": [5, 3]},
    )
    given = {name: torch.tensor(numbers()[name]) for name in ("x", "W")}
    steps = lowered(program).steps(given)
    assert set(steps) == {"h", "p", "loss", ""}
    n = Named(numbers())
    hidden = np.tanh(n.x @ n.W)
    np.testing.assert_allclose(steps["h"], hidden)
    np.testing.assert_allclose(steps["loss"], -np.log(softmax(hidden)[:, 0]).mean())
