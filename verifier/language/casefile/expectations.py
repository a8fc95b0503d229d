"""What a case expects: its table `expect`, brought to its points and epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from verifier.errors import did_you_mean
from verifier.language.casefile.case import Expectation, Expected, Pin
from verifier.language.casefile.places import Origin, check_input
from verifier.language.casefile.spelling import join
from verifier.language.casefile.tables import CaseTable, DescentTable, ExpectTable
from verifier.language.points.scalars import Scalar


def expectation(
    table: CaseTable,
    arguments: tuple[str, ...],
    wrt: tuple[str, ...],
    given: Sequence[Mapping[str, Scalar]],
    steps: Iterable[str],
    origin: Origin,
) -> Expectation | None:
    """What the case pins, one number for each given point or leading epoch; None where it pins nothing."""
    found = table.expect
    if found is None:
        return None
    pins = () if isinstance(found.verdict, str) else found.verdict or ()
    _check_reason(found, origin)
    for pin in pins:
        _check_pin(pin, (*wrt, *steps), table.order, origin)
    for name in found.gradient or {}:
        _check_differentiated(name, wrt, arguments, origin)
    is_complete = bool(given) and given[0].keys() == set(arguments)
    count = len(given) if is_complete else 0
    gradient = (found.gradient or {}).items()
    return Expectation(
        value=_held(found.value, count, origin, "value"),
        gradient={n: _held(held, count, origin, "gradient", n) for n, held in gradient},
        verdict=found.verdict if isinstance(found.verdict, str) else None,
        pins=pins,
        reason=found.reason,
        losses=_epochs(found.losses, table.descent, origin, "losses"),
        weights=_epochs(found.weights, table.descent, origin, "weights"),
    )


def _check_reason(found: ExpectTable, origin: Origin) -> None:
    pinned = found.verdict or ()
    verdicts = [pinned] if isinstance(pinned, str) else [pin.verdict for pin in pinned]
    unlike = [name for name in verdicts if name.partition(".")[0] != "match"]
    if unlike and (found.reason is None or not found.reason.strip()):
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
            f"expected one of {join(names)}, by which the case differentiates, found `{pin.wrt}`.{mend}",
            *keys,
            pin.wrt,
        )


def _check_differentiated(
    name: str, wrt: Sequence[str], arguments: Sequence[str], origin: Origin
) -> None:
    check_input(name, arguments, origin, "expect", "gradient", name)
    if name not in wrt:
        origin.fail(
            f"expected a gradient by one of {join(wrt)}, found `{name}`. Add it to `wrt`, or drop it.",
            *("expect", "gradient", name),
        )


def _held(
    held: Expected | tuple[Expected, ...] | None,
    count: int,
    origin: Origin,
    *keys: str,
) -> tuple[Expected, ...]:
    """One number for each of the `count` given points."""
    if held is None:
        return ()
    if count == 0:
        origin.fail(
            "expected points in `at`, with every input, for the numbers in `expect`, found none. Add them.",
            *("expect", *keys),
        )
    if isinstance(held, Expected):
        return (held,) * count
    if len(held) != count:
        origin.fail(
            f"expected {_numbers(count)}, one for each point in `at`, found {len(held)}.",
            *("expect", *keys),
        )
    return held


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
