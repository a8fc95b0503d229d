"""What says what a callable should compute, or what its backward is meant to be, as
callables of the same arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from verifier.automatic.array_formulas import as_defined
from verifier.automatic.lowering import Lowered
from verifier.automatic.tensors.calls import Call, tensors_of
from verifier.errors import ExpressionError, UsageError, listed
from verifier.language.programs import parsing
from verifier.language.programs.arrays.parsing import parse_arrays
from verifier.language.programs.program import Program

Tensor = torch.Tensor


def by_expression(text: str, call: Call) -> Callable[..., Any]:
    """The elementwise function that a formula of the call's tensors spells, or the one
    that it spells as a formula of arrays, where it is none of single numbers."""
    try:
        parsing.parse(text)
    except ExpressionError:
        return _of_arrays(text, call)
    run, places = _of_formula(text, call, "expression")

    def reference(*args: Any, **kwargs: Any) -> Tensor:
        return run(_found(places, args, kwargs))

    return reference


def _of_arrays(text: str, call: Call) -> Callable[..., Tensor]:
    places = _places(call)
    shapes = {name: tuple(call.tensors[name].shape) for name in places}
    try:
        program = parse_arrays(text, shapes)
    except ExpressionError as error:
        raise UsageError(f"expression: {error}") from error
    formula = as_defined(text, program.inputs, in_steps=False)
    used = {name: places[name] for name in program.inputs}

    def reference(*args: Any, **kwargs: Any) -> Tensor:
        return formula(*_found(used, args, kwargs).values())

    return reference


def by_formulas(
    formulas: Mapping[str, str], call: Call
) -> Callable[..., dict[str, Tensor]]:
    """The gradients that formulas of the call's tensors spell: by input, times the
    upstream gradient, which comes first."""
    known = {
        name: _of_formula(text, call, f"gradient.{name}")
        for name, text in formulas.items()
    }

    def backward(upstream: Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        return {
            name: upstream * run(_found(places, args, kwargs))
            for name, (run, places) in known.items()
        }

    return backward


def _of_formula(
    text: str, call: Call, key: str
) -> tuple[Callable[[Mapping[str, Tensor]], Tensor], dict[str, int | str]]:
    """What runs a formula by its variables, and where in the arguments each stands."""
    program: Program = parsing.parse(text)
    places = _places(call)
    for name in program.inputs:
        if name not in places:
            if len(program.inputs) == 1 and len(places) == 1:
                places = {name: next(iter(places.values()))}
                continue
            raise UsageError(
                f"{key}: expected variables among the arguments {listed(places)}, found `{name}`."
            )
    lowered = Lowered(program, "float64")

    def run(tensors: Mapping[str, Tensor]) -> Tensor:
        values = lowered.run(tensors)
        output = lowered.tensor(values[lowered.program.output])
        shape = torch.broadcast_shapes(*(t.shape for t in tensors.values()))  # type: ignore[no-untyped-call]
        return output if output.shape == shape else output.expand(shape)

    wanted = {name: places[name] for name in (program.inputs or list(places)[:1])}
    return run, wanted


def _places(call: Call) -> dict[str, int | str]:
    """By name, the place of each argument that is a tensor: its position or keyword."""
    probe = object()
    leaves = [call.leaves[i] for i in range(len(call.leaves))]
    args, kwargs = torch.utils._pytree.tree_unflatten(leaves, call.spec)
    places: dict[str, int | str] = {}
    for place, value in (*enumerate(args), *dict(kwargs).items()):
        name = getattr(value, "name", probe)
        if name in call.tensors:
            places[str(name)] = place
    return places


def _found(
    places: Mapping[str, int | str], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Tensor]:
    return {
        name: args[place] if isinstance(place, int) else kwargs[place]
        for name, place in places.items()
    }


def gradients_by(
    backward: Callable[..., Any], call: Call, upstream: Mapping[str, Tensor]
) -> Callable[..., Any]:
    """A callable of the call's arguments whose outputs are the gradients that a stated
    backward gives, named `gradient.NAME`."""
    weights = list(upstream.values())

    def forward(*args: Any, **kwargs: Any) -> dict[str, Tensor]:
        given = backward(*weights, *args, **kwargs)
        if isinstance(given, Mapping):
            return dict(given)
        values = list(given) if isinstance(given, (list, tuple)) else [given]
        names = [
            name for name in call.tensors if call.tensors[name].is_floating_point()
        ]
        if len(values) > len(names):
            raise UsageError(
                f"gradient: expected at most one tensor for each of {listed(names)}, found {len(values)}."
            )
        pairs = zip(names, values, strict=False)
        return {name: value for name, value in pairs if value is not None}

    return forward


def outputs_of(call: Call) -> dict[str, tuple[int, ...]] | Exception:
    """The shapes of what a call returns, or what it raises."""
    try:
        with torch.no_grad():
            found = tensors_of(call.ready(())())
    except Exception as error:
        return error
    return {n: tuple(t.shape) for n, t in found.items() if t.is_floating_point()}
