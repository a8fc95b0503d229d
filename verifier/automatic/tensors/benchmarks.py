"""The shape of kernel benchmarks: a file with `Model` and `ModelNew`, `get_inputs` and
`get_init_inputs`, of which the first says what the second should compute."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from verifier.automatic.faults import first_line
from verifier.automatic.subjects import SubjectError, load
from verifier.automatic.tensors.calls import call_of

REFERENCE, SUBJECT = "Model", "ModelNew"
INPUTS, INIT = "get_inputs", "get_init_inputs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What is verified, what it is held against, and on what."""

    subject: Callable[..., Any]
    reference: Callable[..., Any] | None
    inputs: Sequence[Any]
    wrt: Sequence[str] | None


def pair(target: str, reference: str | None, seed: int) -> Pair:
    """The subject and reference that names say: of a file its `ModelNew` and `Model`,
    run on what `get_inputs` gives at the seed."""
    owner, found = _named(target, SUBJECT)
    if reference is not None:
        other: Any = _named(reference, REFERENCE)[1]
    else:
        is_new = found is getattr(owner, SUBJECT, None)
        other = getattr(owner, REFERENCE, None) if is_new else None
    if not hasattr(owner, INPUTS):
        raise SubjectError(
            f"expected `--shape`, of which to draw the inputs, or `{INPUTS}` beside `{target}`, found neither."
        )
    subject = _made(found, owner, seed)
    against = None if other is None else _made(other, owner, seed)
    if isinstance(subject, torch.nn.Module) and isinstance(against, torch.nn.Module):
        with_parameters_of(subject, against)
    arguments = inputs(owner, seed)
    return Pair(
        subject=subject,
        reference=against,
        inputs=arguments,
        wrt=_wrt(subject, against, arguments),
    )


def _named(target: str, usual: str) -> tuple[Any, Any]:
    """The module and what is named in it."""
    if target.endswith(".py"):
        module: Any = module_of(Path(target))
        if not hasattr(module, usual):
            raise SubjectError(f"expected `{usual}` in `{target}`, found none.")
        return module, getattr(module, usual)
    name = target.partition(":")[0]
    found = load(target, [name])
    return sys.modules[name], found


def _made(found: Any, owner: Any, seed: int) -> Callable[..., Any]:
    if isinstance(found, type) and issubclass(found, torch.nn.Module):
        return instance(found, owner, seed)
    return callable_of(found, seed)


def _wrt(
    subject: Callable[..., Any], reference: Any, arguments: Sequence[Any]
) -> list[str] | None:
    """Every input of real numbers, and the parameters that both have."""
    call = call_of(subject, arguments)
    wrt = list(call.differentiable)
    if reference is not None:
        known = call.of(reference).all
        wrt = [name for name in wrt if name in known]
    return wrt or None


def module_of(path: Path) -> ModuleType:
    """The module that a file of Python holds. Runs its code."""
    name = f"verifier_subject_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SubjectError(f"expected a file of Python, found `{path}`.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # a module may raise whatever it likes
        raise SubjectError(
            f"expected to import `{path}`, found that it raises {first_line(error)}"
        ) from error
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module


def instance(kind: type[torch.nn.Module], owner: Any, seed: int) -> torch.nn.Module:
    """A module of a class, made with the arguments of `get_init_inputs` at a seed, so
    that two classes that draw alike have the same parameters."""
    make = getattr(owner, INIT, None)
    arguments = [] if make is None else make()
    torch.manual_seed(seed)
    try:
        if isinstance(arguments, dict):
            return kind(**arguments)
        return kind(*arguments)
    except Exception as error:
        raise SubjectError(
            f"expected `{kind.__name__}` to take what `{INIT}` gives, found that it raises {first_line(error)}"
        ) from error


def callable_of(found: Any, seed: int) -> Callable[..., Any]:
    """What a name stands for: of an `autograd.Function` its `apply`, of a module's class
    a module made without arguments."""
    if isinstance(found, type) and issubclass(found, torch.autograd.Function):
        apply: Callable[..., Any] = found.apply
        return apply
    if isinstance(found, type) and issubclass(found, torch.nn.Module):
        return instance(found, None, seed)
    made: Callable[..., Any] = found
    return made


def inputs(owner: Any, seed: int) -> list[Any]:
    """What `get_inputs` gives at a seed."""
    make: Callable[[], Any] | None = getattr(owner, INPUTS, None)
    if make is None:
        raise SubjectError(f"expected `{INPUTS}` in the module, found none.")
    torch.manual_seed(seed)
    return list(make())


def with_parameters_of(
    subject: torch.nn.Module, reference: torch.nn.Module
) -> torch.nn.Module:
    """The subject with the reference's parameters, where both name the same ones."""
    own, other = subject.state_dict(), reference.state_dict()
    alike = own.keys() == other.keys() and all(
        own[name].shape == other[name].shape for name in own
    )
    if alike and own:
        subject.load_state_dict(other)
    return subject
