"""PyTorch's ways to the gradient of a complex function, by its convention for complex numbers.

Reverse mode hands back grad · conj(f′(z)) of a holomorphic f. Forward mode takes the tangent 1 to f′(z); the gradient
is the upstream gradient times its conjugate.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.autograd import forward_ad as _forward_ad

from verifier.automatic import ambient, faults
from verifier.automatic.lowering import DTYPES, Lowered, Value
from verifier.automatic.subjects import Subject, SubjectError
from verifier.language.expression import Program
from verifier.records import Verdict

Tensor = torch.Tensor
# PyTorch leaves them unannotated.
forward_ad: Any = _forward_ad
func: Any = torch.func


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplexMeasurement:
    """What PyTorch computed at each point, by point in order.

    `steps`, the adjoints of named steps, is empty by the routes that have none to show. `failure` is the first line of
    the exception where PyTorch raised one, and `traceback` all of it; then the rest is empty.
    """

    values: tuple[complex, ...] = ()
    gradient: Mapping[str, tuple[complex, ...]] = field(default_factory=dict)
    steps: Mapping[str, tuple[complex, ...]] = field(default_factory=dict)
    failure: str | None = None
    traceback: str | None = None
    failure_verdict: Verdict = Verdict.DIFFER_UNSUPPORTED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Derived:
    """What a route returns; None means that nothing flows there."""

    value: Tensor
    gradient: Mapping[str, Tensor | None]
    steps: Mapping[str, Tensor | None] = field(default_factory=dict)


Run = Callable[[Mapping[str, Tensor]], tuple[Tensor, Mapping[str, Value]]]
"""The function under test: the inputs' tensors to the output and the named steps."""
Route = Callable[[Run, Mapping[str, Tensor], Sequence[str], complex], _Derived]


def measure(
    subject: Program | Subject,
    points: Sequence[Mapping[str, complex]],
    upstream: complex,
    *,
    dtype: str,
    wrt: Sequence[str],
    route: str = "reverse",
) -> ComplexMeasurement:
    """What PyTorch computes for a program, on all points in one batch, or for a user's callable, point by point.

    What PyTorch raises is a result, as `failure`; what other code raises passes. `SubjectError` is raised for a
    callable that does not return one complex number.
    """
    derive = _ROUTES[route]
    batches = [points] if isinstance(subject, Program) else [[one] for one in points]
    found: list[ComplexMeasurement] = []
    for batch in batches:
        run, inputs = _prepared(subject, batch, dtype, wrt)
        try:
            with warnings.catch_warnings(), ambient.undisturbed():
                warnings.simplefilter("ignore")
                derived = derive(run, inputs, wrt, upstream)
        except SubjectError:
            raise
        except Exception as error:
            if not _is_pytorchs(error, subject, batch[0], dtype):
                raise
            return ComplexMeasurement(
                failure=faults.first_line(error), traceback=faults.told(error)
            )
        found.append(_numbers_of(derived, len(batch)))
    return _joined(found)


def _prepared(
    subject: Program | Subject,
    points: Sequence[Mapping[str, complex]],
    dtype: str,
    wrt: Sequence[str],
) -> tuple[Run, dict[str, Tensor]]:
    if isinstance(subject, Subject):
        inputs = {
            name: torch.tensor(points[0][name], dtype=DTYPES[dtype])
            for name in subject.inputs
        }
        return _calling(subject), inputs
    # A variable of the case that does not occur in the program is an input too: nothing flows to it.
    names = dict.fromkeys((*subject.inputs, *wrt))
    inputs = {
        name: torch.tensor([p.get(name, 0j) for p in points], dtype=DTYPES[dtype])
        for name in names
    }
    return _running(Lowered(subject, dtype)), inputs


def _is_pytorchs(
    error: Exception,
    subject: Program | Subject,
    point: Mapping[str, complex],
    dtype: str,
) -> bool:
    """Whether PyTorch cannot run or differentiate this; a callable that fails on plain numbers is itself at fault.

    Unless PyTorch says that it does not implement what is asked.
    """
    if not faults.is_pytorchs(error):
        return False
    if not isinstance(subject, Subject) or isinstance(error, NotImplementedError):
        return True
    run, inputs = _prepared(subject, [point], dtype, ())
    try:
        with torch.no_grad():
            run(inputs)
    except Exception:
        return False
    return True


def _calling(subject: Subject) -> Run:
    def run(tensors: Mapping[str, Tensor]) -> tuple[Tensor, Mapping[str, Value]]:
        result = subject.function(*(tensors[name] for name in subject.inputs))
        if not isinstance(result, Tensor) or result.numel() != 1:
            raise SubjectError(
                "expected the subject to return one complex number, found something else. "
                "Return a complex tensor of one element."
            )
        if not result.is_complex():
            raise SubjectError(
                f"expected the subject to return a complex number, found {str(result.dtype).removeprefix('torch.')}. "
                "Return a complex tensor of one element."
            )
        return result.reshape(()), {}

    return run


def _running(lowered: Lowered) -> Run:
    program = lowered.program

    def run(tensors: Mapping[str, Tensor]) -> tuple[Tensor, Mapping[str, Value]]:
        nodes = lowered.run(tensors)
        output = nodes[program.output]
        if not isinstance(output, Tensor):
            output = torch.tensor(output, dtype=lowered.dtype)
        return output, {name: nodes[index] for name, index in program.steps.items()}

    return run


def _reverse(
    run: Run, inputs: Mapping[str, Tensor], wrt: Sequence[str], upstream: complex
) -> _Derived:
    leaves = {name: tensor.requires_grad_() for name, tensor in inputs.items()}
    output, steps = run(leaves)
    recorded = {
        name: step
        for name, step in steps.items()
        if isinstance(step, Tensor) and step.requires_grad
    }
    for step in recorded.values():
        step.retain_grad()
    seed: Any = torch.full_like(output, upstream)
    root: Any = output  # PyTorch leaves `backward` unannotated
    root.backward(seed, inputs=list(leaves.values()))
    return _Derived(
        value=output,
        gradient={name: leaves[name].grad for name in wrt},
        steps=dict.fromkeys(steps) | {n: step.grad for n, step in recorded.items()},
    )


def _func(
    run: Run, inputs: Mapping[str, Tensor], wrt: Sequence[str], upstream: complex
) -> _Derived:
    value, pull_back = func.vjp(lambda tensors: run(tensors)[0], dict(inputs))
    (gradient,) = pull_back(torch.full_like(value, upstream))
    return _Derived(value=value, gradient={name: gradient[name] for name in wrt})


def _forward(
    run: Run, inputs: Mapping[str, Tensor], wrt: Sequence[str], upstream: complex
) -> _Derived:
    gradient: dict[str, Tensor | None] = {}
    with forward_ad.dual_level():
        for name in wrt:
            own = inputs[name]
            dual = forward_ad.make_dual(own, torch.ones_like(own))
            output, _ = run({**inputs, name: dual})
            value, tangent = forward_ad.unpack_dual(output)
            gradient[name] = None if tangent is None else tangent.conj() * upstream
    return _Derived(value=value, gradient=gradient)


_ROUTES: dict[str, Route] = {"reverse": _reverse, "func": _func, "forward": _forward}


def _numbers_of(derived: _Derived, count: int) -> ComplexMeasurement:
    return ComplexMeasurement(
        values=_numbers(derived.value, count),
        gradient={n: _numbers(t, count) for n, t in derived.gradient.items()},
        steps={n: _numbers(t, count) for n, t in derived.steps.items()},
    )


def _numbers(tensor: Tensor | None, count: int) -> tuple[complex, ...]:
    """The numbers at `count` points; None is zero."""
    if tensor is None:
        return (0j,) * count
    # Copied, as PyTorch's tangents may be zeros without storage.
    numbers = torch.empty(count, dtype=torch.complex128).copy_(tensor.detach())
    return tuple(numbers.tolist())


def _joined(found: Sequence[ComplexMeasurement]) -> ComplexMeasurement:
    if len(found) == 1:
        return found[0]
    first = found[0] if found else ComplexMeasurement()
    return ComplexMeasurement(
        values=tuple(n for one in found for n in one.values),
        gradient={
            name: tuple(n for one in found for n in one.gradient[name])
            for name in first.gradient
        },
        steps={
            name: tuple(n for one in found for n in one.steps[name])
            for name in first.steps
        },
    )
