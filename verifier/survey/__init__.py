"""The survey: how accurate PyTorch's values and gradients are, for every operation.

`plan` says what is surveyed; `sweep` takes one operation in one dtype through its
`points`; `accuracy` and `statistics` say how far PyTorch is off, and `regions` where;
`execution` does so for many. It knows operations, not case files, and gives no
verdicts: it counts ulps. It does not know how it is reported.
"""
