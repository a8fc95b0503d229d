"""Where a case was written, and the errors that say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from verifier.errors import CaseFileError, Place, did_you_mean
from verifier.language.casefile.key_lines import Keys
from verifier.language.casefile.spelling import join


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a case was written; `inherited` are the keys that it has from `[defaults]`."""

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
        f"expected one of the inputs {join(inputs)}, found `{name}`.{did_you_mean(name, inputs)}",
        *keys,
    )
