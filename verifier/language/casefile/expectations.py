"""What a case expects: its tables `expect`, brought to its points and epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verifier import releases
from verifier.errors import Gathering, did_you_mean, listed
from verifier.language.casefile.case import Expectation, Expected, Pin
from verifier.language.casefile.document import Keys
from verifier.language.casefile.places import Origin, check_input
from verifier.language.casefile.tables import CaseTable, DescentTable, ExpectTable
from verifier.language.points.arrays import Array
from verifier.language.points.scalars import Scalar
from verifier.language.programs.program import Program


def expectation(
    table: CaseTable,
    arguments: tuple[str, ...],
    wrt: tuple[str, ...],
    given: Sequence[Mapping[str, Scalar]],
    program: Program,
    origin: Origin,
) -> Expectation | None:
    """What the case expects of the release of PyTorch that is installed: the first of
    its tables that holds for it; None where none does. All of them are checked."""
    tables = table.expect or ()
    part = Gathering()
    found: list[Expectation] = []
    installed = releases.installed("torch")
    for index, expect in enumerate(tables):
        at: Keys = ("expect",) if len(tables) == 1 else ("expect", index)
        read = part(_read, expect, table, arguments, wrt, given, program, origin, at)
        if expect.torch is None or releases.holds(expect.torch, installed):
            found.append(read)
        if expect.torch is None and index < len(tables) - 1:
            part(_refuse_unreached, origin, *at)
    part.check()
    return found[0] if found else None


def chosen(tables: Sequence[ExpectTable]) -> int | None:
    """Which of the tables is the first that holds for the release of PyTorch that is
    installed."""
    installed = releases.installed("torch")
    for index, expect in enumerate(tables):
        if expect.torch is None or releases.holds(expect.torch, installed):
            return index
    return None


def _refuse_unreached(origin: Origin, *at: str | int) -> None:
    origin.fail(
        "expected the table without `torch`, which always holds, after all others, "
        "found another after it. Put it last, or say for which releases it holds.",
        *at,
    )


def _read(
    expect: ExpectTable,
    table: CaseTable,
    arguments: tuple[str, ...],
    wrt: tuple[str, ...],
    given: Sequence[Mapping[str, Scalar]],
    program: Program,
    origin: Origin,
    at: Keys,
) -> Expectation:
    """What one table expects, one number for each given point or leading epoch."""
    pins = () if isinstance(expect.verdict, str) else expect.verdict or ()
    part = Gathering()
    part(_check_reason, expect, origin, at)
    for pin in pins:
        part(_check_pin, pin, (*wrt, *program.steps), table.order, origin, at)
    is_complete = bool(given) and given[0].keys() == set(arguments)
    count = len(given) if is_complete else 0
    gradient = {}
    for name, numbers in (expect.gradient or {}).items():
        keys = (*at, "gradient", name)
        part(_check_differentiated, name, wrt, arguments, origin, keys)
        gradient[name] = part(_one_for_each, numbers, count, origin, keys)
    value = part(_one_for_each, expect.value, count, origin, (*at, "value"))
    losses = part(_epochs, expect.losses, table.descent, origin, at, "losses")
    weights = part(_epochs, expect.weights, table.descent, origin, at, "weights")
    part.check()
    return Expectation(
        value=value,
        gradient=gradient,
        verdict=expect.verdict if isinstance(expect.verdict, str) else None,
        pins=pins,
        reason=expect.reason,
        losses=losses,
        weights=weights,
        lines=_lines(expect, origin, at),
    )


def _lines(expect: ExpectTable, origin: Origin, at: Keys) -> dict[str, int]:
    """Where the keys of an expectation stand."""
    keys = [(key,) for key in ("value", "verdict", "losses", "weights")]
    gradients = [("gradient", name) for name in expect.gradient or {}]
    lines = {key: origin.line_of((*at, *key)) for key in (*keys, *gradients)}
    return {".".join(("expect", *key)): line for key, line in lines.items() if line}


def _check_reason(expect: ExpectTable, origin: Origin, at: Keys) -> None:
    pinned = expect.verdict or ()
    verdicts = [pinned] if isinstance(pinned, str) else [pin.verdict for pin in pinned]
    unlike = [name for name in verdicts if name.partition(".")[0] != "match"]
    if unlike and (expect.reason is None or not expect.reason.strip()):
        origin.fail(
            f"expected a `reason` for the verdict `{unlike[0]}`, found none. "
            "Say why it is no match: a link to an issue, or a sentence.",
            *(*at, "verdict"),
        )


def _check_pin(
    pin: Pin, names: Sequence[str], order: int | None, origin: Origin, at: Keys
) -> None:
    keys = (*at, "verdict", pin.quantity)
    if pin.quantity == "hessian" and order != 2:
        origin.fail("expected `order = 2` for a Hessian, found none. Add it.", *keys)
    if pin.wrt is not None and pin.wrt not in names:
        mend = did_you_mean(pin.wrt, names)
        origin.fail(
            f"expected one of {listed(names)}, by which the case differentiates, found `{pin.wrt}`.{mend}",
            *keys,
            pin.wrt,
        )


def _check_differentiated(
    name: str,
    wrt: Sequence[str],
    arguments: Sequence[str],
    origin: Origin,
    keys: Keys,
) -> None:
    check_input(name, arguments, origin, *keys)
    if name not in wrt:
        origin.fail(
            f"expected a gradient by one of {listed(wrt)}, found `{name}`. Add it to `wrt`, or drop it.",
            *keys,
        )


def _one_for_each(
    numbers: Expected | tuple[Expected, ...] | Array[Expected] | None,
    count: int,
    origin: Origin,
    keys: Keys,
) -> tuple[Expected, ...]:
    """One number for each of the `count` given points."""
    if numbers is None:
        return ()
    if isinstance(numbers, Array):
        origin.fail("expected a number, found a list.", *keys, 0)
    if count == 0:
        origin.fail(
            "expected points in `at`, with every input, for the numbers in `expect`, found none. Add them.",
            *keys,
        )
    if isinstance(numbers, Expected):
        return (numbers,) * count
    if len(numbers) != count:
        origin.fail(
            f"expected {_numbers(count)}, one for each point in `at`, found {len(numbers)}.",
            *keys,
        )
    return numbers


def _epochs(
    numbers: tuple[Expected, ...] | None,
    descent: DescentTable | None,
    origin: Origin,
    at: Keys,
    key: str,
) -> tuple[Expected, ...]:
    if numbers is None:
        return ()
    if descent is None:
        origin.fail(
            f"expected a `descent` for the {key}, found none. Add one.", *at, key
        )
    if len(numbers) > descent.epochs:
        origin.fail(
            f"expected at most {_numbers(descent.epochs)}, one an epoch, found {len(numbers)}.",
            *(*at, key),
        )
    return numbers


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count} numbers"
