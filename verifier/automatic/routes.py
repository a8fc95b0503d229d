"""PyTorch's ways to a derivative: each route gives the value, the gradient and, at
order 2, the Hessian.

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

A route of order 2 is named outer-inner, as the literature's "forward over reverse": the
inner mode gives the gradient, the outer one differentiates that, entry by entry.
Forward mode has no upstream gradient: it takes the derivative with tangent 1, then
multiplies by the upstream in the dtype. The outer mode has tangent or cotangent 1, so
that a Hessian is the derivative of the gradient that was measured. Of a callable, whose
own rules may not be linear, the outer cotangent of `reverse-reverse` is −2, by which
the result is divided.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from verifier import interrupts
from verifier.automatic import compiled, faults, layouts, modes
from verifier.automatic import settings as ambient
from verifier.automatic.compiled import Compiled, CompileError
from verifier.automatic.lowering import DTYPES, Lowered
from verifier.automatic.measurement import Call, joined
from verifier.automatic.modes import Route, Run, Steps
from verifier.automatic.subjects import Subject, SubjectError
from verifier.automatic.watch import Watch, dtype_name
from verifier.language.casefile.case import ROUTES as ROUTES
from verifier.language.kernels.compositions import expand
from verifier.language.programs.fixed import fixed_inputs
from verifier.language.programs.program import Program
from verifier.measurements import Batch, Measurement
from verifier.records import Verdict

Tensor = torch.Tensor


class Runner:
    """A program or a user's callable, ready to be measured by one route in one dtype.

    `layout` is one of those of `layouts`; without one, a program takes all points in one batch, a callable one after
    the other. `device` is PyTorch's name of one. Compiled code is kept from one measurement to the next. `twice` asks
    route `reverse` for a second backward through each graph, `seeded` asks route `forward` to take the upstream
    gradient as its tangent.
    """

    def __init__(
        self,
        subject: Program | Subject,
        *,
        dtype: str,
        wrt: Sequence[str],
        route: str = "reverse",
        order: int = 1,
        layout: str | None = None,
        device: str = "cpu",
        twice: bool = False,
        seeded: bool = False,
    ) -> None:
        if route not in ROUTES[order]:
            raise ValueError(f"no route of order {order} is called `{route}`")
        self.dtype, self.wrt, self.order = dtype, tuple(wrt), order
        self.device = device
        self._is_called = isinstance(subject, Subject)
        # Single numbers, of which only `vmap` makes many at once.
        alone = self._is_called and layout in (None, "single", "apart")
        self._alone = alone and route != "vmap"
        self.layout = layout or ("single" if self._alone else "batch")
        self._route = _ROUTES[route]
        if twice:
            self._route = modes.reverse_twice
        elif seeded and route == "forward":
            self._route = modes.forward_seeded
        elif self._is_called and route == "reverse-reverse":
            self._route = modes.reverse_reverse_along
        elif layout == "apart" and route == "reverse":
            self._route = modes.reverse_apart
        if isinstance(subject, Program):
            self._run, self._names = _lowered(subject, dtype, wrt, device)
            fixed = fixed_inputs(subject)
        else:
            shaped = route == "vmap" or self._alone
            call = _called if shaped else _called_at_once
            self._run = call(subject, DTYPES[dtype].is_complex)
            self._names, fixed = subject.inputs, subject.fixed
        if fixed.difference(wrt):
            is_fixed = [name in fixed and name not in wrt for name in self._names]
            self._run = _without_gradients(self._run, is_fixed)
        self._is_forward = False
        """Whether the function itself is running, and not a backward."""
        self._compiled = None
        if route in compiled.BACKENDS:
            if isinstance(subject, Program):
                compiled.check_size(len(expand(subject).nodes))
            self._compiled = Compiled(self._run, compiled.BACKENDS[route])

    def measure(self, batch: Batch) -> Measurement:
        """What PyTorch computes at the points of a batch.

        Where nothing flows to an input, PyTorch leaves None, which stands as zero and is
        `missing`. What PyTorch raises is a result, as `failure`; what other code raises
        passes. `SubjectError` is raised for a callable that does not return one number for
        each that it is given, `CompileError` where nothing can be compiled here.
        """
        calls: list[Call] = []
        with _undisturbed():
            for places in layouts.calls(len(batch), self.layout):
                try:
                    with ambient.undisturbed():
                        calls.append(self._derive(batch, places))
                    if self._is_called:
                        interrupts.check()  # a backward may have made nothing of it
                except (SubjectError, CompileError):
                    raise
                except BaseException as error:  # `sys.exit()` is no Exception
                    point = batch.point(places.start)
                    alone = len(places) == 1 < len(batch)
                    return self._failed(
                        error, f"at {_spelled(point)}" if alone else "", point
                    )
            return joined(calls, self.wrt, self.order)

    def _failed(
        self, error: BaseException, where: str, point: Mapping[str, float]
    ) -> Measurement:
        """The failure where it is PyTorch's, or a gradient that it refuses; what other
        code raised is raised again."""
        verdict, text = Verdict.DIFFER_UNSUPPORTED, faults.first_line(error)
        if isinstance(error, modes.InvalidGradient):
            verdict, text = Verdict.DIFFER_WRONG, str(error)
        elif not (isinstance(error, Exception) and self._is_pytorchs(error, point)):
            if where:
                error.add_note(where)
            if self._is_called and not interrupts.is_received():
                error.add_note("raised by the subject itself")
            raise error
        return Measurement(
            failure=text + (where and f" ({where})"),
            failure_verdict=verdict,
            traceback=faults.traceback_of(error),
        )

    def _is_pytorchs(self, error: Exception, point: Mapping[str, float]) -> bool:
        """Whether PyTorch cannot run or differentiate this; a callable that fails on
        plain numbers is itself at fault.

        Plainly: without anything recorded where its forward raised, and by reverse mode
        where its backward did. Unless PyTorch says that it does not implement what is
        asked.
        """
        if not faults.is_pytorchs(error):
            return False
        if not self._is_called:
            return True
        if faults.is_thrown_elsewhere(error):
            return False
        if isinstance(error, NotImplementedError):
            return True
        tensors = [self._number(point.get(name, 0.0)) for name in self._names]
        try:
            if self._is_forward:
                with torch.no_grad():
                    self._run(tensors)
            elif faults.passes_through_others(error):
                modes.reverse(
                    self._run, tensors, range(len(tensors)), self._number(1.0)
                )
        except Exception:
            return False
        return True

    def _derive(self, batch: Batch, places: range) -> Call:
        """What the route gives at some of the points, and what it changed in place."""
        part = slice(places.start, places.stop)
        nothing = [0.0] * len(batch)  # for an argument that the case does not name
        inputs = {
            name: self._tensor(batch.inputs.get(name, nothing)[part])
            for name in self._names
        }
        cotangent = self._tensor(batch.upstream[part])
        given = cotangent.clone()
        watch = Watch(
            {f"`{name}`": tensor for name, tensor in inputs.items()}
            | {"the upstream gradient": cotangent}
        )
        positions = [self._names.index(name) for name in self.wrt]
        tensors = list(inputs.values())
        inner = self._run if self._compiled is None else self._compiled

        def run(tensors: Sequence[Tensor]) -> tuple[Tensor, Steps]:
            self._is_forward = True
            output = inner(tensors)
            self._is_forward = False
            watch.look("forward")
            return output

        try:
            derived = self._route(run, tensors, positions, cotangent)
        except Exception as error:
            if self._compiled is None:
                raise
            self._compiled.explain(error, tensors)
        watch.look("backward")
        changed = watch.changed
        if changed is None and derived.changed is not None:
            changed = f"the {derived.changed} was changed in place by the backward"
        return Call(derived=derived, count=len(places), upstream=given, changed=changed)

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
    layout: str | None = None,
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
    return runner.measure(Batch.of(points, upstream))


def reverse(
    program: Program,
    points: Sequence[Mapping[str, float]],
    upstream: float | Sequence[float],
    *,
    dtype: str,
    wrt: Sequence[str],
) -> Measurement:
    """Values, gradients and the adjoint of every named step, by `backward()` on all
    points in one batch."""
    return measure(program, points, upstream, dtype=dtype, wrt=wrt)


# ── what is run ───────────────────────────────────────────────────────────────────────


def _lowered(
    program: Program, dtype: str, wrt: Sequence[str], device: str
) -> tuple[Run, tuple[str, ...]]:
    """The run of a program, and the names of its inputs."""
    lowered = Lowered(program, dtype, device)
    # A variable of the case that does not occur in the program is an input too: nothing
    # flows to it.
    names = tuple(dict.fromkeys((*program.inputs, *wrt)))

    def run(tensors: Sequence[Tensor]) -> tuple[Tensor, Steps]:
        nodes = lowered.run(dict(zip(names, tensors, strict=True)))
        output = lowered.tensor(nodes[lowered.program.output])
        if not program.inputs:
            output = _beside(output, tensors)
        steps = {name: nodes[index] for name, index in lowered.program.steps.items()}
        return output, steps

    return run, names


def _beside(constant: Tensor, inputs: Sequence[Tensor]) -> Tensor:
    """A constant as a function of inputs, to which nothing flows back: PyTorch refuses
    to differentiate what has none."""
    for tensor in inputs:
        always = torch.ones_like(tensor, dtype=torch.bool)
        constant = torch.where(always, constant, tensor)
    return constant


def _without_gradients(run: Run, is_fixed: Sequence[bool]) -> Run:
    """The run with some of its inputs as ones that need no gradient."""

    def apart(tensors: Sequence[Tensor]) -> tuple[Tensor, Steps]:
        pairs = zip(tensors, is_fixed, strict=True)
        return run([tensor.detach() if fixed else tensor for tensor, fixed in pairs])

    return apart


def _result(subject: Subject, tensors: Sequence[Tensor]) -> Any:
    result = subject.function(*tensors)
    interrupts.check()  # it may have caught the user's interrupt
    return result


def _called(subject: Subject, is_complex: bool) -> Run:
    def run(tensors: Sequence[Tensor]) -> tuple[Tensor, Steps]:
        result = _of_kind(_result(subject, tensors), is_complex)
        if result.numel() != 1:
            kind = "complex" if is_complex else "real"
            raise SubjectError(
                f"expected the subject to return one {kind} number, found {_kind(result)}. {_mend(is_complex)}"
            )
        return result.reshape(()) if result.dim() else result, {}

    return run


def _called_at_once(subject: Subject, is_complex: bool) -> Run:
    """The run of a callable on many numbers, of which it returns one for each."""

    def run(tensors: Sequence[Tensor]) -> tuple[Tensor, Steps]:
        result = _of_kind(_result(subject, tensors), is_complex)
        shape = tensors[0].shape
        if result.shape != shape:
            raise SubjectError(
                f"expected the subject to return a tensor of shape {list(shape)}, as its arguments are, "
                f"found {_kind(result)}"
            )
        return result, {}

    return run


def _mend(is_complex: bool) -> str:
    return f"Return a {'complex' if is_complex else 'real'} tensor of one element."


def _of_kind(result: Any, is_complex: bool) -> Tensor:
    """The result of a callable, which is a tensor of complex numbers, or one of real
    ones, as the inputs are."""
    if not isinstance(result, Tensor):
        raise SubjectError(
            f"expected the subject to return a tensor, found `{type(result).__name__}`. {_mend(is_complex)}"
        )
    if result.is_complex() is not is_complex:
        kind = "complex" if is_complex else "real"
        raise SubjectError(
            f"expected the subject to return one {kind} number, found {_kind(result)}. {_mend(is_complex)}"
        )
    return result


def _kind(result: Tensor) -> str:
    return f"{dtype_name(result)} of shape {list(result.shape)}"


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Warnings change no verdict, and no mode of PyTorch's is there or outlives the
    measurement."""
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


def _spelled(point: Mapping[str, float]) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in point.items())
