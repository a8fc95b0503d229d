"""What is said of text that is no formula: what was expected, and what to write."""

from __future__ import annotations

import keyword
import re
from typing import NoReturn

from verifier.language.operations import spellings
from verifier.language.operations import table as operations
from verifier.language.programs import characters
from verifier.language.programs.reading import Reading
from verifier.language.programs.tokens import Token

_PRODUCT = "Write a product as `*`."
_NO_DERIVATIVE = "a formula holds no derivatives: `verifier` takes them itself. Write the function alone."
_INSTEAD = {
    "<>": "Write inequality as `!=`.",
    "~=": "Write inequality as `!=`.",
    "=<": "Write it as `<=`.",
    "=>": "Write it as `>=`.",
    "&&": "Write it as `and`.",
    "%%": "Write a remainder as `%`.",
    "::": "Write the name alone, as in `exp(x)`.",
    "***": "Write a power as `**`.",
    ".*": "Write it without the point, as `*`.",
    "./": "Write it without the point, as `/`.",
    ".^": "Write it without the point, as `**`.",
    ".(": "Write the call without the point.",
    "<<": "Write a factor as `*`.",
    ">>": "Write a quotient as `/`.",
    "@": f"{_PRODUCT} Of arrays, declare their `shapes`.",
    "~": "Write inequality as `!=`.",
    ":=": "Name parts of a formula in `steps`.",
    "->": "Write a function as its formula alone.",
    "?": "Write a choice as `where(condition, a, b)`.",
    ":": "Write a choice as `where(condition, a, b)`.",
    ";": "Drop it; each step stands in a line of its own.",
    "$": "Drop it.",
    "`": "Drop it.",
    "{": "Write parentheses `(…)`.",
    "}": "Write parentheses `(…)`.",
    "]": "Write parentheses `(…)`.",
    "°": "Write degrees as `deg2rad(x)`.",
    "‰": "Write it as `x/1000`.",
    "±": "Write one formula for each sign.",
    "∓": "Write one formula for each sign.",
    "⌊": "Write it as `floor(x)`.",
    "⌋": "Write it as `floor(x)`.",
    "⌈": "Write it as `ceil(x)`.",
    "⌉": "Write it as `ceil(x)`.",
    "∜": "Write it as `x**(1/4)`.",
    "‖": "Write a length as `hypot(x, y)`.",
    "∥": "Write a length as `hypot(x, y)`.",
    "∑": "Write it as `sum(x**k for k in range(1, 11))`: k from 1 to 10.",
    "∏": "Write it as `prod(x + k for k in range(1, 11))`: k from 1 to 10.",
    "...": "Write all terms, or `sum(x**k for k in range(1, 11))`.",
    "…": "Write all terms, or `sum(x**k for k in range(1, 11))`.",
    "∘": "Write the functions one within the other, as `f(g(x))`.",
    "≈": "Write the formula alone.",
    "≡": "Write equality as `==`.",
    "→": "Write the formula alone.",
    "∣": "Write an absolute value as `abs(x)`.",
    "＝": "Write equality as `==`.",
}
"""What to write for what the language lacks, where one sentence says it."""
_LATEX = {
    "frac": "Write a quotient as `(a)/(b)`.",
    "dfrac": "Write a quotient as `(a)/(b)`.",
    "tfrac": "Write a quotient as `(a)/(b)`.",
    "cdot": _PRODUCT,
    "times": _PRODUCT,
    "div": "Write a quotient as `/`.",
    "sqrt": "Write a root as `sqrt(x)`.",
    "left": "Write parentheses `(…)` alone.",
    "right": "Write parentheses `(…)` alone.",
    "leq": "Write it as `<=`.",
    "le": "Write it as `<=`.",
    "geq": "Write it as `>=`.",
    "ge": "Write it as `>=`.",
    "neq": "Write it as `!=`.",
    "infty": "Write it as `inf`.",
    "mathrm": "Write the name alone.",
    "operatorname": "Write the name alone.",
    "sum": _INSTEAD["∑"],
    "prod": _INSTEAD["∏"],
    "int": "A formula holds no integrals. Write it out.",
    "partial": "Write the function alone: `verifier` takes the derivatives itself.",
}


class Complaint(Exception):
    """What is wrong at an offset of the text."""

    def __init__(self, offset: int, message: str) -> None:
        self.offset = offset
        super().__init__(message)


class Complaints:
    """Says what is wrong where a scanner has stopped, or lets it go on."""

    def __init__(self, scanner: Reading) -> None:
        self.scanner = scanner

    # ── operands and operators ──────────────────────────────────────────────────────

    def missing_operator(self, token: Token) -> NoReturn:
        """Two operands side by side."""
        scanner, left = self.scanner, self.scanner.last
        assert left is not None
        if left.kind == "name" and left.text not in scanner.known:
            if keyword.iskeyword(left.text):
                what = "`name = expression`" if scanner.in_lines else "a formula alone"
                raise Complaint(
                    left.start,
                    f"expected {what}, found Python's `{left.text}`. Drop it.",
                )
            if _is_operation(left.text):
                raise Complaint(
                    token.start,
                    f"expected `(` after `{left.text}`, found `{token.text}`. "
                    f"Write `{left.text}({token.text}{_rest(token)})`.",
                )
        if (
            left.kind == "number"
            and left.end == token.start
            and token.text in ("e", "E")
        ):
            raise Complaint(
                token.start,
                f"expected an exponent after `{left.text}{token.text}`, found none. "
                f"Write `{left.text}e0`, or the product with e as `{left.text}*e`.",
            )
        before = scanner.before_last if left.kind == "superscript" else None
        right = _side(token)
        if token.kind == "name" and scanner.tokens[scanner.at].text == "(":
            right += "(…)"
        mend = f"Write the product as `{_side(before) if before else ''}{_side(left)}*{right}`."
        if left.kind == token.kind == "number":
            mend = "Write one number without blanks, and with one point at most."
        elif left.text == ")" and "nn." in (scanner.closed or ""):
            name = (scanner.closed or "").rpartition(".")[2].lower()
            mend = f"Write the function itself, as in `{name}(x)`."
        elif token.text in ("not", "else", "for"):
            mend = "Write `and` or `or`."
        raise Complaint(
            token.start,
            f"expected an operator before `{token.text}`, found none. {mend}",
        )

    def missing_operand(self, token: Token) -> NoReturn:
        """An operator, a closing parenthesis or an end where an operand has to come."""
        last, text = self.scanner.last, token.text
        before = "" if last is None else last.text
        if token.kind in ("line", "end"):
            mend = (
                ". A step goes on in a new line only in parentheses."
                if token.kind == "line"
                else ""
            )
            raise Complaint(
                last.start if last else token.start,
                f"expected an operand after `{before}`, found nothing{mend}",
            )
        if text in ("*", "**") and before in ("(", ","):
            message = f"expected plain arguments, found a star (`{text}a`)"
        elif text in ("=", "==") and not self.scanner.statement:
            message = f"expected a formula, found `{text}` before it. Drop it."
        elif text == "=" and self.scanner.in_lines and before in ("+", "-", "*", "/"):
            message = f"expected `name = expression`, found an update (`{before}=`)"
        elif text == "|":
            message = f"expected a formula, found `|`. {self._absolute(token)}"
        elif text in ("if", "for"):
            form = {
                "if": "where(condition, a, b)",
                "for": "sum(x**k for k in range(1, 11))",
            }[text]
            message = (
                f"expected an operand before `{text}`, found none. Write `{form}`."
            )
        elif text == ")" and before == "(":
            message = "expected a formula between the parentheses, found nothing"
        elif before and before != "(":
            message = f"expected an operand between `{before}` and `{text}`, found none"
        else:
            message = f"expected an operand before `{text}`, found none"
        raise Complaint(token.start, message)

    def _absolute(self, token: Token) -> str:
        """What to write for `|x|`."""
        inner = ""
        for other in self.scanner.tokens[self.scanner.at : self.scanner.at + 20]:
            if other.text.startswith("|") or other.kind in ("line", "end"):
                break
            inner += other.text
        else:
            inner = ""
        return f"Write an absolute value as `abs({inner.strip() or 'x'})`."

    # ── signs that mean something else here ─────────────────────────────────────────

    def check_equals(self, token: Token) -> None:
        """`=` names a step or a parameter."""
        scanner = self.scanner
        last, before = scanner.last, scanner.before_last
        if scanner.frames:
            is_first = before is not None and before.text in ("(", ",")
            is_name = last is not None and last.kind == "name"
            if scanner.frames[-1].called and is_first and is_name:
                return
            message = "expected a formula, found `=`. Write equality as `==`."
        elif not scanner.in_lines:
            message = (
                "expected a formula, found `=`. Write what stands to its right alone, "
                "or equality in a condition as `==`."
            )
        elif scanner.statement == 1 and last is not None and last.kind == "name":
            return
        else:
            message = "expected `name = expression`, found another `=`. A step is a name without arguments, given once."
        raise Complaint(token.start, message)

    def check_bar(self, token: Token) -> None:
        """`ln|x|`."""
        last = self.scanner.last
        if last is not None and last.kind == "name" and _is_operation(last.text):
            if last.text not in self.scanner.known:
                inner = self._absolute(token)
                raise Complaint(
                    token.start, f"expected `(` after `{last.text}`, found `|`. {inner}"
                )

    def check_comma(self, token: Token) -> None:
        """`,` stands between arguments, and in the pairs of `Piecewise`."""
        scanner, last, next_ = (
            self.scanner,
            self.scanner.last,
            self.scanner.next_token(),
        )
        if any(frame.called for frame in scanner.frames[-2:]):
            return
        mend = "Verify each formula by itself."
        if last is not None and last.kind == next_.kind == "number":
            digits = f"{last.text}{next_.text}"
            mend = f"Write a decimal with a point: `{last.text}.{next_.text}`."
            if len(next_.text) == 3 and digits.isdigit():
                mend = f"Write `{digits}` without the comma, or `{last.text}.{next_.text}` with a point."
        elif next_.kind in ("end", "line") or next_.text == ")":
            mend = "Drop it."
        what = "`name = expression`" if scanner.in_lines else "one formula"
        raise Complaint(token.start, f"expected {what}, found `,`. {mend}")

    def check_power(self, token: Token) -> None:
        """`sin^2(x)` is no power of an operand."""
        last = self.scanner.last
        if last is None or last.kind != "name" or last.text in self.scanner.known:
            return
        if not _is_operation(last.text):
            return
        exponent = (
            characters.raised(token.text) or ""
            if token.kind == "superscript"
            else "".join(t.text for t in self.scanner.tokens[self.scanner.at :][:2])
        )
        name = last.text
        mend = f"Write `{name}(x)**2`."
        if exponent.startswith("-1"):
            mend = f"Write `1/{name}(x)`."
            if operations.find(f"a{name}") is not None:
                mend = f"Write `a{name}(x)` for the inverse, `1/{name}(x)` for the quotient."
        raise Complaint(
            token.start,
            f"expected `(` after the operation `{name}`, found a power. {mend}",
        )

    def check_quotient(self, token: Token) -> None:
        """`d/dx` is no quotient."""
        last, following = self.scanner.last, self.scanner.next_token()
        if last is not None and last.text == "d" and "d" not in self.scanner.known:
            if re.fullmatch(r"d[A-Za-z]\w*", following.text):
                raise Complaint(last.start, _NO_DERIVATIVE)

    def check_percent(self, token: Token) -> None:
        """`%` is a remainder, and so stands between two operands."""
        following = self.scanner.next_token()
        if (
            following.kind in ("operator", "end", "line")
            and following.text not in "(+-~"
        ):
            last = self.scanner.last
            number = last.text if last is not None and last.kind == "number" else "x"
            raise Complaint(
                token.start,
                f"expected an operand after `%`, the remainder, found none. Write {number} percent as `{number}/100`.",
            )
        if not following.text:
            raise Complaint(
                token.start,
                "expected an operand after `%`, found nothing. Write percents as `x/100`.",
            )

    def superscript(self, token: Token) -> NoReturn:
        """One with nothing below it, or that is no exponent."""
        if self.scanner.wants_operand:
            message = f"expected an operand before `{token.text}`, found none"
            if self.scanner.next_token().kind == "root":
                message += ". Write a root as `x**(1/n)`, a cube root as `cbrt(x)`."
        else:
            message = (
                f"expected a number or a name as exponent, found `{token.text}`. "
                "Write the power with `**`."
            )
        raise Complaint(token.start, message)

    def power_of_power(self, token: Token) -> NoReturn:
        """`x²^y`."""
        raise Complaint(
            token.start,
            f"expected one exponent, found two. Write `(x{token.text})**y` or `x**(…)`.",
        )

    def root(self, token: Token) -> NoReturn:
        """`√-x`."""
        raise Complaint(
            token.start,
            f"expected a number, a name or parentheses after the root, found `{token.text}`. Write `√(…)`.",
        )

    def rooted_power(self, token: Token) -> NoReturn:
        """`√x²` may be either of two."""
        raise Complaint(
            token.start,
            "expected the power and the root in parentheses, found neither. "
            "Write `sqrt(x**2)` or `sqrt(x)**2`.",
        )

    def leading_zero(self, token: Token) -> None:
        """`1,000` would be two numbers."""
        last, before = self.scanner.last, self.scanner.before_last
        mend = f"Write `{token.text.lstrip('0') or '0'}`."
        if last is not None and before is not None and last.text == ",":
            if before.kind == "number":
                mend = f"Write `{before.text}{token.text}` without the comma."
        raise Complaint(
            token.start, f"expected a number, found the digits `{token.text}`. {mend}"
        )

    # ── what the language lacks ─────────────────────────────────────────────────────

    def foreign(self, token: Token) -> NoReturn:
        """A sign that is none of the language's."""
        text, last = token.text, self.scanner.last
        operand = not self.scanner.wants_operand
        name = last.text if operand and last is not None and last.kind == "name" else ""
        message = f"expected a formula, found `{text}`"
        mend = _INSTEAD.get(text)
        if text == "!":
            what = f"factorial({_side(last)})" if operand and last else "not p"
            word = "a factorial" if operand else "negation"
            mend = f"Write {word} as `{what}`."
        elif text == "[":
            small = name.lower() if operations.find(name.lower()) else name
            mend = f"Write `{small}(…)`." if name else "Write parentheses `(…)`."
            if not operations.find(small) and small not in spellings.COMPOSED:
                mend += " Of arrays, declare their `shapes`."
            mend = spellings.FOREIGN.get(name) or mend
        elif text == ";" and self.scanner.frames:
            mend = "Write a comma between arguments."
        elif text == "{" and name.endswith("_"):
            mend = f"Write an index as `{name}1`."
        elif text == "||":
            mend = (
                "Write it as `or`." if operand else "Write a length as `hypot(x, y)`."
            )
        elif text == "\\":
            mend = self._latex(token)
        elif text in ("'", "’", "′", "″", '"', "“", "”"):
            if operand and text not in ('"', "“", "”"):
                raise Complaint(token.start, _NO_DERIVATIVE)
            message, before = (
                "expected a formula, found a string",
                self.scanner.before_last,
            )
            if last is not None and last.text == "=" and before is not None:
                mend = f"Leave `{before.text}` out."
                if before.text == "approximate":
                    mend = "Write `gelu_tanh(x)`."
        elif text in ("∂", "∇"):
            raise Complaint(token.start, _NO_DERIVATIVE)
        elif text in ("∫", "∮"):
            mend = "A formula holds no integrals. Write it out."
        elif text == ".":
            mend = (
                "Write `f(x)` for a method `x.f()`. Of arrays, declare their `shapes`."
            )
        elif mend is None:
            message = f"expected a character of formulas, found {characters.code_point(text[0])}"
            latin = characters.in_latin(text[0])
            mend = f"Write `{latin}`." if latin.strip() else "Remove it."
        raise Complaint(token.start, f"{message}. {mend}" if mend else message)

    def _latex(self, token: Token) -> str:
        following = self.scanner.tokens[self.scanner.at]
        word = following.text.partition(".")[0]
        if word in _LATEX:
            return _LATEX[word]
        if following.kind == "name" and following.start == token.end:
            call = (
                "(x)" if _is_operation(word) and word not in ("gamma", "beta") else ""
            )
            return f"Write `{word}{call}` without the backslash."
        return "Drop it."


def _is_operation(name: str) -> bool:
    return operations.find(name) is not None or name in spellings.COMPOSED


def _side(token: Token) -> str:
    """An operand as a suggestion writes it."""
    if token.kind == "root":
        return f"{token.text}(…)"
    return "(…)" if token.text in ("(", ")") else token.text


def _rest(token: Token) -> str:
    """What stands for more than the one token that is shown."""
    return "" if token.kind in ("name", "number", "constant") else "…"
