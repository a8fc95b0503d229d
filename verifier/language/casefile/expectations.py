"""What a case expects: its table `expect`, brought to its points and epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verifier.errors import Gathering, did_you_mean, listed
from verifier.language.casefile.case import Expectation, Expected, Pin
from verifier.language.casefile.places import Origin, check_input
from verifier.language.casefile.tables import CaseTable, DescentTable, ExpectTable
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
    """What the case pins, one number for each given point or leading epoch; None where
    it pins nothing."""
    expect = table.expect
    if expect is None:
        return None
    pins = () if isinstance(expect.verdict, str) else expect.verdict or ()
    part = Gathering()
    part(_check_reason, expect, origin)
    for pin in pins:
        part(_check_pin, pin, (*wrt, *program.steps), table.order, origin)
    is_complete = bool(given) and given[0].keys() == set(arguments)
    count = len(given) if is_complete else 0
    gradient = {}
    for name, numbers in (expect.gradient or {}).items():
        part(_check_differentiated, name, wrt, arguments, origin)
        gradient[name] = part(_one_for_each, numbers, count, origin, "gradient", name)
    value = part(_one_for_each, expect.value, count, origin, "value")
    losses = part(_epochs, expect.losses, table.descent, origin, "losses")
    weights = part(_epochs, expect.weights, table.descent, origin, "weights")
    part.check()
    return Expectation(
        value=value,
        gradient=gradient,
        verdict=expect.verdict if isinstance(expect.verdict, str) else None,
        pins=pins,
        reason=expect.reason,
        losses=losses,
        weights=weights,
        lines=_lines(expect, origin),
    )


def _lines(expect: ExpectTable, origin: Origin) -> dict[str, int]:
    """Where the keys of an expectation stand."""
    keys = [("expect", key) for key in ("value", "verdict", "losses", "weights")]
    gradients = [("expect", "gradient", name) for name in expect.gradient or {}]
    lines = {key: origin.line_of(key) for key in (*keys, *gradients)}
    return {".".join(key): line for key, line in lines.items() if line}


def _check_reason(expect: ExpectTable, origin: Origin) -> None:
    pinned = expect.verdict or ()
    verdicts = [pinned] if isinstance(pinned, str) else [pin.verdict for pin in pinned]
    unlike = [name for name in verdicts if name.partition(".")[0] != "match"]
    if unlike and (expect.reason is None or not expect.reason.strip()):
        origin.fail(
            f"expected a `reason` for the verdict `{unlike[0]}`, found none. "
            "Say why it is no match: a link to an issue, or a sentence.",
            *("expect", "verdict"),
        )


def _check_pin(
    pin: Pin, names: Sequence[str], order: int | None, origin: Origin
) -> None:
    keys = ("expect", "verdict", pin.quantity)
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
    name: str, wrt: Sequence[str], arguments: Sequence[str], origin: Origin
) -> None:
    check_input(name, arguments, origin, "expect", "gradient", name)
    if name not in wrt:
        origin.fail(
            f"expected a gradient by one of {listed(wrt)}, found `{name}`. Add it to `wrt`, or drop it.",
            *("expect", "gradient", name),
        )


def _one_for_each(
    numbers: Expected | tuple[Expected, ...] | None,
    count: int,
    origin: Origin,
    *keys: str,
) -> tuple[Expected, ...]:
    """One number for each of the `count` given points."""
    if numbers is None:
        return ()
    if count == 0:
        origin.fail(
            "expected points in `at`, with every input, for the numbers in `expect`, found none. Add them.",
            *("expect", *keys),
        )
    if isinstance(numbers, Expected):
        return (numbers,) * count
    if len(numbers) != count:
        origin.fail(
            f"expected {_numbers(count)}, one for each point in `at`, found {len(numbers)}.",
            *("expect", *keys),
        )
    return numbers


def _epochs(
    numbers: tuple[Expected, ...] | None,
    descent: DescentTable | None,
    origin: Origin,
    key: str,
) -> tuple[Expected, ...]:
    if numbers is None:
        return ()
    if descent is None:
        origin.fail(
            f"expected a `descent` for the {key}, found none. Add one.", "expect", key
        )
    if len(numbers) > descent.epochs:
        origin.fail(
            f"expected at most {_numbers(descent.epochs)}, one an epoch, found {len(numbers)}.",
            *("expect", key),
        )
    return numbers


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count} numbers"
