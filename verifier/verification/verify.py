"""One case in one dtype by one route, from points to a result: the stages in a line."""

from __future__ import annotations

import time

from verifier import interrupts
from verifier.fields import REAL
from verifier.records import Result
from verifier.verification.bench import Bench
from verifier.verification.descent import descend
from verifier.verification.findings import Findings
from verifier.verification.first import OnPoint, Progress, judge_sample
from verifier.verification.further import try_further
from verifier.verification.prepare import Prepared, Setting
from verifier.verification.result import Verified, result_of, verified
from verifier.verification.whole import describe_patterns, judge_bias


class Interrupted(KeyboardInterrupt):
    """The user's interrupt in the middle of a case, with the result of the points that
    were judged."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self.result = result


def verify(
    prepared: Prepared,
    setting: Setting,
    *,
    seed: int,
    on_point: OnPoint | None = None,
) -> Verified:
    """The result of one case in one dtype by one route, with PyTorch's numbers.

    `on_point` hears how many points of how many are judged. Raises `Interrupted` where the
    user stops it.
    """
    bench = Bench(prepared, setting)
    begun = time.perf_counter()
    progress = Progress()
    try:
        _first_run(bench, seed, progress, on_point)
        findings = _checked(bench, progress.findings())
    except KeyboardInterrupt as interrupt:
        # A callable may raise one by itself, for nobody has interrupted.
        is_callables_own = bench.is_subject and not interrupts.is_received()
        if is_callables_own or not progress.points:
            raise
        findings = progress.findings(interrupted=True)
        elapsed_s = time.perf_counter() - begun
        raise Interrupted(result_of(bench, findings, elapsed_s)) from interrupt
    return verified(bench, findings, time.perf_counter() - begun)


def _first_run(
    bench: Bench, seed: int, progress: Progress, on_point: OnPoint | None
) -> None:
    if bench.case.descent is not None:
        descend(bench, bench.case.descent, progress)
        return
    with bench.watch.stage("points"):
        sample = bench.prepared.sample(seed)
    judge_sample(bench, sample, seed, progress, on_point)


def _checked(bench: Bench, findings: Findings) -> Findings:
    """The findings with what is seen on several numbers or runs together."""
    if findings.first is None:
        return findings
    # Bias and patterns are those of real numbers at order 1.
    together = bench.is_subject and bench.case.order == 1 and bench.field is REAL
    if together:
        findings = judge_bias(bench, findings)
    findings = try_further(bench, findings)
    if together:
        findings = describe_patterns(bench, findings)
    return findings
