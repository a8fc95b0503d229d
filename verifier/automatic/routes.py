"""PyTorch's ways to a derivative: each route gives the value, the gradient and, at order 2, the Hessian.

| route               | what a user would write                                                                   |
|---------------------|-------------------------------------------------------------------------------------------|
| `reverse`           | `backward()` with the upstream gradient                                                   |
| `forward`           | dual numbers (`torch.autograd.forward_ad`), one input at a time, with tangent 1           |
| `func`              | `torch.func.vjp` with the upstream gradient                                               |
| `vmap`              | `torch.func.vmap` of `func`, one point a lane                                             |
| `compile-aot_eager` | `backward()` of `torch.compile(…, backend="aot_eager")`: its graphs with eager kernels    |
| `compile-inductor`  | `backward()` of `torch.compile(…)`: fused kernels of generated code; also named `compile` |
| `reverse-reverse`   | `torch.autograd.grad(create_graph=True)`, then again for each entry of the gradient       |
| `forward-forward`   | `torch.func.jvp` of `torch.func.jvp`                                                      |
| `forward-reverse`   | `torch.func.jvp` of `torch.func.vjp`                                                      |
| `reverse-forward`   | `torch.func.vjp` of `torch.func.jvp`                                                      |

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

from verifier.automatic import ambient, compiled, faults, layouts, modes
from verifier.automatic.compiled import Compiled, CompileError
from verifier.automatic.lowering import DTYPES, Lowered
from verifier.automatic.modes import Derived, Route, Run, Steps
from verifier.automatic.subjects import Subject, SubjectError
from verifier.language.case import ROUTES as ROUTES
from verifier.language.expression import Program, expand

Tensor = torch.Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What PyTorch computed at each point: exact values of the numbers it returned, by point in order.

    `hessian[a, b]` is the derivative by `b` of the derivative by `a`, for every pair of inputs in either order; it is
    empty at order 1. `steps`, the adjoints of named steps, is empty where the inner mode is forward or the route goes
    through `torch.func`, which have none to show. `failure` is the first line of the exception where PyTorch raised
    one, and `traceback` all of it; then the rest is empty.
    """

    values: tuple[float, ...] = ()
    gradient: Mapping[str, tuple[float, ...]]
    steps: Mapping[str, tuple[float, ...]]
    hessian: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    failure: str | None = None
    traceback: str | None = None


class Runner:
    """A program or a user's callable, ready to be measured by one route in one dtype.

    `layout` is one of those of `layouts`; `device` is PyTorch's name of one. Compiled code is kept from one
    measurement to the next.
    """

    def __init__(
        self,
        subject: Program | Subject,
        *,
        dtype: str,
        wrt: Sequence[str],
        route: str = "reverse",
        order: int = 1,
        layout: str = "batch",
        device: str = "cpu",
    ) -> None:
        if route not in ROUTES[order]:
            raise ValueError(f"no route of order {order} is called `{route}`")
        self.dtype, self.wrt, self.order = dtype, tuple(wrt), order
        self.layout, self.device = layout, device
        self._route = _ROUTES[route]
        # A callable takes single numbers, of which only `vmap` makes many at once.
        self._is_called = isinstance(subject, Subject)
        self._alone = self._is_called and route != "vmap"
        if isinstance(subject, Program):
            self._run, self._names = _lowered(subject, dtype, wrt, device)
        else:
            self._run, self._names = _called(subject), subject.inputs
        self._compiled = None
        if route in compiled.BACKENDS:
            if isinstance(subject, Program):
                compiled.check_size(len(expand(subject).nodes))
            self._compiled = Compiled(self._run, compiled.BACKENDS[route])

    def measure(
        self, points: Sequence[Mapping[str, float]], upstream: float | Sequence[float]
    ) -> Measurement:
        """What PyTorch computes at the points, with one upstream gradient for all or one for each.

        A program takes all points in one batch, a callable one after the other. Where nothing flows to an input,
        PyTorch leaves None, which means zero. What PyTorch raises is a result, as `failure`; what other code raises
        passes. `SubjectError` is raised for a callable that does not return one real number, `CompileError` where
        nothing can be compiled here.
        """
        upstreams = (
            [upstream] * len(points)
            if isinstance(upstream, (int, float))
            else list(upstream)
        )
        layout = "single" if self._alone else self.layout
        found: list[tuple[Derived, int]] = []
        with _undisturbed():
            for call in layouts.calls(len(points), layout):
                try:
                    with ambient.undisturbed():
                        derived = self._derive(
                            points[call.start : call.stop],
                            upstreams[call.start : call.stop],
                        )
                except (SubjectError, CompileError):
                    raise
                except Exception as error:
                    alone = len(call) == 1 < len(points)
                    where = f"at {_spelled(points[call.start])}" if alone else ""
                    if not self._is_pytorchs(error, points[call.start]):
                        error.add_note(where)
                        raise
                    failure = faults.first_line(error) + (where and f" ({where})")
                    return Measurement(
                        gradient={},
                        steps={},
                        failure=failure,
                        traceback=faults.told(error),
                    )
                found.append((derived, len(call)))
            return _joined(found, self.wrt, self.order)

    def _is_pytorchs(self, error: Exception, point: Mapping[str, float]) -> bool:
        """Whether PyTorch cannot run or differentiate this; a callable that fails on plain numbers is itself at fault.

        Unless PyTorch says that it does not implement what is asked.
        """
        if not faults.is_pytorchs(error):
            return False
        if not self._is_called or isinstance(error, NotImplementedError):
            return True
        numbers = (point.get(name, 0.0) for name in self._names)
        try:
            with torch.no_grad():
                self._run([self._number(number) for number in numbers])
        except Exception:
            return False
        return True

    def _derive(
        self, points: Sequence[Mapping[str, float]], upstream: Sequence[float]
    ) -> Derived:
        """What the route gives, of inputs that are still those that were given."""
        inputs = {
            name: self._tensor([point.get(name, 0.0) for point in points])
            for name in self._names
        }
        given = {name: _bits(tensor).clone() for name, tensor in inputs.items()}
        positions = [self._names.index(name) for name in self.wrt]
        tensors = list(inputs.values())
        run = self._run if self._compiled is None else self._compiled
        try:
            found = self._route(run, tensors, positions, self._tensor(upstream))
        except Exception as error:
            if self._compiled is None:
                raise
            self._compiled.explain(error, tensors)
        for name, tensor in inputs.items():
            if not torch.equal(_bits(tensor), given[name]):
                message = f"expected `{name}` to be left as it was given, found it changed in place"
                raise faults.FaultError(message)
        return found

    def _tensor(self, numbers: Sequence[float]) -> Tensor:
        """The numbers of one call; a callable's own are without dimensions."""
        if self._alone:
            return self._number(numbers[0])
        copies = layouts.copies(len(numbers), self.layout)
        return layouts.column(
            [*numbers] * copies, self.dtype, layout=self.layout, device=self.device
        )

    def _number(self, number: float) -> Tensor:
        return torch.tensor(number, dtype=DTYPES[self.dtype], device=self.device)


def measure(
    subject: Program | Subject,
    points: Sequence[Mapping[str, float]],
    upstream: float | Sequence[float],
    *,
    dtype: str,
    wrt: Sequence[str],
    route: str = "reverse",
    order: int = 1,
    layout: str = "batch",
    device: str = "cpu",
) -> Measurement:
    """What a `Runner` of these settings measures once."""
    runner = Runner(
        subject,
        dtype=dtype,
        wrt=wrt,
        route=route,
        order=order,
        layout=layout,
        device=device,
    )
    return runner.measure(points, upstream)


def reverse(
    program: Program,
    points: Sequence[Mapping[str, float]],
    upstream: float | Sequence[float],
    *,
    dtype: str,
    wrt: Sequence[str],
) -> Measurement:
    """Values, gradients and the adjoint of every named step, by `backward()` on all points in one batch."""
    return measure(program, points, upstream, dtype=dtype, wrt=wrt)


# ── what is run ──────────────────────────────────────────────────────────────────────────────────────────────────


def _lowered(
    program: Program, dtype: str, wrt: Sequence[str], device: str
) -> tuple[Run, tuple[str, ...]]:
    """The run of a program, and the names of its inputs."""
    lowered = Lowered(program, dtype, device)
    # A variable of the case that does not occur in the program is an input too: nothing flows to it.
    names = tuple(dict.fromkeys((*program.inputs, *wrt)))

    def run(tensors: Sequence[Tensor]) -> tuple[Tensor, Steps]:
        nodes = lowered.run(dict(zip(names, tensors, strict=True)))
        output = nodes[lowered.program.output]
        if not isinstance(output, Tensor):
            output = torch.tensor(output, dtype=DTYPES[dtype], device=device)
        steps = {name: nodes[index] for name, index in lowered.program.steps.items()}
        return output, steps

    return run, names


def _called(subject: Subject) -> Run:
    def run(tensors: Sequence[Tensor]) -> tuple[Tensor, Steps]:
        return _one_number(subject.function(*tensors)), {}

    return run


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
    """Warnings change no verdict, and no mode of PyTorch's is there or outlives the measurement."""
    with warnings.catch_warnings(), ambient.undisturbed():
        warnings.simplefilter("ignore")
        yield


_ROUTES: dict[str, Route] = {
    "reverse": modes.reverse,
    "forward": modes.forward,
    "func": modes.func_vjp,
    "vmap": modes.vmap,
    "compile-aot_eager": modes.reverse,
    "compile-inductor": modes.reverse,
    "reverse-reverse": modes.reverse_reverse,
    "forward-forward": modes.forward_forward,
    "forward-reverse": modes.forward_reverse,
    "reverse-forward": modes.reverse_forward,
}


# ── tensors → numbers ────────────────────────────────────────────────────────────────────────────────────────────


def _joined(
    found: Sequence[tuple[Derived, int]], wrt: Sequence[str], order: int
) -> Measurement:
    def column(pick: Callable[[Derived], Tensor | None]) -> tuple[float, ...]:
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
    found = tensor.detach()
    if found.dim():  # a lone point may be there in copies
        found = found[:count]
    # Copied, as PyTorch's tangents may be zeros without storage.
    numbers = torch.empty(count, dtype=torch.float64).copy_(found)
    return tuple(numbers.tolist())


def _bits(tensor: Tensor) -> Tensor:
    """The numbers as bytes, which tell -0 from 0 and find NaN equal to NaN."""
    return tensor.detach().reshape(-1).contiguous().view(torch.uint8)


def _spelled(point: Mapping[str, float]) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in point.items())
