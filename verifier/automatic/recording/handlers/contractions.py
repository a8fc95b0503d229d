"""Products of matrices."""

from __future__ import annotations

from typing import Any

import torch

from verifier.automatic.recording.handlers.registry import handles
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import Cells

aten = torch.ops.aten


@handles(aten.mm, aten.bmm)
def _(tape: Tape, result: Any, left: Operand, right: Operand, *rest: Any) -> Cells:
    return tape.contract(left, right)


@handles(aten.dot, aten.vdot)
def _(tape: Tape, result: Any, left: Operand, right: Operand) -> Cells:
    return tape.contract(left.cells[None], right.cells[:, None])[0, 0]  # type: ignore[no-any-return]


@handles(aten.mv)
def _(tape: Tape, result: Any, matrix: Operand, vector: Operand) -> Cells:
    return tape.contract(matrix, vector.cells[:, None])[:, 0]


def _added(tape: Tape, x: Any, product: Cells, beta: Any, alpha: Any) -> Cells:
    if alpha != 1:
        product = tape.row("mul", alpha, product)
    if beta == 0:  # whatever x is, NaN too
        return product
    return tape.row("add", x if beta == 1 else tape.row("mul", beta, x), product)


@handles(aten.addmm, aten.baddbmm)
def _(
    tape: Tape,
    result: Any,
    x: Operand,
    left: Operand,
    right: Operand,
    *,
    beta: Any = 1,
    alpha: Any = 1,
) -> Cells:
    return _added(tape, x, tape.contract(left, right), beta, alpha)


@handles(aten.addmv)
def _(
    tape: Tape,
    result: Any,
    x: Operand,
    matrix: Operand,
    vector: Operand,
    *,
    beta: Any = 1,
    alpha: Any = 1,
) -> Cells:
    product = tape.contract(matrix, vector.cells[:, None])[:, 0]
    return _added(tape, x, product, beta, alpha)


@handles(aten.addbmm)
def _(
    tape: Tape,
    result: Any,
    x: Operand,
    left: Operand,
    right: Operand,
    *,
    beta: Any = 1,
    alpha: Any = 1,
) -> Cells:
    product = tape.sum(tape.contract(left, right), (0,))
    return _added(tape, x, product, beta, alpha)
