"""On what a call is tried: the inputs as given or drawn, then ones that show what those
hide.

Widened inputs, exact zeros, one row and many, structured numbers and other sizes are
ours, not the user's: where a function does not take them, they are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from verifier.automatic.tensors import drawing
from verifier.automatic.tensors.calls import Call
from verifier.automatic.tensors.references import outputs_of
from verifier.floats import FORMATS
from verifier.language.casefile.tensor_case import TensorInput
from verifier.language.points.tensor_domains import NORMAL, POSITIVE, SIMPLEX

MOST_ALONE = 3
"""How many outputs are given an upstream gradient alone."""
SOME_ROWS = 37
"""Rows that are more than a block of 32 and no multiple of anything; one more where
the given ones are odd in number too."""
MOST_NUMBERS = 1 << 15
"""How large a tensor of so many rows may be."""
MANY_ROWS = 300
"""Rows of which a sum in 16 bits stagnates: 2^8 in bfloat16."""
GIVEN = "as given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One set of inputs with one upstream gradient."""

    call: Call
    label: Mapping[str, str]
    """What it is, as a report names it."""
    upstream: Any
    """A word, or what the user gave."""
    is_asked: bool = True
    """Whether the user asked for these inputs."""
    draw: int = 0
    """Which draw it is of; 0 of the first, and of what is given."""
    is_as_given: bool = False
    """Whether its inputs are those of the first trial, and only the upstream gradient is
    ours: any backward takes that."""
    alone: str | None = None
    """The one output that is given an upstream gradient; None of all."""
    is_sampled: bool = False
    """Whether all its numbers together are held against samples of random rounding."""

    @property
    def upstream_name(self) -> str:
        word = self.upstream if isinstance(self.upstream, str) else "given"
        return word if self.alone is None else f"{word}, of {self.alone} alone"

    @property
    def seed(self) -> int:
        """What its upstream gradient is drawn from."""
        return self.draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What there is to try."""

    call: Call
    """In the dtype; of inputs that are drawn, its tensors are the first draw."""
    dtype: str
    inputs: Mapping[str, TensorInput] = field(default_factory=dict)
    """From what inputs are drawn; empty where they are given."""
    draws: int = 1
    upstream: Sequence[Any] = ()
    """The upstream gradients asked for; none for the usual ones."""
    widen: Sequence[float] = (1, 3, 10)
    seed: int = 0
    structured: bool = False


def first(plan: Plan) -> Trial:
    """The inputs as given, or the first draw, at the first upstream gradient."""
    return Trial(
        call=plan.call,
        label=_label(plan, 0),
        upstream=(*plan.upstream, "random")[0],
        is_sampled=True,
    )


def others(plan: Plan) -> Iterator[Trial]:
    """Everything else, in the order of what shows most."""
    base = first(plan)
    once = replace(base, is_sampled=False)
    for word in plan.upstream[1:] or (() if plan.upstream else ("ones",)):
        yield replace(once, upstream=word)
    for draw in range(1, plan.draws):
        yield replace(base, call=drawn(plan, draw), label=_label(plan, draw), draw=draw)
    yield from _widened(plan, once)
    yield from _rows(plan, once)
    evaluating = plan.call.evaluating()
    if evaluating is not None:
        label = {**once.label, "module": "as eval() has it"}
        yield replace(once, call=evaluating, label=label, is_asked=False)
    if not plan.upstream:
        for word in ("zeros", "expanded", "noncontiguous"):
            yield replace(once, upstream=word, is_asked=False, is_as_given=True)
    if plan.structured and not _is_fixed(plan):
        yield from _structured(plan, once)
        yield from _sizes(plan, once)


def each_alone(plan: Plan, outputs: Sequence[str]) -> Iterator[Trial]:
    """Of several outputs the first few, each with an upstream gradient alone."""
    once = replace(first(plan), is_sampled=False, is_asked=False, is_as_given=True)
    if len(outputs) > 1 and isinstance(once.upstream, str):
        for name in outputs[:MOST_ALONE]:
            yield replace(once, alone=name)


def drawn(plan: Plan, draw: int) -> Call:
    """The call with the inputs of a draw."""
    numbers = drawing.drawn(plan.inputs, plan.dtype, plan.seed, draw)
    return plan.call.with_tensors(numbers)


def _label(plan: Plan, draw: int) -> dict[str, str]:
    if not plan.inputs or _is_fixed(plan):
        return {"inputs": GIVEN}
    return {"draw": str(draw + 1)} if plan.draws > 1 else {"inputs": "drawn"}


def _scalable(plan: Plan) -> list[str]:
    """The inputs that may be widened: those drawn from a domain without ends; of
    tensors that are given, all of real numbers."""
    return [
        name
        for name, tensor in plan.call.tensors.items()
        if tensor.is_floating_point()
        and (name not in plan.inputs or plan.inputs[name].domain.is_scaled)
    ]


def _widened(plan: Plan, base: Trial) -> Iterator[Trial]:
    names = _scalable(plan)
    factors = [factor for factor in plan.widen if factor != 1]
    if not names:
        return
    for factor in factors:
        tensors = {n: drawing.widened(plan.call.tensors[n], factor) for n in names}
        if all(bool(torch.isfinite(t).all()) for t in tensors.values()):
            yield _ours(base, tensors, inputs=f"×{factor:g}")
    zeros = [
        name
        for name in names
        if name not in plan.inputs or plan.inputs[name].domain.holds_zero
    ]
    if zeros and factors:
        tensors = {
            name: drawing.with_zeros(plan.call.tensors[name], plan.seed, name)
            for name in zeros
        }
        yield _ours(base, tensors, inputs="zeros planted")


def _ours(base: Trial, tensors: Mapping[str, torch.Tensor], **label: str) -> Trial:
    return replace(
        base, call=base.call.with_tensors(tensors), label=label, is_asked=False
    )


def _rows(plan: Plan, base: Trial) -> Iterator[Trial]:
    """One row, and of 16-bit dtypes many, where the first dimension is a batch."""
    batch = None if _is_fixed(plan) else _batch(plan.call)
    if batch is None:
        return
    names, size = batch
    counts = [1]
    width = max(plan.call.tensors[name].numel() // size for name in names)
    some = SOME_ROWS + size % 2
    if size < some and some * width <= MOST_NUMBERS:
        counts.append(some)
    if FORMATS[plan.dtype].is_small and size < MANY_ROWS:
        counts.append(MANY_ROWS)
    for count in counts:
        tensors = {
            name: drawing.rows(plan.call.tensors[name], count, plan.seed, "batch")
            for name in names
        }
        upstream = base.upstream
        if not plan.upstream:
            upstream = "ones" if count == MANY_ROWS else "random"
        elif not isinstance(upstream, str) and count != size:
            continue  # it has another shape
        trial = _ours(base, tensors, rows=str(count))
        yield replace(trial, upstream=upstream, is_sampled=count == MANY_ROWS)


def _is_fixed(plan: Plan) -> bool:
    """Whether a case says at which numbers alone it is verified."""
    return any(one.numbers is not None for one in plan.inputs.values())


def _batch(call: Call) -> tuple[list[str], int] | None:
    """The arguments whose first dimension is a batch, and its size: with other rows
    the outputs have as many others. None where there is none."""
    sized = {name: t for name, t in call.tensors.items() if t.dim()}
    if not sized:
        return None
    size = len(next(iter(sized.values())))
    alike = [name for name, tensor in sized.items() if len(tensor) == size]
    if size < 1:
        return None
    before = outputs_of(call)
    for names in (alike, alike[:1]):
        for other in (size + 1, 1):
            changed = call.with_tensors(
                {name: drawing.rows(sized[name], other, 0, "batch") for name in names}
            )
            after = outputs_of(changed)
            if not _is_batch(before, after, size, other):
                break
        else:
            return names, size
    return None


def _is_batch(before: Any, after: Any, size: int, other: int) -> bool:
    """Whether outputs follow the number of rows: with their first dimension, or not at
    all, as a loss does."""
    if isinstance(before, Exception) or isinstance(after, Exception):
        return False
    if before.keys() != after.keys():
        return False
    return all(
        shape == after[name]
        if not shape or shape[0] != size
        else after[name] == (other, *shape[1:])
        for name, shape in before.items()
    )


# ── structured inputs and other sizes ─────────────────────────────────────────────────

_FITTING: Mapping[str, tuple[str, ...]] = {
    NORMAL: (
        "clustered maxima",
        "large prefix",
        "equal rows",
        "exact ties",
        "constant rows",
    ),
    POSITIVE: ("large prefix", "equal rows", "constant rows"),
    SIMPLEX: ("equal rows", "sums that are not 1"),
}
"""Which structures leave a domain; of an interval those below."""
_ALWAYS = ("equal rows", "constant rows")


def _structured(plan: Plan, base: Trial) -> Iterator[Trial]:
    for structure in drawing.STRUCTURES:
        tensors = {}
        for name, tensor in plan.call.tensors.items():
            one = plan.inputs.get(name)
            word = NORMAL if one is None else one.domain.word or ""
            if not tensor.is_floating_point():
                continue
            if structure in _FITTING.get(word, _ALWAYS):
                tensors[name] = drawing.structured(tensor, structure)
        if tensors:
            yield _ours(base, tensors, inputs=structure)


def _sizes(plan: Plan, base: Trial) -> Iterator[Trial]:
    """Other sizes of inputs that are drawn."""
    shapes = {name: one.shape for name, one in plan.inputs.items()}
    for label, changed in drawing.sizes(shapes).items():
        inputs = {
            name: replace(one, shape=changed[name]) for name, one in plan.inputs.items()
        }
        tensors = drawing.drawn(inputs, plan.dtype, plan.seed, 0)
        spelt = ", ".join("x".join(map(str, shape)) for shape in changed.values())
        yield _ours(base, tensors, sizes=f"{label}: {spelt}")


def shared(call: Call) -> Call | None:
    """The call with two of its inputs as one storage, of the same numbers; None where
    no two are alike."""
    known: dict[tuple[Any, ...], str] = {}
    for name, tensor in call.tensors.items():
        if not tensor.is_floating_point():
            continue
        key = tuple(tensor.shape), tensor.dtype
        if key in known:
            return call.with_tensors({name: call.tensors[known[key]]})
        known[key] = name
    return None
