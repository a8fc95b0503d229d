"""Exact numbers, domains, drawn points and upstream gradients, real or complex.

`scalars` reads numbers and rounds them to a dtype, `enclosing` the constants among them;
`domains` are intervals and rectangles, from which `drawing` takes points; `bounds`
gathers an interval end by end; `upstream` has the gradients to start from. Knows neither
cases nor how anything is computed; no floating point but what formats hold.
"""
