"""A stored run, reduced to what a later one is compared with: verdicts and the largest
error, by quantity."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from verifier.errors import BaselineError
from verifier.judgement import environments
from verifier.judgement.environments import NOWHERE, Environment
from verifier.judgement.tallies import joined, verdicts
from verifier.records import (
    Change,
    ChangeKind,
    Reported,
    Result,
    RunRecord,
    Tally,
    Verdict,
    severity,
)

NOISE_ULP = 1.0
"""Errors below one ulp are noise: a correctly rounded result may be off by half of one,
the next best by one."""

SPREADS = 3
"""How many standard deviations more points with a verdict are no chance."""

_FAMILIES = ("match", "undecided", "differ", "error")

WHOLE = "result"
"""The quantity of a result that does not tell its quantities apart, as in older
reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Reported):
    """What a baseline keeps of a result."""

    verdict: Verdict
    quantities: Mapping[str, Tally]
    """By the name of each; none where the case could not be run."""

    @property
    def whole(self) -> Tally | None:
        """All quantities together."""
        return joined(self.quantities.values(), name=(WHOLE, ()))

    def __str__(self) -> str:
        return self.verdict.value if self.whole is None else _described(self.whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The entries of stored runs, by the identity of their results and by where those
    were made."""

    entries: Mapping[str, Mapping[Environment, Stored]] = field(default_factory=dict)


def identity(result: Result) -> str:
    """What names a result across runs and machines: `FILE::NAME dtype route order`."""
    return f"{result.case} {result.dtype} {result.route} {result.order}"


def of(record: RunRecord) -> Baseline:
    """The baseline that a run makes."""
    here = environments.of(record.environment)
    return Baseline(entries={identity(r): {here: _entry(r)} for r in record.results})


def updated(
    baseline: Baseline, record: RunRecord, *, without: Collection[str] = ()
) -> Baseline:
    """The baseline with a run in the place of what was stored of its results in its own
    environment, or before environments were kept; other environments keep theirs.

    Entries named `without` are dropped. Where a result has other quantities than before
    in this environment, or a number of points that is another, its case has been
    edited: what the other environments have is then of another case, and goes too.
    """
    entries = {n: of_it for n, of_it in baseline.entries.items() if n not in without}
    for name, new in of(record).entries.items():
        ((here, entry),) = new.items()
        others = {**entries.get(name, {})}
        own = others.pop(here, others.pop(NOWHERE, None))
        is_edited = own is not None and _is_of_another_case(own, entry)
        entries[name] = new if is_edited else {**others, **new}
    return Baseline(entries=entries)


def _is_of_another_case(before: Stored, after: Stored) -> bool:
    """Whether the quantities, or the numbers of points, say so; what could not be run
    has none."""

    def points(entry: Stored) -> Mapping[str, int]:
        return {name: sum(t.counts.values()) for name, t in entry.quantities.items()}

    both = before.quantities and after.quantities
    return bool(both) and points(before) != points(after)


def _entry(result: Result) -> Stored:
    quantities = result.quantities
    if not quantities and result.counts:
        # Where some points are ill-conditioned, the largest error is theirs, and the
        # kernel's only by chance.
        conditioned = result.counts.get(Verdict.MATCH_CONDITIONING, 0)
        error = None if conditioned else result.max_error_ulp
        whole = Tally(quantity=WHOLE, wrt=(), counts=result.counts, max_error_ulp=error)
        quantities = (whole,)
    # A report that a user has edited may count nothing.
    counted = {tally.name: tally for tally in quantities if verdicts(tally)}
    return Stored(verdict=result.verdict, quantities=counted)


def _described(tally: Tally) -> str:
    """The worst verdict, at how many of all points something is no match, and the
    largest error."""
    worst = verdicts(tally)[0]
    bad, total = _at_least(tally, _LEAST_BAD), sum(tally.counts.values())
    where = f" ({bad} of {total})" if bad and total > 1 else ""
    error = tally.max_error_ulp
    # Beside NaN or an infinity the errors of the others say nothing.
    is_told = error is not None and (error > 0 or worst.startswith("match"))
    return f"{worst}{where}" + (f", {error:.3g} ulp" if is_told else "")


def split(baseline: Baseline, paths: Iterable[Path]) -> tuple[Baseline, Baseline]:
    """The entries whose case files are, or lie in, one of `paths`, and the others.

    What a run was not asked about has not vanished from it.
    """
    folders = [path.resolve() for path in paths]
    inside: dict[str, Mapping[Environment, Stored]] = {}
    outside: dict[str, Mapping[Environment, Stored]] = {}
    for name, entry in baseline.entries.items():
        file = Path(name.partition("::")[0]).resolve()
        (inside if _lies_in(file, folders) else outside)[name] = entry
    return Baseline(entries=inside), Baseline(entries=outside)


def _lies_in(file: Path, folders: Iterable[Path]) -> bool:
    return any(file.is_relative_to(folder) for folder in folders)


# ── another environment's entries ─────────────────────────────────────────────────────


def nearest(
    entries: Mapping[Environment, Stored], here: Environment
) -> tuple[Environment, Stored] | None:
    """The entry that a result made `here` is held against: its own environment's, else
    that of the nearest. What another release could not run is nothing to be held
    against."""
    usable = [
        there
        for there, entry in entries.items()
        if here.is_of_release(there) or entry.verdict.family != "error"
    ]
    if not usable:
        return None
    there = min(usable, key=lambda there: (here.distance(there), there.order))
    return there, entries[there]


def elsewhere(record: RunRecord, baseline: Baseline) -> Mapping[Environment, int]:
    """How many results of a run are held against the entries of which other
    environments."""
    here = environments.of(record.environment)
    held = (
        nearest(baseline.entries.get(identity(result), {}), here)
        for result in record.results
    )
    return Counter(found[0] for found in held if found and found[0] != here)


def _told_apart(
    change: Change, here: Environment, there: Environment, expected: bool
) -> Change:
    """A change against another environment's entry: it says which, and what the case
    expects is no regression of another release."""
    named = there.named_beside(here)
    if there == here or not named:
        return change
    is_there = change.kind is not ChangeKind.VANISHED
    excused = expected and is_there and not here.is_of_release(there)
    before = f"{change.before} ({named})"
    return replace(change, before=before, regression=change.regression and not excused)


# ── comparison ────────────────────────────────────────────────────────────────────────


def check_overlap(record: RunRecord, baseline: Baseline) -> None:
    """Raise `BaselineError` where no result of a run has an entry: the comparison would
    pass whatever is in the run."""
    results = {identity(result) for result in record.results}
    if results and baseline.entries and not results & baseline.entries.keys():
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
    strict: bool = False,
) -> list[Change]:
    """How a run differs from its baseline: regressions first, each group sorted by
    name.

    Every quantity of a result is compared by itself. It is worse where its worst
    verdict is, where a verdict or worse holds at more points (see `_has_more`), or
    where its error is more than `growth` times the old one, and more than `growth` ulps
    (see `NOISE_ULP`). In a `partial` run, one that was filtered or interrupted, an
    entry without a result has not vanished.

    An entry of another environment says so in `before`; what a case expects is then no
    regression of another release, unless `strict` holds all runs to each other.
    """
    here = environments.of(record.environment)
    changes: list[Change] = []
    for result in record.results:
        name, expected = identity(result), result.as_expected
        there, before = nearest(baseline.entries.get(name, {}), here) or (here, None)
        found = _changes(name, before, _entry(result), growth, expected)
        if not strict:
            found = [_told_apart(each, here, there, expected) for each in found]
        changes += found
    if not partial:
        results = {identity(result) for result in record.results}
        changes += [
            _changed(name, ChangeKind.VANISHED, held[1], None)
            for name, entries in baseline.entries.items()
            if name not in results and (held := nearest(entries, here))
        ]
    return sorted(changes, key=lambda c: (not c.regression, c.result, c.quantity or ""))


def _changes(
    name: str, before: Stored | None, after: Stored, growth: float, expected: bool
) -> list[Change]:
    if before is None:
        return [_changed(name, _new(after.verdict, expected), None, after)]
    changes: list[Change] = []
    if before.quantities and after.quantities:
        old, new = _alike(before, after)
        for quantity in dict.fromkeys((*old, *new)):
            was, now = old.get(quantity), new.get(quantity)
            if (kind := _kind(was, now, growth, expected)) is not None:
                named = None if quantity == WHOLE else quantity
                changes.append(_changed(name, kind, was, now, named))
    # What a result says as a whole may be worse than what any of its numbers does.
    is_worse = any(change.regression for change in changes)
    if _is_worse(after.verdict, before.verdict) and not is_worse:
        changes.append(_changed(name, ChangeKind.WORSE_VERDICT, before, after))
    elif _is_worse(before.verdict, after.verdict) and not changes:
        changes.append(_changed(name, ChangeKind.IMPROVED, before, after))
    return changes


def _alike(
    before: Stored, after: Stored
) -> tuple[Mapping[str, Tally], Mapping[str, Tally]]:
    """The quantities of both; where one does not tell them apart, those of the other
    joined as well."""
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
    before: Stored | Tally | None,
    after: Stored | Tally | None,
    quantity: str | None = None,
) -> Change:
    def described(side: Stored | Tally | None) -> str | None:
        if side is None:
            return None
        return _described(side) if isinstance(side, Tally) else str(side)

    return Change(
        result=name,
        quantity=quantity,
        kind=kind,
        regression=kind not in (ChangeKind.IMPROVED, ChangeKind.NEW),
        before=described(before),
        after=described(after),
    )


def _is_worse(verdict: Verdict, than: Verdict) -> bool:
    return _rank(verdict) > _rank(than)


def _rank(verdict: Verdict) -> tuple[int, int]:
    """The place of a verdict in the order of badness: that of families, and within
    `differ` that of `severity`.

    Other kinds do not count: `match.exact` to `match.rounding` is a matter of the
    error, which is compared by itself.
    """
    kind = severity(verdict) if verdict.family == "differ" else 0
    return _FAMILIES.index(verdict.family), kind


_LEAST_BAD = (1, 0)
"""The rank of what is undecided: nothing of that rank or above is a match."""


def _has_more(before: Tally, after: Tally) -> bool:
    """Whether some verdict or a worse one, which the quantity had before, holds at more
    points.

    More by `SPREADS` roots of what it was, as counts of independent events scatter: on
    another processor another few points end up on the other side of a threshold. Where
    all points are more, or fewer, so is what was.
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
