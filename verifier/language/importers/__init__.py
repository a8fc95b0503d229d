"""Formulas of other formats → case files. Judges nothing.

An importer reads a file to `case_drafts.Draft`s, which become the text of a case file:
`formulas_csv` tables of formulas, `fpcore` FPCore's benchmarks. What our language cannot
say is left out by name, with its line and the reason.
"""
