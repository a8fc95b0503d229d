"""What a run amounts to: how each result stands, the counts, and the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum

from verifier.errors import UsageError, did_you_mean
from verifier.records import Change, ChangeKind, Result, RunRecord, Verdict

PASSED = 0
FAILED = 1
UNUSABLE = 2
OPEN_QUESTIONS = 3
INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""

FAMILIES = ("match", "differ", "undecided", "error")


class Standing(StrEnum):
    """How a result stands to what was expected of it."""

    EXPECTED = "as expected"
    BROKEN = "not as expected"
    OPEN = "not judged"
    INTERRUPTED = "interrupted"


def summary(record: RunRecord) -> dict[str, int | bool]:
    """The counts of a run: distinct cases, comparisons by family, and whether the run
    alone would exit with 0.

    A verdict of whose family there is no comparison (of a case that could not be run,
    or not as one tensor) counts as one of it.
    """
    families: Counter[str] = Counter()
    for result in record.results:
        counts = Counter[str]()
        for verdict, count in result.counts.items():
            counts[Verdict(verdict).family] += count
        counts[result.verdict.family] = max(counts[result.verdict.family], 1)
        families += counts
    return {
        "cases": len({result.case for result in record.results}),
        "comparisons": families.total(),
        **{family: families[family] for family in FAMILIES},
        "as_expected": exit_code(record) == PASSED,
    }


def standing(result: Result, accepted: Collection[Verdict] = ()) -> Standing:
    """How `result` stands; undecided is never as expected, unless the case itself pins
    that verdict.

    Every comparison counts, not the worst alone: an accepted difference must not hide a
    point that was not judged.
    """
    if result.interrupted:
        return Standing.INTERRUPTED
    if _breaks_expectation(result):
        return Standing.BROKEN
    if result.expected is not None:
        return Standing.EXPECTED
    left = _remaining(result, accepted)
    if left & {"differ", "error"} and not result.as_expected:
        return Standing.BROKEN
    return Standing.OPEN if "undecided" in left else Standing.EXPECTED


def _breaks_expectation(result: Result) -> bool:
    """Whether something that the case itself states does not hold: a pinned verdict, or
    a number.

    No baseline and no `--accept` excuses that. A result whose comparisons match is
    unexpected for no other reason.
    """
    if result.as_expected or result.interrupted:
        return False
    if result.expected is not None or result.verdict.family == "match":
        return True
    return bool(result.broken)


def _remaining(result: Result, accepted: Collection[Verdict]) -> set[str]:
    """The families of verdicts that nobody has accepted."""
    given = {result.verdict, *(Verdict(key) for key, n in result.counts.items() if n)}
    return {verdict.family for verdict in given if verdict not in accepted}


def accepted_verdicts(kinds: Iterable[str]) -> frozenset[Verdict]:
    """The verdicts that `--accept` names, by kind (`unstable`) or in full
    (`differ.unstable`).

    Only a difference can be accepted: nothing undecided ever passes, and nothing that
    could not be run.
    """
    return frozenset(_accepted_verdict(kind) for kind in kinds)


def _accepted_verdict(kind: str) -> Verdict:
    differences = {v.kind: v for v in Verdict if v.family == "differ"}
    verdict = differences.get(kind.removeprefix("differ."))
    if verdict is not None:
        return verdict
    others = {name for v in Verdict for name in (v.value, v.kind)}
    if kind in others:
        raise UsageError(
            f"--accept: expected a kind of difference, found `{kind}`. "
            "Only differences can be accepted; pin another verdict with `expect = { verdict = … }` in its case."
        )
    hint = did_you_mean(kind, [*differences, *differences.values()])
    raise UsageError(
        f"--accept: unknown kind `{kind}`.{hint} Expected one of {', '.join(sorted(differences))}."
    )


def exit_code(
    record: RunRecord,
    changes: Sequence[Change] | None = None,
    accept: Collection[str] = (),
) -> int:
    """0 all as expected; 1 something is not; 3 nothing is wrong, but something could
    not be judged; 130 interrupted.

    Never 0 where there are fewer results than there should be, or none at all. With a
    baseline (`changes` given) a difference that it already holds does not fail: only
    regressions do, and what a case itself expects and no longer holds. Code 2 (unusable
    input) is never a run's own.
    """
    if record.interrupted:
        return INTERRUPTED
    accepted = accepted_verdicts(accept)
    if changes is None:
        standings = {standing(result, accepted) for result in record.results}
    else:
        standings = _standings_against_baseline(record, changes, accepted)
    if Standing.BROKEN in standings or is_incomplete(record):
        return FAILED
    return OPEN_QUESTIONS if Standing.OPEN in standings else PASSED


def is_incomplete(record: RunRecord) -> bool:
    """Whether a result is missing."""
    return not record.results or len(record.results) < (record.planned or 0)


def _standings_against_baseline(
    record: RunRecord, changes: Sequence[Change], accepted: Collection[Verdict]
) -> set[Standing]:
    results = {identity(result): result for result in record.results}
    standings = {
        Standing.BROKEN for result in record.results if _breaks_expectation(result)
    }
    for change in changes:
        result = results.get(change.result)
        if change.regression and not is_excused(change, result, accepted):
            standings.add(Standing.BROKEN)
        elif result is not None and change.kind is not ChangeKind.IMPROVED:
            # New, or accepted as a difference: a point that was not judged still shows.
            standings.add(_standing_of(change, result, accepted))
    return standings


def _standing_of(
    change: Change, result: Result, accepted: Collection[Verdict]
) -> Standing:
    """How what has changed stands; of a quantity alone, not what the baseline holds of
    the others."""
    if change.quantity is None:
        return standing(result, accepted)
    counts = {
        verdict: count
        for tally in result.quantities
        if tally.name == change.quantity
        for verdict, count in tally.counts.items()
    }
    is_open = any(Verdict(name).family == "undecided" for name in counts)
    pinned = result.expected is not None and result.as_expected
    return Standing.OPEN if is_open and not pinned else Standing.EXPECTED


def is_excused(
    change: Change, result: Result | None, accepted: Collection[Verdict]
) -> bool:
    """Whether the change is for the worse, yet to a verdict that `--accept` names."""
    verdicts = (
        ChangeKind.NEW_DIFFERENCE,
        ChangeKind.WORSE_VERDICT,
        ChangeKind.MORE_POINTS,
    )
    return (
        change.kind in verdicts
        and result is not None
        and result.verdict in accepted
        and standing(result, accepted) is not Standing.BROKEN
    )


def identity(result: Result) -> str:
    # As `judgement.baseline.identity` says it; reports know records alone, and a test
    # holds the two together.
    return f"{result.case} {result.dtype} {result.route} {result.order}"
