"""A callable or module with the tensors that it is given, by name: copied anew for every
run, in its own dtypes or in float64 at the same numbers."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch.utils import _pytree

from verifier.automatic.faults import first_line
from verifier.automatic.lowering import DTYPES
from verifier.automatic.watch import dtype_name
from verifier.errors import UsageError, did_you_mean, listed

Tensor = torch.Tensor
REAL_DTYPES = tuple(name for name, dtype in DTYPES.items() if not dtype.is_complex)
_pytree_: Any = _pytree


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where a tensor or a module stands in the structure of the arguments."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A call that can be made once: nothing in it is shared with another."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    """Every tensor that it is given, parameters and buffers included, by name."""
    wrt: Mapping[str, Tensor]
    """Those that it is differentiated by; they alone require a gradient."""

    def __call__(self) -> Any:
        return self.function(*self.args, **self.kwargs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A callable and its arguments, which no run touches: each has copies of its own."""

    function: Callable[..., Any]
    leaves: tuple[Any, ...]
    """Of the arguments: slots in the place of tensors and modules."""
    spec: Any
    tensors: Mapping[str, Tensor]
    """The tensors among the arguments by name, in order."""
    modules: Mapping[str, torch.nn.Module] = field(default_factory=dict)
    """The modules among the arguments, and the callable itself where it is one, by the
    prefix of their parameters' names."""
    marked: tuple[str, ...] = ()
    """What requires a gradient as it was given."""

    # ── what there is ─────────────────────────────────────────────────────────────────

    @property
    def parameters(self) -> dict[str, Tensor]:
        """The parameters of all modules by name; one that is named as an argument has
        `self.` before its own."""
        found: dict[str, Tensor] = {}
        for prefix, module in self.modules.items():
            for name, parameter in module.named_parameters():
                found[self._parameter(prefix, name)] = parameter
        return found

    def _parameter(self, prefix: str, name: str) -> str:
        full = f"{prefix}.{name}" if prefix else name
        return f"self.{full}" if full in self.tensors else full

    @property
    def all(self) -> dict[str, Tensor]:
        """Every tensor by name: arguments, then parameters."""
        return {**self.tensors, **self.parameters}

    @property
    def differentiable(self) -> tuple[str, ...]:
        """The names of all tensors of real numbers."""
        return tuple(n for n, t in self.all.items() if t.is_floating_point())

    @property
    def judged(self) -> tuple[str, ...]:
        """What is differentiated by where nobody says it: what requires a gradient; of
        arguments of which none does, each."""
        among = [name for name in self.tensors if name in self.marked]
        every = [n for n, t in self.tensors.items() if t.is_floating_point()]
        owned = [n for n, p in self.parameters.items() if p.requires_grad]
        return (*(among or every), *owned)

    def checked_wrt(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """The names to differentiate by, once each is that of a tensor of numbers."""
        known = self.differentiable
        for name in names or ():
            if name not in known:
                raise UsageError(
                    f"wrt: expected one of {listed(known)}, found `{name}`.{did_you_mean(name, known)}"
                )
        wrt = tuple(dict.fromkeys(self.judged if names is None else names))
        if not wrt:
            raise UsageError(
                "expected a tensor of floating-point numbers or a parameter to differentiate by, found none."
            )
        return wrt

    def dtype_of(self, name: str) -> str:
        """The name of a tensor's dtype."""
        return dtype_name(self.all[name])

    # ── others like it ────────────────────────────────────────────────────────────────

    def with_tensors(self, changed: Mapping[str, Tensor]) -> Call:
        """The call with other arguments, by name."""
        return replace(self, tensors={**self.tensors, **changed})

    def cast(self, dtype: str) -> Call:
        """The call with every real number rounded to a dtype."""
        to = DTYPES[dtype]
        tensors = {
            name: t.to(to) if t.is_floating_point() else t
            for name, t in self.tensors.items()
        }
        modules = {prefix: copied(m).to(to) for prefix, m in self.modules.items()}
        return replace(self, tensors=tensors, modules=modules)

    def exact(self) -> Call:
        """The call in float64, at the numbers of its own dtypes."""
        return self.cast("float64")

    def moved(self, device: str) -> Call:
        """The call on a device."""
        tensors = {name: t.to(device) for name, t in self.tensors.items()}
        modules = {prefix: copied(m).to(device) for prefix, m in self.modules.items()}
        return replace(self, tensors=tensors, modules=modules)

    def evaluating(self) -> Call | None:
        """The call with its modules as `eval()` has them; None where there is none in
        training."""
        if not any(module.training for module in self.modules.values()):
            return None
        modules = {prefix: copied(m).eval() for prefix, m in self.modules.items()}
        return replace(self, modules=modules)

    def of(self, function: Callable[..., Any]) -> Call:
        """The call of another function with the same arguments; a module has parameters
        of its own."""
        modules = {p: m for p, m in self.modules.items() if p}
        if isinstance(function, torch.nn.Module):
            modules = {"": function, **modules}
        return replace(self, function=function, modules=modules)

    def ready(self, wrt: Sequence[str]) -> Ready:
        """The call with copies of everything, of which those named require a gradient."""
        modules = {prefix: copied(module) for prefix, module in self.modules.items()}
        fresh = _cloned_apart(self.tensors)
        tensors = dict(fresh)
        for prefix, module in modules.items():
            for name, parameter in module.named_parameters():
                tensors[self._parameter(prefix, name)] = parameter
            for name, buffer in module.named_buffers():
                tensors.setdefault(self._parameter(prefix, name), buffer)
        for name, tensor in tensors.items():
            if tensor.is_floating_point():
                tensor.requires_grad_(name in wrt)
        leaves = [self._filled(leaf, fresh, modules) for leaf in self.leaves]
        args, kwargs = _pytree_.tree_unflatten(leaves, self.spec)
        return Ready(
            function=_function_of(self.function, modules),
            args=tuple(args),
            kwargs=kwargs,
            tensors=tensors,
            wrt={name: tensors[name] for name in wrt},
        )

    def _filled(
        self, leaf: Any, tensors: Mapping[str, Tensor], modules: Mapping[str, Any]
    ) -> Any:
        if isinstance(leaf, _Slot):
            return tensors[leaf.name] if leaf.name in tensors else modules[leaf.name]
        return copy.copy(leaf) if isinstance(leaf, (list, dict, set)) else leaf


def call_of(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    *,
    names: Sequence[str] | None = None,
) -> Call:
    """The call of a function with arguments, which may be nested; `names` are those of
    the arguments, by default of the function's parameters."""
    named = names or _parameter_names(function, len(args))
    structure = (tuple(args), dict(kwargs or {}))
    paths, spec = _pytree_.tree_flatten_with_path(structure)
    tensors: dict[str, Tensor] = {}
    modules: dict[str, torch.nn.Module] = {}
    owner = _module_of(function)
    if owner is not None:
        modules[""] = owner
    marked, leaves = [], []
    known: dict[int, str] = {}
    for path, leaf in paths:
        if isinstance(leaf, (torch.Tensor, torch.nn.Module)):
            name = known.setdefault(id(leaf), _name(path, named))
            if isinstance(leaf, torch.nn.Module):
                modules[name] = leaf
            else:
                _check(name, leaf)
                tensors[name] = leaf.detach()
                if leaf.requires_grad:
                    marked.append(name)
            leaves.append(_Slot(name))
        else:
            leaves.append(leaf)
    return Call(
        function=function,
        leaves=tuple(leaves),
        spec=spec,
        tensors=tensors,
        modules=modules,
        marked=tuple(dict.fromkeys(marked)),
    )


def holds_tensors(value: Any) -> bool:
    """Whether a tensor or a module is among nested values."""
    kinds = (torch.Tensor, torch.nn.Module)
    return any(isinstance(leaf, kinds) for leaf in _pytree_.tree_leaves(value))


def _check(name: str, tensor: Tensor) -> None:
    kinds = {
        "sparse": tensor.layout != torch.strided,
        "quantised": tensor.is_quantized,
        "nested": tensor.is_nested,
        "meta": tensor.is_meta,
        "complex": tensor.is_complex(),
    }
    for kind, found in kinds.items():
        if found:
            raise UsageError(
                f"`{name}`: expected a dense tensor of real numbers, found a {kind} one, which cannot be verified."
            )
    if tensor.is_floating_point() and dtype_name(tensor) not in REAL_DTYPES:
        raise UsageError(
            f"`{name}`: expected one of {listed(REAL_DTYPES)}, found `{dtype_name(tensor)}`."
        )


def cloned(tensor: Tensor) -> Tensor:
    """A leaf of the same numbers, as they lie in memory; of a parameter, a parameter."""
    own = tensor.detach().clone(memory_format=torch.preserve_format)
    if own.stride() != tensor.stride() and own.layout == torch.strided:
        own = _as_laid_out(own, tensor)
    if isinstance(tensor, torch.nn.Parameter):
        return torch.nn.Parameter(own, requires_grad=False)
    return own


def _as_laid_out(own: Tensor, tensor: Tensor) -> Tensor:
    """The same numbers with the strides of a tensor whose elements lie apart, NaN
    between them; where elements lie upon each other, as they are."""
    steps = sorted(
        (step, size)
        for step, size in zip(tensor.stride(), tensor.shape, strict=True)
        if size > 1
    )
    reach = 0
    for step, size in steps:
        if step <= reach:
            return own
        reach += step * (size - 1)
    apart = torch.empty_strided(
        tensor.shape, tensor.stride(), dtype=own.dtype, device=own.device
    )
    if own.is_floating_point():
        flat = torch.empty(0, dtype=own.dtype, device=own.device)
        flat.set_(apart.untyped_storage()).fill_(torch.nan)
    return apart.copy_(own)


def _cloned_apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leaves of the same numbers; names of one tensor are leaves of one storage."""
    made: dict[int, Tensor] = {}
    fresh: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        known = made.get(id(tensor))
        fresh[name] = cloned(tensor) if known is None else known.detach()
        made.setdefault(id(tensor), fresh[name])
    return fresh


def copied(module: torch.nn.Module) -> torch.nn.Module:
    """A module of its own, with what it holds."""
    try:
        return copy.deepcopy(module)
    except Exception as error:  # whatever it holds may refuse
        raise UsageError(
            f"expected a module that can be copied, found that `{type(module).__name__}` raises {first_line(error)}."
        ) from error


def _module_of(function: Callable[..., Any]) -> torch.nn.Module | None:
    owner = getattr(function, "__self__", function)
    return owner if isinstance(owner, torch.nn.Module) else None


def _function_of(
    function: Callable[..., Any], modules: Mapping[str, torch.nn.Module]
) -> Callable[..., Any]:
    """The function itself, of the copied module where it is one or a method of one."""
    if "" not in modules:
        return function
    if isinstance(function, torch.nn.Module):
        return modules[""]
    bound: Callable[..., Any] = getattr(modules[""], function.__name__)
    return bound


def _parameter_names(function: Callable[..., Any], count: int) -> list[str]:
    """The names of so many positional arguments: `x0`, `x1` … where the function does
    not tell."""
    try:
        parameters = list(inspect.signature(_signed(function)).parameters.values())
    except (TypeError, ValueError):  # of most functions that are written in C
        parameters = []
    if _takes_ctx(function):
        parameters = parameters[1:]
    kinds = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
    names = [p.name for p in parameters if p.kind in kinds]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    if len(names) < count and rest is not None:
        names += [f"{rest}[{index}]" for index in range(count - len(names))]
    if len(names) < count:
        names = ["x"] if count == 1 else [f"x{index}" for index in range(count)]
    return names[:count]


def _signed(function: Any) -> Any:
    """What has the names of the arguments: the forward of a module, or of an
    `autograd.Function` of which this is `apply`."""
    if isinstance(function, torch.nn.Module):
        return function.forward
    owner = _function_class(function)
    if owner is not None:
        return owner.forward
    return getattr(function, "_init_fn", function)  # of a `torch.library.custom_op`


def _function_class(function: Any) -> Any:
    owner = getattr(function, "__self__", None)
    is_class = isinstance(owner, type) and issubclass(owner, torch.autograd.Function)
    return owner if is_class else None


def _takes_ctx(function: Any) -> bool:
    """Whether a forward has `ctx` before its arguments: that of a `Function` without
    `setup_context`."""
    owner = _function_class(function)
    plain = torch.autograd.Function.setup_context
    return owner is not None and owner.setup_context is plain


def _name(path: Sequence[Any], names: Sequence[str]) -> str:
    """`x`, `state[1]`, `batch.mask`: the argument, and the way from it."""
    where, first, *rest = path
    name = names[first.idx] if where.idx == 0 else str(first.key)
    return name + "".join(map(_step, rest))


def _step(key: Any) -> str:
    if hasattr(key, "idx"):
        return f"[{key.idx}]"
    return f".{getattr(key, 'key', getattr(key, 'name', key))}"


def tensors_of(result: Any, name: str = "output") -> dict[str, Tensor]:
    """The tensors of what a call returned by name: `output`, or `output[0]`,
    `output.loss` …"""
    paths, _ = _pytree_.tree_flatten_with_path(result)
    return {
        name + "".join(map(_step, path)): leaf
        for path, leaf in paths
        if isinstance(leaf, torch.Tensor)
    }
