"""What callers from Python give, PyTorch's, NumPy's and SymPy's objects included, as the
keys of a case hold it.

No library is imported for that: whose an object is, its class says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol, TypeAlias, TypeGuard, runtime_checkable

from verifier.errors import ArgumentError


@runtime_checkable
class Numeric(Protocol):
    """A tensor of PyTorch's, or a scalar or array of NumPy's."""

    def tolist(self) -> Any:
        """Its numbers, as Python's."""


class Tensor(Numeric, Protocol):
    """A tensor of PyTorch's."""

    requires_grad: bool

    def numel(self) -> int:
        """How many numbers it holds."""


class Symbolic(Protocol):
    """A SymPy expression."""

    @property
    def free_symbols(self) -> Any:
        """Its variables."""


Number: TypeAlias = (
    int | float | complex | str | Fraction | Decimal | Numeric | Symbolic
)
"""An exact number: a float is the binary number that it holds, as is a tensor or NumPy
scalar of one number; a string as in a case file (`"1/3"`, `"0x1.8p-3"`); a SymPy number.
Complex only where the dtypes are."""
Interval: TypeAlias = str | tuple[Number, Number] | list[Number] | Numeric | Symbolic
"""An interval as in a case file (`"(0, inf)"`), or its two ends, which belong to it."""


class _Sized(Protocol):
    @property
    def itemsize(self) -> int:
        """Bytes of one number."""


Dtype: TypeAlias = str | type[Any] | _Sized
"""A dtype by its name, or PyTorch's or NumPy's own."""


def is_symbolic(value: object) -> bool:
    """Whether it is SymPy's; a symbol of which is callable."""
    return _library(value) == "sympy"


def holds_tensors(value: object) -> bool:
    """Whether a tensor or a module of PyTorch's is among nested values."""
    if isinstance(value, Mapping):
        return any(holds_tensors(entry) for entry in value.values())
    if isinstance(value, (list, tuple)):
        return any(holds_tensors(entry) for entry in value)
    return is_tensor(value) or is_module(value)


def is_tensor(value: object) -> TypeGuard[Tensor]:
    """Whether it is a tensor of PyTorch's."""
    return _is_a(value, "Tensor", "torch")


def is_module(value: object) -> bool:
    """Whether it is a module of PyTorch's."""
    return _is_a(value, "Module", "torch.nn")


def _is_a(value: object, name: str, package: str) -> bool:
    return not isinstance(value, type) and any(
        kind.__name__ == name and f"{kind.__module__}.".startswith(f"{package}.")
        for kind in type(value).__mro__
    )


def are_numbers(values: Sequence[object]) -> bool:
    """Whether each of the values that is a tensor is one number, of which no gradient
    is asked: values of a point."""
    return all(
        is_tensor(value) and value.numel() == 1 and not value.requires_grad
        for value in values
        if holds_tensors(value)
    )


def plain(value: object) -> object:
    """The value as a case file could hold it; what is none of other libraries' stays as
    it is."""
    if isinstance(value, Mapping):
        return {_plain_key(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, Decimal):
        return str(value).lower()
    library = _library(value)
    if library == "sympy":
        return _of_sympy(value)
    if library in ("torch", "numpy"):
        return _of_arrays(value)
    return value


def _plain_key(key: object) -> object:
    shown = plain(key)
    return key if isinstance(shown, (dict, list)) else shown  # no such key is a name


def name_of(value: object) -> str:
    """The name of a dtype, device or layout of PyTorch's or NumPy's; text stays text."""
    if isinstance(value, int) and value.bit_length() > 64:  # Python may not spell it
        return f"an integer of {value.bit_length()} bits"
    name = getattr(value, "__name__", None) if isinstance(value, type) else None
    return str(name or value).removeprefix("torch.")


def _library(value: object) -> str | None:
    """The library that a value's class, or one that it is derived from, comes from."""
    kinds = value.__mro__ if isinstance(value, type) else type(value).__mro__
    for kind in kinds:
        library = kind.__module__.partition(".")[0]
        if library in ("sympy", "torch", "numpy"):
            return library
    return None


def _of_arrays(value: Any) -> object:
    if isinstance(value, type) or not hasattr(value, "tolist"):
        return name_of(value)
    try:
        numbers = value.tolist()
    except Exception as error:  # what PyTorch raises differs from kind to kind
        kind = _kind_of_tensor(value)
        raise ArgumentError(
            f"expected a number, found a {kind} tensor. Give its number."
        ) from error
    if hasattr(numbers, "as_integer_ratio") and not isinstance(numbers, (int, float)):
        return Fraction(*numbers.as_integer_ratio())  # NumPy's `longdouble`
    while isinstance(numbers, list) and len(numbers) == 1:
        (numbers,) = numbers
    return numbers


def _kind_of_tensor(value: Any) -> str:
    kinds = ("meta", "quantized", "nested")
    kind = next((k for k in kinds if getattr(value, f"is_{k}", False)), None)
    is_sparse = "sparse" in str(getattr(value, "layout", ""))
    return kind or ("sparse" if is_sparse else type(value).__name__)


def _of_sympy(value: Any) -> object:
    from verifier.language.importers.sympy_expressions import interval_of, text_of

    if hasattr(value, "left_open"):
        return interval_of(value)
    if getattr(value, "is_Float", False):
        sign, mantissa, exponent, _ = value._mpf_
        return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** exponent
    if getattr(value, "is_number", False) and value.is_extended_real is False:
        return _complex(*map(text_of, value.as_real_imag()))
    return text_of(value)


def _complex(real: str, imaginary: str) -> str:
    sign, size = ("-", imaginary[1:]) if imaginary[0] == "-" else ("+", imaginary)
    return f"{real} {sign} {size}j"
