"""A stored run, reduced to what a later one is held against: verdicts and the largest error, by quantity.

The file is JSON, sorted, one result a line, so that a change of it reads well in a diff:

    {"schema": 2, "entries": {
    "cases/notebook.toml::example-two float32 reverse 1": {"verdict": "match.exact", "quantities": {
        "value": {"counts": {"match.exact": 1}, "max_error_ulp": 0.0}, …}}
    }}

where the entry stands on a single line.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from verifier.errors import BaselineError, Place
from verifier.judgement.comparison import severity
from verifier.judgement.tallies import joined, verdicts
from verifier.records import (
    Change,
    ChangeKind,
    Reported,
    Result,
    RunRecord,
    Tally,
    Verdict,
)
from verifier.serialisation import Codec, decode

SCHEMA = 2

NOISE_ULP = 1.0
"""Errors below one ulp are noise: a correctly rounded result may be off by half of one, the next best by one."""

SPREADS = 3
"""How many standard deviations more points with a verdict are no chance."""

ERROR_DIGITS = 3
"""Significant digits of an error that the file keeps; more would change with the machine and say nothing."""

_FAMILIES = ("match", "undecided", "differ", "error")
_MEND = "`verifier run --baseline FILE --update-baseline` writes a new one."


WHOLE = "result"
"""The quantity of a result that does not tell its quantities apart, as in older reports."""

_QUANTITIES = ("value", "gradient", "hessian", WHOLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Reported):
    """What a baseline keeps of a result."""

    verdict: Verdict
    quantities: Mapping[str, Tally]
    """By the name of each; none where the case could not be run."""

    @property
    def whole(self) -> Tally | None:
        """All quantities together."""
        return joined(self.quantities.values(), name=(WHOLE, ()))

    def __str__(self) -> str:
        return self.verdict.value if self.whole is None else _told(self.whole)


_ENTRY = Codec(Entry, mend=_MEND, whole=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The entries of a stored run, by the identity of their results."""

    entries: Mapping[str, Entry] = field(default_factory=dict)


def identity(result: Result) -> str:
    """What names a result across runs and machines: `FILE::NAME dtype route order`."""
    return f"{result.case} {result.dtype} {result.route} {result.order}"


def of(record: RunRecord) -> Baseline:
    """The baseline that a run makes."""
    return Baseline(entries={identity(r): _entry(r) for r in record.results})


def _entry(result: Result) -> Entry:
    quantities = result.quantities
    if not quantities and result.counts:
        # Where some points are ill-conditioned, the largest error is theirs, and the kernel's only by chance.
        conditioned = result.counts.get(Verdict.MATCH_CONDITIONING, 0)
        error = None if conditioned else result.max_error_ulp
        whole = Tally(quantity=WHOLE, wrt=(), counts=result.counts, max_error_ulp=error)
        quantities = (whole,)
    return Entry(
        verdict=result.verdict, quantities={tally.name: tally for tally in quantities}
    )


def _told(tally: Tally) -> str:
    """The worst verdict, at how many of all points something is no match, and the largest error."""
    worst = verdicts(tally)[0]
    bad, total = _at_least(tally, _LEAST_BAD), sum(tally.counts.values())
    where = f" ({bad} of {total})" if bad and total > 1 else ""
    error = tally.max_error_ulp
    return f"{worst}{where}" + ("" if error is None else f", {error:.3g} ulp")


def split(baseline: Baseline, paths: Iterable[Path]) -> tuple[Baseline, Baseline]:
    """The entries whose case files are, or lie in, one of `paths`, and the others.

    What a run was not asked about has not vanished from it.
    """
    folders = [path.resolve() for path in paths]
    inside: dict[str, Entry] = {}
    outside: dict[str, Entry] = {}
    for name, entry in baseline.entries.items():
        file = Path(name.partition("::")[0]).resolve()
        (inside if _lies_in(file, folders) else outside)[name] = entry
    return Baseline(entries=inside), Baseline(entries=outside)


def _lies_in(file: Path, folders: Iterable[Path]) -> bool:
    return any(file.is_relative_to(folder) for folder in folders)


# ── comparison ──────────────────────────────────────────────────────────────────────────────────────────────────────


def check_overlap(record: RunRecord, baseline: Baseline) -> None:
    """Raise `BaselineError` where no result of a run has an entry: the comparison would pass whatever it found."""
    found = of(record).entries
    if found and baseline.entries and not found.keys() & baseline.entries.keys():
        first = next(iter(baseline.entries))
        raise BaselineError(
            f"expected a baseline of these cases, found none of them in it; its first is `{first}`. "
            "Run from the folder in which it was written, or write another with --update-baseline."
        )


def compare(
    record: RunRecord,
    baseline: Baseline,
    *,
    growth: float = 2.0,
    partial: bool = False,
) -> list[Change]:
    """How a run differs from its baseline: regressions first, each group sorted by name.

    Every quantity of a result is compared by itself. It is worse where its worst verdict is, where a verdict or worse
    holds at more points (see `_has_more`), or where its error is more than `growth` times the old one, and more than
    `growth` ulps (see `NOISE_ULP`). In a `partial` run, one that was filtered or interrupted, an entry without a
    result has not vanished.
    """
    found = of(record).entries
    expected = {identity(r) for r in record.results if r.as_expected}
    changes = [
        change
        for name, after in found.items()
        for change in _changes(name, baseline, after, growth, name in expected)
    ]
    if not partial:
        changes += [
            _changed(name, ChangeKind.VANISHED, before, None)
            for name, before in baseline.entries.items()
            if name not in found
        ]
    return sorted(
        changes,
        key=lambda one: (not one.regression, one.result, one.quantity or ""),
    )


def _changes(
    name: str, baseline: Baseline, after: Entry, growth: float, expected: bool
) -> list[Change]:
    before = baseline.entries.get(name)
    if before is None:
        kind = _new(after.verdict, expected)
        return [_changed(name, kind, None, after)]
    found: list[Change] = []
    if before.quantities and after.quantities:
        old, new = _alike(before, after)
        for quantity in dict.fromkeys((*old, *new)):
            was, now = old.get(quantity), new.get(quantity)
            if (change := _kind(was, now, growth, expected)) is not None:
                told = None if quantity == WHOLE else quantity
                found.append(_changed(name, change, was, now, told))
    # What a result says as a whole may be worse than what any of its numbers does.
    whole = {one.regression for one in found}
    if _is_worse(after.verdict, before.verdict) and True not in whole:
        found.append(_changed(name, ChangeKind.WORSE_VERDICT, before, after))
    elif _is_worse(before.verdict, after.verdict) and not whole:
        found.append(_changed(name, ChangeKind.IMPROVED, before, after))
    return found


def _alike(
    before: Entry, after: Entry
) -> tuple[Mapping[str, Tally], Mapping[str, Tally]]:
    """The quantities of both; where one does not tell them apart, those of the other joined as well."""
    sides = before.quantities, after.quantities
    if (WHOLE in sides[0]) == (WHOLE in sides[1]):
        return sides
    old, new = before.whole, after.whole
    assert old is not None  # both have quantities
    assert new is not None
    return {WHOLE: old}, {WHOLE: new}


def _kind(
    before: Tally | None, after: Tally | None, growth: float, expected: bool
) -> ChangeKind | None:
    """How a quantity has changed."""
    if after is None:
        return ChangeKind.VANISHED
    worst = verdicts(after)[0]
    if before is None:
        return _new(worst, expected)
    old, new = before.max_error_ulp, after.max_error_ulp
    if _is_worse(worst, verdicts(before)[0]):
        return ChangeKind.WORSE_VERDICT
    if _has_more(before, after):
        return ChangeKind.MORE_POINTS
    if _is_worse(verdicts(before)[0], worst):
        return ChangeKind.IMPROVED
    if _has_grown(old, new, growth):
        return ChangeKind.LARGER_ERROR
    if _has_more(after, before) or _has_grown(new, old, growth):
        return ChangeKind.IMPROVED
    return None


def _new(verdict: Verdict, expected: bool) -> ChangeKind:
    bad = verdict.family in ("differ", "error") and not expected
    return ChangeKind.NEW_DIFFERENCE if bad else ChangeKind.NEW


def _changed(
    name: str,
    kind: ChangeKind,
    before: Entry | Tally | None,
    after: Entry | Tally | None,
    quantity: str | None = None,
) -> Change:
    def tell(side: Entry | Tally | None) -> str | None:
        if side is None:
            return None
        return _told(side) if isinstance(side, Tally) else str(side)

    return Change(
        result=name,
        quantity=quantity,
        kind=kind,
        regression=kind not in (ChangeKind.IMPROVED, ChangeKind.NEW),
        before=tell(before),
        after=tell(after),
    )


def _is_worse(verdict: Verdict, than: Verdict) -> bool:
    return _rank(verdict) > _rank(than)


def _rank(verdict: Verdict) -> tuple[int, int]:
    """The place of a verdict in the order of badness: that of families, and within `differ` that of `severity`.

    Other kinds do not count: `match.exact` to `match.rounding` is a matter of the error, which is compared by itself.
    """
    kind = severity(verdict) if verdict.family == "differ" else 0
    return _FAMILIES.index(verdict.family), kind


_LEAST_BAD = (1, 0)
"""The rank of what is undecided: nothing of that rank or above is a match."""


def _has_more(before: Tally, after: Tally) -> bool:
    """Whether some verdict or a worse one, which the quantity had before, holds at more points.

    More by `SPREADS` roots of what it was, as counts of independent events scatter: on another processor another few
    points end up on the other side of a threshold. Where all points are more, or fewer, so is what was.
    """
    share = sum(after.counts.values()) / sum(before.counts.values())
    for verdict in verdicts(after):
        rank = _rank(verdict)
        was = _at_least(before, rank) * share
        if rank >= _LEAST_BAD and 0 < was < _at_least(after, rank):
            grown = _at_least(after, rank) - was
            if grown > SPREADS * math.sqrt(max(was, 1.0)):
                return True
    return False


def _at_least(tally: Tally, rank: tuple[int, int]) -> int:
    """At how many points the verdict is of that rank or a worse one."""
    return sum(n for v, n in tally.counts.items() if _rank(Verdict(v)) >= rank)


def _has_grown(before: float | None, after: float | None, growth: float) -> bool:
    if before is None or after is None:
        return False
    return after > growth * max(before, NOISE_ULP)


# ── the file ────────────────────────────────────────────────────────────────────────────────────────────────────────


def dump(record: RunRecord, *, kept: Baseline | None = None) -> str:
    """The text of the baseline that a run makes; entries of `kept` that the run has no result for stay."""
    entries = {**(kept.entries if kept is not None else {}), **of(record).entries}
    lines = (
        f"{json.dumps(name)}: {_dump_entry(entry)}"
        for name, entry in sorted(entries.items())
    )
    body = ",\n".join(lines)
    return f'{{"schema": {SCHEMA}, "entries": {{\n{body}\n}}}}\n'


def _dump_entry(entry: Entry) -> str:
    quantities = {name: _rounded(tally) for name, tally in entry.quantities.items()}
    table = _ENTRY.write(replace(entry, quantities=quantities))
    for tally in table["quantities"].values():
        del tally["quantity"], tally["wrt"]  # its key says them
    return json.dumps(table)


def _rounded(tally: Tally) -> Tally:
    error = tally.max_error_ulp
    if error is not None:
        error = float(f"{error:.{ERROR_DIGITS}g}")
    return replace(tally, max_error_ulp=error)


def load(path: Path) -> Baseline:
    """The baseline in a file; a file that is absent, unreadable or no baseline is an error."""
    place = Place(file=str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BaselineError(f"no such baseline. {_MEND}", place=place) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(
            f"expected a readable baseline, found: {getattr(error, 'strerror', None) or error}. {_MEND}",
            place=place,
        ) from error
    try:
        return _parse(text)
    except BaselineError as error:
        raise error.at(place) from error


def _parse(text: str) -> Baseline:
    data = decode(text, what="a baseline", mend=_MEND)
    if not isinstance(data, dict) or "schema" not in data or "entries" not in data:
        hint = ""
        if isinstance(data, dict) and "results" in data:
            hint = "This is a JSON report: `verifier compare` reads those. "
        raise BaselineError(
            f"expected a baseline with `schema` and `entries`. {hint}{_MEND}"
        )
    schema, entries = data["schema"], data["entries"]
    if schema == 1 and not isinstance(schema, bool):
        raise BaselineError(
            f"expected schema {SCHEMA}, which keeps every quantity apart, found 1, which does not. {_MEND}"
        )
    if schema != SCHEMA:
        raise BaselineError(f"expected schema {SCHEMA}, found {schema!r}. {_MEND}")
    if not isinstance(entries, dict):
        raise BaselineError(f"expected `entries` to be an object. {_MEND}")
    return Baseline(
        entries={name: _parse_entry(name, entry) for name, entry in entries.items()}
    )


def _parse_entry(name: str, data: object) -> Entry:
    entry = _ENTRY.read(_with_names(data, name), at=name)
    for quantity, tally in entry.quantities.items():
        if not tally.counts or min(tally.counts.values()) < 1:
            _refuse(
                "a verdict or more, each at least once",
                dict(tally.counts),
                f"{name}.quantities.{quantity}.counts",
            )
    return entry


def _with_names(entry: object, at: str) -> object:
    """The entry with the parts of each quantity's key beside its numbers, where a `Tally` has them."""
    if not isinstance(entry, dict) or not isinstance(entry.get("quantities"), dict):
        return entry
    quantities = {}
    for name, tally in entry["quantities"].items():
        quantity, *wrt = name.split(" ")
        if quantity not in _QUANTITIES:
            _refuse(f"one of {', '.join(_QUANTITIES)}", name, f"{at}.quantities")
        names = {"quantity": quantity, "wrt": wrt}
        quantities[name] = tally | names if isinstance(tally, dict) else tally
    return {**entry, "quantities": quantities}


def _refuse(expected: str, found: object, at: str) -> NoReturn:
    place = Place(key=at)
    shown = json.dumps(found)
    raise BaselineError(f"expected {expected}, found {shown}. {_MEND}", place=place)


def write(path: Path, record: RunRecord, *, kept: Baseline | None = None) -> None:
    """Writes the baseline that a run makes, whole or not at all; see `dump` for `kept`."""
    try:
        replace_text(path, dump(record, kept=kept))
    except OSError as error:
        raise BaselineError(
            f"cannot be written: {error.strerror or error}. Choose another place.",
            place=Place(file=str(path)),
        ) from error


def replace_text(path: Path, text: str) -> None:
    """Gives a file its new text in one step: whatever fails on the way, the old text stays.

    A pipe or device, which cannot be replaced, is written to.
    """
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    target = path.resolve()  # a link stays a link
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
