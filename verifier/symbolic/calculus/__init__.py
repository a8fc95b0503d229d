"""Derivatives: SymPy's rules, the stepwise chain rule, the witness that uses no rule,
reverse mode with signed zeros.

Knows what a derivative is at a regular point, and that a point is at an edge; what
holds at an edge is for `limits`.
"""
