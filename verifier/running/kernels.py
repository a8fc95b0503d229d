"""Units of a callable that the command line names: with shapes of which its inputs are
drawn, or from a module in the shape of kernel benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from verifier.errors import UsageError
from verifier.language.casefile.loading import from_mapping
from verifier.running.given import units_of
from verifier.running.isolation import isolated
from verifier.running.plan import plan
from verifier.running.units import Unit

FILE = ".py"


def units(
    target: str,
    *,
    reference: str | None,
    keys: Mapping[str, Any],
    seed: int,
    device: str = "cpu",
) -> list[Unit]:
    """A unit for each dtype of `MODULE:CALLABLE`, or of a file. `keys` are those of a
    case. Naming a module allows its import."""
    is_file = target.endswith(FILE) and ":" not in target
    if keys.get("shapes") is None:
        return _of_benchmark(target, reference, keys, seed, device)
    if is_file:
        raise UsageError(
            f"expected MODULE:CALLABLE beside `--shape`, found the file `{target}`. "
            "Name a callable, or leave the shapes to its `get_inputs`."
        )
    case = from_mapping(
        {**keys, "name": target, "subject": target, "reference": reference}
    )
    assert case.tensors is not None
    case = replace(case, tensors=replace(case.tensors, structured=True))
    return plan([case], allowed=_modules(target, reference), device=device)


def _modules(*names: str | None) -> list[str]:
    return [name.partition(":")[0] for name in names if name]


def _of_benchmark(
    target: str,
    reference: str | None,
    keys: Mapping[str, Any],
    seed: int,
    device: str,
) -> list[Unit]:
    """Units of a module that has `get_inputs`."""
    from verifier.automatic.tensors import benchmarks

    with isolated():
        pair = benchmarks.pair(target, reference, seed)
    made = units_of(
        pair.subject,
        pair.inputs,
        {**keys, "name": target, "wrt": keys.get("wrt") or pair.wrt},
        reference=pair.reference,
        device=device,
    )
    return [_structured(unit) for unit in made]


def _structured(unit: Unit) -> Unit:
    tensors = unit.case.tensors
    assert tensors is not None
    structured = replace(tensors, structured=True)
    return replace(unit, case=replace(unit.case, tensors=structured))


def is_there(target: str) -> bool:
    """Whether a target that reads as a file is one."""
    return not target.endswith(FILE) or Path(target).is_file()
