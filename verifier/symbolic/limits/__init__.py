"""What holds at an edge: one-sided limits, limits that several inputs leave, kinks, and
the boundary points themselves.

Knows expansions and derivatives, and nothing of formats' rounding, of how many
derivations there are, or of PyTorch.
"""
