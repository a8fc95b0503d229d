"""Expansions: what a function is on one side of a point, as an asymptotic series in t →
0+ with balls for coefficients.

`terms` is the data, `field` the arithmetic, `elementary` and `special` the functions at
infinity and at singularities, `functions` the table of them all, `derivatives`
term-by-term differentiation. They know neither programs nor paths.

An `Expansion` is a sum of terms c·t^e·ℓ^m·λ^n, where ℓ = log(1/t), λ = log ℓ, the
exponents are rational, and a remainder of a known order. What grows or decays faster
than every power of t is an `Exponential`, kept by its logarithm. The germs of functions
built from these operations form a Hardy field: each is eventually of one sign and may
be differentiated term by term (G. H. Hardy, Orders of Infinity, 1910; J. van der
Hoeven, Transseries and Real Differential Algebra, 2006). So a limit is read off the
leading term. Whether that term vanishes is asked of the coefficient's form and of its
ball (`exact`): what they cannot tell is `Unresolved`. What oscillates is in no Hardy
field: it is kept apart, as `Oscillation`.
"""
