"""PyTorch's ways to a derivative: each route gives the value, the gradient and, at order 2, the Hessian.

| route             | what a user would write                                                                     |
|-------------------|---------------------------------------------------------------------------------------------|
| `reverse`         | `backward()` with the upstream gradient                                                     |
| `forward`         | dual numbers (`torch.autograd.forward_ad`), one input at a time, with tangent 1             |
| `func`            | `torch.func.vjp` with the upstream gradient                                                 |
| `reverse-reverse` | `torch.autograd.grad(create_graph=True)`, then again for each entry of the gradient         |
| `forward-forward` | `torch.func.jvp` of `torch.func.jvp`                                                        |
| `forward-reverse` | `torch.func.jvp` of `torch.func.vjp`                                                        |
| `reverse-forward` | `torch.func.vjp` of `torch.func.jvp`                                                        |

A route of order 2 is named outer-inner, as the literature's "forward over reverse": the inner mode gives the gradient,
the outer one differentiates that, entry by entry. Forward mode has no upstream gradient: it takes the derivative with
tangent 1, then multiplies by the upstream in the dtype. The outer mode has tangent or cotangent 1, so that a Hessian is
the derivative of the gradient that was measured.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.autograd import forward_ad as _forward_ad

from verifier.automatic.lowering import DTYPES, Lowered, Value
from verifier.automatic.subjects import Subject, SubjectError
from verifier.automatic.tracing import first_line
from verifier.language.case import ROUTES as ROUTES
from verifier.language.expression import Program

Tensor = torch.Tensor

# PyTorch leaves the one unannotated, and the other without what `has_aux` adds to a result.
forward_ad: Any = _forward_ad
func: Any = torch.func


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What PyTorch computed at each point: exact values of the numbers it returned, by point in order.

    `hessian[a, b]` is the derivative by `b` of the derivative by `a`, for every pair of inputs in either order; it is
    empty at order 1. `steps`, the adjoints of named steps, is empty where the inner mode is forward or the route goes
    through `torch.func`, which have none to show. `failure` is the first line of the exception where one was raised;
    then the rest is empty.
    """

    values: tuple[float, ...] = ()
    gradient: Mapping[str, tuple[float, ...]]
    steps: Mapping[str, tuple[float, ...]]
    hessian: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    failure: str | None = None


def measure(
    subject: Program | Subject,
    points: Sequence[Mapping[str, float]],
    upstream: float,
    *,
    dtype: str,
    wrt: Sequence[str],
    route: str = "reverse",
    order: int = 1,
) -> Measurement:
    """What PyTorch computes for a program, on all points in one batch, or for a user's callable, point by point.

    Where nothing flows to an input, PyTorch leaves None, which means zero. Whatever it raises is a result, as
    `failure`; `SubjectError` is raised for a callable that does not return one real number.
    """
    if route not in ROUTES[order]:
        raise ValueError(f"no route of order {order} is called `{route}`")
    with _undisturbed():
        if isinstance(subject, Program):
            batches = [_program_batch(subject, points, dtype, wrt)]
        else:
            batches = [_subject_batch(subject, point, dtype) for point in points]
        found: list[tuple[_Derived, int]] = []
        for index, batch in enumerate(batches):
            try:
                with _undisturbed():
                    derived = batch.derive(_ROUTES[route], wrt, upstream)
            except SubjectError:
                raise
            except Exception as error:
                where = f" (at {_spelled(points[index])})" if len(batches) > 1 else ""
                failure = first_line(error) + where
                return Measurement(gradient={}, steps={}, failure=failure)
            found.append((derived, batch.count))
        return _joined(found, wrt, order)


def reverse(
    program: Program,
    points: Sequence[Mapping[str, float]],
    upstream: float,
    *,
    dtype: str,
    wrt: Sequence[str],
) -> Measurement:
    """Values, gradients and the adjoint of every named step, by `backward()` on all points in one batch."""
    return measure(program, points, upstream, dtype=dtype, wrt=wrt)


# ── what is run ──────────────────────────────────────────────────────────────────────────────────────────────────

Steps = Mapping[str, Value]
Run = Callable[[Sequence[Tensor]], tuple[Tensor, Steps]]
"""The function under test: the inputs' tensors to the output and the named steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Derived:
    """What a route returns; None means that nothing flows there. Rows and entries are in the order of `wrt`."""

    value: Tensor
    gradient: Sequence[Tensor | None]
    hessian: Sequence[Sequence[Tensor | None]] = ()
    steps: Mapping[str, Tensor | None] = field(default_factory=dict)


Route = Callable[[Run, Sequence[Tensor], Sequence[int], float], _Derived]
"""A run, its inputs, the positions of those to differentiate by, and the upstream gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """A function with the tensors of one call, each of which holds `count` points."""

    run: Run
    inputs: Mapping[str, Tensor]
    count: int

    def derive(self, route: Route, wrt: Sequence[str], upstream: float) -> _Derived:
        """What the route gives, of inputs that are still those that were given."""
        given = {name: _bits(tensor).clone() for name, tensor in self.inputs.items()}
        names = list(self.inputs)
        positions = [names.index(name) for name in wrt]
        found = route(self.run, list(self.inputs.values()), positions, upstream)
        for name, tensor in self.inputs.items():
            if not torch.equal(_bits(tensor), given[name]):
                message = f"expected `{name}` to be left as it was given, found it changed in place"
                raise RuntimeError(message)
        return found


def _program_batch(
    program: Program,
    points: Sequence[Mapping[str, float]],
    dtype: str,
    wrt: Sequence[str],
) -> _Batch:
    lowered = Lowered(program, dtype)
    # A variable of the case that does not occur in the program is an input too: nothing flows to it.
    names = list(dict.fromkeys((*program.inputs, *wrt)))

    def run(tensors: Sequence[Tensor]) -> tuple[Tensor, Steps]:
        nodes = lowered.run(dict(zip(names, tensors, strict=True)))
        output = nodes[lowered.program.output]
        if not isinstance(output, Tensor):
            output = torch.tensor(output, dtype=DTYPES[dtype])
        steps = {name: nodes[index] for name, index in lowered.program.steps.items()}
        return output, steps

    inputs = {
        name: torch.tensor([p.get(name, 0.0) for p in points], dtype=DTYPES[dtype])
        for name in names
    }
    return _Batch(run=run, inputs=inputs, count=len(points))


def _subject_batch(subject: Subject, point: Mapping[str, float], dtype: str) -> _Batch:
    def run(tensors: Sequence[Tensor]) -> tuple[Tensor, Steps]:
        return _one_number(subject.function(*tensors)), {}

    inputs = {
        name: torch.tensor(point[name], dtype=DTYPES[dtype]) for name in subject.inputs
    }
    return _Batch(run=run, inputs=inputs, count=1)


def _one_number(result: Any) -> Tensor:
    """The result of a subject, without dimensions."""
    mend = "Return a real tensor of one element."
    if not isinstance(result, Tensor):
        raise SubjectError(
            f"expected the subject to return a tensor, found `{type(result).__name__}`. {mend}"
        )
    if result.numel() != 1 or result.is_complex():
        kind = (
            f"{str(result.dtype).removeprefix('torch.')} of shape {list(result.shape)}"
        )
        raise SubjectError(
            f"expected the subject to return one real number, found {kind}. {mend}"
        )
    return result.reshape(()) if result.dim() else result


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Gradients are recorded, warnings change no verdict, and no mode of PyTorch's outlives the measurement."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        anomaly = torch.autograd.set_detect_anomaly(
            torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()
        )
        with anomaly, torch.inference_mode(False), torch.enable_grad():
            yield


# ── order 1 ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _reverse(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: float
) -> _Derived:
    leaves = _leaves(inputs)
    output: Any
    output, steps = run(leaves)
    recorded = _recorded(steps)
    for step in recorded.values():
        step.retain_grad()
    # A subject may own parameters, in which nothing must be left behind.
    output.backward(torch.full_like(output, upstream), inputs=leaves)
    return _Derived(
        value=output,
        gradient=[leaves[position].grad for position in wrt],
        steps=dict.fromkeys(steps)
        | {name: step.grad for name, step in recorded.items()},
    )


def _forward(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: float
) -> _Derived:
    gradient: list[Tensor | None] = []
    with forward_ad.dual_level():
        for position in wrt:
            # Only this input is dual: a tangent 0 of another would make NaN of an infinite partial derivative.
            dual = forward_ad.make_dual(
                inputs[position], torch.ones_like(inputs[position])
            )
            output, _ = run(_with(inputs, position, dual))
            value, tangent = forward_ad.unpack_dual(output)
            gradient.append(None if tangent is None else tangent * upstream)
    return _Derived(value=value, gradient=gradient)


def _func(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: float
) -> _Derived:
    value, gradient = _vjp(run, inputs, upstream)
    return _Derived(value=value, gradient=[gradient[position] for position in wrt])


def _leaves(inputs: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.requires_grad_() for tensor in inputs]


def _recorded(steps: Steps) -> dict[str, Tensor]:
    """The steps through which a gradient flows."""
    return {
        name: step
        for name, step in steps.items()
        if isinstance(step, Tensor) and step.requires_grad
    }


def _with(inputs: Sequence[Tensor], position: int, tensor: Tensor) -> list[Tensor]:
    return [*inputs[:position], tensor, *inputs[position + 1 :]]


def _vjp(
    run: Run, inputs: Sequence[Tensor], upstream: float
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The value, and the gradient by every input: `torch.func`'s reverse mode."""
    value, pull_back = func.vjp(lambda *tensors: run(tensors)[0], *inputs)
    return value, pull_back(torch.full_like(value, upstream))


def _jvp(
    run: Run, inputs: Sequence[Tensor], position: int, upstream: float
) -> tuple[Tensor, Tensor]:
    """The value, and the derivative by one input times the upstream: `torch.func`'s forward mode."""
    own = inputs[position]
    value, tangent = func.jvp(
        lambda moved: run(_with(inputs, position, moved))[0],
        (own,),
        (torch.ones_like(own),),
    )
    return value, tangent * upstream


# ── order 2 ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _reverse_reverse(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: float
) -> _Derived:
    leaves = _leaves(inputs)
    output, steps = run(leaves)
    recorded = _recorded(steps)
    first = torch.autograd.grad(
        output,
        [*leaves, *recorded.values()],
        torch.full_like(output, upstream),
        create_graph=True,
        allow_unused=True,
    )
    by = [leaves[position] for position in wrt]
    gradient = [first[position] for position in wrt]
    adjoints = zip(recorded, first[len(leaves) :], strict=True)
    return _Derived(
        value=output,
        gradient=gradient,
        hessian=[_again(entry, by) for entry in gradient],
        steps=dict.fromkeys(steps) | dict(adjoints),
    )


def _again(entry: Tensor | None, by: Sequence[Tensor]) -> Sequence[Tensor | None]:
    """The derivatives of one entry of the gradient; none flow where it does not depend on the inputs."""
    if entry is None or not entry.requires_grad:
        return [None] * len(by)
    return torch.autograd.grad(
        entry, by, torch.ones_like(entry), retain_graph=True, allow_unused=True
    )


def _forward_forward(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: float
) -> _Derived:
    def gradient(tensors: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], Tensor]:
        found = [_jvp(run, tensors, position, upstream) for position in wrt]
        return tuple(entry for _, entry in found), found[0][0]

    return _outer_forward(gradient, inputs, wrt)


def _forward_reverse(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: float
) -> _Derived:
    def gradient(tensors: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], Tensor]:
        value, entries = _vjp(run, tensors, upstream)
        return tuple(entries[position] for position in wrt), value

    return _outer_forward(gradient, inputs, wrt)


def _outer_forward(
    gradient: Callable[[Sequence[Tensor]], tuple[tuple[Tensor, ...], Tensor]],
    inputs: Sequence[Tensor],
    wrt: Sequence[int],
) -> _Derived:
    """The derivatives of the whole gradient by one input after the other."""
    columns: list[tuple[Tensor, ...]] = []
    for position in wrt:
        own = inputs[position]
        entries, tangents, value = func.jvp(
            lambda moved, position=position: gradient(_with(inputs, position, moved)),
            (own,),
            (torch.ones_like(own),),
            has_aux=True,
        )
        columns.append(tangents)
    return _Derived(
        value=value, gradient=entries, hessian=list(zip(*columns, strict=True))
    )


def _reverse_forward(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: float
) -> _Derived:
    gradient: list[Tensor] = []
    rows: list[list[Tensor]] = []
    for position in wrt:

        def entry(*tensors: Tensor, position: int = position) -> tuple[Tensor, Tensor]:
            value, found = _jvp(run, tensors, position, upstream)
            return found, value

        # One entry at a time: a cotangent 0 of another would make NaN of an infinite partial derivative.
        found, pull_back, value = func.vjp(entry, *inputs, has_aux=True)
        cotangents = pull_back(torch.ones_like(found))
        gradient.append(found)
        rows.append([cotangents[other] for other in wrt])
    return _Derived(value=value, gradient=gradient, hessian=rows)


_ROUTES: dict[str, Route] = {
    "reverse": _reverse,
    "forward": _forward,
    "func": _func,
    "reverse-reverse": _reverse_reverse,
    "forward-forward": _forward_forward,
    "forward-reverse": _forward_reverse,
    "reverse-forward": _reverse_forward,
}


# ── tensors → numbers ────────────────────────────────────────────────────────────────────────────────────────────


def _joined(
    found: Sequence[tuple[_Derived, int]], wrt: Sequence[str], order: int
) -> Measurement:
    def column(pick: Callable[[_Derived], Tensor | None]) -> tuple[float, ...]:
        return tuple(
            number for one, count in found for number in _numbers(pick(one), count)
        )

    def entry(row: int, place: int) -> tuple[float, ...]:
        return column(lambda one: one.hessian[row][place])

    def partial(place: int) -> tuple[float, ...]:
        return column(lambda one: one.gradient[place])

    def adjoint(name: str) -> tuple[float, ...]:
        return column(lambda one: one.steps[name])

    pairs = [(i, j) for i in range(len(wrt)) for j in range(len(wrt)) if order == 2]
    return Measurement(
        values=column(lambda one: one.value),
        gradient={name: partial(place) for place, name in enumerate(wrt)},
        steps={name: adjoint(name) for name in (found[0][0].steps if found else ())},
        hessian={(wrt[i], wrt[j]): entry(i, j) for i, j in pairs},
    )


def _numbers(tensor: Tensor | None, count: int) -> tuple[float, ...]:
    """The numbers at `count` points; None is zero."""
    if tensor is None:
        return (0.0,) * count
    # Copied, as PyTorch's tangents may be zeros without storage.
    numbers = torch.empty(count, dtype=torch.float64).copy_(tensor.detach())
    return tuple(numbers.tolist())


def _bits(tensor: Tensor) -> Tensor:
    """The numbers as bytes, which tell -0 from 0 and find NaN equal to NaN."""
    return tensor.detach().reshape(-1).view(torch.uint8)


def _spelled(point: Mapping[str, float]) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in point.items())
