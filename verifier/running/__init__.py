"""Many cases: `plan` makes units of them, an executor carries these out, `run` gathers
the results in a record.

A unit is one case in one dtype with all its routes. Knows how to keep units apart from
each other and from the state of the process; knows nothing of reports, nor how a case
is verified.
"""
