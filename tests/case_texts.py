"""Case files of which it is known how they end."""

GOOD = """
[[case]]
name = "example-two"
expression = "(a + 2) * 3"
at = { a = 100 }
upstream = 123
dtype = ["float32", "float64"]
tags = ["notebook"]
expect = { value = 306, gradient = { a = 369 } }
"""
"""As expected, in two dtypes."""
UNSTABLE = """
[[case]]
name = "quotient"
expression = "(exp(x) - 1) / x"
at = { x = "1e-7" }
dtype = ["float32"]
tags = ["stability"]
"""
"""`differ.unstable`."""
SAMPLED = """
[[case]]
name = "gaussian"
expression = "exp(-x**2 / 2)"
domain = { x = "[-3, 3]" }
points = 20
dtype = ["float64"]
"""
"""As expected, at drawn points."""
