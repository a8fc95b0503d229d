"""Texts of case files that several tests read, and what is read of them."""

from __future__ import annotations

from fractions import Fraction

from verifier.language.casefile.case import Expected

DESIGN = '''\
[defaults]                       # any key of a case
dtype = ["float32", "float64"]

[[case]]
name = "example-two"             # unique in its file
expression = "(a + 2) * 3"
at = { a = 100 }                 # one point; or a list of tables
upstream = 123                   # the upstream gradient (cotangent); default 1
expect = { value = 306, gradient = { a = 369 } }   # both sides are held to it

[[case]]
name = "squared-loss"
steps = """
b = a + 2
y_pred = b * 3
loss = (y_pred - y_target)**2
"""                              # named intermediates; the last one is the output
at = { a = 100, y_target = 290 }
wrt = ["a"]                      # default: every input
expect = { value = 256, gradient = { a = 96 } }

[[case]]
name = "gaussian"
expression = "exp(-(x - mu)**2 / (2*sigma**2)) / (sigma*sqrt(2*pi))"
domain = { x = "[-10, 10]", mu = "[-1, 1]", sigma = "(0, 5]" }
points = 256
cite = "DLMF 7.2"

[[case]]
name = "train"
steps = """
y_pred = (a + 2) * 3
loss = (y_pred - 290)**2
"""
at = { a = 100 }
descent = { parameter = "a", learning_rate = 0.01, epochs = 10 }
expect = { losses = [256.000, 172.134], weights = [99.04, 98.2528] }

[[case]]
name = "norm-at-zero"
expression = "sqrt(x**2 + y**2)"
at = { x = 0, y = 0 }
expect = { verdict = "differ.nonfinite", reason = "pytorch/pytorch#12345" }
'''

HEAD = '[[case]]\nname = "n"\n'
PRODUCT = HEAD + 'expression = "x*y"\n'  # its own line is 3
POINT = "at = { x = 1, y = 2 }\n"  # line 4 below PRODUCT
BOTH = PRODUCT + POINT

SUBJECT = (
    BOTH
    + """\
subject = "mylib.activations:swish"
inputs = ["y", "x"]
order = 2
routes = ["reverse-reverse", "forward-reverse"]
dtype = ["bfloat16", "float16"]
subgradient = "any"
accept = ["unstable", "differ.range"]
"""
)
DESCENT = 'descent = { parameter = "x", learning_rate = 0.1, epochs = 2 }\n'


def values(numbers: tuple[Expected, ...]) -> list[Fraction | None]:
    return [number.scalar.exact for number in numbers]


def half_units(numbers: tuple[Expected, ...]) -> list[Fraction | None]:
    return [number.half_unit for number in numbers]
