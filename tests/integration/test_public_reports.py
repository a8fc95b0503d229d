"""Gradients that somebody doubted in public, re-made: each gets a verdict that the
collection names.

The collection lies beside the checkout. A report is run as a subject, its program
against the formula that it should compute, and as a case: the steps as written, where
the program has no backward of its own.
"""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from places import SHARED

import verifier

COLLECTION = SHARED / "reports" / "reports.jsonl"

BEYOND_THE_LANGUAGE = {
    "RP047": "gammainc",
    "RP090": "mult",
}
"""Reports whose formula uses a function that the language does not have yet."""

DEFENDED = {
    # PyTorch returns `None`, which the collection calls a wrong zero; `differ.missing`
    # is the verdict made for it.
    "RP016": "differ.missing",
}
ANOTHER_FUNCTION = {"RP016"}
"""Beside those of kind `formula`: programs that do not compute what their formula says;
no case tells of them."""


def _reports() -> list[Any]:
    if not COLLECTION.is_file():
        reason = "the collection of reports is not beside this checkout"
        return [pytest.param({}, marks=pytest.mark.skip(reason=reason))]
    lines = COLLECTION.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [pytest.param(row, id=row["id"]) for row in rows if row["kind"] != "tensor"]


def _verdicts(run: verifier.Run, report: dict[str, Any]) -> set[str]:
    """The verdicts on the number that was doubted; of all numbers where it is not told
    apart."""
    (result,) = run.results
    quantity = "gradient" if report["order"] == 1 else "hessian"
    wrt = report["wrt"][: report["order"]]
    found = {
        str(comparison.verdict)
        for comparison in result.comparisons
        if comparison.quantity == quantity and list(comparison.wrt) == wrt
    }
    return found or {str(result.verdict)}


def _asked(report: dict[str, Any]) -> dict[str, Any]:
    if report["id"] in BEYOND_THE_LANGUAGE:
        name = BEYOND_THE_LANGUAGE[report["id"]]
        pytest.skip(f"the language has no `{name}`")
    return {
        "at": {n: float.fromhex(text) for n, text in report["point"].items()},
        "dtype": report["dtype"],
        "order": report["order"],
        "wrt": list(dict.fromkeys(report["wrt"])),
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("report", _reports())
def test_a_reported_program_gets_a_verdict_that_is_right_for_it(report):
    names: dict[str, Any] = {"torch": torch, "F": torch.nn.functional, "math": math}
    exec(report["program"], names)

    run = verifier.check(
        names["f"],
        expression=report["expression"],
        inputs=report["inputs"],
        **_asked(report),
    )

    right = {*report["verdicts"], DEFENDED.get(report["id"])}
    assert _verdicts(run, report) & right, str(run)


@pytest.mark.parametrize("report", _reports())
def test_a_reported_formula_gets_a_verdict_that_is_right_for_it(report):
    if "autograd.Function" in report["program"]:
        pytest.skip("its backward is its own, which no formula has")
    if report["kind"] == "formula" or report["id"] in ANOTHER_FUNCTION:
        pytest.skip("its program computes another function than its formula")

    written = report["steps"] or report["expression"]
    run = verifier.verify(written, **_asked(report))

    assert _verdicts(run, report) & {*report["verdicts"]}, str(run)
