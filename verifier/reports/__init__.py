"""Finished runs and surveys as text, JSON and Markdown.

One module a format, and `formats`, which names them. A report is a function of a record
and `options`: it knows records alone, runs nothing, reads and writes no file, and
prints nothing. `outcome` says what a run amounts to, up to the exit code.
"""
