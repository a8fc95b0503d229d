"""One case, in stages, from what is asked to a result.

`prepare` (the true side, the subject, the points) → `first` (measure and judge every point;
`settled` where there are many) → `further` (runs at other upstream gradients and layouts) and
`whole` (bias, patterns) → `result` (culprits, regions, what it all comes to). `verify` puts
them in a line. The first place where both wings are known; it knows nothing of other cases,
of reports or of the command line.
"""
