"""Finished runs and surveys as text, JSON, Markdown and what CI servers read.

One module a format, and `formats`, which names them. A report is a function of a record
and `options`: it knows records alone, runs nothing, prints nothing, and of files it reads
pages of the manual alone. `outcome` says what a run amounts to, up to the exit code.
"""
