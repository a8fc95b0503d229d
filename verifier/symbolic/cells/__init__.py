"""The true values and gradients of programs of tensors: the same rules over columns of
balls, of float64 midpoints with radii, and of power series.

`rules` (formulas of the rows), `columns`, `midpoint_radius` and `series_columns` (arithmetics), `evaluation`
and `adjoints` (forward and reverse), `kinks` (where a row has no derivative), `blocks`
(functions of a matrix), `truth` (all of it by one interface). Knows no PyTorch.

What rounding may do: `spread` (bounds, by `rounding_bounds`) and `samples` (draws, by
`random_rounding`) evaluate the same programs with `kernel_reverse`, in the precision of
`units`; `paths` says which comparisons rounding may turn.
"""
