"""A case of tensors in one dtype by one route, made ready: what is run, and what it is
held to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from verifier.automatic import array_formulas
from verifier.automatic.subjects import SubjectError, load, permitted
from verifier.automatic.tensors import benchmarks, drawing, references, upstreams
from verifier.automatic.tensors.calls import Call, call_of
from verifier.automatic.tensors.measuring import Asked, TensorMeasurement, measure
from verifier.automatic.tensors.trials import Plan, Trial
from verifier.errors import UsageError
from verifier.floats import Format
from verifier.judgement.tolerance import Tolerance
from verifier.language.casefile.case import Case
from verifier.language.casefile.tensor_case import Tensors
from verifier.stopwatch import Stopwatch
from verifier.verification.tensors.request import Given
from verifier.verification.tensors.rows import Where

ROUTES = ("reverse", "func", "compile-aot_eager", "compile-inductor", "reverse-reverse")
"""The routes by which tensors are measured."""
SECOND = 1
"""What is added to a seed for the upstream gradient of a second backward."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a case of tensors is run."""

    case: Case
    dtype: str
    route: str
    function: Callable[..., Any] | None = None
    given: Given | None = None
    allowed: Sequence[str] = ()
    device: str = "cpu"
    seed: int = 0
    report_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the stages of one result share."""

    setting: Setting
    call: Call
    """In the dtype."""
    plan: Plan
    wrt: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    """Inputs that nobody asked to differentiate by: a gradient of None is their
    answer."""
    reference: Callable[..., Any] | None = None
    backward: Callable[..., Any] | None = None
    watch: Stopwatch = field(default_factory=Stopwatch)

    @property
    def case(self) -> Case:
        return self.setting.case

    @property
    def tensors(self) -> Tensors:
        assert self.case.tensors is not None
        return self.case.tensors

    def tolerance(self, format_: Format) -> Tolerance:
        """What the case tolerates in a format."""
        relative = self.case.tolerance
        if relative is None:
            relative = format_.relative_tolerance
        return Tolerance(relative=relative, absolute=self.case.absolute_tolerance)

    def referred(self, call: Call) -> Call:
        """The call of the reference, with the same arguments."""
        assert self.reference is not None
        given = self.setting.given
        other = call.of(self.reference)
        if given is None or given.is_cast:
            return other.cast(self.setting.dtype)
        return other

    def where(self, trial: Trial) -> Where:
        return Where(point=trial.label, upstream=trial.upstream_name)

    def measure(self, trial: Trial, *, twice: bool = False) -> TensorMeasurement:
        """What PyTorch computes in a trial."""
        with self.watch.stage("automatic"):
            return measure(self.placed(trial.call), self.asked(trial, twice=twice))

    def once_measured(self, first: TensorMeasurement) -> Bench:
        """The bench once it is known what has a gradient: `None` is the answer of an
        input that nobody asked about where it always was, and another input has one."""
        none = {name for name, found in first.gradients.items() if found is None}
        if none == set(first.gradients):
            none = set()
        return replace(self, optional=self.optional & none)

    def placed(self, call: Call) -> Call:
        """The call on the device."""
        device = self.setting.device
        return call if device == "cpu" else call.moved(device)

    def asked(self, trial: Trial, *, twice: bool = False) -> Asked:
        """How a trial is run."""
        seed = self.setting.seed + trial.seed

        def choose(outputs: Any) -> Any:
            if isinstance(trial.upstream, str):
                return upstreams.upstream(outputs, trial.upstream, seed)
            return upstreams.given(outputs, trial.upstream)

        def other(outputs: Any) -> Any:
            return upstreams.upstream(outputs, "random", seed + SECOND)

        return Asked(
            wrt=self.wrt,
            choose=choose,
            route=self.setting.route,
            order=self.case.order,
            seed=self.setting.seed,
            other=other if twice and self.case.order == 1 else None,
            direct=other if self.case.order == 2 else None,
            alone=trial.alone,
        )


def bench_of(setting: Setting) -> Bench:
    """The bench of a setting. Raises `UsageError` or `SubjectError` for what cannot be
    run."""
    case, given = setting.case, setting.given
    tensors = case.tensors
    assert tensors is not None
    if setting.route not in ROUTES:
        raise UsageError(
            f"tensors are measured by the routes {', '.join(ROUTES)}, not by `{setting.route}`."
        )
    function = setting.function or _subject(setting)
    plan_inputs = tensors.inputs
    seed = setting.seed if case.seed is None else case.seed
    setting = replace(setting, seed=seed)
    if given is None:
        call = call_of(function, _drawn(setting, tensors), names=list(plan_inputs))
    else:
        call = call_of(function, given.args, given.kwargs)
    if given is None or given.is_cast:
        call = call.cast(setting.dtype)
    wrt = call.checked_wrt(tensors.wrt)
    asked = set(tensors.wrt or call.marked) | set(call.parameters)
    if given is None and tensors.wrt is None:
        asked |= set(wrt)  # a case's inputs are asked for
    upstream: Sequence[Any] = tensors.upstream
    if given is not None and given.upstream is not None:
        upstream = (given.upstream,)
    return Bench(
        setting=setting,
        call=call,
        plan=Plan(
            call=call,
            dtype=setting.dtype,
            inputs=plan_inputs,
            draws=case.points if isinstance(case.points, int) and plan_inputs else 1,
            upstream=upstream,
            widen=tensors.widen,
            seed=setting.seed,
            structured=tensors.structured,
        ),
        wrt=wrt,
        optional=frozenset(wrt) - asked,
        reference=_reference(setting, call),
        backward=_backward(setting, call),
    )


def _drawn(setting: Setting, tensors: Tensors) -> list[Any]:
    found = drawing.drawn(tensors.inputs, setting.dtype, setting.seed, 0)
    return list(found.values())


def _subject(setting: Setting) -> Callable[..., Any]:
    """The callable that a case verifies: its subject, or its formula as PyTorch
    computes it."""
    case, tensors = setting.case, setting.case.tensors
    assert tensors is not None
    if case.subject is None and tensors.program is not None:
        formula, names = tensors.expression or "", list(tensors.inputs)
        return array_formulas.as_pytorch(formula, names, in_steps=tensors.in_steps)
    return _loaded(setting, case.subject, "subject")


def _loaded(setting: Setting, name: str | None, key: str) -> Callable[..., Any]:
    """The callable that a case names: of a module's class an instance, of an
    `autograd.Function` its `apply`."""
    case = setting.case
    if name is None:
        raise UsageError(f"expected a `{key}`, found none.")
    try:
        allowed = [*permitted(case.place.file), *setting.allowed]
        return benchmarks.callable_of(load(name, allowed), setting.seed)
    except SubjectError as error:
        raise error.at(case.subject_place) from error


def _reference(setting: Setting, call: Call) -> Callable[..., Any] | None:
    given, tensors = setting.given, setting.case.tensors
    assert tensors is not None
    if given is not None and given.reference is not None:
        return given.reference
    if tensors.reference is not None:
        return _loaded(setting, tensors.reference, "reference")
    if tensors.program is not None:
        formula, names = tensors.expression or "", list(tensors.inputs)
        return array_formulas.as_defined(formula, names, in_steps=tensors.in_steps)
    if tensors.expression is not None:
        return references.by_expression(tensors.expression, call)
    return None


def _backward(setting: Setting, call: Call) -> Callable[..., Any] | None:
    given, tensors = setting.given, setting.case.tensors
    assert tensors is not None
    if given is not None and given.backward is not None:
        return given.backward
    if tensors.gradient:
        return references.by_formulas(tensors.gradient, call)
    return None
