"""Runs that have everything a report for a CI server must tell, and one that means harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from verifier.records import (
    Change,
    ChangeKind,
    Comparison,
    Result,
    RunRecord,
    Unmet,
    Verdict,
)
from verifier.reports.options import Options

HOSTILE = (
    "a|b `c` ``d`` <b>@octocat</b> <!-- ]]> & \"q\" 'r' \\| \\ *e* _f_ ~~g~~ $h$ #1 {0} [i](http://j.example) "
    "![k](l.png) https://m.example www.n.example o@p.example %0A%25::error file=x,line=1::q "
    "\n\r\n::warning::r\n## s\n| t | u |\n```\n</details>\n"
    "\x00\x1b[31m\x7f\x85\u202e\u2028\ufffe\ud800\U0001f600"
)
"""What a name or a message would command, were it not taken for text: markup, a mention, a
workflow command, a terminal; and what XML or UTF-8 cannot hold."""


@dataclass(frozen=True)
class Reported:
    """A run with the options of its report."""

    record: RunRecord
    options: Options


@pytest.fixture
def mixed(
    make_result: Callable[..., Result],
    make_comparison: Callable[..., Comparison],
    make_record: Callable[..., RunRecord],
) -> Reported:
    """One result of every sort, without a baseline."""

    def result(name: str, verdict: str, **fields: Any) -> Result:
        comparison = make_comparison(
            verdict=Verdict(verdict),
            error_ulp=fields.pop("error_ulp", None),
            message=fields.pop("said", None),
        )
        return make_result(name, verdict, comparisons=(comparison,), **fields)

    results = (
        result("fine", "match.exact", error_ulp=0.0),
        result("fine", "match.exact", error_ulp=0.0, dtype="float64"),
        result("wrong", "differ.wrong", error_ulp=7.0, said="the sign is turned"),
        result("wrong", "differ.wrong", error_ulp=9.0, dtype="float64"),
        result(
            "pinned", "differ.nonfinite", expected="differ.nonfinite", as_expected=True
        ),
        result("accepted", "differ.unstable", error_ulp=63.0),
        result("open", "undecided.limit", said="no limit is found"),
        result("routes", "match.exact", route="reverse", error_ulp=0.0),
        result("routes", "match.exact", route="forward", error_ulp=0.0),
        make_result(
            "broken",
            "error.run",
            comparisons=(),
            counts={},
            points=0,
            message="ValueError: no",
            traceback="Traceback (most recent call last):\n  …\nValueError: no\n",
        ),
        result(
            "promise",
            "match.exact",
            as_expected=False,
            broken=("expect.gradient.a",),
            message="expect.gradient.a: expected 1; found 2",
            unmet=(
                Unmet(key="expect.gradient.a", line=20, expected="1", found="found 2"),
            ),
        ),
    )
    record = make_record(*results, planned=len(results))
    return Reported(record, Options(accepted=(Verdict.DIFFER_UNSTABLE,)))


@pytest.fixture
def against_baseline(mixed: Reported) -> Reported:
    """The same against a baseline: `wrong` is new in float32 and known in float64,
    `open` is known, `fine` has a larger error, and `gone` has vanished."""

    def change(name: str, kind: ChangeKind, after: str | None) -> Change:
        return Change(
            result=f"cases/notebook.toml::{name} float32 reverse 1",
            kind=kind,
            regression=True,
            before="match.exact, 0 ulp",
            after=after,
        )

    changes = (
        change("wrong", ChangeKind.WORSE_VERDICT, "differ.wrong, 7 ulp"),
        change("fine", ChangeKind.LARGER_ERROR, "match.rounding, 9 ulp"),
        change("gone", ChangeKind.VANISHED, None),
    )
    return Reported(
        mixed.record, Options(changes=changes, accepted=mixed.options.accepted)
    )


@pytest.fixture
def hostile(
    make_result: Callable[..., Result],
    make_comparison: Callable[..., Comparison],
    make_record: Callable[..., RunRecord],
) -> Reported:
    """A difference and an error whose file, name, inputs and messages are `HOSTILE`."""
    case = f"cases/{HOSTILE.replace('::', ':')}.toml::{HOSTILE}"
    comparison = make_comparison(
        verdict=Verdict.DIFFER_WRONG,
        wrt=(HOSTILE,),
        point={HOSTILE: HOSTILE},
        measured=HOSTILE,
        true=HOSTILE,
        error_ulp=float("nan"),
        culprit=HOSTILE,
        message=HOSTILE,
    )
    results = (
        make_result(verdict="differ.wrong", case=case, comparisons=(comparison,)),
        make_result(
            verdict="error.run",
            case=case,
            dtype="float64",
            message=HOSTILE,
            traceback=HOSTILE,
            comparisons=(),
        ),
        make_result(
            verdict="differ.wrong",
            case=HOSTILE,
            line=None,
            expected="differ.wrong",
            as_expected=True,
            comparisons=(comparison,),
        ),
    )
    return Reported(make_record(*results), Options())


@pytest.fixture
def interrupted(mixed: Reported, make_record: Callable[..., RunRecord]) -> Reported:
    """A run that was stopped after its first two results, which match."""
    record = make_record(*mixed.record.results[:2], planned=11, interrupted=True)
    return Reported(record, mixed.options)
