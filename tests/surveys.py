"""Sweeps of one operation, and records of surveys with only what a test is about."""

from __future__ import annotations

from typing import Any

from verifier.survey import plan
from verifier.survey import sweep as survey_sweep
from verifier.survey.records import Accuracy, SurveyRecord, Sweep


def swept(name: str, dtype: str, **options: Any) -> list[Sweep]:
    tasks, _ = plan.plan(names=[name], dtypes=[dtype], **options)
    return [survey_sweep.run(task) for task in tasks]


def of(sweep: Sweep, wrt: str | None, route: str = "reverse") -> Accuracy:
    (found,) = (a for a in sweep.accuracies if (a.wrt, a.route) == (wrt, route))
    return found


def record(*sweeps: Sweep, **fields: Any) -> SurveyRecord:
    usual: dict[str, Any] = {
        "environment": {"torch": "2.13.0", "sympy": "1.14.0"},
        "seed": 0,
        "sample": 100,
        "threshold_ulp": 8.0,
        "elapsed_s": 1.5,
        "sweeps": sweeps,
        "skipped": {"lt": "its result is a condition"},
    }
    return SurveyRecord(**usual | fields)
