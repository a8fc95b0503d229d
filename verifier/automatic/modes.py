"""The modes of differentiation that the routes are made of: reverse, forward,
`torch.func`'s, and two of them nested.

Each takes a run, the tensors of its inputs and the upstream gradient, and returns
tensors; `routes` makes numbers of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.autograd import forward_ad as _forward_ad

from verifier.automatic.lowering import Value
from verifier.automatic.watch import Returned, bits, watch_backwards

Tensor = torch.Tensor

# PyTorch leaves the one unannotated, and the other without what `has_aux` adds to a
# result.
forward_ad: Any = _forward_ad
func: Any = torch.func

Steps = Mapping[str, Value]
Run = Callable[[Sequence[Tensor]], tuple[Tensor, Steps]]
"""The function under test: the inputs' tensors to the output and the named steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What a route returns; None means that nothing flows there. Rows and entries are
    in the order of `wrt`."""

    value: Tensor
    gradient: Sequence[Tensor | None]
    hessian: Sequence[Sequence[Tensor | None]] = ()
    steps: Mapping[str, Tensor | None] = field(default_factory=dict)
    changed: str | None = None
    """What the backward changed in place of what it was given: the upstream gradient,
    or the output."""
    again: Sequence[Tensor | None] | Exception | None = None
    """The gradient by a second backward through the same graph, or what that raised;
    None where there was none."""
    returned: Returned = ()
    """What was wrong with the gradients that a backward of the user's returned, before
    PyTorch made them fit."""


class InvalidGradient(RuntimeError):
    """PyTorch refused a gradient that a custom backward returned; the message says
    which."""


Route = Callable[[Run, Sequence[Tensor], Sequence[int], Tensor], Derived]
"""A run, its inputs, the positions of those to differentiate by, and the upstream
gradient at every point."""


def seed(output: Tensor, upstream: Tensor) -> Tensor:
    """The upstream gradient in the dtype of what it flows into; one number for an
    output that is a constant."""
    if upstream.shape != output.shape:
        upstream = upstream.reshape(-1)[:1].expand(output.shape)
    return upstream.to(output.dtype)


# ── order 1 ───────────────────────────────────────────────────────────────────────────


def reverse_twice(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: Tensor
) -> Derived:
    """As `reverse`, and then a second backward through the graph, which is kept for
    it."""
    return reverse(run, inputs, wrt, upstream, twice=True)


def reverse(
    run: Run,
    inputs: Sequence[Tensor],
    wrt: Sequence[int],
    upstream: Tensor,
    *,
    twice: bool = False,
) -> Derived:
    leaves = _leaves(inputs)
    output: Any
    output, steps = run(leaves)
    value = output.detach().clone()
    recorded = _recorded(steps)
    for step in recorded.values():
        step.retain_grad()
    cotangent = seed(output, upstream)
    given = cotangent.clone()
    returned = watch_backwards(output)
    try:
        # A subject may own parameters, in which nothing must be left behind.
        output.backward(cotangent, inputs=leaves, retain_graph=twice)
    except RuntimeError as error:
        raise InvalidGradient(returned[-1]) if returned else error from error
    watched = {"upstream gradient": (cotangent, given), "output": (output, value)}
    changed = [
        name for name, pair in watched.items() if not torch.equal(*map(bits, pair))
    ]
    gradient = [leaves[position].grad for position in wrt]
    adjoints = {name: step.grad for name, step in recorded.items()}
    return Derived(
        value=value,
        gradient=gradient,
        steps=dict.fromkeys(steps) | adjoints,
        changed=next(iter(changed), None),
        again=_second(output, leaves, wrt, given) if twice else None,
        returned=tuple(returned),
    )


def _second(
    output: Any, leaves: Sequence[Tensor], wrt: Sequence[int], cotangent: Tensor
) -> Sequence[Tensor | None] | Exception:
    """The gradient by one more backward."""
    for leaf in leaves:
        leaf.grad = None
    try:
        output.backward(cotangent, inputs=leaves)
    except Exception as error:  # the first one did not raise: this is a finding
        return error
    return [leaves[position].grad for position in wrt]


def reverse_apart(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: Tensor
) -> Derived:
    """The value where nothing is recorded, and the gradient by each input where it
    alone needs one."""
    plain = [tensor.detach() for tensor in inputs]
    given = [tensor.clone() for tensor in plain]
    with torch.no_grad():
        try:
            value: Tensor | None = run(plain)[0]
        except Exception:  # what differentiates inside cannot do without
            value = None
    gradient: list[Tensor | None] = []
    for position in wrt:
        for tensor, kept in zip(plain, given, strict=True):
            tensor.copy_(kept)  # a run may have changed it in place
        leaf = plain[position].clone().requires_grad_()
        output, _ = run(_with(plain, position, leaf))
        value = output if value is None else value
        if output.requires_grad:
            gradient += torch.autograd.grad(
                output, [leaf], seed(output, upstream), allow_unused=True
            )
        else:
            gradient.append(None)
    assert value is not None
    return Derived(value=value.detach().clone(), gradient=gradient)


def forward(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: Tensor
) -> Derived:
    gradient: list[Tensor | None] = []
    with forward_ad.dual_level():
        for position in wrt:
            # Only this input is dual: a tangent 0 of another would make NaN of an
            # infinite partial derivative.
            dual = forward_ad.make_dual(inputs[position], _ones(inputs[position]))
            output, _ = run(_with(inputs, position, dual))
            value, tangent = forward_ad.unpack_dual(output)
            gradient.append(
                # By PyTorch's convention a gradient is that of the conjugate; of a real
                # tangent this is itself.
                None if tangent is None else tangent.conj() * seed(tangent, upstream)
            )
    return Derived(value=value, gradient=gradient)


def forward_seeded(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: Tensor
) -> Derived:
    """As `forward`, but the tangent is the upstream gradient itself: a `jvp` may
    mistake its tangent as well."""
    if any(0 in inputs[position].stride() for position in wrt):
        # PyTorch makes no other tangent for what is expanded.
        return forward(run, inputs, wrt, upstream)
    gradient: list[Tensor | None] = []
    with forward_ad.dual_level():
        for position in wrt:
            tangent = torch.empty_like(inputs[position]).copy_(upstream.conj())
            dual = forward_ad.make_dual(inputs[position], tangent)
            output, _ = run(_with(inputs, position, dual))
            value, product = forward_ad.unpack_dual(output)
            gradient.append(None if product is None else product.conj())
    return Derived(value=value, gradient=gradient)


def func_vjp(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: Tensor
) -> Derived:
    value, gradient = _vjp(run, inputs, upstream)
    return Derived(value=value, gradient=[gradient[position] for position in wrt])


def vmap(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: Tensor
) -> Derived:
    """One point a lane: the run sees single numbers."""

    def lane(upstream: Tensor, *tensors: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        return _vjp(run, tensors, upstream)

    value, gradient = func.vmap(lane)(upstream, *inputs)
    return Derived(value=value, gradient=[gradient[position] for position in wrt])


def _leaves(inputs: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.requires_grad_() for tensor in inputs]


def _recorded(steps: Steps) -> dict[str, Tensor]:
    """The steps through which a gradient flows."""
    return {
        name: step
        for name, step in steps.items()
        if isinstance(step, Tensor) and step.requires_grad
    }


def _ones(like: Tensor) -> Tensor:
    """A tangent of 1, laid out as what it belongs to: PyTorch refuses to make an
    expanded tensor's another way."""
    return (
        like.new_ones(1).expand_as(like)
        if 0 in like.stride()
        else like.new_ones(like.shape)
    )


def _with(inputs: Sequence[Tensor], position: int, tensor: Tensor) -> list[Tensor]:
    return [*inputs[:position], tensor, *inputs[position + 1 :]]


def _vjp(
    run: Run, inputs: Sequence[Tensor], upstream: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The value, and the gradient by every input: `torch.func`'s reverse mode."""
    value, pull_back = func.vjp(lambda *tensors: run(tensors)[0], *inputs)
    return value, pull_back(seed(value, upstream))


def _jvp(
    run: Run, inputs: Sequence[Tensor], position: int, upstream: Tensor
) -> tuple[Tensor, Tensor]:
    """The value, and the derivative by one input times the upstream: `torch.func`'s
    forward mode."""
    primal = inputs[position]
    value, tangent = func.jvp(
        lambda moved: run(_with(inputs, position, moved))[0],
        (primal,),
        (_ones(primal),),
    )
    return value, tangent * seed(tangent, upstream)


# ── order 2 ───────────────────────────────────────────────────────────────────────────


def reverse_reverse(
    run: Run,
    inputs: Sequence[Tensor],
    wrt: Sequence[int],
    upstream: Tensor,
    *,
    factor: float = 1.0,
) -> Derived:
    leaves = _leaves(inputs)
    output, steps = run(leaves)
    recorded = _recorded(steps)
    first = torch.autograd.grad(
        output,
        [*leaves, *recorded.values()],
        seed(output, upstream),
        create_graph=True,
        allow_unused=True,
    )
    by = [leaves[position] for position in wrt]
    gradient = [first[position] for position in wrt]
    adjoints = zip(recorded, first[len(leaves) :], strict=True)
    return Derived(
        value=output,
        gradient=gradient,
        hessian=[_again(entry, by, factor) for entry in gradient],
        steps=dict.fromkeys(steps) | dict(adjoints),
    )


def _again(
    entry: Tensor | None, by: Sequence[Tensor], factor: float
) -> Sequence[Tensor | None]:
    """The derivatives of one entry of the gradient; none flow where it does not depend
    on the inputs."""
    if entry is None or not entry.requires_grad:
        return [None] * len(by)
    cotangent = torch.full_like(entry, factor)
    rows: Sequence[Tensor | None] = torch.autograd.grad(
        entry, by, cotangent, retain_graph=True, allow_unused=True
    )
    return [None if row is None else row / factor for row in rows]


def reverse_reverse_along(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: Tensor
) -> Derived:
    """The same with the outer cotangent −2, by which the result is divided: exact, and
    no rule may ignore it."""
    return reverse_reverse(run, inputs, wrt, upstream, factor=-2.0)


def forward_forward(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: Tensor
) -> Derived:
    def gradient(tensors: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], Tensor]:
        pairs = [_jvp(run, tensors, position, upstream) for position in wrt]
        return tuple(entry for _, entry in pairs), pairs[0][0]

    return _outer_forward(gradient, inputs, wrt)


def forward_reverse(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: Tensor
) -> Derived:
    def gradient(tensors: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], Tensor]:
        value, entries = _vjp(run, tensors, upstream)
        return tuple(entries[position] for position in wrt), value

    return _outer_forward(gradient, inputs, wrt)


def _outer_forward(
    gradient: Callable[[Sequence[Tensor]], tuple[tuple[Tensor, ...], Tensor]],
    inputs: Sequence[Tensor],
    wrt: Sequence[int],
) -> Derived:
    """The derivatives of the whole gradient by one input after the other."""
    columns: list[tuple[Tensor, ...]] = []
    for position in wrt:
        primal = inputs[position]
        entries, tangents, value = func.jvp(
            lambda moved, position=position: gradient(_with(inputs, position, moved)),
            (primal,),
            (_ones(primal),),
            has_aux=True,
        )
        columns.append(tangents)
    return Derived(
        value=value, gradient=entries, hessian=list(zip(*columns, strict=True))
    )


def reverse_forward(
    run: Run, inputs: Sequence[Tensor], wrt: Sequence[int], upstream: Tensor
) -> Derived:
    gradient: list[Tensor] = []
    rows: list[list[Tensor]] = []
    for position in wrt:

        def entry(*tensors: Tensor, position: int = position) -> tuple[Tensor, Tensor]:
            value, derivative = _jvp(run, tensors, position, upstream)
            return derivative, value

        # One entry at a time: a cotangent 0 of another would make NaN of an infinite
        # partial derivative.
        derivative, pull_back, value = func.vjp(entry, *inputs, has_aux=True)
        cotangents = pull_back(torch.ones_like(derivative))
        gradient.append(derivative)
        rows.append([cotangents[other] for other in wrt])
    return Derived(value=value, gradient=gradient, hessian=rows)
