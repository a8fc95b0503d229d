"""The lines of a TOML text's keys, which `tomllib` does not tell."""

from __future__ import annotations

import re

Keys = tuple[str | int, ...]
"""The way to a value in a document: keys of tables, and positions in lists from 0."""

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\n\[\]{}=,.]"
    r"|[^\s\"'\#\[\]{}=,.]+",
    re.DOTALL,
)
_END = ""
"""What stands after the last token; no token is empty."""


def key_lines(text: str) -> dict[Keys, int]:
    """The line of each key, table and entry of a TOML text, from 1. Of a text that is no TOML, a guess."""
    return _Scanner(text).scan()


class _Scanner:
    """Walks the tokens of a text that tomllib has accepted; line breaks are tokens, comments and blanks are not."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        self.at_lines: list[int] = []
        self.next = 0
        self.lines: dict[Keys, int] = {}
        self.counts: dict[Keys, int] = {}
        line = 1
        for token in _TOKEN.findall(text):
            if token[0] != "#":
                self.tokens.append(token)
                self.at_lines.append(line)
            line += token.count("\n")
        self.tokens.append(_END)
        self.at_lines.append(line)

    def scan(self) -> dict[Keys, int]:
        table: Keys = ()
        while (token := self.tokens[self.next]) != _END:
            if token == "\n":
                self.next += 1
            elif token == "[":
                table = self._header()
            else:
                self._pair(table)
        return self.lines

    def _header(self) -> Keys:
        line = self.at_lines[self.next]
        is_entry = self.tokens[self.next + 1] == "["
        self.next += 2 if is_entry else 1
        names = self._key("]")
        self.next += 1 if is_entry else 0
        table: Keys = ()
        for index, name in enumerate(names):
            table = (*table, name)
            if is_entry and index == len(names) - 1:
                self.counts[table] = self.counts.get(table, -1) + 1
            if table in self.counts:  # the header speaks of the latest entry
                self.lines.setdefault(table, line)
                table = (*table, self.counts[table])
        self.lines.setdefault(table, line)
        return table

    def _key(self, end: str) -> list[str]:
        """The parts of a dotted key; the next token is then the one after `end`."""
        parts: list[str] = []
        while (token := self.tokens[self.next]) not in (end, _END):
            if token not in (".", "\n"):
                parts.append(token[1:-1] if token[0] in "\"'" else token)
            self.next += 1
        self.next += 1
        return parts

    def _pair(self, table: Keys) -> None:
        line = self.at_lines[self.next]
        keys = table
        for part in self._key("="):
            keys = (*keys, part)
            self.lines.setdefault(keys, line)
        self._value(keys)

    def _value(self, keys: Keys) -> None:
        match self.tokens[self.next]:
            case "[":
                self._container(keys, "]")
            case "{":
                self._container(keys, "}")
            case _:  # a plain value, of one token or several (1.5, a date)
                while self.tokens[self.next] not in ("\n", ",", "]", "}", _END):
                    self.next += 1

    def _container(self, keys: Keys, end: str) -> None:
        """Read a list or an inline table."""
        self.next += 1
        index = 0
        while (token := self.tokens[self.next]) not in (end, _END):
            if token in (",", "\n"):
                self.next += 1
            elif end == "}":
                self._pair(keys)
            else:
                self.lines[(*keys, index)] = self.at_lines[self.next]
                self._value((*keys, index))
                index += 1
        self.next += 1
