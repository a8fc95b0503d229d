"""Where a case was written, the errors that say so, and how they name values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from verifier.errors import CaseFileError, Place, did_you_mean, listed
from verifier.language.casefile.document import Keys, WrittenFloat
from verifier.language.points.arrays import Array
from verifier.language.points.domains import Domain
from verifier.language.points.scalars import Scalar
from verifier.language.points.tensor_domains import TensorDomain
from verifier.language.points.upstream import WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a case was written; `inherited` are the keys that it has from
    `[defaults]`."""

    file: str | None
    line: int | None
    name: str | None = None
    root: Keys = ()
    lines: Mapping[Keys, int] = field(default_factory=dict)
    inherited: frozenset[str] = frozenset()

    def place(self, *keys: str | int, column: int | None = None) -> Place:
        shown = (*self.root, *keys) if self.root == ("defaults",) else keys
        return Place(
            file=self.file,
            line=self.line_of(keys),
            case=self.name,
            key=_dotted(shown) or None,
            column=column,
        )

    def line_of(self, keys: Keys) -> int | None:
        """The line of the key, or of the nearest table around it that is known."""
        inherited = bool(keys) and keys[0] in self.inherited
        root: Keys = ("defaults",) if inherited else self.root
        for end in range(len(keys), 0, -1):
            line = self.lines.get((*root, *keys[:end]))
            if line is not None:
                return line
        return self.line

    def fail(
        self, message: str, *keys: str | int, column: int | None = None
    ) -> NoReturn:
        raise CaseFileError(message, place=self.place(*keys, column=column))


def _dotted(keys: Keys) -> str:
    parts = (f"[{key + 1}]" if isinstance(key, int) else f".{key}" for key in keys)
    return "".join(parts).removeprefix(".")


def check_input(
    name: str, inputs: Sequence[str], origin: Origin, *keys: str | int
) -> None:
    """That a name found at `keys` is one of the inputs."""
    if name in inputs:
        return
    origin.fail(
        f"expected one of the inputs {listed(inputs)}, found `{name}`.{did_you_mean(name, inputs)}",
        *keys,
    )


def show(value: object) -> str:
    """A value as a message names it."""
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case WrittenFloat():
            return f"`{value.text}`"
        case str():
            return f'"{value if len(value) <= 40 else value[:37] + "..."}"'
        case dict() | Mapping():
            return "a table" if value else "an empty table"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case int() if value.bit_length() > 128:
            return f"an integer of {value.bit_length()} bits"
    try:
        return f"`{value}`"
    except ValueError:  # it holds an integer of more digits than Python spells
        return f"a `{type(value).__name__}` of too many digits"


# ── what only tensors may be ──────────────────────────────────────────────────────────

_MEND = "Give `shapes`, if it is one, or drop it."


def points_alone(
    points: Sequence[Mapping[str, Scalar | Array[Scalar]]], origin: Origin
) -> list[dict[str, Scalar]]:
    """Points of single numbers, once no value is an array: those are read only of a case
    with `shapes`."""
    found: list[dict[str, Scalar]] = []
    for point in points:
        found.append({})
        for name, number in point.items():
            if isinstance(number, Array):
                origin.fail("expected a number, found a list.", "at", name)
            found[-1][name] = number
    return found


def numbers_alone(
    named: Mapping[str, Domain | TensorDomain], origin: Origin
) -> dict[str, Domain]:
    """The domains of single numbers, once none is that of a tensor."""
    found: dict[str, Domain] = {}
    for name, domain in named.items():
        if isinstance(domain, TensorDomain):
            origin.fail(
                f"expected an interval, found `{domain}`, from which only tensors are drawn. {_MEND}",
                "domain",
                name,
            )
        found[name] = domain
    return found


def of_numbers(
    upstream: str | tuple[Scalar, ...] | tuple[str, ...], origin: Origin
) -> str | tuple[Scalar, ...]:
    """The upstream gradient of single numbers, once no word in it is that of
    tensors."""
    if isinstance(upstream, str):
        words = [upstream] if upstream not in WORDS else []
    else:
        words = [word for word in upstream if isinstance(word, str)]
    if words:
        origin.fail(
            f"expected a finite number, or one of {listed(WORDS)}, found `{words[0]}`, "
            f"which only the upstream gradient of a tensor may be. {_MEND}",
            "upstream",
        )
    if isinstance(upstream, str):
        return upstream
    return tuple(number for number in upstream if isinstance(number, Scalar))
