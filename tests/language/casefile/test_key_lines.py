"""The line of every key of a case file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

from verifier.language.casefile.document import key_lines

Write = Callable[..., Path]


def test_the_line_of_every_key_is_known() -> None:
    text = '''\
top = 1 # [[case]]
[defaults]
"quoted key" = 1.5
a.b = 1979-05-27 07:32:00.5
[[case]]
text = """
[[case]]
x = 1 \\""" """""
literal = \'\'\'
[case.sub]\'\'\'\'
list = [ 1, # ]
  { x = 1, y = [
    2, "]" ] },
]
[case.sub.deeper]
z = {}
[[case.at]]
x = 1
[[case.at]]
x = 2
[[case]]
last = true
'''
    assert tomllib.loads(text)
    lines = key_lines(text)
    expected = {
        ("top",): 1,
        ("defaults",): 2,
        ("defaults", "quoted key"): 3,
        ("defaults", "a", "b"): 4,
        ("case", 0): 5,
        ("case", 0, "text"): 6,
        ("case", 0, "literal"): 9,
        ("case", 0, "list"): 11,
        ("case", 0, "list", 0): 11,
        ("case", 0, "list", 1, "x"): 12,
        ("case", 0, "list", 1, "y", 0): 13,
        ("case", 0, "list", 1, "y", 1): 13,
        ("case", 0, "sub", "deeper"): 15,
        ("case", 0, "sub", "deeper", "z"): 16,
        ("case", 0, "at", 0): 17,
        ("case", 0, "at", 0, "x"): 18,
        ("case", 0, "at", 1): 19,
        ("case", 0, "at", 1, "x"): 20,
        ("case", 1): 21,
        ("case", 1, "last"): 22,
    }
    assert {keys: lines.get(keys) for keys in expected} == expected
    assert ("case", 0, "x") not in lines
    assert ("case", 2) not in lines
    assert ("case", 0, "sub", "z") not in lines
