"""Callables tried against their specification."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from backwards import function
from torch import sin

import verifier
from verifier.api import Run

Tensor = torch.Tensor


Backward = Callable[..., Any]


DTYPES = ["float16", "bfloat16", "float32", "float64"]


def checked(
    subject: Callable[..., Any], expression: str = "sin(x)", **options: Any
) -> Run:
    usual: dict[str, Any] = {
        "domain": {"x": "[1/8, 11/8]"},
        "points": 12,
        "boundary": False,
        "dtype": "float32",
    }
    return verifier.check(subject, expression=expression, **usual | options)


def of_sine(backward: Backward, **options: Any) -> Run:
    return checked(function(sin, backward), **options)


def verdicts(run: Run) -> set[str]:
    return {result.verdict.value for result in run.results}


def messages(run: Run) -> str:
    told = [c.message or "" for result in run.results for c in result.comparisons]
    return "; ".join([*told, *(result.message or "" for result in run.results)])
