"""Text → the program *as written*: a straight line of nodes, each with its place in the source.

The text is read by Python's own parser and walked through a whitelist; nothing in it is ever evaluated. SymPy would
rewrite it (`(a+2)*3` becomes `3*a+6`), and PyTorch would then be tested on another program than the one written.
"""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, lru_cache
from itertools import accumulate, takewhile
from typing import NoReturn

from verifier.errors import ExpressionError, Place, suggest
from verifier.language.operations import table as operations
from verifier.language.operations.operation import tangent_name
from verifier.language.operations.table import Operation, Sort

LONGEST_TEXT = 150_000
"""Characters of one expression; what is longer is generated, and belongs into named steps."""
LARGEST_CONSTANT_BITS = 16_384
"""Bits of numerator or denominator of a constant: far beyond any format's range, yet cheap to hold exactly."""
LARGEST_CONSTANTS_BITS = 2**25
"""Bits of all constants of one program together: four megabytes."""
LONGEST_PROGRAM = 100_000
"""Operations and leaves of one program."""
LONGEST_NUMBER = 4300
"""Digits of one number; Python converts no more of them by default, since that takes quadratic time."""


IMAGINARY_UNIT = "1j"
"""The name of the constant i, which only complex dtypes have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of source text; lines and columns count from 1, `end_column` is the first one past it."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operation as written, or a leaf.

    `operation` is a row's name, or `constant` (then `number`, or `name` for pi, e, inf, 1j) or `variable` (`name`).
    `arguments` are indices of earlier nodes.
    """

    operation: str
    arguments: tuple[int, ...] = ()
    name: str | None = None
    number: Fraction | None = None
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A written program: nodes in the order of evaluation, the last one being the output.

    `inputs` are the variables in order of first appearance; `steps` maps each named step to its node, in order.
    """

    source: str
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    steps: Mapping[str, int] = field(default_factory=dict)
    output: int

    def text(self, index: int) -> str:
        """The source text of a node, on one line."""
        span = self.nodes[index].span
        lines = list(_code_lines(self.source)[span.line - 1 : span.end_line])
        if not lines:
            return ""
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return " ".join(line.strip() for line in lines)


def parse(text: str, *, variables: Iterable[str] | None = None) -> Program:
    """The program of a single expression.

    Where `variables` is given, no other names may occur free; a variable hides an operation of the same name.
    Raises `ExpressionError`, with line and column, for anything that is not of the language.
    """
    return _Reader(text, variables).read_expression()


def parse_steps(text: str, *, variables: Iterable[str] | None = None) -> Program:
    """The program of named steps, one `name = expression` a line; the last step is the output."""
    return _Reader(text, variables).read_steps()


def parse_condition(text: str, *, variables: Iterable[str] | None = None) -> Program:
    """The program of a single condition, such as `x < y and x**2 > 1/100`."""
    return _Reader(text, variables).read_condition()


@cache
def parse_form(text: str, row: Operation) -> Program:
    """The program of a row's own formula (`backward`, …) in its operands, their tangents, `result` and `grad`."""
    tangents = map(tangent_name, row.operands)
    return _Reader(
        text, (*row.operands, *tangents, "result", "grad"), form_of=row
    ).read_expression()


def expand(program: Program) -> Program:
    """The program as PyTorch is given it: compositions written out, and a number over a tensor as PyTorch takes it.

    `Tensor.__rtruediv__` multiplies by the reciprocal, which rounds twice and may overflow on the way.
    """
    constants = constant_values(program)
    nodes: list[Node] = []
    moved: list[int] = []
    for node in program.nodes:
        arguments = tuple(moved[index] for index in node.arguments)
        composition = _composition(node)
        if composition is not None:
            row = operations.OPERATIONS[node.operation]
            form = parse_form(composition, row)
            moved.append(_inline(nodes, form, row, arguments, node.span))
            continue
        if node.operation == "div" and _is_number_over_tensor(node, constants):
            nodes.append(_derived("reciprocal", arguments[1:], node))
            nodes.append(_derived("mul", (len(nodes) - 1, arguments[0]), node))
        else:
            nodes.append(_derived(node.operation, arguments, node))
        moved.append(len(nodes) - 1)
    return _rewritten(program, nodes, moved)


def define(program: Program) -> Program:
    """The program over the reals: every operation that has a definition written out as what it is."""
    return define_in_place(program)[0]


def define_in_place(program: Program) -> tuple[Program, Sequence[int]]:
    """The program with definitions written out, and for each node of the given one where its value went."""
    nodes: list[Node] = []
    moved: list[int] = []
    for node in program.nodes:
        arguments = tuple(moved[index] for index in node.arguments)
        row = operations.OPERATIONS.get(node.operation)
        if row is None or row.definition is None:
            nodes.append(_derived(node.operation, arguments, node))
            moved.append(len(nodes) - 1)
        else:
            moved.append(_inline(nodes, definition(row), row, arguments, node.span))
    return _rewritten(program, nodes, moved), moved


@cache
def definition(row: Operation) -> Program:
    """A row's definition as a program of its operands, in operations that need none themselves."""
    return define(parse_form(row.definition or "", row))


def _rewritten(
    program: Program, nodes: Sequence[Node], moved: Sequence[int]
) -> Program:
    """The program with other nodes; `moved` says where each of its own went."""
    return Program(
        source=program.source,
        nodes=tuple(nodes),
        inputs=program.inputs,
        steps={name: moved[index] for name, index in program.steps.items()},
        output=moved[program.output],
    )


def classes(program: Program) -> list[int]:
    """For each node the first one that is written alike, operand for operand: such nodes are equal everywhere."""
    known: dict[tuple[object, ...], int] = {}
    found: list[int] = []
    for index, node in enumerate(program.nodes):
        operands = tuple(found[argument] for argument in node.arguments)
        key = (node.operation, operands, node.name, node.number)
        found.append(known.setdefault(key, index))
    return found


def reached(program: Program) -> list[bool]:
    """Whether each node depends on an input, so that a gradient is sent to it."""
    found: list[bool] = []
    for node in program.nodes:
        variable = node.operation == "variable"
        found.append(variable or any(found[index] for index in node.arguments))
    return found


def constant_values(program: Program) -> dict[int, Fraction]:
    """The exact value of every node that is a rational constant, by index."""
    known: dict[int, Fraction] = {}
    for index, node in enumerate(program.nodes):
        value = node.number
        if value is None and node.arguments:
            operands = [known.get(argument) for argument in node.arguments]
            value = _fold(node.operation, operands)
        if value is not None:
            known[index] = value
    return known


def _without_comments(text: str) -> str:
    """The text with every comment blanked out, so that places stay true; the language has no strings to hold a `#`."""
    return re.sub(r"#[^\n]*", lambda found: " " * len(found.group()), text)


@lru_cache(maxsize=8)
def _code_lines(text: str) -> tuple[str, ...]:
    """The lines of a text without its comments."""
    return tuple(_without_comments(text).split("\n"))


def _common_indent(lines: Iterable[str]) -> int:
    """How many blanks and tabs all lines that say something begin with."""
    indents = [line[: len(line) - len(line.lstrip())] for line in lines if line]
    columns = zip(*indents, strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _composition(node: Node) -> str | None:
    row = operations.OPERATIONS.get(node.operation)
    return row.composition if row is not None else None


def _is_number_over_tensor(node: Node, constants: Mapping[int, Fraction]) -> bool:
    numerator, denominator = node.arguments
    return numerator in constants and denominator not in constants


def _derived(operation: str, arguments: tuple[int, ...], node: Node) -> Node:
    """A node in the place of `node`."""
    return replace(node, operation=operation, arguments=arguments)


def _inline(
    nodes: list[Node],
    form: Program,
    row: Operation,
    arguments: Sequence[int],
    span: Span,
) -> int:
    """Append the nodes of a form of the row's operands, and say which is its result."""
    bound = dict(zip(row.operands, arguments, strict=True))
    placed: list[int] = []
    for node in form.nodes:
        if node.operation == "variable":
            placed.append(bound[node.name or ""])
            continue
        arguments = tuple(placed[index] for index in node.arguments)
        nodes.append(replace(node, arguments=arguments, span=span))
        placed.append(len(nodes) - 1)
    return placed[form.output]


def _fold(operation: str, operands: Sequence[Fraction | None]) -> Fraction | None:
    """The exact result of rational arithmetic on constants; None where it is not rational or not defined."""
    if any(operand is None for operand in operands):
        return None
    values = [operand for operand in operands if operand is not None]
    match operation:
        case "add":
            return values[0] + values[1]
        case "sub":
            return values[0] - values[1]
        case "mul":
            return values[0] * values[1]
        case "neg":
            return -values[0]
        case "div" if values[1] != 0:
            return values[0] / values[1]
        case "pow" if values[1].denominator == 1 and (values[0] or values[1] >= 0):
            if abs(values[1]) * _bits(values[0]) > LARGEST_CONSTANT_BITS:
                return None
            return values[0] ** values[1].numerator
    return None


def _rough(count: int) -> str:
    """A count for the eye; a float would overflow."""
    return f"{count:.1e}" if count < 10**18 else f"2**{count.bit_length() - 1}"


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


_BINARY_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_FOREIGN: dict[type[ast.AST], str] = {
    ast.Attribute: "an attribute (`a.b`)",
    ast.Lambda: "a lambda",
    ast.Subscript: "an index (`a[i]`)",
    ast.List: "a list",
    ast.Tuple: "a tuple",
    ast.Dict: "a dictionary",
    ast.Set: "a set",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.JoinedStr: "a string",
    ast.NamedExpr: "an assignment (`:=`)",
    ast.Await: "`await`",
    ast.Yield: "`yield`",
    ast.YieldFrom: "`yield`",
    ast.Starred: "a star (`*a`)",
    ast.Slice: "a slice",
    ast.Assign: "an assignment to something else",
    ast.AnnAssign: "an annotation",
    ast.AugAssign: "an update (`a += b`)",
    ast.Expr: "an expression without a name",
}
_LITERALS: dict[type, str] = {
    str: "a string",
    bytes: "a string",
    complex: "a complex number",
    type(None): "`None`",
    type(...): "`...`",
}
_OTHER_OPERATORS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Mod: ("%", "Write a remainder as `remainder(a, b)`."),
    ast.LShift: ("<<", "Write a factor as `*`."),
    ast.RShift: (">>", "Write a quotient as `/`."),
    ast.BitXor: ("^", "Write a power as `**`."),
    ast.FloorDiv: ("//", "Write a whole quotient as `floor(a / b)`."),
    ast.MatMult: ("@", "Write a product as `*`."),
    ast.BitAnd: ("&", "Join conditions by `and`."),
    ast.BitOr: ("|", "Join conditions by `or`."),
    ast.Invert: ("~", "Negate a condition by `not`."),
}

_OTHER_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Is: ("is", "Write equality as `==`."),
    ast.IsNot: ("is not", "Write inequality as `!=`."),
    ast.In: ("in", "Write bounds as `a < x < b`."),
    ast.NotIn: ("not in", "Write bounds as `x < a or x > b`."),
}

_INTEGERS: dict[str, tuple[str, str, int, int]] = {
    **{
        name: ("n", "first operand", least, most)
        for name, (least, most) in operations.ORDERS.items()
    },
    "round": ("decimals", "`decimals`", -300, 300),
    "mvlgamma": ("p", "`p`", 1, 10),
}
"""Parameters that PyTorch takes as integers: in words, and their bounds here."""

_FIRST_STAND_IN = 0x0430
"""The first of 48 Cyrillic letters, two bytes each, that stand in for declared keywords."""

Emit = Callable[[list[int]], int]
Plan = tuple[list[ast.expr], Emit]


class _Reader:
    """Reads one text; holds what is known so far."""

    def __init__(
        self,
        text: str,
        variables: Iterable[str] | None,
        *,
        form_of: Operation | None = None,
    ) -> None:
        self.text = text
        self.lines = text.split("\n")
        self.starts = [0, *accumulate(len(line) + 1 for line in self.lines)]
        self.declared = None if variables is None else dict.fromkeys(variables)
        self.form_of = form_of
        self.nodes: list[Node] = []
        self.sorts: list[Sort] = []
        self.constants: dict[int, Fraction] = {}
        self.bits = 0  # of all constants
        self.variables: dict[str, int] = {}
        self.steps: dict[str, int] = {}
        self.named: set[int] = set()  # the nodes of the steps
        self.disguises: dict[str, str] = {}
        self.shift = 0  # blanks taken off the front of every line
        self.flat = False  # line breaks replaced by blanks
        self.mend = "Give it in `at` or `domain`."  # said of a name without a value
        self.last_span: tuple[ast.expr, Span] | None = None

    # ── the two kinds of text ────────────────────────────────────────────────────────────────────────────────────

    def read_expression(self) -> Program:
        body = self._single("an expression")
        return self._program(self._number(self._expression(body), body))

    def read_condition(self) -> Program:
        body = self._single("a condition")
        names = ", ".join(f"`{name}`" for name in self.declared or ())
        self.mend = f"Known are {names}."
        output = self._expression(body)
        if self.sorts[output] is not Sort.CONDITION:
            self._fail(
                body,
                "expected a condition such as `x < y`, found a number. Compare it.",
            )
        return self._program(output)

    def _single(self, what: str) -> ast.expr:
        # A line break inside an expression means no more than a blank; offsets stay the same.
        source = self._check_text().replace("\n", " ").rstrip()
        if not source:
            self._fail(None, f"expected {what}, found nothing")
        self.flat = True
        self.shift = len(source) - len(source.lstrip())  # Python refuses leading blanks
        tree = self._parse(source[self.shift :], "eval")
        assert isinstance(tree, ast.Expression)
        return tree.body

    def read_steps(self) -> Program:
        source = self._check_text()
        lines = [line.rstrip() for line in source.split("\n")]
        self.shift = _common_indent(lines)  # a block that is indented as a whole
        source = "\n".join(line[self.shift :] for line in lines)
        tree = self._parse(source, "exec")
        assert isinstance(tree, ast.Module)
        if not tree.body:
            self._fail(None, "expected at least one `name = expression`, found nothing")
        output = 0
        for statement in tree.body:
            output = self._step(statement)
        return self._program(output)

    def _step(self, statement: ast.stmt) -> int:
        if (
            not isinstance(statement, ast.Assign)
            or len(statement.targets) != 1
            or not isinstance(statement.targets[0], ast.Name)
        ):
            self._fail(
                statement,
                f"expected `name = expression`, found {_describe(statement)}",
            )
        target = statement.targets[0]
        name = self._original(target.id)
        if name.startswith("__"):
            self._fail(target, f"a step cannot be called `{name}`")
        if name in self.steps:
            self._fail(
                target, f"step `{name}` is defined twice. Give each its own name."
            )
        self._check_no_input(name, target)
        index = self._number(self._expression(statement.value), statement.value)
        self._check_no_input(name, target)  # `a = a + 1` makes an input of its `a`
        if index in self.named or self.nodes[index].operation == "variable":
            # A second name for the same value: a node of its own keeps each step's adjoint apart.
            index = self._add(
                Node(operation="identity", arguments=(index,), span=self._span(target)),
                Sort.NUMBER,
            )
        self.steps[name] = index
        self.named.add(index)
        return index

    def _check_no_input(self, name: str, target: ast.Name) -> None:
        if name in self.variables or name in (self.declared or ()):
            self._fail(target, f"`{name}` is an input and cannot be a step as well")

    def _program(self, output: int) -> Program:
        return Program(
            source=self.text,
            nodes=tuple(self.nodes),
            inputs=tuple(self.variables),
            steps=dict(self.steps),
            output=output,
        )

    # ── text → Python's tree ─────────────────────────────────────────────────────────────────────────────────────

    def _check_text(self) -> str:
        text = self.text
        if len(text) > LONGEST_TEXT:
            self._fail(
                None,
                f"expected at most {LONGEST_TEXT} characters, found {len(text)}. "
                "Name its parts in `steps`.",
            )
        foreign = re.search(r"[^\x20-\x7e\n\t]", text)
        if foreign:
            character = foreign.group()
            name = unicodedata.name(character, "a control character")
            self._fail_at(
                *self._line_column(foreign.start()),
                f"expected plain ASCII, found U+{ord(character):04X} ({name})",
            )
        text = _without_comments(text)
        self._check_numbers(text)
        return self._disguise(text)

    def _check_numbers(self, text: str) -> None:
        """Refuse numbers too long for Python, which would say so in its own words and without a place."""
        for found in re.finditer(
            rf"(?<![\w.])\.?\d[\w.]{{{LONGEST_NUMBER - 1},}}", text
        ):
            digits = sum(character.isalnum() for character in found.group())
            if digits > LONGEST_NUMBER:
                self._fail_at(
                    *self._line_column(found.start()),
                    f"expected numbers of at most {LONGEST_NUMBER} digits, found one of {digits}",
                )

    def _disguise(self, text: str) -> str:
        """The text with Python keywords that are declared as variables (`lambda`) spelt so that Python reads names.

        A stand-in begins with a letter that no checked text holds, and is as many bytes long as its keyword: Python's
        parser counts columns in bytes, so that places stay true.
        """
        for name in self.declared or ():
            if keyword.iskeyword(name):
                letter = chr(_FIRST_STAND_IN + keyword.kwlist.index(name))
                stand_in = letter + "_" * (len(name) - 2)
                self.disguises[stand_in] = name
                text = re.sub(rf"\b{name}\b", stand_in, text)
        return text

    def _original(self, name: str) -> str:
        return self.disguises.get(name, name)

    def _parse(self, source: str, mode: str) -> ast.AST:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of `1or x`: what it means is plain
                return ast.parse(source, mode=mode)
        except SyntaxError as error:
            self._fail_to_parse(source, error)
        except (RecursionError, MemoryError):
            self._too_deep()
        except ValueError:  # an integer of more digits than Python converts
            self._too_long()

    def _fail_to_parse(self, source: str, error: SyntaxError) -> NoReturn:
        """Python's own complaint, in its true place."""
        message = (error.msg or "invalid syntax").replace("'", "`")
        if "nested parentheses" in message or "levels of indentation" in message:
            self._too_deep()
        if "integer string conversion" in message:
            self._too_long()
        lines = source.split("\n")
        line = min(error.lineno or 1, len(lines))
        shown = lines[line - 1]
        # Python counts characters here, from 1; at the end of the text it may give 0.
        before = shown[: error.offset - 1] if error.offset else shown
        place = self._true_place(line, len(before.encode()))
        self._fail_at(*place, f"expected an expression: {message}")

    def _too_deep(self) -> NoReturn:
        self._fail(None, "nested too deeply. Name its parts in `steps`.")

    def _too_long(self) -> NoReturn:
        self._fail(None, f"expected numbers of at most {LONGEST_NUMBER} digits")

    # ── Python's tree → nodes, without recursion ─────────────────────────────────────────────────────────────────

    def _expression(self, root: ast.expr) -> int:
        work: list[tuple[ast.expr, Plan | None]] = [(root, None)]
        done: list[int] = []
        while work:
            node, plan = work.pop()
            if isinstance(node, ast.Name):
                done.append(self._name(node))
            elif isinstance(node, ast.Constant):
                done.append(self._constant(node))
            elif plan is None:
                plan = self._plan(node)
                work.append((node, plan))
                work.extend((child, None) for child in reversed(plan[0]))
            else:
                count = len(plan[0])
                arguments = done[len(done) - count :]
                del done[len(done) - count :]
                done.append(plan[1](arguments))
        return done[0]

    def _plan(self, node: ast.expr) -> Plan:
        match node:
            case ast.BinOp() if type(node.op) in _BINARY_OPERATORS:
                row = operations.of_symbol(_BINARY_OPERATORS[type(node.op)])
                return [node.left, node.right], self._emit(row, node)
            case ast.UnaryOp(op=ast.USub()):
                return [node.operand], self._emit(operations.OPERATIONS["neg"], node)
            case ast.UnaryOp(op=ast.UAdd()):
                return [node.operand], lambda found: self._number(found[0], node)
            case ast.UnaryOp(op=ast.Not()):
                return [node.operand], self._emit(operations.of_symbol("not"), node)
            case ast.BoolOp():
                symbol = "and" if isinstance(node.op, ast.And) else "or"
                return node.values, self._emit(operations.of_symbol(symbol), node)
            case ast.Compare():
                return [node.left, *node.comparators], self._emit_chain(node)
            case ast.IfExp():
                where = operations.OPERATIONS["where"]
                return [node.test, node.body, node.orelse], self._emit(where, node)
            case ast.Call():
                return self._call(node)
        operator = getattr(node, "op", None)
        if isinstance(operator, ast.AST) and type(operator) in _OTHER_OPERATORS:
            symbol, mend = _OTHER_OPERATORS[type(operator)]
            self._fail(node, f"unknown operator `{symbol}`. {mend}")
        self._fail(node, f"expected a formula, found {_describe(node)}")

    def _call(self, node: ast.Call) -> Plan:
        if not isinstance(node.func, ast.Name):
            self._fail(
                node.func,
                f"expected the name of an operation before `(`, found {_describe(node.func)}",
            )
        name = self._original(node.func.id)
        if self._is_variable(name):
            self._fail(
                node.func,
                f"`{name}` is a variable and cannot be called. Write a product with `*`.",
            )
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            self._fail(node, "expected plain arguments, found a star (`*a`)")
        row = operations.find(name)
        if node.keywords and (row is None or not row.parameters):
            self._fail(node, f"expected `{name}` without keyword arguments")
        if name == "Piecewise":
            return self._piecewise(node)
        if name in ("log", "ln") and len(node.args) == 2:
            return node.args, self._emit_log_to_base(node)
        if name == "Rational":
            return node.args, self._emit(operations.of_symbol("/"), node)
        if row is None:
            near = suggest(name, operations.known_names())
            hint = f"Did you mean `{near}`? " if near else ""
            self._fail(
                node.func,
                f"unknown operation `{name}`. {hint}`verifier operations` lists all that are supported.",
            )
        if node.keywords or (len(node.args) < row.arity and row.defaults):
            return self._call_by_name(row, node)
        return list(node.args), self._emit(row, node)

    def _call_by_name(self, row: Operation, node: ast.Call) -> Plan:
        """A call whose operands are partly given by keyword or left out, as in `softplus(x, beta=2)`."""
        if len(node.args) > row.arity:
            return node.args, self._emit(row, node)
        given = dict(zip(row.operands, node.args, strict=False))
        for keyword_ in node.keywords:
            name = keyword_.arg or "**"
            if name not in row.parameters:
                near = suggest(name, row.parameters)
                hint = f" Did you mean `{near}`?" if near else ""
                known = ", ".join(row.parameters)
                self._fail(
                    keyword_,
                    f"`{row.name}` has no parameter `{name}`, only {known}.{hint}",
                )
            if name in given:
                self._fail(keyword_, f"`{row.name}` is given `{name}` twice")
            given[name] = keyword_.value

        def emit(found: list[int]) -> int:
            bound = dict(zip(given, found, strict=True))
            for name, value in row.defaults:
                if name not in bound:
                    bound[name] = self._default(Fraction(value), node)
            if len(bound) < row.arity:  # to be told with what was given, not filled in
                return self._apply(row, found, node)
            operands = [bound[name] for name in row.operands]
            return self._apply(row, operands, node)

        return list(given.values()), emit

    def _default(self, number: Fraction, node: ast.expr) -> int:
        leaf = Node(operation="constant", number=number, span=self._span(node))
        index = self._add(leaf, Sort.NUMBER)
        self._hold(index, number, node)
        return index

    def _piecewise(self, node: ast.Call) -> Plan:
        """`Piecewise((v1, c1), (v2, c2), …, (v, True))` as nested `where`; the last condition must be `True`."""
        pairs: list[tuple[ast.expr, ast.expr]] = []
        for pair in node.args:
            if not isinstance(pair, ast.Tuple) or len(pair.elts) != 2:
                self._fail(pair, "expected pairs (value, condition) in `Piecewise`")
            pairs.append((pair.elts[0], pair.elts[1]))
        if not pairs or not _is_true(pairs[-1][1]):
            self._fail(node, "expected `Piecewise` to end with (value, True)")
        children = [part for pair in pairs[:-1] for part in pair]
        children.append(pairs[-1][0])

        def emit(found: list[int]) -> int:
            where = operations.OPERATIONS["where"]
            result = found[-1]
            for at in range(len(found) - 3, -1, -2):
                value, condition = found[at], found[at + 1]
                result = self._apply(where, [condition, value, result], node)
            return result

        return children, emit

    def _emit(self, row: Operation, node: ast.expr) -> Emit:
        def emit(found: list[int]) -> int:
            if row.variadic and len(found) > row.arity:
                result = found[0]
                for operand in found[1:]:
                    result = self._apply(row, [result, operand], node)
                return result
            if row.variadic and len(found) == 1:
                self._check_sort(found[0], row.sorts[0], row, node)
                return found[0]
            return self._apply(row, found, node)

        return emit

    def _emit_chain(self, node: ast.Compare) -> Emit:
        def emit(found: list[int]) -> int:
            links: list[int] = []
            for operator, left, right in zip(node.ops, found, found[1:], strict=False):
                if type(operator) not in _COMPARISONS:
                    symbol, mend = _OTHER_COMPARISONS[type(operator)]
                    self._fail(node, f"unknown comparison operator `{symbol}`. {mend}")
                row = operations.of_symbol(_COMPARISONS[type(operator)])
                links.append(self._apply(row, [left, right], node))
            result = links[0]
            for link in links[1:]:
                result = self._apply(operations.of_symbol("and"), [result, link], node)
            return result

        return emit

    def _emit_log_to_base(self, node: ast.Call) -> Emit:
        def emit(found: list[int]) -> int:
            log = operations.OPERATIONS["log"]
            logs = [self._apply(log, [operand], node) for operand in found]
            return self._apply(operations.of_symbol("/"), logs, node)

        return emit

    # ── nodes ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _apply(self, row: Operation, found: list[int], node: ast.expr) -> int:
        if len(found) != row.arity:
            self._fail(
                node,
                f"`{row.name}` takes {_count(row.arity)} "
                f"({', '.join(row.operands)}), found {len(found)}",
            )
        for operand, sort in zip(found, row.sorts, strict=True):
            if self.sorts[operand] is not sort:
                self._check_sort(operand, sort, row, node)
        if row.parameters and self.form_of is None:
            self._check_parameters(row, found, node)
        index = self._add(
            Node(operation=row.name, arguments=tuple(found), span=self._span(node)),
            row.result,
        )
        # The first operand is asked first, since most are no constants.
        if found[0] in self.constants and all(i in self.constants for i in found):
            values = [self.constants[operand] for operand in found]
            self._check_constant(row, values, node)
            value = _fold(row.name, values)
            if value is not None:
                self._hold(index, value, node)
        return index

    def _check_parameters(
        self, row: Operation, found: list[int], node: ast.expr
    ) -> None:
        """PyTorch takes no tensor in the place of a parameter."""
        self._check_integer(row, found, node)
        for name, index in zip(row.operands, found, strict=True):
            if name in row.parameters and index not in self.constants:
                self._fail(
                    node,
                    f"`{row.name}` takes a number as `{name}`, found `{self._source_of_node(index)}`",
                )

    def _source_of_node(self, index: int) -> str:
        span = self.nodes[index].span
        line = self.lines[span.line - 1]
        end = span.end_column - 1 if span.end_line == span.line else len(line)
        return line[span.column - 1 : end]

    def _check_integer(self, row: Operation, found: list[int], node: ast.expr) -> None:
        if row.name not in _INTEGERS:
            return
        name, words, least, most = _INTEGERS[row.name]
        number = self.constants.get(found[row.operands.index(name)])
        if number is None or number.denominator != 1 or not least <= number <= most:
            self._fail(
                node,
                f"expected an integer constant from {least} to {most} as {words} of `{row.name}`",
            )

    def _hold(self, index: int, value: Fraction, node: ast.expr) -> None:
        """Note the value of a constant node."""
        self.constants[index] = value
        self.bits += _bits(value)
        if self.bits > LARGEST_CONSTANTS_BITS:
            self._fail(
                node,
                f"expected constants of at most {LARGEST_CONSTANTS_BITS} bits in all, found more",
            )

    def _check_constant(
        self, row: Operation, values: list[Fraction], node: ast.expr
    ) -> None:
        """Refuse constants too large to hold exactly before anything multiplies them out."""
        if row.name not in ("mul", "div", "add", "sub", "pow"):
            return
        left, right = values
        bits = _bits(left) + _bits(right)
        if row.name == "pow":
            bits = 0 if abs(left) in (0, 1) else int(_bits(left) * abs(right)) + 1
        if bits > LARGEST_CONSTANT_BITS:
            self._fail(
                node,
                f"expected constants of at most {LARGEST_CONSTANT_BITS} bits, found one of about {_rough(bits)}",
            )

    def _check_sort(
        self, index: int, sort: Sort, row: Operation, node: ast.expr
    ) -> None:
        if self.sorts[index] is not sort:
            found = self.sorts[index].value
            self._fail(node, f"`{row.name}` expects {sort.value}, found {found}")

    def _number(self, index: int, node: ast.expr) -> int:
        if self.sorts[index] is not Sort.NUMBER:
            self._fail(node, "expected a number, found a condition. Use `where(…)`.")
        return index

    def _add(self, node: Node, sort: Sort) -> int:
        if len(self.nodes) >= LONGEST_PROGRAM:
            self._fail_at(
                node.span.line,
                node.span.column,
                f"expected at most {LONGEST_PROGRAM} operations and operands, found more",
            )
        self.nodes.append(node)
        self.sorts.append(sort)
        return len(self.nodes) - 1

    def _constant(self, node: ast.Constant) -> int:
        if isinstance(node.value, bool):
            self._fail(node, f"expected a number, found `{node.value}`")
        if isinstance(node.value, complex) and self.form_of is None:
            return self._imaginary(node)
        if not isinstance(node.value, (int, float)):
            self._fail(node, f"expected a number, found {_describe(node)}")
        # The text, not Python's float: a decimal is the rational that it spells.
        text = self._source_of(node)
        number = Fraction(node.value) if isinstance(node.value, int) else _decimal(text)
        if number is None or _bits(number) > LARGEST_CONSTANT_BITS:
            self._fail(
                node,
                f"expected a number of at most {LARGEST_CONSTANT_BITS} bits, found `{text[:40]}`",
            )
        index = self._add(
            Node(operation="constant", number=number, span=self._span(node)),
            Sort.NUMBER,
        )
        self._hold(index, number, node)
        return index

    def _imaginary(self, node: ast.Constant) -> int:
        """`2.5j` as the product of an exact number and the imaginary unit."""
        text = self._source_of(node)[:-1]
        number = _decimal(text)
        if number is None or _bits(number) > LARGEST_CONSTANT_BITS:
            self._fail(
                node,
                f"expected a number of at most {LARGEST_CONSTANT_BITS} bits, found `{text[:40]}`",
            )
        span = self._span(node)
        factor = Node(operation="constant", number=number, span=span)
        unit = Node(operation="constant", name=IMAGINARY_UNIT, span=span)
        if number == 1:
            return self._add(unit, Sort.NUMBER)
        index = self._add(factor, Sort.NUMBER)
        self._hold(index, number, node)
        pair = (index, self._add(unit, Sort.NUMBER))
        return self._add(Node(operation="mul", arguments=pair, span=span), Sort.NUMBER)

    def _name(self, node: ast.Name) -> int:
        name = self._original(node.id)
        if name in self.steps:
            return self.steps[name]
        if name in self.variables:
            return self.variables[name]
        if name in (self.declared or ()):
            return self._variable(name, node)
        if name in operations.CONSTANTS:
            constant = operations.CONSTANTS[name]
            leaf = Node(operation="constant", name=constant, span=self._span(node))
            return self._add(leaf, Sort.NUMBER)
        if operations.find(name) is not None:
            self._fail(
                node, f"`{name}` is an operation: expected `{name}(…)`, found `{name}`"
            )
        if name.startswith("__"):
            self._fail(node, f"a variable cannot be called `{name}`")
        if self.declared is None:
            return self._variable(name, node)
        near = suggest(name, [*self.declared, *self.steps, *operations.CONSTANTS])
        hint = f"Did you mean `{near}`?" if near else self.mend
        self._fail(node, f"`{name}` has no value. {hint}")

    def _variable(self, name: str, node: ast.Name) -> int:
        leaf = Node(operation="variable", name=name, span=self._span(node))
        sort = Sort.NUMBER
        if self.form_of is not None and name in self.form_of.operands:
            sort = self.form_of.sorts[self.form_of.operands.index(name)]
        self.variables[name] = self._add(leaf, sort)
        return self.variables[name]

    def _is_variable(self, name: str) -> bool:
        return (
            name in self.variables
            or name in self.steps
            or name in (self.declared or ())
        )

    # ── places ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _span(self, node: ast.expr) -> Span:
        if self.last_span is not None and self.last_span[0] is node:
            return self.last_span[1]  # of `max(x, y, …)`, every link
        line, column = self._true_place(node.lineno, node.col_offset)
        end_line, end_column = self._true_place(
            node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        )
        span = Span(line=line, column=column, end_line=end_line, end_column=end_column)
        self.last_span = node, span
        return span

    def _true_place(self, line: int, offset: int) -> tuple[int, int]:
        """Line and column in the text as given, both from 1, of a place in what Python's parser was given."""
        offset += self.shift
        return self._line_column(offset) if self.flat else (line, offset + 1)

    def _line_column(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.starts, offset, hi=len(self.lines))
        return line, offset - self.starts[line - 1] + 1

    def _source_of(self, node: ast.expr) -> str:
        span = self._span(node)
        return self.lines[span.line - 1][span.column - 1 : span.end_column - 1]

    def _fail(
        self, node: ast.expr | ast.stmt | ast.keyword | None, message: str
    ) -> NoReturn:
        if node is None:
            raise ExpressionError(message)
        self._fail_at(*self._true_place(node.lineno, node.col_offset), message)

    def _fail_at(self, line: int, column: int, message: str) -> NoReturn:
        """Raise with the line of source and a caret below the column."""
        shown = self.lines[line - 1] if line <= len(self.lines) else ""
        start = max(0, column - 40)  # a long line is shown around the place
        excerpt = shown[start : start + 80]
        caret = " " * (column - 1 - start) + "^"
        where = f"line {line}: " if len(self.lines) > 1 else ""
        raise ExpressionError(
            f"{where}{message}\n    {excerpt}\n    {caret}", place=Place(column=column)
        )


def _is_true(node: ast.expr) -> bool:
    return (isinstance(node, ast.Constant) and node.value is True) or (
        isinstance(node, ast.Name) and node.id == "true"
    )


def _decimal(text: str) -> Fraction | None:
    """The rational that a decimal spells; None where its exponent alone would make it huge."""
    found = re.fullmatch(r"[\d_.]+(?:[eE]([+-]?\d+))?", text)
    exponent = found.group(1) or "0" if found is not None else ""
    # Six characters hold any exponent that is not absurd; int() refuses thousands of digits in its own words.
    if not exponent or len(exponent) > 6 or abs(int(exponent)) > LARGEST_CONSTANT_BITS:
        return None
    try:
        return Fraction(text)
    except ValueError:  # where Python is set to convert fewer digits
        return None


def _describe(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return _LITERALS.get(type(node.value), "a number")
    if type(node) in _FOREIGN:
        return _FOREIGN[type(node)]
    return "a statement" if isinstance(node, ast.stmt) else "something else"


def _count(number: int) -> str:
    return "1 operand" if number == 1 else f"{number} operands"
