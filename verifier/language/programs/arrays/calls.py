"""Calls in formulas of arrays: functions of arrays by name, keyword and method, all
others as in formulas of numbers."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from fractions import Fraction
from typing import NoReturn

from verifier.errors import did_you_mean
from verifier.language.operations import arrays, losses
from verifier.language.operations import table as operations
from verifier.language.operations.arrays import (
    KEYWORDS,
    LISTS,
    OPERANDS,
    TORCH,
    ArrayFunction,
)
from verifier.language.operations.libraries import BY_PREFIX, FUNCTIONAL
from verifier.language.operations.table import Operation
from verifier.language.programs.arrays.building import ArrayBuilder, lifted
from verifier.language.programs.arrays.functions import BUILDS
from verifier.language.programs.arrays.options import ArrayCall, Static
from verifier.language.programs.calls import plan_call
from verifier.language.programs.plans import Context, Emit, Plan
from verifier.language.programs.program import Span
from verifier.language.programs.python_syntax import dotted

_LOSSES = frozenset(row.name for row in losses.ROWS)
_OF_TWO = {"max": "maximum", "min": "minimum", "logsumexp": "logaddexp"}
"""Functions of arrays that are, of several operands, rows of the table."""
_MOST_ARGUMENTS = 1000


def plan_array_call(node: ast.Call, context: Context, static: Static) -> Plan:
    """How a call is read."""
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            context.fail(node, "expected plain arguments, found a star (`*a`)")
    function = node.func
    if isinstance(function, ast.Attribute):
        prefix = dotted(function.value)
        root = prefix.partition(".")[0]
        hidden = context.names.is_variable(context.names.meant(root))
        if hidden or not arrays.is_library(prefix):
            return _method(node, function, context, static)
        found = arrays.of_library(prefix, function.attr)
        if found is None:
            _check_library(function, prefix, context)
            return _scalar(node, function.attr, context, static)
        library, array_function = found
        return _Binding(node, array_function, library, static).plan()
    if isinstance(function, ast.Name):
        name = static.builder.source.name(function)
        found_function = arrays.find(name)
        hidden = context.names.is_variable(context.names.meant(name))
        if found_function is not None and not hidden and not _is_sum(node):
            return _Binding(node, found_function, "", static).plan()
        return _scalar(node, name, context, static)
    return plan_call(node, context)


def _is_sum(node: ast.Call) -> bool:
    """Whether it is `sum(x**k for k in range(1, 11))`."""
    return len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp)


def _check_library(function: ast.Attribute, prefix: str, context: Context) -> None:
    """That a library's function that is none of arrays is one of numbers."""
    library = BY_PREFIX.get(prefix)
    if library is None:
        names = arrays.names_of(prefix)
        hint = did_you_mean(function.attr, names, "`verifier help arrays` lists all.")
        context.fail(function, f"unknown operation `{prefix}.{function.attr}`.{hint}")
    if function.attr in arrays.known_names():
        mend = f"Write `{function.attr}(…)`."
        context.fail(function, f"`{prefix}` has no `{function.attr}` of arrays. {mend}")


# ── functions of numbers ──────────────────────────────────────────────────────────────


def _scalar(node: ast.Call, name: str, context: Context, static: Static) -> Plan:
    """A call of a row of the table, elementwise; a loss is reduced as PyTorch's."""
    row = operations.find(name)
    if row is None or row.name not in _LOSSES:
        return plan_call(node, context)
    if isinstance(node.func, ast.Attribute):
        library = BY_PREFIX.get(dotted(node.func.value))
        if library is not FUNCTIONAL:
            return plan_call(node, context)
    kept = [k for k in node.keywords if k.arg != "reduction"]
    given = [k.value for k in node.keywords if k.arg == "reduction"]
    bare = ast.Call(func=node.func, args=node.args, keywords=kept)
    plan = plan_call(ast.copy_location(bare, node), context)
    builder, span = static.builder, static.builder.source.span(node)
    word = _reduction(given, static)
    if word == "batchmean" and row.name not in ("kl_div", "kl_div_log"):
        static.fail(given[0], f'`{name}` expected "mean", "sum" or "none"')

    def emit(operands: list[int]) -> int:
        index = plan.emit(operands)
        shape = builder.shape(index)
        if word == "none" or not shape:
            return index
        dims = tuple(range(len(shape)))
        operation = "mean" if word == "mean" else "sum"
        result = builder.array(operation, (index,), (), span, dims=dims, keepdim=False)
        if word == "batchmean":
            rows = builder.constant(Fraction(shape[0]), span)
            return lifted(builder, "div", (result, rows), span)
        return result

    return Plan(plan.parts, emit, plan.indices)


def _reduction(given: Sequence[ast.expr], static: Static) -> str:
    if not given:
        return "mean"
    value = given[0].value if isinstance(given[0], ast.Constant) else None
    if value not in ("mean", "sum", "none", "batchmean"):
        static.fail(given[0], 'expected "mean", "sum" or "none" as `reduction`')
    return str(value)


# ── methods ───────────────────────────────────────────────────────────────────────────


def _method(
    node: ast.Call, function: ast.Attribute, context: Context, static: Static
) -> Plan:
    """`x.sum(0)` and `x.exp()`."""
    name = function.attr
    array_function = arrays.find(name)
    if array_function is not None and array_function.parameters[0] == "x":
        return _Binding(node, array_function, "", static, function).plan()
    size = static.integer(node)  # `x.size(0)`
    if size is not None:
        return constant_plan(size, node, static)
    row = operations.find(name)
    place = static.builder.source.member(function)
    if row is None:
        names = [*arrays.known_names(), *operations.known_names()]
        hint = did_you_mean(name, names, "`verifier help arrays` lists all.")
        static.builder.source.fail(place, f"unknown method `{name}`.{hint}")
    if row.name in _LOSSES:
        static.builder.source.fail(
            place, f"expected a method of arrays, found the loss `{name}`"
        )
    plain = ast.copy_location(ast.Name(id=row.name), node)
    args = [function.value, *node.args]
    call = ast.Call(func=plain, args=args, keywords=node.keywords)
    hidden = context.names.is_variable(row.name)
    if hidden:
        static.builder.source.fail(place, f"`{name}` is a variable here")
    return plan_call(ast.copy_location(call, node), context)


def constant_plan(size: int, node: ast.expr, static: Static) -> Plan:
    """A size of an array, which is a number."""
    builder = static.builder
    span = builder.source.span(node)
    return Plan([], lambda _: builder.constant(Fraction(size), span))


# ── functions of arrays ───────────────────────────────────────────────────────────────


class _Binding:
    """A call of a function of arrays: which argument is which parameter."""

    def __init__(
        self,
        node: ast.Call,
        function: ArrayFunction,
        library: str,
        static: Static,
        method: ast.Attribute | None = None,
    ) -> None:
        self.node, self.function, self.static = node, function, static
        self.library, self.method = library, method
        source = static.builder.source
        self.span = source.span(node)
        if method is not None:
            self.written = method.attr
            self.place = source.member(method)
        else:
            self.written = dotted(node.func)
            self.place = source.span(node.func)
        self.args = [] if method is None else [method.value]
        self.args += node.args
        if len(self.args) > _MOST_ARGUMENTS:
            self._fail(f"expected at most {_MOST_ARGUMENTS} operands")

    def plan(self) -> Plan:
        of_several = self._of_several()
        if of_several is not None:
            return of_several
        given = self._bound()
        operands: dict[str, ast.expr] = {}
        several: list[ast.expr] = []
        options: dict[str, ast.expr | Sequence[ast.expr]] = {}
        for name, value in given.items():
            if name in LISTS:
                several = self._list(value)
            elif name in OPERANDS or name == "values":
                assert isinstance(value, ast.expr)
                if not (isinstance(value, ast.Constant) and value.value is None):
                    operands["x" if name == "values" else name] = value
            else:
                options[name] = value
        return Plan([*operands.values(), *several], self._emit(list(operands), options))

    def _emit(
        self, names: Sequence[str], options: dict[str, ast.expr | Sequence[ast.expr]]
    ) -> Emit:
        def emit(nodes: list[int]) -> int:
            count = len(names)
            call = ArrayCall(
                written=self.written,
                function=self.function,
                library=self.library,
                is_method=self.method is not None,
                static=self.static,
                span=self.span,
                place=self.place,
                options=options,
                operands=dict(zip(names, nodes[:count], strict=True)),
                several=nodes[count:],
            )
            return BUILDS[self.function.name](call)

        return emit

    # ── which argument is which ─────────────────────────────────────────────────────

    def _bound(self) -> dict[str, ast.expr | Sequence[ast.expr]]:
        function, names = self.function, self.function.parameters
        args = self._args_with_gaps()
        plain = names[:-1] if function.takes_rest else names
        given: dict[str, ast.expr | Sequence[ast.expr]] = dict(
            zip(plain, args, strict=False)
        )
        rest = args[len(plain) :]
        if rest and function.takes_rest:
            given[names[-1]] = rest
        elif rest:
            self._refuse_count(len(args))
        for keyword in self.node.keywords:
            name = self._parameter(keyword)
            if name in given:
                self.static.fail(keyword, f"`{self.written}` is given `{name}` twice")
            given[name] = keyword.value
        for name in function.required:
            if name not in given:
                self._refuse_count(len(self.args) + len(self.node.keywords))
        return given

    def _args_with_gaps(self) -> list[ast.expr]:
        """`layer_norm(x, w, b)` lacks the shape before the weight."""
        args = list(self.args)
        is_norm = "normalized_shape" in self.function.parameters
        if is_norm and len(args) > 1 and self.static.integers(args[1]) is None:
            args.insert(1, ast.copy_location(ast.Constant(None), args[1]))
        return args

    def _parameter(self, keyword: ast.keyword) -> str:
        written, names = keyword.arg or "**", self.function.parameters
        for name in (written, KEYWORDS.get(written, "")):
            if name in names:
                return name
        hint = did_you_mean(written, names)
        listed = ", ".join(names)
        self.static.fail(
            keyword,
            f"`{self.written}` has no parameter `{written}`, only {listed}.{hint}",
        )

    def _refuse_count(self, found: int) -> NoReturn:
        listed = ", ".join(self.function.parameters)
        self._fail(f"`{self.written}` takes {listed}: found {found} of them")

    def _list(self, value: ast.expr | Sequence[ast.expr]) -> list[ast.expr]:
        """The arrays of a list, or of the arguments after an equation."""
        if isinstance(value, (ast.List, ast.Tuple)):
            value = value.elts
        elif isinstance(value, ast.expr):
            self.static.fail(
                value, f"expected a list of arrays, as in `{self.written}([x, y])`"
            )
        if not value:
            self._fail("expected at least one array, found none")
        return list(value)

    def _fail(self, message: str) -> NoReturn:
        self.static.builder.source.fail(self.place, message)

    # ── of several operands ─────────────────────────────────────────────────────────

    def _of_several(self) -> Plan | None:
        """`max(x, y)` of two arrays, which `torch.max(x, 0)` and `x.max(0)` are not."""
        row_name = _OF_TWO.get(self.function.name)
        if row_name is None or self.node.keywords or len(self.args) < 2:
            return None
        row = operations.find(row_name)
        assert row is not None
        second = self.args[1]
        is_axis = self.static.integers(second) is not None
        if self.library or self.method is not None:
            if is_axis or self.library != TORCH:
                return None
        return Plan(self.args, self._row(row, is_axis=is_axis and len(self.args) == 2))

    def _row(self, row: Operation, *, is_axis: bool) -> Emit:
        builder: ArrayBuilder = self.static.builder
        span: Span = self.span

        def emit(nodes: list[int]) -> int:
            if is_axis and builder.shape(nodes[0]):
                number = builder.source.at(builder.source.span(self.args[1]))
                name = self.function.name
                self._fail(
                    f"`{name}(x, {number})` of an array may be either of two. "
                    f"Write `{name}(x, axis={number})`, or `{_OF_TWO[name]}(x, {number})` of each number."
                )
            return builder.apply_to_all(row, nodes, span)

        return emit
