"""One operation under the recorder: what it reads, gives and writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch
from torch._ops import OpOverload

from verifier.automatic.recording.handlers import registry
from verifier.automatic.recording.handlers.registry import Treatment
from verifier.automatic.recording.memory import UNWRITTEN
from verifier.automatic.recording.operands import Operand, float64_of, mapped, name_of
from verifier.automatic.recording.schemas import Facts
from verifier.automatic.recording.state import State
from verifier.language.cells import Cells

Made: TypeAlias = tuple[Cells | None, torch.Tensor | None]
"""The cells of a result, and its numbers in float64; None of what has none."""

_FLAT = frozenset(
    "bernoulli normal uniform exponential random geometric cauchy log_normal poisson "
    "binomial multinomial".split()
)
"""Random operations whose derivative is zero, or that only overwrite."""

_Key = torch._C.DispatchKey
_LIBRARIES = ("aten", "prims", "prim", "quantized", "_c10d_functional")
"""Where operations are that have kernels of PyTorch's own."""
_OWN_NUMBERS = frozenset({"aten.add", "aten.sub", "aten.rsub", "aten.pow"})
"""Operations that round a number of Python's to the dtype of the tensor, on CPUs; others
have it in float32 where that has 16 bits (seen at 1,000 elements of each)."""

_EMPTY = ("aten.empty", "aten.new_empty")


class Run:
    """One call of one operation."""

    def __init__(
        self,
        state: State,
        op: OpOverload,
        facts: Facts,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        self.state, self.tape, self.memory = state, state.tape, state.memory
        self.op, self.facts = op, facts
        self.given = dict(zip(facts.names, args, strict=False)) | dict(kwargs)
        self.count = len(args)
        self.since = len(self.tape.entries)

    def result(self) -> Any:
        """What the program gets."""
        tensors = list(tensors_in(list(self.given.values())))
        for tensor in tensors:
            self._refuse(tensor)
        if self.facts.is_view:
            result = self._apply(self.given)
            if self.facts.name.startswith("aten.lift") and result.is_floating_point():
                self.memory.lift(result)
            return result
        for tensor in self._changed():
            self.memory.keep(tensor)
        if self.op.namespace not in _LIBRARIES:
            return self._body()
        if self.facts.name == "aten.copy_" and self._is_partly_unwritten():
            return self._moved()
        is_empty = self.facts.name.startswith(_EMPTY)
        if is_empty or not any(tensor.is_floating_point() for tensor in tensors):
            return self._constant()
        return self._random() if self.facts.is_random else self._computed()

    def _body(self) -> Any:
        """An operation of the user's: what its kernel asks PyTorch for."""
        keys = (_Key.CPU, _Key.CompositeExplicitAutograd)
        key = next((k for k in keys if self.op.has_kernel_for_dispatch_key(k)), None)
        if key is None:
            raise self.state.error("has no kernel for CPUs")
        with self.state.inside():
            result = self._apply(self.given, partial(self.op._op_dk, key))
        for tensor in tensors_in(result):
            if tensor.is_floating_point() and not self.memory.knows(tensor):
                raise self.state.error("computes where nothing is seen")
        return result

    # ── the ways ──────────────────────────────────────────────────────────────────────

    def _constant(self) -> Any:
        """Factories, operations on integers, random numbers: constants."""
        result = self._apply(self.given)
        for tensor in (*tensors_in(result), *self._changed()):
            if not tensor.is_floating_point():
                continue
            if self.facts.name.startswith(_EMPTY):
                is_librarys = self.state.sources.is_library()
                self.memory.forget(tensor, is_librarys=is_librarys)
            elif self.facts.name == "aten.linspace" and self.tape.in_backward:
                self._line(tensor)
            else:
                self.memory.write(tensor, self.tape.constants(float64_of(tensor)))
        return result

    def _line(self, tensor: torch.Tensor) -> None:
        """The numbers that a backward of PyTorch's makes anew in the dtype: those that
        they were in its forward."""
        numbers = self._apply(self.given | {"dtype": torch.float64})
        tensor.copy_(numbers)
        kept = name_of(tensor.dtype)
        self.memory.write(tensor, self.tape.constants(float64_of(numbers), kept))

    def _is_partly_unwritten(self) -> bool:
        """Whether what is copied has places that nothing has written, beside others:
        some of PyTorch's own loops copy what they overwrite later."""
        target, source = list(self.given.values())[:2]
        if target.dtype != source.dtype or not source.is_floating_point():
            return False
        cells = self.memory.look(source)
        is_there = cells >= 0
        if is_there.all() or not is_there.any():
            return False
        is_stopped = self.state.is_differentiated and not source.requires_grad
        return not (is_stopped and self.tape.is_active(cells[is_there]).any())

    def _moved(self) -> Any:
        """The copy of cells as they are."""
        target, source = list(self.given.values())[:2]
        cells = self.memory.look(source).copy()
        result = self._apply(self.given)
        self.memory.write(target, np.broadcast_to(cells, tuple(target.shape)))
        return result

    def _random(self) -> Any:
        """What was drawn is constant, in the numbers of the dtype; a composition says
        what else there is."""
        treatment = registry.own(self.facts.functional)
        if treatment is None:
            self._refuse_derivative()
            return self._constant()
        if not treatment.is_drawn:
            return self._computed()
        result = self._apply(self.given)
        for tensor in self._changed():
            if tensor.is_floating_point():
                self.memory.write(tensor, self.tape.constants(float64_of(tensor)))
        made = self._composed(treatment, self._read(), result)
        self._bind_all(tensors_in(result), made)
        return result

    def _refuse_derivative(self) -> None:
        """Raise where a sample has a derivative by what it was drawn with."""
        name = self.facts.name.removeprefix("aten.").rstrip("_")
        if name in _FLAT or name.endswith("_like"):
            return
        read = self._read()
        if any(self.tape.varies(o.cells).any() for o in operands_in(read.values())):
            raise self.state.error("draws numbers that have a derivative of their own")

    def _computed(self) -> Any:
        """What is computed of numbers: in float64, and in the dtype."""
        read = self._read()
        is_exact = not self.facts.changed and all(
            dtype == torch.float64 for dtype in self._dtypes(read)
        )
        treatment = self._treatment()
        wide = None if is_exact else self._widely(read)
        result = self._really(wide)
        if is_exact:
            wide = result
        floats = [t for t in tensors_in(result) if t.is_floating_point()]
        if not floats and not self._changed():
            self._decide(treatment, read, wide)
            return result
        if treatment is None:
            return self._unknown(read, result)
        if treatment.is_composition:
            made = self._composed(treatment, read)
            if wide is not None:
                own = list(tensors_in(wide))
                made = [(m[0], w) for m, w in zip(made, own, strict=False)]
        elif wide is None:
            raise self.state.error("cannot be computed in float64")
        else:
            made = self._handled(treatment, read, wide)
        self._bind_all(list(tensors_in(result)) or self._changed(), made)
        return result

    def _dtypes(self, read: Mapping[str, Any]) -> Iterator[torch.dtype]:
        """Of the operands, and what the operation is asked to give."""
        yield from (operand.dtype for operand in operands_in(read.values()))
        for value in self.given.values():
            if isinstance(value, torch.dtype) and value.is_floating_point:
                yield value

    def _unknown(self, read: Mapping[str, Any], result: Any) -> Any:
        """An operation that nothing is known of, which may do what it likes with
        constants."""
        if any(self.tape.varies(o.cells).any() for o in operands_in(read.values())):
            raise self.state.error("is not an operation that can be recorded")
        for tensor in (*tensors_in(result), *self._changed()):
            if tensor.is_floating_point():
                self.memory.write(tensor, self.tape.constants(float64_of(tensor)))
        return result

    def _decide(self, treatment: Treatment | None, read: Any, wide: Any) -> None:
        """Integers and truth values: only what they were decided by is kept."""
        if treatment is not None and not treatment.is_composition:
            self._handled(treatment, read, wide)

    # ── running ───────────────────────────────────────────────────────────────────────

    def _apply(
        self, given: Mapping[str, Any], function: Callable[..., Any] | None = None
    ) -> Any:
        values = list(given.values())
        names = list(given)[self.count :]
        return (function or self.op)(
            *values[: self.count], **{name: given[name] for name in names}
        )

    def _widely(self, read: Mapping[str, Any]) -> Any:
        """What it computes in float64; None where it cannot be had."""
        given = {}
        for name, value in read.items():
            if name in self.facts.changed:
                original = mapped(_fresh, self.given[name])
                is_read = name not in self.facts.overwritten
                given[name] = mapped(_clone, value) if is_read else original
            else:
                given[name] = mapped(_widened, value)
        try:
            wide = self._apply(given)
        except (RuntimeError, NotImplementedError):
            return None  # the run in the dtype tells whether it is the program's fault
        if self.facts.changed and not list(tensors_in(wide)):
            return [given[name] for name in self.facts.changed]
        return wide

    def _really(self, wide: Any) -> Any:
        """What it gives in the dtype; all but floating-point numbers are those of the
        run in float64."""
        if wide is not None and not self.facts.changed:
            if not any(t.is_floating_point() for t in tensors_in(wide)):
                return wide
        result = self._apply(self.given)
        if wide is None:
            return result
        if self.facts.changed:
            tensors = list(tensors_in(result)) or self._changed()
            for tensor, exact in zip(tensors, tensors_in(wide), strict=True):
                if not tensor.is_floating_point():
                    tensor.copy_(exact)
            return result
        if isinstance(result, torch.Tensor):
            return _real(result, wide)
        if isinstance(result, tuple | list):
            pairs = zip(result, wide, strict=True)
            return type(result)([_real(a, b) for a, b in pairs])
        return wide

    # ── cells ─────────────────────────────────────────────────────────────────────────

    def _read(self) -> dict[str, Any]:
        """The arguments, with an operand for each tensor of floating-point numbers."""
        read = {}
        for name, value in self.given.items():
            if name in self.facts.overwritten:
                read[name] = mapped(_unread, value)
            else:
                read[name] = mapped(self._operand, value)
        found = [o.dtype for o in operands_in(read.values())]
        if self.state.depth == 0:
            self.tape.number_dtype = self._number_dtype(found)
        return read

    def _number_dtype(self, dtypes: Sequence[torch.dtype]) -> str | None:
        """To what PyTorch rounds a number of Python's beside tensors of these dtypes."""
        if torch.float64 in dtypes or not dtypes:
            return None
        is_own = self.facts.name.rstrip("_") in _OWN_NUMBERS
        if is_own or registry.is_rounding_inside(self.facts.functional):
            return name_of(dtypes[0])
        return "float32"

    def _operand(self, tensor: Any) -> Any:
        if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point():
            return tensor
        is_program = self.state.depth == 0
        cells = self.memory.read(tensor, is_checked=is_program)
        if tensor.dtype == torch.float64 and not self.facts.changed:
            values = tensor.detach()
        else:
            values = torch.from_numpy(self.tape.values(cells))
        is_as_read = True
        if self.state.is_differentiated and not tensor.requires_grad:
            if self.tape.is_active(cells).any():
                cells, is_as_read = self.tape.stop(cells), False
        return Operand(cells, values, tensor.dtype, is_as_read)

    def _treatment(self) -> Treatment | None:
        functional = self.facts.functional
        return (
            registry.own(functional)
            or registry.decomposition(functional)
            or registry.decomposition(self.op)
        )

    def _arguments(self, read: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """As the operation without writing takes them."""
        names = list(read)
        args = [read[name] for name in names[: self.count]]
        left = {name: read[name] for name in names[self.count :]}
        if self.facts.functional is not self.op:
            left = {n: v for n, v in left.items() if n not in self.facts.outputs}
        return args, left

    def _handled(self, treatment: Treatment, read: Any, wide: Any) -> list[Made]:
        args, kwargs = self._arguments(read)
        made = treatment.function(self.tape, wide, *args, **kwargs)
        cells = made if isinstance(made, tuple | list) else [made]
        return list(zip(cells, tensors_in(wide), strict=False))

    def _composed(self, treatment: Treatment, read: Any, *first: Any) -> list[Made]:
        args, kwargs = self._arguments(read)
        with self.memory.scope(), self.state.within():
            args = mapped(self._known, args)
            kwargs = {name: mapped(self._known, v) for name, v in kwargs.items()}
            result = treatment.function(*first, *args, **kwargs)
            made = [self._found(tensor) for tensor in tensors_in(result)]
            arguments = dict(zip(self.facts.names, args, strict=False)) | kwargs
            changed = [
                (tensor, self._found(inner))
                for name in self._written_within()
                for tensor, inner in zip(
                    tensors_in(self.given.get(name)),
                    tensors_in(arguments.get(name)),
                    strict=True,
                )
            ]
        for tensor, (cells, values) in changed:
            self._bind(tensor, cells, values)
        return made

    def _known(self, value: Any) -> Any:
        """An operand as a tensor of which the cells are known."""
        if isinstance(value, Operand):
            tensor = value.values
            if self.facts.changed or self.memory.knows(tensor):
                if value.is_as_read and not self.facts.changed:
                    return tensor
                tensor = tensor.clone()
            self.memory.write(tensor, value.cells)
            return tensor
        return _widened(value)

    def _found(self, tensor: torch.Tensor) -> Made:
        if not tensor.is_floating_point():
            return None, tensor
        return self.memory.read(tensor, is_checked=False).copy(), tensor

    def _bind_all(self, tensors: Any, made: Sequence[Made]) -> None:
        for tensor, (cells, values) in zip(tensors, made, strict=False):
            if tensor.is_floating_point() and cells is not None:
                self._bind(tensor, cells, values)
                if self.state.depth == 0:
                    self._round_inside(name_of(tensor.dtype))

    def _round_inside(self, dtype: str) -> None:
        """Have each step round to the dtype, in an operation that does so."""
        if registry.is_rounding_inside(self.facts.functional):
            for entry in self.tape.entries[self.since :]:
                if entry.numbers is None and entry.stored is None:
                    entry.stored = dtype

    def _bind(self, tensor: torch.Tensor, cells: Any, values: Any) -> None:
        """Say what a result is."""
        numbers = float64_of(values)
        cells = np.asarray(cells)
        if cells.shape != numbers.shape:
            raise self.state.error(f"gave {cells.shape} cells for {numbers.shape}")
        if self.state.depth:
            self.tape.settle_inner(cells, numbers)
        else:
            cells = self.tape.settle(cells, numbers)
            self.tape.store(cells, name_of(tensor.dtype), self.since)
        self.memory.write(tensor, cells)
        if values is not tensor:
            tensor.detach().copy_(values)

    # ── what is refused ───────────────────────────────────────────────────────────────

    def _written_within(self) -> tuple[str, ...]:
        """The arguments that a composition itself writes."""
        facts = self.facts
        if facts.functional is not self.op:
            return facts.undeclared
        return tuple(name for name in facts.changed if name not in facts.outputs)

    def _changed(self) -> list[torch.Tensor]:
        names = self.facts.changed
        return [t for name in names for t in tensors_in(self.given.get(name))]

    def _refuse(self, tensor: torch.Tensor) -> None:
        """Raise where a tensor is none of plain numbers."""
        sort = None
        if tensor.is_complex():
            sort = "complex"
        elif tensor.is_quantized:
            sort = "quantised"
        elif tensor.layout != torch.strided:
            sort = "sparse"
        elif tensor.device.type != "cpu":
            sort = f"{tensor.device.type}"
        if sort is not None:
            raise self.state.error(f"is of {sort} tensors, which are not recorded")
        if not tensor.is_floating_point() and self.memory.knows(tensor):
            raise self.state.error(
                "reads the bits of floating-point numbers (a view as integers, or a "
                "kernel that Triton's interpreter runs)"
            )


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """All tensors of arguments or results."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors_in(part)


def operands_in(value: Any) -> Iterator[Operand]:
    """All operands of arguments."""
    if isinstance(value, Operand):
        yield value
    elif not isinstance(value, torch.Tensor | str) and hasattr(value, "__iter__"):
        for part in value:
            yield from operands_in(part)


def _widened(value: Any) -> Any:
    if isinstance(value, Operand):
        return value.values
    if isinstance(value, torch.dtype) and value.is_floating_point:
        return torch.float64
    return value


def _clone(value: Any) -> Any:
    return value.values.clone() if isinstance(value, Operand) else _fresh(value)


def _fresh(value: Any) -> Any:
    """Room for what is written."""
    if not isinstance(value, torch.Tensor):
        return value
    if value.is_floating_point():
        return torch.empty_like(value, dtype=torch.float64).detach()
    return value.detach().clone()


def _unread(value: Any) -> Any:
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        return value
    cells = np.broadcast_to(np.int64(UNWRITTEN), tuple(value.shape))
    return Operand(cells, torch.empty_like(value, dtype=torch.float64), value.dtype)


def _real(result: Any, wide: Any) -> Any:
    if not isinstance(result, torch.Tensor):
        return wide
    if not result.is_floating_point():
        return wide
    return result if result.shape == wide.shape else wide.to(result.dtype)
