"""Mistakes in the values that a case file holds, in our words, for pydantic to tell with
their places."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from verifier.errors import writable

_T = TypeVar("_T")


def fault(
    message: str, *tail: str | int, column: int | None = None
) -> PydanticCustomError:
    """An error in our words; `tail` leads from the validated value to the one at
    fault."""
    return _of_context({"message": writable(message), "tail": tail, "column": column})


def _of_context(context: dict[str, object]) -> PydanticCustomError:
    return PydanticCustomError("verifier", "{message}", context)


def all_of(reads: Iterable[Callable[[], _T]]) -> tuple[_T, ...]:
    """What is read, part by part, or the faults of all parts."""
    values: list[_T] = []
    faults: list[PydanticCustomError] = []
    for read in reads:
        try:
            values.append(read())
        except PydanticCustomError as error:
            faults.append(error)
        except ValidationError as several:
            faults += (_of_context(error["ctx"]) for error in several.errors())
    if faults:
        details = [InitErrorDetails(type=error, input=None) for error in faults]
        raise ValidationError.from_exception_data("", details)
    return tuple(values)


def either(*words: str) -> str:
    return " or ".join(f'"{word}"' for word in words)
