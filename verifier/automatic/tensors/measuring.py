"""One run of a call: what comes out of it, its gradients, and what it did besides.

`None` stands where PyTorch returned none. Copies are compared, bit by bit: version
counters prove nothing, for kernels write past them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from verifier import interrupts
from verifier.automatic import faults
from verifier.automatic import settings as ambient
from verifier.automatic.recording.record import seeded
from verifier.automatic.tensors.calls import Call, Ready, tensors_of
from verifier.automatic.watch import Watch, bits, dtype_name, watch_backwards
from verifier.errors import UsageError
from verifier.records import Verdict

Tensor = torch.Tensor
Numbers = npt.NDArray[np.float64]
ChooseUpstream = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
"""From the outputs to their upstream gradients."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """The numbers of one tensor, which float64 holds exactly, and their own dtype."""

    numbers: Numbers
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What was raised in the place of a gradient."""

    message: str
    verdict: Verdict
    traceback: str
    in_backward: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TensorMeasurement:
    """What PyTorch computed in one run."""

    outputs: Mapping[str, Column] = field(default_factory=dict)
    gradients: Mapping[str, Column | None] = field(default_factory=dict)
    hessian: Mapping[str, Column | None] = field(default_factory=dict)
    """The Hessian of the outputs weighted by the upstream gradient, times a direction."""
    upstream: Mapping[str, Tensor] = field(default_factory=dict)
    direction: Mapping[str, Tensor] = field(default_factory=dict)
    changed: tuple[str, str] | None = None
    """What was changed in place, and in words by what."""
    touched: str | None = None
    """An input that no gradient is asked of and that the forward changed in place."""
    unsteady: tuple[str, str] | None = None
    """The input of which a second backward gave other bits, and how."""
    returned: tuple[str, ...] = ()
    """What was wrong with gradients that custom backwards returned."""
    aliased: tuple[str, ...] = ()
    """The outputs that are an input itself, unchanged."""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a call is run."""

    wrt: Sequence[str]
    choose: ChooseUpstream
    route: str = "reverse"
    order: int = 1
    seed: int = 0
    other: ChooseUpstream | None = None
    """The upstream gradient of a second backward through the retained graph."""
    alone: str | None = None
    """The one output that an upstream gradient is given; the others have none, which is
    as if they had zeros."""
    direct: ChooseUpstream | None = None
    """The direction of a Hessian-vector product."""


def measure(call: Call, asked: Asked) -> TensorMeasurement:
    """What PyTorch computes for a call. What it raises is a result, `failure`; what
    other code raises passes."""
    with ambient.undisturbed(), seeded(asked.seed):
        ready = call.ready(asked.wrt)
        watch = _Inputs(ready, asked.wrt)
        run = _Run(ready, asked, watch)
        try:
            return run.measured()
        except UsageError:
            raise
        except Exception as error:
            if interrupts.is_received():
                raise
            return run.failed(error)


class _Inputs:
    """Copies of what a run is given, to see what it leaves of them."""

    def __init__(self, ready: Ready, wrt: Sequence[str]) -> None:
        judged = {n: t for n, t in ready.tensors.items() if n in wrt}
        others = {n: t for n, t in ready.tensors.items() if n not in wrt}
        self._judged, self._others = _watch(judged), _watch(others)
        self.touched: str | None = None
        self._upstream: Watch | None = None
        self.changed: tuple[str, str] | None = None
        self._first = next(iter(judged), "")

    def give(self, upstream: Mapping[str, Tensor]) -> None:
        self._upstream = Watch(
            {
                f"the upstream gradient of `{name}`": tensor
                for name, tensor in upstream.items()
            }
        )

    def look(self, when: str) -> None:
        """Note what is not as it was. A forward may write its state, such as running
        means, into what no gradient is asked of: that is told, and no fault."""
        self._judged.look(when)
        self._others.look(when)
        found = self._judged.changed
        if self._others.changed is not None:
            if when == "forward":
                self.touched, self._others.changed = self._others.changed, None
                self._others = _again(self._others)
            else:
                found = found or self._others.changed
        if self._upstream is not None:
            self._upstream.look(when)
            found = found or self._upstream.changed
        if found is not None and self.changed is None:
            name = found.split("`")[1] if found.startswith("`") else self._first
            self.changed = name, found


def _watch(tensors: Mapping[str, Tensor]) -> Watch:
    return Watch({f"`{name}`": tensor for name, tensor in tensors.items()})


def _again(watch: Watch) -> Watch:
    """A watch of the same tensors as they are now."""
    fresh = Watch({})
    fresh._given = [(n, t, bits(t).clone()) for n, t, _ in watch._given]
    return fresh


class _Run:
    """One run of a call, forward and backward."""

    def __init__(self, ready: Ready, asked: Asked, watch: _Inputs) -> None:
        self.ready, self.asked, self.watch = ready, asked, watch
        self.is_backward = False

    def measured(self) -> TensorMeasurement:
        if self.asked.route == "func":
            return self._by_func()
        outputs = self._forward(self._function())
        differentiable = {n: t for n, t in outputs.items() if t.requires_grad}
        self.is_backward = True
        misfits = [watch_backwards(t) for t in differentiable.values()]
        upstream = dict(self.asked.choose(differentiable))
        if self.asked.alone is not None:
            for name in upstream.keys() - {self.asked.alone}:
                upstream[name] = torch.zeros_like(upstream[name])
            differentiable = {self.asked.alone: differentiable[self.asked.alone]}
        self.watch.give(upstream)
        kept = {name: tensor.clone() for name, tensor in upstream.items()}
        measurement = TensorMeasurement(
            outputs={name: column(tensor) for name, tensor in outputs.items()},
            upstream=kept,
            aliased=_aliased(outputs, self.ready.tensors),
        )
        order = self.asked.order
        gradients = self._backward(differentiable, upstream, create_graph=order == 2)
        # At once: what is returned may be an input, or be written to later.
        found = {name: column_or_none(g) for name, g in gradients.items()}
        self.watch.look("backward")
        if order == 2 and self.asked.direct is not None:
            measurement = self._second(measurement, gradients)
        elif self.asked.other is not None:
            measurement = self._again(measurement, differentiable, found)
        return replace(
            measurement,
            gradients=found,
            changed=self.watch.changed,
            touched=self.watch.touched,
            returned=tuple(dict.fromkeys(text for one in misfits for text in one)),
        )

    def _function(self) -> Callable[..., Any]:
        route = self.asked.route
        if not route.startswith("compile"):
            return self.ready
        backend = route.partition("-")[2] or "inductor"
        function = torch.compile(self.ready.function, backend=backend)
        return lambda: function(*self.ready.args, **self.ready.kwargs)

    def _forward(self, function: Callable[..., Any]) -> dict[str, Tensor]:
        result = function()
        interrupts.check()
        self.watch.look("forward")
        outputs = {n: t for n, t in tensors_of(result).items() if t.is_floating_point()}
        if not outputs:
            raise UsageError(
                f"expected the callable to return a tensor of floating-point numbers, found {_kind(result)}."
            )
        return outputs

    def _backward(
        self,
        outputs: Mapping[str, Tensor],
        upstream: Mapping[str, Tensor],
        *,
        create_graph: bool = False,
    ) -> dict[str, Tensor | None]:
        if not outputs:
            return dict.fromkeys(self.ready.wrt)
        gradients = torch.autograd.grad(
            list(outputs.values()),
            list(self.ready.wrt.values()),
            [upstream[name] for name in outputs],
            retain_graph=True,
            create_graph=create_graph,
            allow_unused=True,
        )
        interrupts.check()
        return dict(zip(self.ready.wrt, gradients, strict=True))

    def _again(
        self,
        measurement: TensorMeasurement,
        outputs: Mapping[str, Tensor],
        found: Mapping[str, Column | None],
    ) -> TensorMeasurement:
        """A backward through the same graph at another upstream gradient, and then one
        at the first, which must give what it gave."""
        assert self.asked.other is not None
        kept = {name: tensor.clone() for name, tensor in measurement.upstream.items()}
        try:
            self._backward(outputs, self.asked.other(outputs))
            second = self._backward(outputs, kept)
        except Exception as error:
            name = next(iter(self.ready.wrt))
            how = f"a second backward through the retained graph raises {faults.first_line(error)}"
            return replace(measurement, unsteady=(name, how))
        for name, gradient in second.items():
            if not are_equal(found[name], column_or_none(gradient)):
                how = "another backward through the retained graph gives other bits"
                return replace(measurement, unsteady=(name, how))
        return measurement

    def _second(
        self, measurement: TensorMeasurement, gradients: Mapping[str, Tensor | None]
    ) -> TensorMeasurement:
        """The derivative of ⟨gradient, direction⟩."""
        assert self.asked.direct is not None
        known = {
            name: g
            for name, g in gradients.items()
            if g is not None and g.requires_grad
        }
        direction = dict(self.asked.direct(self.ready.wrt))
        found: Mapping[str, Tensor | None] = dict.fromkeys(self.ready.wrt)
        if known:
            found = self._backward(known, direction)
        return replace(
            measurement,
            hessian={name: column_or_none(g) for name, g in found.items()},
            direction={name: t.clone() for name, t in direction.items()},
        )

    def _by_func(self) -> TensorMeasurement:
        """The gradient by `torch.func.vjp`, of functions of arguments alone."""
        names = list(self.ready.wrt)
        ready = self.ready
        flat, spec = torch.utils._pytree.tree_flatten((ready.args, dict(ready.kwargs)))
        places = [
            next((i for i, leaf in enumerate(flat) if leaf is ready.wrt[name]), None)
            for name in names
        ]
        if None in places:
            raise UsageError(
                "route `func`: expected a function of its arguments alone, found parameters. Choose `reverse`."
            )

        def function(*tensors: Tensor) -> tuple[Tensor, ...]:
            leaves = list(flat)
            for place, tensor in zip(places, tensors, strict=True):
                leaves[place] = tensor  # type: ignore[index]
            args, kwargs = torch.utils._pytree.tree_unflatten(leaves, spec)
            return tuple(
                self._forward(lambda: ready.function(*args, **kwargs)).values()
            )

        detached = [tensor.detach() for tensor in ready.wrt.values()]
        pair: Any = torch.func.vjp(function, *detached)
        values, pull = pair
        keys = (
            ["output"]
            if len(values) == 1
            else [f"output[{i}]" for i in range(len(values))]
        )
        outputs = dict(zip(keys, values, strict=True))
        self.is_backward = True
        upstream = dict(self.asked.choose(outputs))
        found = pull(tuple(upstream.values()))
        return TensorMeasurement(
            outputs={name: column(t) for name, t in outputs.items()},
            gradients={n: column_or_none(g) for n, g in zip(names, found, strict=True)},
            upstream=upstream,
        )

    def failed(self, error: Exception) -> TensorMeasurement:
        """The failure where it is PyTorch's, or a gradient that it refuses; what other
        code raised is raised again."""
        text = faults.first_line(error)
        if not faults.is_pytorchs(error):
            error.add_note("raised by the subject itself")
            raise error
        refused = self.is_backward and "returned an invalid gradient" in text
        unable = isinstance(error, NotImplementedError) or "not implemented" in text
        if not self.is_backward and not unable:
            raise error
        verdict = Verdict.DIFFER_WRONG if refused else Verdict.DIFFER_UNSUPPORTED
        failure = Failure(
            message=text,
            verdict=verdict,
            traceback=faults.traceback_of(error),
            in_backward=self.is_backward,
        )
        return TensorMeasurement(failure=failure)


def column(tensor: Tensor) -> Column:
    """The numbers of a tensor."""
    numbers = tensor.detach().to("cpu", torch.float64).numpy().copy()
    return Column(numbers=numbers, dtype=dtype_name(tensor))


def column_or_none(tensor: Tensor | None) -> Column | None:
    """The numbers of a gradient, which may be none."""
    if tensor is None:
        return None
    return column(tensor.to_dense() if tensor.layout != torch.strided else tensor)


def _aliased(
    outputs: Mapping[str, Tensor], inputs: Mapping[str, Tensor]
) -> tuple[str, ...]:
    return tuple(
        name
        for name, output in outputs.items()
        if any(output is tensor for tensor in inputs.values())
    )


def _kind(result: object) -> str:
    if isinstance(result, Tensor):
        return f"one of `{dtype_name(result)}`"
    return f"`{type(result).__name__}`"


def same_bits(first: TensorMeasurement, second: TensorMeasurement) -> str | None:
    """What of two runs on the same numbers is not the same, bit by bit; None where all
    is."""
    for kind in ("outputs", "gradients"):
        ones, others = getattr(first, kind), getattr(second, kind)
        for name, one in ones.items():
            other = others.get(name)
            if not are_equal(one, other):
                return str(name)
    return None


def are_equal(one: Column | None, other: Column | None) -> bool:
    """Whether two have the same bits, shape and dtype."""
    if one is None or other is None:
        return one is other
    if one.dtype != other.dtype or one.numbers.shape != other.numbers.shape:
        return False
    return one.numbers.tobytes() == other.numbers.tobytes()
