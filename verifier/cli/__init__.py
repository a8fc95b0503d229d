"""The command line: one module a command, put together in `main`.

A command reads its arguments, calls what does the work, and prints: it computes
nothing. Shared by all are `command` (how one ends), `options`, `output` (where reports
go) and `stored` (the baseline of a run). Nothing heavy is imported before a
command needs it.
"""
