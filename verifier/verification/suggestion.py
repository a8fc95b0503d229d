"""Another way to write a formula that keeps its digits: rewrites of the written tree, each tried before it is made.

A rewrite is only a candidate. It becomes a suggestion where its value and gradient overlap with the original's in
balls, at the point and around it, and where PyTorch's gradient of it is a match by the same judgement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from verifier.errors import ExpressionError
from verifier.floats import Format, nearest
from verifier.language.operations import table as operations
from verifier.language.programs import parsing
from verifier.language.programs.constants import constant_values
from verifier.language.programs.printing import render, render_node
from verifier.language.programs.program import Node, Program
from verifier.symbolic.truth.local import agree

MOST_CANDIDATES = 24
"""Rewrites tried for one program."""
ASIDE = (Fraction(1023, 1024), Fraction(1025, 1024))
"""By what factors inputs are moved to see whether two programs agree around a point, and where it is an edge of one."""
SAFE = Fraction(1)
"""What an inner `where` puts in the place of an operand that the outer one leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A rewritten program that has been tried."""

    before: str
    """The part that is replaced; `after` is what takes its place."""
    after: str
    program: Program

    def __str__(self) -> str:
        return f"write `{self.after}` for `{self.before}`"


def suggest(
    program: Program,
    point: Mapping[str, float],
    upstream: float,
    wrt: Sequence[str],
    format_: Format,
    *,
    is_match: Callable[[Program], bool],
) -> Iterator[Suggestion]:
    """The rewrites that are equal to the program and whose gradient PyTorch gets right at the point."""
    for candidate in candidates(program):
        if not _is_equal(program, candidate.program, point, upstream, wrt, format_):
            continue
        if is_match(candidate.program):
            yield candidate


def candidates(program: Program) -> list[Suggestion]:
    """What the rules make of the program: one rewrite each, then all of one rule's at once; not yet tried."""
    found: list[Suggestion] = []
    edits: list[_Edit] = []
    for index in range(len(program.nodes)):
        for rule in RULES:
            tree = rule(_Reader(program), index)
            if tree is not None:
                edit = _Edit(index, tree)
                edits.append(edit)
                found.extend(_written(program, [edit]))
    together = _apart(program, edits)
    if len(together) > 1:
        found.extend(_written(program, together))
    return found[:MOST_CANDIDATES]


def _is_equal(
    first: Program,
    second: Program,
    point: Mapping[str, float],
    upstream: float,
    wrt: Sequence[str],
    format_: Format,
) -> bool:
    """Whether both agree around the point, in value and gradient.

    At the point itself one of them may have an edge (0/0), which is what a rewrite is there to take away.
    """
    around = [_moved(point, factor, format_) for factor in ASIDE]
    return any(agree(first, second, point, upstream, wrt) for point in around) and all(
        agree(first, second, there, upstream, wrt) or _has_edge(first, there, upstream)
        for there in (point, *around)
    )


def _has_edge(program: Program, point: Mapping[str, float], upstream: float) -> bool:
    """Whether the program does not even agree with itself at the point."""
    return not agree(program, program, point, upstream, program.inputs)


def _moved(
    point: Mapping[str, float], factor: Fraction, format_: Format
) -> dict[str, float]:
    """The point moved aside: each input by its own amount, so that no relation between them is kept."""
    moved: dict[str, float] = {}
    for number, (name, value) in enumerate(point.items(), 1):
        if not math.isfinite(value):
            moved[name] = value
            continue
        base = Fraction(value) or Fraction(1, 1024)
        moved[name] = nearest(base * (1 + (factor - 1) / number), format_)
    return moved


# ── trees ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Tree:
    """An operation to be written; its operands are trees, or nodes of the program that stay."""

    operation: str
    operands: tuple[_Tree | int, ...] = ()
    number: Fraction | None = None


@dataclass(frozen=True, slots=True)
class _Edit:
    """A node and what is written in its place."""

    index: int
    tree: _Tree


def _op(operation: str, *operands: _Tree | int) -> _Tree:
    return _Tree(operation, operands)


def _number(value: int | Fraction) -> _Tree:
    return _Tree("constant", number=Fraction(value))


def _apart(program: Program, edits: Sequence[_Edit]) -> list[_Edit]:
    """The edits that do not lie within one another or on the same node, the outermost first."""
    kept: list[_Edit] = []
    covered: set[int] = set()
    for edit in sorted(edits, key=lambda edit: -edit.index):
        below = _below(program, edit.index)
        if edit.index not in covered and not (below & {e.index for e in kept}):
            kept.append(edit)
            covered |= below
    return kept


def _below(program: Program, root: int) -> set[int]:
    work, seen = [root], set[int]()
    while work:
        index = work.pop()
        if index not in seen:
            seen.add(index)
            work.extend(program.nodes[index].arguments)
    return seen


def _written(program: Program, edits: Sequence[_Edit]) -> Iterator[Suggestion]:
    """The program with the edits made, written out and read again, so that every node has its place."""
    rewritten, places = _rebuilt(program, {edit.index: edit.tree for edit in edits})
    try:
        text = render(rewritten)
        read = parsing.parse_steps if program.steps else parsing.parse
        result = read(text, variables=program.inputs)
    except (ExpressionError, ValueError):  # a variable hides a name that the rule needs
        return
    if set(result.inputs) != set(program.inputs):
        return
    yield Suggestion(
        before=", ".join(render_node(program, edit.index) for edit in edits),
        after=", ".join(render_node(rewritten, places[edit.index]) for edit in edits),
        program=result,
    )


def _rebuilt(
    program: Program, trees: Mapping[int, _Tree]
) -> tuple[Program, dict[int, int]]:
    nodes: list[Node] = []
    places: dict[int, int] = {}

    def write(tree: _Tree | int, span_of: Node) -> int:
        if isinstance(tree, int):
            return places[tree]
        arguments = tuple(write(operand, span_of) for operand in tree.operands)
        nodes.append(
            Node(
                operation=tree.operation,
                arguments=arguments,
                number=tree.number,
                span=span_of.span,
            )
        )
        return len(nodes) - 1

    for index, node in enumerate(program.nodes):
        if index in trees:
            places[index] = write(trees[index], node)
            continue
        arguments = tuple(places[argument] for argument in node.arguments)
        nodes.append(replace(node, arguments=arguments))
        places[index] = len(nodes) - 1
    return (
        Program(
            source=program.source,
            nodes=tuple(nodes),
            inputs=program.inputs,
            steps={name: places[index] for name, index in program.steps.items()},
            output=places[program.output],
        ),
        places,
    )


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Reader:
    """Questions about a program's nodes."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.constants = constant_values(program)

    def operands(self, index: int, operation: str) -> tuple[int, ...] | None:
        """The operands of a node, if that is what it does."""
        node = self.program.nodes[index]
        return node.arguments if node.operation == operation else None

    def operand(self, index: int, operation: str) -> int | None:
        """The only operand of a node, if that is what it does."""
        found = self.operands(index, operation)
        return found[0] if found else None

    def is_number(self, index: int, value: int) -> bool:
        return self.constants.get(index) == value

    def other(self, index: int, operation: str, value: int) -> int | None:
        """The operand beside a number, on whichever side, of an operation that commutes."""
        found = self.operands(index, operation)
        if found is None:
            return None
        left, right = found
        if self.is_number(left, value):
            return right
        return left if self.is_number(right, value) else None

    def same(self, first: int, second: int) -> bool:
        """Whether two nodes are the same tree."""
        if first == second:
            return True
        one, two = self.program.nodes[first], self.program.nodes[second]
        return (one.operation, one.name, one.number, len(one.arguments)) == (
            two.operation,
            two.name,
            two.number,
            len(two.arguments),
        ) and all(map(self.same, one.arguments, two.arguments))

    def squared(self, index: int) -> int | None:
        """The a of a², however it is written."""
        if (found := self.operand(index, "square")) is not None:
            return found
        if (pair := self.operands(index, "mul")) and self.same(*pair):
            return pair[0]
        power = self.operands(index, "pow")
        return power[0] if power and self.is_number(power[1], 2) else None

    def negated(self, index: int) -> _Tree | int:
        """−u, without a second sign."""
        found = self.operand(index, "neg")
        return _op("neg", index) if found is None else found


Rule = Callable[[_Reader, int], _Tree | None]


def _expm1(read: _Reader, index: int) -> _Tree | None:
    """exp(u) − 1."""
    pair = read.operands(index, "sub")
    if not pair or not read.is_number(pair[1], 1):
        return None
    power = read.operand(pair[0], "exp")
    return None if power is None else _op("expm1", power)


def _one_minus_exp(read: _Reader, index: int) -> _Tree | None:
    """1 − exp(u)."""
    pair = read.operands(index, "sub")
    if not pair or not read.is_number(pair[0], 1):
        return None
    power = read.operand(pair[1], "exp")
    return None if power is None else _op("neg", _op("expm1", power))


def _log1p(read: _Reader, index: int) -> _Tree | None:
    """log(1 + u)."""
    sum_ = read.operand(index, "log")
    if sum_ is None:
        return None
    other = read.other(sum_, "add", 1)
    if other is not None:
        return _op("log1p", other)
    pair = read.operands(sum_, "sub")
    if pair and read.is_number(pair[0], 1):
        return _op("log1p", read.negated(pair[1]))
    return None


def _softplus(read: _Reader, index: int) -> _Tree | None:
    """log(1 + exp(u)), log1p(exp(u))."""
    inner = read.operand(index, "log1p")
    if inner is None:
        sum_ = read.operand(index, "log")
        inner = None if sum_ is None else read.other(sum_, "add", 1)
    power = None if inner is None else read.operand(inner, "exp")
    return None if power is None else _op("softplus", power)


def _softplus_by_parts(read: _Reader, index: int) -> _Tree | None:
    """The same without the threshold of PyTorch's softplus."""
    found = _softplus(read, index)
    if found is None:
        return None
    (power,) = found.operands
    tail = _op("log1p", _op("exp", _op("neg", _op("abs", power))))
    return _op("add", _op("max", power, _number(0)), tail)


def _hypot(read: _Reader, index: int) -> _Tree | None:
    """sqrt(a² + b²)."""
    inner = read.operand(index, "sqrt")
    pair = None if inner is None else read.operands(inner, "add")
    if not pair:
        return None
    first, second = (read.squared(operand) for operand in pair)
    if first is None or second is None:
        return None
    return _op("hypot", first, second)


def _logaddexp(read: _Reader, index: int) -> _Tree | None:
    """log(exp(a) + exp(b))."""
    inner = read.operand(index, "log")
    pair = None if inner is None else read.operands(inner, "add")
    if not pair:
        return None
    first, second = (read.operand(operand, "exp") for operand in pair)
    if first is None or second is None:
        return None
    distance = _op("abs", _op("sub", first, second))
    tail = _op("log1p", _op("exp", _op("neg", distance)))
    return _op("add", _op("max", first, second), tail)


def _versine(read: _Reader, index: int) -> _Tree | None:
    """1 − cos(u)."""
    pair = read.operands(index, "sub")
    if not pair or not read.is_number(pair[0], 1):
        return None
    angle = read.operand(pair[1], "cos")
    if angle is None:
        return None
    half = _op("sin", _op("div", angle, _number(2)))
    return _op("mul", _number(2), _op("pow", half, _number(2)))


def _sigmoid(read: _Reader, index: int) -> _Tree | None:
    """1 / (1 + exp(−u))."""
    pair = read.operands(index, "div")
    if not pair or not read.is_number(pair[0], 1):
        return None
    power = _of_one_plus_exp(read, pair[1])
    if power is None:
        return None
    argument = read.negated(power)
    return _op("sigmoid", argument)


def _over_one_plus_exp(read: _Reader, index: int) -> _Tree | None:
    """v / (1 + exp(−u))."""
    pair = read.operands(index, "div")
    if not pair or read.is_number(pair[0], 1):
        return None
    power = _of_one_plus_exp(read, pair[1])
    if power is None:
        return None
    return _op("mul", pair[0], _op("sigmoid", read.negated(power)))


def _of_one_plus_exp(read: _Reader, index: int) -> int | None:
    """The u of 1 + exp(u)."""
    inner = read.other(index, "add", 1)
    return None if inner is None else read.operand(inner, "exp")


def _log_sigmoid(read: _Reader, index: int) -> _Tree | None:
    """log(sigmoid(u))."""
    inner = read.operand(index, "log")
    argument = None if inner is None else read.operand(inner, "sigmoid")
    if argument is None:
        return None
    return _op("neg", _op("softplus", read.negated(argument)))


def _difference_of_squares(read: _Reader, index: int) -> _Tree | None:
    """a² − b²."""
    pair = read.operands(index, "sub")
    if not pair:
        return None
    first, second = (read.squared(operand) for operand in pair)
    if read.is_number(pair[0], 1):
        first = pair[0]
    if first is None or second is None:
        return None
    return _op("mul", _op("sub", first, second), _op("add", first, second))


def _difference_of_roots(read: _Reader, index: int) -> _Tree | None:
    """sqrt(a) − sqrt(b)."""
    pair = read.operands(index, "sub")
    if not pair:
        return None
    first, second = (read.operand(operand, "sqrt") for operand in pair)
    if first is None or second is None:
        return None
    return _op("div", _difference(read, first, second), _op("add", *pair))


def _difference(read: _Reader, first: int, second: int) -> _Tree | int:
    """a − b, taken apart where both share a term: of (x + 1) − x, 1 is left."""
    for one, two, sign in ((first, second, 1), (second, first, -1)):
        pair = read.operands(one, "add")
        if not pair:
            continue
        for term, rest in (pair, pair[::-1]):
            if read.same(term, two):
                return rest if sign > 0 else _op("neg", rest)
    return _op("sub", first, second)


def _tanh_tail(read: _Reader, index: int) -> _Tree | None:
    """tanh(u), whose backward 1 − tanh² loses the tail, by an odd function of exp(−2|u|)."""
    argument = read.operand(index, "tanh")
    if argument is None:
        return None
    double = _op("mul", _number(-2), _op("abs", argument))
    top = _op("neg", _op("expm1", double))
    bottom = _op("add", _number(1), _op("exp", double))
    return _op("mul", _op("sign", argument), _op("div", top, bottom))


def _sigmoid_tail(read: _Reader, index: int) -> _Tree | None:
    """sigmoid(u), whose backward (1 − s)·s loses the right tail, by the quotient."""
    argument = read.operand(index, "sigmoid")
    if argument is None:
        return None
    return _op("reciprocal", _op("add", _number(1), _op("exp", read.negated(argument))))


def _quotient_tail(read: _Reader, index: int) -> _Tree | None:
    """u / (u + c), whose quotient rule cancels at large u."""
    pair = read.operands(index, "div")
    sum_ = read.operands(pair[1], "add") if pair else None
    if not pair or not sum_:
        return None
    for term, rest in (sum_, sum_[::-1]):
        if read.same(term, pair[0]):
            return _op("reciprocal", _op("add", _number(1), _op("div", rest, pair[0])))
    return None


def _safe_branch(read: _Reader, index: int, branch: int) -> _Tree | None:
    """where(c, f(x), g) with an f that is singular where c does not hold."""
    found = read.operands(index, "where")
    if not found:
        return None
    condition = found[0]
    variables = [
        at
        for at in sorted(_below(read.program, found[branch]))
        if read.program.nodes[at].operation == "variable"
        and at in _below(read.program, condition)
    ]
    if not variables:
        return None
    guarded = {at: _guard(condition, at, branch) for at in variables}
    operands: list[_Tree | int] = list(found)
    operands[branch] = _substituted(read.program, found[branch], guarded)
    return _op("where", *operands)


def _guard(condition: int, at: int, branch: int) -> _Tree:
    chosen: tuple[_Tree | int, _Tree | int] = (at, _number(SAFE))
    return _op("where", condition, *(chosen if branch == 1 else chosen[::-1]))


def _substituted(
    program: Program, root: int, guarded: Mapping[int, _Tree]
) -> _Tree | int:
    if root in guarded:
        return guarded[root]
    node = program.nodes[root]
    operands = tuple(_substituted(program, at, guarded) for at in node.arguments)
    if operands == node.arguments:
        return root
    return _Tree(node.operation, operands)


def _safe_first(read: _Reader, index: int) -> _Tree | None:
    return _safe_branch(read, index, 1)


def _safe_second(read: _Reader, index: int) -> _Tree | None:
    return _safe_branch(read, index, 2)


def _guarded_singularity(read: _Reader, index: int) -> _Tree | None:
    """f(u)/u, which is 0/0 at u = 0, guarded there by the value of its limit where that is 1."""
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
    safe = _op("where", _op("ne", denominator, _number(0)), denominator, _number(SAFE))
    guarded = _substituted(read.program, index, {denominator: safe})
    assert isinstance(guarded, _Tree)
    unequal = _op("ne", denominator, _number(0))
    return _op("where", unequal, guarded, _number(1))


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
"""In the order in which they are tried: what a formula is usually called comes before how it may be taken apart."""
