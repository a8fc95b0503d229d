"""Numbers that enclose, and what is computed with them.

`balls` and `complex_balls` (enclosures), `regularity` and `complex_cuts` (where an
operation is smooth), `series` and `taylor` (power series), `exact` (numbers with a form
in which equal ones cancel), `expansions` (one side of a point), `evaluation` and
`straight_lines` (formulas and programs). Knows programs, and neither derivatives nor
SymPy.
"""
