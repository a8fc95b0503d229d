"""Other ways to write parts of a formula that keep their digits."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from verifier.language.operations import table as operations
from verifier.language.programs.program import Program
from verifier.verification.rewriting import Reader, Rule, Tree, below, call, number

SAFE = Fraction(1)
"""What an inner `where` puts in the place of an operand that the outer one leaves
out."""


def _expm1(read: Reader, index: int) -> Tree | None:
    """exp(u) − 1."""
    pair = read.operands(index, "sub")
    if not pair or not read.is_number(pair[1], 1):
        return None
    power = read.operand(pair[0], "exp")
    return None if power is None else call("expm1", power)


def _one_minus_exp(read: Reader, index: int) -> Tree | None:
    """1 − exp(u)."""
    pair = read.operands(index, "sub")
    if not pair or not read.is_number(pair[0], 1):
        return None
    power = read.operand(pair[1], "exp")
    return None if power is None else call("neg", call("expm1", power))


def _log1p(read: Reader, index: int) -> Tree | None:
    """log(1 + u)."""
    sum_ = read.operand(index, "log")
    if sum_ is None:
        return None
    other = read.other(sum_, "add", 1)
    if other is not None:
        return call("log1p", other)
    pair = read.operands(sum_, "sub")
    if pair and read.is_number(pair[0], 1):
        return call("log1p", read.negated(pair[1]))
    return None


def _softplus(read: Reader, index: int) -> Tree | None:
    """log(1 + exp(u)), log1p(exp(u))."""
    inner = read.operand(index, "log1p")
    if inner is None:
        sum_ = read.operand(index, "log")
        inner = None if sum_ is None else read.other(sum_, "add", 1)
    power = None if inner is None else read.operand(inner, "exp")
    return None if power is None else call("softplus", power)


def _softplus_by_parts(read: Reader, index: int) -> Tree | None:
    """The same without the threshold of PyTorch's softplus."""
    softplus = _softplus(read, index)
    if softplus is None:
        return None
    (power,) = softplus.operands
    tail = call("log1p", call("exp", call("neg", call("abs", power))))
    return call("add", call("max", power, number(0)), tail)


def _hypot(read: Reader, index: int) -> Tree | None:
    """sqrt(a² + b²)."""
    inner = read.operand(index, "sqrt")
    pair = None if inner is None else read.operands(inner, "add")
    if not pair:
        return None
    first, second = (read.squared(operand) for operand in pair)
    if first is None or second is None:
        return None
    return call("hypot", first, second)


def _logaddexp(read: Reader, index: int) -> Tree | None:
    """log(exp(a) + exp(b))."""
    inner = read.operand(index, "log")
    pair = None if inner is None else read.operands(inner, "add")
    if not pair:
        return None
    first, second = (read.operand(operand, "exp") for operand in pair)
    if first is None or second is None:
        return None
    distance = call("abs", call("sub", first, second))
    tail = call("log1p", call("exp", call("neg", distance)))
    return call("add", call("max", first, second), tail)


def _versine(read: Reader, index: int) -> Tree | None:
    """1 − cos(u)."""
    pair = read.operands(index, "sub")
    if not pair or not read.is_number(pair[0], 1):
        return None
    angle = read.operand(pair[1], "cos")
    if angle is None:
        return None
    half = call("sin", call("div", angle, number(2)))
    return call("mul", number(2), call("pow", half, number(2)))


def _sigmoid(read: Reader, index: int) -> Tree | None:
    """1 / (1 + exp(−u))."""
    pair = read.operands(index, "div")
    if not pair or not read.is_number(pair[0], 1):
        return None
    power = _of_one_plus_exp(read, pair[1])
    if power is None:
        return None
    argument = read.negated(power)
    return call("sigmoid", argument)


def _over_one_plus_exp(read: Reader, index: int) -> Tree | None:
    """v / (1 + exp(−u))."""
    pair = read.operands(index, "div")
    if not pair or read.is_number(pair[0], 1):
        return None
    power = _of_one_plus_exp(read, pair[1])
    if power is None:
        return None
    return call("mul", pair[0], call("sigmoid", read.negated(power)))


def _of_one_plus_exp(read: Reader, index: int) -> int | None:
    """The u of 1 + exp(u)."""
    inner = read.other(index, "add", 1)
    return None if inner is None else read.operand(inner, "exp")


def _log_sigmoid(read: Reader, index: int) -> Tree | None:
    """log(sigmoid(u))."""
    inner = read.operand(index, "log")
    argument = None if inner is None else read.operand(inner, "sigmoid")
    if argument is None:
        return None
    return call("neg", call("softplus", read.negated(argument)))


def _difference_of_squares(read: Reader, index: int) -> Tree | None:
    """a² − b²."""
    pair = read.operands(index, "sub")
    if not pair:
        return None
    first, second = (read.squared(operand) for operand in pair)
    if read.is_number(pair[0], 1):
        first = pair[0]
    if first is None or second is None:
        return None
    return call("mul", call("sub", first, second), call("add", first, second))


def _difference_of_roots(read: Reader, index: int) -> Tree | None:
    """sqrt(a) − sqrt(b)."""
    pair = read.operands(index, "sub")
    if not pair:
        return None
    first, second = (read.operand(operand, "sqrt") for operand in pair)
    if first is None or second is None:
        return None
    return call("div", _difference(read, first, second), call("add", *pair))


def _difference(read: Reader, first: int, second: int) -> Tree | int:
    """a − b, taken apart where both share a term: of (x + 1) − x, 1 is left."""
    for one, two, sign in ((first, second, 1), (second, first, -1)):
        pair = read.operands(one, "add")
        if not pair:
            continue
        for term, rest in (pair, pair[::-1]):
            if read.same(term, two):
                return rest if sign > 0 else call("neg", rest)
    return call("sub", first, second)


def _tanh_tail(read: Reader, index: int) -> Tree | None:
    """tanh(u), whose backward 1 − tanh² loses the tail, by an odd function of
    exp(−2|u|)."""
    argument = read.operand(index, "tanh")
    if argument is None:
        return None
    double = call("mul", number(-2), call("abs", argument))
    top = call("neg", call("expm1", double))
    bottom = call("add", number(1), call("exp", double))
    return call("mul", call("sign", argument), call("div", top, bottom))


def _sigmoid_tail(read: Reader, index: int) -> Tree | None:
    """sigmoid(u), whose backward (1 − s)·s loses the right tail, by the quotient."""
    argument = read.operand(index, "sigmoid")
    if argument is None:
        return None
    return call(
        "reciprocal", call("add", number(1), call("exp", read.negated(argument)))
    )


def _quotient_tail(read: Reader, index: int) -> Tree | None:
    """u / (u + c), whose quotient rule cancels at large u."""
    pair = read.operands(index, "div")
    sum_ = read.operands(pair[1], "add") if pair else None
    if not pair or not sum_:
        return None
    for term, rest in (sum_, sum_[::-1]):
        if read.same(term, pair[0]):
            return call(
                "reciprocal", call("add", number(1), call("div", rest, pair[0]))
            )
    return None


def _safe_branch(read: Reader, index: int, branch: int) -> Tree | None:
    """where(c, f(x), g) with an f that is singular where c does not hold."""
    parts = read.operands(index, "where")
    if not parts:
        return None
    condition = parts[0]
    variables = [
        at
        for at in sorted(below(read.program, parts[branch]))
        if read.program.nodes[at].operation == "variable"
        and at in below(read.program, condition)
    ]
    if not variables:
        return None
    guarded = {at: _guard(condition, at, branch) for at in variables}
    operands: list[Tree | int] = list(parts)
    operands[branch] = _substituted(read.program, parts[branch], guarded)
    return call("where", *operands)


def _guard(condition: int, at: int, branch: int) -> Tree:
    chosen: tuple[Tree | int, Tree | int] = (at, number(SAFE))
    return call("where", condition, *(chosen if branch == 1 else chosen[::-1]))


def _substituted(
    program: Program, root: int, guarded: Mapping[int, Tree]
) -> Tree | int:
    if root in guarded:
        return guarded[root]
    node = program.nodes[root]
    operands = tuple(_substituted(program, at, guarded) for at in node.arguments)
    if operands == node.arguments:
        return root
    return Tree(node.operation, operands)


def _safe_first(read: Reader, index: int) -> Tree | None:
    return _safe_branch(read, index, 1)


def _safe_second(read: Reader, index: int) -> Tree | None:
    return _safe_branch(read, index, 2)


def _guarded_singularity(read: Reader, index: int) -> Tree | None:
    """f(u)/u, which is 0/0 at u = 0, guarded there by the value of its limit where that
    is 1."""
    pair = read.operands(index, "div")
    if not pair:
        return None
    numerator, denominator = pair
    operation = read.program.nodes[numerator].operation
    argument = (
        read.operand(numerator, operation)
        if operations.row(operation).like_identity_at_zero
        else None
    )
    known = argument is not None and read.same(argument, denominator)
    if not known or read.program.nodes[denominator].operation != "variable":
        return None
    safe = call("where", call("ne", denominator, number(0)), denominator, number(SAFE))
    guarded = _substituted(read.program, index, {denominator: safe})
    assert isinstance(guarded, Tree)
    unequal = call("ne", denominator, number(0))
    return call("where", unequal, guarded, number(1))


RULES: tuple[Rule, ...] = (
    _expm1,
    _one_minus_exp,
    _softplus,
    _softplus_by_parts,
    _log1p,
    _hypot,
    _logaddexp,
    _versine,
    _sigmoid,
    _over_one_plus_exp,
    _log_sigmoid,
    _difference_of_squares,
    _difference_of_roots,
    _tanh_tail,
    _sigmoid_tail,
    _quotient_tail,
    _safe_first,
    _safe_second,
    _guarded_singularity,
)
"""In the order in which they are tried: what a formula is usually called comes before
how it may be taken apart."""
