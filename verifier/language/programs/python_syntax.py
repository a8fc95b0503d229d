"""What of Python's syntax the language takes, and what it says of the rest."""

from __future__ import annotations

import ast

BINARY_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.Mod: "%",
    ast.FloorDiv: "//",
}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
CONNECTIVES: dict[type[ast.AST], tuple[str, str, str]] = {
    ast.BitAnd: ("&", "and", "Join conditions by `and`, or put each in parentheses."),
    ast.BitOr: ("|", "or", "Join conditions by `or`, or put each in parentheses."),
    ast.Invert: ("~", "not", "Negate a condition by `not`, or put it in parentheses."),
}
"""Of conditions: the word for the sign, and what to write where an operand is none."""
OTHER_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Is: ("is", "Write equality as `==`."),
    ast.IsNot: ("is not", "Write inequality as `!=`."),
    ast.In: ("in", "Write bounds as `a < x < b`."),
    ast.NotIn: ("not in", "Write bounds as `x < a or x > b`."),
}

_OTHER_NODES: dict[type[ast.AST], str] = {
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


def describe(node: ast.AST) -> str:
    """What a part of Python's tree is, in words."""
    if isinstance(node, ast.Constant):
        return _LITERALS.get(type(node.value), "a number")
    if type(node) in _OTHER_NODES:
        return _OTHER_NODES[type(node)]
    return "a statement" if isinstance(node, ast.stmt) else "something else"


def is_true(node: ast.expr) -> bool:
    """Whether it spells the condition that always holds."""
    return (isinstance(node, ast.Constant) and node.value is True) or (
        isinstance(node, ast.Name) and node.id == "true"
    )


def dotted(node: ast.expr) -> str:
    """The text of `a.b.c`; empty where something else stands before a point."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join((node.id, *reversed(parts)))
